//! The delivery: what a merchant says that it delivered for a payment.

use crate::field::{numbered, paper};
use crate::id::{Digest, PaperId, PartyId};
use crate::label::{DIGEST, IAT, INTENT, ISS, OFFER, STATE};
use crate::time::UnixSeconds;

numbered! {
    /// How far a delivery went.
    pub enum DeliveryState {
        /// All of it.
        Delivered = 1, "delivered";
        /// Some of it.
        Partly = 2, "partly";
        /// None of it.
        Not = 3, "not";
    }
}

paper! {
    /// What was delivered. `spec/cddl/delivery.cddl`
    pub struct Delivery {
        cwt {
            /// The merchant.
            required merchant: PartyId = ISS,
            /// When.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The offer.
            required offer: PaperId = OFFER,
            /// The payment.
            required intent: PaperId = INTENT,
            /// How far it went.
            required state: DeliveryState = STATE,
            /// SHA-256 of what was delivered.
            required digest: Digest = DIGEST,
        }
    }
}
