// Runs the vectors of the rendering, and what the other areas say of payloads, through the modules that the page loads.
//
//     node reference-server/pages/tests/vectors.mjs

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { Fault, decode, envelope } from "../cbor.js";
import { read as readPaper } from "../papers.js";
import { Renderer } from "../render.js";
import { sha256 } from "../sha256.js";

const root = new URL("../../../", import.meta.url);
const file = (path) => readFileSync(new URL(path, root), "utf8");
const registry = (name) => file(`spec/registries/${name}.csv`);
const renderer = new Renderer({
  phrases: registry("phrases"), legible: registry("legible"), currencies: registry("currencies"),
});
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const wrong = [];
let run = 0;

/** What comes of a call, in the words of a vector. */
function outcome(call) {
  try {
    return { outcome: "accept", value: call() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { outcome: "reject", code: error.code, stage: error.stage };
  }
}

function judge(id, expect, found) {
  run += 1;
  for (const name of ["outcome", "code", "stage"]) {
    if (expect[name] !== found[name]) wrong.push(`${id}: ${name} is ${found[name]}, not ${expect[name]}`);
  }
  for (const [name, value] of Object.entries(expect.value ?? {})) {
    const [is, should] = [found.value?.[name], value].map((value) => JSON.stringify(sorted(value)));
    if (is !== should) wrong.push(`${id}: ${name} is\n  ${is}\nnot\n  ${should}`);
  }
}

/** Whether a protected header is of a kind of paper. */
const isOf = (header, kind) => decode(header).pairs.some(([label, value]) => label === 16n && value === `purser-${kind}`);

/** A value with the members of its objects in one order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

for (const { id, call: { input }, expect } of JSON.parse(file("test-vectors/v1/rendering.json")).cases) {
  const beside = input.offer ? { intent: unhex(input.intent), offer: unhex(input.offer) } : {};
  judge(id, expect, outcome(() => renderer.text(input.kind, unhex(input.payload), input.language, input.medium, beside)));
}
const rendered = run;
if (rendered < 60) wrong.push(`only ${rendered} cases of the rendering`);

// A payload that another area has refused is refused here, for the same reason; one that it has accepted is read.
const kinds = new Set(["mandate", "offer", "intent", "confirmation"]);
for (const area of ["framing", "encoding", "headers"]) {
  for (const { id, call: { op, input }, expect, mutation } of JSON.parse(file(`test-vectors/v1/${area}.json`)).cases) {
    const isPayloads = (mutation?.args ?? []).every(([part]) => ["payload", "payload_item"].includes(part));
    const isOurs = expect.outcome === "accept" || (isPayloads && ["encoding", "schema"].includes(expect.stage));
    if (op !== "paper.verify" || !kinds.has(input.kind) || !isOurs) continue;
    const { value: payload } = outcome(() => envelope(unhex(input.paper)).payload);
    if (!payload) continue;
    const { value, ...rest } = expect;
    judge(id, rest, outcome(() => readPaper(input.kind, payload, renderer.currencies)));
  }
}

// Metered offers and the intents for them come as one message: what is wrong with either payload is found in them.
const metered = JSON.parse(file("test-vectors/v1/tokens.json")).cases.filter(({ call: { op, input } }) => op === "issuer.receive" && input.message === "payment");
for (const { id, call: { input }, expect, mutation } of metered) {
  const isPayloads = (mutation?.args ?? []).every(([, change]) => Array.isArray(change) && change[0] === "payload");
  if (!isPayloads || !(expect.outcome === "accept" || expect.stage === "schema")) continue;
  const papers = decode(unhex(input.body)).pairs.flatMap(([, value]) => value).filter((part) => part instanceof Uint8Array);
  const read = (kind) => papers.map((bytes) => envelope(bytes)).filter(({ header }) => isOf(header, kind)).map(({ payload }) => readPaper(kind, payload, renderer.currencies));
  const { value, ...rest } = expect;
  judge(id, { outcome: rest.outcome, code: rest.code, stage: rest.stage }, outcome(() => (read("offer"), read("intent"), null)));
}

for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
  run += 1;
  const bytes = Uint8Array.from({ length }, (_, at) => (at * 7) & 255);
  const should = createHash("sha256").update(bytes).digest("hex");
  if (Buffer.from(sha256(bytes)).toString("hex") !== should) wrong.push(`sha256 of ${length} bytes`);
}

wrong.forEach((what) => console.error(what));
console.log(`${rendered} texts, ${run - rendered} payloads and digests; ${wrong.length} faults`);
process.exitCode = wrong.length > 0 ? 1 : 0;
