//! What comes twice, late, at once or after doubt: section B of the catalogue of attacks, and the classes of
//! flow (F) that a ledger can show.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::rows::*;
use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::id::PaperId;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

/// Ann has 100,000 and lets an agent spend 50,000.
struct Scene {
    world: World,
    mandate: Mandate,
    id: PaperId,
}

impl Scene {
    fn new() -> Self {
        Self::in_world(World::new())
    }

    fn in_world(mut world: World) -> Self {
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let mandate = world.quota("ann", "agent", 50_000);
        let id = world.registered(&mandate, "ann");
        Self { world, mandate, id }
    }

    fn holds(&mut self, units: u64) -> PaymentPapers {
        let (papers, said) = self.world.hold("agent", self.id, "shop.example", units);
        said.must_be(Outcome::Authorized);
        papers
    }

    fn buys(&mut self, units: u64) -> PaymentPapers {
        let (papers, said) = self.world.buy("agent", self.id, "shop.example", units);
        said.must_be(Outcome::Settled);
        papers
    }
}

fn one_of<T>(fault: bool, with: T, without: T) -> T {
    if fault { with } else { without }
}

/// The papers of one purchase, with one of them taken from another.
fn mixed(mix: impl FnOnce(&mut World, PaperId, &Offer, &mut PaymentPapers)) -> Said {
    let mut scene = Scene::new();
    let offer = scene.world.offer("shop.example", 1_000);
    let mut papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    mix(&mut scene.world, scene.id, &offer, &mut papers);
    scene.world.pay(&papers)
}

