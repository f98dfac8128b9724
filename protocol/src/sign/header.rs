//! The header profile: who signed, as what, and nothing else.

use super::frame::Frame;
use super::paper::{By, Kind};
use crate::code::Code;
use crate::fault::Fault;
use crate::id::{CertificateId, KeyId};
use crate::wire::{Entries, Major, Reader};

const ALG: i64 = 1;
const CRIT: i64 = 2;
const KID: i64 = 4;
pub(super) const TYP: i64 = 16;
const X5CHAIN: i64 = 33;
const X5T: i64 = 34;

/// ESP256: ECDSA on P-256 with SHA-256 (RFC 9864).
pub(crate) const ESP256: i64 = -9;
/// SHA-256 in COSE's registry of algorithms, as `x5t` names it.
pub(crate) const SHA_256: i64 = -16;
/// Most certificates that are looked at: a leaf and two above it.
pub(crate) const CHAIN_CERTIFICATES_MAX: usize = 3;

/// Who a paper says that its signer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignerName {
    /// The thumbprint of a key.
    Key(KeyId),
    /// The hash of a certificate.
    Certificate(CertificateId),
}

/// The certificates that came with a paper, the signer's own first.
#[derive(Clone, Copy, Debug, Default)]
pub struct X5Chain<'a> {
    certificates: [&'a [u8]; CHAIN_CERTIFICATES_MAX],
    count: usize,
}

impl<'a> X5Chain<'a> {
    /// The certificates, at most three; of a longer list the first three.
    pub fn certificates(&self) -> &[&'a [u8]] {
        &self.certificates[..self.count.min(CHAIN_CERTIFICATES_MAX)]
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// A header that fits the profile of its paper.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The signer.
    pub signer: SignerName,
    /// The certificates that came beside it.
    pub x5chain: X5Chain<'a>,
}

impl<'a> Header<'a> {
    /// Checks the headers of a message that should be a paper of this kind. Stage `headers`.
    pub fn read(frame: &Frame<'a>, kind: Kind) -> Result<Self, Fault> {
        let seen = Seen::read(frame.protected);
        let at = frame.offset_of(frame.protected);
        let fault = |code: Code| Err(Fault::new(code).at(at));
        match seen.algorithm {
            None => return fault(Code::AlgNotProtected), // [SIG-5]
            Some(ESP256) => {}
            Some(_) => return fault(Code::AlgForbidden), // [SIG-6]
        }
        let x5chain = unprotected(frame, kind.by())?;
        if seen.other {
            return fault(Code::HeaderForbidden); // [SIG-7]
        }
        if seen.critical {
            return fault(Code::CritUnknown); // [SIG-8]
        }
        if seen.typ != Some(kind.typ()) {
            return fault(Code::TypeMismatch); // [SIG-9]
        }
        let signer = match (seen.kid, seen.x5t, kind.by()) {
            _ if seen.signers != 1 => return fault(Code::SignerUnnamed), // [SIG-10]
            (Some(kid), _, By::Key | By::Either) => SignerName::Key(kid),
            (_, Some(x5t), By::Certificate | By::Either) => SignerName::Certificate(x5t),
            _ => return fault(Code::SignerUnnamed), // [SIG-10]
        };
        if matches!(signer, SignerName::Key(_)) && x5chain.count > 0 {
            return Err(Fault::new(Code::HeaderForbidden).at(frame.offset_of(frame.unprotected))); // [SIG-7]
        }
        Ok(Self { signer, x5chain })
    }
}

/// What stands in a protected header.
#[derive(Default)]
struct Seen<'a> {
    /// The algorithm; one that is not an integer counts as 0, which is reserved.
    algorithm: Option<i64>,
    critical: bool,
    kid: Option<KeyId>,
    typ: Option<&'a str>,
    x5t: Option<CertificateId>,
    /// How many parameters name a signer, whatever is in them.
    signers: usize,
    other: bool,
}

impl<'a> Seen<'a> {
    fn read(protected: &'a [u8]) -> Self {
        let mut seen = Self::default();
        for entry in Entries::of(protected) {
            let mut value = Reader::new(entry.value);
            seen.signers += usize::from(matches!(entry.label, Some(KID | X5T)));
            match entry.label {
                Some(ALG) => seen.algorithm = Some(value.integer().unwrap_or_default()),
                Some(CRIT) => seen.critical = true,
                Some(KID) => seen.kid = value.array().ok().map(KeyId),
                Some(TYP) => seen.typ = value.text().ok(),
                Some(X5T) => seen.x5t = thumbprint(&mut value),
                _ => seen.other = true,
            }
        }
        seen
    }
}

/// `[-16, hash]`, the only form of `x5t`.
fn thumbprint(value: &mut Reader<'_>) -> Option<CertificateId> {
    let fits = value.list().ok()? == 2 && value.integer().ok()? == SHA_256;
    fits.then(|| value.array().ok().map(CertificateId))?
}

/// Nothing stands in the unprotected header but a certificate chain, where the paper's kind may have one.
fn unprotected<'a>(frame: &Frame<'a>, by: By) -> Result<X5Chain<'a>, Fault> {
    let mut reader = Reader::new(frame.unprotected);
    let at = frame.offset_of(frame.unprotected);
    let forbidden = || Fault::new(Code::HeaderForbidden).at(at); // [SIG-7]
    match reader.map()? {
        0 => return Ok(X5Chain::default()),
        1 if by != By::Key => {}
        _ => return Err(forbidden()),
    }
    if reader.integer().ok() != Some(X5CHAIN) {
        return Err(forbidden());
    }
    let mut chain = X5Chain::default();
    if reader.peek() == Some(Major::Bytes) {
        chain.certificates[0] = reader.bytes()?;
        chain.count = 1;
        return Ok(chain);
    }
    // One certificate stands alone; a list has two or more.
    let count = reader.list().ok().filter(|&count| count >= 2).ok_or_else(forbidden)?;
    for _ in 0..count {
        let certificate = reader.bytes().map_err(|_| forbidden())?;
        if let Some(slot) = chain.certificates.get_mut(chain.count) {
            *slot = certificate;
        }
        chain.count += 1;
    }
    Ok(chain)
}
