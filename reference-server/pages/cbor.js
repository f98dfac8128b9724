// Deterministic CBOR as chapter 4 has it: what is read is in the one form that it can be written in.

/** Refused: a code and a stage of spec/registries/errors.csv. */
export class Fault extends Error {
  constructor(code, stage, more = {}) {
    super(`${code} at ${stage}`);
    Object.assign(this, { code, stage }, more);
  }
}

export const LIMITS = { depth: 8, entries: 1024, text: 1024, bytes: 16384, paper: 16384 };

const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, LIST = 4, MAP = 5, TAG = 6, SIMPLE = 7;

// Controls, what steers direction, what cannot be seen, separators, marks and tags. [ENC-11]
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/u;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A map: its pairs in the order of the wire. Whole numbers are BigInt, byte strings Uint8Array. */
export class Pairs {
  constructor(pairs) {
    this.pairs = pairs;
  }
}

/** Reads bytes that are exactly one item. */
export function decode(bytes) {
  const [value, end] = item(bytes, 0, 0);
  if (end < bytes.length) throw refuse("cbor-trailing", end); // [ENC-3]
  return value;
}

/** Reads one item at a place; gives it and the place behind it. [ENC-20] */
export function item(bytes, start, depth) {
  const { major, argument, width } = head(bytes, start);
  let at = start + width;
  if (major === UNSIGNED) return [argument, at];
  if (major === NEGATIVE) return [-1n - argument, at];
  if (major === SIMPLE) return [argument === 21n, at];
  if (major === TAG) throw refuse("cbor-tag", start); // [ENC-8]
  if (major === BYTES || major === TEXT) {
    const end = string(bytes, start, at, argument, major === TEXT ? LIMITS.text : LIMITS.bytes);
    const content = bytes.subarray(at, end);
    return [major === TEXT ? text(content, start) : content, end];
  }
  if (depth === LIMITS.depth) throw refuse("cbor-depth", start); // [ENC-9]
  if (argument > LIMITS.entries) throw tooLong(bytes, start, at, argument);
  const items = [];
  let before = null;
  for (let left = Number(argument); left > 0; left -= 1) {
    const keyAt = at;
    let key = null;
    if (major === MAP) {
      [key, at] = item(bytes, at, depth + 1);
      if (Array.isArray(key) || key instanceof Pairs) throw refuse("cbor-type", keyAt); // [ENC-7]
      const encoded = bytes.subarray(keyAt, at);
      const order = before ? compare(before, encoded) : -1;
      if (order === 0) throw refuse("cbor-duplicate-key", keyAt); // [ENC-6]
      if (order > 0) throw refuse("cbor-not-deterministic", keyAt); // [ENC-4]
      before = encoded;
    }
    let value;
    [value, at] = item(bytes, at, depth + 1);
    items.push(major === MAP ? [key, value] : value);
  }
  return [major === MAP ? new Pairs(items) : items, at];
}

/** The order of two encodings, byte by byte. */
export function compare(one, other) {
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    if (one[at] !== other[at]) return one[at] - other[at];
  }
  return one.length - other.length;
}

/** The one encoding of a value: what is read here, and plain numbers. */
export function encode(value) {
  if (typeof value === "number" || typeof value === "bigint") {
    const number = BigInt(value);
    return number < 0n ? shortest(NEGATIVE, -1n - number) : shortest(UNSIGNED, number);
  }
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (value instanceof Uint8Array) return joined([shortest(BYTES, value.length), value]);
  if (typeof value === "string") {
    const content = new TextEncoder().encode(value);
    return joined([shortest(TEXT, content.length), content]);
  }
  if (Array.isArray(value)) return joined([shortest(LIST, value.length), ...value.map(encode)]);
  const pairs = value.pairs.map(([key, content]) => [encode(key), encode(content)]);
  pairs.sort((one, other) => compare(one[0], other[0]));
  return joined([shortest(MAP, pairs.length), ...pairs.flat()]);
}

