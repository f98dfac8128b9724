// Mandates as they are drafted: from what a form says to the bytes that are shown and then signed.

import { Pairs, compare, decode, encode } from "./cbor.js";
import { RULES } from "./papers.js";
import { unhex } from "./sign.js";

const MODES = { single: 1, conditional: 2, quota: 3 };
const SETS = new Set(["merchants_allow", "merchants_deny", "categories_allow", "categories_deny", "items_allow",
  "items_deny", "price_deviation", "channels", "devices", "payee_keys"]);

/** What is typed is no such thing; `field` is a word of the page's. */
export class Unfit extends Error {
  constructor(field) {
    super(field);
    this.field = field;
  }
}

/** The payload of a mandate. `shown` is put in when the text is known. */
export function payload(draft) {
  const fields = [
    [2, draft.account], [3, draft.issuer], [4, draft.exp], [5, draft.nbf], [6, draft.iat], [8, holder(draft.holder)],
    [-1, 1], [-3, draft.offer], [-6, draft.currency], [-10, draft.lineage], [-11, draft.serial ?? 1],
    [-12, MODES[draft.mode]], [-13, draft.parent], [-14, draft.replaces], [-15, draft.caps && rulePairs(draft.caps)],
    [-16, draft.grants && draft.grants.map(rulePairs)], [-17, draft.funded], [-18, draft.refundReturns || undefined],
    [-19, draft.shown],
  ];
  return encode(new Pairs(fields.filter(([, value]) => value !== undefined)));
}

/** The bytes to sign: the text is made of them, and its digest stands in them. [RND-5] [MAN-2] */
export function sealed(draft, renderer, language) {
  const { shown } = renderer.text("mandate", payload(draft), language, "screen");
  const bytes = payload({ ...draft, shown: [language, unhex(shown.rendering)] });
  const text = renderer.text("mandate", bytes, language, "screen");
  if (text.shown.rendering !== shown.rendering) throw new Error("the text is not that of the bytes"); // [RND-22]
  return { bytes, text };
}

/** A draft of the next version of a mandate. What is spent counts on. [MAN-18] [MAN-22] */
export function next(mandate, now, changes) {
  const { paper } = mandate;
  const modes = { 1: "single", 2: "conditional", 3: "quota" };
  return {
    account: paper.sub, issuer: paper.aud, exp: paper.exp, nbf: now, iat: now, holder: paper.cnf, offer: paper.offer,
    currency: paper.currency, lineage: paper.lineage, serial: paper.serial + 1n, mode: modes[paper.mode],
    parent: paper.parent, replaces: mandate.id, caps: paper.caps, grants: paper.grants, funded: paper.funded,
    refundReturns: paper.refund_returns, ...changes,
  };
}

/** Minor units out of what was typed: figures, a point, no more decimals than the currency has. */
export function minor(text, exponent, field) {
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(text.trim().replaceAll(",", ""));
  if (!match || (match[2] ?? "").length > exponent) throw new Unfit(field);
  return BigInt(match[1] + (match[2] ?? "").padEnd(exponent, "0"));
}

/** The opposite. */
export function major(amount, exponent) {
  const figures = String(amount).padStart(exponent + 1, "0");
  return exponent === 0 ? figures : `${figures.slice(0, -exponent)}.${figures.slice(-exponent)}`;
}

function rulePairs(rules) {
  const rows = RULES.filter(([, name]) => rules[name] !== undefined);
  return new Pairs(rows.map(([label, name]) => [label, ruleValue(name, rules[name])]));
}

function ruleValue(name, value) {
  if (name === "total_per" || name === "count_per") return value.map(([limit, period]) => [limit, periodItem(period)]);
  if (name === "times") return value.map(({ zone, weekdays, from, until }) => [zone, weekdays, from, until]);
  if (!SETS.has(name)) return value;
  const coded = value.map(encode).sort(compare).filter((item, at, all) => at === 0 || compare(all[at - 1], item) !== 0);
  return coded.map(decode);
}

const periodItem = ({ unit, zone, seconds, anchor }) =>
  (seconds ? [2, seconds] : anchor === undefined ? [1, unit, zone] : [3, unit, zone, anchor]);
const holder = ({ key, merchant }) => (key ? new Pairs([[1, decode(key)]]) : new Pairs([[-1, merchant]]));
