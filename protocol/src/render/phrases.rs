//! The registries that the words come from, as they stand in `spec/`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Hole, Language, Medium};

const PHRASES: &str = include_str!("../../../spec/registries/phrases.csv");
const LEGIBLE: &str = include_str!("../../../spec/registries/legible.csv");

/// A row of `phrases.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What the row is looked up by.
    pub key: &'static str,
    /// The tag of its language.
    pub language: &'static str,
    /// `screen`, `voice` or `both`.
    pub medium: &'static str,
    /// The words, with holes such as `{amount}`.
    pub text: &'static str,
}

/// How a character of somebody else's text is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legible {
    /// A letter, a digit or an ideograph: written and said.
    Letter,
    /// A sign: written, and said by its name.
    Sign,
    /// A space, which stands between other characters only.
    Space,
}

/// Every row of `phrases.csv`, in order.
pub fn phrases() -> impl Iterator<Item = Phrase> {
    PHRASES.lines().skip(1).filter_map(|line| {
        let mut cells = line.splitn(4, ',');
        let mut cell = || cells.next();
        Some(Phrase { key: cell()?, language: cell()?, medium: cell()?, text: cell()? })
    })
}

/// How a character is taken; `None` when it is not in `legible.csv`.
pub fn legible(character: char) -> Option<Legible> {
    let number = u32::from(character);
    let before = RANGES.partition_point(|&(first, ..)| first <= number);
    let &(_, last, kind) = RANGES.get(before.checked_sub(1)?)?;
    (number <= last).then_some(kind)
}

/// The words for a key: those for the medium, or those for both.
pub(super) fn find(key: &str, language: Language, medium: Medium) -> Option<&'static str> {
    let row = |medium| TABLE.get(&(key, language.tag(), medium)).copied();
    row(medium.name()).or_else(|| row("both"))
}

/// The words with each hole filled once, from the left; what goes in is not looked at again.
pub(super) fn fill(phrase: &str, holes: &[Hole<'_>]) -> String {
    let mut text = String::new();
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        match holes.iter().find(|(hole, _)| *hole == name) {
            Some((_, value)) => text.push_str(value),
            // A hole without a value stays to be seen: a limit never goes missing in silence.
            None => text.push_str(&format!("{{{name}}}")),
        }
        rest = behind;
    }
    text + rest
}

type Row = (&'static str, &'static str, &'static str);

static TABLE: LazyLock<HashMap<Row, &'static str>> =
    LazyLock::new(|| phrases().map(|phrase| ((phrase.key, phrase.language, phrase.medium), phrase.text)).collect());

static RANGES: LazyLock<Vec<(u32, u32, Legible)>> = LazyLock::new(|| {
    let range = |line: &str| {
        let mut cells = line.split(',');
        let mut number = || u32::from_str_radix(cells.next()?, 16).ok();
        let (first, last) = (number()?, number()?);
        let kind = match cells.next()? {
            "letter" => Legible::Letter,
            "sign" => Legible::Sign,
            "space" => Legible::Space,
            _ => return None,
        };
        Some((first, last, kind))
    };
    LEGIBLE.lines().skip(1).filter_map(range).collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn holes(text: &str) -> Vec<&str> {
        let mut holes: Vec<_> = text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
        holes.sort_unstable();
        holes
    }

    #[test]
    fn a_key_has_each_medium_in_each_language_with_the_same_holes_or_in_none() {
        let mut keys: BTreeMap<&str, Vec<Phrase>> = BTreeMap::new();
        for phrase in phrases() {
            keys.entry(phrase.key).or_default().push(phrase);
        }
        // English counts to twenty and to a thousand, Chinese to ten and to ten thousand.
        for (key, rows) in keys.iter().filter(|(key, _)| !key.starts_with("number.")) {
            let media = |language: Language| Medium::ALL.map(|medium| find(key, language, medium).is_some());
            assert_eq!(media(Language::English), media(Language::Chinese), "{key}");
            let rows_of = |tag: &str| rows.iter().filter(|row| row.language == tag).count();
            assert!(rows_of("en") <= 2 && rows_of("zh") <= 2, "{key} stands twice");
            assert!(rows.iter().all(|row| Language::from_tag(row.language).is_some()), "{key}");
        }
    }

    #[test]
    fn languages_agree_on_the_holes_of_a_line() {
        for key in phrases().map(|phrase| phrase.key) {
            for medium in Medium::ALL {
                let [english, chinese] =
                    Language::ALL.map(|language| find(key, language, medium).map(holes).unwrap_or_default());
                // Money is named by its code in English and by its name in Chinese.
                if !key.starts_with("number.") && key != "money" {
                    assert_eq!(english, chinese, "{key} for {medium:?}");
                }
            }
        }
    }

    /// A key stands in the source as a whole, or its family before what is put behind the last point.
    #[test]
    fn every_key_is_asked_for() {
        let sources = [
            include_str!("confirmation.rs"),
            include_str!("mandate.rs"),
            include_str!("number.rs"),
            include_str!("offer.rs"),
            include_str!("rules.rs"),
            include_str!("text.rs"),
            include_str!("when.rs"),
        ];
        let is_written = |what: String| sources.iter().any(|source| source.contains(&what));
        let counted = ["unit.", "clock."];
        for key in phrases().map(|phrase| phrase.key) {
            let family = key.rsplit_once('.').map_or(key, |(family, _)| family);
            let is_asked_for = is_written(format!("\"{key}\""))
                || is_written(format!("\"{family}.{{"))
                || counted.iter().any(|family| key.starts_with(family));
            assert!(is_asked_for, "{key}");
        }
    }

    #[test]
    fn no_two_currencies_have_one_name() {
        for language in Language::ALL {
            let name = |phrase: &Phrase| phrase.key.starts_with("currency.") && phrase.language == language.tag();
            let mut names: Vec<_> = phrases().filter(name).map(|phrase| phrase.text).collect();
            let all = names.len();
            assert_eq!(all, crate::money::Currency::all().len());
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn ranges_are_in_order_and_apart() {
        assert_eq!(RANGES.len(), LEGIBLE.lines().count() - 1);
        assert!(RANGES.iter().all(|(first, last, _)| first <= last));
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn every_sign_has_a_name() {
        let signs = RANGES.iter().filter(|(.., kind)| *kind != Legible::Letter);
        for number in signs.flat_map(|&(first, last, _)| first..=last) {
            let key = format!("sign.{number:04X}");
            assert!(find(&key, Language::English, Medium::Voice).is_some(), "{key}");
        }
    }

    #[test]
    fn holes_are_filled_once() {
        let holes = [("a", "{b}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("{a} and {b}, {a}.", &holes), "{b} and x, {b}.");
        assert_eq!(fill("no hole", &holes), "no hole");
        assert_eq!(fill("open {a", &holes), "open {b}");
        assert_eq!(fill("{c}", &holes), "{c}");
    }
}
