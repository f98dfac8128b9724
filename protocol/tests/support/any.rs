//! Any value of each kind of paper, as proptest strategies: boxed, since their trees are large.

use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use purser_protocol::field::{Count, KeyHolder, List, UpTo};
use purser_protocol::id::LineageId;
use purser_protocol::limits::{AMOUNT_MAX, BATCH_PARTS_MAX};
use purser_protocol::money::Amount;
use purser_protocol::receipt::CodeNumber;

mod fields;

use fields::*;

use super::samples::{
    Batch, Cancel, Capture, CaptureMode, Claims, Confirmation, Credential, DailyStatement, Delivery, DeliveryState,
    Deposit, Dispute, DisputeAnswer, Enrolment, Fields, Freeze, Ground, HoldSeconds, Intent, Item, ItemPrice, Line,
    Listing, Mandate, MandateState, Modality, Mode, Notice, Offer, OfferKind, Outcome, Payee, PayeeKey, Payout,
    PeriodCount, PeriodTotal, Proof, Pseudonym, Refund, Resumption, Retirement, Revocation, Root, Rules, Ruling,
    Sample, Stance, Statement, Status, Suspension, Thaw, Void, chains, claim,
};

/// A kind of paper of which any value can be made.
pub(crate) trait Any: Sample + 'static {
    fn any() -> BoxedStrategy<Self>;
}

/// Any value of a paper without rules of its own between its fields.
macro_rules! any {
    ($($kind:ident { $($field:ident: $strategy:expr),+ $(,)? })+) => {$(
        impl Any for $kind {
            fn any() -> BoxedStrategy<Self> {
                ($($strategy,)+).prop_map(|($($field,)+)| $kind { $($field),+ }).boxed()
            }
        }
    )+};
}

any! {
    Intent {
        issuer: party(), issued_at: seconds(), mandate: paper_id(), offer: paper_id(), amount: amount(), currency: currency(),
        secret_hash: digest(), channel: option::of(channel()), device: option::of(digest()), period: option::of(count()),
        chains: option::of(Just(chains())),
    }
    Credential { issuer: party(), account: account(), expires_at: seconds(), issued_at: seconds(), key: key().prop_map(KeyHolder) }
    Pseudonym { issuer: party(), pseudonym: pseudonym(), merchant: party(), expires_at: seconds(), issued_at: seconds() }
    Capture {
        merchant: party(), issuer: party(), issued_at: seconds(), nonce: nonce(), intent: paper_id(), amount: amount(),
        currency: currency(), last: truth(), claim: option::of(Just(claim())),
    }
    Void { merchant: party(), issuer: party(), issued_at: seconds(), nonce: nonce(), intent: paper_id() }
    Refund {
        merchant: party(), issuer: party(), issued_at: seconds(), nonce: nonce(), intent: paper_id(), amount: amount(),
        currency: currency(), reason: option::of(words()),
    }
    Cancel { issuer: party(), issued_at: seconds(), nonce: nonce(), intent: bytes(), offer: option::of(bytes()) }
    Suspension {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), mandates: set(paper_id(), 40),
        reason: option::of(words()),
    }
    Resumption {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), mandates: set(paper_id(), 40),
        suspension: paper_id(),
    }
    Revocation {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), mandates: set(paper_id(), 40),
        reason: option::of(words()),
    }
    Enrolment {
        account: option::of(account()), issuer: party(), issued_at: seconds(), nonce: nonce(), key: key().prop_map(KeyHolder),
    }
    Deposit {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), amount: amount(), currency: currency(),
    }
    Payout {
        merchant: party(), issuer: party(), issued_at: seconds(), nonce: nonce(), amount: amount(), currency: currency(),
        account: words(),
    }
    Dispute {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), intent: paper_id(), amount: amount(),
        currency: currency(), reason: option::of(words()), ground: select(Ground::ALL),
        exhibits: option::of(set(digest(), 16)),
    }
    DisputeAnswer {
        merchant: party(), issuer: party(), issued_at: seconds(), nonce: nonce(), intent: paper_id(),
        reason: option::of(words()), dispute: paper_id(), stance: select(Stance::ALL), delivered: option::of(bytes()),
        exhibits: option::of(set(digest(), 16)),
    }
    Ruling {
        issuer: party(), account: account(), issued_at: seconds(), nonce: nonce(), intent: paper_id(),
        amount: option::of(amount()), currency: currency(), reason: option::of(words()), dispute: paper_id(),
    }
    Batch {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(),
        parts: (1..=BATCH_PARTS_MAX as u64).prop_map(|parts| Count::new(parts).unwrap()), root: digest(),
    }
    Retirement {
        account: account(), issuer: party(), issued_at: seconds(), nonce: nonce(), reason: option::of(words()),
        retired: digest(),
    }
    Freeze { issuer: party(), account: account(), issued_at: seconds(), nonce: nonce(), reason: option::of(words()) }
    Thaw {
        issuer: party(), account: account(), issued_at: seconds(), nonce: nonce(),
        key: option::of(key().prop_map(KeyHolder)), reason: option::of(words()),
    }
    Statement {
        issuer: party(), account: account(), expires_at: seconds(), issued_at: seconds(), sequence: number(),
        listed: number(), root: digest(),
    }
    Listing { merchant: party(), issued_at: seconds(), content: digest() }
    DailyStatement { issuer: party(), merchant: party(), issued_at: seconds(), content: digest() }
    Proof { audience: party(), issued_at: seconds(), nonce: nonce(), target: words() }
    Status {
        issuer: party(), expires_at: seconds(), issued_at: seconds(), mandate: paper_id(), state: select(MandateState::ALL),
        suspensions: option::of(list(paper_id(), 8)),
    }
    Delivery {
        merchant: party(), issued_at: seconds(), offer: paper_id(), intent: paper_id(), state: select(DeliveryState::ALL),
        digest: digest(),
    }
}

