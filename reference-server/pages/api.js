// The issuer, as this page asks it: signed reads, signed commands, and answers that are checked.

import { Pairs, decode, encode } from "./cbor.js";
import { certified } from "./certificate.js";
import { labelled, openAnswer } from "./receipt.js";
import { sha256 } from "./sha256.js";
import { base64url, coseKey, equal, header, joined, publicBytes, random, sign, thumbprint, unbase64 } from "./sign.js";
import { treeOf } from "./statement.js";

const PAPER = 'application/cose; cose-type="cose-sign1"';
const BATCH = "application/vnd.purser.batch+cbor";
const PARTS_MAX = 1024;

/** What the issuer did not do, and why: a code of spec/registries/errors.csv. */
export class Refused extends Error {
  constructor(slug, meaning) {
    super(`${slug}: ${meaning}`);
    Object.assign(this, { slug, meaning });
  }
}

export class Issuer {
  /** Asks the issuer who it is. */
  static async discover() {
    const { purser } = await (await fetch("/.well-known/purser", { cache: "no-store" })).json();
    const issuer = new Issuer();
    Object.assign(issuer, {
      id: purser.id,
      network: purser.network,
      url: purser.base_url,
      sandbox: purser.sandbox === true,
      currencies: purser.currencies,
      features: purser.features,
      chains: purser.certificates.map((chain) => chain.map(unbase64)),
      offset: 0,
    });
    const errors = await (await fetch("errors.csv")).text();
    issuer.errors = new Map(errors.split("\n").slice(1).filter(Boolean).map((line) => {
      const cells = line.split(",");
      return [Number(cells[0]), { slug: cells[1], meaning: cells.slice(9).join(",") }];
    }));
    await issuer.setClock();
    return issuer;
  }

  /** A sandbox has a clock that can be set; papers are dated by it. */
  async setClock() {
    if (!this.sandbox) return;
    const { now } = await (await fetch("/v1/sandbox/clock", { cache: "no-store" })).json();
    this.offset = now - Math.floor(Date.now() / 1000);
  }

  /** Unix seconds. */
  now() {
    return Math.floor(Date.now() / 1000) + this.offset;
  }

  /** Signs as a key of this browser from now on. */
  async use(kept) {
    const raw = await publicBytes(kept.pair);
    this.signer = { pair: kept.pair, kid: thumbprint(raw), raw, network: this.network };
    this.account = kept.account;
  }

  /** A read that says who asks. [HTB-32] */
  async read(path) {
    const response = await this.proven("GET", path);
    return response.json();
  }

  /** Tells the issuer something that is no paper, with a proof of who says it; gives its answer. */
  async tell(path, body = {}) {
    const response = await this.proven("POST", path, { body: JSON.stringify(body), headers: { "content-type": "application/json" } });
    return response.json();
  }

  /** What goes along while a passkey has unlocked the key. */
  get unlocking() {
    return this.unlocked ? { "purser-unlocked": this.unlocked.unlocked } : {};
  }

