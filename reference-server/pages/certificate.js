// Papers that are signed by certificate: that the leaf beside the paper signed it, and that it names the party.
//
// Whether the leaf leads to an authority is not asked here: a browser has no such authorities. The issuer asks it of
// every offer before it decides, and is itself the one whom this page came from.

import { Fault, Pairs, decode, envelope } from "./cbor.js";
import { SPKI_PREFIX, equal, joined, verifies } from "./sign.js";
import { sha256 } from "./sha256.js";

const SAN = "551d11";
const URI = 0x86;
const EXTENSIONS = 0xa3;

/** Reads a paper and checks its signer; gives its payload and the leaf's party. `chains` are looked in first. */
export async function certified(bytes, typ, network, chains = []) {
  const paper = envelope(bytes);
  const x5t = named(paper.header, typ);
  const beside = paper.unprotected.pairs?.find(([label]) => label === 33n)?.[1];
  const own = beside === undefined ? [] : [Array.isArray(beside) ? beside[0] : beside];
  const leaf = [...own, ...chains.map(([first]) => first)].find((der) => equal(sha256(der), x5t));
  if (!leaf) throw new Fault("cert-missing", "certificates");
  const { raw, party } = read(leaf);
  if (!(await verifies(raw, typ, network, paper))) throw new Fault("signature-invalid", "signature");
  return { ...paper, party };
}

/** The header of a signer by certificate. */
function named(header, typ) {
  const read = decode(header);
  const wrong = () => new Fault("type-mismatch", "headers");
  if (!(read instanceof Pairs) || read.pairs.map(([label]) => label).join() !== "1,16,34") throw wrong();
  const [algorithm, kind, x5t] = read.pairs.map(([, value]) => value);
  if (algorithm !== -9n || kind !== typ || !Array.isArray(x5t) || x5t[0] !== -16n) throw wrong();
  return x5t[1];
}

/** The key and the one party of a certificate. */
function read(der) {
  const [tbs] = children(der, ...content(der, 0));
  const parts = children(der, tbs.start, tbs.end);
  // version, serial number, algorithm, issuer, validity, subject, key
  const spki = parts[6] && der.slice(parts[6].head, parts[6].end);
  const prefix = spki?.slice(0, SPKI_PREFIX.length);
  if (!spki || spki.length !== 91 || !equal(prefix, SPKI_PREFIX)) throw malformed("cert-key-type");
  const list = parts.find(({ tag }) => tag === EXTENSIONS);
  if (!list) throw malformed("cert-name");
  const [sequence] = children(der, list.start, list.end);
  const uris = children(der, sequence.start, sequence.end).flatMap((extension) => {
    const [id, ...rest] = children(der, extension.start, extension.end);
    if (hexOf(der, id) !== SAN) return [];
    const [names] = children(der, rest.at(-1).start, rest.at(-1).end);
    return children(der, names.start, names.end).map(({ tag, start, end }) => {
      const text = String.fromCharCode(...der.slice(start, end));
      if (tag !== URI || !text.startsWith("purser:")) throw malformed("cert-name"); // [CRT-12]
      return text.slice("purser:".length);
    });
  });
  if (uris.length !== 1) throw malformed("cert-name"); // [CRT-12]
  return { raw: joined(spki.slice(SPKI_PREFIX.length)), party: uris[0] };
}

const malformed = (code) => new Fault(code, "certificates");
const hexOf = (der, { start, end }) => Array.from(der.slice(start, end), (byte) => byte.toString(16).padStart(2, "0")).join("");

// Where the contents of the element at a place stand.
function content(der, at) {
  if (at + 2 > der.length) throw malformed("cert-malformed");
  const first = der[at + 1];
  const width = first < 128 ? 0 : first & 127;
  if (width > 2 || at + 2 + width > der.length) throw malformed("cert-malformed");
  const length = width === 0 ? first : der.slice(at + 2, at + 2 + width).reduce((sum, byte) => sum * 256 + byte, 0);
  const start = at + 2 + width;
  if (start + length > der.length) throw malformed("cert-malformed");
  return [start, start + length];
}

function children(der, from, to) {
  const found = [];
  for (let at = from; at < to; at = found.at(-1).end) {
    const [start, end] = content(der, at);
    if (end > to) throw malformed("cert-malformed");
    found.push({ tag: der[at], head: at, start, end });
  }
  return found;
}
