//! The whole check of a payment, cold: every paper from bytes to fields, the certificate's path, and the decision;
//! beside the bare verification of the same signatures, each over its message, as `aws-lc-rs` does it:
//! `cargo bench -p purser-protocol --bench payment`.

#![allow(clippy::unwrap_used, reason = "a bench that cannot build its papers has failed")]

use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use criterion::Criterion;
use purser_protocol::authorize::Decision;
use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::code::Code;
use purser_protocol::flow::Register;
use purser_protocol::flow::issuer::{Desk, PaymentRequest};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Crypto, Frame, Kind, PublicKey};
use purser_protocol::wire::Writer;
use sha2::{Digest as _, Sha256};

#[path = "../tests/ledger_support/mod.rs"]
mod ledger_support;

use ledger_support::keys::Authority;
use ledger_support::{SANDBOX, World, at, party, pseudonym};

/// A signature that was verified: key, digest, r and s.
type Noted = (PublicKey, [u8; 32], [u8; 64]);

/// Notes what is verified, so that the floor is of the very same signatures.
#[derive(Default)]
struct Notes(Mutex<Vec<Noted>>);

/// The same with the message in place of its digest.
struct Verification {
    key: UnparsedPublicKey<[u8; 65]>,
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Verification {
    /// Of the messages that there are, the one that was signed.
    fn new((key, digest, signature): Noted, messages: &[Vec<u8>]) -> Self {
        let message = messages.iter().find(|message| Sha256::digest(message)[..] == digest).unwrap().clone();
        Self { key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()), message, signature }
    }
}

/// What is signed in a payment: the `Sig_structure` of each paper, and what the certificate's issuer signed.
fn messages(body: &[u8]) -> Vec<Vec<u8>> {
    let request = PaymentRequest::read(body).unwrap();
    let mandates = request.mandates.iter().map(|bytes| (Kind::Mandate, *bytes));
    let papers = mandates.chain([(Kind::Offer, request.offer), (Kind::Intent, request.intent)]);
    let mut messages: Vec<_> = papers.map(|(kind, bytes)| sig_structure(kind, &Frame::read(bytes).unwrap())).collect();
    // A certificate is a sequence, and so is the first thing in it: each of a length in two bytes.
    let certificate = &Authority::shared().party("shop.example").der;
    let signed = &certificate[4..];
    messages.push(signed[..4 + usize::from(u16::from_be_bytes([signed[2], signed[3]]))].to_vec());
    messages
}

fn sig_structure(kind: Kind, frame: &Frame<'_>) -> Vec<u8> {
    let (mut aad, mut whole) = (Writer::new(), Writer::new());
    aad.list(2);
    aad.text(&format!("{}/1", kind.typ()));
    aad.text(SANDBOX.network);
    whole.list(4);
    whole.text("Signature1");
    whole.bytes(frame.protected);
    whole.bytes(&aad.into_bytes());
    whole.bytes(frame.payload);
    whole.into_bytes()
}

impl Crypto for Notes {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        // A signature of zeros only asks whether the key is on the curve.
        if *signature != [0; 64] {
            self.0.lock().unwrap().push((*key, *digest, *signature));
        }
        AwsLc.verify(key, digest, signature)
    }
}

/// Payments under a chain of so many mandates, all of which travel with each.
struct Payments {
    world: World,
    /// Of each its body, and the signatures in it. They differ: what is verified again and again is learnt by the
    /// processor, and no issuer verifies one payment again and again.
    each: Vec<(Vec<u8>, Vec<Verification>)>,
    register: Register,
    links: usize,
}

/// So many that their signatures leave nothing to learn.
const PAYMENTS: usize = 64;

