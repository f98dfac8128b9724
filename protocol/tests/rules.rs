//! Every rule of `spec/registries/rules.csv`: at its limit it holds, one past it the payment is refused with
//! the rule's code, and the decision says which link, which grant, which rule.

mod ledger_support;

use std::collections::BTreeSet;

use ledger_support::*;
use purser_protocol::authorize::{Decision, Evaluation, Place, Verdict as RuleVerdict};
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::{True, UpTo};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::label::Label;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::{Line, Offer};
use purser_protocol::paper::rules::*;
use purser_protocol::period::{TimeWindow, Unit};
use purser_protocol::receipt::Outcome;

/// A rule, a payment that it lets through, and one that differs in what the rule reads and is refused.
struct Row {
    name: &'static str,
    rule: Label,
    code: Code,
    rules: fn(&World) -> Fields,
    /// What was paid before. The number says which of the two payments comes next.
    before: fn(&mut World, &Leaf, Side),
    /// Changes the offer and the intent of an ordinary payment of 1,000.
    payment: fn(&World, Side, &mut Offer, &mut Intent),
    /// Who sells.
    merchant: fn(Side) -> &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Within,
    Past,
}

use Side::{Past, Within};

/// The last mandate of a chain, and its holder.
struct Leaf {
    id: PaperId,
    agent: String,
}

impl Row {
    const fn new(name: &'static str, rule: Label, code: Code, rules: fn(&World) -> Fields) -> Self {
        Self { name, rule, code, rules, before: |_, _, _| {}, payment: |_, _, _, _| {}, merchant: |_| "shop.example" }
    }

    const fn before(self, before: fn(&mut World, &Leaf, Side)) -> Self {
        Self { before, ..self }
    }

    const fn payment(self, payment: fn(&World, Side, &mut Offer, &mut Intent)) -> Self {
        Self { payment, ..self }
    }

    const fn merchant(self, merchant: fn(Side) -> &'static str) -> Self {
        Self { merchant, ..self }
    }
}

fn none() -> Fields {
    Fields::default()
}

fn amount(within: u64, past: u64, side: Side) -> u64 {
    if side == Within { within } else { past }
}

/// An offer of one thing at this price.
fn costs(offer: &mut Offer, units: u64) {
    *offer = selling(vec![goods("thing", units)], offer.clone());
}

fn sells(offer: &mut Offer, items: Vec<purser_protocol::paper::offer::Item>) {
    *offer = selling(items, offer.clone());
}

fn paid(world: &mut World, leaf: &Leaf, units: u64) {
    let (_, said) = world.buy(&leaf.agent, leaf.id, "shop.example", units);
    said.must_be(Outcome::Settled);
}

/// Monday from 1:00 to 1:47 in Shanghai; the world begins on Monday at 1:46:40.
fn window(weekdays: u8, from: u16, until: u16) -> Option<Fields> {
    let window = TimeWindow::new(zone("Asia/Shanghai"), weekdays, from, until)?;
    Some(Fields { times: list([window]), ..none() })
}

