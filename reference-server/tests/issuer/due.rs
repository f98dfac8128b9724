//! What comes due by itself, in a sandbox where the clock can be set.

use purser_protocol::code::Code;
use purser_protocol::field::UpTo;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

use crate::log::checkpoint;
use crate::papers::{Key, id, now};
use crate::scene::Scene;

#[tokio::test]
async fn a_hold_ends_in_its_time_and_the_money_goes_back() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let offers = [shop.held_offer(4_000), shop.held_offer(3_000)];
    let [kept, taken] =
        [(&offers[0], 4_000), (&offers[1], 3_000)].map(|(offer, minor)| (offer, agent.intent(quota, offer, minor)));
    let held = scene.pay(kept.0, &kept.1).await;
    held.is(world, Outcome::Authorized);
    scene.pay(taken.0, &taken.1).await.is(world, Outcome::Authorized);
    scene.command(&shop.capture(id(&taken.1), 3_000, false)).await.is(world, Outcome::Captured);
    assert_eq!(scene.balance(&person).await, 3_000);

    scene.set_clock(now().get() + 8 * 86_400).await;
    scene.command(&shop.capture_at(id(&kept.1), 4_000, 8 * 86_400)).await.refuses(world, Code::HoldExpired);
    assert_eq!(scene.pay(kept.0, &kept.1).await.body, held.body, "what was answered stays what it was");
    let account = scene.read_at(&person.key, "/v1/account", 8 * 86_400).await.json();
    assert_eq!((&account["balances"][0]["amount_minor"], &account["holds"]), (&"7000".into(), &serde_json::json!([])));
}

#[tokio::test]
async fn a_person_who_does_not_answer_is_waited_for_in_vain_once() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let grants = vec![Fields { ask_above: UpTo::new(1_000), ..Fields::default() }];
    let asking = scene.register(&person.conditional(&agent, grants)).await;
    let offer = shop.offer(2_000);
    let intent = agent.intent(asking, &offer, 2_000);
    scene.pay(&offer, &intent).await.is(world, Outcome::Pending);

    let mut line = scene.line().await;
    let path = format!("/v1/intents/{}?wait=20", id(&intent));
    let (waited, ()) = tokio::join!(line.get(&path, None), scene.set_clock(now().get() + 601));
    assert_eq!(waited.unwrap().receipt(world).claims.outcome, Outcome::Refused);
    scene.pay(&offer, &intent).await.refuses(world, Code::ConfirmationLapsed);
    scene.command(&person.confirmation(id(&intent))).await.refuses(world, Code::ConfirmationLapsed);
}

#[tokio::test]
async fn what_comes_due_at_once_is_in_batches_whose_receipts_can_be_read() {
    const HOLDS: u64 = 520;
    let scene = Scene::new();
    let person = scene.person(HOLDS).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, HOLDS)).await;
    for _ in 0..HOLDS {
        let offer = scene.shop.held_offer(1);
        scene.pay(&offer, &agent.intent(quota, &offer, 1)).await.is(&scene.world, Outcome::Authorized);
    }
    assert_eq!(scene.balance(&person).await, 0);
    let (before, _) = checkpoint(&scene, "").await;
    scene.set_clock(now().get() + 8 * 86_400).await;
    scene.command(&person.deposit_at(1, 8 * 86_400)).await.is(&scene.world, Outcome::Recorded);
    let (after, _) = checkpoint(&scene, "").await;
    let batches = after.log_size - before.log_size;
    assert!(batches >= 3, "{HOLDS} holds ended in {batches} batches");
    let account = scene.read_at(&person.key, "/v1/account", 8 * 86_400).await.json();
    assert_eq!(account["balances"][0]["amount_minor"], (HOLDS + 1).to_string());
}
