//! Papers: what each kind is called, who signs it, and the way from bytes to what they say.

use std::marker::PhantomData;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::frame::{Frame, TAG_SIGN1};
use super::header::{ESP256, Header, SHA_256, SignerName, TYP};
use super::key::{Crypto, PublicKey, Signer, SignerFailed, Unsigned};
use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::id::{CertificateId, PaperId};
use crate::label::NETWORK;
use crate::wire::{Entries, Reader, Writer};

/// Who signs a kind of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A key named by its thumbprint.
    Key,
    /// A key with a certificate.
    Certificate,
    /// One or the other.
    Either,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $typ:literal, $by:ident;)+) => {
        /// The kinds of papers. The `typ` and the context of the signature keep one from being read as another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The protected `typ`. [SIG-9]
            pub const fn typ(self) -> &'static str {
                match self { $(Self::$name => $typ,)+ }
            }

            /// Who signs it.
            pub const fn by(self) -> By {
                match self { $(Self::$name => By::$by,)+ }
            }
        }
    };
}

kinds! {
    /// A key is an account's.
    Credential = "purser-credential", Certificate;
    /// Who a payer is to a merchant.
    Pseudonym = "purser-pseudonym", Certificate;
    /// What an agent may spend.
    Mandate = "purser-mandate", Key;
    /// What a merchant sells.
    Offer = "purser-offer", Certificate;
    /// An agent takes an offer.
    Intent = "purser-intent", Either;
    /// The person says yes.
    Confirmation = "purser-confirmation", Key;
    /// The signed root of a batch of receipts.
    Root = "purser-root", Certificate;
    /// The merchant takes held money.
    Capture = "purser-capture", Certificate;
    /// The merchant gives up held money.
    Void = "purser-void", Certificate;
    /// The merchant gives money back.
    Refund = "purser-refund", Certificate;
    /// The merchant takes its money out.
    Payout = "purser-payout", Certificate;
    /// An intent shall not be decided any more.
    Cancel = "purser-cancel", Either;
    /// Mandates rest from now on.
    Suspension = "purser-suspension", Key;
    /// A suspension is lifted.
    Resumption = "purser-resumption", Key;
    /// Mandates end.
    Revocation = "purser-revocation", Key;
    /// A key asks to be an account's.
    Enrolment = "purser-enrolment", Key;
    /// Money for a sandbox.
    Deposit = "purser-deposit", Key;
    /// A read is by who says so.
    Proof = "purser-proof", Either;
    /// How a mandate stands.
    Status = "purser-status", Certificate;
    /// What was delivered.
    Delivery = "purser-delivery", Certificate;
    /// The payer claims money back.
    Dispute = "purser-dispute", Key;
    /// What the merchant says to a dispute.
    DisputeAnswer = "purser-dispute-answer", Certificate;
    /// What the issuer decides in a dispute.
    Ruling = "purser-ruling", Certificate;
    /// What an issuer tells a merchant without being asked.
    Notice = "purser-notice", Certificate;
    /// One signature for many papers.
    Batch = "purser-batch", Key;
    /// A key is an account's no more.
    Retirement = "purser-retirement", Key;
    /// Nothing leaves an account.
    Freeze = "purser-freeze", Certificate;
    /// Money leaves an account again.
    Thaw = "purser-thaw", Certificate;
    /// What an account has had.
    Statement = "purser-statement", Certificate;
    /// What a merchant says of itself and of what it sells.
    Listing = "purser-listing", Certificate;
    /// What an issuer has done on a day with a merchant's money.
    DailyStatement = "purser-daily-statement", Certificate;
}

impl Kind {
    /// Whether its `iss` names the party whose certificate signs it. A root names nobody, and papers that a key may
    /// sign do not either. [SIG-23]
    pub const fn names_its_party(self) -> bool {
        matches!(self.by(), By::Certificate) && !matches!(self, Self::Root)
    }

