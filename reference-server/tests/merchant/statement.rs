//! The statement of a day: what the issuer says of it and what the shop's own book says are one, and where they are not,
//! the difference is named.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use purser_merchant::{Charge, Shop as Kit};
use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::flow::document::Sealed;
use purser_protocol::id::{Nonce, PaperId, Text};
use purser_protocol::money::Money;
use purser_protocol::paper::command::Proof;
use purser_protocol::paper::document::Day;
use purser_protocol::time::UnixSeconds;
use serde_json::Value;

use crate::line::Ask;
use crate::papers::{amount, issuer, now};
use crate::town::{Town, within};

fn routes(kit: &Kit) -> Router {
    let held = Charge::new("45.00 CNY", "book", "A book").unwrap().held(3_600).unwrap();
    Router::new()
        .route("/book", get(|| async { "reserved" }).route_layer(kit.charge(held).unwrap()))
        .route("/tea", get(|| async { "tea" }).route_layer(kit.price("12.80 CNY", "tea", "Tea").unwrap()))
}

/// Both clocks, the issuer's and the shop's, on the day after.
async fn on_the_next_day(town: &Town, kit: &Kit, day: Day) -> u64 {
    let next = day.end().unwrap().get() + 60;
    let body = serde_json::json!({ "now": next }).to_string();
    assert_eq!(town.post("/v1/sandbox/clock", "application/json", body.as_bytes()).await.status, 200);
    kit.set_clock(UnixSeconds::new(next).unwrap());
    next
}

#[tokio::test]
async fn a_day_is_the_same_in_both_books_and_what_differs_is_named() {
    let mut town = Town::new().await;
    let (shop, kit) = town.own_shop("own.example", routes).await;
    let payer = town.payer(100_000).await;
    let (tea, book) = (Ask::get("/tea"), Ask::get("/book"));
    // Midnight may come in the middle of this; then it is begun anew.
    let day = Day::of(now());
    let outcome = async |order: Result<PaperId, _>| within(kit.outcome(order.unwrap())).await.unwrap();
    let sold = town.pay(&payer, &shop.offered(&tea).await).await;
    assert_eq!(shop.ask(&tea, Some(&sold.credential())).await.status, 200);
    let reserved = town.pay(&payer, &shop.offered(&book).await).await;
    assert_eq!(shop.ask(&book, Some(&reserved.credential())).await.status, 200);
    assert_eq!(outcome(kit.capture(reserved.payment, amount(4_000), false).await).await, "captured");
    assert_eq!(outcome(kit.void(reserved.payment).await).await, "voided");
    assert_eq!(outcome(kit.refund(reserved.payment, amount(1_000), None).await).await, "refunded");
    let sum: Money = "29.00 CNY".parse().unwrap();
    assert_eq!(outcome(kit.payout(&issuer(), sum).await).await, "recorded");
    let early = kit.reconcile(&issuer(), Day::of(now())).await.unwrap_err().to_string();
    assert!(early.contains("statement-early"), "{early}");
    if Day::of(now()) != day {
        return;
    }
    on_the_next_day(&town, &kit, day).await;
    let reconciled = kit.reconcile(&issuer(), day).await.unwrap();
    assert!(reconciled.is_equal(), "{}", reconciled.json());
    assert_eq!((reconciled.lines, reconciled.agreed), (4, 4));
    let (came, went) = (1_280 + 4_000, 1_000 + 2_900);
    assert_eq!(reconciled.sums[0]["in_minor"], came);
    assert_eq!(reconciled.sums[0]["out_minor"], went);
    assert_eq!(town.balances(&shop, &[]).0, came - went, "and so do the issuer's books");
    // The day before and another shop have nothing of it.
    let (_next, next) = town.own_shop("next.example", routes).await;
    next.set_clock(UnixSeconds::new(day.end().unwrap().get() + 60).unwrap());
    assert_eq!(next.reconcile(&issuer(), day).await.unwrap().lines, 0);

    // A book that lost something, holds something else, or never heard of it.
    assert_eq!(shop.change(&format!("DELETE FROM offers WHERE intent = x'{}'", sold.payment)), 1);
    assert_eq!(shop.change("UPDATE orders SET answer = NULL WHERE intent IS NULL"), 1);
    let reconciled = kit.reconcile(&issuer(), day).await.unwrap();
    let named: Vec<&str> = reconciled.differences.iter().map(purser_merchant::Difference::name).collect();
    assert_eq!((named, reconciled.agreed), (vec!["not-redeemed", "not-kept"], 2));
    let json = reconciled.json();
    assert_eq!(json["differences"][0]["stated"]["intent"], Value::from(sold.payment.to_string()));
    assert_eq!(json["differences"][1]["stated"]["what"], "paid-out");
}

#[tokio::test]
async fn a_statement_is_its_merchants_alone_and_is_what_was_signed() {
    let mut town = Town::new().await;
    let (shop, kit) = town.own_shop("own.example", routes).await;
    let payer = town.payer(100_000).await;
    let tea = Ask::get("/tea");
    let day = Day::of(now());
    let sold = town.pay(&payer, &shop.offered(&tea).await).await;
    let next = on_the_next_day(&town, &kit, day).await;
    let path = format!("/v1/statements/{day}?part=1");
    // The town's issuer is known by this name, whatever the road to it.
    let proof = |target: &str, at: u64| Proof {
        audience: issuer(),
        issued_at: UnixSeconds::new(at).unwrap(),
        nonce: Nonce([9; 16]),
        target: Text::new(target).unwrap(),
    };
    let target = format!("POST https://issuer.example{path}");
    let good = shop.keys.sign_with_chain(&proof(&target, next));
    let answer = town.post(&path, PAPER, &good).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let document: Value = serde_json::from_str(&Sealed::read(&answer.body).unwrap().document).unwrap();
    assert_eq!(document["statement"]["lines"][0]["intent"], Value::from(sold.payment.to_string()));
    for (target, at) in [(target.as_str(), next - 400), ("POST https://issuer.example/v1/statements/2020-01-01", next)]
    {
        town.post(&path, PAPER, &shop.keys.sign_with_chain(&proof(target, at))).await.refuses(Code::ProofInvalid);
    }
    let mut forged = good.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(town.post(&path, PAPER, &forged).await.status, 400);
    town.post(&path, PAPER, &payer.agent.proof(&target)).await.refuses(Code::ProofInvalid);
    for (day, code) in [(Day::of(UnixSeconds::new(next).unwrap()), Code::StatementEarly)] {
        let path = format!("/v1/statements/{day}");
        let proof = shop.keys.sign_with_chain(&proof(&format!("POST https://issuer.example{path}"), next));
        town.post(&path, PAPER, &proof).await.refuses(code);
    }
    let none = format!("/v1/statements/{day}?part=2");
    let proof = shop.keys.sign_with_chain(&proof(&format!("POST https://issuer.example{none}"), next));
    town.post(&none, PAPER, &proof).await.refuses(Code::NotFound);

    // Nobody has come for what was paid.
    let reconciled = kit.reconcile(&issuer(), day).await.unwrap();
    assert_eq!(reconciled.differences.len(), 1);
    assert_eq!(reconciled.differences[0].name(), "not-redeemed");
    let _ = Arc::clone(&shop.keys);
}
