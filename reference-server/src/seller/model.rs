//! A generator of text that depends on its prompt alone, so that what it said it can say again.

use sha2::{Digest as _, Sha256};

/// What clients ask for.
pub(super) const NAME: &str = "purser-echo-1";
/// Tokens where the client names no limit.
pub(super) const TOKENS_DEFAULT: u64 = 256;
/// Most tokens of one answer.
pub(super) const TOKENS_MAX: u64 = 1_000_000;

const WORDS: [&str; 32] = [
    "the", "ledger", "keeps", "a", "leaf", "of", "tea", "and", "what", "was", "paid", "is", "counted", "once", "by",
    "hand", "while", "rain", "falls", "on", "quiet", "stone", "so", "that", "no", "sum", "is", "lost", "or", "said",
    "twice", "again",
];

/// The seed of an answer.
pub(super) fn seed(model: &str, prompt: &str) -> [u8; 32] {
    Sha256::new().chain_update(model).chain_update([0]).chain_update(prompt).finalize().into()
}

/// The n-th token of an answer, from 0.
pub(super) fn token(seed: &[u8; 32], n: u64) -> String {
    let hash = Sha256::new().chain_update(seed).chain_update(n.to_be_bytes()).finalize();
    let word = WORDS[usize::from(hash[0]) % WORDS.len()];
    if n == 0 { word.to_owned() } else { format!(" {word}") }
}

/// How many tokens a prompt is: its words.
pub(super) fn count(prompt: &str) -> u64 {
    u64::try_from(prompt.split_whitespace().count()).unwrap_or(u64::MAX).max(1)
}
