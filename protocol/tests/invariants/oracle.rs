//! A second opinion on what was granted: no counters, no events, only the list of payments, counted anew each
//! time from the rules as the person wrote them.

use std::collections::{BTreeMap, BTreeSet};

use purser_protocol::code::Code;
use purser_protocol::id::{AccountId, LineageId, PaperId, PartyId};
use purser_protocol::ledger::Record;
use purser_protocol::ledger::event::Event;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::{self, Fields};
use purser_protocol::period::Period;
use purser_protocol::receipt::Outcome;

use super::ledger_support::DAY;

type Lineage = (AccountId, LineageId);

/// A payment that was granted.
#[derive(Clone, Debug)]
struct Granted {
    at: u64,
    account: AccountId,
    merchant: PartyId,
    /// Each link: its lineage, the grant taken, and whether refunds come back to it.
    links: Vec<(Lineage, Option<u8>, bool)>,
    amount: u64,
    captured: u64,
    refunded: u64,
    held: bool,
}

impl Granted {
    /// What it weighs in a lineage that is one of its links.
    fn weight(&self, returns: bool) -> u64 {
        let spent = if self.held { self.amount } else { self.captured };
        spent - if returns { self.refunded } else { 0 }
    }
}

/// What a payment came with.
pub(super) struct Asked {
    pub(super) mandate: PaperId,
    pub(super) offer: PaperId,
    pub(super) confirmed: bool,
}

#[derive(Default)]
pub(super) struct Oracle {
    mandates: BTreeMap<PaperId, Mandate>,
    latest: BTreeMap<Lineage, PaperId>,
    revoked: BTreeSet<Lineage>,
    suspended: BTreeMap<Lineage, BTreeSet<PaperId>>,
    payments: BTreeMap<PaperId, Granted>,
    offers: BTreeSet<(AccountId, PaperId)>,
    deposited: BTreeMap<AccountId, u64>,
    paid_out: BTreeMap<PartyId, u64>,
}

impl Oracle {
    pub(super) fn knows_mandate(&mut self, id: PaperId, mandate: &Mandate) {
        let lineage = lineage(mandate);
        assert!(!self.revoked.contains(&lineage), "a revoked lineage was taken up again");
        self.latest.insert(lineage, id);
        self.mandates.insert(id, mandate.clone());
    }

    pub(super) fn deposited(&mut self, account: AccountId, units: u64) {
        *self.deposited.entry(account).or_default() += units;
    }

    pub(super) fn suspended(&mut self, mandate: &PaperId, by: PaperId) {
        let lineage = lineage(&self.mandates[mandate]);
        self.suspended.entry(lineage).or_default().insert(by);
    }

    pub(super) fn resumed(&mut self, mandate: &PaperId, by: &PaperId) {
        let lineage = lineage(&self.mandates[mandate]);
        assert!(self.suspended.entry(lineage).or_default().remove(by), "lifted what did not stand");
    }

    pub(super) fn revoked(&mut self, mandate: &PaperId) {
        self.revoked.insert(lineage(&self.mandates[mandate]));
    }

    /// Takes a decision of the issuer, and says that it was right.
    pub(super) fn decided(&mut self, record: &Record, asked: Option<&Asked>) {
        match &record.event {
            Event::Paid(_) => self.granted(record, asked.expect("a payment that nobody asked for")),
            Event::Refused(_) => self.refused(record, asked),
            Event::Captured(captured) => {
                let payment = self.payments.get_mut(&captured.intent).unwrap();
                assert!(payment.held, "captured what is not held");
                payment.captured += captured.amount.minor();
                assert!(payment.captured <= payment.amount, "captured more than was held");
                payment.held = captured.last == 0;
            }
            Event::Voided(intent) | Event::HoldExpired(intent) => {
                let payment = self.payments.get_mut(intent).unwrap();
                assert!(payment.held, "released what is not held");
                payment.held = false;
            }
            Event::Refunded(refunded) => {
                let payment = self.payments.get_mut(&refunded.intent).unwrap();
                payment.refunded += refunded.amount.minor();
                assert!(payment.refunded <= payment.captured, "refunded more than was captured");
                assert!(self.has_funds(&refunded.intent), "refunded what its merchant had not");
            }
            Event::PaidOut(paid) => {
                assert!(paid.amount.minor() <= self.got(&paid.merchant), "paid out more than was there");
                *self.paid_out.entry(paid.merchant.clone()).or_default() += paid.amount.minor();
            }
            _ => {}
        }
    }

