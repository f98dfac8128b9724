//! From a chain of bytes and a verifier's trust to a party.

use std::ops::Range;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};
use webpki::EndEntityCert;

use super::ecdsa::Ecdsa;
use super::profile::Certificate;
use super::trust::{ANCHOR, Anchor, TrustAnchors};
use super::{Party, Role, issue};
use crate::code::Code;
use crate::fault::Fault;
use crate::id::{CertificateId, Digest};
use crate::sign::header::CHAIN_CERTIFICATES_MAX;
use crate::sign::{PublicKey, X5Chain};

/// The party that signs as `role` with the certificate that `x5t` names.
///
/// `chain` is the leaf, then what issued it, and so on; the anchor is not in it. `now_seconds` is the
/// time at which the path must hold: the present, or, for a receipt out of a record, when it was made.
/// The paper's own time is asked for afterwards, by [`Party::check_made_at`].
///
/// Clauses 1 to 19 are checked in that order, each from the leaf to the anchor, and the first that
/// fails gives the code; the fault's field says which certificate. The anchor is one that
/// vouches for the role, has the name that the last certificate gives as its issuer's, and whose key
/// verifies that certificate's signature. When several do, any of them may let the path pass, and the
/// code is that of the first.
///
/// The cost of a hostile chain is bounded: at most three certificates of at most
/// [`CERTIFICATE_BYTES_MAX`](crate::limits::CERTIFICATE_BYTES_MAX) bytes are read, and a signature is
/// verified once for each anchor of that one name and once or twice for each other certificate.
pub fn validate(
    chain: &[&[u8]],
    x5t: &CertificateId,
    role: Role,
    trust: &TrustAnchors,
    now_seconds: u64,
) -> Result<Party, Fault> {
    let first = &chain[..chain.len().min(CHAIN_CERTIFICATES_MAX)];
    judge(first, chain.len(), x5t, role, trust, now_seconds)
}

/// The same for a chain that came beside a paper.
pub fn validate_x5chain(
    x5chain: &X5Chain<'_>,
    x5t: &CertificateId,
    role: Role,
    trust: &TrustAnchors,
    now_seconds: u64,
) -> Result<Party, Fault> {
    judge(x5chain.certificates(), x5chain.count(), x5t, role, trust, now_seconds)
}

fn judge(
    first: &[&[u8]],
    count: usize,
    x5t: &CertificateId,
    role: Role,
    trust: &TrustAnchors,
    now_seconds: u64,
) -> Result<Party, Fault> {
    // A path that passes has been read by webpki too; for one that does not, that its certificates are no
    // certificates comes before all that is wrong with them. [CRT-2]
    verdict(first, count, x5t, role, trust, now_seconds).map_err(|fault| {
        let malformed = first.iter().position(|der| Certificate::read(der).is_none());
        malformed.map_or(fault, |place| at(place, Code::CertMalformed))
    })
}

fn verdict(
    first: &[&[u8]],
    count: usize,
    x5t: &CertificateId,
    role: Role,
    trust: &TrustAnchors,
    now_seconds: u64,
) -> Result<Party, Fault> {
    let path = Path::read(first, count, x5t, role, trust, now_seconds)?;
    let mut verdict = None;
    for anchor in path.anchors() {
        let judged = path.under(Some(anchor));
        if judged.is_ok() {
            return judged;
        }
        verdict.get_or_insert(judged);
    }
    verdict.unwrap_or_else(|| path.under(None))
}

/// SHA-256 of a chain's exact bytes, for a memory of verdicts: one verdict for each chain, role asked
/// for, and state of the trust, good for the seconds of [`Party::valid`].
pub fn chain_digest(chain: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for der in chain {
        // The length in front keeps a byte from moving to the neighbour.
        hash.update((der.len() as u64).to_be_bytes());
        hash.update(der);
    }
    Digest(hash.finalize().into())
}

/// The name of a certificate on a revocation list: SHA-256 of what its issuer signed, so that another
/// encoding of the signature is not another certificate. Refuses what is not a certificate. [CRT-17]
pub fn revocation_id(der: &[u8]) -> Result<Digest, Fault> {
    Certificate::read(der).map(|certificate| certificate.revocation_id()).ok_or_else(|| Code::CertMalformed.into())
}

/// A chain whose certificates are each in order for their place. Whose word it is remains open.
struct Path<'a> {
    certificates: Vec<Certificate<'a>>,
    keys: Vec<PublicKey>,
    x5t: CertificateId,
    role: Role,
    trust: &'a TrustAnchors,
    now_seconds: u64,
}

