// The standard rendering (chapter 12): the text of a mandate, an offer or a confirmation, from the very bytes that are
// signed. What is put on a page is text, never markup.

import { read } from "./papers.js";
import { hex, sha256 } from "./sha256.js";

const MODES = { 1: "single", 2: "conditional", 3: "quota" };
const CHANNELS = { 1: "online", 2: "code", 3: "voice", 4: "vehicle", 5: "glasses" };
const KINDS = { 1: "charge", 2: "metered", 3: "subscription", 4: "pack" };
const LINES = { 2: "discount", 3: "tax", 4: "delivery", 5: "tip" };
const UNITS = { 1: "day", 2: "week", 3: "month", 4: "year" };
const LENGTHS = [["day", 86400n], ["hour", 3600n], ["minute", 60n], ["second", 1n]];
const HOLD_SECONDS = 604800n;

/** What makes texts, from the text of the three registries phrases.csv, legible.csv and currencies.csv. */
export class Renderer {
  constructor({ phrases, legible, currencies }) {
    const rows = (text, cells) => text.split("\n").slice(1).filter(Boolean).map((line) => {
      const parts = line.split(",");
      return [...parts.slice(0, cells - 1), parts.slice(cells - 1).join(",")];
    });
    this.phrases = new Map(rows(phrases, 4).map(([key, language, medium, text]) => [`${key},${language},${medium}`, text]));
    this.ranges = rows(legible, 4).map(([first, last, kind]) => [parseInt(first, 16), parseInt(last, 16), kind]);
    this.currencies = new Map(rows(currencies, 4).map(([code, , exponent]) => [code, Number(exponent)]));
  }

  /** The text of a paper by its payload; of a confirmation also by those of its intent and its offer. */
  text(kind, payload, language, medium, beside = {}) {
    const page = new Page(this, language, medium);
    const paper = read(kind, payload, this.currencies);
    if (kind === "mandate") page.mandate(paper);
    if (kind === "offer") page.offer(paper);
    if (kind === "confirmation") {
      const intent = read("intent", beside.intent, this.currencies);
      page.confirmation(paper, intent, read("offer", beside.offer, this.currencies));
    }
    return page.done();
  }

  /** Words that an agent or a merchant chose, as a text on a screen has them. [RND-12] */
  quoted(words, language) {
    return new Page(this, language, "screen").quote(words);
  }

  kindOf(character) {
    const number = character.codePointAt(0);
    const range = this.ranges.find(([first, last]) => first <= number && number <= last);
    return range ? range[2] : "other";
  }
}

class Page {
  constructor(registries, language, medium) {
    Object.assign(this, { registries, language, voice: medium === "voice", medium, lines: [] });
  }

  /** [RND-4] [RND-5] */
  done() {
    const text = this.lines.map(({ level, text }) => `${level && !this.voice ? "  " : ""}${text}\n`).join("");
    const rendering = hex(sha256(new TextEncoder().encode(text)));
    const phrase = this.said ? { phrase: this.said } : {};
    return { lines: this.lines, text, shown: { language: this.language, rendering }, ...phrase };
  }

  phrase(key) {
    const row = (medium) => this.registries.phrases.get(`${key},${this.language},${medium}`);
    return row(this.medium) ?? row("both");
  }

  /** [RND-3] */
  say(key, holes = {}) {
    return this.phrase(key).replace(/\{([a-z]+)\}/g, (whole, hole) => (hole in holes ? holes[hole] : whole));
  }

  line(key, phrase, holes = {}, level = 0) {
    if (this.phrase(phrase) !== undefined) this.lines.push({ key, level, text: this.say(phrase, holes) });
  }

  // Papers.

  /** [RND-17] */
  mandate(paper) {
    const mode = MODES[paper.mode], grants = paper.grants ?? [];
    this.line("title", `mandate.${mode}`);
    const many = mode !== "conditional" ? "" : grants.length === 1 ? ".one" : ".many";
    this.line("mode", `mode.${mode}${many}`, { count: this.number(grants.length) });
    const { key, merchant } = paper.cnf;
    if (key) this.line("cnf", "holder.agent", { key: this.digest(sha256(key)) });
    else this.line("cnf", "holder.merchant", { merchant: this.name(merchant) });
    this.line("aud", "issuer", { issuer: this.name(paper.aud) });
    this.line("sub", "account", { account: this.digest(paper.sub) });
    this.line("currency", "currency", this.currency(paper));
    this.line("nbf", "from", { time: this.time(paper.nbf) });
    this.line("exp", "until", { time: this.time(paper.exp) });
    if (paper.parent) this.line("parent", "parent", { mandate: this.digest(paper.parent) });
    if (paper.replaces) {
      this.line("replaces", "replaces", { serial: this.number(paper.serial), mandate: this.digest(paper.replaces) });
    }
    if (paper.offer) this.line("offer", "offer", { offer: this.digest(paper.offer) });
    if (paper.caps) {
      this.line("caps", "caps");
      this.rules("caps", paper.caps, paper.currency);
    }
    grants.forEach((rules, at) => {
      const holes = { number: this.number(at + 1), count: this.number(grants.length) };
      this.line(`grants.${at}`, grants.length === 1 ? "grant.one" : "grant.many", holes);
      this.rules(`grants.${at}`, rules, paper.currency);
    });
    if (paper.funded) this.line("funded", "funded", { amount: this.money(paper.funded, paper.currency) });
    if (paper.refund_returns) this.line("refund_returns", "refund_returns");
    this.line("rest", "rest");
    this.line("iat", "made", { time: this.time(paper.iat) });
    this.line("lineage", "lineage", { lineage: this.digest(paper.lineage) });
    if (paper.conversation) this.line("conversation", "conversation", { digest: this.digest(paper.conversation) });
  }

