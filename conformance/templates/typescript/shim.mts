// A shim for the Purser conformance suite: JSON lines in, JSON lines out. Copy it, and fill in `operations`.
//
// Run: npm install typescript @types/node
//      npx tsc --target es2022 --module nodenext --strict --types node shim.mts
//      purser-conformance run --shim "node shim.mjs"

import { createInterface } from "node:readline";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Members = { [name: string]: Json };

/** Refused: a code and a stage of spec/registries/errors.csv, and further members of the reply. Own names of codes
 * will do, where purser-conformance.toml maps them: [codes] own = "ours". */
class Reject extends Error {
  code: string;
  stage: string;
  more: Members;

  constructor(code: string, stage: string, more: Members = {}) {
    super(`${code} at ${stage}`);
    this.code = code;
    this.stage = stage;
    this.more = more;
  }
}

/** Your library does not have this. Anything else that is thrown is a fault. */
class Unsupported extends Error {}

/** Whatever your library keeps between calls. `reset` makes a new one. */
class State {}

let state = new State();

const operations: { [op: string]: (input: Members) => Members | Promise<Members> } = {
  hello: () => ({
    implementation: { name: "my-purser", version: "0.1.0", language: "typescript" },
    roles: ["verifier"], // verifier, issuer, agent, merchant, wallet
    spec: ["1"],
    features: ["core"], // those of chapter 2 that you have
    in_flight_max: 1,
  }),

  reset: () => {
    state = new State();
    return {};
  },

  "paper.verify": (input) => {
    const paper = bytes(input, "paper");
    void [paper, state];
    // const verified = await myLibrary.verify(paper, ...);
    // if (!verified.ok) throw new Reject("cbor-duplicate-key", "encoding", { offset: 17 });
    // return { id: hex(verified.id), payload: hex(verified.payload) };
    throw new Unsupported();
  },

  // One for each operation of conformance/shim.md that your roles have.
};

function text(input: Members, name: string): string {
  const value = input[name];
  if (typeof value !== "string") throw new Error(`${name} is no text`);
  return value;
}

function bytes(input: Members, name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text(input, name), "hex"));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

async function answer(line: string): Promise<Members> {
  let id: Json = null;
  try {
    const asked = JSON.parse(line) as { id: Json; op: string; input?: Members };
    id = asked.id;
    const operation = operations[asked.op];
    if (!operation) return { id, outcome: "unsupported" };
    return { id, outcome: "accept", value: await operation(asked.input ?? {}) };
  } catch (error) {
    if (error instanceof Unsupported) return { id, outcome: "unsupported" };
    if (error instanceof Reject) {
      return { id, outcome: "reject", code: error.code, stage: error.stage, ...error.more };
    }
    return { id, outcome: "fault", message: String(error) };
  }
}

void hex;

// One after the other: each call finds the state that the one before it left.
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(line)) + "\n");
}
