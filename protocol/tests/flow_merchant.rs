//! What a merchant makes of a receipt: read through all stages, then held against its offer, the secret and
//! the request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::forge::with;
use ledger_support::keys::Authority;
use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::encoded;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, Request, VerifiedReceipt, redeem, redeem_unknown, verify_receipt,
};
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{Digest, Nonce, PaperId, Text};
use purser_protocol::label::{IAT, LOG_SIZE};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};
use purser_protocol::sign::Context;

const SECRET: [u8; 32] = [42; 32];

/// A paid offer that is bound to one request.
struct Sale {
    world: World,
    made: OfferMade,
    receipt: VerifiedReceipt,
    request: Digest,
}

fn request(target: &str) -> Digest {
    Request { method: "GET", authority: "shop.example", target, body: [0; 32] }.digest(Nonce([1; 16]))
}

impl Sale {
    fn new() -> Self {
        Self::of(|_| {})
    }

    fn of(change: impl Fn(&mut Offer)) -> Self {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let request = request("/tea?grams=50");
        let mut offer = world.offer("shop.example", 1_000);
        offer.resource = Some(request);
        change(&mut offer);
        let (id, claims) = buy(&mut world, &offer);
        let receipt = read(&world, &world.receipt(&claims, "issuer.example")).unwrap();
        Self { world, made: OfferMade { id, offer, state: OfferState::Open }, receipt, request }
    }

    fn redeem(&self, secret: &[u8; 32], request: &Digest) -> Result<Redemption, (Code, Stage)> {
        redeem(&self.made, &self.receipt, secret, request, at(self.world.now))
            .map_err(|fault| (fault.code, fault.stage))
    }

    /// The sale after it was served.
    fn served(mut self) -> Self {
        self.made.state = OfferState::Consumed(self.consumed());
        self
    }

    fn consumed(&self) -> Consumed {
        Consumed {
            receipt: self.receipt.id,
            issuer: self.receipt.issuer.clone(),
            intent: self.receipt.claims.intent.unwrap(),
            request: self.request,
        }
    }
}

/// Pays an offer under a mandate of its own. The secret is always the same.
fn buy(world: &mut World, offer: &Offer) -> (PaperId, Claims) {
    let mandate = world.quota("ann", "agent", 50_000);
    let mandate = world.registered(&mandate, "ann");
    let sealed = world.certify(offer, "shop.example");
    let intent = Intent { secret_hash: secret_hash(&SECRET), ..world.intent(mandate, offer, sealed.id) };
    let intent = world.sign(&intent, "agent");
    let id = sealed.id;
    let said = world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None });
    (id, said.record().claims.clone())
}

fn read(world: &World, receipt: &Receipt) -> Result<VerifiedReceipt, (Code, Stage)> {
    verify_receipt(&encoded(receipt), SANDBOX, world.crypto(), Authority::shared())
        .map_err(|fault| (fault.code, fault.stage))
}

const MISMATCH: Result<Redemption, (Code, Stage)> = Err((Code::ReceiptMismatch, Stage::Redeem));

#[test]
fn a_receipt_for_the_offer_with_its_secret_and_its_request_is_served() {
    let sale = Sale::new();
    assert_eq!(sale.redeem(&SECRET, &sale.request), Ok(Redemption::Serve));
    let held = Sale::of(|offer| *offer = by_command(offer.clone()));
    assert_eq!(held.receipt.claims.outcome, Outcome::Authorized);
    assert_eq!(held.redeem(&SECRET, &held.request), Ok(Redemption::Serve));
}

