// What is paid for use, as it goes or beforehand. Each kind is a section of its own: a heading, and a list that goes on
// page by page.

import { el, fill, table } from "../dom.js";

const PAGE = 50;

export async function tokens(wallet) {
  const { t } = wallet;
  // Money is held when a session opens, and what was used of it is taken when it is settled.
  const sessions = section(wallet, "sessions", [t("records.when"), t("records.merchant"), t("agent"), t("tokens.held"),
    t("tokens.taken"), t("records.state")], session);
  // What is left of a pack is in the seller's books, and not in the issuer's.
  const packs = section(wallet, "packs", [t("records.when"), t("records.merchant"), t("agent"), t("tokens.plan"),
    t("tokens.paid"), t("tokens.returned")], pack);
  return [el("h1", {}, t("nav.tokens")), ...await Promise.all([sessions, packs])];
}

async function section(wallet, kind, headings, row) {
  const { t, issuer } = wallet;
  const list = el("div", {});
  const shown = [];
  const more = async (after) => {
    const page = await issuer.read(`/v1/wallet/${kind}?limit=${PAGE}${after ? `&after=${after}` : ""}`);
    if (after) wallet.touched = true;
    shown.push(...page[kind]);
    fill(list, shown.length === 0 ? el("p", { class: "soft" }, t(`tokens.${kind}.none`))
      : table(t(`tokens.${kind}`), headings, shown.map((one) => row(wallet, one))),
    page.next !== null && el("button", { type: "button", id: `more-${kind}`, onclick: ({ currentTarget: button }) =>
      wallet.act(button, () => more(page.next)) }, t("records.more")));
  };
  await more(null);
  return el("section", { class: "card", id: kind },
    el("h2", {}, t(`tokens.${kind}`)), el("p", { class: "soft" }, t(`tokens.${kind}.what`)), list);
}

const money = (wallet, minor, currency) => ({ number: wallet.money(minor, currency) });
const bought = (wallet, { receipt, decided_at: at }) => el("a", { href: `#/records/${receipt}` }, wallet.time(at));

function session(wallet, one) {
  return [
    bought(wallet, one), one.merchant, wallet.nameOf(one.agent),
    money(wallet, one.held_minor, one.currency), money(wallet, one.captured_minor, one.currency),
    el("span", { class: `state ${one.state === "open" ? "pending" : ""}` }, wallet.t(`session.${one.state}`)),
  ];
}

function pack(wallet, one) {
  return [
    bought(wallet, one), one.merchant, wallet.nameOf(one.agent), wallet.quoted(one.plan),
    money(wallet, one.paid_minor, one.currency), money(wallet, one.refunded_minor, one.currency),
  ];
}
