// The keys that speak for the account: this browser's, and others'.

import { el, field, table } from "../dom.js";
import { guard, isThere } from "../passkey.js";
import { hex } from "../sha256.js";
import { readPublic, thumbprint, unhex } from "../sign.js";
import { review } from "./review.js";

// What the key signed before stands; it signs nothing more.
function retire(wallet, key) {
  const { t, issuer } = wallet;
  review(wallet, {
    title: t("keys.retire"), before: [el("p", {}, t("keys.retire.what")), el("p", { class: "sum digits" }, key.slice(0, 16))],
    label: t("keys.retire.do"), grave: true, to: "#/keys", done: t("keys.retired"),
    work: () => issuer.command("retirement", [[-124, unhex(key)]]), back: () => wallet.show(),
  });
}

export function keys(wallet) {
  const { t, issuer } = wallet;
  const own = hex(issuer.signer.kid);
  const held = wallet.keys.keys;
  const rows = held.map(({ key, expires_at: until, passkeys: guards }) => [
    el("span", { class: "digits" }, key.slice(0, 16)), [key === own ? t("keys.this") : t("keys.other"), guards?.length > 0 && [" ", el("span", { class: "state" }, t("passkey.guarded"))]],
    wallet.time(until),
    key === own ? "" : el("button", { type: "button", class: "grave", onclick: () => retire(wallet, key) }, t("keys.retire"))]);
  const code = el("input", { id: "key-code", spellcheck: "false", autocomplete: "off" });
  const add = (event) => {
    event.preventDefault();
    const button = event.currentTarget.querySelector("button");
    wallet.act(button, async () => {
      const isCode = /^[a-z]{4}-?[a-z]{4}$/i.test(code.value.trim());
      const raw = isCode ? await issuer.offeredKey(code.value.trim()) : await readPublic(code.value);
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
    title: t("keys.leave"), before: [el("p", {}, t(held.length > 1 ? "keys.leave.what" : "keys.leave.last"))],
    label: t("keys.leave.do"), grave: true, work: () => wallet.leave(), back: () => wallet.show(),
  });
  return [
    el("h1", {}, t("nav.keys")),
    el("section", { class: "card" }, el("p", {}, t("keys.what")),
      table(t("keys.caption"), [t("keys.figures"), t("keys.whose"), t("keys.until"), t("keys.end")], rows)),
    wallet.keys.is_frozen && el("div", { class: "note bad" }, el("p", {}, t("keys.frozen"))),
    held.length === 1 && el("div", { class: "note wait" }, el("p", {}, t("keys.one"))),
    guarding(wallet, held, own),
    el("form", { class: "card", onsubmit: add, novalidate: true }, el("h2", {}, t("keys.add")),
      field(t("keys.code"), code, t("keys.code.hint")), el("button", { type: "submit", class: "first", id: "add-key" }, t("create.review"))),
    el("section", { class: "card" }, el("h2", {}, t("keys.leave")), el("p", {}, t("keys.leave.about")),
      el("button", { type: "button", class: "grave", id: "leave", onclick: leave }, t("keys.leave"))),
  ];
}

// What stands between this browser and its key.
function guarding(wallet, held, own) {
  const { t, issuer } = wallet;
  const others = held.filter(({ key, passkeys }) => key !== own && passkeys.length > 0);
  const isGuarded = held.some(({ key, passkeys }) => key === own && passkeys.length > 0);
  const make = async () => wallet.unlocked(await guard(issuer, t("passkey.name", { figures: own.slice(0, 8) })));
  const remove = (key) => ({ currentTarget: button }) => wallet.change(button, async () => {
    await issuer.tell("/v1/wallet/passkeys/removals", { key });
    if (key === own) wallet.unlocked(null);
  }, { done: t("passkey.removed") });
  return el("section", { class: "card", "aria-label": t("passkey.title") }, el("h2", {}, t("passkey.title")),
    el("p", {}, t(isGuarded ? "passkey.is" : "passkey.what")),
    el("div", { class: "row" },
      isThere() ? el("button", { type: "button", id: "guard", class: isGuarded ? "" : "first", onclick: ({ currentTarget: button }) =>
        wallet.change(button, make, { done: t("passkey.made") }) }, t(isGuarded ? "passkey.more" : "passkey.make"))
        : el("p", { class: "soft" }, t("passkey.cannot")),
      isGuarded && el("button", { type: "button", id: "unguard", class: "grave", onclick: remove(own) }, t("passkey.remove"))),
    others.map(({ key }) => el("div", { class: "row" }, el("span", { class: "digits" }, key.slice(0, 16)),
      el("button", { type: "button", class: "grave", onclick: remove(key) }, t("passkey.remove.other")))));
}
