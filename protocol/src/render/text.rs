//! Words of other people, names and digests: what is not ours to word.
//!
//! A text of an agent or a merchant stands between quotes that it cannot end. What a reader could not tell apart, or
//! what would steer the text around it, is written by its number.

use super::phrases::{Legible, legible};
use super::{Medium, Pen};
use crate::id::PartyId;

/// Most characters of words for people that a screen shows.
const SCREEN_CHARACTERS_MAX: usize = 80;
/// Most characters of words for people that a voice reads out.
const VOICE_CHARACTERS_MAX: usize = 40;
/// How many figures of a digest a voice says.
const SPOKEN_FIGURES: usize = 16;

impl Pen {
    /// A text that rules compare, whole. [RND-12]
    pub(super) fn quoted(self, text: &str) -> String {
        self.quote(text, usize::MAX)
    }

    /// Words for people, which decide nothing: the beginning, and how much is left out. [RND-13]
    pub(super) fn quoted_words(self, text: &str) -> String {
        self.quote(text, if self.is_voice() { VOICE_CHARACTERS_MAX } else { SCREEN_CHARACTERS_MAX })
    }

    fn quote(self, text: &str, most: usize) -> String {
        let count = text.chars().count();
        let count_hole = |count: usize| ("count", self.number(count as u64));
        let shown: String = text.chars().take(most).collect();
        if self.is_voice() && self.ends_a_quote(&shown) {
            return self.word("quote.unsaid", &[count_hole(count)]);
        }
        let shown = match self.medium {
            Medium::Screen => written(&shown),
            Medium::Voice => self.aloud(&shown),
        };
        match count.checked_sub(most) {
            None | Some(0) => self.word("quote", &[("text", shown)]),
            Some(more) => self.word("quote.cut", &[("text", shown), count_hole(more)]),
        }
    }

    /// Whether somebody who listens could take a part of the text for the end of it. [RND-14]
    fn ends_a_quote(self, text: &str) -> bool {
        let joined: String = text.chars().filter(|&character| legible(character) == Some(Legible::Letter)).collect();
        joined.to_ascii_lowercase().contains(&self.word("quote.word", &[]))
    }

    /// A party, by the name in its certificate. [RND-11]
    pub(super) fn name(self, party: &PartyId) -> String {
        let name = party.as_str();
        let holes = [("name", name.to_owned()), ("said", self.aloud(name)), ("letters", self.spelled(name))];
        // A figure that looks like a letter is named; nothing is turned into other characters.
        let key = match (name.contains('0'), name.contains('1')) {
            _ if self.is_voice() => "name",
            (false, false) => "name",
            (true, false) => "name.0",
            (false, true) => "name.1",
            (true, true) => "name.01",
        };
        self.word(key, &holes)
    }

    /// Figures of a digest or an id: all of them on a screen, the first for a voice. [RND-15]
    pub(super) fn digest(self, bytes: &[u8]) -> String {
        let figures: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let figures = match self.medium {
            Medium::Screen => figures,
            Medium::Voice => spaced(figures.chars().take(SPOKEN_FIGURES).map(String::from)),
        };
        self.word("digest", &[("digits", figures)])
    }

    /// What is said or written one after the other.
    pub(super) fn list(self, between: &str, items: impl Iterator<Item = String>) -> String {
        items.collect::<Vec<_>>().join(&self.word(between, &[]))
    }

    /// A text as a voice says it: signs by their names. On a screen, as it stands. [RND-14]
    pub(super) fn aloud(self, text: &str) -> String {
        if !self.is_voice() {
            return text.to_owned();
        }
        let mut words: Vec<String> = Vec::new();
        let mut is_open = false;
        for (character, is_between) in with_place(text) {
            match legible(character) {
                Some(Legible::Letter) => match words.last_mut() {
                    Some(word) if is_open => word.push(character),
                    _ => words.push(character.into()),
                },
                Some(Legible::Space) if is_between => {}
                _ => words.push(self.sign(character)),
            }
            is_open = legible(character) == Some(Legible::Letter);
        }
        spaced(words)
    }

    fn spelled(self, text: &str) -> String {
        spaced(text.chars().map(|character| match legible(character) {
            Some(Legible::Letter) => character.into(),
            _ => self.sign(character),
        }))
    }

    fn sign(self, character: char) -> String {
        let number = format!("{:04X}", u32::from(character));
        let named = self.say(&format!("sign.{number}"), &[]);
        named.unwrap_or_else(|| self.word("sign", &[("digits", spaced(number.chars().map(String::from)))]))
    }
}

/// A text as a screen shows it: what is not legible by its number. [RND-12]
fn written(text: &str) -> String {
    let mut shown = String::new();
    for (character, is_between) in with_place(text) {
        match legible(character) {
            Some(Legible::Space) if !is_between => shown.push_str("{U+0020}"),
            Some(_) => shown.push(character),
            None => shown.push_str(&format!("{{U+{:04X}}}", u32::from(character))),
        }
    }
    shown
}

/// The characters, each with whether it stands behind something other than a space and before anything.
fn with_place(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        let is_between = before != ' ' && characters.peek().is_some();
        before = character;
        Some((character, is_between))
    })
}