impl<'a> Path<'a> {
    /// What can be said without an anchor. [CRT-1] to [CRT-11]
    fn read(
        first: &[&'a [u8]],
        count: usize,
        x5t: &CertificateId,
        role: Role,
        trust: &'a TrustAnchors,
        now_seconds: u64,
    ) -> Result<Self, Fault> {
        let Some(leaf) = first.first() else { return Err(Code::CertMissing.into()) }; // [CRT-1]
        let read = |(place, der): (usize, &&'a [u8])| {
            Certificate::read_for_path(der).ok_or_else(|| at(place, Code::CertMalformed))
        };
        let certificates = first.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?; // [CRT-2]
        if count > CHAIN_CERTIFICATES_MAX {
            return Err(Code::CertChainLength.into()); // [CRT-3]
        }
        if Sha256::digest(leaf)[..] != x5t.0 {
            return Err(at(0, Code::CertMismatch)); // [CRT-4]
        }
        let ecdsa = Ecdsa::new(trust.crypto);
        let key = |(place, certificate): (usize, &Certificate<'_>)| {
            certificate.key(&ecdsa).ok_or_else(|| at(place, Code::CertKeyType)) // [CRT-5]
        };
        let keys = certificates.iter().enumerate().map(key).collect::<Result<_, _>>()?;
        let path = Self { certificates, keys, x5t: *x5t, role, trust, now_seconds };
        path.each(Code::CertExtension, |_, certificate| certificate.has_extensions_of_profile())?; // [CRT-6]
        path.each(Code::CertIsCa, |place, certificate| place > 0 || !certificate.is_authority())?; // [CRT-7]
        path.each(Code::CertNotCa, |place, certificate| place == 0 || certificate.is_authority())?; // [CRT-8]
        path.each(Code::CertKeyUsage, |place, certificate| match place {
            0 => certificate.may_sign_papers(),
            _ => certificate.may_sign_certificates(),
        })?; // [CRT-9]
        path.each(Code::CertEku, |place, certificate| place > 0 || certificate.role().is_some())?; // [CRT-10]
        path.each(Code::CertRole, |place, certificate| place > 0 || certificate.role() == Some(role))?; // [CRT-11]
        Ok(path)
    }

    /// Refuses with `code` the first certificate for which `holds` does not.
    fn each(&self, code: Code, holds: impl Fn(usize, &Certificate<'_>) -> bool) -> Result<(), Fault> {
        match self.certificates.iter().enumerate().find(|&(place, certificate)| !holds(place, certificate)) {
            Some((place, _)) => Err(at(place, code)),
            None => Ok(()),
        }
    }

    fn anchors(&self) -> impl Iterator<Item = &'a Anchor> {
        self.trust.anchors.iter().filter(|anchor| anchor.vouches_for_role(self.role) && self.ends_at(anchor))
    }

    fn ends_at(&self, anchor: &Anchor) -> bool {
        self.certificates.last().is_some_and(|last| {
            last.issuer() == anchor.subject
                && Ecdsa::new(self.trust.crypto).is_signed_by(anchor, last.signed(), last.signature())
        })
    }

    /// What an anchor decides. Without one, the checks of the certificates alone come first, so that
    /// the code does not depend on how the verifier looks for it. [CRT-12] to [CRT-18]
    fn under(&self, anchor: Option<&'a Anchor>) -> Result<Party, Fault> {
        let [leaf, ..] = &self.certificates[..] else { return Err(Code::CertMissing.into()) };
        let [key, ..] = self.keys[..] else { return Err(Code::CertMissing.into()) };
        let id = leaf.party().ok_or_else(|| at(0, Code::CertName))?; // [CRT-12]
        if anchor.is_some_and(|anchor| !anchor.vouches_for_name(&id)) {
            return Err(at(0, Code::CertName)); // [CRT-12]
        }
        let intermediates = self.certificates.len() - 1;
        self.each(Code::CertPathlen, |place, certificate| allows(certificate.path_length(), place.saturating_sub(1)))?; // [CRT-13]
        if anchor.is_some_and(|anchor| !allows(anchor.path_length, intermediates)) {
            return Err(Fault::new(Code::CertPathlen).field(ANCHOR)); // [CRT-13]
        }
        let now_seconds = self.now_seconds;
        self.each(Code::CertNotYetValid, |_, certificate| now_seconds >= certificate.valid.start)?; // [CRT-14]
        if anchor.is_some_and(|anchor| now_seconds < anchor.valid.start) {
            return Err(Fault::new(Code::CertNotYetValid).field(ANCHOR)); // [CRT-14]
        }
        self.each(Code::CertExpired, |_, certificate| now_seconds < certificate.valid.end)?; // [CRT-15]
        if anchor.is_some_and(|anchor| now_seconds >= anchor.valid.end) {
            return Err(Fault::new(Code::CertExpired).field(ANCHOR)); // [CRT-15]
        }
        let anchor = anchor.filter(|anchor| self.leads_to(anchor)).ok_or(Code::CertUntrusted)?; // [CRT-16]
        let valid = self.check_revocations(anchor)?; // [CRT-17] [CRT-18]
        Ok(Party {
            id,
            role: self.role,
            key,
            categories: leaf.categories().unwrap_or_default().to_vec(),
            x5t: self.x5t,
            valid,
            retired_at_seconds: self.trust.retired_at_seconds(&key),
        })
    }

    /// Whether each certificate is issued by the next and the last by `anchor`, with no key in two
    /// places: so there are no strangers, no cycles, and no anchor inside the chain. [CRT-16]
    fn leads_to(&self, anchor: &Anchor) -> bool {
        let alone = |place: usize, key: &PublicKey| *key != anchor.key && !self.keys[..place].contains(key);
        let distinct = self.keys.iter().enumerate().all(|(place, key)| alone(place, key));
        distinct && self.verify(anchor).is_ok()
    }

    /// webpki's opinion of this very path, each certificate the issuer of the one before it.
    fn verify(&self, anchor: &Anchor) -> Result<(), webpki::Error> {
        let last = self.certificates.last().ok_or(webpki::Error::UnknownIssuer)?;
        // The anchor was chosen by this signature.
        let ecdsa = Ecdsa::new(self.trust.crypto).knowing(anchor.key, last.signed(), last.signature());
        let chain: Vec<_> =
            self.certificates.iter().map(|certificate| CertificateDer::from(certificate.der())).collect();
        let (leaf, intermediates) = chain.split_first().ok_or(webpki::Error::UnknownIssuer)?;
        let whole = |found: &webpki::VerifiedPath<'_>| {
            let same = found
                .intermediate_certificates()
                .map(|certificate| certificate.der())
                .eq(intermediates.iter().cloned());
            if same { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
        };
        EndEntityCert::try_from(leaf)?
            .verify_for_usage(
                &[&ecdsa],
                std::slice::from_ref(&anchor.webpki),
                intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(self.now_seconds)),
                // `required` would ask the purpose of intermediates too, and the profile gives them none;
                // that the leaf has it is [CRT-10] and [CRT-11].
                webpki::KeyUsage::required_if_present(issue::key_purpose(self.role)),
                None,
                Some(&whole),
            )
            .map(|_| ())
    }