/// What is wrong with claims, and how they come to be so.
type Change = (&'static str, fn(&mut Claims));

#[test]
fn a_receipt_that_differs_from_the_offer_is_a_mismatch() {
    // Each an honest sale, but for one claim of the receipt.
    let rows: &[Change] = &[
        ("another offer", |claims| claims.offer = Some(PaperId([9; 32]))),
        ("less than the offer", |claims| claims.amount = Some(minor(999))),
        ("more than the offer", |claims| claims.amount = Some(minor(1_001))),
        ("another currency", |claims| claims.currency = Some(currency("KWD"))),
        ("money that is only held", |claims| claims.outcome = Outcome::Authorized),
        ("money that was captured for something", |claims| claims.outcome = Outcome::Captured),
        ("money that went back", |claims| claims.outcome = Outcome::Refunded),
        ("a hold that ended", |claims| claims.outcome = Outcome::Voided),
        ("a payment that waits", |claims| claims.outcome = Outcome::Pending),
        ("a payment that was refused", |claims| claims.outcome = Outcome::Refused),
        ("a payment that was cancelled", |claims| claims.outcome = Outcome::Cancelled),
        ("a payment from before the offer", |claims| claims.decided_at = at(START - 11)),
    ];
    for (fault, change) in rows {
        for (mut sale, honest) in [(Sale::new(), Redemption::Serve), (Sale::new().served(), Redemption::Repeat)] {
            assert_eq!(sale.redeem(&SECRET, &sale.request), Ok(honest));
            change(&mut sale.receipt.claims);
            assert_eq!(sale.redeem(&SECRET, &sale.request), MISMATCH, "{fault}");
        }
    }
    let mut held = Sale::of(|offer| *offer = by_command(offer.clone()));
    held.receipt.claims.outcome = Outcome::Settled;
    assert_eq!(held.redeem(&SECRET, &held.request), MISMATCH, "settled, where a hold was asked for");
}

#[test]
fn a_receipt_by_an_issuer_that_the_offer_does_not_take_is_a_mismatch() {
    let sale = Sale::new();
    let claims = &sale.receipt.claims;
    let other = read(&sale.world, &sale.world.receipt(claims, "other-issuer.example")).unwrap();
    let sale = Sale { receipt: other, ..Sale::new() };
    assert_eq!(sale.redeem(&SECRET, &sale.request), MISMATCH);
}

#[test]
fn a_receipt_for_another_sale_of_the_same_price_is_a_mismatch() {
    let (mut sale, other) = (Sale::new(), Sale::of(|offer| offer.nonce = Nonce([7; 16])));
    sale.receipt = other.receipt;
    assert_eq!(sale.redeem(&SECRET, &sale.request), MISMATCH);
}

#[test]
fn the_secret_is_asked_for_before_anything_is_given_or_given_back() {
    let wrong = [43; 32];
    let mismatch = Err((Code::SecretMismatch, Stage::Redeem));
    let sale = Sale::new();
    let request = sale.request;
    assert_eq!(sale.redeem(&wrong, &request), mismatch);
    let mut sale = sale.served();
    assert_eq!(sale.redeem(&wrong, &request), mismatch);
    sale.made.state = OfferState::Withdrawn;
    assert_eq!(sale.redeem(&wrong, &request), mismatch);
}

#[test]
fn another_request_is_another() {
    let mismatch = Err((Code::RequestMismatch, Stage::Redeem));
    let others = [
        request("/tea?grams=500"),
        request("/tea"),
        request("/TEA?grams=50"),
        Request { method: "POST", authority: "shop.example", target: "/tea?grams=50", body: [0; 32] }
            .digest(Nonce([1; 16])),
        Request { method: "GET", authority: "taxi.example", target: "/tea?grams=50", body: [0; 32] }
            .digest(Nonce([1; 16])),
        Request { method: "GET", authority: "shop.example", target: "/tea?grams=50", body: [1; 32] }
            .digest(Nonce([1; 16])),
        Request { method: "GET", authority: "shop.example", target: "/tea?grams=50", body: [0; 32] }
            .digest(Nonce([2; 16])),
    ];
    let sale = Sale::new();
    for other in &others {
        assert_eq!(sale.redeem(&SECRET, other), mismatch);
    }
    // What was served once is served to no other request. [HTB-14]
    let served = Sale::new().served();
    for other in &others {
        assert_eq!(served.redeem(&SECRET, other), Err((Code::ReceiptAlreadyUsed, Stage::Redeem)));
    }
}

#[test]
fn the_same_receipt_with_the_same_request_gets_the_same_again() {
    let sale = Sale::new().served();
    for _ in 0..3 {
        assert_eq!(sale.redeem(&SECRET, &sale.request), Ok(Redemption::Repeat));
    }
}

#[test]
fn an_offer_that_is_bound_to_no_request_is_served_for_one() {
    let sale = Sale::of(|offer| offer.resource = None);
    let (first, second) = (request("/one"), request("/two"));
    assert_eq!(sale.redeem(&SECRET, &first), Ok(Redemption::Serve));
    let sale = Sale { request: first, ..sale }.served();
    assert_eq!(sale.redeem(&SECRET, &first), Ok(Redemption::Repeat));
    assert_eq!(sale.redeem(&SECRET, &second), Err((Code::ReceiptAlreadyUsed, Stage::Redeem)));
}

#[test]
fn money_that_nothing_can_be_given_for_goes_back() {
    // Two accounts paid one offer; the other was served.
    let mut sale = Sale::new();
    let other = Consumed { receipt: PaperId([8; 32]), intent: PaperId([8; 32]), ..sale.consumed() };
    sale.made.state = OfferState::Consumed(other.clone());
    let back = Ok(Redemption::GiveBack(Code::ReceiptAlreadyUsed));
    assert_eq!(sale.redeem(&SECRET, &sale.request), back);
    assert_eq!(sale.redeem(&SECRET, &request("/other")), back, "whatever is asked for");
    // Two issuers may call two payments by one name; one issuer's second receipt of one payment is no payment.
    let intent = sale.receipt.claims.intent.unwrap();
    sale.made.state = OfferState::Consumed(Consumed { intent, issuer: party("other-issuer.example"), ..other.clone() });
    assert_eq!(sale.redeem(&SECRET, &sale.request), back);
    sale.made.state = OfferState::Consumed(Consumed { intent, ..other });
    assert_eq!(sale.redeem(&SECRET, &sale.request), Err((Code::ReceiptAlreadyUsed, Stage::Redeem)));

    sale.made.state = OfferState::Withdrawn;
    let back = Ok(Redemption::GiveBack(Code::OfferUnknown));
    assert_eq!(sale.redeem(&SECRET, &sale.request), back);
    // And of an offer that the merchant has forgotten.
    let unknown = Err((Code::OfferUnknown, Stage::Redeem));
    for (offer, secret, expected) in
        [(sale.made.id, SECRET, back), (PaperId([9; 32]), SECRET, unknown.clone()), (sale.made.id, [43; 32], unknown)]
    {
        let said = redeem_unknown(&offer, &sale.receipt, &secret).map_err(|fault| (fault.code, fault.stage));
        assert_eq!(said, expected);
    }

    // The refund that follows is one that the issuer makes.
    sale.world.refund("shop.example", intent, 1_000).must_be(Outcome::Refunded);
    assert_eq!(sale.world.free("ann"), 100_000);
}

mod reading {
    use super::*;

    fn claims() -> (World, Claims) {
        let sale = Sale::new();
        (sale.world, sale.receipt.claims)
    }

    #[test]
    fn a_receipt_is_in_the_batch_that_its_root_signs_or_it_is_none() {
        let (world, claims) = claims();
        let honest = world.receipt(&claims, "issuer.example");
        assert_eq!(read(&world, &honest).unwrap().claims, claims);
        let no_path = Err((Code::PathInvalid, Stage::Receipt));
        let richer = encoded(&Claims { amount: Some(minor(9_000)), ..claims });
        assert_eq!(read(&world, &Receipt { claims: richer, ..honest.clone() }), no_path);
        assert_eq!(read(&world, &Receipt { index: 1, ..honest.clone() }), no_path);
        assert_eq!(read(&world, &Receipt { path: vec![[0; 32]], ..honest }), no_path);
    }

    #[test]
    fn every_receipt_of_a_batch_reads_and_has_its_own_id() {
        let (world, claims) = claims();
        let leaves: Vec<Vec<u8>> =
            (1..=5).map(|units| encoded(&Claims { amount: Some(minor(units)), ..claims.clone() })).collect();
        let tree = Tree::new(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
        let root = Root { tree_root: Digest(tree.root()), tree_size: count(5), ..root() };
        let root = world.certify(&root, "issuer.example").bytes;
        let mut ids = std::collections::BTreeSet::new();
        for (place, leaf) in leaves.iter().enumerate() {
            let path = tree.path(place);
            let receipt = Receipt { claims: leaf.clone(), index: place as u64, path, root: root.clone() };
            let read = read(&world, &receipt).unwrap();
            assert_eq!(read.claims.amount, Some(minor(place as u64 + 1)));
            assert_eq!(read.id, receipt.id());
            ids.insert(read.id);
        }
        assert_eq!(ids.len(), 5);
    }

    fn root() -> Root {
        Root {
            issued_at: at(START),
            tree_root: Digest([0; 32]),
            tree_size: count(1),
            batch: 0,
            log_root: Digest([0; 32]),
            log_size: 1,
            network: Text::new("sandbox").unwrap(),
        }
    }

    /// A receipt whose root is signed so.
    fn rooted(claims: &Claims, sign: impl FnOnce(Root) -> Vec<u8>) -> Receipt {
        let claims = encoded(claims);
        let tree_root = Digest(Tree::new(vec![leaf_hash(&claims)]).root());
        Receipt { claims, index: 0, path: Vec::new(), root: sign(Root { tree_root, ..root() }) }
    }

    #[test]
    fn only_an_issuers_signature_on_this_network_is_a_receipt() {
        let (world, claims) = claims();
        let honest = rooted(&claims, |root| world.certify(&root, "issuer.example").bytes);
        assert!(read(&world, &honest).is_ok());

        let by_merchant = rooted(&claims, |root| world.certify(&root, "shop.example").bytes);
        assert_eq!(read(&world, &by_merchant), Err((Code::CertRole, Stage::Certificates)));
        let by_agent = rooted(&claims, |root| world.sign(&root, "agent").bytes);
        assert_eq!(read(&world, &by_agent), Err((Code::SignerUnnamed, Stage::Headers)));
        let elsewhere = Context { network: "production" };
        let of_production = rooted(&claims, |root| world.certify_in(elsewhere, &root, "issuer.example").bytes);
        assert_eq!(read(&world, &of_production), Err((Code::SignatureInvalid, Stage::Signature)));
        let named_production = rooted(&claims, |root| {
            let root = Root { network: Text::new("production").unwrap(), ..root };
            world.certify(&root, "issuer.example").bytes
        });
        assert_eq!(read(&world, &named_production), Err((Code::SignatureInvalid, Stage::Signature)));
        let mut altered = honest;
        let last = altered.root.len() - 1;
        altered.root[last] ^= 1;
        assert_eq!(read(&world, &altered), Err((Code::SignatureInvalid, Stage::Signature)));
    }

    #[test]
    fn a_root_counts_its_batch_in_its_log() {
        let (world, claims) = claims();
        for (size, good) in [(&[0x01][..], true), (&[0x00], false), (&[0x02], false)] {
            let receipt = rooted(&claims, |root| {
                world.certify(&with(&root, LOG_SIZE.number, Some(size)), "issuer.example").bytes
            });
            let expected = if good { Ok(()) } else { Err((Code::FieldConflict, Stage::Schema)) };
            assert_eq!(read(&world, &receipt).map(drop), expected);
        }
    }

    #[test]
    fn a_root_without_a_time_says_that_it_has_none() {
        let (world, claims) = claims();
        let time = encoded(&at(START));
        let faults = [
            (None, Code::MissingField),
            (Some(&[0xf5][..]), Code::FieldType),
            (Some(&[0x1b, 0, 0, 0, 0xff, 0, 0, 0, 0]), Code::FieldRange),
        ];
        for (value, code) in faults {
            let receipt =
                rooted(&claims, |root| world.certify(&with(&root, IAT.number, value), "issuer.example").bytes);
            assert_eq!(read(&world, &receipt).map(drop), Err((code, Stage::Schema))); // [AUT-6]
        }
        let dated =
            rooted(&claims, |root| world.certify(&with(&root, IAT.number, Some(&time)), "issuer.example").bytes);
        assert_eq!(read(&world, &dated).map(drop), Ok(()));
    }

    #[test]
    fn claims_have_the_fields_of_their_outcome_and_no_other() {
        let (world, claims) = claims();
        let rows: &[fn(&mut Claims)] = &[
            |claims| claims.outcome = Outcome::Authorized,
            |claims| claims.outcome = Outcome::Refused,
            |claims| claims.outcome = Outcome::Pending,
            |claims| claims.outcome = Outcome::Recorded,
            |claims| claims.outcome = Outcome::Cancelled,
            |claims| claims.code = Some(Code::Declined.into()),
            |claims| claims.command = Some(PaperId([1; 32])),
            |claims| claims.hold_until = Some(at(START)),
            |claims| claims.secret_hash = None,
            |claims| claims.pseudonym = None,
            |claims| claims.currency = None,
            |claims| claims.amount = None,
        ];
        for (place, change) in rows.iter().enumerate() {
            let mut claims = claims.clone();
            change(&mut claims);
            let said = read(&world, &world.receipt(&claims, "issuer.example"));
            assert_eq!(said, Err((Code::FieldConflict, Stage::Schema)), "row {place}");
        }
    }

    #[test]
    fn an_old_receipt_still_proves_and_nothing_is_given_for_one_from_before_the_offer() {
        let (mut world, claims) = claims();
        let receipt = world.receipt(&claims, "issuer.example");
        let register = &Authority::shared().register;
        // The register judges at the root's time, whatever the time is now; the certificates end with 2099.
        assert!(verify_receipt(&encoded(&receipt), SANDBOX, world.crypto(), register).is_ok());
        world.now = (2102 - 1970) * 365 * DAY;
        let late = world.receipt(&claims, "issuer.example");
        let late = verify_receipt(&encoded(&late), SANDBOX, world.crypto(), register);
        assert_eq!(late.map_err(|fault| (fault.code, fault.stage)), Err((Code::CertExpired, Stage::Certificates)));

        // Who found an old key can date a root back, and then the claims are older than the offer.
        let mut sale = Sale::new();
        for (seconds, expected) in [(10, Ok(Redemption::Serve)), (11, MISMATCH)] {
            sale.receipt.claims.decided_at = at(START - seconds);
            assert_eq!(sale.redeem(&SECRET, &sale.request), expected);
        }
    }

    #[test]
    fn a_decision_is_no_later_than_the_batch_that_it_is_in() {
        let (world, claims) = claims();
        for (seconds, good) in [(0, true), (1, false)] {
            let claims = Claims { decided_at: at(START + seconds), ..claims.clone() };
            let said = read(&world, &world.receipt(&claims, "issuer.example")).map(drop);
            assert_eq!(said, if good { Ok(()) } else { Err((Code::FieldConflict, Stage::Schema)) });
        }
    }

    #[test]
    fn nothing_is_given_for_a_hold_that_has_ended_or_is_about_to() {
        let mut held = Sale::of(|offer| *offer = by_command(offer.clone()));
        let until = held.receipt.claims.hold_until.unwrap().get();
        for (now, expected) in [(until - 11, Ok(Redemption::Serve)), (until - 10, MISMATCH), (until, MISMATCH)] {
            held.world.now = now;
            assert_eq!(held.redeem(&SECRET, &held.request), expected);
        }
        let held = held.served();
        assert_eq!(held.redeem(&SECRET, &held.request), Ok(Redemption::Repeat), "what was served is served");
    }
}
