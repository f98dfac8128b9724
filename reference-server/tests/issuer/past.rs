//! Payments that hold nothing any more are in the store and not in memory; and nothing is forgotten.

use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use purser_protocol::code::Code;
use purser_protocol::field::{List, True};
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::{Fields, PeriodTotal};
use purser_protocol::period::{Period, RollingSeconds};
use purser_protocol::receipt::Outcome;
use serde_json::Value;

use crate::audit::audit;
use crate::papers::{Key, amount, id, now, rules};
use crate::scene::Scene;

/// How many things the state holds, as its snapshot has it.
fn size(config: &Path) -> u64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_purser-server"));
    let done = program.args(["snapshot", "--config"]).arg(config).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    said["objects"].as_u64().unwrap()
}

/// Payments of every end: settled, captured, voided, refunded, refused, and cancelled.
async fn pay(scene: &Scene, agent: &Key, quota: PaperId, times: usize) {
    let (world, shop) = (&scene.world, &scene.shop);
    for _ in 0..times {
        let offer = shop.offer(10);
        let intent = agent.intent(quota, &offer, 10);
        scene.pay(&offer, &intent).await.is(world, Outcome::Settled);
        scene.command(&shop.refund(id(&intent), 4)).await.is(world, Outcome::Refunded);
        for captured in [true, false] {
            let offer = shop.held_offer(10);
            let intent = agent.intent(quota, &offer, 10);
            scene.pay(&offer, &intent).await.is(world, Outcome::Authorized);
            let end = if captured { shop.capture(id(&intent), 3, true) } else { shop.void(id(&intent)) };
            let outcome = if captured { Outcome::Captured } else { Outcome::Voided };
            scene.command(&end).await.is(world, outcome);
        }
        let offer = shop.offer(1_000_000);
        scene.pay(&offer, &agent.intent(quota, &offer, 1_000_000)).await.refuses(world, Code::RuleTotal);
        let offer = shop.offer(10);
        scene.command(&agent.cancel(&agent.intent(quota, &offer, 10))).await.is(world, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn the_state_does_not_grow_with_payments_that_are_over() {
    let mut sizes = Vec::new();
    for times in [1, 20] {
        let scene = Scene::new();
        let person = scene.person(100_000).await;
        let agent = Key::new();
        let quota = scene.register(&person.quota(&agent, 50_000)).await;
        let config = scene.sandbox.path("issuer.toml");
        pay(&scene, &agent, quota, times).await;
        // An offer that may still be open is remembered as taken; then it is not.
        let before = size(&config);
        scene.set_clock(now().get() + 3_700).await;
        scene.command(&person.deposit_at(1, 3_700)).await.is(&scene.world, Outcome::Recorded);
        let after = size(&config);
        assert!(before > after, "{before} and then {after}");
        assert_eq!(audit(&scene, &[]).status, 0);
        sizes.push(after);
    }
    assert_eq!(sizes[0], sizes[1], "more payments, more objects");
}

#[tokio::test]
async fn what_is_in_the_store_alone_is_known_as_before() {
    let mut scene = Scene::new();
    let person = scene.person(100_000).await;
    let agent = Key::new();
    let draft = Mandate {
        refund_returns: Some(True),
        caps: rules(Fields { total: Some(amount(5_000)), ..Fields::default() }),
        ..person.draft(Mode::Quota, &agent)
    };
    let paper = person.key.sign(&draft);
    let quota = scene.register(&paper).await;
    let offers = [scene.shop.offer(1_000), scene.shop.held_offer(900), scene.shop.offer(700), scene.shop.offer(50)];
    let intent = |place: usize, minor| agent.intent(quota, &offers[place], minor);
    let (settled, held, back, off) = (intent(0, 1_000), intent(1, 900), intent(2, 700), intent(3, 50));
    let mut given = Vec::new();
    for (offer, intent) in [(&offers[0], &settled), (&offers[1], &held), (&offers[2], &back)] {
        given.push(scene.pay(offer, intent).await.body);
    }
    scene.command(&scene.shop.capture(id(&held), 900, true)).await.is(&scene.world, Outcome::Captured);
    scene.command(&agent.cancel(&off)).await.is(&scene.world, Outcome::Cancelled);
    let refund = scene.shop.refund(id(&back), 300);
    let refunded = scene.command(&refund).await.body;
    for start in 0..2 {
        // The second time from a snapshot.
        if start == 1 {
            size(&scene.sandbox.path("issuer.toml"));
        }
        scene.kill();
        scene.start();
        let (world, shop) = (&scene.world, &scene.shop);
        let intents = [(&offers[0], &settled), (&offers[1], &held), (&offers[2], &back)];
        for ((offer, intent), given) in intents.into_iter().zip(&given) {
            assert_eq!(&scene.pay(offer, intent).await.body, given);
        }
        assert_eq!(scene.command(&refund).await.body, refunded);
        assert_eq!(scene.pay(&offers[3], &off).await.receipt(world).claims.outcome, Outcome::Cancelled);
        // One payment for an offer; a capture of what is over; more back than is there.
        let second = Key::new();
        let other = scene.register(&person.quota(&second, 5_000)).await;
        let taken = second.intent(other, &offers[0], 1_000);
        scene.pay(&offers[0], &taken).await.refuses(world, Code::OfferPaid);
        scene.command(&shop.capture(id(&held), 1, false)).await.refuses(world, Code::PaymentCaptured);
        scene.command(&shop.void(id(&off))).await.refuses(world, Code::PaymentRefused);
        scene.command(&shop.refund(id(&back), 401)).await.refuses(world, Code::RefundExceedsCapture);
    }
    scene.command(&scene.shop.refund(id(&back), 400)).await.is(&scene.world, Outcome::Refunded);
    scene.command(&scene.shop.refund(id(&back), 1)).await.refuses(&scene.world, Code::RefundExceedsCapture);
    assert_eq!(scene.payments(&person).await.len(), 3);
    assert_eq!(scene.mandate(&person, quota).await["spent_minor"], "1900");

    // A counter that begins with the second version counts what was paid before. [MAN-25]
    let hour = Period::Rolling(RollingSeconds::new(3_600).unwrap());
    let per = List::new(vec![PeriodTotal { amount: amount(2_000), period: hour }]);
    let next = Mandate {
        serial: NonZeroU32::new(2).unwrap(),
        replaces: Some(quota),
        caps: rules(Fields { total: Some(amount(5_000)), total_per: per, ..Fields::default() }),
        ..draft
    };
    let next = scene.register(&person.key.sign(&next)).await;
    let beyond = scene.shop.offer(101);
    scene.pay(&beyond, &agent.intent(next, &beyond, 101)).await.refuses(&scene.world, Code::RuleTotalPeriod);
    let fits = scene.shop.offer(100);
    scene.pay(&fits, &agent.intent(next, &fits, 100)).await.is(&scene.world, Outcome::Settled);
    assert_eq!(audit(&scene, &[]).status, 0);
}
