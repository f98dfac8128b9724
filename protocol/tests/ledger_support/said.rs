//! What the issuer said, in the form that rows compare.

use purser_protocol::authorize::Decision;
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::ledger::Record;
use purser_protocol::receipt::Outcome;

/// An answer.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it was decided before.
    pub known: bool,
    /// The decision, of now or of before.
    pub record: Option<Record>,
    /// Why nothing was decided.
    pub fault: Option<Fault>,
    /// What [`authorize`](purser_protocol::authorize::authorize) makes of a payment, asked beside the ledger.
    pub decision: Option<Decision>,
}

/// An answer in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done, held, or waiting.
    Yes(Outcome),
    /// Refused and recorded.
    Refused(Code, Stage),
    /// Nothing was decided.
    NotDecided(Code, Stage),
}

impl Said {
    pub fn not_decided(fault: Fault) -> Self {
        Self { known: false, record: None, fault: Some(fault), decision: None }
    }

    pub fn verdict(&self) -> Verdict {
        match (&self.fault, &self.record) {
            (Some(fault), _) => Verdict::NotDecided(fault.code, fault.stage),
            (None, Some(record)) if record.claims.outcome == Outcome::Refused => {
                let code =
                    record.detail.as_ref().and_then(|detail| detail.code.code()).expect("a refusal has its detail");
                Verdict::Refused(code, code.stages()[0])
            }
            (None, Some(record)) => Verdict::Yes(record.claims.outcome),
            (None, None) => panic!("an answer that says nothing"),
        }
    }

    pub fn record(&self) -> &Record {
        self.record.as_ref().unwrap_or_else(|| panic!("not decided: {:?}", self.fault))
    }

    pub fn is(&self, outcome: Outcome) -> bool {
        self.verdict() == Verdict::Yes(outcome)
    }

    #[track_caller]
    pub fn must_be(&self, outcome: Outcome) -> &Self {
        assert_eq!(self.verdict(), Verdict::Yes(outcome));
        self
    }

    #[track_caller]
    pub fn must_be_refused(&self, code: Code) -> &Self {
        assert_eq!(self.verdict(), Verdict::Refused(code, code.stages()[0]));
        self
    }

    #[track_caller]
    pub fn must_not_be_decided(&self, code: Code, stage: Stage) -> &Self {
        assert_eq!(self.verdict(), Verdict::NotDecided(code, stage));
        self
    }
}
