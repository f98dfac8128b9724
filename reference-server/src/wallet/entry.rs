//! One decision: whose it is, and what of it a wallet lists.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use purser_protocol::field::decoded;
use purser_protocol::flow::issuer::{BatchRequest, PaymentRequest};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::label::{INTENT, SUB};
use purser_protocol::ledger::event::{Event, Maybe, Paid};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::receipt::{Claims, Receipt};
use purser_protocol::sign::paper::find;
use purser_protocol::sign::{Frame, Kind, Paper};
use purser_protocol::wire::Reader;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::store::place::exact;
use crate::store::{self, StoreError};

/// A decision, as the store has it.
pub(super) struct Entry {
    pub(super) sequence: u64,
    receipt: [u8; 32],
    command: [u8; 32],
    decided_at: u64,
    event: Event,
    claims: Claims,
    code: Option<u16>,
    sent: Vec<u8>,
}

/// The decisions after this one, at most so many.
pub(super) fn after(store: &mut dyn store::Reader, sequence: u64, count: usize) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for (decided_at, kept) in store.after(sequence, count)? {
        let damaged = |what: &str| StoreError::Damaged(format!("a decision's {what} cannot be read"));
        let receipt = Receipt { claims: kept.claims, index: 0, path: Vec::new(), root: Vec::new() };
        let claims = receipt.read_claims().map_err(|_| damaged("receipt"))?;
        let detail = kept.detail.and_then(|detail| decoded::<purser_protocol::receipt::Detail>(&detail).ok());
        entries.push(Entry {
            sequence: kept.sequence,
            receipt: exact(&kept.receipt)?,
            command: exact(&kept.command)?,
            decided_at,
            event: Event::read_kept(&kept.event).map_err(|_| damaged("event"))?,
            code: detail.map(|detail| detail.code.0).or(claims.code.map(|code| code.0)),
            claims,
            sent: kept.evidence,
        });
    }
    Ok(entries)
}

/// What a record says beside its receipt.
#[derive(Default)]
struct About {
    account: Option<AccountId>,
    intent: Option<PaperId>,
    merchant: Option<String>,
    mandate: Option<PaperId>,
    agent: Option<String>,
    category: Option<u16>,
    /// Of a pack, its plan.
    plan: Option<String>,
}

