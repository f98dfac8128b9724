//! What a merchant checks, offline: that a receipt pays for its offer, and for this request.

use sha2::{Digest as _, Sha256};

use super::Parties;
use super::log::{SignedRoot, open_root};
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::id::{CertificateId, Digest, Nonce, PaperId, PartyId};
use crate::label::IAT;
use crate::limits::SKEW_SECONDS;
use crate::paper::offer::{CaptureMode, Offer};
use crate::receipt::{Claims, Outcome, Receipt, Root};
use crate::sign::{Context, Crypto};
use crate::time::UnixSeconds;
use crate::wire::Writer;

/// A request for something that has a price: what an offer is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// Host and port, as the client wrote them.
    pub authority: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// SHA-256 of the body.
    pub body: [u8; 32],
}

impl Request<'_> {
    /// The digest that the offer carries; the salt keeps issuers from guessing addresses. [INT-6]
    pub fn digest(&self, salt: Nonce) -> Digest {
        let mut writer = Writer::new();
        writer.list(5);
        writer.bytes(&salt.0);
        writer.text(self.method);
        writer.text(self.authority);
        writer.text(self.target);
        writer.bytes(&self.body);
        Digest(Sha256::digest(writer.into_bytes()).into())
    }
}

/// A receipt whose signature and path have verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// Its id.
    pub id: PaperId,
    /// What it says.
    pub claims: Claims,
    /// Who signed it.
    pub issuer: PartyId,
    /// With which certificate.
    pub certificate: CertificateId,
    /// The root that proves it.
    pub root: Root,
}

/// Verifies a receipt, with nothing but the register at hand. [RCT-1]
///
/// The certificate is judged at the time of the root: one that has expired since still proves what it signed.
/// [RCT-11]
pub fn verify_receipt(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
) -> Result<VerifiedReceipt, Fault> {
    read_receipt(bytes, context, crypto, parties).map_err(|fault| fault.within(Part::Receipt))
}

fn read_receipt(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
) -> Result<VerifiedReceipt, Fault> {
    let receipt = Receipt::from_bytes(bytes)?;
    let SignedRoot { root, issuer, certificate } = open_root(&receipt.root, context, crypto, parties)?;
    let claims = receipt.verify(&root)?;
    if claims.decided_at > root.issued_at {
        return Err(Fault::new(Code::FieldConflict).field(IAT.name)); // [RCT-20]
    }
    Ok(VerifiedReceipt { id: receipt.id(), claims, issuer, certificate, root })
}

/// An offer that a merchant has made, as it remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferMade {
    /// The offer's id.
    pub id: PaperId,
    /// What it says.
    pub offer: Offer,
    /// How it stands.
    pub state: OfferState,
}

/// How an offer stands at its merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferState {
    /// It can be taken.
    Open,
    /// It was served.
    Consumed(Consumed),
    /// The merchant took it back.
    Withdrawn,
}

/// What consumed an offer. [FLW-10]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// The receipt.
    pub receipt: PaperId,
    /// Who signed it.
    pub issuer: PartyId,
    /// The payment that it is for.
    pub intent: PaperId,
    /// The digest of the request that was served, whether or not the offer names one.
    pub request: Digest,
}

/// What to do with a receipt that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// Serve, after the offer was consumed for this receipt in the same transaction.
    Serve,
    /// Give the answer that was given before. [HTB-17]
    Repeat,
    /// The money is here and nothing can be given for it: give it back, then refuse. [FLW-7]
    GiveBack(Code),
}

/// Judges a receipt against the offer and the request. Stage `redeem`.
///
/// Errors: `receipt-mismatch`, `secret-mismatch`, `receipt-already-used`, `request-mismatch`, in this order.
pub fn redeem(
    made: &OfferMade,
    receipt: &VerifiedReceipt,
    secret: &[u8; 32],
    request: &Digest,
    now: UnixSeconds,
) -> Result<Redemption, Fault> {
    let claims = &receipt.claims;
    let outcome = match made.offer.capture {
        CaptureMode::AtOnce => Outcome::Settled,
        CaptureMode::ByCommand => Outcome::Authorized,
    };
    let accepted = made.offer.accepts.iter().any(|payee| payee.issuer == receipt.issuer);
    let same_money = claims.amount == Some(made.offer.amount) && claims.currency == Some(made.offer.currency);
    // A certificate that has expired cannot make a receipt for an offer that is younger. [RCT-11]
    let not_before_offer = claims.decided_at.saturating_add(SKEW_SECONDS) >= made.offer.issued_at;
    if claims.offer != Some(made.id) || claims.outcome != outcome || !accepted || !same_money || !not_before_offer {
        return refuse(Code::ReceiptMismatch); // [HTB-12]
    }
    if !is_opened_by(claims, secret) {
        return refuse(Code::SecretMismatch); // [HTB-15]
    }
    match &made.state {
        // Nothing will be served for this money, whatever is asked for. [FLW-7]
        OfferState::Withdrawn => Ok(Redemption::GiveBack(Code::OfferUnknown)),
        OfferState::Consumed(by) if by.receipt == receipt.id => match by.request == *request {
            true => Ok(Redemption::Repeat),
            false => refuse(Code::ReceiptAlreadyUsed), // [HTB-14]
        },
        // Two receipts of one payment are its issuer's fault, and something was given for its money. [FLW-15]
        OfferState::Consumed(by) if Some(by.intent) == claims.intent && by.issuer == receipt.issuer => {
            refuse(Code::ReceiptAlreadyUsed)
        }
        OfferState::Consumed(_) => Ok(Redemption::GiveBack(Code::ReceiptAlreadyUsed)),
        // What was held is the payer's again, or will be before it can be captured. [HTB-39]
        OfferState::Open if claims.hold_until.is_some_and(|until| until <= now.saturating_add(SKEW_SECONDS)) => {
            refuse(Code::ReceiptMismatch)
        }
        OfferState::Open if made.offer.resource.is_some_and(|resource| resource != *request) => {
            refuse(Code::RequestMismatch) // [HTB-13]
        }
        OfferState::Open => Ok(Redemption::Serve),
    }
}

/// Judges a receipt for an offer that the merchant does not know. Stage `redeem`.
///
/// It may be one that it has forgotten: then the money goes back. If it was another merchant's, the issuer, who
/// has seen it, gives nothing back. [FLW-12] Error: `offer-unknown`.
pub fn redeem_unknown(offer: &PaperId, receipt: &VerifiedReceipt, secret: &[u8; 32]) -> Result<Redemption, Fault> {
    let claims = &receipt.claims;
    let has_money = matches!(claims.outcome, Outcome::Settled | Outcome::Authorized);
    if has_money && claims.offer == Some(*offer) && is_opened_by(claims, secret) {
        return Ok(Redemption::GiveBack(Code::OfferUnknown));
    }
    refuse(Code::OfferUnknown) // [HTB-11]
}

fn is_opened_by(claims: &Claims, secret: &[u8; 32]) -> bool {
    claims.secret_hash == Some(Digest(Sha256::digest(secret).into()))
}

fn refuse(code: Code) -> Result<Redemption, Fault> {
    Err(Fault::new(code).at_stage(Stage::Redeem))
}

#[cfg(test)]
mod tests;
