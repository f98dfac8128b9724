use std::num::NonZeroU32;

use super::*;
use crate::field::List;
use crate::id::{LongText, ShortText, Text};
use crate::money::{Amount, Currency};
use crate::paper::offer::{Item, OfferKind, Payee};

const SECRET: [u8; 32] = [5; 32];
const REQUEST: Digest = Digest([6; 32]);
const OFFER: PaperId = PaperId([7; 32]);
const MADE_AT_SECONDS: u64 = 1_793_606_400;

fn now() -> UnixSeconds {
    UnixSeconds::new(MADE_AT_SECONDS + 30).unwrap()
}

fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

fn made(state: OfferState) -> OfferMade {
    let amount = Amount::from_minor(1_280).unwrap();
    let item = Item {
        id: ShortText::new("tea").unwrap(),
        name: LongText::new("Tea").unwrap(),
        category: None,
        quantity: NonZeroU32::MIN,
        price: amount,
        line: None,
    };
    let payee = |issuer: &str| Payee { issuer: party(issuer), account: ShortText::new("till").unwrap() };
    let at = |seconds| UnixSeconds::new(seconds).unwrap();
    let offer = Offer {
        merchant: party("tea.example"),
        expires_at: at(MADE_AT_SECONDS + 300),
        issued_at: at(MADE_AT_SECONDS),
        nonce: Nonce([1; 16]),
        amount,
        currency: Currency::from_code("CNY").unwrap(),
        items: List::new(vec![item]).unwrap(),
        accepts: List::new(vec![payee("issuer.example"), payee("other.example")]).unwrap(),
        kind: OfferKind::Charge,
        capture: CaptureMode::AtOnce,
        resource: Some(REQUEST),
        pseudonym: None,
        hold_seconds: None,
        meter: None,
    };
    OfferMade { id: OFFER, offer, state }
}

fn receipt() -> VerifiedReceipt {
    let mut claims = Claims::new(Outcome::Settled, UnixSeconds::new(MADE_AT_SECONDS + 4).unwrap(), Nonce([2; 16]));
    claims.offer = Some(OFFER);
    claims.intent = Some(PaperId([8; 32]));
    claims.amount = Amount::from_minor(1_280);
    claims.currency = Currency::from_code("CNY");
    claims.secret_hash = Some(Digest(Sha256::digest(SECRET).into()));
    let root = Root {
        issued_at: claims.decided_at,
        tree_root: Digest([0; 32]),
        tree_size: NonZeroU32::MIN,
        batch: 0,
        log_root: Digest([0; 32]),
        log_size: 1,
        network: Text::new("sandbox").unwrap(),
    };
    let (id, certificate) = (PaperId([9; 32]), CertificateId([3; 32]));
    VerifiedReceipt { id, claims, issuer: party("issuer.example"), certificate, root }
}

fn consumed() -> OfferState {
    let VerifiedReceipt { id, issuer, claims, .. } = receipt();
    OfferState::Consumed(Consumed { receipt: id, issuer, intent: claims.intent.unwrap(), request: REQUEST })
}

fn judged(
    state: OfferState,
    receipt: &VerifiedReceipt,
    secret: &[u8; 32],
    request: &Digest,
) -> Result<Redemption, Code> {
    redeem(&made(state), receipt, secret, request, now()).map_err(|fault| {
        assert_eq!(fault.stage, Stage::Redeem);
        fault.code
    })
}