const ROWS: &[Row] = &[
    Row::new("amount_max", AMOUNT_MAX_RULE, Code::RuleAmountMax, |_| Fields {
        amount_max: Some(minor(1_000)),
        ..none()
    })
    .payment(|_, side, offer, _| costs(offer, amount(1_000, 1_001, side))),
    Row::new("amount_min", AMOUNT_MIN_RULE, Code::RuleAmountMin, |_| Fields { amount_min: Some(minor(100)), ..none() })
        .payment(|_, side, offer, _| costs(offer, amount(100, 99, side))),
    Row::new("total", TOTAL, Code::RuleTotal, |_| Fields { total: Some(minor(1_000)), ..none() })
        .before(|world, leaf, _| paid(world, leaf, 600))
        .payment(|_, side, offer, _| costs(offer, amount(400, 401, side))),
    Row::new("total, at the first payment", TOTAL, Code::RuleTotal, |_| Fields { total: Some(minor(1_000)), ..none() })
        .payment(|_, side, offer, _| costs(offer, amount(1_000, 1_001, side))),
    Row::new("total, of holds", TOTAL, Code::RuleTotal, |_| Fields { total: Some(minor(1_000)), ..none() })
        .before(|world, leaf, _| {
            let (_, said) = world.hold(&leaf.agent, leaf.id, "shop.example", 600);
            said.must_be(Outcome::Authorized);
        })
        .payment(|_, side, offer, _| costs(offer, amount(400, 401, side))),
    Row::new("total_per, a calendar day", TOTAL_PER, Code::RuleTotalPeriod, |_| Fields {
        total_per: list([total_per(1_000, calendar(Unit::Day, "Asia/Shanghai"))]),
        ..none()
    })
    .before(|world, leaf, _| paid(world, leaf, 600))
    .payment(|_, side, offer, _| costs(offer, amount(400, 401, side))),
    Row::new("total_per, a rolling hour", TOTAL_PER, Code::RuleTotalPeriod, |_| Fields {
        total_per: list([total_per(1_000, rolling(3_600))]),
        ..none()
    })
    .before(|world, leaf, _| {
        paid(world, leaf, 600);
        world.now += HOUR - 1;
    })
    .payment(|_, side, offer, _| costs(offer, amount(400, 401, side))),
    Row::new("total_per, the second of two", TOTAL_PER, Code::RuleTotalPeriod, |_| Fields {
        total_per: list([total_per(9_000, calendar(Unit::Year, "Asia/Shanghai")), total_per(1_000, rolling(60))]),
        ..none()
    })
    .before(|world, leaf, _| paid(world, leaf, 600))
    .payment(|_, side, offer, _| costs(offer, amount(400, 401, side))),
    Row::new("count", COUNT, Code::RuleCount, |_| Fields { count: Some(count(2)), ..none() }).before(
        |world, leaf, side| {
            (0..amount(1, 2, side)).for_each(|_| paid(world, leaf, 1));
        },
    ),
    Row::new("count_per, a calendar month", COUNT_PER, Code::RuleCountPeriod, |_| Fields {
        count_per: list([count_per(2, calendar(Unit::Month, "Europe/Paris"))]),
        ..none()
    })
    .before(|world, leaf, side| (0..amount(1, 2, side)).for_each(|_| paid(world, leaf, 1))),
    Row::new("count_per, a rolling minute", COUNT_PER, Code::RuleCountPeriod, |_| Fields {
        count_per: list([count_per(1, rolling(60))]),
        ..none()
    })
    .before(|world, leaf, side| {
        paid(world, leaf, 1);
        world.now += amount(60, 59, side);
    }),
    Row::new("merchants_allow", MERCHANTS_ALLOW, Code::RuleMerchant, |_| Fields {
        merchants_allow: set([party("shop.example"), party("mall.example")]),
        ..none()
    })
    .merchant(|side| if side == Within { "mall.example" } else { "taxi.example" }),
    Row::new("merchants_allow, a name that looks alike", MERCHANTS_ALLOW, Code::RuleMerchant, |_| Fields {
        merchants_allow: set([party("shop.example")]),
        ..none()
    })
    .merchant(|side| if side == Within { "shop.example" } else { "sh0p.example" }),
    Row::new("merchants_deny", MERCHANTS_DENY, Code::RuleMerchant, |_| Fields {
        merchants_deny: set([party("taxi.example")]),
        ..none()
    })
    .merchant(|side| if side == Within { "shop.example" } else { "taxi.example" }),
    Row::new("categories_allow", CATEGORIES_ALLOW, Code::RuleCategory, groceries).payment(|_, side, offer, _| {
        sells(offer, vec![goods_of("tea", 500, 5411), goods_of("gift card", 500, amount(5411, 5499, side))]);
    }),
    Row::new("categories_allow, goods of no category", CATEGORIES_ALLOW, Code::RuleCategory, groceries).payment(
        |_, side, offer, _| {
            let second = if side == Within { goods_of("cup", 500, 5411) } else { goods("cup", 500) };
            sells(offer, vec![goods_of("tea", 500, 5411), second]);
        },
    ),
    Row::new("categories_allow, nothing but a tip", CATEGORIES_ALLOW, Code::RuleCategory, groceries).payment(
        |_, side, offer, _| {
            let tea = (side == Within).then(|| goods_of("tea", 1, 5411));
            sells(offer, tea.into_iter().chain([line(Line::Tip, 999)]).collect());
        },
    ),
    Row::new("categories_deny", CATEGORIES_DENY, Code::RuleCategory, no_gift_cards).payment(|_, side, offer, _| {
        sells(offer, vec![goods_of("tea", 500, 5411), goods_of("card", 500, amount(5411, 5499, side))]);
    }),
    Row::new("categories_deny, goods of no category", CATEGORIES_DENY, Code::RuleCategory, no_gift_cards).payment(
        |_, side, offer, _| {
            let second = if side == Within { line(Line::Delivery, 500) } else { goods("cup", 500) };
            sells(offer, vec![goods_of("tea", 500, 5411), second]);
        },
    ),
    Row::new("items_allow", ITEMS_ALLOW, Code::RuleItem, |_| Fields {
        items_allow: set([short("tea"), short("cup")]),
        ..none()
    })
    .payment(|_, side, offer, _| {
        let second = if side == Within { "cup" } else { "Cup" };
        sells(offer, vec![goods("tea", 500), goods(second, 500), line(Line::Tax, 10)]);
    }),
    Row::new("items_allow, nothing but a tax", ITEMS_ALLOW, Code::RuleItem, |_| Fields {
        items_allow: set([short("tea"), short("tax")]),
        ..none()
    })
    .payment(|_, side, offer, _| {
        let tea = (side == Within).then(|| goods("tea", 1));
        sells(offer, tea.into_iter().chain([line(Line::Tax, 999)]).collect());
    }),
    Row::new("items_deny", ITEMS_DENY, Code::RuleItem, |_| Fields { items_deny: set([short("gift card")]), ..none() })
        .payment(|_, side, offer, _| {
            let second = if side == Within { "cup" } else { "gift card" };
            sells(offer, vec![goods("tea", 500), goods(second, 500)]);
        }),
    Row::new("price_deviation, above", PRICE_DEVIATION, Code::RulePrice, tea_at_1_000)
        .payment(|_, side, offer, _| sells(offer, vec![goods("cup", 7), goods("tea", amount(1_050, 1_051, side))])),
    Row::new("price_deviation, below", PRICE_DEVIATION, Code::RulePrice, tea_at_1_000)
        .payment(|_, side, offer, _| sells(offer, vec![goods("cup", 7), goods("tea", amount(950, 949, side))])),
    Row::new("price_deviation of nothing", PRICE_DEVIATION, Code::RulePrice, |_| Fields {
        price_deviation: set([item_price("tea", 1_000, 0)]),
        ..none()
    })
    .payment(|_, side, offer, _| sells(offer, vec![goods("tea", amount(1_000, 1_001, side))])),
    Row::new("price_deviation of one, not of all that are bought", PRICE_DEVIATION, Code::RulePrice, tea_at_1_000)
        .payment(|_, side, offer, _| {
            let mut tea = goods("tea", amount(1_050, 1_051, side));
            tea.quantity = count(3);
            sells(offer, vec![tea]);
        }),
    Row::new("times, the end of the hours", TIMES, Code::RuleTime, |_| window(0b1, 60, 107).unwrap())
        .before(|world, _, side| world.now += amount(19, 20, side)),
    Row::new("times, the beginning of the hours", TIMES, Code::RuleTime, |_| window(0b1, 107, 108).unwrap())
        .before(|world, _, side| world.now += amount(20, 19, side)),
    Row::new("times, the day", TIMES, Code::RuleTime, |_| window(0b1, 0, 1_440).unwrap())
        .before(|world, _, side| world.now += amount(0, DAY, side)),
    Row::new("times, by the clocks of the place", TIMES, Code::RuleTime, |_| {
        // In UTC it is Sunday until Monday has been there for eight hours in Shanghai.
        let sunday = TimeWindow::new(zone("UTC"), 0b100_0000, 0, 1_440).unwrap();
        Fields { times: list([sunday]), ..none() }
    })
    .before(|world, _, side| world.now += amount(6 * HOUR + 13 * MINUTE + 19, 6 * HOUR + 13 * MINUTE + 20, side)),
    Row::new("channels", CHANNELS, Code::RuleChannel, |_| Fields { channels: set([Channel::Code]), ..none() }).payment(
        |_, side, _, intent| {
            intent.channel = Some(if side == Within { Channel::Code } else { Channel::Online });
        },
    ),
    Row::new("channels, none named", CHANNELS, Code::RuleChannel, |_| Fields {
        channels: set([Channel::Online, Channel::Voice]),
        ..none()
    })
    .payment(|_, side, _, intent| intent.channel = (side == Within).then_some(Channel::Voice)),
    Row::new("devices", DEVICES, Code::RuleDevice, |_| Fields { devices: set([Digest([7; 32])]), ..none() })
        .payment(|_, side, _, intent| intent.device = Some(Digest([if side == Within { 7 } else { 8 }; 32]))),
    Row::new("devices, none named", DEVICES, Code::RuleDevice, |_| Fields {
        devices: set([Digest([7; 32])]),
        ..none()
    })
    .payment(|_, side, _, intent| intent.device = (side == Within).then_some(Digest([7; 32]))),
    Row::new("payee_keys", PAYEE_KEYS, Code::RulePayeeKey, pinned)
        .merchant(|side| if side == Within { "shop.example" } else { "+shop.example" }),
    Row::new("payee_keys of another merchant", PAYEE_KEYS, Code::RulePayeeKey, pinned)
        .merchant(|side| if side == Within { "taxi.example" } else { "+shop.example" }),
    Row::new("open_holds", OPEN_HOLDS, Code::RuleOpenHolds, |_| Fields { open_holds: Some(count(1)), ..none() })
        .before(|world, leaf, side| {
            let (held, said) = world.hold(&leaf.agent, leaf.id, "shop.example", 10);
            said.must_be(Outcome::Authorized);
            if side == Within {
                world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
            }
        })
        .payment(|_, _, offer, _| *offer = by_command(offer.clone())),
    Row::new("open_holds, of a payment that opens none", OPEN_HOLDS, Code::RuleOpenHolds, |_| Fields {
        open_holds: Some(count(1)),
        ..none()
    })
    .before(|world, leaf, _| {
        let (_, said) = world.hold(&leaf.agent, leaf.id, "shop.example", 10);
        said.must_be(Outcome::Authorized);
    })
    .payment(|_, side, offer, _| {
        if side == Past {
            *offer = by_command(offer.clone());
        }
    }),
];

