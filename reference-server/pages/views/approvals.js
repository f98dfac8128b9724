// Payments that wait for the person. What is shown is read from the intent and the offer themselves; what the issuer
// says about them beside is not used.

import { Pairs, encode } from "../cbor.js";
import { el } from "../dom.js";
import { sign, unhex } from "../sign.js";
import { left } from "../time.js";

const SCREEN = 1;

export function approvals(wallet, [code]) {
  const { t } = wallet;
  const shown = wallet.pending.map((waiting) => (waiting.fault ? untrue(wallet, waiting) : one(wallet, waiting, code)));
  return [
    el("h1", {}, t("nav.approvals")),
    shown.length === 0
      ? el("p", { class: "soft" }, code ? t("approvals.gone", { code }) : t("approvals.none"))
      : el("p", {}, t("approvals.what")),
    el("ul", { class: "cards" }, shown),
  ];
}

/** The bytes of a yes, and the text that is made of them and of the papers that it is for. [RND-5] [RND-19] */
export function yes({ issuer, renderer, language }, waiting) {
  const beside = { intent: waiting.intentPayload, offer: waiting.offerPayload };
  const fields = [[2, issuer.account], [3, issuer.id], [6, issuer.now()], [-1, 1], [-4, waiting.intentId], [-31, SCREEN]];
  const { shown } = renderer.text("confirmation", encode(new Pairs(fields)), language, "screen", beside);
  const payload = encode(new Pairs([...fields, [-19, [language, unhex(shown.rendering)]]]));
  const text = renderer.text("confirmation", payload, language, "screen", beside);
  if (text.shown.rendering !== shown.rendering) throw new Error("the text is not that of the bytes"); // [RND-22]
  return { payload, text };
}

function one(wallet, waiting, code) {
  const { t, issuer } = wallet;
  const { entry, intent, offer, mandate } = waiting;
  const { text } = yes(wallet, waiting);
  const agree = async () => {
    // Made anew, so that it says when the person agreed; its text is the one that stands here.
    const { payload, text: again } = yes(wallet, waiting);
    if (again.text !== text.text) throw new Error("the text is not the one that was shown");
    await issuer.post("/v1/confirmations", await sign(issuer.signer, "purser-confirmation", payload));
  };
  const refuse = () => issuer.command("cancel", [[-44, waiting.intentPaper]], { ofAccount: false });
  const isMeant = code === entry.user_code;
  return el("li", { class: "card", id: `waiting-${entry.user_code}`, "aria-current": isMeant ? "true" : null },
    el("header", {}, el("h2", {}, t("approvals.pay", { merchant: offer.iss })),
      el("span", { class: "state pending" }, t("approvals.code", { code: entry.user_code }))),
    el("p", { class: "sum" }, wallet.money(intent.amount, intent.currency)),
    el("p", {}, t("approvals.by", { agent: wallet.nameOf(mandate.holder) }), " ",
      el("span", { class: "soft" }, t("approvals.until", { time: wallet.time(entry.answer_by) }), " ",
        el("span", { "data-until": entry.answer_by }, left(t, entry.answer_by - issuer.now())))),
    wallet.text(text),
    el("div", { class: "row" },
      el("button", { type: "button", class: "first approve", id: `approve-${entry.user_code}`, onclick: ({ currentTarget: button }) =>
        wallet.change(button, agree, { to: "#/approvals", done: t("approvals.approved") }) }, t("approvals.approve")),
      el("button", { type: "button", class: "grave refuse", id: `refuse-${entry.user_code}`, onclick: ({ currentTarget: button }) =>
        wallet.change(button, refuse, { to: "#/approvals", done: t("approvals.refused") }) }, t("approvals.refuse"))));
}

function untrue({ t }, { entry, fault }) {
  return el("li", { class: "card untrue" },
    el("header", {}, el("h2", {}, t("approvals.untrue")), el("span", { class: "state fault" }, t("state.fault"))),
    el("p", {}, t("approvals.untrue.what")),
    el("p", { class: "digits" }, `${entry.intent} (${fault})`));
}