impl Any for Notice {
    fn any() -> BoxedStrategy<Self> {
        (party(), party(), seconds(), option::of(bytes()), 1..u64::from(u32::MAX), bytes())
            .prop_map(|(issuer, merchant, issued_at, enclosed, sequence, told)| Self {
                issuer,
                merchant,
                issued_at,
                enclosed,
                sequence,
                previous: sequence / 2,
                told,
            })
            .boxed()
    }
}

impl Any for Root {
    fn any() -> BoxedStrategy<Self> {
        let batch = number().prop_filter("the last number has no next", |batch| *batch < u64::MAX);
        (seconds(), digest(), count(), batch, digest(), words())
            .prop_map(|(issued_at, tree_root, tree_size, batch, log_root, network)| Self {
                issued_at,
                tree_root,
                tree_size,
                batch,
                log_root,
                log_size: batch + 1,
                network,
            })
            .boxed()
    }
}

impl Any for Confirmation {
    fn any() -> BoxedStrategy<Self> {
        let spoken = (digest(), words()).prop_map(|(evidence, phrase)| (Modality::Voice, Some(evidence), Some(phrase)));
        let other = (select(&[Modality::Screen, Modality::Tap, Modality::Device][..]), option::of(digest()));
        let how = prop_oneof![spoken, other.prop_map(|(how, evidence)| (how, evidence, None))];
        (account(), party(), seconds(), paper_id(), option::of(shown()), how)
            .prop_map(|(account, issuer, issued_at, intent, shown, (how, evidence, phrase))| Self {
                account,
                issuer,
                issued_at,
                intent,
                shown,
                how,
                evidence,
                phrase,
            })
            .boxed()
    }
}

