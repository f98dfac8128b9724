//! What a person is shown before a key of theirs signs: the standard rendering of the very fields, whole.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use purser_client::{Error, Result};
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::render::{self, Medium, Rendering};
use purser_protocol::sign::{Frame, Kind, Paper};
use purser_protocol::wire::Reader;

use super::ask;

/// The languages that there is a rendering in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl From<Language> for render::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::English,
            Language::Zh => Self::Chinese,
        }
    }
}

impl Consent {
    /// Whether it was given beforehand, or there is nobody to ask.
    pub(super) fn given(self) -> bool {
        self.yes || !std::io::stdin().is_terminal()
    }
}

/// The answer to a question that is asked only where somebody can be asked.
#[derive(Args, Clone, Copy)]
pub(super) struct Consent {
    /// Do not ask at the terminal
    #[arg(long)]
    yes: bool,
}

/// Shows texts and asks, at a terminal, whether to go on. Where there is none, whoever typed the command has said
/// so; what is signed is shown all the same.
pub(super) fn before_signing(texts: &[&Rendering], question: &str, consent: Consent) -> Result<()> {
    texts.iter().try_for_each(|text| before_asking(&text.to_text()))?;
    ask(question, consent.yes || !std::io::stdin().is_terminal())
}

/// Shows a text, whether or not somebody is asked. What cannot be shown is not signed. [RND-1]
pub(super) fn before_asking(text: &str) -> Result<()> {
    let written = std::io::stderr().write_all(text.as_bytes());
    written.map_err(|error| Error::failed(format!("what is to be signed cannot be shown: {error}")))
}

/// The text of a mandate on a screen.
pub(super) fn mandate(mandate: &Mandate, language: Language) -> Rendering {
    render::mandate(mandate, language.into(), Medium::Screen)
}

/// The text of an offer on a screen.
pub(super) fn offer(offer: &Offer, language: Language) -> Rendering {
    render::offer(offer, language.into(), Medium::Screen)
}

/// The text of a paper in a file; `None` where it is of a kind that has none by itself.
pub(super) fn of_paper(bytes: &[u8], language: Language) -> Option<Rendering> {
    let payload = Frame::read(bytes).ok()?.payload;
    match Kind::of(bytes)? {
        Kind::Mandate => open(payload).map(|paper| mandate(&paper, language)),
        Kind::Offer => open(payload).map(|paper| offer(&paper, language)),
        _ => None,
    }
}

/// What a payload says, whoever signed it.
pub(super) fn open<T: Paper>(payload: &[u8]) -> Option<T> {
    purser_protocol::wire::check(payload).ok()?;
    T::decode(&mut Reader::new(payload)).ok()
}
