//! Names of papers, parties and accounts.

use std::fmt;

use crate::code::Code;
use crate::fault::Fault;
use crate::wire::{Field, Reader, Writer};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($length:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl Field for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                reader.array().map(Self)
            }

            fn write(&self, writer: &mut Writer) {
                writer.bytes(&self.0);
            }
        }
    )+};
}

ids! {
    /// SHA-256 over a paper's protected header and payload; no signature is in it. [SIG-20]
    PaperId(32);
    /// A SHA-256 digest of something else.
    Digest(32);
    /// Sixteen random bytes.
    Nonce(16);
    /// An account at an issuer.
    AccountId(16);
    /// What a mandate and its replacements have in common.
    LineageId(16);
    /// A payer, as one merchant knows it.
    Pseudonym(16);
    /// The thumbprint of a key, by RFC 9679. [SIG-21]
    KeyId(32);
    /// SHA-256 of a certificate, as `x5t` names it. [SIG-22]
    CertificateId(32);
}

/// The name of an issuer or a merchant: lower-case letters, digits, dots and hyphens, 3 to 63 of them,
/// as in its certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(Box<str>);

impl PartyId {
    /// `None` when `name` is not of the form.
    pub fn new(name: &str) -> Option<Self> {
        let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = |byte: u8| edge(byte) || byte == b'.' || byte == b'-';
        let bytes = name.as_bytes();
        let fits = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|&byte| inner(byte))
            && bytes.first().is_some_and(|&byte| edge(byte))
            && bytes.last().is_some_and(|&byte| edge(byte));
        fits.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartyId({self})")
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Field for PartyId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        Self::new(reader.text()?).ok_or_else(|| Fault::new(Code::FieldRange).at(at))
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }
}

/// Words of 1 to `MAX` bytes. What they say is their author's and decides nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(Box<str>);

/// Words of at most 64 bytes.
pub type ShortText = Text<64>;
/// Words of at most 256 bytes.
pub type LongText = Text<256>;

impl<const MAX: usize> Text<MAX> {
    /// `None` when `text` is empty, too long, or not what [ENC-11] allows.
    pub fn new(text: &str) -> Option<Self> {
        let mut writer = Writer::new();
        writer.text(text);
        let fits = (1..=MAX).contains(&text.len()) && Reader::new(&writer.into_bytes()).text().is_ok();
        fits.then(|| Self(text.into()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Field for Text<MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        let text = reader.text()?;
        if !(1..=MAX).contains(&text.len()) {
            return Err(Fault::new(Code::FieldRange).at(at));
        }
        Ok(Self(text.into()))
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }
}
