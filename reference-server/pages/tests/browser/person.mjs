// Somebody at the page: looks, clicks, types. What the browser complains of is a fault of the page.

import { axeSource, picture } from "./world.mjs";

const PATIENCE = 30_000;

export class Person {
  constructor(world) {
    this.world = world;
    this.complaints = [];
  }

  async begin(profile, more = {}) {
    this.context = await this.world.launch(profile, more);
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.page.setDefaultTimeout(PATIENCE);
    this.page.on("console", (message) => {
      // A refusal by the issuer is no fault of the page.
      const isAnswer = message.text().startsWith("Failed to load resource");
      // The issuer knows one algorithm; a browser warns of authenticators that know another alone.
      const isAdvice = message.text().startsWith("publicKey.pubKeyCredParams is missing");
      if (["error", "warning"].includes(message.type()) && !isAnswer && !isAdvice) this.complaints.push(message.text());
    });
    this.page.on("pageerror", (error) => this.complaints.push(error.stack ?? String(error)));
    await this.page.goto(`${this.world.issuer}/wallet/`);
    return this;
  }

  end() {
    return this.context?.close();
  }

  noComplaints() {
    if (this.complaints.length > 0) throw new Error(`the browser complains: ${this.complaints.join("; ")}`);
  }

  click(selector) {
    return this.page.locator(selector).first().click();
  }

  /** Types over whatever stands in a field. */
  async type(selector, text) {
    await this.click(selector);
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.keyboard.press("Delete");
    await this.page.keyboard.type(text);
  }

  /** Puts in what was copied elsewhere. */
  async paste(selector, text) {
    await this.click(selector);
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.keyboard.insertText(text);
  }

  /** Goes by the tabulator until a control has the focus. */
  async tabTo(selector) {
    for (let tries = 0; tries < 120; tries += 1) {
      if (await this.page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`the tabulator does not lead to ${selector}`);
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  /** Waits until it is to be seen. */
  async sees(selector) {
    await this.page.locator(selector).first().waitFor({ state: "visible" });
  }

  count(selector) {
    return this.page.locator(selector).count();
  }

  async reads(selector) {
    return (await this.page.locator(selector).first().innerText()).trim();
  }

  async go(view, heading = view) {
    await this.click(`nav a:has-text("${view}")`);
    await this.sees(`h1:has-text("${heading}")`);
  }

  picture(name) {
    return picture(this.page, name);
  }

  /** The browser's own tools for this page. They are kept: one that leaves takes a played authenticator along. */
  async tools() {
    this.session ??= await this.context.newCDPSession(this.page);
    return this.session;
  }

  /** What a tool for accessibility has against the page as it stands. */
  async accessible(where) {
    // Over the protocol of the browser's own tools: the page's policy lets no page run a text.
    const session = await this.tools();
    const run = async (expression) => {
      const { result, exceptionDetails } = await session.send("Runtime.evaluate",
        { expression, awaitPromise: true, returnByValue: true, allowUnsafeEvalBlockedByCSP: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    await run(`${axeSource()}; true`);
    const found = JSON.parse(await run(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
      "best-practice"] }).then(({ violations, passes }) => JSON.stringify({ passes: passes.length, violations: violations
      .map(({ id, help, nodes }) => id + ": " + help + " at " + nodes.map(({ target }) => target.join(" ")).join(", ")) }))`));
    equal(found.violations, [], `${where}: accessibility`);
    if (found.passes < 10) throw new Error(`${where}: the tool looked at nothing`);
  }
}

export function equal(is, should, what) {
  const [one, other] = [is, should].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${what} is ${one}, not ${other}`);
}

export function holds(fact, what) {
  if (!fact) throw new Error(what);
}
