// Every decision about the account, newest first; each with its receipt and all its papers, checked here.

import { envelope } from "../cbor.js";
import { el, field, fill, table, tick } from "../dom.js";
import { openReceipt } from "../receipt.js";
import { hex } from "../sha256.js";
import { equal, joined, paperId, unbase64 } from "../sign.js";

const PAGE = 50;
const TYPE = "application/vnd.purser.bundle+cbor-seq";

export async function records(wallet, [id, of]) {
  const { t, issuer } = wallet;
  if (id && id !== "of") return one(wallet, id);
  const agent = el("select", { id: "record-agent" }, el("option", { value: "" }, t("records.every")),
    [...wallet.agents.keys()].map((holder) => el("option", { value: holder, selected: holder === of }, wallet.nameOf(holder))));
  const merchant = el("input", { id: "record-merchant", type: "search", autocomplete: "off" });
  const payments = el("input", { id: "record-payments", type: "checkbox" });
  const list = el("div", { id: "records" });
  const query = () => [
    agent.value && `&agent=${encodeURIComponent(agent.value)}`, payments.checked && "&kind=payment",
    merchant.value.trim() && `&merchant=${encodeURIComponent(merchant.value.trim())}`,
  ].filter(Boolean).join("");

  let turn = 0;
  const update = async () => {
    const mine = (turn += 1);
    const shown = [];
    const more = async (after) => {
      const page = await issuer.read(`/v1/wallet/records?newest=1&limit=${PAGE}${after ? `&after=${after}` : ""}${query()}`);
      if (mine !== turn) return;
      if (after) wallet.touched = true;
      shown.push(...page.records);
      fill(list, shown.length === 0 ? el("p", { class: "soft" }, t("records.none"))
        : table(t("records.caption", { shown: shown.length }),
          [t("records.when"), t("records.what"), t("records.merchant"), t("agent"), t("records.amount"), t("records.state")],
          shown.map((record) => row(wallet, record))),
      page.next !== null && el("button", { type: "button", id: "more", onclick: ({ currentTarget: button }) =>
        wallet.act(button, () => more(page.next)) }, t("records.more")));
    };
    await more(null);
  };
  const form = el("form", { class: "filter", onsubmit: (event) => event.preventDefault(), onchange: update },
    el("div", { class: "inline" }, field(t("agent"), agent), field(t("records.merchant"), merchant)),
    tick(t("records.payments"), payments));
  const save = (what, work) => el("button", { type: "button", id: `save-${what}`, onclick: ({ currentTarget: button }) =>
    wallet.act(button, work, t("records.saved")) }, t(`records.save.${what}`));
  await update();
  return [
    el("h1", {}, t("nav.records")), form, list,
    el("section", { class: "card", "aria-label": t("records.export") }, el("h2", {}, t("records.export")), el("p", { class: "soft" }, t("records.export.what")),
      el("div", { class: "row" }, save("csv", () => saveTable(wallet, query())), save("bundle", () => saveBundle(wallet, query())))),
  ];
}

function row(wallet, record) {
  const { t } = wallet;
  return [
    el("a", { href: `#/records/${record.receipt}` }, wallet.time(record.decided_at)), t(`kind.${record.kind}`, {}, record.kind),
    record.merchant ?? "", record.agent ? wallet.nameOf(record.agent) : "",
    { number: record.amount_minor ? wallet.money(record.amount_minor, record.currency) : "" },
    el("span", { class: `state ${record.outcome}` }, t(`outcome.${record.outcome}`, {}, record.outcome)),
  ];
}

async function one(wallet, id) {
  const { t, issuer, renderer, language } = wallet;
  const record = await issuer.read(`/v1/wallet/records/${id}`);
  const receipt = await openReceipt(unbase64(record.receipt_paper), issuer);
  if (hex(receipt.id) !== id) throw new Error(t("untrue"));
  const amount = receipt.claims.get(-5);
  const lines = [
    [t("records.what"), t(`kind.${record.kind}`, {}, record.kind)],
    [t("records.state"), t(`outcome.${receipt.outcome}`)],
    record.code && [t("records.why"), `${record.code}`],
    amount && [t("records.amount"), wallet.money(amount, receipt.claims.get(-6))],
    [t("records.when"), wallet.time(receipt.at)],
    record.agent && [t("agent"), wallet.nameOf(record.agent)],
    receipt.claims.get(-4) && [t("records.payment"), el("span", { class: "digits" }, hex(receipt.claims.get(-4)))],
    [t("records.receipt"), el("span", { class: "digits" }, id)],
  ].filter(Boolean);
  const papers = record.papers.map(({ kind, paper }) => ({ kind, bytes: unbase64(paper) }));
  const offer = papers.find(({ kind, bytes }) => kind === "offer" && isOf(receipt, bytes));
  const text = offer && renderer.text("offer", envelope(offer.bytes).payload, language, "screen");
  return [
    el("h1", {}, t(`kind.${record.kind}`, {}, record.kind)),
    el("section", { class: "card" }, table(t("records.about"), [t("records.field"), t("records.value")], lines),
      el("p", {}, t("records.checked")),
      text && el("details", { open: true }, el("summary", {}, t("records.offered")), wallet.text(text)),
      el("h2", {}, t("records.papers")),
      el("ul", {}, [{ kind: "receipt", bytes: receipt.bytes }, ...papers].map(({ kind, bytes }) => el("li", {},
        el("a", { download: `${id.slice(0, 16)}.${kind}`, href: address(bytes, "application/octet-stream") }, t(`kind.${kind}`, {}, kind)),
        el("span", { class: "soft" }, ` ${t("records.bytes", { count: bytes.length })}`))))),
    el("p", {}, el("a", { href: "#/records" }, t("records.all"))),
  ];
}

// The receipt names the offer that was paid.
function isOf(receipt, bytes) {
  const { header, payload } = envelope(bytes);
  return equal(paperId(header, payload), receipt.claims.get(-3) ?? new Uint8Array());
}

const address = (bytes, type) => URL.createObjectURL(new Blob([bytes], { type }));

function hand(name, bytes, type) {
  const link = el("a", { download: name, href: address(bytes, type) });
  document.body.append(link);
  link.click();
  link.remove();
}

async function saveTable({ issuer }, query) {
  const names = ["number", "receipt", "kind", "outcome", "code", "decided_at", "amount_minor", "currency", "merchant", "agent", "category", "intent", "mandate"];
  const lines = [names.join(",")];
  for (let after = null, first = true; first || after !== null; first = false) {
    const page = await issuer.read(`/v1/wallet/records?limit=1000${after ? `&after=${after}` : ""}${query}`);
    lines.push(...page.records.map((record) => names.map((name) => record[name] ?? "").join(",")));
    after = page.next;
  }
  hand("purser-records.csv", new TextEncoder().encode(`${lines.join("\r\n")}\r\n`), "text/csv");
}

async function saveBundle({ issuer }, query) {
  const parts = [];
  for (let after = null, first = true; first || after !== null; first = false) {
    const response = await issuer.proven("GET", `/v1/wallet/bundle?limit=500${after ? `&after=${after}` : ""}${query}`);
    parts.push(new Uint8Array(await response.arrayBuffer()));
    after = response.headers.get("purser-next");
  }
  hand("purser-records.bundle", joined(...parts), TYPE);
}
