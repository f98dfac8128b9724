//! A certification authority, and those who sign under it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use purser_protocol::cert::{Role, issue};
use purser_protocol::flow::certificate_id;
use purser_protocol::id::{CertificateId, PartyId};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Paper, sign_by_certificate};
use purser_server::pem;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use crate::papers::{CONTEXT, now};

const DAY: u64 = 86_400;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = lasting(now().get() - 60 * DAY, now().get() + 60 * DAY);
        params.distinguished_name = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> String {
        self.0.pem()
    }

    /// Writes `tls.pem` and `tls.key`, for servers on this machine.
    pub(crate) fn write_server(&self, dir: &Path) {
        let mut params = lasting(now().get() - DAY, now().get() + DAY);
        params.distinguished_name = named("localhost");
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST))];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.write(params, dir, "tls");
    }

    /// Writes `{file}.pem` and `{file}.key`, for a party that signs papers from yesterday to tomorrow.
    pub(crate) fn write_party(&self, dir: &Path, file: &str, role: Role, name: &str) -> Signatory {
        self.write_party_for(dir, file, role, name, (now().get() - DAY, now().get() + DAY))
    }

    pub(crate) fn write_party_for(
        &self,
        dir: &Path,
        file: &str,
        role: Role,
        name: &str,
        (from, until): (u64, u64),
    ) -> Signatory {
        let id = PartyId::new(name).unwrap();
        let mut params = lasting(from, until);
        params.distinguished_name = named(name);
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(issue::subject_uri(&id)).unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let purposes = CustomExtension::from_oid_content(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(role));
        params.custom_extensions = vec![purposes];
        self.write(params, dir, file);
        Signatory::load(dir, file, name)
    }

    fn write(&self, params: CertificateParams, dir: &Path, file: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(dir.join(format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(dir.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

/// Whoever has a certificate and its key.
pub(crate) struct Signatory {
    pub(crate) id: PartyId,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) certificate: CertificateId,
    /// In PKCS #8.
    pub(crate) key: Vec<u8>,
    signer: AwsLcSigner,
}

impl Signatory {
    fn load(dir: &Path, file: &str, name: &str) -> Self {
        let chain = pem::certificates(&dir.join(format!("{file}.pem"))).unwrap();
        let key = pem::private_key(&dir.join(format!("{file}.key"))).unwrap();
        let (id, certificate) = (PartyId::new(name).unwrap(), certificate_id(&chain[0]));
        Self { id, certificate, signer: AwsLcSigner::from_pkcs8(&key).unwrap(), chain, key }
    }

    pub(crate) fn sign(&self, paper: &impl Paper) -> Vec<u8> {
        sign_by_certificate(paper, CONTEXT, &self.signer, self.certificate, &[]).unwrap()
    }

    pub(crate) fn sign_with_chain(&self, paper: &impl Paper) -> Vec<u8> {
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        sign_by_certificate(paper, CONTEXT, &self.signer, self.certificate, &chain).unwrap()
    }
}

fn lasting(from: u64, until: u64) -> CertificateParams {
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (at(from), at(until));
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
