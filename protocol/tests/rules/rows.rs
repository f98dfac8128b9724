//! The rows: a rule, what it lets through, and what differs from that by one.

use purser_protocol::id::Digest;
use purser_protocol::paper::offer::Line;
use purser_protocol::period::TimeWindow;

use super::*;

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

/// At least one row a rule; those that read several things have several.
pub(crate) const ROWS: &[Row] = &[
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
