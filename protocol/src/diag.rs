//! Papers and receipts for people: what is wrong with the bytes, where, and what they say.
//!
//! The notation is that of RFC 8949, section 8, with names as comments: `/ iss / 1: "shop.example"`. It is
//! written over bytes that have passed the strict reader, and of any other bytes says where the first fault is.

mod excerpt;
mod notation;

use crate::fault::{Fault, Part};
use crate::id::PaperId;
use crate::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Proof, Refund, Resumption, Retirement, Revocation,
    Suspension, Thaw, Void,
};
use crate::paper::confirmation::Confirmation;
use crate::paper::credential::{Credential, Pseudonym};
use crate::paper::delivery::Delivery;
use crate::paper::dispute::{Dispute, DisputeAnswer, Ruling};
use crate::paper::document::{DailyStatement, Listing};
use crate::paper::intent::Intent;
use crate::paper::mandate::Mandate;
use crate::paper::notice::Notice;
use crate::paper::offer::Offer;
use crate::paper::status::{Statement, Status};
use crate::receipt::{Receipt, Root};
use crate::sign::{Context, Crypto, Frame, Header, Kind, Paper, PublicKey, Signed, SignerName};
use crate::wire::Reader;

pub use excerpt::excerpt;
pub use notation::show;

/// What a file holds, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A paper, or what should be one.
    Paper,
    /// A receipt.
    Receipt,
    /// Another item, such as the body of a request.
    Item,
}

impl Form {
    /// The form that bytes have, whether or not they are whole.
    pub fn of(bytes: &[u8]) -> Self {
        // Tags are major type 6; a receipt is a list of four.
        match bytes.first() {
            Some(0xc0..=0xdb) => Self::Paper,
            Some(0x84) => Self::Receipt,
            _ => Self::Item,
        }
    }
}

/// A paper that has passed every stage that could be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: PaperId,
    /// Its signer's name.
    pub signer: SignerName,
    /// Whether its signature was checked.
    pub is_signature_checked: bool,
}

/// Finds the signer's key, after the stage headers; `None` where it is not at hand.
pub type FindKey<'k> = &'k dyn Fn(&Header<'_>, Kind, &Frame<'_>) -> Result<Option<PublicKey>, Fault>;

/// Takes a paper of any kind through the stages, in their order; the kind is that which its `typ` names.
///
/// Without a key for the signature, that stage alone is passed over.
pub fn examine(bytes: &[u8], context: Context<'_>, crypto: &dyn Crypto, key: FindKey<'_>) -> Result<Examined, Fault> {
    let frame = Frame::read(bytes)?;
    // A typ that is none of ours is judged as that of some kind, to find the fault that comes first.
    let kind = Kind::of(bytes).unwrap_or(Kind::Mandate);
    macro_rules! stages {
        ($($name:ident)+) => {
            match kind { $(Kind::$name => stages::<$name>(frame, kind, context, crypto, key),)+ }
        };
    }
    stages!(Credential Pseudonym Mandate Offer Intent Confirmation Root Capture Void Refund Cancel Suspension
        Resumption Revocation Enrolment Deposit Payout Proof Status Delivery Dispute DisputeAnswer Ruling Notice Batch
        Retirement Freeze Thaw Statement Listing DailyStatement)
}

/// Takes a receipt through all checks that need no certificate; `root` judges the signed root. Offsets count
/// from the start of the receipt.
pub fn examine_receipt(
    bytes: &[u8],
    root: impl FnOnce(&[u8]) -> Result<Examined, Fault>,
) -> Result<(Receipt, Examined), Fault> {
    let within = |fault: Fault| fault.within(Part::Receipt);
    let receipt = Receipt::from_bytes(bytes).map_err(within)?;
    let root_at = bytes.len() - receipt.root.len();
    let examined = root(&receipt.root).map_err(|fault| within(fault.shifted(root_at)))?;
    let opened = Frame::read(&receipt.root).and_then(|frame| Root::decode(&mut Reader::new(frame.payload)));
    let opened = opened.map_err(|fault| within(fault.shifted(root_at)))?;
    receipt.verify(&opened).map_err(|fault| within(fault.shifted(claims_at(bytes))))?;
    Ok((receipt, examined))
}

fn stages<T: Paper>(
    frame: Frame<'_>,
    kind: Kind,
    context: Context<'_>,
    crypto: &dyn Crypto,
    key: FindKey<'_>,
) -> Result<Examined, Fault> {
    let signed = Signed::<T>::framed(frame)?;
    let (id, signer) = (signed.id(), signed.header.signer);
    let key = key(&signed.header, kind, &frame)?;
    match &key {
        Some(key) => {
            let authentic = signed.verify(crypto, context, key)?;
            authentic.version()?;
            authentic.open()?;
        }
        None => signed.foresee()?,
    }
    Ok(Examined { kind, id, signer, is_signature_checked: key.is_some() })
}

/// Where the claims begin inside a receipt.
fn claims_at(receipt: &[u8]) -> usize {
    let mut reader = Reader::new(receipt);
    let claims = reader.list().and_then(|_| reader.bytes()).map_or(0, <[u8]>::len);
    reader.offset() - claims
}

#[cfg(test)]
mod tests;
