//! What a party signs with and whom it trusts, read from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use purser_protocol::cert::{Party, Role, TrustAnchors};
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{CertificateId, PartyId, Text};
use purser_protocol::sign::backend::{AwsLc, AwsLcSigner};
use purser_protocol::sign::{Context, Paper, Signer, SignerFailed, sign_by_certificate};

use crate::error::{SetupError, setting};
use crate::pem;

/// A party with a certificate: its name, its network, its key.
#[derive(Clone)]
pub struct Identity {
    /// Its name.
    pub id: PartyId,
    /// Its network.
    pub network: Text<32>,
    /// Its certificate and what issued it, leaf first.
    pub chain: Vec<Vec<u8>>,
    certificate: CertificateId,
    signer: Arc<dyn Signer>,
}

/// The files that an [`Identity`] is read from.
pub struct IdentityFiles<'a> {
    /// The party's name.
    pub name: &'a str,
    /// The network.
    pub network: &'a str,
    /// The chain, in PEM.
    pub certificate: &'a Path,
    /// The key, PKCS #8 in PEM.
    pub key: &'a Path,
}

impl Identity {
    /// Reads the files, whose paths start in this folder.
    pub fn load(files: &IdentityFiles<'_>, folder: &Path) -> Result<Self, SetupError> {
        let id = PartyId::new(files.name).ok_or_else(|| setting("name", "is not a party's name"))?;
        let network = Text::new(files.network).ok_or_else(|| setting("network", "is not 1 to 32 bytes of text"))?;
        let chain = pem::certificates(&folder.join(files.certificate))?;
        let leaf = chain.first().ok_or_else(|| setting("certificate", "holds no certificate"))?;
        let key = pem::private_key(&folder.join(files.key))?;
        let signer = AwsLcSigner::from_pkcs8(&key).ok_or_else(|| setting("key", "is not a P-256 key in PKCS #8"))?;
        Ok(Self { certificate: certificate_id(leaf), id, network, signer: Arc::new(signer), chain })
    }

    /// What signatures of its network are bound to.
    pub fn context(&self) -> Context<'_> {
        Context { network: self.network.as_str() }
    }

    /// The party that it is to itself.
    pub fn party(&self, role: Role) -> Party {
        Party::of_itself(self.id.clone(), role, self.signer.public_key(), self.certificate)
    }

    /// Signs a paper that travels in a header, or to whom knows the certificate. [SIG-17]
    pub fn sign<T: Paper>(&self, paper: &T) -> Result<Vec<u8>, SignerFailed> {
        sign_by_certificate(paper, self.context(), self.signer.as_ref(), self.certificate, &[])
    }

    /// Signs a paper that travels in a body, with its certificates. [SIG-17]
    pub fn sign_with_chain<T: Paper>(&self, paper: &T) -> Result<Vec<u8>, SignerFailed> {
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        sign_by_certificate(paper, self.context(), self.signer.as_ref(), self.certificate, &chain)
    }
}

/// A register that trusts the authorities in these files, whose paths start in this folder, for one role.
pub fn register(anchors: &[PathBuf], role: Role, folder: &Path) -> Result<Register, SetupError> {
    let mut trust = TrustAnchors::new(&AwsLc);
    for path in anchors {
        for anchor in pem::certificates(&folder.join(path))? {
            trust.add(&anchor, &[role], &[]).map_err(SetupError::Anchor)?;
        }
    }
    Ok(Register::new(trust))
}
