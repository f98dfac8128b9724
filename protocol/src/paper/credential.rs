//! What an issuer says of a payer: whose key this is, and who a payer is to one merchant.

use crate::field::{KeyHolder, paper};
use crate::id::{AccountId, PartyId, Pseudonym as PseudonymId};
use crate::label::{AUD, CNF, EXP, IAT, ISS, SUB};
use crate::time::UnixSeconds;

paper! {
    /// A key is one of an account's. `spec/cddl/credential.cddl`
    pub struct Credential {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The account.
            required account: AccountId = SUB,
            /// The first second at which it no longer holds.
            required expires_at: UnixSeconds = EXP,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// The key.
            required key: KeyHolder = CNF,
        }
        own {}
    }
}

paper! {
    /// A payer, as one merchant may know it. `spec/cddl/pseudonym.cddl`
    pub struct Pseudonym {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The payer's name at this merchant.
            required pseudonym: PseudonymId = SUB,
            /// The merchant.
            required merchant: PartyId = AUD,
            /// The first second at which it no longer holds.
            required expires_at: UnixSeconds = EXP,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
        }
        own {}
    }
}
