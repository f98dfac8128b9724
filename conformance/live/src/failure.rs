//! Why a check failed.

use serde_json::Value;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was accepted and must be refused.
    Accepted,
    /// It was refused and must be accepted.
    Refused,
    /// It was refused for another reason.
    WrongCode,
    /// It was refused with the right code at another stage.
    WrongStage,
    /// It was decided and must not be, or the other way round.
    WrongDecision,
    /// What came is not what must come.
    WrongValue,
    /// What is so afterwards is not what must be.
    WrongState,
    /// What came is not signed, or not readable, as it must be.
    WrongAnswer,
    /// Nothing came.
    TimedOut,
    /// The connection ended, or could not be opened.
    Crashed,
    /// What comes before the check did not come about.
    Setup,
}

/// A check that failed: why, and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub fault: Fault,
    /// In words.
    pub message: String,
    /// What was seen.
    pub seen: Option<Value>,
}

impl Failure {
    pub(crate) fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), seen: None }
    }

    /// The suite itself is at its end.
    pub(crate) fn of_suite(message: impl Into<String>) -> Self {
        Self::new(Fault::Setup, format!("the suite: {}", message.into()))
    }

    #[must_use]
    pub(crate) fn seeing(mut self, seen: Value) -> Self {
        self.seen.get_or_insert(seen);
        self
    }

    /// The same, in what has to come about before the check itself.
    #[must_use]
    pub(crate) fn before(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        if !matches!(self.fault, Fault::TimedOut | Fault::Crashed) {
            self.fault = Fault::Setup;
        }
        self
    }
}

/// What a check comes to.
pub(crate) type Done = Result<(), Failure>;

/// Fails with a value that is not what it must be.
pub(crate) fn ensure(is_so: bool, message: impl FnOnce() -> String) -> Done {
    if is_so { Ok(()) } else { Err(Failure::new(Fault::WrongValue, message())) }
}

/// Fails where what holds afterwards is not what must.
pub(crate) fn ensure_state(is_so: bool, message: impl FnOnce() -> String) -> Done {
    if is_so { Ok(()) } else { Err(Failure::new(Fault::WrongState, message())) }
}
