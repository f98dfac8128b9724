// Mandates, offers, intents and confirmations, read as the CDDL and chapters 4, 7 and 8 have them. Each is an object by
// the names of spec/registries/labels.csv; amounts and times are BigInt.

import { Fault, Pairs, compare, decode, encode } from "./cbor.js";

const AMOUNT_MAX = 2n ** 53n - 1n;
const COUNT_MAX = 2n ** 32n - 1n;
const SECONDS_MAX = 253402300799n;

/** Reads the payload of a paper of a kind: bytes in their one form, then fields, then contradictions. */
export function read(kind, bytes, currencies) {
  return kinds(currencies)[kind](decode(bytes));
}

const fault = (code, field) => new Fault(code, "schema", field ? { field } : {});
const ensure = (holds, code, field) => {
  if (!holds) throw fault(code, field);
};

// Types: each takes a value and gives what it means. [ENC-14] [ENC-15]
const typed = (is, fits, means = (value) => value) => (value) => {
  ensure(is(value), "field-type");
  ensure(fits(value), "field-range");
  return means(value);
};
const isBytes = (value) => value instanceof Uint8Array;
const isText = (value) => typeof value === "string";
const uint = (least, most) => typed((value) => typeof value === "bigint" && value >= 0n,
  (value) => value >= BigInt(least) && value <= BigInt(most));
const bytes = (length) => typed(isBytes, (value) => value.length === length);
const words = (most) => typed(isText, (value) => {
  const length = new TextEncoder().encode(value).length;
  return length >= 1 && length <= most;
});
const pattern = (form) => typed(isText, (value) => form.test(value));
const truth = typed((value) => typeof value === "boolean", (value) => value);

