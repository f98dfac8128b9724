//! Goes over what has passed the strict pass without asking its questions again.

/// The entries of a map, in bytes that have passed [`check`](super::check()); in any others it ends early.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u64,
}

/// One entry of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Where its key stands.
    pub(crate) at: usize,
    /// Its key, where that is a number that a label can be.
    pub(crate) label: Option<i64>,
    /// Its value.
    pub(crate) value: &'a [u8],
}

impl<'a> Entries<'a> {
    /// None where the bytes are no map.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        match head(bytes, 0) {
            Some((5, left, at)) => Self { bytes, at, left },
            _ => Self { bytes, at: 0, left: 0 },
        }
    }

    fn entry(&mut self) -> Option<Entry<'a>> {
        let at = self.at;
        let (major, argument, after) = head(self.bytes, at)?;
        let (label, from) = match major {
            0 => (i64::try_from(argument).ok(), after),
            1 => (i64::try_from(argument).ok().map(|number| -1 - number), after),
            _ => (None, end(self.bytes, at)?),
        };
        self.at = end(self.bytes, from)?;
        Some(Entry { at, label, value: self.bytes.get(from..self.at)? })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.entry()
    }
}

/// Where the item that begins at `at` ends.
fn end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut left = 1_u64;
    while left > 0 {
        let (major, argument, next) = head(bytes, at)?;
        (at, left) = (next, left - 1);
        match major {
            2 | 3 => at = at.checked_add(usize::try_from(argument).ok()?)?,
            4 => left = left.checked_add(argument)?,
            5 => left = left.checked_add(argument.checked_mul(2)?)?,
            _ => {}
        }
    }
    Some(at)
}

/// Major type, argument, and where the head ends.
#[inline]
fn head(bytes: &[u8], at: usize) -> Option<(u8, u64, usize)> {
    let first = *bytes.get(at)?;
    let width = match first & 0x1f {
        info @ 0..=23 => return Some((first >> 5, u64::from(info), at + 1)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let argument = bytes.get(at + 1..at + 1 + width)?.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    Some((first >> 5, argument, at + 1 + width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_a_map_and_nothing_of_anything_else() {
        let map = b"\xa4\x01\x82\x61a\xa1\x02\xf5\x18\x20\x58\x18abcdefghijklmnopqrstuvwx\x20\x19\x01\x00\x63abc\x00";
        let entries: Vec<_> = Entries::of(map).map(|entry| (entry.at, entry.label, entry.value.len())).collect();
        assert_eq!(entries, [(1, Some(1), 6), (8, Some(32), 26), (36, Some(-1), 3), (40, None, 1)]);
        for (bytes, count) in [(&b""[..], 0), (b"\x80", 0), (b"\xa1", 0), (b"\xbf\x01\x01\xff", 0), (&map[..45], 4)] {
            assert_eq!(Entries::of(bytes).count(), count, "{bytes:02x?}");
        }
    }

    /// Lengths that no bytes can have end it, and take no time.
    #[test]
    fn ends_where_it_cannot_go_on() {
        let whole = b"\xa2\x01\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x02\x5b\xff\xff\xff\xff\xff\xff\xff\xff";
        for end in 0..=whole.len() {
            assert_eq!(Entries::of(&whole[..end]).count(), 0, "{end} bytes");
        }
    }
}
