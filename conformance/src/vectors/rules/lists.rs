//! Who, what and for how much: names, categories, items, prices.

use super::*;

pub(super) fn lists(t: &mut Payments<'_>) {
    let names = |names: &[&str]| Item::List(names.iter().map(|&name| name.into()).collect());
    let m10 = Shows("M10", "A4");
    t.beside(
        "merchants-allow",
        "merchants_allow without the merchant",
        m10,
        Code::RuleMerchant,
        [&|s| s.rule(7, names(&["tea.example"])), &|s| s.rule(7, names(&["rice.example"]))],
    );
    t.refuse(
        "merchants-allow-prefix",
        "merchants_allow with the beginning of the merchant's name",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["tea.exampl"])),
    );
    t.refuse(
        "merchants-allow-longer",
        "merchants_allow with a longer name than the merchant's",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["a.tea.example"])),
    );
    t.refuse(
        "merchants-allow-suffix",
        "merchants_allow with the end of the merchant's name",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["example"])),
    );
    t.refuse(
        "merchants-allow-first-label",
        "merchants_allow with the first label of the merchant's name",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["tea"])),
    );
    t.refuse(
        "merchants-allow-without-first-letter",
        "merchants_allow with the merchant's name without its first letter",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["ea.example"])),
    );
    t.refuse(
        "merchants-allow-look-alike",
        "merchants_allow with a name that looks like the merchant's",
        Shows("M10 M41", "A4 A23"),
        Code::RuleMerchant,
        |s| s.rule(7, names(&["tea-example"])),
    );
    t.beside(
        "merchants-deny",
        "merchants_deny with the merchant",
        m10,
        Code::RuleMerchant,
        [&|s| s.rule(8, names(&["rice.example"])), &|s| s.rule(8, names(&["tea.example"]))],
    );
    let numbers = |numbers: &[i64]| Item::List(numbers.iter().map(|&number| number.into()).collect());
    let m09 = Shows("M09", "A5");
    t.beside(
        "categories-allow",
        "categories_allow without the line's category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| s.rule(9, numbers(&[5411]))],
    );
    t.beside(
        "categories-allow-none",
        "categories_allow, and a line without a category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| {
            s.rule(9, numbers(&[5499]));
            s.offer(|o| lined(o, 3, None));
        }],
    );
    t.beside(
        "categories-allow-one-of-two",
        "categories_allow, and an offer of which one line is of another category",
        m09,
        Code::RuleCategory,
        [
            &|s| {
                s.rule(9, numbers(&[5411, 5499]));
                s.offer(with_rice);
            },
            &|s| {
                s.rule(9, numbers(&[5499]));
                s.offer(with_rice);
            },
        ],
    );
    t.beside(
        "categories-deny-one-of-two",
        "categories_deny with the category of one of two lines",
        m09,
        Code::RuleCategory,
        [
            &|s| {
                s.rule(10, numbers(&[5412]));
                s.offer(with_rice);
            },
            &|s| {
                s.rule(10, numbers(&[5411]));
                s.offer(with_rice);
            },
        ],
    );
    t.beside(
        "categories-allow-none-of-two",
        "categories_allow, and an offer of which one line has no category",
        m09,
        Code::RuleCategory,
        [
            &|s| {
                s.rule(9, numbers(&[5411, 5499]));
                s.offer(with_rice);
            },
            &|s| {
                s.rule(9, numbers(&[5411, 5499]));
                s.offer(|o| with_rice(o).with(-21, rice_of_no_category()));
            },
        ],
    );
    t.beside(
        "categories-deny-none-of-two",
        "categories_deny, and an offer of which one line has no category",
        m09,
        Code::RuleCategory,
        [
            &|s| {
                s.rule(10, numbers(&[5412]));
                s.offer(with_rice);
            },
            &|s| {
                s.rule(10, numbers(&[5412]));
                s.offer(|o| with_rice(o).with(-21, rice_of_no_category()));
            },
        ],
    );
    t.accept("categories-allow-and-tip", "categories_allow, and a tip beside the goods", m09, "RUL-8", |s| {
        s.rule(9, numbers(&[5499]));
        s.offer(with_tip);
    });
    t.accept("items-allow-and-tip", "items_allow, and a tip beside the goods", m09, "RUL-9", |s| {
        s.rule(11, names(&["longjing-25"]));
        s.offer(with_tip);
    });
    t.accept("items-deny-and-tip", "items_deny with the id of a tip: a tip is no goods", m09, "RUL-9", |s| {
        s.rule(12, names(&["tip"]));
        s.offer(with_tip);
    });
    t.beside(
        "items-allow-tips",
        "items_allow, and an offer of nothing but a tip",
        m09,
        Code::RuleItem,
        [&|s| s.rule(11, names(&["longjing-25"])), &|s| {
            s.rule(11, names(&["longjing-25"]));
            s.offer(|o| lined(lined(o, 3, None), 6, Some(5.into())));
        }],
    );
    t.beside(
        "categories-allow-tips",
        "categories_allow, and an offer of nothing but a tip",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| {
            s.rule(9, numbers(&[5499]));
            s.offer(|o| lined(lined(o, 3, None), 6, Some(5.into())));
        }],
    );
    t.beside(
        "categories-deny",
        "categories_deny with the line's category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(10, numbers(&[5411])), &|s| s.rule(10, numbers(&[5499]))],
    );
    t.beside(
        "categories-deny-none",
        "categories_deny, and a line without a category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(10, numbers(&[5411])), &|s| {
            s.rule(10, numbers(&[5411]));
            s.offer(|o| lined(o, 3, None));
        }],
    );
    t.accept("categories-deny-tips", "categories_deny, and an offer of nothing but a tip", m09, "RUL-8", |s| {
        s.rule(10, numbers(&[5411]));
        s.offer(|o| lined(lined(o, 3, None), 6, Some(5.into())));
    });
    let items = Shows("M09", "");
    t.beside(
        "items-allow",
        "items_allow without the line's id",
        items,
        Code::RuleItem,
        [&|s| s.rule(11, names(&["longjing-25"])), &|s| s.rule(11, names(&["longjing-50"]))],
    );
    t.beside(
        "items-allow-one-of-two",
        "items_allow, and an offer of which one line is not on it",
        items,
        Code::RuleItem,
        [
            &|s| {
                s.rule(11, names(&["gift-card", "longjing-25"]));
                s.offer(with_gift_card);
            },
            &|s| {
                s.rule(11, names(&["longjing-25"]));
                s.offer(with_gift_card);
            },
        ],
    );
    t.beside(
        "items-deny",
        "items_deny with one of two lines",
        items,
        Code::RuleItem,
        [
            &|s| {
                s.rule(12, names(&["vodka"]));
                s.offer(with_gift_card);
            },
            &|s| {
                s.rule(12, names(&["gift-card"]));
                s.offer(with_gift_card);
            },
        ],
    );
    let pin = |of: &str, key: &str| seq([seq([of.into(), keys::thumbprint(key).into()])]);
    t.beside(
        "payee-keys",
        "payee_keys with another key of the merchant's",
        Shows("X26", "A4"),
        Code::RulePayeeKey,
        [&|s| s.rule(17, pin("tea.example", "merchant")), &|s| s.rule(17, pin("tea.example", "other-merchant"))],
    );
    t.beside(
        "payee-keys-two-others",
        "payee_keys with two other keys of the merchant's",
        Shows("X26", "A4"),
        Code::RulePayeeKey,
        [&|s| s.rule(17, pins(&[("tea.example", "merchant"), ("tea.example", "thief")])), &|s| {
            s.rule(17, pins(&[("tea.example", "other-merchant"), ("tea.example", "thief")]))
        }],
    );
    t.beside(
        "payee-keys-crossed",
        "payee_keys with another key of the merchant's, and the merchant's key for another",
        Shows("X26", "A4"),
        Code::RulePayeeKey,
        [&|s| s.rule(17, pins(&[("tea.example", "merchant"), ("rice.example", "other-merchant")])), &|s| {
            s.rule(17, pins(&[("tea.example", "other-merchant"), ("rice.example", "merchant")]))
        }],
    );
    t.accept("payee-keys-of-another", "payee_keys with nothing about the merchant", Shows("", "A4"), "RUL-14", |s| {
        s.rule(17, pin("rice.example", "other-merchant"))
    });
    t.accept(
        "payee-keys-two-of-another",
        "payee_keys with two keys of another merchant's",
        Shows("", "A4"),
        "RUL-14",
        |s| s.rule(17, pins(&[("rice.example", "merchant"), ("rice.example", "other-merchant")])),
    );
    t.accept("payee-keys-two", "payee_keys with two keys of the merchant's", Shows("", "A4"), "RUL-14", |s| {
        let mut pins = [keys::thumbprint("merchant"), keys::thumbprint("thief")];
        pins.sort_unstable();
        s.rule(17, Item::List(pins.into_iter().map(|key| seq(["tea.example".into(), key.into()])).collect()));
    });
}