    /// The kind with this `typ`.
    pub fn from_typ(typ: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.typ() == typ)
    }

    /// The kind that a message says that it is, before anything of it is checked.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let frame = Frame::read(bytes).ok()?;
        let (_, mut typ) = find(frame.protected, TYP)?;
        Self::from_typ(typ.text().ok()?)
    }
}

/// The network that papers belong to, such as `sandbox`: a paper of one is no paper of another. [SIG-16]
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The network's name, at most 32 bytes.
    pub network: &'a str,
}

/// A kind of paper: a map of fields that can be read from a payload and written to one.
pub trait Paper: Sized {
    /// Its kind.
    const KIND: Kind;
    /// Reads the fields. Stage `schema`.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault>;
    /// Writes the fields.
    fn encode(&self, writer: &mut Writer);

    /// The payload.
    fn payload(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.encode(&mut writer);
        writer.into_bytes()
    }
}

/// Bytes that should be a paper of kind `T` and have passed the stages up to `headers`.
#[derive(Debug)]
pub struct Signed<'a, T> {
    /// Where its parts stand.
    pub frame: Frame<'a>,
    /// What its header says.
    pub header: Header<'a>,
    id: PaperId,
    kind: PhantomData<T>,
}

// Derives would ask the same of `T`.
impl<T> Clone for Signed<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Signed<'_, T> {}

impl<'a, T: Paper> Signed<'a, T> {
    /// The stages size, framing, encoding and headers of one paper.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        Self::framed(Frame::read(bytes)?)
    }

    /// The stage headers, for a message that has passed those before.
    pub fn framed(frame: Frame<'a>) -> Result<Self, Fault> {
        let header = Header::read(&frame, T::KIND)?;
        Ok(Self { frame, header, id: id(frame.protected, frame.payload), kind: PhantomData })
    }

    /// The paper's id. [SIG-20]
    pub fn id(&self) -> PaperId {
        self.id
    }

    /// What the stages version and schema will say, for a paper whose signer cannot be found without its fields.
    /// That it says something does not make it its signer's. [AUT-6]
    pub(crate) fn foresee(&self) -> Result<(), Fault> {
        self.version()?;
        self.decode().map(drop)
    }

    /// The fault of a paper for want of a field that names its signer: what its version and schema come to, else
    /// `code`. [AUT-6]
    pub(crate) fn unreadable(&self, code: Code) -> Fault {
        self.foresee().err().unwrap_or_else(|| code.into())
    }

    fn version(&self) -> Result<(), Fault> {
        let shift = self.frame.offset_of(self.frame.payload);
        let Some((at, mut version)) = find(self.frame.payload, crate::label::VERSION.number) else {
            return Ok(());
        };
        match version.unsigned() {
            Ok(1) => Ok(()),
            _ => Err(Fault::new(Code::VersionUnsupported).at(at + shift)),
        }
    }

    fn decode(&self) -> Result<T, Fault> {
        let shift = self.frame.offset_of(self.frame.payload);
        T::decode(&mut Reader::new(self.frame.payload)).map_err(|fault| fault.at_stage(Stage::Schema).shifted(shift))
    }

    /// The stage signature, with the key that the header names.
    pub fn verify(self, crypto: &dyn Crypto, context: Context<'_>, key: &PublicKey) -> Result<Authentic<'a, T>, Fault> {
        // A signature fits a second key as well, and a caller may hold the wrong one. [SIG-21]
        if let SignerName::Key(name) = self.header.signer
            && name != key.id()
        {
            return Err(Fault::new(Code::SignatureInvalid).at(self.frame.offset_of(self.frame.protected)));
        }
        self.verify_by(crypto, context, key)
    }

    /// The stage signature, with a key that was found by the name in the header or held against it.
    pub(crate) fn verify_by(
        self,
        crypto: &dyn Crypto,
        context: Context<'_>,
        key: &PublicKey,
    ) -> Result<Authentic<'a, T>, Fault> {
        let digest = to_be_signed(T::KIND, context, self.frame.protected, self.frame.payload);
        match crypto.verify(key, &digest, self.frame.signature) {
            Ok(()) => self.of_network(context).map(|()| Authentic { signed: self, key: *key }),
            Err(code) => Err(Fault::new(code).at(self.frame.bytes.len() - 64)), // [SIG-11] [SIG-15]
        }
    }
}

