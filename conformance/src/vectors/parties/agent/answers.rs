//! What an agent makes of answers.

use purser_test_vectors::Expect;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::super::forge::certificate_header;
use super::*;

/// The end of the offer.
const ENDS: u64 = NOW + 840;

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
    let mut setups: Vec<(String, Call)> = Vec::new();
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
        "Nothing was decided, and never will be: the only sending, of which a copy may be on its way",
        "taken",
        problem(Code::SignatureInvalid, "never"),
        ("cancelling", "cancel"),
        "FLW-4 ERR-3",
        doubt,
    );
    // Whoever is turned away waits for the cancel's receipt, or for the end of the offer.
    setups.push(("turned-away".into(), problem(Code::MandateUnknown, "after-change")));
    let unknown = |now: u64| {
        let mut call = problem(Code::NotFound, "never");
        call.input["now"] = json!(now);
        call
    };
    for (name, title, call, next) in [
        ("turned-away-nothing", "The cancel is not answered", silence(), ("cancelling", "cancel")),
        (
            "turned-away-again",
            "The cancel is turned away like its intent",
            problem(Code::MandateUnknown, "after-change"),
            ("cancelling", "cancel"),
        ),
        (
            "turned-away-unknown",
            "The issuer does not have the intent, whose offer is open",
            unknown(NOW + 60),
            ("cancelling", "cancel"),
        ),
        (
            "turned-away-unknown-ended",
            "The issuer does not have the intent, whose offer ends in this second by the agent's clock",
            unknown(ENDS),
            ("cancelling", "cancel"),
        ),
        (
            "turned-away-unknown-just-over",
            "The issuer does not have the intent, whose offer has just ended by the agent's clock",
            unknown(ENDS + 599),
            ("cancelling", "cancel"),
        ),
        (
            "turned-away-unknown-over",
            "The issuer does not have the intent, whose offer is over by any clock",
            unknown(ENDS + 600),
            ("idle", "nothing"),
        ),
        (
            "turned-away-later",
            "Another thing is said to be wrong with it, after the offer is over",
            {
                let mut call = problem(Code::SignatureInvalid, "never");
                call.input["now"] = json!(ENDS + 600);
                call
            },
            ("cancelling", "cancel"),
        ),
    ] {
        put(name, title, "turned-away", call, next, "FLW-4", doubt);
    }
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
        "malformed-later",
        "Another thing is wrong with the bytes, after a sending that was not answered",
        "silence",
        problem(Code::CborTruncated, "never"),
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
        ("cancelling", "cancel"),
        "ERR-4",
        Shows("F23", ""),
    );

    let receipt = |outcome: i64, change: &dyn Fn(Item) -> Item| {
        let about = |claims: Item| claims.with(-3, offer.id()).with(-4, id).with(-7, secret_hash()).with(-5, 1_000);
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
    for (name, title, body, state) in [
        ("cancelled", "A receipt: cancelled, after the intent was turned away", &cancelled, "idle"),
        ("settled", "A receipt: settled, after the intent was turned away: a copy came", &receipt(2, &same), "paid"),
    ] {
        let next = (state, "nothing");
        put(&format!("turned-away-{name}"), title, "turned-away", answer(body), next, "FLW-4", doubt);
    }
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
    for (outcome, name) in [(1, "authorized"), (6, "pending"), (7, "refused")] {
        let title = format!("A receipt: {name}, of another payment");
        let draft = receipt(outcome, &|c| c.with(-4, keys::thirty_two("another intent")));
        let id = format!("{name}-another-intent");
        put(&id, &title, "taken", answer(&draft), ("asking", "same"), "FLW-3", forged);
    }
    let payment = id;
    for (id, title, label, code) in [
        ("capture", "A refusal of a capture of the payment", "a capture", 240),
        ("refund", "A refusal of a refund of the payment", "a refund", 141),
    ] {
        let of_command = labelled([
            (6, NOW.into()),
            (-3, offer.id().into()),
            (-4, payment.into()),
            (-8, 7.into()),
            (-9, code.into()),
            (-26, keys::sixteen("pseudonym").into()),
            (-34, keys::thirty_two(label).into()),
            (-35, keys::sixteen("salt").into()),
            (-36, keys::thirty_two("detail").into()),
        ]);
        let id = format!("refused-{id}");
        put(&id, title, "taken", answer(&Draft::of(of_command)), ("asking", "same"), "FLW-3", forged);
    }
    // Its own issuer, its own money, its own offer. [FLW-14]
    for (outcome, name) in [(1, "authorized"), (2, "settled"), (6, "pending"), (7, "refused")] {
        let rows: [(&str, &str, i64, Item); 3] = [
            ("amount", "of a unit more", -5, 1_001.into()),
            ("currency", "in another currency", -6, "JPY".into()),
            ("secret", "with the hash of another secret", -7, keys::thirty_two("another hash").into()),
        ];
        for (field, words, label, value) in rows {
            let draft = receipt(outcome, &|c| c.with(label, value.clone()));
            let title = format!("A receipt: {name}, {words}");
            put(
                &format!("{name}-another-{field}"),
                &title,
                "taken",
                answer(&draft),
                ("asking", "same"),
                "FLW-14",
                forged,
            );
        }
    }
    let other_offer = |outcome: i64| receipt(outcome, &|c| c.with(-3, keys::thirty_two("another offer")));
    for (outcome, name) in [(1, "authorized"), (2, "settled"), (6, "pending")] {
        let title = format!("A receipt: {name}, of another offer");
        let call = answer(&other_offer(outcome));
        put(&format!("{name}-another-offer"), &title, "taken", call, ("asking", "same"), "FLW-14", forged);
    }
    put(
        "refused-another-offer",
        "A receipt: refused, of the offer that was sent along, which was another",
        "taken",
        answer(&other_offer(7)),
        ("idle", "nothing"),
        "FLW-14 RCT-19",
        Shows("F15", "B12"),
    );
    for (outcome, name, state) in [(2, "settled", "paid"), (7, "refused", "idle")] {
        let by_bank = Draft { root_change: by_other_issuer, ..receipt(outcome, &same) };
        let title = format!("A receipt: {name}, signed by another issuer");
        put(&format!("{name}-another-issuer"), &title, "taken", answer(&by_bank), ("asking", "same"), "FLW-14", forged);
        let at_last = format!("A receipt: {name}, after one of another issuer");
        let setup = format!("{name}-by-bank");
        setups.push((setup.clone(), answer(&by_bank)));
        put(
            &format!("{name}-at-last"),
            &at_last,
            &setup,
            answer(&receipt(outcome, &same)),
            (state, "nothing"),
            "FLW-14 FLW-4",
            doubt,
        );
    }
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
    let named = |name: &str, value: Value| {
        let mut problem = json!({"type": "urn:purser:problem:signature-invalid", "status": 400, "code": Code::SignatureInvalid.number(), "stage": "signature", "retry": "never", "resolver": "agent"});
        problem[name] = value;
        answered(400, PROBLEM, Some(problem.to_string().into_bytes()))
    };
    for (id, name, value) in [
        ("unknown-member", "colour", json!("green")),
        ("unknown-object", "extension", json!({"code": 1, "retry": "same"})),
    ] {
        let title = format!("Nothing was decided: a problem with a member {name} that nobody knows");
        put(id, &title, "taken", named(name, value), ("cancelling", "cancel"), "VER-6 FLW-4", Shows("F23", ""));
    }
    for (name, call) in setups {
        sheet.setup(&name, [taken(), vec![call]].concat());
    }
    details(sheet, &offer, &taken());
    deliveries(sheet, &offer, taken());
}

