// The wallet: what the person's own key may see and do at this issuer. Every view is made anew from what was read.

import { Issuer, Refused } from "./api.js";
import { Fault } from "./cbor.js";
import * as check from "./check.js";
import { el, fill } from "./dom.js";
import * as kept from "./keep.js";
import * as passkey from "./passkey.js";
import { Renderer } from "./render.js";
import { hex } from "./sha256.js";
import { unhex } from "./sign.js";
import { holdsAll, openStatement } from "./statement.js";
import { left } from "./time.js";
import { LANGUAGES, speaker } from "./words.js";
import { agents } from "./views/agents.js";
import { approvals } from "./views/approvals.js";
import { create } from "./views/create.js";
import { devices } from "./views/devices.js";
import { funds } from "./views/funds.js";
import { keys } from "./views/keys.js";
import { limits } from "./views/limits.js";
import { mandates } from "./views/mandates.js";
import { records } from "./views/records.js";
import { spending } from "./views/spending.js";
import { start } from "./views/start.js";
import { tokens } from "./views/tokens.js";

const VIEWS = { agents, approvals, create, devices, funds, keys, limits, mandates, records, spending, tokens };
const SHOWN = ["agents", "mandates", "approvals", "records", "spending", "tokens", "devices", "funds", "keys"];
const TRIES = 3;
/** How long the issuer keeps the question open whether something was decided, and when it is asked again after a fault. */
const WAIT_SECONDS = 20, AGAIN_MS = 4000;
/** Views that are made anew when something was decided elsewhere: nothing is typed into them. */
const LIVE = ["agents", "approvals", "devices", "records", "funds", "mandates", "spending", "tokens"];
/** For so long nothing can be clicked that has just moved below the pointer. */
const SETTLE_MS = 600;
const TICK_MS = 1000;

const place = (id) => document.getElementById(id);

