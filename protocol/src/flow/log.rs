//! The roots that an issuer signs, and who follows them: whether a later one goes on from an earlier one, and
//! whether a receipt is in its log.

use super::Parties;
use super::merchant::{VerifiedReceipt, verify_receipt};
use crate::cert::Role;
use crate::code::Code;
use crate::fault::Fault;
use crate::field::decoded;
use crate::id::{CertificateId, PartyId};
use crate::label::{IAT, LOG_ROOT, LOG_SIZE};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::receipt::Root;
use crate::receipt::log::{Inclusion, LoggedReceipt, batch_leaf, is_beginning};
use crate::receipt::tree::root_of_path;
use crate::sign::paper::find;
use crate::sign::{Context, Crypto, Signed, SignerName};
use crate::time::UnixSeconds;

/// A root whose signature has verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRoot {
    /// What it says.
    pub root: Root,
    /// Who signed it.
    pub issuer: PartyId,
    /// With which certificate.
    pub certificate: CertificateId,
}

/// What the latest root is to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The one that it has.
    Same,
    /// One that goes on from it: the one to keep from now on.
    Later,
}

/// Holds the latest root of an issuer against the one that was kept of it, with the proof that it showed.
///
/// Errors: `log-shrunk`, `log-forked`, `consistency-invalid`. After any of them the kept root stays. [RCT-25]
pub fn follow(kept: &Root, latest: &Root, consistency: &[[u8; 32]]) -> Result<Followed, Fault> {
    if latest.log_size < kept.log_size {
        return Err(Fault::new(Code::LogShrunk).field(LOG_SIZE.name)); // [RCT-24]
    }
    agree(kept, latest)?;
    if latest.log_size == kept.log_size {
        return Ok(Followed::Same);
    }
    extends(kept, latest, consistency).map(|()| Followed::Later)
}

/// Refuses two roots of one size that say different things: the two together prove a second history. [RCT-23]
pub fn agree(one: &Root, other: &Root) -> Result<(), Fault> {
    let same = one.log_root == other.log_root && one.tree_root == other.tree_root;
    if one.log_size != other.log_size || same { Ok(()) } else { Err(Fault::new(Code::LogForked).field(LOG_ROOT.name)) }
}

/// The log of one root is the beginning of that of the other. [RCT-21]
fn extends(earlier: &Root, later: &Root, consistency: &[[u8; 32]]) -> Result<(), Fault> {
    match is_beginning(earlier.log_size, &earlier.log_root.0, later.log_size, &later.log_root.0, consistency) {
        true => Ok(()),
        false => Err(Fault::new(Code::ConsistencyInvalid).field(LOG_ROOT.name)),
    }
}

/// A receipt that is proved to be in the log of a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The receipt.
    pub receipt: VerifiedReceipt,
    /// The root.
    pub root: SignedRoot,
}

/// Verifies that a receipt is in the log of a root, offline. [RCT-26]
pub fn verify_logged(
    logged: &LoggedReceipt,
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
) -> Result<Logged, Fault> {
    let receipt = verify_receipt(&logged.receipt.0, context, crypto, parties)?;
    let root = open_root(&logged.proof.root.0, context, crypto, parties)?;
    if receipt.issuer != root.issuer {
        return Err(Fault::new(Code::PathInvalid).field(LOG_ROOT.name));
    }
    is_logged(&receipt.root, &root.root, &logged.proof)?;
    Ok(Logged { receipt, root })
}

/// The batch of one root is in the log of another, and so is all that came before it.
pub fn is_logged(own: &Root, later: &Root, proof: &Inclusion) -> Result<(), Fault> {
    let leaf = batch_leaf(&own.tree_root.0);
    if root_of_path(leaf, own.batch, later.log_size, &proof.inclusion.0) != Some(later.log_root.0) {
        return Err(Fault::new(Code::PathInvalid).field(LOG_ROOT.name)); // [RCT-22]
    }
    agree(own, later)?;
    extends(own, later, &proof.consistency.0)
}

/// Reads one of the bodies of `spec/cddl/log.cddl`.
pub fn read_proof<T: crate::wire::Field>(bytes: &[u8]) -> Result<T, Fault> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Fault::new(Code::MessageTooLarge).at(MESSAGE_BYTES_MAX)); // [ENC-1]
    }
    decoded(bytes)
}

/// Reads a root from its bytes, through every stage up to schema.
///
/// The certificate is judged at the time of the root: one that has expired since still proves what it signed.
/// [RCT-11]
pub fn open_root(
    bytes: &[u8],
    context: Context<'_>,
    crypto: &dyn Crypto,
    parties: &dyn Parties,
) -> Result<SignedRoot, Fault> {
    let signed = Signed::<Root>::read(bytes)?;
    let made_at = find(signed.frame.payload, IAT.number);
    let made_at = made_at.and_then(|(_, mut seconds)| seconds.unsigned().ok()).and_then(UnixSeconds::new);
    let made_at = made_at.ok_or_else(|| signed.unreadable(Code::MissingField))?;
    let party = parties.party(&signed.header, Role::Issuer, made_at)?;
    party.check_made_at(made_at.get())?;
    let SignerName::Certificate(certificate) = signed.header.signer else {
        return Err(Fault::new(Code::CertMissing));
    };
    let authentic = signed.verify(crypto, context, &party.key)?;
    authentic.version()?;
    let root = authentic.open()?;
    Ok(SignedRoot { root: (*root).clone(), issuer: party.id.clone(), certificate })
}
