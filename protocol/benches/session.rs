//! What a seller does for a link, beside the hash that no program can save: `cargo bench -p purser-protocol --bench session`.
//!
//! Both are timed in the same run, turn about, and the ratio is printed. Sessions are met in a random order, as links
//! come in.

#![allow(clippy::unwrap_used, reason = "a bench that cannot build its sessions has failed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use purser_protocol::id::{Digest, PaperId};
use purser_protocol::token::chain::{LINK_BYTES, before, leads};
use sha2::{Digest as _, Sha256};

/// What a seller must have at hand of a chain.
struct Session {
    offer: PaperId,
    at: u64,
    link: Digest,
}

const LINKS: u64 = 64;
const ROUNDS: usize = 5;

fn main() {
    println!("{:>10} {:>12} {:>12} {:>7} {:>14}", "sessions", "bare hash", "a link", "ratio", "links a second");
    for sessions in [1_000, 1_000_000] {
        let (mut bare, mut whole) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            bare = bare.min(hashes(200_000));
            whole = whole.min(links(sessions, 200_000));
        }
        let (bare, whole) = (bare.as_nanos() as f64 / 200_000.0, whole.as_nanos() as f64 / 200_000.0);
        println!("{sessions:>10} {bare:>9.0} ns {whole:>9.0} ns {:>7.2} {:>14.0}", whole / bare, 1e9 / whole);
    }
}

fn hashes(count: usize) -> Duration {
    let mut input = [7_u8; LINK_BYTES];
    let begun = Instant::now();
    for _ in 0..count {
        let hash: [u8; 32] = Sha256::digest(black_box(input)).into();
        input[22..].copy_from_slice(&hash);
    }
    black_box(input);
    begun.elapsed()
}

/// Checks the next link of a session at a time, and remembers it.
fn links(sessions: usize, count: usize) -> Duration {
    // One chain serves them all: what is measured is the check and the memory that it meets.
    let offer = PaperId([9; 32]);
    let mut chain = vec![Digest([1; 32])];
    for place in (0..LINKS).rev() {
        chain.push(before(&offer, 0, place as u32, &chain[chain.len() - 1]));
    }
    chain.reverse();
    let mut open: Vec<Session> = (0..sessions).map(|_| Session { offer, at: 0, link: chain[0] }).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let begun = Instant::now();
    for _ in 0..count {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let place = (random >> 33) as usize % open.len();
        let session = &mut open[place];
        if session.at == LINKS {
            (session.at, session.link) = (0, chain[0]);
        }
        let next = chain[session.at as usize + 1];
        assert!(leads(&session.offer, 0, (session.at, &session.link), (session.at + 1, black_box(&next))));
        (session.at, session.link) = (session.at + 1, next);
    }
    begun.elapsed()
}
