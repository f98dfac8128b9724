//! Exactly one code is right. Of two faults the one that is met first gives it: by stage, then by paper, then by
//! the order of the checks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::keys::Authority;
use ledger_support::*;
use purser_protocol::authorize::counter::Counters;
use purser_protocol::authorize::{Account, Case, Decision, Link, Standing, authorize};
use purser_protocol::cert::{Party, Role};
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Part;
use purser_protocol::flow::Parties;
use purser_protocol::id::{AccountId, Digest, PaperId, PartyId, Pseudonym};
use purser_protocol::limits::AMOUNT_MAX;
use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::meter::{ChainRoot, LinkCount};
use purser_protocol::paper::offer::{Offer, Payee};
use purser_protocol::paper::rules::Fields;

/// A case that is granted. Faults are put into it.
#[derive(Clone)]
struct Draft {
    issuer: PartyId,
    account: Account,
    mandates: Vec<(PaperId, Mandate, Standing)>,
    offer: Offer,
    offer_id: PaperId,
    merchant: std::sync::Arc<Party>,
    intent: Intent,
    intent_id: PaperId,
    held_by: Option<PartyId>,
    confirmation: Confirmation,
}

impl Draft {
    fn new() -> Self {
        let mut world = World::new();
        let account = world.account("ann");
        let id = |byte: u8| PaperId([byte; 32]);
        let root = world.quota("ann", "a0", 5_000);
        let sub = world.quota("ann", "a1", 5_000);
        let sub = world.below(id(1), sub);
        let offer = selling(vec![goods_of("tea", 1_000, 5411)], world.offer("shop.example", 1));
        let intent = world.intent(id(2), &offer, id(3));
        let confirmation = world.confirmation("ann", id(4));
        let papers = world.papers("a1", id(2), "shop.example", &offer);
        let merchant = {
            let signed = purser_protocol::sign::Signed::<Offer>::read(&papers.offer.bytes).unwrap();
            Parties::party(Authority::shared(), &signed.header, Role::Merchant, at(START)).unwrap()
        };
        let account = Account {
            id: account,
            credential_expires_at: at(START + DAY),
            pseudonym: Pseudonym([1; 16]),
            available_minor: 5_000,
            payee_minor: 0,
            frozen: false,
            knows_merchant: true,
            offer_taken: false,
        };
        Self {
            issuer: party("issuer.example"),
            account,
            mandates: vec![(id(1), root, Standing::Active), (id(2), sub, Standing::Active)],
            offer,
            offer_id: id(3),
            merchant,
            intent,
            intent_id: id(4),
            held_by: None,
            confirmation,
        }
    }

    fn decide(&self) -> Option<(Code, Stage, Option<Part>)> {
        let counters = Counters::default();
        let chain: Vec<Link<'_>> = self
            .mandates
            .iter()
            .map(|(id, mandate, standing)| Link {
                id: *id,
                mandate,
                standing: *standing,
                counters: &counters,
                holds_open: 0,
                pending: 0,
            })
            .collect();
        let case = Case {
            issuer: &self.issuer,
            now: at(START),
            account: self.account,
            chain: &chain,
            offer: &self.offer,
            offer_id: self.offer_id,
            merchant: &self.merchant,
            intent: &self.intent,
            intent_id: self.intent_id,
            held_by: self.held_by.as_ref(),
            confirmation: Some(&self.confirmation),
        };
        match authorize(&case) {
            Decision::Grant { .. } => None,
            Decision::Refusal { fault, .. } => Some((fault.code, fault.stage, fault.part)),
            Decision::NeedsConfirmation { .. } => panic!("nothing asks here"),
        }
    }
}

/// A fault, and what it changes: two that change the same cannot be put together.
struct Fault {
    code: Code,
    part: Part,
    of: &'static str,
    put: fn(&mut Draft),
}

const fn fault(code: Code, part: Part, of: &'static str, put: fn(&mut Draft)) -> Fault {
    Fault { code, part, of, put }
}

const CREDENTIAL: Part = Part::Credential;
const ROOT: Part = Part::Mandate(0);
const SUB: Part = Part::Mandate(1);

