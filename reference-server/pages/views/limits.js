// Limits, and the money set aside: the next version of one mandate, or of all that some agents hold, with one signature.

import { el, field } from "../dom.js";
import { major, minor, next, sealed } from "../draft.js";
import { titled } from "./mandates.js";
import { register, review } from "./review.js";

const SINGLE = 1n, QUOTA = 3n;

/** The form beside one mandate: what stands in it is how it will be. */
export function limitsOf(wallet, mandate) {
  const { t, renderer } = wallet;
  const { caps, currency, mode } = mandate.paper;
  const exponent = renderer.currencies.get(currency);
  const typed = (id, value) => el("input", { id, inputmode: "decimal", autocomplete: "off", value: value ? major(value, exponent) : "" });
  const [total, most, aside] = [typed("limit-total", caps?.total), typed("limit-most", caps?.amount_max), typed("limit-funded", envelope(wallet, mandate))];
  const isQuota = mode === QUOTA;
  const submit = (event) => {
    event.preventDefault();
    wallet.act(event.submitter ?? event.currentTarget.querySelector("button"), async () => {
      const amount = (control, name) => (control.value.trim() === "" ? undefined : minor(control.value, exponent, name));
      const changed = { ...caps, total: amount(total, "form.total") ?? caps?.total, amount_max: amount(most, "form.most") };
      sign(wallet, [mandate], () => ({ caps: changed, aside: isQuota ? amount(aside, "limits.funded") ?? 0n : undefined }), "#/mandates");
    });
  };
  return el("form", { class: "card", onsubmit: submit, novalidate: true },
    el("h2", {}, t("limits.title")), el("p", { class: "soft" }, t("limits.what")),
    el("div", { class: "inline" },
      field(`${t("form.total")} (${currency})`, total), field(`${t("form.most")} (${currency})`, most),
      isQuota && field(`${t("limits.funded")} (${currency})`, aside, t("limits.funded.hint"))),
    el("div", { class: "row" }, el("button", { type: "submit", id: "relimit" }, t("create.review"))));
}

/** Whether a mandate has limits that its person can change. */
export const hasLimits = ({ fault, paper, entry }) => !fault && paper.mode !== SINGLE && !paper.parent &&
  ["active", "suspended", "exhausted"].includes(entry.state);

/** The form for all that agents hold: what is left empty stays as it is. */
export function limits(wallet, holders) {
  const { t, renderer } = wallet;
  const meant = wallet.mandates.filter((mandate) => hasLimits(mandate) && holders.includes(mandate.holder));
  const heading = el("h1", {}, t("limits.of", { names: holders.map((holder) => wallet.nameOf(holder)).join(", ") }));
  if (meant.length === 0) return [heading, el("p", {}, t("limits.none")), el("p", {}, el("a", { href: "#/agents" }, t("nav.agents")))];
  const currencies = [...new Set(meant.map(({ paper }) => paper.currency))];
  const choose = el("select", { id: "limits-currency" }, currencies.map((code) => el("option", { value: code }, code)));
  const typed = (id) => el("input", { id, inputmode: "decimal", autocomplete: "off" });
  const [total, most, aside] = [typed("limits-total"), typed("limits-most"), typed("limits-funded")];
  const submit = (event) => {
    event.preventDefault();
    wallet.act(event.submitter ?? event.currentTarget.querySelector("button"), async () => {
      const exponent = renderer.currencies.get(choose.value);
      const amount = (control, name) => (control.value.trim() === "" ? undefined : minor(control.value, exponent, name));
      const given = { total: amount(total, "form.total"), amount_max: amount(most, "form.most") };
      const funds = amount(aside, "limits.funded");
      const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      if (Object.keys(stated).length === 0 && funds === undefined) throw new Error(t("limits.nothing"));
      sign(wallet, meant.filter(({ paper }) => paper.currency === choose.value),
        ({ paper }) => ({ caps: { ...paper.caps, ...stated }, aside: paper.mode === QUOTA ? funds : undefined }), "#/agents");
    });
  };
  return [
    heading, el("p", {}, t("limits.all", { count: meant.length })),
    el("form", { class: "card", onsubmit: submit, novalidate: true },
      el("p", { class: "soft" }, t("limits.empty")),
      currencies.length > 1 && field(t("form.currency"), choose),
      el("div", { class: "inline" }, field(t("form.most"), most), field(t("form.total"), total),
        field(t("limits.each"), aside, t("limits.each.hint"))),
      el("div", { class: "row" }, el("button", { type: "submit", class: "first", id: "relimit-all" }, t("create.review")),
        el("a", { class: "button", href: "#/agents" }, t("cancel")))),
  ];
}

const envelopeOf = ({ account }, { entry, paper }) =>
  account.envelopes.find(({ lineage, money }) => lineage === entry.lineage && money.currency === paper.currency);
const envelope = (wallet, mandate) => BigInt(envelopeOf(wallet, mandate)?.money.amount_minor ?? 0);

// Shows the next version of each, and signs them: one by itself, several with one batch.
function sign(wallet, mandates, changes, to) {
  const { t, issuer, renderer, language } = wallet;
  const now = issuer.now();
  const drafts = mandates.map((mandate) => {
    const { caps, aside } = changes(mandate);
    // What was set aside before and is not there any more was spent, or is held: it stays in the sum. [QTA-4]
    const gone = (mandate.paper.funded ?? 0n) - envelope(wallet, mandate);
    const funded = aside === undefined ? mandate.paper.funded : gone + aside;
    const holds = caps && Object.values(caps).some((rule) => rule !== undefined);
    const draft = next(mandate, now, { caps: holds ? caps : undefined, funded: funded > 0n ? funded : undefined });
    return { mandate, ...sealed(draft, renderer, language) };
  });
  const isOne = drafts.length === 1;
  review(wallet, {
    title: t("limits.sign", { count: drafts.length }), label: t("create.sign"), to, done: t("limits.done", { count: drafts.length }),
    text: isOne ? drafts[0].text : null,
    texts: isOne ? [] : drafts.map(({ mandate, text }) => ({ title: titled(wallet, mandate), text })),
    work: () => (isOne ? register(wallet, drafts[0].bytes)
      : issuer.batch(drafts.map(({ bytes }) => ({ typ: "mandate", payload: bytes })))),
    back: () => wallet.show(),
  });
}
