//! The papers of those who pay, and of the shop when it gives commands.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::field::{KeyHolder, Set, True};
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{AccountId, LineageId, Nonce, PaperId, PartyId, Text};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::{Capture, Deposit, Enrolment, Proof, Refund, Revocation, Void};
use purser_protocol::paper::dispute::{Dispute, Ground, Ruling};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Context, Frame, Paper, PublicKey, Signer, sign};
use purser_protocol::time::UnixSeconds;
use purser_server::random::random;

use crate::authority::Signatory;

pub(crate) const CONTEXT: Context<'_> = Context { network: "sandbox" };

pub(crate) fn issuer() -> PartyId {
    PartyId::new("issuer.example").unwrap()
}

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub(crate) fn yuan() -> Currency {
    Currency::from_code("CNY").unwrap()
}

pub(crate) fn amount(minor: u64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

pub(crate) fn id(paper: &[u8]) -> PaperId {
    let frame = Frame::read(paper).unwrap();
    purser_protocol::sign::paper::id(frame.protected, frame.payload)
}

pub(crate) fn nonce() -> Nonce {
    Nonce(random().unwrap())
}

/// A key, of a person or of an agent.
pub(crate) struct Key(AwsLcSigner);

impl Key {
    pub(crate) fn new() -> Self {
        Self(AwsLcSigner::generate().unwrap().1)
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.0.public_key()
    }

    pub(crate) fn sign(&self, paper: &impl Paper) -> Vec<u8> {
        sign(paper, CONTEXT, &self.0).unwrap()
    }

    pub(crate) fn proof(&self, target: &str) -> Vec<u8> {
        let target = Text::new(target).unwrap();
        self.sign(&Proof { audience: issuer(), issued_at: now(), nonce: nonce(), target })
    }

    /// Takes an offer. The secret is for the one who redeems.
    pub(crate) fn intent(&self, mandate: PaperId, offer: PaperId, minor: u64, secret: &[u8; 32]) -> Vec<u8> {
        self.sign(&Intent {
            issuer: issuer(),
            issued_at: now(),
            mandate,
            offer,
            amount: amount(minor),
            currency: yuan(),
            secret_hash: secret_hash(secret),
            channel: None,
            device: None,
            period: None,
            chains: None,
        })
    }
}

pub(crate) fn enrolment(key: &Key) -> Vec<u8> {
    let new = KeyHolder(key.public());
    key.sign(&Enrolment { account: None, issuer: issuer(), issued_at: now(), nonce: nonce(), key: new })
}

pub(crate) fn deposit(key: &Key, account: AccountId, minor: u64) -> Vec<u8> {
    let (amount, currency) = (amount(minor), yuan());
    key.sign(&Deposit { account, issuer: issuer(), issued_at: now(), nonce: nonce(), amount, currency })
}

/// A quota for a day.
pub(crate) fn quota(key: &Key, account: AccountId, holder: &Key, minor: u64) -> Vec<u8> {
    key.sign(&Mandate {
        account,
        issuer: issuer(),
        expires_at: now().saturating_add(86_400),
        not_before: now().saturating_sub(60),
        issued_at: now(),
        holder: Holder::Agent(holder.public()),
        offer: None,
        currency: yuan(),
        lineage: LineageId(random().unwrap()),
        serial: NonZeroU32::MIN,
        mode: Mode::Quota,
        parent: None,
        replaces: None,
        caps: Rules::new(Fields { total: Some(amount(minor)), ..Fields::default() }),
        grants: None,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: None,
    })
}

pub(crate) fn revocation(key: &Key, account: AccountId, mandate: PaperId) -> Vec<u8> {
    let mandates = Set::new(vec![mandate]).unwrap();
    key.sign(&Revocation { account, issuer: issuer(), issued_at: now(), nonce: nonce(), mandates, reason: None })
}

pub(crate) fn dispute(key: &Key, account: AccountId, intent: PaperId, minor: u64) -> Vec<u8> {
    key.sign(&Dispute {
        account,
        issuer: issuer(),
        issued_at: now(),
        nonce: nonce(),
        intent,
        amount: amount(minor),
        currency: yuan(),
        reason: None,
        ground: Ground::NotDelivered,
        exhibits: None,
    })
}

/// Nothing goes back.
pub(crate) fn ruling(bank: &Signatory, account: AccountId, intent: PaperId, dispute: PaperId) -> Vec<u8> {
    bank.sign_with_chain(&Ruling {
        issuer: issuer(),
        account,
        issued_at: now(),
        nonce: nonce(),
        intent,
        amount: None,
        currency: yuan(),
        reason: None,
        dispute,
    })
}

/// The body of a payment under mandates that are registered.
pub(crate) fn payment(offer: &[u8], intent: &[u8]) -> Vec<u8> {
    PaymentRequest { mandates: Vec::new(), offer, intent, confirmation: None }.write()
}

/// What a shop orders with its own key.
impl Signatory {
    pub(crate) fn capture(&self, intent: PaperId, minor: u64, last: bool) -> Vec<u8> {
        self.capture_at(now(), intent, minor, last)
    }

    pub(crate) fn capture_at(&self, issued_at: UnixSeconds, intent: PaperId, minor: u64, last: bool) -> Vec<u8> {
        self.sign_with_chain(&Capture {
            merchant: self.id.clone(),
            issuer: issuer(),
            issued_at,
            nonce: nonce(),
            intent,
            amount: amount(minor),
            currency: yuan(),
            last: last.then_some(True),
            claim: None,
        })
    }

    pub(crate) fn void(&self, intent: PaperId) -> Vec<u8> {
        let merchant = self.id.clone();
        self.sign_with_chain(&Void { merchant, issuer: issuer(), issued_at: now(), nonce: nonce(), intent })
    }

    pub(crate) fn refund(&self, intent: PaperId, minor: u64) -> Vec<u8> {
        self.sign_with_chain(&Refund {
            merchant: self.id.clone(),
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            intent,
            amount: amount(minor),
            currency: yuan(),
            reason: None,
        })
    }
}
