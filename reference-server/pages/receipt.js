// Answers of the issuer, read and checked: the claims are in the signed batch (chapter 10).

import { Fault, decode } from "./cbor.js";
import { certified } from "./certificate.js";
import { equal, joined } from "./sign.js";
import { sha256 } from "./sha256.js";

const OUTCOMES = ["", "authorized", "settled", "captured", "voided", "refunded", "pending", "refused", "cancelled", "recorded"];

/** Opens an answer: `{ receipt, detail }`, with the receipt as [`openReceipt`] gives it, and the code that is told. */
export async function openAnswer(bytes, issuer) {
  const body = labelled(decode(bytes));
  const opened = await openReceipt(body.get(1), issuer);
  const detail = body.get(2);
  if (detail && !equal(sha256(detail), opened.claims.get(-36) ?? new Uint8Array())) throw wrong("receipt-mismatch"); // [RCT-14]
  const code = (detail && labelled(decode(detail)).get(-9)) ?? opened.claims.get(-9);
  return { ...opened, code: code === undefined ? null : Number(code) };
}

/** Checks a receipt: its place in the batch, the root's signature, and whose it is. */
export async function openReceipt(bytes, { network, chains, id: issuer }) {
  const [claims, index, path, root] = decode(bytes);
  const { payload, party } = await certified(root, "purser-root", network, chains);
  if (party !== issuer) throw wrong("audience-mismatch");
  const batch = labelled(decode(payload));
  if (batch.get(-51) !== network) throw wrong("audience-mismatch");
  const leaf = sha256(joined(Uint8Array.of(0), claims));
  if (!equal(rootOf(leaf, index, batch.get(-47), path), batch.get(-46))) throw wrong("path-invalid"); // [RCT-6]
  const read = labelled(decode(claims));
  return { bytes, id: leaf, claims: read, outcome: OUTCOMES[Number(read.get(-8))], at: read.get(6) };
}

/** A map with whole numbers as labels. */
export function labelled(pairs) {
  return new Map(pairs.pairs.map(([label, value]) => [Number(label), value]));
}

// The root that a path leads to (RFC 9162, 2.1.3.2).
function rootOf(leaf, index, size, path) {
  if (index >= size) throw wrong("path-invalid");
  let at = index, last = size - 1n, hash = leaf;
  for (const node of path) {
    if (last === 0n) throw wrong("path-invalid");
    if ((at & 1n) === 1n || at === last) {
      hash = sha256(joined(Uint8Array.of(1), node, hash));
      while ((at & 1n) === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      hash = sha256(joined(Uint8Array.of(1), hash, node));
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  if (last !== 0n) throw wrong("path-invalid");
  return hash;
}

const wrong = (code) => new Fault(code, "signature");
