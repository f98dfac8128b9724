//! Purser's test vectors, and what reads them.
//!
//! The files in `v1/` are the product; this crate only carries them into Rust programs. It knows nothing of the
//! protocol: what a call means is `conformance/shim.md`, what a member means is `README.md`, and the shape of a
//! file is `schema.json`.

mod files;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use files::{AREAS, KEYS, RETIRED};

/// The format of the files of this release.
pub const FORMAT: &str = "purser-vectors/1";

/// Every area of this release, in the order of [`AREAS`].
pub fn load() -> Result<Vec<Area>, serde_json::Error> {
    AREAS.iter().map(|(_, text)| read(text)).collect()
}

/// Reads one file.
pub fn read(text: &str) -> Result<Area, serde_json::Error> {
    serde_json::from_str(text)
}

/// One file: cases about one part of the specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the specification's wire format.
    pub spec: String,
    /// The name of the file.
    pub area: String,
    /// What its cases show.
    pub about: String,
    /// What is done before a case, by the name that the case gives. Each begins on a shim that was reset.
    pub setups: BTreeMap<String, Vec<Call>>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// A call of `conformance/shim.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its name.
    pub op: String,
    /// Its input.
    pub input: Value,
    /// In a setup: what comes of it, where that is not simply `accept`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// One call, and what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A path of words, never given to another case.
    pub id: String,
    /// The rows of `classes.csv` that it shows.
    pub class: Vec<String>,
    /// The rows of `attacks.csv` that it stands for.
    pub attacks: Vec<String>,
    /// What is special about it, in words.
    pub title: String,
    /// The clauses that ask for the outcome, the one that decides it first.
    pub clauses: Vec<String>,
    /// How binding they are.
    pub level: Level,
    /// The role of `shim.md` that it is for.
    pub role: String,
    /// The features that an implementation must claim for it to apply.
    pub features: Vec<String>,
    /// What is lost where an implementation fails it.
    pub importance: Importance,
    /// The published flaws of other protocols that it stands for.
    pub flags: Vec<String>,
    /// The accepted case that differs from this refused one by the fault alone.
    pub twin: Option<String>,
    /// How it was made from another case.
    pub mutation: Option<Mutation>,
    /// What is done first, by its name in `setups`.
    pub setup: Option<String>,
    /// The call.
    pub call: Call,
    /// What must come of it.
    pub expect: Expect,
    /// The subject in diagnostic notation, where its bytes can be read so far.
    pub diagnostic: Option<String>,
    /// What its signer signed, in hexadecimal, where the subject is one signed paper.
    pub sig_structure: Option<String>,
    /// The clause whose check, left out, would let it through.
    pub peel: Option<String>,
}

/// How binding a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Failing it is a fault.
    Must,
    /// Failing it is a warning.
    Should,
    /// Nothing is asked.
    May,
}

/// What is lost where an implementation fails a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Importance {
    /// Money moves, or authority widens.
    Critical,
    /// A replay succeeds, or somebody is denied what is theirs.
    High,
    /// Two honest implementations disagree.
    Medium,
    /// Little.
    Low,
}

/// How a case was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The case that was changed.
    pub base: String,
    /// The change, of the list in `README.md`.
    pub op: String,
    /// What it was done with.
    pub args: Vec<Value>,
    /// Whether the honest key signed the result.
    pub resigned: bool,
}

/// What must come of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Whether it is done or refused.
    pub outcome: Outcome,
    /// The slug of the code, of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The stage, of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Of a refusal by an issuer: whether it is decided, signed and for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<bool>,
    /// Members that the value of the reply must have, with these values; it may have others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Members that the signed answer must have, with these values, or, where they are null, must not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// What `state.get` says afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Members of the value that must equal those of an earlier reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<SameAs>,
}

/// Done, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done.
    Accept,
    /// Refused.
    Reject,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        })
    }
}

/// The state afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
pub enum After {
    /// What `state.get` said before the call: `"unchanged"`.
    Unchanged,
    /// The whole value of `state.get`.
    State(Value),
}

impl From<Value> for After {
    fn from(value: Value) -> Self {
        if value == "unchanged" { Self::Unchanged } else { Self::State(value) }
    }
}

impl From<After> for Value {
    fn from(after: After) -> Self {
        match after {
            After::Unchanged => Self::from("unchanged"),
            After::State(state) => state,
        }
    }
}

/// An earlier reply to be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SameAs {
    /// The place of its call in the setup, from 0.
    pub call: usize,
    /// The members of `value` that are equal.
    pub members: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_area_reads_and_is_what_it_is_called() {
        let areas = load().unwrap();
        for ((name, _), area) in AREAS.iter().zip(&areas) {
            assert_eq!((area.area.as_str(), area.format.as_str()), (*name, FORMAT));
        }
        let ids: Vec<&String> = areas.iter().flat_map(|area| &area.cases).map(|case| &case.id).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "an id stands twice");
    }
}
