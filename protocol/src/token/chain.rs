//! Links of hash chains.
//!
//! A link is made of the one that follows it, so that whoever has link n has all before it and none behind it. What
//! is hashed is 54 bytes, the most but one that fit into one block of SHA-256 with its padding: a tag, sixteen bytes of the
//! offer's id, the chain, the place, and the link that follows. [TOK-7]

use sha2::{Digest as _, Sha256};

use crate::id::{Digest, PaperId};

/// Bytes that one link is made of. Up to 55 are one block.
pub const LINK_BYTES: usize = 1 + 16 + 1 + 4 + 32;

/// 0 and 1 are the leaves and nodes of receipts' trees.
const LINK_TAG: u8 = 2;
const SEED_TAG: u8 = 3;
/// How many links apart an agent keeps some: it hashes at most so often for any link.
const SPACING: u64 = 128;

/// The link at `index` of a chain, from the one that follows it.
pub fn before(offer: &PaperId, chain: u8, index: u32, next: &Digest) -> Digest {
    let mut input = [0; LINK_BYTES];
    input[0] = LINK_TAG;
    input[1..17].copy_from_slice(&offer.0[..16]);
    input[17] = chain;
    input[18..22].copy_from_slice(&index.to_be_bytes());
    input[22..].copy_from_slice(&next.0);
    Digest(Sha256::digest(input).into())
}

/// Whether `link`, at `index`, leads to the link `known` at the place `from`. It takes `index - from` hashes; what
/// limits them is the caller's. A link is not behind itself: equal places are equal links.
pub fn leads(offer: &PaperId, chain: u8, (from, known): (u64, &Digest), (index, link): (u64, &Digest)) -> bool {
    let (Ok(from), Ok(index)) = (u32::try_from(from), u32::try_from(index)) else { return false };
    let reached = (from..index).rev().fold(*link, |next, index| before(offer, chain, index, &next));
    from <= index && reached == *known
}

/// A chain that an agent releases from. Who has its seed can release all of it.
#[derive(Clone)]
pub struct Chain {
    offer: PaperId,
    number: u8,
    length: u64,
    /// Every [`SPACING`]th link, from the root on, and the last.
    kept: Vec<Digest>,
    last: Digest,
}

impl std::fmt::Debug for Chain {
    /// Links that are not released are money: they are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("number", &self.number).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Chain {
    /// The chain of this number and length under an offer. `secret` is 32 random bytes of the session.
    pub fn new(secret: &[u8; 32], offer: PaperId, number: u8, length: u64) -> Self {
        let seed = Sha256::new().chain_update([SEED_TAG]).chain_update(secret).chain_update(offer.0);
        let last = Digest(seed.chain_update([number]).finalize().into());
        let mut chain = Self { offer, number, length, kept: Vec::new(), last };
        let mut link = last;
        for index in (0..length).rev() {
            link = chain.step(index, &link);
            if index.is_multiple_of(SPACING) {
                chain.kept.push(link);
            }
        }
        chain.kept.reverse();
        chain
    }

    /// Link 0, which an intent carries.
    pub fn root(&self) -> Digest {
        self.kept.first().copied().unwrap_or(self.last)
    }

    /// How many links can be released.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A link; `None` beyond the end.
    pub fn link(&self, index: u64) -> Option<Digest> {
        if index > self.length {
            return None;
        }
        let above = index.div_ceil(SPACING);
        let kept = usize::try_from(above).ok().and_then(|above| self.kept.get(above));
        let (mut at, mut link) = kept.map_or((self.length, self.last), |link| (above * SPACING, *link));
        while at > index {
            at -= 1;
            link = self.step(at, &link);
        }
        Some(link)
    }

    fn step(&self, index: u64, next: &Digest) -> Digest {
        before(&self.offer, self.number, u32::try_from(index).unwrap_or(u32::MAX), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: PaperId = PaperId([7; 32]);

    #[test]
    fn a_link_is_one_block() {
        // SHA-256 puts a byte and eight bytes of length behind what is hashed; a block is 64.
        const { assert!(LINK_BYTES + 1 + 8 <= 64) }
    }

    #[test]
    fn every_link_leads_to_the_root_and_to_nothing_else() {
        for length in [1, 2, 127, 128, 129, 1_000] {
            let chain = Chain::new(&[9; 32], OFFER, 1, length);
            let root = chain.root();
            for index in [1, 2, 127, 128, 129, 999, 1_000] {
                let Some(link) = chain.link(index) else {
                    assert!(index > length);
                    continue;
                };
                assert!(leads(&OFFER, 1, (0, &root), (index, &link)));
                assert!(leads(&OFFER, 1, (index - 1, &chain.link(index - 1).unwrap()), (index, &link)));
                // Another place, chain or offer is another link.
                assert!(!leads(&OFFER, 1, (0, &root), (index + 1, &link)));
                assert!(!leads(&OFFER, 1, (1, &root), (index, &link)) || index == 0);
                assert!(!leads(&OFFER, 0, (0, &root), (index, &link)));
                assert!(!leads(&PaperId([8; 32]), 1, (0, &root), (index, &link)));
            }
        }
    }

    #[test]
    fn chains_of_one_secret_have_nothing_in_common() {
        let roots: std::collections::HashSet<_> = (0..4)
            .flat_map(|number| [OFFER, PaperId([8; 32])].map(|offer| Chain::new(&[9; 32], offer, number, 50).root()))
            .collect();
        assert_eq!(roots.len(), 8);
    }
}