fn groceries(_: &World) -> Fields {
    Fields { categories_allow: set([category(5411)]), ..none() }
}

fn no_gift_cards(_: &World) -> Fields {
    Fields { categories_deny: set([category(5499)]), ..none() }
}

fn tea_at_1_000(_: &World) -> Fields {
    Fields { price_deviation: set([item_price("tea", 1_000, 50)]), ..none() }
}

fn pinned(world: &World) -> Fields {
    let key = Digest(world.key("shop.example").public.id().0);
    Fields { payee_keys: set([PayeeKey { merchant: party("shop.example"), key }]), ..none() }
}

fn item_price(item: &str, reference: u64, per_mille: u64) -> ItemPrice {
    ItemPrice { item: short(item), reference: minor(reference), per_mille: UpTo::new(per_mille).unwrap() }
}

/// Where in a chain the rule stands.
#[derive(Clone, Copy, Debug)]
struct Spot {
    links: usize,
    at: usize,
    in_grant: bool,
}

impl Spot {
    fn all() -> impl Iterator<Item = Self> {
        let places = (1..=3).flat_map(|links| (0..links).map(move |at| (links, at)));
        places.flat_map(|(links, at)| [false, true].map(|in_grant| Self { links, at, in_grant }))
    }

    fn place(self, rule: Label) -> Place {
        let link = u8::try_from(self.at).unwrap();
        Place { link, grant: self.in_grant.then_some(0), rule: Some(rule) }
    }
}

/// A chain that is free but for rules at one spot. The agents are called a0, a1, a2.
fn chain(world: &mut World, spot: Spot, rules: &Fields) -> Leaf {
    let (mut above, mut signer): (Option<PaperId>, String) = (None, "ann".into());
    for link in 0..spot.links {
        let agent = format!("a{link}");
        let mandate = match (link == spot.at, spot.in_grant) {
            (true, true) => world.conditional("ann", &agent, vec![rules.clone()]),
            (true, false) => world.capped("ann", &agent, rules.clone()),
            (false, _) => world.capped("ann", &agent, none()),
        };
        let mandate = above.map_or(mandate.clone(), |above| world.below(above, mandate));
        above = Some(world.registered(&mandate, &signer));
        signer = agent;
    }
    Leaf { id: above.unwrap(), agent: signer }
}

