//! What went wrong, for a person and for a program: what, where, what to do, and whether trying again helps.

use std::fmt;
use std::path::Path;

use purser_protocol::code::{Code, Retry};
use purser_protocol::fault::Fault;

/// The class of an error: what a caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The call itself is wrong: nothing was sent.
    Usage,
    /// It failed, or was refused. Nobody was paid by it.
    Failed,
    /// Money may have moved, or has and nothing was delivered yet: the same call again picks it up.
    Unknown,
    /// The issuer shows another history than before. Nothing that it signs from now on should be relied on.
    Forked,
    /// The peer was not reached, or is not whom we trust: nothing was sent.
    Unreachable,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    class: Class,
    what: String,
    place: Option<String>,
    remedy: Option<String>,
    fault: Option<Fault>,
    retry: Retry,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this class.
    pub fn new(class: Class, what: impl Into<String>) -> Self {
        let retry = match class {
            Class::Usage | Class::Failed | Class::Forked => Retry::Never,
            Class::Unknown | Class::Unreachable => Retry::Same,
        };
        Self(Box::new(Parts { class, what: what.into(), place: None, remedy: None, fault: None, retry }))
    }

    /// The call is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Class::Usage, what)
    }

    /// It failed.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Class::Failed, what)
    }

    /// A check of the protocol failed, in this paper or message.
    pub fn fault(of: &str, fault: Fault) -> Self {
        let retry = fault.code.retry();
        let mut error = Self::failed(format!("the {of} is refused: {fault}"));
        error.0.fault = Some(fault);
        error.retry(retry)
    }

    /// A file could not be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::failed(error.to_string()).at(path.display())
    }

    /// The same, at this place: a file, a host, an address.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place.get_or_insert_with(|| place.to_string());
        self
    }

    /// The same, with what can be done about it.
    #[must_use]
    pub fn fix(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy.get_or_insert_with(|| remedy.into());
        self
    }

    /// The same, with whether trying again helps.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// The same, with the code that a peer gave.
    #[must_use]
    pub fn coded(mut self, code: Option<Code>) -> Self {
        self.0.fault = code.map(Fault::new);
        self
    }

    /// The same, of another class.
    #[must_use]
    pub fn class_of(mut self, class: Class) -> Self {
        self.0.class = class;
        self
    }

    /// Its class.
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// What went wrong, in words.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The protocol's code, where it was a check of the protocol.
    pub fn code(&self) -> Option<Code> {
        self.0.fault.as_ref().map(|fault| fault.code)
    }

    /// The check that failed.
    pub fn fault_of(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }

    /// Whether trying again helps.
    pub fn retry_class(&self) -> Retry {
        self.0.retry
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(self.what())
    }
}

impl std::error::Error for Error {}

/// Whether trying again helps, in words.
pub fn retry_words(retry: Retry) -> &'static str {
    match retry {
        Retry::Never => "trying again does not help",
        Retry::Same => "the same call again is safe, and may do better",
        Retry::Later => "it may do better later",
        Retry::FreshOffer => "ask the merchant for a new offer",
        Retry::AfterChange => "change what it rests on, then try again",
    }
}
