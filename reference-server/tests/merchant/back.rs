//! Money for which nothing can be given goes back, once, and until it has the payer is told to ask again.

use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;
use serde_json::Value;

use crate::line::Ask;
use crate::papers::{dispute, ruling};
use crate::town::{BOOK_MINOR, Offered, Shop, TEA, TEA_MINOR, Town, within};

/// Asks until the shop says what became of the money; checks what it says.
async fn is_given_back(shop: &Shop, ask: &Ask, credential: &str, code: Code, how: &str) {
    let first = shop.ask(ask, Some(credential)).await;
    if first.status == 503 {
        first.refuses(Code::OutcomeUnknown);
        assert_eq!(first.json()["refund"], "on its way");
    }
    let answer = shop.ask_on(ask, credential).await;
    answer.refuses(code);
    assert_eq!(answer.json()["refund"], Value::from(how));
}

#[tokio::test]
async fn the_second_account_that_pays_an_offer_is_refunded() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    assert_eq!(town.balances(&shop, &[&first, &second]), (2 * TEA_MINOR, vec![5_000 - TEA_MINOR; 2]));

    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200);
    for _ in 0..3 {
        is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;
    }
    let other = Ask::get("/tea?sugar=0");
    is_given_back(&shop, &other, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;
    assert_eq!(town.balances(&shop, &[&first, &second]), (TEA_MINOR, vec![5_000 - TEA_MINOR, 5_000]));
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.body, TEA.as_bytes(), "the first has its tea");
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 1);

    // Whoever has only seen the receipt moves nothing.
    let third = town.payer(5_000).await;
    let seen = town.pay(&third, &offered).await;
    shop.ask(&ask, Some(&offered.shows(seen.receipt, [0; 32]))).await.refuses(Code::SecretMismatch);
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 1);
    assert_eq!(town.balances(&shop, &[&third]), (2 * TEA_MINOR, vec![5_000 - TEA_MINOR]));
}

#[tokio::test]
async fn what_is_held_is_let_go() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/book");
    let offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200);
    assert_eq!(town.balances(&shop, &[&first, &second]), (0, vec![5_000 - BOOK_MINOR; 2]));
    is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "voided").await;
    assert_eq!(town.balances(&shop, &[&first, &second]), (0, vec![5_000 - BOOK_MINOR, 5_000]));
}

#[tokio::test]
async fn an_offer_that_was_withdrawn_is_not_known_any_more() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(5_000).await;
    let ask = Ask::get("/tea");
    let (kept, withdrawn) = (shop.offered(&ask).await, shop.offered(&ask).await);
    let (paid, late) = (town.pay(&payer, &kept).await, town.pay(&payer, &withdrawn).await);
    let id = withdrawn.id;
    assert_eq!(shop.change(&format!("UPDATE offers SET withdrawn = 1 WHERE id = x'{id}'")), 1);
    is_given_back(&shop, &ask, &late.credential(), Code::OfferUnknown, "refunded").await;
    assert_eq!(shop.ask(&ask, Some(&paid.credential())).await.status, 200);
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![5_000 - TEA_MINOR]));
}

#[tokio::test]
async fn an_offer_that_was_forgotten_gives_its_money_back_and_another_shops_does_not() {
    let mut town = Town::new().await;
    let (tea, cake) = (town.shop("tea.example").await, town.shop("cake.example").await);
    let payer = town.payer(5_000).await;
    let ask = Ask::get("/tea");
    let (ours, theirs) = (tea.offered(&ask).await, cake.offered(&ask).await);
    let (late, foreign) = (town.pay(&payer, &ours).await, town.pay(&payer, &theirs).await);
    assert_eq!(tea.change(&format!("DELETE FROM offers WHERE id = x'{}'", ours.id)), 1);

    is_given_back(&tea, &ask, &late.credential(), Code::OfferUnknown, "refunded").await;
    is_given_back(&tea, &ask, &foreign.credential(), Code::OfferUnknown, Code::CallerMismatch.slug()).await;
    // With our own offer's challenge it is a receipt for another offer, and nothing is sent.
    let ours = tea.offered(&ask).await;
    let shown = ours.shows(foreign.receipt.clone(), foreign.secret);
    tea.ask(&ask, Some(&shown)).await.refuses(Code::ReceiptMismatch);
    assert_eq!(tea.number("SELECT count(*) FROM debts"), 2);

    assert_eq!(cake.ask(&ask, Some(&foreign.credential())).await.status, 200, "it is good where it was paid");
    assert_eq!(town.balances(&tea, &[]).0, 0);
    assert_eq!(town.balances(&cake, &[&payer]), (TEA_MINOR, vec![5_000 - TEA_MINOR]));
}

#[tokio::test]
async fn an_offer_that_nobody_made_is_refused_whatever_is_shown_for_it() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    assert_eq!(shop.change("DELETE FROM offers"), 1);
    let pays = crate::mint::claims(offered.id, TEA_MINOR);
    let good = crate::mint::receipt(&town.bank, &pays);
    for (receipt, secret) in [
        (Vec::new(), crate::mint::SECRET),
        (good.clone(), [0; 32]),
        (crate::mint::receipt(&town.bank, &crate::mint::declined(offered.id, TEA_MINOR)), crate::mint::SECRET),
        (crate::mint::receipt(&town.bank, &crate::mint::claims(pays.intent.unwrap(), 1)), crate::mint::SECRET),
    ] {
        shop.ask(&ask, Some(&offered.shows(receipt, secret))).await.refuses(Code::OfferUnknown);
    }
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 0);
    // The issuer has never heard of this payment: it decides nothing, and the shop goes on asking.
    let answer = shop.ask(&ask, Some(&offered.shows(good, crate::mint::SECRET))).await;
    answer.refuses(Code::OutcomeUnknown);
    assert_eq!(shop.number("SELECT count(*) FROM debts WHERE \"end\" IS NULL"), 1);
}

