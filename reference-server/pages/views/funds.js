// What the account has, what is set aside for mandates, what is held; and play money, in a sandbox.

import { el, field, table } from "../dom.js";
import { minor } from "../draft.js";

export function funds(wallet) {
  const { t, account, issuer } = wallet;
  const balances = account.balances.filter(({ amount_minor: minor }) => BigInt(minor) > 0n);
  const nameOf = (lineage) => {
    const mandate = wallet.mandates.findLast(({ entry }) => entry.lineage === lineage);
    return mandate && !mandate.fault ? el("a", { href: `#/mandates/${mandate.name}` }, `${wallet.nameOf(mandate.holder)}: ${t(`mode.${mandate.paper.mode}`)}`) : lineage;
  };
  const aside = account.envelopes.filter(({ money }) => BigInt(money.amount_minor) > 0n);
  return [
    el("h1", {}, t("nav.funds")),
    el("section", { class: "card", "aria-label": t("funds.free") },
      el("h2", {}, t("funds.free")),
      balances.length === 0 ? el("p", { class: "sum" }, "0")
        : balances.map(({ currency, amount_minor: minor }) => el("p", { class: "sum", "data-currency": currency }, wallet.money(minor, currency))),
      el("p", { class: "hint" }, t("funds.account"), " ", el("span", { class: "digits" }, account.account))),
    issuer.sandbox && deposit(wallet),
    el("section", { class: "card" }, el("h2", {}, t("funds.aside")), el("p", { class: "soft" }, t("funds.aside.what")),
      aside.length > 0 && table(t("funds.aside"), [t("funds.mandate"), t("records.amount")],
        aside.map(({ lineage, money }) => [nameOf(lineage), { number: wallet.money(money.amount_minor, money.currency) }]))),
    account.holds.length > 0 && el("section", { class: "card" }, el("h2", {}, t("funds.held")),
      table(t("funds.held"), [t("records.payment"), t("records.amount")], account.holds.map(({ intent, money }) => [
        el("a", { href: `#/records/${intent}` }, intent.slice(0, 16)), { number: wallet.money(money.amount_minor, money.currency) }]))),
  ];
}

function deposit(wallet) {
  const { t, issuer, renderer } = wallet;
  const amount = el("input", { id: "deposit-amount", inputmode: "decimal", autocomplete: "off", value: "1000" });
  const currency = el("select", { id: "deposit-currency" }, [...new Set(["CNY", ...issuer.currencies])].map((code) => el("option", { value: code }, code)));
  const submit = (event) => {
    event.preventDefault();
    const button = event.currentTarget.querySelector("button");
    wallet.change(button, async () => {
      const money = minor(amount.value, renderer.currencies.get(currency.value), "form.amount");
      await issuer.command("deposit", [[-5, money], [-6, currency.value]]);
    }, { done: t("funds.deposited") });
  };
  return el("form", { class: "card", onsubmit: submit, novalidate: true },
    el("h2", {}, t("funds.deposit")), el("p", { class: "soft" }, t("funds.deposit.what")),
    el("div", { class: "inline" }, field(t("form.amount"), amount), field(t("form.currency"), currency)),
    el("button", { type: "submit", class: "first", id: "deposit" }, t("funds.deposit.do")));
}
