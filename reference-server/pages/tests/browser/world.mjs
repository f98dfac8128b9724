// An issuer, a merchant and agents as processes, and a browser with a profile of its own that trusts their authority.

import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { request } from "node:https";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Pairs, encode } from "../../cbor.js";
import { base64url, coseKey, header, random, toBeSigned } from "../../sign.js";

const root = new URL("../../../../", import.meta.url).pathname;
export const programs = join(resolve(process.env.CARGO_TARGET_DIR ?? join(root, "target")), "debug");
export const output = join(root, "target/browser");
const tools = join(output, "tools");
const LONG = 60_000;

/** Why nothing can be run here, or null. */
export function missing() {
  const chromium = browser();
  if (!chromium) return "there is no Chromium (chromium, or CHROMIUM=/path)";
  if (spawnSync("certutil", ["-H"]).error) return "there is no certutil (Debian's libnss3-tools)";
  if (!existsSync(join(tools, "node_modules/playwright-core"))) return `there are no tools: npm ci in ${tools}`;
  for (const name of ["purser-demo", "purser"]) {
    if (!existsSync(join(programs, name))) return `there is no ${join(programs, name)}: cargo build`;
  }
  return null;
}

const browser = () => [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .find((path) => path && existsSync(path));

export class World {
  static async begin() {
    const world = new World();
    world.scratch = join(output, "scratch");
    rmSync(world.scratch, { recursive: true, force: true });
    mkdirSync(world.scratch, { recursive: true });
    world.demo = spawn(join(programs, "purser-demo"), ["--keep", "--json"], {
      env: { ...process.env, TMPDIR: world.scratch }, stdio: ["ignore", "pipe", "pipe"],
    });
    // What a person would read at the terminal.
    world.told = "";
    world.demo.stderr.on("data", (bytes) => {
      world.told += bytes;
    });
    world.report = JSON.parse(await firstLine(world.demo));
    const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
    world.trusting = world.homeThatTrusts(join(world.report.dir, "roots.pem"));
    world.launch = (name, { home = world.trusting, ...more } = {}) => chromium.launchPersistentContext(join(world.scratch, name), {
      executablePath: browser(),
      headless: true,
      viewport: { width: 1100, height: 900 },
      locale: "en-GB",
      timezoneId: "Asia/Shanghai",
      env: { ...process.env, HOME: home },
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
      ...more,
    });
    return world;
  }

  /** A home of the browser's own, whose store of trust has the demo's authority. Nobody else's store is touched. */
  homeThatTrusts(authority) {
    const home = join(this.scratch, "home");
    const store = join(home, ".pki/nssdb");
    mkdirSync(store, { recursive: true });
    const certutil = (...words) => execFileSync("certutil", ["-d", `sql:${store}`, ...words], { stdio: "pipe" });
    certutil("-N", "--empty-password");
    certutil("-A", "-n", "the authority of the demo", "-t", "C,,", "-i", authority);
    return home;
  }

  /** A home that trusts what the browser came with. */
  strangersHome() {
    const home = join(this.scratch, "strangers-home");
    mkdirSync(home, { recursive: true });
    return home;
  }

  /** Asks the issuer without a browser, under the demo's authority alone. */
  ask(path, { method = "GET", headers = {}, body } = {}) {
    const ca = readFileSync(join(this.report.dir, "roots.pem"));
    return new Promise((done, failed) => {
      const asked = request(new URL(path, this.page), { method, headers, ca }, (response) => {
        const parts = [];
        response.on("data", (bytes) => parts.push(bytes));
        response.on("end", () => done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
      });
      asked.on("error", failed);
      asked.end(body);
    });
  }

  get issuer() {
    return this.report.issuer;
  }

  /** Where the page is: at the name of this machine, under which a browser makes passkeys. */
  get page() {
    return `https://localhost:${new URL(this.issuer).port}`;
  }

  get merchant() {
    return this.report.merchant;
  }

  get seller() {
    return this.report.seller;
  }

  /** A new agent with a folder of its own; gives its public key as it would be handed on. */
  async agent(name) {
    await this.purser(name, "init", "--issuer", this.issuer, "--roots", join(this.report.dir, "roots.pem"), "--keys", "agent");
    return readFileSync(join(this.scratch, name, "keys/agent.pem.pub"), "utf8");
  }

  /** Somebody who has an agent's key, and asks and sends with it what no program of ours would. */
  async keyOf(name) {
    const key = createPrivateKey(readFileSync(join(this.scratch, name, "keys/agent.pem"), "utf8"));
    const { x, y } = createPublicKey(key).export({ format: "jwk" });
    const raw = Uint8Array.from([4, ...Buffer.from(x, "base64url"), ...Buffer.from(y, "base64url")]);
    const { purser } = JSON.parse((await this.ask("/.well-known/purser")).body);
    const kid = new Uint8Array(createHash("sha256").update(encode(coseKey(raw))).digest());
    const now = () => Math.floor(Date.now() / 1000);
    const signed = (typ, fields) => {
      const [head, payload] = [header(kid, typ), encode(new Pairs(fields))];
      const signature = sign("sha256", toBeSigned(typ, purser.network, head, payload), { key, dsaEncoding: "ieee-p1363" });
      return Buffer.concat([Uint8Array.of(0xd2), encode([head, new Pairs([]), payload, new Uint8Array(signature)])]);
    };
    const reads = (path) => {
      const fields = [[3, purser.id], [6, now()], [7, random(16)], [-1, 1], [-53, `GET ${purser.base_url}${path}`]];
      return this.ask(path, { headers: { "purser-proof": base64url(signed("purser-proof", fields)) } });
    };
    const sends = (path, typ, fields) => this.ask(path, {
      method: "POST", headers: { "content-type": 'application/cose; cose-type="cose-sign1"' }, body: signed(typ, fields),
    });
    return { now, reads, sends };
  }

  /** What the demo says that one should do: the page's address, an agent's key, and the command that lets it pay. */
  async printed() {
    const until = Date.now() + LONG;
    while (!this.told.includes("On the command line")) {
      if (Date.now() > until) throw new Error(`the demo says only: ${this.told}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    const [, address] = /In a browser: (\S+)/.exec(this.told);
    const [, key] = /with this key:\s+(\S+)/.exec(this.told);
    const [, dir, words] = /cargo run -q -p purser-client -- --dir (\S+\/guest) (fetch .*)/.exec(this.told);
    return { address, key, pay: () => this.purser(dir, ...words.match(/"[^"]*"|\S+/g).map((word) => word.replaceAll('"', ""))) };
  }

  /** Runs the agent's command line; what it printed, and how it ended. */
  async purser(name, ...words) {
    const dir = resolve(this.scratch, name);
    const run = promisify(execFile)(join(programs, "purser"), ["--dir", dir, "--json", ...words], { timeout: LONG });
    const { stdout, code = 0 } = await run.catch((error) => error);
    let said = {};
    try {
      said = JSON.parse(stdout);
    } catch {
      // What it says is no JSON: the test that looks at it fails.
    }
    return { code, said, stdout };
  }

  fetch(name, path, max = "1000.00 CNY", ...more) {
    return this.fetchFrom(this.merchant, name, path, max, ...more);
  }

  fetchFrom(merchant, name, path, max = "1000.00 CNY", ...more) {
    return this.purser(name, "fetch", `${merchant}${path}`, "--max", max, ...more);
  }

  /** A second address of the merchant, with words of its choice for what it sells. */
  async hostileMerchant(name) {
    const settings = readFileSync(join(this.report.dir, "merchant.toml"), "utf8");
    const [head] = settings.split("[[merchant.products]]");
    const product = { path: "/trap", price: "31.00 CNY", item: "trap", name, capture: "at-once", body: "Yours." };
    const lines = Object.entries(product).map(([field, value]) => `${field} = ${JSON.stringify(value)}`);
    const moved = head.replace(/^listen = .*$/m, 'listen = "127.0.0.1:0"').replace(/^url = .*$/m, "")
      .replace('store = "merchant.sqlite"', 'store = "hostile.sqlite"');
    const file = join(this.report.dir, "hostile.toml");
    writeFileSync(file, `${moved}[[merchant.products]]\n${lines.join("\n")}\ncategory = 5942\n`);
    this.hostile = spawn(join(programs, "purser-demo"), ["__server", "merchant", "--config", file], { stdio: ["pipe", "pipe", "ignore"] });
    this.trap = JSON.parse(await firstLine(this.hostile)).url;
  }

  /** A device that asks for a mandate: what it shows, and in the end what it was told. */
  async device(folder, name) {
    await this.agent(folder);
    const child = spawn(join(programs, "purser"), ["--dir", join(this.scratch, folder), "--json", "device", "ask", name],
      { stdio: ["ignore", "pipe", "pipe"] });
    let [out, shown] = ["", ""];
    child.stdout.on("data", (bytes) => {
      out += bytes;
    });
    const ended = new Promise((done) => child.on("close", (code) => done({ code, said: JSON.parse(out) })));
    await new Promise((done, failed) => {
      child.stderr.on("data", (bytes) => {
        shown += bytes;
        if (/^key +\S+\n/m.test(shown)) done();
      });
      child.on("close", () => failed(new Error(`the device shows ${shown} and says ${out}`)));
    });
    const [code, page, key] = ["code", "page", "key"].map((what) => new RegExp(`^${what} +(\\S+)$`, "m").exec(shown)[1]);
    return { code, page, key, ended };
  }

  /** A proxy through which an agent pays a seller by the link, and how it ended when it is ended. */
  async metered(name, seller, mandate) {
    const key = "a key of ours";
    const proxy = spawn(join(programs, "purser"), ["--dir", join(this.scratch, name), "--json", "proxy", "--mandate", mandate,
      "--seller", seller, "--max", "10.00 CNY", "--listen", "127.0.0.1:0", "--key", key], { stdio: ["ignore", "pipe", "ignore"] });
    this.proxy = proxy;
    const { base_url: url } = JSON.parse(await firstLine(proxy));
    const end = () => new Promise((done) => {
      let said = "";
      proxy.stdout.on("data", (bytes) => {
        said += bytes;
      });
      proxy.on("close", () => done(JSON.parse(said.trim().split("\n").at(-1))));
      proxy.kill("SIGINT");
    });
    const chat = (text) => fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "purser-echo-1", max_tokens: 40, messages: [{ role: "user", content: text }] }),
    });
    return { chat, end };
  }

  end() {
    for (const child of [this.hostile, this.proxy]) child?.kill();
    this.demo.kill("SIGINT");
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

function firstLine(child) {
  return new Promise((done, failed) => {
    let said = "";
    let complained = "";
    child.stderr?.on("data", (bytes) => {
      complained += bytes;
    });
    child.stdout.on("data", (bytes) => {
      said += bytes;
      const end = said.indexOf("\n");
      if (end >= 0) done(said.slice(0, end));
    });
    child.on("close", (code) => failed(new Error(`${child.spawnargs[0]} ended with ${code}: ${said}${complained}`)));
  });
}

/** Keeps a picture of the page among the outputs. */
export async function picture(page, name) {
  mkdirSync(join(output, "pictures"), { recursive: true });
  await page.screenshot({ path: join(output, "pictures", `${name}.png`), fullPage: true });
}

export function keepText(name, text) {
  writeFileSync(join(output, name), text);
}

export const axeSource = () => readFileSync(join(tools, "node_modules/axe-core/axe.min.js"), "utf8");