const amount = uint(1, AMOUNT_MAX);
const count = uint(1, COUNT_MAX);
const seconds = uint(0, SECONDS_MAX);
const party = pattern(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
const digest = bytes(32);
const sixteen = bytes(16);
const short = words(64);
const long = words(256);
const category = uint(0, 9999);
const one = uint(1, 1);
const channel = uint(1, 5);

// The names of the machine's database: it knows others' spellings of a name, and papers have one.
const zone = typed(isText, (value) => {
  try {
    return /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(value) && value !== "Factory" &&
      Boolean(new Intl.DateTimeFormat("en", { timeZone: value }));
  } catch {
    return false;
  }
});

const list = (most, entry) => (value) => {
  ensure(Array.isArray(value), "field-type");
  ensure(value.length >= 1 && value.length <= most, "field-range");
  return value.map(entry);
};

// The order is judged before the entries are. [ENC-18]
const set = (most, entry) => (value) => {
  ensure(Array.isArray(value), "field-type");
  const encoded = value.map(encode);
  ensure(encoded.every((item, at) => at === 0 || compare(encoded[at - 1], item) < 0), "field-range");
  return list(most, entry)(value);
};

const row = (...entries) => (value) => {
  ensure(Array.isArray(value), "field-type");
  ensure(value.length === entries.length, "field-range");
  return entries.map((entry, at) => entry(value[at]));
};

// A map of fields, in the order of their labels. [ENC-12] [ENC-13] [ENC-22]
const fields = (table, unknown = "unknown-field") => (value) => {
  ensure(value instanceof Pairs, "field-type");
  const left = value.pairs.slice();
  const found = {};
  for (const [label, name, type, optional] of table) {
    if (left.length > 0 && left[0][0] === BigInt(label)) {
      try {
        found[name] = type(left.shift()[1]);
      } catch (error) {
        if (error instanceof Fault) error.field ??= name;
        throw error;
      }
    } else if (!optional) {
      const stranger = left.length > 0 && compare(encode(left[0][0]), encode(label)) < 0;
      throw stranger ? fault(unknown) : fault("missing-field", name);
    }
  }
  ensure(left.length === 0, unknown);
  return found;
};

const coseKey = (value) => {
  const key = value instanceof Pairs ? value.pairs : [];
  const [type, curve, x, y] = key.map(([, member]) => member);
  const labels = key.map(([label]) => label).join();
  const is = labels === "1,-1,-2,-3" && type === 2n && curve === 1n && [x, y].every((half) => isBytes(half) && half.length === 32);
  ensure(is, "key-invalid"); // [SIG-11]
  return encode(value);
};

const holder = (value) => {
  const found = fields([[1, "key", coseKey, true], [-1, "merchant", party, true]])(value);
  ensure(found.key || found.merchant, "missing-field");
  ensure(!(found.key && found.merchant), "field-conflict");
  return found;
};

const period = (value) => {
  ensure(Array.isArray(value), "field-type");
  ensure(value.length > 0, "field-range");
  const kind = uint(0, 2n ** 64n - 1n)(value[0]);
  if (value.length === 3 && kind === 1n) return { unit: Number(uint(1, 4)(value[1])), zone: zone(value[2]) };
  if (value.length === 4 && kind === 3n) {
    return { unit: Number(uint(1, 4)(value[1])), zone: zone(value[2]), anchor: seconds(value[3]) };
  }
  ensure(value.length === 2 && kind === 2n, "field-range");
  return { seconds: uint(1, 31622400)(value[1]) };
};

const window = (value) => {
  const [place, weekdays, from, until] = row(zone, uint(1, 127), uint(0, 1439), uint(1, 1440))(value);
  ensure(from < until, "field-range");
  return { zone: place, weekdays: Number(weekdays), from: Number(from), until: Number(until) };
};

export const RULES = [
  [1, "amount_max", amount], [2, "amount_min", amount], [3, "total", amount],
  [4, "total_per", list(8, row(amount, period))], [5, "count", count], [6, "count_per", list(8, row(count, period))],
  [7, "merchants_allow", set(64, party)], [8, "merchants_deny", set(64, party)],
  [9, "categories_allow", set(64, category)], [10, "categories_deny", set(64, category)],
  [11, "items_allow", set(64, short)], [12, "items_deny", set(64, short)],
  [13, "price_deviation", set(64, row(short, amount, uint(0, 1000000)))], [14, "times", list(16, window)],
  [15, "channels", set(8, channel)], [16, "devices", set(64, digest)], [17, "payee_keys", set(64, row(party, digest))],
  [18, "depth", uint(0, 8)], [19, "open_holds", count], [20, "ask_first", truth], [21, "ask_above", uint(0, AMOUNT_MAX)],
].map((rule) => [...rule, true]);

const rules = (value) => {
  const found = fields(RULES, "rule-unknown")(value); // [MAN-10]
  ensure(Object.keys(found).length > 0, "field-range"); // [MAN-11]
  return found;
};

// A list of entries whose keys ascend. [TOK-2]
const ascending = (most, entry, key) => (value) => {
  const entries = list(most, entry)(value);
  ensure(entries.every((each, at) => at === 0 || key(entries[at - 1]) < key(each)), "field-range");
  return entries;
};

const session = uint(1, 86400);
const meter = fields([
  [1, "prices", ascending(8, row(uint(1, 8), amount), ([unit]) => unit)], [2, "per", amount],
  [3, "steps", ascending(4, amount, (step) => step)], [4, "ahead", amount], [5, "idle_seconds", session],
  [6, "grace_seconds", session], [7, "continues", digest, true],
]);
const chain = row(uint(1, 16384), digest);

const shown = row(pattern(/^[a-z]{2}(-[A-Z]{2})?$/), digest);

const item = fields([
  [1, "id", short], [2, "name", long], [3, "category", category, true], [4, "quantity", count], [5, "price", amount],
  [6, "line", uint(2, 5), true],
]);

// What the four kinds hold; a currency is one of the registry. [ENC-17]
const kinds = (currencies) => {
  const currency = (value) => {
    ensure(isText(value), "field-type");
    ensure(currencies.has(value), "currency-unknown");
    return value;
  };
  const mandate = fields([
    [2, "sub", sixteen], [3, "aud", party], [4, "exp", seconds], [5, "nbf", seconds], [6, "iat", seconds],
    [8, "cnf", holder], [-1, "version", one], [-3, "offer", digest, true], [-6, "currency", currency],
    [-10, "lineage", sixteen], [-11, "serial", count], [-12, "mode", uint(1, 3)], [-13, "parent", digest, true],
    [-14, "replaces", digest, true], [-15, "caps", rules, true], [-16, "grants", list(16, rules), true],
    [-17, "funded", amount, true], [-18, "refund_returns", truth, true], [-19, "shown", shown, true],
    [-20, "conversation", digest, true],
  ]);
  const offer = fields([
    [1, "iss", party], [4, "exp", seconds], [6, "iat", seconds], [7, "cti", sixteen], [-1, "version", one],
    [-5, "amount", amount], [-6, "currency", currency], [-21, "items", list(64, item)],
    [-22, "accepts", list(8, row(party, short))], [-23, "kind", uint(1, 4)], [-24, "capture", uint(1, 2)],
    [-25, "resource", digest, true], [-26, "pseudonym", sixteen, true], [-27, "hold_seconds", uint(1, 2678400), true],
    [-70, "meter", meter, true],
  ]);
  const intent = fields([
    [3, "aud", party], [6, "iat", seconds], [-1, "version", one], [-2, "mandate", digest], [-3, "offer", digest],
    [-5, "amount", amount], [-6, "currency", currency], [-7, "secret_hash", digest], [-28, "channel", channel, true],
    [-29, "device", digest, true], [-30, "period", count, true],
    [-71, "chains", list(4, chain), true],
  ]);
  const confirmation = fields([
    [2, "sub", sixteen], [3, "aud", party], [6, "iat", seconds], [-1, "version", one], [-4, "intent", digest],
    [-19, "shown", shown, true], [-31, "how", uint(1, 4)], [-32, "evidence", digest, true], [-33, "phrase", long, true],
  ]);
  return {
    mandate: (value) => mandateHolds(mandate(value)),
    offer: (value) => offerHolds(offer(value)),
    intent,
    confirmation: (value) => {
      const read = confirmation(value);
      const spoken = read.how === 2n;
      const holds = spoken === ("phrase" in read) && (!spoken || "evidence" in read);
      ensure(holds, "field-conflict", "phrase"); // [CNF-11]
      return read;
    },
  };
};

function mandateHolds(read) {
  const conflict = (is, field) => ensure(!is, "field-conflict", field); // [ENC-16]
  conflict(read.exp <= read.nbf, "exp"); // [MAN-4]
  conflict((read.serial === 1n) === ("replaces" in read), "replaces"); // [MAN-5]
  conflict((read.mode === 1n) !== ("offer" in read), "offer"); // [SGL-1] [SGL-2]
  conflict((read.mode === 2n) !== ("grants" in read), "grants"); // [CND-1]
  conflict(read.mode === 3n && !(read.caps && "total" in read.caps), "caps"); // [QTA-1]
  conflict("funded" in read && (read.mode !== 3n || "parent" in read), "funded"); // [QTA-2]
  return read;
}

function offerHolds(read) {
  const conflict = (is, field) => ensure(!is, "field-conflict", field); // [ENC-16]
  conflict(read.exp <= read.iat, "exp"); // [INT-10]
  conflict("hold_seconds" in read && read.capture === 1n, "hold_seconds"); // [INT-11]
  conflict(read.items.some((line) => "category" in line && "line" in line), "category"); // [INT-12]
  const issuers = read.accepts.map(([issuer]) => issuer);
  conflict(new Set(issuers).size < issuers.length, "accepts"); // [INT-13]
  if (read.meter) {
    conflict(read.kind !== 2n || read.capture !== 2n, "meter"); // [TOK-6]
    const { prices, per, steps, ahead } = read.meter;
    const dearest = prices.reduce((most, [, price]) => (price > most ? price : most), 0n);
    conflict(ahead < steps.at(-1) + (dearest + per - 1n) / per, "ahead"); // [TOK-3]
  }
  const signed = (line) => (line.line === 2n ? -1n : 1n) * line.quantity * line.price;
  const sum = read.items.reduce((total, line) => total + signed(line), 0n);
  ensure(sum === read.amount, "items-total", "amount"); // [INT-4]
  return read;
}