    fn granted(&mut self, record: &Record, asked: &Asked) {
        let Event::Paid(paid) = &record.event else { return };
        let now = record.claims.decided_at.get();
        let chain = self.chain(asked.mandate);
        assert_eq!(chain, paid.links.iter().map(|link| link.mandate).collect::<Vec<_>>(), "another chain");
        let mut links = Vec::new();
        for (place, (id, used)) in chain.iter().zip(paid.links.iter()).enumerate() {
            let mandate = &self.mandates[id];
            let lineage = lineage(mandate);
            assert_eq!(self.latest[&lineage], *id, "granted under a version that was replaced");
            assert!(!self.revoked.contains(&lineage), "granted under a revoked lineage");
            assert!(self.suspended.get(&lineage).is_none_or(BTreeSet::is_empty), "granted while suspended");
            assert!((mandate.not_before.get()..mandate.expires_at.get()).contains(&now), "outside its window");
            assert_eq!(mandate.account, paid.account);

            let grant = used.grant.0.map(|grant| u8::try_from(grant).unwrap());
            assert_eq!(grant.is_some(), mandate.mode == Mode::Conditional);
            let confirmed = asked.confirmed || (place == 0 && mandate.mode == Mode::Single);
            let scopes = mandate.caps.iter().map(|caps| (None, caps));
            let scopes = scopes.chain(grant.map(|grant| (Some(grant), &mandate.grants()[usize::from(grant)])));
            for (scope, rules) in scopes {
                self.holds(rules, lineage, scope, paid, now, confirmed);
                assert!(rules.depth.is_none_or(|depth| (chain.len() - 1 - place) as u64 <= depth.get()));
            }
            links.push((lineage, grant, mandate.refund_returns.is_some()));
        }
        assert!(self.offers.insert((paid.account, asked.offer)), "one offer paid twice by one account");
        let held = paid.hold_until.0.is_some();
        let amount = paid.amount.minor();
        let granted = Granted {
            at: now,
            account: paid.account,
            merchant: paid.merchant.clone(),
            links,
            amount,
            captured: if held { 0 } else { amount },
            refunded: 0,
            held,
        };
        assert!(self.payments.insert(paid.intent, granted).is_none(), "one intent paid twice");
    }

    /// Every rule of a scope admits the payment, counted from the list of payments.
    fn holds(
        &self,
        rules: &Fields,
        lineage: Lineage,
        scope: Option<u8>,
        paid: &purser_protocol::ledger::event::Paid,
        now: u64,
        confirmed: bool,
    ) {
        let amount = paid.amount.minor();
        let counted = |period| self.counted(lineage, scope, period, now);
        assert!(rules.amount_max.is_none_or(|most| amount <= most.minor()), "amount_max");
        assert!(rules.amount_min.is_none_or(|least| amount >= least.minor()), "amount_min");
        assert!(rules.total.is_none_or(|most| counted(None).0 + amount <= most.minor()), "total");
        assert!(rules.count.is_none_or(|most| counted(None).1 < u64::from(most.get())), "count");
        for rule in rules.total_per.as_deref().unwrap_or_default() {
            assert!(counted(Some(&rule.period)).0 + amount <= rule.amount.minor(), "total_per {:?}", rule.period);
        }
        for rule in rules.count_per.as_deref().unwrap_or_default() {
            assert!(counted(Some(&rule.period)).1 < u64::from(rule.count.get()), "count_per {:?}", rule.period);
        }
        if let Some(most) = rules.open_holds.filter(|_| paid.hold_until.0.is_some()) {
            let open = self.of(lineage).filter(|(payment, ..)| payment.held).count();
            assert!(open < most.get() as usize, "open_holds");
        }
        if let Some(allowed) = rules.merchants_allow.as_deref() {
            assert!(allowed.contains(&paid.merchant), "merchants_allow");
        }
        if !confirmed {
            assert!(rules.ask_above.is_none_or(|quiet| amount <= quiet.get()), "ask_above");
            let known = self
                .payments
                .values()
                .any(|payment| payment.account == paid.account && payment.merchant == paid.merchant);
            assert!(rules.ask_first.is_none() || known, "ask_first");
        }
    }

