//! Numbers and money: in figures on a screen, in words for a voice.

use super::Pen;
use crate::money::{Amount, Currency};

/// From here on a number is said figure by figure.
const SAID_IN_WORDS: u128 = 10_u128.pow(16);

impl Pen {
    /// A whole number. [RND-6] [RND-7] [RND-8]
    pub(super) fn number(self, number: impl Into<u128>) -> String {
        let number = number.into();
        match self.medium {
            super::Medium::Screen => grouped(number),
            super::Medium::Voice => self.in_words(number),
        }
    }

    /// An amount with its currency.
    pub(super) fn amount(self, amount: Amount, currency: Currency) -> String {
        self.money(amount.minor(), currency)
    }

    /// Minor units with their currency. [RND-6]
    pub(super) fn money(self, minor: impl Into<u128>, currency: Currency) -> String {
        let number = self.decimal(minor.into(), usize::from(currency.exponent()), self.is_voice());
        let holes =
            [("number", number), ("code", currency.code().to_owned()), ("currency", self.currency_name(currency))];
        self.word("money", &holes)
    }

    pub(super) fn currency_name(self, currency: Currency) -> String {
        self.word(&format!("currency.{}", currency.code()), &[])
    }

    /// Thousandths as a percentage, without a decimal that is nothing. [RND-6]
    pub(super) fn percent(self, per_mille: u64) -> String {
        self.word("percent", &[("number", self.decimal(per_mille.into(), 1, true))])
    }

    /// Figures one by one: `5499` is `5499` on a screen, and four words for a voice. [RND-7]
    pub(super) fn figures(self, figures: &str) -> String {
        if !self.is_voice() {
            return figures.to_owned();
        }
        let words = figures.chars().map(|figure| self.word(&format!("number.{figure}"), &[]));
        words.collect::<Vec<_>>().join(self.between())
    }

    /// So many units of the last of `places` decimals.
    fn decimal(self, units: u128, places: usize, drop_nothing: bool) -> String {
        let one = 10_u128.pow(u32::try_from(places).unwrap_or(0));
        let (whole, rest) = (self.number(units / one), units % one);
        if places == 0 || (drop_nothing && rest == 0) {
            return whole;
        }
        let decimals = format!("{rest:0places$}");
        if !self.is_voice() {
            return format!("{whole}.{decimals}");
        }
        [whole, self.word("number.point", &[]), self.figures(&decimals)].join(self.between())
    }

    fn in_words(self, number: u128) -> String {
        if number >= SAID_IN_WORDS {
            return self.figures(&number.to_string());
        }
        let mut words = Vec::new();
        match self.language {
            super::Language::English => english(number, &mut words),
            super::Language::Chinese => chinese(number, &mut words),
        }
        let words = words.into_iter().map(|word| self.word(&format!("number.{word}"), &[]));
        words.collect::<Vec<_>>().join(self.between())
    }

    /// What stands between two words that make one number.
    fn between(self) -> &'static str {
        match self.language {
            super::Language::English => " ",
            super::Language::Chinese => "",
        }
    }
}

