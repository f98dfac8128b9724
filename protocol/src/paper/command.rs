//! Commands to the issuer. Each carries a nonce, so that two equal ones are two. `spec/cddl/commands.cddl`

use crate::field::{Bytes, Count, KeyHolder, Set, True, paper};
use crate::id::{AccountId, Digest, LongText, Nonce, PaperId, PartyId, ShortText, Text};
use crate::label::{
    ACCOUNT, AMOUNT, AUD, CLAIM, CNF, CTI, CURRENCY, ENCLOSED, FINAL, IAT, INTENT, ISS, KEY, MANDATES, OFFERED, PARTS,
    PARTS_ROOT, REASON, SUB, SUSPENSION, TARGET,
};
use crate::limits::{BATCH_PARTS_MAX, COMMAND_MANDATES_MAX};
use crate::money::{Amount, Currency};
use crate::paper::meter::Claim;
use crate::time::UnixSeconds;

/// A command of the merchant that was paid, about one payment.
macro_rules! merchant_command {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $need:ident $field:ident: $type:ty = $label:expr,)* }) => {
        paper! {
            $(#[$doc])*
            pub struct $name {
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
                    $($(#[$fdoc])* $need $field: $type = $label,)*
                }
            }
        }
    };
}

merchant_command! {
    /// The merchant takes held money, in whole or in part.
    Capture {
        /// How much.
        required amount: Amount = AMOUNT,
        /// The payment's currency.
        required currency: Currency = CURRENCY,
        /// Nothing more will be captured; the rest goes back.
        optional last: True = FINAL,
        /// What it rests on, of a metered hold.
        optional claim: Claim = CLAIM,
    }
}

merchant_command! {
    /// The merchant gives up what is still held.
    Void {}
}

merchant_command! {
    /// The merchant gives captured money back, in whole or in part.
    Refund {
        /// How much.
        required amount: Amount = AMOUNT,
        /// The payment's currency.
        required currency: Currency = CURRENCY,
        /// Words of the merchant.
        optional reason: LongText = REASON,
    }
}

paper! {
    /// The merchant takes money out of an account of its own, to where it has agreed with the issuer.
    pub struct Payout {
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
            /// How much.
            required amount: Amount = AMOUNT,
            /// Its currency.
            required currency: Currency = CURRENCY,
            /// The account.
            required account: ShortText = ACCOUNT,
        }
    }
}

paper! {
    /// If the issuer has not decided this intent, it shall not decide it any more.
    ///
    /// By the intent's signer, by a key of the account, or by the merchant whose offer is enclosed.
    pub struct Cancel {
        cwt {
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// The intent's bytes.
            required intent: Bytes = ENCLOSED,
            /// The offer's bytes, from a merchant.
            optional offer: Bytes = OFFERED,
        }
    }
}

/// A command of a signer above them in their chains, about mandates.
macro_rules! mandate_command {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $need:ident $field:ident: $type:ty = $label:expr,)* }) => {
        paper! {
            $(#[$doc])*
            pub struct $name {
                cwt {
                    /// The account.
                    required account: AccountId = SUB,
                    /// The issuer.
                    required issuer: PartyId = AUD,
                    /// When it was made.
                    required issued_at: UnixSeconds = IAT,
                    /// Makes it one of its kind.
                    required nonce: Nonce = CTI,
                }
                own {
                    /// The mandates.
                    required mandates: Set<PaperId, COMMAND_MANDATES_MAX> = MANDATES,
                    $($(#[$fdoc])* $need $field: $type = $label,)*
                }
            }
        }
    };
}

mandate_command! {
    /// Mandates rest until the suspension is lifted.
    Suspension {
        /// Words of the signer.
        optional reason: LongText = REASON,
    }
}

mandate_command! {
    /// A suspension is lifted.
    Resumption {
        /// The suspension.
        required suspension: PaperId = SUSPENSION,
    }
}

mandate_command! {
    /// Mandates end for good.
    Revocation {
        /// Words of the signer.
        optional reason: LongText = REASON,
    }
}

paper! {
    /// Opens an account, or adds a key to one.
    pub struct Enrolment {
        cwt {
            /// The account, when there is one; then a key of it signs.
            optional account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
            /// The new key; without an account it signs.
            required key: KeyHolder = CNF,
        }
        own {}
    }
}

paper! {
    /// Money out of nothing, in a sandbox only.
    pub struct Deposit {
        cwt {
            /// The account.
            required account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// How much.
            required amount: Amount = AMOUNT,
            /// Its currency.
            required currency: Currency = CURRENCY,
        }
    }
}

paper! {
    /// A read is by who says so: bound to method and address, and to one minute.
    pub struct Proof {
        cwt {
            /// The party that is asked.
            required audience: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// Method, space, address with its query: `GET https://issuer.example/v1/payments?limit=10`.
            required target: Text<1024> = TARGET,
        }
    }
}

paper! {
    /// One signature for many papers of one account: all of them are done, or none is.
    pub struct Batch {
        cwt {
            /// The account.
            required account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// How many papers it signs.
            required parts: Count<{ BATCH_PARTS_MAX as u64 }> = PARTS,
            /// The root of the tree whose leaves are the papers' ids.
            required root: Digest = PARTS_ROOT,
        }
    }
}

paper! {
    /// A key is an account's no more.
    pub struct Retirement {
        cwt {
            /// The account.
            required account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// Words of the signer.
            optional reason: LongText = REASON,
            /// The key's thumbprint.
            required retired: Digest = KEY,
        }
    }
}

paper! {
    /// Nothing leaves an account until it is thawed: the issuer's order, on the word of a person that it knows.
    pub struct Freeze {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The account.
            required account: AccountId = SUB,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// Words of the issuer.
            optional reason: LongText = REASON,
        }
    }
}

paper! {
    /// Money leaves an account again.
    pub struct Thaw {
        cwt {
            /// The issuer.
            required issuer: PartyId = ISS,
            /// The account.
            required account: AccountId = SUB,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
            /// The only key of the account from now on, where the others are lost.
            optional key: KeyHolder = CNF,
        }
        own {
            /// Words of the issuer.
            optional reason: LongText = REASON,
        }
    }
}
