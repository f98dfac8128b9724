// Every word that the page says is there, in every language, with the same holes; and none is there in vain.
//
//     node reference-server/pages/tests/words.mjs

import { readFileSync, readdirSync } from "node:fs";
import { LANGUAGES, WORDS } from "../words.js";

const folder = new URL("../", import.meta.url);
const modules = ["", "views/"].flatMap((below) => readdirSync(new URL(below || ".", folder))
  .filter((name) => name.endsWith(".js") && name !== "words.js").map((name) => `${below}${name}`));
const sources = modules.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
const wrong = [];

for (const [key, said] of Object.entries(WORDS)) {
  const holes = said.map((text) => [...text.matchAll(/\{[a-z]+\}/g)].map(([hole]) => hole).sort().join());
  if (said.length !== LANGUAGES.length || said.some((text) => !text)) wrong.push(`${key}: not in every language`);
  if (new Set(holes).size > 1) wrong.push(`${key}: other holes in another language`);
  const family = key.includes(".") && [...sources.matchAll(/`([a-z.-]*)\$\{/g)].some(([, prefix]) => prefix && key.startsWith(prefix));
  if (!family && !sources.includes(`"${key}"`)) wrong.push(`${key}: nobody says it`);
}
for (const [, key] of sources.matchAll(/\bt\("([^"]+)"/g)) {
  if (!(key in WORDS)) wrong.push(`${key}: there is no such word`);
}
wrong.forEach((what) => console.error(what));
console.log(`${Object.keys(WORDS).length} words in ${LANGUAGES.length} languages; ${wrong.length} faults`);
process.exitCode = wrong.length > 0 ? 1 : 0;
