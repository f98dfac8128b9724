//! Many at once.

use std::collections::HashSet;
use std::sync::Arc;

use purser_protocol::bind::http::PAYMENT_REQUEST;
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::receipt::Outcome;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::line::Answer;
use crate::papers::{Key, id, payment};
use crate::scene::{Scene, minor};

const TASKS: usize = 64;

/// Sends each list of bodies on a connection of its own, all connections at once.
async fn at_once(scene: &Scene, bodies: Vec<Vec<Vec<u8>>>) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(bodies.len()));
    let mut tasks = JoinSet::new();
    for bodies in bodies {
        let (mut line, start) = (scene.line().await, Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let mut answers = Vec::new();
            for body in bodies {
                answers.push(line.post("/v1/intents", PAYMENT_REQUEST, body).await.unwrap());
            }
            answers
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_spend_one_quota_to_its_end() {
    const PRICE: u64 = 30;
    const EACH: u64 = 3;
    // Not all can be paid, and the last that fits fits exactly.
    const QUOTA: u64 = 100 * PRICE;
    let scene = Scene::new();
    let person = scene.person(100_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, QUOTA)).await;
    let body = || {
        let offer = scene.shop.offer(PRICE);
        payment(&offer, &agent.intent(quota, &offer, PRICE))
    };
    let bodies = (0..TASKS).map(|_| (0..EACH).map(|_| body()).collect()).collect();

    let answers = at_once(&scene, bodies).await;
    let (paid, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.receipt(&scene.world).claims.outcome == Outcome::Settled);
    refused.iter().for_each(|answer| {
        answer.refuses(&scene.world, Code::RuleTotal);
    });
    assert_eq!((paid.len(), refused.len()), (100, TASKS * EACH as usize - 100));
    assert_eq!(scene.balance(&person).await, 100_000 - QUOTA);
    assert_eq!(minor(&scene.mandate(&person, quota).await["spent_minor"]), QUOTA);
    assert_eq!(scene.payments(&person).await.len(), 100);

    // One signature served several: the tree of a batch has more than one leaf.
    let sizes = answers.iter().map(|answer| answer.receipt(&scene.world).root.tree_size.get()).collect::<HashSet<_>>();
    assert!(sizes.iter().any(|size| *size > 1), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_intent_sent_sixty_four_times_at_once_is_one_payment() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let offer = scene.shop.offer(1_280);
    let intent = agent.intent(quota, &offer, 1_280);

    let answers = at_once(&scene, vec![vec![payment(&offer, &intent)]; TASKS]).await;
    answers[0].is(&scene.world, Outcome::Settled);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(scene.balance(&person).await, 10_000 - 1_280);
    let [made] = &scene.payments(&person).await[..] else { panic!("one payment") };
    assert_eq!(made["intent"], id(&intent).to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_intents_for_one_offer_are_one_payment() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let offer = scene.shop.offer(100);
    let bodies = (0..TASKS).map(|_| vec![payment(&offer, &agent.intent(quota, &offer, 100))]).collect();

    let answers = at_once(&scene, bodies).await;
    let paid = answers.iter().filter(|answer| answer.receipt(&scene.world).claims.outcome == Outcome::Settled).count();
    assert_eq!(paid, 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| {
        answer.refuses(&scene.world, Code::OfferPaid);
    });
    assert_eq!(scene.balance(&person).await, 9_900);
}

/// Each brings the mandate that it is made under, so that handlers want the ledger, and the writer that publishes what
/// it learnt wants the keys: nobody may have one of the two and wait for the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_that_bring_their_mandates_are_all_answered() {
    const EACH: usize = 8;
    let scene = Scene::new();
    let person = scene.person(100_000).await;
    let body = || {
        let (agent, offer) = (Key::new(), scene.shop.offer(10));
        let mandate = person.single(&agent, &offer);
        let intent = agent.intent(id(&mandate), &offer, 10);
        PaymentRequest { mandates: vec![&mandate], offer: &offer, intent: &intent, confirmation: None }.write()
    };
    let bodies = (0..TASKS).map(|_| (0..EACH).map(|_| body()).collect()).collect();

    for answer in at_once(&scene, bodies).await {
        answer.is(&scene.world, Outcome::Settled);
    }
    assert_eq!(scene.balance(&person).await, 100_000 - 10 * (TASKS * EACH) as u64);
}
