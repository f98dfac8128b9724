//! The classes of conformance that mandates, intents and confirmations can break, M01 to M50.

use purser_protocol::field::{List, True};
use purser_protocol::label::{CAPS, CURRENCY, EXP, MANDATE, VERSION};
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::offer::{Line, Offer};
use purser_protocol::sign::Context;

use super::*;

/// A mandate for one offer, and a payment of the offer, changed.
fn single(change: impl FnOnce(&mut World, &mut Offer, &mut PaymentPapers, PaperId)) -> Said {
    let mut scene = Scene::new();
    let mut offer = scene.world.offer("shop.example", 1_000);
    let offer_id = scene.world.certify(&offer, "shop.example").id;
    let mandate = scene.world.single("ann", "agent", offer_id);
    let id = scene.world.registered(&mandate, "ann");
    let mut papers = scene.world.papers("agent", id, "shop.example", &offer);
    change(&mut scene.world, &mut offer, &mut papers, id);
    scene.world.pay(&papers)
}

/// A purchase that waited for this many seconds before the person said yes.
fn confirmed(change: impl FnOnce(&mut World, &mut purser_protocol::paper::confirmation::Confirmation)) -> Said {
    let asks = Fields { ask_above: UpTo::new(0), ..Fields::default() };
    Scene::capped(asks).buys(|world, papers| {
        let mut confirmation = world.confirmation("ann", papers.intent.id);
        change(world, &mut confirmation);
        papers.confirmation = Some(world.sign(&confirmation, "ann"));
    })
}

fn registers(change: impl FnOnce(&mut World, &mut Mandate)) -> Said {
    let mut scene = Scene::new();
    let mut mandate = scene.world.quota("ann", "agent", 5_000);
    change(&mut scene.world, &mut mandate);
    scene.world.register(&mandate, "ann")
}

fn registers_forged(label: i64, bytes: &[u8]) -> Said {
    let mut scene = Scene::new();
    let mandate = scene.world.quota("ann", "agent", 5_000);
    scene.world.register_forged(&with(&mandate, label, Some(bytes)), "ann")
}

/// Takes an offer that was changed before it was signed.
fn takes(change: impl FnOnce(&mut Offer)) -> Said {
    let mut scene = Scene::new();
    let mut offer = scene.world.offer("shop.example", 1_000);
    change(&mut offer);
    scene.world.take("agent", scene.id, "shop.example", &offer).1
}

