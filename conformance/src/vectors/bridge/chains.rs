//! Chains that verify, and each with one thing wrong.

use purser_protocol::bind::base64url::encode;
use purser_protocol::code::Code;
use serde_json::{Value, json};

use super::super::papers::NOW;
use super::super::sheet::{Build as _, Expecting as _, Sheet, accepted, call, case, refused_as};
use super::super::{certs, keys};
use super::{
    Draft, answer, basket, chain, checkout_jwt, closed_checkout, closed_payment, disclosure, element, hash, jwk, jws,
    open_checkout, open_payment, shop,
};

/// The checkout that payments of this file are for, where no chain says it.
fn bare() -> String {
    hash("a checkout")
}

/// What is asked, beside the text.
fn asked(text: &str) -> Value {
    json!({
        "text": text, "now": NOW, "keys": [super::super::hex(&keys::public("payer").0)],
        "audience": "issuer.example", "nonce": "n-0001", "checkout": {"transaction": bare()},
    })
}

fn buying(text: &str) -> Value {
    json!({
        "text": text, "now": NOW, "keys": [super::super::hex(&keys::public("payer").0)],
        "audience": "tea.example", "nonce": "n-0002", "merchant": super::super::hex(&keys::public("merchant").0),
    })
}

fn joint(payment: &str, checkout: &str) -> Value {
    let mut input = asked(payment);
    input["checkout"] = json!({"text": checkout, "audience": "tea.example", "nonce": "n-0002"});
    input["merchant"] = super::super::hex(&keys::public("merchant").0).into();
    input
}

struct Pen<'a>(&'a mut Sheet);

impl Pen<'_> {
    fn good(&mut self, id: &str, title: &str, clauses: &str, input: Value, tokens: u64) {
        let said = json!({
            "root": super::super::hex(&keys::public("payer").0), "tokens": tokens,
        });
        let case = case("verifier", id, title, call("bridge.verify", input), accepted().value(said));
        self.0.add(case.clauses(clauses));
    }

    fn bad(&mut self, id: &str, title: &str, code: Code, twin: &str, input: Value) {
        self.0.add(case("verifier", id, title, call("bridge.verify", input), refused_as(code)).twin(twin));
    }

    /// A payment whose open mandate is changed.
    fn open(&mut self, id: &str, title: &str, code: Code, change: impl FnOnce(&mut Draft)) {
        let text = chain(vec![open_payment().with(change), closed_payment(&bare())]);
        self.bad(id, title, code, "pay/base", asked(&text));
    }

    /// A payment whose closed mandate is changed.
    fn closed(&mut self, id: &str, title: &str, code: Code, change: impl FnOnce(&mut Draft)) {
        let text = chain(vec![open_payment(), closed_payment(&bare()).with(change)]);
        self.bad(id, title, code, "pay/base", asked(&text));
    }
}

pub(super) fn cases(sheet: &mut Sheet) {
    let mut pen = Pen(sheet);
    payments(&mut pen);
    forms(&mut pen);
    signatures(&mut pen);
    disclosures(&mut pen);
    members(&mut pen);
    answers(&mut pen);
    limits(&mut pen);
    delegated(&mut pen);
    checkouts(&mut pen);
    together(&mut pen);
}

fn base() -> String {
    chain(vec![open_payment(), closed_payment(&bare())])
}

