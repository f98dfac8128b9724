//! The status: how a mandate stands at its issuer.

use crate::fault::Fault;
use crate::field::{List, numbered, paper};
use crate::id::{PaperId, PartyId};
use crate::label::{EXP, IAT, ISS, MANDATE, STATE, SUSPENSIONS};
use crate::limits::STATUS_SECONDS_MAX;
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
