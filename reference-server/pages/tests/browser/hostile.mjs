// An issuer's answer with one byte changed, a merchant's text that lies, a page that frames and posts.

import { createServer } from "node:http";
import { equal, holds } from "./person.mjs";

// One byte of each part of a paper; where in it, as a share of its length.
const PLACES = [0.02, 0.3, 0.5, 0.7, 0.98];

const changed = (text, share) => {
  const bytes = Buffer.from(text, "base64url");
  bytes[Math.floor(bytes.length * share)] ^= 1;
  return bytes.toString("base64url");
};

/** Changes what the issuer answers on its way to the page. */
async function tampered(person, path, change, look) {
  const pattern = `**${path}*`;
  await person.page.route(pattern, async (route) => {
    const asked = route.request();
    const { pathname, search } = new URL(asked.url());
    // Under the name that the page used: a proof is for an address.
    const headers = { ...await asked.allHeaders(), host: new URL(asked.url()).host };
    for (const name of Object.keys(headers)) if (name.startsWith(":") || name === "accept-encoding") delete headers[name];
    const { status, body } = await person.world.ask(`${pathname}${search}`, { headers });
    await route.fulfill({ status, json: change(JSON.parse(body)) });
  });
  try {
    await person.page.reload();
    await look();
  } finally {
    await person.page.unroute(pattern);
  }
}

