//! A certification authority that lives as long as one call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use purser_protocol::cert::{Role, issue};
use purser_protocol::id::PartyId;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

/// A certificate and its key, both in PEM; the key is PKCS #8.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// The authority. Its key is gone when it is dropped: nothing more can be issued.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    days: u64,
    backdated_seconds: u64,
}

impl Authority {
    pub(super) fn new(days: u64, backdated_seconds: u64) -> Result<Self, Error> {
        let mut params = lasting(days, backdated_seconds);
        params.distinguished_name = named("Purser sandbox authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?, days, backdated_seconds })
    }

    pub(super) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// For TLS, on this machine and on these addresses.
    pub(super) fn server(&self, addresses: &[IpAddr]) -> Result<Pair, Error> {
        let mut all = vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let wanted = addresses.iter().filter(|address| !address.is_unspecified());
        all.extend(wanted);
        all.sort_unstable();
        all.dedup();
        let mut params = lasting(self.days, self.backdated_seconds);
        params.distinguished_name = named("localhost");
        params.subject_alt_names = vec![SanType::DnsName(Ia5String::try_from("localhost")?)];
        params.subject_alt_names.extend(all.into_iter().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// For papers, by the closed profile.
    pub(super) fn party(&self, role: Role, id: &PartyId, categories: &[u16]) -> Result<Pair, Error> {
        let mut params = lasting(self.days, self.backdated_seconds);
        params.distinguished_name = named(id.as_str());
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(issue::subject_uri(id))?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let purposes = CustomExtension::from_oid_content(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(role));
        params.custom_extensions = vec![purposes];
        if let Some(policies) = issue::certificate_policies(categories) {
            let policies = CustomExtension::from_oid_content(issue::CERTIFICATE_POLICIES, policies);
            params.custom_extensions.push(policies);
        }
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Result<Pair, Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn lasting(days: u64, backdated_seconds: u64) -> CertificateParams {
    let now_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut params = CertificateParams::default();
    params.not_before = at(now_seconds.saturating_sub(backdated_seconds));
    params.not_after = at(now_seconds + days * 86_400);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
