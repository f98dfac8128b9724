//! A refusal as a value: which code, at which stage, in which paper, at which byte and field.

use std::fmt;

use crate::code::{Code, Stage};

/// Which paper of a message a fault is in, in the order in which papers pass a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The payer's credential.
    Credential,
    /// The mandate at this link of the chain; 0 is the root.
    Mandate(u8),
    /// The offer.
    Offer,
    /// The intent.
    Intent,
    /// The confirmation.
    Confirmation,
    /// A command, such as a capture.
    Command,
    /// A receipt.
    Receipt,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential => f.write_str("credential"),
            Self::Mandate(link) => write!(f, "mandate {link}"),
            Self::Offer => f.write_str("offer"),
            Self::Intent => f.write_str("intent"),
            Self::Confirmation => f.write_str("confirmation"),
            Self::Command => f.write_str("command"),
            Self::Receipt => f.write_str("receipt"),
        }
    }
}

/// The first check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stage that the message had reached.
    pub stage: Stage,
    /// The code of the registry.
    pub code: Code,
    /// The paper in which it was found, where several came together.
    pub part: Option<Part>,
    /// Bytes from the start of that paper to the fault.
    pub offset: Option<usize>,
    /// The name of the field, rule or header concerned.
    // [PRV-6]
    pub field: Option<&'static str>,
}

impl Fault {
    /// A fault at the code's only (or first) stage.
    pub fn new(code: Code) -> Self {
        let stage = code.stages().first().copied().unwrap_or(Stage::Http);
        Self { stage, code, part: None, offset: None, field: None }
    }

    /// The same, met at another stage of the code's.
    #[must_use]
    pub fn at_stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// The same, at this many bytes from the start of the paper.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The same, with its offset counted from a byte further to the left.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.offset = self.offset.map(|offset| offset + by);
        self
    }

    /// The same, in this paper.
    #[must_use]
    pub fn within(mut self, part: Part) -> Self {
        self.part.get_or_insert(part);
        self
    }

    /// The same, about this field.
    #[must_use]
    pub fn field(mut self, name: &'static str) -> Self {
        self.field.get_or_insert(name);
        self
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} stage", self.code, self.stage)?;
        if let Some(part) = self.part {
            write!(f, ", in the {part}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, ", at byte {offset}")?;
        }
        if let Some(field) = self.field {
            write!(f, ", {field}")?;
        }
        write!(f, "): {}", self.code.meaning())
    }
}

impl std::error::Error for Fault {}
