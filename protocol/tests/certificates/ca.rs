//! A small certification authority: one chain, every part of which a test can change.

use std::time::Duration;

use purser_protocol::cert::{Party, Revocations, Role, TrustAnchors, issue, revocation_id, validate};
use purser_protocol::fault::Fault;
use purser_protocol::id::{CertificateId, PartyId};
use purser_protocol::sign::{Crypto, PublicKey};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SanType, SignatureAlgorithm, SigningKey,
};
use sha2::{Digest as _, Sha256};

/// The time at which everything is checked, and in the middle of every validity.
pub(crate) const NOW: u64 = 1_900_000_000;
/// Half a leaf's validity.
pub(crate) const LEAF_SECONDS: u64 = 1_000;
/// Half an authority's validity.
pub(crate) const AUTHORITY_SECONDS: u64 = 100_000;

/// One certificate to be made.
pub(crate) struct Draft {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    /// Another key to put into it: its algorithm and its bytes.
    pub(crate) subject_key: Option<(&'static SignatureAlgorithm, Vec<u8>)>,
    /// Changes the items of what is signed, before it is signed.
    pub(crate) edit: fn(&mut Vec<Vec<u8>>),
    /// Changes the finished bytes.
    pub(crate) damage: fn(&mut Vec<u8>),
}

/// A chain, the trust it is checked against, and the question.
pub(crate) struct Setup {
    pub(crate) root: Draft,
    /// From the root downwards.
    pub(crate) intermediates: Vec<Draft>,
    pub(crate) leaf: Draft,
    /// Another authority under the root, shown at the end of the chain.
    pub(crate) sister: Option<Draft>,
    /// Changes the chain as it is shown, leaf first; the root comes second.
    pub(crate) show: fn(&mut Vec<Vec<u8>>, &[u8]),
    /// Changes the `x5t` that a paper names.
    pub(crate) name: fn(&mut CertificateId),
    pub(crate) anchor_roles: Vec<Role>,
    pub(crate) anchor_names: Vec<&'static str>,
    /// The verifier trusts another root of the same name.
    pub(crate) impostor: bool,
    /// Which certificates are revoked: places in the chain, the root after the last.
    pub(crate) revoked: Vec<usize>,
    /// The verifier has a revocation list, this old.
    pub(crate) list_age_seconds: Option<u64>,
    pub(crate) retired_at_seconds: Option<u64>,
    pub(crate) role: Role,
    pub(crate) now_seconds: u64,
    pub(crate) made_at_seconds: u64,
}

/// The greatest age of a revocation list.
pub(crate) const LIST_AGE_SECONDS_MAX: u64 = 3_600;

impl Setup {
    /// A merchant's leaf under one intermediate under a root: good in every way.
    pub(crate) fn new() -> Self {
        Self {
            root: Draft::authority("Root"),
            intermediates: vec![Draft::authority("Intermediate 1")],
            leaf: Draft::leaf(Role::Merchant, "purser:shop.example", &[5411, 5812]),
            sister: None,
            show: |_, _| {},
            name: |_| {},
            anchor_roles: vec![Role::Issuer, Role::Merchant],
            anchor_names: vec![".example"],
            impostor: false,
            revoked: Vec::new(),
            list_age_seconds: None,
            retired_at_seconds: None,
            role: Role::Merchant,
            now_seconds: NOW,
            made_at_seconds: NOW,
        }
    }

    /// The chain, leaf first, and the root.
    pub(crate) fn make(&self) -> (Vec<Vec<u8>>, Vec<u8>) {
        let root = self.root.make(&self.root);
        let mut above = &self.root;
        let mut chain = Vec::new();
        for draft in self.intermediates.iter().chain([&self.leaf]) {
            chain.insert(0, draft.make(above));
            above = draft;
        }
        (chain, root)
    }

    /// The verdict.
    pub(crate) fn run(&self, crypto: &'static dyn Crypto) -> Result<Party, Fault> {
        let (mut chain, root) = self.make();
        let made = chain.clone();
        chain.extend(self.sister.iter().map(|sister| sister.make(&self.root)));
        (self.show)(&mut chain, &root);
        // A chain that was only rearranged still belongs to the leaf that was made.
        let leaf = if chain.contains(&made[0]) || chain.is_empty() { &made[0] } else { &chain[0] };
        let mut x5t = CertificateId(Sha256::digest(leaf).into());
        (self.name)(&mut x5t);

        let mut trust = TrustAnchors::new(crypto);
        let anchor = if self.impostor {
            let other = Draft { params: self.root.params.clone(), ..Draft::authority("Root") };
            other.make(&other)
        } else {
            root.clone()
        };
        trust.add(&anchor, &self.anchor_roles, &self.anchor_names)?;
        if let Some(age_seconds) = self.list_age_seconds {
            let all: Vec<_> = made.iter().chain([&root]).collect();
            trust.set_revocations(Revocations {
                revoked: self.revoked.iter().map(|&place| revocation_id(all[place]).unwrap()).collect(),
                as_of_seconds: self.now_seconds - age_seconds,
                age_seconds_max: LIST_AGE_SECONDS_MAX,
            });
        }
        if let Some(at_seconds) = self.retired_at_seconds {
            trust.retire(self.leaf.public_key(), at_seconds);
        }
        let shown: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let party = validate(&shown, &x5t, self.role, &trust, self.now_seconds)?;
        party.check_made_at(self.made_at_seconds)?;
        Ok(party)
    }
}

impl Draft {
    /// An authority of the profile.
    pub(crate) fn authority(name: &str) -> Self {
        let mut params = params(name, AUTHORITY_SECONDS);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self::of(params)
    }

