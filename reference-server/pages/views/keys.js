// The keys that speak for the account: this browser's, and others'.

import { el, field, table } from "../dom.js";
import { hex } from "../sha256.js";
import { readPublic, thumbprint } from "../sign.js";
import { review } from "./review.js";

export function keys(wallet) {
  const { t, account, issuer } = wallet;
  const own = hex(issuer.signer.kid);
  const rows = account.keys.map(({ key, expires_at: until }) => [
    el("span", { class: "digits" }, key.slice(0, 16)), key === own ? t("keys.this") : t("keys.other"), wallet.time(until)]);
  const code = el("textarea", { id: "key-code", rows: "2", spellcheck: "false", autocomplete: "off" });
  const add = (event) => {
    event.preventDefault();
    const button = event.currentTarget.querySelector("button");
    wallet.act(button, async () => {
      const raw = await readPublic(code.value);
      if (!raw) throw new Error(t("create.missing", { field: t("keys.code") }));
      review(wallet, {
        title: t("keys.add"),
        before: [el("p", {}, t("keys.add.sure")), el("p", { class: "sum digits", id: "key-figures" }, hex(thumbprint(raw)).slice(0, 16))],
        label: t("keys.add.do"), to: "#/keys", done: t("keys.added"),
        work: () => issuer.addKey(raw), back: () => wallet.show(),
      });
    });
  };
  const leave = () => review(wallet, {
    title: t("keys.leave"), before: [el("p", {}, t(account.keys.length > 1 ? "keys.leave.what" : "keys.leave.last"))],
    label: t("keys.leave.do"), grave: true, work: () => wallet.leave(), back: () => wallet.show(),
  });
  return [
    el("h1", {}, t("nav.keys")),
    el("section", { class: "card" }, el("p", {}, t("keys.what")),
      table(t("keys.caption"), [t("keys.figures"), t("keys.whose"), t("keys.until")], rows)),
    account.keys.length === 1 && el("div", { class: "note wait" }, el("p", {}, t("keys.one"))),
    el("form", { class: "card", onsubmit: add, novalidate: true }, el("h2", {}, t("keys.add")),
      field(t("keys.code"), code, t("keys.code.hint")), el("button", { type: "submit", class: "first", id: "add-key" }, t("create.review"))),
    el("section", { class: "card" }, el("h2", {}, t("keys.leave")), el("p", {}, t("keys.leave.about")),
      el("button", { type: "button", class: "grave", id: "leave", onclick: leave }, t("keys.leave"))),
  ];
}
