// What is paid for use: an agent talks to a model whose seller takes by the token, and one buys its units beforehand.

import { equal, holds } from "./person.mjs";

const minor = (text) => Number(text.replace(/[^0-9]/g, ""));

async function mandateOf(person, world, name, called) {
  const key = await world.agent(name);
  await person.go("Mandates");
  await person.click("#new");
  await person.sees("#agent");
  await person.page.locator("#agent").focus();
  await person.press("End");
  await person.paste("#agent-key", key);
  await person.type("#agent-name", called);
  await person.type("#caps-total", "100");
  await person.click("#review");
  await person.click("#sign");
  await person.sees(`h3:has-text("${called}: quota")`);
  const { said, stdout } = await world.purser(name, "mandate", "ls", "--agent");
  const [mandate] = said.mandates ?? [];
  if (!mandate) throw new Error(`the agent has no mandate: ${stdout}`);
  return mandate.id;
}

export const steps = [
  ["a metered session is there while it is open, and what was taken when it is settled", async (person, world) => {
    const mandate = await mandateOf(person, world, "writer", "Writer");
    await person.go("Tokens");
    await person.sees('#sessions p:has-text("No session yet.")');
    const proxy = await world.metered("writer", world.seller, mandate);
    const answer = await proxy.chat("Say something about tea.");
    equal(answer.status, 200, `what the model answers: ${await answer.text()}`);
    // The page follows its account: nobody reloads it.
    await person.sees('#sessions .state:has-text("open")');
    await person.sees('#sessions td:has-text("Writer")');
    await person.picture("tokens-open");
    await person.accessible("tokens");
    const { state, claimed_minor: claimed } = await proxy.end();
    equal(state, "settled", "how the session ended");
    await person.sees('#sessions .state:has-text("settled")');
    holds(Number(claimed) > 0, "something was taken");
    equal(minor(await person.reads("#sessions tbody tr td:nth-of-type(4)")), Number(claimed), "what the page says was taken, and what the seller claimed");
    await person.click("#sessions tbody a");
    await person.sees('p:has-text("The receipt was checked here")');
    await person.sees('#main li:has-text("Offer of a metered session.")');
  }],

  ["a pack is bought, and what is given back of it stands beside", async (person, world) => {
    const mandate = await mandateOf(person, world, "saver", "Saver");
    await person.go("Tokens");
    await person.sees('#packs p:has-text("No pack yet.")');
    const at = ["--seller", world.seller, "--max", "10.00 CNY"];
    const bought = await world.purser("saver", "token", "buy", ...at, "--mandate", mandate, "--plan", "basic");
    equal(bought.code, 0, `a pack is bought: ${bought.stdout}`);
    await person.sees('#packs td:has-text("Saver")');
    await person.sees('#packs td:has-text("basic")');
    const paid = minor(await person.reads("#packs tbody tr td:nth-of-type(4)"));
    holds(paid > 0, "something was paid");
    equal(minor(await person.reads("#packs tbody tr td:nth-of-type(5)")), 0, "nothing was given back");
    await person.picture("tokens-pack");
    const back = await world.purser("saver", "token", "refund", bought.said.session ?? bought.said.pack);
    equal(back.code, 0, `it is given back: ${back.stdout}`);
    await person.page.waitForFunction(() => /[1-9]/.test(document.querySelector("#packs tbody tr td:nth-of-type(5)")?.textContent ?? ""));
    await person.accessible("packs");
    await person.click("#packs tbody a");
    await person.sees('#main li:has-text("pack")');
  }],
];
