//! The strict pass: one look at each byte, no memory, no recursion.

use unicode_normalization::{IsNormalized, is_nfc, is_nfc_quick};

use super::{Head, Major};
use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::limits::{DEPTH_MAX, ENTRIES_MAX, STRING_BYTES_MAX, TEXT_BYTES_MAX};

/// Checks that `bytes` are exactly one item of deterministic CBOR within the limits of [`crate::limits`].
///
/// Errors carry the offset of the first byte that does not fit. Stage `encoding`.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    check_at_depth(bytes, DEPTH_MAX)
}

/// [`check`], for a message whose papers are byte strings inside a wrapping of its own depth.
pub fn check_at_depth(bytes: &[u8], depth_max: usize) -> Result<(), Fault> {
    let end = item(bytes, depth_max.min(DEPTH_MAX))?;
    if end < bytes.len() {
        return Err(refuse(Code::CborTrailing, end)); // [ENC-3]
    }
    Ok(())
}

/// One open list or map.
#[derive(Clone, Copy)]
struct Level {
    /// Items still to come; two for each pair of a map.
    left: u32,
    is_map: bool,
    /// Where the key before this one stands, in a map: before the first key nowhere.
    key: (usize, usize),
}

/// No item ends before it begins.
const NOWHERE: (usize, usize) = (0, 0);

/// Walks one item from the start of `bytes` and returns where it ends. [ENC-20]
pub(super) fn item(bytes: &[u8], depth_max: usize) -> Result<usize, Fault> {
    let mut levels = [Level { left: 0, is_map: false, key: NOWHERE }; DEPTH_MAX];
    let mut depth = 0;
    let mut at = 0;
    loop {
        let start = at;
        let head = head(bytes, at)?;
        at += head.width;
        let mut opened = None;
        match head.major {
            Major::Unsigned | Major::Negative | Major::Simple => {}
            Major::Bytes => at = string(bytes, start, at, head.argument, STRING_BYTES_MAX)?,
            Major::Text => {
                let end = string(bytes, start, at, head.argument, TEXT_BYTES_MAX)?;
                text(&bytes[at..end]).ok_or_else(|| refuse(Code::TextInvalid, start))?; // [ENC-11]
                at = end;
            }
            Major::List | Major::Map => {
                if depth == depth_max {
                    return Err(refuse(Code::CborDepth, start)); // [ENC-9]
                }
                if head.argument > ENTRIES_MAX {
                    return Err(too_long(bytes, start, at, head.argument));
                }
                let is_map = head.major == Major::Map;
                let left = head.argument as u32 * if is_map { 2 } else { 1 };
                opened = Some(Level { left, is_map, key: NOWHERE });
            }
            Major::Tag => return Err(refuse(Code::CborTag, start)), // [ENC-8]
        }

        if let Some(level) = depth.checked_sub(1).map(|top| &mut levels[top]) {
            // In a map an even number left means that this item is a key.
            if level.is_map && level.left.is_multiple_of(2) {
                if opened.is_some() {
                    return Err(refuse(Code::CborType, start)); // [ENC-7]
                }
                in_order(bytes, level.key, (start, at))?;
                level.key = (start, at);
            }
            level.left -= 1;
        }
        if let Some(level) = opened {
            levels[depth] = level;
            depth += 1;
        }
        while depth > 0 && levels[depth - 1].left == 0 {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(at);
        }
    }
}

/// Reads the head at `at`: shortest form, definite length, no reserved value.
#[inline]
pub(super) fn head(bytes: &[u8], at: usize) -> Result<Head, Fault> {
    let Some(&first) = bytes.get(at) else {
        return Err(refuse(Code::CborTruncated, at)); // [ENC-2]
    };
    let major = match first >> 5 {
        0 => Major::Unsigned,
        1 => Major::Negative,
        2 => Major::Bytes,
        3 => Major::Text,
        4 => Major::List,
        5 => Major::Map,
        6 => Major::Tag,
        _ => Major::Simple,
    };
    let info = first & 0x1f;
    if major == Major::Simple {
        // 20 and 21 are false and true; all other simple values, floats and a stray break are refused.
        return match info {
            20 | 21 => Ok(Head { major, argument: u64::from(info), width: 1 }),
            _ => Err(refuse(Code::CborType, at)), // [ENC-7]
        };
    }
    let (argument, width, least) = match info {
        0..=23 => (u64::from(info), 1, 0),
        24 => (u64::from(take::<1>(bytes, at)?[0]), 2, 24),
        25 => (u64::from(u16::from_be_bytes(take(bytes, at)?)), 3, 0x100),
        26 => (u64::from(u32::from_be_bytes(take(bytes, at)?)), 5, 0x1_0000),
        27 => (u64::from_be_bytes(take(bytes, at)?), 9, 0x1_0000_0000),
        31 if matches!(major, Major::Bytes | Major::Text | Major::List | Major::Map) => {
            return Err(refuse(Code::CborIndefinite, at)); // [ENC-5]
        }
        _ => return Err(refuse(Code::CborType, at)), // [ENC-7]
    };
    if argument < least {
        return Err(refuse(Code::CborNotDeterministic, at)); // [ENC-4]
    }
    Ok(Head { major, argument, width })
}

