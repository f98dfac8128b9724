//! What happened, as the store keeps it. The state is the fold of these, from the first to the last.

use crate::authorize::counter::Counted;
use crate::code::Code;
use crate::fault::Fault;
use crate::field::{Bytes, List, listed, ranged, tagged};
use crate::id::{AccountId, KeyId, LineageId, PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::{BATCH_PARTS_MAX, CHAIN_MAX, CHAINS_MAX, COMMAND_MANDATES_MAX};
use crate::money::{Amount, Currency};
use crate::paper::meter::{ChainRoot, Links, Meter};
use crate::receipt::CodeNumber;
use crate::sign::PublicKey;
use crate::time::UnixSeconds;
use crate::wire::{Field, Reader, Writer};

/// A value that may be absent: a list of none or one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maybe<T>(pub Option<T>);

impl<T: Field> Field for Maybe<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match ranged(reader, Reader::list, |length| (length < 2).then_some(length))? {
            0 => Ok(Self(None)),
            _ => T::read(reader).map(Some).map(Self),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(usize::from(self.0.is_some()));
        if let Some(value) = &self.0 {
            value.write(writer);
        }
    }
}

/// A list of any length, which only this program writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T>(pub Vec<T>);

impl<T: Field> Field for Many<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        (0..reader.list()?).map(|_| T::read(reader)).collect::<Result<_, _>>().map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.0.len());
        self.0.iter().for_each(|item| item.write(writer));
    }
}

listed! {
    /// An account was opened, or got a key.
    pub struct Enrolled {
        /// The account.
        account: AccountId,
        /// The key.
        key: PublicKey,
        /// When the key's credential expires.
        expires_at: UnixSeconds,
    }
}

listed! {
    /// A sandbox gave money.
    pub struct Deposited {
        /// To whom.
        account: AccountId,
        /// How much.
        amount: Amount,
        /// Its currency.
        currency: Currency,
    }
}

listed! {
    /// A mandate was registered.
    pub struct Registered {
        /// Its id.
        mandate: PaperId,
        /// Who signed it.
        signer: PublicKey,
        /// Its payload.
        payload: Bytes,
        /// The counters that the version before did not have, with what its payments come to in them: so that nobody
        /// who applies this needs those payments.
        begun: Many<Counted>,
    }
}

listed! {
    /// What one link of a chain contributed to a payment.
    pub struct UsedLink {
        /// The mandate.
        mandate: PaperId,
        /// Its lineage.
        lineage: LineageId,
        /// The grant that admitted the payment.
        grant: Maybe<u64>,
    }
}

listed! {
    /// A payment was made, or its money held.
    pub struct Paid {
        /// The payment.
        intent: PaperId,
        /// The offer.
        offer: PaperId,
        /// Who pays.
        account: AccountId,
        /// The chain, root first.
        links: List<UsedLink, CHAIN_MAX>,
        /// Who is paid.
        merchant: PartyId,
        /// At which account.
        payee: ShortText,
        /// How much.
        amount: Amount,
        /// Its currency.
        currency: Currency,
        /// Until when it is held; absent when it was settled at once.
        hold_until: Maybe<UnixSeconds>,
        /// The payer, as the merchant knows it.
        pseudonym: Pseudonym,
    }
}

listed! {
    /// Money was held for a metered session.
    pub struct MeteredPaid {
        /// The hold.
        paid: Paid,
        /// What the offer says of prices and payment.
        meter: Meter,
        /// The chains of the intent.
        chains: List<ChainRoot, CHAINS_MAX>,
    }
}

listed! {
    /// A payment waits for the person.
    pub struct Asked {
        /// The payment.
        intent: PaperId,
        /// Who would pay.
        account: AccountId,
        /// The mandates of the chain, root first.
        links: List<PaperId, CHAIN_MAX>,
        /// The intent's payload.
        intent_payload: Bytes,
        /// The offer.
        offer: PaperId,
        /// The offer's payload.
        offer_payload: Bytes,
        /// The merchant's key.
        merchant_key: PublicKey,
        /// The merchant's categories, two bytes each.
        merchant_categories: Bytes,
        /// The merchant that signed the intent, when no agent did.
        held_by: Maybe<PartyId>,
        /// The payer, as the merchant knows it.
        pseudonym: Pseudonym,
        /// The short code that the person compares.
        user_code: ShortText,
        /// When it is too late.
        answer_by: UnixSeconds,
    }
}

