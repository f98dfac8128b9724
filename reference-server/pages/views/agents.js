// Whoever holds a mandate: by key, with the name that the person gave it.

import { el, field } from "../dom.js";
import { hasLimits } from "./limits.js";
import { command } from "./mandates.js";

export function agents(wallet) {
  const { t } = wallet;
  const held = new Map();
  for (const mandate of wallet.mandates.filter(({ fault }) => !fault)) {
    held.set(mandate.holder, [...(held.get(mandate.holder) ?? []), mandate]);
  }
  const waiting = wallet.pending.length > 0 && el("div", { class: "note wait" },
    el("p", {}, t("agents.waiting", { count: wallet.pending.length }), " ", el("a", { href: "#/approvals" }, t("agents.look"))));
  const broken = wallet.mandates.some(({ fault }) => fault) && el("div", { class: "note bad" }, el("p", {}, t("mandates.broken.what")));
  if (held.size === 0) {
    return [el("h1", {}, t("nav.agents")), waiting, broken, first(wallet)];
  }
  const rows = Array.from(held, ([holder, mandates]) => row(wallet, holder, mandates));
  const chosen = () => rows.filter(({ box }) => box.checked).flatMap(({ mandates }) => mandates);
  const batch = (what, states, kind = "") => el("button", {
    type: "button", id: `batch-${what}`, class: kind, onclick: ({ currentTarget: button }) => {
      const meant = chosen().filter(({ entry }) => states.includes(entry.state));
      if (meant.length > 0) command(wallet, what, meant, "#/agents");
      else wallet.act(button, () => { throw new Error(t("agents.choose")); });
    },
  }, t(`do.${what}`));
  return [
    el("h1", {}, t("nav.agents")), waiting, broken,
    el("section", { "aria-label": t("nav.agents") },
      el("ul", { class: "cards" }, rows.map(({ node }) => node)),
      el("p", { class: "soft" }, t("agents.batch")),
      el("div", { class: "row" },
        batch("suspend", ["active", "exhausted"]), batch("resume", ["suspended"]),
        batch("revoke", ["active", "suspended", "exhausted", "expired"], "grave"),
        el("button", { type: "button", id: "batch-limits", onclick: ({ currentTarget: button }) => {
          const holders = rows.filter(({ box }) => box.checked).map(({ holder }) => holder);
          if (holders.length > 0) location.hash = `#/limits/${holders.join("/")}`;
          else wallet.act(button, () => { throw new Error(t("agents.choose")); });
        } }, t("limits.do")),
        el("a", { class: "button first", href: "#/create" }, t("mandates.new")))),
  ];
}

function row(wallet, holder, mandates) {
  const { t } = wallet;
  const box = el("input", { type: "checkbox", id: `choose-${holder}` });
  const live = mandates.filter(({ entry }) => entry.state === "active");
  const sums = (wallet.agents.get(holder)?.spent ?? []).filter(({ spent_minor: minor }) => minor !== "0")
    .map(({ currency, spent_minor: minor }) => wallet.money(minor, currency)).join(", ");
  const name = el("input", { value: wallet.names[holder] ?? "", maxlength: "40", autocomplete: "off" });
  const save = (event) => {
    event.preventDefault();
    wallet.change(event.currentTarget.querySelector("button"), () => wallet.rename(holder, name.value), { done: t("agents.named") });
  };
  const node = el("li", { class: "card" },
    el("header", {}, el("div", { class: "tick" }, box, el("label", { for: box.id }, el("h2", {}, wallet.nameOf(holder)))),
      el("span", { class: `state ${live.length > 0 ? "active" : ""}` }, t("agents.live", { count: live.length }))),
    el("p", {}, sums ? t("agents.spent", { sums }) : t("agents.unspent"), " ",
      el("a", { href: `#/records/of/${holder}` }, t("agents.records")), " ",
      mandates.some(hasLimits) && el("a", { href: `#/limits/${holder}` }, t("limits.do"))),
    el("ul", {}, wallet.latest().filter((mandate) => mandates.includes(mandate)).slice(-5).reverse().map((mandate) => el("li", {},
      el("a", { href: `#/mandates/${mandate.name}` }, t(`mode.${mandate.paper.mode}`)), " ",
      el("span", { class: `state ${mandate.entry.state}` }, t(`state.${mandate.entry.state}`)))),
    mandates.length > 5 && el("li", {}, el("a", { href: "#/mandates" }, t("mandates.all")))),
    el("details", {}, el("summary", {}, t("agents.about")),
      el("p", { class: "digits" }, holder),
      el("form", { onsubmit: save, novalidate: true }, field(t("agents.name"), name, t("agents.name.hint")),
        el("button", { type: "submit" }, t("agents.name.do")))));
  return { node, box, mandates, holder };
}

function first({ t }) {
  return el("section", { class: "card" },
    el("h2", {}, t("first.title")),
    el("ol", {},
      el("li", {}, t("first.money"), " ", el("a", { href: "#/funds" }, t("nav.funds"))),
      el("li", {}, t("first.mandate"), " ", el("a", { href: "#/create" }, t("mandates.new"))),
      el("li", {}, t("first.watch"), " ", el("a", { href: "#/approvals" }, t("nav.approvals")))));
}
