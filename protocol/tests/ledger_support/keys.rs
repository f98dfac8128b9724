//! Keys, certificates and signatures, the same on every machine but for the certificates' serial numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use purser_protocol::cert::{Party, Role, TrustAnchors, issue};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::{Parties, Register, certificate_id};
use purser_protocol::id::{CertificateId, PartyId};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Crypto, Header, PublicKey, Signer, SignerFailed, SignerName};
use purser_protocol::time::UnixSeconds;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use sha2::{Digest as _, Sha256};

/// Signs and verifies without a curve: a signature is a hash of key and digest. Everything around it is real.
#[derive(Clone, Copy, Debug)]
pub struct Pretend;

impl Crypto for Pretend {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        if pretended(key, digest) == *signature { Ok(()) } else { Err(Code::SignatureInvalid) }
    }
}

struct PretendSigner(PublicKey);

impl Signer for PretendSigner {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerFailed> {
        Ok(pretended(&self.0, digest))
    }
}

fn pretended(key: &PublicKey, digest: &[u8; 32]) -> [u8; 64] {
    let half = |which: u8| Sha256::new().chain_update([which]).chain_update(key.0).chain_update(digest).finalize();
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&half(0));
    signature[32..].copy_from_slice(&half(1));
    signature
}

/// A key that is made from its name.
#[derive(Clone)]
pub struct Key {
    pub public: PublicKey,
    pub signer: Arc<dyn Signer>,
}

/// The key of this name; `real` ones sign with the curve.
pub fn key(name: &str, real: bool) -> Key {
    static PUBLIC: LazyLock<Mutex<HashMap<String, PublicKey>>> = LazyLock::new(Mutex::default);
    if real {
        let signer = PortableSigner::from_secret(&secret(name)).unwrap();
        return Key { public: signer.public_key(), signer: Arc::new(signer) };
    }
    let mut known = PUBLIC.lock().unwrap();
    let public = *known
        .entry(name.to_owned())
        .or_insert_with(|| PortableSigner::from_secret(&secret(name)).unwrap().public_key());
    Key { public, signer: Arc::new(PretendSigner(public)) }
}

fn secret(name: &str) -> [u8; 32] {
    Sha256::digest(format!("purser test key {name}")).into()
}

/// A party with a certificate under the test anchor.
#[derive(Clone)]
pub struct Certified {
    pub id: PartyId,
    /// The name of its key.
    pub key: String,
    pub x5t: CertificateId,
    pub der: Vec<u8>,
}

/// The anchor of all tests, and whom it has certified.
pub struct Authority {
    pub register: Register,
    /// Its certificate, for those who trust it with another backend.
    pub anchor: Vec<u8>,
    parties: BTreeMap<&'static str, Certified>,
    judged: Mutex<HashMap<(CertificateId, Role), Arc<Party>>>,
}

/// Name of the party, its role, its categories; a second key of a party has `+` in front.
const PARTIES: &[(&str, Role, &[u16])] = &[
    ("issuer.example", Role::Issuer, &[]),
    ("other-issuer.example", Role::Issuer, &[]),
    ("shop.example", Role::Merchant, &[5411, 5499]),
    ("+shop.example", Role::Merchant, &[5411, 5499]),
    ("taxi.example", Role::Merchant, &[4121]),
    ("sh0p.example", Role::Merchant, &[5411]),
    ("mall.example", Role::Merchant, &[]),
];

impl Authority {
    /// The one authority of this process.
    pub fn shared() -> &'static Self {
        static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);
        &AUTHORITY
    }

    fn new() -> Self {
        let mut params = params("Purser test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, pair("authority")).unwrap();
        let mut trust = TrustAnchors::new(&Portable);
        trust.add(issuer.der(), &[Role::Issuer, Role::Merchant], &[".example"]).unwrap();
        let parties = PARTIES.iter().map(|(name, role, categories)| {
            let id = PartyId::new(name.trim_start_matches('+')).unwrap();
            let der = leaf(&id, *role, categories, name, &issuer);
            (*name, Certified { id, key: (*name).to_owned(), x5t: certificate_id(&der), der })
        });
        let parties: BTreeMap<_, _> = parties.collect();
        let mut register = Register::new(trust);
        parties.values().for_each(|party| register.keep(vec![party.der.clone()]));
        Self { register, anchor: issuer.der().to_vec(), parties, judged: Mutex::default() }
    }

    pub fn party(&self, name: &str) -> &Certified {
        &self.parties[name]
    }
}

/// Judges each certificate once: it is good for longer than any test.
impl Parties for Authority {
    fn party(&self, header: &Header<'_>, role: Role, now: UnixSeconds) -> Result<Arc<Party>, Fault> {
        let SignerName::Certificate(x5t) = header.signer else { return self.register.party(header, role, now) };
        if let Some(party) = self.judged.lock().unwrap().get(&(x5t, role)) {
            return Ok(Arc::clone(party));
        }
        let party = self.register.party(header, role, now)?;
        self.judged.lock().unwrap().insert((x5t, role), Arc::clone(&party));
        Ok(party)
    }
}

fn leaf(id: &PartyId, role: Role, categories: &[u16], key: &str, issuer: &CertifiedIssuer<'_, KeyPair>) -> Vec<u8> {
    let mut params = params(id.as_str());
    params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(issue::subject_uri(id)).unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let purposes = CustomExtension::from_oid_content(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(role));
    params.custom_extensions = vec![purposes];
    if let Some(policies) = issue::certificate_policies(categories) {
        params.custom_extensions.push(CustomExtension::from_oid_content(issue::CERTIFICATE_POLICIES, policies));
    }
    params.signed_by(&pair(key), issuer).unwrap().der().to_vec()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2099, 12, 31) + Duration::from_secs(1);
    params
}

/// The key of this name as rcgen wants it: PKCS #8, the public key inside.
fn pair(name: &str) -> KeyPair {
    let public = key(name, true).public;
    let mut der = vec![
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
        0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];
    der.extend(secret(name));
    der.extend([0xa1, 0x44, 0x03, 0x42, 0x00]);
    der.extend(public.to_sec1());
    KeyPair::try_from(der).unwrap()
}
