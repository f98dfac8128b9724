//! Disputes: what a payer claims back, what the merchant says to it, what the issuer rules. `spec/cddl/dispute.cddl`

use crate::field::{Bytes, Set, numbered, paper};
use crate::id::{AccountId, Digest, LongText, Nonce, PaperId, PartyId};
use crate::label::{
    AMOUNT, AUD, CTI, CURRENCY, DELIVERED, DISPUTE, EXHIBITS, GROUND, IAT, INTENT, ISS, REASON, STANCE, SUB,
};
use crate::limits::EXHIBITS_MAX;
use crate::money::{Amount, Currency};
use crate::time::UnixSeconds;

numbered! {
    /// Why a payer wants its money back.
    pub enum Ground {
        /// It did not come.
        NotDelivered = 1, "not-delivered";
        /// It is not what was offered.
        NotAsOffered = 2, "not-as-offered";
        /// It was paid for twice.
        Duplicate = 3, "duplicate";
        /// The person did not want the agent to pay this.
        NotMeant = 4, "not-meant";
    }
}

numbered! {
    /// What a merchant says to a dispute.
    pub enum Stance {
        /// The payer shall have it back.
        Accepts = 1, "accepts";
        /// The merchant shall keep it.
        Contests = 2, "contests";
    }
}

paper! {
    /// The payer claims money of a payment back, in whole or in part.
    pub struct Dispute {
        cwt {
            /// The account that paid.
            required account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// The payment.
            required intent: PaperId = INTENT,
            /// How much.
            required amount: Amount = AMOUNT,
            /// The payment's currency.
            required currency: Currency = CURRENCY,
            /// Words of the payer.
            optional reason: LongText = REASON,
            /// Why.
            required ground: Ground = GROUND,
            /// SHA-256 of what the payer can show.
            optional exhibits: Set<Digest, EXHIBITS_MAX> = EXHIBITS,
        }
    }
}

paper! {
    /// The merchant's answer to a dispute.
    pub struct DisputeAnswer {
        cwt {
            /// The merchant.
            required merchant: PartyId = ISS,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// The payment.
            required intent: PaperId = INTENT,
            /// Words of the merchant.
            optional reason: LongText = REASON,
            /// The dispute.
            required dispute: PaperId = DISPUTE,
            /// What it says to it.
            required stance: Stance = STANCE,
            /// The bytes of its delivery.
            optional delivered: Bytes = DELIVERED,
            /// SHA-256 of what the merchant can show.
            optional exhibits: Set<Digest, EXHIBITS_MAX> = EXHIBITS,
        }
    }
}

paper! {
    /// What the issuer decides in a dispute. Without an amount, the merchant keeps all.
    pub struct Ruling {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The account that paid.
            required account: AccountId = SUB,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// The payment.
            required intent: PaperId = INTENT,
            /// How much goes back.
            optional amount: Amount = AMOUNT,
            /// The payment's currency.
            required currency: Currency = CURRENCY,
            /// Words of the issuer.
            optional reason: LongText = REASON,
            /// The dispute.
            required dispute: PaperId = DISPUTE,
        }
    }
}
