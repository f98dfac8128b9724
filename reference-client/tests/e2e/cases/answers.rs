//! An issuer's answers, made by hand: a receipt that verifies need not answer what was asked.

use std::path::PathBuf;

use purser_client::issuer::{Decision, Question};
use purser_client::trust::Trust;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::encoded;
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId, Pseudonym, Text};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::intent::Intent;
use purser_protocol::receipt::tree::leaf_hash;
use purser_protocol::receipt::{Claims, Detail, Outcome, Receipt, Root};
use purser_protocol::sign::sign_by_certificate;
use purser_protocol::time::UnixSeconds;
use rustls_pki_types::CertificateDer;

use crate::ca::{Ca, Identity};

const INTENT: PaperId = PaperId([1; 32]);
const OFFER: PaperId = PaperId([2; 32]);

struct Desk {
    trust: Trust,
    issuer: Identity,
    folder: PathBuf,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("answers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let ca = Ca::new(&folder, "ca");
        let issuer = ca.party(Role::Issuer, "issuer.example");
        let trust = Trust::new("sandbox", &[CertificateDer::from(ca.der())]).unwrap();
        trust.keep(issuer.chain.clone());
        Self { trust, issuer, folder }
    }

    fn receipt(&self, claims: &Claims) -> Vec<u8> {
        let claims = encoded(claims);
        let root = Root {
            issued_at: now(),
            tree_root: Digest(leaf_hash(&claims)),
            tree_size: 1.try_into().unwrap(),
            batch: 0,
            log_root: Digest([0; 32]),
            log_size: 1,
            network: Text::new("sandbox").unwrap(),
        };
        let root = sign_by_certificate(&root, self.trust.context(), &self.issuer.signer, self.issuer.id, &[]).unwrap();
        encoded(&Receipt { claims, index: 0, path: Vec::new(), root })
    }