fn payments(pen: &mut Pen<'_>) {
    let all = "BRG-1 BRG-2 BRG-3 BRG-4 BRG-5 BRG-6 BRG-7 BRG-9 BRG-10 BRG-13 BRG-14 BRG-15 BRG-17 BRG-19 BRG-23";
    pen.good("pay/base", "an open mandate of payment and a closed one below it", all, asked(&base()), 2);
    let open = chain(vec![open_payment()]);
    pen.good("pay/open", "an open mandate alone", "BRG-5 BRG-12", asked(&open), 1);
    let by_jwt = {
        let (open, mut closed) = (open_payment(), closed_payment(&bare()));
        let token = open.token();
        closed.claims["issuer_jwt_hash"] = hash(token.split('~').next().unwrap_or_default()).into();
        chain(vec![open, closed])
    };
    pen.good("pay/jwt-hash", "bound by the hash of the token without its disclosures", "BRG-6", asked(&by_jwt), 2);
    let every = open_payment().with(|open| {
        open.mandate["constraints"] = json!([
            {"type": "payment.amount_range", "currency": "USD", "min": 19900, "max": 19900},
            {"type": "payment.budget", "currency": "USD", "max": 199},
            {"type": "payment.agent_recurrence", "frequency": "MONTHLY", "max_occurrences": 12},
            {"type": "payment.allowed_payees", "allowed": [shop()]},
            {"type": "payment.allowed_payment_instruments", "allowed": [{"id": "card-1", "type": "card"}]},
            {"type": "payment.execution_date", "not_before": "2030-03-17T17:46:40Z", "not_after": "2030-03-17T19:46:40+02:00"},
        ]);
        open.shown.clear();
    });
    let text = chain(vec![every, closed_payment(&bare())]);
    pen.good("pay/limits", "every limit of a payment, each just kept", "BRG-11 BRG-12 BRG-19", asked(&text), 2);
    let shy = {
        let other = disclosure("other payee", &[json!({"id": "rice.example", "name": "Rice House"})]);
        open_payment().with(|open| {
            let known = open.mandate["constraints"][1]["allowed"][0].clone();
            open.mandate["constraints"][1]["allowed"] = json!([element(&other), known]);
        })
    };
    let text = chain(vec![shy, closed_payment(&bare())]);
    pen.good("pay/withheld-choice", "one of two allowed payees is withheld", "BRG-8", asked(&text), 2);
}

fn forms(pen: &mut Pen<'_>) {
    let base = base();
    let mut form = |id: &str, title: &str, text: String| {
        pen.bad(&format!("form/{id}"), title, Code::BridgeForm, "pay/base", asked(&text));
    };
    form("no-tilde", "the last tilde is missing", base.trim_end_matches('~').to_owned());
    form("three-tildes", "an empty disclosure", base.replacen("~~", "~~~", 1));
    form("key-binding", "a proof of possession at the end", format!("{base}{}", jws("{}", "{}", "agent")));
    form("padding", "base64url with padding", base.replacen('.', "=.", 1));
    form("empty", "nothing", String::new());
    form("no-signature", "a token without its signature", {
        let (head, rest) = base.split_once('~').unwrap_or_default();
        format!("{}.~{rest}", head.rsplit_once('.').unwrap_or_default().0)
    });
    form("five", "more tokens than four", format!("{}~", [base.trim_end_matches('~'); 3].join("~~")));
    pen.open("json/twice", "a limit stands twice in one object", Code::BridgeDisclosure, |open| {
        open.text = |text| text.replacen("\"max\":20000", "\"max\":20000,\"max\":99999999", 1);
    });
    pen.open("json/payload-twice", "a claim stands twice", Code::BridgeJson, |open| {
        open.payload = |text| text.replacen("\"_sd_alg\"", "\"_sd_alg\":\"sha-256\",\"_sd_alg\"", 1);
    });
    pen.open("json/hash", "a hash that is none of SHA-2", Code::BridgeJson, |open| {
        open.claims["_sd_alg"] = "md5".into()
    });
    let header = Code::BridgeHeader;
    pen.closed("header/none", "the algorithm none", header, |closed| closed.header["alg"] = "none".into());
    pen.closed("header/hs256", "the algorithm HS256", header, |closed| closed.header["alg"] = "HS256".into());
    pen.closed("header/draft-type", "the type of an older draft", header, |closed| {
        closed.header["typ"] = "kb-sd-jwt".into();
    });
    pen.closed("header/further", "the type of a token that delegates", Code::BridgeType, |closed| {
        closed.header["typ"] = "kb+sd-jwt+kb".into();
    });
    pen.open("header/crit", "something that must be understood", header, |open| open.header["crit"] = json!(["exp"]));
    pen.open("header/no-type", "no type", header, |open| open.header = json!({"alg": "ES256"}));
    pen.open("header/holders", "a holder's token at the root", header, |open| open.header["typ"] = "kb+sd-jwt".into());
}