const ROWS: &[Row] = &[
    Row {
        id: "B3",
        fault: "another amount in the same envelope",
        expected: NotDecided(Code::SignatureInvalid, Stage::Signature),
        send: |fault| {
            mixed(|_, _, _, papers| {
                let amount = [0x24, 0x19, 0x03, 0xe8];
                let bytes = &mut papers.intent.bytes;
                let place = bytes.windows(4).position(|window| window == amount).unwrap();
                bytes[place + 3] = one_of(fault, 0xe7, 0xe8);
            })
        },
    },
    Row {
        id: "B8",
        fault: "an intent made before its offer",
        expected: Refused(Code::IntentStale),
        send: |fault| {
            mixed(|world, id, offer, papers| {
                let mut intent = world.intent(id, offer, papers.offer.id);
                intent.issued_at = at(START - one_of(fault, 60, 0));
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "B9",
        fault: "another intent for an offer that is paid",
        expected: Refused(Code::OfferPaid),
        send: |fault| {
            mixed(|world, id, offer, papers| {
                let other = world.offer("shop.example", 1_000);
                world.take("agent", id, "shop.example", one_of(fault, offer, &other)).1.must_be(Outcome::Settled);
                let intent = world.intent(id, offer, papers.offer.id);
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "B9",
        fault: "another intent for an offer that waits for the person",
        expected: Refused(Code::OfferPaid),
        send: |fault| {
            mixed(|world, id, offer, papers| {
                let asks = Fields { ask_above: purser_protocol::field::UpTo::new(0), ..Fields::default() };
                let asking = world.capped("ann", "agent", asks);
                let asking = world.registered(&asking, "ann");
                let (waiting, said) = world.take("agent", asking, "shop.example", offer);
                said.must_be(Outcome::Pending);
                if !fault {
                    world.cancel("agent", &waiting.intent).must_be(Outcome::Cancelled);
                }
                let intent = world.intent(id, offer, papers.offer.id);
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "B10",
        fault: "an intent for another issuer",
        expected: Refused(Code::AudienceMismatch),
        send: |fault| {
            mixed(|world, id, offer, papers| {
                let mut intent = world.intent(id, offer, papers.offer.id);
                intent.issuer = party(one_of(fault, "other-issuer.example", "issuer.example"));
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "B10",
        fault: "an offer that takes no money at this issuer",
        expected: Refused(Code::IssuerNotAccepted),
        send: |fault| {
            let mut scene = Scene::new();
            let mut offer = scene.world.offer("shop.example", 1_000);
            let issuer = party(one_of(fault, "other-issuer.example", "issuer.example"));
            let payee = purser_protocol::paper::offer::Payee { issuer, account: short("main") };
            offer.accepts = list([payee]).unwrap();
            scene.world.take("agent", scene.id, "shop.example", &offer).1
        },
    },
    Row {
        id: "B10",
        fault: "a mandate for another issuer",
        expected: Refused(Code::AudienceMismatch),
        send: |fault| {
            let mut scene = Scene::new();
            let mut mandate = scene.world.quota("ann", "agent", 5);
            mandate.issuer = party(one_of(fault, "other-issuer.example", "issuer.example"));
            scene.world.register(&mandate, "ann")
        },
    },
    Row {
        id: "B10",
        fault: "a command for another issuer",
        expected: NotDecided(Code::AudienceMismatch, Stage::Mandate),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            let mut void = scene.world.void_paper("shop.example", held.intent.id);
            void.issuer = party(one_of(fault, "other-issuer.example", "issuer.example"));
            let void = scene.world.certify(&void, "shop.example");
            scene.world.send(&void.bytes)
        },
    },
    Row {
        id: "B11",
        fault: "an intent turned to another merchant's offer",
        expected: Refused(Code::OfferMismatch),
        send: |fault| {
            mixed(|world, _, offer, papers| {
                let other = world.offer("taxi.example", 1_000);
                let other = world.certify(&other, "taxi.example");
                let own = world.certify(offer, "shop.example");
                papers.offer = one_of(fault, other, own);
            })
        },
    },
    Row {
        id: "B12",
        fault: "an intent turned to another offer of the merchant",
        expected: Refused(Code::OfferMismatch),
        send: |fault| {
            mixed(|world, _, offer, papers| {
                let other = Offer { nonce: world.nonce(), ..offer.clone() };
                papers.offer = world.certify(one_of(fault, &other, offer), "shop.example");
            })
        },
    },
    Row {
        id: "B13",
        fault: "an offer that has ended",
        expected: Refused(Code::OfferExpired),
        send: |fault| mixed(|world, _, _, _| world.now += HOUR - one_of(fault, 0, 1)),
    },
    Row {
        id: "B13",
        fault: "a price that rose after the agent signed",
        expected: Refused(Code::OfferMismatch),
        send: |fault| {
            mixed(|world, _, offer, papers| {
                let raised = selling(vec![goods("thing", 1_001)], offer.clone());
                papers.offer = world.certify(one_of(fault, &raised, offer), "shop.example");
            })
        },
    },
    Row {
        id: "B13",
        fault: "an intent for less than the offer",
        expected: Refused(Code::AmountMismatch),
        send: |fault| {
            mixed(|world, id, offer, papers| {
                let mut intent = world.intent(id, offer, papers.offer.id);
                intent.amount = minor(one_of(fault, 999, 1_000));
                papers.intent = world.sign(&intent, "agent");
            })
        },
    },
    Row {
        id: "B13",
        fault: "an offer made for another payer",
        expected: Refused(Code::PseudonymMismatch),
        send: |fault| {
            let mut scene = Scene::new();
            let account = scene.world.account(one_of(fault, "bob", "ann"));
            let mut offer = scene.world.offer("shop.example", 1_000);
            offer.pseudonym = Some(pseudonym(&account, &party("shop.example")));
            scene.world.take("agent", scene.id, "shop.example", &offer).1
        },
    },
    Row {
        id: "B14",
        fault: "a capture of one more than is held",
        expected: Refused(Code::CaptureExceedsHold),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            scene.world.capture("shop.example", held.intent.id, one_of(fault, 1_001, 1_000), false)
        },
    },
    Row {
        id: "B14",
        fault: "a second capture of one more than is left",
        expected: Refused(Code::CaptureExceedsHold),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            scene.world.capture("shop.example", held.intent.id, 600, false).must_be(Outcome::Captured);
            scene.world.capture("shop.example", held.intent.id, one_of(fault, 401, 400), false)
        },
    },
    Row {
        id: "B14",
        fault: "a capture after the last one",
        expected: Refused(Code::PaymentCaptured),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            scene.world.capture("shop.example", held.intent.id, 600, fault).must_be(Outcome::Captured);
            scene.world.capture("shop.example", held.intent.id, 1, false)
        },
    },
    Row {
        id: "B14",
        fault: "a capture of what was settled at once",
        expected: Refused(Code::PaymentCaptured),
        send: |fault| {
            let mut scene = Scene::new();
            let paid = if fault { scene.buys(1_000) } else { scene.holds(1_000) };
            scene.world.capture("shop.example", paid.intent.id, 1, false)
        },
    },
    Row {
        id: "B14",
        fault: "a capture after a void",
        expected: Refused(Code::PaymentVoided),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            if fault {
                scene.world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
            }
            scene.world.capture("shop.example", held.intent.id, 1, false)
        },
    },
    Row {
        id: "B14",
        fault: "a capture in the second in which the hold ends, before anybody looked",
        expected: Refused(Code::HoldExpired),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            scene.world.now += 7 * DAY - one_of(fault, 0, 1);
            scene.world.capture("shop.example", held.intent.id, 1, false)
        },
    },
    Row {
        id: "B14",
        fault: "a capture in another currency",
        expected: Refused(Code::CurrencyMismatch),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            let mut capture = scene.world.capture_paper("shop.example", held.intent.id, 1, false);
            capture.currency = currency(one_of(fault, "JPY", "CNY"));
            let capture = scene.world.certify(&capture, "shop.example");
            scene.world.send(&capture.bytes)
        },
    },
    Row {
        id: "B14",
        fault: "a capture of what was refused",
        expected: Refused(Code::PaymentRefused),
        send: |fault| {
            let mut scene = Scene::new();
            let (papers, _) = scene.world.hold("agent", scene.id, "shop.example", one_of(fault, 50_001, 50_000));
            scene.world.capture("shop.example", papers.intent.id, 1, false)
        },
    },
    Row {
        id: "B14",
        fault: "a command of a day and a second ago",
        expected: NotDecided(Code::CommandStale, Stage::Time),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            let capture = scene.world.capture_paper("shop.example", held.intent.id, 1, false);
            let capture = scene.world.certify(&capture, "shop.example");
            scene.world.now += DAY + one_of(fault, 1, 0);
            scene.world.send(&capture.bytes)
        },
    },
    Row {
        id: "B14",
        fault: "a command of eleven seconds ahead",
        expected: NotDecided(Code::CommandStale, Stage::Time),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            let mut capture = scene.world.capture_paper("shop.example", held.intent.id, 1, false);
            capture.issued_at = at(START + one_of(fault, 11, 10));
            let capture = scene.world.certify(&capture, "shop.example");
            scene.world.send(&capture.bytes)
        },
    },
    Row {
        id: "B16",
        fault: "a refund of one more than was captured",
        expected: Refused(Code::RefundExceedsCapture),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            // The shop has money of others too.
            scene.buys(5_000);
            scene.world.capture("shop.example", held.intent.id, 600, false).must_be(Outcome::Captured);
            scene.world.refund("shop.example", held.intent.id, one_of(fault, 601, 600))
        },
    },
    Row {
        id: "B16",
        fault: "a second refund of one more than is left",
        expected: Refused(Code::RefundExceedsCapture),
        send: |fault| {
            let mut scene = Scene::new();
            let paid = scene.buys(1_000);
            scene.buys(5_000);
            scene.world.refund("shop.example", paid.intent.id, 400).must_be(Outcome::Refunded);
            scene.world.refund("shop.example", paid.intent.id, one_of(fault, 601, 600))
        },
    },
    Row {
        id: "B16",
        fault: "a refund in another currency",
        expected: Refused(Code::CurrencyMismatch),
        send: |fault| {
            let mut scene = Scene::new();
            let paid = scene.buys(1_000);
            let mut refund = scene.world.refund_paper("shop.example", paid.intent.id, 1);
            refund.currency = currency(one_of(fault, "JPY", "CNY"));
            let refund = scene.world.certify(&refund, "shop.example");
            scene.world.send(&refund.bytes)
        },
    },
    Row {
        id: "B21",
        fault: "another merchant captures",
        expected: Refused(Code::CallerMismatch),
        send: |fault| by_another(fault, |world, merchant, intent| world.capture(merchant, intent, 1, false)),
    },
    Row {
        id: "B21",
        fault: "another merchant voids",
        expected: Refused(Code::CallerMismatch),
        send: |fault| by_another(fault, |world, merchant, intent| world.void(merchant, intent)),
    },
    Row {
        id: "B21",
        fault: "another merchant cancels, with an offer of its own",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            let other = scene.world.offer("taxi.example", 1_000);
            let other = scene.world.certify(&other, "taxi.example");
            let (merchant, shown) = one_of(fault, ("taxi.example", &other), ("shop.example", &papers.offer));
            let cancel = scene.world.cancel_paper(&papers.intent, Some(shown));
            let cancel = scene.world.certify(&cancel, merchant);
            scene.world.send(&cancel.bytes)
        },
    },
    Row {
        id: "B21",
        fault: "another merchant cancels, with the shop's offer",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            let cancel = scene.world.cancel_paper(&papers.intent, Some(&papers.offer));
            let cancel = scene.world.certify(&cancel, one_of(fault, "taxi.example", "shop.example"));
            scene.world.send(&cancel.bytes)
        },
    },
    Row {
        id: "B21",
        fault: "a merchant cancels and shows no offer",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let offer = scene.world.offer("shop.example", 1_000);
            let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            let cancel = scene.world.cancel_paper(&papers.intent, Some(&papers.offer).filter(|_| !fault));
            let cancel = scene.world.certify(&cancel, "shop.example");
            scene.world.send(&cancel.bytes)
        },
    },
    Row {
        id: "B21",
        fault: "an agent of somebody else cancels",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let other = scene.world.quota("bob", "rival", 5);
            scene.world.registered(&other, "bob");
            let offer = scene.world.offer("shop.example", 1_000);
            let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
            scene.world.cancel(one_of(fault, "rival", "agent"), &papers.intent)
        },
    },
    Row {
        id: "B22",
        fault: "a command about a payment that nobody made",
        expected: NotDecided(Code::PaymentUnknown, Stage::Ledger),
        send: |fault| {
            let mut scene = Scene::new();
            let held = scene.holds(1_000);
            scene.world.void("shop.example", one_of(fault, PaperId([5; 32]), held.intent.id))
        },
    },
    Row {
        id: "B22",
        fault: "a stranger's yes to a payment that was made",
        expected: NotDecided(Code::PaymentUnknown, Stage::Ledger),
        send: |fault| {
            let mut scene = Scene::new();
            let paid = scene.buys(1_000);
            scene.world.confirm(one_of(fault, "bob", "ann"), paid.intent.id)
        },
    },
    Row {
        id: "F06",
        fault: "the same intent with its tag in two bytes",
        expected: NotDecided(Code::CborNotDeterministic, Stage::Framing),
        send: |fault| {
            mixed(|_, _, _, papers| {
                if fault {
                    papers.intent.bytes.splice(0..1, [0xd8, 0x12]);
                }
            })
        },
    },
    Row {
        id: "F08",
        fault: "a mandate revoked between the offer and the intent",
        expected: Refused(Code::MandateRevoked),
        send: |fault| {
            mixed(|world, id, _, _| {
                if fault {
                    world.revoke("ann", "ann", &[id]).must_be(Outcome::Recorded);
                }
            })
        },
    },
];

