//! Attacks as rows. Each is one message that differs from an honest one by one fault, and both are sent.

use std::collections::BTreeSet;

use purser_protocol::code::{Code, Stage};
use purser_protocol::receipt::Outcome;

use super::said::{Said, Verdict};

/// An attack, and the same without its fault.
pub struct Row {
    /// The row of the catalogue.
    pub id: &'static str,
    /// The fault.
    pub fault: &'static str,
    /// What it must come to.
    pub expected: Expected,
    /// Sends the message with the fault (`true`) or without, in a world of its own.
    pub send: fn(bool) -> Said,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// Refused and recorded, at the stage of the code.
    Refused(Code),
    /// Not decided, at this stage.
    NotDecided(Code, Stage),
    /// The person is asked first.
    Asked,
}

pub use Expected::{Asked, NotDecided, Refused};

/// What no row can show.
pub enum Elsewhere {
    /// A test of this file.
    Here(&'static str),
    /// Another file of tests, and what it has of it.
    There(&'static str),
    /// The protocol is made so that there is nothing to test.
    Moot(&'static str),
}

pub use Elsewhere::{Here, Moot, There};

/// Sends both sides of every row.
pub fn check(rows: &[Row]) {
    for row in rows {
        let honest = (row.send)(false).verdict();
        let taken = matches!(honest, Verdict::Yes(outcome) if outcome != Outcome::Pending);
        assert!(taken, "{} ({}): without the fault it is {honest:?}", row.id, row.fault);
        let expected = match row.expected {
            Expected::Refused(code) => Verdict::Refused(code, code.stages()[0]),
            Expected::NotDecided(code, stage) => Verdict::NotDecided(code, stage),
            Expected::Asked => Verdict::Yes(Outcome::Pending),
        };
        let said = (row.send)(true);
        assert_eq!(said.verdict(), expected, "{} ({})", row.id, row.fault);
        if let (Expected::Refused(code), Some(purser_protocol::authorize::Decision::Refusal { fault, .. })) =
            (row.expected, &said.decision)
        {
            assert_eq!((fault.code, fault.stage), (code, code.stages()[0]), "{}", row.id);
        }
    }
}

/// Every id has a row or a place, and no place is made up.
pub fn covered(rows: &[Row], elsewhere: &[(&'static str, Elsewhere)], source: &str, all: &[String]) {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.id).chain(elsewhere.iter().map(|(id, _)| *id)).collect();
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(known, all);
    for (id, place) in elsewhere {
        match place {
            Here(test) => assert!(source.contains(&format!("fn {test}(")), "{id}: no test {test}"),
            There(place) | Moot(place) => assert!(place.len() > 10, "{id}: say where or why"),
        }
    }
}

/// `A1` to `A25`, or with a width of two `M01` to `M50`.
pub fn ids(letter: char, last: u32, width: usize) -> Vec<String> {
    (1..=last).map(|number| format!("{letter}{number:0width$}")).collect()
}
