//! Open mandates said in rules, and those for which there are no rules.

use purser_protocol::code::Code;
use serde_json::{Value, json};

use super::super::cbor::{Item, labelled, seq};
use super::super::papers::NOW;
use super::super::sheet::{Build as _, Expecting as _, Sheet, accepted, call, case, refused_as};
use super::super::world::account;
use super::super::{hex, keys};
use super::{Draft, chain, hash, open_payment};

fn input(open: Draft) -> Value {
    json!({
        "text": chain(vec![open]), "now": NOW, "keys": [hex(&keys::public("payer").0)],
        "account": hex(&account("ann")),
    })
}

fn open(constraints: Value) -> Draft {
    open_payment().with(|open| {
        open.mandate["constraints"] = constraints;
        open.shown.clear();
    })
}

/// The base: a range of amounts.
fn range() -> Value {
    json!({"type": "payment.amount_range", "currency": "USD", "min": 100, "max": 20000})
}

fn budget(max: Value, currency: &str) -> Value {
    json!({"type": "payment.budget", "currency": currency, "max": max})
}

fn every(often: &str) -> Value {
    json!({"type": "payment.agent_recurrence", "frequency": often})
}

pub(super) fn cases(sheet: &mut Sheet) {
    let mut good = |id: &str, title: &str, clauses: &str, mode: u64, draft: Draft, rules: Item, more: Value| {
        let mut said = json!({
            "agent": hex(&keys::public("agent").0), "currency": "USD", "mode": mode, "rules": hex(&rules.encode()),
            "from": NOW - 60, "until": NOW + 3600,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            said[name] = value.clone();
        }
        let case =
            case("verifier", &format!("terms/{id}"), title, call("bridge.terms", input(draft)), accepted().value(said));
        sheet.add(case.clauses(clauses));
    };
    let (conditional, quota) = (2, 3);
    let once = (5, Item::from(1_u64));
    let none = json!({});
    let of = |amounts: [(i64, Item); 2]| labelled([amounts[0].clone(), amounts[1].clone(), once.clone()]);
    let limits = of([(1, 20000_u64.into()), (2, 100_u64.into())]);
    good(
        "base",
        "a range of amounts, once",
        "BRG-20 BRG-21",
        conditional,
        open(json!([range()])),
        limits.clone(),
        none.clone(),
    );
    good(
        "payee",
        "one payee, by its id",
        "BRG-22",
        conditional,
        open_payment(),
        labelled([(1, 20000_u64.into()), once.clone(), (7, seq(["tea.example".into()]))]),
        none.clone(),
    );
    let by_site = json!({"id": "merchant_1", "name": "Tea House", "website": "https://tea.example/shop?a=b"});
    good(
        "payee-website",
        "one payee, by the host of its website",
        "BRG-22",
        conditional,
        open(json!([range()])).with(|open| open.mandate["payee"] = by_site),
        limits.clone().with(7, seq(["tea.example".into()])),
        none.clone(),
    );
    good(
        "preset-amount",
        "an amount to repeat",
        "BRG-20",
        conditional,
        open(json!([])).with(|open| open.mandate["payment_amount"] = json!({"amount": 500, "currency": "USD"})),
        of([(1, 500_u64.into()), (2, 500_u64.into())]),
        none.clone(),
    );
    let recurring = |often: &str, most: Option<u64>| {
        let mut recurrence = every(often);
        if let Some(most) = most {
            recurrence["max_occurrences"] = most.into();
        }
        open(json!([budget(json!(19.99), "USD"), recurrence]))
    };
    good(
        "budget",
        "a budget, to the cent, as often as it takes",
        "BRG-11 BRG-20 BRG-21",
        quota,
        recurring("ON_DEMAND", None),
        labelled([(3, 1999_u64.into())]),
        none.clone(),
    );
    good(
        "budget-once",
        "a budget without a word of recurring",
        "BRG-21",
        quota,
        open(json!([budget(json!(1.15), "USD")])),
        labelled([(3, 115_u64.into()), once.clone()]),
        none.clone(),
    );
    good(
        "budget-yen",
        "a budget of a currency without a minor unit",
        "BRG-11",
        quota,
        open(json!([budget(json!(1000), "JPY")])),
        labelled([(3, 1000_u64.into()), once.clone()]),
        json!({"currency": "JPY"}),
    );
    good(
        "occurrences",
        "so many times",
        "BRG-21",
        quota,
        recurring("ON_DEMAND", Some(12)),
        labelled([(3, 1999_u64.into()), (5, 12_u64.into())]),
        none.clone(),
    );
    let month = seq([1_u64.into(), 3_u64.into(), "UTC".into()]);
    let year = seq([1_u64.into(), 4_u64.into(), "UTC".into()]);
    let days = |days: u64| seq([2_u64.into(), (days * 86_400).into()]);
    let one = |period: Item| seq([1_u64.into(), period]);
    for (often, periods) in [
        ("DAILY", seq([one(days(1))])),
        ("WEEKLY", seq([one(days(7))])),
        ("BIWEEKLY", seq([one(days(14))])),
        ("MONTHLY", seq([one(month), one(days(28))])),
        ("QUARTERLY", seq([one(days(92))])),
        ("ANNUALLY", seq([one(year), one(days(365))])),
    ] {
        good(
            &format!("every/{}", often.to_lowercase()),
            &format!("recurring, {often}"),
            "BRG-21",
            quota,
            recurring(often, None),
            labelled([(3, 1999_u64.into()), (6, periods)]),
            none.clone(),
        );
    }
    let dates = json!({"type": "payment.execution_date", "not_before": "2030-03-17T17:46:40.5Z", "not_after": "2030-03-17T18:00:00Z"});
    good(
        "dates",
        "dates, to the second that is within",
        "BRG-20",
        conditional,
        open(json!([range(), dates])),
        limits.clone(),
        json!({"from": NOW + 1, "until": NOW + 800}),
    );
    let mine = json!({"id": hex(&account("ann")), "type": "purser"});
    let instruments =
        json!({"type": "payment.allowed_payment_instruments", "allowed": [{"id": "c", "type": "card"}, mine.clone()]});
    good(
        "instrument",
        "the account among the instruments",
        "BRG-20",
        conditional,
        open(json!([range(), instruments])),
        limits.clone(),
        none.clone(),
    );
    let reference = json!({"type": "payment.reference", "conditional_transaction_id": hash("a mandate")});
    good(
        "reference",
        "for an open checkout mandate",
        "BRG-20",
        conditional,
        open(json!([range(), reference])),
        limits.clone(),
        json!({"reference": hash("a mandate")}),
    );

    let mut bad = |id: &str, title: &str, draft: Draft| {
        let expect = refused_as(Code::BridgeUnmapped);
        let beside = match id {
            "no-sum" => "BRG-21",
            "name" | "two-names" | "website" => "BRG-22",
            _ => "",
        };
        let case = case("verifier", &format!("terms/{id}"), title, call("bridge.terms", input(draft)), expect);
        sheet.add(case.clauses(beside).twin("terms/base"));
    };
    bad("no-limit", "no limit at all", open(json!([])));
    bad(
        "no-end",
        "no end",
        open(json!([range()])).with(|open| {
            _ = open.mandate.as_object_mut().map(|m| m.remove("exp"));
        }),
    );
    bad(
        "no-beginning",
        "no word of when it was made",
        open(json!([range()])).with(|open| {
            _ = open.mandate.as_object_mut().map(|m| m.remove("iat"));
        }),
    );
    bad(
        "too-long",
        "an end in six years",
        open(json!([range()])).with(|open| open.mandate["exp"] = json!(NOW + 190_000_000)),
    );
    bad("two-currencies", "two currencies", open(json!([range(), budget(json!(1000), "JPY")])));
    bad("no-sum", "recurring without a sum and without a number", open(json!([range(), every("DAILY")])));
    bad(
        "name",
        "a payee whose id is no party's and who has no website",
        open(json!([range()])).with(|open| {
            open.mandate["payee"] = json!({"id": "merchant_1", "name": "Tea House"});
        }),
    );
    bad(
        "two-names",
        "a payee whose id and website are two parties",
        open(json!([range()])).with(|open| {
            open.mandate["payee"] =
                json!({"id": "tea.example", "name": "Tea House", "website": "https://rice.example"});
        }),
    );
    bad(
        "website",
        "a payee whose website has a port",
        open(json!([range()])).with(|open| {
            open.mandate["payee"] = json!({"id": "m", "name": "Tea House", "website": "https://tea.example:8443"});
        }),
    );
    bad(
        "payees-apart",
        "a payee to repeat that is not allowed",
        open_payment().with(|open| {
            open.mandate["payee"] = json!({"id": "rice.example", "name": "Rice House"});
        }),
    );
    bad(
        "card",
        "a card to repeat",
        open(json!([range()])).with(|open| {
            open.mandate["payment_instrument"] = json!({"id": "card-1", "type": "card"});
        }),
    );
    bad(
        "other-account",
        "another account among the instruments",
        open(json!([range(), {
            "type": "payment.allowed_payment_instruments", "allowed": [{"id": hex(&account("bob")), "type": "purser"}],
        }])),
    );
    let pisp = json!({"legal_name": "P", "brand_name": "P", "domain_name": "p.example"});
    bad(
        "pisps",
        "only through an initiator",
        open(json!([range(), {"type": "payment.allowed_pisps", "allowed": [pisp]}])),
    );
    bad("pisp", "an initiator to repeat", open(json!([range()])).with(|open| open.mandate["pisp"] = pisp.clone()));
    bad(
        "date",
        "a date to repeat",
        open(json!([range()])).with(|open| {
            open.mandate["execution_date"] = "2030-03-17T18:00:00Z".into();
        }),
    );
    bad(
        "amounts-apart",
        "an amount to repeat that is above the limit",
        open(json!([range()])).with(|open| {
            open.mandate["payment_amount"] = json!({"amount": 20001, "currency": "USD"});
        }),
    );
    bad("checkout", "a mandate of checkout", super::open_checkout());
}
