// A mandate of each other kind, and an end to them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { equal, holds } from "./person.mjs";

/** Opens the form for an agent that the page does not know. */
async function begin(person, world, name, called) {
  const key = await world.agent(name);
  await person.go("Mandates");
  await person.click("#new");
  await person.sees("#agent");
  await person.page.locator("#agent").focus();
  await person.press("End");
  await person.paste("#agent-key", key);
  await person.type("#agent-name", called);
}

async function sign(person, title) {
  await person.click("#review");
  await person.sees('h1:has-text("Sign this mandate?")');
  await person.click("#sign");
  await person.sees(`h3:has-text("${title}")`);
}

export const steps = [
  ["conditions: one case each for rides and for coffee", async (person, world) => {
    await begin(person, world, "courier", "Courier");
    await person.click("#mode-conditional");
    await person.type("#grant-0-most", "40");
    await person.type("#grant-0-categories", "4121");
    await person.click("#add-grant");
    await person.type("#grant-1-most", "20");
    await person.type("#grant-1-merchants", "shop.example");
    await person.type("#grant-1-categories", "5814");
    await person.sees('.preview li:has-text("At most 20.00 CNY for one payment.")');
    await person.picture("create-conditional");
    await sign(person, "Courier: conditions");
    equal((await world.fetch("courier", "/taxi")).said.payment?.state, "settled", "a ride");
    equal((await world.fetch("courier", "/coffee")).said.payment?.state, "settled", "a coffee");
    const { code, stdout } = await world.fetch("courier", "/report");
    holds(code !== 0, `a report fits no case: ${stdout}`);
  }],

  ["one payment: for an offer that the agent hands on, whose text stands beside", async (person, world) => {
    await begin(person, world, "reader", "Reader");
    const file = join(world.scratch, "quote.json");
    await world.purser("reader", "fetch", `${world.merchant}/report`, "--max", "100.00 CNY", "--quote", file);
    const quote = readFileSync(file, "utf8");
    await person.click("#mode-single");
    await person.paste("#offer", quote);
    await person.sees('.preview li:has-text("A report; the query says on what")');
    await person.picture("create-single");
    await person.click("#review");
    await person.sees('#main li:has-text("A report; the query says on what")');
    await person.picture("review-single");
    await person.click("#sign");
    await person.sees('h3:has-text("Reader: one payment")');
    const paid = await world.fetch("reader", "/report", "100.00 CNY", "--quoted", file);
    equal(paid.said.payment?.state, "settled", "the offer that was signed");
    holds((await world.fetch("reader", "/report")).code !== 0, "another offer of the same is not paid");
  }],

  ["an offer with one byte changed is refused before anything is signed", async (person, world) => {
    const { offer, ...rest } = JSON.parse(readFileSync(join(world.scratch, "quote.json"), "utf8"));
    await person.click("#new");
    await person.click("#mode-single");
    const bytes = Buffer.from(offer, "base64url");
    bytes[Math.floor(bytes.length / 3)] ^= 1;
    await person.paste("#offer", JSON.stringify({ offer: bytes.toString("base64url"), ...rest }));
    await person.click("#review");
    await person.sees(".note.bad.said");
    equal(await person.count("#sign"), 0, "buttons that sign");
    await person.click('a:has-text("Cancel")');
  }],

  ["a mandate is suspended, a payment refused, and the mandate resumed", async (person, world) => {
    await person.click('h3 a:has-text("Courier: conditions")');
    await person.click("#suspend");
    await person.click("#sign");
    await person.sees(".state.suspended");
    await person.picture("mandate-suspended");
    await person.accessible("mandates");
    holds((await world.fetch("courier", "/coffee")).code !== 0, "nothing is paid while it rests");
    await person.click("#resume");
    await person.click("#sign");
    await person.sees(".state.active");
    equal((await world.fetch("courier", "/coffee")).said.payment?.state, "settled", "afterwards");
  }],
];