/** The four parts of a paper, and whether its envelope has its one form; the signature is not checked. [SIG-1] to [SIG-4] */
export function envelope(bytes) {
  const framed = (at, what) => {
    const { major, argument, width } = head(bytes, at, "framing");
    if (major !== BYTES) throw refuse("cose-structure", at, "framing");
    const end = string(bytes, at, at + width, argument, LIMITS.bytes, "framing");
    return [bytes.subarray(at + width, end), end, what];
  };
  if (bytes.length > LIMITS.paper) throw refuse("message-too-large", 0, "size"); // [ENC-1]
  if (bytes[0] !== 0xd2) throw refuse("cose-tag", 0, "framing");
  if (bytes[1] !== 0x84) throw refuse("cose-structure", 1, "framing");
  const [header, unprotectedAt] = framed(2);
  const [unprotected, payloadAt] = item(bytes, unprotectedAt, 0);
  const [payload, signatureAt] = framed(payloadAt);
  const [signature, end] = framed(signatureAt);
  if (signature.length !== 64) throw refuse("signature-format", signatureAt, "framing");
  if (end < bytes.length) throw refuse("cbor-trailing", end, "framing");
  return { header, unprotected, payload, signature };
}

// A head: shortest form, definite length, no reserved value.
function head(bytes, at, stage) {
  if (at >= bytes.length) throw refuse("cbor-truncated", at, stage); // [ENC-2]
  const major = bytes[at] >> 5, info = bytes[at] & 31;
  if (major === SIMPLE) {
    if (info !== 20 && info !== 21) throw refuse("cbor-type", at, stage); // [ENC-7]
    return { major, argument: BigInt(info), width: 1 };
  }
  if (info < 24) return { major, argument: BigInt(info), width: 1 };
  if (info === 31 && major >= BYTES && major <= MAP) throw refuse("cbor-indefinite", at, stage); // [ENC-5]
  if (info > 27) throw refuse("cbor-type", at, stage); // [ENC-7]
  const width = 1 << (info - 24);
  if (at + 1 + width > bytes.length) throw refuse("cbor-truncated", at, stage); // [ENC-2]
  const argument = bytes.subarray(at + 1, at + 1 + width).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const least = width === 1 ? 24n : 1n << BigInt(4 * width);
  if (argument < least) throw refuse("cbor-not-deterministic", at, stage); // [ENC-4]
  return { major, argument, width: 1 + width };
}

function string(bytes, start, content, length, most, stage) {
  if (length > most) throw tooLong(bytes, start, content, length, stage);
  const end = content + Number(length);
  if (end > bytes.length) throw refuse("cbor-truncated", start, stage); // [ENC-2]
  return end;
}

// A length that the bytes could not hold is a truncation before it is over a limit.
function tooLong(bytes, start, content, length, stage) {
  const code = length > bytes.length - content ? "cbor-truncated" : "cbor-limit"; // [ENC-2] [ENC-10]
  return refuse(code, start, stage);
}

function text(content, at) {
  let read;
  try {
    read = UTF8.decode(content);
  } catch {
    throw refuse("text-invalid", at); // [ENC-11]
  }
  if (HIDDEN.test(read) || read.normalize("NFC") !== read) throw refuse("text-invalid", at); // [ENC-11]
  return read;
}

function shortest(major, argument) {
  const number = BigInt(argument);
  if (number < 24n) return Uint8Array.of((major << 5) | Number(number));
  const power = [0, 1, 2, 3].find((power) => number < 1n << BigInt(8 << power));
  const width = 1 << power;
  const bytes = Array.from({ length: width }, (_, at) => Number((number >> BigInt(8 * (width - 1 - at))) & 255n));
  return Uint8Array.of((major << 5) | (24 + power), ...bytes);
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function refuse(code, offset, stage = "encoding") {
  return new Fault(code, stage, { offset });
}
