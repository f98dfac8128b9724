// What the issuer signs about its lists, so that a mandate that it leaves out is missed (chapter 12).

import { Fault, decode } from "./cbor.js";
import { certified } from "./certificate.js";
import { labelled } from "./receipt.js";
import { equal, joined } from "./sign.js";
import { sha256 } from "./sha256.js";

const refuse = () => new Fault("statement-mismatch", "rules");

/** Reads a statement about an account; gives how many decisions and mandates it says that there were. [WAL-5] */
export async function openStatement(bytes, { id: issuer, network, chains, account, now }, before) {
  const { payload, party } = await certified(bytes, "purser-statement", network, chains);
  const says = labelled(decode(payload));
  if (party !== issuer || says.get(1) !== issuer || !equal(says.get(2), account)) throw refuse();
  if (says.get(4) <= BigInt(now)) throw new Fault("status-stale", "time");
  const statement = { sequence: says.get(-57), listed: says.get(-122), root: says.get(-123) };
  const isOlder = before && (statement.sequence < before.sequence || statement.listed < before.listed);
  if (isOlder) throw refuse();
  return statement;
}

/** Whether these are all the mandates, in their order. [WAL-4] */
export function holdsAll({ listed, root }, ids) {
  if (BigInt(ids.length) !== listed || !equal(treeOf(ids), root)) throw refuse();
}

/** The root of the tree of ids (RFC 9162, 2.1.1). */
export function treeOf(ids) {
  if (ids.length === 0) return sha256(new Uint8Array());
  if (ids.length === 1) return sha256(joined(Uint8Array.of(0), ids[0]));
  let half = 1;
  while (half * 2 < ids.length) half *= 2;
  return sha256(joined(Uint8Array.of(1), treeOf(ids.slice(0, half)), treeOf(ids.slice(half))));
}