fn signatures(pen: &mut Pen<'_>) {
    let (signature, key) = (Code::BridgeSignature, Code::BridgeKey);
    pen.open("signature/root", "signed by a key that nobody enrolled", signature, |open| open.signer = "thief");
    pen.open("signature/x5c", "signed by the key of a certificate that it brings itself", signature, |open| {
        open.signer = "thief";
        open.header["x5c"] = json!([standard(&certs::Draft::authority("thief", "thief").der())]);
    });
    pen.open("signature/x5c-ended", "the same, of a certificate that has ended", signature, |open| {
        open.signer = "thief";
        let ended = certs::Draft::authority("thief", "thief").but(|draft| draft.valid(NOW - 7_200, NOW - 3_600));
        open.header["x5c"] = json!([standard(&ended.der())]);
    });
    pen.open("signature/x5c-leaf", "of a certificate below one that may sign none", signature, |open| {
        open.signer = "thief";
        let below = certs::Draft::leaf("thief", certs::Role::Merchant, "rice.example", &[], "merchant");
        open.header["x5c"] = json!([standard(&below.der()), standard(&certs::leaf("merchant"))]);
    });
    pen.open("signature/jwk", "signed by a key that its header names", signature, |open| {
        open.signer = "thief";
        open.header["jwk"] = jwk("thief");
    });
    pen.closed("signature/holder", "closed by a key that was not delegated to", signature, |closed| {
        closed.signer = "thief";
    });
    let point = |change: fn(&mut Value)| move |open: &mut Draft| change(&mut open.mandate["cnf"]);
    pen.open("key/curve", "another curve", key, point(|cnf| cnf["jwk"]["crv"] = "P-384".into()));
    pen.open("key/no-point", "no point of the curve", key, point(|cnf| cnf["jwk"]["y"] = cnf["jwk"]["x"].clone()));
    pen.open("key/short", "a coordinate of 31 bytes", key, point(|cnf| cnf["jwk"]["x"] = "AA".into()));
    pen.open("key/secret", "with its secret", key, point(|cnf| cnf["jwk"]["d"] = cnf["jwk"]["x"].clone()));
    pen.open("key/kid", "only a name of a key", key, point(|cnf| *cnf = json!({"kid": "agent"})));
    pen.open("key/two", "two ways to a key", key, point(|cnf| cnf["kid"] = "thief".into()));
    pen.open("key/none", "no key", Code::BridgeMember, |open| {
        _ = open.mandate.as_object_mut().map(|m| m.remove("cnf"))
    });
    let binding = Code::BridgeBinding;
    pen.closed("binding/other", "bound to another token", binding, |closed| {
        closed.claims["sd_hash"] = hash("another").into();
    });
    pen.closed("binding/both", "two hashes", binding, |closed| {
        let token = open_payment().token();
        closed.claims["sd_hash"] = hash(&format!("{token}~")).into();
        closed.claims["issuer_jwt_hash"] = hash(token.split('~').next().unwrap_or_default()).into();
    });
    pen.closed("binding/number", "a hash that is no text", binding, |closed| closed.claims["sd_hash"] = json!(1));
    // The agent shows another list than it signed for.
    let other = disclosure("other payee", &[json!({"id": "rice.example", "name": "Rice House"})]);
    let open = open_payment().with(|open| {
        let known = open.mandate["constraints"][1]["allowed"][0].clone();
        open.mandate["constraints"][1]["allowed"] = json!([element(&other), known]);
        open.shown.push(other);
    });
    let mut closed = closed_payment(&bare());
    open.bind(&mut closed);
    let less = open.with(|open| _ = open.shown.pop());
    let text = chain(vec![less, closed]);
    pen.bad("binding/less", "a disclosure was taken out afterwards", binding, "pay/withheld-choice", asked(&text));
}

