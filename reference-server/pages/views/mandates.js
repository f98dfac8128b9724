// All mandates: their own texts, how they stand, and what can be done about them.

import { compare, encode } from "../cbor.js";
import { el } from "../dom.js";
import { unhex } from "../sign.js";
import { hasLimits, limitsOf } from "./limits.js";
import { review } from "./review.js";

const COMMAND_MAX = 256;

export function mandates(wallet, [id]) {
  const { t } = wallet;
  if (id) return one(wallet, wallet.mandates.find(({ name }) => name === id));
  const standing = wallet.standing();
  const past = wallet.latest().filter((mandate) => !standing.includes(mandate));
  return [
    el("h1", {}, t("nav.mandates")),
    el("div", { class: "row" }, el("a", { class: "button first", id: "new", href: "#/create" }, t("mandates.new"))),
    el("h2", {}, t("mandates.standing")),
    standing.length === 0 ? el("p", { class: "soft" }, t("mandates.none")) : list(wallet, standing),
    past.length > 0 && el("details", {}, el("summary", {}, t("mandates.past", { count: past.length })), list(wallet, past)),
  ];
}

function list(wallet, shown) {
  return el("ul", { class: "cards" }, shown.slice().reverse().map((mandate) => el("li", { class: "card" }, card(wallet, mandate))));
}

function card(wallet, mandate) {
  if (mandate.fault) return broken(wallet, mandate, "h3");
  return [
    el("header", {}, el("h3", {}, el("a", { href: `#/mandates/${mandate.name}` }, titled(wallet, mandate))), state(wallet, mandate)),
    figures(wallet, mandate),
  ];
}

/** What a mandate is called. */
export const titled = (wallet, { holder, paper }) => `${wallet.nameOf(holder)}: ${wallet.t(`mode.${paper.mode}`)}`;
const state = ({ t }, { entry }) => el("span", { class: `state ${entry.state}` }, t(`state.${entry.state}`));

// What is left and spent is the issuer's count; currency and time are the mandate's own.
function figures(wallet, { entry, paper }) {
  const { t } = wallet;
  const left = entry.left_minor === null ? null : BigInt(entry.left_minor);
  return el("p", {}, left !== null
      ? t("mandates.left", { left: wallet.money(left, paper.currency), spent: wallet.money(entry.spent_minor, paper.currency) })
      : t("mandates.spent", { spent: wallet.money(entry.spent_minor, paper.currency), count: entry.payments }),
  " ", el("span", { class: "soft" }, t("mandates.until", { time: wallet.time(paper.exp) })));
}

const broken = ({ t }, { name }, heading) => [
  el("header", {}, el(heading, {}, t("mandates.broken")), el("span", { class: "state fault" }, t("state.fault"))),
  el("p", {}, t("mandates.broken.what")),
  el("p", { class: "digits" }, name),
];

function one(wallet, mandate) {
  const { t } = wallet;
  if (!mandate) return [el("h1", {}, t("nav.mandates")), el("p", {}, t("mandates.unknown"))];
  if (mandate.fault) return [el("h1", {}, t("nav.mandates")), el("div", { class: "note bad" }, broken(wallet, mandate, "h2"))];
  const { entry } = mandate;
  const stands = ["active", "suspended", "exhausted", "expired"].includes(entry.state);
  const button = (what, kind = "") => el("button", { type: "button", id: what, class: kind, onclick: () => command(wallet, what, [mandate]) }, t(`do.${what}`));
  return [
    el("h1", {}, titled(wallet, mandate)),
    el("section", { class: "card", "aria-label": titled(wallet, mandate) }, state(wallet, mandate), figures(wallet, mandate), wallet.mandateText(mandate),
      el("p", { class: "hint" }, t("mandates.id"), " ", el("span", { class: "digits" }, mandate.name)),
      el("div", { class: "row" },
        entry.state === "suspended" && entry.suspensions.length > 0 && button("resume", "first"),
        ["active", "exhausted"].includes(entry.state) && button("suspend"),
        stands && button("revoke", "grave"))),
    hasLimits(mandate) && limitsOf(wallet, mandate),
    el("p", {}, el("a", { href: "#/mandates" }, t("mandates.all"))),
  ];
}

/** Lets mandates rest, takes that back, or ends them: one signature for all of them, of ids that were made here. */
export function command(wallet, what, chosen, to = location.hash) {
  const { t, issuer } = wallet;
  const meant = chosen.filter(({ fault }) => !fault);
  const papers = what === "resume" ? bySuspension(meant) : chunks(meant).map((ids) => ({ ids }));
  review(wallet, {
    title: t(`do.${what}.title`, { count: meant.length }),
    before: [el("p", {}, t(`do.${what}.what`)), el("ul", {}, meant.map((mandate) => el("li", {},
      `${titled(wallet, mandate)} `, el("span", { class: "digits soft" }, mandate.name.slice(0, 16)))))],
    label: t(`do.${what}.now`, { count: meant.length }),
    grave: what === "revoke",
    work: async () => {
      const typ = { suspend: "suspension", resume: "resumption", revoke: "revocation" }[what];
      const fields = papers.map(({ ids, suspension }) => [[-41, sorted(ids)], ...(suspension ? [[-42, unhex(suspension)]] : [])]);
      if (fields.length === 1) await issuer.command(typ, fields[0]);
      else await issuer.batch(fields.map((some) => ({ typ, payload: issuer.payload(some, { ofAccount: true }) })));
    },
    to,
    done: t(`do.${what}.done`, { count: meant.length }),
    back: () => wallet.show(),
  });
}

const sorted = (ids) => ids.slice().sort((one, other) => compare(encode(one), encode(other)));

function chunks(meant) {
  const ids = meant.map(({ id }) => id);
  return Array.from({ length: Math.ceil(ids.length / COMMAND_MAX) }, (_, at) => ids.slice(at * COMMAND_MAX, (at + 1) * COMMAND_MAX));
}

// A resumption lifts one suspension.
function bySuspension(meant) {
  const found = new Map();
  for (const { id, entry } of meant) {
    for (const suspension of entry.suspensions) found.set(suspension, [...(found.get(suspension) ?? []), id]);
  }
  return Array.from(found, ([suspension, ids]) => ({ suspension, ids }));
}