  /** [RND-16] */
  rules(place, rules, currency) {
    const money = (amount) => ({ amount: this.money(amount, currency) });
    const count = (number) => ({ count: this.number(number) });
    const list = (entries, said, joint = "list") => ({ list: entries.map(said).join(this.say(joint)) });
    const names = (entries) => list(entries, (party) => this.name(party));
    const categories = (entries) => list(entries, (category) => this.category(category));
    const items = (entries) => list(entries, (item) => this.quote(item));
    const digests = (entries) => list(entries, (digest) => this.digest(digest));
    const one = {
      amount_max: money, amount_min: money, total: money, count, open_holds: count, ask_above: money,
      ask_first: () => ({}),
      merchants_allow: names, merchants_deny: names, categories_allow: categories, categories_deny: categories,
      items_allow: items, items_deny: items, devices: digests,
      times: (windows) => list(windows, (window) => this.window(window), "list.or"),
      channels: (entries) => list(entries, (channel) => this.say(`channel.${CHANNELS[channel]}`)),
    };
    const each = {
      total_per: ([amount, period]) => ({ ...money(amount), period: this.period(period) }),
      count_per: ([number, period]) => ({ ...count(number), period: this.period(period) }),
      price_deviation: ([item, reference, thousandths]) =>
        ({ ...money(reference), item: this.quote(item), percent: this.percent(thousandths) }),
      payee_keys: (keys) => ({ merchant: this.name(keys[0][0]), ...digests(keys.map(([, key]) => key)) }),
    };
    for (const [name, value] of Object.entries(rules)) {
      if (name === "depth") {
        this.line(`${place}.depth`, value === 0n ? "rule.depth.none" : "rule.depth.some", count(value), 1);
      } else if (name in one) {
        this.line(`${place}.${name}`, `rule.${name}`, one[name](value), 1);
      } else {
        const entries = name === "payee_keys" ? runs(value) : value;
        entries.forEach((entry, at) => this.line(`${place}.${name}.${at}`, `rule.${name}`, each[name](entry), 1));
      }
    }
  }

  /** [RND-18] */
  offer(paper) {
    this.line("kind", `offer.${KINDS[paper.kind]}`);
    this.line("iss", "merchant", { merchant: this.name(paper.iss) });
    this.line("amount", "total", { amount: this.money(paper.amount, paper.currency) });
    this.terms("", paper);
    paper.accepts.forEach((payee, at) => this.payee(`accepts.${at}`, payee));
    this.line("iat", "made", { time: this.time(paper.iat) });
    if (paper.pseudonym) this.line("pseudonym", "pseudonym", { pseudonym: this.digest(paper.pseudonym) });
    if (paper.resource) this.line("resource", "resource", { digest: this.digest(paper.resource) });
    this.line("cti", "nonce", { nonce: this.digest(paper.cti) });
    this.items("", paper);
  }

  terms(place, offer) {
    this.line(`${place}currency`, "priced", this.currency(offer));
    const held = { duration: this.duration(offer.hold_seconds ?? HOLD_SECONDS) };
    this.line(`${place}capture`, offer.capture === 1n ? "capture.at_once" : "capture.by_command", held);
    this.line(`${place}exp`, "offer.until", { time: this.time(offer.exp) });
  }

  payee(key, [issuer, account]) {
    this.line(key, "payee", { issuer: this.name(issuer), account: this.quote(account) });
  }

  items(place, offer) {
    this.line(`${place}items`, "items");
    offer.items.forEach((item, at) => {
      const holes = {
        number: this.number(at + 1),
        kind: this.say(`line.${item.line ? LINES[item.line] : "goods"}`),
        quantity: this.number(item.quantity),
        price: this.money(item.price, offer.currency),
        sum: this.money(item.quantity * item.price, offer.currency),
        name: this.quote(item.name, this.voice ? 40 : 80), // [RND-13]
        id: this.quote(item.id),
        category: "category" in item ? this.category(item.category) : "",
      };
      this.line(`${place}items.${at}`, "category" in item ? "item.category" : "item", holes, 1);
    });
  }