/// Base64 with its own alphabet and padding, as `x5c` has it.
fn standard(der: &[u8]) -> String {
    let mut text = encode(der).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn disclosures(pen: &mut Pen<'_>) {
    let (wrong, withheld) = (Code::BridgeDisclosure, Code::BridgeWithheld);
    let idle = disclosure("idle", &[json!("nobody asked")]);
    pen.open("disclosure/idle", "one that belongs to nothing", wrong, |open| open.shown.push(idle));
    pen.open("disclosure/again", "one digest twice", wrong, |open| {
        let known = open.mandate["constraints"][1]["allowed"][0].clone();
        open.mandate["constraints"][1]["allowed"] = json!([known, known]);
    });
    pen.open("disclosure/element-as-member", "one of an element where a member is", wrong, |open| {
        let member = disclosure("wrong kind", &[shop()]);
        open.mandate["_sd"] = json!([hash(&member)]);
        open.shown.push(member);
    });
    pen.open("disclosure/overwrites", "one whose member is there already", wrong, |open| {
        let member = disclosure("overwrites", &["exp".into(), json!(NOW + 9_999_999)]);
        open.mandate["_sd"] = json!([hash(&member)]);
        open.shown.push(member);
    });
    pen.open("withheld/payees", "the whole list of allowed payees", withheld, |open| open.shown.clear());
    pen.open("withheld/constraint", "a whole constraint", withheld, |open| {
        let hidden = disclosure("constraint", &[open.mandate["constraints"][0].clone()]);
        open.mandate["constraints"][0] = element(&hidden);
    });
    pen.open("withheld/limit", "the amount of a limit", withheld, |open| {
        let hidden = disclosure("max", &["max".into(), json!(20000)]);
        open.mandate["constraints"][0] =
            json!({"type": "payment.amount_range", "currency": "USD", "_sd": [hash(&hidden)], "max": 99_999_999});
    });
    pen.open("withheld/preset", "a payee that must be repeated", withheld, |open| {
        let hidden = disclosure("preset", &["payee".into(), shop()]);
        open.mandate["_sd"] = json!([hash(&hidden)]);
    });
    pen.open("withheld/mandate", "the mandate", withheld, |open| {
        open.claims["delegate_payload"] = json!([element(&disclosure("hidden", &[json!({})]))]);
        open.inline = true;
        open.shown.clear();
    });
}

fn members(pen: &mut Pen<'_>) {
    let (member, kind, constraint, amount) =
        (Code::BridgeMember, Code::BridgeType, Code::BridgeConstraint, Code::BridgeAmount);
    let put = |name: &'static str, value: Value| move |draft: &mut Draft| draft.mandate[name] = value;
    pen.open("type/none", "no type", kind, |open| _ = open.mandate.as_object_mut().map(|m| m.remove("vct")));
    pen.closed("type/closed-none", "no type, closed", kind, |draft| {
        _ = draft.mandate.as_object_mut().map(|m| m.remove("vct"));
    });
    pen.open("type/version", "a later version", kind, put("vct", json!("mandate.payment.open.2")));
    pen.open("type/older", "a name of an older draft", kind, put("vct", json!("mandate.payment.open")));
    pen.bad(
        "type/family",
        "a payment below a checkout",
        kind,
        "pay/base",
        asked(&chain(vec![open_checkout(), closed_payment(&bare())])),
    );
    pen.bad(
        "type/root-closed",
        "a closed mandate of the person's own",
        kind,
        "pay/open",
        asked(&chain(vec![closed_payment(&bare()).with(|draft| {
            draft.signer = "payer";
            draft.header["typ"] = "example+sd-jwt".into();
            draft.claims = json!({"_sd_alg": "sha-256"});
        })])),
    );
    pen.open("member/unknown", "a member of the mandate that nobody knows", member, put("max_per_day", json!(1000)));
    pen.open("member/limit", "a limit inside a constraint that nobody knows", member, |open| {
        open.mandate["constraints"][0]["max_per_day"] = json!(1000);
    });
    pen.open("member/two-mandates", "two mandates in one token", member, |open| {
        let thief = json!({"vct": "mandate.payment.open.1", "constraints": [], "cnf": {"jwk": jwk("thief")}});
        open.claims["delegate_payload"] = json!([thief, open.mandate.clone()]);
        open.inline = true;
        open.shown.clear();
    });
    pen.open("member/top", "the key beside the mandate", member, |open| {
        open.claims["cnf"] = json!({"jwk": jwk("thief")})
    });
    pen.open("member/payee-id", "a payee without an id", member, |open| {
        open.mandate["constraints"][1]["allowed"] = json!([{"name": "Tea House"}]);
        open.shown.clear();
    });
    pen.open("member/empty-id", "a payee with an empty id", member, |open| {
        open.mandate["constraints"][1]["allowed"] = json!([{"id": "", "name": "Tea House"}]);
        open.shown.clear();
    });
    pen.open("member/no-payees", "a list of payees with nobody on it", member, |open| {
        open.mandate["constraints"][1]["allowed"] = json!([]);
        open.shown.clear();
    });
    pen.open("member/time-text", "an end that is a text", member, put("exp", json!("tomorrow")));
    pen.open("member/limit-twice", "two limits of one kind", member, |open| {
        open.mandate["constraints"] = json!([
            {"type": "payment.amount_range", "currency": "USD", "max": 100},
            {"type": "payment.amount_range", "currency": "USD", "max": 20000},
        ]);
        open.shown.clear();
    });
    pen.closed("member/no-iat", "a closed token that says not when", member, |closed| {
        _ = closed.claims.as_object_mut().map(|claims| claims.remove("iat"));
    });
    pen.open("constraint/unknown", "a constraint that nobody knows", constraint, |open| {
        open.mandate["constraints"][0] = json!({"type": "payment.max_per_day", "max": 1});
    });
    pen.open("constraint/no-type", "a constraint without a type", constraint, |open| {
        open.mandate["constraints"][0] = json!({"currency": "USD", "max": 20000});
    });
    pen.open("constraint/frequency", "a frequency that nobody knows", constraint, |open| {
        open.mandate["constraints"][0] = json!({"type": "payment.agent_recurrence", "frequency": "HOURLY"});
    });
    pen.open("constraint/of-checkout", "one of a checkout in a payment", constraint, |open| {
        open.mandate["constraints"][0] = json!({"type": "checkout.line_items", "items": []});
    });
    let priced = |amount: Value| move |closed: &mut Draft| closed.mandate["payment_amount"]["amount"] = amount;
    pen.closed("amount/negative", "-5000, which is below every upper limit", amount, priced(json!(-5000)));
    pen.closed("amount/zero", "nothing", amount, priced(json!(0)));
    pen.closed("amount/decimal", "199.0", amount, priced(json!(199.0)));
    pen.closed("amount/text", "a text", amount, priced(json!("19900")));
    pen.closed("amount/currency", "a currency that is none", amount, |closed| {
        closed.mandate["payment_amount"]["currency"] = "XYZ$".into();
    });
    let budget = |max: Value, currency: &'static str| {
        move |open: &mut Draft| {
            open.mandate["constraints"][0] = json!({"type": "payment.budget", "currency": currency, "max": max});
        }
    };
    pen.open("amount/part-of-cent", "a budget of part of a cent", amount, budget(json!(199.005), "USD"));
    pen.open("amount/part-of-yen", "a budget of half a yen", amount, budget(json!(1000.5), "JPY"));
    pen.open("amount/budget-none", "a budget of nothing", amount, budget(json!(0), "USD"));
    pen.open("amount/budget-huge", "a budget past every sum", amount, budget(json!(1e300), "USD"));
    pen.open("amount/occurrences", "no occurrence", amount, |open| {
        open.mandate["constraints"][0] =
            json!({"type": "payment.agent_recurrence", "frequency": "DAILY", "max_occurrences": 0});
    });
}

