//! An agent: what it asks of an offer before it signs, and what it makes of answers.

use std::collections::HashMap;

use purser_protocol::bind::http::{ANSWER, AnswerBody};
use purser_protocol::cert::Role;
use purser_protocol::code::{Code, Retry, Standing};
use purser_protocol::field::decoded;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::flow::payer::{Attempt, Event, answers_intent, is_lapsed, secret_hash};
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::limits::OFFER_SECONDS_MAX;
use purser_protocol::paper::delivery::Delivery;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::{Claims, Detail, Outcome};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Context, Paper as _, Signed, sign};
use purser_protocol::wire::Reader;
use serde_json::{Value, json};

use super::call::{Input, No, Outcome as Said, broken, hex};
use super::papers::{open_certified, request_digest};

/// An intent that was signed: for whose offer, and how it stands.
struct Taken {
    intent: Intent,
    offer: Offer,
    attempt: Attempt,
}

pub(super) struct Agent {
    signer: PortableSigner,
    network: String,
    register: Register,
    mandates: HashMap<PaperId, PartyId>,
    taken: HashMap<PaperId, PaperId>,
    attempts: HashMap<PaperId, Taken>,
}

impl Agent {
    pub(super) fn start(input: Input<'_>) -> Result<Self, No> {
        let mut mandates = HashMap::new();
        for paper in input.byte_strings("mandates")? {
            let signed = Signed::<Mandate>::read(&paper)?;
            let mandate = Mandate::decode(&mut Reader::new(signed.frame.payload))?;
            mandates.insert(signed.id(), mandate.issuer);
        }
        Ok(Self {
            signer: input.signer("key")?,
            network: input.text("network")?.to_owned(),
            register: input.register()?,
            mandates,
            taken: HashMap::new(),
            attempts: HashMap::new(),
        })
    }

    /// Signs an intent for an offer that reads and is what was asked for. [INT-14]
    pub(super) fn offer(&mut self, input: Input<'_>) -> Said {
        let (now, mandate) = (input.seconds("now")?, PaperId(input.array("mandate")?));
        let issuer = self.mandates.get(&mandate).cloned().ok_or(Code::MandateUnknown)?;
        let (bytes, context) = (input.bytes("offer")?, Context { network: &self.network });
        let (offer, _) = open_certified::<Offer>(&bytes, Role::Merchant, &self.register, context, now)?;
        let window = offer.window().filter(|window| window.seconds() <= OFFER_SECONDS_MAX);
        if window.is_none() {
            return Err(Code::LifetimeExceeded.into());
        }
        if offer.issued_at.is_future(now) {
            return Err(Code::OfferNotYetValid.into());
        }
        if offer.expires_at <= now {
            return Err(Code::OfferExpired.into());
        }
        if offer.account_at(&issuer).is_none() {
            return Err(Code::IssuerNotAccepted.into());
        }
        if offer.currency != input.currency("currency")? {
            return Err(Code::CurrencyMismatch.into());
        }
        if offer.amount > input.amount("amount_max")? {
            return Err(Code::AmountMismatch.into());
        }
        if offer.resource != Some(request_digest(input.member("request")?)?) {
            return Err(Code::RequestMismatch.into()); // [HTB-19]
        }
        if self.taken.contains_key(&offer.id()) {
            return Err(Code::OfferPaid.into()); // [INT-19]
        }
        let intent = Intent {
            issuer,
            issued_at: now.max(offer.issued_at), // [INT-20]
            mandate,
            offer: offer.id(),
            amount: offer.amount, // [INT-15]
            currency: offer.currency,
            secret_hash: secret_hash(&input.array("secret")?),
            channel: None,
            device: None,
            period: None,
            chains: None,
        };
        let paper = sign(&intent, context, &self.signer).map_err(|_| broken("the agent's key does not sign"))?;
        let id = Signed::<Intent>::read(&paper)?.id();
        self.taken.insert(offer.id(), id);
        let mut attempt = Attempt::Signed;
        attempt.handle(Event::Kept);
        self.attempts.insert(id, Taken { intent, offer: Offer::clone(&offer), attempt });
        Ok(json!({ "intent": hex(paper), "id": id.to_string() }))
    }

