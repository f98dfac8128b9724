//! Amounts in minor units, currencies from a fixed table, and how people read and write the two.
//!
//! No floats and no negative numbers anywhere. A sum that does not fit is `None`, never a smaller sum.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

mod table;

use table::TABLE;

/// From one minor unit to 2^53 - 1 of them, the greatest whole number that every JSON reader keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(NonZeroU64);

impl Amount {
    /// The greatest amount.
    pub const MAX_MINOR: u64 = (1 << 53) - 1;

    /// So many minor units, unless there are none or too many.
    pub const fn from_minor(minor: u64) -> Option<Self> {
        match NonZeroU64::new(minor) {
            Some(units) if minor <= Self::MAX_MINOR => Some(Self(units)),
            _ => None,
        }
    }

    /// The number of minor units.
    pub const fn minor(self) -> u64 {
        self.0.get()
    }

    /// Both together, unless that is too much for one amount.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        // Two of 53 bits each: no overflow.
        Self::from_minor(self.minor() + other.minor())
    }

    /// What is left, unless that is nothing or less.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.minor().checked_sub(other.minor()) {
            Some(rest) => Self::from_minor(rest),
            None => None,
        }
    }

    /// So many times this, unless that is nothing or too much for one amount.
    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.minor().checked_mul(times) {
            Some(product) => Self::from_minor(product),
            None => None,
        }
    }

    /// Whether this may be added to what a counter holds without passing `limit`. [ENC-23]
    pub const fn fits(self, counted_minor: u64, limit: Self) -> bool {
        match counted_minor.checked_add(self.minor()) {
            Some(sum) => sum <= limit.minor(),
            None => false,
        }
    }

    /// All of them together, in minor units; nothing comes to 0. `None` when the sum is past 2^64 - 1.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<u64> {
        amounts.into_iter().try_fold(0_u64, |sum, amount| sum.checked_add(amount.minor()))
    }
}

impl TryFrom<u64> for Amount {
    type Error = MoneyError;

    fn try_from(minor: u64) -> Result<Self, MoneyError> {
        Self::from_minor(minor).ok_or(MoneyError::Range)
    }
}

/// A row of the table: an ISO 4217 currency that is in force and has a minor unit.
///
/// Currencies are ordered by code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u8);

// A row's place is kept in one byte.
const _: () = assert!(TABLE.len() <= 256);

/// The codes alone, close together: every paper's is looked up.
const CODES: [[u8; 3]; TABLE.len()] = {
    let mut codes = [[0; 3]; TABLE.len()];
    let mut at = 0;
    while at < codes.len() {
        if let [a, b, c] = *TABLE[at].0.as_bytes() {
            codes[at] = [a, b, c];
        }
        at += 1;
    }
    codes
};

impl Currency {
    /// The currency with this code: three capitals, as they stand in the table.
    pub fn from_code(code: &str) -> Option<Self> {
        let place = CODES.binary_search(code.as_bytes().try_into().ok()?).ok()?;
        u8::try_from(place).ok().map(Self)
    }

    /// Every currency, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..TABLE.len()).map(|place| Self(place as u8))
    }

    /// The alphabetic code, such as `CNY`.
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The numeric code, such as 156.
    pub const fn number(self) -> u16 {
        self.row().1
    }

    /// How many decimals the minor unit stands for: 2 for CNY, 0 for JPY, 3 for KWD.
    pub const fn exponent(self) -> u8 {
        self.row().2
    }

    /// The English name in ISO 4217.
    pub const fn name(self) -> &'static str {
        self.row().3
    }

    /// So many minor units as people write them, nothing included: `12.80 CNY`, `0.00 CNY`, `1280 JPY`.
    pub fn show(self, minor: u64) -> impl fmt::Display {
        Shown { minor, currency: self }
    }

    const fn row(self) -> &'static (&'static str, u16, u8, &'static str) {
        &TABLE[self.0 as usize]
    }

    const fn minor_per_major(self) -> u64 {
        10_u64.pow(self.exponent() as u32)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::from_code(code).ok_or(MoneyError::Currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of a currency, for people: printed and typed as `12.80 CNY`.
///
/// Papers keep the two apart, because a mandate or an offer has many amounts and one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.currency.show(self.amount.minor()).fmt(f)
    }
}

