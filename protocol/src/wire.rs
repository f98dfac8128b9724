//! Deterministic CBOR: what is read is in the one form that it can be written in.
//!
//! [`check`] passes once over the bytes of an item and takes no memory. [`Reader`] then takes fields from
//! bytes that have passed; it refuses whatever the check refuses, so that it is safe on any bytes.
//! [`Writer`] can write nothing that `check` refuses.

mod check;
mod entries;
mod map;
mod reader;
mod writer;

pub use check::{check, check_at_depth};
pub(crate) use entries::Entries;
pub use map::{Field, MapReader, MapWriter};
pub use reader::Reader;
pub use writer::Writer;

/// The major types of RFC 8949, as they stand in the three high bits of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    /// An unsigned integer.
    Unsigned,
    /// A negative integer.
    Negative,
    /// A byte string.
    Bytes,
    /// A text string.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
    /// A tag.
    Tag,
    /// `true`, `false` and everything that papers do not use.
    Simple,
}

/// The head of an item: its type, its argument, and how many bytes they took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) major: Major,
    pub(crate) argument: u64,
    pub(crate) width: usize,
}

impl Head {
    /// The number that it is, where it is one that labels can be.
    fn integer(&self) -> Option<i64> {
        match self.major {
            Major::Unsigned => i64::try_from(self.argument).ok(),
            Major::Negative => i64::try_from(self.argument).ok().map(|number| -1 - number),
            _ => None,
        }
    }
}
