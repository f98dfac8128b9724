//! The issuer's desk: all papers of a message pass a stage before any enters the next, a signer is looked for
//! where the papers say, and no byte of a message is without weight.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::forge::with;
use ledger_support::keys::{Authority, Pretend};
use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::{Fault, Part};
use purser_protocol::flow::issuer::{Desk, PaymentRequest, Resource};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::label::{CNF, ENCLOSED, IAT, ISS, Label, MANDATE, MANDATES, SUB, VERSION};
use purser_protocol::ledger::Command;
use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::{Paper, Signed};

/// What is wrong with a paper, in the order of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// Framing and encoding are one pass.
    Tag,
    Float,
    Algorithm,
    Certificate,
    Signature,
    Version,
    Schema,
}

use Wrong::*;

impl Wrong {
    const ALL: [Self; 7] = [Tag, Float, Algorithm, Certificate, Signature, Version, Schema];

    fn code(self) -> (Code, Stage) {
        match self {
            Tag => (Code::CoseTag, Stage::Framing),
            Float => (Code::CborType, Stage::Encoding),
            Algorithm => (Code::AlgForbidden, Stage::Headers),
            Certificate => (Code::CertName, Stage::Certificates),
            Signature => (Code::SignatureInvalid, Stage::Signature),
            Version => (Code::VersionUnsupported, Stage::Version),
            Schema => (Code::UnknownField, Stage::Schema),
        }
    }

    /// Faults of one rank go by the order of the papers.
    fn rank(self) -> u8 {
        match self {
            Tag | Float => 0,
            Algorithm => 1,
            Certificate => 2,
            Signature => 3,
            Version => 4,
            Schema => 5,
        }
    }
}

/// The papers of a message, in their order.
const PARTS: [Part; 5] = [Part::Mandate(0), Part::Mandate(1), Part::Offer, Part::Intent, Part::Confirmation];

type Faults<'a> = &'a [(Part, Wrong)];

/// Signs a paper with what is wrong with it.
fn sealed<T: Paper>(world: &World, paper: &T, part: Part, faults: Faults<'_>, by: &str) -> Vec<u8> {
    let wrong = faults.iter().find(|(of, _)| *of == part).map(|(_, wrong)| *wrong);
    let certified = part == Part::Offer;
    let sign = |paper: &dyn Fn() -> Sealed| paper().bytes;
    let by = if wrong == Some(Certificate) { "sh0p.example" } else { by };
    let mut bytes = match wrong {
        Some(Float) => {
            let paper = with(paper, VERSION.number, Some(&[0xf9, 0x3c, 0x00]));
            sign(&|| if certified { world.certify(&paper, by) } else { world.sign(&paper, by) })
        }
        Some(Version) => {
            let paper = with(paper, VERSION.number, Some(&[0x02]));
            sign(&|| if certified { world.certify(&paper, by) } else { world.sign(&paper, by) })
        }
        Some(Schema) => {
            let paper = with(paper, 99, Some(&[0x00]));
            sign(&|| if certified { world.certify(&paper, by) } else { world.sign(&paper, by) })
        }
        _ => sign(&|| if certified { world.certify(paper, by) } else { world.sign(paper, by) }),
    };
    match wrong {
        Some(Tag) => bytes[0] = 0xd1,
        Some(Algorithm) => {
            let place = bytes.windows(3).position(|window| window == [0xa3, 0x01, 0x28]).unwrap();
            bytes[place + 2] = 0x26;
        }
        Some(Signature) => *bytes.last_mut().unwrap() ^= 1,
        _ => {}
    }
    bytes
}

/// What the paper below names, also when what is wrong with this one comes to light later.
fn id_of(mandate: &[u8]) -> Option<PaperId> {
    Signed::<Mandate>::read(mandate).ok().map(|mandate| mandate.id())
}

/// A message of five papers. The chain is not registered.
struct Message {
    world: World,
    root: Mandate,
    sub: Mandate,
    offer: Offer,
    intent: Intent,
    confirmation: Confirmation,
}

