//! X.509 certificates, octet by octet, so that each can be wrong in one place.

use sha2::{Digest as _, Sha256};

use super::keys;

/// 2025-01-01 00:00:00.
pub(super) const NOT_BEFORE: u64 = 1_735_689_600;
/// 2099-12-31 23:59:59.
pub(super) const NOT_AFTER: u64 = 4_102_444_799;

/// The contents of Purser's arc in DER.
const ARC: [u8; 20] = [
    0x69, 0x81, 0xef, 0x8d, 0x84, 0xc1, 0xa2, 0xa6, 0xa2, 0xb4, 0x89, 0x82, 0xe2, 0xcc, 0x84, 0xdd, 0xcf, 0xf2, 0xe9,
    0x34,
];

pub(super) const SUBJECT_KEY: [u8; 3] = [0x55, 0x1d, 14];
pub(super) const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 15];
pub(super) const ALT_NAME: [u8; 3] = [0x55, 0x1d, 17];
pub(super) const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 19];
pub(super) const NAME_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 30];
pub(super) const POLICIES: [u8; 3] = [0x55, 0x1d, 32];
pub(super) const AUTHORITY_KEY: [u8; 3] = [0x55, 0x1d, 35];
pub(super) const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 0x1d, 37];

/// What a certificate lets its holder sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Issuer,
    Merchant,
}

/// An extension.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    pub(super) oid: Vec<u8>,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// A certificate to be made.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The explicit version, with its tag; nothing for version 1.
    pub(super) version: Vec<u8>,
    /// The contents of the serial number.
    pub(super) serial: Vec<u8>,
    /// The algorithm that stands inside, and outside.
    pub(super) algorithms: [Vec<u8>; 2],
    pub(super) issuer: Vec<u8>,
    pub(super) not_before: Vec<u8>,
    pub(super) not_after: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) key_info: Vec<u8>,
    /// What stands between the key and the extensions.
    pub(super) unique_ids: Vec<u8>,
    pub(super) extensions: Vec<Extension>,
    /// Whose key signs.
    pub(super) signer: &'static str,
    /// Changes the finished bytes.
    pub(super) damage: fn(Vec<u8>) -> Vec<u8>,
}

impl Draft {
    fn new(subject: &str, key: &str, above: &str, signer: &'static str) -> Self {
        let serial: [u8; 32] = Sha256::digest(format!("serial {subject} {key} {above}")).into();
        Self {
            version: item(0xa0, &[2, 1, 2]),
            // Sixteen octets of contents, the first of them neither zero nor above 0x7f.
            serial: [&[0x40 | serial[0] & 0x3f], &serial[1..16]].concat(),
            algorithms: [ecdsa_with_sha256(), ecdsa_with_sha256()],
            issuer: name(above),
            not_before: time(NOT_BEFORE),
            not_after: time(NOT_AFTER),
            subject: name(subject),
            key_info: p256_key(&keys::public(key).0),
            unique_ids: Vec::new(),
            extensions: Vec::new(),
            signer,
            damage: |der| der,
        }
    }

