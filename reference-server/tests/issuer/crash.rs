//! What the program says after it was stopped, or killed.

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST, PURSER_CREDENTIAL};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use crate::papers::{Key, Person, id, payment};
use crate::scene::Scene;

#[tokio::test]
async fn a_restart_changes_no_answer() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let mandate = person.quota(&agent, 4_500);
    let enrolment = Person::enrolment(&Key::new());
    let (offer, beyond) = (scene.shop.held_offer(4_000), scene.shop.offer(501));
    let (intent, refused) = (agent.intent(id(&mandate), &offer, 4_000), agent.intent(id(&mandate), &beyond, 501));
    let capture = scene.shop.capture(id(&intent), 1_000, false);
    let papers = [
        ("/v1/accounts", PAPER, enrolment),
        ("/v1/mandates", PAPER, mandate.clone()),
        ("/v1/intents", PAYMENT_REQUEST, payment(&offer, &intent)),
        ("/v1/intents", PAYMENT_REQUEST, payment(&beyond, &refused)),
        ("/v1/commands", PAPER, capture),
        ("/v1/commands", PAPER, scene.shop.capture(id(&intent), 3_001, false)),
        ("/v1/commands", PAPER, person.revocation(id(&mandate))),
    ];
    let mut before = Vec::new();
    for (path, media, paper) in &papers {
        before.push(scene.post(path, media, paper).await);
    }
    assert!(before[0].headers.contains_key(PURSER_CREDENTIAL));
    before[2].is(&scene.world, Outcome::Authorized);
    before[3].refuses(&scene.world, Code::RuleTotal);
    let balance = scene.balance(&person).await;

    for kill in [false, true] {
        if kill {
            scene.kill()
        } else {
            scene.stop()
        }
        scene.start();
        for ((path, media, paper), before) in papers.iter().zip(&before) {
            let again = scene.post(path, media, paper).await;
            assert_eq!((again.status, &again.body), (before.status, &before.body), "{path}");
            assert_eq!(again.headers.get(PURSER_CREDENTIAL), before.headers.get(PURSER_CREDENTIAL));
        }
        assert_eq!(scene.balance(&person).await, balance);
    }
}

#[tokio::test]
async fn no_answer_changes_with_time_or_with_the_mandate() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 4_500)).await;
    let offer = scene.shop.offer(1_000);
    let intent = agent.intent(quota, &offer, 1_000);
    let paid = scene.pay(&offer, &intent).await;
    paid.is(&scene.world, Outcome::Settled);

    scene.command(&person.revocation(quota)).await.is(&scene.world, Outcome::Recorded);
    assert_eq!(scene.pay(&offer, &intent).await.body, paid.body);
    scene.set_clock(crate::papers::now().get() + 7 * 86_400).await;
    assert_eq!(scene.pay(&offer, &intent).await.body, paid.body);
    // Its twin, that nobody has decided, is too late.
    let late = agent.intent(quota, &offer, 1_000);
    assert_eq!(scene.pay(&offer, &late).await.receipt(&scene.world).claims.outcome, Outcome::Refused);
}