/// Strict: digits, then no decimals or as many as the currency has, one space at most, then the code.
///
/// A comma means a thousand to one reader and a tenth to another, so it is refused, and so is every sign, exponent,
/// leading zero and rounding.
impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (number, code) = text.split_at_checked(text.len().saturating_sub(3)).ok_or(MoneyError::Syntax)?;
        let number = number.strip_suffix(' ').unwrap_or(number);
        let (whole, decimals) = match number.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (number, None),
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_code = code.bytes().all(|byte| byte.is_ascii_alphabetic());
        let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_number(whole) || !decimals.is_none_or(is_number) || leads_with_zero || !is_code {
            return Err(MoneyError::Syntax);
        }
        let currency: Currency = code.parse()?;
        if decimals.is_some_and(|decimals| decimals.len() != usize::from(currency.exponent())) {
            return Err(MoneyError::Decimals);
        }
        // Only digits are left, so what fails from here on is too long.
        let major: u64 = whole.parse().map_err(|_| MoneyError::Range)?;
        let rest: u64 = decimals.unwrap_or("0").parse().map_err(|_| MoneyError::Range)?;
        let minor = major.checked_mul(currency.minor_per_major()).and_then(|minor| minor.checked_add(rest));
        let amount = minor.and_then(Amount::from_minor).ok_or(MoneyError::Range)?;
        Ok(Self { amount, currency })
    }
}

/// Why a number or a text is not money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// The text is not a plain decimal number and a code.
    Syntax,
    /// The code is not in the table.
    Currency,
    /// There are decimals, but not as many as the currency has.
    Decimals,
    /// There is nothing, or more than the greatest amount.
    Range,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not an amount such as 12.80 CNY",
            Self::Currency => "not a currency code of ISO 4217",
            Self::Decimals => "not as many decimals as the currency has",
            Self::Range => "not between one minor unit and 2^53 - 1 of them",
        })
    }
}

impl std::error::Error for MoneyError {}

struct Shown {
    minor: u64,
    currency: Currency,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (per_major, width) = (self.currency.minor_per_major(), usize::from(self.currency.exponent()));
        let (major, rest) = (self.minor / per_major, self.minor % per_major);
        match width {
            0 => write!(f, "{major} {}", self.currency),
            _ => write!(f, "{major}.{rest:0width$} {}", self.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGISTRY: &str = include_str!("../../spec/registries/currencies.csv");

    fn minor(units: u64) -> Amount {
        Amount::from_minor(units).unwrap()
    }

    #[test]
    fn the_table_is_the_registry() {
        let rows: Vec<Vec<&str>> = REGISTRY.lines().skip(1).map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), Currency::all().len());
        for (row, currency) in rows.iter().zip(Currency::all()) {
            let (number, exponent) = (format!("{:03}", currency.number()), currency.exponent().to_string());
            assert_eq!(row[..], [currency.code(), number.as_str(), exponent.as_str(), currency.name()]);
            assert_eq!(Currency::from_code(row[0]), Some(currency));
        }
    }

    #[test]
    fn the_table_is_sorted_and_its_codes_are_three_capitals() {
        assert!(TABLE.is_sorted_by(|left, right| left.0 < right.0));
        assert!(TABLE.iter().all(|row| row.0.len() == 3 && row.0.bytes().all(|byte| byte.is_ascii_uppercase())));
        let numbers: std::collections::BTreeSet<_> = TABLE.iter().map(|row| row.1).collect();
        assert_eq!(numbers.len(), TABLE.len());
        assert!(numbers.iter().all(|&number| (1..=999).contains(&number)));
    }

    #[test]
    fn exponents_are_those_of_iso_4217() {
        let exponent = |code| Currency::from_code(code).map(Currency::exponent);
        assert_eq!(exponent("CNY"), Some(2));
        assert_eq!(exponent("JPY"), Some(0));
        assert_eq!(exponent("KWD"), Some(3));
        assert_eq!(exponent("CLF"), Some(4));
        assert_eq!(exponent("UYW"), Some(4));
        // Neither metals, test codes, withdrawn currencies nor other spellings.
        for code in ["XAU", "XXX", "XTS", "XDR", "DEM", "ANG", "BGN", "cny", "CN", "CNYX", "", " CNY", "156"] {
            assert_eq!(exponent(code), None, "{code}");
        }
    }

