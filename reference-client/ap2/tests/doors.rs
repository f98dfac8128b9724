//! The same limits through two doors: what AP2's words allow, and what the decision of chapter 9 allows under the
//! mandate that they come to. The second is never wider, and neither is it under a mandate that allows less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot begin has failed")]

use std::num::NonZeroU32;

use proptest::prelude::*;
use purser_ap2::{Account as From, Asked, mandate, open, terms, verify};
use purser_protocol::authorize::counter::Counters;
use purser_protocol::authorize::{Account, Case, Decision, Link, Standing, authorize};
use purser_protocol::bind::base64url::encode;
use purser_protocol::cert::{Party, Role};
use purser_protocol::field::List;
use purser_protocol::id::{
    AccountId, CertificateId, Digest, LineageId, LongText, Nonce, PaperId, PartyId, Pseudonym, ShortText,
};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Channel, Fields, Rules};
use purser_protocol::sign::Signer as _;
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

const NOW: u64 = 1_900_000_000;
const ACCOUNT: AccountId = AccountId([3; 16]);

/// What the person of AP2 allows.
#[derive(Clone, Debug)]
struct Allowed {
    least: u64,
    most: Option<u64>,
    budget: Option<u64>,
    times: Option<u32>,
    recurs: bool,
    merchants: Option<Vec<usize>>,
}

const SHOPS: [&str; 3] = ["tea.example", "rice.example", "taxi.example"];

impl Allowed {
    fn constraints(&self) -> Vec<Value> {
        let mut constraints = Vec::new();
        if let Some(most) = self.most {
            constraints
                .push(json!({"type": "payment.amount_range", "currency": "USD", "min": self.least, "max": most}));
        }
        if let Some(budget) = self.budget {
            let max: Value = serde_json::from_str(&format!("{}.{:02}", budget / 100, budget % 100)).unwrap();
            constraints.push(json!({"type": "payment.budget", "currency": "USD", "max": max}));
        }
        if self.recurs {
            let mut recurrence = json!({"type": "payment.agent_recurrence", "frequency": "ON_DEMAND"});
            if let Some(times) = self.times {
                recurrence["max_occurrences"] = times.into();
            }
            constraints.push(recurrence);
        }
        if let Some(merchants) = &self.merchants {
            let allowed: Vec<_> = merchants.iter().map(|at| json!({"id": SHOPS[*at], "name": "a shop"})).collect();
            constraints.push(json!({"type": "payment.allowed_payees", "allowed": allowed}));
        }
        constraints
    }

    /// Whether AP2's words allow one more payment, reckoned here by themselves.
    fn allows(&self, spent: u64, times: u32, shop: usize, minor: u64) -> bool {
        let again = if self.recurs { self.times.is_none_or(|most| times < most) } else { times == 0 };
        again
            && self.most.is_none_or(|most| (self.least..=most).contains(&minor))
            && self.budget.is_none_or(|budget| spent + minor <= budget)
            && self.merchants.as_ref().is_none_or(|known| known.contains(&shop))
    }
}

fn allowed() -> impl Strategy<Value = Allowed> {
    let merchants = prop::option::of(prop::sample::subsequence(vec![0, 1, 2], 1..3));
    (
        0..50_u64,
        prop::option::of(50..500_u64),
        prop::option::of(1..2_000_u64),
        prop::option::of(1..6_u32),
        any::<bool>(),
        merchants,
    )
        .prop_map(|(least, most, budget, times, recurs, merchants)| Allowed {
            least,
            most,
            budget,
            times,
            recurs,
            merchants,
        })
}

fn second(at: u64) -> UnixSeconds {
    UnixSeconds::new(at).unwrap()
}

fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

