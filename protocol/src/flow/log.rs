//! The roots that an issuer signs.

use super::Parties;
use crate::cert::Role;
use crate::code::Code;
use crate::fault::Fault;
use crate::id::{CertificateId, PartyId};
use crate::label::{IAT, NETWORK};
use crate::receipt::Root;
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
    if root.network.as_str() != context.network {
        return Err(Fault::new(Code::SignatureInvalid).field(NETWORK.name)); // [RCT-18]
    }
    Ok(SignedRoot { root: (*root).clone(), issuer: party.id.clone(), certificate })
}