fn attempt(row: &Row, spot: Spot, side: Side) -> Said {
    let mut world = World::new();
    world.deposit("ann", 1_000_000).must_be(Outcome::Recorded);
    let rules = (row.rules)(&world);
    let leaf = chain(&mut world, spot, &rules);
    (row.before)(&mut world, &leaf, side);
    let merchant = (row.merchant)(side);
    let mut offer = world.offer(merchant, 1_000);
    let mut intent = world.intent(leaf.id, &offer, PaperId([0; 32]));
    (row.payment)(&world, side, &mut offer, &mut intent);
    let sealed = world.certify(&offer, merchant);
    let intent = Intent { offer: sealed.id, amount: offer.amount, ..intent };
    let intent = world.sign(&intent, &leaf.agent);
    world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
}

#[test]
fn every_rule_holds_at_its_limit_and_refuses_one_past_it_at_every_link_and_in_caps_and_grants() {
    for row in ROWS {
        for spot in Spot::all() {
            let place = spot.place(row.rule);
            let within = attempt(row, spot, Within);
            assert!(
                within.is(Outcome::Settled) || within.is(Outcome::Authorized),
                "{} {spot:?}: {:?}",
                row.name,
                within.verdict()
            );
            let Some(Decision::Grant { evaluated, grants }) = &within.decision else { panic!("{}", row.name) };
            let holds = Evaluation { place, verdict: RuleVerdict::Holds };
            assert!(evaluated.contains(&holds), "{} {spot:?}: {evaluated:?}", row.name);
            assert_eq!(grants.len(), spot.links);

            let past = attempt(row, spot, Past);
            assert_eq!(past.verdict(), Verdict::Refused(row.code, Stage::Rules), "{} {spot:?}", row.name);
            let Some(Decision::Refusal { fault, place: at, evaluated }) = &past.decision else {
                panic!("{}", row.name)
            };
            assert_eq!((fault.code, fault.stage, *at), (row.code, Stage::Rules, Some(place)), "{} {spot:?}", row.name);
            let fails = Evaluation { place, verdict: RuleVerdict::Fails(row.code) };
            assert_eq!(evaluated.last(), Some(&fails), "{} {spot:?}", row.name);
            let before = evaluated.iter().rev().skip(1);
            assert!(before.clone().all(|known| known.verdict == RuleVerdict::Holds), "{} {spot:?}", row.name);

            // The payer is told where; the merchant is not.
            let record = past.record();
            let detail = record.detail.as_ref().unwrap();
            assert_eq!(detail.link, Some(spot.at as u64));
            assert_eq!(detail.grant, place.grant.map(u64::from));
            assert_eq!(detail.rule, u64::try_from(row.rule.number).ok());
            assert_eq!(record.claims.code, Some(Code::Declined.into()));
        }
    }
}

#[test]
fn every_rule_of_the_registry_has_a_row_or_a_test_of_its_own() {
    let own: BTreeSet<&str> = ["depth", "ask_first", "ask_above"].into();
    let registry = include_str!("../../spec/registries/rules.csv");
    let registry: BTreeSet<&str> = registry.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.rule.name).collect();
    assert_eq!(rows.union(&own).copied().collect::<BTreeSet<_>>(), registry);
    assert_eq!(ALL.len(), registry.len());
    for row in ROWS {
        let clause = registry_clause(row.rule.name);
        assert_eq!(clause, row.code.slug(), "{}", row.name);
    }
}

fn registry_clause(rule: &str) -> &'static str {
    let registry = include_str!("../../spec/registries/rules.csv");
    let row = registry.lines().find(|row| row.split(',').nth(1) == Some(rule)).unwrap();
    row.rsplit(',').next().unwrap()
}

#[test]
fn depth_counts_the_mandates_below() {
    let rules = |depth: u64| Fields { depth: UpTo::new(depth), ..none() };
    for links in 1..=4_usize {
        for at in 0..links {
            let below = (links - 1 - at) as u64;
            for depth in 0..=4 {
                let row = Row::new("depth", DEPTH, Code::RuleDepth, |_| none());
                let mut world = World::new();
                world.deposit("ann", 10_000).must_be(Outcome::Recorded);
                let leaf = chain(&mut world, Spot { links, at, in_grant: false }, &rules(depth));
                let (_, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 100);
                if below <= depth {
                    said.must_be(Outcome::Settled);
                } else {
                    said.must_be_refused(row.code);
                    assert_eq!(said.record().detail.as_ref().unwrap().link, Some(at as u64));
                }
            }
        }
    }
}

