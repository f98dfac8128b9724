//! The whole check of a payment, cold: every paper from bytes to fields, the certificate's path, and the decision;
//! beside as many bare signatures: `cargo bench -p purser-protocol --bench payment`.

#![allow(clippy::unwrap_used, reason = "a bench that cannot build its papers has failed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use purser_protocol::authorize::Decision;
use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::flow::Register;
use purser_protocol::flow::issuer::{Desk, PaymentRequest};
use purser_protocol::sign::Crypto;
use purser_protocol::sign::backend::AwsLc;

#[path = "../tests/ledger_support/mod.rs"]
mod ledger_support;

use ledger_support::keys::{Authority, key};
use ledger_support::{SANDBOX, World, at, party, pseudonym};

/// A payment under a chain of so many mandates, all of which travel with it.
struct Payment {
    world: World,
    body: Vec<u8>,
    register: Register,
    links: usize,
}

impl Payment {
    fn new(links: usize) -> Self {
        let mut world = World::real();
        world.account("person");
        world.deposit("person", 1_000_000);
        let holders = ["person", "agent", "helper", "second helper"];
        let (mut parent, mut chain) = (None, Vec::new());
        for link in 0..links {
            let mut mandate = world.quota("person", holders[link + 1], 100_000);
            mandate.parent = parent;
            let sealed = world.sign(&mandate, holders[link]);
            world.send(&sealed.bytes);
            parent = Some(sealed.id);
            chain.push(sealed.bytes);
        }
        let offer = world.offer("shop.example", 1_280);
        let mut papers = world.papers(holders[links], parent.unwrap(), "shop.example", &offer);
        papers.mandates = chain;
        let mut trust = TrustAnchors::new(&AwsLc);
        trust.add(&Authority::shared().anchor, &[Role::Merchant], &[]).unwrap();
        Self { body: papers.body(), world, register: Register::new(trust), links }
    }

    /// Signatures that no program can save: each paper's, and the certificate's.
    fn signatures(&self) -> usize {
        self.links + 3
    }

    fn check(&self) {
        let request = PaymentRequest::read(&self.body).unwrap();
        let issuer = party("issuer.example");
        let desk = Desk {
            issuer: &issuer,
            context: SANDBOX,
            crypto: &AwsLc,
            parties: &self.register,
            now: at(self.world.now),
        };
        let state = self.world.state();
        let account_of = |mandate: &_| state.mandates.get(mandate).map(|record| record.mandate.account);
        let opened = desk.open_payment(&request, state, pseudonym, account_of).unwrap();
        let decision = self.world.decision(&opened.order).unwrap();
        assert!(matches!(black_box(decision), Decision::Grant { .. }));
    }

    fn decide(&self) -> impl Fn() {
        let request = PaymentRequest::read(&self.body).unwrap();
        let state = self.world.state();
        let account_of = |mandate: &_| state.mandates.get(mandate).map(|record| record.mandate.account);
        let opened = self.world.desk(|desk, state| desk.open_payment(&request, state, pseudonym, account_of)).unwrap();
        move || drop(black_box(self.world.decision(&opened.order)))
    }
}

/// One signature over a digest at hand.
fn bare() -> impl Fn() {
    let key = key("person", true);
    let digest = [7; 32];
    let signature = key.signer.sign(&digest).unwrap();
    move || AwsLc.verify(black_box(&key.public), &digest, &signature).unwrap()
}

fn main() {
    let bare = bare();
    let payments = [Payment::new(1), Payment::new(3)];
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    criterion.bench_function("bare signature", |bench| bench.iter(&bare));
    for payment in &payments {
        let links = payment.links;
        criterion.bench_function(&format!("authorize, chain of {links}"), |bench| bench.iter(payment.decide()));
        criterion.bench_function(&format!("cold check, chain of {links}"), |bench| bench.iter(|| payment.check()));
    }
    criterion.final_summary();
    // `cargo test` runs each bench once, to see that it runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 2_000 } else { 1 };
    for payment in &payments {
        let (signatures, ratio) = (payment.signatures(), ratio(payment, &bare, rounds));
        println!(
            "chain of {}: {ratio:.3} times {signatures} bare signatures ({rounds} rounds, turn about)",
            payment.links
        );
    }
}

/// The cold check in times of its bare signatures.
fn ratio(payment: &Payment, bare: &impl Fn(), rounds: u32) -> f64 {
    let (mut whole, mut floor) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let start = Instant::now();
        payment.check();
        let middle = Instant::now();
        (0..payment.signatures()).for_each(|_| bare());
        whole += middle - start;
        floor += middle.elapsed();
    }
    whole.as_secs_f64() / floor.as_secs_f64()
}
