//! Receipts made with a key of one's choice: an issuer's own, or a forger's.

use std::num::NonZeroU32;

use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{Digest, PaperId, Pseudonym, Text};
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};
use purser_protocol::time::UnixSeconds;
use purser_server::random::random;

use crate::authority::Signatory;
use crate::papers::{amount, nonce, now, yuan};

pub(crate) const SECRET: [u8; 32] = [0x5e; 32];

/// Claims that pay for an offer, for the payment of an intent that nobody has signed.
pub(crate) fn claims(offer: PaperId, minor: u64) -> Claims {
    let mut claims = Claims::new(Outcome::Settled, now(), nonce());
    claims.offer = Some(offer);
    claims.intent = Some(PaperId(random().unwrap()));
    claims.amount = Some(amount(minor));
    claims.currency = Some(yuan());
    claims.secret_hash = Some(secret_hash(&SECRET));
    claims.pseudonym = Some(Pseudonym([0x26; 16]));
    claims
}

/// The same, for money that is held.
pub(crate) fn held(offer: PaperId, minor: u64) -> Claims {
    let claims = claims(offer, minor);
    Claims { outcome: Outcome::Authorized, hold_until: Some(now().saturating_add(3_600)), ..claims }
}

/// The same, for what the issuer did not allow.
pub(crate) fn declined(offer: PaperId, minor: u64) -> Claims {
    let (outcome, detail) = (Outcome::Refused, Some(Digest([0x36; 32])));
    Claims { outcome, code: Some(Code::Declined.into()), detail, ..claims(offer, minor) }
}

/// A receipt that is alone in its batch.
pub(crate) fn receipt(by: &Signatory, claims: &Claims) -> Vec<u8> {
    receipt_of(by, claims, 1, |_| ())
}

/// A receipt of a batch of so many, under a root that is changed before it is signed.
pub(crate) fn receipt_of(by: &Signatory, claims: &Claims, batch: u32, change: impl Fn(&mut Root)) -> Vec<u8> {
    encoded(&assembled(by, claims, batch, change))
}

pub(crate) fn assembled(by: &Signatory, claims: &Claims, batch: u32, change: impl Fn(&mut Root)) -> Receipt {
    let claims = encoded(claims);
    let others = (1..batch).map(|_| random().unwrap());
    let tree = Tree::new(std::iter::once(leaf_hash(&claims)).chain(others).collect());
    let mut root = Root {
        issued_at: now(),
        tree_root: Digest(tree.root()),
        tree_size: NonZeroU32::new(batch).unwrap(),
        batch: 0xffff_ffff,
        log_root: Digest(random().unwrap()),
        log_size: 0x1_0000_0000,
        network: Text::new("sandbox").unwrap(),
    };
    change(&mut root);
    Receipt { claims, index: 0, path: tree.path(0), root: by.sign(&root) }
}

/// Some seconds before now.
pub(crate) fn ago(seconds: u64) -> UnixSeconds {
    now().saturating_sub(seconds)
}
