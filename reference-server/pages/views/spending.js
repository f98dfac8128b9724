// What was spent, as the issuer adds it up: taken by merchants and not given back.

import { bars } from "../chart.js";
import { el, field, fill } from "../dom.js";

const BARS_MAX = 12;
const DAYS_MAX = 31;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
const KINDS = { agent: "agent", merchant: "records.merchant", category: "spending.category", month: "spending.month", day: "spending.day" };

export async function spending(wallet) {
  const { t, issuer } = wallet;
  const read = ([by, path]) => issuer.read(`/v1/wallet/spending?by=${by}${path}`);
  const zone = `&zone=${encodeURIComponent(ZONE)}`;
  const asked = Object.keys(KINDS).map((by) => [by, ["month", "day"].includes(by) ? zone : ""]);
  const sums = Object.fromEntries((await Promise.all(asked.map(read))).map(({ by, spending: rows }) =>
    [by, rows.map((row) => ({ ...row, net: BigInt(row.spent_minor) })).filter(({ net }) => net > 0n)]));
  const currencies = [...new Set(sums.agent.map(({ currency }) => currency))];
  if (currencies.length === 0) return [el("h1", {}, t("nav.spending")), el("p", { class: "soft" }, t("spending.none"))];
  const choose = el("select", { id: "spent-currency" }, currencies.map((code) => el("option", { value: code }, code)));
  const charts = el("div", {});
  const update = () => fill(charts, drawn(wallet, sums, choose.value));
  choose.addEventListener("change", update);
  update();
  return [el("h1", {}, t("nav.spending")), currencies.length > 1 && field(t("form.currency"), choose), charts];
}

function drawn(wallet, sums, currency) {
  const { t } = wallet;
  const money = (minor) => wallet.money(minor, currency);
  const called = { agent: (key) => wallet.nameOf(key), category: (key) => key.padStart(key ? 4 : 0, "0") || t("spending.none.category") };
  const chart = (by, order) => bars({
    id: `by-${by}`, caption: t(`spending.by-${by}`, { currency }), headings: [t(KINDS[by]), t("records.amount")], money,
    rows: order(sums[by].filter((row) => row.currency === currency)).map(({ key, net }) => ({ name: (called[by] ?? String)(key), minor: net })),
  });
  const greatest = (rows) => rows.sort((one, other) => (one.net < other.net ? 1 : -1)).slice(0, BARS_MAX);
  const latest = (most) => (rows) => rows.sort((one, other) => (one.key < other.key ? -1 : 1)).slice(-most);
  const own = sums.agent.filter((row) => row.currency === currency);
  const sum = own.reduce((sum, { net }) => sum + net, 0n), count = own.reduce((sum, { payments }) => sum + payments, 0);
  return [
    el("section", { class: "card", "aria-label": t("spending.sum") }, el("h2", {}, t("spending.sum")),
      el("p", { class: "sum", id: "spent-sum" }, money(sum)), el("p", { class: "soft" }, t("spending.what", { count, zone: ZONE }))),
    chart("agent", greatest), chart("merchant", greatest), chart("category", greatest),
    chart("month", latest(BARS_MAX)), chart("day", latest(DAYS_MAX)),
  ];
}
