//! Why a chain is refused: a code of the registry, and the name of what it is about.

use std::fmt;

use purser_protocol::code::{Code, Stage};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// Which token of the chain, from 0.
    pub token: Option<usize>,
    /// The member or the constraint that it is about.
    pub name: Option<Box<str>>,
}

impl Refusal {
    pub(crate) fn new(code: Code) -> Self {
        Self { code, token: None, name: None }
    }

    pub(crate) fn of(code: Code, name: impl Into<Box<str>>) -> Self {
        Self { code, token: None, name: Some(name.into()) }
    }

    /// The same, of this token, unless it says of which already.
    pub(crate) fn in_token(self, at: usize) -> Self {
        Self { token: self.token.or(Some(at)), ..self }
    }

    /// The stage of the code: each code of the bridge has one.
    pub fn stage(&self) -> Stage {
        self.code.stages().first().copied().unwrap_or(Stage::Framing)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} stage", self.code, self.stage())?;
        if let Some(token) = self.token {
            write!(f, ", in token {token}")?;
        }
        if let Some(name) = &self.name {
            write!(f, ", {name}")?;
        }
        write!(f, "): {}", self.code.meaning())
    }
}

impl std::error::Error for Refusal {}