fn answers(pen: &mut Pen<'_>) {
    let (early, late) = (Code::BridgeNotYetValid, Code::BridgeExpired);
    pen.open("time/future", "made in the future", early, |open| open.mandate["iat"] = json!(NOW + 11));
    pen.open("time/token-future", "a token made in the future", early, |open| open.claims["nbf"] = json!(NOW + 1));
    pen.open("time/over", "ended a second ago", late, |open| open.mandate["exp"] = json!(NOW - 1));
    pen.open("time/now", "ends now", late, |open| open.mandate["exp"] = json!(NOW));
    pen.open("time/grace", "ended a hundred seconds ago, within somebody's allowance", late, |open| {
        open.mandate["exp"] = json!(NOW - 100);
    });
    pen.closed("time/closed-over", "a closed mandate that has ended", late, |closed| {
        closed.mandate["exp"] = json!(NOW - 1);
    });
    let but = |change: &dyn Fn(&mut Value)| {
        let mut input = asked(&base());
        change(&mut input);
        input
    };
    let (audience, nonce) = (Code::BridgeAudience, Code::BridgeNonce);
    let mut bad = |id, title, code, change: &dyn Fn(&mut Value)| pen.bad(id, title, code, "pay/base", but(change));
    bad("audience/other", "for another audience", audience, &|input| input["audience"] = "rice.example".into());
    bad("audience/unasked", "the verifier names no audience", audience, &|input| input["audience"] = Value::Null);
    bad("nonce/other", "another nonce: the chain is an old one", nonce, &|input| input["nonce"] = "n-0002".into());
    bad("nonce/unasked", "the verifier gave no nonce", nonce, &|input| input["nonce"] = Value::Null);
    pen.closed("audience/none", "no audience", audience, |closed| {
        _ = closed.claims.as_object_mut().map(|claims| claims.remove("aud"));
    });
    pen.closed("audience/list", "a list of audiences", audience, |closed| {
        closed.claims["aud"] = json!(["issuer.example", "rice.example"]);
    });
    pen.closed("nonce/none", "no nonce", nonce, |closed| {
        _ = closed.claims.as_object_mut().map(|claims| claims.remove("nonce"));
    });
    let mut bad =
        |id, title, change: &dyn Fn(&mut Value)| pen.bad(id, title, Code::BridgeCheckout, "pay/base", but(change));
    bad("checkout/unknown", "the verifier knows no checkout", &|input| input["checkout"] = Value::Null);
    bad("checkout/other", "for another checkout", &|input| input["checkout"]["transaction"] = hash("another").into());
}