    /// An authority of the profile. An anchor is its own issuer.
    pub(super) fn authority(key: &'static str, signer: &'static str) -> Self {
        let mut draft = Self::new(key, key, signer, signer);
        draft.extend(&BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 0xff]);
        draft.extend(&KEY_USAGE, true, vec![3, 2, 1, 0x06]);
        draft
    }

    /// A leaf of the profile.
    pub(super) fn leaf(key: &str, role: Role, party: &str, categories: &[u16], signer: &'static str) -> Self {
        let mut draft = Self::new("no name that anything reads", key, signer, signer);
        draft.extend(&KEY_USAGE, true, vec![3, 2, 7, 0x80]);
        draft.extend(&ALT_NAME, false, item(0x30, &item(0x86, format!("purser:{party}").as_bytes())));
        if !categories.is_empty() {
            draft.extend(&POLICIES, false, policies(categories));
        }
        draft.extend(&EXTENDED_KEY_USAGE, false, item(0x30, &purpose(role)));
        draft
    }

    /// Adds an extension.
    pub(super) fn extend(&mut self, oid: &[u8], critical: bool, value: Vec<u8>) {
        self.extensions.push(Extension { oid: oid.to_vec(), critical, value });
    }

    /// Changes an extension that is there.
    pub(super) fn extension(&mut self, oid: &[u8], change: impl FnOnce(&mut Extension)) {
        if let Some(extension) = self.extensions.iter_mut().find(|extension| extension.oid == oid) {
            change(extension);
        }
    }

    /// Puts an extension in the place of what was there.
    pub(super) fn replace(&mut self, oid: &[u8], critical: bool, value: Vec<u8>) {
        self.drop_extension(oid);
        self.extend(oid, critical, value);
    }

    /// Takes an extension away.
    pub(super) fn drop_extension(&mut self, oid: &[u8]) {
        self.extensions.retain(|extension| extension.oid != oid);
    }

    /// Sets the window, the last second included.
    pub(super) fn valid(&mut self, not_before_seconds: u64, not_after_seconds: u64) {
        (self.not_before, self.not_after) = (time(not_before_seconds), time(not_after_seconds));
    }

    /// The same but for what `change` does.
    #[must_use]
    pub(super) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What the issuer signs.
    pub(super) fn signed(&self) -> Vec<u8> {
        let extensions: Vec<u8> = self.extensions.iter().flat_map(Extension::der).collect();
        let extensions = if extensions.is_empty() { Vec::new() } else { item(0xa3, &item(0x30, &extensions)) };
        let parts = [
            &self.version[..],
            &item(0x02, &self.serial),
            &self.algorithms[0],
            &self.issuer,
            &item(0x30, &[&self.not_before[..], &self.not_after].concat()),
            &self.subject,
            &self.key_info,
            &self.unique_ids,
            &extensions,
        ];
        item(0x30, &parts.concat())
    }

    /// The certificate.
    pub(super) fn der(&self) -> Vec<u8> {
        let signed = self.signed();
        let signature = signature_der(&keys::sign(self.signer, Sha256::digest(&signed).into()));
        let signature = item(0x03, &[&[0], &signature[..]].concat());
        (self.damage)(item(0x30, &[&signed[..], &self.algorithms[1], &signature].concat()))
    }
}

impl Extension {
    fn der(&self) -> Vec<u8> {
        let critical: &[u8] = if self.critical { &[1, 1, 0xff] } else { &[] };
        item(0x30, &[&item(0x06, &self.oid)[..], critical, &item(0x04, &self.value)].concat())
    }
}

/// The anchor of every chain.
pub(super) fn anchor() -> Vec<u8> {
    Draft::authority("root", "root").der()
}

/// The leaf that certifies a name's key, directly below the anchor.
pub(super) fn leaf(name: &str) -> Vec<u8> {
    leaf_draft(name).der()
}

/// The same, to be changed.
pub(super) fn leaf_draft(name: &str) -> Draft {
    match name {
        "issuer" => Draft::leaf(name, Role::Issuer, "issuer.example", &[], "root"),
        "merchant" => Draft::leaf(name, Role::Merchant, "tea.example", &[5411, 5499], "root"),
        _ => Draft::leaf(name, Role::Merchant, "rice.example", &[5411], "root"),
    }
}

/// The purpose of a role, as an object identifier.
pub(super) fn purpose(role: Role) -> Vec<u8> {
    let last = match role {
        Role::Issuer => 1,
        Role::Merchant => 2,
    };
    item(0x06, &[&ARC[..], &[1, last]].concat())
}

/// certificatePolicies of these categories, in the order given.
pub(super) fn policies(categories: &[u16]) -> Vec<u8> {
    let policy = |category: &u16| {
        let number = match category {
            0..0x80 => vec![category.to_be_bytes()[1]],
            _ => vec![0x80 | (category >> 7).to_be_bytes()[1], category.to_be_bytes()[1] & 0x7f],
        };
        item(0x30, &item(0x06, &[&ARC[..], &[2], &number].concat()))
    };
    item(0x30, &categories.iter().flat_map(policy).collect::<Vec<_>>())
}