    #[test]
    fn an_amount_is_never_zero_and_keeps_to_53_bits() {
        assert_eq!(Amount::from_minor(0), None);
        assert_eq!(minor(1).minor(), 1);
        assert_eq!(minor(9_007_199_254_740_991).minor(), Amount::MAX_MINOR);
        assert_eq!(Amount::from_minor(9_007_199_254_740_992), None);
        assert_eq!(Amount::try_from(u64::MAX), Err(MoneyError::Range));
    }

    #[test]
    fn sums_that_do_not_fit_are_none() {
        let most = minor(Amount::MAX_MINOR);
        assert_eq!(minor(2).checked_add(minor(3)), Some(minor(5)));
        assert_eq!(most.checked_add(minor(1)), None);
        assert_eq!(minor(5).checked_sub(minor(3)), Some(minor(2)));
        assert_eq!(minor(5).checked_sub(minor(5)), None);
        assert_eq!(minor(5).checked_sub(minor(6)), None);
        assert_eq!(minor(5).checked_mul(3), Some(minor(15)));
        assert_eq!(minor(5).checked_mul(0), None);
        assert_eq!(minor(5).checked_mul(u64::MAX), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(Amount::total([]), Some(0));
        assert_eq!(Amount::total([most, most]), Some(2 * Amount::MAX_MINOR));
        assert_eq!(Amount::total(std::iter::repeat_n(most, 2049)), None);
    }

    #[test]
    fn an_amount_fits_up_to_the_limit_itself() {
        assert!(minor(40).fits(60, minor(100)));
        assert!(!minor(40).fits(61, minor(100)));
        assert!(!minor(40).fits(u64::MAX, minor(Amount::MAX_MINOR)));
    }

    #[test]
    fn money_is_written_with_the_decimals_of_its_currency() {
        for (text, units) in
            [("12.80 CNY", 1280), ("0.05 CNY", 5), ("1280 JPY", 1280), ("1.280 KWD", 1280), ("0.1280 CLF", 1280)]
        {
            let money: Money = text.parse().unwrap();
            assert_eq!(money.amount, minor(units));
            assert_eq!(money.to_string(), text);
        }
        assert_eq!(Currency::from_code("CNY").unwrap().show(0).to_string(), "0.00 CNY");
        assert_eq!(Currency::from_code("CNY").unwrap().show(u64::MAX).to_string(), "184467440737095516.15 CNY");
    }

    #[test]
    fn money_is_read_without_guessing() {
        let read = |text: &str| text.parse::<Money>().map(|money| money.amount.minor());
        for (text, units) in [
            ("12.80CNY", 1280),
            ("12 CNY", 1200),
            ("12CNY", 1200),
            ("0.01 CNY", 1),
            ("90071992547409.91 CNY", Amount::MAX_MINOR),
        ] {
            assert_eq!(read(text), Ok(units), "{text}");
        }
        let no_syntax = "|C|CNY| CNY|12.80|12,80 CNY|1,280.00 CNY|+12.80 CNY|-12.80 CNY|1e3 CNY|12. CNY|.80 CNY\
            |012.80 CNY|00 CNY|12.80  CNY| 12.80 CNY|12.80 CNY |12.80\tCNY|1 280 CNY|1_280 CNY|12.8.0 CNY|0x10 CNY\
            |NaN CNY|inf CNY|١٢ CNY|12.80 ¥|1\u{a0}CNY";
        for text in no_syntax.split('|') {
            assert_eq!(read(text), Err(MoneyError::Syntax), "{text}");
        }
        for text in ["12.80 cny", "12.80 XAU", "12.80 AAA"] {
            assert_eq!(read(text), Err(MoneyError::Currency), "{text}");
        }
        for text in ["12.8 CNY", "12.800 CNY", "12.0 JPY", "1.28 KWD"] {
            assert_eq!(read(text), Err(MoneyError::Decimals), "{text}");
        }
        for text in
            ["0 CNY", "0.00 CNY", "90071992547409.92 CNY", "18446744073709551616 JPY", "18446744073709551615 CNY"]
        {
            assert_eq!(read(text), Err(MoneyError::Range), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(units in 1..=Amount::MAX_MINOR, place in 0..TABLE.len()) {
            let money = Money { amount: minor(units), currency: Currency::all().nth(place).unwrap() };
            prop_assert_eq!(money.to_string().parse(), Ok(money));
            prop_assert_eq!(money.to_string().replace(' ', "").parse(), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            if let Ok(money) = text.parse::<Money>() {
                prop_assert!(money.amount.minor() <= Amount::MAX_MINOR);
            }
        }
    }
}
