//! A merchant: receipts that are shown to it.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Call, Expect, Importance};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::cbor::{Item, labelled, seq};
use super::super::certs::{self, Draft as Certificate, Role};
use super::super::forge::{By, Forge, NETWORK, certificate_header};
use super::super::papers::NOW;
use super::super::receipts::{Draft, claims};
use super::super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused, refused_as};
use super::super::world::secret;
use super::super::{hex, keys};
use super::{ELSEWHERE, Request};

pub(super) fn cases(sheet: &mut Sheet) {
    sheet.setup("at-once", vec![start(), offer_call("at-once")]);
    sheet.setup("by-command", vec![start(), offer_call("by-command")]);
    offered(sheet);
    redeemed(sheet);
    mismatched(sheet);
    unread(sheet);
    again(sheet);
    of_two_issuers(sheet);
    withdrawn(sheet);
    held(sheet);
}

fn start() -> Call {
    let issuer = json!({"issuer": "issuer.example", "account": "main", "anchors": [hex(&certs::anchor())], "chain": [hex(&certs::leaf("issuer"))]});
    let input = json!({
        "merchant": "tea.example", "network": NETWORK, "key": hex(&keys::secret("merchant")),
        "chain": [hex(&certs::leaf("merchant"))], "issuers": [issuer],
    });
    call("merchant.start", input)
}

fn offer_call(capture: &str) -> Call {
    let input = json!({
        "request": Request::new().value(), "price_minor": "1280", "currency": "CNY", "item": "longjing-25", "capture": capture,
        "nonce": hex(&keys::sixteen("nonce of the merchant")), "now": NOW, "expires": NOW + 900,
    });
    call("merchant.offer", input)
}

/// The offer that the merchant makes.
fn offer(capture: &str) -> Forge {
    let line = labelled([(1, "longjing-25".into()), (2, "longjing-25".into()), (4, 1.into()), (5, 1_280.into())]);
    let payload = labelled([
        (1, "tea.example".into()),
        (4, (NOW + 900).into()),
        (6, NOW.into()),
        (7, keys::sixteen("nonce of the merchant").into()),
        (-1, 1.into()),
        (-5, 1_280.into()),
        (-6, "CNY".into()),
        (-21, seq([line])),
        (-22, seq([seq(["issuer.example".into(), "main".into()])])),
        (-23, 1.into()),
        (-24, if capture == "at-once" { 1.into() } else { 2.into() }),
        (-25, Request::new().digest()),
    ]);
    Forge::new("offer", payload, By::Certificate("merchant"))
}

/// A receipt for that offer, whose root has its chain beside it.
fn receipt(capture: &str, outcome: i64) -> Draft {
    let hash: [u8; 32] = Sha256::digest(secret()).into();
    let claims = claims(outcome).with(-3, offer(capture).id());
    Draft::of(if outcome == 8 || outcome == 9 { claims } else { claims.with(-7, hash) })
}

fn changed(draft: Draft, label: i64, value: impl Into<Item>) -> Draft {
    let claims = draft.claims.clone().with(label, value);
    Draft { claims, ..draft }
}

fn redeem(id: [u8; 32], receipt: &[u8], secret: [u8; 32], request: &Request, now: u64) -> Call {
    let input = json!({
        "offer": hex(&id), "request": request.value(), "receipt": hex(receipt), "secret": hex(&secret), "now": now,
    });
    call("merchant.redeem", input)
}

fn shown(draft: &Draft) -> Call {
    redeem(offer("at-once").id(), &draft.bytes(), secret(), &Request::new(), NOW + 5)
}

fn put(
    sheet: &mut Sheet,
    id: &str,
    title: &str,
    shows: Shows,
    (setup, call): (&str, Call),
    expect: Expect,
    (twin, clauses): (Option<&str>, &str),
) {
    let mut case = case("merchant", id, title, call, expect).shows(shows).after_setup(setup).clauses(clauses);
    case = case.needs(if setup.contains("command") { "core holds" } else { "core" }).weighs(Importance::Critical);
    if let Some(twin) = twin {
        case = case.twin(twin).mutated(twin, "redemption", vec![json!(title)], true);
    }
    sheet.add(case);
}

