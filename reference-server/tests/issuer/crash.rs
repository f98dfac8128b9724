//! What the program says after it was stopped, or killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST, PURSER_CREDENTIAL};
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::receipt::Outcome;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;

use crate::line::{Answer, Line};
use crate::papers::{Key, Person, id, payment};
use crate::scene::{Scene, minor};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_double_nothing() {
    const KILLS: usize = 20;
    const AGENTS: usize = 8;
    const ACKNOWLEDGED_BETWEEN_KILLS: usize = 25;
    const PRICE: u64 = 7;
    const MONEY: u64 = 10_000_000;
    let mut scene = Scene::new();
    let person = scene.person(MONEY).await;
    let mut agents = Vec::new();
    for _ in 0..AGENTS {
        let agent = Key::new();
        let quota = scene.register(&person.quota(&agent, MONEY)).await;
        agents.push((agent, quota));
    }

    let (where_now, addr) = watch::channel(scene.addr());
    let (told, mut acknowledged) = mpsc::unbounded_channel();
    let done = Arc::new(AtomicBool::new(false));
    let shop = Arc::new(crate::papers::Shop::of(&scene.sandbox));
    let mut tasks = tokio::task::JoinSet::new();
    for (agent, quota) in agents {
        let (addr, tls, told) = (addr.clone(), scene.tls(), told.clone());
        let (done, shop) = (Arc::clone(&done), Arc::clone(&shop));
        tasks.spawn(async move {
            let mut line = None;
            while !done.load(Ordering::Relaxed) {
                let offer = shop.offer(PRICE);
                let intent = agent.intent(quota, &offer, PRICE);
                let body = payment(&offer, &intent);
                let answer = insist(&mut line, &addr, &tls, &body).await;
                let _ = told.send((id(&intent), body, answer));
            }
        });
    }

    let mut answers: BTreeMap<PaperId, (Vec<u8>, Answer)> = BTreeMap::new();
    for _ in 0..KILLS {
        for _ in 0..ACKNOWLEDGED_BETWEEN_KILLS {
            let (intent, body, answer) = acknowledged.recv().await.unwrap();
            answers.insert(intent, (body, answer));
        }
        // The agents go on; at this moment some of their requests are anywhere on their way.
        scene.kill();
        scene.start();
        where_now.send(scene.addr()).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    drop(told);
    while let Some((intent, body, answer)) = acknowledged.recv().await {
        answers.insert(intent, (body, answer));
    }

    // All that was sent was insisted on, so that all of it is acknowledged, and no more than that was paid.
    assert!(answers.len() >= KILLS * ACKNOWLEDGED_BETWEEN_KILLS);
    let mut line = scene.line().await;
    for (body, answer) in answers.values() {
        answer.is(&scene.world, Outcome::Settled);
        let again = line.post("/v1/intents", PAYMENT_REQUEST, body.clone()).await.unwrap();
        assert_eq!(again.body, answer.body);
    }
    let mut paid: Vec<String> =
        scene.payments(&person).await.iter().map(|made| made["intent"].as_str().unwrap().to_owned()).collect();
    paid.sort_unstable();
    assert_eq!(paid, answers.keys().map(ToString::to_string).collect::<Vec<_>>());
    let sum = answers.len() as u64 * PRICE;
    assert_eq!(scene.balance(&person).await, MONEY - sum);
    let mandates = scene.read(&person.key, "/v1/mandates").await.json();
    let spent: u64 = mandates["mandates"].as_array().unwrap().iter().map(|of| minor(&of["spent_minor"])).sum();
    assert_eq!(spent, sum);
    eprintln!("{} payments over {KILLS} kills", answers.len());
}

/// Sends the same bytes until there is an answer to them.
async fn insist(
    line: &mut Option<Line>,
    addr: &watch::Receiver<SocketAddr>,
    tls: &TlsConnector,
    body: &[u8],
) -> Answer {
    let mut addr = addr.clone();
    loop {
        let to = *addr.borrow_and_update();
        let mut open = match line.take() {
            Some(open) => open,
            None => match Line::open(to, tls).await {
                Ok(open) => open,
                // It has been killed; the next one listens elsewhere.
                Err(_) => {
                    addr.changed().await.unwrap();
                    continue;
                }
            },
        };
        if let Ok(answer) = open.post("/v1/intents", PAYMENT_REQUEST, body.to_vec()).await {
            *line = Some(open);
            return answer;
        }
    }
}
