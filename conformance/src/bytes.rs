//! Two byte strings beside each other.

use std::fmt;
use std::ops::Range;

/// Bytes shown on each side of a difference.
const AROUND: usize = 12;

/// Where two byte strings part and where they meet again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Bytes that they begin with in common.
    pub(crate) at: usize,
    /// What the first has there, in hexadecimal.
    pub(crate) left: String,
    /// What the second has there.
    pub(crate) right: String,
    before: String,
    after: String,
    lengths: (usize, usize),
}

/// How two texts of hexadecimal differ; `None` where one of them is something else, or nothing differs.
pub(crate) fn differ(left: &str, right: &str) -> Option<Difference> {
    let is_hex = |text: &str| {
        text.len() >= 8 && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if !is_hex(left) || !is_hex(right) || left == right {
        return None;
    }
    let pairs = |text: &str| text.as_bytes().chunks(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (a, b) = (pairs(left), pairs(right));
    let same = |mut pairs: Box<dyn Iterator<Item = (Vec<u8>, Vec<u8>)>>| {
        let mut count = 0;
        while pairs.next().is_some_and(|(a, b)| a == b) {
            count += 1;
        }
        count
    };
    let at = same(Box::new(a.clone().into_iter().zip(b.clone())));
    let shorter = a.len().min(b.len());
    let tail = same(Box::new(a.clone().into_iter().rev().zip(b.clone().into_iter().rev()))).min(shorter - at);
    let text = |pairs: &[Vec<u8>]| String::from_utf8(pairs.concat()).unwrap_or_default();
    Some(Difference {
        at,
        left: text(&a[at..a.len() - tail]),
        right: text(&b[at..b.len() - tail]),
        before: text(&a[at.saturating_sub(AROUND)..at]),
        after: text(&a[a.len() - tail..(a.len() - tail + AROUND).min(a.len())]),
        lengths: (a.len(), b.len()),
    })
}

/// Where two texts of hexadecimal differ, byte by byte: the places of the second that the first has not. Places less
/// than four bytes apart are one. Of different lengths there is one place, from where they part to where they meet.
pub(crate) fn apart(left: &str, right: &str) -> Vec<Range<usize>> {
    let Some(difference) = differ(left, right) else { return Vec::new() };
    if left.len() != right.len() {
        let end = difference.at + (difference.right.len() / 2).max(1);
        return vec![difference.at..end; 1];
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    let pairs = left.as_bytes().chunks(2).zip(right.as_bytes().chunks(2));
    for (at, _) in pairs.enumerate().filter(|(_, (a, b))| a != b) {
        match places.last_mut() {
            Some(last) if at < last.end + 4 => last.end = at + 1,
            _ => places.push(at..at + 1),
        }
    }
    places
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |hex: &str| match hex.len() {
            0 => "nothing".to_owned(),
            length if length > 48 => format!("{}… ({} bytes)", &hex[..40], length / 2),
            _ => hex.to_owned(),
        };
        write!(f, "at byte {}: {}, here {}", self.at, short(&self.left), short(&self.right))?;
        write!(f, "  (…{} [{}] {}…", self.before, short(&self.right), self.after)?;
        if self.lengths.0 == self.lengths.1 {
            write!(f, ")")
        } else {
            write!(f, "; {} bytes, here {})", self.lengths.0, self.lengths.1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::differ;

    #[test]
    fn a_difference_is_found_from_both_ends() {
        let one = differ("d28443a10126", "d28443a20126").unwrap();
        assert_eq!((one.at, one.left.as_str(), one.right.as_str()), (3, "a1", "a2"));
        let more = differ("00112233", "0011112233").unwrap();
        assert_eq!((more.at, more.left.as_str(), more.right.as_str()), (2, "", "11"));
        assert_eq!(differ("00112233", "001122"), None, "six digits are fewer than are taken for bytes");
        assert_eq!(differ("00112233", "00112233"), None);
        assert_eq!(differ("shop.example", "00112233"), None);
    }
}
