// Devices that have a mandate of their own, and one that asks for one: by the code that it shows (chapter 24).

import { encode } from "../cbor.js";
import { el, field } from "../dom.js";
import { minor, sealed } from "../draft.js";
import { hex } from "../sha256.js";
import { coseKey, random, readPublic, thumbprint } from "../sign.js";
import { command, titled } from "./mandates.js";
import { register, review } from "./review.js";

const DAYS = 30 * 86400;

/** A mandate that one device alone can use: its key holds it, and a rule binds it to that key. [DEV-9] */
const isDevices = ({ fault, paper, holder }) => !fault && paper.caps?.devices?.length === 1 && hex(paper.caps.devices[0]) === holder;

export async function devices(wallet, [code]) {
  const { t } = wallet;
  const held = wallet.latest().filter(isDevices);
  const typed = el("input", { id: "device-code", spellcheck: "false", autocomplete: "off", value: code ?? "" });
  const look = (event) => {
    event.preventDefault();
    const to = `#/devices/${encodeURIComponent(typed.value.trim().toUpperCase())}`;
    if (location.hash === to) wallet.show();
    else location.hash = to;
  };
  const asking = code && await wallet.issuer.read(`/v1/wallet/devices/${encodeURIComponent(code)}`).catch((error) => {
    if (error.slug !== "not-found") throw error;
    return null;
  });
  return [
    el("h1", {}, t("nav.devices")),
    el("p", {}, t("devices.what")),
    el("ul", { class: "cards" }, held.map((mandate) => one(wallet, mandate))),
    asking ? await answer(wallet, code, asking)
      : [code && el("div", { class: "note bad said", id: "no-device" }, el("p", {}, t("devices.gone"))),
        el("form", { class: "card", onsubmit: look, novalidate: true }, el("h2", {}, t("devices.add")),
          field(t("devices.code"), typed, t("devices.code.hint")), el("button", { type: "submit", class: "first", id: "look-device" }, t("devices.look")))],
  ];
}

function one(wallet, mandate) {
  const { t } = wallet;
  const { entry } = mandate;
  const stands = ["active", "suspended", "exhausted", "expired"].includes(entry.state);
  return el("li", { class: "card" },
    el("header", {}, el("h2", {}, el("a", { href: `#/mandates/${mandate.name}` }, titled(wallet, mandate))),
      el("span", { class: `state ${entry.state}` }, t(`state.${entry.state}`))),
    el("p", { class: "digits" }, mandate.holder.slice(0, 16)),
    stands && el("div", { class: "row" }, el("button", { type: "button", class: "grave cut", id: `cut-${mandate.holder.slice(0, 8)}`, onclick: () =>
      command(wallet, "revoke", [mandate], "#/devices") }, t("devices.cut"))));
}

// What the device says of itself stands in quotes; its key's figures are what is compared. [DEV-8]
async function answer(wallet, code, { public: coded, name }) {
  const { t, issuer, renderer } = wallet;
  const raw = await readPublic(coded);
  if (!raw) throw new Error(t("untrue"));
  const path = `/v1/wallet/devices/${encodeURIComponent(code)}`;
  const [total, most] = ["total", "most"].map((id) => el("input", { id: `device-${id}`, inputmode: "decimal", autocomplete: "off" }));
  const called = el("input", { id: "device-name", maxlength: "40", autocomplete: "off" });
  const own = [...wallet.account.balances.map(({ currency }) => currency), "CNY"];
  const currency = el("select", { id: "device-currency" }, [...new Set(own)].map((code) => el("option", { value: code }, code)));
  const submit = (event) => {
    event.preventDefault();
    wallet.act(event.submitter ?? event.currentTarget.querySelector("button"), async () => {
      const exponent = renderer.currencies.get(currency.value), now = issuer.now();
      const caps = { total: minor(total.value, exponent, "form.total"), devices: [thumbprint(raw)] };
      if (most.value.trim()) caps.amount_max = minor(most.value, exponent, "form.most");
      const draft = {
        account: issuer.account, issuer: issuer.id, nbf: now, iat: now, exp: now + DAYS, mode: "quota", lineage: random(16),
        currency: currency.value, holder: { key: encode(coseKey(raw)) }, caps,
      };
      const { bytes, text } = sealed(draft, renderer, wallet.language);
      review(wallet, {
        title: t("devices.sign"), text, label: t("create.sign"), to: "#/devices", done: t("devices.done"), back: () => wallet.show(),
        before: [el("p", {}, t("devices.sure")), el("p", { class: "sum digits" }, hex(thumbprint(raw)).slice(0, 16))],
        work: async () => {
          const { id } = await register(wallet, bytes);
          await issuer.tell(path, { mandate: hex(id) });
          await wallet.rename(hex(thumbprint(raw)), called.value);
        },
      });
    });
  };
  const refuse = ({ currentTarget: button }) => wallet.change(button, () => issuer.tell(path, {}), { to: "#/devices", done: t("devices.refused") });
  return el("form", { class: "card", id: "asking", onsubmit: submit, novalidate: true },
    el("h2", {}, t("devices.asks")),
    el("p", {}, t("devices.says", { name: wallet.quoted(name) })),
    el("p", {}, t("devices.compare"), " ", el("span", { class: "digits", id: "device-figures" }, hex(thumbprint(raw)).slice(0, 16))),
    el("div", { class: "inline" }, field(t("form.total"), total), field(t("form.most"), most), field(t("form.currency"), currency)),
    field(t("devices.name"), called, t("agents.name.hint")),
    el("div", { class: "row" },
      el("button", { type: "submit", class: "first", id: "allow-device" }, t("create.review")),
      el("button", { type: "button", class: "grave", id: "refuse-device", onclick: refuse }, t("devices.refuse"))));
}