fn limits(pen: &mut Pen<'_>) {
    let unmet = Code::BridgeUnmet;
    pen.closed("unmet/above", "more than the limit", unmet, |closed| {
        closed.mandate["payment_amount"]["amount"] = json!(20001);
    });
    pen.closed("unmet/currency", "another currency", unmet, |closed| {
        closed.mandate["payment_amount"]["currency"] = "JPY".into();
    });
    pen.closed("unmet/payee", "another payee of the same name", unmet, |closed| {
        closed.mandate["payee"] = json!({"id": "rice.example", "name": "Tea House", "website": "https://tea.example"});
    });
    let limited = |constraint: Value| {
        move |open: &mut Draft| {
            open.mandate["constraints"] = json!([constraint]);
            open.shown.clear();
        }
    };
    let range = json!({"type": "payment.amount_range", "currency": "USD", "min": 19901, "max": 20000});
    pen.open("unmet/below", "less than the limit", unmet, limited(range));
    let dollars = json!({"type": "payment.budget", "currency": "USD", "max": 198.99});
    pen.open("unmet/budget", "a cent more than the budget", unmet, limited(dollars));
    let yen = json!({"type": "payment.budget", "currency": "JPY", "max": 1000});
    let text = chain(vec![
        open_payment().with(limited(yen)),
        closed_payment(&bare()).with(|closed| {
            closed.mandate["payment_amount"] = json!({"amount": 50000, "currency": "JPY"});
        }),
    ]);
    pen.bad("unmet/budget-yen", "50,000 yen of a budget of 1,000", unmet, "pay/base", asked(&text));
    let card = json!({"type": "payment.allowed_payment_instruments", "allowed": [{"id": "card-1", "type": "bank"}]});
    pen.open("unmet/instrument-type", "an instrument of the same id and another type", unmet, limited(card));
    let pisp = json!({"legal_name": "P", "brand_name": "P", "domain_name": "p.example"});
    let pisps = json!({"type": "payment.allowed_pisps", "allowed": [pisp]});
    pen.open("unmet/pisp", "an initiator is asked for and none is named", unmet, limited(pisps));
    let date = |name: &str, at: &str| {
        let mut limit = json!({"type": "payment.execution_date"});
        limit[name] = at.into();
        limited(limit)
    };
    pen.open("unmet/date-over", "no date, after the last one", unmet, date("not_after", "2030-03-17T17:46:39Z"));
    pen.open("unmet/date-early", "no date, before the first one", unmet, date("not_before", "2030-03-17T17:46:41Z"));
    let text = chain(vec![
        open_payment().with(date("not_after", "2030-04-30T23:00:00Z")),
        closed_payment(&bare()).with(|closed| closed.mandate["execution_date"] = "2030-04-30T22:59:59-12:00".into()),
    ]);
    pen.bad("unmet/date-zone", "a date that is earlier as a text alone", unmet, "pay/base", asked(&text));
    pen.open("member/date", "a date without a time", Code::BridgeMember, date("not_after", "2030-04-30"));
    let reference = json!({"type": "payment.reference", "conditional_transaction_id": hash("a mandate")});
    pen.open("unmet/reference", "for a checkout mandate that nobody showed", unmet, limited(reference));
    for (id, title, name, value) in [
        ("payee", "another payee than the one to repeat", "payee", json!({"id": "rice.example", "name": "Tea House"})),
        (
            "amount",
            "another amount than the one to repeat",
            "payment_amount",
            json!({"amount": 19899, "currency": "USD"}),
        ),
        (
            "instrument",
            "another instrument than the one to repeat",
            "payment_instrument",
            json!({"id": "card-1", "type": "bank"}),
        ),
        ("pisp", "without the initiator to repeat", "pisp", pisp.clone()),
        ("date", "without the date to repeat", "execution_date", json!("2030-03-17T18:00:00Z")),
    ] {
        pen.open(&format!("unmet/preset-{id}"), title, unmet, move |open| open.mandate[name] = value);
    }
}

