//! Honest papers: of each kind, values that between them have every field.

#![allow(dead_code, unused_imports, unused_macros, reason = "each test uses its part")]

use std::fmt::Debug;
use std::num::NonZeroU32;

use purser_protocol::field::{Bytes, Count, KeyHolder, List, Set, True, UpTo};
use purser_protocol::id::{AccountId, Digest, LineageId, Nonce, PaperId, PartyId, Pseudonym as PseudonymId, Text};
use purser_protocol::limits::CHAINS_MAX;
use purser_protocol::money::{Amount, Currency};
pub(crate) use purser_protocol::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Proof, Refund, Resumption, Retirement, Revocation,
    Suspension, Thaw, Void,
};
pub(crate) use purser_protocol::paper::confirmation::{Confirmation, Modality};
pub(crate) use purser_protocol::paper::credential::{Credential, Pseudonym};
pub(crate) use purser_protocol::paper::delivery::{Delivery, DeliveryState};
pub(crate) use purser_protocol::paper::dispute::{Dispute, DisputeAnswer, Ground, Ruling, Stance};
pub(crate) use purser_protocol::paper::document::{DailyStatement, Listing};
pub(crate) use purser_protocol::paper::intent::Intent;
pub(crate) use purser_protocol::paper::mandate::{Holder, Language, Mandate, Mode, Shown};
use purser_protocol::paper::meter::{self, Ascending, LinkCount, Meter, SessionSeconds, UnitCount};
pub(crate) use purser_protocol::paper::notice::Notice;
pub(crate) use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Line, Offer, OfferKind, Payee};
pub(crate) use purser_protocol::paper::rules::{Channel, Fields, ItemPrice, PayeeKey, PeriodCount, PeriodTotal, Rules};
pub(crate) use purser_protocol::paper::status::{MandateState, Statement, Status};
use purser_protocol::period::{Period, RollingSeconds, TimeWindow, Unit, Zone};
pub(crate) use purser_protocol::receipt::{Claims, Detail, Outcome, Root};
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;

use super::keys::key;

/// 2030-01-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_893_456_000;

/// A kind of paper with honest values of it.
pub(crate) trait Sample: Paper + Clone + Debug + PartialEq {
    /// The first is the plainest.
    fn samples() -> Vec<Self>;
}

/// Runs a generic function for each kind of paper.
macro_rules! for_each_kind {
    ($run:ident) => {
        for_each_kind!($run;
            Credential, Pseudonym, Mandate, Offer, Intent, Confirmation, Root, Capture, Void, Refund, Payout, Cancel,
            Suspension, Resumption, Revocation, Enrolment, Deposit, Proof, Status, Delivery, Dispute, DisputeAnswer, Ruling, Notice,
            Batch, Retirement, Freeze, Thaw, Statement, Listing, DailyStatement)
    };
    ($run:ident; $($kind:ident),+) => { [$($run::<$crate::samples::$kind>()),+] };
}
pub(crate) use for_each_kind;

pub(crate) fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).unwrap()
}

pub(crate) fn amount(minor: u64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

pub(crate) fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

pub(crate) fn words<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).unwrap()
}

pub(crate) fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

pub(crate) fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

pub(crate) fn issuer() -> PartyId {
    party("issuer.example")
}

pub(crate) fn merchant() -> PartyId {
    party("tea.example")
}

pub(crate) const ACCOUNT: AccountId = AccountId([0xac; 16]);
pub(crate) const NONCE: Nonce = Nonce([0x0e; 16]);

pub(crate) fn shown() -> Shown {
    Shown { language: Language::new("zh-CN").unwrap(), rendering: Digest([0x5e; 32]) }
}

/// A mandate of each mode; the first is a funded quota.
impl Sample for Mandate {
    fn samples() -> Vec<Self> {
        let caps = Fields { amount_max: Some(amount(20_000)), total: Some(amount(100_000)), ..Fields::default() };
        let quota = Self {
            account: ACCOUNT,
            issuer: issuer(),
            expires_at: at(NOW + 2_592_000),
            not_before: at(NOW),
            issued_at: at(NOW),
            holder: Holder::Agent(key("agent")),
            offer: None,
            currency: cny(),
            lineage: LineageId([0x11; 16]),
            serial: count(1),
            mode: Mode::Quota,
            parent: None,
            replaces: None,
            caps: Rules::new(caps),
            grants: None,
            funded: Some(amount(20_000)),
            refund_returns: Some(True),
            shown: Some(shown()),
            conversation: Some(Digest([0xc0; 32])),
        };
        let single = Self {
            mode: Mode::Single,
            offer: Some(PaperId([0x0f; 32])),
            parent: Some(PaperId([0x0d; 32])),
            caps: None,
            funded: None,
            ..quota.clone()
        };
        let conditional = Self {
            mode: Mode::Conditional,
            holder: Holder::Merchant(merchant()),
            serial: count(2),
            replaces: Some(PaperId([0x0c; 32])),
            caps: None,
            grants: List::new(vec![Rules::new(every_rule()).unwrap(), Rules::new(caps_of(5_000)).unwrap()]),
            funded: None,
            ..quota.clone()
        };
        vec![quota, single, conditional]
    }
}

