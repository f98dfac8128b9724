//! How long a wallet waits for its lists when an account has had very many payments. This is measured, not judged:
//!
//!     cargo test -p purser-server --test issuer -- --ignored --nocapture a_hundred_thousand_records
//!
//! `PURSER_RECORDS` says how many payments; it takes some minutes to make them.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use purser_protocol::bind::http::{BATCH, PAYMENT_REQUEST};
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

use crate::papers::{Key, amount, payment, rules};
use crate::scene::{Scene, within};

const AGENTS: usize = 20;
const LINES: usize = 24;
const TIMES: usize = 9;

/// What the views of the page read.
const LISTS: [&str; 14] = [
    "/v1/account",
    "/v1/pending",
    "/v1/wallet/keys",
    "/v1/wallet/statement",
    "/v1/wallet/agents",
    "/v1/wallet/mandates?limit=1000",
    "/v1/wallet/records?newest=1&limit=50",
    "/v1/wallet/records?newest=1&limit=50&after=50000",
    "/v1/wallet/records?newest=1&limit=50&merchant=shop.example&kind=payment",
    "/v1/wallet/sessions",
    "/v1/wallet/spending?by=agent",
    "/v1/wallet/spending?by=merchant",
    "/v1/wallet/spending?by=category",
    "/v1/wallet/spending?by=day&zone=Asia/Shanghai",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it fills a store for some minutes, and prints how long lists take"]
async fn a_hundred_thousand_records() {
    let wanted: usize = std::env::var("PURSER_RECORDS").ok().map_or(100_000, |count| count.parse().unwrap());
    let mut scene = Scene::new();
    scene.stop();
    let mut settings = fs::OpenOptions::new().append(true).open(scene.sandbox.path("issuer.toml")).unwrap();
    writeln!(settings, "agent_requests = 0").unwrap();
    scene.start();
    let person = scene.person(1_000_000_000).await;
    let mut holders = Vec::new();
    for _ in 0..AGENTS {
        let agent = Key::new();
        holders.push((scene.register(&person.quota(&agent, 40_000_000)).await, agent));
    }
    let (scene, holders, made) = (Arc::new(scene), Arc::new(holders), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let pays = (0..LINES).map(|_| {
        let (scene, holders, made) = (Arc::clone(&scene), Arc::clone(&holders), Arc::clone(&made));
        tokio::spawn(async move {
            let mut line = scene.line().await;
            loop {
                let number = made.fetch_add(1, Ordering::Relaxed);
                if number >= wanted {
                    return;
                }
                let (quota, agent) = &holders[number % AGENTS];
                let offer = scene.shop.offer(100);
                let request = payment(&offer, &agent.intent(*quota, &offer, 100));
                let answer = within(line.post("/v1/intents", PAYMENT_REQUEST, request)).await.unwrap();
                assert_eq!(answer.status, 200, "{number}");
            }
        })
    });
    for pay in pays.collect::<Vec<_>>() {
        pay.await.unwrap();
    }
    eprintln!("{wanted} payments in {:.0} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    assert_eq!(scene.read(&person.key, "/v1/wallet/records?limit=1").await.status, 200);
    eprintln!("{:>8.1} ms  the first read, with the view brought up", began.elapsed().as_secs_f64() * 1e3);

    for path in LISTS {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            let answer = scene.read(&person.key, path).await;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            assert_eq!(answer.status, 200, "{path}");
        }
        times.sort_by(f64::total_cmp);
        eprintln!("{:>8.1} ms, at most {:>8.1} ms  {path}", times[TIMES / 2], times[TIMES - 1]);
    }

    // Page by page every record comes once.
    let (mut seen, mut after, mut pages) = (HashSet::new(), 0, 0);
    let began = Instant::now();
    loop {
        let page = scene.read(&person.key, &format!("/v1/wallet/records?limit=1000&after={after}")).await.json();
        pages += 1;
        for record in page["records"].as_array().unwrap() {
            assert!(seen.insert(record["number"].as_u64().unwrap()), "a record comes once");
        }
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), wanted + 2 + AGENTS);
    eprintln!("{pages} pages of a thousand in {:.1} s", began.elapsed().as_secs_f64());

    // A thousand mandates, with one signature.
    let agent = Key::new();
    let mandates: Vec<Mandate> = (0..1_000).map(|_| person.quota_draft(&agent, 100)).collect();
    let parts: Vec<_> = mandates.iter().map(|mandate| person.key.part(mandate)).collect();
    let batch = person.batch(&parts);
    let began = Instant::now();
    scene.post("/v1/batches", BATCH, &batch).await.is(&scene.world, Outcome::Recorded);
    eprintln!("{:>8.1} ms  a batch that registers 1,000 mandates", began.elapsed().as_secs_f64() * 1e3);
    let replaced = mandates.iter().zip(&parts).map(|(mandate, (before, _))| {
        let caps = rules(Fields { total: Some(amount(90)), ..Fields::default() });
        let serial = mandate.serial.checked_add(1).unwrap();
        person.key.part(&Mandate { caps, serial, replaces: Some(*before), ..mandate.clone() })
    });
    let batch = person.batch(&replaced.collect::<Vec<_>>());
    let began = Instant::now();
    scene.post("/v1/batches", BATCH, &batch).await.is(&scene.world, Outcome::Recorded);
    eprintln!("{:>8.1} ms  a batch that re-limits 1,000 mandates", began.elapsed().as_secs_f64() * 1e3);
}
