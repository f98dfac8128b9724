//! A check: what is asked, by which clause, and the function that asks it.

use std::pin::Pin;

use purser_protocol::code::Code;
pub use purser_test_vectors::Area;
use purser_test_vectors::{Call, Case, Expect, Importance, Level, Outcome};
use serde_json::json;

use crate::failure::Done;

/// A check that is under way.
pub(crate) type Running<'s> = Pin<Box<dyn Future<Output = Done> + Send + 's>>;

/// What must come of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    /// It is done.
    Accept,
    /// It is refused with this code, beside the check that is not.
    Refuse(Code, &'static str),
    /// It is refused, in a way for which there is no code, beside the check that is not.
    Fail(&'static str),
}

/// A check of a role, whose scene is `S`.
pub(crate) struct Check<S> {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) clauses: &'static [&'static str],
    pub(crate) importance: Importance,
    pub(crate) must: Must,
    /// Features, and what the operator has to give.
    pub(crate) needs: &'static [&'static str],
    pub(crate) run: for<'s> fn(&'s S) -> Running<'s>,
}

/// A list of checks: `"id", "title", [clauses], Importance, must, [needs] => function;`.
macro_rules! checks {
    ($scene:ty; $($id:literal, $title:literal, [$($clause:literal),*], $importance:ident, $must:expr, [$($need:expr),*] => $run:path;)*) => {
        &[$($crate::check::Check::<$scene> {
            id: $id,
            title: $title,
            clauses: &[$($clause),*],
            importance: purser_test_vectors::Importance::$importance,
            must: $must,
            needs: &[$($need),*],
            run: |scene| Box::pin($run(scene)),
        }),*]
    };
}
pub(crate) use checks;

/// Every check, in the form of the vectors: for lists, explanations and reports.
pub fn areas() -> Vec<Area> {
    vec![
        area("live/issuer", "issuer", "An issuer, over HTTP and TLS.", &crate::issuer::checks()),
        area("live/merchant", "merchant", "A merchant, over HTTP and TLS.", &crate::merchant::checks()),
        area("live/wallet", "wallet", "A wallet, towards an issuer on this machine.", &crate::wallet::checks()),
        area("live/agent", "agent", "An agent, among peers on this machine.", &crate::agent::checks()),
    ]
}

fn area<S>(name: &str, role: &str, about: &str, checks: &[&Check<S>]) -> Area {
    Area {
        format: purser_test_vectors::FORMAT.to_owned(),
        spec: "1".to_owned(),
        area: name.to_owned(),
        about: about.to_owned(),
        setups: Default::default(),
        cases: checks.iter().map(|check| case(check, role)).collect(),
    }
}

fn case<S>(check: &Check<S>, role: &str) -> Case {
    let (outcome, code, twin) = match check.must {
        Must::Accept => (Outcome::Accept, None, None),
        Must::Refuse(code, twin) => (Outcome::Reject, Some(code), Some(twin)),
        Must::Fail(twin) => (Outcome::Reject, None, Some(twin)),
    };
    let stage = code.and_then(|code| if let [stage] = code.stages() { Some(stage.name().to_owned()) } else { None });
    let expect = Expect {
        outcome,
        code: code.map(|code| code.slug().to_owned()),
        stage,
        decided: None,
        // A check looks at more than yes and no: what it accepts has shown something.
        value: (outcome == Outcome::Accept).then(|| json!({ "check": check.title })),
        after: None,
        answer: None,
        same_as: None,
    };
    Case {
        id: check.id.to_owned(),
        class: Vec::new(),
        attacks: Vec::new(),
        title: check.title.to_owned(),
        clauses: check.clauses.iter().map(|&clause| clause.to_owned()).collect(),
        level: Level::Must,
        role: role.to_owned(),
        features: check.needs.iter().map(|&need| need.to_owned()).collect(),
        importance: check.importance,
        flags: Vec::new(),
        twin: twin.map(ToOwned::to_owned),
        mutation: None,
        setup: None,
        call: Call { op: "live".to_owned(), input: json!({}), expect: None },
        expect,
        diagnostic: None,
        sig_structure: None,
        peel: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_refusal_has_an_accepted_twin() {
        for area in areas() {
            let ids: BTreeSet<&str> = area.cases.iter().map(|case| case.id.as_str()).collect();
            assert_eq!(ids.len(), area.cases.len());
            for case in &area.cases {
                assert!(case.id.starts_with(&format!("{}/", area.area)), "{}", case.id);
                let Some(twin) = &case.twin else { continue };
                let twin = area.cases.iter().find(|other| other.id == *twin);
                let accepted = twin.map(|twin| twin.expect.outcome);
                assert_eq!(accepted, Some(Outcome::Accept), "{}: {:?}", case.id, case.twin);
            }
        }
    }
}
