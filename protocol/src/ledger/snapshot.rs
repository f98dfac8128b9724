//! A state as rows, and the state that rows make. What follows from something else is not written, but made again.

use super::apply::Broken;
use super::books::Purse;
use super::event::{Asked, Late, Many, Maybe};
use super::settle::late;
use super::state::{AccountRecord, Disputing, Due, Hold, Lineage, Made, MandateRecord, Metered, Payment, State};
use crate::authorize::counter::Counted;
use crate::fault::Fault;
use crate::field::{Bytes, List, encoded, listed, tagged};
use crate::id::{AccountId, Digest, KeyId, LineageId, PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::CHAINS_MAX;
use crate::money::{Amount, Currency};
use crate::paper::mandate::{Holder, Mandate};
use crate::paper::meter::{ChainRoot, Meter, Reached};
use crate::sign::{Paper, PublicKey};
use crate::time::UnixSeconds;
use crate::wire::{Field, Reader, Writer};

/// The form of the rows. Rows of another form are not read.
pub const VERSION: u64 = 2;

/// Parts of batches in one row.
const PARTS_MAX: usize = 512;

listed! {
    /// A key of an account.
    struct KeyRow {
        key: PublicKey,
        expires_at: UnixSeconds,
    }
}

listed! {
    struct AccountRow {
        account: AccountId,
        frozen: u64,
        keys: Many<KeyRow>,
    }
}

listed! {
    /// A merchant that an account has paid.
    struct PaidRow {
        account: AccountId,
        merchant: PartyId,
    }
}

listed! {
    struct SuspensionRow {
        suspension: PaperId,
        level: u64,
    }
}

listed! {
    struct MandateRow {
        mandate: PaperId,
        payload: Bytes,
        signer: PublicKey,
        suspensions: Many<SuspensionRow>,
        registered_at: UnixSeconds,
        envelope: Maybe<u64>,
    }
}

listed! {
    struct LineageRow {
        account: AccountId,
        lineage: LineageId,
        latest: PaperId,
        revoked: u64,
        envelope: Maybe<u64>,
        envelopes: u64,
    }
}

listed! {
    struct CounterRow {
        account: AccountId,
        lineage: LineageId,
        counted: Counted,
    }
}

listed! {
    struct TakenRow {
        until: UnixSeconds,
        account: AccountId,
        offer: PaperId,
        intent: PaperId,
    }
}

listed! {
    struct LinkRow {
        mandate: PaperId,
        lineage: LineageId,
        grant: Maybe<u64>,
    }
}

listed! {
    struct MadeRow {
        intent: PaperId,
        account: AccountId,
        links: Many<LinkRow>,
        offer: PaperId,
        merchant: PartyId,
        payee: ShortText,
        amount: Amount,
        currency: Currency,
        decided_at: UnixSeconds,
        hold_until: Maybe<UnixSeconds>,
        captured_minor: u64,
        refunded_minor: u64,
        hold: u64,
        envelope: Maybe<u64>,
        pseudonym: Pseudonym,
    }
}

listed! {
    struct MeteredRow {
        made: MadeRow,
        meter: Meter,
        chains: List<ChainRoot, CHAINS_MAX>,
        reached: Many<Reached>,
        ends_at: Maybe<UnixSeconds>,
    }
}

listed! {
    struct BalanceRow {
        purse: Purse,
        currency: Currency,
        minor: u64,
    }
}

listed! {
    struct RetiredRow {
        account: AccountId,
        key: Digest,
        expires_at: UnixSeconds,
    }
}

listed! {
    struct PartRow {
        part: PaperId,
        batch: PaperId,
    }
}

listed! {
    struct DisputeRow {
        dispute: PaperId,
        late: Late,
        amount: Amount,
        apart_minor: u64,
        answered: u64,
        ends_at: UnixSeconds,
    }
}

listed! {
    struct GivenRow {
        currency: Currency,
        minor: u64,
    }
}

tagged! {
    enum Row {
    Clock(UnixSeconds) = 1;
    Account(AccountRow) = 2;
    Mandate(MandateRow) = 3;
    Lineage(LineageRow) = 4;
    Made(MadeRow) = 5;
    Pending(Box<Asked>) = 6;
    Paid(PaidRow) = 7;
    Counter(CounterRow) = 8;
    Balance(BalanceRow) = 9;
    Given(GivenRow) = 10;
    Taken(TakenRow) = 11;
    Metered(Box<MeteredRow>) = 12;
    Dispute(Box<DisputeRow>) = 35;
    Disputed(Many<PaperId>) = 36;
    Parts(Many<PartRow>) = 40;
    Retired(RetiredRow) = 41;
    }
}

/// Writes a state as rows, in an order in which they can be read back.
pub fn write<E>(state: &State, mut row: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut put = |value: Row| row(&encoded(&value));
    if let Some(clock) = state.clock {
        put(Row::Clock(clock))?;
    }
    for (account, record) in &state.accounts {
        let keys = record.keys.values().map(|(key, expires_at)| KeyRow { key: *key, expires_at: *expires_at });
        put(Row::Account(AccountRow { account: *account, frozen: record.frozen.into(), keys: Many(keys.collect()) }))?;
        for merchant in &record.merchants {
            put(Row::Paid(PaidRow { account: *account, merchant: merchant.clone() }))?;
        }
    }
    for (account, record) in &state.accounts {
        for (key, expires_at) in &record.retired {
            put(Row::Retired(RetiredRow { account: *account, key: Digest(key.0), expires_at: *expires_at }))?;
        }
    }
    for (id, record) in &state.mandates {
        let suspensions = record.suspensions.iter().map(|(by, level)| SuspensionRow { suspension: *by, level: *level });
        put(Row::Mandate(MandateRow {
            mandate: *id,
            payload: Bytes(record.mandate.payload()),
            signer: record.signer,
            suspensions: Many(suspensions.collect()),
            registered_at: record.registered_at,
            envelope: Maybe(record.envelope.map(u64::from)),
        }))?;
    }
    for ((account, lineage), record) in &state.lineages {
        put(Row::Lineage(LineageRow {
            account: *account,
            lineage: *lineage,
            latest: record.latest,
            revoked: record.revoked.into(),
            envelope: Maybe(record.envelope.map(u64::from)),
            envelopes: record.envelopes.into(),
        }))?;
        for counted in record.counters.rows(|_, _| true) {
            put(Row::Counter(CounterRow { account: *account, lineage: *lineage, counted }))?;
        }
    }
    for (intent, payment) in &state.payments {
        match payment {
            Payment::Made(made) => put(match &made.metered {
                None => Row::Made(made_row(*intent, made)),
                Some(metered) => Row::Metered(Box::new(MeteredRow {
                    made: made_row(*intent, made),
                    meter: metered.meter.clone(),
                    chains: metered.chains.clone(),
                    reached: Many(metered.reached.clone()),
                    ends_at: Maybe(metered.ends_at),
                })),
            })?,
            Payment::Pending(asked) => put(Row::Pending(asked.clone()))?,
            // It is no part of a state.
            Payment::Closed { .. } => {}
        }
    }
    for (until, account, offer) in &state.taken_until {
        let Some(intent) = state.taken.get(&(*account, *offer)) else { continue };
        put(Row::Taken(TakenRow { until: *until, account: *account, offer: *offer, intent: *intent }))?;
    }
    let mut parts = state.batches.iter().map(|(part, batch)| PartRow { part: *part, batch: *batch });
    loop {
        let some: Vec<PartRow> = parts.by_ref().take(PARTS_MAX).collect();
        if some.is_empty() {
            break;
        }
        put(Row::Parts(Many(some)))?;
    }
    for (intent, open) in &state.disputes {
        // A payment that was read or made has links.
        let Some(late) = late(*intent, &open.made) else { continue };
        put(Row::Dispute(Box::new(DisputeRow {
            dispute: open.dispute,
            late,
            amount: open.amount,
            apart_minor: open.apart_minor,
            answered: open.answered.into(),
            ends_at: open.ends_at,
        })))?;
    }
    let mut disputed = state.disputed.iter().copied();
    loop {
        let some: Vec<PaperId> = disputed.by_ref().take(PARTS_MAX).collect();
        if some.is_empty() {
            break;
        }
        put(Row::Disputed(Many(some)))?;
    }
    for (purse, currency, minor) in state.books.iter() {
        put(Row::Balance(BalanceRow { purse: purse.clone(), currency, minor }))?;
    }
    for currency in state.books.currencies() {
        put(Row::Given(GivenRow { currency, minor: state.books.given(currency) }))?;
    }
    Ok(())
}

fn made_row(intent: PaperId, made: &Made) -> MadeRow {
    let links = made.links.iter().map(|(mandate, lineage, grant)| LinkRow {
        mandate: *mandate,
        lineage: *lineage,
        grant: Maybe(grant.map(u64::from)),
    });
    MadeRow {
        intent,
        account: made.account,
        links: Many(links.collect()),
        offer: made.offer,
        merchant: made.merchant.clone(),
        payee: made.payee.clone(),
        amount: made.amount,
        currency: made.currency,
        decided_at: made.decided_at,
        hold_until: Maybe(made.hold_until),
        captured_minor: made.captured_minor,
        refunded_minor: made.refunded_minor,
        hold: made.hold.number(),
        envelope: Maybe(made.envelope.map(u64::from)),
        pseudonym: made.pseudonym,
    }
}

/// A state that is made from rows.
#[derive(Debug, Default)]
pub struct Restoring {
    state: State,
}

const UNREADABLE: Broken = Broken("a row of the snapshot cannot be read");
const UNFITTING: Broken = Broken("the rows of the snapshot do not fit each other");

impl Restoring {
    /// Takes the next row.
    pub fn row(&mut self, row: &[u8]) -> Result<(), Broken> {
        let state = &mut self.state;
        match decoded_row(row)? {
            Row::Clock(clock) => state.clock = Some(clock),
            Row::Account(row) => {
                let mut record = AccountRecord { frozen: row.frozen == 1, ..AccountRecord::default() };
                for KeyRow { key, expires_at } in row.keys.0 {
                    record.keys.insert(key.id(), (key, expires_at));
                    state.keys.insert(key.id(), key);
                    state.owned(key.id(), row.account);
                }
                state.accounts.insert(row.account, record);
            }
            Row::Mandate(row) => {
                let mandate = Mandate::decode(&mut Reader::new(&row.payload.0)).map_err(|_| UNREADABLE)?;
                if let Holder::Agent(key) = &mandate.holder {
                    state.keys.insert(key.id(), *key);
                }
                let suspensions = row.suspensions.0.iter().map(|row| (row.suspension, row.level)).collect();
                let (signer, registered_at, envelope) = (row.signer, row.registered_at, narrow(row.envelope)?);
                let record = MandateRecord { mandate, signer, suspensions, registered_at, envelope };
                state.mandates.insert(row.mandate, record);
            }
            Row::Lineage(row) => {
                let lineage = Lineage {
                    revoked: row.revoked == 1,
                    envelope: narrow(row.envelope)?,
                    envelopes: u32::try_from(row.envelopes).map_err(|_| UNREADABLE)?,
                    ..Lineage::new(row.latest)
                };
                if lineage.envelope.is_some() {
                    let record = state.mandates.get(&row.latest).ok_or(UNFITTING)?;
                    state.due.insert((record.mandate.expires_at, Due::Envelope(row.latest)));
                }
                state.lineages.insert((row.account, row.lineage), lineage);
            }
            Row::Made(row) => self.made(row, None)?,
            Row::Metered(row) => {
                let MeteredRow { made, meter, chains, reached, ends_at } = *row;
                let metered = Metered { meter, chains, reached: reached.0, ends_at: ends_at.0 };
                self.made(made, Some(Box::new(metered)))?;
            }
            Row::Pending(asked) => {
                state.due.insert((asked.answer_by, Due::Answer(asked.intent)));
                state.taken.insert((asked.account, asked.offer), asked.intent);
                for link in asked.links.iter() {
                    let mandate = &state.mandates.get(link).ok_or(UNFITTING)?.mandate;
                    state.lineages.get_mut(&(asked.account, mandate.lineage)).ok_or(UNFITTING)?.pending += 1;
                }
                state.payments.insert(asked.intent, Payment::Pending(asked));
            }
            Row::Paid(PaidRow { account, merchant }) => {
                state.accounts.get_mut(&account).ok_or(UNFITTING)?.merchants.insert(merchant);
            }
            Row::Counter(CounterRow { account, lineage, counted }) => {
                let lineage = state.lineages.get_mut(&(account, lineage)).ok_or(UNFITTING)?;
                lineage.counters.keep(&counted).ok_or(UNREADABLE)?;
            }
            Row::Taken(TakenRow { until, account, offer, intent }) => {
                state.taken.insert((account, offer), intent);
                state.taken_until.insert((until, account, offer));
            }
            Row::Retired(row) => {
                let account = state.accounts.get_mut(&row.account).ok_or(UNFITTING)?;
                account.retired.insert(KeyId(row.key.0), row.expires_at);
                state.owned(KeyId(row.key.0), row.account);
            }
            Row::Parts(parts) => state.batches.extend(parts.0.iter().map(|row| (row.part, row.batch))),
            Row::Dispute(row) => {
                let intent = row.late.paid.intent;
                let envelope = state.envelope_of(row.late.paid.links.first().map(|root| &root.mandate));
                let made = Made::of_late(&row.late, envelope).ok_or(UNREADABLE)?;
                state.due.insert((row.ends_at, Due::Dispute(intent)));
                let open = Disputing {
                    dispute: row.dispute,
                    made,
                    amount: row.amount,
                    apart_minor: row.apart_minor,
                    answered: row.answered == 1,
                    ends_at: row.ends_at,
                };
                state.disputes.insert(intent, open);
            }
            Row::Disputed(payments) => state.disputed.extend(payments.0),
            Row::Balance(row) => state.books.set_balance(&row.purse, row.currency, row.minor),
            Row::Given(row) => state.books.set_given(row.currency, row.minor),
        }
        Ok(())
    }

    fn made(&mut self, row: MadeRow, metered: Option<Box<Metered>>) -> Result<(), Broken> {
        let state = &mut self.state;
        let mut links = Vec::with_capacity(row.links.0.len());
        for LinkRow { mandate, lineage, grant } in row.links.0 {
            let grant = grant.0.map(u8::try_from).transpose().map_err(|_| UNREADABLE)?;
            links.push((mandate, lineage, grant));
        }
        let made = Made {
            account: row.account,
            links,
            offer: row.offer,
            merchant: row.merchant,
            payee: row.payee,
            amount: row.amount,
            currency: row.currency,
            decided_at: row.decided_at,
            hold_until: row.hold_until.0,
            captured_minor: row.captured_minor,
            refunded_minor: row.refunded_minor,
            hold: Hold::from_number(row.hold).filter(|hold| *hold == Hold::Open).ok_or(UNFITTING)?,
            envelope: narrow(row.envelope)?,
            pseudonym: row.pseudonym,
            metered,
        };
        for (_, lineage, _) in &made.links {
            state.lineages.get_mut(&(made.account, *lineage)).ok_or(UNFITTING)?.holds_open += 1;
        }
        state.due.insert((made.ends_at().ok_or(UNFITTING)?, Due::Hold(row.intent)));
        state.payments.insert(row.intent, Payment::Made(Box::new(made)));
        Ok(())
    }

    /// The state, once all rows are there.
    pub fn finish(self) -> Result<State, Broken> {
        let balanced = |currency| self.state.books.held(currency) == u128::from(self.state.books.given(currency));
        if !self.state.books.currencies().into_iter().all(balanced) {
            return Err(Broken("the books of the snapshot do not balance"));
        }
        Ok(self.state)
    }
}

fn decoded_row(row: &[u8]) -> Result<Row, Broken> {
    let mut reader = Reader::new(row);
    let read = Row::read(&mut reader).map_err(|_| UNREADABLE)?;
    if reader.offset() == row.len() { Ok(read) } else { Err(UNREADABLE) }
}

fn narrow(number: Maybe<u64>) -> Result<Option<u32>, Broken> {
    number.0.map(u32::try_from).transpose().map_err(|_| UNREADABLE)
}

impl Field for Purse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        reader.list()?;
        match reader.unsigned()? {
            1 => Field::read(reader).map(Self::Account),
            2 => Ok(Self::Envelope(Field::read(reader)?, Field::read(reader)?)),
            3 => Field::read(reader).map(Self::Hold),
            5 => Field::read(reader).map(Self::Contested),
            4 => Ok(Self::Payee(Field::read(reader)?, Field::read(reader)?)),
            _ => Err(Fault::new(crate::code::Code::FieldRange).at(at)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Outside => writer.list(1),
            Self::Account(_) | Self::Hold(_) | Self::Contested(_) => writer.list(2),
            Self::Envelope(..) | Self::Payee(..) => writer.list(3),
        }
        match self {
            Self::Outside => writer.unsigned(0),
            Self::Account(account) => {
                writer.unsigned(1);
                account.write(writer);
            }
            Self::Envelope(account, lineage) => {
                writer.unsigned(2);
                account.write(writer);
                lineage.write(writer);
            }
            Self::Hold(intent) => {
                writer.unsigned(3);
                intent.write(writer);
            }
            Self::Contested(intent) => {
                writer.unsigned(5);
                intent.write(writer);
            }
            Self::Payee(merchant, account) => {
                writer.unsigned(4);
                merchant.write(writer);
                account.write(writer);
            }
        }
    }
}
