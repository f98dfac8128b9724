//! What a typical payment weighs: an agent with a quota buys one thing at a web address.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

use std::num::NonZeroU32;

use purser_protocol::field::{List, encoded};
use purser_protocol::id::{Digest, PaperId, Pseudonym as PseudonymId};
use purser_protocol::receipt::Receipt;
use purser_protocol::receipt::tree::leaf_hash;
use purser_protocol::sign::{Frame, Paper, sign, sign_by_certificate};

#[path = "support/keys.rs"]
mod keys;
#[path = "support/samples.rs"]
mod samples;

use keys::{NETWORK, certificate_id, key, signer};
use samples::*;

/// Most bytes of mandate, offer and intent together, certificates aside.
const PAYMENT_BYTES_MAX: usize = 950;
/// Most bytes of a settled receipt that is alone in its batch, the payer's pseudonym in it.
const RECEIPT_BYTES_MAX: usize = 420;

fn mandate() -> Mandate {
    let caps = Fields { amount_max: Some(amount(20_000)), total: Some(amount(100_000)), ..Fields::default() };
    Mandate {
        holder: Holder::Agent(key("agent")),
        caps: Rules::new(caps),
        funded: None,
        refund_returns: None,
        conversation: None,
        ..Mandate::samples().remove(0)
    }
}

fn offer() -> Offer {
    let tea = Item {
        id: words("tea-250g"),
        name: words("Longjing tea, 250 g"),
        category: purser_protocol::field::UpTo::new(5_411),
        quantity: NonZeroU32::MIN,
        price: amount(12_800),
        line: None,
    };
    Offer { items: List::new(vec![tea]).unwrap(), resource: Some(Digest([0x4e; 32])), ..Offer::samples().remove(0) }
}

fn intent(mandate: PaperId, offer: PaperId) -> Intent {
    Intent { mandate, offer, channel: None, device: None, period: None, chains: None, ..Intent::samples().remove(0) }
}

/// Prints how a paper's bytes divide and returns their number.
fn weigh(name: &str, bytes: &[u8]) -> usize {
    let frame = Frame::read(bytes).unwrap();
    let (protected, payload) = (frame.protected.len(), frame.payload.len());
    let rest = bytes.len() - protected - payload - 64;
    println!("{name}: {} bytes: header {protected}, payload {payload}, signature 64, envelope {rest}", bytes.len());
    bytes.len()
}

fn id(bytes: &[u8]) -> PaperId {
    let frame = Frame::read(bytes).unwrap();
    purser_protocol::sign::paper::id(frame.protected, frame.payload)
}

fn by_certificate<T: Paper>(paper: &T, name: &str) -> Vec<u8> {
    sign_by_certificate(paper, NETWORK, &signer(name), certificate_id(), &[]).unwrap()
}

#[test]
fn a_payment_and_its_receipt_are_small() {
    let mandate = sign(&mandate(), NETWORK, &signer("payer")).unwrap();
    let offer = by_certificate(&offer(), "merchant");
    let intent = sign(&intent(id(&mandate), id(&offer)), NETWORK, &signer("agent")).unwrap();
    let papers = [("mandate", &mandate), ("offer", &offer), ("intent", &intent)];
    let payment: usize = papers.into_iter().map(|(name, bytes)| weigh(name, bytes)).sum();
    println!("together: {payment} of {PAYMENT_BYTES_MAX} bytes");

    let claims = encoded(&Claims {
        offer: Some(id(&offer)),
        intent: Some(id(&intent)),
        amount: Some(amount(12_800)),
        currency: Some(cny()),
        secret_hash: Some(Digest([0x5c; 32])),
        pseudonym: Some(PseudonymId([0x9d; 16])),
        ..Claims::new(Outcome::Settled, at(NOW), NONCE)
    });
    let root = Root { tree_root: Digest(leaf_hash(&claims)), ..Root::samples().remove(0) };
    let receipt = Receipt { claims, index: 0, path: Vec::new(), root: by_certificate(&root, "issuer") };
    assert_eq!(receipt.verify(&root).unwrap().outcome, Outcome::Settled);
    let bytes = encoded(&receipt);
    weigh("root", &receipt.root);
    println!(
        "receipt: {} of {RECEIPT_BYTES_MAX} bytes: claims {}, root {}",
        bytes.len(),
        receipt.claims.len(),
        receipt.root.len()
    );

    assert!(payment <= PAYMENT_BYTES_MAX, "{payment} bytes");
    assert!(bytes.len() <= RECEIPT_BYTES_MAX, "{} bytes", bytes.len());
}
