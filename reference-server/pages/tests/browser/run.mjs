// The page as a person uses it, in a browser without a screen, against a real issuer over TLS: every step is a click or
// a key press. Pictures are kept below target/browser.
//
//     bash reference-server/pages/tests/browser/run        (what it needs is said when it is not there)

import { World, keepText, missing } from "./world.mjs";
import { Person } from "./person.mjs";
import * as aloud from "./aloud.mjs";
import * as chinese from "./chinese.mjs";
import * as devices from "./devices.mjs";
import * as first from "./first.mjs";
import * as hostile from "./hostile.mjs";
import * as metered from "./metered.mjs";
import * as modes from "./modes.mjs";
import * as money from "./money.mjs";
import * as passkey from "./passkey.mjs";
import * as pasted from "./pasted.mjs";
import * as people from "./people.mjs";

const SUITES = [first, modes, hostile, pasted, aloud, money, passkey, metered, devices, chinese, people];

const lack = missing();
if (lack) {
  console.log(`SKIPPED: the page in a browser: ${lack}`);
  process.exit(process.env.PURSER_REQUIRE_ALL === "1" ? 1 : 0);
}

const world = await World.begin();
const person = new Person(world);
const report = [];
let failed = 0;
try {
  await person.begin("person");
  for (const [name, step] of SUITES.flatMap((suite) => suite.steps)) {
    const began = Date.now();
    try {
      await step(person, world);
      person.noComplaints();
      report.push(`ok    ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed += 1;
      report.push(`WRONG ${name}: ${error.stack}`);
      await person.picture(`wrong-${failed}`).catch(() => {});
    }
    console.log(report.at(-1));
    // What follows stands on what went before.
    if (failed > 0) break;
  }
} finally {
  await person.end();
  world.end();
}
keepText("report.txt", `${report.join("\n")}\n`);
console.log(failed > 0 ? "the page is not as it must be; pictures in target/browser/pictures" : `${report.length} steps, all as they must be`);
process.exit(failed > 0 ? 1 : 0);
