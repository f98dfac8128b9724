//! Units that are paid in advance: packs, and the terms of a subscription at its seller.

use purser_test_vectors::Call;
use serde_json::json;

use super::super::hex;
use super::super::sheet::{Expecting as _, accepted, call};
use super::parties::{no, of};
use super::*;

pub(super) fn cases(sheet: &mut Sheet) {
    consumed(sheet);
    refilled(sheet);
    given_back(sheet);
    terms(sheet);
}

/// Ten yuan for 1,000 units, for a day.
fn buy(name: &str) -> Call {
    bought(name, |_| {})
}

fn bought(name: &str, change: impl FnOnce(&mut serde_json::Value)) -> Call {
    let mut input = json!({
        "offer": hex(&keys::thirty_two(&format!("offer of the pack {name}"))),
        "payer": hex(&keys::sixteen("payer at the seller")), "issuer": "issuer.example", "currency": "CNY",
        "amount_minor": "1000", "units": 1_000, "until": NOW + DAY, "now": NOW,
    });
    change(&mut input);
    call("pack.buy", input)
}

fn consume(op: &str, stream: u64, from: u64, count: u64, now: u64) -> Call {
    call(op, json!({"stream": stream, "unit": 3, "from": from, "count": count, "now": now}))
}

fn take(stream: u64, from: u64, count: u64, now: u64) -> Call {
    consume("pack.consume", stream, from, count, now)
}

fn consumed(sheet: &mut Sheet) {
    sheet.setup("pack", vec![buy("first")]);
    sheet.setup("pack-begun", vec![buy("first"), take(1, 0, 400, NOW)]);
    sheet.setup("pack-empty", vec![buy("first"), take(1, 0, 1_000, NOW)]);
    let restart = call("pack.restart", json!({"now": NOW}));
    sheet.setup("pack-restarted", vec![buy("first"), take(1, 0, 400, NOW), restart]);
    let paid = |count: u64| accepted().value(json!({"paid": count}));
    let known = |count: u64| accepted().value(json!({"known": count}));
    for (name, title, setup, call, expect, clauses) in [
        ("base", "All that is left, and no more", "pack", take(1, 0, 1_001, NOW), paid(1_000), "TOK-41 TOK-42"),
        ("further", "Further units of a stream", "pack-begun", take(1, 400, 100, NOW), paid(100), "TOK-43"),
        ("again", "Units that were consumed before", "pack-begun", take(1, 0, 400, NOW), known(400), "TOK-43"),
        ("before", "Units of before the place reached", "pack-begun", take(1, 399, 100, NOW), known(400), "TOK-43"),
        ("stream", "Units of another stream", "pack-begun", take(2, 0, 1_000, NOW), paid(600), "TOK-42"),
        ("last", "Units in a purchase's last second", "pack", take(1, 0, 1, NOW + DAY - 1), paid(1), "TOK-41"),
        (
            "restarted",
            "Units that were consumed before the seller was ended",
            "pack-restarted",
            take(1, 0, 400, NOW),
            known(400),
            "TOK-42",
        ),
        (
            "restarted-rest",
            "What is left after the seller was ended, and no more",
            "pack-restarted",
            take(1, 400, 1_000, NOW),
            paid(600),
            "TOK-42",
        ),
    ] {
        let case = of("merchant", &format!("pack/{name}"), title, call, expect);
        sheet.add(case.clauses(clauses).after_setup(setup));
    }
    for (name, title, setup, call, code, twin) in [
        ("empty", "A unit when nothing is left", "pack-empty", take(1, 1_000, 1, NOW), Code::PackUsedUp, "base"),
        ("over", "A unit when the time is over", "pack", take(1, 0, 1, NOW + DAY), Code::PackUsedUp, "last"),
        ("ahead", "Units that leave some out", "pack-begun", take(1, 401, 1, NOW), Code::ConsumeConflict, "further"),
        ("new-ahead", "The second unit of a stream first", "pack", take(1, 1, 1, NOW), Code::ConsumeConflict, "base"),
    ] {
        let twin = format!("pack/{twin}");
        let case = of("merchant", &format!("pack/{name}"), title, call, no(code));
        sheet.add(case.twin(&twin).mutated(&twin, "units", vec![json!(name)], false).after_setup(setup));
    }
}

