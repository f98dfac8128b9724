//! Mandates rest, resume and end; a chain is held to each of its links.

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST};
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Fields;
use purser_protocol::paper::status::{MandateState, Status};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::wire::Reader;

use crate::papers::{Key, amount, id, rules, suspension};
use crate::scene::{Scene, minor};

#[tokio::test]
async fn a_mandate_rests_resumes_and_ends() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let pay = async || {
        let offer = shop.offer(100);
        scene.pay(&offer, &agent.intent(quota, &offer, 100)).await
    };
    pay().await.is(world, Outcome::Settled);
    assert_eq!(status(&scene, quota).await, MandateState::Active);

    // The agent cannot lift what binds it, nor may a stranger bind it.
    let stranger = Key::new();
    scene.command(&suspension(&stranger, person.account, quota)).await.decides_nothing(Code::CommandSigner);
    let rest = person.suspension(quota);
    scene.command(&rest).await.is(world, Outcome::Recorded);
    pay().await.refuses(world, Code::MandateSuspended);
    assert_eq!(status(&scene, quota).await, MandateState::Suspended);

    scene.command(&person.resumption(quota, PaperId([7; 32]))).await.refuses(world, Code::SuspensionUnknown);
    scene.command(&person.resumption(quota, id(&rest))).await.is(world, Outcome::Recorded);
    pay().await.is(world, Outcome::Settled);
    assert_eq!(status(&scene, quota).await, MandateState::Active);

    scene.command(&person.revocation(quota)).await.is(world, Outcome::Recorded);
    pay().await.refuses(world, Code::MandateRevoked);
    assert_eq!(status(&scene, quota).await, MandateState::Revoked);
    assert_eq!(scene.balance(&person).await, 9_800);
}

#[tokio::test]
async fn a_sub_agent_is_held_to_its_parents_limits() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let (agent, helper) = (Key::new(), Key::new());
    let parent = scene.register(&person.quota(&agent, 1_000)).await;
    // More than the agent itself may spend: it can sign that, and it widens nothing.
    let wide = Mandate {
        parent: Some(parent),
        caps: rules(Fields { total: Some(amount(5_000)), ..Fields::default() }),
        ..person.draft(Mode::Quota, &helper)
    };
    let wide = agent.sign(&wide);
    let stolen = helper.sign(&Mandate { parent: Some(parent), ..person.draft(Mode::Quota, &helper) });
    assert!(!scene.post("/v1/mandates", PAPER, &stolen).await.is_signed());

    // The sub-mandate comes with its first payment.
    let offer = shop.offer(600);
    let intent = helper.intent(id(&wide), &offer, 600);
    let request = PaymentRequest { mandates: vec![&wide], offer: &offer, intent: &intent, confirmation: None };
    let paid = scene.post("/v1/intents", PAYMENT_REQUEST, &request.write()).await;
    paid.is(world, Outcome::Settled);

    let (too_much, rest) = (shop.offer(401), shop.offer(400));
    let refused = scene.pay(&too_much, &helper.intent(id(&wide), &too_much, 401)).await;
    refused.refuses(world, Code::RuleTotal);
    assert_eq!(refused.detail().unwrap().link, Some(0), "it is the parent's total");
    scene.pay(&rest, &helper.intent(id(&wide), &rest, 400)).await.is(world, Outcome::Settled);
    let last = shop.offer(1);
    scene.pay(&last, &agent.intent(parent, &last, 1)).await.refuses(world, Code::RuleTotal);

    let spent = async |mandate| minor(&scene.mandate(&person, mandate).await["spent_minor"]);
    assert_eq!((spent(parent).await, spent(id(&wide)).await), (1_000, 1_000));

    // Who ends the parent ends the child.
    scene.command(&person.revocation(parent)).await.is(world, Outcome::Recorded);
    assert_eq!(status(&scene, id(&wide)).await, MandateState::Revoked);
}

