//! Payments: decided, waiting, confirmed, lapsed, cancelled.

use super::books::Purse;
use super::event::{Asked, Closed, Event, Maybe, MeteredPaid, Paid, UsedLink};
use super::state::{MandateRecord, Payment};
use super::{CancelOrder, Draft, Ledger, PaymentOrder, Record, drawn, is_decided};
use crate::authorize::{Account, Case, Decision, Link, Place, authorize};
use crate::cert::{Party, Role};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::{Bytes, List};
use crate::id::{AccountId, CertificateId, LongText, Nonce, PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::HOLD_SECONDS_DEFAULT;
use crate::paper::confirmation::Confirmation;
use crate::paper::intent::Intent;
use crate::paper::offer::{CaptureMode, Offer};
use crate::receipt::{Claims, CodeNumber, Outcome};
use crate::sign::{Paper, PublicKey, Verified};
use crate::time::UnixSeconds;
use crate::wire::Reader;

/// What a payment is decided on.
struct Papers<'a> {
    intent: &'a Intent,
    intent_id: PaperId,
    held_by: Option<&'a PartyId>,
    offer: &'a Offer,
    offer_id: PaperId,
    merchant: &'a Party,
    confirmation: Option<&'a Verified<Confirmation>>,
    pseudonym: Pseudonym,
}

impl Ledger {
    pub(super) fn pay(&self, order: &PaymentOrder, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        let intent_id = order.intent.id();
        // An intent with an outcome gets that outcome, before any other check. [AUT-1]
        match self.payment(&intent_id) {
            None => {}
            Some(Payment::Pending(asked)) if asked.answer_by <= now => return self.lapsed(asked, now, salt),
            Some(Payment::Pending(_)) if order.confirmation.is_some() => {} // [AUT-13]
            Some(_) => return Ok(Draft::Known(intent_id)),                  // [CNF-7]
        }
        self.decide_papers(
            &Papers {
                intent: &order.intent,
                intent_id,
                held_by: order.held_by.as_ref(),
                offer: &order.offer,
                offer_id: order.offer.id(),
                merchant: &order.merchant,
                confirmation: order.confirmation.as_ref(),
                pseudonym: order.pseudonym,
            },
            now,
            salt,
        )
    }

    pub(super) fn confirm(
        &self,
        confirmation: &Verified<Confirmation>,
        now: UnixSeconds,
        salt: Nonce,
    ) -> Result<Draft, Fault> {
        let payment = self.payment(&confirmation.intent);
        let asked = match payment.filter(|payment| payment.account() == confirmation.account) {
            Some(Payment::Pending(asked)) if asked.answer_by <= now => return self.lapsed(asked, now, salt),
            Some(Payment::Pending(asked)) => asked,
            Some(_) => return Ok(Draft::Known(confirmation.intent)),
            // Whether it is somebody else's is not said. [CMD-3]
            None => return Err(Fault::new(Code::PaymentUnknown).within(Part::Confirmation)),
        };
        let waiting = Waiting::read(asked)?; // [CNF-12]
        self.decide_papers(
            &Papers {
                intent: &waiting.intent,
                intent_id: asked.intent,
                held_by: asked.held_by.0.as_ref(),
                offer: &waiting.offer,
                offer_id: asked.offer,
                merchant: &waiting.merchant,
                confirmation: Some(confirmation),
                pseudonym: asked.pseudonym,
            },
            now,
            salt,
        )
    }