impl Entry {
    /// Adds the decision to the view.
    pub(super) fn apply(
        &self,
        view: &Transaction<'_>,
        counts: &mut HashMap<AccountId, (u64, u64)>,
    ) -> Result<(), StoreError> {
        let mut about = self.about(view)?;
        let Some(account) = about.account else { return Ok(()) };
        if let Slot::Vacant(vacant) = counts.entry(account) {
            vacant.insert(counted(view, &account)?);
        }
        self.happened(view, &self.event, &about, counts.entry(account).or_default())?;
        if about.agent.is_none() {
            about.agent = about.mandate.map(|mandate| agent_of(view, &mandate)).transpose()?.flatten();
        }
        let number = {
            let counts = counts.entry(account).or_default();
            counts.0 += 1; // [WAL-6]
            counts.0
        };
        view.prepare_cached(
            "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            account.0,
            number,
            self.sequence,
            self.receipt,
            self.command,
            self.kind(),
            self.claims.outcome.name(),
            self.code,
            self.decided_at,
            self.claims.amount.map(|amount| amount.minor()),
            self.claims.currency.map(|currency| currency.code()),
            about.intent.map(|intent| intent.0),
            about.merchant,
            about.mandate.map(|mandate| mandate.0),
            about.agent,
            about.category,
        ])?;
        Ok(())
    }

    /// What was sent, by the name of its kind; `due` where nobody sent anything.
    fn kind(&self) -> &'static str {
        match Kind::of(&self.sent) {
            _ if self.sent.is_empty() => "due",
            Some(kind) => kind.typ().trim_start_matches("purser-"),
            None if BatchRequest::read(&self.sent).is_ok() => "batch",
            None => "payment",
        }
    }

    fn about(&self, view: &Transaction<'_>) -> Result<About, StoreError> {
        let of_payment = |intent: PaperId| known(view, &intent);
        let of_mandate = |mandate: PaperId| -> Result<About, StoreError> {
            Ok(About { account: account_of(view, &mandate)?, mandate: Some(mandate), ..About::default() })
        };
        let own = |account: AccountId| About { account: Some(account), ..About::default() };
        let of_paid = |paid: &Paid| -> Result<About, StoreError> {
            let before = known(view, &paid.intent)?;
            Ok(About {
                account: Some(paid.account),
                intent: Some(paid.intent),
                merchant: Some(paid.merchant.as_str().to_owned()),
                mandate: paid.links.last().map(|link| link.mandate),
                category: self.category().or(before.category),
                plan: self.offer().as_ref().and_then(plan_of).or(before.plan),
                ..About::default()
            })
        };
        Ok(match &self.event {
            Event::Enrolled(enrolled) => own(enrolled.account),
            Event::Deposited(deposited) => own(deposited.account),
            Event::Registered(registered) => {
                let mandate = Mandate::decode(&mut Reader::new(&registered.payload.0)).ok();
                About {
                    account: mandate.as_ref().map(|mandate| mandate.account),
                    mandate: Some(registered.mandate),
                    agent: mandate.map(|mandate| name_of(&mandate.holder)),
                    ..About::default()
                }
            }
            Event::Paid(paid) => of_paid(paid)?,
            Event::MeteredPaid(metered) => of_paid(&metered.paid)?,
            Event::Asked(asked) => {
                let offer = Offer::decode(&mut Reader::new(&asked.offer_payload.0)).ok();
                About {
                    account: Some(asked.account),
                    intent: Some(asked.intent),
                    merchant: offer.as_ref().map(|offer| offer.merchant.as_str().to_owned()),
                    mandate: asked.links.last().copied(),
                    category: offer.as_ref().and_then(category_of),
                    plan: offer.as_ref().and_then(plan_of),
                    ..About::default()
                }
            }
            Event::Refused(closed) | Event::Cancelled(closed) => {
                let before = known(view, &closed.intent)?;
                let offer = self.offer();
                About {
                    account: Some(closed.account),
                    intent: Some(closed.intent),
                    merchant: offer.as_ref().map(|offer| offer.merchant.as_str().to_owned()).or(before.merchant),
                    mandate: Some(closed.mandate),
                    category: offer.as_ref().and_then(category_of).or(before.category),
                    ..About::default()
                }
            }
            Event::Captured(captured) => of_payment(captured.intent)?,
            Event::Claimed(claimed) => of_payment(claimed.captured.intent)?,
            Event::Refunded(refunded) => of_payment(refunded.intent)?,
            Event::Disputed(disputed) => of_payment(disputed.late.paid.intent)?,
            Event::DisputeAnswered(answered) => of_payment(answered.intent)?,
            Event::Ruled(ruled) => of_payment(ruled.intent)?,
            Event::Voided(intent) | Event::HoldExpired(intent) => of_payment(*intent)?,
            Event::Suspended(changed) | Event::Resumed(changed) | Event::Revoked(changed) => {
                let about = changed.mandates.first().copied().map(of_mandate).transpose()?.unwrap_or_default();
                // A command about several mandates is about none of them alone.
                About { mandate: about.mandate.filter(|_| changed.mandates.len() == 1), ..about }
            }
            Event::EnvelopeClosed(mandate) => of_mandate(*mandate)?,
            Event::Batched(batched) => own(batched.account),
            Event::Retired(retired) => own(retired.account),
            Event::Frozen(account) => own(*account),
            Event::Thawed(thawed) => own(thawed.account),
            Event::PaidOut(_) => About::default(),
            Event::CommandRefused(_) => self.refused(view)?,
        })
    }

    /// A command that was refused names its account, or the payment that it is about.
    fn refused(&self, view: &Transaction<'_>) -> Result<About, StoreError> {
        let batch = BatchRequest::read(&self.sent).ok();
        let sent = batch.as_ref().map_or(self.sent.as_slice(), |request| request.batch);
        let Ok(frame) = Frame::read(sent) else { return Ok(About::default()) };
        let account = find(frame.payload, SUB.number).and_then(|(_, mut account)| account.array().ok());
        if let Some(account) = account {
            return Ok(About { account: Some(AccountId(account)), ..About::default() });
        }
        let intent = find(frame.payload, INTENT.number).and_then(|(_, mut intent)| intent.array().ok());
        intent.map_or(Ok(About::default()), |intent| known(view, &PaperId(intent)))
    }

    /// What the event does to mandates and payments.
    fn happened(
        &self,
        view: &Transaction<'_>,
        event: &Event,
        about: &About,
        counts: &mut (u64, u64),
    ) -> Result<(), StoreError> {
        match event {
            Event::Registered(registered) => {
                let Ok(mandate) = Mandate::decode(&mut Reader::new(&registered.payload.0)) else { return Ok(()) };
                counts.1 += 1;
                view.prepare_cached("INSERT OR REPLACE INTO mandates VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                    registered.mandate.0,
                    mandate.account.0,
                    counts.1,
                    name_of(&mandate.holder)
                ])?;
            }
            Event::Asked(asked) => {
                let mandate = asked.links.last().map(|mandate| mandate.0);
                view.prepare_cached("INSERT OR REPLACE INTO waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
                    params![asked.intent.0, asked.account.0, about.merchant, mandate, about.category, about.plan],
                )?;
            }
            Event::Batched(batched) => {
                for part in batched.parts.iter() {
                    self.happened(view, &part.event, about, counts)?;
                }
            }
            Event::Paid(paid) => {
                let Some(mandate) = paid.links.last().map(|link| link.mandate) else { return Ok(()) };
                let held = if let Maybe(Some(_)) = paid.hold_until { paid.amount.minor() } else { 0 };
                view.prepare_cached("INSERT INTO payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10)")?
                    .execute(params![
                        paid.intent.0,
                        paid.account.0,
                        self.decided_at,
                        agent_of(view, &mandate)?.unwrap_or_default(),
                        paid.merchant.as_str(),
                        about.category,
                        mandate.0,
                        paid.currency.code(),
                        paid.amount.minor() - held,
                        held,
                    ])?;
                if let Some(plan) = &about.plan {
                    view.prepare_cached("INSERT INTO packs VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                        paid.account.0,
                        counts.0 + 1,
                        paid.intent.0,
                        self.receipt,
                        plan
                    ])?;
                }
            }
            // To a list of payments a session is one like any other.
            Event::MeteredPaid(metered) => {
                self.happened(view, &Event::Paid(metered.paid.clone()), about, counts)?;
                view.prepare_cached("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                    metered.paid.account.0,
                    counts.0 + 1,
                    metered.paid.intent.0,
                    self.receipt
                ])?;
            }
            Event::Claimed(claimed) => {
                self.happened(view, &Event::Captured(claimed.captured.clone()), about, counts)?;
            }
            Event::Captured(captured) => {
                let minor = captured.amount.minor();
                view.prepare_cached(
                    "UPDATE payments SET captured = captured + ?2,
                     held = CASE ?3 WHEN 1 THEN 0 ELSE held - ?2 END WHERE intent = ?1",
                )?
                .execute(params![captured.intent.0, minor, captured.last])?;
            }
            Event::Voided(intent) | Event::HoldExpired(intent) => {
                view.prepare_cached("UPDATE payments SET held = 0 WHERE intent = ?1")?.execute([intent.0])?;
            }
            Event::Refunded(refunded) => {
                view.prepare_cached("UPDATE payments SET refunded = refunded + ?2 WHERE intent = ?1")?
                    .execute(params![refunded.intent.0, refunded.amount.minor()])?;
            }
            Event::Ruled(ruled) => {
                view.prepare_cached("UPDATE payments SET refunded = refunded + ?2 WHERE intent = ?1")?
                    .execute(params![ruled.intent.0, ruled.given_minor])?;
            }
            _ => {}
        }
        Ok(())
    }

    fn offer(&self) -> Option<Offer> {
        let request = PaymentRequest::read(&self.sent).ok()?;
        let frame = Frame::read(request.offer).ok()?;
        Frame::read(request.intent).ok().and_then(|intent| Intent::decode(&mut Reader::new(intent.payload)).ok())?;
        Offer::decode(&mut Reader::new(frame.payload)).ok()
    }

    fn category(&self) -> Option<u16> {
        self.offer().as_ref().and_then(category_of)
    }
}