    /// A refusal by a rule that counts is right too: the payment would have passed the limit.
    fn refused(&self, record: &Record, asked: Option<&Asked>) {
        let (Some(detail), Some(asked)) = (&record.detail, asked) else { return };
        let (Some(link), Some(rule), Some(code)) = (detail.link, detail.rule, detail.code.code()) else { return };
        let chain = self.chain(asked.mandate);
        let mandate = &self.mandates[&chain[usize::try_from(link).unwrap()]];
        let scope = detail.grant.map(|grant| u8::try_from(grant).unwrap());
        let rules: &Fields = match scope {
            Some(grant) => &mandate.grants()[usize::from(grant)],
            None => mandate.caps.as_ref().unwrap(),
        };
        let (amount, now) = (record.claims.amount.unwrap().minor(), record.claims.decided_at.get());
        let counted = |period| self.counted(lineage(mandate), scope, period, now);
        let passed = match code {
            Code::RuleTotal => counted(None).0 + amount > rules.total.unwrap().minor(),
            Code::RuleCount => counted(None).1 >= u64::from(rules.count.unwrap().get()),
            Code::RuleTotalPeriod => rules
                .total_per
                .as_deref()
                .unwrap()
                .iter()
                .any(|rule| counted(Some(&rule.period)).0 + amount > rule.amount.minor()),
            Code::RuleCountPeriod => rules
                .count_per
                .as_deref()
                .unwrap()
                .iter()
                .any(|rule| counted(Some(&rule.period)).1 >= u64::from(rule.count.get())),
            Code::RuleAmountMax => amount > rules.amount_max.unwrap().minor(),
            _ => true,
        };
        assert!(passed, "refused by {code} at {link}, and it fits");
        assert!(rules::ALL.iter().any(|known| u64::try_from(known.number) == Ok(rule)));
    }

    /// Sum and number of the payments that count in a scope and a period of a lineage.
    fn counted(&self, lineage: Lineage, scope: Option<u8>, period: Option<&Period>, now: u64) -> (u64, u64) {
        let counts = |at: u64| match period {
            None => true,
            Some(Period::Rolling(seconds)) => at + u64::from(seconds.get()) > now,
            // The only calendar here: days at Greenwich.
            Some(Period::Calendar { .. }) => at / DAY == now / DAY,
            Some(Period::Terms(_)) => unreachable!("no mandate here has terms"),
        };
        self.of(lineage)
            .filter(|(payment, grant, _)| (scope.is_none() || scope == *grant) && counts(payment.at))
            .fold((0, 0), |(sum, number), (payment, _, returns)| (sum + payment.weight(returns), number + 1))
    }

    fn of(&self, lineage: Lineage) -> impl Iterator<Item = (&Granted, Option<u8>, bool)> {
        self.payments.values().filter_map(move |payment| {
            let (_, grant, returns) = payment.links.iter().find(|(known, ..)| *known == lineage)?;
            Some((payment, *grant, *returns))
        })
    }

    fn chain(&self, leaf: PaperId) -> Vec<PaperId> {
        let mut chain = vec![leaf];
        while let Some(above) = self.mandates[&chain[0]].parent {
            chain.insert(0, above);
        }
        chain
    }

    /// What an account has, in its purse and its envelopes.
    pub(super) fn has(&self, account: AccountId) -> u64 {
        let paid = self.payments.values().filter(|payment| payment.account == account);
        let paid: u64 = paid.map(|payment| payment.weight(true)).sum();
        self.deposited.get(&account).copied().unwrap_or_default() - paid
    }

    /// What a merchant has.
    pub(super) fn got(&self, merchant: &PartyId) -> u64 {
        let paid = self.payments.values().filter(|payment| payment.merchant == *merchant);
        let earned: u64 = paid.map(|payment| payment.captured - payment.refunded).sum();
        earned - self.paid_out.get(merchant).copied().unwrap_or_default()
    }

    /// Whether the merchant of a payment has not given more than it got.
    fn has_funds(&self, intent: &PaperId) -> bool {
        let merchant = &self.payments[intent].merchant;
        let paid = self.payments.values().filter(|payment| payment.merchant == *merchant);
        let earned: u64 = paid.map(|payment| payment.captured - payment.refunded).sum();
        earned >= self.paid_out.get(merchant).copied().unwrap_or_default()
    }

    /// Whether an answer is a payment.
    pub(super) fn paid(outcome: Outcome) -> bool {
        matches!(outcome, Outcome::Settled | Outcome::Authorized)
    }
}

fn lineage(mandate: &Mandate) -> Lineage {
    (mandate.account, mandate.lineage)
}