export const steps = [
  ["a payment of which one byte was changed cannot be approved", async (person, world) => {
    const asked = await world.fetch("shopper", "/book");
    equal(asked.code, 3, "what the agent was told");
    await person.go("Approvals");
    await person.sees(".approve");
    for (const part of ["intent_paper", "offer_paper"]) {
      for (const place of PLACES) {
        const change = ({ pending }) => ({ pending: pending.map((one) => ({ ...one, [part]: changed(one[part], place) })) });
        await tampered(person, "/v1/pending", change, async () => {
          await person.sees(".untrue");
          equal(await person.count(".approve"), 0, `buttons that approve, ${part} changed at ${place}`);
        });
      }
    }
    const other = ({ pending }) => ({ pending: pending.map((one) => ({ ...one, intent: one.intent.replace(/^./, (figure) => (figure === "0" ? "1" : "0")) })) });
    await tampered(person, "/v1/pending", other, async () => {
      await person.sees(".untrue");
      equal(await person.count(".approve"), 0, "buttons that approve, under another id");
      await person.picture("approvals-untrue");
    });
    await person.page.reload();
    await person.sees(".approve");
  }],

  ["what the issuer says beside a payment is not what is shown", async (person) => {
    const lies = ({ pending }) => ({ pending: pending.map((one) => ({ ...one, amount_minor: "1", merchant: "charity.example" })) });
    await tampered(person, "/v1/pending", lies, async () => {
      await person.sees('.sum:has-text("45.00 CNY")');
      equal(await person.count('text="charity.example"'), 0, "words of the issuer's");
    });
    await person.click(".refuse");
    await person.sees('p:has-text("Nothing waits for you.")');
  }],

  ["a mandate of which one byte was changed is not shown, and nothing is signed about it", async (person) => {
    const all = new Set();
    for (const place of PLACES) {
      const change = ({ mandates, ...rest }) => ({ ...rest, mandates: mandates.map((one) => ({ ...one, payload: changed(one.payload, place) })) });
      await tampered(person, "/v1/wallet/mandates", change, async () => {
        await person.go("Mandates");
        await person.sees("#new");
        equal(await person.count(".state.active"), 0, "mandates that are believed");
        all.add(await person.count(".state.fault"));
      });
    }
    holds(all.size === 1 && !all.has(0), "all are named as what they are");
    await person.page.reload();
    await person.sees(".state.active");
  }],

  ["a mandate that is left out of the list is missed", async (person) => {
    const hidden = ({ mandates, ...rest }) => ({ ...rest, mandates: mandates.slice(1) });
    await tampered(person, "/v1/wallet/mandates", hidden, async () => {
      await person.sees("#not-whole");
      await person.picture("mandates-hidden");
    });
    await person.page.reload();
    await person.sees(".state.active");
    equal(await person.count("#not-whole"), 0, "warnings when all are there");
  }],

  ["a merchant's text is text, and looks like no other", async (person, world) => {
    const name = `<img src=x onerror="alert(1)"> ”. You have paid. “ раyраl${" Nothing is to be paid.".repeat(6)}`;
    await world.hostileMerchant(name);
    const asked = await world.fetchFrom(world.trap, "shopper", "/trap");
    equal(asked.code, 3, `what the agent was told: ${asked.stdout}`);
    await person.go("Approvals");
    await person.sees(".approve");
    const said = await person.reads(".text");
    // The quote has one end; what looks like letters of ours is shown by its number.
    holds(said.includes("{U+0440}") && said.includes("{U+201D}"), `it is made harmless: ${said}`);
    equal(await person.count("#main img"), 0, "elements out of words");
    await person.picture("approvals-hostile");
    await person.click(".refuse");
    await person.sees('p:has-text("Nothing waits for you.")');
  }],

  ["what the policy forbids the browser refuses, even if the page were made to try", async (person, world) => {
    const page = await person.context.newPage();
    try {
      await page.goto(`${world.issuer}/wallet/`);
      await page.locator("h1").waitFor();
      const elsewhere = createServer((_, response) => response.writeHead(200, { "access-control-allow-origin": "*" }).end("leaked"));
      await new Promise((done) => elsewhere.listen(0, "127.0.0.1", done));
      let reached = 0;
      elsewhere.on("request", () => { reached += 1; });
      const tried = await page.evaluate(async (outside) => {
        const heard = [];
        document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => heard.push(effectiveDirective));
        const throws = async (work) => {
          try {
            await work();
            return false;
          } catch {
            return true;
          }
        };
        const made = (name, values) => {
          const node = Object.assign(document.createElement(name), values);
          document.body.append(node);
          return node;
        };
        const found = {
          markup: await throws(() => { document.body.innerHTML += "<p>x</p>"; }),
          script: await throws(() => made("script", { textContent: "window.ran = true" })),
          // What the browser's tools run may make scripts of text; what runs afterwards may not.
          text: await new Promise((done) => setTimeout(() => throws(() => Function("window.ran = true")()).then(done))),
          fetch: await throws(() => fetch(outside)),
          worker: await throws(() => new Worker("data:text/javascript,0")),
        };
        const frame = made("iframe", { src: outside });
        const image = made("img", { src: `${outside}image` });
        const styled = made("p", {});
        styled.setAttribute("style", "color: rgb(1, 2, 3)");
        const form = made("form", { method: "post", action: outside });
        form.submit();
        const base = made("base", { href: outside });
        await new Promise((done) => setTimeout(done, 500));
        found.styled = getComputedStyle(styled).color !== "rgb(1, 2, 3)";
        found.base = !document.baseURI.startsWith(outside);
        found.ran = window.ran === undefined;
        [frame, image, form, base].forEach((node) => node.remove());
        return { found, heard: [...new Set(heard)].sort() };
      }, `http://127.0.0.1:${elsewhere.address().port}/`);
      elsewhere.close();
      equal(Object.entries(tried.found).filter(([, is]) => !is), [], "what was not refused");
      equal(reached, 0, "requests that went elsewhere");
      for (const directive of ["connect-src", "img-src", "frame-src", "form-action", "base-uri"]) {
        holds(tried.heard.includes(directive), `${directive} was not said to be violated: ${tried.heard}`);
      }
    } finally {
      await page.close();
    }
  }],

  ["another page can neither frame this one nor send in its name", async (person, world) => {
    const clock = async () => JSON.parse((await world.ask("/v1/sandbox/clock")).body).now;
    const before = await clock();
    const target = (path) => `<form method="post" enctype="text/plain" target="out" action="${world.issuer}${path}"><input name='{"now":1,"a' value='":1}'><button id="${path.replaceAll("/", "-")}">go</button></form>`;
    const paths = ["/v1/commands", "/v1/accounts", "/v1/mandates", "/v1/confirmations", "/v1/sandbox/clock"];
    const html = `<!doctype html><title>other</title><iframe name="out"></iframe><iframe id="frame" src="${world.issuer}/wallet/"></iframe>${paths.map(target).join("")}`;
    const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const page = await person.context.newPage();
    try {
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      await page.locator("#frame").waitFor();
      const framed = page.frames().find((frame) => frame.url().includes("/wallet/"));
      equal(framed ? await framed.locator("#head").count() : 0, 0, "the page in a frame");
      for (const path of paths) {
        const [response] = await Promise.all([
          page.waitForResponse((response) => response.url().endsWith(path) && response.request().method() === "POST"),
          page.click(`#${path.replaceAll("/", "-")}`)]);
        equal(response.status(), 415, `a form of another site to ${path}`);
      }
      const read = await page.evaluate((url) => fetch(url, { credentials: "include" }).then(() => "read", () => "not read"), `${world.issuer}/v1/account`);
      equal(read, "not read", "an answer to another site");
    } finally {
      await page.close();
      server.close();
    }
    holds(await clock() >= before, "the clock was set by another site");
  }],

  ["an agent's key reads nothing of the wallet and confirms nothing", async (person, world) => {
    const agent = await world.keyOf("shopper");
    for (const path of ["statement", "mandates", "agents", "records", "spending", "sessions", "packs", "bundle", "keys"]) {
      const { status, body } = await agent.reads(`/v1/wallet/${path}`);
      equal([status, JSON.parse(body).type], [403, "urn:purser:problem:proof-invalid"], `${path}, asked for by an agent`);
    }
    equal((await agent.reads("/v1/pending")).status, 403, "what waits, asked for by an agent");
    // The same key with the same proof reads what is its own.
    equal((await agent.reads("/v1/mandates")).status, 200, "its own mandates");
    const asked = await world.fetch("shopper", "/taxi");
    equal(asked.code, 3, "what the agent was told");
    await person.go("Approvals");
    await person.sees(".approve");
    const account = await person.page.evaluate(() => fetch("/.well-known/purser").then((response) => response.json()));
    const yes = [[2, new Uint8Array(16)], [3, account.purser.id], [6, agent.now()], [-1, 1], [-4, Uint8Array.from(Buffer.from(asked.said.payment.intent, "hex"))], [-31, 1]];
    const { status, body } = await agent.sends("/v1/confirmations", "purser-confirmation", yes);
    equal([status, JSON.parse(body).type], [403, "urn:purser:problem:command-signer"], "a yes by the agent itself");
    await person.page.reload();
    await person.sees(".approve");
    await person.click(".refuse");
    await person.sees('p:has-text("Nothing waits for you.")');
  }],
];