/// A root signed by an issuer that the agent believes, and did not ask.
fn by_other_issuer(f: &mut Forge) {
    signed_with(f, certs::Draft::leaf("thief", certs::Role::Issuer, "bank.example", &[], "root").der(), "thief");
}

fn signed_with(f: &mut Forge, leaf: Vec<u8>, key: &'static str) {
    f.protected = certificate_header(f.kind, &leaf);
    f.unprotected = labelled([(33, leaf.into())]);
    f.signer = key;
}

/// Why a payment was refused: what the detail says, where it is the one of the claims. [RCT-15]
fn details(sheet: &mut Sheet, offer: &Forge, taken: &[Call]) {
    let id = intent(offer, NOW);
    let detail =
        |code: Code| labelled([(-9, i64::from(code.number()).into()), (-35, keys::sixteen("salt of a detail").into())]);
    let hash = |detail: &Item| -> [u8; 32] { Sha256::digest(detail.encode()).into() };
    let own = detail(Code::InsufficientFunds);
    let receipt = |own: &Item| {
        let claims = claims(7).with(-3, offer.id()).with(-4, id).with(-7, secret_hash()).with(-5, 1_000);
        Draft::of(claims.with(-36, hash(own)))
    };
    sheet.setup("asked", taken.to_vec());
    let rows: [(&str, &str, Option<Item>, Code); 5] = [
        ("own", "A refusal with its detail", Some(own.clone()), Code::InsufficientFunds),
        ("none", "A refusal without its detail", None, Code::Declined),
        ("another", "A refusal with the detail of another", Some(detail(Code::MandateRevoked)), Code::Declined),
        (
            "salt",
            "A refusal with its detail under another salt",
            Some(own.clone().with(-35, keys::sixteen("another salt"))),
            Code::Declined,
        ),
        ("more", "A refusal with its detail and a rule", Some(own.clone().with(3, 1)), Code::Declined),
    ];
    for (name, title, shown, code) in rows {
        let mut body = labelled([(1, receipt(&own).bytes().into())]);
        if let Some(shown) = shown {
            body = body.with(2, shown.encode());
        }
        let input = json!({
            "intent": hex(&id), "status": 403, "content_type": ANSWER, "now": NOW + 1, "body": hex(&body.encode()),
        });
        let expect = accepted().value(json!({"state": "idle", "send": "nothing", "code": code.slug()}));
        let case = case("agent", &format!("detail/{name}"), title, call("agent.answer", input), expect);
        let case = case.shows(Shows("F20", "G6")).after_setup("asked").needs("core").clauses("RCT-15 RCT-14");
        sheet.add(case.weighs(Importance::Medium));
    }
}