/// The mandate of an agent below that of the person.
fn middle(change: impl FnOnce(&mut Value)) -> Draft {
    let mut mandate = json!({
        "vct": "mandate.payment.open.1",
        "constraints": [{"type": "payment.amount_range", "currency": "USD", "max": 19900}],
        "cnf": {"jwk": jwk("sub-agent")},
        "iat": NOW - 30,
        "exp": NOW + 1800,
    });
    change(&mut mandate);
    answer(Draft::new("middle", "agent", "kb+sd-jwt+kb", mandate), "sub-agent", "n-0000")
}

fn delegated(pen: &mut Pen<'_>) {
    let below = |change: &dyn Fn(&mut Value)| {
        let last = closed_payment(&bare()).with(|closed| closed.signer = "sub-agent");
        asked(&chain(vec![open_payment(), middle(change), last]))
    };
    pen.good("below/base", "a mandate between the two that allows less", "BRG-16", below(&|_| {}), 3);
    pen.good(
        "below/silent",
        "a mandate between the two that says nothing",
        "BRG-16",
        below(&|m| m["constraints"] = json!([])),
        3,
    );
    let mut bad = |id: &str, title: &str, code, change: &dyn Fn(&mut Value)| {
        pen.bad(&format!("below/{id}"), title, code, "below/base", below(change));
    };
    let wider = Code::BridgeWidened;
    bad("amount", "allows a million times more", wider, &|m| m["constraints"][0]["max"] = json!(1_000_000_000));
    bad("currency", "allows another currency", wider, &|m| m["constraints"][0]["currency"] = "JPY".into());
    bad("end", "ends later", wider, &|m| m["exp"] = json!(NOW + 3601));
    bad("payees", "allows another payee", wider, &|m| {
        m["constraints"][0] =
            json!({"type": "payment.allowed_payees", "allowed": [shop(), {"id": "rice.example", "name": "R"}]});
    });
    bad("type", "a closed mandate that delegates", Code::BridgeType, &|m| {
        *m = closed_payment(&bare()).mandate;
    });
    // What a mandate does not repeat goes on to hold.
    let last = closed_payment(&bare()).with(|closed| {
        closed.signer = "sub-agent";
        closed.mandate["payment_amount"]["amount"] = json!(20001);
    });
    let text = chain(vec![open_payment(), middle(|m| m["constraints"] = json!([])), last]);
    pen.bad(
        "below/forgets",
        "more than the person allowed, where the one between says nothing",
        Code::BridgeUnmet,
        "below/silent",
        asked(&text),
    );
}

fn bought(basket: &Value) -> String {
    chain(vec![open_checkout(), closed_checkout(&checkout_jwt(basket))])
}

