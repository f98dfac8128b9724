//! One payment, from the offer to its end, whatever is lost on the way.
//!
//! An attempt signs one intent and no other. While its outcome is unknown, the same bytes are sent again; to
//! give up is to cancel, and to be told which of the two came first.

mod pursuit;

pub use pursuit::{Heard, Pursuit, Step};

use sha2::{Digest as _, Sha256};

use crate::id::{Digest, PaperId};
use crate::limits::LAPSED_SECONDS;
use crate::paper::intent::Intent;
use crate::paper::offer::Offer;
use crate::receipt::Outcome;
use crate::time::UnixSeconds;

/// What is known of an attempt. It is kept on disk before its intent is sent.
///
/// One that is read back after a restart is given [`Event::NoAnswer`] first: it may have been sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The intent is signed and kept; nobody has it yet.
    Signed,
    /// It was sent, or may have been.
    InDoubt {
        /// How often.
        tries: u32,
    },
    /// The person must answer; it is asked for again until they have.
    Waiting,
    /// It has its outcome, for ever.
    Known(Outcome),
    /// The issuer said of the only sending that it decided nothing, and that the same bytes cannot do better. What the
    /// network made of that sending may still arrive, when what was wrong with it is mended.
    TurnedAway,
    /// It was not paid and never will be, and there is no receipt: it was not sent, or it was turned away and its time
    /// is over.
    Dropped,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The intent is on disk.
    Kept,
    /// A receipt came that has verified and is the answer to this intent: [`answers`] says which are.
    Receipt(Outcome),
    /// A problem body came: nothing was decided.
    NotDecided {
        /// Whether the same bytes may do better later.
        again: bool,
    },
    /// No answer came, or one that says nothing: a time-out, a lost connection, a 5xx.
    NoAnswer,
    /// The issuer does not have the intent, and nobody may decide it any more: [`is_lapsed`] says when.
    Lapsed,
    /// The person gives up.
    GiveUp,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the intent; the same bytes each time.
    Send,
    /// Ask after the intent after so many milliseconds, and send it again if it is not known.
    AskAfter {
        /// How long to wait first.
        milliseconds: u64,
    },
    /// Send a cancel that encloses the intent.
    Cancel,
    /// It is over.
    Finish,
}

impl Attempt {
    /// Takes an event, and says what to do. Nothing but a receipt, or the end of its time, ends what was sent. [FLW-4]
    pub fn handle(&mut self, event: Event) -> Action {
        if let Self::Known(_) | Self::Dropped = self {
            return Action::Finish;
        }
        match event {
            Event::Kept => {
                *self = Self::InDoubt { tries: 1 };
                Action::Send
            }
            Event::Receipt(Outcome::Pending) => {
                *self = Self::Waiting;
                Action::AskAfter { milliseconds: 1_000 }
            }
            Event::Receipt(outcome) => {
                *self = Self::Known(outcome);
                Action::Finish
            }
            // An earlier send may have been decided: only an answer to a first send is definite. Even then the network
            // may have made two of it, and a cancel is what makes sure of the other.
            Event::NotDecided { again: false } if matches!(self, Self::InDoubt { tries: 1 }) => {
                *self = Self::TurnedAway;
                Action::Cancel
            }
            Event::Lapsed if matches!(self, Self::TurnedAway) => {
                *self = Self::Dropped;
                Action::Finish
            }
            Event::NotDecided { .. } | Event::NoAnswer | Event::Lapsed => {
                let tries = match self {
                    Self::InDoubt { tries } => tries.saturating_add(1),
                    Self::TurnedAway => return Action::AskAfter { milliseconds: 1_000 },
                    // What waits was sent, and the person may say yes at any time.
                    Self::Signed | Self::Waiting | Self::Known(_) | Self::Dropped => 2,
                };
                *self = Self::InDoubt { tries };
                Action::AskAfter { milliseconds: backoff_milliseconds(tries) }
            }
            Event::GiveUp if matches!(self, Self::Signed) => {
                *self = Self::Dropped;
                Action::Finish
            }
            Event::GiveUp => Action::Cancel,
        }
    }

    /// Whether money may have moved without our knowing.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::InDoubt { .. } | Self::Waiting | Self::TurnedAway)
    }
}

/// 100 ms before the second try, doubled with each, at most 10 seconds. [FLW-2]
fn backoff_milliseconds(tries: u32) -> u64 {
    (100_u64 << tries.saturating_sub(2).min(7)).min(10_000)
}

/// Whether it is too late for any issuer to decide an intent for this offer that it does not have, by a clock that
/// need not be the issuer's. [FLW-4]
pub fn is_lapsed(offer: &Offer, now: UnixSeconds) -> bool {
    offer.expires_at.saturating_add(LAPSED_SECONDS) <= now
}