fn spaced(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// Whether a voice can say all of a text: letters, figures, and what makes it pause.
#[cfg(test)]
pub(super) fn is_sayable(text: &str, language: super::Language) -> bool {
    let pauses = match language {
        super::Language::English => " ,.:",
        super::Language::Chinese => " ，。：",
    };
    text.chars().all(|character| legible(character) == Some(Legible::Letter) || pauses.contains(character))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Language;
    use super::*;

    const SCREEN: Pen = Pen { language: Language::English, medium: Medium::Screen };
    const VOICE: Pen = Pen { language: Language::English, medium: Medium::Voice };
    const CHINESE: Pen = Pen { language: Language::Chinese, medium: Medium::Voice };

    #[test]
    fn hostile_texts_on_a_screen() {
        for (text, shown) in [
            ("Longjing tea, 25 g", "“Longjing tea, 25 g”"),
            ("龙井茶（大杯）", "“龙井茶（大杯）”"),
            ("tea” and 9.99 CNY more", "“tea{U+201D} and 9.99 CNY more”"),
            ("\u{202e}yad", "“{U+202E}yad”"),
            ("שלום 100", "“{U+05E9}{U+05DC}{U+05D5}{U+05DD} 100”"),
            ("t\u{435}a", "“t{U+0435}a”"),
            ("１００", "“{U+FF11}{U+FF10}{U+FF10}”"),
            ("{U+0041}", "“{U+007B}U+0041{U+007D}”"),
            (" a  b ", "“{U+0020}a {U+0020}b{U+0020}”"),
            ("a\nb", "“a{U+000A}b”"),
            ("\u{1f4b0}", "“{U+1F4B0}”"),
            ("e\u{301}", "“e{U+0301}”"),
        ] {
            assert_eq!(SCREEN.quoted(text), shown);
        }
    }

    #[test]
    fn texts_aloud() {
        assert_eq!(VOICE.quoted("tea-25 g"), "quote, tea dash 25 g, end of quote");
        assert_eq!(VOICE.quoted("50%, now"), "quote, 50 percent sign comma now, end of quote");
        assert_eq!(CHINESE.quoted("龙井（大）"), "引文，龙井 全角左括号 大 全角右括号，引文完");
        assert_eq!(VOICE.quoted("tea, End of quote. Pay 1"), "a text of twenty four characters that is not read out");
        assert_eq!(VOICE.quoted("e-n-d of Q.uo te"), "a text of sixteen characters that is not read out");
        assert_eq!(CHINESE.quoted("茶引 文完"), "一段不读出的文字，共五个字符");
        assert_eq!(VOICE.quoted("\u{2067}"), "quote, character 2 0 6 7, end of quote");
    }

    #[test]
    fn long_words_are_cut_and_counted() {
        let long = "x".repeat(200);
        assert_eq!(SCREEN.quoted_words(&long), format!("“{}” and 120 more characters", "x".repeat(80)));
        assert_eq!(SCREEN.quoted_words(&"x".repeat(80)), format!("“{}”", "x".repeat(80)));
        assert!(VOICE.quoted_words(&long).ends_with(", end of quote, and one hundred sixty more characters"));
        assert_eq!(SCREEN.quoted(&long), format!("“{long}”"));
    }

    #[test]
    fn names() {
        let party = |name| PartyId::new(name).unwrap();
        assert_eq!(SCREEN.name(&party("tea.example")), "tea.example");
        assert_eq!(SCREEN.name(&party("paypa1.example")), "paypa1.example (1 is a digit)");
        assert_eq!(SCREEN.name(&party("g00gle-1.example")), "g00gle-1.example (0 and 1 are digits)");
        assert_eq!(SCREEN.name(&party("xn--80ak6aa92e.example")), "xn--80ak6aa92e.example (0 is a digit)");
        assert_eq!(VOICE.name(&party("a1.b")), "a1 dot b, letter by letter a 1 dot b");
        assert_eq!(CHINESE.name(&party("a1.b")), "a1 点 b，逐字为 a 1 点 b");
    }

    proptest! {
        #[test]
        fn nothing_escapes_its_quotes(text in any::<String>()) {
            let shown = SCREEN.quoted(&text);
            let inside = shown.strip_prefix('“').and_then(|rest| rest.strip_suffix('”')).unwrap();
            prop_assert!(inside.chars().all(|c| legible(c).is_some() || "{}".contains(c)), "{}", inside);
            prop_assert!(!inside.contains(['“', '”', '\n', '"']));
            for pen in [VOICE, CHINESE] {
                let said = pen.quoted(&text);
                prop_assert!(is_sayable(&said, pen.language), "{}", said);
                let inside = match pen.language {
                    Language::English => said.strip_prefix("quote, ").and_then(|s| s.strip_suffix(", end of quote")),
                    Language::Chinese => said.strip_prefix("引文，").and_then(|s| s.strip_suffix("，引文完")),
                };
                let inside = inside.unwrap_or_default().to_lowercase();
                prop_assert!(!inside.contains([',', '，', '.', '。']) && !inside.contains(&pen.word("quote.word", &[])));
            }
        }

        #[test]
        fn two_texts_are_two_on_a_screen(one in "[ -~é龙\u{200b}\u{435}“”{}]{0,6}", other in "[ -~é龙\u{200b}\u{435}“”{}]{0,6}") {
            prop_assert_eq!(SCREEN.quoted(&one) == SCREEN.quoted(&other), one == other);
        }
    }
}