fn by_another(fault: bool, command: fn(&mut World, &str, PaperId) -> Said) -> Said {
    let mut scene = Scene::new();
    let held = scene.holds(1_000);
    command(&mut scene.world, one_of(fault, "taxi.example", "shop.example"), held.intent.id)
}

#[test]
fn every_attack_is_refused_with_its_code_and_without_its_fault_is_none() {
    check(ROWS);
}

#[test]
fn every_row_of_section_b_and_every_class_of_flow_is_here_or_has_its_place() {
    let elsewhere = [
        ("B1", Here("an_intent_sent_again_has_one_outcome_whatever_has_happened_since")),
        ("B2", Here("sixty_four_of_one_intent_are_one_payment")),
        ("B4", Moot("there is no idempotency key: the intent's id is the key, and it is a digest")),
        ("B5", Moot("there is no idempotency key that could be missing")),
        ("B6", Here("an_intent_sent_again_has_one_outcome_whatever_has_happened_since")),
        ("B7", There("tests/flow_payer.rs: every loss of a request or an answer, and every retry")),
        ("B15", Here("of_a_capture_and_a_void_one_wins")),
        ("B17", Here("an_intent_that_was_cancelled_is_never_decided")),
        ("B18", There("the merchant: it serves by Redemption::Serve alone, in tests/flow_merchant.rs")),
        ("B19", There("tests/flow_merchant.rs: one receipt, another request")),
        ("B20", There("tests/flow_merchant.rs: a receipt of another offer, amount, outcome or issuer")),
        ("B23", Moot("there are no webhooks yet; receipts are asked for and name what they answer")),
        ("B24", Here("a_hold_is_released_by_its_time_and_not_by_silence")),
        ("F01", Here("an_intent_sent_again_has_one_outcome_whatever_has_happened_since")),
        ("F02", Moot("a key cannot come with another body: the key is the body's digest")),
        ("F03", Here("sixty_four_of_one_intent_are_one_payment")),
        ("F04", Here("a_restart_forgets_nothing_and_decides_nothing_twice")),
        ("F05", Here("a_restart_forgets_nothing_and_decides_nothing_twice")),
        ("F07", Here("the_twin_of_a_signature_is_the_same_intent")),
        ("F09", Here("one_revocation_ends_three_mandates_and_leaves_what_is_held")),
        ("F10", There("B13: a price that rose after the agent signed")),
        ("F11", There("B14: a capture of one more than is held")),
        ("F12", There("B16: a refund of one more than was captured")),
        ("F13", Here("a_command_sent_twice_is_done_once")),
        ("F14", There("tests/flow_merchant.rs: a receipt that no issuer signed")),
        ("F15", There("tests/flow_merchant.rs: a receipt of another amount or currency")),
        ("F16", There("the merchant and the suite: receipts are given out by the server")),
        ("F17", There("the server: the sequence of a wallet's records is its list's")),
        ("F18", There("the server and the merchant: Cache-Control is an HTTP header")),
        ("F19", There("the client: it follows no redirect with a credential")),
        ("F20", Here("a_refusal_tells_the_merchant_nothing_of_the_limit")),
        ("F21", There("the server: headers that stand twice")),
        ("F22", There("tests/attacks_authority.rs: a body over its limit; depth and length in wire's own tests")),
        ("F23", There("the server and the client: discovery")),
        ("F24", There("tests/attacks_authority.rs A24: words in an offer change nothing")),
    ];
    let all: Vec<String> = ids('B', 24, 1).into_iter().chain(ids('F', 24, 2)).collect();
    covered(ROWS, &elsewhere, include_str!("attacks_replay.rs"), &all);
}

