use proptest::prelude::*;

use super::*;
use crate::code::Code;
use crate::field::List;
use crate::id::{LongText, ShortText};
use crate::paper::offer::{CaptureMode, Item, OfferKind, Payee};

fn offer() -> Offer {
    let text = |text: &str| ShortText::new(text).unwrap();
    let item = Item {
        id: text("tea"),
        name: LongText::new("Tea").unwrap(),
        category: None,
        quantity: 1.try_into().unwrap(),
        price: Amount::from_minor(1_280).unwrap(),
        line: None,
    };
    let payee = Payee { issuer: PartyId::new("issuer.example").unwrap(), account: text("main") };
    Offer {
        merchant: PartyId::new("shop.example").unwrap(),
        expires_at: UnixSeconds::new(1_793_500_000).unwrap(),
        issued_at: UnixSeconds::new(1_793_499_000).unwrap(),
        nonce: Nonce([1; 16]),
        amount: Amount::from_minor(1_280).unwrap(),
        currency: Currency::from_code("CNY").unwrap(),
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

fn challenge() -> Challenge {
    Challenge::new(PaperId([7; 32]), &offer(), Some(Nonce([9; 16])))
}

fn one(value: &str) -> Result<Challenge, Fault> {
    let mut read = Challenge::read([value.as_bytes()]);
    assert_eq!(read.len(), 1, "{value}");
    read.remove(0)
}

#[test]
fn a_challenge_is_written_as_the_scheme_has_it() {
    let value = challenge().header_value();
    assert_eq!(
        value,
        "Payment id=\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\", realm=\"shop.example\", method=\"purser\", \
         intent=\"charge\", request=\"eyJhbW91bnQiOiIxMjgwIiwiY3VycmVuY3kiOiJjbnkiLCJtZXRob2REZXRhaWxzIjp7InNhbHQiOiJ\
         DUWtKQ1FrSkNRa0pDUWtKQ1FrSkNRIn19\", expires=\"2026-11-01T02:26:40Z\""
    );
    let request = value.split("request=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(
        String::from_utf8(base64url::decode(request).unwrap()).unwrap(),
        r#"{"amount":"1280","currency":"cny","methodDetails":{"salt":"CQkJCQkJCQkJCQkJCQkJCQ"}}"#
    );
    assert_eq!(one(&value), Ok(challenge()));
}

#[test]
fn others_in_the_same_field_or_beside_it_are_passed_over() {
    let ours = challenge().header_value();
    let card = "Payment id=\"x\", realm=\"y\", method=\"card\", intent=\"charge\", request=\"e30\"";
    let later = ours.replace("charge", "subscription");
    for value in [
        format!("Basic realm=\"a, Payment id=\\\"b\\\"\", {ours}, Negotiate"),
        format!("{card}, {later}, {ours}, Bearer"),
        ours.replacen("Payment", "pAYMENT", 1).replace("id=", "ID = "),
        ours.replace("method=\"purser\"", "method=purser"),
    ] {
        assert_eq!(one(&value).map(|read| read.offer), Ok(PaperId([7; 32])), "{value}");
    }
    assert_eq!(Challenge::read([&b"Basic"[..], b"Negotiate abc=", card.as_bytes()]), []);
    let read = Challenge::read([&b"Basic realm="[..], b"Digest realm=\"", ours.as_bytes()]);
    assert_eq!(read, [Err(malformed(13)), Ok(challenge())], "a broken neighbour hides nothing");
    assert_eq!(Challenge::read([ours.as_bytes(), ours.as_bytes()]).len(), 2);
}

#[test]
fn a_challenge_of_ours_that_is_not_whole_is_an_error() {
    let ours = challenge().header_value();
    let json = |json: &str| format!("request=\"{}\"", base64url::encode(json.as_bytes()));
    let request = ours.split(", ").find(|parameter| parameter.starts_with("request")).unwrap();
    for (name, bad) in [
        ("no id", ours.replace("id=\"Bw", "ix=\"Bw")),
        ("short id", ours.replace("id=\"BwcH", "id=\"")),
        ("realm", ours.replace("shop.example", "Shop")),
        ("request not base64url", ours.replace("eyJ", "ey+")),
        ("amount", ours.replace(request, &json(r#"{"amount":"01280","currency":"cny"}"#))),
        ("amount of nothing", ours.replace(request, &json(r#"{"amount":"0","currency":"cny"}"#))),
        ("currency", ours.replace(request, &json(r#"{"amount":"1280","currency":"CNY"}"#))),
        ("unknown currency", ours.replace(request, &json(r#"{"amount":"1280","currency":"xyz"}"#))),
        ("salt", ours.replace(request, &json(r#"{"amount":"1","currency":"cny","methodDetails":{"salt":"CQ"}}"#))),
        ("twice", ours.replace("realm=\"shop.example\"", "id=\"a\"")),
        ("a token", "Payment abc".to_owned()),
        ("too long", format!("{ours}, x=\"{}\"", "x".repeat(2_048))),
    ] {
        let fault = one(&bad).expect_err(name);
        assert_eq!(fault.code, Code::CredentialMalformed, "{name}");
    }
    let unsalted = ours.replace(request, &json(r#"{"amount":"1280","currency":"cny","more":"x"}"#));
    assert_eq!(one(&unsalted).unwrap().salt, None);
}

#[test]
fn a_credential_echoes_its_challenge_unchanged() {
    let extended = one(&format!("{}, opaque=\"a\\\"b\"", challenge().header_value())).unwrap();
    let credential = Credential::new(&extended, b"receipt".to_vec(), [5; 32]);
    let value = credential.header_value().unwrap();
    let read = Credential::read(value.as_bytes()).unwrap().unwrap();
    assert_eq!((read.offer, &read.receipt[..], read.secret), (PaperId([7; 32]), &b"receipt"[..], [5; 32]));
    assert!(read.echoes(&extended));
    assert!(!read.echoes(&challenge()), "a parameter more");
    let other = Challenge::new(PaperId([7; 32]), &offer(), None);
    assert!(!Credential::new(&challenge(), Vec::new(), [5; 32]).echoes(&other));
    assert!(!format!("{credential:?}").contains("5, 5"), "secrets stay out of logs");
}

#[test]
fn credentials_of_others_are_none_and_broken_ones_are_errors() {
    let token = |json: &str| format!("Payment {}", base64url::encode(json.as_bytes()));
    let ours = r#"{"payload":{"secret":"S","receipt":"AA"},"source":"x","challenge":{"method":"purser","id":"I"}}"#
        .replace('S', &base64url::encode(&[5; 32]))
        .replace('I', &base64url::encode(&[7; 32]));
    let read = |value: &str| Credential::read(value.as_bytes());
    assert_eq!(read(&token(&ours)).unwrap().unwrap().offer, PaperId([7; 32]), "any order, and a member more");
    for value in ["Bearer abc", "Basic QTpC", &token(r#"{"challenge":{"method":"card"}}"#)] {
        assert_eq!(read(value), Ok(None), "{value}");
    }
    assert_eq!(read(&format!("Bearer {}", "A".repeat(2_048))), Ok(None), "the limit is on ours");
    for value in [
        "",
        "Payment",
        "Payment a=\"b\"",
        "Payment !!",
        &token(""),
        &token("{}"),
        &token(r#"{"challenge":{}}"#),
        &token(&ours.replace("secret", "sekret")),
        &token(&ours.replace("\"AA\"", "\"A\"")),
        &token(&ours.replace("\"method\"", "\"id\":\"x\",\"method\"")),
        &format!("{}, Basic abc", token(&ours)),
        &format!("{}=", token(&ours)),
        &format!("Payment {}", "A".repeat(2_048)),
    ] {
        assert_eq!(read(value).expect_err(value).code, Code::CredentialMalformed, "{value}");
    }
}

#[test]
fn no_value_is_longer_than_the_limit() {
    // Longer by three bytes is longer by more than four letters, since the receipt is written twice over.
    let most = (0..2_048).rev().find(|n| Credential::new(&challenge(), vec![0; *n], [5; 32]).header_value().is_some());
    let most = most.unwrap();
    let value = Credential::new(&challenge(), vec![0; most], [5; 32]).header_value().unwrap();
    assert!(value.len() > HEADER_VALUE_BYTES_MAX - 8 && value.len() <= HEADER_VALUE_BYTES_MAX);
    assert!(most >= 770, "a receipt of a batch of 1,024 fits: {most}");
}

#[test]
fn a_payment_taken_names_its_intent() {
    let taken = PaymentTaken { intent: PaperId([3; 32]), at: UnixSeconds::new(1_793_500_000).unwrap() };
    let value = taken.header_value();
    assert_eq!(PaymentTaken::read_intent(value.as_bytes()), Some(PaperId([3; 32])));
    let json = String::from_utf8(base64url::decode(&value).unwrap()).unwrap();
    assert_eq!(
        json,
        "{\"method\":\"purser\",\"reference\":\"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM\",\
         \"status\":\"success\",\"timestamp\":\"2026-11-01T02:26:40Z\"}"
    );
    for other in [json.replace("purser", "card"), json.replace("success", "failed"), "{}".to_owned()] {
        assert_eq!(PaymentTaken::read_intent(base64url::encode(other.as_bytes()).as_bytes()), None, "{other}");
    }
    assert_eq!(PaymentTaken::read_intent(b"\xff"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let _ = Challenge::read([&bytes[..]]);
        let _ = Credential::read(&bytes);
        let _ = Credential::read(&[b"Payment ", &bytes[..]].concat());
        let _ = PaymentTaken::read_intent(&bytes);
    }

    #[test]
    fn a_bit_flipped_breaks_nothing_but_the_header(place in 0..400_usize, bit in 0..8_u32) {
        let mut bytes = challenge().header_value().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        for read in Challenge::read([&bytes[..]]) {
            prop_assert!(read.is_err() || read != Ok(challenge()) || bytes[place].is_ascii_alphabetic());
        }
        let mut bytes = Credential::new(&challenge(), b"receipt".to_vec(), [5; 32]).header_value().unwrap().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let _ = Credential::read(&bytes);
    }
}
