// What a hostile agent or merchant hands over to be pasted: an offer with words that lie, and things that are no offer.

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encode, envelope } from "../../cbor.js";
import { toBeSigned } from "../../sign.js";
import { equal, holds } from "./person.mjs";

/** An offer of the same length with other words in it, signed by the merchant itself. */
function rewritten(world, offer, words, others) {
  const { header, unprotected, payload } = envelope(Buffer.from(offer, "base64url"));
  const changed = Buffer.from(payload);
  const at = changed.indexOf(words);
  if (at < 0 || Buffer.byteLength(words) !== Buffer.byteLength(others)) throw new Error("the words do not fit");
  changed.write(others, at);
  const key = createPrivateKey(readFileSync(join(world.report.dir, "merchant.key"), "utf8"));
  const signed = toBeSigned("purser-offer", "sandbox", header, new Uint8Array(changed));
  const signature = sign("sha256", signed, { key, dsaEncoding: "ieee-p1363" });
  const parts = encode([header, unprotected, new Uint8Array(changed), new Uint8Array(signature)]);
  return Buffer.concat([Uint8Array.of(0xd2), parts]).toString("base64url");
}

async function offered(world, agent, address) {
  const file = join(world.scratch, `${agent}-trap.json`);
  await world.purser(agent, "fetch", address, "--max", "100.00 CNY", "--quote", file);
  return JSON.parse(readFileSync(file, "utf8"));
}

async function pasting(person) {
  await person.go("Mandates");
  await person.click("#new");
  await person.click("#mode-single");
}

async function isRefused(person, text, what) {
  await person.paste("#offer", text);
  await person.click("#review");
  await person.sees(".note.bad.said");
  equal([await person.count("#sign"), await person.count(".preview .text")], [0, 0], `${what}: what can be signed, and what is shown as an offer`);
  equal(await person.count("#main img, #main script, #main iframe"), 0, `${what}: elements out of words`);
}

export const steps = [
  ["an offer that is pasted is put into words that are harmless, and cut where they are long", async (person, world) => {
    const { offer } = await offered(world, "shopper", `${world.trap}/trap`);
    await pasting(person);
    await person.paste("#offer", offer);
    await person.sees('.preview .text li:has-text("{U+0440}")');
    const said = await person.reads(".preview .text");
    holds(said.includes("{U+201D}"), `the quote has one end: ${said}`);
    holds(/\d+ more characters|more characters/.test(said), `what is long is cut, and how much is said: ${said}`);
    // Before the words of the merchant stands what it costs.
    holds(said.indexOf("31.00 CNY") < said.indexOf("{U+0440}"), `the price comes first: ${said}`);
    equal(await person.count("#main img, #main script"), 0, "elements out of words");
    await person.picture("pasted-hostile");
    await person.accessible("a hostile offer");
    await person.click("#review");
    await person.sees('h1:has-text("Sign this mandate?")');
    holds((await person.reads("#main")).includes("{U+0440}"), "the same words where it is signed");
    equal(await person.count("#main img, #main script"), 0, "elements out of words");
    await person.click('button:has-text("Back"), a:has-text("Cancel")');
  }],

  ["an offer with hidden or turned characters is refused, though its merchant signed it", async (person, world) => {
    const kept = await offered(world, "shopper", `${world.merchant}/report`);
    // One that has the merchant's signature anew and nothing else is believed.
    await pasting(person);
    await person.paste("#offer", rewritten(world, kept.offer, "the query says on what", "the query says on WHAT"));
    await person.sees('.preview li:has-text("on WHAT")');
    for (const [what, character] of [["turned", "\u202e"], ["without width", "\u200b"], ["an end of line", "\u2028"]]) {
      const words = `the query ${character} on what`;
      await pasting(person);
      await isRefused(person, rewritten(world, kept.offer, "the query says on what", words.padEnd(22 - Buffer.byteLength(words) + words.length)), what);
      const shown = await person.page.evaluate(() => document.getElementById("main").innerText);
      holds(!shown.includes(character), `${what}: the character itself`);
    }
    await person.picture("pasted-turned");
  }],

  ["what is no offer is no offer: markup, JSON that reaches for more, a flood of letters", async (person) => {
    const texts = [
      '<img src=x onerror="document.title=1"><script>document.title=2</script>',
      '{"offer": {"toString": 1}, "__proto__": {"offer": "0oRD"}}',
      '{"offer": null}',
      "{".repeat(5_000),
      "A".repeat(100_000),
    ];
    for (const text of texts) {
      await pasting(person);
      await isRefused(person, text, text.slice(0, 20));
    }
    equal(await person.page.evaluate(() => ({}).offer === undefined), true, "what all objects have");
    await person.click('a:has-text("Cancel")');
  }],
];