#[test]
fn an_intent_sent_again_has_one_outcome_whatever_has_happened_since() {
    let mut scene = Scene::new();
    let offer = scene.world.offer("shop.example", 1_000);
    let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    let first = scene.world.pay(&papers);
    first.must_be(Outcome::Settled);
    let (held, authorized) = scene.world.hold("agent", scene.id, "shop.example", 1_000);
    let (refused, no) = scene.world.buy("agent", scene.id, "shop.example", 50_000);
    no.must_be_refused(Code::RuleTotal);
    let same = |world: &mut World, when: &str| {
        for (papers, said) in [(&papers, &first), (&held, &authorized), (&refused, &no)] {
            let again = world.pay(papers);
            assert!(again.known, "{when}");
            assert_eq!(again.record(), said.record(), "{when}");
        }
    };
    same(&mut scene.world, "at once");
    scene.world.now += DAY;
    same(&mut scene.world, "the offer has ended");
    scene.world.revoke("ann", "ann", &[scene.id]).must_be(Outcome::Recorded);
    same(&mut scene.world, "the mandate is revoked");
    scene.world.pass(7 * DAY);
    same(&mut scene.world, "the hold has ended");
    scene.world.pass(40 * DAY);
    same(&mut scene.world, "the mandate has ended");
    scene.world.pass(6 * 366 * DAY);
    same(&mut scene.world, "the credential has ended");
    assert_eq!(scene.world.spent(&scene.mandate), (1_000, 2));
}

