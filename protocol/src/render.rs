//! The standard rendering: what a person is shown or read, from the papers alone.
//!
//! The words are data, in `spec/registries/phrases.csv`; which characters of other people's texts stand as they are is
//! `spec/registries/legible.csv`. Any two programs give the same text, byte for byte, so that its digest says what
//! was shown. Nothing here fails: a value that a paper cannot hold is written all the same.

mod confirmation;
mod mandate;
mod number;
mod offer;
mod phrases;
mod rules;
mod text;
mod when;

pub use confirmation::{confirmation, phrase};
pub use mandate::mandate;
pub use offer::offer;
pub use phrases::{Legible, Phrase, legible, phrases};

use sha2::{Digest as _, Sha256};

use crate::id::Digest;
use crate::paper::confirmation::Modality;
use crate::paper::mandate::{self as paper, Shown};

/// A language that there are phrases of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// Every language, in the order of the registry.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The tag in the registry and in `shown`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The language with this tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

/// What the text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// To be read.
    Screen,
    /// To be spoken.
    Voice,
}

impl Medium {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Screen, Self::Voice];

    /// The name in the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Voice => "voice",
        }
    }

    /// The medium with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.name() == name)
    }

    /// The medium by which a person said yes. [RND-5]
    pub const fn of(how: Modality) -> Self {
        match how {
            Modality::Voice => Self::Voice,
            Modality::Screen | Modality::Tap | Modality::Device => Self::Screen,
        }
    }
}

/// One line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which field it says, such as `caps.total_per.0`.
    pub key: String,
    /// 1 for what stands below a heading, else 0.
    pub level: u8,
    /// The words.
    pub text: String,
}

/// The text of a paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// The language of its words.
    pub language: Language,
    /// What it is for.
    pub medium: Medium,
    /// Its lines, in order.
    pub lines: Vec<Line>,
}

impl Rendering {
    /// All of it: each line with its end, on a screen with two spaces before what stands below a heading. [RND-4]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            if line.level > 0 && self.medium == Medium::Screen {
                text.push_str("  ");
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// What a paper says that was shown. [RND-5] [MAN-2]
    pub fn shown(&self) -> Shown {
        let language = match self.language {
            Language::English => paper::Language::english(),
            Language::Chinese => paper::Language::chinese(),
        };
        Shown { language, rendering: Digest(Sha256::digest(self.to_text()).into()) }
    }
}

/// Writes in one language for one medium.
#[derive(Clone, Copy)]
struct Pen {
    language: Language,
    medium: Medium,
}

/// A hole of a phrase and what goes into it.
type Hole<'a> = (&'a str, String);

impl Pen {
    /// A phrase with its holes filled; `None` where this medium leaves it out. [RND-3]
    fn say(self, key: &str, holes: &[Hole<'_>]) -> Option<String> {
        phrases::find(key, self.language, self.medium).map(|phrase| phrases::fill(phrase, holes))
    }

    /// A phrase that every medium has.
    fn word(self, key: &str, holes: &[Hole<'_>]) -> String {
        self.say(key, holes).unwrap_or_default()
    }

    fn is_voice(self) -> bool {
        self.medium == Medium::Voice
    }
}

/// A text while it is written.
struct Page {
    pen: Pen,
    lines: Vec<Line>,
}

impl Page {
    fn new(language: Language, medium: Medium) -> Self {
        Self { pen: Pen { language, medium }, lines: Vec::new() }
    }

    /// A line that says the field `key` by `phrase`.
    fn line(&mut self, key: impl Into<String>, phrase: &str, holes: &[Hole<'_>]) {
        self.at_level(0, key, phrase, holes);
    }

    fn at_level(&mut self, level: u8, key: impl Into<String>, phrase: &str, holes: &[Hole<'_>]) {
        if let Some(text) = self.pen.say(phrase, holes) {
            self.lines.push(Line { key: key.into(), level, text });
        }
    }

    fn done(self) -> Rendering {
        Rendering { language: self.pen.language, medium: self.pen.medium, lines: self.lines }
    }
}
