// All mandates: their own texts, how they stand, and what can be done about them.

import { el, field } from "../dom.js";
import { compare, encode } from "../cbor.js";
import { unhex } from "../sign.js";
import { major, minor, next, sealed } from "../draft.js";
import { register, review } from "./review.js";

const COMMAND_MAX = 256;

export function mandates(wallet, [id]) {
  const { t } = wallet;
  if (id) return one(wallet, wallet.mandates.find(({ name }) => name === id));
  const standing = wallet.standing();
  const past = wallet.mandates.filter((mandate) => !standing.includes(mandate));
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

/** What is said of a mandate in a line or two; everything in numbers comes from its own bytes or is counted. */
export function card(wallet, mandate) {
  const { t } = wallet;
  if (mandate.fault) return broken(wallet, mandate);
  const { entry, paper } = mandate;
  const left = entry.left_minor === null ? null : BigInt(entry.left_minor);
  return [
    el("header", {},
      el("h3", {}, el("a", { href: `#/mandates/${mandate.name}` }, `${wallet.nameOf(mandate.holder)}: ${t(`mode.${paper.mode}`)}`)),
      el("span", { class: `state ${entry.state}` }, t(`state.${entry.state}`))),
    el("p", {}, left !== null
      ? t("mandates.left", { left: wallet.money(left, paper.currency), spent: wallet.money(entry.spent_minor, paper.currency) })
      : t("mandates.spent", { spent: wallet.money(entry.spent_minor, paper.currency), count: entry.payments }),
    " ", el("span", { class: "soft" }, t("mandates.until", { time: wallet.time(paper.exp) }))),
  ];
}

const broken = ({ t }, { name }) => [
  el("header", {}, el("h3", {}, t("mandates.broken")), el("span", { class: "state fault" }, t("state.fault"))),
  el("p", {}, t("mandates.broken.what")),
  el("p", { class: "digits" }, name),
];

function one(wallet, mandate) {
  const { t } = wallet;
  if (!mandate) return [el("h1", {}, t("nav.mandates")), el("p", {}, t("mandates.unknown"))];
  if (mandate.fault) return [el("h1", {}, t("nav.mandates")), el("div", { class: "note bad" }, broken(wallet, mandate))];
  const { entry } = mandate;
  const stands = ["active", "suspended", "exhausted", "expired"].includes(entry.state);
  const button = (what, kind = "") => el("button", { type: "button", id: what, class: kind, onclick: () => command(wallet, what, [mandate]) }, t(`do.${what}`));
  return [
    el("h1", {}, `${wallet.nameOf(mandate.holder)}: ${t(`mode.${mandate.paper.mode}`)}`),
    el("section", { class: "card" }, card(wallet, mandate), wallet.mandateText(mandate),
      el("p", { class: "hint" }, t("mandates.id"), " ", el("span", { class: "digits" }, mandate.name)),
      el("div", { class: "row" },
        entry.state === "suspended" && entry.suspensions.length > 0 && button("resume", "first"),
        ["active", "exhausted"].includes(entry.state) && button("suspend"),
        stands && button("revoke", "grave"))),
    stands && mandate.paper.mode === 3n && !mandate.paper.parent && limits(wallet, mandate),
    el("p", {}, el("a", { href: "#/mandates" }, t("mandates.all"))),
  ];
}

/** Lets mandates rest, takes that back, or ends them: one paper for all of them, of ids that were made here. */
export function command(wallet, what, chosen, to = location.hash) {
  const { t, issuer } = wallet;
  const meant = chosen.filter(({ fault }) => !fault);
  const papers = what === "resume" ? bySuspension(meant) : chunks(meant).map((ids) => ({ ids }));
  review(wallet, {
    title: t(`do.${what}.title`, { count: meant.length }),
    before: [el("p", {}, t(`do.${what}.what`)), el("ul", {}, meant.map((mandate) => el("li", {},
      `${wallet.nameOf(mandate.holder)}: ${t(`mode.${mandate.paper.mode}`)} `, el("span", { class: "digits soft" }, mandate.name.slice(0, 16)))))],
    label: t(`do.${what}.now`, { count: meant.length }),
    grave: what === "revoke",
    work: async () => {
      for (const { ids, suspension } of papers) {
        const typ = { suspend: "suspension", resume: "resumption", revoke: "revocation" }[what];
        await issuer.command(typ, [[-41, sorted(ids)], ...(suspension ? [[-42, unhex(suspension)]] : [])]);
      }
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

// A quota's limits, and the money set aside for it: the next version of the mandate.
function limits(wallet, mandate) {
  const { t, issuer, renderer, language } = wallet;
  const { caps, currency, funded } = mandate.paper;
  const exponent = renderer.currencies.get(currency);
  const typed = (id, value) => el("input", { id, inputmode: "decimal", autocomplete: "off", value: value ? major(value, exponent) : "" });
  const [total, most, aside] = [typed("limit-total", caps.total), typed("limit-most", caps.amount_max), typed("limit-funded", funded)];
  const amount = (control, field) => (control.value.trim() === "" ? undefined : minor(control.value, exponent, field));
  const submit = (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget.querySelector("button");
    wallet.act(button, async () => {
      const now = issuer.now();
      const changed = { ...caps, total: amount(total, "form.total") ?? caps.total, amount_max: amount(most, "form.most") };
      const draft = next(mandate, now, { caps: changed, funded: amount(aside, "form.funded") });
      const { bytes, text } = sealed(draft, renderer, language);
      review(wallet, {
        title: t("limits.title"), text, label: t("create.sign"), to: "#/mandates", done: t("create.done"),
        work: () => register(wallet, bytes), back: () => wallet.show(),
      });
    });
  };
  return el("form", { class: "card", onsubmit: submit, novalidate: true },
    el("h2", {}, t("limits.title")), el("p", { class: "soft" }, t("limits.what")),
    el("div", { class: "inline" },
      field(`${t("form.total")} (${currency})`, total), field(`${t("form.most")} (${currency})`, most),
      field(`${t("form.funded")} (${currency})`, aside, t("form.funded.hint"))),
    el("div", { class: "row" }, el("button", { type: "submit", id: "relimit" }, t("create.review"))));
}