fn offered(sheet: &mut Sheet) {
    sheet.setup("started", vec![start()]);
    for capture in ["at-once", "by-command"] {
        let expect = accepted().value(json!({"id": hex(&offer(capture).id())}));
        let title = format!("An offer of one item, captured {}", capture.replace('-', " "));
        let case =
            case("merchant", &format!("offer/{capture}"), title, offer_call(capture), expect).after_setup("started");
        sheet.add(
            case.needs(if capture == "at-once" { "core" } else { "core holds" }).clauses("INT-6 INT-8 SIG-20 PRV-7"),
        );
    }
}

fn redeemed(sheet: &mut Sheet) {
    let base = receipt("at-once", 2);
    let serve = || accepted().value(json!({"again": false}));
    put(
        sheet,
        "redeem/base",
        "A receipt, its secret, and the request that was paid for",
        Shows::default(),
        ("at-once", shown(&base)),
        serve(),
        (None, "FLW-5 FLW-6 HTB-12 HTB-13 HTB-15"),
    );
    // It may have made any number of others since.
    let mut many = vec![start(), offer_call("at-once")];
    many.extend((0..32_u8).map(|number| {
        let mut call = offer_call("at-once");
        call.input["nonce"] = json!(hex(&keys::sixteen(&format!("nonce of offer {number}"))));
        call
    }));
    sheet.setup("many-offers", many);
    let paid = changed(base.clone(), 6, NOW + 1);
    for (id, title, setup) in [
        ("redeem/last-second", "A receipt in the last second of its offer", "at-once"),
        ("redeem/among-many", "A receipt in the last second of its offer, after 32 others were made", "many-offers"),
    ] {
        let call = redeem(offer("at-once").id(), &paid.bytes(), secret(), &Request::new(), NOW + 899);
        put(sheet, id, title, Shows("", "B18"), (setup, call), serve(), (None, "FLW-13 INT-22"));
    }
    let batch =
        Draft { others: (0..6).map(|n| keys::thirty_two(&format!("leaf {n}"))).collect(), index: 3, ..base.clone() };
    put(
        sheet,
        "redeem/of-a-batch",
        "A receipt of a batch of seven",
        Shows("F17", ""),
        ("at-once", shown(&batch)),
        serve(),
        (None, "RCT-3"),
    );
    let early = Draft { root: vec![(6, Some(NOW.into()))], ..changed(base.clone(), 6, NOW - 10) };
    put(
        sheet,
        "redeem/ten-seconds-before",
        "A receipt of ten seconds before its offer",
        Shows("M35", ""),
        ("at-once", shown(&early)),
        serve(),
        (None, "HTB-12 ENC-24"),
    );
    let earlier = Draft { root: vec![(6, Some(NOW.into()))], ..changed(base, 6, NOW - 11) };
    put(
        sheet,
        "redeem/before-its-offer",
        "A receipt of eleven seconds before its offer",
        Shows("M35", "E18"),
        ("at-once", shown(&earlier)),
        refused_as(Code::ReceiptMismatch),
        (Some("redeem/ten-seconds-before"), ""),
    );
}