  /** [RND-19] */
  confirmation(paper, intent, offer) {
    const amount = this.money(intent.amount, intent.currency);
    this.line("title", "confirmation");
    this.line("intent.amount", "pay", { amount, merchant: this.name(offer.iss) });
    this.line("offer.kind", `offer.${KINDS[offer.kind]}`);
    this.terms("offer.", offer);
    const payee = offer.accepts.find(([issuer]) => issuer === paper.aud);
    if (payee) this.payee("aud", payee);
    else this.line("aud", "issuer", { issuer: this.name(paper.aud) });
    this.line("sub", "account", { account: this.digest(paper.sub) });
    this.line("intent.iat", "asked", { time: this.time(intent.iat) });
    this.line("intent.mandate", "under", { mandate: this.digest(intent.mandate) });
    if (intent.channel) this.line("intent.channel", "channel", { channel: this.say(`channel.${CHANNELS[intent.channel]}`) });
    if (intent.device) this.line("intent.device", "device", { key: this.digest(intent.device) });
    if (intent.period) this.line("intent.period", "period", { number: this.number(intent.period) });
    this.line("intent.offer", "for", { offer: this.digest(intent.offer) });
    this.line("intent", "payment", { intent: this.digest(paper.intent) });
    this.items("offer.", offer);
    if (this.voice) {
      const number = new DataView(paper.intent.slice().buffer).getUint32(0) % 10000;
      this.said = this.say("phrase", { amount, digits: this.figures(String(number).padStart(4, "0")) }); // [RND-20]
      this.line("phrase", "answer", { phrase: this.said });
    }
  }

  // Numbers, money and time.

  /** [RND-6] [RND-7] [RND-8] */
  number(value) {
    const number = BigInt(value);
    if (!this.voice) return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
    if (number >= 10n ** 16n) return this.figures(String(number));
    const words = this.language === "zh" ? chinese(number) : english(number);
    return this.joined(words.map((word) => this.say(`number.${word}`)));
  }

  joined(words) {
    return words.join(this.language === "zh" ? "" : " ");
  }

  figures(digits) {
    return this.voice ? this.joined(Array.from(digits, (digit) => this.say(`number.${digit}`))) : digits;
  }

  category(category) {
    return this.figures(String(category).padStart(4, "0"));
  }

  decimal(value, places, dropsNothing) {
    const whole = this.number(value / 10n ** BigInt(places)), rest = value % 10n ** BigInt(places);
    if (places === 0 || (dropsNothing && rest === 0n)) return whole;
    const decimals = String(rest).padStart(places, "0");
    return this.voice ? this.joined([whole, this.say("number.point"), this.figures(decimals)]) : `${whole}.${decimals}`;
  }

  money(minor, code) {
    const number = this.decimal(minor, this.registries.currencies.get(code), this.voice);
    return this.say("money", { number, ...this.currency({ currency: code }) });
  }

  currency({ currency }) {
    return { currency: this.say(`currency.${currency}`), code: currency };
  }

  percent(thousandths) {
    return this.say("percent", { number: this.decimal(thousandths, 1, true) });
  }

  /** [RND-9] */
  time(at) {
    const date = new Date(Number(at) * 1000);
    const clock = (unit, number) => (this.voice ? this.counted("clock", unit, number) : String(number).padStart(2, "0"));
    const year = date.getUTCFullYear();
    return this.say("time", {
      year: this.voice && this.language === "en" ? this.number(year) : this.figures(String(year)),
      month: this.say(`month.${date.getUTCMonth() + 1}`),
      day: this.number(date.getUTCDate()),
      hour: clock("hour", date.getUTCHours()),
      minute: clock("minute", date.getUTCMinutes()),
      second: clock("second", date.getUTCSeconds()),
    });
  }

  counted(what, unit, number) {
    return this.say(`${what}.${unit}.${BigInt(number) === 1n ? "one" : "many"}`, { number: this.number(number) });
  }

  /** [RND-10] */
  duration(seconds) {
    const parts = [];
    let rest = seconds;
    for (const [unit, length] of LENGTHS) {
      if (rest >= length) parts.push(this.counted("unit", unit, rest / length));
      rest %= length;
    }
    return parts.join(this.say("unit.join"));
  }

  /** [RND-23] */
  period({ unit, zone, seconds, anchor }) {
    if (seconds) return this.say("period.rolling", { duration: this.duration(seconds) });
    if (anchor !== undefined) {
      return this.say(`term.${UNITS[unit]}`, { time: this.time(anchor), zone: this.aloud(zone) });
    }
    return this.say(`period.${UNITS[unit]}`, { zone: this.aloud(zone) });
  }