class Wallet {
  async begin() {
    this.setLanguage((await kept.recall("language")) ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
    const registry = async (name) => (await fetch(`${name}.csv`)).text();
    const [phrases, legible, currencies] = await Promise.all(["phrases", "legible", "currencies"].map(registry));
    this.renderer = new Renderer({ phrases, legible, currencies });
    this.issuer = await Issuer.discover();
    this.names = (await kept.recall("names")) ?? {};
    const self = await kept.recall("self");
    // What cannot be read now may be read later: no key is made in the place of one that is there.
    if (self?.account) {
      this.issuer.unlocked = passkey.recall(this.issuer.now());
      await this.enter(self).catch((error) => this.shutOut(self, error));
    }
    window.addEventListener("hashchange", () => this.show());
    place("main").addEventListener("input", () => {
      this.touched = true;
    });
    place("skip").addEventListener("click", (event) => {
      event.preventDefault();
      place("main").focus();
    });
    await this.show(false);
    setInterval(() => this.tick(), TICK_MS);
    this.follow();
  }

  /** From now on the page is that of an account. */
  async enter(self) {
    await this.issuer.use(self);
    await this.refresh();
    this.self = self;
  }

  /** The account is not to be seen now: its key is locked, or the issuer knows it no more. */
  shutOut(self, error) {
    if (error instanceof Refused && error.slug === "key-locked") Object.assign(this, { locked: self, self: null });
    else this.lost = error;
  }

  /** The person has shown the passkey, or made it. */
  unlocked(unlocked) {
    passkey.keep(unlocked);
    this.issuer.unlocked = unlocked;
  }

  /** From now on the passkey is asked for; nothing of the account stays on the screen or behind it. */
  async lock(tells = true) {
    const { self } = this;
    if (tells) await this.issuer.tell("/v1/wallet/lock");
    this.unlocked(null);
    Object.assign(this, { locked: self, self: null, account: null, keys: null, agents: new Map(), mandates: [], pending: [] });
    await this.show();
  }

  /** In the place of all views, while the key is locked. */
  door() {
    const { t } = this;
    const open = async () => {
      await this.issuer.use(this.locked);
      this.unlocked(await passkey.unlock(this.issuer));
      await this.enter(this.locked);
      this.locked = null;
      await this.show();
    };
    return [
      el("h1", {}, t("locked.title")),
      el("section", { class: "card", "aria-label": t("locked.title") }, el("p", {}, t("locked.what")),
        el("button", { type: "button", class: "first", id: "unlock", onclick: ({ currentTarget: button }) =>
          this.act(button, open, t("start.opened")) }, t("locked.open"))),
    ];
  }

  /** Reads everything again. */
  async refresh() {
    const { issuer, renderer } = this;
    await issuer.setClock();
    // First how far the account is: what is decided while the rest is read is told by the next question.
    this.seen = (await issuer.read("/v1/wallet/records?limit=1")).sequence;
    this.mandates = check.mandates(await this.readMandates(), renderer.currencies);
    const [account, keys, agents] = await Promise.all(
      ["/v1/account", "/v1/wallet/keys", "/v1/wallet/agents"].map((path) => issuer.read(path)));
    this.account = account;
    this.keys = keys;
    this.agents = new Map(agents.agents.map((agent) => [agent.agent, agent]));
    await this.readPending();
  }

  /** All mandates, held against what the issuer signs of how many there are. */
  async readMandates() {
    const { issuer } = this;
    for (let tries = TRIES; ; tries -= 1) {
      const listed = [];
      for (let after = 0; after !== null;) {
        const page = await issuer.read(`/v1/wallet/mandates?limit=1000&after=${after}`);
        listed.push(...page.mandates);
        after = page.next;
      }
      const response = await issuer.proven("GET", "/v1/wallet/statement");
      try {
        const bytes = new Uint8Array(await response.arrayBuffer());
        const statement = await openStatement(bytes, { ...issuer, now: issuer.now() }, await kept.recall("statement"));
        holdsAll(statement, listed.map(({ id }) => unhex(id)));
        await kept.keep("statement", statement);
        this.isWhole = true;
        return listed;
      } catch (error) {
        // Another device may have signed one between the two reads.
        if (!(error instanceof Fault) || error.code !== "statement-mismatch") throw error;
        this.isWhole = false;
        if (tries === 1) return listed;
      }
    }
  }

  async readPending() {
    const { pending } = await this.issuer.read("/v1/pending");
    const judged = (entry) => check.pending(entry, this.mandates, this.issuer, this.renderer.currencies).catch((error) => {
      if (!(error instanceof Fault)) throw error;
      return { entry, fault: error.code };
    });
    this.pending = await Promise.all(pending.map(judged));
  }

/** Asks for what is decided behind what was seen, for as long as the page is open. [WAL-9] */
  async follow() {
    for (;;) {
      if (!this.self || document.hidden) {
        await pause(TICK_MS);
        continue;
      }
      try {
        const { records } = await this.issuer.read(`/v1/wallet/records?after=${this.seen}&limit=1&wait=${WAIT_SECONDS}`);
        if (this.self && records.length > 0) await this.happened(records[0].number);
      } catch (error) {
        // The next question may find it again; what the person does says by itself what is wrong.
        if (error instanceof Refused && error.slug === "key-locked" && this.self && !this.busy) await this.lock(false);
        await pause(AGAIN_MS);
      }
    }
  }

  /** Something was decided, here or elsewhere: a payment began to wait, or was made, or a mandate was changed. */
  async happened(number) {
    // What the person does reads everything again by itself.
    while (this.busy) await pause(TICK_MS / 4);
    if (number <= this.seen) return;
    const before = new Set(this.pending.map(({ entry }) => entry.intent));
    await this.refresh();
    if (!this.self) return;
    if (this.pending.some(({ entry }) => !before.has(entry.intent))) this.say(this.t("approvals.new"));
    this.head();
    if (LIVE.includes(this.view) && !this.touched && !this.busy) await this.show(false, true);
  }

  /** Says how long there is to answer, and reads again when there is no time left. */
  tick() {
    if (!this.self) return;
    const { unlocked } = this.issuer;
    if (unlocked && unlocked.expires_at <= this.issuer.now() && !this.busy) this.lock(false);
    for (const node of document.querySelectorAll("[data-until]")) {
      const seconds = Number(node.dataset.until) - this.issuer.now();
      const text = left(this.t, seconds);
      if (node.textContent !== text) node.textContent = text;
    }
  }

  setLanguage(language) {
    this.language = language;
    this.t = speaker(language);
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  }

  /** Shows what the address names. The heading gets the focus, so that a reader of the screen starts there. */
  async show(focus = true, hasMoved = false) {
    const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    this.view = this.self ? (view in VIEWS ? view : "agents") : "start";
    this.head();
    const main = place("main");
    const content = this.self ? await VIEWS[this.view](this, rest) : this.locked ? this.door()
      : this.lost ? this.outside() : await start(this, rest);
    const warning = this.self && !this.isWhole && el("div", { class: "note bad", id: "not-whole" }, el("p", {}, this.t("not.whole")));
    const focused = main.contains(document.activeElement) && document.activeElement.id;
    fill(main, content, warning);
    this.touched = false;
    if (hasMoved) settle(main);
    if (!focus && focused) document.getElementById(focused)?.focus();
    const heading = main.querySelector("h1");
    document.title = `${heading?.textContent ?? "Purser"} · Purser`;
    heading?.setAttribute("tabindex", "-1");
    if (focus) heading?.focus();
  }

  head() {
    const { t } = this;
    const link = (view) => {
      const within = { create: "mandates", limits: "agents" };
      const current = (within[this.view] ?? this.view) === view;
      const waits = view === "approvals" && this.pending.length > 0;
      return el("li", {}, el("a", { href: `#/${view}`, "aria-current": current ? "page" : null }, t(`nav.${view}`),
        waits && el("span", { class: "count" }, this.pending.length, el("span", { class: "unseen" }, ` ${t("approvals.wait")}`))));
    };
    const language = ([code, name]) => el("button", {
      type: "button", class: "plain", lang: code === "zh" ? "zh-Hans" : "en", "aria-pressed": String(code === this.language),
      onclick: () => this.speak(code),
    }, name);
    const focused = document.activeElement?.closest("header")?.textContent && document.activeElement.textContent;
    fill(place("head"),
      el("div", { class: "brand" }, "Purser", this.issuer && el("small", {}, this.issuer.id,
        this.issuer.sandbox && ` · ${t("sandbox")}`)),
      el("div", { class: "languages", role: "group", "aria-label": t("language") }, LANGUAGES.map(language)),
      this.self && this.issuer.unlocked && el("div", { class: "row", id: "unlocked" },
        el("span", { class: "soft" }, t("locked.until", { time: this.time(this.issuer.unlocked.expires_at) })),
        el("button", { type: "button", class: "plain", id: "lock", onclick: ({ currentTarget: button }) =>
          this.act(button, () => this.lock()) }, t("locked.now"))),
      this.self && el("nav", { "aria-label": t("nav") }, el("ul", {}, SHOWN.map(link))));
    if (focused) [...place("head").querySelectorAll("a, button")].find((node) => node.textContent === focused)?.focus();
    fill(place("skip"), t("skip"));
    fill(place("foot"), el("p", {}, t("foot")));
  }

  async speak(language) {
    this.setLanguage(language);
    await kept.keep("language", language);
    await this.show(false);
  }

  /** Says something to whoever does not see the screen. */
  say(text, isGrave = false) {
    fill(place(isGrave ? "alert" : "live"), text);
  }

  /** In the place of all views: there is a key, and no account to be seen with it. */
  outside() {
    const isStrange = this.lost instanceof Refused && this.lost.slug === "proof-invalid";
    return [
      el("h1", {}, this.t("start.title")),
      el("div", { class: "note bad" }, el("p", {}, this.wrong(this.lost))),
      el("div", { class: "row" },
        el("button", { type: "button", class: "first", onclick: () => location.reload() }, this.t("again")),
        isStrange && el("button", { type: "button", class: "grave", id: "forget", onclick: () => this.leave() }, this.t("keys.leave.do"))),
    ];
  }

  /** Does what a button is for: once at a time, and what goes wrong is said beside it. */
  async act(button, work, done) {
    if (this.busy) return;
    this.busy = true;
    button.setAttribute("aria-disabled", "true");
    const beside = button.closest(".card, form, section") ?? button.parentElement;
    beside.querySelectorAll(":scope > .note.said").forEach((note) => note.remove());
    try {
      await work();
      if (done) this.say(done);
    } catch (error) {
      if (this.self && error instanceof Refused && error.slug === "key-locked") {
        await this.lock(false);
        return;
      }
      const text = this.wrong(error);
      beside.append(el("div", { class: "note bad said" }, el("p", {}, text)));
      this.say(text, true);
    } finally {
      this.busy = false;
      button.removeAttribute("aria-disabled");
    }
  }

  /** Does it, reads everything again and shows where it leads. */
  async change(button, work, { to, done }) {
    await this.act(button, async () => {
      await work();
      await this.refresh();
      if (to && location.hash !== to) location.hash = to;
      else await this.show(true);
    }, done);
  }

  wrong(error) {
    const { t } = this;
    if (error instanceof Refused) return t(`fault.${error.slug}`, {}, `${t("refused")} ${error.meaning} (${error.slug})`);
    if (error instanceof Fault) return t(`fault.${error.code}`, {}, `${t("untrue")} (${error.code})`);
    if (error instanceof DOMException) return t("passkey.none", { reason: error.message });
    if (error instanceof TypeError && /fetch|network/i.test(error.message)) return t("unreachable");
    return error.message;
  }

  // What views share.

  money(minor, currency) {
    const exponent = this.renderer.currencies.get(currency);
    const figures = String(minor).padStart(exponent + 1, "0");
    const whole = (exponent === 0 ? figures : figures.slice(0, -exponent)).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${whole}${exponent === 0 ? "" : `.${figures.slice(-exponent)}`} ${currency}`;
  }

  /** An instant on this machine's clock; the standard text has universal time. */
  time(seconds) {
    const form = { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.language === "zh" ? "zh-CN" : "en-GB", form).format(new Date(Number(seconds) * 1000));
  }

  /** What the person calls a holder, or the first figures of its key. */
  nameOf(holder) {
    return this.names[holder] ?? (/^[0-9a-f]{64}$/.test(holder) ? `${this.t("agent")} ${holder.slice(0, 8)}` : holder);
  }

  async rename(holder, name) {
    if (name.trim()) this.names[holder] = name.trim().slice(0, 40);
    else delete this.names[holder];
    await kept.keep("names", this.names);
  }

  /** The standard text, line by line. */
  text(rendered) {
    return el("ol", { class: "text", lang: this.language === "zh" ? "zh-Hans" : "en" },
      rendered.lines.map(({ level, text }) => el("li", { class: level ? "inner" : "" }, text)));
  }

  /** Words of somebody else's, made harmless as the standard text has them. [RND-12] */
  quoted(words) {
    return this.renderer.quoted(words, this.language);
  }

  mandateText({ payload }) {
    return this.text(this.renderer.text("mandate", payload, this.language, "screen"));
  }

  /** The last version of each, and whatever cannot be believed. */
  latest() {
    const last = new Map();
    for (const mandate of this.mandates) {
      const key = mandate.fault ? mandate.name : mandate.entry.lineage;
      if (!(last.get(key)?.paper.serial > mandate.paper?.serial)) last.set(key, mandate);
    }
    return [...last.values()];
  }

  /** Mandates that can still be used, or could be again. */
  standing() {
    return this.mandates.filter(({ entry }) => ["active", "suspended", "exhausted"].includes(entry.state));
  }

  keep(name, value) {
    return kept.keep(name, value);
  }

  async leave() {
    await kept.forget();
    location.hash = "";
    location.reload();
  }

  get accountId() {
    return hex(this.issuer.account);
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Nobody says yes to what slid below the pointer while they clicked.
function settle(main) {
  const buttons = [...main.querySelectorAll("button:not(:disabled)")];
  buttons.forEach((button) => { button.disabled = true; });
  setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), SETTLE_MS);
}

new Wallet().begin().catch((error) => {
  fill(place("main"), el("div", { class: "note bad", role: "alert" }, el("p", {}, String(error.message))));
});