listed! {
    /// An intent was refused, or cancelled before it was decided.
    pub struct Closed {
        /// The intent.
        intent: PaperId,
        /// Who would have paid.
        account: AccountId,
        /// Under which mandate.
        mandate: PaperId,
        /// Why.
        code: CodeNumber,
    }
}

listed! {
    /// Money of a metered session went to the merchant.
    pub struct Claimed {
        /// The capture.
        captured: Captured,
        /// The last link of each chain that was claimed.
        links: Links,
    }
}

listed! {
    /// Held money went to the merchant.
    pub struct Captured {
        /// The payment.
        intent: PaperId,
        /// How much.
        amount: Amount,
        /// 1 when nothing more will be captured, so that the rest goes back.
        last: u64,
    }
}

listed! {
    /// Captured money went back.
    pub struct Refunded {
        /// The payment.
        intent: PaperId,
        /// How much.
        amount: Amount,
        /// The payment as it was until then, where it held nothing any more: the state did not have it.
        late: Maybe<Late>,
    }
}

listed! {
    /// A payment that holds nothing any more.
    pub struct Late {
        /// As it was made.
        paid: Paid,
        /// When it was decided.
        decided_at: UnixSeconds,
        /// What the merchant got, in minor units.
        captured_minor: u64,
        /// What had gone back, in minor units.
        refunded_minor: u64,
        /// How its hold ended.
        hold: u64,
    }
}

listed! {
    /// A payment is disputed.
    pub struct Disputed {
        /// The dispute.
        dispute: PaperId,
        /// The payment as it was until then: the state did not have it.
        late: Late,
        /// How much is claimed.
        amount: Amount,
        /// How much of it the merchant's account had, and is set apart, in minor units.
        apart_minor: u64,
        /// When it is too late for the merchant to answer.
        answer_by: UnixSeconds,
    }
}

listed! {
    /// A merchant contests a dispute.
    pub struct DisputeAnswered {
        /// The payment.
        intent: PaperId,
        /// When it is too late for the issuer to rule.
        rule_by: UnixSeconds,
    }
}

listed! {
    /// A dispute has ended.
    pub struct Ruled {
        /// The payment.
        intent: PaperId,
        /// The paper that ended it; absent where its time came.
        by: Maybe<PaperId>,
        /// How much goes back, in minor units.
        given_minor: u64,
    }
}

listed! {
    /// A merchant's money went outside.
    pub struct PaidOut {
        /// Whose it was.
        merchant: PartyId,
        /// At which account.
        payee: ShortText,
        /// How much.
        amount: Amount,
        /// Its currency.
        currency: Currency,
    }
}

listed! {
    /// Mandates rest, or a suspension is lifted, or they end.
    pub struct MandatesChanged {
        /// The mandates.
        mandates: List<PaperId, COMMAND_MANDATES_MAX>,
        /// The suspension made or lifted; of a revocation, the revocation.
        by: PaperId,
        /// How low in the chain of each its signer stands; the account is 0.
        levels: List<u64, COMMAND_MANDATES_MAX>,
    }
}

listed! {
    /// What one part of a batch did.
    pub struct BatchedPart {
        /// The part.
        id: PaperId,
        /// What happened.
        event: Box<Event>,
    }
}

listed! {
    /// Many papers were done at once.
    pub struct Batched {
        /// The batch.
        batch: PaperId,
        /// The account.
        account: AccountId,
        /// What each did, in the order in which it was done.
        parts: List<BatchedPart, BATCH_PARTS_MAX>,
    }
}

listed! {
    /// A key is its account's no more.
    pub struct Retired {
        /// The account.
        account: AccountId,
        /// The key.
        key: KeyId,
    }
}

listed! {
    /// Money leaves an account again.
    pub struct Thawed {
        /// The account.
        account: AccountId,
        /// Its only key from then on, where there is a new one.
        key: Maybe<PublicKey>,
        /// When the new key's credential expires.
        expires_at: UnixSeconds,
    }
}