#[test]
fn every_link_counts_and_a_sibling_finds_the_parent_spent() {
    for links in 2..=3 {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let root = world.quota("ann", "a0", 1_000);
        let root_id = world.registered(&root, "ann");
        let (mut above, mut signer) = (root_id, "a0".to_owned());
        let mut leaves: Vec<(Mandate, PaperId)> = Vec::new();
        for link in 1..links {
            let agent = format!("a{link}");
            let sub = world.quota("ann", &agent, 900);
            let sub = world.below(above, sub);
            above = world.registered(&sub, &signer);
            leaves.push((sub, above));
            signer = agent;
        }
        let sibling = world.quota("ann", "other", 900);
        let sibling = world.below(root_id, sibling);
        let sibling_id = world.registered(&sibling, "a0");

        world.buy(&signer, above, "shop.example", 700).1.must_be(Outcome::Settled);
        assert_eq!(world.spent(&root), (700, 1));
        for (mandate, _) in &leaves {
            assert_eq!(world.spent(mandate), (700, 1));
        }
        let said = world.buy("other", sibling_id, "shop.example", 301).1;
        said.must_be_refused(Code::RuleTotal);
        assert_eq!(said.record().detail.as_ref().unwrap().link, Some(0), "by the root, not by the sibling");
        world.buy("other", sibling_id, "shop.example", 300).1.must_be(Outcome::Settled);
        assert_eq!(world.spent(&root), (1_000, 2));
        assert_eq!(world.spent(&sibling), (300, 1));
        world.buy(&signer, above, "shop.example", 1).1.must_be_refused(Code::RuleTotal);
    }
}

#[test]
fn a_sub_mandate_that_says_more_than_its_parent_gets_no_more() {
    // Of each pair, the parent refuses what the sub-mandate would admit.
    let wider: [(Fields, Fields, Code); 4] = [
        (
            Fields { amount_max: Some(minor(100)), ..none() },
            Fields { amount_max: Some(minor(100_000)), ..none() },
            Code::RuleAmountMax,
        ),
        (
            Fields { merchants_allow: set([party("taxi.example")]), ..none() },
            Fields { merchants_allow: set([party("shop.example")]), ..none() },
            Code::RuleMerchant,
        ),
        (
            Fields { categories_deny: set([category(5411)]), ..none() },
            Fields { categories_allow: set([category(5411)]), ..none() },
            Code::RuleCategory,
        ),
        (Fields { count: Some(count(1)), ..none() }, Fields { count: Some(count(100)), ..none() }, Code::RuleCount),
    ];
    for (parent, sub, code) in wider {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let parent = world.capped("ann", "a0", parent);
        let above = world.registered(&parent, "ann");
        let sub = world.capped("ann", "a1", sub);
        let sub = world.below(above, sub);
        let sub = world.registered(&sub, "a0");
        let offer = world.offer("shop.example", 1_000);
        let offer = selling(vec![goods_of("tea", 1_000, 5411)], offer);
        if code == Code::RuleCount {
            world.take("a1", sub, "shop.example", &offer).1.must_be(Outcome::Settled);
        }
        let offer = Offer { nonce: world.nonce(), ..offer };
        world.take("a1", sub, "shop.example", &offer).1.must_be_refused(code);
    }
}

#[test]
fn a_day_ends_at_midnight_of_its_place_and_not_a_second_later() {
    // Seconds from the beginning of the world to the next period of each, by the clocks of the place.
    let shanghai = 22 * HOUR + 13 * MINUTE + 20;
    let utc = 6 * HOUR + 13 * MINUTE + 20;
    let rows: &[(Unit, &str, u64)] = &[
        (Unit::Day, "Asia/Shanghai", shanghai),
        (Unit::Day, "UTC", utc),
        (Unit::Week, "UTC", utc),
        (Unit::Week, "Asia/Shanghai", shanghai + 6 * DAY),
        (Unit::Month, "UTC", utc + 14 * DAY),
        (Unit::Month, "Asia/Shanghai", shanghai + 13 * DAY),
    ];
    for (unit, place, seconds) in rows {
        for counted in [false, true] {
            let mut world = World::new();
            world.deposit("ann", 100_000).must_be(Outcome::Recorded);
            let period = calendar(*unit, place);
            let (rule, code) = if counted {
                (Fields { count_per: list([count_per(1, period)]), ..none() }, Code::RuleCountPeriod)
            } else {
                (Fields { total_per: list([total_per(100, period)]), ..none() }, Code::RuleTotalPeriod)
            };
            let mandate = world.capped("ann", "agent", rule);
            let id = world.registered(&mandate, "ann");
            world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
            world.now = START + seconds - 1;
            world.buy("agent", id, "shop.example", 1).1.must_be_refused(code);
            world.now = START + seconds;
            world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
            world.buy("agent", id, "shop.example", 1).1.must_be_refused(code);
        }
    }
}

#[test]
fn a_day_with_an_hour_twice_is_one_day() {
    // 3 November 2030 in New York: from 4:00 UTC to 5:00 UTC of the next day, 25 hours.
    const MIDNIGHT: u64 = 1_919_908_800;
    let mut world = World::new();
    world.now = MIDNIGHT;
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = Fields { total_per: list([total_per(100, calendar(Unit::Day, "America/New_York"))]), ..none() };
    let mandate = world.capped("ann", "agent", day);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    for later in [HOUR, 2 * HOUR, 24 * HOUR, 25 * HOUR - 1] {
        world.now = MIDNIGHT + later;
        world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::RuleTotalPeriod);
    }
    world.now = MIDNIGHT + 25 * HOUR;
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
}

#[test]
fn a_rolling_period_slides_payment_by_payment() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let hour = Fields { total_per: list([total_per(1_000, rolling(3_600))]), ..none() };
    let mandate = world.capped("ann", "agent", hour);
    let id = world.registered(&mandate, "ann");
    // 400 at 0, 300 at 1,000, 300 at 2,000.
    for (second, units) in [(0, 400), (1_000, 300), (2_000, 300)] {
        world.now = START + second;
        world.buy("agent", id, "shop.example", units).1.must_be(Outcome::Settled);
    }
    for (second, free) in
        [(2_000, 0), (3_599, 0), (3_600, 400), (4_599, 400), (4_600, 700), (5_599, 700), (5_600, 1_000)]
    {
        world.now = START + second;
        world.buy("agent", id, "shop.example", free + 1).1.must_be_refused(Code::RuleTotalPeriod);
    }
    world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
}