fn caps_of(most: u64) -> Fields {
    Fields { amount_max: Some(amount(most)), ..Fields::default() }
}

pub(crate) fn every_rule() -> Fields {
    let zone = || Zone::new("Asia/Shanghai").unwrap();
    let month = Period::Calendar { unit: Unit::Month, zone: zone() };
    let hour = Period::Rolling(RollingSeconds::new(3_600).unwrap());
    Fields {
        amount_max: Some(amount(20_000)),
        amount_min: Some(amount(100)),
        total: Some(amount(100_000)),
        total_per: List::new(vec![PeriodTotal { amount: amount(50_000), period: month.clone() }]),
        count: Some(count(30)),
        count_per: List::new(vec![PeriodCount { count: count(3), period: hour }]),
        merchants_allow: Set::new(vec![merchant(), party("rice.example")]),
        merchants_deny: Set::new(vec![party("casino.example")]),
        categories_allow: Set::new(vec![UpTo::new(5_411).unwrap(), UpTo::new(5_812).unwrap()]),
        categories_deny: Set::new(vec![UpTo::new(7_995).unwrap()]),
        items_allow: Set::new(vec![words("tea-250g")]),
        items_deny: Set::new(vec![words("gift-card")]),
        price_deviation: Set::new(vec![ItemPrice {
            item: words("tea-250g"),
            reference: amount(12_000),
            per_mille: UpTo::new(100).unwrap(),
        }]),
        times: List::new(vec![TimeWindow::new(zone(), 0b001_1111, 480, 1_200).unwrap()]),
        channels: Set::new(vec![Channel::Online, Channel::Voice]),
        devices: Set::new(vec![Digest([0xde; 32])]),
        payee_keys: Set::new(vec![PayeeKey { merchant: merchant(), key: Digest([0xee; 32]) }]),
        depth: UpTo::new(1),
        open_holds: Some(count(2)),
        ask_first: Some(True),
        ask_above: UpTo::new(0),
    }
}

fn item(id: &str, quantity: u32, price: u64, line: Option<Line>) -> Item {
    let category = line.is_none().then(|| UpTo::new(5_411).unwrap());
    Item { id: words(id), name: words("龙井 tea"), category, quantity: count(quantity), price: amount(price), line }
}

impl Sample for Offer {
    fn samples() -> Vec<Self> {
        let plain = Self {
            merchant: merchant(),
            expires_at: at(NOW + 900),
            issued_at: at(NOW),
            nonce: NONCE,
            amount: amount(12_800),
            currency: cny(),
            items: List::new(vec![item("tea-250g", 1, 12_800, None)]).unwrap(),
            accepts: List::new(vec![Payee { issuer: issuer(), account: words("m-7") }]).unwrap(),
            kind: OfferKind::Charge,
            capture: CaptureMode::AtOnce,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        };
        let rich = Self {
            items: List::new(vec![
                item("tea-250g", 2, 6_500, None),
                item("coupon", 1, 500, Some(Line::Discount)),
                item("post", 1, 300, Some(Line::Delivery)),
            ])
            .unwrap(),
            capture: CaptureMode::ByCommand,
            resource: Some(Digest([0x4e; 32])),
            pseudonym: Some(PseudonymId([0x9d; 16])),
            hold_seconds: HoldSeconds::new(86_400),
            ..plain.clone()
        };
        let metered = Self { kind: OfferKind::Metered, meter: Some(meter()), ..rich.clone() };
        vec![plain, rich, metered]
    }
}

impl Sample for Intent {
    fn samples() -> Vec<Self> {
        vec![Self {
            issuer: issuer(),
            issued_at: at(NOW),
            mandate: PaperId([0x3a; 32]),
            offer: PaperId([0x0f; 32]),
            amount: amount(12_800),
            currency: cny(),
            secret_hash: Digest([0x5c; 32]),
            channel: Some(Channel::Glasses),
            device: Some(Digest([0xde; 32])),
            period: Some(count(3)),
            chains: Some(chains()),
        }]
    }
}