    fn decide_papers(&self, papers: &Papers<'_>, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        // Its signature was checked before the command waited for its turn. [WAL-31]
        if papers.confirmation.is_some_and(|paper| !self.owns(paper.account, &paper.key())) {
            return Err(Fault::new(Code::CommandSigner).within(Part::Confirmation));
        }
        let unknown = || Fault::new(Code::MandateUnknown).within(Part::Intent);
        let records = self.state.chain(&papers.intent.mandate).ok_or_else(unknown)?; // [AUT-32]
        let chain: Option<Vec<Link<'_>>> = records.iter().map(|(id, record)| self.link(*id, record)).collect();
        let chain = chain.ok_or_else(unknown)?;
        let (_, root) = records.first().copied().ok_or_else(unknown)?;
        let case = Case {
            issuer: &self.settings.issuer,
            now,
            account: self.account(root, papers),
            chain: &chain,
            offer: papers.offer,
            offer_id: papers.offer_id,
            merchant: papers.merchant,
            intent: papers.intent,
            intent_id: papers.intent_id,
            held_by: papers.held_by,
            confirmation: papers.confirmation.map(|confirmation| &**confirmation),
        };
        let record = match authorize(&case) {
            Decision::Grant { grants, .. } => self.granted(&case, &grants, papers.pseudonym, salt),
            Decision::NeedsConfirmation { .. } => self.asked(&case, papers.pseudonym, salt),
            Decision::Refusal { fault, .. } if !is_decided(&fault) => return Err(fault),
            Decision::Refusal { fault, place, .. } => Ok(self.refused(&case, &fault, place, papers.pseudonym, salt)),
        };
        record.map(|record| Draft::Decided(Box::new(record)))
    }

    fn link<'a>(&'a self, id: PaperId, record: &'a MandateRecord) -> Option<Link<'a>> {
        let lineage = self.state.lineages.get(&(record.mandate.account, record.mandate.lineage))?;
        Some(Link {
            id,
            mandate: &record.mandate,
            standing: self.state.standing(&id, record), // [REV-6]
            counters: &lineage.counters,
            holds_open: lineage.holds_open,
            pending: lineage.pending,
        })
    }

    fn account(&self, root: &MandateRecord, papers: &Papers<'_>) -> Account {
        let id = root.mandate.account;
        let record = self.state.accounts.get(&id);
        let expires_at = |account: &AccountId, key: &PublicKey| {
            let account = self.state.accounts.get(account);
            let known = account.and_then(|account| account.keys.get(&key.id())).map(|(_, expires_at)| expires_at);
            // What a retired key signed stands, and stands no longer than it did. [WAL-31]
            let known = known.or_else(|| account.and_then(|account| account.retired.get(&key.id())));
            known.copied().unwrap_or(UnixSeconds::MIN)
        };
        let confirmed = papers.confirmation.map(|paper| expires_at(&paper.account, &paper.key()));
        let currency = papers.offer.currency;
        let purse = self.state.purse_of(id, root.mandate.lineage);
        let payee = papers.offer.account_at(&self.settings.issuer);
        let payee = payee.map(|account| Purse::Payee(papers.offer.merchant.clone(), account.clone()));
        let taken = self.state.taken.get(&(id, papers.offer_id));
        Account {
            id,
            credential_expires_at: expires_at(&id, &root.signer).min(confirmed.unwrap_or(UnixSeconds::MAX)),
            pseudonym: papers.pseudonym,
            available_minor: self.state.books.balance(&purse, currency),
            payee_minor: payee.map_or(0, |payee| self.state.books.balance(&payee, currency)),
            frozen: record.is_none_or(|account| account.frozen),
            knows_merchant: record.is_some_and(|account| account.merchants.contains(&papers.offer.merchant)),
            offer_taken: taken.is_some_and(|intent| *intent != papers.intent_id),
        }
    }

    fn granted(
        &self,
        case: &Case<'_>,
        grants: &[Option<u8>],
        pseudonym: Pseudonym,
        salt: Nonce,
    ) -> Result<Record, Fault> {
        let links = case.chain.iter().zip(grants).map(|(link, grant)| UsedLink {
            mandate: link.id,
            lineage: link.mandate.lineage,
            grant: Maybe(grant.map(u64::from)), // [AUT-55]
        });
        let payee = case.offer.account_at(case.issuer).ok_or_else(|| Fault::new(Code::IssuerNotAccepted))?;
        let hold_until = (case.offer.capture == CaptureMode::ByCommand).then(|| {
            let seconds = case.offer.hold_seconds.map_or(HOLD_SECONDS_DEFAULT, |seconds| seconds.get());
            case.now.saturating_add(seconds) // [AUT-66]
        });
        let paid = Paid {
            intent: case.intent_id,
            offer: case.offer_id,
            account: case.account.id,
            links: List::new(links.collect()).ok_or_else(|| Fault::new(Code::ChainTooLong))?,
            merchant: case.offer.merchant.clone(),
            payee: payee.clone(),
            amount: case.intent.amount,
            currency: case.intent.currency,
            hold_until: Maybe(hold_until),
            pseudonym,
        };
        let outcome = if hold_until.is_some() { Outcome::Authorized } else { Outcome::Settled }; // [AUT-65]
        let chains = case.intent.chains.clone(); // [TOK-8]
        let claims = Claims { hold_until, chains, ..claims_of(case, outcome, pseudonym, salt) };
        let event = match (&case.offer.meter, &case.intent.chains) {
            (Some(meter), Some(chains)) => {
                Event::MeteredPaid(Box::new(MeteredPaid { paid, meter: meter.clone(), chains: chains.clone() }))
            }
            _ => Event::Paid(paid),
        };
        Ok(Record { command: case.intent_id, claims, detail: None, event })
    }

