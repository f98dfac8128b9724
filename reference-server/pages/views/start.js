// Before there is an account: open one, or ask to be let into one.

import { el, field } from "../dom.js";
import { hex } from "../sha256.js";
import { newPair, publicBytes, thumbprint, unhex } from "../sign.js";

export async function start(wallet) {
  const { t, issuer } = wallet;
  const waiting = await pairOf(wallet);

  const open = async () => {
    const self = { pair: await newPair() };
    await issuer.use(self);
    self.account = await issuer.openAccount();
    await wallet.keep("self", self);
    await wallet.enter(self);
    await wallet.show();
  };
  const ask = async () => {
    const pair = await newPair();
    const raw = await publicBytes(pair);
    const { code } = await issuer.offerKey(raw);
    await wallet.keep("asking", { pair, code });
    await wallet.show(false);
    document.getElementById("code")?.focus();
  };

  return [
    el("h1", {}, t("start.title")),
    el("p", {}, t("start.what")),
    el("div", { class: "columns" },
      el("section", { class: "card" },
        el("h2", {}, t("start.open")),
        el("p", {}, t("start.open.what", { issuer: issuer.id })),
        el("button", { type: "button", class: "first", id: "open", onclick: ({ currentTarget: button }) =>
          wallet.act(button, open, t("start.opened")) }, t("start.open.do"))),
      el("section", { class: "card" },
        el("h2", {}, t("start.join")),
        el("p", {}, t("start.join.what")),
        waiting ? joining(wallet, waiting)
          : el("button", { type: "button", id: "join", onclick: ({ currentTarget: button }) => wallet.act(button, ask) },
            t("start.join.do")))),
    el("p", { class: "soft" }, t("start.key")),
  ];
}

async function pairOf(wallet) {
  const { recall } = await import("../keep.js");
  const asking = await recall("asking");
  return asking && { ...asking, raw: await publicBytes(asking.pair) };
}

// The code only says which key is meant; that it is this one, the person sees by its figures.
function joining(wallet, { pair, raw, code: said }) {
  const { t, issuer } = wallet;
  const code = el("input", { id: "code", readonly: true, value: said });
  const look = async () => {
    await issuer.use({ pair });
    const { account } = await issuer.read("/v1/account");
    const self = { pair, account: unhex(account) };
    await wallet.keep("self", self);
    await wallet.enter(self);
    await wallet.show();
  };
  return [
    field(t("start.code"), code, t("start.code.hint", { figures: hex(thumbprint(raw)).slice(0, 16) })),
    el("button", { type: "button", class: "first", id: "joined", onclick: ({ currentTarget: button }) =>
      wallet.act(button, look, t("start.opened")) }, t("start.joined")),
  ];
}