const SCHEMA: Stage = Stage::Schema;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "M01",
        fault: "a mandate for one payment used twice",
        expected: Refused(Code::OfferPaid),
        send: |fault| {
            single(|world, offer, papers, id| {
                if fault {
                    world.take("agent", id, "shop.example", offer).1.must_be(Outcome::Settled);
                    // The same offer, another intent.
                    let intent = world.intent(id, offer, papers.offer.id);
                    papers.intent = world.sign(&intent, "agent");
                }
            })
        },
    },
    Row {
        id: "M02",
        fault: "one minor unit more than the offer",
        expected: Refused(Code::AmountMismatch),
        send: |fault| {
            single(|world, offer, papers, id| {
                let mut intent = world.intent(id, offer, papers.offer.id);
                intent.amount = minor(one_of(fault, 1_001, 1_000));
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "M03",
        fault: "another merchant than the one that was confirmed",
        expected: Refused(Code::OfferMismatch),
        send: |fault| {
            single(|world, offer, papers, id| {
                let mine = offer.clone();
                let other = world.offer("taxi.example", 1_000);
                let (offer, merchant) = one_of(fault, (&other, "taxi.example"), (&mine, "shop.example"));
                *papers = world.papers("agent", id, merchant, offer);
            })
        },
    },
    Row {
        id: "M04",
        fault: "another basket than the one that was confirmed",
        expected: Refused(Code::OfferMismatch),
        send: |fault| {
            single(|world, offer, papers, id| {
                let basket = if fault { selling(vec![goods("other", 1_000)], offer.clone()) } else { offer.clone() };
                *papers = world.papers("agent", id, "shop.example", &basket);
            })
        },
    },
    Row {
        id: "M05",
        fault: "a yes of a quarter of an hour and a second ago",
        expected: Refused(Code::ConfirmationStale),
        send: |fault| confirmed(|world, _| world.now += one_of(fault, 901, 900)),
    },
    Row {
        id: "M05",
        fault: "a yes that is eleven seconds ahead",
        expected: Refused(Code::ConfirmationStale),
        send: |fault| confirmed(|_, paper| paper.issued_at = at(START + one_of(fault, 11, 10))),
    },
    Row {
        id: "M05",
        fault: "a yes from before the intent",
        expected: Refused(Code::ConfirmationStale),
        send: |fault| confirmed(|_, paper| paper.issued_at = at(START - one_of(fault, 11, 10))),
    },
    Row {
        id: "M06",
        fault: "a yes to another intent",
        expected: Refused(Code::ConfirmationMismatch),
        send: |fault| confirmed(|_, paper| paper.intent = one_of(fault, PaperId([3; 32]), paper.intent)),
    },
    Row {
        id: "M06",
        fault: "a yes to another issuer",
        expected: Refused(Code::ConfirmationMismatch),
        send: |fault| {
            confirmed(|_, paper| paper.issuer = party(one_of(fault, "other-issuer.example", "issuer.example")))
        },
    },
    Row {
        id: "M06",
        fault: "a yes by another person",
        expected: Refused(Code::ConfirmationMismatch),
        send: |fault| {
            let asks = Fields { ask_above: UpTo::new(0), ..Fields::default() };
            Scene::capped(asks).buys(|world, papers| {
                let person = one_of(fault, "bob", "ann");
                let confirmation = world.confirmation(person, papers.intent.id);
                papers.confirmation = Some(world.sign(&confirmation, person));
            })
        },
    },
    Row {
        id: "M07",
        fault: "a yes by the agent",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let asks = Fields { ask_above: UpTo::new(0), ..Fields::default() };
            Scene::capped(asks).buys(|world, papers| {
                let confirmation = world.confirmation("ann", papers.intent.id);
                papers.confirmation = Some(world.sign(&confirmation, one_of(fault, "agent", "ann")));
            })
        },
    },
    Row {
        id: "M11",
        fault: "a rule that nobody knows",
        expected: NotDecided(Code::RuleUnknown, SCHEMA),
        send: |fault| {
            registers_forged(CAPS.number, one_of(fault, &[0xa2, 0x03, 0x0a, 0x16, 0x01], &[0xa1, 0x03, 0x0a]))
        },
    },
    Row {
        id: "M11",
        fault: "rules that hold no rule",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| registers_forged(CAPS.number, one_of(fault, &[0xa0], &[0xa1, 0x03, 0x0a])),
    },
    Row {
        id: "M12",
        fault: "two rules of which one fails",
        expected: Refused(Code::RuleMerchant),
        send: |fault| {
            let merchant = one_of(fault, "taxi.example", "shop.example");
            let caps =
                Fields { amount_max: Some(minor(1_000)), merchants_allow: set([party(merchant)]), ..Fields::default() };
            Scene::capped(caps).buys(|_, _| {})
        },
    },
    Row {
        id: "M18",
        fault: "within the quota and above the most for one payment",
        expected: Refused(Code::RuleAmountMax),
        send: |fault| {
            let most = one_of(fault, 999, 1_000);
            Scene::capped(Fields { amount_max: Some(minor(most)), ..Fields::default() }).buys(|_, _| {})
        },
    },
    Row {
        id: "M20",
        fault: "a quota that names one offer",
        expected: NotDecided(Code::FieldConflict, SCHEMA),
        send: |fault| registers(|_, mandate| mandate.offer = fault.then_some(PaperId([1; 32]))),
    },
    Row {
        id: "M20",
        fault: "a quota with grants",
        expected: NotDecided(Code::FieldConflict, SCHEMA),
        send: |fault| {
            registers(|_, mandate| {
                let grant = rules(Fields { count: Some(count(1)), ..Fields::default() });
                mandate.grants = grant.filter(|_| fault).and_then(|grant| List::new(vec![grant]));
            })
        },
    },
    Row {
        id: "M20",
        fault: "a sub-mandate with an envelope of its own",
        expected: NotDecided(Code::FieldConflict, SCHEMA),
        send: |fault| {
            let mut scene = Scene::new();
            let sub = scene.world.quota("ann", "sub", 100);
            let mut sub = scene.world.below(scene.id, sub);
            sub.funded = fault.then_some(minor(100));
            scene.world.register(&sub, "agent")
        },
    },
    Row {
        id: "M21",
        fault: "a mandate of nothing",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| registers_forged(CAPS.number, one_of(fault, &[0xa1, 0x03, 0x00], &[0xa1, 0x03, 0x01])),
    },
    Row {
        id: "M21",
        fault: "a mandate of minus one",
        expected: NotDecided(Code::FieldType, SCHEMA),
        send: |fault| registers_forged(CAPS.number, one_of(fault, &[0xa1, 0x03, 0x20], &[0xa1, 0x03, 0x01])),
    },
    Row {
        id: "M23",
        fault: "a currency in small letters",
        expected: NotDecided(Code::CurrencyUnknown, SCHEMA),
        send: |fault| registers_forged(CURRENCY.number, one_of(fault, b"\x63cny", b"\x63CNY")),
    },
    Row {
        id: "M23",
        fault: "no currency at all",
        expected: NotDecided(Code::CurrencyUnknown, SCHEMA),
        send: |fault| registers_forged(CURRENCY.number, one_of(fault, b"\x63XXX", b"\x63CNY")),
    },
    Row {
        id: "M24",
        fault: "a total above 2^53 - 1",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| {
            let total = |minor: u64| [&[0xa1, 0x03][..], &value(|writer| writer.unsigned(minor))].concat();
            registers_forged(CAPS.number, &total(one_of(fault, 1 << 53, (1 << 53) - 1)))
        },
    },
    Row {
        id: "M26",
        fault: "a tip that is not in the total",
        expected: NotDecided(Code::ItemsTotal, SCHEMA),
        send: |fault| {
            takes(|offer| {
                let sum = offer.amount;
                *offer = selling(vec![goods("thing", 1_000), line(Line::Tip, 100)], offer.clone());
                offer.amount = one_of(fault, sum, offer.amount);
            })
        },
    },
    Row {
        id: "M28",
        fault: "one and a half of a thing",
        expected: NotDecided(Code::CborType, Stage::Encoding),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let item = |quantity: &[u8]| {
                let fields: [&[u8]; 9] = [
                    &[0x81, 0xa4, 0x01],
                    b"\x65thing",
                    &[0x02],
                    b"\x65thing",
                    &[0x04],
                    quantity,
                    &[0x05],
                    &[0x19],
                    &[3, 232],
                ];
                fields.concat()
            };
            let items = item(one_of(fault, &[0xf9, 0x3e, 0x00], &[0x01]));
            let forged = with(&offer, purser_protocol::label::ITEMS.number, Some(&items));
            let sealed = scene.world.certify(&forged, "shop.example");
            let intent = scene.world.intent(scene.id, &offer, sealed.id);
            let intent = scene.world.sign(&intent, "agent");
            scene.world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
        },
    },
    Row {
        id: "M29",
        fault: "lines that come to one less than the total",
        expected: NotDecided(Code::ItemsTotal, SCHEMA),
        send: |fault| takes(|offer| offer.items = List::new(vec![goods("thing", one_of(fault, 999, 1_000))]).unwrap()),
    },
    Row {
        id: "M30",
        fault: "in the second in which the mandate ends",
        expected: Refused(Code::MandateExpired),
        send: |fault| {
            let mut scene = Scene::new();
            let mut mandate = scene.world.quota("ann", "agent", 5_000);
            mandate.expires_at = at(START + one_of(fault, 100, 101));
            let id = scene.world.registered(&mandate, "ann");
            scene.world.now += 100;
            scene.world.buy("agent", id, "shop.example", 1_000).1
        },
    },
    Row {
        id: "M30",
        fault: "a mandate that has ended is registered",
        expected: Refused(Code::MandateExpired),
        send: |fault| {
            registers(|world, mandate| {
                mandate.expires_at = at(START + 100);
                world.now += one_of(fault, 100, 99);
            })
        },
    },
    Row {
        id: "M30",
        fault: "in the second in which the offer ends",
        expected: Refused(Code::OfferExpired),
        send: |fault| Scene::new().buys(|world, _| world.now += HOUR - one_of(fault, 0, 1)),
    },
    Row {
        id: "M30",
        fault: "in the second in which the payer's credential ends",
        expected: Refused(Code::CredentialExpired),
        send: |fault| {
            let mut scene = Scene::new();
            scene.world.now += 5 * 366 * DAY - one_of(fault, 0, 1);
            // A second key of the account signs the next version a year before.
            let mut next = scene.world.quota("ann", "agent", 5_000);
            next.not_before = at(START + 4 * 366 * DAY);
            next.expires_at = at(START + 6 * 366 * DAY);
            let id = scene.world.registered(&next, "ann");
            scene.world.buy("agent", id, "shop.example", 1_000).1
        },
    },
    Row {
        id: "M30",
        fault: "in the second in which the credential of the one who says yes ends",
        expected: Refused(Code::CredentialExpired),
        send: |fault| {
            let mut scene = Scene::new();
            let account = scene.world.account("ann");
            // Ann adds a second key later, and signs with it; the first one says yes.
            scene.world.now += DAY;
            let second = scene.world.enrolment(Some(account), "ann's second");
            let second = scene.world.sign(&second, "ann");
            scene.world.send(&second.bytes).must_be(Outcome::Recorded);
            scene.world.now = START + 5 * 366 * DAY - one_of(fault, 0, 1);
            let asks = Fields { ask_above: UpTo::new(0), ..Fields::default() };
            let mandate = scene.world.capped("ann", "agent", asks);
            let id = scene.world.registered(&mandate, "ann's second");
            let offer = scene.world.offer("shop.example", 1_000);
            let mut papers = scene.world.papers("agent", id, "shop.example", &offer);
            let confirmation = scene.world.confirmation("ann", papers.intent.id);
            papers.confirmation = Some(scene.world.sign(&confirmation, "ann"));
            scene.world.pay(&papers)
        },
    },
    Row {
        id: "M31",
        fault: "a window that ends as it begins",
        expected: NotDecided(Code::FieldConflict, SCHEMA),
        send: |fault| registers(|_, mandate| mandate.expires_at = at(mandate.not_before.get() + one_of(fault, 0, 1))),
    },
    Row {
        id: "M32",
        fault: "an intent made eleven seconds ahead",
        expected: Refused(Code::IntentInFuture),
        send: |fault| dated(|_, intent| *intent = START + one_of(fault, 11, 10)),
    },
    Row {
        id: "M32",
        fault: "a mandate signed eleven seconds ahead",
        expected: Refused(Code::MandateNotYetValid),
        send: |fault| registers(|_, mandate| mandate.issued_at = at(START + one_of(fault, 11, 10))),
    },
    Row {
        id: "M33",
        fault: "a mandate of five years and a second",
        expected: Refused(Code::LifetimeExceeded),
        send: |fault| registers(|_, mandate| mandate.expires_at = at(START + 5 * 366 * DAY + one_of(fault, 1, 0))),
    },
    Row {
        id: "M33",
        fault: "an offer of an hour and a second",
        expected: Refused(Code::LifetimeExceeded),
        send: |fault| takes(|offer| offer.expires_at = at(START + HOUR + one_of(fault, 1, 0))),
    },
    Row {
        id: "M34",
        fault: "a mandate that ends in the year 10000",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| {
            let ends = one_of(fault, 253_402_300_800, START + 30 * DAY);
            registers_forged(EXP.number, &value(|writer| writer.unsigned(ends)))
        },
    },
    Row {
        id: "M34",
        fault: "a mandate that ends in 2^63 seconds",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| {
            let ends = one_of(fault, 1 << 63, START + 30 * DAY);
            registers_forged(EXP.number, &value(|writer| writer.unsigned(ends)))
        },
    },
    Row {
        id: "M35",
        fault: "an offer made eleven seconds ahead",
        expected: Refused(Code::OfferNotYetValid),
        send: |fault| dated(|offer, _| *offer = START + one_of(fault, 11, 10)),
    },
    Row {
        id: "M35",
        fault: "an intent made eleven seconds before its offer",
        expected: Refused(Code::IntentStale),
        send: |fault| dated(|_, intent| *intent = START - one_of(fault, 11, 10)),
    },
    Row {
        id: "M36",
        fault: "an intent signed with another key than the mandate names",
        expected: NotDecided(Code::AgentMismatch, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            scene.world.buy(one_of(fault, "stranger", "agent"), scene.id, "shop.example", 1_000).1
        },
    },
    Row {
        id: "M36",
        fault: "an intent signed by a merchant under an agent's mandate",
        expected: NotDecided(Code::AgentMismatch, Stage::Signature),
        send: |fault| held_by_merchant(fault, false),
    },
    Row {
        id: "M36",
        fault: "another merchant under a merchant's mandate",
        expected: NotDecided(Code::AgentMismatch, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let mut mandate = scene.world.quota("ann", "agent", 5_000);
            mandate.holder = Holder::Merchant(party("shop.example"));
            let id = scene.world.registered(&mandate, "ann");
            let offer = scene.world.offer("shop.example", 1_000);
            let sealed = scene.world.certify(&offer, "shop.example");
            let intent = scene.world.intent(id, &offer, sealed.id);
            let intent = scene.world.certify(&intent, one_of(fault, "taxi.example", "shop.example"));
            scene.world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
        },
    },
    Row {
        id: "M36",
        fault: "a merchant that holds a mandate pays another",
        expected: Refused(Code::HolderMismatch),
        send: |fault| held_by_merchant(fault, true),
    },
    Row {
        id: "M41",
        fault: "a merchant that is called almost the same",
        expected: Refused(Code::RuleMerchant),
        send: |fault| {
            let mut scene =
                Scene::capped(Fields { merchants_allow: set([party("shop.example")]), ..Fields::default() });
            scene.world.buy("agent", scene.id, one_of(fault, "sh0p.example", "shop.example"), 1_000).1
        },
    },
    Row {
        id: "M41",
        fault: "a merchant with a Cyrillic letter in its name",
        expected: NotDecided(Code::FieldRange, SCHEMA),
        send: |fault| {
            let name = one_of(fault, "sh\u{43e}p.example", "shop.example");
            let allowed = value(|writer| {
                writer.map(2);
                writer.unsigned(3);
                writer.unsigned(10);
                writer.unsigned(7);
                writer.list(1);
                writer.text(name);
            });
            registers_forged(CAPS.number, &allowed)
        },
    },
    Row {
        id: "M42",
        fault: "a mandate of version 2",
        expected: NotDecided(Code::VersionUnsupported, Stage::Version),
        send: |fault| registers_forged(VERSION.number, one_of(fault, &[0x02], &[0x01])),
    },
    Row {
        id: "M43",
        fault: "a mandate in the place of an intent",
        expected: NotDecided(Code::TypeMismatch, Stage::Headers),
        send: |fault| {
            let mut scene = Scene::new();
            let mandate = scene.world.sign(&scene.mandate, "ann");
            let offer = scene.world.offer("shop.example", 1_000);
            let mut papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            papers.intent = one_of(fault, mandate, papers.intent);
            scene.world.pay(&papers)
        },
    },
    Row {
        id: "M43",
        fault: "an offer in the place of a command",
        expected: NotDecided(Code::TypeMismatch, Stage::Headers),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let offer = scene.world.certify(&offer, "shop.example");
            let (held, _) = scene.world.hold("agent", scene.id, "shop.example", 1_000);
            let void = scene.world.void_paper("shop.example", held.intent.id);
            let void = scene.world.certify(&void, "shop.example");
            scene.world.send(&one_of(fault, offer, void).bytes)
        },
    },
    Row {
        id: "M44",
        fault: "a mandate signed for the production network",
        expected: NotDecided(Code::SignatureInvalid, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let mandate = scene.world.quota("ann", "agent", 5_000);
            let network = one_of(fault, "production", "sandbox");
            let mandate = scene.world.sign_in(Context { network }, &mandate, "ann");
            scene.world.send(&mandate.bytes)
        },
    },
    Row {
        id: "M44",
        fault: "an intent signed for the production network",
        expected: NotDecided(Code::SignatureInvalid, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let mut papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            let intent = scene.world.intent(scene.id, &offer, papers.offer.id);
            let network = one_of(fault, "production", "sandbox");
            papers.intent = scene.world.sign_in(Context { network }, &intent, "agent");
            scene.world.pay(&papers)
        },
    },
    Row {
        id: "M47",
        fault: "an intent that names no mandate",
        expected: NotDecided(Code::MissingField, SCHEMA),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let mut papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            if fault {
                let intent = scene.world.intent(scene.id, &offer, papers.offer.id);
                papers.intent = scene.world.sign(&with(&intent, MANDATE.number, None), "agent");
            }
            scene.world.pay(&papers)
        },
    },
];

