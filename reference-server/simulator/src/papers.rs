//! The papers that the parties sign.

use std::num::NonZeroU32;

use purser_protocol::field::{KeyHolder, List, Set, True};
use purser_protocol::id::{AccountId, Digest, LineageId, LongText, Nonce, PaperId, PartyId, ShortText};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::{Capture, Deposit, Enrolment, Refund, Resumption, Revocation, Suspension, Void};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::sign::{Paper, Signed, Signer, sign, sign_by_certificate};

use crate::issuer::{CONTEXT, seconds};
use crate::keys::{Key, certificate};
use crate::oracle::MandateFacts;

/// A paper that is signed.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its id.
    pub id: PaperId,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Who writes to one issuer, at a time.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The issuer.
    pub issuer: PartyId,
    /// The time that the writer believes, in Unix seconds.
    pub now: u64,
    /// What makes the paper one of its kind.
    pub nonce: Nonce,
}

/// Signs with a key.
pub fn sealed<T: Paper>(paper: &T, key: &Key) -> Sealed {
    let bytes = sign(paper, CONTEXT, key).expect("this key signs");
    Sealed { id: Signed::<T>::read(&bytes).expect("a paper reads").id(), bytes }
}

/// Signs with a party's certificate.
pub fn certified<T: Paper>(paper: &T, party: &PartyId) -> Sealed {
    let key = Key::named(party.as_str());
    let bytes = sign_by_certificate(paper, CONTEXT, &key, certificate(party), &[]).expect("this key signs");
    Sealed { id: Signed::<T>::read(&bytes).expect("a paper reads").id(), bytes }
}

/// Minor units of money.
pub fn minor(units: u64) -> Amount {
    Amount::from_minor(units).expect("a small amount")
}

/// The currency of all runs.
pub fn currency() -> Currency {
    Currency::from_code("CNY").expect("a currency")
}

fn short(text: &str) -> ShortText {
    ShortText::new(text).expect("a short text")
}

impl Desk {
    /// An account is opened for a key.
    pub fn enrolment(&self, key: &Key) -> Enrolment {
        Enrolment {
            account: None,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            key: KeyHolder(key.public_key()),
        }
    }

    /// Money comes in.
    pub fn deposit(&self, account: AccountId, units: u64) -> Deposit {
        Deposit {
            account,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            amount: minor(units),
            currency: currency(),
        }
    }

    /// A mandate with these facts.
    pub fn mandate(&self, account: AccountId, agent: &Key, lineage: LineageId, facts: &MandateFacts) -> Mandate {
        let caps = Fields {
            total: Some(minor(facts.total_minor)),
            count: NonZeroU32::new(u32::try_from(facts.count).unwrap_or(u32::MAX)),
            amount_max: Some(minor(facts.amount_max_minor)),
            ask_above: facts.ask_above_minor.and_then(purser_protocol::field::UpTo::new),
            ..Fields::default()
        };
        Mandate {
            account,
            issuer: self.issuer.clone(),
            expires_at: seconds(facts.expires_at),
            not_before: seconds(self.now),
            issued_at: seconds(self.now),
            holder: Holder::Agent(agent.public_key()),
            offer: None,
            currency: currency(),
            lineage,
            serial: NonZeroU32::MIN,
            mode: Mode::Quota,
            parent: None,
            replaces: None,
            caps: Rules::new(caps),
            grants: None,
            funded: None,
            refund_returns: None,
            shown: None,
            conversation: None,
        }
    }

    /// Mandates end.
    pub fn revocation(&self, account: AccountId, mandates: Vec<PaperId>) -> Revocation {
        Revocation {
            account,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            mandates: Set::new(mandates).expect("a few mandates"),
            reason: None,
        }
    }

    /// A mandate rests.
    pub fn suspension(&self, account: AccountId, mandate: PaperId) -> Suspension {
        Suspension {
            account,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            mandates: Set::new(vec![mandate]).expect("one mandate"),
            reason: None,
        }
    }

    /// A suspension is lifted.
    pub fn resumption(&self, account: AccountId, mandate: PaperId, suspension: PaperId) -> Resumption {
        Resumption {
            account,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            mandates: Set::new(vec![mandate]).expect("one mandate"),
            suspension,
        }
    }

    /// The person says yes.
    pub fn confirmation(&self, account: AccountId, intent: PaperId) -> Confirmation {
        Confirmation {
            account,
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            intent,
            shown: None,
            how: Modality::Screen,
            evidence: None,
            phrase: None,
        }
    }

    /// A merchant's offer.
    pub fn offer(&self, merchant: &PartyId, units: u64, by_command: bool, lasts: u64, holds: u64) -> Offer {
        let item = Item {
            id: short("thing"),
            name: LongText::new("thing").expect("a text"),
            category: None,
            quantity: NonZeroU32::MIN,
            price: minor(units),
            line: None,
        };
        Offer {
            merchant: merchant.clone(),
            expires_at: seconds(self.now + lasts),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            amount: minor(units),
            currency: currency(),
            items: List::new(vec![item]).expect("one line"),
            accepts: List::new(vec![Payee { issuer: self.issuer.clone(), account: short("main") }]).expect("one"),
            kind: OfferKind::Charge,
            capture: if by_command { CaptureMode::ByCommand } else { CaptureMode::AtOnce },
            resource: None,
            pseudonym: None,
            hold_seconds: by_command.then(|| HoldSeconds::new(holds)).flatten(),
            meter: None,
        }
    }

    /// An agent takes an offer.
    pub fn intent(&self, mandate: PaperId, offer: &Offer, offer_id: PaperId, secret_hash: Digest) -> Intent {
        Intent {
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now.max(offer.issued_at.get())),
            mandate,
            offer: offer_id,
            amount: offer.amount,
            currency: offer.currency,
            secret_hash,
            channel: None,
            device: None,
            period: None,
            chains: None,
        }
    }

    /// A merchant takes held money.
    pub fn capture(&self, merchant: &PartyId, intent: PaperId, units: u64, last: bool) -> Capture {
        Capture {
            merchant: merchant.clone(),
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            intent,
            amount: minor(units),
            currency: currency(),
            last: last.then_some(True),
            claim: None,
        }
    }

    /// A merchant gives held money up.
    pub fn void(&self, merchant: &PartyId, intent: PaperId) -> Void {
        Void {
            merchant: merchant.clone(),
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            intent,
        }
    }

    /// A merchant gives captured money back.
    pub fn refund(&self, merchant: &PartyId, intent: PaperId, units: u64) -> Refund {
        Refund {
            merchant: merchant.clone(),
            issuer: self.issuer.clone(),
            issued_at: seconds(self.now),
            nonce: self.nonce,
            intent,
            amount: minor(units),
            currency: currency(),
            reason: None,
        }
    }
}
