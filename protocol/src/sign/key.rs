//! P-256 keys, and what a backend must be able to do with them.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::id::KeyId;
use crate::sign::paper::{Context, Kind, to_be_signed};
use crate::wire::{Field, Reader, Writer};

/// A P-256 public key: x and y, 32 bytes each.
///
/// That the point lies on the curve is checked when the key is first used, by the backend.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 64]);

impl PublicKey {
    /// The key's thumbprint by RFC 9679. [SIG-21]
    pub fn id(&self) -> KeyId {
        let (x, y) = self.0.split_at(32);
        let mut hash = Sha256::new();
        for part in [b"\xa4\x01\x02\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y] {
            hash.update(part);
        }
        KeyId(hash.finalize().into())
    }

    /// The key in the uncompressed form of SEC 1.
    pub fn to_sec1(&self) -> [u8; 65] {
        let mut sec1 = [4; 65];
        sec1[1..].copy_from_slice(&self.0);
        sec1
    }

    /// Reads the uncompressed form of SEC 1.
    pub fn from_sec1(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [4, point @ ..] => point.try_into().ok().map(Self),
            _ => None,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A COSE_Key of the one form allowed: `{1: 2, -1: 1, -2: x, -3: y}`. [SIG-11]
impl Field for PublicKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        read_cose_key(reader).map_err(|_| Fault::new(Code::KeyInvalid).at_stage(Stage::Schema).at(at))
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(4);
        for (label, value) in [(1, 2), (-1, 1)] {
            writer.integer(label);
            writer.unsigned(value);
        }
        let (x, y) = self.0.split_at(32);
        for (label, coordinate) in [(-2, x), (-3, y)] {
            writer.integer(label);
            writer.bytes(coordinate);
        }
    }
}

fn read_cose_key(reader: &mut Reader<'_>) -> Result<PublicKey, Fault> {
    let wrong = || Fault::new(Code::KeyInvalid);
    if reader.map()? != 4 {
        return Err(wrong());
    }
    for (label, value) in [(1, 2), (-1, 1)] {
        if reader.integer()? != label || reader.unsigned()? != value {
            return Err(wrong());
        }
    }
    let mut key = [0; 64];
    for (label, half) in [(-2, 0), (-3, 32)] {
        if reader.integer()? != label {
            return Err(wrong());
        }
        key[half..half + 32].copy_from_slice(&reader.array::<32>()?);
    }
    Ok(PublicKey(key))
}

/// What verifies signatures. Two backends stand behind it, and each is the other's oracle in tests.
pub trait Crypto: Send + Sync {
    /// Checks a signature (r and s, 32 bytes each; s of either half) over a SHA-256 digest.
    ///
    /// Errors: `key-invalid` when the key is no point of the curve, else `signature-invalid`.
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code>;

    /// Whether the key is a point of the curve.
    fn is_key(&self, key: &PublicKey) -> bool {
        // It is said before the signature is looked at, and one of zeros costs nothing more.
        self.verify(key, &[0; 32], &[0; 64]) != Err(Code::KeyInvalid)
    }

    /// A key that is there to stay, made ready for many signatures; `None` where that saves nothing.
    fn ready(&self, _key: &PublicKey) -> Option<Arc<dyn ReadyKey>> {
        None
    }
}

/// A key that needs not be read again for each signature.
pub trait ReadyKey: fmt::Debug + Send + Sync {
    /// Whether the key made this signature, as [`Crypto::verify`] has it.
    fn verifies(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool;
}

/// What signs: a key in memory, in a file, in another process or in hardware.
pub trait Signer: Send + Sync {
    /// The key that verifies what this signs.
    fn public_key(&self) -> PublicKey;
    /// Signs a SHA-256 digest.
    fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerFailed>;
    /// Signs a paper. Whoever looks at what it signs overrides this, and never signs a digest.
    fn sign_paper(&self, paper: &Unsigned<'_>) -> Result<[u8; 64], SignerFailed> {
        self.sign(&paper.digest())
    }
}

/// A paper as it comes to its signer.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// What it is.
    pub kind: Kind,
    /// The network that it is for.
    pub context: Context<'a>,
    /// Its protected header.
    pub protected: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

impl Unsigned<'_> {
    /// What a signature of it is over.
    pub fn digest(&self) -> [u8; 32] {
        to_be_signed(self.kind, self.context, self.protected, self.payload)
    }
}

/// The signer could not sign; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignerFailed;

impl fmt::Display for SignerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signer could not sign")
    }
}

impl std::error::Error for SignerFailed {}
