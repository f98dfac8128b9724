//! From an empty account to a refund.

use purser_protocol::bind::http::PAYMENT_REQUEST;
use purser_protocol::code::Code;
use purser_protocol::field::UpTo;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

use crate::papers::{Key, amount, id};
use crate::scene::{Scene, minor};

#[tokio::test]
async fn each_mode_pays_within_its_bounds_and_not_beyond() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(100_000).await;
    let agent = Key::new();

    let (wanted, other) = (shop.offer(1_280), shop.offer(1_280));
    let single = scene.register(&person.single(&agent, &wanted)).await;
    let refused = scene.pay(&other, &agent.intent(single, &other, 1_280)).await;
    refused.refuses(world, Code::OfferMismatch);
    scene.pay(&wanted, &agent.intent(single, &wanted, 1_280)).await.is(world, Outcome::Settled);

    let grants = vec![Fields { amount_max: Some(amount(20_000)), ..Fields::default() }];
    let conditional = scene.register(&person.conditional(&agent, grants)).await;
    let (within, beyond) = (shop.offer(20_000), shop.offer(20_001));
    scene.pay(&beyond, &agent.intent(conditional, &beyond, 20_001)).await.refuses(world, Code::RuleAmountMax);
    scene.pay(&within, &agent.intent(conditional, &within, 20_000)).await.is(world, Outcome::Settled);

    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let (first, second, last) = (shop.offer(640), shop.offer(361), shop.offer(360));
    scene.pay(&first, &agent.intent(quota, &first, 640)).await.is(world, Outcome::Settled);
    scene.pay(&second, &agent.intent(quota, &second, 361)).await.refuses(world, Code::RuleTotal);
    scene.pay(&last, &agent.intent(quota, &last, 360)).await.is(world, Outcome::Settled);

    assert_eq!(scene.balance(&person).await, 100_000 - 1_280 - 20_000 - 1_000);
    assert_eq!(scene.payments(&person).await.len(), 4, "what was refused is no payment");
    let quota = scene.mandate(&person, quota).await;
    assert_eq!((minor(&quota["spent_minor"]), minor(&quota["left_minor"])), (1_000, 0));
    assert_eq!(quota["state"], "exhausted");
}

#[tokio::test]
async fn a_hold_is_captured_in_parts_and_refunded_in_parts() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.returning_quota(&agent, 4_500)).await;

    let offer = shop.held_offer(4_500);
    let intent = agent.intent(quota, &offer, 4_500);
    let held = scene.pay(&offer, &intent).await.is(world, Outcome::Authorized);
    assert!(held.claims.hold_until.is_some());
    let account = scene.read(&person.key, "/v1/account").await.json();
    assert_eq!(minor(&account["holds"][0]["money"]["amount_minor"]), 4_500);
    assert_eq!(scene.balance(&person).await, 5_500);

    let payment = id(&intent);
    scene.command(&shop.refund(payment, 1)).await.refuses(world, Code::RefundExceedsCapture);
    scene.command(&shop.capture(payment, 4_501, false)).await.refuses(world, Code::CaptureExceedsHold);
    let part = scene.command(&shop.capture(payment, 3_000, false)).await.is(world, Outcome::Captured);
    assert_eq!(part.claims.amount, Some(amount(3_000)));
    scene.command(&shop.capture(payment, 1_501, false)).await.refuses(world, Code::CaptureExceedsHold);
    scene.command(&shop.capture(payment, 500, true)).await.is(world, Outcome::Captured);
    scene.command(&shop.capture(payment, 1, false)).await.refuses(world, Code::PaymentCaptured);
    assert_eq!(scene.balance(&person).await, 6_500, "the last capture gives the rest back");

    scene.command(&shop.refund(payment, 3_501)).await.refuses(world, Code::RefundExceedsCapture);
    scene.command(&shop.refund(payment, 2_000)).await.is(world, Outcome::Refunded);
    scene.command(&shop.refund(payment, 1_501)).await.refuses(world, Code::RefundExceedsCapture);
    scene.command(&shop.refund(payment, 1_500)).await.is(world, Outcome::Refunded);
    assert_eq!(scene.balance(&person).await, 10_000);

    let [made] = &scene.payments(&person).await[..] else { panic!("one payment") };
    let read = |name: &str| minor(&made[name]);
    assert_eq!((read("amount_minor"), read("captured_minor"), read("refunded_minor")), (4_500, 3_500, 3_500));
    let quota = scene.mandate(&person, quota).await;
    assert_eq!((minor(&quota["spent_minor"]), quota["open_holds"].as_u64()), (0, Some(0)));
}

#[tokio::test]
async fn a_hold_is_voided_once() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 4_500)).await;
    let offer = shop.held_offer(4_500);
    let intent = agent.intent(quota, &offer, 4_500);
    scene.pay(&offer, &intent).await.is(world, Outcome::Authorized);

    let void = shop.void(id(&intent));
    let first = scene.command(&void).await;
    first.is(world, Outcome::Voided);
    assert_eq!(scene.command(&void).await.body, first.body, "the same command has the same answer");
    scene.command(&shop.void(id(&intent))).await.refuses(world, Code::PaymentVoided);
    scene.command(&shop.capture(id(&intent), 1, false)).await.refuses(world, Code::PaymentVoided);
    assert_eq!(scene.balance(&person).await, 10_000);
}