/// SHA-256 of what the issuer signed, as a revocation list names the certificate. [CRT-17]
pub(super) fn revocation_id(draft: &Draft) -> [u8; 32] {
    Sha256::digest(draft.signed()).into()
}

pub(super) fn ecdsa_with_sha256() -> Vec<u8> {
    item(0x30, &item(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]))
}

/// SubjectPublicKeyInfo of a point of P-256, uncompressed.
pub(super) fn p256_key(point: &[u8]) -> Vec<u8> {
    key_info(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], &[&[4], point].concat())
}

/// SubjectPublicKeyInfo of a key on a named curve.
pub(super) fn key_info(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = [item(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), item(0x06, curve)].concat();
    item(0x30, &[item(0x30, &algorithm), item(0x03, &[&[0], point].concat())].concat())
}

/// A distinguished name of one common name.
pub(super) fn name(common: &str) -> Vec<u8> {
    let attribute = [item(0x06, &[0x55, 4, 3]), item(0x0c, common.as_bytes())].concat();
    item(0x30, &item(0x31, &item(0x30, &attribute)))
}

/// r and s as two integers.
fn signature_der(signature: &[u8; 64]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    item(0x30, &[integer(r), integer(s)].concat())
}

/// A positive integer in its shortest form.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let digits = &bytes[start..];
    let sign: &[u8] = if digits.first().is_some_and(|&first| first >= 0x80) { &[0] } else { &[] };
    item(0x02, &[sign, digits].concat())
}

/// UTCTime up to 2049, GeneralizedTime from 2050 on.
pub(super) fn time(seconds: u64) -> Vec<u8> {
    let seconds = u64::try_from(super::moment::written(seconds.into())).unwrap_or(seconds);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let clock = format!("{month:02}{day:02}{:02}{:02}{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60);
    if year < 2050 {
        item(0x17, format!("{:02}{clock}", year % 100).as_bytes())
    } else {
        item(0x18, format!("{year:04}{clock}").as_bytes())
    }
}

/// Year, month and day of a number of days since 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

/// One DER item.
pub(super) fn item(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let head = match contents.len() {
        0..0x80 => vec![length[7]],
        0x80..0x100 => vec![0x81, length[7]],
        _ => vec![0x82, length[6], length[7]],
    };
    [&[tag], &head[..], contents].concat()
}

/// The certificate with n - s in the place of s.
pub(super) fn other_signature(der: &[u8]) -> Vec<u8> {
    let parts = items(contents(der));
    let [signed, algorithm, signature] = &parts[..] else { return der.to_vec() };
    let numbers = items(contents(&contents(signature)[1..]));
    let [r, s] = &numbers[..] else { return der.to_vec() };
    let mut wide = [0; 32];
    let digits = contents(s);
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    wide[32 - digits.len()..].copy_from_slice(digits);
    let pair = item(0x30, &[r.clone(), integer(&super::signature::negated(&wide))].concat());
    let signature = item(0x03, &[&[0], &pair[..]].concat());
    item(0x30, &[&signed[..], algorithm, &signature].concat())
}

/// The certificate with its signature as COSE would have it.
pub(super) fn bare_signature(der: Vec<u8>) -> Vec<u8> {
    let parts = items(contents(&der));
    let [signed, algorithm, _] = &parts[..] else { return der };
    let signature = item(0x03, &[&[0], &[0x5a; 64][..]].concat());
    item(0x30, &[&signed[..], algorithm, &signature].concat())
}

/// The contents of one DER item.
fn contents(item: &[u8]) -> &[u8] {
    &item[head(item).0..]
}

/// The DER items that stand one after the other.
fn items(mut contents: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    while !contents.is_empty() {
        let (head, length) = head(contents);
        let (item, rest) = contents.split_at(head + length);
        items.push(item.to_vec());
        contents = rest;
    }
    items
}

fn head(item: &[u8]) -> (usize, usize) {
    match item[1] {
        0x82 => (4, usize::from(item[2]) << 8 | usize::from(item[3])),
        0x81 => (3, usize::from(item[2])),
        short => (2, usize::from(short)),
    }
}