impl Any for Mandate {
    fn any() -> BoxedStrategy<Self> {
        let who = (account(), party(), window(), seconds(), holder());
        let version = prop_oneof![
            Just((NonZeroU32::MIN, None)),
            (2..=u32::MAX, paper_id()).prop_map(|(serial, before)| (NonZeroU32::new(serial).unwrap(), Some(before))),
        ];
        let what = (currency(), any::<[u8; 16]>().prop_map(LineageId), version, mode(), truth());
        let why = (option::of(shown()), option::of(digest()));
        (who, what, why)
            .prop_map(
                |((account, issuer, window, issued_at, holder), (currency, lineage, version, mode, refund), why)| {
                    Self {
                        account,
                        issuer,
                        expires_at: window.1,
                        not_before: window.0,
                        issued_at,
                        holder,
                        currency,
                        lineage,
                        serial: version.0,
                        replaces: version.1,
                        refund_returns: refund,
                        shown: why.0,
                        conversation: why.1,
                        ..mode
                    }
                },
            )
            .boxed()
    }
}

/// The fields that go with a mode, on a mandate whose others do not matter.
fn mode() -> BoxedStrategy<Mandate> {
    let bare = || Mandate { caps: None, funded: None, ..Mandate::samples().remove(0) };
    let single = (paper_id(), option::of(paper_id()), option::of(rules())).prop_map(move |(offer, parent, caps)| {
        Mandate { mode: Mode::Single, offer: Some(offer), parent, caps, ..bare() }
    });
    let conditional =
        (list(rules(), 4), option::of(paper_id()), option::of(rules())).prop_map(move |(grants, parent, caps)| {
            Mandate { mode: Mode::Conditional, grants: Some(grants), parent, caps, ..bare() }
        });
    let money =
        prop_oneof![amount().prop_map(|funded| (Some(funded), None)), option::of(paper_id()).prop_map(|up| (None, up))];
    let quota = (rules_with_total(), money).prop_map(move |(caps, (funded, parent))| Mandate {
        mode: Mode::Quota,
        caps: Some(caps),
        funded,
        parent,
        ..bare()
    });
    prop_oneof![single, conditional, quota].boxed()
}

impl Any for Offer {
    fn any() -> BoxedStrategy<Self> {
        let capture = prop_oneof![
            Just((CaptureMode::AtOnce, None)),
            option::of(1..=2_678_400_u64).prop_map(|s| (CaptureMode::ByCommand, s.and_then(HoldSeconds::new))),
        ];
        let accepts = vec((party(), words()), 1..8).prop_map(|payees| {
            let mut payees: Vec<_> = payees.into_iter().map(|(issuer, account)| Payee { issuer, account }).collect();
            payees.sort_by(|a, b| a.issuer.cmp(&b.issuer));
            payees.dedup_by(|a, b| a.issuer == b.issuer);
            List::new(payees).unwrap()
        });
        let head = (party(), window(), nonce(), currency(), vec(line(), 1..12));
        let tail = (accepts, select(OfferKind::ALL), capture, option::of(digest()), option::of(pseudonym()));
        (head, tail)
            .prop_filter_map("worth nothing", |((merchant, window, nonce, currency, lines), tail)| {
                let sum = |discounts: bool| {
                    lines
                        .iter()
                        .filter(|l| (l.line == Some(Line::Discount)) == discounts)
                        .map(Item::sum_minor)
                        .sum::<u128>()
                };
                let amount = Amount::from_minor(sum(false).checked_sub(sum(true))?.try_into().ok()?)?;
                let (accepts, kind, (capture, hold_seconds), resource, pseudonym) = tail;
                let (issued_at, expires_at) = window;
                let items = List::new(lines)?;
                #[rustfmt::skip]
                let offer = Self {
                    merchant, expires_at, issued_at, nonce, amount, currency, items, accepts, kind, capture, resource,
                    pseudonym, hold_seconds, meter: None,
                };
                Some(offer)
            })
            .boxed()
    }
}