/// A purchase whose offer and intent are dated anew.
fn dated(change: impl FnOnce(&mut u64, &mut u64)) -> Said {
    let mut scene = Scene::new();
    let (mut offered, mut taken) = (START, START);
    change(&mut offered, &mut taken);
    let mut offer = scene.world.offer("shop.example", 1_000);
    offer.issued_at = at(offered);
    offer.expires_at = at(offered + HOUR);
    let sealed = scene.world.certify(&offer, "shop.example");
    let mut intent = scene.world.intent(scene.id, &offer, sealed.id);
    intent.issued_at = at(taken);
    let intent = scene.world.sign(&intent, "agent");
    scene.world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
}

/// A merchant signs the intent. With `held` the mandate is its own, and the fault is whom it pays.
fn held_by_merchant(fault: bool, held: bool) -> Said {
    let mut scene = Scene::new();
    let mut mandate = scene.world.quota("ann", "agent", 5_000);
    if held || !fault {
        mandate.holder = Holder::Merchant(party("shop.example"));
    }
    mandate.refund_returns = Some(True);
    let id = scene.world.registered(&mandate, "ann");
    let seller = one_of(fault && held, "taxi.example", "shop.example");
    let offer = scene.world.offer(seller, 1_000);
    let sealed = scene.world.certify(&offer, seller);
    let intent = scene.world.intent(id, &offer, sealed.id);
    let intent = scene.world.certify(&intent, "shop.example");
    scene.world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
}

