//! One certificate: read to its last byte, and held against the closed profile.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};
use webpki::EndEntityCert;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::extensions::X509Extension;
use x509_parser::nom::Parser as _;

use super::ecdsa::Ecdsa;
use super::{Role, issue};
use crate::id::{Digest, PartyId};
use crate::limits::CERTIFICATE_BYTES_MAX;
use crate::sign::PublicKey;

/// A certificate that is DER of the profile's shape. What it may be used for is yet to be asked.
pub(super) struct Certificate<'a> {
    x509: X509Certificate<'a>,
    extensions: Extensions<'a>,
    constraints: Constraints,
    key_usage: Option<u16>,
    role: Option<Role>,
    categories: Option<Vec<u16>>,
    /// The seconds of its validity, `notAfter` among them.
    pub(super) valid: Range<u64>,
}

impl<'a> Certificate<'a> {
    /// `None` when `der` is not DER of the profile. [CRT-2]
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        Self::read_for_path(der).filter(|read| is_well_formed(der, read.valid.start))
    }

    /// The same, but for what webpki sees to when it takes a path with this certificate in it. [CRT-2]
    pub(super) fn read_for_path(der: &'a [u8]) -> Option<Self> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return None;
        }
        // Extensions stay unread, so that only the profile's are ever looked into.
        let (after, x509) = X509CertificateParser::new().with_deep_parse_extensions(false).parse(der).ok()?;
        // What a path is of are the bytes of the certificates, without what might stand behind them.
        if !after.is_empty() {
            return None;
        }
        let algorithm = &x509.signature_algorithm;
        let signed_as_agreed = algorithm.algorithm.as_bytes() == ECDSA_WITH_SHA256 && algorithm.parameters.is_none();
        if !signed_as_agreed || !is_serial(x509.raw_serial()) {
            return None;
        }
        // A criticality that is written out where it is the default is not DER, and no reader of ours minds.
        if !x509.extensions().iter().all(says_no_more_than_it_must) {
            return None;
        }
        let extensions = Extensions::read(x509.extensions())?;
        let constraints =
            extensions.basic_constraints.map_or(Some(Constraints::Leaf), |e| Constraints::read(e.value))?;
        let key_usage = extensions.key_usage.map(|e| key_usage(e.value)).map_or(Some(None), |bits| bits.map(Some))?;
        let not_before = u64::try_from(x509.validity.not_before.timestamp()).ok()?;
        let not_after = u64::try_from(x509.validity.not_after.timestamp()).ok()?;
        let valid = not_before..not_after.checked_add(1)?;
        let role = extensions.role();
        let categories =
            extensions.categories().filter(|_| extensions.policies.is_none() || role != Some(Role::Issuer));
        Some(Self { x509, extensions, constraints, key_usage, role, categories, valid })
    }

    /// The whole of it.
    pub(super) fn der(&self) -> &'a [u8] {
        self.x509.as_raw()
    }

    /// What its issuer signed.
    pub(super) fn signed(&self) -> &[u8] {
        self.x509.tbs_certificate.as_ref()
    }

    /// Its issuer's signature.
    pub(super) fn signature(&self) -> &[u8] {
        &self.x509.signature_value.data
    }

    /// SHA-256 of what its issuer signed: the same for every encoding of the signature. [CRT-17]
    pub(super) fn revocation_id(&self) -> Digest {
        Digest(Sha256::digest(self.signed()).into())
    }

    pub(super) fn issuer(&self) -> &'a [u8] {
        self.x509.issuer.as_raw()
    }

    pub(super) fn subject(&self) -> &'a [u8] {
        self.x509.subject.as_raw()
    }

    /// Its key, when that is an uncompressed point of P-256. [CRT-5]
    pub(super) fn key(&self, ecdsa: &Ecdsa<'_>) -> Option<PublicKey> {
        let key = PublicKey::from_sec1(self.x509.subject_pki.raw.strip_prefix(&P256_KEY)?)?;
        ecdsa.is_on_curve(&key).then_some(key)
    }

    /// Whether it holds none but the extensions of its kind, each critical or not as it should be.
    /// The kind is what the certificate says it is, wherever it stands. [CRT-6]
    pub(super) fn has_extensions_of_profile(&self) -> bool {
        let e = &self.extensions;
        let common = !e.foreign
            && e.key_usage.is_none_or(|e| e.critical)
            && [e.subject_key, e.authority_key, e.policies].iter().flatten().all(|e| !e.critical);
        common
            && match self.constraints {
                Constraints::Authority { .. } => {
                    e.basic_constraints.is_some_and(|e| e.critical)
                        && e.purposes.is_none()
                        && e.names.is_none()
                        && e.policies.is_none()
                }
                Constraints::Leaf => self.categories.is_some(),
            }
    }

    /// Whether it is that of a certification authority. [CRT-7] [CRT-8]
    pub(super) fn is_authority(&self) -> bool {
        matches!(self.constraints, Constraints::Authority { .. })
    }

    /// The greatest number of intermediates below it, where it sets one. [CRT-13]
    pub(super) fn path_length(&self) -> Option<u8> {
        match self.constraints {
            Constraints::Authority { path_length } => path_length,
            Constraints::Leaf => None,
        }
    }

    /// Whether its key may sign papers, and neither certificates nor revocation lists. [CRT-9]
    pub(super) fn may_sign_papers(&self) -> bool {
        self.key_usage.is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0 && bits & (KEY_CERT_SIGN | CRL_SIGN) == 0)
    }

    /// Whether its key may sign certificates. [CRT-9]
    pub(super) fn may_sign_certificates(&self) -> bool {
        self.key_usage.is_some_and(|bits| bits & KEY_CERT_SIGN != 0)
    }

    /// The role, when exactly one is named and nothing else is. [CRT-10]
    pub(super) fn role(&self) -> Option<Role> {
        self.role
    }

    /// The party, when exactly one name is given and it is a party's. [CRT-12]
    pub(super) fn party(&self) -> Option<PartyId> {
        let names = self.extensions.names?.value;
        // A list of one URI; that the list ends where it says is webpki's care.
        let [0x30, _, 0x86, length, uri @ ..] = names else { return None };
        if usize::from(*length) != uri.len() {
            return None;
        }
        PartyId::new(std::str::from_utf8(uri).ok()?.strip_prefix(issue::URI_SCHEME)?)
    }

    /// The categories, `None` when the policies are not a merchant's categories in their one encoding.
    pub(super) fn categories(&self) -> Option<&[u16]> {
        self.categories.as_deref()
    }
}

