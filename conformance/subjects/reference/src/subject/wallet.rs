//! A wallet: what the person's key signs about a payment that waits.

use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::field::Bytes;
use purser_protocol::flow::Register;
use purser_protocol::id::{AccountId, Nonce, PartyId};
use purser_protocol::paper::command::Cancel;
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::sign::backend::PortableSigner;
use purser_protocol::sign::{Context, Paper, Signed, sign};
use purser_protocol::wire::Reader;
use serde_json::json;

use super::call::{Input, No, Outcome, broken, hex};
use super::papers::open_certified;

pub(super) struct Wallet {
    signer: PortableSigner,
    account: AccountId,
    issuer: PartyId,
    network: String,
    register: Register,
}

impl Wallet {
    pub(super) fn start(input: Input<'_>) -> Result<Self, No> {
        Ok(Self {
            signer: input.signer("key")?,
            account: AccountId(input.array("account")?),
            issuer: input.party("issuer")?,
            network: input.text("network")?.to_owned(),
            register: input.register()?,
        })
    }

    /// Says yes to what the person was shown: papers that belong together, and that their signers signed. [CNF-9]
    pub(super) fn confirm(&mut self, input: Input<'_>) -> Outcome {
        let now = input.seconds("now")?;
        let (bytes, context) = (input.bytes("offer")?, Context { network: &self.network });
        let (offer, _) = open_certified::<Offer>(&bytes, Role::Merchant, &self.register, context, now)?;
        let bytes = input.bytes("intent")?;
        let signed = Signed::<Intent>::read(&bytes)?;
        let intent = Intent::decode(&mut Reader::new(signed.frame.payload))?;
        if intent.offer != offer.id() {
            return Err(Code::OfferMismatch.into());
        }
        let is_offers = match offer.kind {
            OfferKind::Metered => intent.amount <= offer.amount, // [AUT-41]
            _ => intent.amount == offer.amount,
        };
        if !is_offers {
            return Err(Code::AmountMismatch.into());
        }
        if intent.currency != offer.currency {
            return Err(Code::CurrencyMismatch.into());
        }
        if intent.issuer != self.issuer {
            return Err(Code::AudienceMismatch.into());
        }
        let confirmation = Confirmation {
            account: self.account,
            issuer: self.issuer.clone(),
            issued_at: now,
            intent: signed.id(),
            shown: None,
            how: Modality::Screen,
            evidence: None,
            phrase: None,
        };
        Ok(json!({ "confirmation": hex(self.sign(&confirmation)?) }))
    }

    /// Says no, which is to cancel.
    pub(super) fn refuse(&mut self, input: Input<'_>) -> Outcome {
        let intent = input.bytes("intent")?;
        Signed::<Intent>::read(&intent)?;
        let cancel = Cancel {
            issuer: self.issuer.clone(),
            issued_at: input.seconds("now")?,
            nonce: Nonce(input.array_or_zeros("nonce")?),
            intent: Bytes(intent),
            offer: None,
        };
        Ok(json!({ "cancel": hex(self.sign(&cancel)?) }))
    }

    fn sign<T: Paper>(&self, paper: &T) -> Result<Vec<u8>, No> {
        let context = Context { network: &self.network };
        sign(paper, context, &self.signer).map_err(|_| broken("the wallet's key does not sign"))
    }
}
