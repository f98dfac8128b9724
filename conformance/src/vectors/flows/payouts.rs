//! Payouts, and refunds for which nothing is left.

use super::super::cbor::labelled;
use super::super::forge::Forge;
use super::*;

/// Seconds before [`NOW`] at which the payouts of these cases were made.
const AGO: u64 = 5;

fn payout(by: &'static str, account: &str, minor: u64, currency: &str) -> Forge {
    let party = if by == "merchant" { "tea.example" } else { "rice.example" };
    let payload = labelled([
        (1, party.into()),
        (3, "issuer.example".into()),
        (6, (NOW - AGO).into()),
        (7, keys::sixteen(&format!("payout of {by}")).into()),
        (-1, 1.into()),
        (-5, minor.into()),
        (-6, currency.into()),
        (-55, account.into()),
    ]);
    Forge::new("payout", payload, By::Certificate(by)).but(|forge| forge.unprotected = labelled([]))
}

pub(super) fn payouts(sheet: &mut Sheet) {
    let mut world = World::new();
    let intent = world.pay(&Scene::new("settled"));
    let refund = |minor: u64| merchant_command("refund", "merchant", intent, &money(minor));
    let of = |minor: u64| payout("merchant", "main", minor, "CNY");
    let mut t = Commands::new(sheet, "earned", world.clone(), "core sandbox");
    let none = Shows::default();
    t.accept(
        "payout/all",
        "A payout of all that the account holds",
        none,
        "CMD-29 CMD-30",
        ("command", &of(1_000), NOW),
        ("recorded", &|w| w.model.pay_out("tea.example", "CNY", 1_000)),
    );
    t.accept(
        "payout/part",
        "A payout of a part",
        none,
        "CMD-30",
        ("command", &of(1), NOW),
        ("recorded", &|w| w.model.pay_out("tea.example", "CNY", 1)),
    );
    let refused: [(&str, &str, Forge, &str); 5] = [
        ("payout/more", "A payout of a unit more than the account holds", of(1_001), "amount"),
        (
            "payout/currency",
            "A payout in a currency in which the account holds nothing",
            payout("merchant", "main", 1_000, "JPY"),
            "currency",
        ),
        (
            "payout/account",
            "A payout from another account of the merchant, which holds nothing",
            payout("merchant", "side", 1_000, "CNY"),
            "account",
        ),
        (
            "payout/account-unit",
            "A payout of one unit from another account of the merchant, which holds nothing",
            payout("merchant", "Main", 1, "CNY"),
            "account",
        ),
        (
            "payout/by-another",
            "A payout by another merchant: the account of that name is its own, and holds nothing",
            payout("other-merchant", "main", 1_000, "CNY"),
            "signer",
        ),
    ];
    for (id, title, paper, change) in refused {
        t.refuse(id, title, none, Code::MerchantFunds, ("command", &paper, NOW), ("payout/all", change));
        t.last(|case| case.clauses("CMD-29"));
    }
    let elsewhere = of(1_000).says(|p| p.with(3, "other-issuer.example"));
    let shows = Shows("M37", "B10");
    let message = ("command", &elsewhere, NOW);
    t.refuse(
        "payout/another-issuer",
        "A payout for another issuer",
        shows,
        Code::AudienceMismatch,
        message,
        ("payout/all", "aud"),
    );
    let late = ("command", &of(1_000), NOW - AGO + DAY + 1);
    t.refuse(
        "payout/stale",
        "A payout that is older than a day",
        shows,
        Code::CommandStale,
        late,
        ("payout/all", "now"),
    );

    // What has gone out cannot be given back.
    let first = of(999);
    let mut setup = world.setup();
    setup.push(message_of(&first));
    let mut left = world.clone();
    left.send("command", &first.bytes(), NOW);
    left.model.pay_out("tea.example", "CNY", 999);
    let mut t = Commands::new(sheet, "paid-out", left, "core sandbox");
    let shows = Shows("F12", "B16");
    t.accept(
        "refund/covered",
        "A refund of what the merchant's account still holds",
        shows,
        "CMD-10 CMD-21",
        ("command", &refund(1), NOW),
        ("refunded", &|w| w.model.refund(intent, 1)),
    );
    t.refuse(
        "refund/uncovered",
        "A refund of a unit more than the merchant's account still holds, and less than was paid",
        shows,
        Code::MerchantFunds,
        ("command", &refund(2), NOW),
        ("refund/covered", "amount"),
    );
    t.refuse(
        "refund/uncovered-whole",
        "A refund of all that was paid, of which a unit is left",
        shows,
        Code::MerchantFunds,
        ("command", &refund(1_000), NOW),
        ("refund/covered", "amount"),
    );
    t.refuse(
        "refund/exceeds-first",
        "A refund above the capture, which the account does not cover either: the capture is asked for first",
        shows,
        Code::RefundExceedsCapture,
        ("command", &refund(1_001), NOW),
        ("refund/covered", "amount"),
    );
    t.last(|case| case.clauses("CMD-17"));
    sheet.setup("paid-out-once", setup);
    sheet.add(
        same(
            "payout/again",
            "The same payout again: one payout, one answer",
            Shows("F04", "B14"),
            "paid-out-once",
            super::message("command", &first.bytes(), NOW, "again"),
            "recorded",
        )
        .clauses("CMD-1")
        .needs("core sandbox"),
    );

    // The same issuer with real money: nothing was paid there, and that is not what is said.
    let mut setup = vec![start_as(false)];
    let nonce = keys::sixteen("nonce of real");
    let enrol = enrolment(None, "payer", "payer", nonce);
    let mut input = receive("account", &enrol.bytes(), super::super::moment::before(DAY), nonce);
    input["account"] = json!(hex(&account("ann")));
    setup.push(call("issuer.receive", input));
    sheet.setup("no-sandbox-payout", setup);
    let expect = Expect { decided: Some(false), ..refused_by_issuer(Code::NotSandbox) }.unchanged();
    let body = of(1_000);
    let call = super::message("command", &body.bytes(), NOW, "payout");
    let real = case("issuer", "payout/real-money", "A payout where money is real", call, expect);
    let real = real.shows(Shows("M44", "D9")).after_setup("no-sandbox-payout").needs("core sandbox").twin("payout/all");
    let args: Vec<Value> = vec![json!(["sandbox", false])];
    sheet.add(real.clauses("CMD-28").mutated("payout/all", "command", args, true).diagnosed(&body.bytes()));
}

fn message_of(paper: &Forge) -> Call {
    message("command", &paper.bytes(), NOW, "first")
}
