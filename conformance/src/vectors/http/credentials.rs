//! Credentials, and the body of a payment.

use super::*;

/// The JSON of a credential.
pub(super) fn credential(receipt: &str, secret: &str) -> String {
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

pub(super) fn credentials(sheet: &mut Sheet) {
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
    let spaced = |length: usize| {
        let mut json = honest.clone();
        let spaces = length.saturating_sub(json.len());
        json.insert_str(1, &" ".repeat(spaces));
        shown(&json)
    };
    let f22 = Shows("F22", "F3");
    put("2048-bytes", "A credential of 2,048 bytes", f22, &spaced(1_530), None, "HTB-34");
    put(
        "2050-bytes",
        "A credential of 2,050 bytes, of which none is wrong",
        f22,
        &spaced(1_531),
        Some(CredentialMalformed),
        "HTB-34",
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
pub(super) fn requests(sheet: &mut Sheet) {
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
        accepted().value(json!({"mandates": vec![hex(b"paper"); 8]})),
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
pub(super) fn twice(body: &Item) -> Vec<u8> {
    let pairs = super::super::cbor::pairs(body);
    super::super::cbor::map(&[&pairs[..2], &pairs[1..]].concat())
}
