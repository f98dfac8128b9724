//! Receipts: what the issuer decided, and the proof that it did.
//!
//! The claims of a batch's receipts are the leaves of a tree; the issuer signs its root once. A receipt is
//! the claims, the path to the root, and the root. `spec/cddl/receipt.cddl`

pub mod log;
pub mod tree;

use std::num::NonZeroU32;

use sha2::{Digest as _, Sha256};

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, List, decoded, encoded, mapped, numbered, paper};
use crate::id::{Digest, LongText, Nonce, PaperId, Pseudonym, ShortText, Text};
use crate::label::{
    AMOUNT, ANSWER_BY, APPROVAL, BATCH, CHAINS, CODE, COMMAND, CURRENCY, DETAIL, HOLD_UNTIL, IAT, INTENT, LOG_ROOT,
    LOG_SIZE, Label, NETWORK, OFFER, OUTCOME, PSEUDONYM, SALT, SECRET_HASH, TREE_ROOT, TREE_SIZE, USER_CODE,
};
use crate::limits::{CHAINS_MAX, PAPER_BYTES_MAX, PATH_MAX};
use crate::money::{Amount, Currency};
use crate::paper::meter::ChainRoot;
use crate::time::UnixSeconds;
use crate::wire::{Field, Reader, Writer};

numbered! {
    /// What the issuer decided.
    pub enum Outcome {
        /// The money is held.
        Authorized = 1, "authorized";
        /// The money is the merchant's.
        Settled = 2, "settled";
        /// Held money is now the merchant's.
        Captured = 3, "captured";
        /// Held money has gone back.
        Voided = 4, "voided";
        /// Captured money has gone back.
        Refunded = 5, "refunded";
        /// The person must answer; nothing is held.
        Pending = 6, "pending";
        /// No.
        Refused = 7, "refused";
        /// The intent will not be decided any more.
        Cancelled = 8, "cancelled";
        /// A command that moves no payment is done.
        Recorded = 9, "recorded";
    }
}

mapped! {
    /// What a receipt says.
    pub struct Claims {
        /// When it was decided.
        required decided_at: UnixSeconds = IAT,
        /// The offer of the payment.
        optional offer: PaperId = OFFER,
        /// The payment.
        optional intent: PaperId = INTENT,
        /// What the command moved.
        optional amount: Amount = AMOUNT,
        /// Its currency.
        optional currency: Currency = CURRENCY,
        /// The hash of the redemption secret.
        optional secret_hash: Digest = SECRET_HASH,
        /// What was decided.
        required outcome: Outcome = OUTCOME,
        /// Why not, as far as the merchant may know.
        optional code: CodeNumber = CODE,
        /// The payer, as the merchant knows it.
        optional pseudonym: Pseudonym = PSEUDONYM,
        /// The command answered, where that is not the intent.
        optional command: PaperId = COMMAND,
        /// Hides what is hashed.
        required salt: Nonce = SALT,
        /// SHA-256 of what only the payer is told.
        optional detail: Digest = DETAIL,
        /// The first second at which the hold no longer stands.
        optional hold_until: UnixSeconds = HOLD_UNTIL,
        /// Where the person can confirm.
        optional approval: LongText = APPROVAL,
        /// The short code that the person compares.
        optional user_code: ShortText = USER_CODE,
        /// The first second at which the person's answer is too late.
        optional answer_by: UnixSeconds = ANSWER_BY,
        /// The chains of the intent, of a metered hold.
        optional chains: List<ChainRoot, CHAINS_MAX> = CHAINS,
    }
}

impl Claims {
    /// Whether the claims have the fields of their outcome and no other. [RCT-1] [RCT-4]
    pub fn are_of_outcome(&self) -> bool {
        let payment = self.offer.is_some() && self.intent.is_some() && self.pseudonym.is_some();
        let no_payment = self.offer.is_none() && self.intent.is_none() && self.pseudonym.is_none();
        let money = self.amount.is_some();
        let answers_intent = payment && money && self.secret_hash.is_some() && self.command.is_none();
        let answers_command = self.command.is_some() && self.secret_hash.is_none();
        let asks = self.approval.is_some() && self.user_code.is_some() && self.answer_by.is_some();
        let asks_nothing = self.approval.is_none() && self.user_code.is_none() && self.answer_by.is_none();
        let says_no = self.code.is_some() && self.detail.is_some();
        let says_no_no = self.code.is_none() && self.detail.is_none();
        let held = self.hold_until.is_some();
        let fits = match self.outcome {
            Outcome::Authorized => answers_intent && says_no_no && held && asks_nothing,
            Outcome::Settled => answers_intent && says_no_no && !held && asks_nothing,
            Outcome::Pending => answers_intent && says_no_no && !held && asks,
            Outcome::Captured | Outcome::Refunded => {
                payment && money && answers_command && says_no_no && !held && asks_nothing
            }
            // The end of a hold answers nobody.
            Outcome::Voided => payment && money && self.secret_hash.is_none() && says_no_no && !held && asks_nothing,
            Outcome::Refused => {
                let of_command = answers_command && !money && (payment || no_payment);
                (answers_intent || of_command) && says_no && !held && asks_nothing
            }
            Outcome::Cancelled => {
                let bare = self.pseudonym.is_none() && !money && self.secret_hash.is_none() && self.command.is_none();
                let cancelled = self.code == Some(Code::PaymentCancelled.into()) && self.detail.is_none();
                self.offer.is_some() && self.intent.is_some() && bare && cancelled && !held && asks_nothing
            }
            Outcome::Recorded => no_payment && answers_command && says_no_no && !held && asks_nothing,
        };
        // [TOK-8]
        let chained = self.chains.is_none() || self.outcome == Outcome::Authorized;
        fits && chained && self.amount.is_some() == self.currency.is_some()
    }