/// Whether a text holds only what a person can read in one way: NFC, no control and no bidi characters.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Some(text);
    }
    let hidden = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if text.chars().any(hidden) {
        return None;
    }
    // The data are of Unicode 18.0. [ENC-25]
    let composed = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => is_nfc(text),
    };
    composed.then_some(text)
}

#[inline]
fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Fault> {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    rest.first_chunk::<N>().copied().ok_or_else(|| refuse(Code::CborTruncated, at)) // [ENC-2]
}

/// The end of a string whose head stands at `start` and whose content begins at `content`.
pub(super) fn string(bytes: &[u8], start: usize, content: usize, length: u64, most: u64) -> Result<usize, Fault> {
    if length > most {
        return Err(too_long(bytes, start, content, length));
    }
    let end = usize::try_from(length).ok().and_then(|length| content.checked_add(length));
    match end {
        Some(end) if end <= bytes.len() => Ok(end),
        _ => Err(refuse(Code::CborTruncated, start)), // [ENC-2]
    }
}

/// A length that the bytes could not hold is a truncation before it is over a limit.
fn too_long(bytes: &[u8], start: usize, content: usize, length: u64) -> Fault {
    let rest = (bytes.len() - content) as u64;
    let code = if length > rest { Code::CborTruncated } else { Code::CborLimit }; // [ENC-2] [ENC-10]
    refuse(code, start)
}

/// Keys stand in the bytewise order of their encodings, each once.
fn in_order(bytes: &[u8], before: (usize, usize), key: (usize, usize)) -> Result<(), Fault> {
    if before == NOWHERE {
        return Ok(());
    }
    let order = match (&bytes[before.0..before.1], &bytes[key.0..key.1]) {
        // Most labels are one byte.
        ([before], [key]) => before.cmp(key),
        (before, key) => before.cmp(key),
    };
    match order {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal => Err(refuse(Code::CborDuplicateKey, key.0)), // [ENC-6]
        std::cmp::Ordering::Greater => Err(refuse(Code::CborNotDeterministic, key.0)), // [ENC-4]
    }
}

