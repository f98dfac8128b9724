//! What an agent makes of answers.

use super::*;

pub(super) fn answers(sheet: &mut Sheet) {
    let offer = offer();
    let id = intent(&offer, NOW);
    let taken = || vec![start(), ask(&offer, &Request::new(), 1_000)];
    let answered = |status: u64, content_type: &str, body: Option<Vec<u8>>| {
        let mut input = json!({"intent": hex(&id), "status": status, "content_type": content_type, "now": NOW + 1});
        if let Some(body) = body {
            input["body"] = json!(hex(&body));
        }
        call("agent.answer", input)
    };
    let problem = |code: Code, retry: &str| {
        let body = json!({
            "type": format!("urn:purser:problem:{}", code.slug()), "title": "words", "status": code.status(), "code": code.number(),
            "stage": code.stages()[0].name(), "retry": retry, "resolver": "agent",
        });
        answered(code.status().into(), PROBLEM, Some(body.to_string().into_bytes()))
    };
    let silence = || answered(0, "", None);
    sheet.setup("silence", [taken(), vec![silence()]].concat());
    let mut put =
        |name: &str, title: &str, setup: &str, call: Call, (state, send): (&str, &str), clauses: &str, shows: Shows| {
            let expect = accepted().value(json!({"state": state, "send": send}));
            let case = case("agent", &format!("answer/{name}"), title, call, expect).shows(shows).after_setup(setup);
            sheet.add(case.needs("core").clauses(clauses).weighs(Importance::Critical));
        };
    let doubt = Shows("F01", "B7 B24");
    put("nothing", "No answer", "taken", silence(), ("asking", "same"), "FLW-4 INT-18", doubt);
    put(
        "overloaded",
        "503: the issuer is at its limit",
        "taken",
        problem(Code::Overloaded, "same"),
        ("asking", "same"),
        "FLW-4 INT-18",
        doubt,
    );
    put(
        "internal",
        "500: the issuer failed",
        "taken",
        problem(Code::Internal, "same"),
        ("asking", "same"),
        "FLW-4 INT-18",
        doubt,
    );
    put(
        "gateway",
        "502, in HTML",
        "taken",
        answered(502, "text/html", Some(b"<h1>Bad Gateway</h1>".to_vec())),
        ("asking", "same"),
        "FLW-3 FLW-4",
        doubt,
    );
    put(
        "forbidden-in-html",
        "403, in HTML",
        "taken",
        answered(403, "text/html", Some(b"<h1>Forbidden</h1>".to_vec())),
        ("asking", "same"),
        "FLW-3",
        doubt,
    );
    put(
        "payment-required",
        "402 of whoever stands before the issuer",
        "taken",
        answered(402, "text/plain", Some(b"pay again".to_vec())),
        ("asking", "same"),
        "FLW-3",
        doubt,
    );
    put(
        "not-decided",
        "Nothing was decided, and never will be: the only sending",
        "taken",
        problem(Code::SignatureInvalid, "never"),
        ("idle", "nothing"),
        "FLW-4 ERR-3",
        doubt,
    );
    put(
        "not-decided-later",
        "Nothing was decided, after a sending that was not answered",
        "silence",
        problem(Code::SignatureInvalid, "never"),
        ("asking", "same"),
        "FLW-4",
        doubt,
    );
    put(
        "claims-a-refusal",
        "A problem body that names a refusal which only a receipt can make",
        "taken",
        problem(Code::InsufficientFunds, "never"),
        ("asking", "same"),
        "FLW-3",
        Shows("F16", "B7 B18"),
    );
    let new_code = json!({"type": "urn:purser:problem:from-the-future", "status": 400, "code": 9_999, "stage": "rules", "retry": "same", "resolver": "agent"});
    put(
        "unknown-code-same",
        "A code that the agent does not know, to be sent again",
        "taken",
        answered(400, PROBLEM, Some(new_code.to_string().into_bytes())),
        ("asking", "same"),
        "ERR-4",
        Shows("F23", ""),
    );
    let new_code = json!({"type": "urn:purser:problem:from-the-future", "status": 400, "code": 9_999, "stage": "rules", "resolver": "agent"});
    put(
        "unknown-code",
        "A code that the agent does not know, without a class",
        "taken",
        answered(400, PROBLEM, Some(new_code.to_string().into_bytes())),
        ("idle", "nothing"),
        "ERR-4",
        Shows("F23", ""),
    );

    let receipt = |outcome: i64, change: &dyn Fn(Item) -> Item| {
        let hash = Item::from(keys::thirty_two("hash of the secret"));
        let about = |claims: Item| claims.with(-3, offer.id()).with(-4, id).with(-7, hash).with(-5, 1_000);
        Draft::of(change(about(claims(outcome))))
    };
    let answer = |draft: &Draft| {
        let body = labelled([(1, draft.bytes().into())]).encode();
        answered(200, ANSWER, Some(body))
    };
    let same = |claims: Item| claims;
    let served = Shows("F16", "B18");
    put(
        "settled",
        "A receipt: settled",
        "taken",
        answer(&receipt(2, &same)),
        ("paid", "nothing"),
        "FLW-3 RCT-1",
        served,
    );
    put(
        "authorized",
        "A receipt: authorized",
        "taken",
        answer(&receipt(1, &same)),
        ("paid", "nothing"),
        "FLW-3 RCT-1",
        served,
    );
    put(
        "settled-after-silence",
        "A receipt after a sending that was not answered",
        "silence",
        answer(&receipt(2, &same)),
        ("paid", "nothing"),
        "FLW-4",
        doubt,
    );
    put("pending", "A receipt: pending", "taken", answer(&receipt(6, &same)), ("waiting", "nothing"), "FLW-3", served);
    put("refused", "A receipt: refused", "taken", answer(&receipt(7, &same)), ("idle", "nothing"), "FLW-3", served);
    let cancelled = Draft::of(claims(8).with(-3, offer.id()).with(-4, id));
    put("cancelled", "A receipt: cancelled", "taken", answer(&cancelled), ("idle", "nothing"), "FLW-3", served);
    let forged = Shows("F14 F15", "B18 B20");
    put(
        "another-intent",
        "A receipt of another payment",
        "taken",
        answer(&receipt(2, &|c| c.with(-4, keys::thirty_two("another intent")))),
        ("asking", "same"),
        "FLW-3",
        forged,
    );
    let captured = Draft::of(claims(3).with(-3, offer.id()).with(-4, id));
    put(
        "captured",
        "A receipt of a capture of the payment: it says nothing of the intent",
        "taken",
        answer(&captured),
        ("asking", "same"),
        "FLW-3",
        forged,
    );
    let unsigned = Draft {
        root_change: |f| f.signature_item = Some(super::super::super::cbor::bytes(&[1; 64])),
        ..receipt(2, &same)
    };
    put(
        "forged",
        "A receipt with a broken signature",
        "taken",
        answer(&unsigned),
        ("asking", "same"),
        "FLW-3 RCT-1",
        forged,
    );
    let refusal_forged = Draft {
        root_change: |f| f.signature_item = Some(super::super::super::cbor::bytes(&[1; 64])),
        ..receipt(7, &same)
    };
    put(
        "forged-refusal",
        "A refusal with a broken signature",
        "taken",
        answer(&refusal_forged),
        ("asking", "same"),
        "FLW-3 RCT-1",
        forged,
    );
    put(
        "another-network",
        "A receipt signed for another network",
        "taken",
        answer(&Draft {
            root_change: |f| f.aad = super::super::super::forge::aad("root", "live"),
            ..receipt(2, &same)
        }),
        ("asking", "same"),
        "FLW-3 SIG-16",
        Shows("M44", "D9"),
    );
}

pub(super) const PROBLEM: &str = "application/problem+json";

pub(super) const ANSWER: &str = "application/vnd.purser.answer+cbor";