#[tokio::test]
async fn a_funded_mandate_has_money_of_its_own() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(5_000).await;
    let agent = Key::new();
    let caps = || rules(Fields { total: Some(amount(4_000)), ..Fields::default() });
    let funded = |minor| Mandate { caps: caps(), funded: Some(amount(minor)), ..person.draft(Mode::Quota, &agent) };
    let beyond = scene.post("/v1/mandates", PAPER, &person.key.sign(&funded(5_001))).await;
    beyond.refuses(world, Code::InsufficientFunds);
    let quota = scene.register(&person.key.sign(&funded(3_000))).await;
    assert_eq!(scene.balance(&person).await, 2_000);
    let other = scene.register(&person.quota(&agent, 5_000)).await;

    // Nothing else can touch the envelope, and it pays for nothing else.
    let (offer, dear) = (shop.offer(2_001), shop.offer(3_001));
    scene.pay(&offer, &agent.intent(other, &offer, 2_001)).await.refuses(world, Code::InsufficientFunds);
    scene.pay(&dear, &agent.intent(quota, &dear, 3_001)).await.refuses(world, Code::InsufficientFunds);
    scene.pay(&offer, &agent.intent(quota, &offer, 2_001)).await.is(world, Outcome::Settled);
    let account = scene.read(&person.key, "/v1/account").await.json();
    assert_eq!(minor(&account["envelopes"][0]["money"]["amount_minor"]), 999);

    scene.command(&person.revocation(quota)).await.is(world, Outcome::Recorded);
    assert_eq!(scene.balance(&person).await, 2_999);
}

#[tokio::test]
async fn a_later_version_takes_the_counters_along() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let capped = |minor| rules(Fields { total: Some(amount(minor)), ..Fields::default() });
    let first = Mandate { caps: capped(1_000), ..person.draft(Mode::Quota, &agent) };
    let before = scene.register(&person.key.sign(&first)).await;
    let offer = shop.offer(900);
    scene.pay(&offer, &agent.intent(before, &offer, 900)).await.is(world, Outcome::Settled);

    let second = Mandate {
        caps: capped(1_500),
        serial: std::num::NonZeroU32::new(2).unwrap(),
        replaces: Some(before),
        ..first.clone()
    };
    let astray = Mandate { replaces: Some(PaperId([1; 32])), ..second.clone() };
    let astray = scene.post("/v1/mandates", PAPER, &person.key.sign(&astray)).await;
    astray.refuses(world, Code::LineageBroken);
    let after = scene.register(&person.key.sign(&second)).await;

    let (too_much, rest) = (shop.offer(601), shop.offer(600));
    scene.pay(&rest, &agent.intent(before, &rest, 600)).await.refuses(world, Code::MandateSuperseded);
    scene.pay(&too_much, &agent.intent(after, &too_much, 601)).await.refuses(world, Code::RuleTotal);
    scene.pay(&rest, &agent.intent(after, &rest, 600)).await.is(world, Outcome::Settled);
    assert_eq!(status(&scene, before).await, MandateState::Superseded);
    assert_eq!(status(&scene, after).await, MandateState::Exhausted);
}

#[tokio::test]
async fn a_merchant_that_holds_a_mandate_pays_itself() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let caps = rules(Fields { total: Some(amount(1_000)), ..Fields::default() });
    let held = Mandate { caps, holder: shop.holder(), ..person.draft(Mode::Quota, &Key::new()) };
    let held = scene.register(&person.key.sign(&held)).await;
    let (first, second) = (shop.offer(700), shop.offer(301));
    let stranger = Key::new().intent(held, &first, 700);
    scene.pay(&first, &stranger).await.decides_nothing(Code::AgentMismatch);
    scene.pay(&first, &shop.intent(held, &first, 700)).await.is(world, Outcome::Settled);
    scene.pay(&second, &shop.intent(held, &second, 301)).await.refuses(world, Code::RuleTotal);
    assert_eq!(scene.balance(&person).await, 9_300);
}

async fn status(scene: &Scene, mandate: PaperId) -> MandateState {
    let answer = scene.get(&format!("/v1/mandates/{mandate}/status")).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (200, &PAPER.parse().unwrap()));
    let signed = Signed::<Status>::read(&answer.body).unwrap();
    let party = purser_protocol::flow::Parties::party(
        &scene.world.register,
        &signed.header,
        purser_protocol::cert::Role::Issuer,
        crate::papers::now(),
    );
    let crypto = purser_protocol::sign::backend::AwsLc;
    signed.verify(&crypto, crate::papers::CONTEXT, &party.unwrap().key).unwrap();
    let said = Status::decode(&mut Reader::new(signed.frame.payload)).unwrap();
    assert_eq!(said.mandate, mandate);
    said.state
}
