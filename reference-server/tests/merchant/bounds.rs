//! Whoever asks for offers and pays for none fills no disk; and settings that cannot work are said at the start.

use purser_protocol::code::Code;
use purser_server::role::Role;

use crate::line::Ask;
use crate::town::{Offered, TEA_MINOR, Town, try_start};

const OFFERS: &str = "SELECT count(*) FROM offers";

#[tokio::test]
async fn offers_that_nobody_takes_are_bounded_and_those_that_can_be_taken_are_kept() {
    let mut town = Town::new().await;
    let shop = town.shop_with("tea.example", "offers_max = 4", "").await;
    let payer = town.payer(50_000).await;
    let ask = Ask::get("/tea");
    let mut offered = Vec::new();
    for _ in 0..4 {
        offered.push(shop.offered(&ask).await);
    }
    for _ in 0..2 {
        shop.ask(&ask, None).await.refuses(Code::Overloaded);
    }
    assert_eq!(shop.number(OFFERS), 4);

    // One that is sold makes room: what was sold is not counted, and never forgotten.
    let bought = town.pay(&payer, &offered[0]).await;
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.status, 200);
    shop.offered(&ask).await;
    shop.ask(&ask, None).await.refuses(Code::Overloaded);
    assert_eq!(shop.number(OFFERS), 5);

    // One that has expired makes room when it must; who has paid for it gets the money back.
    let paid = town.pay(&payer, &offered[1]).await;
    shop.change(&format!("UPDATE offers SET expires_at = 1 WHERE id = x'{}'", offered[0].id));
    let expire = |offer: &Offered| {
        let just_now = crate::papers::now().get() - 30;
        shop.change(&format!("UPDATE offers SET expires_at = {just_now} WHERE id = x'{}'", offer.id))
    };
    assert_eq!(expire(&offered[1]), 1);
    shop.offered(&ask).await;
    shop.ask(&ask, None).await.refuses(Code::Overloaded);
    assert_eq!(shop.number(OFFERS), 5);
    let answer = shop.ask_on(&ask, &paid.credential()).await;
    answer.refuses(Code::OfferUnknown);
    assert_eq!(answer.json()["refund"], "refunded");
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![50_000 - TEA_MINOR]));
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.status, 200, "what was sold stays sold");
}

#[tokio::test]
async fn an_offer_that_has_expired_is_served_while_it_is_remembered() {
    let mut town = Town::new().await;
    let shop = town.shop_with("tea.example", "remember_seconds = 3600", "").await;
    let payer = town.payer(50_000).await;
    let ask = Ask::get("/tea");
    let (late, later) = (shop.offered(&ask).await, shop.offered(&ask).await);
    let (paid, lost) = (town.pay(&payer, &late).await, town.pay(&payer, &later).await);
    let now = crate::papers::now().get();
    for (offer, expired) in [(&late, now - 3_000), (&later, now - 3_700)] {
        assert_eq!(shop.change(&format!("UPDATE offers SET expires_at = {expired} WHERE id = x'{}'", offer.id)), 1);
    }
    // Each offer that is made lets go of some that are too old.
    shop.offered(&ask).await;
    assert_eq!(shop.number(OFFERS), 2);
    assert_eq!(shop.ask(&ask, Some(&paid.credential())).await.status, 200);
    shop.ask_on(&ask, &lost.credential()).await.refuses(Code::OfferUnknown);
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![50_000 - TEA_MINOR]));
}

#[tokio::test]
async fn settings_that_cannot_work_are_said_at_the_start() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let tea = "path = \"/tea\"";
    for (from, to, said) in [
        ("path = \"/page\"\nmethod = \"PUT\"", "path = \"/page\"", "products have GET /page twice"),
        (tea, "path = \"/healthz\"", "path is not one of its own"),
        (tea, "path = \"/{tea}\"", "path is not one of its own"),
        (tea, "path = \"tea\"", "path is not one of its own"),
        ("method = \"PUT\"", "method = \"HEAD\"", "no content"),
        ("price = \"12.80 CNY\"", "price = \"0.00 CNY\"", "price"),
        ("hold_seconds = 86400", "hold_seconds = 0", "hold"),
        (tea, "path = \"/tea\"\nhold_seconds = 60", "could not be read: field-conflict"),
        ("network =", "offer_seconds = 3601\nnetwork =", "offer_seconds is not 1 to 3600"),
        ("network =", "offer_seconds = 0\nnetwork =", "offer_seconds is not 1 to 3600"),
        ("url = \"https://127", "url = \"http://127", "not https"),
        ("account = \"till\"", "account = \"\"", "issuers have a name or an account"),
        ("network =", "netwerk =", "did you mean `network`?"),
    ] {
        assert!(shop.config.contains(from), "{from}");
        let config = shop.config.replacen(from, to, 1);
        let error = try_start(Role::Merchant, &config, &town.dir).await.expect_err(said);
        assert!(error.contains(said), "{error}");
    }
    try_start(Role::Merchant, &shop.config, &town.dir).await.unwrap().stop().await;
}