/// `1,234,567`. [RND-6]
fn grouped(number: u128) -> String {
    let figures = number.to_string();
    let mut text = String::new();
    for (at, figure) in figures.chars().enumerate() {
        if at > 0 && (figures.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(figure);
    }
    text
}

/// The words of a number below ten to the sixteenth, each by the number that it names. [RND-7]
fn english(number: u128, words: &mut Vec<u128>) {
    if number < 20 {
        return words.push(number);
    }
    let mut rest = number;
    for scale in [15, 12, 9, 6, 3].map(|power| 10_u128.pow(power)) {
        if rest >= scale {
            english(rest / scale, words);
            words.push(scale);
            rest %= scale;
        }
    }
    if rest >= 100 {
        words.extend([rest / 100, 100]);
        rest %= 100;
    }
    if rest >= 20 {
        words.push(rest / 10 * 10);
        rest %= 10;
    }
    if rest > 0 {
        words.push(rest);
    }
}

/// The characters of a number below ten to the sixteenth, each by the number that it names. [RND-8]
fn chinese(number: u128, words: &mut Vec<u128>) {
    if number == 0 {
        return words.push(0);
    }
    below(number, words);
    // Ten to nineteen at the head of a number begin with ten itself.
    if words.starts_with(&[1, 10]) {
        words.remove(0);
    }
}

/// A number that is not nothing. What follows on a unit leaves out places by one character for all of them.
fn below(number: u128, words: &mut Vec<u128>) {
    for unit in [100_000_000, 10_000, 1_000, 100, 10] {
        if number < unit {
            continue;
        }
        below(number / unit, words);
        words.push(unit);
        let rest = number % unit;
        if rest > 0 {
            if rest < unit / 10 {
                words.push(0);
            }
            below(rest, words);
        }
        return;
    }
    words.push(number);
}

#[cfg(test)]
mod tests {
    use super::super::{Language, Medium, Pen};
    use super::*;

    const ENGLISH: Pen = Pen { language: Language::English, medium: Medium::Voice };
    const CHINESE: Pen = Pen { language: Language::Chinese, medium: Medium::Voice };

    #[test]
    fn numbers_in_figures() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn numbers_in_english_words() {
        for (number, text) in [
            (0_u64, "zero"),
            (7, "seven"),
            (13, "thirteen"),
            (20, "twenty"),
            (42, "forty two"),
            (100, "one hundred"),
            (110, "one hundred ten"),
            (999, "nine hundred ninety nine"),
            (1_000, "one thousand"),
            (1_001, "one thousand one"),
            (21_019, "twenty one thousand nineteen"),
            (1_000_000, "one million"),
            (
                9_007_199_254_740_991,
                "nine quadrillion seven trillion one hundred ninety nine billion two hundred fifty four million seven \
                 hundred forty thousand nine hundred ninety one",
            ),
            (
                10_000_000_000_000_000,
                "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero",
            ),
        ] {
            assert_eq!(ENGLISH.number(number), text, "{number}");
        }
    }

    #[test]
    fn numbers_in_chinese_characters() {
        for (number, text) in [
            (0_u64, "零"),
            (2, "二"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (105, "一百零五"),
            (110, "一百一十"),
            (1_001, "一千零一"),
            (1_010, "一千零一十"),
            (10_000, "一万"),
            (10_010, "一万零一十"),
            (100_000, "十万"),
            (101_000, "十万一千"),
            (1_001_000, "一百万一千"),
            (20_000_005, "二千万零五"),
            (100_100_000, "一亿零一十万"),
            (100_000_000_000, "一千亿"),
            (1_000_000_000_000, "一万亿"),
            (1_000_100_000_000, "一万零一亿"),
            (9_007_199_254_740_991, "九千零七万一千九百九十二亿五千四百七十四万零九百九十一"),
        ] {
            assert_eq!(CHINESE.number(number), text, "{number}");
        }
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        let currency = |code| Currency::from_code(code).unwrap();
        let screen = |language| Pen { language, medium: Medium::Screen };
        for (minor, code, english, chinese, said, read) in [
            (
                1_280_u64,
                "CNY",
                "12.80 CNY",
                "12.80 人民币元",
                "twelve point eight zero Chinese Yuan",
                "十二点八零人民币元",
            ),
            (100_000, "CNY", "1,000.00 CNY", "1,000.00 人民币元", "one thousand Chinese Yuan", "一千人民币元"),
            (5, "CNY", "0.05 CNY", "0.05 人民币元", "zero point zero five Chinese Yuan", "零点零五人民币元"),
            (
                1_280,
                "JPY",
                "1,280 JPY",
                "1,280 日元",
                "one thousand two hundred eighty Japanese Yen",
                "一千二百八十日元",
            ),
            (
                1_280,
                "KWD",
                "1.280 KWD",
                "1.280 科威特第纳尔",
                "one point two eight zero Kuwaiti Dinar",
                "一点二八零科威特第纳尔",
            ),
        ] {
            let currency = currency(code);
            let shown = [screen(Language::English), screen(Language::Chinese), ENGLISH, CHINESE];
            assert_eq!(shown.map(|pen| pen.money(minor, currency)), [english, chinese, said, read]);
        }
    }
}