impl Message {
    fn new() -> Self {
        let mut world = World::new();
        let root = world.quota("ann", "a0", 5_000);
        let root_id = world.sign(&root, "ann").id;
        let sub = world.quota("ann", "a1", 5_000);
        let sub = world.below(root_id, sub);
        let sub_id = world.sign(&sub, "a0").id;
        let offer = world.offer("shop.example", 1_000);
        let offer_id = world.certify(&offer, "shop.example").id;
        let intent = world.intent(sub_id, &offer, offer_id);
        let intent_id = world.sign(&intent, "a1").id;
        let confirmation = world.confirmation("ann", intent_id);
        Self { world, root, sub, offer, intent, confirmation }
    }

    fn open(&self, faults: Faults<'_>) -> Result<(), Fault> {
        let world = &self.world;
        let root = sealed(world, &self.root, PARTS[0], faults, "ann");
        let mut sub = self.sub.clone();
        sub.parent = Some(id_of(&root).unwrap_or(PaperId([9; 32])));
        let sub = sealed(world, &sub, PARTS[1], faults, "a0");
        let mut intent = self.intent.clone();
        intent.mandate = id_of(&sub).unwrap_or(PaperId([9; 32]));
        let mandates = [root, sub];
        let offer = sealed(world, &self.offer, PARTS[2], faults, "shop.example");
        let intent = sealed(world, &intent, PARTS[3], faults, "a1");
        let confirmation = sealed(world, &self.confirmation, PARTS[4], faults, "ann");
        let request = PaymentRequest {
            mandates: mandates.iter().map(Vec::as_slice).collect(),
            offer: &offer,
            intent: &intent,
            confirmation: Some(&confirmation),
        };
        let opened = world.desk(|desk, state| desk.open_payment(&request, state, pseudonym, |_| None));
        opened.map(drop)
    }
}

#[test]
fn of_two_faulty_papers_the_earlier_stage_wins_and_within_a_stage_the_earlier_paper() {
    let message = Message::new();
    assert_eq!(message.open(&[]), Ok(()));
    let faults = PARTS.iter().flat_map(|part| Wrong::ALL.map(|wrong| (*part, wrong)));
    let faults: Vec<(Part, Wrong)> =
        faults.filter(|(part, wrong)| *wrong != Certificate || *part == Part::Offer).collect();
    let said = |faults: Faults<'_>| {
        let fault = message.open(faults).unwrap_err();
        (fault.code, fault.stage, fault.part)
    };
    let named = |(part, wrong): (Part, Wrong)| (wrong.code().0, wrong.code().1, Some(part));
    let mut pairs = 0;
    for (place, one) in faults.iter().enumerate() {
        assert_eq!(said(&[*one]), named(*one), "{one:?}");
        for other in faults[place + 1..].iter().filter(|other| other.0 != one.0) {
            let first = if (one.1.rank(), one.0) <= (other.1.rank(), other.0) { one } else { other };
            assert_eq!(said(&[*one, *other]), named(*first), "{one:?} and {other:?}");
            pairs += 1;
        }
    }
    assert!(pairs > 300, "{pairs}");
}

/// Two papers, and what each is told.
type Lacking = [(Vec<u8>, Code); 2];

/// A paper without a label, or with a value of another type.
fn lacking<T: Paper>(world: &World, paper: &T, label: Label, by: &str) -> Lacking {
    let certified = by.ends_with(".example");
    let sign = |value: Option<&[u8]>| {
        let paper = with(paper, label.number, value);
        if certified { world.certify(&paper, by).bytes } else { world.sign(&paper, by).bytes }
    };
    [(sign(None), Code::MissingField), (sign(Some(&[0xf5])), Code::FieldType)]
}

