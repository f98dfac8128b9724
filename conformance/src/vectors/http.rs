//! The header fields and bodies of the HTTP binding.

use purser_protocol::code::Code::{
    self, CborIndefinite, CborNotDeterministic, CborTag, CborTrailing, CborTruncated, CredentialMalformed, FieldRange,
    FieldType, MessageTooLarge, MissingField, OfferMismatch, PaymentRequired, UnknownField,
};
use purser_protocol::code::Stage;
use purser_test_vectors::{Area, Expect};
use serde_json::{Value, json};

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

/// The JSON of a credential.
fn credential(receipt: &str, secret: &str) -> String {
    let challenge: Vec<String> = {
        let mut sorted = parameters();
        sorted.sort();
        sorted.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect()
    };
    format!(
        "{{\"challenge\":{{{}}},\"payload\":{{\"receipt\":\"{receipt}\",\"secret\":\"{secret}\"}}}}",
        challenge.join(",")
    )
}

fn credentials(sheet: &mut Sheet) {
    let receipt = b"what the merchant reads next".to_vec();
    let honest = credential(&base64(&receipt), &base64(&secret()));
    let shown = |json: &str| format!("Payment {}", base64(json.as_bytes()));
    let mut put = |id: &str, title: &str, shows: Shows, header: &str, refusal: Option<Code>, clauses: &str| {
        let expect = match refusal {
            Some(code) => refused_as(code),
            None => {
                accepted().value(json!({"id": hex(&offer().id()), "receipt": hex(&receipt), "secret": hex(&secret())}))
            }
        };
        let input = json!({"header": header});
        let mut case = case("verifier", &format!("credential/{id}"), title, call("credentials.read", input), expect)
            .shows(shows)
            .clauses(clauses);
        if refusal.is_some() {
            case = case.twin("credential/base").mutated("credential/base", "header", vec![json!(title)], true);
        }
        sheet.add(case);
    };
    put("base", "A credential", Shows::default(), &shown(&honest), None, "HTB-33 HTB-38");
    put("spaces", "Its JSON with spaces", Shows("F21", ""), &shown(&honest.replace(',', " , ")), None, "HTB-33");
    put(
        "lower-case-scheme",
        "The scheme in lower case",
        Shows("F21", ""),
        &shown(&honest).replacen("Payment", "payment", 1),
        None,
        "HTB-33",
    );
    let f21 = Shows("F21", "F5");
    let malformed = Some(CredentialMalformed);
    let rows: [(&str, &str, Shows, String); 11] = [
        ("no-json", "No JSON", f21, shown("receipt")),
        ("padded", "With padding", f21, format!("{}=", shown(&honest))),
        ("list", "A list", f21, shown("[]")),
        ("no-payload", "Without payload", f21, shown(&honest.replacen("\"payload\"", "\"paid\"", 1))),
        ("no-secret", "Without the secret", Shows("F21", "B19"), shown(&honest.replacen("\"secret\"", "\"word\"", 1))),
        (
            "secret-short",
            "A secret of 31 bytes",
            Shows("F21", "B19"),
            shown(&credential(&base64(&receipt), &base64(&[7; 31]))),
        ),
        (
            "secret-number",
            "A secret that is a number",
            f21,
            shown(&honest.replacen(&format!("\"{}\"", base64(&secret())), "7", 1)),
        ),
        (
            "receipt-twice",
            "Two receipts",
            Shows("P01 F21", "B20"),
            shown(&honest.replacen("\"receipt\"", "\"receipt\":\"AA\",\"receipt\"", 1)),
        ),
        (
            "id-short",
            "The id of a challenge cut by a byte",
            f21,
            shown(&honest.replacen(&base64(&offer().id()), &base64(&offer().id()[..31]), 1)),
        ),
        ("byte-after", "A byte after the JSON", f21, shown(&format!("{honest}x"))),
        (
            "too-long",
            "A credential of more than 2,048 bytes",
            Shows("F22", "F3"),
            shown(&credential(&base64(&[7; 1_200]), &base64(&secret()))),
        ),
    ];
    for (id, title, shows, header) in rows {
        put(id, title, shows, &header, malformed, if id == "too-long" { "HTB-34" } else { "HTB-33" });
    }
    put("another-scheme", "Another scheme", Shows("F21", ""), "Bearer AAAA", Some(PaymentRequired), "HTB-10");
    let other = shown(&honest.replacen("\"method\":\"purser\"", "\"method\":\"stripe\"", 1));
    put("another-method", "A credential of another method", Shows("F23", ""), &other, Some(PaymentRequired), "HTB-10");
}

