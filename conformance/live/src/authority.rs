//! A certification authority for the parties that the suite plays.
//!
//! Nothing of it is of use beyond tests: the names are under `.example`, and the authority's key is not kept.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use purser_protocol::cert::{Role, issue};
use purser_protocol::id::PartyId;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

/// The files that [`write()`] makes beside the authority's: their names and the parties that they are of.
pub const PARTIES: [(&str, Role, &str); 4] = [
    ("merchant", Role::Merchant, "merchant.suite.example"),
    ("other-merchant", Role::Merchant, "other-merchant.suite.example"),
    ("issuer", Role::Issuer, "issuer.suite.example"),
    ("other-issuer", Role::Issuer, "other-issuer.suite.example"),
];

/// What the merchants sell, by ISO 18245: goods of any kind.
pub(crate) const CATEGORY: u16 = 5999;

/// How long the certificates last.
const DAYS: u64 = 30;
/// Clocks that are behind ours by no more than this find them valid.
const BACKDATED_SECONDS: u64 = 300;

/// Writes an authority, and certificates and keys of all whom the suite plays. Nothing is overwritten.
pub fn write(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let failed = |error: rcgen::Error| format!("certificate: {error}");
    let mut params = lasting();
    params.distinguished_name = named("Purser conformance authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(failed)?).map_err(failed)?;
    put(folder, "authority.pem", &authority.pem(), 0o644)?;
    for (file, role, name) in PARTIES {
        let name = PartyId::new(name).ok_or_else(|| format!("{name} is not a party's name"))?;
        pair(folder, file, party(role, &name).map_err(failed)?, &authority)?;
    }
    pair(folder, "tls", server().map_err(failed)?, &authority)
}

fn pair(
    folder: &Path,
    file: &str,
    params: CertificateParams,
    authority: &CertifiedIssuer<'_, KeyPair>,
) -> Result<(), String> {
    let failed = |error: rcgen::Error| format!("certificate: {error}");
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.signed_by(&key, authority).map_err(failed)?;
    put(folder, &format!("{file}.pem"), &certificate.pem(), 0o644)?;
    put(folder, &format!("{file}.key"), &key.serialize_pem(), 0o600)
}

/// For papers, by the closed profile.
fn party(role: Role, name: &PartyId) -> Result<CertificateParams, rcgen::Error> {
    let mut params = lasting();
    params.distinguished_name = named(name.as_str());
    params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(issue::subject_uri(name))?)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let purposes = CustomExtension::from_oid_content(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(role));
    params.custom_extensions = vec![purposes];
    if let (Role::Merchant, Some(policies)) = (role, issue::certificate_policies(&[CATEGORY])) {
        params.custom_extensions.push(CustomExtension::from_oid_content(issue::CERTIFICATE_POLICIES, policies));
    }
    Ok(params)
}

/// For TLS, on this machine.
fn server() -> Result<CertificateParams, rcgen::Error> {
    let mut params = lasting();
    params.distinguished_name = named("localhost");
    let loopback = [std::net::IpAddr::from([127, 0, 0, 1]), std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
    params.subject_alt_names = vec![SanType::DnsName(Ia5String::try_from("localhost")?)];
    params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn lasting() -> CertificateParams {
    let now_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut params = CertificateParams::default();
    params.not_before = at(now_seconds.saturating_sub(BACKDATED_SECONDS));
    params.not_after = at(now_seconds + DAYS * 86_400);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn put(folder: &Path, name: &str, text: &str, mode: u32) -> Result<(), String> {
    let path = folder.join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