#[test]
fn sixty_four_of_one_intent_are_one_payment() {
    let mut scene = Scene::new();
    let offer = scene.world.offer("shop.example", 1_000);
    let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    let answers: Vec<Said> = (0..64).map(|_| scene.world.pay(&papers)).collect();
    assert_eq!(answers.iter().filter(|said| !said.known).count(), 1);
    assert!(answers.iter().all(|said| said.record() == answers[0].record()));
    assert_eq!(scene.world.spent(&scene.mandate), (1_000, 1));
    assert_eq!(scene.world.got("shop.example"), 1_000);
}

#[test]
fn an_intent_is_known_by_itself_when_its_other_papers_read_no_more() {
    let mut scene = Scene::new();
    let offer = scene.world.offer("shop.example", 1_000);
    let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    // A faulty offer first: nothing is decided, and the intent is free.
    let mut faulty = papers.clone();
    let last = faulty.offer.bytes.len() - 1;
    faulty.offer.bytes[last] ^= 1;
    scene.world.pay(&faulty).must_not_be_decided(Code::SignatureInvalid, Stage::Signature);
    let first = scene.world.pay(&papers);
    first.must_be(Outcome::Settled);
    let again = scene.world.pay(&faulty);
    assert!(again.known, "the payment that was made is not denied");
    assert_eq!(again.record(), first.record());
    // Nobody but its signer can ask so.
    let mut forged = faulty;
    let last = forged.intent.bytes.len() - 1;
    forged.intent.bytes[last] ^= 1;
    scene.world.pay(&forged).must_not_be_decided(Code::SignatureInvalid, Stage::Signature);
}

