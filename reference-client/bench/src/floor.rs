//! What the signatures alone cost: two verifications a payment over distinct keys, one signature a batch, on every
//! core at once. No issuer that verifies what it decides on can be faster.

use std::thread;
use std::time::{Duration, Instant};

use purser_protocol::sign::backend::{AwsLc, AwsLcSigner};
use purser_protocol::sign::{Crypto as _, PublicKey, Signer as _};
use serde_json::{Value, json};

use crate::Failure;

/// Keys, so that none stays in the caches of the processor.
const KEYS: usize = 2_048;
/// Payments of a batch.
const BATCH: usize = 64;

/// The floor, as it was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// Payments a second of all cores.
    pub(crate) payments_per_second: f64,
    pub(crate) verify_us: f64,
    pub(crate) sign_us: f64,
    /// What a payment takes of a processor, whatever else ran meanwhile.
    pub(crate) cpu_us: f64,
    pub(crate) cores: usize,
}

impl Floor {
    /// The mean of two.
    pub(crate) fn mean(self, other: Self) -> Self {
        Self {
            payments_per_second: f64::midpoint(self.payments_per_second, other.payments_per_second),
            verify_us: f64::midpoint(self.verify_us, other.verify_us),
            sign_us: f64::midpoint(self.sign_us, other.sign_us),
            cpu_us: f64::midpoint(self.cpu_us, other.cpu_us),
            cores: self.cores,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "payments_per_second": self.payments_per_second.round(),
            "verify_us": rounded(self.verify_us),
            "sign_us": rounded(self.sign_us),
            "cpu_us_a_payment": rounded(self.cpu_us),
            "cores": self.cores,
            "payments_a_batch": BATCH,
        })
    }
}

fn rounded(us: f64) -> f64 {
    (us * 100.0).round() / 100.0
}

struct Signed {
    key: PublicKey,
    digest: [u8; 32],
    signature: [u8; 64],
}

/// Measures for so long.
pub(crate) fn measure(length: Duration) -> Result<Floor, Failure> {
    let cores = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let of_core = || -> Result<[f64; 4], Failure> {
        let mut signed = Vec::with_capacity(KEYS);
        let mut last = None;
        for number in 0..KEYS {
            let (_, signer) = AwsLcSigner::generate().ok_or("no key")?;
            let digest = [number.to_le_bytes()[0]; 32];
            signed.push(Signed { key: signer.public_key(), digest, signature: signer.sign(&digest)? });
            last = Some(signer);
        }
        let signer = last.ok_or("no key")?;
        let (mut payments, mut verifying, mut signing) = (0_u64, Duration::ZERO, Duration::ZERO);
        let mut papers = signed.iter().cycle();
        let (began, used) = (Instant::now(), used_seconds());
        while began.elapsed() < length {
            let batch = Instant::now();
            for paper in papers.by_ref().take(2 * BATCH) {
                AwsLc.verify(&paper.key, &paper.digest, &paper.signature).map_err(|code| code.slug())?;
            }
            verifying += batch.elapsed();
            let root = Instant::now();
            signer.sign(&[7; 32])?;
            signing += root.elapsed();
            payments += BATCH as u64;
        }
        let (rate, batches) = (payments as f64 / began.elapsed().as_secs_f64(), payments as f64 / BATCH as f64);
        let verify_us = verifying.as_secs_f64() * 5e5 / payments as f64;
        let cpu_us = (used_seconds() - used) * 1e6 / payments as f64;
        Ok([rate, verify_us, signing.as_secs_f64() * 1e6 / batches, cpu_us])
    };
    let measured = thread::scope(|scope| {
        let cores: Vec<_> = (0..cores).map(|_| scope.spawn(of_core)).collect();
        let each = cores.into_iter().map(|core| core.join().map_err(|_| Failure::from("a thread died"))?);
        each.collect::<Result<Vec<_>, Failure>>()
    })?;
    let sum = |at: usize| measured.iter().filter_map(|core| core.get(at)).sum::<f64>();
    let mean = |at| sum(at) / measured.len() as f64;
    Ok(Floor { payments_per_second: sum(0), verify_us: mean(1), sign_us: mean(2), cpu_us: mean(3), cores })
}

/// What this thread has used of a processor so far.
fn used_seconds() -> f64 {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    ran.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}