    /// What an answer is worth. Nothing but a receipt ends what may have been decided. [FLW-3] [FLW-4]
    pub(super) fn answer(&mut self, input: Input<'_>) -> Said {
        let id = PaperId(input.array("intent")?);
        let asked = self.attempts.get(&id).ok_or_else(|| broken("no intent of this id was signed"))?;
        let (event, code) = self.event(&id, asked, input)?;
        let taken = self.attempts.get_mut(&id).ok_or_else(|| broken("no intent of this id was signed"))?;
        let attempt = &mut taken.attempt;
        attempt.handle(event);
        let (state, send) = match *attempt {
            Attempt::Signed => ("signed", "nothing"),
            Attempt::InDoubt { .. } => ("asking", "same"),
            // What waits for the person is asked after, and not sent again.
            Attempt::Waiting => ("waiting", "nothing"),
            Attempt::TurnedAway => ("cancelling", "cancel"),
            Attempt::Known(Outcome::Settled | Outcome::Authorized) => ("paid", "nothing"),
            Attempt::Known(_) | Attempt::Dropped => ("idle", "nothing"),
        };
        // A refused intent took nothing: the offer can be taken again. [INT-19]
        if state == "idle" {
            self.taken.retain(|_, intent| *intent != id);
        }
        let mut value = json!({ "state": state, "send": send });
        if let Some(code) = code {
            value["code"] = json!(code.slug());
        }
        Ok(value)
    }

    /// Whether a delivery is the merchant's word about this payment. [RCT-17]
    pub(super) fn delivery(&mut self, input: Input<'_>) -> Said {
        let (id, now) = (PaperId(input.array("intent")?), input.seconds("now")?);
        let taken = self.attempts.get(&id).ok_or_else(|| broken("no intent of this id was signed"))?;
        let (bytes, context) = (input.bytes("delivery")?, Context { network: &self.network });
        let (delivery, party) = open_certified::<Delivery>(&bytes, Role::Merchant, &self.register, context, now)?;
        let by_merchant = party.id == taken.offer.merchant && delivery.merchant == taken.offer.merchant;
        Ok(json!({ "believed": by_merchant && delivery.intent == id && delivery.offer == taken.intent.offer }))
    }

    fn event(&self, id: &PaperId, asked: &Taken, input: Input<'_>) -> Result<(Event, Option<Code>), No> {
        if input.get("body").is_none() {
            return Ok((Event::NoAnswer, None));
        }
        let (body, content_type) = (input.bytes("body")?, input.get("content_type").and_then(Value::as_str));
        let content_type = content_type.unwrap_or_default();
        if content_type == ANSWER {
            let context = Context { network: &self.network };
            let answer = AnswerBody::read(&body);
            let detail = answer.as_ref().ok().and_then(|answer| answer.detail);
            let receipt = answer
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|answer| verify_receipt(answer.receipt, context, &Portable, &self.register));
            return Ok(match receipt {
                Ok(receipt) if answers_intent(id, &asked.intent, &receipt) => {
                    (Event::Receipt(receipt.claims.outcome), why(&receipt.claims, detail))
                }
                _ => (Event::NoAnswer, None),
            });
        }
        let status = input.member("status")?.0.as_u64().unwrap_or_default();
        if content_type != "application/problem+json" || status >= 500 {
            return Ok((Event::NoAnswer, None));
        }
        // A code of ours decides; words do not, and what stands in front of an issuer has no say.
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = problem.get("code").and_then(Value::as_u64).unwrap_or_default();
        let kind = problem.get("type").and_then(Value::as_str).unwrap_or_default();
        let said = problem.get("retry").and_then(Value::as_str).and_then(Retry::from_name);
        let lapsed = is_lapsed(&asked.offer, input.seconds("now")?);
        let event = match Code::from_number(code) {
            Some(Code::NotFound) if lapsed && asked.attempt == Attempt::TurnedAway => Event::Lapsed,
            Some(code) if code.standing() != Standing::NotDecided => Event::NoAnswer,
            Some(code) => Event::NotDecided { again: helps(code.retry()) },
            None if code > 0 && kind.starts_with("urn:purser:problem:") => {
                Event::NotDecided { again: helps(said.unwrap_or(Retry::Never)) } // [ERR-4]
            }
            None => Event::NoAnswer,
        };
        Ok((event, None))
    }
}

/// Why not: what the detail says where it is the one of the claims, and else what everybody is told. [RCT-15]
fn why(claims: &Claims, detail: Option<&[u8]>) -> Option<Code> {
    let own = detail.and_then(|bytes| decoded::<Detail>(bytes).ok()).filter(|own| Some(own.digest()) == claims.detail);
    own.map(|detail| detail.code).or(claims.code).and_then(|code| code.code())
}

/// Whether the same bytes may do better. [ERR-3]
fn helps(retry: Retry) -> bool {
    matches!(retry, Retry::Same | Retry::Later)
}