    /// Tells the person. Nothing is held until they say yes. [CNF-1]
    fn asked(&self, case: &Case<'_>, pseudonym: Pseudonym, salt: Nonce) -> Result<Record, Fault> {
        let user_code = user_code(salt).ok_or_else(|| Fault::new(Code::Internal))?;
        let categories = case.merchant.categories.iter().flat_map(|category| category.to_be_bytes());
        let links = case.chain.iter().map(|link| link.id).collect();
        let approval = LongText::new(&format!("{}{user_code}", self.settings.approval_base));
        let approval = approval.ok_or_else(|| Fault::new(Code::Internal))?; // [CNF-8]
        let asked = Asked {
            intent: case.intent_id,
            account: case.account.id,
            links: List::new(links).ok_or_else(|| Fault::new(Code::ChainTooLong))?,
            intent_payload: Bytes(case.intent.payload()),
            offer: case.offer_id,
            offer_payload: Bytes(case.offer.payload()),
            merchant_key: case.merchant.key,
            merchant_categories: Bytes(categories.collect()),
            held_by: Maybe(case.held_by.cloned()),
            pseudonym,
            user_code: user_code.clone(),
            answer_by: case.offer.expires_at,
        };
        let claims = Claims {
            approval: Some(approval),
            user_code: Some(user_code),
            answer_by: Some(case.offer.expires_at), // [CNF-5]
            ..claims_of(case, Outcome::Pending, pseudonym, salt)
        };
        Ok(Record { command: case.intent_id, claims, detail: None, event: Event::Asked(Box::new(asked)) })
    }

    fn refused(
        &self,
        case: &Case<'_>,
        fault: &Fault,
        place: Option<Place>,
        pseudonym: Pseudonym,
        salt: Nonce,
    ) -> Record {
        let (intent, account, mandate) = (case.intent_id, case.account.id, case.intent.mandate);
        let event = Event::Refused(Closed { intent, account, mandate, code: fault.code.into() });
        let claims = claims_of(case, Outcome::Refused, pseudonym, salt);
        Record { command: case.intent_id, claims, detail: None, event }.refused(fault.code, place)
    }

    /// The person did not answer in time. [CNF-4]
    pub(super) fn answer_lapses(&self, intent: PaperId, now: UnixSeconds, salt: Nonce) -> Option<Record> {
        let Some(Payment::Pending(asked)) = self.state.payments.get(&intent) else { return None };
        self.close_waiting(asked, Code::ConfirmationLapsed, now, salt).ok()
    }

    /// The same, found by somebody who asks before the timer does.
    fn lapsed(&self, asked: &Asked, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        let record = self.close_waiting(asked, Code::ConfirmationLapsed, now, salt)?;
        Ok(Draft::Decided(Box::new(record)))
    }

    fn close_waiting(&self, asked: &Asked, code: Code, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        let (waiting, intent, account) = (Waiting::read(asked)?, asked.intent, asked.account);
        let claims = Claims {
            offer: Some(asked.offer),
            intent: Some(intent),
            amount: Some(waiting.intent.amount),
            currency: Some(waiting.intent.currency),
            secret_hash: Some(waiting.intent.secret_hash),
            pseudonym: Some(asked.pseudonym),
            ..Claims::new(Outcome::Refused, now, salt)
        };
        let mandate = waiting.intent.mandate;
        let event = Event::Refused(Closed { intent, account, mandate, code: CodeNumber::from(code) });
        Ok(Record { command: intent, claims, detail: None, event }.refused(code, None))
    }

