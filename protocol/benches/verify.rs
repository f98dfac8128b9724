//! Reading and verifying a paper, beside the bare signature: `cargo bench -p purser-protocol`.
//!
//! At the end the same work is timed once more, turn about with the bare signature, and the ratio of the two printed:
//! what a paper costs beyond what no program can save.

#![allow(clippy::unwrap_used, reason = "a bench that cannot build its papers has failed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use purser_protocol::sign::backend::{AwsLc, Portable};
use purser_protocol::sign::paper::to_be_signed;
use purser_protocol::sign::{Crypto, Frame, Kind, PublicKey, Signed};

#[path = "../tests/support/keys.rs"]
mod keys;
#[path = "../tests/support/samples.rs"]
mod samples;

use keys::{NETWORK, judge_with, key, signed, signer_of};
use samples::{Sample, for_each_kind};

const BACKENDS: [(&str, &dyn Crypto); 2] = [("p256", &Portable), ("aws-lc-rs", &AwsLc)];

/// A kind's first sample, and the work on it.
struct Case {
    kind: Kind,
    bytes: Vec<u8>,
    key: PublicKey,
    read: fn(&[u8]),
    open: fn(&Case, &dyn Crypto),
}

impl Case {
    fn of<T: Sample>() -> Self {
        Self {
            kind: T::KIND,
            bytes: signed(&T::samples()[0]),
            key: key(signer_of(T::KIND)),
            read: |bytes| {
                black_box(Signed::<T>::read(bytes).unwrap());
            },
            open: |case, crypto| drop(black_box(judge_with::<T>(&case.bytes, crypto, &case.key).unwrap())),
        }
    }

    /// The signature alone, its digest at hand.
    fn bare(&self) -> impl Fn(&dyn Crypto) {
        let frame = Frame::read(&self.bytes).unwrap();
        let digest = to_be_signed(self.kind, NETWORK, frame.protected, frame.payload);
        let (key, signature) = (self.key, *frame.signature);
        move |crypto| crypto.verify(black_box(&key), &digest, &signature).unwrap()
    }
}

fn main() {
    let cases = for_each_kind!(case);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    for case in &cases {
        let id = format!("read/{}", case.kind.typ());
        criterion.bench_function(&id, |bench| bench.iter(|| (case.read)(black_box(&case.bytes))));
    }
    for (backend, crypto) in BACKENDS {
        let bare = cases[0].bare();
        criterion.bench_function(&format!("{backend}/bare signature"), |bench| bench.iter(|| bare(crypto)));
        for case in &cases {
            let id = format!("{backend}/{}", case.kind.typ());
            criterion.bench_function(&id, |bench| bench.iter(|| (case.open)(case, crypto)));
        }
    }
    criterion.final_summary();
    // `cargo test` runs each bench once, to see that it runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 500 } else { 1 };
    ratios(&cases, rounds);
}

fn case<T: Sample>() -> Case {
    Case::of::<T>()
}

fn ratios(cases: &[Case], rounds: usize) {
    println!("a paper from bytes to fields, in times of its bare signature ({rounds} rounds, turn about):");
    for (backend, crypto) in BACKENDS {
        let of = |case: &Case| (case.kind.typ(), ratio(case, crypto, rounds));
        let mut all: Vec<_> = cases.iter().map(of).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [(least, low), .., (most, high)] = all.as_slice() else { return };
        println!("{backend}: {low:.3} ({least}) to {high:.3} ({most})");
    }
}

fn ratio(case: &Case, crypto: &dyn Crypto, rounds: usize) -> f64 {
    let bare = case.bare();
    let (mut papers, mut signatures) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let start = Instant::now();
        (case.open)(case, crypto);
        let middle = Instant::now();
        bare(crypto);
        papers.push(middle - start);
        signatures.push(middle.elapsed());
    }
    median(papers).as_secs_f64() / median(signatures).as_secs_f64()
}

/// What else runs on the machine makes a few rounds long; the middle one is not among them.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