fn mismatched(sheet: &mut Sheet) {
    let base = || receipt("at-once", 2);
    let twin = (Some("redeem/base"), "FLW-5");
    let mismatch = || refused_as(Code::ReceiptMismatch);
    let rows: [(&str, &str, Shows, Draft); 8] = [
        (
            "another-offer",
            "A receipt for another offer",
            Shows("F15", "B20"),
            changed(base(), -3, keys::thirty_two("another offer")),
        ),
        ("amount-less", "A receipt for a unit less", Shows("F15", "B20"), changed(base(), -5, 1_279)),
        ("amount-more", "A receipt for a unit more", Shows("F15", "B20"), changed(base(), -5, 1_281)),
        ("currency", "A receipt in another currency", Shows("F15 M22", "B20 A6"), changed(base(), -6, "JPY")),
        ("pending", "A receipt of a payment that waits", Shows("F16", "B18"), receipt("at-once", 6)),
        ("refused", "A receipt of a refusal", Shows("F16", "B18"), receipt("at-once", 7)),
        (
            "authorized",
            "A receipt of a hold, for an offer that is captured at once",
            Shows("F16", "B18"),
            receipt("at-once", 1),
        ),
        ("cancelled", "A receipt of a cancel", Shows("F16", "B18"), receipt("at-once", 8)),
    ];
    for (id, title, shows, draft) in rows {
        put(sheet, &format!("redeem/{id}"), title, shows, ("at-once", shown(&draft)), mismatch(), twin);
    }
    let other_secret =
        redeem(offer("at-once").id(), &base().bytes(), keys::thirty_two("a guess"), &Request::new(), NOW + 5);
    put(
        sheet,
        "redeem/secret",
        "Another secret",
        Shows("F20", "B19"),
        ("at-once", other_secret),
        refused_as(Code::SecretMismatch),
        twin,
    );
    for (id, title, change) in ELSEWHERE.into_iter().filter(|(id, ..)| *id != "salt") {
        let request = Request::new().but(change);
        let call = redeem(offer("at-once").id(), &base().bytes(), secret(), &request, NOW + 5);
        let title = format!("A receipt with another request: {title}");
        put(
            sheet,
            &format!("redeem/request-{id}"),
            &title,
            Shows("M38", "B12 B20"),
            ("at-once", call),
            refused_as(Code::RequestMismatch),
            (Some("redeem/base"), "INT-6"),
        );
    }
    let unknown = changed(base(), -3, keys::thirty_two("an offer of long ago"));
    let call = redeem(keys::thirty_two("an offer of long ago"), &unknown.bytes(), secret(), &Request::new(), NOW + 5);
    let gives_back = refused_as(Code::OfferUnknown).value(json!({"gives_back": true}));
    put(
        sheet,
        "redeem/unknown-offer",
        "A receipt for an offer that the merchant does not know: the money goes back",
        Shows("", "B18"),
        ("at-once", call),
        gives_back,
        (Some("redeem/base"), "FLW-12"),
    );
    let kept = || refused_as(Code::OfferUnknown).value(json!({"gives_back": false}));
    let of_long_ago = |receipt: &Draft, secret: [u8; 32]| {
        redeem(keys::thirty_two("an offer of long ago"), &receipt.bytes(), secret, &Request::new(), NOW + 5)
    };
    for (id, title, call) in [
        ("secret", "another secret: nothing goes back", of_long_ago(&unknown, [9; 32])),
        ("other", "a receipt of another offer: nothing goes back", of_long_ago(&base(), secret())),
        ("refused", "a receipt of a refusal: nothing goes back", {
            let refused = changed(receipt("at-once", 7), -3, keys::thirty_two("an offer of long ago"));
            of_long_ago(&refused, secret())
        }),
        ("secret-of-nothing", "a secret of zeros: nothing goes back", of_long_ago(&unknown, [0; 32])),
        ("third", "a receipt of a third offer: nothing goes back", {
            let third = changed(base(), -3, keys::thirty_two("a third offer"));
            of_long_ago(&third, secret())
        }),
        ("both", "another secret and a receipt of another offer: nothing goes back", of_long_ago(&base(), [9; 32])),
    ] {
        let title = format!("For an offer that the merchant does not know, {title}");
        let id = format!("redeem/unknown-offer-{id}");
        put(sheet, &id, &title, Shows("", "B18"), ("at-once", call), kept(), (Some("redeem/base"), "FLW-12"));
    }
}

/// Receipts that do not read, or not under an issuer that the offer accepts.
fn unread(sheet: &mut Sheet) {
    let base = || receipt("at-once", 2);
    let twin = (Some("redeem/base"), "RCT-1 FLW-5");
    let rows: [(&str, &str, Shows, (Code, Stage), Draft); 4] = [
        (
            "forged",
            "A receipt with a broken signature",
            Shows("F14", "B20"),
            (Code::SignatureInvalid, Stage::Signature),
            Draft { root_change: |f| f.signature_item = Some(super::super::cbor::bytes(&[1; 64])), ..base() },
        ),
        (
            "path",
            "A receipt that is not in its tree",
            Shows("F15", "B20"),
            (Code::PathInvalid, Stage::Receipt),
            Draft { root: vec![(-46, Some(keys::thirty_two("another root").into()))], ..base() },
        ),
        (
            "another-network",
            "A receipt of play money",
            Shows("M44", "D9"),
            (Code::SignatureInvalid, Stage::Signature),
            Draft { root_change: |f| f.aad = super::super::forge::aad("root", "play"), ..base() },
        ),
        (
            "by-merchant",
            "A receipt that the merchant's own certificate signed",
            Shows("F14 X16", "E9"),
            (Code::CertRole, Stage::Certificates),
            Draft { root_change: by_merchant, ..base() },
        ),
    ];
    for (id, title, shows, (code, stage), draft) in rows {
        put(sheet, &format!("redeem/{id}"), title, shows, ("at-once", shown(&draft)), refused(code, stage), twin);
    }
    let by_bank = Draft { root_change: by_other_issuer, ..base() };
    put(
        sheet,
        "redeem/another-issuer",
        "A receipt of an issuer that the offer does not accept",
        Shows("F14", "B20"),
        ("at-once", shown(&by_bank)),
        refused_as(Code::ReceiptMismatch),
        twin,
    );
    let by_look_alike = Draft { root_change: by_third_issuer, ..base() };
    put(
        sheet,
        "redeem/issuer-prefix",
        "A receipt of an issuer whose name is the beginning of the one that the offer accepts",
        Shows("F14 M41", "B20"),
        ("at-once", shown(&by_look_alike)),
        refused_as(Code::ReceiptMismatch),
        twin,
    );
}

