// Money that is set aside and taken back, what was spent, and the end of what may be spent.

import { readFileSync } from "node:fs";
import { equal, holds } from "./person.mjs";

const minor = (text) => Number(text.replace(/[^0-9]/g, ""));

async function free(person) {
  await person.go("Funds");
  return minor(await person.reads('[data-currency="CNY"]'));
}

async function setAside(person, amount) {
  await person.go("Mandates");
  await person.click('h3 a:has-text("Shopper: quota")');
  await person.sees("#limit-funded");
  await person.click("#limit-funded");
  await person.press("ControlOrMeta+a", "Delete");
  if (amount) await person.page.keyboard.type(amount);
  await person.click("#relimit");
  await person.sees("#sign");
  await person.picture(amount ? "limits" : "limits-none");
  await person.click("#sign");
  await person.sees('h1:has-text("Mandates")');
}

export const steps = [
  ["money is set aside for an agent, spent from there, and taken back", async (person, world) => {
    const before = await free(person);
    await setAside(person, "100");
    equal(await free(person), before - 10_000, "what the account has free");
    await person.sees('table td:has-text("100.00 CNY")');
    await person.picture("funds");
    equal((await world.fetch("shopper", "/coffee")).said.payment?.state, "settled", "a coffee");
    await person.page.reload();
    await person.sees('table td:has-text("87.20 CNY")');
    await setAside(person, "");
    equal(await free(person), before - 1280, "what the account has free afterwards");
    equal(await person.count('table td:has-text("87.20 CNY")'), 0, "envelopes");
  }],

  ["what the charts say is what the ledger says", async (person) => {
    const left = await free(person);
    await person.go("Records");
    await person.page.reload();
    await person.sees("table");
    await person.picture("records");
    await person.accessible("records");
    await person.go("Spending");
    await person.sees(".chart");
    await person.picture("spending");
    await person.accessible("spending");
    const sum = minor(await person.reads("#spent-sum"));
    equal(sum, 100_000 - left, "all that was spent, and what has left the account");
    for (const id of ["by-agent", "by-merchant", "by-category", "by-month", "by-day"]) {
      const [drawn, told] = await Promise.all([`#${id} svg .amount`, `#${id} tbody .number`]
        .map((selector) => person.page.locator(selector).allTextContents()));
      equal(drawn, told, `${id}: the drawing and the table`);
      equal(told.map(minor).reduce((all, one) => all + one, 0), sum, `${id}: its sum`);
    }
    await person.sees('#by-agent th:has-text("Courier")');
  }],

  ["a record shows its receipt, checked", async (person) => {
    await person.go("Records");
    await person.click("tbody a");
    await person.sees('p:has-text("The receipt was checked here")');
    await person.picture("record");
    await person.accessible("record");
  }],

  ["records are chosen, and taken along as a table and with all their papers", async (person) => {
    await person.go("Records");
    await person.sees("tbody tr");
    const all = await person.count("tbody tr");
    await person.click("#record-payments");
    await person.page.waitForFunction((all) => document.querySelectorAll("tbody tr").length < all, all);
    const few = await person.count("tbody tr");
    holds(few > 5, `${few} payments`);
    const saved = async (what) => {
      const [download] = await Promise.all([person.page.waitForEvent("download"), person.click(`#save-${what}`)]);
      return readFileSync(await download.path());
    };
    equal(String(await saved("csv")).trim().split("\r\n").length, few + 1, "lines of the table");
    holds((await saved("bundle")).length > few * 300, "the bundle has the papers");
  }],

  ["the most for one payment is set for one agent, by its own form", async (person, world) => {
    await person.go("Agents");
    await person.click('.card:has-text("Courier") a:has-text("Change limits")');
    await person.sees('h1:has-text("Limits of Courier")');
    await person.type("#limits-most", "10");
    await person.picture("limits-agent");
    await person.accessible("limits");
    await person.click("#relimit-all");
    await person.sees('#main li:has-text("At most 10.00 CNY for one payment.")');
    await person.click("#sign");
    await person.sees('h1:has-text("Agents")');
    holds((await world.fetch("courier", "/coffee")).code !== 0, "a coffee is more than that");
  }],

  ["the limits of two agents change with one signature, at the same moment", async (person, world) => {
    // What was once paid from money set aside is paid from there alone.
    holds((await world.fetch("shopper", "/coffee")).code !== 0, "nothing is set aside now");
    await setAside(person, "100");
    equal((await world.fetch("shopper", "/coffee")).said.payment?.state, "settled", "a coffee before");
    await person.go("Agents");
    for (const name of ["Courier", "Shopper"]) await person.click(`.card:has-text("${name}") label:has-text("${name}")`);
    await person.click("#batch-limits");
    await person.click("#relimit-all");
    await person.sees(".note.bad.said");
    await person.type("#limits-most", "12.79");
    await person.click("#relimit-all");
    await person.sees('h1:has-text("Sign the new limits: 2")');
    equal(await person.count('#main li:has-text("At most 12.79 CNY for one payment.")'), 2, "both texts are shown");
    await person.picture("limits-batch");
    await person.accessible("limits of several");
    await person.click("#sign");
    await person.sees('h1:has-text("Agents")');
    for (const agent of ["shopper", "courier"]) holds((await world.fetch(agent, "/coffee")).code !== 0, `12.80 is above the limit of ${agent}`);
    await person.go("Records");
    await person.sees('td:has-text("batch")');
    // As it was, for what follows.
    await person.go("Mandates");
    await person.click('h3 a:has-text("Shopper: quota")');
    await person.type("#limit-most", "");
    await person.click("#relimit");
    await person.click("#sign");
    await person.sees('h1:has-text("Mandates")');
    equal((await world.fetch("shopper", "/coffee")).said.payment?.state, "settled", "a coffee after");
  }],

  ["all mandates of all agents are revoked at once, and nothing is paid any more", async (person, world) => {
    await person.go("Agents");
    await person.picture("agents");
    await person.accessible("agents");
    const boxes = await person.count('input[type="checkbox"]');
    holds(boxes === 4, `${boxes} agents`);
    for (let at = 0; at < boxes; at += 1) await person.page.locator('.card input[type="checkbox"]').nth(at).click();
    await person.click("#batch-revoke");
    await person.sees('h1:has-text("Revoke mandates")');
    await person.picture("revoke");
    await person.click("#sign");
    await person.sees('h1:has-text("Agents")');
    equal(await person.count(".state.active"), 0, "active mandates");
    for (const [agent, path] of [["shopper", "/coffee"], ["courier", "/taxi"]]) {
      const { code, stdout } = await world.fetch(agent, path);
      holds(code !== 0 && !stdout.includes('"settled"'), `${agent} was paid for: ${stdout}`);
    }
  }],
];