tagged! {
    /// What happened.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Event {
    /// An account was opened, or got a key.
    Enrolled(Enrolled) = 1;
    /// A sandbox gave money.
    Deposited(Deposited) = 2;
    /// A mandate was registered.
    Registered(Registered) = 3;
    /// A payment was made, or its money held.
    Paid(Paid) = 4;
    /// A payment waits for the person.
    Asked(Box<Asked>) = 5;
    /// An intent was refused.
    Refused(Closed) = 6;
    /// An intent was cancelled before it was decided.
    Cancelled(Closed) = 7;
    /// Held money went to the merchant.
    Captured(Captured) = 8;
    /// What was still held went back, by the merchant's command.
    Voided(PaperId) = 9;
    /// What was still held went back, because its time had come.
    HoldExpired(PaperId) = 10;
    /// Captured money went back.
    Refunded(Refunded) = 11;
    /// Mandates rest.
    Suspended(MandatesChanged) = 12;
    /// A suspension is lifted.
    Resumed(MandatesChanged) = 13;
    /// Mandates end.
    Revoked(MandatesChanged) = 14;
    /// The envelope of a mandate whose window has closed went back.
    EnvelopeClosed(PaperId) = 15;
    /// A command was refused and changed nothing.
    CommandRefused(CodeNumber) = 16;
    /// Money was held for a metered session.
    MeteredPaid(Box<MeteredPaid>) = 17;
    /// Money of a metered session went to the merchant.
    Claimed(Claimed) = 18;
    /// A merchant's money went outside.
    PaidOut(PaidOut) = 34;
    /// A payment is disputed.
    Disputed(Box<Disputed>) = 35;
    /// A merchant contests a dispute.
    DisputeAnswered(DisputeAnswered) = 36;
    /// A dispute has ended.
    Ruled(Ruled) = 37;
    /// Many papers were done at once.
    Batched(Batched) = 40;
    /// A key is its account's no more.
    Retired(Retired) = 41;
    /// Nothing leaves an account.
    Frozen(AccountId) = 42;
    /// Money leaves an account again.
    Thawed(Thawed) = 43;
    }
}

impl Event {
    /// The payment that it is about.
    pub fn payment(&self) -> Option<PaperId> {
        match self {
            Self::Paid(paid) => Some(paid.intent),
            Self::MeteredPaid(metered) => Some(metered.paid.intent),
            Self::Asked(asked) => Some(asked.intent),
            Self::Refused(closed) | Self::Cancelled(closed) => Some(closed.intent),
            Self::Captured(captured) => Some(captured.intent),
            Self::Claimed(claimed) => Some(claimed.captured.intent),
            Self::Voided(intent) | Self::HoldExpired(intent) => Some(*intent),
            Self::Refunded(refunded) => Some(refunded.intent),
            Self::Disputed(disputed) => Some(disputed.late.paid.intent),
            Self::DisputeAnswered(answered) => Some(answered.intent),
            Self::Ruled(ruled) => Some(ruled.intent),
            Self::Enrolled(_)
            | Self::Deposited(_)
            | Self::PaidOut(_)
            | Self::Registered(_)
            | Self::Suspended(_)
            | Self::Resumed(_)
            | Self::Revoked(_)
            | Self::EnvelopeClosed(_)
            | Self::Batched(_)
            | Self::Retired(_)
            | Self::Frozen(_)
            | Self::Thawed(_)
            | Self::CommandRefused(_) => None,
        }
    }

    /// The account that paid, of a payment that was made.
    pub fn payer(&self) -> Option<AccountId> {
        match self {
            Self::Paid(paid) => Some(paid.account),
            Self::MeteredPaid(metered) => Some(metered.paid.account),
            _ => None,
        }
    }

    /// Reads an event out of a store: of this program's own making, so that no limit of papers holds.
    pub fn read_kept(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let event = Self::read(&mut reader)?;
        if reader.is_empty() { Ok(event) } else { Err(Fault::new(Code::FieldRange).at(reader.offset())) }
    }
}

impl<T: Field> Field for Box<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        T::read(reader).map(Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        T::write(self, writer);
    }
}