/// A root says its network once more, for those who read it without asking for which one it verified. [RCT-18]
impl<T: Paper> Signed<'_, T> {
    fn of_network(&self, context: Context<'_>) -> Result<(), Fault> {
        let said = find(self.frame.payload, NETWORK.number).filter(|_| T::KIND == Kind::Root);
        match said.map(|(at, mut network)| (at, network.text())) {
            Some((at, Ok(network))) if network != context.network => {
                let at = at + self.frame.offset_of(self.frame.payload);
                Err(Fault::new(Code::SignatureInvalid).at(at).field(NETWORK.name))
            }
            _ => Ok(()),
        }
    }
}

impl<'a, T: Paper> Signed<'a, T> {
    /// A part of a batch, which is signed with it. [WAL-21]
    pub(crate) fn signed_in_batch(self, key: &PublicKey) -> Authentic<'a, T> {
        Authentic { signed: self, key: *key }
    }
}

/// A paper whose signature has verified, not yet read.
#[derive(Debug)]
pub struct Authentic<'a, T> {
    signed: Signed<'a, T>,
    key: PublicKey,
}

impl<T: Paper> Authentic<'_, T> {
    /// The paper's id.
    pub fn id(&self) -> PaperId {
        self.signed.id()
    }

    /// The stage version. A payload without one fails in the stage schema. [VER-1]
    pub fn version(&self) -> Result<(), Fault> {
        self.signed.version()
    }

    /// The stage schema.
    pub fn open(self) -> Result<Verified<T>, Fault> {
        Ok(Verified {
            id: self.signed.id(),
            signer: self.signed.header.signer,
            key: self.key,
            message: self.signed.decode()?,
            bytes: self.signed.frame.bytes.into(),
        })
    }
}

/// A paper that its signer has signed and that says what its kind can say.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    id: PaperId,
    signer: SignerName,
    key: PublicKey,
    message: T,
    bytes: Arc<[u8]>,
}

impl<T> Verified<T> {
    /// The paper's id.
    pub fn id(&self) -> PaperId {
        self.id
    }

    /// The signer's name.
    pub fn signer(&self) -> SignerName {
        self.signer
    }

