//! A document with the paper that signs it, as one body: a line of base64url, which is the paper, and the document.

use std::sync::Arc;

use super::Parties;
use crate::bind::base64url;
use crate::cert::{Party, Role};
use crate::code::Code;
use crate::fault::Fault;
use crate::id::{Digest, PartyId};
use crate::label::IAT;
use crate::paper::document::{DailyStatement, Listing, check_content};
use crate::sign::paper::find;
use crate::sign::{Context, Crypto, Paper, Signed, Verified};
use crate::time::UnixSeconds;

/// A document and the paper that signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The paper.
    pub paper: Vec<u8>,
    /// The document: the very text that was signed.
    pub document: String,
}

/// What a reader of documents checks them with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The network.
    pub context: Context<'a>,
    /// What verifies signatures.
    pub crypto: &'a dyn Crypto,
    /// Who stands behind certificates.
    pub parties: &'a dyn Parties,
    /// The reader's clock.
    pub now: UnixSeconds,
}

/// A document that is its signer's.
#[derive(Clone, Debug)]
pub struct OpenDocument<T: Paper> {
    /// What was signed.
    pub paper: Verified<T>,
    /// Who signed it.
    pub signer: Arc<Party>,
    /// The document.
    pub document: String,
}

impl Sealed {
    /// The body.
    pub fn write(&self) -> String {
        format!("{}\n{}", base64url::encode(&self.paper), self.document)
    }

    /// Reads a body, and believes nothing of it.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let fault = || Fault::new(Code::FieldType);
        let (paper, document) =
            std::str::from_utf8(body).ok().and_then(|body| body.split_once('\n')).ok_or_else(fault)?;
        Ok(Self { paper: base64url::decode(paper).ok_or_else(fault)?, document: document.to_owned() })
    }
}

impl Reading<'_> {
    /// Opens a merchant's listing: all stages of its paper, then the document.
    pub fn listing(&self, body: &[u8]) -> Result<OpenDocument<Listing>, Fault> {
        self.open(body, Role::Merchant, |paper: &Listing| (&paper.merchant, paper.content))
    }

    /// Opens an issuer's statement of a day, as of when it was made.
    pub fn daily_statement(&self, body: &[u8]) -> Result<OpenDocument<DailyStatement>, Fault> {
        self.open(body, Role::Issuer, |paper: &DailyStatement| (&paper.issuer, paper.content))
    }

    fn open<T: Paper>(
        &self,
        body: &[u8],
        role: Role,
        says: impl FnOnce(&T) -> (&PartyId, Digest),
    ) -> Result<OpenDocument<T>, Fault> {
        let Sealed { paper, document } = Sealed::read(body)?;
        let signed = Signed::<T>::read(&paper)?;
        let made_at = find(signed.frame.payload, IAT.number).and_then(|(_, mut seconds)| seconds.unsigned().ok());
        let made_at = made_at.unwrap_or(u64::MAX);
        // What was signed in its time stays good when the certificate is over, as with roots. [RCT-11]
        let as_of = UnixSeconds::new(made_at).unwrap_or(self.now);
        let signer = self.parties.party(&signed.header, role, as_of.min(self.now))?;
        signer.check_made_at(made_at)?;
        let authentic = signed.verify(self.crypto, self.context, &signer.key)?;
        authentic.version()?;
        let paper = authentic.open()?;
        let (name, content) = says(&paper);
        if *name != signer.id {
            return Err(Fault::new(Code::CertName)); // [SIG-23]
        }
        check_content(content, document.as_bytes())?; // [DOC-1]
        Ok(OpenDocument { paper, signer, document })
    }
}