#[test]
fn of_a_capture_and_a_void_one_wins() {
    for capture_first in [true, false] {
        let mut scene = Scene::new();
        let held = scene.holds(1_000);
        let capture = |world: &mut World| world.capture("shop.example", held.intent.id, 1_000, false);
        let void = |world: &mut World| world.void("shop.example", held.intent.id);
        if capture_first {
            capture(&mut scene.world).must_be(Outcome::Captured);
            void(&mut scene.world).must_be_refused(Code::PaymentCaptured);
            assert_eq!((scene.world.free("ann"), scene.world.got("shop.example")), (99_000, 1_000));
        } else {
            void(&mut scene.world).must_be(Outcome::Voided);
            capture(&mut scene.world).must_be_refused(Code::PaymentVoided);
            assert_eq!((scene.world.free("ann"), scene.world.got("shop.example")), (100_000, 0));
        }
    }
}

#[test]
fn a_command_sent_twice_is_done_once() {
    let mut scene = Scene::new();
    let paid = scene.buys(1_000);
    let refund = scene.world.refund_paper("shop.example", paid.intent.id, 400);
    let refund = scene.world.certify(&refund, "shop.example");
    let first = scene.world.send(&refund.bytes);
    first.must_be(Outcome::Refunded);
    // Not after a day either, when it would be stale.
    for seconds in [0, 1, DAY, 40 * DAY] {
        scene.world.now += seconds;
        let again = scene.world.send(&refund.bytes);
        assert!(again.known);
        assert_eq!(again.record(), first.record());
    }
    assert_eq!(scene.world.got("shop.example"), 600);
    // An equal one with a nonce of its own is another.
    scene.world.refund("shop.example", paid.intent.id, 400).must_be(Outcome::Refunded);
    assert_eq!(scene.world.got("shop.example"), 200);

    let capture = scene.world.capture_paper("shop.example", paid.intent.id, 1, false);
    let capture = scene.world.certify(&capture, "shop.example");
    let refused = scene.world.send(&capture.bytes);
    refused.must_be_refused(Code::PaymentCaptured);
    assert_eq!(scene.world.send(&capture.bytes).record(), refused.record(), "a refusal is an answer too");
}

#[test]
fn an_intent_that_was_cancelled_is_never_decided() {
    // By the agent, the person and the merchant; the intent arrives late.
    for by in ["agent", "ann", "shop.example"] {
        let mut scene = Scene::new();
        let offer = scene.world.offer("shop.example", 1_000);
        let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
        let shown = Some(&papers.offer).filter(|_| by == "shop.example");
        let cancel = scene.world.cancel_paper(&papers.intent, shown);
        let cancel = if shown.is_some() { scene.world.certify(&cancel, by) } else { scene.world.sign(&cancel, by) };
        let cancelled = scene.world.send(&cancel.bytes);
        cancelled.must_be(Outcome::Cancelled);
        assert_eq!(cancelled.record().claims.code, Some(Code::PaymentCancelled.into()));
        for seconds in [0, 60, 2 * DAY] {
            scene.world.now += seconds;
            for again in [scene.world.pay(&papers), scene.world.send(&cancel.bytes)] {
                assert!(again.known, "{by}");
                assert_eq!(again.record(), cancelled.record());
            }
        }
        assert_eq!(scene.world.free("ann"), 100_000);
        assert_eq!(scene.world.spent(&scene.mandate), (0, 0));
    }
}

#[test]
fn a_cancel_of_what_was_decided_gets_its_receipt_and_reverses_nothing() {
    let mut scene = Scene::new();
    let offer = scene.world.offer("shop.example", 1_000);
    let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    let paid = scene.world.pay(&papers);
    for by in ["agent", "ann"] {
        let said = scene.world.cancel(by, &papers.intent);
        assert!(said.known);
        assert_eq!(said.record(), paid.record());
    }
    assert_eq!(scene.world.got("shop.example"), 1_000);
    // A stranger is told nothing.
    scene.world.account("bob");
    scene.world.cancel("bob", &papers.intent).must_not_be_decided(Code::CommandSigner, Stage::Signature);
}