#[test]
fn a_field_that_names_a_signer_and_is_not_there_says_that_it_is_not_there() {
    let mut world = World::new();
    world.deposit("ann", 10_000).must_be(Outcome::Recorded);
    let mandate = world.quota("ann", "agent", 5_000);
    let id = world.registered(&mandate, "ann");
    let (held, _) = world.hold("agent", id, "shop.example", 1_000);
    let account = world.account("ann");
    let enrolment = world.enrolment(None, "new");
    let mut added = world.enrolment(Some(account), "other");
    added.nonce = world.nonce();
    let capture = world.capture_paper("shop.example", held.intent.id, 1, false);
    let cancel = world.cancel_paper(&held.intent, None);
    let suspension = world.suspension("ann", &[id]);
    let confirmation = world.confirmation("ann", held.intent.id);
    let deposit = purser_protocol::paper::command::Deposit {
        account,
        issuer: party("issuer.example"),
        issued_at: at(START),
        nonce: world.nonce(),
        amount: minor(1),
        currency: cny(),
    };
    let rows: Vec<(&str, Lacking)> = vec![
        ("mandate, sub", lacking(&world, &mandate, SUB, "ann")),
        ("deposit, sub", lacking(&world, &deposit, SUB, "ann")),
        ("confirmation, sub", lacking(&world, &confirmation, SUB, "ann")),
        ("enrolment, cnf", lacking(&world, &enrolment, CNF, "new")),
        ("capture, iss", lacking(&world, &capture, ISS, "shop.example")),
        ("capture, iat", lacking(&world, &capture, IAT, "shop.example")),
        ("cancel, enclosed", lacking(&world, &cancel, ENCLOSED, "agent")),
        ("suspension, mandates", lacking(&world, &suspension, MANDATES, "ann")),
    ];
    for (row, papers) in rows {
        for (bytes, code) in papers {
            assert_eq!(world.send(&bytes).verdict(), Verdict::NotDecided(code, Stage::Schema), "{row}");
        }
    }

    let offer = world.offer("shop.example", 10);
    let papers = world.papers("agent", id, "shop.example", &offer);
    let intent = world.intent(id, &offer, papers.offer.id);
    for (label, by) in [(ISS, "shop.example"), (IAT, "shop.example")] {
        for (bytes, code) in lacking(&world, &offer, label, by) {
            let offer = Sealed { bytes, ..papers.offer.clone() };
            let said = world.pay(&PaymentPapers { offer, ..papers.clone() });
            said.must_not_be_decided(code, Stage::Schema);
        }
    }
    for (bytes, code) in lacking(&world, &intent, MANDATE, "agent") {
        let intent = Sealed { bytes, ..papers.intent.clone() };
        world.pay(&PaymentPapers { intent, ..papers.clone() }).must_not_be_decided(code, Stage::Schema);
    }
}

#[test]
fn an_account_that_is_none_is_told_from_a_signer_who_may_not() {
    let mut world = World::new();
    let ann = world.account("ann");
    world.account("bob");
    for (account, by) in [(AccountId([9; 16]), "ann"), (ann, "bob"), (ann, "nobody")] {
        let mut enrolment = world.enrolment(Some(account), "thief");
        enrolment.nonce = world.nonce();
        let enrolment = world.sign(&enrolment, by);
        world.send(&enrolment.bytes).must_not_be_decided(Code::AccountUnknown, Code::AccountUnknown.stages()[0]);
    }
    let enrolment = world.enrolment(None, "thief");
    let enrolment = world.sign(&enrolment, "bob");
    world.send(&enrolment.bytes).must_not_be_decided(Code::CommandSigner, Stage::Signature);
    assert!(world.state().accounts[&ann].keys.len() == 1);
}

#[test]
fn no_byte_of_a_message_is_without_weight() {
    let mut world = World::new();
    let root = world.quota("ann", "agent", 5_000);
    let root = world.sign(&root, "ann");
    let offer = world.offer("shop.example", 1_000);
    let mut papers = world.papers("agent", root.id, "shop.example", &offer);
    papers.mandates = vec![root.bytes];
    let confirmation = world.confirmation("ann", papers.intent.id);
    papers.confirmation = Some(world.sign(&confirmation, "ann"));
    let body = papers.body();
    let issuer = party("issuer.example");
    // The certificates are judged anew each time.
    let parties = &Authority::shared().register;
    let desk = Desk { issuer: &issuer, context: SANDBOX, crypto: &Pretend, parties, now: at(START) };
    let opens = |body: &[u8]| {
        let request = PaymentRequest::read(body)?;
        desk.open_payment(&request, world.state(), pseudonym, |_| None)
    };
    let honest = opens(&body).unwrap();
    for place in 0..body.len() {
        for bit in [0x01, 0x80] {
            let mut other = body.clone();
            other[place] ^= bit;
            assert!(opens(&other).is_err(), "byte {place} of {} can be changed", body.len());
        }
    }
    for end in 0..body.len() {
        assert!(opens(&body[..end]).is_err(), "cut short at {end}");
    }
    assert_eq!(honest.mandates.len(), 1);
    assert_ne!(honest.order.offer.id(), PaperId([0; 32]));
}