impl Sample for Confirmation {
    fn samples() -> Vec<Self> {
        let spoken = Self {
            account: ACCOUNT,
            issuer: issuer(),
            issued_at: at(NOW),
            intent: PaperId([0x17; 32]),
            shown: Some(shown()),
            how: Modality::Voice,
            evidence: Some(Digest([0xe7; 32])),
            phrase: Some(words("确认支付")),
        };
        vec![Self { how: Modality::Tap, evidence: None, phrase: None, ..spoken.clone() }, spoken]
    }
}

impl Sample for Credential {
    fn samples() -> Vec<Self> {
        let key = KeyHolder(key("payer"));
        vec![Self { issuer: issuer(), account: ACCOUNT, expires_at: at(NOW + 86_400), issued_at: at(NOW), key }]
    }
}

impl Sample for Pseudonym {
    fn samples() -> Vec<Self> {
        let (merchant, pseudonym) = (merchant(), PseudonymId([0x9d; 16]));
        vec![Self { issuer: issuer(), pseudonym, merchant, expires_at: at(NOW + 86_400), issued_at: at(NOW) }]
    }
}

impl Sample for Notice {
    fn samples() -> Vec<Self> {
        vec![Self {
            issuer: issuer(),
            merchant: merchant(),
            issued_at: at(NOW),
            enclosed: Some(Bytes(vec![0xd2, 0x84])),
            sequence: 7,
            previous: 6,
            told: Bytes(vec![0x84]),
        }]
    }
}

impl Sample for Listing {
    fn samples() -> Vec<Self> {
        vec![Self { merchant: merchant(), issued_at: at(NOW), content: Digest([0xc0; 32]) }]
    }
}

impl Sample for DailyStatement {
    fn samples() -> Vec<Self> {
        vec![Self { issuer: issuer(), merchant: merchant(), issued_at: at(NOW), content: Digest([0xc0; 32]) }]
    }
}

impl Sample for Root {
    fn samples() -> Vec<Self> {
        vec![Self {
            issued_at: at(NOW),
            tree_root: Digest([0x70; 32]),
            tree_size: count(1),
            batch: 41,
            log_root: Digest([0x10; 32]),
            log_size: 42,
            network: words("sandbox"),
        }]
    }
}

/// A command with the fields that all have, and its own.
macro_rules! command {
    ($kind:ident by merchant { $($own:tt)* }) => {
        command!($kind { merchant: merchant(), issuer: issuer(), intent: PaperId([0x17; 32]), $($own)* });
    };
    ($kind:ident about mandates { $($own:tt)* }) => {
        command!($kind {
            account: ACCOUNT,
            issuer: issuer(),
            mandates: Set::new(vec![PaperId([2; 32]), PaperId([1; 32])]).unwrap(),
            $($own)*
        });
    };
    ($kind:ident { $($own:tt)* }) => {
        impl Sample for $kind {
            fn samples() -> Vec<Self> {
                vec![Self { issued_at: at(NOW), nonce: NONCE, $($own)* }]
            }
        }
    };
}

command!(Capture by merchant { amount: amount(12_800), currency: cny(), last: Some(True), claim: Some(claim()) });
command!(Void by merchant {});
command!(Refund by merchant { amount: amount(500), currency: cny(), reason: Some(words("broken")) });
command!(Cancel { issuer: issuer(), intent: Bytes(vec![0xd2]), offer: Some(Bytes(vec![0xd2, 0x84])) });
command!(Suspension about mandates { reason: Some(words("lost glasses")) });
command!(Resumption about mandates { suspension: PaperId([0x55; 32]) });
command!(Revocation about mandates { reason: Some(words("done")) });
command!(Enrolment { account: Some(ACCOUNT), issuer: issuer(), key: KeyHolder(key("payer")) });
command!(Deposit { account: ACCOUNT, issuer: issuer(), amount: amount(100_000), currency: cny() });
command!(Payout {
    merchant: merchant(),
    issuer: issuer(),
    amount: amount(100_000),
    currency: cny(),
    account: words("main"),
});
command!(Proof { audience: issuer(), target: words("GET https://issuer.example/v1/payments?limit=10") });

