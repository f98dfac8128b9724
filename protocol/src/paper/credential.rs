//! What an issuer says of a payer: whose key this is, and who a payer is to one merchant.

use crate::fault::Fault;
use crate::field::{KeyHolder, paper};
use crate::id::{AccountId, PartyId, Pseudonym as PseudonymId};
use crate::label::{AUD, CNF, EXP, IAT, ISS, SUB};
use crate::limits::{MANDATE_SECONDS_MAX, PSEUDONYM_SECONDS_MAX};
use crate::time::{UnixSeconds, lives_at_most};

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

impl Credential {
    /// Error: `lifetime-exceeded`, when it is good for longer than a credential may be. [AUT-28]
    pub fn check_lifetime(&self) -> Result<(), Fault> {
        lives_at_most(self.issued_at, self.expires_at, MANDATE_SECONDS_MAX)
    }
}

impl Pseudonym {
    /// Error: `lifetime-exceeded`, when it is good for longer than a pseudonym may be. [INT-3]
    pub fn check_lifetime(&self) -> Result<(), Fault> {
        lives_at_most(self.issued_at, self.expires_at, PSEUDONYM_SECONDS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Code, Stage};
    use crate::paper::status::{MandateState, Status};

    #[test]
    fn each_is_good_for_as_long_as_its_kind_may_be() {
        let at = |seconds: u64| UnixSeconds::new(1_000_000 + seconds).unwrap();
        let party = || PartyId::new("issuer.example").unwrap();
        let key = KeyHolder(crate::sign::PublicKey([1; 64]));
        let credential = |seconds| {
            let (account, expires_at) = (AccountId([1; 16]), at(seconds));
            Credential { issuer: party(), account, expires_at, issued_at: at(0), key }.check_lifetime()
        };
        let pseudonym = |seconds| {
            let (pseudonym, expires_at) = (PseudonymId([1; 16]), at(seconds));
            Pseudonym { issuer: party(), pseudonym, merchant: party(), expires_at, issued_at: at(0) }.check_lifetime()
        };
        let status = |seconds| {
            let (mandate, state) = (crate::id::PaperId([1; 32]), MandateState::Active);
            let (issuer, expires_at, issued_at) = (party(), at(seconds), at(0));
            Status { issuer, expires_at, issued_at, mandate, state, suspensions: None }.check_lifetime()
        };
        type Judged<'a> = (&'a dyn Fn(u64) -> Result<(), Fault>, u64);
        let kinds: [Judged<'_>; 3] = [(&credential, 158_112_000), (&pseudonym, 2_678_400), (&status, 60)];
        for (check, most) in kinds {
            assert_eq!(check(most), Ok(()));
            let fault = check(most + 1).unwrap_err();
            assert_eq!((fault.code, fault.stage), (Code::LifetimeExceeded, Stage::Time));
        }
    }
}