/// Keys of merchants, in the order of a list of pairs.
fn pins(pairs: &[(&str, &str)]) -> Item {
    let mut pins: Vec<Item> = pairs.iter().map(|(of, key)| seq([(*of).into(), keys::thumbprint(key).into()])).collect();
    pins.sort_by_key(Item::encode);
    Item::List(pins)
}

/// The tea, and rice of the other category of the merchant's certificate, for ten yuan together.
fn with_rice(offer: Item) -> Item {
    let line = |id: &str, category: i64, price: i64| {
        labelled([(1, id.into()), (2, id.into()), (3, category.into()), (4, 1.into()), (5, price.into())])
    };
    offer.with(-21, seq([line("longjing-25", 5_499, 400), line("rice", 5_411, 600)]))
}

/// The same lines, and what the rice is is not said.
fn rice_of_no_category() -> Item {
    let line = |id: &str, price: i64| labelled([(1, id.into()), (2, id.into()), (4, 1.into()), (5, price.into())]);
    seq([line("longjing-25", 400).with(3, 5_499), line("rice", 600)])
}

/// The tea and a tip, for ten yuan together.
fn with_tip(offer: Item) -> Item {
    let goods = labelled([
        (1, "longjing-25".into()),
        (2, "Longjing tea".into()),
        (3, 5_499.into()),
        (4, 1.into()),
        (5, 900.into()),
    ]);
    let tip = labelled([(1, "tip".into()), (2, "Tip".into()), (4, 1.into()), (5, 100.into()), (6, 5.into())]);
    offer.with(-21, seq([goods, tip]))
}