/// In the order in which they are met.
const FAULTS: &[Fault] = &[
    // Time.
    fault(Code::CredentialExpired, CREDENTIAL, "credential", |draft| draft.account.credential_expires_at = at(START)),
    fault(Code::LifetimeExceeded, ROOT, "root window", |draft| {
        draft.mandates[0].1.expires_at = at(START + 5 * 366 * DAY + 1);
    }),
    fault(Code::MandateNotYetValid, ROOT, "root window", |draft| draft.mandates[0].1.not_before = at(START + 1)),
    fault(Code::MandateExpired, ROOT, "root window", |draft| {
        draft.mandates[0].1.not_before = at(START - 1);
        draft.mandates[0].1.expires_at = at(START);
    }),
    fault(Code::LifetimeExceeded, SUB, "sub window", |draft| {
        draft.mandates[1].1.expires_at = at(START + 5 * 366 * DAY + 1);
    }),
    fault(Code::MandateNotYetValid, SUB, "sub window", |draft| draft.mandates[1].1.not_before = at(START + 1)),
    fault(Code::MandateExpired, SUB, "sub window", |draft| {
        draft.mandates[1].1.not_before = at(START - 1);
        draft.mandates[1].1.expires_at = at(START);
    }),
    fault(Code::LifetimeExceeded, Part::Offer, "offer window", |draft| {
        draft.offer.expires_at = at(START + HOUR + 1);
    }),
    fault(Code::OfferNotYetValid, Part::Offer, "offer window", |draft| {
        draft.offer.issued_at = at(START + 11);
        draft.intent.issued_at = at(START + 10);
    }),
    fault(Code::OfferExpired, Part::Offer, "offer window", |draft| {
        draft.offer.issued_at = at(START - HOUR);
        draft.offer.expires_at = at(START);
    }),
    fault(Code::IntentInFuture, Part::Intent, "intent time", |draft| {
        draft.intent.issued_at = at(START + 11);
        draft.confirmation.issued_at = at(START + 10);
    }),
    fault(Code::IntentStale, Part::Intent, "intent time", |draft| draft.intent.issued_at = at(START - HOUR - 11)),
    fault(Code::ConfirmationStale, Part::Confirmation, "confirmation time", |draft| {
        draft.confirmation.issued_at = at(START - 901);
        draft.intent.issued_at = draft.intent.issued_at.max(at(START - 901));
    }),
    // Mandate: each link, then the offer, the intent, the confirmation.
    fault(Code::AudienceMismatch, ROOT, "root issuer", |draft| draft.mandates[0].1.issuer = party("other.example")),
    fault(Code::AccountMismatch, ROOT, "root account", |draft| draft.mandates[0].1.account = AccountId([9; 16])),
    fault(Code::ChainBroken, ROOT, "root parent", |draft| draft.mandates[0].1.parent = Some(PaperId([9; 32]))),
    fault(Code::MandateRevoked, ROOT, "root standing", |draft| draft.mandates[0].2 = Standing::Revoked),
    fault(Code::MandateSuperseded, ROOT, "root standing", |draft| draft.mandates[0].2 = Standing::Superseded),
    fault(Code::MandateSuspended, ROOT, "root standing", |draft| draft.mandates[0].2 = Standing::Suspended),
    fault(Code::DelegationForbidden, ROOT, "root mode", |draft| draft.mandates[0].1.mode = Mode::Single),
    fault(Code::AudienceMismatch, SUB, "sub issuer", |draft| draft.mandates[1].1.issuer = party("other.example")),
    fault(Code::AccountMismatch, SUB, "sub account", |draft| draft.mandates[1].1.account = AccountId([9; 16])),
    fault(Code::ChainBroken, SUB, "sub parent", |draft| draft.mandates[1].1.parent = None),
    fault(Code::MandateRevoked, SUB, "sub standing", |draft| draft.mandates[1].2 = Standing::Revoked),
    fault(Code::MandateSuperseded, SUB, "sub standing", |draft| draft.mandates[1].2 = Standing::Superseded),
    fault(Code::MandateSuspended, SUB, "sub standing", |draft| draft.mandates[1].2 = Standing::Suspended),
    fault(Code::IssuerNotAccepted, Part::Offer, "accepts", |draft| {
        draft.offer.accepts = list([Payee { issuer: party("other.example"), account: short("main") }]).unwrap();
    }),
    fault(Code::PseudonymMismatch, Part::Offer, "pseudonym", |draft| draft.offer.pseudonym = Some(Pseudonym([9; 16]))),
    fault(Code::CategoryUncertified, Part::Offer, "items", |draft| {
        draft.offer.items = list([goods_of("taxi", 1_000, 4121)]).unwrap();
    }),
    fault(Code::ChainBroken, Part::Intent, "intent mandate", |draft| draft.intent.mandate = PaperId([9; 32])),
    fault(Code::AudienceMismatch, Part::Intent, "intent issuer", |draft| draft.intent.issuer = party("other.example")),
    fault(Code::OfferMismatch, Part::Intent, "intent offer", |draft| draft.intent.offer = PaperId([9; 32])),
    fault(Code::CurrencyMismatch, Part::Intent, "intent currency", |draft| draft.intent.currency = currency("JPY")),
    fault(Code::AmountMismatch, Part::Intent, "intent amount", |draft| draft.intent.amount = minor(999)),
    fault(Code::ChainsMismatch, Part::Intent, "chains", |draft| {
        let chain = ChainRoot { length: LinkCount::new(1_000).unwrap(), root: Digest([1; 32]) };
        draft.intent.chains = list([chain]);
    }),
    fault(Code::HolderMismatch, Part::Intent, "held by", |draft| draft.held_by = Some(party("taxi.example"))),
    fault(Code::PeriodMismatch, Part::Intent, "period", |draft| draft.intent.period = Some(count(1))),
    fault(Code::ConfirmationMismatch, Part::Confirmation, "confirmed", |draft| {
        draft.confirmation.intent = PaperId([9; 32]);
    }),
    // Rules.
    fault(Code::RuleAmountMax, ROOT, "root caps", |draft| {
        draft.mandates[0].1.caps = rules(Fields { amount_max: Some(minor(1)), ..Fields::default() });
    }),
    fault(Code::RuleMerchant, SUB, "sub caps", |draft| {
        let denied = set([party("shop.example")]);
        draft.mandates[1].1.caps = rules(Fields { merchants_deny: denied, ..Fields::default() });
    }),
    // Ledger.
    fault(Code::AccountFrozen, CREDENTIAL, "frozen", |draft| draft.account.frozen = true),
    fault(Code::InsufficientFunds, CREDENTIAL, "funds", |draft| draft.account.available_minor = 0),
    fault(Code::AmountOverflow, CREDENTIAL, "payee", |draft| draft.account.payee_minor = AMOUNT_MAX),
    fault(Code::OfferPaid, Part::Intent, "taken", |draft| draft.account.offer_taken = true),
];

