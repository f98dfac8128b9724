//! The header fields and bodies of the HTTP binding.

mod credentials;

use purser_protocol::code::Code::{
    self, CborIndefinite, CborNotDeterministic, CborTag, CborTrailing, CborTruncated, CredentialMalformed, FieldRange,
    FieldType, MessageTooLarge, MissingField, OfferMismatch, PaymentRequired, UnknownField,
};
use purser_protocol::code::Stage;
use purser_test_vectors::{Area, Expect};
use serde_json::{Value, json};

use self::credentials::{credentials, requests};
use super::cbor::{Item, labelled, seq};
use super::forge::Forge;
use super::papers::lean_offer;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused, refused_as};
use super::world::{Scene, secret};
use super::{hex, keys};

pub(super) fn area() -> Area {
    let about = "Challenges, credentials and payment requests, as the HTTP binding writes them.";
    let mut sheet = Sheet::new("http", about);
    challenges(&mut sheet);
    compared(&mut sheet);
    credentials(&mut sheet);
    requests(&mut sheet);
    sheet.finish()
}

/// base64url without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = usize::try_from(word >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(char::from(ALPHABET[index]));
        }
    }
    text
}

/// The offer of every challenge; it has a `resource`, and so the challenge a salt.
fn offer() -> Forge {
    lean_offer().says(|p| p.with(-25, keys::thirty_two("resource")))
}

/// The parameters of the honest challenge, in their order.
fn parameters() -> Vec<(&'static str, String)> {
    vec![
        ("id", base64(&offer().id())),
        ("realm", "tea.example".to_owned()),
        ("method", "purser".to_owned()),
        ("intent", "charge".to_owned()),
        ("request", base64(request("1280", "cny").as_bytes())),
        ("expires", "2030-03-17T18:01:40Z".to_owned()),
    ]
}

fn request(amount: &str, currency: &str) -> String {
    let salt = base64(&keys::sixteen("salt"));
    format!("{{\"amount\":\"{amount}\",\"currency\":\"{currency}\",\"methodDetails\":{{\"salt\":\"{salt}\"}}}}")
}

/// The parameters with one of them changed, or left out.
fn with(name: &str, value: Option<&str>) -> String {
    let parts = parameters().into_iter().filter_map(|(known, honest)| match value {
        Some(value) if known == name => Some((known, value.to_owned())),
        None if known == name => None,
        _ => Some((known, honest)),
    });
    header(&parts.collect::<Vec<_>>())
}

fn header(parameters: &[(&str, String)]) -> String {
    let parts: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("Payment {}", parts.join(", "))
}

fn read(sheet: &mut Sheet, id: &str, title: &str, shows: Shows, header: &str, refusal: Option<Code>, clauses: &str) {
    let input = json!({"header": header});
    let expect = match refusal {
        Some(code) => refused_as(code),
        None => accepted().value(json!({
            "id": hex(&offer().id()), "realm": "tea.example", "amount": "1280", "currency": "CNY",
            "expires": "2030-03-17T18:01:40Z", "salt": hex(&keys::sixteen("salt")),
        })),
    };
    let mut case = case("verifier", id, title, call("challenge.read", input), expect).shows(shows).clauses(clauses);
    if refusal.is_some() {
        case = case.twin("challenge/base").mutated("challenge/base", "header", vec![json!(title)], true);
    }
    sheet.add(case);
}

