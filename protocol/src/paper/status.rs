//! The status: how a mandate stands at its issuer.

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{List, numbered, paper};
use crate::id::{AccountId, Digest, PaperId, PartyId};
use crate::label::{EXP, IAT, ISS, LISTED, LISTED_ROOT, MANDATE, SEQUENCE, STATE, SUB, SUSPENSIONS};
use crate::limits::STATUS_SECONDS_MAX;
use crate::receipt::tree::{Tree, leaf_hash};
use crate::time::{UnixSeconds, lives_at_most};

numbered! {
    /// How a mandate stands.
    pub enum MandateState {
        /// It can be spent.
        Active = 1, "active";
        /// It rests.
        Suspended = 2, "suspended";
        /// A later version stands in its place.
        Superseded = 3, "superseded";
        /// It has ended by command.
        Revoked = 4, "revoked";
        /// Its window has closed.
        Expired = 5, "expired";
        /// Nothing of it is left.
        Exhausted = 6, "exhausted";
    }
}

paper! {
    /// How a mandate stands. `spec/cddl/status.cddl`
    pub struct Status {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// Good until then.
            required expires_at: UnixSeconds = EXP,
            /// As of then.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The mandate.
            required mandate: PaperId = MANDATE,
            /// How it stands.
            required state: MandateState = STATE,
            /// The suspensions that stand.
            optional suspensions: List<PaperId, 64> = SUSPENSIONS,
        }
    }
}

impl Status {
    /// A status is good for a minute, whatever it says. Error: `lifetime-exceeded`. [REV-9]
    pub fn check_lifetime(&self) -> Result<(), Fault> {
        lives_at_most(self.issued_at, self.expires_at, STATUS_SECONDS_MAX)
    }
}

paper! {
    /// What an account has had, so that nothing of it can be left out of a list. `spec/cddl/status.cddl`
    pub struct Statement {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The account.
            required account: AccountId = SUB,
            /// Good until then.
            required expires_at: UnixSeconds = EXP,
            /// As of then.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// How many decisions the account has had.
            required sequence: u64 = SEQUENCE,
            /// How many mandates the account has had.
            required listed: u64 = LISTED,
            /// The root of the tree whose leaves are their ids, in the order of their registration.
            required root: Digest = LISTED_ROOT,
        }
    }
}

impl Statement {
    /// A statement is good for a minute. Error: `lifetime-exceeded`. [WAL-3]
    pub fn check_lifetime(&self) -> Result<(), Fault> {
        lives_at_most(self.issued_at, self.expires_at, STATUS_SECONDS_MAX)
    }

    /// Whether these are all the mandates, in their order. Error: `statement-mismatch`. [WAL-4]
    pub fn lists(&self, mandates: &[PaperId]) -> Result<(), Fault> {
        if self.listed == mandates.len() as u64 && self.root == root_of(mandates) {
            Ok(())
        } else {
            Err(Fault::new(Code::StatementMismatch).field(LISTED_ROOT.name))
        }
    }

    /// Whether nothing that an earlier statement counts is gone. Error: `statement-mismatch`. [WAL-5]
    pub fn follows(&self, sequence: u64, listed: u64) -> Result<(), Fault> {
        let grown = self.sequence >= sequence && self.listed >= listed;
        if grown { Ok(()) } else { Err(Fault::new(Code::StatementMismatch).field(SEQUENCE.name)) }
    }
}

/// The root of the tree of these ids, in their order. [WAL-2]
pub fn root_of(ids: &[PaperId]) -> Digest {
    Digest(Tree::new(ids.iter().map(|id| leaf_hash(&id.0)).collect()).root())
}