/// The body of a payment, as a container.
fn requests(sheet: &mut Sheet) {
    let scene = Scene::new("http");
    let papers = scene.papers();
    let honest = labelled([
        (1, seq([papers.mandates[0].bytes().into()])),
        (2, papers.offer.bytes().into()),
        (3, papers.intent.bytes().into()),
    ]);
    let put = |sheet: &mut Sheet, id: &str, title: &str, shows: Shows, body: Vec<u8>, expect: Expect, clauses: &str| {
        let mut case = case(
            "verifier",
            &format!("request/{id}"),
            title,
            call("request.read", json!({"body": hex(&body)})),
            expect,
        )
        .shows(shows)
        .clauses(clauses);
        if case.expect.code.is_some() {
            case = case.twin("request/base").mutated("request/base", "body", vec![json!(title)], true);
        }
        sheet.add(case);
    };
    let value: Value = json!({
        "mandates": [hex(&papers.mandates[0].bytes())], "offer": hex(&papers.offer.bytes()), "intent": hex(&papers.intent.bytes()),
    });
    put(sheet, "base", "A payment request", Shows::default(), honest.encode(), accepted().value(value), "ENC-21");
    let item = |item: &[u8]| Item::Bytes(item.to_vec());
    let eight = Item::List(vec![item(b"paper"); 8]);
    put(
        sheet,
        "eight-mandates",
        "Eight mandates",
        Shows("M46", ""),
        honest.clone().with(1, eight).encode(),
        accepted(),
        "ENC-15",
    );
    let schema = |code: Code| refused(code, Stage::Schema);
    let encoding = |code: Code| refused(code, Stage::Encoding);
    let rows: [(&str, &str, Shows, Vec<u8>, Expect); 13] = [
        (
            "nine-mandates",
            "Nine mandates",
            Shows("M46", ""),
            honest.clone().with(1, Item::List(vec![item(b"paper"); 9])).encode(),
            schema(FieldRange),
        ),
        (
            "no-mandates",
            "Without the list of mandates",
            Shows("P03", ""),
            honest.clone().without(1).encode(),
            schema(MissingField),
        ),
        ("no-offer", "Without an offer", Shows("P03", ""), honest.clone().without(2).encode(), schema(MissingField)),
        ("no-intent", "Without an intent", Shows("P03", ""), honest.clone().without(3).encode(), schema(MissingField)),
        (
            "unknown-field",
            "With a field that it does not have",
            Shows("P02", "C12"),
            honest.clone().with(5, b"more".to_vec()).encode(),
            schema(UnknownField),
        ),
        (
            "offer-as-map",
            "An offer that is no byte string",
            Shows("P24", ""),
            honest.clone().with(2, labelled([])).encode(),
            schema(FieldType),
        ),
        (
            "list",
            "A list in the place of the map",
            Shows("P21", ""),
            seq([item(b"offer"), item(b"intent")]).encode(),
            schema(FieldType),
        ),
        ("offer-twice", "An offer twice", Shows("P01", "C1"), twice(&honest), encoding(Code::CborDuplicateKey)),
        (
            "indefinite",
            "A map without a length",
            Shows("P13", "C5"),
            [vec![0xbf], honest.encode()[1..].to_vec(), vec![0xff]].concat(),
            encoding(CborIndefinite),
        ),
        (
            "byte-after",
            "A byte after the end",
            Shows("P15", "C6"),
            [honest.encode(), vec![0]].concat(),
            encoding(CborTrailing),
        ),
        (
            "cut",
            "Cut before its last byte",
            Shows("P28", "C6"),
            {
                let whole = honest.encode();
                whole[..whole.len() - 1].to_vec()
            },
            encoding(CborTruncated),
        ),
        (
            "label-wide",
            "A label in two bytes",
            Shows("P18", "C4"),
            [vec![0xa3, 0x18, 1], honest.encode()[2..].to_vec()].concat(),
            encoding(CborNotDeterministic),
        ),
        (
            "tagged",
            "The mark of self-described CBOR",
            Shows("P19", "C7"),
            [vec![0xd9, 0xd9, 0xf7], honest.encode()].concat(),
            encoding(CborTag),
        ),
    ];
    for (id, title, shows, body, expect) in rows {
        put(sheet, id, title, shows, body, expect, "ENC-21");
        sheet.amend(|case| case.unpeeled());
    }
    let long = vec![0; 65_537];
    put(
        sheet,
        "too-large",
        "65,537 bytes",
        Shows("F22", "C11 F3"),
        long,
        refused(MessageTooLarge, Stage::Size),
        "ENC-1",
    );
}

/// The offer's pair twice.
fn twice(body: &Item) -> Vec<u8> {
    let pairs = super::cbor::pairs(body);
    super::cbor::map(&[&pairs[..2], &pairs[1..]].concat())
}
