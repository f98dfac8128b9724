// Papers that this browser's key signs (chapter 5), and the ids of all papers.

import { Pairs, encode } from "./cbor.js";
import { sha256 } from "./sha256.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
export const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const ESP256 = -9;

/** What stands in front of the point in the SubjectPublicKeyInfo of a P-256 key. */
export const SPKI_PREFIX = Uint8Array.of(0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
  0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00);

/** A new key pair. Its private half can sign here and cannot be read, by this page or by any other. */
export function newPair() {
  return crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
}

/** The 65 bytes of a pair's public half. */
export async function publicBytes(pair) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
}

/** A public key from its 65 bytes; refused when they are no point of the curve. [SIG-11] */
export function publicKey(raw) {
  return crypto.subtle.importKey("raw", raw, ALGORITHM, true, ["verify"]);
}

/** The map that a paper has for a key. */
export function coseKey(raw) {
  return new Pairs([[1, 2], [-1, 1], [-2, raw.slice(1, 33)], [-3, raw.slice(33, 65)]]);
}

/** The 65 bytes of a key out of its map, encoded. */
export function rawOf(coded) {
  // {1: 2, -1: 1, -2: x, -3: y} has one length and one form.
  return joined(Uint8Array.of(4), coded.slice(8, 40), coded.slice(43, 75));
}

/** [SIG-21] */
export function thumbprint(raw) {
  return sha256(encode(coseKey(raw)));
}

/** The protected header of a paper that a key signs. */
export function header(kid, typ) {
  return encode(new Pairs([[1, ESP256], [4, kid], [16, typ]]));
}

/** The id of a paper: of its header and its payload, whatever its signature. [SIG-20] */
export function paperId(protectedHeader, payload) {
  return sha256(encode([protectedHeader, payload]));
}

/** What is signed: kind, version and network stand in it, so that no paper is read as another. [SIG-16] */
export function toBeSigned(typ, network, protectedHeader, payload) {
  return encode(["Signature1", protectedHeader, encode([`${typ}/1`, network]), payload]);
}

/** Signs a payload. */
export async function sign({ pair, kid, network }, typ, payload) {
  const protectedHeader = header(kid, typ);
  const signed = toBeSigned(typ, network, protectedHeader, payload);
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNING, pair.privateKey, signed));
  const bytes = joined(Uint8Array.of(0xd2), encode([protectedHeader, new Pairs([]), payload, signature]));
  return { bytes, id: paperId(protectedHeader, payload) };
}

/** Whether a key signed a paper. */
export async function verifies(raw, typ, network, { header: protectedHeader, payload, signature }) {
  const signed = toBeSigned(typ, network, protectedHeader, payload);
  return crypto.subtle.verify(SIGNING, await publicKey(raw), signature, signed);
}

/** So many random bytes. */
export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

export function equal(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Bytes out of base64, of either alphabet; `null` for what is none. */
export function unbase64(text) {
  try {
    const plain = text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
    return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

export function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** A public key as people hand it on: PEM, or the base64 of its DER or of its point; `null` for anything else. */
export async function readPublic(text) {
  const bytes = unbase64(text.replace(/-----[A-Z ]+-----/g, ""));
  if (!bytes) return null;
  const isSpki = bytes.length === 91 && equal(bytes.slice(0, SPKI_PREFIX.length), SPKI_PREFIX);
  const raw = isSpki ? bytes.slice(SPKI_PREFIX.length) : bytes.length === 64 ? joined(Uint8Array.of(4), bytes) : bytes;
  if (raw.length !== 65 || raw[0] !== 4) return null;
  return publicKey(raw).then(() => raw, () => null);
}