/// The hash that an intent carries of its redemption secret.
pub fn secret_hash(secret: &[u8; 32]) -> Digest {
    Digest(Sha256::digest(secret).into())
}

/// Whether a receipt is the answer to an intent.
///
/// A receipt of a capture, a void or a refund, of a refusal of one of these, or of the end of a hold, names the
/// intent too, and says nothing of what was decided about it.
pub fn answers(intent: &PaperId, receipt: &super::merchant::VerifiedReceipt) -> bool {
    let claims = &receipt.claims;
    let outcome = match claims.outcome {
        Outcome::Authorized | Outcome::Settled | Outcome::Pending | Outcome::Refused | Outcome::Cancelled => true,
        Outcome::Captured | Outcome::Voided | Outcome::Refunded | Outcome::Recorded => false,
    };
    outcome && claims.intent == Some(*intent) && claims.command.is_none()
}

/// Whether a receipt is the answer to an intent that is at hand: its issuer's, and of its money. [FLW-14]
pub fn answers_intent(id: &PaperId, intent: &Intent, receipt: &super::merchant::VerifiedReceipt) -> bool {
    let claims = &receipt.claims;
    let same = answers(id, receipt)
        && receipt.issuer == intent.issuer
        // The offer of a refusal is the one that was sent along, whatever the intent names.
        && (claims.outcome == Outcome::Refused || claims.offer == Some(intent.offer));
    let same_money = claims.amount == Some(intent.amount)
        && claims.currency == Some(intent.currency)
        && claims.secret_hash == Some(intent.secret_hash);
    // A tombstone holds no money.
    same && (same_money || claims.outcome == Outcome::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_receipt_ends_what_was_sent_twice() {
        let mut attempt = Attempt::Signed;
        assert_eq!(attempt.handle(Event::Kept), Action::Send);
        assert_eq!(attempt.handle(Event::NoAnswer), Action::AskAfter { milliseconds: 100 });
        assert_eq!(attempt.handle(Event::NotDecided { again: false }), Action::AskAfter { milliseconds: 200 });
        assert!(attempt.is_in_doubt());
        assert_eq!(attempt.handle(Event::GiveUp), Action::Cancel);
        assert!(attempt.is_in_doubt(), "a cancel is a question, not an answer");
        assert_eq!(attempt.handle(Event::Receipt(Outcome::Settled)), Action::Finish);
        assert_eq!(attempt, Attempt::Known(Outcome::Settled));
        assert_eq!(attempt.handle(Event::NoAnswer), Action::Finish, "an outcome is for ever");
    }

    #[test]
    fn what_waited_for_the_person_is_not_dropped() {
        let mut attempt = Attempt::Signed;
        attempt.handle(Event::Kept);
        attempt.handle(Event::Receipt(Outcome::Pending));
        attempt.handle(Event::NoAnswer);
        assert_ne!(attempt.handle(Event::NotDecided { again: false }), Action::Finish);
        assert!(attempt.is_in_doubt());
    }

    #[test]
    fn a_definite_no_to_the_first_send_is_cancelled_or_waited_out() {
        let mut attempt = Attempt::Signed;
        attempt.handle(Event::Kept);
        assert_eq!(attempt.handle(Event::NotDecided { again: false }), Action::Cancel);
        assert_eq!(attempt, Attempt::TurnedAway);
        assert!(attempt.is_in_doubt(), "a copy of it may be on its way");
        for event in [Event::NoAnswer, Event::NotDecided { again: false }, Event::NotDecided { again: true }] {
            assert!(matches!(attempt.handle(event), Action::AskAfter { .. }), "{event:?}");
            assert_eq!(attempt, Attempt::TurnedAway);
        }
        let mut late = attempt;
        assert_eq!(late.handle(Event::Receipt(Outcome::Settled)), Action::Finish);
        assert_eq!(late, Attempt::Known(Outcome::Settled), "the copy came first");
        assert_eq!(attempt.handle(Event::Lapsed), Action::Finish);
        assert_eq!(attempt, Attempt::Dropped);
    }

    #[test]
    fn what_may_have_been_decided_does_not_end_with_its_time() {
        for mut attempt in [Attempt::InDoubt { tries: 1 }, Attempt::InDoubt { tries: 3 }, Attempt::Waiting] {
            assert!(matches!(attempt.handle(Event::Lapsed), Action::AskAfter { .. }));
            assert!(matches!(attempt, Attempt::InDoubt { .. }), "{attempt:?}");
        }
    }
}