fn refilled(sheet: &mut Sheet) {
    let other = |name: &'static str, value: &'static str| bought("second", move |input| input[name] = json!(value));
    let stranger = hex(&keys::sixteen("another payer"));
    let base = of("merchant", "pack/refill", "A further purchase of the same payer", buy("second"), accepted());
    sheet.add(base.clauses("TOK-44").after_setup("pack-empty"));
    for (name, title, call) in [
        ("payer", "A refill of another payer", bought("second", |input| input["payer"] = json!(stranger))),
        ("currency", "A refill in another currency", other("currency", "USD")),
        ("issuer", "A refill at another issuer", other("issuer", "other-issuer.example")),
        ("same", "The purchase that opened the pack once more", buy("first")),
    ] {
        let case = of("merchant", &format!("pack/refill-{name}"), title, call, no(Code::ReceiptMismatch));
        let case = case.clauses("TOK-44").twin("pack/refill").after_setup("pack-empty");
        sheet.add(case.mutated("pack/refill", "purchase", vec![json!(name)], false));
    }
    // What ends first goes first: of the second purchase, which is for half a day.
    let sooner = bought("second", |input| input["until"] = json!(NOW + DAY / 2));
    sheet.setup("pack-refilled", vec![buy("first"), sooner, take(1, 0, 1_200, NOW)]);
    let title = "What is left once the purchase that ended first is gone";
    let case = of("merchant", "pack/sooner", title, take(1, 1_200, 2_000, NOW + DAY / 2), accepted());
    let case = of_value(case, json!({"paid": 800}));
    sheet.add(case.clauses("TOK-42").after_setup("pack-refilled"));
}

fn of_value(mut case: purser_test_vectors::Case, value: serde_json::Value) -> purser_test_vectors::Case {
    case.expect = case.expect.value(value);
    case
}

fn given_back(sheet: &mut Sheet) {
    let give = |now: u64| call("pack.give_back", json!({"now": now}));
    let back = |minor: &[&str]| accepted().value(json!({"given_back_minor": minor}));
    let third = bought("first", |input| (input["units"], input["amount_minor"]) = (json!(3), json!("1000")));
    sheet.setup("pack-of-three", vec![third, take(1, 0, 1, NOW)]);
    for (name, title, setup, call, expect) in [
        ("base", "What is left of a pack", "pack-begun", give(NOW), back(&["600"])),
        ("rounded", "Two thirds of ten yuan, rounded down", "pack-of-three", give(NOW), back(&["666"])),
        ("nothing", "Nothing is left", "pack-empty", give(NOW), back(&[])),
        ("over", "The time is over", "pack-begun", give(NOW + DAY), back(&[])),
    ] {
        let case = of("merchant", &format!("pack/back-{name}"), title, call, expect);
        sheet.add(case.clauses("TOK-45").after_setup(setup));
    }
    sheet.setup("pack-back", vec![buy("first"), take(1, 0, 400, NOW), give(NOW)]);
    let case = of("merchant", "pack/back-again", "What has gone back once more", give(NOW), back(&[]));
    sheet.add(case.clauses("TOK-45").after_setup("pack-back"));
    let case =
        of("merchant", "pack/back-used", "A unit of what has gone back", take(1, 400, 1, NOW), no(Code::PackUsedUp));
    let case = case.clauses("TOK-45").twin("pack/further").after_setup("pack-back");
    sheet.add(case.mutated("pack/further", "setup", vec![json!("back")], false));
}

/// Each month from 31 January 2030 at ten in Shanghai; the second begins on 28 February, the third on 31 March.
const ANCHOR: u64 = 1_896_055_200;
const SECOND: u64 = 1_898_474_400;
const THIRD: u64 = 1_901_152_800;
const FOURTH: u64 = 1_903_744_800;

fn opened() -> Call {
    let input = json!({
        "mandate": hex(&keys::thirty_two("mandate of the seller")), "unit": "month", "zone": "Asia/Shanghai",
        "anchor": ANCHOR, "units": 1_000, "trial_units": 100, "now": ANCHOR - DAY,
    });
    call("subscription.open", input)
}

fn act(name: &str, now: u64) -> Call {
    let intent = hex(&keys::thirty_two(&format!("intent of {name}")));
    call("subscription.act", json!({"intent": intent, "amount_minor": "1000", "now": now}))
}

fn answer(outcome: &str, now: u64) -> Call {
    call("subscription.answer", json!({"outcome": outcome, "now": now}))
}