/// The profile's extensions, and whether there are others.
#[derive(Default)]
struct Extensions<'a> {
    subject_key: Option<Extension<'a>>,
    key_usage: Option<Extension<'a>>,
    names: Option<Extension<'a>>,
    basic_constraints: Option<Extension<'a>>,
    policies: Option<Extension<'a>>,
    authority_key: Option<Extension<'a>>,
    purposes: Option<Extension<'a>>,
    foreign: bool,
}

#[derive(Clone, Copy)]
struct Extension<'a> {
    critical: bool,
    value: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// `None` when one stands twice. [CRT-2]
    fn read(list: &[X509Extension<'a>]) -> Option<Self> {
        let mut extensions = Self::default();
        let mut foreign = BTreeSet::new();
        for extension in list {
            let place = match extension.oid.as_bytes() {
                [0x55, 0x1d, 14] => &mut extensions.subject_key,
                [0x55, 0x1d, 15] => &mut extensions.key_usage,
                [0x55, 0x1d, 17] => &mut extensions.names,
                [0x55, 0x1d, 19] => &mut extensions.basic_constraints,
                [0x55, 0x1d, 32] => &mut extensions.policies,
                [0x55, 0x1d, 35] => &mut extensions.authority_key,
                [0x55, 0x1d, 37] => &mut extensions.purposes,
                other => {
                    if !foreign.insert(other) {
                        return None;
                    }
                    continue;
                }
            };
            let extension = Extension { critical: extension.critical, value: extension.value };
            if place.replace(extension).is_some() {
                return None;
            }
        }
        extensions.foreign = !foreign.is_empty();
        Some(extensions)
    }

    fn role(&self) -> Option<Role> {
        issue::role(self.purposes?.value)
    }

    fn categories(&self) -> Option<Vec<u16>> {
        self.policies.map_or(Some(Vec::new()), |policies| issue::categories(policies.value))
    }
}

/// Whether nothing stands between the extension's name and its value but the value's head and, where it is critical,
/// that it is.
fn says_no_more_than_it_must(extension: &X509Extension<'_>) -> bool {
    let name = extension.oid.as_bytes();
    let between = (extension.value.as_ptr() as usize).checked_sub(name.as_ptr() as usize + name.len());
    let head = match extension.value.len() {
        ..0x80 => 2,
        0x80..0x100 => 3,
        _ => 4,
    };
    between == Some(head + if extension.critical { 3 } else { 0 })
}

#[derive(Clone, Copy)]
enum Constraints {
    Leaf,
    Authority { path_length: Option<u8> },
}

impl Constraints {
    /// `None` for anything but the three encodings of the profile.
    fn read(value: &[u8]) -> Option<Self> {
        match *value {
            [0x30, 0] => Some(Self::Leaf),
            [0x30, 3, 1, 1, 0xff] => Some(Self::Authority { path_length: None }),
            [0x30, 6, 1, 1, 0xff, 2, 1, length @ ..0x80] => Some(Self::Authority { path_length: Some(length) }),
            _ => None,
        }
    }
}

/// The named bits, first bit highest. `None` when `value` is not DER of them.
fn key_usage(value: &[u8]) -> Option<u16> {
    let (unused, last, bits) = match *value {
        [3, 2, unused, bits] => (unused, bits, u16::from(bits) << 8),
        [3, 3, unused, high, low] => (unused, low, u16::from_be_bytes([high, low])),
        _ => return None,
    };
    // The last bit that counts is a one, so each set of bits has one encoding.
    (last != 0 && u32::from(unused) == last.trailing_zeros()).then_some(bits)
}