  async proven(method, path, more = {}) {
    const payload = this.payload([[-53, `${method} ${this.url}${path}`]]);
    const proof = await sign(this.signer, "purser-proof", payload);
    const headers = { accept: "application/json, */*", "purser-proof": base64url(proof.bytes), ...this.unlocking, ...more.headers };
    const response = await fetch(path, { ...more, method, headers, cache: "no-store", redirect: "error" });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** The fields that every command has, and some more; `sub` stands where the command is an account's. */
  payload(fields, { ofAccount = false } = {}) {
    const common = [[3, this.id], [6, this.now()], [7, random(16)], [-1, 1]];
    return encode(new Pairs([...(ofAccount ? [[2, this.account]] : []), ...common, ...fields]));
  }

  /** Signs a command and sends it. */
  async command(typ, fields, { ofAccount = true } = {}) {
    const paper = await sign(this.signer, `purser-${typ}`, this.payload(fields, { ofAccount }));
    return this.post("/v1/commands", paper);
  }

  /** Signs many papers with one signature: all of them are done, or none. [WAL-23] */
  async batch(papers) {
    for (let at = 0; at < papers.length; at += PARTS_MAX) {
      const parts = papers.slice(at, at + PARTS_MAX).map(({ typ, payload }) => encode([header(this.signer.kid, `purser-${typ}`), payload]));
      const fields = [[-120, parts.length], [-121, treeOf(parts.map((part) => sha256(part)))]];
      const batch = await sign(this.signer, "purser-batch", this.payload(fields, { ofAccount: true }));
      await this.post("/v1/batches", { ...batch, bytes: encode(new Pairs([[1, batch.bytes], [2, parts]])) }, BATCH);
    }
  }

  /** Sends a paper; the answer is a checked receipt that names it. A refusal is thrown. */
  async post(path, paper, type = PAPER) {
    const { response, answer } = await this.answered(path, paper, type);
    const names = (label) => answer.claims.get(label) && equal(answer.claims.get(label), paper.id);
    if (answer.outcome === "refused") throw this.refused(answer.code);
    // The answer to a confirmation or a cancellation is the payment's; to all others it is their own.
    if (answer.outcome === "recorded" && !names(-34)) throw new Refused("receipt-mismatch", "The receipt is of another paper.");
    return { response, ...answer };
  }

  async answered(path, paper, type) {
    const headers = { "content-type": type, ...this.unlocking };
    const response = await fetch(path, { method: "POST", headers, body: paper.bytes, cache: "no-store", redirect: "error" });
    if (!(response.headers.get("content-type") ?? "").startsWith("application/vnd.purser.answer+cbor")) {
      throw await refusal(response);
    }
    const answer = await openAnswer(new Uint8Array(await response.arrayBuffer()), this);
    return { response, answer };
  }

  refused(code) {
    const { slug, meaning } = this.errors.get(code) ?? { slug: String(code), meaning: "" };
    return new Refused(slug, meaning);
  }

  /** Opens an account for this browser's key. [SIG-24] */
  async openAccount() {
    return this.enrol(this.signer.raw, false);
  }

  /** Offers a key that no account has yet; gives the code under which it waits. [WAL-30] */
  async offerKey(raw) {
    const body = JSON.stringify({ key: base64url(raw.slice(1)) });
    const headers = { "content-type": "application/json" };
    const response = await fetch("/v1/wallet/keys/offers", { method: "POST", headers, body, cache: "no-store", redirect: "error" });
    if (!response.ok) throw await refusal(response);
    return response.json();
  }

  /** The key that waits under a code: the issuer's word, until the person has compared its figures. */
  async offeredKey(code) {
    const { public: coded } = await this.read(`/v1/wallet/keys/offers/${encodeURIComponent(code)}`);
    return joined(Uint8Array.of(4), unbase64(coded));
  }

  /** Lets another key speak for the account too. */
  async addKey(raw) {
    return this.enrol(raw, true);
  }

  async enrol(raw, ofAccount) {
    const payload = this.payload([[8, new Pairs([[1, coseKey(raw)]])]], { ofAccount });
    const paper = await sign(this.signer, "purser-enrolment", payload);
    const { response } = await this.post("/v1/accounts", paper);
    const bytes = unbase64(response.headers.get("purser-credential") ?? "");
    const credential = await certified(bytes, "purser-credential", this.network, this.chains);
    const fields = labelled(decode(credential.payload));
    const key = fields.get(8).pairs[0][1];
    if (credential.party !== this.id || !equal(encode(key), encode(coseKey(raw)))) {
      throw new Refused("credential", "The credential is for another key.");
    }
    return fields.get(2);
  }
}

async function refusal(response) {
  try {
    const problem = await response.json();
    return new Refused(String(problem.type).replace("urn:purser:problem:", ""), problem.detail ?? problem.title);
  } catch {
    return new Refused(`http-${response.status}`, response.statusText);
  }
}