    /// The seconds for which the path holds, once nothing of it is revoked and the list is young.
    fn check_revocations(&self, anchor: &Anchor) -> Result<Range<u64>, Fault> {
        let mut valid = anchor.valid.clone();
        for certificate in &self.certificates {
            valid = valid.start.max(certificate.valid.start)..valid.end.min(certificate.valid.end);
        }
        let Some(list) = &self.trust.revocations else { return Ok(valid) };
        self.each(Code::CertRevoked, |_, certificate| !list.revoked.contains(&certificate.revocation_id()))?; // [CRT-17]
        if list.revoked.contains(&anchor.revocation_id) {
            return Err(Fault::new(Code::CertRevoked).field(ANCHOR)); // [CRT-17]
        }
        let fresh_until = list.as_of_seconds.saturating_add(list.age_seconds_max).saturating_add(1);
        if self.now_seconds >= fresh_until {
            return Err(Code::StatusStale.into()); // [CRT-18]
        }
        Ok(valid.start..valid.end.min(fresh_until))
    }
}

fn allows(path_length: Option<u8>, intermediates_below: usize) -> bool {
    path_length.is_none_or(|most| intermediates_below <= usize::from(most))
}

/// A fault in the certificate at this place of the chain.
fn at(place: usize, code: Code) -> Fault {
    Fault::new(code).field(PLACES.get(place).unwrap_or(&ANCHOR))
}

const PLACES: [&str; CHAIN_CERTIFICATES_MAX] = ["leaf", "first intermediate", "second intermediate"];