  window({ zone, weekdays, from, until }) {
    const days = [1, 2, 3, 4, 5, 6, 7].filter((day) => (weekdays >> (day - 1)) & 1).map((day) => this.say(`day.${day}`));
    const clock = (unit, number) => (this.voice ? this.counted("clock", unit, number) : String(number).padStart(2, "0"));
    const minute = (minutes) => this.say("minute",
      { hour: clock("hour", Math.floor(minutes / 60)), minute: clock("minute", minutes % 60) });
    return this.say("window", {
      days: weekdays === 127 ? this.say("days.all") : days.join(this.say("list")),
      from: minute(from),
      until: minute(until),
      zone: this.aloud(zone),
    });
  }

  // Names, digests and other people's words.

  /** [RND-11] */
  name(party) {
    if (this.voice) return this.say("name", { said: this.aloud(party), letters: this.spelled(party) });
    const marks = ["0", "1"].filter((figure) => party.includes(figure)).join("");
    return this.say(marks ? `name.${marks}` : "name", { name: party });
  }

  /** [RND-15] */
  digest(bytes) {
    const figures = hex(bytes);
    return this.say("digest", { digits: this.voice ? Array.from(figures.slice(0, 16)).join(" ") : figures });
  }

  /** [RND-12] [RND-13] [RND-14] */
  quote(text, most = Infinity) {
    const all = Array.from(text), shown = all.slice(0, most);
    if (this.voice) {
      const letters = shown.filter((character) => this.registries.kindOf(character) === "letter").join("");
      const lower = letters.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      if (lower.includes(this.say("quote.word"))) return this.say("quote.unsaid", { count: this.number(all.length) });
    }
    const said = this.voice ? this.aloud(shown.join("")) : this.written(shown);
    if (shown.length === all.length) return this.say("quote", { text: said });
    return this.say("quote.cut", { text: said, count: this.number(all.length - shown.length) });
  }

  written(characters) {
    return characters.map((character, at) => {
      const kind = this.registries.kindOf(character);
      const stands = kind !== "other" && !(kind === "space" && standsOut(characters, at));
      return stands ? character : `{U+${numbered(character)}}`;
    }).join("");
  }

  aloud(text) {
    if (!this.voice) return text;
    const words = [], characters = Array.from(text);
    let isOpen = false;
    characters.forEach((character, at) => {
      const kind = this.registries.kindOf(character);
      if (kind === "letter" && isOpen) words[words.length - 1] += character;
      else if (kind === "letter") words.push(character);
      else if (kind !== "space" || standsOut(characters, at)) words.push(this.sign(character));
      isOpen = kind === "letter";
    });
    return words.join(" ");
  }

  spelled(text) {
    const said = (character) => (this.registries.kindOf(character) === "letter" ? character : this.sign(character));
    return Array.from(text, said).join(" ");
  }

  sign(character) {
    const number = numbered(character);
    const name = this.phrase(`sign.${number}`);
    return name ?? this.say("sign", { digits: Array.from(number).join(" ") });
  }
}

const numbered = (character) => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

const standsOut = (characters, at) => at === 0 || at === characters.length - 1 || characters[at - 1] === " ";

// Entries that stand together and name one merchant.
function runs(entries) {
  const found = [];
  for (const entry of entries) {
    const last = found.at(-1);
    if (last && last[0][0] === entry[0]) last.push(entry);
    else found.push([entry]);
  }
  return found;
}

// The words of a number, each by the number that it names.
function english(number) {
  if (number < 20n) return [number];
  const words = [];
  let rest = number;
  for (const scale of [10n ** 15n, 10n ** 12n, 10n ** 9n, 10n ** 6n, 1000n]) {
    if (rest >= scale) words.push(...english(rest / scale), scale);
    rest %= scale;
  }
  if (rest >= 100n) words.push(rest / 100n, 100n);
  rest %= 100n;
  if (rest >= 20n) {
    words.push((rest / 10n) * 10n);
    rest %= 10n;
  }
  if (rest > 0n) words.push(rest);
  return words;
}

function chinese(number) {
  const words = number === 0n ? [0n] : below(number);
  return words[0] === 1n && words[1] === 10n ? words.slice(1) : words;
}

function below(number) {
  const unit = [100000000n, 10000n, 1000n, 100n, 10n].find((unit) => number >= unit);
  if (!unit) return [number];
  const rest = number % unit;
  const gap = rest > 0n && rest < unit / 10n ? [0n] : [];
  return [...below(number / unit), unit, ...gap, ...(rest > 0n ? below(rest) : [])];
}
