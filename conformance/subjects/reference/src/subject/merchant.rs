//! A merchant: the offers that it made, and what receipts are worth for them.

use std::collections::HashMap;
use std::num::NonZeroU32;

use purser_protocol::code::Code;
use purser_protocol::field::List;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, VerifiedReceipt, redeem, redeem_unknown, verify_receipt,
};
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, PartyId, ShortText};
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Context, Paper, Signed, sign_by_certificate};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::call::{Input, No, Outcome, broken, hex};
use super::papers::request_digest;

pub(super) struct Merchant {
    id: PartyId,
    network: String,
    signer: PortableSigner,
    chain: Vec<Vec<u8>>,
    accepts: Vec<(Payee, Register)>,
    offers: HashMap<PaperId, OfferMade>,
    deliveries: HashMap<PaperId, Vec<u8>>,
}

impl Merchant {
    pub(super) fn start(input: Input<'_>) -> Result<Self, No> {
        let accepts = input.list("issuers")?.into_iter().map(|issuer| {
            let account = ShortText::new(issuer.text("account")?).ok_or_else(|| broken("account is no short text"))?;
            Ok((Payee { issuer: issuer.party("issuer")?, account }, issuer.register()?))
        });
        Ok(Self {
            id: input.party("merchant")?,
            network: input.text("network")?.to_owned(),
            signer: input.signer("key")?,
            chain: input.byte_strings("chain")?,
            accepts: accepts.collect::<Result<_, No>>()?,
            offers: HashMap::new(),
            deliveries: HashMap::new(),
        })
    }

    pub(super) fn offer(&mut self, input: Input<'_>) -> Outcome {
        let item = input.text("item")?;
        let price = input.amount("price_minor")?;
        let line = Item {
            id: ShortText::new(item).ok_or_else(|| broken("item is no short text"))?,
            name: LongText::new(item).ok_or_else(|| broken("item is no text"))?,
            category: None,
            quantity: NonZeroU32::MIN,
            price,
            line: None,
        };
        let capture = match input.get("capture").and_then(|mode| mode.as_str()) {
            None | Some("at once" | "at-once") => CaptureMode::AtOnce,
            Some("by command" | "by-command") => CaptureMode::ByCommand,
            Some(_) => return Err(broken("capture is neither at-once nor by-command")),
        };
        let accepts = self.accepts.iter().map(|(payee, _)| payee.clone()).collect();
        let offer = Offer {
            merchant: self.id.clone(),
            expires_at: input.seconds("expires")?,
            issued_at: input.seconds("now")?,
            nonce: Nonce(input.array("nonce")?),
            amount: price,
            currency: input.currency("currency")?,
            items: List::new(vec![line]).ok_or_else(|| broken("an offer of nothing"))?,
            accepts: List::new(accepts).ok_or_else(|| broken("the merchant was started without issuers"))?,
            kind: OfferKind::Charge,
            capture,
            resource: Some(request_digest(input.member("request")?)?),
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        };
        let paper = self.sign(&offer, true)?;
        let id = Signed::<Offer>::read(&paper)?.id();
        self.offers.insert(id, OfferMade { id, offer, state: OfferState::Open });
        Ok(json!({ "offer": hex(paper), "id": id.to_string() }))
    }

    /// Takes an offer back; of one that was served nothing is left to take back.
    pub(super) fn withdraw(&mut self, input: Input<'_>) -> Outcome {
        let offer = PaperId(input.array("offer")?);
        let made = self.offers.get_mut(&offer).ok_or(Code::OfferUnknown)?;
        if made.state == OfferState::Open {
            made.state = OfferState::Withdrawn;
        }
        Ok(json!({}))
    }

    /// Judges a receipt, consumes the offer, serves. [FLW-5] [FLW-6]
    pub(super) fn redeem(&mut self, input: Input<'_>) -> Outcome {
        let (offer, secret) = (PaperId(input.array("offer")?), input.array("secret")?);
        let bytes = input.bytes("receipt")?;
        let Some(made) = self.offers.get(&offer) else {
            let receipt = self.read(&bytes).map_err(|_| No::from(Code::OfferUnknown))?;
            return match redeem_unknown(&offer, &receipt, &secret)? {
                Redemption::GiveBack(code) => give_back(code),
                _ => Err(Code::OfferUnknown.into()),
            };
        };
        let receipt = self.read(&bytes)?;
        let (request, now) = (request_digest(input.member("request")?)?, input.seconds("now")?);
        match redeem(made, &receipt, &secret, &request, now)? {
            Redemption::GiveBack(code) => give_back(code),
            Redemption::Repeat => {
                let delivery = self.deliveries.get(&offer).ok_or_else(|| broken("what was served is not kept"))?;
                Ok(json!({ "delivery": hex(delivery), "again": true }))
            }
            Redemption::Serve => {
                let intent = receipt.claims.intent.ok_or(Code::ReceiptMismatch)?;
                let delivery = self.sign(
                    &Delivery {
                        merchant: self.id.clone(),
                        issued_at: now,
                        offer,
                        intent,
                        state: DeliveryState::Delivered,
                        digest: Digest(Sha256::digest(offer.0).into()),
                    },
                    false,
                )?;
                let by = Consumed { receipt: receipt.id, issuer: receipt.issuer, intent, request };
                if let Some(made) = self.offers.get_mut(&offer) {
                    made.state = OfferState::Consumed(by);
                }
                self.deliveries.insert(offer, delivery.clone());
                Ok(json!({ "delivery": hex(delivery), "again": false }))
            }
        }
    }

    /// A receipt of whichever issuer it reads under; of none, the first one's reason.
    fn read(&self, bytes: &[u8]) -> Result<VerifiedReceipt, No> {
        let context = Context { network: &self.network };
        let mut first = None;
        for (_, register) in &self.accepts {
            match verify_receipt(bytes, context, &Portable, register) {
                Ok(receipt) => return Ok(receipt),
                Err(fault) => _ = first.get_or_insert(fault),
            }
        }
        Err(first.map_or_else(|| broken("the merchant was started without issuers"), No::from))
    }

    fn sign<T: Paper>(&self, paper: &T, with_chain: bool) -> Result<Vec<u8>, No> {
        let leaf = self.chain.first().ok_or_else(|| broken("the merchant was started without a chain"))?;
        let chain: Vec<&[u8]> = self.chain.iter().filter(|_| with_chain).map(Vec::as_slice).collect();
        let context = Context { network: &self.network };
        sign_by_certificate(paper, context, &self.signer, certificate_id(leaf), &chain)
            .map_err(|_| broken("the merchant's key does not sign"))
    }
}

/// The money goes back, and then it is a refusal. [FLW-7]
fn give_back(code: Code) -> Outcome {
    let fault = purser_protocol::fault::Fault::new(code);
    Err(No::Reject(fault, json!({ "gives_back": true })))
}