    /// A leaf of the profile.
    pub(crate) fn leaf(role: Role, uri: &str, categories: &[u16]) -> Self {
        let mut params = params("A name that nothing reads", LEAF_SECONDS);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        let mut draft = Self::of(params);
        draft.extend(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(role));
        if let Some(policies) = issue::certificate_policies(categories) {
            draft.extend(issue::CERTIFICATE_POLICIES, policies);
        }
        draft
    }

    fn of(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { params, key, subject_key: None, edit: |_| {}, damage: |_| {} }
    }

    /// Adds an extension, not critical.
    pub(crate) fn extend(&mut self, oid: &[u64], contents: Vec<u8>) -> &mut CustomExtension {
        self.params.custom_extensions.push(CustomExtension::from_oid_content(oid, contents));
        self.params.custom_extensions.last_mut().unwrap()
    }

    /// Takes away the added extensions of this kind.
    pub(crate) fn drop_extension(&mut self, oid: &[u64]) {
        self.params.custom_extensions.retain(|extension| !extension.oid_components().eq(oid.iter().copied()));
    }

    /// Replaces the names by these URIs.
    pub(crate) fn set_uris(&mut self, uris: &[&str]) {
        self.params.subject_alt_names = uris.iter().map(|&uri| SanType::URI(uri.try_into().unwrap())).collect();
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_sec1(self.key.public_key_raw()).unwrap()
    }

    fn make(&self, above: &Self) -> Vec<u8> {
        let issuer = Issuer::from_params(&above.params, &above.key);
        let certificate = match &self.subject_key {
            Some((algorithm, bytes)) => self.params.signed_by(&SubjectKey { algorithm, bytes }, &issuer),
            None => self.params.signed_by(&self.key, &issuer),
        };
        let certificate = certificate.unwrap();
        let parts = items(contents(certificate.der()));
        let mut signed = items(contents(&parts[0]));
        let before = signed.clone();
        (self.edit)(&mut signed);
        let mut der = certificate.der().to_vec();
        if signed != before {
            der = sign(above, &signed.concat(), &parts[1]);
        }
        (self.damage)(&mut der);
        der
    }
}

/// A certificate of these contents, signed by `above`.
pub(crate) fn sign(above: &Draft, signed: &[u8], algorithm: &[u8]) -> Vec<u8> {
    let signed = item(0x30, signed);
    let signature = item(0x03, &[&[0], &above.key.sign(&signed).unwrap()[..]].concat());
    item(0x30, &[&signed, algorithm, &signature].concat())
}

fn params(name: &str, seconds: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, NOW - seconds, NOW + seconds);
    params
}

/// Sets `notBefore` and `notAfter`.
pub(crate) fn set_validity(params: &mut CertificateParams, not_before_seconds: u64, not_after_seconds: u64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(not_before_seconds);
    params.not_after = epoch + Duration::from_secs(not_after_seconds);
}

struct SubjectKey<'a> {
    algorithm: &'static SignatureAlgorithm,
    bytes: &'a [u8],
}

impl PublicKeyData for SubjectKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// A certificate with the other s of its signature: equally valid, other bytes.
pub(crate) fn other_signature(der: &[u8]) -> Vec<u8> {
    let mut parts = items(contents(der));
    let pair = items(contents(&contents(&parts[2])[1..]));
    let s = contents(&pair[1]);
    let mut wide = [0; 33];
    wide[33 - s.len()..].copy_from_slice(s);
    let mut other = subtract(ORDER, wide).to_vec();
    while other[0] == 0 && other[1] < 0x80 {
        other.remove(0);
    }
    let pair = item(0x30, &[pair[0].clone(), item(0x02, &other)].concat());
    parts[2] = item(0x03, &[&[0], &pair[..]].concat());
    item(0x30, &parts.concat())
}

/// The order of P-256, after a byte of zero.
const ORDER: [u8; 33] = [
    0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
    0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn subtract(from: [u8; 33], what: [u8; 33]) -> [u8; 33] {
    let mut difference = [0; 33];
    let mut borrow = 0;
    for at in (0..33).rev() {
        let digit = i16::from(from[at]) - i16::from(what[at]) - borrow;
        borrow = i16::from(digit < 0);
        difference[at] = digit.rem_euclid(256) as u8;
    }
    difference
}

/// One DER item.
pub(crate) fn item(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = match contents.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [&[tag], &length[..], contents].concat()
}

/// The contents of one DER item.
pub(crate) fn contents(item: &[u8]) -> &[u8] {
    &item[head(item).0..]
}

/// The DER items that stand one after the other.
pub(crate) fn items(mut contents: &[u8]) -> Vec<Vec<u8>> {
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

/// The name of the merchant of [`Setup::new`].
pub(crate) fn shop() -> PartyId {
    PartyId::new("shop.example").unwrap()
}
