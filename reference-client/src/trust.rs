//! Whom to believe: the anchors that the caller chose, and what is verified against them.

use std::sync::{Arc, PoisonError, RwLock};

use purser_protocol::cert::{Party, Role, TrustAnchors, validate};
use purser_protocol::fault::Fault;
use purser_protocol::flow::log::{Logged, SignedRoot, open_root, verify_logged};
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::flow::{Parties, Register, certificate_id};
use purser_protocol::label::IAT;
use purser_protocol::receipt::Root;
use purser_protocol::receipt::log::LoggedReceipt;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::find;
use purser_protocol::sign::{Context, Header, Paper, Signed, Verified};
use purser_protocol::time::UnixSeconds;
use rustls_pki_types::CertificateDer;

use crate::error::{Error, Result};

/// Anchors for papers, the network that papers belong to, and chains learnt on the way.
#[derive(Debug)]
pub struct Trust {
    network: String,
    anchors: TrustAnchors,
    register: RwLock<Register>,
}

impl Trust {
    /// Believes issuers and merchants under these anchors, of this network.
    pub fn new(network: &str, anchors: &[CertificateDer<'_>]) -> Result<Self> {
        let mut trust = TrustAnchors::new(&AwsLc);
        for anchor in anchors {
            let added = trust.add(anchor, &[Role::Issuer, Role::Merchant], &[]);
            added.map_err(|fault| Error::fault("anchor", fault).fix("anchors are P-256 authorities of the profile"))?;
        }
        let register = RwLock::new(Register::new(trust.clone()));
        Ok(Self { network: network.to_owned(), anchors: trust, register })
    }

    /// The context that papers of this network are signed in.
    pub fn context(&self) -> Context<'_> {
        Context { network: &self.network }
    }

    /// Keeps a chain, leaf first, for papers that come without one. It is checked when it is used.
    pub fn keep(&self, chain: Vec<Vec<u8>>) {
        self.register.write().unwrap_or_else(PoisonError::into_inner).keep(chain);
    }

    /// Verifies a receipt, as of when it was made.
    pub fn receipt(&self, bytes: &[u8]) -> std::result::Result<VerifiedReceipt, Fault> {
        verify_receipt(bytes, self.context(), &AwsLc, self)
    }

    /// Verifies a root, as of when it was made.
    pub fn root(&self, bytes: &[u8]) -> std::result::Result<SignedRoot, Fault> {
        open_root(bytes, self.context(), &AwsLc, self)
    }

    /// Verifies that a receipt is in the log of a root. The certificates that came with the root are kept, since
    /// the receipt has none beside it; they are believed as far as the anchors vouch for them.
    pub fn logged(&self, logged: &LoggedReceipt) -> std::result::Result<Logged, Fault> {
        if let Ok(root) = Signed::<Root>::read(&logged.proof.root.0)
            && root.header.x5chain.count() > 0
        {
            self.keep(root.header.x5chain.certificates().iter().map(|der| der.to_vec()).collect());
        }
        verify_logged(logged, self.context(), &AwsLc, self)
    }

    /// Verifies a paper whose signer has a certificate: every stage up to schema.
    pub fn certified<T: Paper>(
        &self,
        bytes: &[u8],
        role: Role,
        now: UnixSeconds,
    ) -> std::result::Result<(Verified<T>, Arc<Party>), Fault> {
        let signed = Signed::<T>::read(bytes)?;
        let party = self.party(&signed.header, role, now)?;
        let made_at = find(signed.frame.payload, IAT.number).and_then(|(_, mut seconds)| seconds.unsigned().ok());
        party.check_made_at(made_at.unwrap_or(u64::MAX))?; // [CRT-19]
        let authentic = signed.verify(&AwsLc, self.context(), &party.key)?;
        authentic.version()?;
        Ok((authentic.open()?, party))
    }

    /// The party that a chain of certificates is of, leaf first.
    pub fn party_of(
        &self,
        chain: &[CertificateDer<'_>],
        role: Role,
        now: UnixSeconds,
    ) -> std::result::Result<Arc<Party>, Fault> {
        let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
        let leaf = certificate_id(chain.first().copied().unwrap_or_default());
        validate(&chain, &leaf, role, &self.anchors, now.get()).map(Arc::new)
    }
}

impl Parties for Trust {
    fn party(&self, header: &Header<'_>, role: Role, now: UnixSeconds) -> std::result::Result<Arc<Party>, Fault> {
        self.register.read().unwrap_or_else(PoisonError::into_inner).party(header, role, now)
    }
}