#[test]
fn a_clock_set_back_opens_no_period_again() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = Fields { total_per: list([total_per(100, calendar(Unit::Day, "UTC"))]), ..none() };
    let mandate = world.capped("ann", "agent", day);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    world.now = START + DAY;
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    // The ledger stays at the later time; the merchant's clock is right.
    let offer = world.offer("shop.example", 1);
    let papers = world.papers("agent", id, "shop.example", &offer);
    world.now = START;
    world.pay(&papers).must_be_refused(Code::RuleTotalPeriod);
}

#[test]
fn what_is_released_counts_no_more_and_what_is_refunded_only_where_the_mandate_says_so() {
    for returns in [false, true] {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let caps = Fields {
            total: Some(minor(1_000)),
            count: Some(count(4)),
            total_per: list([total_per(1_000, calendar(Unit::Day, "UTC"))]),
            ..none()
        };
        let mut mandate = world.capped("ann", "agent", caps);
        mandate.refund_returns = returns.then_some(True);
        let id = world.registered(&mandate, "ann");
        let (held, said) = world.hold("agent", id, "shop.example", 1_000);
        said.must_be(Outcome::Authorized);
        assert_eq!(world.spent(&mandate), (1_000, 1));
        world.capture("shop.example", held.intent.id, 600, false).must_be(Outcome::Captured);
        assert_eq!(world.spent(&mandate), (1_000, 1), "captured is as spent as held");
        world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
        assert_eq!(world.spent(&mandate), (600, 1), "what was given up was not spent; it was a payment");
        world.refund("shop.example", held.intent.id, 200).must_be(Outcome::Refunded);
        let left = if returns { 400 } else { 600 };
        assert_eq!(world.spent(&mandate), (left, 1));
        world.buy("agent", id, "shop.example", 1_001 - left).1.must_be_refused(Code::RuleTotal);
        world.buy("agent", id, "shop.example", 1_000 - left).1.must_be(Outcome::Settled);
    }
}

#[test]
fn the_number_of_payments_is_never_given_back() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let caps = Fields { count: Some(count(2)), count_per: list([count_per(9, rolling(60))]), ..none() };
    let mut mandate = world.capped("ann", "agent", caps);
    mandate.refund_returns = Some(True);
    let id = world.registered(&mandate, "ann");
    let (held, _) = world.hold("agent", id, "shop.example", 10);
    world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
    let (paid, _) = world.buy("agent", id, "shop.example", 10);
    world.refund("shop.example", paid.intent.id, 10).must_be(Outcome::Refunded);
    assert_eq!(world.spent(&mandate), (0, 2));
    world.buy("agent", id, "shop.example", 10).1.must_be_refused(Code::RuleCount);
}

#[test]
fn what_comes_back_in_a_later_period_is_not_lent_to_it() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = calendar(Unit::Day, "UTC");
    let caps = Fields { total_per: list([total_per(1_000, day), total_per(1_500, rolling(3_600))]), ..none() };
    let mut mandate = world.capped("ann", "agent", caps);
    mandate.refund_returns = Some(True);
    let id = world.registered(&mandate, "ann");
    let (first, _) = world.buy("agent", id, "shop.example", 1_000);
    world.now += DAY;
    world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
    world.refund("shop.example", first.intent.id, 1_000).must_be(Outcome::Refunded);
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::RuleTotalPeriod);
    assert_eq!(world.spent(&mandate), (1_000, 2));
}

mod asking {
    use super::*;

    fn asks_above(units: u64) -> Fields {
        Fields { ask_above: UpTo::new(units), ..none() }
    }

    #[test]
    fn above_its_amount_the_person_is_asked_and_the_yes_pays() {
        for spot in Spot::all() {
            let mut world = World::new();
            world.deposit("ann", 10_000).must_be(Outcome::Recorded);
            let leaf = chain(&mut world, spot, &asks_above(500));
            let (_, at) = world.buy(&leaf.agent, leaf.id, "shop.example", 500);
            at.must_be(Outcome::Settled);
            let free = world.free("ann");
            let (papers, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 501);
            said.must_be(Outcome::Pending);
            let Some(Decision::NeedsConfirmation { evaluated }) = &said.decision else { panic!("{spot:?}") };
            let asks = Evaluation { place: spot.place(ASK_ABOVE), verdict: RuleVerdict::Asks };
            assert!(evaluated.contains(&asks), "{evaluated:?}");
            assert_eq!(world.free("ann"), free, "nothing is held");
            let again = world.pay(&papers);
            assert!(again.known);
            assert_eq!(again.record(), said.record(), "the same pending receipt");
            world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
            assert_eq!(world.free("ann"), free - 501);
            assert_eq!(world.got("shop.example"), 1_001);
        }
    }

