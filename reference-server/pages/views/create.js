// A new mandate of each mode. What is typed is bytes at once, and beside the form stands the text of those bytes.

import { Fault, encode } from "../cbor.js";
import { offerOf } from "../check.js";
import { el, field, fill, tick } from "../dom.js";
import { Unfit, minor, payload, sealed } from "../draft.js";
import { hex, sha256 } from "../sha256.js";
import { coseKey, random, readPublic, unbase64 } from "../sign.js";
import { register, review } from "./review.js";

const DAYS = [1, 2, 3, 4, 5, 6, 7];
const UNITS = ["", "day", "week", "month", "year"];
const COMMON = ["CNY", "EUR", "USD", "GBP", "JPY", "HKD"];
const SINGLE_SECONDS = 3600;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

export function create(wallet) {
  const { t, renderer } = wallet;
  const lineage = random(16);
  const preview = el("section", { class: "preview", tabindex: "0", "aria-label": t("create.preview") });
  const update = () => show(wallet, preview, read);

  const mode = choice("mode", ["quota", "conditional", "single"], (name) => [t(`create.${name}`), t(`create.${name}.what`)]);
  const known = [...new Map(wallet.mandates.filter(({ fault, paper }) => !fault && paper.cnf.key)
    .map(({ holder, paper }) => [holder, paper.cnf.key]))];
  const agent = el("select", { id: "agent" }, known.map(([holder]) => el("option", { value: holder }, wallet.nameOf(holder))),
    el("option", { value: "" }, t("create.agent.other")));
  const key = el("textarea", { id: "agent-key", rows: "3", spellcheck: "false", autocomplete: "off" });
  const name = el("input", { id: "agent-name", maxlength: "40", autocomplete: "off" });
  const other = el("div", {}, field(t("create.agent.key"), key, t("create.agent.key.hint")), field(t("agents.name"), name, t("agents.name.hint")));
  const currency = el("select", { id: "currency" }, currencies(wallet).map((code) => el("option", { value: code }, code)));
  const until = el("input", { id: "until", type: "datetime-local" });
  until.value = local(wallet.issuer.now() + 30 * 86400);
  const refund = el("input", { type: "checkbox", id: "refund" });
  const funded = el("input", { id: "funded", inputmode: "decimal", autocomplete: "off" });
  const caps = ruleFields(wallet, "caps", { ask: true });
  const grants = [];
  const grantList = el("div", {});
  const offer = el("textarea", { id: "offer", rows: "4", spellcheck: "false", autocomplete: "off" });
  const file = el("input", { id: "offer-file", type: "file" });

  const addGrant = () => {
    const rules = ruleFields(wallet, `grant-${grants.length}`, { ask: true, more: true });
    const set = el("fieldset", {}, el("legend", {}, t("create.grant", { number: grants.length + 1 })), rules.node);
    grants.push(rules);
    grantList.append(set);
    return set;
  };
  addGrant();

  const parts = {
    rules: el("fieldset", {}, el("legend", {}), caps.node),
    funded: field(t("form.funded"), funded, t("form.funded.hint")),
    grants: el("div", {}, grantList, el("button", { type: "button", id: "add-grant", onclick: () => {
      addGrant().querySelector("input").focus();
      update();
    } }, t("create.grant.add"))),
    offer: el("fieldset", {}, el("legend", {}, t("create.offer")),
      field(t("create.offer.text"), offer, t("create.offer.hint")), field(t("create.offer.file"), file)),
    terms: el("fieldset", {}, el("legend", {}, t("create.terms")),
      el("div", { class: "inline" }, field(t("form.currency"), currency), field(t("form.until"), until, t("form.until.hint"))),
      tick(t("form.refund"), refund, t("form.refund.hint"))),
  };
  parts.rules.append(parts.funded);
  parts.rules.querySelector("legend").textContent = t("create.caps");

  /** What the form says now; throws where it says nothing that can be. */
  const read = async () => {
    const is = mode.value();
    const now = wallet.issuer.now();
    const exponent = renderer.currencies.get(currency.value);
    const draft = {
      account: wallet.issuer.account, issuer: wallet.issuer.id, nbf: now, iat: now, mode: is, lineage,
      currency: currency.value, holder: await holder(known, agent.value, key.value),
    };
    if (is === "single") {
      const { offer: paper, payload: bytes, id } = await readOffer(wallet, offer.value);
      const exp = Math.min(Number(paper.exp), now + SINGLE_SECONDS);
      const beside = renderer.text("offer", bytes, wallet.language, "screen");
      return { draft: { ...draft, currency: paper.currency, exp, offer: id }, beside };
    }
    const exp = Math.floor(new Date(until.value).getTime() / 1000);
    if (!Number.isFinite(exp) || exp <= now) throw new Unfit("form.until");
    Object.assign(draft, { exp, refundReturns: refund.checked });
    const limits = caps.read(exponent);
    if (is === "quota") {
      if (limits.total === undefined) throw new Unfit("form.total");
      const aside = funded.value.trim() && minor(funded.value, exponent, "form.funded");
      return { draft: { ...draft, caps: limits, funded: aside || undefined } };
    }
    const alternatives = grants.map((grant) => grant.read(exponent)).filter(holdsRules);
    if (alternatives.length === 0) throw new Unfit("create.grants");
    return { draft: { ...draft, caps: holdsRules(limits) ? limits : undefined, grants: alternatives } };
  };

  const arrange = () => {
    const is = mode.value();
    parts.rules.hidden = parts.terms.hidden = is === "single";
    parts.funded.hidden = is !== "quota";
    parts.grants.hidden = is !== "conditional";
    parts.offer.hidden = is !== "single";
    other.hidden = agent.value !== "";
    update();
  };
  const submit = (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("#review");
    wallet.act(button, async () => {
      const { draft, beside } = await read().catch((error) => {
        throw error instanceof Unfit || error instanceof Fault ? new Error(unfit(wallet, form, error)) : error;
      });
      const { bytes, text } = sealed(draft, renderer, wallet.language);
      const called = agent.value === "" ? name.value : "";
      review(wallet, {
        title: t("create.sign.title"),
        before: beside && [el("p", { class: "soft" }, t("create.offer.says")), wallet.text(beside)], // [RND-21]
        text, label: t("create.sign"), to: "#/mandates", done: t("create.done"),
        work: async () => {
          await register(wallet, bytes);
          if (called) await wallet.rename(hex(sha256(draft.holder.key)), called);
        },
        back: () => {
          const main = document.getElementById("main");
          fill(main, ...page);
          main.querySelector("h1").focus();
        },
      });
    });
  };
  file.addEventListener("change", async () => {
    offer.value = file.files[0] ? (await file.files[0].text()).trim() : "";
    update();
  });
  const form = el("form", { onsubmit: submit, oninput: arrange, onchange: arrange, novalidate: true },
    el("fieldset", {}, el("legend", {}, t("create.mode")), mode.node),
    el("fieldset", {}, el("legend", {}, t("create.agent")), field(t("create.agent.who"), agent), other),
    parts.offer, parts.terms, parts.rules, parts.grants,
    el("div", { class: "row" }, el("button", { type: "submit", class: "first", id: "review" }, t("create.review")),
      el("a", { class: "button", href: "#/mandates" }, t("cancel"))));
  const page = [el("h1", { tabindex: "-1" }, t("mandates.new")), el("div", { class: "create" }, form, preview)];
  arrange();
  return page;
}