#[test]
fn what_waits_is_refused_by_the_person_and_cancelled_by_anybody_else() {
    for (by, outcome) in [("ann", Outcome::Refused), ("agent", Outcome::Cancelled)] {
        let mut scene = Scene::new();
        let asks = Fields { ask_above: purser_protocol::field::UpTo::new(0), ..Fields::default() };
        let mandate = scene.world.capped("ann", "agent", asks);
        let id = scene.world.registered(&mandate, "ann");
        let (papers, said) = scene.world.buy("agent", id, "shop.example", 1_000);
        said.must_be(Outcome::Pending);
        let ended = scene.world.cancel(by, &papers.intent);
        assert_eq!(ended.record().claims.outcome, outcome);
        if by == "ann" {
            ended.must_be_refused(Code::ConfirmationRefused);
        }
        let late = scene.world.confirm("ann", papers.intent.id);
        assert!(late.known);
        assert_eq!(late.record(), ended.record());
        assert_eq!(scene.world.free("ann"), 100_000);
    }
}

#[test]
fn an_answer_that_comes_too_late_lapses_whoever_asks_first() {
    enum First {
        Timer,
        Person,
        Agent,
        AgentWithYes,
        Cancel,
    }
    for first in [First::Timer, First::Person, First::Agent, First::AgentWithYes, First::Cancel] {
        let mut scene = Scene::new();
        let asks = Fields { ask_above: purser_protocol::field::UpTo::new(0), ..Fields::default() };
        let mandate = scene.world.capped("ann", "agent", asks);
        let id = scene.world.registered(&mandate, "ann");
        let (mut papers, said) = scene.world.buy("agent", id, "shop.example", 1_000);
        said.must_be(Outcome::Pending);
        scene.world.now += HOUR;
        match first {
            First::Timer => assert_eq!(scene.world.sweep().len(), 1),
            First::Person => {
                scene.world.confirm("ann", papers.intent.id).must_be_refused(Code::ConfirmationLapsed);
            }
            First::Agent => {
                scene.world.pay(&papers).must_be_refused(Code::ConfirmationLapsed);
            }
            First::AgentWithYes => {
                let confirmation = scene.world.confirmation("ann", papers.intent.id);
                papers.confirmation = Some(scene.world.sign(&confirmation, "ann"));
                scene.world.pay(&papers).must_be_refused(Code::ConfirmationLapsed);
            }
            First::Cancel => {
                scene.world.cancel("ann", &papers.intent).must_be_refused(Code::ConfirmationLapsed);
            }
        }
        assert!(scene.world.sweep().is_empty(), "once");
        let said = scene.world.pay(&papers);
        assert!(said.known);
        said.must_be_refused(Code::ConfirmationLapsed);
    }
}

#[test]
fn a_hold_is_released_by_its_time_and_not_by_silence() {
    let mut scene = Scene::new();
    let held = scene.holds(1_000);
    let authorized = scene.world.answer(&held.intent.id).cloned();
    assert!(scene.world.pass(7 * DAY - 1).is_empty());
    assert_eq!(scene.world.free("ann"), 99_000);
    let ended = scene.world.pass(1);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].claims.outcome, Outcome::Voided);
    assert_eq!(ended[0].event, Event::HoldExpired(held.intent.id));
    assert_eq!(scene.world.free("ann"), 100_000);
    assert_eq!(scene.world.spent(&scene.mandate), (0, 1));
    assert_eq!(scene.world.answer(&held.intent.id), authorized.as_ref(), "the intent's own answer stays");
    for said in [
        scene.world.void("shop.example", held.intent.id),
        scene.world.capture("shop.example", held.intent.id, 1, false),
    ] {
        said.must_be_refused(Code::HoldExpired);
    }
    assert!(scene.world.sweep().is_empty(), "once");
}

