//! What the verifier chose to believe: its anchors, its revocation list, the keys that it knows to be
//! retired.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::Role;
use super::ecdsa::Ecdsa;
use super::profile::Certificate;
use crate::code::Code;
use crate::fault::Fault;
use crate::id::{Digest, PartyId};
use crate::sign::{Crypto, PublicKey, ReadyKey};

/// The anchors of one verifier, and what else its verdicts rest on.
///
/// An anchor vouches for the roles and the names that it was added with: nothing inside a certificate
/// can widen that, and a certificate's name constraints are not relied on.
#[derive(Clone)]
pub struct TrustAnchors {
    pub(super) crypto: &'static dyn Crypto,
    pub(super) anchors: Vec<Anchor>,
    pub(super) revocations: Option<Revocations>,
    retired: BTreeMap<PublicKey, u64>,
}

/// A verifier's revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// The certificates, leaves or above, by [`revocation_id`](super::revocation_id). An `x5t` would
    /// not do: whoever holds a certificate can give it another by writing its signature differently.
    pub revoked: BTreeSet<Digest>,
    /// When the list was made.
    pub as_of_seconds: u64,
    /// How old it may be. [CRT-18]
    pub age_seconds_max: u64,
}

impl TrustAnchors {
    /// No anchors, nothing revoked, nothing retired; signatures are verified by `crypto`.
    pub fn new(crypto: &'static dyn Crypto) -> Self {
        Self { crypto, anchors: Vec::new(), revocations: None, retired: BTreeMap::new() }
    }

    /// Adds a certificate as an anchor for these roles and names.
    ///
    /// `names` holds whole party names, and suffixes that begin with a dot: `.example` covers
    /// `shop.example`, not `example`. With no names the anchor vouches for any.
    ///
    /// Its validity and its path length are checked with each path; what can be checked now is:
    /// a certificate outside the profile of an authority is refused by the code that it would get
    /// inside a path, and a name that could cover nothing by `cert-name`.
    pub fn add(&mut self, der: &[u8], roles: &[Role], names: &[&str]) -> Result<(), Fault> {
        self.anchors.push(Anchor::read(der, roles, names, self.crypto).map_err(|code| Fault::new(code).field(ANCHOR))?);
        Ok(())
    }

    /// Takes this list in place of the one before. Without one, nothing is revoked and nothing stale.
    pub fn set_revocations(&mut self, revocations: Revocations) {
        self.revocations = Some(revocations);
    }

    /// Refuses what this key signs from this second on, under whatever certificate. [CRT-19]
    pub fn retire(&mut self, key: PublicKey, at_seconds: u64) {
        let earliest = self.retired.entry(key).or_insert(at_seconds);
        *earliest = at_seconds.min(*earliest);
    }

    pub(super) fn retired_at_seconds(&self, key: &PublicKey) -> Option<u64> {
        self.retired.get(key).copied()
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustAnchors")
            .field("anchors", &self.anchors)
            .field("revocations", &self.revocations)
            .field("retired", &self.retired)
            .finish_non_exhaustive()
    }
}

/// What faults call an anchor.
pub(super) const ANCHOR: &str = "anchor";

/// One anchor, with all that paths ask of it.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    pub(super) subject: Vec<u8>,
    pub(super) key: PublicKey,
    /// The same, for most of what it is asked.
    pub(super) ready: Option<Arc<dyn ReadyKey>>,
    pub(super) valid: Range<u64>,
    pub(super) path_length: Option<u8>,
    pub(super) revocation_id: Digest,
    pub(super) webpki: TrustAnchor<'static>,
    roles: BTreeSet<Role>,
    names: Vec<String>,
}

impl Anchor {
    fn read(der: &[u8], roles: &[Role], names: &[&str], crypto: &dyn Crypto) -> Result<Self, Code> {
        let certificate = Certificate::read(der).ok_or(Code::CertMalformed)?; // [CRT-2]
        let key = certificate.key(&Ecdsa::new(crypto)).ok_or(Code::CertKeyType)?; // [CRT-5]
        if !certificate.has_extensions_of_profile() {
            return Err(Code::CertExtension); // [CRT-6]
        }
        if !certificate.is_authority() {
            return Err(Code::CertNotCa); // [CRT-8]
        }
        if !certificate.may_sign_certificates() {
            return Err(Code::CertKeyUsage); // [CRT-9]
        }
        if !names.iter().all(|name| is_scope(name)) {
            return Err(Code::CertName); // [CRT-12]
        }
        let der = CertificateDer::from(der);
        let webpki = webpki::anchor_from_trusted_cert(&der).map_err(|_| Code::CertMalformed)?.to_owned();
        Ok(Self {
            subject: certificate.subject().to_vec(),
            key,
            ready: crypto.ready(&key),
            valid: certificate.valid.clone(),
            path_length: certificate.path_length(),
            revocation_id: certificate.revocation_id(),
            webpki,
            roles: roles.iter().copied().collect(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        })
    }

    pub(super) fn vouches_for_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub(super) fn vouches_for_name(&self, id: &PartyId) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| covers(name, id.as_str()))
    }
}

/// A suffix must be longer than its dot, and is not a name itself.
fn covers(scope: &str, name: &str) -> bool {
    if scope.starts_with('.') { name.len() > scope.len() && name.ends_with(scope) } else { name == scope }
}

fn is_scope(scope: &str) -> bool {
    // A suffix is what remains of a name when its front is cut off, so some name must end in it.
    match scope.strip_prefix('.') {
        Some("") => false,
        Some(_) => PartyId::new(&format!("a{scope}")).is_some(),
        None => PartyId::new(scope).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_covers_what_ends_in_it_and_a_name_itself() {
        for (scope, name, covered) in [
            (".example", "shop.example", true),
            (".example", "a.shop.example", true),
            (".example", "example", false),
            (".example", "shopexample", false),
            (".example", ".example", false),
            ("shop.example", "shop.example", true),
            ("shop.example", "a.shop.example", false),
            ("shop.example", "ashop.example", false),
        ] {
            assert_eq!(covers(scope, name), covered, "{scope} {name}");
        }
    }

    #[test]
    fn a_scope_that_covers_nothing_is_none() {
        for scope in [".example", "shop.example", ".e"] {
            assert!(is_scope(scope), "{scope}");
        }
        for scope in ["", ".", "Example", ".Example", "*.example", ".example.", " .example"] {
            assert!(!is_scope(scope), "{scope}");
        }
    }
}
