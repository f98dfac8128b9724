// What was spent, by agent, merchant, month and day: taken and not given back.

import { bars } from "../chart.js";
import { el, field, fill } from "../dom.js";

const BARS_MAX = 12;
const DAYS_MAX = 31;

export function spending(wallet) {
  const { t } = wallet;
  const spent = wallet.payments.map((payment) => ({ ...payment, net: BigInt(payment.captured_minor) - BigInt(payment.refunded_minor) }))
    .filter(({ net }) => net > 0n);
  const currencies = [...new Set(spent.map(({ currency }) => currency))];
  if (currencies.length === 0) return [el("h1", {}, t("nav.spending")), el("p", { class: "soft" }, t("spending.none"))];
  const choose = el("select", { id: "spent-currency" }, currencies.map((code) => el("option", { value: code }, code)));
  const charts = el("div", {});
  const update = () => fill(charts, drawn(wallet, spent.filter(({ currency }) => currency === choose.value), choose.value));
  choose.addEventListener("change", update);
  update();
  return [el("h1", {}, t("nav.spending")), currencies.length > 1 && field(t("form.currency"), choose), charts];
}

function drawn(wallet, spent, currency) {
  const { t } = wallet;
  const money = (minor) => wallet.money(minor, currency);
  const agent = ({ mandates }) => {
    const mandate = wallet.mandates.find(({ name, fault }) => !fault && name === mandates.at(-1));
    return mandate ? wallet.nameOf(mandate.holder) : t("agent");
  };
  const date = (length) => ({ decided_at: at }) => localDate(at).slice(0, length);
  const chart = (id, name, by, order) => bars({
    id, caption: t(`spending.${id}`, { currency }), headings: [t(name), t("records.amount")], rows: order(grouped(spent, by)), money,
  });
  const greatest = (rows) => rows.sort((one, other) => (one.minor < other.minor ? 1 : -1)).slice(0, BARS_MAX);
  const latest = (most) => (rows) => rows.sort((one, other) => (one.name < other.name ? -1 : 1)).slice(-most);
  const sum = spent.reduce((sum, { net }) => sum + net, 0n);
  return [
    el("section", { class: "card", "aria-label": t("spending.sum") }, el("h2", {}, t("spending.sum")),
      el("p", { class: "sum", id: "spent-sum" }, money(sum)), el("p", { class: "soft" }, t("spending.what", { count: spent.length }))),
    chart("by-agent", "agent", agent, greatest),
    chart("by-merchant", "records.merchant", ({ merchant }) => merchant, greatest),
    chart("by-month", "spending.month", date(7), latest(BARS_MAX)),
    chart("by-day", "spending.day", date(10), latest(DAYS_MAX)),
  ];
}

function grouped(spent, by) {
  const sums = new Map();
  for (const payment of spent) sums.set(by(payment), (sums.get(by(payment)) ?? 0n) + payment.net);
  return Array.from(sums, ([name, minor]) => ({ name, minor }));
}

// Years first, so that they sort; days are those of this machine's zone.
function localDate(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
}