fn by_merchant(f: &mut Forge) {
    signed_with(f, certs::leaf("merchant"), "merchant");
}

fn by_other_issuer(f: &mut Forge) {
    signed_with(f, Certificate::leaf("thief", Role::Issuer, "bank.example", &[], "root").der(), "thief");
}

fn signed_with(f: &mut Forge, leaf: Vec<u8>, key: &'static str) {
    f.protected = certificate_header("root", &leaf);
    f.unprotected = labelled([(33, leaf.into())]);
    f.signer = key;
}

fn by_third_issuer(f: &mut Forge) {
    signed_with(f, Certificate::leaf("thief", Role::Issuer, "issuer.exampl", &[], "root").der(), "thief");
}

/// After the offer was consumed.
fn again(sheet: &mut Sheet) {
    let base = receipt("at-once", 2);
    sheet.setup("served", vec![start(), offer_call("at-once"), shown(&base)]);
    let expect = accepted().value(json!({"again": true})).same_as(2, "delivery");
    let later = redeem(offer("at-once").id(), &base.bytes(), secret(), &Request::new(), NOW + 86_400);
    put(
        sheet,
        "again/same",
        "The same receipt and request, a day later",
        Shows("F01", "B19"),
        ("served", later),
        expect,
        (None, "HTB-17"),
    );
    let elsewhere = Request::new().but(|r| r.target = "/leaves/gyokuro?grams=50");
    let call = redeem(offer("at-once").id(), &base.bytes(), secret(), &elsewhere, NOW + 6);
    put(
        sheet,
        "again/another-request",
        "The same receipt for another request",
        Shows("F03 M38", "B19"),
        ("served", call),
        refused_as(Code::ReceiptAlreadyUsed),
        (Some("again/same"), ""),
    );
    let posted = Request::new().but(|r| r.method = "POST");
    let call = redeem(offer("at-once").id(), &base.bytes(), secret(), &posted, NOW + 6);
    put(
        sheet,
        "again/another-method",
        "The same receipt for a request of another method",
        Shows("F03 M38", "B19"),
        ("served", call),
        refused_as(Code::ReceiptAlreadyUsed),
        (Some("again/same"), ""),
    );
    let third = changed(base.clone(), -4, keys::thirty_two("a third intent"));
    put(
        sheet,
        "again/a-third-receipt",
        "A receipt of a third payment for the same offer: its money goes back",
        Shows("F03", "B19"),
        ("served", shown(&third)),
        refused_as(Code::ReceiptAlreadyUsed).value(json!({"gives_back": true})),
        (Some("again/same"), "FLW-7"),
    );
    let second = changed(base.clone(), -4, keys::thirty_two("another intent"));
    let expect = refused_as(Code::ReceiptAlreadyUsed).value(json!({"gives_back": true}));
    put(
        sheet,
        "again/another-receipt",
        "A receipt of another payment for the same offer: its money goes back",
        Shows("F03", "B19"),
        ("served", shown(&second)),
        expect,
        (Some("again/same"), "FLW-7"),
    );
    // For the money of the payment that consumed the offer something was given. [FLW-15]
    let keeps = || refused_as(Code::ReceiptAlreadyUsed).value(json!({"gives_back": false}));
    for (id, title, receipt) in [
        (
            "salt",
            "A second receipt of the payment that consumed the offer: nothing goes back",
            changed(base.clone(), -35, keys::sixteen("another salt")),
        ),
        (
            "later",
            "A second receipt of the payment that consumed the offer, of a second later: nothing goes back",
            changed(base.clone(), 6, NOW + 1),
        ),
    ] {
        let id = format!("again/same-payment-{id}");
        let twin = (Some("again/same"), "FLW-15");
        put(sheet, &id, title, Shows("F03 F12", "B19"), ("served", shown(&receipt)), keeps(), twin);
    }
    let wrong = redeem(offer("at-once").id(), &base.bytes(), keys::thirty_two("a guess"), &Request::new(), NOW + 6);
    put(
        sheet,
        "again/secret",
        "The same receipt with another secret",
        Shows("F20", "B19"),
        ("served", wrong),
        refused_as(Code::SecretMismatch),
        (Some("again/same"), ""),
    );
    // The same claims under another root are the same receipt.
    let other_root = Draft { root: vec![(-48, Some(8.into())), (-50, Some(9.into()))], ..base };
    let expect = accepted().value(json!({"again": true})).same_as(2, "delivery");
    put(
        sheet,
        "again/another-root",
        "The same claims under another root",
        Shows("F01 F06", "B19"),
        ("served", shown(&other_root)),
        expect,
        (None, "RCT-2 HTB-17"),
    );
}

