//! One authority for servers and for papers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use purser_protocol::cert::{Role, issue};
use purser_protocol::flow::certificate_id;
use purser_protocol::id::CertificateId;
use purser_protocol::sign::backend::AwsLcSigner;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

pub(crate) struct Ca {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

/// A signer of papers, with its files.
pub(crate) struct Identity {
    pub(crate) signer: AwsLcSigner,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) id: CertificateId,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Ca {
    /// Makes an authority, and writes its certificate as `NAME.pem`.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}.pem")), authority.pem()).unwrap();
        Self { authority, folder: folder.to_owned() }
    }

    pub(crate) fn der(&self) -> &[u8] {
        self.authority.der()
    }

    /// A certificate for a server on this machine: `NAME.pem` and `NAME.key`.
    pub(crate) fn server(&self, name: &str) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &self.authority).unwrap();
        fs::write(self.folder.join(format!("{name}.pem")), leaf.pem()).unwrap();
        fs::write(self.folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// A certificate of the profile for a signer of papers: `PARTY.pem` and `PARTY.key`.
    pub(crate) fn party(&self, role: Role, party: &str) -> Identity {
        let mut params = params(party);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.subject_alt_names = vec![SanType::URI(format!("purser:{party}").try_into().unwrap())];
        let purpose = issue::extended_key_usage(role);
        params.custom_extensions.push(CustomExtension::from_oid_content(issue::EXTENDED_KEY_USAGE, purpose));
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.authority).unwrap();
        let (certificate, key_file) =
            (self.folder.join(format!("{party}.pem")), self.folder.join(format!("{party}.key")));
        fs::write(&certificate, leaf.pem()).unwrap();
        write_private(&key_file, &key.serialize_pem());
        Identity {
            signer: AwsLcSigner::from_pkcs8(key.serialized_der()).unwrap(),
            id: certificate_id(leaf.der()),
            chain: vec![leaf.der().to_vec()],
            certificate,
            key: key_file,
        }
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    let now = SystemTime::now();
    // Of the profile: a validity that begins in the past, and whole seconds.
    params.not_before = (now - Duration::from_secs(86_400)).into();
    params.not_after = (now + Duration::from_secs(400 * 86_400)).into();
    params
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