fn line() -> impl Strategy<Value = Item> {
    let what = prop_oneof![
        3 => option::of(category()).prop_map(|category| (category, None)),
        1 => select(Line::ALL).prop_map(|line| (None, Some(line))),
    ];
    let of_one = prop_oneof![1..=1_000_u64, 1..=1_000_000_000_000_u64];
    (words(), words(), what, 1..=500_u32, of_one).prop_map(|(id, name, (category, line), quantity, price)| Item {
        id,
        name,
        category,
        quantity: NonZeroU32::new(quantity).unwrap(),
        price: Amount::from_minor(price).unwrap(),
        line,
    })
}

fn rules() -> BoxedStrategy<Rules> {
    rule_fields().prop_filter_map("no rule", Rules::new).boxed()
}

fn rules_with_total() -> BoxedStrategy<Rules> {
    (rule_fields(), amount())
        .prop_filter_map("no rule", |(fields, total)| Rules::new(Fields { total: Some(total), ..fields }))
        .boxed()
}

fn rule_fields() -> BoxedStrategy<Fields> {
    let total_per = (amount(), period()).prop_map(|(amount, period)| PeriodTotal { amount, period });
    let count_per = (count(), period()).prop_map(|(count, period)| PeriodCount { count, period });
    let price = (words(), amount(), 0..=1_000_000_u64).prop_map(|(item, reference, p)| ItemPrice {
        item,
        reference,
        per_mille: UpTo::new(p).unwrap(),
    });
    let payee_key = (party(), digest()).prop_map(|(merchant, key)| PayeeKey { merchant, key });
    let sums = (option::of(amount()), option::of(amount()), option::of(amount()), option::of(list(total_per, 8)));
    let counts = (option::of(count()), option::of(list(count_per, 8)), option::of(0..=8_u64), option::of(count()));
    let parties = (option::of(set(party(), 64)), option::of(set(party(), 5)), option::of(set(payee_key, 5)));
    let goods = (option::of(set(category(), 9)), option::of(set(category(), 9)), option::of(set(price, 5)));
    let items = (option::of(set(words(), 9)), option::of(set(words(), 9)));
    let ways = (option::of(list(time_window(), 4)), option::of(set(channel(), 5)), option::of(set(digest(), 5)));
    let asks = (truth(), option::of(0..=AMOUNT_MAX));
    (sums, counts, parties, goods, items, ways, asks)
        .prop_map(|(sums, counts, parties, goods, items, ways, asks)| Fields {
            amount_max: sums.0,
            amount_min: sums.1,
            total: sums.2,
            total_per: sums.3,
            count: counts.0,
            count_per: counts.1,
            merchants_allow: parties.0,
            merchants_deny: parties.1,
            categories_allow: goods.0,
            categories_deny: goods.1,
            items_allow: items.0,
            items_deny: items.1,
            price_deviation: goods.2,
            times: ways.0,
            channels: ways.1,
            devices: ways.2,
            payee_keys: parties.2,
            depth: counts.2.and_then(UpTo::new),
            open_holds: counts.3,
            ask_first: asks.0,
            ask_above: asks.1.and_then(UpTo::new),
        })
        .boxed()
}

/// What an issuer decided: any fields at all.
pub(crate) fn claims_any() -> impl Strategy<Value = Claims> {
    let of_payment = (option::of(paper_id()), option::of(paper_id()), option::of(amount()), option::of(currency()));
    let answer = (option::of(any::<u16>()), option::of(pseudonym()), option::of(paper_id()), option::of(digest()));
    let more = (option::of(seconds()), option::of(words()), option::of(words()), option::of(seconds()));
    (seconds(), select(Outcome::ALL), nonce(), option::of(digest()), of_payment, answer, more).prop_map(
        |(decided_at, outcome, salt, secret_hash, payment, answer, more)| Claims {
            offer: payment.0,
            intent: payment.1,
            amount: payment.2,
            currency: payment.3,
            secret_hash,
            code: answer.0.map(CodeNumber),
            pseudonym: answer.1,
            command: answer.2,
            detail: answer.3,
            hold_until: more.0,
            approval: more.1,
            user_code: more.2,
            answer_by: more.3,
            ..Claims::new(outcome, decided_at, salt)
        },
    )
}