#[cold]
fn refuse(code: Code, at: usize) -> Fault {
    Fault::new(code).at_stage(Stage::Encoding).at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<(Code, usize)> {
        check(bytes).err().map(|fault| {
            assert_eq!(fault.stage, Stage::Encoding);
            (fault.code, fault.offset.unwrap())
        })
    }

    /// Each refused form stands beside the same value in its one allowed form.
    #[test]
    fn refuses_every_other_form() {
        type Row = (&'static str, &'static [u8], Code, usize, &'static [u8]);
        let rows: &[Row] = &[
            ("empty", b"", Code::CborTruncated, 0, b"\x00"),
            ("integer too wide", b"\x18\x17", Code::CborNotDeterministic, 0, b"\x17"),
            ("two bytes for one", b"\x19\x00\xff", Code::CborNotDeterministic, 0, b"\x18\xff"),
            ("four for two", b"\x1a\x00\x00\xff\xff", Code::CborNotDeterministic, 0, b"\x19\xff\xff"),
            ("eight for four", b"\x1b\0\0\0\0\xff\xff\xff\xff", Code::CborNotDeterministic, 0, b"\x1a\xff\xff\xff\xff"),
            ("length too wide", b"\x58\x01a", Code::CborNotDeterministic, 0, b"\x41a"),
            ("indefinite bytes", b"\x5f\x41a\xff", Code::CborIndefinite, 0, b"\x41a"),
            ("indefinite text", b"\x7f\x61a\xff", Code::CborIndefinite, 0, b"\x61a"),
            ("indefinite list", b"\x9f\x01\xff", Code::CborIndefinite, 0, b"\x81\x01"),
            ("indefinite map", b"\xbf\x01\x01\xff", Code::CborIndefinite, 0, b"\xa1\x01\x01"),
            ("same key twice", b"\xa2\x01\x01\x01\x02", Code::CborDuplicateKey, 3, b"\xa2\x01\x01\x02\x02"),
            ("keys swapped", b"\xa2\x02\x01\x01\x02", Code::CborNotDeterministic, 3, b"\xa2\x01\x01\x02\x02"),
            (
                "negative before positive",
                b"\xa2\x20\x01\x01\x02",
                Code::CborNotDeterministic,
                3,
                b"\xa2\x01\x02\x20\x01",
            ),
            ("same key, two widths", b"\xa2\x01\x01\x18\x01\x02", Code::CborNotDeterministic, 3, b"\xa1\x01\x01"),
            ("list as key", b"\xa1\x80\x01", Code::CborType, 1, b"\xa1\x01\x80"),
            ("null", b"\xf6", Code::CborType, 0, b"\xf5"),
            ("undefined", b"\xf7", Code::CborType, 0, b"\xf4"),
            ("half float", b"\xf9\x3c\x00", Code::CborType, 0, b"\x01"),
            ("double", b"\xfb\x3f\xf8\0\0\0\0\0\0", Code::CborType, 0, b"\x01"),
            ("simple 32", b"\xf8\x20", Code::CborType, 0, b"\xf5"),
            ("true in two bytes", b"\xf8\x15", Code::CborType, 0, b"\xf5"),
            ("stray break", b"\xff", Code::CborType, 0, b"\x00"),
            ("reserved", b"\x1c", Code::CborType, 0, b"\x00"),
            ("bignum", b"\xc2\x41\x05", Code::CborTag, 0, b"\x05"),
            ("self-described", b"\xd9\xd9\xf7\x00", Code::CborTag, 0, b"\x00"),
            ("epoch time", b"\xa1\x04\xc1\x01", Code::CborTag, 2, b"\xa1\x04\x01"),
            ("trailing", b"\x00\x00", Code::CborTrailing, 1, b"\x00"),
            ("two items", b"\xa0\xa0", Code::CborTrailing, 1, b"\xa0"),
            ("claims more than there is", b"\xa2\x01\x01", Code::CborTruncated, 3, b"\xa1\x01\x01"),
            ("2^64 - 1 entries", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", Code::CborTruncated, 0, b"\x80"),
            ("2^40 bytes", b"\x5b\0\0\x01\0\0\0\0\0", Code::CborTruncated, 0, b"\x40"),
            ("text not UTF-8", b"\x62\xc3\x28", Code::TextInvalid, 0, b"\x62\xc3\xa9"),
            ("text with NUL", b"\x63a\0b", Code::TextInvalid, 0, b"\x63a b"),
            ("text with a bidi override", "\x66a\u{202e}bc".as_bytes(), Code::TextInvalid, 0, b"\x63abc"),
            ("text not composed", "\x63e\u{301}".as_bytes(), Code::TextInvalid, 0, "\x62\u{e9}".as_bytes()),
        ];
        for (name, bad, expected, offset, good) in rows {
            assert_eq!(code(bad), Some((*expected, *offset)), "{name}");
            assert_eq!(code(good), None, "{name}: the allowed form");
        }
    }

    #[test]
    fn stops_at_the_limits_and_not_before() {
        let nested = |n: usize| [vec![0x81; n], vec![0x01]].concat();
        assert_eq!(code(&nested(DEPTH_MAX)), None);
        assert_eq!(code(&nested(DEPTH_MAX + 1)), Some((Code::CborDepth, DEPTH_MAX)));
        assert_eq!(code(&nested(100_000)), Some((Code::CborDepth, DEPTH_MAX)));

        let list = |n: u16| [vec![0x99], n.to_be_bytes().to_vec(), vec![0x01; n.into()]].concat();
        assert_eq!(code(&list(1_024)), None);
        assert_eq!(code(&list(1_025)), Some((Code::CborLimit, 0)));

        let text = |n: u16| [vec![0x79], n.to_be_bytes().to_vec(), vec![b'a'; n.into()]].concat();
        assert_eq!(code(&text(1_024)), None);
        assert_eq!(code(&text(1_025)), Some((Code::CborLimit, 0)));
    }

    #[test]
    fn every_prefix_is_truncated() {
        let whole = b"\xa3\x01\x82\x19\x01\x00\x43abc\x02\xf5\x20\x65hello";
        assert_eq!(code(whole), None);
        for end in 0..whole.len() {
            assert_eq!(code(&whole[..end]).unwrap().0, Code::CborTruncated, "{end} bytes");
        }
    }
}