#[tokio::test]
async fn a_person_who_is_asked_decides() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let grants = vec![Fields { ask_above: UpTo::new(1_000), ..Fields::default() }];
    let asking = scene.register(&person.conditional(&agent, grants)).await;

    let quiet = shop.offer(1_000);
    scene.pay(&quiet, &agent.intent(asking, &quiet, 1_000)).await.is(world, Outcome::Settled);

    let (liked, disliked) = (shop.offer(2_000), shop.offer(3_000));
    let (yes, no) = (agent.intent(asking, &liked, 2_000), agent.intent(asking, &disliked, 3_000));
    for (offer, intent) in [(&liked, &yes), (&disliked, &no)] {
        let asked = scene.pay(offer, intent).await;
        let claims = asked.is(world, Outcome::Pending).claims;
        // The page of a sandbox stands under a name, at the port that the test leaves open.
        assert!(claims.approval.unwrap().as_str().starts_with("https://localhost:"));
        assert_eq!(asked.headers["location"], format!("/v1/intents/{}", id(intent)));
    }
    assert_eq!(scene.balance(&person).await, 9_000, "nothing is held while the person is asked");
    let waiting = scene.read(&person.key, "/v1/pending").await.json();
    assert_eq!(waiting["pending"].as_array().unwrap().len(), 2);

    // The wait ends with the answer.
    let path = format!("/v1/intents/{}?wait=20", id(&yes));
    let mut line = scene.line().await;
    let (waited, confirmed) =
        tokio::join!(line.get(&path, None), async { scene.command(&person.confirmation(id(&yes))).await });
    confirmed.is(world, Outcome::Settled);
    assert_eq!(waited.unwrap().body, confirmed.body);

    let said_no = scene.command(&person.key.cancel(&no)).await;
    assert_eq!(said_no.status, 200, "to the cancel it is success");
    let late = scene.command(&person.confirmation(id(&no))).await;
    late.refuses(world, Code::ConfirmationRefused);
    assert_eq!(late.body, said_no.body);
    assert_eq!(scene.balance(&person).await, 7_000);
    assert_eq!(scene.read(&person.key, "/v1/pending").await.json()["pending"], serde_json::json!([]));
}

#[tokio::test]
async fn a_yes_can_come_with_the_intent() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let grants = vec![Fields { ask_above: UpTo::new(1_000), ..Fields::default() }];
    let asking = scene.register(&person.conditional(&agent, grants)).await;
    let offer = shop.offer(2_000);
    let (asked, at_once) = (agent.intent(asking, &offer, 2_000), agent.intent(asking, &offer, 2_000));
    let with = async |intent: &[u8], of: &[u8]| {
        let confirmation = person.confirmation(id(of));
        let request = PaymentRequest { mandates: Vec::new(), offer: &offer, intent, confirmation: Some(&confirmation) };
        scene.post("/v1/intents", PAYMENT_REQUEST, &request.write()).await
    };
    scene.pay(&offer, &asked).await.is(world, Outcome::Pending);
    with(&at_once, &asked).await.refuses(world, Code::ConfirmationMismatch);
    let paid = with(&asked, &asked).await;
    paid.is(world, Outcome::Settled);
    assert_eq!(scene.pay(&offer, &asked).await.body, paid.body);
    assert_eq!(scene.balance(&person).await, 8_000);
}

#[tokio::test]
async fn a_cancel_ends_doubt_in_either_order() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;

    let offer = shop.offer(1_000);
    let unsent = agent.intent(quota, &offer, 1_000);
    let gone = scene.command(&agent.cancel(&unsent)).await;
    assert_eq!(gone.is(world, Outcome::Cancelled).claims.code.unwrap().code(), Some(Code::PaymentCancelled));
    for met in [scene.pay(&offer, &unsent).await, scene.get(&format!("/v1/intents/{}", id(&unsent))).await] {
        assert_eq!((met.status, &met.body), (Code::PaymentCancelled.status(), &gone.body));
    }

    let sent = agent.intent(quota, &offer, 1_000);
    let paid = scene.pay(&offer, &sent).await;
    paid.is(world, Outcome::Settled);
    assert_eq!(scene.command(&agent.cancel(&sent)).await.body, paid.body, "what was decided is reversed by nothing");
    assert_eq!(scene.balance(&person).await, 9_000);
}

/// A refusal says to the merchant that it is one; a cancel brings no more of it to light.
#[tokio::test]
async fn a_merchant_learns_no_reason_by_a_cancel() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 500)).await;
    let offer = shop.offer(1_000);
    let intent = agent.intent(quota, &offer, 1_000);
    let refused = scene.pay(&offer, &intent).await;
    let receipt = refused.refuses(world, Code::RuleTotal).id;
    for (cancel, is_told) in [(agent.cancel(&intent), true), (shop.cancel(&intent, &offer), false)] {
        let met = scene.command(&cancel).await;
        assert_eq!((met.status, met.receipt(world).id), (200, receipt));
        assert_eq!(met.detail().is_some(), is_told);
    }
}

#[tokio::test]
async fn an_offer_is_paid_once_by_an_account() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let (person, other) = (scene.person(10_000).await, scene.person(10_000).await);
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let others = scene.register(&other.quota(&agent, 10_000)).await;
    let offer = shop.offer(1_000);
    scene.pay(&offer, &agent.intent(quota, &offer, 1_000)).await.is(world, Outcome::Settled);
    scene.pay(&offer, &agent.intent(quota, &offer, 1_000)).await.refuses(world, Code::OfferPaid);
    scene.pay(&offer, &agent.intent(others, &offer, 1_000)).await.is(world, Outcome::Settled);
}