    /// The signer's key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The bytes that came.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}

/// Signs a paper with a key that its thumbprint names.
pub fn sign<T: Paper>(paper: &T, context: Context<'_>, signer: &dyn Signer) -> Result<Vec<u8>, SignerFailed> {
    seal(paper, context, signer, &key_header(T::KIND, &signer.public_key()), &[])
}

/// The protected header of a paper that this key signs. There is one, so that whoever knows the key and the
/// payload knows the paper's id.
pub fn key_header(kind: Kind, key: &PublicKey) -> Vec<u8> {
    let mut protected = Writer::new();
    protected.map(3);
    protected.integer(1);
    protected.integer(ESP256);
    protected.integer(4);
    protected.bytes(&key.id().0);
    protected.integer(16);
    protected.text(kind.typ());
    protected.into_bytes()
}

/// Signs a paper with a key that a certificate names; `x5chain` goes beside it, or is empty.
pub fn sign_by_certificate<T: Paper>(
    paper: &T,
    context: Context<'_>,
    signer: &dyn Signer,
    certificate: CertificateId,
    x5chain: &[&[u8]],
) -> Result<Vec<u8>, SignerFailed> {
    let mut protected = Writer::new();
    protected.map(3);
    protected.integer(1);
    protected.integer(ESP256);
    protected.integer(16);
    protected.text(T::KIND.typ());
    protected.integer(34);
    protected.list(2);
    protected.integer(SHA_256);
    protected.bytes(&certificate.0);
    seal(paper, context, signer, &protected.into_bytes(), x5chain)
}

fn seal<T: Paper>(
    paper: &T,
    context: Context<'_>,
    signer: &dyn Signer,
    protected: &[u8],
    x5chain: &[&[u8]],
) -> Result<Vec<u8>, SignerFailed> {
    let payload = paper.payload();
    let signature = signer.sign_paper(&Unsigned { kind: T::KIND, context, protected, payload: &payload })?;
    Ok(envelope(protected, x5chain, &payload, &signature))
}

/// The bytes of a COSE_Sign1 from its parts.
pub fn envelope(protected: &[u8], x5chain: &[&[u8]], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.raw(&[TAG_SIGN1]);
    writer.list(4);
    writer.bytes(protected);
    writer.map(usize::from(!x5chain.is_empty()));
    match x5chain {
        [] => {}
        [certificate] => {
            writer.integer(33);
            writer.bytes(certificate);
        }
        several => {
            writer.integer(33);
            writer.list(several.len());
            several.iter().for_each(|certificate| writer.bytes(certificate));
        }
    }
    writer.bytes(payload);
    writer.bytes(signature);
    writer.into_bytes()
}

/// SHA-256 of the deterministic list of protected header and payload. [SIG-20] [SIG-18]
pub fn id(protected: &[u8], payload: &[u8]) -> PaperId {
    let mut hash = Sha256::new();
    hash.update([0x82]);
    for part in [protected, payload] {
        hash_bytes(&mut hash, part);
    }
    PaperId(hash.finalize().into())
}

/// The digest of the `Sig_structure` of RFC 9052, whose external data name kind, version and network. [SIG-16]
pub fn to_be_signed(kind: Kind, context: Context<'_>, protected: &[u8], payload: &[u8]) -> [u8; 32] {
    let (typ, network) = (kind.typ().as_bytes(), context.network.as_bytes());
    let (kind_head, network_head) = (head(3, typ.len() + 2), head(3, network.len()));
    let aad_length = 1 + kind_head.1 + typ.len() + 2 + network_head.1 + network.len();

    let mut hash = Sha256::new();
    hash.update(b"\x84\x6aSignature1");
    hash_bytes(&mut hash, protected);
    let aad_head = head(2, aad_length);
    hash.update(&aad_head.0[..aad_head.1]);
    hash.update([0x82]);
    hash.update(&kind_head.0[..kind_head.1]);
    hash.update(typ);
    hash.update(b"/1"); // [VER-2]
    hash.update(&network_head.0[..network_head.1]);
    hash.update(network);
    hash_bytes(&mut hash, payload);
    hash.finalize().into()
}

/// The value of a label in a payload that has passed the stage encoding, and where its label stands.
pub fn find(payload: &[u8], label: i64) -> Option<(usize, Reader<'_>)> {
    let entry = Entries::of(payload).find(|entry| entry.label == Some(label))?;
    Some((entry.at, Reader::new(entry.value)))
}

fn hash_bytes(hash: &mut Sha256, bytes: &[u8]) {
    let head = head(2, bytes.len());
    hash.update(&head.0[..head.1]);
    hash.update(bytes);
}

/// A head in its shortest form, for lengths that papers have, without taking memory.
fn head(major: u8, length: usize) -> ([u8; 9], usize) {
    let mut head = [0; 9];
    let major = major << 5;
    let wide = (length as u64).to_be_bytes();
    let width = match length {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    head[0] = major
        | match width {
            0 => wide[7],
            1 => 24,
            2 => 25,
            4 => 26,
            _ => 27,
        };
    head[1..=width].copy_from_slice(&wide[8 - width..]);
    (head, width + 1)
}
