//! Takes items from bytes one after the other.

use super::check::{head, item, string, text};
use super::{Head, Major};
use crate::code::Code;
use crate::fault::Fault;
use crate::limits::{DEPTH_MAX, STRING_BYTES_MAX};

/// A place in the bytes of one paper.
///
/// Reading never goes past the end and takes no memory; what it returns borrows the bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Begins `at` bytes after the first, so that offsets still count from the first.
    pub fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Reads an unsigned integer. `field-type` when the next item is another.
    pub fn unsigned(&mut self) -> Result<u64, Fault> {
        self.head_of(Major::Unsigned)
    }

    /// Reads an integer that fits the labels of maps.
    pub fn integer(&mut self) -> Result<i64, Fault> {
        let start = self.at;
        self.head()?.integer().ok_or_else(|| self.wrong(start))
    }

    /// Passes over the key of a map, and returns its bytes beside the number that it is.
    pub(super) fn key(&mut self) -> Result<(Option<i64>, &'a [u8]), Fault> {
        let start = self.at;
        match head(self.bytes, start)? {
            number if number.integer().is_some() => {
                self.at += number.width;
                Ok((number.integer(), &self.bytes[start..self.at]))
            }
            _ => self.skip().map(|key| (None, key)),
        }
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        let length = self.head_of(Major::Bytes)?;
        self.string(start, length)
    }

    /// Reads a byte string of exactly `N` bytes. `field-range` when it has another length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let start = self.at;
        self.bytes()?.try_into().map_err(|_| Fault::new(Code::FieldRange).at(start))
    }

    /// Reads a text string.
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let length = self.head_of(Major::Text)?;
        let bytes = self.string(start, length)?;
        text(bytes).ok_or_else(|| Fault::new(Code::TextInvalid).at(start))
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        Ok(self.head_of(Major::Simple)? == 21)
    }

    /// Reads the head of a list and returns how many items follow.
    pub fn list(&mut self) -> Result<u64, Fault> {
        self.head_of(Major::List)
    }

    /// Reads the head of a map and returns how many pairs follow.
    pub fn map(&mut self) -> Result<u64, Fault> {
        self.head_of(Major::Map)
    }

    /// Reads the head of a tag and returns its number.
    pub(crate) fn tag(&mut self) -> Result<u64, Fault> {
        self.head_of(Major::Tag)
    }

    /// The type of the next item, unread.
    pub fn peek(&self) -> Option<Major> {
        head(self.bytes, self.at).ok().map(|head| head.major)
    }

    /// Passes over the next item, whatever it is, and returns its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Most items are numbers and short strings, which need no account of what is open.
        let head = head(self.bytes, self.at)?;
        let end = match head.major {
            Major::Unsigned | Major::Negative | Major::Simple => head.width,
            Major::Bytes => {
                string(self.bytes, self.at, self.at + head.width, head.argument, STRING_BYTES_MAX)? - self.at
            }
            _ => item(rest, DEPTH_MAX).map_err(|fault| fault.shifted(self.at))?,
        };
        self.at += end;
        Ok(&rest[..end])
    }

    #[inline]
    fn head(&mut self) -> Result<Head, Fault> {
        let head = head(self.bytes, self.at)?;
        self.at += head.width;
        Ok(head)
    }

    fn head_of(&mut self, major: Major) -> Result<u64, Fault> {
        let start = self.at;
        let head = self.head()?;
        if head.major == major { Ok(head.argument) } else { Err(self.wrong(start)) }
    }

    fn string(&mut self, start: usize, length: u64) -> Result<&'a [u8], Fault> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let string = end.and_then(|end| self.bytes.get(self.at..end));
        let string = string.ok_or_else(|| Fault::new(Code::CborTruncated).at(start))?;
        self.at += string.len();
        Ok(string)
    }

    fn wrong(&mut self, start: usize) -> Fault {
        self.at = start;
        Fault::new(Code::FieldType).at(start) // [ENC-14]
    }
}
