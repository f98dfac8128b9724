//! The intent: an agent takes an offer under a mandate.

use std::num::NonZeroU32;

use crate::field::{List, paper};
use crate::id::{Digest, PaperId, PartyId};
use crate::label::{AMOUNT, AUD, CHAINS, CHANNEL, CURRENCY, DEVICE, IAT, MANDATE, OFFER, PERIOD, SECRET_HASH};
use crate::limits::CHAINS_MAX;
use crate::money::{Amount, Currency};
use crate::paper::meter::ChainRoot;
use crate::paper::rules::Channel;
use crate::time::UnixSeconds;

paper! {
    /// I take this offer under this mandate. `spec/cddl/intent.cddl`
    pub struct Intent {
        cwt {
            /// The issuer that decides.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The last mandate of the chain.
            required mandate: PaperId = MANDATE,
            /// The offer taken.
            required offer: PaperId = OFFER,
            /// What is paid.
            required amount: Amount = AMOUNT,
            /// Its currency.
            required currency: Currency = CURRENCY,
            /// SHA-256 of the redemption secret, which makes the intent one of its kind.
            required secret_hash: Digest = SECRET_HASH,
            /// How the agent met the offer.
            optional channel: Channel = CHANNEL,
            /// The device that the agent acted through.
            optional device: Digest = DEVICE,
            /// The period of a subscription that it pays.
            optional period: NonZeroU32 = PERIOD,
            /// The chains that pay a metered session, in the order of the meter's steps.
            optional chains: List<ChainRoot, CHAINS_MAX> = CHAINS,
        }
    }
}