/// The category of a payment is that of the first goods that have one. [WAL-11]
fn category_of(offer: &Offer) -> Option<u16> {
    offer.items.iter().find_map(|item| item.category.and_then(|category| u16::try_from(category.get()).ok()))
}

/// The plan of a pack is the seller's name for its first line.
fn plan_of(offer: &Offer) -> Option<String> {
    let first = offer.items.iter().find(|_| offer.kind == OfferKind::Pack);
    first.map(|item| item.id.as_str().to_owned())
}

/// Who spends under a mandate: the thumbprint of a key, or the name of a merchant.
fn name_of(holder: &Holder) -> String {
    match holder {
        Holder::Agent(key) => key.id().to_string(),
        Holder::Merchant(merchant) => merchant.as_str().to_owned(),
    }
}

fn agent_of(view: &Connection, mandate: &PaperId) -> Result<Option<String>, StoreError> {
    let mut find = view.prepare_cached("SELECT agent FROM mandates WHERE id = ?1")?;
    Ok(find.query_row([mandate.0], |row| row.get(0)).optional()?)
}

fn account_of(view: &Connection, mandate: &PaperId) -> Result<Option<AccountId>, StoreError> {
    let mut find = view.prepare_cached("SELECT account FROM mandates WHERE id = ?1")?;
    Ok(find.query_row([mandate.0], |row| row.get(0)).optional()?.map(AccountId))
}

/// What was said of a payment before, when it was made or began to wait.
fn known(view: &Connection, intent: &PaperId) -> Result<About, StoreError> {
    let mut find = view.prepare_cached(
        "SELECT account, merchant, mandate, category, NULL FROM payments WHERE intent = ?1
         UNION ALL SELECT account, merchant, mandate, category, plan FROM waiting WHERE intent = ?1",
    )?;
    let made = find.query_row([intent.0], |row| {
        Ok(About {
            account: Some(AccountId(row.get(0)?)),
            intent: Some(*intent),
            merchant: row.get(1)?,
            mandate: Some(PaperId(row.get(2)?)),
            agent: None,
            category: row.get(3)?,
            plan: row.get(4)?,
        })
    });
    Ok(made.optional()?.unwrap_or_default())
}

fn counted(view: &Connection, account: &AccountId) -> Result<(u64, u64), StoreError> {
    let count = |table: &str| -> Result<u64, StoreError> {
        let query = format!("SELECT coalesce(max(number), 0) FROM {table} WHERE account = ?1");
        Ok(view.prepare_cached(&query)?.query_row([account.0], |row| row.get(0))?)
    };
    Ok((count("records")?, count("mandates")?))
}