    #[test]
    fn nothing_is_quiet_where_zero_is_the_limit() {
        let mut world = World::new();
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let mandate = world.capped("ann", "agent", asks_above(0));
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 1).1.must_be(Outcome::Pending);
    }

    #[test]
    fn a_merchant_is_new_until_the_account_has_paid_it() {
        for spot in Spot::all() {
            let mut world = World::new();
            world.deposit("ann", 10_000).must_be(Outcome::Recorded);
            let leaf = chain(&mut world, spot, &Fields { ask_first: Some(True), ..none() });
            let (papers, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 10);
            said.must_be(Outcome::Pending);
            world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
            world.buy(&leaf.agent, leaf.id, "shop.example", 10).1.must_be(Outcome::Settled);
            world.buy(&leaf.agent, leaf.id, "taxi.example", 10).1.must_be(Outcome::Pending);
            world.buy(&leaf.agent, leaf.id, "sh0p.example", 10).1.must_be(Outcome::Pending);
        }
    }

    #[test]
    fn asking_refuses_nothing_and_what_refuses_is_not_asked() {
        let mut world = World::new();
        world.deposit("ann", 400).must_be(Outcome::Recorded);
        let caps = Fields { amount_max: Some(minor(600)), ..asks_above(0) };
        let mandate = world.capped("ann", "agent", caps);
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 601).1.must_be_refused(Code::RuleAmountMax);
        // Nobody is asked about a payment that is not covered. [AUT-56]
        world.buy("agent", id, "shop.example", 401).1.must_be_refused(Code::InsufficientFunds);
        world.buy("agent", id, "shop.example", 400).1.must_be(Outcome::Pending);
    }

    #[test]
    fn a_yes_that_comes_along_is_a_yes() {
        let mut world = World::new();
        world.deposit("ann", 1_000).must_be(Outcome::Recorded);
        let mandate = world.capped("ann", "agent", asks_above(0));
        let id = world.registered(&mandate, "ann");
        let offer = world.offer("shop.example", 100);
        let mut papers = world.papers("agent", id, "shop.example", &offer);
        let confirmation = world.confirmation("ann", papers.intent.id);
        papers.confirmation = Some(world.sign(&confirmation, "ann"));
        world.pay(&papers).must_be(Outcome::Settled);
    }

    #[test]
    fn everything_is_checked_again_when_the_yes_comes() {
        let mut world = World::new();
        world.deposit("ann", 1_000).must_be(Outcome::Recorded);
        let caps = Fields { total: Some(minor(1_000)), ..asks_above(100) };
        let mandate = world.capped("ann", "agent", caps);
        let id = world.registered(&mandate, "ann");
        let (papers, said) = world.buy("agent", id, "shop.example", 950);
        said.must_be(Outcome::Pending);
        world.buy("agent", id, "shop.example", 51).1.must_be(Outcome::Settled);
        world.confirm("ann", papers.intent.id).must_be_refused(Code::RuleTotal);
        let late = world.confirm("ann", papers.intent.id);
        assert!(late.known, "refused for ever");
    }

    #[test]
    fn a_single_mandate_is_the_persons_yes_and_a_sub_agents_is_not() {
        let mut world = World::new();
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let offer = world.offer("shop.example", 900);
        let offer_id = world.certify(&offer, "shop.example").id;
        let mut single = world.single("ann", "agent", offer_id);
        single.caps = rules(asks_above(0));
        let id = world.registered(&single, "ann");
        world.take("agent", id, "shop.example", &offer).1.must_be(Outcome::Settled);

        let offer = world.offer("shop.example", 900);
        let offer_id = world.certify(&offer, "shop.example").id;
        let root = world.capped("ann", "a0", asks_above(0));
        let root = world.registered(&root, "ann");
        let single = world.single("ann", "a1", offer_id);
        let single = world.below(root, single);
        let single = world.registered(&single, "a0");
        world.take("a1", single, "shop.example", &offer).1.must_be(Outcome::Pending);
    }

    #[test]
    fn eight_may_wait_and_a_ninth_is_refused_at_each_link() {
        let mut world = World::new();
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let root = world.capped("ann", "a0", asks_above(0));
        let root_id = world.registered(&root, "ann");
        let subs: Vec<PaperId> = (1..=2)
            .map(|n| {
                let sub = world.capped("ann", &format!("a{n}"), none());
                let sub = world.below(root_id, sub);
                world.registered(&sub, "a0")
            })
            .collect();
        let mut waiting = Vec::new();
        for n in 0..8 {
            let (agent, id) = if n % 2 == 0 { ("a1", subs[0]) } else { ("a2", subs[1]) };
            let (papers, said) = world.buy(agent, id, "shop.example", 1);
            said.must_be(Outcome::Pending);
            waiting.push((agent, papers));
        }
        for (agent, id) in [("a1", subs[0]), ("a2", subs[1]), ("a0", root_id)] {
            world.buy(agent, id, "shop.example", 1).1.must_be_refused(Code::PendingLimit);
        }
        let (agent, papers) = waiting.pop().unwrap();
        world.cancel(agent, &papers.intent).must_be(Outcome::Cancelled);
        world.buy("a0", root_id, "shop.example", 1).1.must_be(Outcome::Pending);
    }
}

mod grants {
    use super::*;

    fn shop_up_to(units: u64) -> Fields {
        Fields { merchants_allow: set([party("shop.example")]), amount_max: Some(minor(units)), ..none() }
    }