    /// Claims that say only what was decided, when.
    pub fn new(outcome: Outcome, decided_at: UnixSeconds, salt: Nonce) -> Self {
        Self {
            decided_at,
            offer: None,
            intent: None,
            amount: None,
            currency: None,
            secret_hash: None,
            outcome,
            code: None,
            pseudonym: None,
            command: None,
            salt,
            detail: None,
            hold_until: None,
            approval: None,
            user_code: None,
            answer_by: None,
            chains: None,
        }
    }
}

/// A code of the registry, or one that a later registry may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeNumber(pub u16);

impl CodeNumber {
    /// The code, when this registry has it.
    pub fn code(self) -> Option<Code> {
        Code::from_number(u64::from(self.0))
    }
}

impl From<Code> for CodeNumber {
    fn from(code: Code) -> Self {
        Self(code.number())
    }
}

impl Field for CodeNumber {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        crate::field::ranged(reader, Reader::unsigned, |number| number.try_into().ok().map(Self))
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(u64::from(self.0));
    }
}

const LINK: Label = Label { number: 1, name: "link" };
const GRANT: Label = Label { number: 2, name: "grant" };
const RULE: Label = Label { number: 3, name: "rule" };

mapped! {
    /// What only the payer is told of a refusal.
    pub struct Detail {
        /// The link of the chain, the root being 0.
        optional link: u64 = LINK,
        /// The grant.
        optional grant: u64 = GRANT,
        /// The label of the rule.
        optional rule: u64 = RULE,
        /// The code.
        required code: CodeNumber = CODE,
        /// Hides what is hashed.
        required salt: Nonce = SALT,
    }
}

impl Detail {
    /// What the claims hold of it.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(encoded(self)).into())
    }
}

paper! {
    /// The signed root of a batch of receipts; at once a checkpoint of the issuer's log.
    pub struct Root {
        cwt {
            /// When the batch was closed.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The root of the tree of the batch's claims.
            required tree_root: Digest = TREE_ROOT,
            /// How many claims.
            required tree_size: NonZeroU32 = TREE_SIZE,
            /// The number of the batch, from 0.
            required batch: u64 = BATCH,
            /// The root of the log of batches.
            required log_root: Digest = LOG_ROOT,
            /// How many batches are in the log.
            required log_size: u64 = LOG_SIZE,
            /// The network.
            required network: Text<32> = NETWORK,
        }
        check counted;
    }
}

/// The log has one entry for each batch, this one included. [RCT-10]
fn counted(root: &Root) -> Result<(), Fault> {
    if root.batch.checked_add(1) == Some(root.log_size) {
        Ok(())
    } else {
        Err(Fault::new(Code::FieldConflict).field(LOG_SIZE.name))
    }
}

/// A receipt as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The bytes of the claims.
    pub claims: Vec<u8>,
    /// Which leaf they are.
    pub index: u64,
    /// The siblings from the leaf to the root.
    pub path: Vec<[u8; 32]>,
    /// The bytes of the signed root.
    pub root: Vec<u8>,
}

impl Receipt {
    /// The receipt's id: the hash of its leaf. [RCT-2]
    pub fn id(&self) -> PaperId {
        PaperId(tree::leaf_hash(&self.claims))
    }

    /// Reads a receipt from bytes that need not have been checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > PAPER_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(PAPER_BYTES_MAX)); // [ENC-1]
        }
        decoded(bytes)
    }

    /// What the receipt says, not yet verified.
    pub fn read_claims(&self) -> Result<Claims, Fault> {
        let read = decoded::<Claims>(&self.claims);
        let read =
            read.map_err(|fault| if fault.stage == Stage::Encoding { fault } else { fault.at_stage(Stage::Schema) });
        match read? {
            claims if claims.are_of_outcome() => Ok(claims),
            _ => Err(Fault::new(Code::FieldConflict).field(OUTCOME.name)), // [RCT-4]
        }
    }

    /// Checks that the claims are in the batch that a verified root signs, and returns them. [RCT-3]
    pub fn verify(&self, root: &Root) -> Result<Claims, Fault> {
        let leaf = tree::leaf_hash(&self.claims);
        let size = u64::from(root.tree_size.get());
        if tree::root_of_path(leaf, self.index, size, &self.path) != Some(root.tree_root.0) {
            return Err(Fault::new(Code::PathInvalid));
        }
        self.read_claims()
    }
}

impl Field for Receipt {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        crate::field::ranged(reader, Reader::list, |length| (length == 4).then_some(()))?;
        let claims = Bytes::read(reader)?.0;
        let index = reader.unsigned()?;
        let length = crate::field::ranged(reader, Reader::list, |length| {
            usize::try_from(length).ok().filter(|&length| length <= PATH_MAX)
        })?;
        let path = (0..length).map(|_| reader.array()).collect::<Result<_, _>>()?;
        Ok(Self { claims, index, path, root: Bytes::read(reader)?.0 })
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(4);
        writer.bytes(&self.claims);
        writer.unsigned(self.index);
        writer.list(self.path.len());
        self.path.iter().for_each(|hash| writer.bytes(hash));
        writer.bytes(&self.root);
    }
}