#[tokio::test]
async fn while_the_issuer_is_away_the_money_is_owed_and_then_it_goes_back_once() {
    let mut town = Town::new().await;
    let mut shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    town.road.close();
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200, "nobody is asked to serve");
    for _ in 0..3 {
        let answer = shop.ask(&ask, Some(&late.credential())).await;
        answer.refuses(Code::OutcomeUnknown);
    }
    town.road.turned_away().await;
    assert_eq!(town.balances(&shop, &[&second]).1, [5_000 - TEA_MINOR]);

    // What is owed outlives the process, and is paid without anybody's asking.
    shop.stop().await;
    town.road.open();
    shop.start(&town).await;
    let paid = async {
        while shop.number("SELECT count(*) FROM debts WHERE \"end\" IS NULL") > 0 {
            tokio::task::yield_now().await;
        }
    };
    within(paid).await;
    assert_eq!(town.balances(&shop, &[&first, &second]), (TEA_MINOR, vec![5_000 - TEA_MINOR, 5_000]));
    is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;

    // A crash before the answer was kept, and a command that is too old to be taken: the money goes back once.
    for (made, ends) in [("made_at", "refunded"), ("0", Code::RefundExceedsCapture.slug())] {
        shop.stop().await;
        assert_eq!(shop.change(&format!("UPDATE debts SET \"end\" = NULL, answer = NULL, made_at = {made}")), 1);
        shop.start(&town).await;
        is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, ends).await;
    }
    assert_eq!(town.balances(&shop, &[&first, &second]), (TEA_MINOR, vec![5_000 - TEA_MINOR, 5_000]));
}

/// The refund meets a dispute, and that ends with nothing given back: the money is owed as before. [FLW-7] [DSP-11]
#[tokio::test]
async fn what_is_disputed_meanwhile_goes_back_when_the_dispute_is_over() {
    let mut town = Town::new().await;
    let mut shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    town.road.close();
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200);
    shop.ask(&ask, Some(&late.credential())).await.refuses(Code::OutcomeUnknown);
    let dispute = dispute(&second.key, second.account, late.payment, TEA_MINOR);
    town.command(&dispute).await.is(&town.register, Outcome::Recorded);

    let before = shop_command(&shop);
    an_hour_later(&town, &mut shop).await;
    let met = async {
        while shop_command(&shop) == before && shop.number("SELECT count(*) FROM debts WHERE \"end\" IS NULL") == 1 {
            tokio::task::yield_now().await;
        }
    };
    within(met).await;
    shop.ask(&ask, Some(&late.credential())).await.refuses(Code::OutcomeUnknown);
    let ruling = ruling(&town.bank, second.account, late.payment, crate::papers::id(&dispute));
    assert_eq!(town.command(&ruling).await.status, 200);
    assert_eq!(town.balances(&shop, &[&first, &second]), (2 * TEA_MINOR, vec![5_000 - TEA_MINOR; 2]));
    an_hour_later(&town, &mut shop).await;
    is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;
    assert_eq!(town.balances(&shop, &[&first, &second]), (TEA_MINOR, vec![5_000 - TEA_MINOR, 5_000]));
}

/// What was to be let go is captured by hand before the void comes: then it is here, and is given back. [CMD-6]
#[tokio::test]
async fn what_is_captured_meanwhile_is_refunded() {
    let mut town = Town::new().await;
    let mut shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/book");
    let offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    town.road.close();
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200);
    shop.ask(&ask, Some(&late.credential())).await.refuses(Code::OutcomeUnknown);
    let capture = shop.keys.capture(late.payment, BOOK_MINOR, true);
    town.command(&capture).await.is(&town.register, Outcome::Captured);
    an_hour_later(&town, &mut shop).await;
    is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;
    assert_eq!(town.balances(&shop, &[&first, &second]), (0, vec![5_000 - BOOK_MINOR, 5_000]));
}

/// The shop starts again, with what it owes an hour older, and the road open.
async fn an_hour_later(town: &Town, shop: &mut Shop) {
    shop.stop().await;
    assert_eq!(shop.change("UPDATE debts SET made_at = made_at - 3600"), 1);
    town.road.open();
    shop.start(town).await;
}

#[tokio::test]
async fn a_debt_ends_with_the_issuers_own_words() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (first, second) = (town.payer(5_000).await, town.payer(5_000).await);
    let ask = Ask::get("/tea");
    let offered: Offered = shop.offered(&ask).await;
    let (served, late) = (town.pay(&first, &offered).await, town.pay(&second, &offered).await);
    assert_eq!(shop.ask(&ask, Some(&served.credential())).await.status, 200);
    is_given_back(&shop, &ask, &late.credential(), Code::ReceiptAlreadyUsed, "refunded").await;
    let command = shop_command(&shop);
    let answer = town.command(&command).await;
    let receipt = answer.is(&town.register, Outcome::Refunded);
    assert_eq!(receipt.claims.intent, Some(late.payment));
    assert_eq!(stored_answer(&shop), answer.receipt_bytes(), "the issuer's own words are kept");
}

fn shop_command(shop: &Shop) -> Vec<u8> {
    shop.store.bytes("SELECT command FROM debts")
}

fn stored_answer(shop: &Shop) -> Vec<u8> {
    shop.store.bytes("SELECT answer FROM debts")
}