/// A merchant that takes money at two issuers: what one of them signed is no receipt of the other's payment. [FLW-15]
fn of_two_issuers(sheet: &mut Sheet) {
    let payee = |name: &str, leaf: Vec<u8>| json!({"issuer": name, "account": "main", "anchors": [hex(&certs::anchor())], "chain": [hex(&leaf)]});
    let mut begin = start();
    let bank = Certificate::leaf("thief", Role::Issuer, "bank.example", &[], "root").der();
    begin.input["issuers"] = json!([payee("issuer.example", certs::leaf("issuer")), payee("bank.example", bank)]);
    let of = |name: &str| seq([name.into(), "main".into()]);
    let made = offer("at-once").says(|p| p.with(-22, seq([of("issuer.example"), of("bank.example")])));
    let for_it = |draft: Draft| changed(draft, -3, made.id());
    let show = |draft: &Draft| redeem(made.id(), &draft.bytes(), secret(), &Request::new(), NOW + 5);
    let base = for_it(receipt("at-once", 2));
    let by_bank = Draft { root_change: by_other_issuer, ..changed(base.clone(), -35, keys::sixteen("another salt")) };
    sheet.setup("two-issuers", vec![begin.clone(), offer_call("at-once")]);
    sheet.setup("two-issuers-served", vec![begin, offer_call("at-once"), show(&base)]);
    for (id, title, draft) in [
        ("first", "A receipt of the first of two issuers that the offer accepts", &base),
        ("second", "A receipt of the second of two issuers that the offer accepts", &by_bank),
    ] {
        let serve = accepted().value(json!({"again": false}));
        let id = format!("two-issuers/{id}");
        put(sheet, &id, title, Shows("F14", "B20"), ("two-issuers", show(draft)), serve, (None, "HTB-12"));
    }
    put(
        sheet,
        "two-issuers/same-intent",
        "A receipt of the second issuer, for the intent of the first one's that was served: its money goes back",
        Shows("F03", "B19"),
        ("two-issuers-served", show(&by_bank)),
        refused_as(Code::ReceiptAlreadyUsed).value(json!({"gives_back": true})),
        (Some("two-issuers/second"), "FLW-7"),
    );
}