    fn read(&self, claims: &Claims, detail: Option<&[u8]>, question: Question<'_>) -> Result<Decision, Fault> {
        let receipt = self.receipt(claims);
        let body = AnswerBody { receipt: &receipt, detail }.write();
        Decision::read(&body, &PartyId::new("issuer.example").unwrap(), question, &self.trust)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn now() -> UnixSeconds {
    purser_client::clock::Clock::machine().now()
}

fn intent() -> Intent {
    Intent {
        issuer: PartyId::new("issuer.example").unwrap(),
        issued_at: now(),
        mandate: PaperId([3; 32]),
        offer: OFFER,
        amount: Amount::from_minor(1_280).unwrap(),
        currency: Currency::from_code("CNY").unwrap(),
        secret_hash: Digest([4; 32]),
        channel: None,
        device: None,
        period: None,
        chains: None,
    }
}

fn settled() -> Claims {
    Claims {
        intent: Some(INTENT),
        offer: Some(OFFER),
        amount: Amount::from_minor(1_280),
        currency: Currency::from_code("CNY"),
        secret_hash: Some(Digest([4; 32])),
        pseudonym: Some(Pseudonym([7; 16])),
        ..Claims::new(Outcome::Settled, now(), Nonce([5; 16]))
    }
}

fn mismatch(read: Result<Decision, Fault>, why: &str) {
    assert_eq!(read.expect_err(why).code, Code::ReceiptMismatch, "{why}");
}

#[test]
fn a_receipt_answers_one_intent_with_its_money() {
    let desk = Desk::new("payment");
    let intent = intent();
    let question = Question::Payment(INTENT, &intent);
    assert_eq!(desk.read(&settled(), None, question).unwrap().outcome(), Outcome::Settled);
    for (why, claims) in [
        ("another intent", Claims { intent: Some(PaperId([9; 32])), ..settled() }),
        ("another offer", Claims { offer: Some(PaperId([9; 32])), ..settled() }),
        ("another amount", Claims { amount: Amount::from_minor(1_279), ..settled() }),
        ("another currency", Claims { currency: Currency::from_code("JPY"), ..settled() }),
        ("another secret", Claims { secret_hash: Some(Digest([9; 32])), ..settled() }),
        ("a refund", Claims { outcome: Outcome::Refunded, command: Some(OFFER), secret_hash: None, ..settled() }),
        ("the end of a hold", Claims { outcome: Outcome::Voided, secret_hash: None, ..settled() }),
        ("a command", Claims { command: Some(INTENT), ..Claims::new(Outcome::Recorded, now(), Nonce([5; 16])) }),
    ] {
        mismatch(desk.read(&claims, None, question), why);
    }
    let tombstone = Claims {
        intent: Some(INTENT),
        offer: Some(OFFER),
        code: Some(Code::PaymentCancelled.into()),
        ..Claims::new(Outcome::Cancelled, now(), Nonce([5; 16]))
    };
    assert_eq!(desk.read(&tombstone, None, question).unwrap().outcome(), Outcome::Cancelled);
    mismatch(desk.read(&settled(), None, Question::Command(INTENT)), "no command");
    assert!(desk.read(&settled(), None, Question::PaymentOf(INTENT)).is_ok());
    mismatch(desk.read(&settled(), None, Question::PaymentOf(OFFER)), "another payment");
    let refused_capture = Claims {
        outcome: Outcome::Refused,
        amount: None,
        currency: None,
        secret_hash: None,
        command: Some(OFFER),
        code: Some(Code::CaptureExceedsHold.into()),
        detail: Some(Digest([8; 32])),
        ..settled()
    };
    mismatch(desk.read(&refused_capture, None, Question::PaymentOf(INTENT)), "the refusal of a command");
}

#[test]
fn a_receipt_answers_one_command() {
    let desk = Desk::new("command");
    let recorded = Claims { command: Some(INTENT), ..Claims::new(Outcome::Recorded, now(), Nonce([5; 16])) };
    assert!(desk.read(&recorded, None, Question::Command(INTENT)).is_ok());
    mismatch(desk.read(&recorded, None, Question::Command(OFFER)), "another command");
    mismatch(desk.read(&recorded, None, Question::PaymentOf(INTENT)), "no payment");
}

#[test]
fn a_reason_is_the_issuers_word_only_with_its_digest_in_the_receipt() {
    let desk = Desk::new("detail");
    let detail =
        Detail { link: Some(0), grant: None, rule: Some(3), code: Code::RuleTotal.into(), salt: Nonce([6; 16]) };
    let refused = Claims {
        outcome: Outcome::Refused,
        code: Some(Code::Declined.into()),
        detail: Some(detail.digest()),
        ..settled()
    };
    let intent = intent();
    let question = Question::Payment(INTENT, &intent);
    let decision = desk.read(&refused, Some(&encoded(&detail)), question).unwrap();
    assert_eq!(decision.code(), Some(Code::RuleTotal));
    assert!(decision.reason().unwrap().starts_with("rule-total (rule total): "));
    assert_eq!(desk.read(&refused, None, question).unwrap().code(), Some(Code::Declined));
    let other = Detail { rule: Some(1), code: Code::RuleAmountMax.into(), ..detail };
    // Whatever else is said is passed over.
    let decision = desk.read(&refused, Some(&encoded(&other)), question).unwrap();
    assert_eq!((decision.code(), decision.detail), (Some(Code::Declined), None), "another reason");
    let decision = desk.read(&settled(), Some(&encoded(&other)), question).unwrap();
    assert_eq!((decision.code(), decision.detail), (None, None), "a reason that the receipt does not hold");
}

#[test]
fn a_receipt_of_another_issuer_or_network_is_none() {
    let desk = Desk::new("issuer");
    let receipt = desk.receipt(&settled());
    let body = AnswerBody { receipt: &receipt, detail: None }.write();
    let read = |name: &str, trust: &Trust| {
        Decision::read(&body, &PartyId::new(name).unwrap(), Question::PaymentOf(INTENT), trust)
    };
    assert!(read("issuer.example", &desk.trust).is_ok());
    mismatch(read("other.example", &desk.trust), "another issuer");
    let anchor = purser_client::keys::load_certificates(&desk.folder.join("ca.pem")).unwrap();
    let other = Trust::new("other", &anchor).unwrap();
    other.keep(desk.issuer.chain.clone());
    assert_eq!(read("issuer.example", &other).unwrap_err().code, Code::SignatureInvalid);
    let forgetful = Trust::new("sandbox", &anchor).unwrap();
    assert_eq!(read("issuer.example", &forgetful).unwrap_err().code, Code::CertMissing);
}