// The text of what the form says, as it says it; or what is missing for one.
let turn = 0;
async function show(wallet, preview, read) {
  const { t, renderer, language } = wallet;
  const mine = (turn += 1);
  const heading = el("h2", {}, t("create.preview"));
  try {
    const { draft, beside } = await read();
    const text = renderer.text("mandate", payload(draft), language, "screen");
    if (mine !== turn) return;
    fill(preview, heading, beside && [el("p", { class: "soft" }, t("create.offer.says")), wallet.text(beside)], wallet.text(text));
  } catch (error) {
    if (mine !== turn) return;
    if (!(error instanceof Unfit || error instanceof Fault)) throw error;
    fill(preview, heading, el("p", { class: "soft" }, explained(wallet, error)));
  }
}

function explained({ t }, error) {
  if (error instanceof Unfit) return t("create.missing", { field: t(error.field) });
  return t(`fault.${error.code}`, {}, t("create.refused", { code: error.code, field: error.field ?? "" }));
}

// Says what is missing where it is missing.
function unfit(wallet, form, error) {
  const control = form.querySelector(`[data-field="${error.field}"]:not([hidden] *)`) ?? form.querySelector(`#${FIELDS[error.field] ?? "mode-quota"}`);
  form.querySelectorAll("[aria-invalid]").forEach((node) => node.removeAttribute("aria-invalid"));
  if (control) {
    control.setAttribute("aria-invalid", "true");
    control.focus();
  }
  return explained(wallet, error);
}

const FIELDS = { "create.agent.key": "agent-key", "create.offer.text": "offer", "form.until": "until", "form.funded": "funded" };

async function holder(known, chosen, typed) {
  if (chosen) return { key: known.find(([name]) => name === chosen)[1] };
  const raw = await readPublic(typed);
  if (!raw) throw new Unfit("create.agent.key");
  return { key: encode(coseKey(raw)) };
}

