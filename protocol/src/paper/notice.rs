//! The notice: what an issuer tells a merchant without being asked. `spec/cddl/notice.cddl`

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{Bytes, paper};
use crate::id::PartyId;
use crate::label::{AUD, ENCLOSED, IAT, ISS, PREVIOUS, SEQUENCE, TOLD};
use crate::time::UnixSeconds;

paper! {
    /// A decision about a payment of the merchant's.
    pub struct Notice {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The merchant.
            required merchant: PartyId = AUD,
            /// When it was sent.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The paper that the receipt answers, of a dispute or a ruling.
            optional enclosed: Bytes = ENCLOSED,
            /// Its number among what this merchant is told, from 1.
            required sequence: u64 = SEQUENCE,
            /// The number of the one before that the merchant has taken; 0 for none.
            required previous: u64 = PREVIOUS,
            /// The receipt.
            required told: Bytes = TOLD,
        }
        check in_order;
    }
}

/// A notice follows the one before it. [NTC-2]
fn in_order(notice: &Notice) -> Result<(), Fault> {
    if notice.previous < notice.sequence { Ok(()) } else { Err(Fault::new(Code::FieldConflict).field(PREVIOUS.name)) }
}