#[test]
fn one_revocation_ends_three_mandates_and_leaves_what_is_held() {
    let mut scene = Scene::new();
    let held = scene.holds(1_000);
    let others: Vec<PaperId> = (1..=2)
        .map(|n| {
            let mandate = scene.world.quota("ann", &format!("agent {n}"), 9_000);
            scene.world.registered(&mandate, "ann")
        })
        .collect();
    let all = [scene.id, others[0], others[1]];
    scene.world.revoke("ann", "ann", &all).must_be(Outcome::Recorded);
    for (agent, id) in [("agent", all[0]), ("agent 1", all[1]), ("agent 2", all[2])] {
        scene.world.buy(agent, id, "shop.example", 1).1.must_be_refused(Code::MandateRevoked);
    }
    scene.world.capture("shop.example", held.intent.id, 600, false).must_be(Outcome::Captured);
    scene.world.refund("shop.example", held.intent.id, 100).must_be(Outcome::Refunded);
    scene.world.pass(7 * DAY);
    assert_eq!(scene.world.free("ann"), 99_500);
    // One that is unknown stops the whole command.
    let mandate = scene.world.quota("ann", "agent 3", 9_000);
    let id = scene.world.registered(&mandate, "ann");
    let unknown = Code::MandateUnknown;
    scene.world.revoke("ann", "ann", &[id, PaperId([1; 32])]).must_not_be_decided(unknown, Stage::Mandate);
    scene.world.buy("agent 3", id, "shop.example", 1).1.must_be(Outcome::Settled);
}

#[test]
fn a_restart_forgets_nothing_and_decides_nothing_twice() {
    let mut scene = Scene::new();
    let paid = scene.buys(1_000);
    let held = scene.holds(2_000);
    let (refused, _) = scene.world.buy("agent", scene.id, "shop.example", 50_000);
    scene.world.capture("shop.example", held.intent.id, 500, false).must_be(Outcome::Captured);
    assert_eq!(&scene.world.replayed(), scene.world.state());
    scene.world.restart();
    for papers in [&paid, &held, &refused] {
        assert!(scene.world.pay(papers).known);
    }
    assert_eq!(scene.world.spent(&scene.mandate), (3_000, 2));
    scene.world.capture("shop.example", held.intent.id, 1_501, false).must_be_refused(Code::CaptureExceedsHold);
}

#[test]
fn the_twin_of_a_signature_is_the_same_intent() {
    let mut scene = Scene::in_world(World::real());
    let offer = scene.world.offer("shop.example", 1_000);
    let papers = scene.world.papers("agent", scene.id, "shop.example", &offer);
    let first = scene.world.pay(&papers);
    first.must_be(Outcome::Settled);
    let twins = PaymentPapers { intent: twin(&papers.intent), offer: twin(&papers.offer), ..papers.clone() };
    assert_ne!(twins.intent.bytes, papers.intent.bytes);
    let again = scene.world.pay(&twins);
    assert!(again.known);
    assert_eq!(again.record(), first.record());
    assert_eq!(scene.world.spent(&scene.mandate), (1_000, 1));
}

#[test]
fn a_refusal_tells_the_merchant_nothing_of_the_limit() {
    let mut scene = Scene::new();
    let claims = |world: &mut World, id, units| world.buy("agent", id, "shop.example", units).1.record().claims.clone();
    let over = claims(&mut scene.world, scene.id, 50_001);
    scene.world.suspend("ann", "ann", &[scene.id]).1.must_be(Outcome::Recorded);
    let suspended = claims(&mut scene.world, scene.id, 1);
    for refused in [&over, &suspended] {
        assert_eq!(refused.code, Some(Code::Declined.into()));
        assert!(refused.detail.is_some());
    }
    // The detail hides behind a salt that the claims do not tell: trying all details finds nothing.
    for number in 0..=300_u16 {
        for link in [None, Some(0), Some(1), Some(2), Some(3)] {
            for rule in std::iter::once(None).chain((1..=21).map(Some)) {
                let code = purser_protocol::receipt::CodeNumber(number);
                let guess = purser_protocol::receipt::Detail { link, grant: None, rule, code, salt: over.salt };
                assert_ne!(Some(guess.digest()), over.detail);
            }
        }
    }
}

#[test]
fn money_is_where_the_papers_say() {
    let mut scene = Scene::new();
    let held = scene.holds(10_000);
    assert_eq!(scene.world.balance(&Purse::Hold(held.intent.id)), 10_000);
    scene.world.capture("shop.example", held.intent.id, 2_500, false).must_be(Outcome::Captured);
    scene.world.capture("shop.example", held.intent.id, 2_500, true).must_be(Outcome::Captured);
    assert_eq!(scene.world.balance(&Purse::Hold(held.intent.id)), 0);
    assert_eq!((scene.world.free("ann"), scene.world.got("shop.example")), (95_000, 5_000));
    scene.world.refund("shop.example", held.intent.id, 5_000).must_be(Outcome::Refunded);
    assert_eq!((scene.world.free("ann"), scene.world.got("shop.example")), (100_000, 0));
}