/// Offers that the merchant took back, before they were paid and after.
fn withdrawn(sheet: &mut Sheet) {
    let back = |capture: &str| call("merchant.withdraw", json!({"offer": hex(&offer(capture).id()), "now": NOW + 4}));
    let base = receipt("at-once", 2);
    let gives_back = || refused_as(Code::OfferUnknown).value(json!({"gives_back": true}));
    let mut put = |id: &str, title: &str, setup: (&str, Call), expect: Expect, twin: (Option<&str>, &str)| {
        put(sheet, id, title, Shows("F03", "B18"), setup, expect, twin);
        let holds = if id.ends_with("held") { " holds" } else { "" };
        sheet.amend(|case| case.needs(&format!("core{holds} withdrawal")));
    };
    put(
        "withdrawn/paid",
        "A receipt for an offer that was withdrawn: its money goes back",
        ("withdrawn", shown(&base)),
        gives_back(),
        (Some("redeem/base"), "FLW-7 HTB-11"),
    );
    let later = redeem(offer("at-once").id(), &base.bytes(), secret(), &Request::new(), NOW + 1_000);
    put(
        "withdrawn/paid-later",
        "A receipt for an offer that was withdrawn, and has ended since: its money goes back",
        ("withdrawn", later),
        gives_back(),
        (Some("redeem/base"), "FLW-7 HTB-11"),
    );
    let held = changed(receipt("by-command", 1), -37, NOW + 604_800);
    let held = redeem(offer("by-command").id(), &held.bytes(), secret(), &Request::new(), NOW + 5);
    put(
        "withdrawn/held",
        "A receipt of a hold for an offer that was withdrawn: its money goes back",
        ("withdrawn-by-command", held),
        gives_back(),
        (Some("held/base"), "FLW-7 HTB-11"),
    );
    let wrong = redeem(offer("at-once").id(), &base.bytes(), keys::thirty_two("a guess"), &Request::new(), NOW + 5);
    put(
        "withdrawn/secret",
        "A receipt for an offer that was withdrawn, with another secret: nothing goes back",
        ("withdrawn", wrong),
        refused_as(Code::SecretMismatch).value(json!({"gives_back": false})),
        (Some("redeem/base"), "FLW-7"),
    );
    put(
        "withdrawn/another",
        "A receipt for an offer, after another offer was withdrawn",
        ("another-withdrawn", shown(&base)),
        accepted().value(json!({"again": false})),
        (None, "FLW-7 FLW-6"),
    );
    let mut after = shown(&base);
    after.input["now"] = json!(NOW + 6);
    put(
        "withdrawn/served",
        "An offer that was served is not withdrawn: the receipt that consumed it is answered as before",
        ("served-then-withdrawn", after),
        accepted().value(json!({"again": true})).same_as(2, "delivery"),
        (None, "FLW-7 HTB-17"),
    );
    sheet.setup("withdrawn", vec![start(), offer_call("at-once"), back("at-once")]);
    sheet.setup("withdrawn-by-command", vec![start(), offer_call("by-command"), back("by-command")]);
    sheet
        .setup("another-withdrawn", vec![start(), offer_call("at-once"), offer_call("by-command"), back("by-command")]);
    let served = Call { expect: None, ..shown(&base) };
    sheet.setup("served-then-withdrawn", vec![start(), offer_call("at-once"), served, back("at-once")]);
}

fn held(sheet: &mut Sheet) {
    let id = offer("by-command").id();
    let until = |at: u64| changed(receipt("by-command", 1), -37, at);
    let show = |draft: &Draft| redeem(id, &draft.bytes(), secret(), &Request::new(), NOW + 5);
    let serve = || accepted().value(json!({"again": false}));
    put(
        sheet,
        "held/base",
        "A receipt of a hold, for an offer that is captured by command",
        Shows::default(),
        ("by-command", show(&until(NOW + 604_800))),
        serve(),
        (None, "HTB-12 HTB-39"),
    );
    put(
        sheet,
        "held/eleven-seconds",
        "A hold that ends in eleven seconds",
        Shows("M35", "B14"),
        ("by-command", show(&until(NOW + 16))),
        serve(),
        (None, "HTB-39"),
    );
    put(
        sheet,
        "held/ten-seconds",
        "A hold that ends in ten seconds",
        Shows("M35", "B14"),
        ("by-command", show(&until(NOW + 15))),
        refused_as(Code::ReceiptMismatch),
        (Some("held/eleven-seconds"), "HTB-39"),
    );
    put(
        sheet,
        "held/ended",
        "A hold that has ended",
        Shows("M35", "B14"),
        ("by-command", show(&until(NOW + 4))),
        refused_as(Code::ReceiptMismatch),
        (Some("held/eleven-seconds"), "HTB-39"),
    );
    put(
        sheet,
        "held/settled",
        "A receipt of a settled payment, for an offer that is captured by command",
        Shows("F15", "B20"),
        ("by-command", show(&receipt("by-command", 2))),
        refused_as(Code::ReceiptMismatch),
        (Some("held/base"), ""),
    );
}