impl Payments {
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
        let bodies: Vec<Vec<u8>> = (0..PAYMENTS)
            .map(|_| {
                let offer = world.offer("shop.example", 1_280);
                let mut papers = world.papers(holders[links], parent.unwrap(), "shop.example", &offer);
                papers.mandates = chain.clone();
                papers.body()
            })
            .collect();
        let mut payments = Self { world, each: Vec::new(), register: register(&AwsLc), links };
        let notes: &'static Notes = Box::leak(Box::default());
        for body in bodies {
            payments.check_with(&body, notes, &register(notes));
            let signatures = std::mem::take(&mut *notes.0.lock().unwrap());
            // No program can save any of these: each paper's, and the certificate's.
            assert_eq!(signatures.len(), payments.signatures());
            let messages = messages(&body);
            let signatures = signatures.into_iter().map(|noted| Verification::new(noted, &messages)).collect();
            payments.each.push((body, signatures));
        }
        payments
    }

    /// Of one payment.
    fn signatures(&self) -> usize {
        self.links + 3
    }

    fn check(&self, payment: usize) {
        self.check_with(&self.each[payment % PAYMENTS].0, &AwsLc, &self.register);
    }

    /// The floor.
    fn bare(&self, payment: usize) {
        for signed in &self.each[payment % PAYMENTS].1 {
            black_box(&signed.key).verify(&signed.message, &signed.signature).unwrap();
        }
    }

    fn check_with(&self, body: &[u8], crypto: &dyn Crypto, parties: &Register) {
        let request = PaymentRequest::read(body).unwrap();
        let issuer = party("issuer.example");
        let desk = Desk { issuer: &issuer, context: SANDBOX, crypto, parties, now: at(self.world.now) };
        let state = self.world.state();
        let account_of = |mandate: &_| state.mandates.get(mandate).map(|record| record.mandate.account);
        let opened = desk.open_payment(&request, state, pseudonym, account_of).unwrap();
        let decision = self.world.decision(&opened.order).unwrap();
        assert!(matches!(black_box(decision), Decision::Grant { .. }));
    }

    fn decide(&self) -> impl Fn() {
        let request = PaymentRequest::read(&self.each[0].0).unwrap();
        let state = self.world.state();
        let account_of = |mandate: &_| state.mandates.get(mandate).map(|record| record.mandate.account);
        let opened = self.world.desk(|desk, state| desk.open_payment(&request, state, pseudonym, account_of)).unwrap();
        move || drop(black_box(self.world.decision(&opened.order)))
    }
}

fn register(crypto: &'static dyn Crypto) -> Register {
    let mut trust = TrustAnchors::new(crypto);
    trust.add(&Authority::shared().anchor, &[Role::Merchant], &[]).unwrap();
    Register::new(trust)
}

fn main() {
    let payments = [Payments::new(1), Payments::new(3)];
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    for some in &payments {
        let (links, count) = (some.links, some.signatures());
        criterion
            .bench_function(&format!("{count} bare signatures"), |bench| bench.iter(turns(|turn| some.bare(turn))));
        criterion.bench_function(&format!("authorize, chain of {links}"), |bench| bench.iter(some.decide()));
        criterion.bench_function(&format!("cold check, chain of {links}"), |bench| {
            bench.iter(turns(|turn| some.check(turn)))
        });
    }
    criterion.final_summary();
    // `cargo test` runs each bench once, to see that it runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 2_000 } else { 1 };
    for some in &payments {
        let (links, count, ratio) = (some.links, some.signatures(), ratio(some, rounds));
        println!(
            "chain of {links}: {ratio:.3} times its {count} bare signatures ({rounds} rounds, turn about, medians)"
        );
    }
}

/// The cold check in times of its bare signatures: medians, so that what else runs on the machine does not decide.
fn ratio(payments: &Payments, rounds: usize) -> f64 {
    let (mut whole, mut floor) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds {
        let start = Instant::now();
        payments.check(round);
        let middle = Instant::now();
        payments.bare(round + PAYMENTS / 2);
        whole.push(middle - start);
        floor.push(middle.elapsed());
    }
    median(whole).as_secs_f64() / median(floor).as_secs_f64()
}

/// One payment after the other.
fn turns(work: impl Fn(usize)) -> impl FnMut() {
    let mut turn = 0;
    move || {
        work(turn);
        turn += 1;
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    let middle = times.len() / 2;
    *times.select_nth_unstable(middle).1
}