#[test]
fn a_receipt_is_for_its_offer_and_from_its_time() {
    let of = |change: &dyn Fn(&mut VerifiedReceipt)| {
        let mut receipt = receipt();
        change(&mut receipt);
        judged(OfferState::Open, &receipt, &SECRET, &REQUEST)
    };
    assert_eq!(of(&|_| ()), Ok(Redemption::Serve));
    assert_eq!(of(&|receipt| receipt.issuer = party("other.example")), Ok(Redemption::Serve));
    let decided_at = |seconds| {
        move |receipt: &mut VerifiedReceipt| {
            receipt.claims.decided_at = UnixSeconds::new(seconds).unwrap();
        }
    };
    assert_eq!(of(&decided_at(MADE_AT_SECONDS - SKEW_SECONDS)), Ok(Redemption::Serve));
    assert_eq!(of(&decided_at(MADE_AT_SECONDS + 86_400)), Ok(Redemption::Serve), "it may come late");
    let mismatch = Err(Code::ReceiptMismatch);
    assert_eq!(of(&decided_at(MADE_AT_SECONDS - SKEW_SECONDS - 1)), mismatch);
    assert_eq!(of(&|receipt| receipt.issuer = party("tea.example")), mismatch);
    assert_eq!(of(&|receipt| receipt.claims.offer = Some(PaperId([1; 32]))), mismatch);
    assert_eq!(of(&|receipt| receipt.claims.amount = Amount::from_minor(1_279)), mismatch);
    assert_eq!(of(&|receipt| receipt.claims.amount = Amount::from_minor(1_281)), mismatch);
    assert_eq!(of(&|receipt| receipt.claims.currency = Currency::from_code("JPY")), mismatch);
    for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::Settled) {
        assert_eq!(of(&|receipt| receipt.claims.outcome = *outcome), mismatch, "{outcome:?}");
    }
    let mut held = made(OfferState::Open);
    held.offer.capture = CaptureMode::ByCommand;
    let code = |receipt: &VerifiedReceipt| redeem(&held, receipt, &SECRET, &REQUEST, now()).map_err(|fault| fault.code);
    assert_eq!(code(&receipt()), mismatch);
    let mut authorized = receipt();
    authorized.claims.outcome = Outcome::Authorized;
    authorized.claims.hold_until = Some(now().saturating_add(SKEW_SECONDS + 1));
    assert_eq!(code(&authorized), Ok(Redemption::Serve));
    authorized.claims.hold_until = Some(now().saturating_add(SKEW_SECONDS));
    assert_eq!(code(&authorized), mismatch, "the money goes back before it can be captured");
    held.state = consumed();
    let code = redeem(&held, &authorized, &SECRET, &REQUEST, now()).map_err(|fault| fault.code);
    assert_eq!(code, Ok(Redemption::Repeat), "what was served in time is served again");
}

#[test]
fn what_is_wrong_first_is_said_and_nothing_is_given_back_to_a_stranger() {
    let (other_secret, other_request) = ([4; 32], Digest([4; 32]));
    let mut foreign = receipt();
    foreign.claims.offer = Some(PaperId([1; 32]));
    let mut second = receipt();
    second.id = PaperId([10; 32]);
    second.claims.intent = Some(PaperId([11; 32]));
    for state in [OfferState::Open, OfferState::Withdrawn, consumed()] {
        let of = |receipt: &VerifiedReceipt| judged(state.clone(), receipt, &other_secret, &other_request);
        assert_eq!(of(&foreign), Err(Code::ReceiptMismatch));
        assert_eq!(of(&second), Err(Code::SecretMismatch));
    }
    let of = |state: OfferState, receipt: &VerifiedReceipt, request: &Digest| judged(state, receipt, &SECRET, request);
    assert_eq!(of(OfferState::Open, &receipt(), &other_request), Err(Code::RequestMismatch));
    assert_eq!(of(consumed(), &receipt(), &REQUEST), Ok(Redemption::Repeat));
    assert_eq!(of(consumed(), &receipt(), &other_request), Err(Code::ReceiptAlreadyUsed));
    for request in [REQUEST, other_request] {
        assert_eq!(of(consumed(), &second, &request), Ok(Redemption::GiveBack(Code::ReceiptAlreadyUsed)));
        let withdrawn = of(OfferState::Withdrawn, &receipt(), &request);
        assert_eq!(withdrawn, Ok(Redemption::GiveBack(Code::OfferUnknown)));
    }
}

#[test]
fn the_money_of_what_was_served_is_not_given_back() {
    let mut again = receipt();
    again.id = PaperId([10; 32]);
    assert_eq!(judged(consumed(), &again, &SECRET, &REQUEST), Err(Code::ReceiptAlreadyUsed));
    // The same intent's id under another issuer is another payment.
    again.issuer = party("other.example");
    let back = judged(consumed(), &again, &SECRET, &REQUEST);
    assert_eq!(back, Ok(Redemption::GiveBack(Code::ReceiptAlreadyUsed)));
}

#[test]
fn a_payment_for_an_offer_that_is_not_known_goes_back() {
    let code = |receipt: &VerifiedReceipt, secret| redeem_unknown(&OFFER, receipt, secret).map_err(|fault| fault.code);
    assert_eq!(code(&receipt(), &SECRET), Ok(Redemption::GiveBack(Code::OfferUnknown)));
    assert_eq!(code(&receipt(), &[4; 32]), Err(Code::OfferUnknown));
    for outcome in Outcome::ALL {
        let mut receipt = receipt();
        receipt.claims.outcome = *outcome;
        let has_money = matches!(outcome, Outcome::Settled | Outcome::Authorized);
        assert_eq!(code(&receipt, &SECRET).is_ok(), has_money, "{outcome:?}");
        receipt.claims.offer = Some(PaperId([1; 32]));
        assert_eq!(code(&receipt, &SECRET), Err(Code::OfferUnknown));
    }
}
