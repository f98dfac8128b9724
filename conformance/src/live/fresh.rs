//! What is drawn anew in every run: keys, nonces, salts. From the seed, so that a run can be told again.

use std::sync::atomic::{AtomicU64, Ordering};

use purser_protocol::id::Nonce;
use purser_protocol::sign::backend::PortableSigner;
use sha2::{Digest as _, Sha256};

/// A source of bytes that nobody has seen.
pub(super) struct Fresh {
    seed: u64,
    drawn: AtomicU64,
}

impl Fresh {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new().chain_update(b"purser live").chain_update(self.seed.to_be_bytes());
        hash.chain_update(number.to_be_bytes()).finalize().into()
    }

    pub(super) fn sixteen(&self) -> [u8; 16] {
        let mut sixteen = [0; 16];
        sixteen.copy_from_slice(&self.bytes()[..16]);
        sixteen
    }

    pub(super) fn nonce(&self) -> Nonce {
        Nonce(self.sixteen())
    }

    pub(super) fn key(&self) -> PortableSigner {
        loop {
            if let Some(key) = PortableSigner::from_secret(&self.bytes()) {
                return key;
            }
        }
    }
}
