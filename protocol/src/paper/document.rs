//! Papers that sign a document which travels beside them: a merchant's listing, an issuer's statement of a day.
//! `spec/cddl/document.cddl`

use std::fmt;

use crate::code::Code;
use crate::fault::Fault;
use crate::field::paper;
use crate::id::{Digest, PartyId};
use crate::label::{AUD, CONTENT, IAT, ISS};
use crate::time::UnixSeconds;

paper! {
    /// What a merchant says of itself and of what it sells.
    pub struct Listing {
        cwt {
            /// The merchant.
            required merchant: PartyId = ISS,
            /// When it said so.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// SHA-256 of the document.
            required content: Digest = CONTENT,
        }
    }
}

paper! {
    /// What an issuer has done on a day with a merchant's money.
    pub struct DailyStatement {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The merchant.
            required merchant: PartyId = AUD,
            /// When it said so.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// SHA-256 of the document.
            required content: Digest = CONTENT,
        }
    }
}

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// SHA-256 of a document.
pub fn content_of(document: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(document).into())
}

/// Whether this is the document that was signed. Error: `document-mismatch`. [DOC-1]
pub fn check_content(signed: Digest, document: &[u8]) -> Result<(), Fault> {
    if signed == content_of(document) { Ok(()) } else { Err(Fault::new(Code::DocumentMismatch).field(CONTENT.name)) }
}

/// A day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u64);

impl Day {
    /// The day of an instant.
    pub const fn of(at: UnixSeconds) -> Self {
        Self(at.get() / DAY_SECONDS)
    }

    /// Reads a date such as `2026-11-22`.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(str::parse::<u64>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        if year < 1970 {
            return None;
        }
        // A year begins in March here, so that a leap day is its last.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month.checked_add(9)?) };
        let (era, of_era) = (year / 400, year % 400);
        let of_year = month.checked_mul(153)?.checked_add(2)? / 5 + day.checked_sub(1)?;
        let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let number = era.checked_mul(146_097)?.checked_add(days)?.checked_sub(719_468)?;
        // Each day has one name.
        let read = Self(number);
        (read.last()?.to_string().get(..10) == Some(text)).then_some(read)
    }

    /// Its first second.
    pub fn first(self) -> Option<UnixSeconds> {
        UnixSeconds::new(self.0.checked_mul(DAY_SECONDS)?)
    }

    /// The first second that is not its own.
    pub fn end(self) -> Option<UnixSeconds> {
        Self(self.0 + 1).first()
    }

    fn last(self) -> Option<UnixSeconds> {
        self.end().map(|end| end.saturating_sub(1))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first().unwrap_or(UnixSeconds::MAX).to_string();
        f.write_str(first.get(..10).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_name() {
        for (text, first) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2024-12-31", 1_735_603_200),
            ("2026-11-22", 1_795_305_600),
        ] {
            let day = Day::read(text).unwrap();
            assert_eq!((day.first().unwrap().get(), day.to_string().as_str()), (first, text));
            assert_eq!(Day::of(UnixSeconds::new(first + 86_399).unwrap()), day);
            assert_eq!(day.end().unwrap().get(), first + 86_400);
        }
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "2026-11-22 ", "1969-12-31", "", "x"] {
            assert_eq!(Day::read(text), None, "{text}");
        }
    }
}
