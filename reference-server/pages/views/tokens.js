// What is paid as it is used. Each kind is a section of its own: a heading, and a list that goes on page by page.

import { el, fill, table } from "../dom.js";

const PAGE = 50;

export async function tokens(wallet) {
  return [el("h1", {}, wallet.t("nav.tokens")), await sessions(wallet)];
}

// Metered sessions: money is held when one opens, and what was used of it is taken when it is settled.
async function sessions(wallet) {
  const { t, issuer } = wallet;
  const list = el("div", {});
  const shown = [];
  const more = async (after) => {
    const page = await issuer.read(`/v1/wallet/sessions?limit=${PAGE}${after ? `&after=${after}` : ""}`);
    if (after) wallet.touched = true;
    shown.push(...page.sessions);
    fill(list, shown.length === 0 ? el("p", { class: "soft" }, t("tokens.sessions.none"))
      : table(t("tokens.sessions"), [t("records.when"), t("records.merchant"), t("agent"), t("tokens.held"), t("tokens.taken"), t("records.state")],
        shown.map((session) => row(wallet, session))),
    page.next !== null && el("button", { type: "button", id: "more", onclick: ({ currentTarget: button }) =>
      wallet.act(button, () => more(page.next)) }, t("records.more")));
  };
  await more(null);
  return el("section", { class: "card", "aria-label": t("tokens.sessions") },
    el("h2", {}, t("tokens.sessions")), el("p", { class: "soft" }, t("tokens.sessions.what")), list);
}

function row(wallet, session) {
  const { t } = wallet;
  const money = (minor) => ({ number: wallet.money(minor, session.currency) });
  return [
    el("a", { href: `#/records/${session.receipt}` }, wallet.time(session.decided_at)),
    session.merchant, wallet.nameOf(session.agent), money(session.held_minor), money(session.captured_minor),
    el("span", { class: `state ${session.state === "open" ? "pending" : ""}` }, t(`session.${session.state}`)),
  ];
}
