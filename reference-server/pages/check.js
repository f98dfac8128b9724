// What the issuer hands over, held against what it says: the page shows papers whose bytes are those of their ids, and
// signs ids that it made itself. [RND-22]

import { Fault, envelope } from "./cbor.js";
import { certified } from "./certificate.js";
import { read } from "./papers.js";
import { hex, sha256 } from "./sha256.js";
import { equal, header, paperId, rawOf, thumbprint, unbase64, unhex, verifies } from "./sign.js";

const refuse = (code, stage = "signature") => new Fault(code, stage);

/** The mandates of a list. One whose bytes are not those of its id has a `fault`, and nothing else that counts. */
export function mandates(list, currencies) {
  return list.map((entry) => {
    try {
      const payload = unbase64(entry.payload);
      const paper = read("mandate", payload, currencies);
      const typ = "purser-mandate";
      if (hex(paperId(header(unhex(entry.signer), typ), payload)) !== entry.id) throw refuse("paper-mismatch");
      const holder = paper.cnf.merchant ?? hex(sha256(paper.cnf.key));
      return { entry, payload, paper, id: unhex(entry.id), name: entry.id, holder };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { entry, fault: error.code, name: entry.id };
    }
  });
}

/** A payment that waits: its intent and its offer, read from their papers, with the checks that make them belong. */
export async function pending(entry, known, { network, id: issuer, account }, currencies) {
  const intentPaper = unbase64(entry.intent_paper ?? "");
  const intentParts = envelope(intentPaper);
  const intent = read("intent", intentParts.payload, currencies);
  const intentId = paperId(intentParts.header, intentParts.payload);
  if (hex(intentId) !== entry.intent) throw refuse("paper-mismatch");
  const mandate = known.find(({ id, fault }) => !fault && equal(id, intent.mandate));
  if (!mandate) throw refuse("mandate-unknown", "mandate");
  if (!equal(mandate.paper.sub, account) || intent.aud !== issuer) throw refuse("account-mismatch", "mandate");
  await signedByHolder(mandate.paper.cnf, intentPaper, intentParts, network);

  const offerPaper = unbase64(entry.offer_paper ?? "");
  const { offer, id: offerId, payload } = await offerOf(offerPaper, network, currencies);
  if (!equal(offerId, intent.offer)) throw refuse("offer-mismatch", "rules");
  if (offer.amount !== intent.amount || offer.currency !== intent.currency) throw refuse("amount-mismatch", "rules");
  return { entry, intent, intentId, intentPaper, intentPayload: intentParts.payload, offer, offerPayload: payload, mandate };
}

/** An offer out of its paper: signed by the certificate beside it, which names its merchant. [SIG-23] */
export async function offerOf(bytes, network, currencies) {
  const parts = await certified(bytes, "purser-offer", network);
  const offer = read("offer", parts.payload, currencies);
  if (offer.iss !== parts.party) throw refuse("cert-name");
  return { offer, payload: parts.payload, id: paperId(parts.header, parts.payload) };
}

/** [SIG-13] */
async function signedByHolder(holder, bytes, parts, network) {
  if (holder.merchant) {
    const { party } = await certified(bytes, "purser-intent", network);
    if (party !== holder.merchant) throw refuse("agent-mismatch");
    return;
  }
  const raw = rawOf(holder.key);
  const own = header(thumbprint(raw), "purser-intent");
  if (!equal(own, parts.header)) throw refuse("agent-mismatch");
  if (!(await verifies(raw, "purser-intent", network, parts))) throw refuse("signature-invalid");
}
