//! What a shop does with a payment afterwards, by its own key, through the issuer.

use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use crate::line::Ask;
use crate::papers::amount;
use crate::town::{BOOK, BOOK_MINOR, TEA_MINOR, Town};

#[tokio::test]
async fn what_was_reserved_is_captured_by_the_shop_and_by_no_other() {
    let mut town = Town::new().await;
    let (shop, other) = (town.shop("tea.example").await, town.shop("cake.example").await);
    let payer = town.payer(10_000).await;
    let ask = Ask::get("/book");
    let bought = town.pay(&payer, &shop.offered(&ask).await).await;
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.body, BOOK.as_bytes());
    let (keys, register) = (&shop.keys, &town.register);
    assert_eq!(town.balances(&shop, &[&payer]), (0, vec![10_000 - BOOK_MINOR]));

    town.command(&other.keys.capture(bought.payment, 100, false)).await.is_refused(register, Code::CallerMismatch);
    town.command(&other.keys.void(bought.payment)).await.is_refused(register, Code::CallerMismatch);
    town.command(&keys.capture(bought.payment, BOOK_MINOR + 1, false))
        .await
        .is_refused(register, Code::CaptureExceedsHold);
    let part = town.command(&keys.capture(bought.payment, 4_000, false)).await.is(register, Outcome::Captured);
    assert_eq!(part.claims.amount, Some(amount(4_000)));
    town.command(&keys.void(bought.payment)).await.is(register, Outcome::Voided);
    town.command(&keys.capture(bought.payment, 1, false)).await.is_refused(register, Code::PaymentVoided);
    assert_eq!(town.balances(&shop, &[&payer]), (4_000, vec![6_000]));

    town.command(&other.keys.refund(bought.payment, 1)).await.is_refused(register, Code::CallerMismatch);
    town.command(&keys.refund(bought.payment, 4_001)).await.is_refused(register, Code::RefundExceedsCapture);
    town.command(&keys.refund(bought.payment, 1_000)).await.is(register, Outcome::Refunded);
    town.command(&keys.refund(bought.payment, 3_000)).await.is(register, Outcome::Refunded);
    town.command(&keys.refund(bought.payment, 1)).await.is_refused(register, Code::RefundExceedsCapture);
    assert_eq!(town.balances(&shop, &[&payer]), (0, vec![10_000]));
}

#[tokio::test]
async fn what_was_sold_is_refunded_and_stays_sold() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(10_000).await;
    let ask = Ask::get("/tea");
    let bought = town.pay(&payer, &shop.offered(&ask).await).await;
    let served = shop.ask(&ask, Some(&bought.credential())).await.undated();
    let (keys, register) = (&shop.keys, &town.register);
    town.command(&keys.capture(bought.payment, TEA_MINOR, true)).await.is_refused(register, Code::PaymentCaptured);
    town.command(&keys.void(bought.payment)).await.is_refused(register, Code::PaymentCaptured);
    let refund = keys.refund(bought.payment, TEA_MINOR);
    let first = town.command(&refund).await;
    first.is(register, Outcome::Refunded);
    assert_eq!(town.command(&refund).await.body, first.body, "the same command is one");
    town.command(&keys.refund(bought.payment, 1)).await.is_refused(register, Code::RefundExceedsCapture);
    assert_eq!(town.balances(&shop, &[&payer]), (0, vec![10_000]));
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.undated(), served, "the answer does not change");
}
