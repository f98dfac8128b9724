// From nothing to a mandate, a payment under it, and a question that is answered.

import { equal, holds } from "./person.mjs";

const HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

export const steps = [
  ["the browser trusts the demo's authority in its own profile, and one that does not sees no page", async (person, world) => {
    await person.sees("#open");
    equal(await person.page.evaluate(() => isSecureContext), true, "the page by a certificate that the browser believes");
    const context = await world.launch("stranger", { home: world.strangersHome() });
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      const refused = await page.goto(`${world.issuer}/wallet/`).then(() => "nothing", ({ message }) => message);
      holds(refused.includes("ERR_CERT_AUTHORITY_INVALID"), `a browser that was told nothing says ${refused}`);
    } finally {
      await context.close();
    }
  }],

  ["every answer of the page says what a browser may do", async (_, world) => {
    for (const path of ["/wallet/", "/wallet/app.js", "/wallet/wallet.css", "/wallet/phrases.csv"]) {
      const { headers } = await world.ask(path);
      for (const [name, value] of Object.entries(HEADERS)) equal(headers[name], value, `${path}: ${name}`);
      const policy = headers["content-security-policy"];
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "trusted-types 'none'"]) {
        holds(policy.includes(part), `${path}: ${policy} has no ${part}`);
      }
      holds(!/unsafe|\*|https?:|data:/.test(policy), `${path}: ${policy} lets too much in`);
      holds(!("set-cookie" in headers), `${path} sets a cookie`);
    }
    const missing = await world.ask("/wallet/..%2f..%2fissuer.toml");
    equal(missing.status, 404, "a file that is no part of the page");
  }],

  ["an account is opened for a key that the browser makes and nobody can read", async (person) => {
    await person.sees("#open");
    await person.picture("start");
    await person.accessible("start");
    await person.click("#open");
    await person.sees('h1:has-text("Agents")');
    await person.picture("agents-empty");
    const key = await person.page.evaluate(() => new Promise((done, failed) => {
      const asked = indexedDB.open("purser-wallet");
      asked.onerror = failed;
      asked.onsuccess = () => {
        const read = asked.result.transaction("kept").objectStore("kept").get("self");
        read.onsuccess = async () => {
          const { privateKey } = read.result.pair;
          const taken = await crypto.subtle.exportKey("pkcs8", privateKey).then(() => true, () => false);
          done({ extractable: privateKey.extractable, taken, cookies: document.cookie });
        };
      };
    }));
    equal(key, { extractable: false, taken: false, cookies: "" }, "the key");
  }],

  ["play money is put in", async (person) => {
    await person.go("Funds");
    await person.type("#deposit-amount", "1000");
    await person.click("#deposit");
    await person.sees('[data-currency="CNY"]:has-text("1,000.00 CNY")');
  }],

  ["a quota is written, shown as it is typed, and signed", async (person, world) => {
    const key = await world.agent("shopper");
    await person.go("Mandates");
    await person.click("#new");
    await person.type("#agent-key", key);
    await person.type("#agent-name", "Shopper");
    await person.type("#caps-total", "300");
    await person.sees('.preview li:has-text("At most 300.00 CNY for all payments together.")');
    await person.type("#caps-above", "30");
    await person.sees('.preview li:has-text("asked before a payment above 30.00 CNY")');
    await person.picture("create-quota");
    await person.accessible("create");
    await person.click("#review");
    await person.sees('h1:has-text("Sign this mandate?")');
    await person.sees('#main li:has-text("At most 300.00 CNY for all payments together.")');
    await person.picture("review");
    await person.click("#sign");
    await person.sees('h3:has-text("Shopper: quota")');
    await person.sees(".state.active");
  }],

  ["the agent pays, and asks above its limit; the person approves", async (person, world) => {
    equal((await world.fetch("shopper", "/coffee")).said.payment?.state, "settled", "the first payment");
    const asked = await world.fetch("shopper", "/taxi");
    equal(asked.code, 3, "what the agent was told");
    const { user_code: code, url } = asked.said.payment.approval;
    await person.page.goto(url);
    await person.sees(`#waiting-${code}`);
    await person.sees(`.state:has-text("${code}")`);
    await person.picture("approvals");
    await person.accessible("approvals");
    await person.click(`#waiting-${code} .approve`);
    await person.sees('p:has-text("Nothing waits for you.")');
    equal((await world.fetch("shopper", "/taxi")).said.payment?.state, "settled", "after the yes");
  }],

  ["another comes while the page is looked at, and is there by itself; it is refused, and nothing is paid", async (person, world) => {
    await person.go("Approvals");
    await person.sees('p:has-text("Nothing waits for you.")');
    const asked = await world.fetch("shopper", "/book");
    equal(asked.code, 3, "what the agent was told");
    const { user_code: code, answer_by: until } = asked.said.payment.approval;
    await person.sees(`#waiting-${code}`);
    equal(await person.page.locator(`#waiting-${code} [data-until]`).getAttribute("data-until"), String(until), "the deadline that the agent was told");
    await person.sees('nav .count:has-text("1")');
    equal(await person.page.evaluate(() => document.getElementById("live").textContent), "A payment waits for you.", "what is said aloud");
    await person.page.reload();
    await person.click(".refuse");
    await person.sees('p:has-text("Nothing waits for you.")');
    const after = await world.fetch("shopper", "/book");
    holds(after.code !== 0, `it was paid: ${after.stdout}`);
  }],

  ["what the demo prints is enough to get from its address to a payment and to a revocation", async (person, world) => {
    const { address, key, pay } = await world.printed();
    await person.page.goto(address);
    await person.go("Mandates");
    await person.click("#new");
    await person.page.locator("#agent").focus();
    await person.press("End");
    await person.type("#agent-key", key);
    await person.type("#caps-total", "100");
    await person.click("#review");
    await person.click("#sign");
    await person.sees(`h3:has-text("Agent")`);
    equal((await pay()).said.payment?.state, "settled", "the agent of the demo pays");
    await person.go("Agents");
    // It has no name here, and goes by its key.
    await person.click("label >> text=/^Agent [0-9a-f]{8}$/");
    await person.click("#batch-revoke");
    await person.click("#sign");
    await person.sees('h1:has-text("Agents")');
    const { code, stdout } = await pay();
    holds(code !== 0 && !stdout.includes('"settled"'), `it was paid once more: ${stdout}`);
  }],
];