fn terms(sheet: &mut Sheet) {
    let intent = |name: &str| hex(&keys::thirty_two(&format!("intent of {name}")));
    let asked = |name: &str, term: u64| json!({"did": "asked", "intent": intent(name), "term": term});
    let sent = |name: &str| json!({"did": "sent", "intent": intent(name)});
    let nothing = || json!({"did": "nothing"});
    let restart = |now: u64| call("subscription.restart", json!({"now": now}));
    let paid = vec![opened(), act("january", ANCHOR), answer("settled", ANCHOR)];
    let refused = vec![opened(), act("january", ANCHOR), answer("refused", ANCHOR)];
    sheet.setup("terms", vec![opened()]);
    sheet.setup("terms-asked", vec![opened(), act("january", ANCHOR)]);
    sheet.setup("terms-asked-restarted", vec![opened(), act("january", ANCHOR), restart(ANCHOR)]);
    sheet.setup("terms-paid", paid.clone());
    sheet.setup("terms-refused", refused);
    for (name, title, setup, call, value, clauses) in [
        ("before", "Before the first month", "terms", act("january", ANCHOR - 1), nothing(), "TOK-52"),
        ("first", "In the first second of it", "terms", act("january", ANCHOR), asked("january", 1), "TOK-52"),
        (
            "missed",
            "In the second month, of which the first was missed",
            "terms",
            act("february", SECOND),
            asked("february", 2),
            "TOK-52",
        ),
        (
            "again",
            "While the issuer has not decided: the same once more",
            "terms-asked",
            act("other", ANCHOR + 5),
            sent("january"),
            "TOK-51",
        ),
        (
            "again-next",
            "The same in the next month, while it is not decided",
            "terms-asked",
            act("other", SECOND),
            sent("january"),
            "TOK-51",
        ),
        (
            "restarted",
            "The same after the seller was ended",
            "terms-asked-restarted",
            act("other", ANCHOR + 5),
            sent("january"),
            "TOK-51",
        ),
        ("paid", "In a month that is paid", "terms-paid", act("other", SECOND - 1), nothing(), "TOK-52"),
        (
            "next",
            "In the first second of the next",
            "terms-paid",
            act("february", SECOND),
            asked("february", 2),
            "TOK-52",
        ),
        (
            "refused",
            "A second less than a day after a refusal",
            "terms-refused",
            act("other", ANCHOR + DAY - 1),
            nothing(),
            "TOK-52",
        ),
        (
            "refused-later",
            "A day after a refusal",
            "terms-refused",
            act("later", ANCHOR + DAY),
            asked("later", 1),
            "TOK-52",
        ),
        (
            "third",
            "In the third month, of which none was paid",
            "terms",
            act("march", FOURTH - 1),
            asked("march", 3),
            "TOK-54",
        ),
        (
            "fourth",
            "In the fourth, when three were not paid",
            "terms",
            act("april", FOURTH),
            json!({"did": "ended"}),
            "TOK-54",
        ),
    ] {
        let case = of("merchant", &format!("terms/{name}"), title, call, accepted().value(value));
        sheet.add(case.clauses(clauses).after_setup(setup));
    }
    let take = |from: u64, count: u64, now: u64| consume("subscription.consume", 1, from, count, now);
    let units = |count: u64| accepted().value(json!({"paid": count}));
    for (name, title, setup, call, expect) in [
        ("trial", "All units of a trial, in its last second", "terms", take(0, 500, ANCHOR - 1), units(100)),
        ("units", "All units of a month, in its last second", "terms-paid", take(0, 5_000, SECOND - 1), units(1_000)),
    ] {
        let case = of("merchant", &format!("terms/{name}"), title, call, expect);
        sheet.add(case.clauses("TOK-53").after_setup(setup));
    }
    let mut ended = vec![opened(), act("april", FOURTH)];
    ended.push(restart(FOURTH));
    sheet.setup("terms-ended", ended);
    for (name, title, setup, call, twin) in [
        ("trial-over", "A unit of a trial when it is over", "terms", take(0, 1, ANCHOR), "trial"),
        ("unpaid", "A unit of a month that is asked for", "terms-asked", take(0, 1, ANCHOR), "units"),
        ("units-over", "A unit of one month in the next", "terms-paid", take(0, 1, SECOND), "units"),
        ("over", "A unit of a subscription that has ended", "terms-ended", take(0, 1, FOURTH), "units"),
        ("third-over", "A unit of the first month in the third", "terms-paid", take(0, 1, THIRD), "units"),
    ] {
        let twin = format!("terms/{twin}");
        let case = of("merchant", &format!("terms/{name}"), title, call, no(Code::PackUsedUp));
        let case = case.clauses("TOK-53").twin(&twin).after_setup(setup);
        sheet.add(case.mutated(&twin, "units", vec![json!(name)], false));
    }
}
