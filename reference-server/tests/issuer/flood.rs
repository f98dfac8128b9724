//! One agent that sends too much, and the end of the server under those who wait.

use std::fs;

use purser_protocol::code::Code;
use purser_protocol::field::UpTo;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

use purser_protocol::bind::http::PAYMENT_REQUEST;
use tokio::net::{TcpSocket, TcpStream};

use crate::papers::{Key, id, payment};
use crate::scene::{Scene, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flood_of_one_agent_is_nobody_elses() {
    let mut scene = Scene::new();
    scene.stop();
    let config = scene.sandbox.path("issuer.toml");
    let settings = fs::read_to_string(&config).unwrap();
    let limited = settings.replace("[issuer]\n", "[issuer]\nagent_requests = 3\nagent_seconds = 3600\n");
    assert_ne!(limited, settings);
    fs::write(&config, limited).unwrap();
    scene.start();

    let person = scene.person(100_000).await;
    let (busy, quiet) = (Key::new(), Key::new());
    let quotas =
        [scene.register(&person.quota(&busy, 50_000)).await, scene.register(&person.quota(&quiet, 50_000)).await];
    let offer = scene.shop.offer(100);
    // What somebody else signed in an agent's name is not counted against the agent.
    for _ in 0..5 {
        let mut forged = busy.intent(quotas[0], &offer, 100);
        *forged.last_mut().unwrap() ^= 1;
        scene.pay(&offer, &forged).await.decides_nothing(Code::SignatureInvalid);
    }
    let first = busy.intent(quotas[0], &offer, 100);
    scene.pay(&offer, &first).await.is(&scene.world, Outcome::Settled);
    // What is sent again counts, and so does what is refused.
    scene.pay(&offer, &first).await.is(&scene.world, Outcome::Settled);
    scene.pay(&offer, &busy.intent(quotas[0], &offer, 100)).await.refuses(&scene.world, Code::OfferPaid);
    let another = scene.shop.offer(100);
    let flooded = scene.pay(&another, &busy.intent(quotas[0], &another, 100)).await;
    flooded.decides_nothing(Code::RateLimited); // [HTB-27]
    let seconds: u64 = flooded.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1_200).contains(&seconds), "a third of an hour brings one back: {seconds}");

    scene.pay(&another, &quiet.intent(quotas[1], &another, 100)).await.is(&scene.world, Outcome::Settled);
    scene.command(&person.revocation(quotas[0])).await.is(&scene.world, Outcome::Recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_outcome_is_answered_when_the_server_stops() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let offer = scene.shop.offer(100);
    let grants = vec![Fields { ask_above: UpTo::new(1), ..Fields::default() }];
    let asking = scene.register(&person.conditional(&agent, grants)).await;
    let intent = agent.intent(asking, &offer, 100);
    assert_eq!(scene.pay(&offer, &intent).await.status, 202);
    let mut line = scene.line().await;
    let path = format!("/v1/intents/{}?wait=20", id(&intent));
    let waiting = tokio::spawn(async move { within(line.get(&path, None)).await });
    // It waits once it is in flight beside the question whether it is.
    while !scene.get("/metrics").await.holds("\npurser_http_in_flight 2\n") {
        tokio::task::yield_now().await;
    }
    scene.stop();
    assert_eq!(waiting.await.unwrap().unwrap().status, 202);
}

/// Connections from one address that say nothing: as many as the test may open, at most ten thousand.
async fn silent_crowd(scene: &Scene) -> Vec<TcpStream> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let files: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    let most = files.saturating_sub(500).min(10_000);
    println!("{most} connections");
    let mut crowd = Vec::new();
    for _ in 0..most {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        // A full backlog may refuse one; that is the system's way to bound them.
        crowd.extend(socket.connect(scene.addr()).await);
    }
    crowd
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_are_held_off_and_the_others_served() {
    let scene = Scene::new();
    let person = scene.person(100_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 50_000)).await;
    let before = scene.memory_kib();
    let crowd = silent_crowd(&scene).await;

    // Opened now: one that had waited for the crowd might have been idle for too long.
    let mut line = scene.line().await;
    for _ in 0..100 {
        let offer = scene.shop.offer(100);
        let body = payment(&offer, &agent.intent(quota, &offer, 100));
        within(line.post("/v1/intents", PAYMENT_REQUEST, body)).await.unwrap().is(&scene.world, Outcome::Settled);
    }
    // A newcomer too: the crowd has its share of the seats and no more.
    scene.command(&person.revocation(quota)).await.is(&scene.world, Outcome::Recorded);
    assert_eq!(scene.get(&format!("/v1/mandates/{quota}/status")).await.status, 200);
    assert_eq!(scene.balance(&person).await, 90_000);
    // 256 seats for the crowd, at some tens of KiB each while a handshake is waited for.
    let grown = scene.memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1_024, "{grown} KiB for {} connections", crowd.len());
}