fn checkouts(pen: &mut Pen<'_>) {
    pen.good(
        "buy/base",
        "an open mandate of checkout and a closed one below it",
        "BRG-17 BRG-18 BRG-19",
        buying(&bought(&basket())),
        2,
    );
    let mut bad = |id: &str, title: &str, code, text: String| {
        pen.bad(&format!("buy/{id}"), title, code, "buy/base", buying(&text));
    };
    let other = |change: &dyn Fn(&mut Value)| {
        let mut basket = basket();
        change(&mut basket);
        bought(&basket)
    };
    let unmet = Code::BridgeUnmet;
    bad("item", "another item", unmet, other(&|b| b["line_items"][0]["item"]["id"] = "gold-1".into()));
    bad("quantity", "two of it", unmet, other(&|b| b["line_items"][0]["quantity"] = json!(2)));
    bad("merchant", "another merchant", unmet, other(&|b| b["merchant"]["id"] = "rice.example".into()));
    let jwt = checkout_jwt(&basket());
    bad(
        "hash",
        "the hash of another token",
        Code::BridgeCheckout,
        chain(vec![
            open_checkout(),
            closed_checkout(&jwt).with(|closed| {
                closed.mandate["checkout_hash"] = hash("another").into();
            }),
        ]),
    );
    let signature = Code::BridgeCheckoutSignature;
    let by = |jwt: &str| chain(vec![open_checkout(), closed_checkout(jwt)]);
    bad("none", "a merchant's token with the algorithm none", signature, {
        let header = super::encode(br#"{"alg":"none"}"#);
        by(&format!("{header}.{}.", super::encode(basket().to_string().as_bytes())))
    });
    bad(
        "none-signed",
        "the algorithm none over a signature",
        signature,
        by(&jws(r#"{"alg":"none"}"#, &basket().to_string(), "merchant")),
    );
    bad("forged", "a merchant's token that the merchant did not sign", signature, {
        by(&jws(r#"{"alg":"ES256"}"#, &basket().to_string(), "thief"))
    });
    bad(
        "withheld",
        "the merchant's token is withheld",
        Code::BridgeWithheld,
        chain(vec![open_checkout(), closed_checkout(&jwt).with(|closed| closed.tail.clear())]),
    );
    // The agent shows none of the items, and an empty list is read as any elsewhere.
    bad(
        "withheld-items",
        "all acceptable items are withheld",
        Code::BridgeWithheld,
        chain(vec![open_checkout().with(|open| _ = open.shown.remove(0)), closed_checkout(&jwt)]),
    );
    bad(
        "no-items",
        "no acceptable item",
        Code::BridgeMember,
        chain(vec![
            open_checkout().with(|open| {
                open.mandate["constraints"][0]["items"][0]["acceptable_items"] = json!([]);
                open.shown.remove(0);
            }),
            closed_checkout(&jwt),
        ]),
    );
}

fn together(pen: &mut Pen<'_>) {
    let checkout = bought(&basket());
    let transaction = hash(&checkout_jwt(&basket()));
    let open_hash = hash(&format!("{}~", open_checkout().token()));
    let referring = |to: &str| {
        open_payment().with(|open| {
            open.mandate["constraints"][0] = json!({"type": "payment.reference", "conditional_transaction_id": to});
        })
    };
    let pay = |open: Draft, change: &dyn Fn(&mut Value)| {
        chain(vec![open, closed_payment(&transaction).with(|closed| change(&mut closed.mandate))])
    };
    let good = pay(referring(&open_hash), &|_| {});
    pen.good(
        "both/base",
        "a payment for a checkout, joined by both hashes",
        "BRG-17 BRG-19",
        joint(&good, &checkout),
        2,
    );
    let mut bad = |id: &str, title: &str, code, payment: String| {
        pen.bad(&format!("both/{id}"), title, code, "both/base", joint(&payment, &checkout));
    };
    bad("reference", "of another open checkout mandate", Code::BridgeUnmet, pay(referring(&hash("another")), &|_| {}));
    bad(
        "amount",
        "another amount than the merchant asks",
        Code::BridgeCheckout,
        pay(referring(&open_hash), &|m| {
            m["payment_amount"]["amount"] = json!(19899);
        }),
    );
    bad(
        "payee",
        "another payee than the merchant",
        Code::BridgeCheckout,
        pay(referring(&open_hash), &|m| {
            m["payee"]["id"] = "rice.example".into();
        }),
    );
    bad(
        "transaction",
        "for another of its tokens",
        Code::BridgeCheckout,
        pay(referring(&open_hash), &|m| {
            m["transaction_id"] = hash("another").into();
        }),
    );
}