fn stage(code: Code) -> Stage {
    code.stages()[0]
}

#[test]
fn without_a_fault_it_is_granted_and_each_fault_alone_has_its_code_its_stage_and_its_paper() {
    assert_eq!(Draft::new().decide(), None);
    for fault in FAULTS {
        let mut draft = Draft::new();
        (fault.put)(&mut draft);
        assert_eq!(draft.decide(), Some((fault.code, stage(fault.code), Some(fault.part))), "{}", fault.of);
    }
}

#[test]
fn of_two_faults_the_first_gives_the_code() {
    let mut pairs = 0;
    for (place, first) in FAULTS.iter().enumerate() {
        for second in FAULTS[place + 1..].iter().filter(|second| second.of != first.of) {
            // The order in which faults are put in is not the order in which they are met.
            for order in [[first, second], [second, first]] {
                let mut draft = Draft::new();
                order.iter().for_each(|fault| (fault.put)(&mut draft));
                let expected = Some((first.code, stage(first.code), Some(first.part)));
                assert_eq!(draft.decide(), expected, "{} and {}", first.of, second.of);
            }
            pairs += 1;
        }
    }
    assert!(pairs > 800, "{pairs}");
}

#[test]
fn every_check_of_the_table_has_a_fault_here() {
    use purser_protocol::authorize::checks::TABLE;
    for check in TABLE {
        // Chains that are too long, or empty, are not built: registration and the message see to it.
        let known = FAULTS.iter().any(|fault| fault.code == check.code) || check.code == Code::ChainTooLong;
        assert!(known, "{} has no fault", check.code);
    }
}