pub(super) const ELSEWHERE: &[(&str, Elsewhere)] = &[
    ("M08", There("tests/rules/rows.rs: amount_max at every link, in caps and in grants")),
    ("M09", There("tests/rules/rows.rs: categories_allow and categories_deny")),
    ("M10", There("tests/rules/rows.rs: merchants_allow and merchants_deny")),
    ("M13", There("tests/attacks_authority.rs A6 and A7; a rule's amounts are in the mandate's currency")),
    ("M14", There("tests/rules/rows.rs: total at the remainder and one past it")),
    ("M15", There("tests/quota_race.rs: payments that only together pass the quota")),
    ("M16", There("tests/rules/periods.rs: the second before and the second of a boundary")),
    ("M17", There("tests/rules/periods.rs: refunds give back only where the mandate says so")),
    ("M19", There("tests/rules.rs: every_link_counts..., one root over several agents is the limit of them all")),
    ("M22", There("tests/attacks_authority.rs A7: no exponent is on the wire")),
    ("M25", There("tests/attacks_authority.rs A9: a sum past the greatest total")),
    ("M27", Moot("nothing is converted: a payment in another currency is a currency mismatch")),
    ("M37", Here("a_proof_is_for_one_party_and_one_address_and_one_minute")),
    ("M38", Here("a_proof_is_for_one_party_and_one_address_and_one_minute")),
    ("M39", Moot("a proof names its request and lasts a minute; reads change nothing, so no nonce is kept")),
    ("M40", There("tests/rules/rows.rs: devices")),
    ("M45", There("tests/attacks_authority/chains.rs A13, and tests/rules.rs")),
];

