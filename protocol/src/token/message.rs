//! What agent and seller say to each other in a session. Nothing here is signed: a link is its own proof, and what
//! the seller says is held against what the agent counted. `spec/cddl/tokens.cddl`

use crate::field::mapped;
use crate::id::PaperId;
use crate::label::{Label, OFFER};
use crate::money::Amount;
use crate::paper::meter::Links;

const LINKS: Label = Label { number: 1, name: "links" };
const AT_LEAST: Label = Label { number: 1, name: "at_least" };

mapped! {
    /// An agent pays: the last link of each chain that moves.
    pub struct Release {
        /// The links.
        required links: Links = LINKS,
        /// The offer of the hold that they are of.
        required offer: PaperId = OFFER,
    }
}

mapped! {
    /// A seller needs more before it goes on.
    pub struct Need {
        /// What the links of the hold must come to, so that the next unit is paid.
        required at_least: Amount = AT_LEAST,
        /// The offer of the hold.
        required offer: PaperId = OFFER,
    }
}