/// The tea and a card, for ten yuan together.
pub(super) fn with_gift_card(offer: Item) -> Item {
    let line = |id: &str, price: i64| {
        labelled([(1, id.into()), (2, id.into()), (3, 5_499.into()), (4, 1.into()), (5, price.into())])
    };
    offer.with(-21, seq([line("longjing-25", 400), line("gift-card", 600)]))
}

pub(super) fn prices(t: &mut Payments<'_>) {
    let price = |reference: i64, per_mille: i64| seq([seq(["longjing-25".into(), reference.into(), per_mille.into()])]);
    let shows = Shows("M08", "H5");
    t.beside(
        "price-above",
        "price_deviation of 25 per cent: a unit above",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(800, 250)), &|s| {
            s.rule(13, price(800, 250));
            s.offer(|o| priced(o, 1_001));
        }],
    );
    t.beside(
        "price-below",
        "price_deviation of 20 per cent: a unit below",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(1_250, 200)), &|s| {
            s.rule(13, price(1_250, 200));
            s.offer(|o| priced(o, 999));
        }],
    );
    t.beside(
        "price-exact",
        "price_deviation of nothing: a unit off",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(1_000, 0)), &|s| s.rule(13, price(1_001, 0))],
    );
    t.accept(
        "price-not-rounded",
        "A deviation that is just within: 3 of 1,003, at 3 per mille",
        shows,
        "RUL-10 ENC-23",
        |s| s.rule(13, price(1_003, 3)),
    );
    t.refuse(
        "price-rounded",
        "A deviation that is just without: 3 of 997, at 3 per mille",
        shows,
        Code::RulePrice,
        |s| s.rule(13, price(997, 3)),
    );
    t.accept("price-of-another", "price_deviation of an item that is not sold", shows, "RUL-10", |s| {
        s.rule(13, seq([seq(["longjing-50".into(), 1.into(), 0.into()])]));
    });
    t.refuse(
        "price-of-unit",
        "Two at half the reference each: the price is that of one",
        shows,
        Code::RulePrice,
        |s| {
            s.rule(13, price(1_000, 0));
            s.offer(|o| lined(lined(o, 4, Some(2.into())), 5, Some(500.into())));
        },
    );
    t.accept("price-of-each", "Two at the reference each: the price is that of one", shows, "RUL-10", |s| {
        s.rule(13, price(500, 0));
        s.offer(|o| lined(lined(o, 4, Some(2.into())), 5, Some(500.into())));
    });
    t.accept("price-of-each-its-own", "price_deviation of two items, of which one is not sold", shows, "RUL-10", |s| {
        let of = |item: &str, reference: i64| seq([item.into(), reference.into(), 0.into()]);
        s.rule(13, seq([of("longjing-25", 1_000), of("longjing-50", 1_900)]));
    });
    let greatest = (1_i64 << 53) - 1;
    t.refuse("price-overflow", "The greatest reference, at 999 per mille", shows, Code::RulePrice, |s| {
        s.rule(13, price(greatest, 999))
    });
    t.accept("price-wide", "The greatest reference, at 1,000 per mille", shows, "RUL-10 ENC-23", |s| {
        s.rule(13, price(greatest, 1_000))
    });
}