#[test]
fn a_proof_is_for_one_party_and_one_address_and_one_minute() {
    use purser_protocol::paper::command::Proof;

    const TARGET: &str = "GET https://issuer.example/v1/payments?limit=10";
    let mut scene = Scene::new();
    let proof = |world: &mut World, change: &dyn Fn(&mut Proof)| {
        let mut proof = Proof {
            audience: party("issuer.example"),
            issued_at: at(START),
            nonce: world.nonce(),
            target: purser_protocol::id::Text::new(TARGET).unwrap(),
        };
        change(&mut proof);
        world.sign(&proof, "ann").bytes
    };
    let ask = |world: &World, bytes: &[u8]| {
        world.desk(|desk, state| desk.open_proof(bytes, TARGET, state)).map_err(|fault| (fault.code, fault.stage))
    };
    let invalid = Err((Code::ProofInvalid, Stage::Http));

    let honest = proof(&mut scene.world, &|_| {});
    assert_eq!(ask(&scene.world, &honest), Ok(scene.world.key("ann").public));
    let to_another = proof(&mut scene.world, &|proof| proof.audience = party("other-issuer.example"));
    assert_eq!(ask(&scene.world, &to_another), invalid);
    for other in ["GET https://issuer.example/v1/payments", "POST https://issuer.example/v1/payments?limit=10"] {
        let elsewhere = proof(&mut scene.world, &|proof| proof.target = purser_protocol::id::Text::new(other).unwrap());
        assert_eq!(ask(&scene.world, &elsewhere), invalid);
    }
    for (seconds, good) in [(60, true), (61, false)] {
        scene.world.now = START + seconds;
        assert_eq!(ask(&scene.world, &honest).is_ok(), good, "{seconds} seconds later");
    }
    for (seconds, good) in [(10, true), (11, false)] {
        scene.world.now = START - seconds;
        assert_eq!(ask(&scene.world, &honest).is_ok(), good, "{seconds} seconds before");
    }
}