    /// Resolves doubt: a decided intent keeps its receipt, an undecided one is never decided. [CMD-11] [CMD-26]
    pub(super) fn cancel(&self, order: &CancelOrder, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        let (cancel, intent) = (&order.cancel, order.intent.id());
        let account = self.account_of(&order.intent)?;
        let by_person = self.owns(account, &cancel.key());
        if !by_person && order.merchant.is_none() && cancel.key() != order.intent.key() {
            return Err(Fault::new(Code::CommandSigner).within(Part::Command)); // [SIG-14]
        }
        let waiting = match self.payment(&intent) {
            None => None,
            Some(Payment::Pending(asked)) => Some(asked),
            Some(_) => return Ok(Draft::Known(intent)),
        };
        self.command_in_time(&cancel.issuer, cancel.issued_at, now)?;
        let record = match waiting {
            Some(asked) if asked.answer_by <= now => return self.lapsed(asked, now, salt),
            Some(asked) if by_person => self.close_waiting(asked, Code::ConfirmationRefused, now, salt)?, // [CNF-3]
            _ => {
                let code = Code::PaymentCancelled;
                let mandate = order.intent.mandate;
                let event = Event::Cancelled(Closed { intent, account, mandate, code: code.into() });
                let claims = Claims {
                    offer: Some(order.intent.offer),
                    intent: Some(intent),
                    code: Some(code.into()),
                    ..Claims::new(Outcome::Cancelled, now, salt)
                };
                Record { command: intent, claims, detail: None, event } // [CMD-25]
            }
        };
        Ok(Draft::Decided(Box::new(record)))
    }

    /// Who would pay an intent.
    fn account_of(&self, intent: &Intent) -> Result<AccountId, Fault> {
        let record = self.state.mandates.get(&intent.mandate);
        let record = record.ok_or_else(|| Fault::new(Code::MandateUnknown).within(Part::Intent))?; // [AUT-32]
        Ok(record.mandate.account)
    }
}

/// A payment that waits, read back from the state.
struct Waiting {
    intent: Intent,
    offer: Offer,
    merchant: Party,
}

impl Waiting {
    fn read(asked: &Asked) -> Result<Self, Fault> {
        let intent = Intent::decode(&mut Reader::new(&asked.intent_payload.0))?;
        let offer = Offer::decode(&mut Reader::new(&asked.offer_payload.0))?;
        let categories = asked.merchant_categories.0.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let merchant = Party {
            id: offer.merchant.clone(),
            role: Role::Merchant,
            key: asked.merchant_key,
            categories: categories.collect(),
            // Its certificate was checked when the payment was asked for.
            x5t: CertificateId([0; 32]),
            valid: 0..u64::MAX,
            retired_at_seconds: None,
        };
        Ok(Self { intent, offer, merchant })
    }
}

// [RCT-19] [PRV-1]
fn claims_of(case: &Case<'_>, outcome: Outcome, pseudonym: Pseudonym, salt: Nonce) -> Claims {
    Claims {
        offer: Some(case.offer_id),
        intent: Some(case.intent_id),
        amount: Some(case.intent.amount),
        currency: Some(case.intent.currency),
        secret_hash: Some(case.intent.secret_hash),
        pseudonym: Some(pseudonym),
        ..Claims::new(outcome, case.now, salt)
    }
}

/// Eight letters and digits that are not taken for each other, from five bytes that are random.
fn user_code(salt: Nonce) -> Option<ShortText> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let random = drawn(salt, b"user code");
    let bits = random.0.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let mut code = String::with_capacity(9);
    for place in (0..8).rev() {
        let index = usize::try_from(bits >> (place * 5) & 31).unwrap_or_default();
        code.push(char::from(ALPHABET[index]));
        if place == 4 {
            code.push('-');
        }
    }
    ShortText::new(&code)
}
