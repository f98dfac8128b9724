//! What a merchant checks, offline: that a receipt pays for its offer, and for this request.

use sha2::{Digest as _, Sha256};

use super::Parties;
use crate::cert::Role;
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::id::{CertificateId, Digest, Nonce, PaperId, PartyId};
use crate::paper::offer::{CaptureMode, Offer};
use crate::receipt::{Claims, Outcome, Receipt, Root};
use crate::sign::{Context, Crypto, Signed, SignerName};
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

/// Verifies a receipt out of a record, with nothing but the register at hand.
///
/// The certificate is judged at the time of the receipt: one that has expired since still proves what it
/// signed. [RCT-11] Errors: the codes of the stages up to schema, then `path-invalid`.
pub fn verify_receipt(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
) -> Result<VerifiedReceipt, Fault> {
    verify(bytes, context, crypto, parties, None)
}

/// Verifies a receipt that something is about to be given for.
///
/// The certificate is judged now: whoever found an issuer's old key can write receipts of old days. [RCT-11]
pub fn verify_receipt_now(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
    now: UnixSeconds,
) -> Result<VerifiedReceipt, Fault> {
    verify(bytes, context, crypto, parties, Some(now))
}

fn verify(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
    now: Option<UnixSeconds>,
) -> Result<VerifiedReceipt, Fault> {
    let within = |fault: Fault| fault.within(Part::Receipt);
    let receipt = Receipt::from_bytes(bytes).map_err(within)?;
    let signed = Signed::<Root>::read(&receipt.root).map_err(within)?;
    let made_at = crate::sign::paper::find(signed.frame.payload, crate::label::IAT.number);
    let made_at = made_at.and_then(|(_, mut seconds)| seconds.unsigned().ok()).and_then(UnixSeconds::new);
    let made_at = made_at.ok_or_else(|| within(Fault::new(Code::MissingField)))?;
    let party = parties.party(&signed.header, Role::Issuer, now.unwrap_or(made_at)).map_err(within)?;
    party.check_made_at(made_at.get()).map_err(within)?;
    let SignerName::Certificate(certificate) = signed.header.signer else {
        return Err(within(Fault::new(Code::CertMissing)));
    };
    let authentic = signed.verify(crypto, context, &party.key).map_err(within)?;
    authentic.version().map_err(within)?;
    let root = authentic.open().map_err(within)?;
    if root.network.as_str() != context.network {
        return Err(within(Fault::new(Code::SignatureInvalid)));
    }
    let claims = receipt.verify(&root).map_err(within)?;
    Ok(VerifiedReceipt { id: receipt.id(), claims, issuer: party.id.clone(), certificate, root: (*root).clone() })
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
    /// It was served, for this payment and this request.
    Consumed {
        /// The payment.
        intent: PaperId,
        /// The digest of the request that it was served for, whether or not the offer names one.
        resource: Option<Digest>,
    },
    /// The merchant took it back.
    Withdrawn,
}

/// What to do with a receipt that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// Serve, after the offer was consumed for this payment in the same transaction.
    Serve,
    /// Give the answer that was given before. [FLW-7]
    Repeat,
    /// The money is here and nothing can be given for it: refund, or void. [FLW-8]
    Refund(Code),
}

/// Judges a receipt against the offer and the request. Stage `redeem`.
///
/// Errors: `receipt-mismatch`, `secret-mismatch`, `request-mismatch`, `receipt-already-used`.
pub fn redeem(
    made: &OfferMade,
    receipt: &VerifiedReceipt,
    secret: &[u8; 32],
    request: &Digest,
) -> Result<Redemption, Fault> {
    let fault = |code: Code| Err(Fault::new(code).at_stage(Stage::Redeem));
    let claims = &receipt.claims;
    let outcome = match made.offer.capture {
        CaptureMode::AtOnce => Outcome::Settled,
        CaptureMode::ByCommand => Outcome::Authorized,
    };
    let accepted = made.offer.accepts.iter().any(|payee| payee.issuer == receipt.issuer);
    let same_money = claims.amount == Some(made.offer.amount) && claims.currency == Some(made.offer.currency);
    if claims.offer != Some(made.id) || claims.outcome != outcome || !accepted || !same_money {
        return fault(Code::ReceiptMismatch); // [HTB-12]
    }
    let (Some(intent), Some(secret_hash)) = (claims.intent, claims.secret_hash) else {
        return fault(Code::ReceiptMismatch);
    };
    if Sha256::digest(secret)[..] != secret_hash.0 {
        return fault(Code::SecretMismatch); // [HTB-15]
    }
    let bound = made.offer.resource.is_none_or(|resource| resource == *request);
    match &made.state {
        // Nothing will be served for this money, whatever is asked for. [FLW-8]
        OfferState::Withdrawn => Ok(Redemption::Refund(Code::OfferUnknown)),
        OfferState::Consumed { intent: served, .. } if *served != intent => {
            Ok(Redemption::Refund(Code::ReceiptAlreadyUsed))
        }
        _ if !bound => fault(Code::RequestMismatch), // [HTB-13]
        OfferState::Open => Ok(Redemption::Serve),
        // An offer that is bound to no request is bound to the first that it was redeemed for. [HTB-14]
        OfferState::Consumed { resource: Some(served), .. } if served != request => fault(Code::ReceiptAlreadyUsed),
        OfferState::Consumed { .. } => Ok(Redemption::Repeat),
    }
}
