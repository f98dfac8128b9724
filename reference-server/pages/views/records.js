// Every payment, newest first; each with what its receipt says, checked here.

import { el, field, fill, table } from "../dom.js";
import { openAnswer } from "../receipt.js";
import { hex } from "../sha256.js";
import { equal, unhex } from "../sign.js";

const PAGE = 50;

export function records(wallet, [id]) {
  const { t } = wallet;
  if (id) return one(wallet, id);
  const wanted = el("input", { id: "filter", type: "search", autocomplete: "off" });
  const list = el("div", { id: "records" });
  const all = wallet.payments.slice().reverse();
  let room = PAGE;
  const update = () => {
    const words = wanted.value.trim().toLowerCase();
    const found = all.filter((payment) => [payment.merchant, payment.intent, holderOf(wallet, payment), t(`state.${payment.state}`)]
      .some((text) => text.toLowerCase().includes(words)));
    const rows = found.slice(0, room).map((payment) => [
      el("a", { href: `#/records/${payment.intent}` }, wallet.time(payment.decided_at)), payment.merchant,
      holderOf(wallet, payment), { number: wallet.money(payment.amount_minor, payment.currency) },
      el("span", { class: `state ${payment.state}` }, t(`state.${payment.state}`))]);
    fill(list, found.length === 0 ? el("p", { class: "soft" }, t("records.none"))
      : table(t("records.caption", { shown: rows.length, count: found.length }),
        [t("records.when"), t("records.merchant"), t("agent"), t("records.amount"), t("records.state")], rows),
    found.length > room && el("button", { type: "button", onclick: () => {
      room += PAGE;
      update();
    } }, t("records.more")));
  };
  wanted.addEventListener("input", update);
  update();
  return [el("h1", {}, t("nav.records")), field(t("records.filter"), wanted), list];
}

const holderOf = (wallet, { mandates }) => {
  const mandate = wallet.mandates.find(({ name, fault }) => !fault && name === mandates.at(-1));
  return mandate ? wallet.nameOf(mandate.holder) : "";
};

async function one(wallet, id) {
  const { t, issuer } = wallet;
  const payment = wallet.payments.find(({ intent }) => intent === id);
  if (!payment) return [el("h1", {}, t("nav.records")), el("p", {}, t("records.none"))];
  const response = await issuer.proven("GET", `/v1/intents/${id}`);
  const answer = await openAnswer(new Uint8Array(await response.arrayBuffer()), issuer);
  const isOurs = equal(answer.claims.get(-4) ?? new Uint8Array(), unhex(id));
  const save = el("a", { class: "button", download: `${id}.receipt`, href: URL.createObjectURL(new Blob([answer.bytes])) }, t("records.save"));
  const lines = [
    [t("records.merchant"), payment.merchant], [t("agent"), holderOf(wallet, payment)],
    [t("records.amount"), { number: wallet.money(answer.claims.get(-5) ?? payment.amount_minor, payment.currency) }],
    [t("records.captured"), { number: wallet.money(payment.captured_minor, payment.currency) }],
    [t("records.refunded"), { number: wallet.money(payment.refunded_minor, payment.currency) }],
    [t("records.state"), t(`state.${payment.state}`)], [t("records.when"), wallet.time(answer.at)],
    [t("records.payment"), el("span", { class: "digits" }, id)], [t("records.offer"), el("span", { class: "digits" }, payment.offer)],
    [t("records.receipt"), el("span", { class: "digits" }, hex(answer.id))],
  ];
  return [
    el("h1", {}, t("records.one", { merchant: payment.merchant })),
    el("section", { class: "card" }, table(t("records.about"), [t("records.field"), t("records.value")], lines),
      el("p", {}, isOurs ? t("records.checked") : t("untrue")), el("div", { class: "row" }, save, el("a", { href: "#/records" }, t("records.all")))),
  ];
}