/// What the merchant says that it delivered, and what others say. [RCT-17]
fn deliveries(sheet: &mut Sheet, offer: &Forge, mut setup: Vec<Call>) {
    let id = intent(offer, NOW);
    let receipt = claims(2).with(-3, offer.id()).with(-4, id).with(-7, secret_hash()).with(-5, 1_000);
    let body = labelled([(1, Draft::of(receipt).bytes().into())]).encode();
    setup.push(call(
        "agent.answer",
        json!({"intent": hex(&id), "status": 200, "content_type": ANSWER, "now": NOW + 1, "body": hex(&body)}),
    ));
    sheet.setup("paid", setup);
    let payload = labelled([
        (1, "tea.example".into()),
        (6, (NOW + 2).into()),
        (-1, 1.into()),
        (-3, offer.id().into()),
        (-4, id.into()),
        (-45, 1.into()),
        (-52, keys::thirty_two("what was delivered").into()),
    ]);
    let base = Forge::new("delivery", payload, By::Certificate("merchant"));
    let rice = base
        .says(|p| p.with(1, "rice.example"))
        .but(|f| signed_with(f, certs::leaf("other-merchant"), "other-merchant"));
    let mut put = |name: &str, title: &str, delivery: &Forge, expect: Expect| {
        let input = json!({"intent": hex(&id), "delivery": hex(&delivery.bytes()), "now": NOW + 3});
        let mut case = case("agent", &format!("delivery/{name}"), title, call("agent.delivery", input), expect);
        case = case.shows(Shows("F14 F15", "B20")).after_setup("paid").needs("core").clauses("RCT-17");
        if name != "base" {
            case = case.mutated("delivery/base", "edit", delivery.edits(&base), delivery.is_signed(&base));
        }
        if case.expect.code.is_some() {
            case = case.twin("delivery/base");
        }
        sheet.add(case.weighs(Importance::Medium).diagnosed(&delivery.bytes()));
    };
    let believed = |yes: bool| accepted().value(json!({"believed": yes}));
    put("base", "What the merchant says that it delivered", &base, believed(true));
    put("partly", "The merchant says that it delivered a part", &base.says(|p| p.with(-45, 2)), believed(true));
    let other = keys::thirty_two("another");
    put("another-offer", "A delivery of another offer", &base.says(|p| p.with(-3, other)), believed(false));
    put("another-intent", "A delivery of another payment", &base.says(|p| p.with(-4, other)), believed(false));
    put("another-merchant", "A delivery by another merchant, in its own name", &rice, believed(false));
    let name = base.but(|f| signed_with(f, certs::leaf("other-merchant"), "other-merchant"));
    put("another-name", "A delivery in the merchant's name, by another", &name, refused_as(Code::CertName));
    let broken = base.but(|f| f.signer = "thief");
    put("forged", "A delivery that another key signed", &broken, refused(Code::SignatureInvalid, Stage::Signature));
}

/// The hash of the secret that the agent was given.
fn secret_hash() -> [u8; 32] {
    Sha256::digest(secret()).into()
}

pub(super) const PROBLEM: &str = "application/problem+json";

pub(super) const ANSWER: &str = "application/vnd.purser.answer+cbor";