    fn grants_of(said: &Said) -> Vec<Option<u8>> {
        match &said.decision {
            Some(Decision::Grant { grants, .. }) => grants.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn world() -> World {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        world
    }

    #[test]
    fn the_first_that_passes_without_asking_is_used() {
        let mut world = world();
        let asks = Fields { ask_above: UpTo::new(0), ..shop_up_to(1_000) };
        let mandate = world.conditional("ann", "agent", vec![shop_up_to(10), asks, shop_up_to(500), shop_up_to(600)]);
        let id = world.registered(&mandate, "ann");
        let used = |world: &mut World, units| grants_of(&world.buy("agent", id, "shop.example", units).1);
        assert_eq!(used(&mut world, 10), [Some(0)]);
        assert_eq!(used(&mut world, 11), [Some(2)], "the second would ask");
        assert_eq!(used(&mut world, 501), [Some(3)]);
        world.buy("agent", id, "shop.example", 601).1.must_be(Outcome::Pending);
        let said = world.buy("agent", id, "shop.example", 1_001).1;
        said.must_be_refused(Code::NoGrant);
        let detail = said.record().detail.as_ref().unwrap();
        assert_eq!((detail.link, detail.grant, detail.rule), (Some(0), None, None));
    }

    #[test]
    fn the_first_that_asks_is_used_when_none_is_quiet_and_its_counters_count() {
        let mut world = world();
        let asks =
            |units: u64, most: u64| Fields { ask_above: UpTo::new(0), total: Some(minor(most)), ..shop_up_to(units) };
        let mandate = world.conditional("ann", "agent", vec![asks(100, 500), asks(1_000, 900)]);
        let id = world.registered(&mandate, "ann");
        let (papers, said) = world.buy("agent", id, "shop.example", 80);
        said.must_be(Outcome::Pending);
        world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
        let lineage = &world.state().lineages[&(mandate.account, mandate.lineage)];
        let counted = |grant| lineage.counters.at(Some(grant), None, at(world.now)).minor;
        assert_eq!((counted(0), counted(1)), (80, 0));
    }

    #[test]
    fn a_grant_must_hold_wholly() {
        // Shop under 200, or taxi under 80: not the shop's merchant with the taxi's price, nor the other way.
        let mut world = world();
        let taxi = Fields { merchants_allow: set([party("taxi.example")]), amount_max: Some(minor(80)), ..none() };
        let mandate = world.conditional("ann", "agent", vec![shop_up_to(200), taxi]);
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 200).1.must_be(Outcome::Settled);
        world.buy("agent", id, "shop.example", 201).1.must_be_refused(Code::NoGrant);
        world.buy("agent", id, "taxi.example", 80).1.must_be(Outcome::Settled);
        world.buy("agent", id, "taxi.example", 81).1.must_be_refused(Code::NoGrant);
        world.buy("agent", id, "mall.example", 1).1.must_be_refused(Code::NoGrant);
    }

    #[test]
    fn caps_hold_beside_every_grant() {
        let mut world = world();
        let mut mandate = world.conditional("ann", "agent", vec![shop_up_to(1_000), shop_up_to(2_000)]);
        mandate.caps = rules(Fields { total: Some(minor(1_500)), ..none() });
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
        let said = world.buy("agent", id, "shop.example", 501).1;
        said.must_be_refused(Code::RuleTotal);
        assert_eq!(said.record().detail.as_ref().unwrap().grant, None, "a cap, not a grant");
        world.buy("agent", id, "shop.example", 500).1.must_be(Outcome::Settled);
    }

    #[test]
    fn a_spent_grant_gives_way_to_the_next_and_counters_are_apart() {
        let mut world = world();
        let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(100) };
        let mandate = world.conditional("ann", "agent", vec![up_to(150), up_to(100)]);
        let id = world.registered(&mandate, "ann");
        let buy = |world: &mut World, units| world.buy("agent", id, "shop.example", units).1;
        assert_eq!(grants_of(&buy(&mut world, 100)), [Some(0)]);
        assert_eq!(grants_of(&buy(&mut world, 100)), [Some(1)]);
        assert_eq!(grants_of(&buy(&mut world, 50)), [Some(0)]);
        buy(&mut world, 1).must_be_refused(Code::NoGrant);
    }

    #[test]
    fn a_void_gives_back_to_the_grant_that_was_used() {
        let mut world = world();
        let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(100) };
        let mandate = world.conditional("ann", "agent", vec![up_to(100), up_to(100)]);
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
        let (held, said) = world.hold("agent", id, "shop.example", 100);
        assert_eq!(grants_of(&said), [Some(1)]);
        world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
        assert_eq!(grants_of(&world.buy("agent", id, "shop.example", 100).1), [Some(1)]);
        world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::NoGrant);
    }

    #[test]
    fn each_link_uses_a_grant_of_its_own() {
        let mut world = world();
        let taxi = Fields { merchants_allow: set([party("taxi.example")]), ..none() };
        let root = world.conditional("ann", "a0", vec![taxi, shop_up_to(1_000)]);
        let root_id = world.registered(&root, "ann");
        let sub = world.conditional("ann", "a1", vec![shop_up_to(300)]);
        let sub = world.below(root_id, sub);
        let sub = world.registered(&sub, "a0");
        let said = world.buy("a1", sub, "shop.example", 300).1;
        assert_eq!(grants_of(&said), [Some(1), Some(0)]);
        world.buy("a1", sub, "shop.example", 301).1.must_be_refused(Code::RuleAmountMax);
        world.buy("a1", sub, "taxi.example", 1).1.must_be_refused(Code::RuleMerchant);
    }

    #[test]
    fn a_new_version_counts_its_grants_by_place() {
        let mut world = world();
        let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(1_000) };
        let mandate = world.conditional("ann", "agent", vec![up_to(500)]);
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 400).1.must_be(Outcome::Settled);
        let mut next = world.next(&mandate, id);
        let day = list([total_per(450, calendar(Unit::Year, "UTC"))]);
        next.grants = list([rules(Fields { total_per: day, ..up_to(600) }).unwrap()]);
        let next_id = world.registered(&next, "ann");
        world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::MandateSuperseded);
        // 100 more of the total, and of the new rule what history leaves: 50.
        world.buy("agent", next_id, "shop.example", 51).1.must_be_refused(Code::RuleTotalPeriod);
        world.buy("agent", next_id, "shop.example", 50).1.must_be(Outcome::Settled);
    }
}