/** An offer as an agent hands it on: its bytes in base64, or the file that `purser fetch --quote` writes. */
async function readOffer(wallet, text) {
  let coded = text.trim();
  if (coded.startsWith("{")) {
    try {
      coded = String(JSON.parse(coded).offer);
    } catch {
      throw new Unfit("create.offer.text");
    }
  }
  const bytes = unbase64(coded);
  if (!bytes || bytes.length === 0) throw new Unfit("create.offer.text");
  const read = await offerOf(bytes, wallet.issuer.network, wallet.renderer.currencies);
  if (read.offer.exp <= wallet.issuer.now()) throw new Fault("offer-expired", "time");
  return read;
}

const holdsRules = (rules) => Object.keys(rules).length > 0;

function currencies({ issuer, account }) {
  const own = account.balances.map(({ currency }) => currency);
  return [...new Set([...own, ...COMMON, ...issuer.currencies])];
}

// Minutes, where the machine is.
function local(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function choice(name, values, words) {
  const inputs = values.map((value, at) => el("input", { type: "radio", name, id: `${name}-${value}`, value, checked: at === 0 }));
  const node = el("div", {}, inputs.map((input) => tick(words(input.value)[0], input, words(input.value)[1])));
  return { node, value: () => inputs.find(({ checked }) => checked).value };
}

/** The rules that a form can say. */
function ruleFields({ t }, prefix, { ask, more }) {
  const text = (id, mode) => el("input", { id: `${prefix}-${id}`, inputmode: mode, autocomplete: "off", "data-field": `form.${id}` });
  const most = text("most", "decimal"), total = text("total", "decimal"), per = text("per", "decimal");
  const unit = el("select", { id: `${prefix}-unit` }, UNITS.slice(1).map((unit, at) => el("option", { value: at + 1 }, t(`form.unit.${unit}`))));
  const merchants = text("merchants"), categories = text("categories"), items = text("items");
  const count = text("count", "numeric"), above = text("above", "decimal");
  const first = el("input", { type: "checkbox", id: `${prefix}-first` });
  const days = DAYS.map((day) => el("input", { type: "checkbox", id: `${prefix}-day-${day}` }));
  const from = el("input", { type: "time", id: `${prefix}-from` }), until = el("input", { type: "time", id: `${prefix}-until` });
  const node = el("div", {},
    el("div", { class: "inline" }, field(t("form.most"), most), field(t("form.total"), total)),
    el("div", { class: "inline" }, field(t("form.per"), per, t("form.per.hint", { zone: ZONE })), field(t("form.unit"), unit), field(t("form.count"), count)),
    field(t("form.merchants"), merchants, t("form.merchants.hint")),
    el("details", { open: more === true }, el("summary", {}, t("form.more")),
      el("div", { class: "inline" }, field(t("form.categories"), categories, t("form.categories.hint")), field(t("form.items"), items, t("form.items.hint"))),
      el("div", { role: "group", "aria-label": t("form.days") }, el("p", { class: "hint" }, t("form.times.hint", { zone: ZONE })),
        el("div", { class: "days" }, days.map((box, at) => tick(t(`form.day.${at + 1}`), box))),
        el("div", { class: "inline" }, field(t("form.from"), from), field(t("form.to"), until)))),
    ask && el("div", {}, field(t("form.above"), above, t("form.above.hint")), tick(t("form.first"), first)));

  const read = (exponent) => {
    const rules = {};
    const put = (name, control, means) => {
      if (control.value.trim() !== "") rules[name] = means(control.value.trim());
    };
    const money = (name) => (value) => minor(value, exponent, `form.${name}`);
    const listed = (name, fits) => (value) => {
      const entries = value.split(/[\s,，、]+/).filter(Boolean);
      if (!entries.every((entry) => fits.test(entry))) throw new Unfit(`form.${name}`);
      return entries;
    };
    put("amount_max", most, money("most"));
    put("total", total, money("total"));
    put("total_per", per, (value) => [[money("per")(value), { unit: Number(unit.value), zone: ZONE }]]);
    put("count", count, (value) => {
      if (!/^[1-9]\d{0,8}$/.test(value)) throw new Unfit("form.count");
      return BigInt(value);
    });
    put("merchants_allow", merchants, listed("merchants", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/));
    put("categories_allow", categories, (value) => listed("categories", /^\d{1,4}$/)(value).map(BigInt));
    put("items_allow", items, (value) => value.split(/[,，、]/).map((item) => item.trim()).filter(Boolean));
    const weekdays = days.reduce((mask, box, at) => mask | (box.checked ? 1 << at : 0), 0);
    if (weekdays > 0 || from.value || until.value) {
      const minutes = (value, otherwise) => (value ? Number(value.slice(0, 2)) * 60 + Number(value.slice(3, 5)) : otherwise);
      rules.times = [{ zone: ZONE, weekdays: weekdays || 127, from: minutes(from.value, 0), until: minutes(until.value, 1440) }];
      if (rules.times[0].from >= rules.times[0].until) throw new Unfit("form.to");
    }
    if (first.checked) rules.ask_first = true;
    put("ask_above", above, money("above"));
    return rules;
  };
  return { node, read };
}
