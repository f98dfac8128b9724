//! The order in which an issuer is asked for the outcome of one intent.
//!
//! [`Attempt`] says what is known; this says what to send next, and what an answer to each of the three questions
//! means. Whoever drives it sends, waits, and keeps the attempt on the disk after each answer.

use super::{Action, Attempt, Event};
use crate::receipt::Outcome;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the intent; the same bytes each time.
    Send,
    /// Ask after the intent.
    Ask,
    /// Send the cancel; one, however often it is sent.
    Cancel,
    /// Wait, then go on with [`Pursuit::rested`].
    Rest {
        /// How long at least.
        milliseconds: u64,
    },
    /// Nothing can be done now: it is taken up again later.
    Later,
    /// It is over.
    Over,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A receipt that has verified and is the answer to this intent.
    Answer(Outcome),
    /// A definite word that nothing was decided.
    NotDecided {
        /// Whether the same bytes may do better later.
        again: bool,
    },
    /// The issuer does not have the intent.
    NotFound {
        /// Whether it is too late to decide it: [`super::is_lapsed`].
        lapsed: bool,
    },
    /// Nothing, or nothing that can be believed.
    Nothing,
}

/// One intent on its way to its outcome, or to its cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pursuit {
    gives_up: bool,
}

impl Pursuit {
    /// Takes an attempt up, new or of an earlier run.
    pub fn begin(attempt: &mut Attempt) -> (Self, Step) {
        let step = match attempt {
            Attempt::Signed => step(attempt.handle(Event::Kept)),
            // Of an earlier run: asked after first, since it may be decided.
            Attempt::InDoubt { .. } | Attempt::Waiting | Attempt::TurnedAway => Step::Ask,
            Attempt::Known(_) | Attempt::Dropped => Step::Over,
        };
        (Self { gives_up: false }, step)
    }

    /// Gives up: from now on only the cancel is sent, until it is said which of the two came first.
    pub fn give_up(attempt: &mut Attempt) -> (Self, Step) {
        (Self { gives_up: true }, step(attempt.handle(Event::GiveUp)))
    }

    /// After a rest.
    pub fn rested(&self) -> Step {
        // Whoever gave up asks for nothing but to be told.
        if self.gives_up { Step::Cancel } else { Step::Ask }
    }

    /// Takes what came back to what was done last.
    pub fn hears(&self, attempt: &mut Attempt, asked: Step, heard: Heard) -> Step {
        let turned_away = *attempt == Attempt::TurnedAway;
        let event = match (asked, heard) {
            (_, Heard::Answer(outcome)) => Event::Receipt(outcome),
            // The cancel decides what the issuer does not have; the same bytes are sent no more.
            (Step::Ask, Heard::NotFound { lapsed: false }) if turned_away => return Step::Cancel,
            (Step::Ask, Heard::NotFound { lapsed: true }) if turned_away => Event::Lapsed,
            (Step::Ask, Heard::NotFound { .. }) => return Step::Send,
            // What is wrong with the intent is wrong with its cancel too, as long as nobody mends it.
            (Step::Cancel, Heard::NotDecided { again: false }) if turned_away => return Step::Later,
            (Step::Send, Heard::NotDecided { again }) => Event::NotDecided { again },
            // That it would not say is not that it decided nothing.
            _ => Event::NoAnswer,
        };
        step(attempt.handle(event))
    }
}

fn step(action: Action) -> Step {
    match action {
        Action::Send => Step::Send,
        Action::AskAfter { milliseconds } => Step::Rest { milliseconds },
        Action::Cancel => Step::Cancel,
        Action::Finish => Step::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_found_is_sent_again_and_what_is_not_told_is_asked_for_again() {
        let mut attempt = Attempt::InDoubt { tries: 3 };
        let (pursuit, first) = Pursuit::begin(&mut attempt);
        assert_eq!(first, Step::Ask);
        for lapsed in [false, true] {
            assert_eq!(pursuit.hears(&mut attempt, Step::Ask, Heard::NotFound { lapsed }), Step::Send);
        }
        let step = pursuit.hears(&mut attempt, Step::Ask, Heard::NotDecided { again: false });
        assert!(matches!(step, Step::Rest { .. }) && attempt.is_in_doubt(), "{step:?}");
        assert_eq!(pursuit.rested(), Step::Ask);
    }

    #[test]
    fn whoever_gives_up_sends_the_cancel_until_it_is_answered() {
        let mut attempt = Attempt::InDoubt { tries: 1 };
        let (pursuit, first) = Pursuit::give_up(&mut attempt);
        assert_eq!(first, Step::Cancel);
        for heard in [Heard::NotFound { lapsed: true }, Heard::Nothing, Heard::NotDecided { again: false }] {
            assert!(matches!(pursuit.hears(&mut attempt, Step::Cancel, heard), Step::Rest { .. }));
            assert_eq!(pursuit.rested(), Step::Cancel);
        }
        assert_eq!(pursuit.hears(&mut attempt, Step::Cancel, Heard::Answer(Outcome::Settled)), Step::Over);
        assert_eq!(attempt, Attempt::Known(Outcome::Settled));
    }

    #[test]
    fn what_was_turned_away_is_cancelled_asked_after_and_sent_no_more() {
        let mut attempt = Attempt::Signed;
        let (pursuit, _) = Pursuit::begin(&mut attempt);
        let turned_away = pursuit.hears(&mut attempt, Step::Send, Heard::NotDecided { again: false });
        assert_eq!((turned_away, attempt), (Step::Cancel, Attempt::TurnedAway));
        let step = pursuit.hears(&mut attempt, Step::Cancel, Heard::Nothing);
        assert!(matches!(step, Step::Rest { .. }), "{step:?}");
        assert_eq!(pursuit.hears(&mut attempt, Step::Cancel, Heard::NotDecided { again: false }), Step::Later);
        // Taken up later.
        let (pursuit, first) = Pursuit::begin(&mut attempt);
        assert_eq!(first, Step::Ask);
        assert_eq!(pursuit.hears(&mut attempt, Step::Ask, Heard::NotFound { lapsed: false }), Step::Cancel);
        let mut cancelled = attempt;
        assert_eq!(pursuit.hears(&mut cancelled, Step::Cancel, Heard::Answer(Outcome::Cancelled)), Step::Over);
        assert_eq!(pursuit.hears(&mut attempt, Step::Ask, Heard::NotFound { lapsed: true }), Step::Over);
        assert_eq!(attempt, Attempt::Dropped);
    }
}