/// A cancel by certificate names no party, so that nothing of its fields is asked for before its signature is.
#[test]
fn what_names_no_party_is_verified_before_it_is_read() {
    let mut world = World::new();
    let mandate = world.quota("ann", "agent", 5_000);
    let id = world.registered(&mandate, "ann");
    let offer = world.offer("shop.example", 10);
    let papers = world.papers("agent", id, "shop.example", &offer);
    let cancel = world.cancel_paper(&papers.intent, Some(&papers.offer));
    let honest = world.certify(&cancel, "shop.example").bytes;
    world.send(&honest).must_be(Outcome::Cancelled);

    let cancel = with(&world.cancel_paper(&papers.intent, Some(&papers.offer)), 99, Some(&[0x00]));
    let mut bytes = world.certify(&cancel, "shop.example").bytes;
    assert_eq!(world.send(&bytes).verdict(), Verdict::NotDecided(Code::UnknownField, Stage::Schema));
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(world.send(&bytes).verdict(), Verdict::NotDecided(Code::SignatureInvalid, Stage::Signature));
    // A time that nobody has is no time.
    let cancel = with(
        &world.cancel_paper(&papers.intent, Some(&papers.offer)),
        IAT.number,
        Some(&[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0]),
    );
    let mut bytes = world.certify(&cancel, "shop.example").bytes;
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(world.send(&bytes).verdict(), Verdict::NotDecided(Code::FieldRange, Stage::Schema));
}

/// Why an intent was refused is for the payer's side, of which a merchant is by holding the mandate alone.
#[test]
fn a_merchant_that_cancels_is_of_the_payers_side_only_where_it_holds_the_mandate() {
    let mut world = World::new();
    let mandate = world.quota("ann", "agent", 5_000);
    let held = Mandate { holder: Holder::Merchant(party("shop.example")), ..world.quota("ann", "agent", 5_000) };
    let (id, held) = (world.registered(&mandate, "ann"), world.registered(&held, "ann"));
    let offer = world.offer("shop.example", 10);
    let papers = world.papers("agent", id, "shop.example", &offer);
    let intent = world.intent(held, &offer, papers.offer.id);
    let by_holder = world.certify(&intent, "shop.example");
    let by_agent = world.cancel_paper(&papers.intent, None);
    let by_agent = world.sign(&by_agent, "agent");
    let by_seller = world.cancel_paper(&papers.intent, Some(&papers.offer));
    let by_seller = world.certify(&by_seller, "shop.example");
    // It needs no offer.
    let by_holder = world.cancel_paper(&by_holder, None);
    let by_holder = world.certify(&by_holder, "shop.example");
    for (cancel, is_payers) in [(by_agent, true), (by_seller, false), (by_holder, true)] {
        let opened = world.desk(|desk, state| desk.open_command(&cancel.bytes, state, AccountId([0; 16])));
        let Command::Cancel(order) = opened.unwrap() else { panic!("no cancel") };
        assert_eq!(order.is_payers, is_payers);
    }
}

/// A paper that is posted where others belong is judged as one of those, and then is of another kind.
#[test]
fn where_a_paper_is_posted_its_kind_belongs() {
    let mut world = World::new();
    let mandate = world.quota("ann", "agent", 5_000);
    let mandate = world.sign(&mandate, "ann").bytes;
    let enrolment = world.enrolment(None, "new");
    let enrolment = world.sign(&enrolment, "new").bytes;
    let mut weak = mandate.clone();
    let place = weak.windows(3).position(|window| window == [0xa3, 0x01, 0x28]).unwrap();
    weak[place + 2] = 0x26;
    use Resource::{Accounts, Commands, Confirmations, Mandates};
    for (resource, paper, code) in [
        (Mandates, &mandate, None),
        (Commands, &mandate, None),
        (Accounts, &enrolment, None),
        (Accounts, &mandate, Some(Code::TypeMismatch)),
        (Confirmations, &mandate, Some(Code::TypeMismatch)),
        (Mandates, &enrolment, Some(Code::TypeMismatch)),
        (Commands, &enrolment, Some(Code::TypeMismatch)),
        (Accounts, &weak, Some(Code::AlgForbidden)),
        (Commands, &weak, Some(Code::AlgForbidden)),
    ] {
        let opened = world.desk(|desk, state| desk.open_posted(resource, paper, state, AccountId([0; 16])));
        assert_eq!(opened.err().map(|fault| (fault.code, fault.stage)), code.map(|code| (code, Stage::Headers)));
    }
}