command!(Dispute {
    account: ACCOUNT,
    issuer: issuer(),
    intent: PaperId([0x17; 32]),
    amount: amount(500),
    currency: cny(),
    reason: Some(words("it never came")),
    ground: Ground::NotDelivered,
    exhibits: Some(Set::new(vec![Digest([2; 32]), Digest([1; 32])]).unwrap()),
});
command!(DisputeAnswer by merchant {
    reason: Some(words("it was signed for")),
    dispute: PaperId([0xd1; 32]),
    stance: Stance::Contests,
    delivered: Some(Bytes(vec![0xd2, 0x84])),
    exhibits: Some(Set::new(vec![Digest([3; 32])]).unwrap()),
});
command!(Ruling {
    issuer: issuer(),
    account: ACCOUNT,
    intent: PaperId([0x17; 32]),
    amount: Some(amount(250)),
    currency: cny(),
    reason: Some(words("half of it came")),
    dispute: PaperId([0xd1; 32]),
});
command!(Batch { account: ACCOUNT, issuer: issuer(), parts: Count::new(3).unwrap(), root: Digest([0x70; 32]) });
command!(Retirement {
    account: ACCOUNT,
    issuer: issuer(),
    reason: Some(words("lost phone")),
    retired: Digest([0x4e; 32])
});
command!(Freeze { issuer: issuer(), account: ACCOUNT, reason: Some(words("they rang")) });
command!(Thaw {
    issuer: issuer(),
    account: ACCOUNT,
    key: Some(KeyHolder(key("payer"))),
    reason: Some(words("they came by")),
});

impl Sample for Statement {
    fn samples() -> Vec<Self> {
        vec![Self {
            issuer: issuer(),
            account: ACCOUNT,
            expires_at: at(NOW + 60),
            issued_at: at(NOW),
            sequence: 12,
            listed: 3,
            root: Digest([0x70; 32]),
        }]
    }
}

impl Sample for Status {
    fn samples() -> Vec<Self> {
        vec![Self {
            issuer: issuer(),
            expires_at: at(NOW + 60),
            issued_at: at(NOW),
            mandate: PaperId([0x3a; 32]),
            state: MandateState::Suspended,
            suspensions: List::new(vec![PaperId([0x55; 32])]),
        }]
    }
}

impl Sample for Delivery {
    fn samples() -> Vec<Self> {
        vec![Self {
            merchant: merchant(),
            issued_at: at(NOW),
            offer: PaperId([0x0f; 32]),
            intent: PaperId([0x17; 32]),
            state: DeliveryState::Delivered,
            digest: Digest([0xd1; 32]),
        }]
    }
}

/// Claims with every field.
pub(crate) fn claims() -> Claims {
    Claims {
        offer: Some(PaperId([0x0f; 32])),
        intent: Some(PaperId([0x17; 32])),
        amount: Some(amount(12_800)),
        currency: Some(cny()),
        secret_hash: Some(Digest([0x5c; 32])),
        code: Some(purser_protocol::code::Code::Declined.into()),
        pseudonym: Some(PseudonymId([0x9d; 16])),
        command: Some(PaperId([0xcc; 32])),
        detail: Some(Digest([0xdd; 32])),
        hold_until: Some(at(NOW + 86_400)),
        approval: Some(words("https://issuer.example/a/7")),
        user_code: Some(words("WDJB-MJHT")),
        answer_by: Some(at(NOW + 600)),
        chains: Some(chains()),
        ..Claims::new(Outcome::Pending, at(NOW), NONCE)
    }
}

/// A detail with every field.
pub(crate) fn detail() -> Detail {
    let code = purser_protocol::code::Code::RuleTotal.into();
    Detail { link: Some(0), grant: Some(1), rule: Some(3), code, salt: NONCE }
}

/// A meter with every field.
pub(crate) fn meter() -> Meter {
    let price = |unit, minor| meter::Price { unit, amount: amount(minor) };
    Meter {
        prices: Ascending::new(vec![price(meter::Unit::InputToken, 3), price(meter::Unit::OutputToken, 15)]).unwrap(),
        per: UnitCount::new(1_000).unwrap(),
        steps: Ascending::new(vec![amount(1), amount(10)]).unwrap(),
        ahead: amount(25),
        idle_seconds: SessionSeconds::new(600).unwrap(),
        grace_seconds: SessionSeconds::new(120).unwrap(),
        continues: Some(PaperId([0x0c; 32])),
    }
}

/// Two chains of an intent.
pub(crate) fn chains() -> List<meter::ChainRoot, CHAINS_MAX> {
    let chain = |length, root| meter::ChainRoot { length: LinkCount::new(length).unwrap(), root: Digest([root; 32]) };
    List::new(vec![chain(500, 1), chain(50, 2)]).unwrap()
}

/// A claim on a metered hold.
pub(crate) fn claim() -> meter::Claim {
    let link = |chain, index| meter::Reached { chain, index: LinkCount::new(index).unwrap(), link: Digest([0x11; 32]) };
    let used = |unit, count| meter::Used { unit, count: UnitCount::new(count).unwrap() };
    meter::Claim {
        links: Ascending::new(vec![link(0, 100), link(1, 5)]).unwrap(),
        usage: Ascending::new(vec![used(meter::Unit::InputToken, 40), used(meter::Unit::OutputToken, 9)]).unwrap(),
    }
}