fn amount(minor: u64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

fn dollars() -> Currency {
    Currency::from_code("USD").unwrap()
}

/// What the person gave the bridge.
fn above(total: u64, bridge: &PortableSigner) -> Mandate {
    let depth = Some(purser_protocol::field::UpTo::new(1).unwrap());
    Mandate {
        account: ACCOUNT,
        issuer: party("issuer.example"),
        expires_at: second(NOW + 9_000),
        not_before: second(NOW - 9_000),
        issued_at: second(NOW - 9_000),
        holder: Holder::Agent(bridge.public_key()),
        offer: None,
        currency: dollars(),
        lineage: LineageId([1; 16]),
        serial: NonZeroU32::MIN,
        mode: Mode::Quota,
        parent: None,
        replaces: None,
        caps: Rules::new(Fields { total: Some(amount(total)), depth, ..Fields::default() }),
        grants: None,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: None,
    }
}

fn offer(shop: usize, minor: u64) -> Offer {
    let item = Item {
        id: ShortText::new("cup").unwrap(),
        name: LongText::new("a cup").unwrap(),
        category: None,
        quantity: NonZeroU32::MIN,
        price: amount(minor),
        line: None,
    };
    let payee = Payee { issuer: party("issuer.example"), account: ShortText::new("till").unwrap() };
    Offer {
        merchant: party(SHOPS[shop]),
        expires_at: second(NOW + 300),
        issued_at: second(NOW - 1),
        nonce: Nonce([9; 16]),
        amount: amount(minor),
        currency: dollars(),
        items: List::new(vec![item]).unwrap(),
        accepts: List::new(vec![payee]).unwrap(),
        kind: OfferKind::Charge,
        capture: CaptureMode::AtOnce,
        resource: None,
        pseudonym: None,
        hold_seconds: None,
        meter: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_second_door_is_never_wider(
        allowed in allowed(),
        total in 1..3_000_u64,
        payments in prop::collection::vec((0..3_usize, 1..600_u64), 1..12),
    ) {
        let person = PortableSigner::from_secret(&[1; 32]).unwrap();
        let agent = PortableSigner::from_secret(&[2; 32]).unwrap();
        let bridge = PortableSigner::from_secret(&[4; 32]).unwrap();
        let key = agent.public_key().0;
        let said = json!({
            "vct": "mandate.payment.open.1", "constraints": allowed.constraints(), "iat": NOW - 5, "exp": NOW + 3600,
            "cnf": {"jwk": {"kty": "EC", "crv": "P-256", "x": encode(&key[..32]), "y": encode(&key[32..])}},
        });
        let text = open(&said, &person, [5; 16]).unwrap();
        let keys = [person.public_key()];
        let asked = Asked { now: NOW, keys: &keys, audience: None, nonce: None, checkout: None, merchant: None };
        let chain = verify(&text, asked, &Portable).unwrap();
        // What cannot be said is refused, and pays nothing.
        let Ok(terms) = terms(chain.open().unwrap(), From(ACCOUNT)) else { return Ok(()) };
        let root = above(total, &bridge);
        let (root_id, below_id) = (PaperId([1; 32]), PaperId([2; 32]));
        let below = mandate(&chain, &terms, (root_id, &root), &bridge.public_key()).unwrap();
        let (mut of_root, mut of_below) = (Counters::default(), Counters::default());
        let (mut spent, mut times) = (0, 0);
        for (shop, minor) in payments {
            let offer = offer(shop, minor);
            let merchant = Party::of_itself(offer.merchant.clone(), Role::Merchant, person.public_key(), CertificateId([0; 32]));
            let decide = |channel| {
                let intent = Intent {
                    issuer: party("issuer.example"),
                    issued_at: second(NOW),
                    mandate: below_id,
                    offer: PaperId([7; 32]),
                    amount: offer.amount,
                    currency: offer.currency,
                    secret_hash: Digest([8; 32]),
                    channel,
                    device: None,
                    period: None,
                    chains: None,
                };
                let link = |id, mandate, counters| Link { id, mandate, standing: Standing::Active, counters, holds_open: 0, pending: 0 };
                let links = [link(root_id, &root, &of_root), link(below_id, &below, &of_below)];
                let case = Case {
                    issuer: &intent.issuer,
                    now: second(NOW),
                    account: Account {
                        id: ACCOUNT,
                        credential_expires_at: UnixSeconds::MAX,
                        pseudonym: Pseudonym([0; 16]),
                        available_minor: u64::MAX,
                        payee_minor: 0,
                        frozen: false,
                        knows_merchant: true,
                        offer_taken: false,
                    },
                    chain: &links,
                    offer: &offer,
                    offer_id: PaperId([7; 32]),
                    merchant: &merchant,
                    intent: &intent,
                    intent_id: PaperId([6; 32]),
                    held_by: None,
                    confirmation: None,
                };
                matches!(authorize(&case), Decision::Grant { .. })
            };
            let granted = decide(None);
            // Whatever door the offer came through.
            for door in [Channel::Online, Channel::Code, Channel::Voice, Channel::Vehicle, Channel::Glasses] {
                prop_assert_eq!(decide(Some(door)), granted, "{:?}", door);
            }
            let both = allowed.allows(spent, times, shop, minor) && spent + minor <= total;
            prop_assert_eq!(granted, both, "{:?}: {} of {} at {}", &allowed, minor, spent, shop);
            if granted {
                (spent, times) = (spent + minor, times + 1);
                of_root.add(None, root.caps.as_ref(), second(NOW), minor);
                match &below.caps {
                    Some(caps) => of_below.add(None, Some(caps), second(NOW), minor),
                    None => of_below.add(Some(0), below.grants().first(), second(NOW), minor),
                }
            }
        }
    }
}