fn challenges(sheet: &mut Sheet) {
    let honest = header(&parameters());
    read(sheet, "challenge/base", "A challenge", Shows::default(), &honest, None, "HTB-33 HTB-34");
    let mut reversed = parameters();
    reversed.reverse();
    read(
        sheet,
        "challenge/another-order",
        "Its parameters in another order",
        Shows("F21", ""),
        &header(&reversed),
        None,
        "HTB-33",
    );
    read(
        sheet,
        "challenge/lower-case-scheme",
        "The scheme in lower case",
        Shows("F21", ""),
        &honest.replacen("Payment", "payment", 1),
        None,
        "HTB-33",
    );
    read(
        sheet,
        "challenge/after-another",
        "A challenge of another scheme before it",
        Shows("F21", ""),
        &format!("Bearer realm=\"tea\", {honest}"),
        None,
        "HTB-33",
    );
    let f21 = Shows("F21", "F5");
    let rows: [(&str, &str, Shows, String); 14] = [
        ("no-id", "Without id", f21, with("id", None)),
        ("no-realm", "Without realm", f21, with("realm", None)),
        ("no-request", "Without request", f21, with("request", None)),
        ("id-short", "An id of 31 bytes", f21, with("id", Some(&base64(&[7; 31])))),
        ("id-padded", "An id with padding", f21, with("id", Some(&format!("{}=", base64(&offer().id()))))),
        (
            "id-base64",
            "An id in the other alphabet of base64",
            f21,
            with("id", Some(&base64(&[0xff; 32]).replace('_', "/"))),
        ),
        ("realm-capital", "A realm with a capital", Shows("M41", "A23"), with("realm", Some("Tea.example"))),
        ("request-no-json", "A request that is no JSON", f21, with("request", Some(&base64(b"amount=1280")))),
        (
            "amount-number",
            "An amount that is a number",
            Shows("P08", "A8"),
            with("request", Some(&base64(b"{\"amount\":1280,\"currency\":\"cny\"}"))),
        ),
        (
            "amount-decimal",
            "An amount with decimals",
            Shows("M22", "A7 A8"),
            with("request", Some(&base64(request("12.80", "cny").as_bytes()))),
        ),
        (
            "amount-leading-zero",
            "An amount with a zero before it",
            Shows("P07", "A8"),
            with("request", Some(&base64(request("01280", "cny").as_bytes()))),
        ),
        (
            "amount-twice",
            "Two amounts",
            Shows("P01 F21", "A8"),
            with("request", Some(&base64(b"{\"amount\":\"1280\",\"amount\":\"1\",\"currency\":\"cny\"}"))),
        ),
        (
            "currency-capitals",
            "A currency in capitals",
            Shows("M23", "A6"),
            with("request", Some(&base64(request("1280", "CNY").as_bytes()))),
        ),
        (
            "currency-unknown",
            "A currency that there is not",
            Shows("M23", "A6"),
            with("request", Some(&base64(request("1280", "xxx").as_bytes()))),
        ),
    ];
    for (id, title, shows, header) in rows {
        read(sheet, &format!("challenge/{id}"), title, shows, &header, Some(CredentialMalformed), "HTB-33");
    }
    let twice = header(&[parameters(), vec![("id", base64(&[7; 32]))]].concat());
    read(sheet, "challenge/id-twice", "Two ids", f21, &twice, Some(CredentialMalformed), "HTB-33");
    read(
        sheet,
        "challenge/another-method",
        "A challenge of another method",
        Shows("F23", ""),
        &with("method", Some("stripe")),
        Some(CredentialMalformed),
        "HTB-33",
    );
    let long = format!("{honest}, note=\"{}\"", "a".repeat(2_049 - honest.len() - 9));
    let fits = format!("{honest}, note=\"{}\"", "a".repeat(2_048 - honest.len() - 9));
    read(sheet, "challenge/2048-bytes", "A challenge of 2,048 bytes", Shows("F22", "F3"), &fits, None, "HTB-34");
    let other = format!("Bearer realm=\"{}\"", "a".repeat(2_049 - honest.len() - 17));
    read(
        sheet,
        "challenge/2049-bytes-of-two",
        "A challenge after another, 2,049 bytes together",
        Shows("F22", "F3"),
        &format!("{other}, {honest}"),
        Some(CredentialMalformed),
        "HTB-34",
    );
    read(
        sheet,
        "challenge/2049-bytes",
        "A challenge of 2,049 bytes",
        Shows("F22", "F3"),
        &long,
        Some(CredentialMalformed),
        "HTB-34",
    );
}

/// The challenge and the offer in the body.
fn compared(sheet: &mut Sheet) {
    let offer = offer();
    let with_offer = |header: &str| call("challenge.read", json!({"header": header, "offer": hex(&offer.bytes())}));
    let base =
        case("verifier", "offer/base", "A challenge beside its offer", with_offer(&header(&parameters())), accepted());
    sheet.add(base.clauses("HTB-37"));
    let rows: [(&str, &str, Shows, String); 6] = [
        ("id", "The id of another offer", Shows("M38", "B12"), with("id", Some(&base64(&[7; 32])))),
        ("realm", "Another realm", Shows("X17", "A23"), with("realm", Some("rice.example"))),
        (
            "amount",
            "A lower amount than the offer's",
            Shows("F10", "H5 B13"),
            with("request", Some(&base64(request("1279", "cny").as_bytes()))),
        ),
        (
            "currency",
            "Another currency than the offer's",
            Shows("M22", "A6"),
            with("request", Some(&base64(request("1280", "kwd").as_bytes()))),
        ),
        ("expires", "A later end than the offer's", Shows("F10", "B13"), with("expires", Some("2030-03-17T18:01:41Z"))),
        (
            "no-salt",
            "Without the salt of an offer that has a resource",
            Shows("M38", "G3"),
            with("request", Some(&base64(b"{\"amount\":\"1280\",\"currency\":\"cny\"}"))),
        ),
    ];
    for (id, title, shows, header) in rows {
        let case = case(
            "verifier",
            &format!("offer/{id}"),
            title,
            with_offer(&header),
            refused(OfferMismatch, Stage::Mandate),
        );
        let case = case.shows(shows).clauses("HTB-37").twin("offer/base").mutated(
            "offer/base",
            "header",
            vec![json!(title)],
            true,
        );
        sheet.add(case);
    }
}