const DIGITAL_SIGNATURE: u16 = 0x8000;
const KEY_CERT_SIGN: u16 = 0x0400;
const CRL_SIGN: u16 = 0x0200;

/// A positive number of at most 20 octets in its shortest form.
fn is_serial(contents: &[u8]) -> bool {
    match *contents {
        [0, second, ..] if second < 0x80 => false,
        [first, ..] => first < 0x80 && contents != [0] && contents.len() <= 20,
        [] => false,
    }
}

/// Whether webpki reads it too. Its reader is the strict one of DER, and sees to version 3, to the same
/// algorithm in both places and to nothing after the end; but it leaves the times for a path, and so a
/// path of this certificate alone, which leads nowhere, at a time that it allows, makes it read them.
fn is_well_formed(der: &[u8], not_before_seconds: u64) -> bool {
    let der = CertificateDer::from(der);
    let in_time = UnixTime::since_unix_epoch(Duration::from_secs(not_before_seconds));
    let usage = webpki::KeyUsage::required_if_present(issue::key_purpose(Role::Issuer));
    let read = EndEntityCert::try_from(&der)
        .and_then(|certificate| certificate.verify_for_usage(&[], &[], &[], in_time, usage, None, None).map(|_| ()));
    // What webpki has read and then does not like is for the clauses to judge.
    matches!(
        read,
        Err(webpki::Error::UnknownIssuer
            | webpki::Error::InvalidCertValidity
            | webpki::Error::CaUsedAsEndEntity
            | webpki::Error::EmptyEkuExtension
            | webpki::Error::RequiredEkuNotFoundContext(_)
            | webpki::Error::UnsupportedCriticalExtension)
    )
}

const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A SubjectPublicKeyInfo of id-ecPublicKey and prime256v1, up to the 65 bytes of the point.
const P256_KEY: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

#[cfg(test)]
mod tests {
    use x509_parser::extensions::X509ExtensionParser;

    use super::*;

    #[test]
    fn serials_are_positive_short_and_shortest() {
        let long = |length: usize| [vec![0x7f], vec![0xff; length - 1]].concat();
        for good in [&[1][..], &[0x7f], &[0, 0x80], &long(20)] {
            assert!(is_serial(good), "{good:02x?}");
        }
        for bad in [&[][..], &[0], &[0, 0], &[0, 1], &[0x80], &[0xff, 1], &long(21)] {
            assert!(!is_serial(bad), "{bad:02x?}");
        }
    }

    #[test]
    fn a_criticality_stands_only_where_it_is_true() {
        let long = [&[0x30, 0x81, 0x8a, 6, 3, 0x55, 0x1d, 37, 4, 0x81, 0x82][..], &[7; 0x82]].concat();
        for (bytes, is_shortest) in [
            (&[0x30, 7, 6, 3, 0x55, 0x1d, 37, 4, 0][..], true),
            (&[0x30, 10, 6, 3, 0x55, 0x1d, 37, 1, 1, 0xff, 4, 0], true),
            (&[0x30, 10, 6, 3, 0x55, 0x1d, 37, 1, 1, 0, 4, 0], false),
            (&long, true),
        ] {
            let parser = X509ExtensionParser::new().with_deep_parse_extensions(false).parse(bytes);
            let (_, extension) = parser.unwrap();
            assert_eq!(says_no_more_than_it_must(&extension), is_shortest, "{bytes:02x?}");
        }
    }

    #[test]
    fn key_usages_have_one_encoding() {
        assert_eq!(key_usage(&[3, 2, 7, 0x80]), Some(DIGITAL_SIGNATURE));
        assert_eq!(key_usage(&[3, 2, 1, 0x06]), Some(KEY_CERT_SIGN | CRL_SIGN));
        assert_eq!(key_usage(&[3, 3, 7, 0x80, 0x80]), Some(DIGITAL_SIGNATURE | 0x80));
        for bad in
            [&[3, 2, 0, 0x80][..], &[3, 2, 6, 0x80], &[3, 2, 8, 0], &[3, 1, 0], &[3, 3, 0, 0x80, 0], &[4, 1, 0x80], &[]]
        {
            assert_eq!(key_usage(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn basic_constraints_have_three_encodings() {
        assert!(matches!(Constraints::read(&[0x30, 0]), Some(Constraints::Leaf)));
        let longest = Constraints::read(&[0x30, 6, 1, 1, 0xff, 2, 1, 0x7f]);
        assert!(matches!(longest, Some(Constraints::Authority { path_length: Some(0x7f) })));
        let bad = [
            &[][..],
            &[0x30, 3, 1, 1, 0],
            &[0x30, 3, 1, 1, 1],
            &[0x30, 3, 2, 1, 0],
            &[0x30, 6, 1, 1, 0xff, 2, 1, 0x80],
            &[0x30, 0, 0],
        ];
        for bad in bad {
            assert!(Constraints::read(bad).is_none(), "{bad:02x?}");
        }
    }
}
