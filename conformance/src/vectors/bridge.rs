//! The bridge to AP2: chains of mandates as its own library mints them, and each thing that it lets pass.

mod chains;
mod terms;

use purser_protocol::bind::base64url::encode;
use purser_test_vectors::{Area, Importance};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::keys;
use super::papers::NOW;
use super::sheet::Sheet;

const NEEDS: &str = "ap2";

pub(super) fn area() -> Area {
    let about = "The bridge to AP2 0.2: chains of its mandates, verified and said in rules.";
    let mut sheet = Sheet::new("bridge", about);
    chains::cases(&mut sheet);
    terms::cases(&mut sheet);
    let mut area = sheet.finish();
    for case in &mut area.cases {
        case.features = vec![NEEDS.to_owned()];
        case.importance = Importance::Critical;
    }
    area
}

/// SHA-256 of a text, as tokens write it.
fn hash(text: &str) -> String {
    encode(&Sha256::digest(text))
}

/// A disclosure: what stands behind the salt. An element has a value alone, a member its name before it.
fn disclosure(salt: &str, rest: &[Value]) -> String {
    let mut parts = vec![Value::from(encode(&keys::sixteen(salt)))];
    parts.extend_from_slice(rest);
    encode(Value::from(parts).to_string().as_bytes())
}

/// What stands where an element is disclosed.
fn element(disclosure: &str) -> Value {
    json!({"...": hash(disclosure)})
}

/// A signed token of JSON Web Signature, from the texts of its header and its payload.
fn jws(header: &str, payload: &str, signer: &str) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = keys::sign(signer, Sha256::digest(&signed).into());
    format!("{signed}.{}", encode(&signature))
}

/// The key of a name as a JWK.
fn jwk(name: &str) -> Value {
    let point = keys::public(name).0;
    json!({"kty": "EC", "crv": "P-256", "x": encode(&point[..32]), "y": encode(&point[32..])})
}

fn shop() -> Value {
    json!({"id": "tea.example", "name": "Tea House", "website": "https://tea.example"})
}

/// A token: the mandate behind one disclosure, as AP2's library writes it.
#[derive(Clone, Debug)]
struct Draft {
    name: &'static str,
    signer: &'static str,
    header: Value,
    mandate: Value,
    /// Claims beside the mandate.
    claims: Value,
    /// Disclosures before that of the mandate.
    shown: Vec<String>,
    /// Changes the text of the payload, of the mandate, and what follows it.
    payload: fn(String) -> String,
    text: fn(String) -> String,
    inline: bool,
    tail: Vec<String>,
}

impl Draft {
    fn new(name: &'static str, signer: &'static str, typ: &str, mandate: Value) -> Self {
        Self {
            name,
            signer,
            header: json!({"alg": "ES256", "typ": typ, "kid": signer}),
            mandate,
            claims: json!({"_sd_alg": "sha-256"}),
            shown: Vec::new(),
            payload: |text| text,
            text: |text| text,
            inline: false,
            tail: Vec::new(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The token with its disclosures, without the tilde at its end.
    fn token(&self) -> String {
        let salt = keys::sixteen(&format!("{} salt", self.name));
        let parts = format!("[{}, {}]", Value::from(encode(&salt)), (self.text)(self.mandate.to_string()));
        let own = encode(parts.as_bytes());
        let mut claims = self.claims.clone();
        if claims.get("delegate_payload").is_none() {
            let one = if self.inline { self.mandate.clone() } else { element(&own) };
            claims["delegate_payload"] = json!([one]);
        }
        let mut token = jws(&self.header.to_string(), &(self.payload)(claims.to_string()), self.signer);
        for disclosure in &self.shown {
            token.push('~');
            token.push_str(disclosure);
        }
        if !self.inline {
            token.push('~');
            token.push_str(&own);
        }
        for disclosure in &self.tail {
            token.push('~');
            token.push_str(disclosure);
        }
        token
    }

    /// The next one, bound to this by its hash with its disclosures.
    fn bind(&self, next: &mut Self) {
        next.claims["sd_hash"] = hash(&format!("{}~", self.token())).into();
    }
}

/// The person's mandate of payment: up to 200 dollars, at one shop.
fn open_payment() -> Draft {
    let payee = disclosure("payee", &[shop()]);
    let mandate = json!({
        "vct": "mandate.payment.open.1",
        "constraints": [
            {"type": "payment.amount_range", "currency": "USD", "min": 0, "max": 20000},
            {"type": "payment.allowed_payees", "allowed": [element(&payee)]},
        ],
        "cnf": {"jwk": jwk("agent")},
        "iat": NOW - 60,
        "exp": NOW + 3600,
    });
    Draft::new("open payment", "payer", "example+sd-jwt", mandate).with(|draft| draft.shown.push(payee))
}

/// What the agent pays.
fn closed_payment(transaction: &str) -> Draft {
    let mandate = json!({
        "vct": "mandate.payment.1",
        "transaction_id": transaction,
        "payee": shop(),
        "payment_amount": {"amount": 19900, "currency": "USD"},
        "payment_instrument": {"id": "card-1", "type": "card", "description": "Card 4242"},
    });
    answer(Draft::new("closed payment", "agent", "kb+sd-jwt", mandate), "issuer.example", "n-0001")
}

/// The person's mandate of checkout: one pot of one tea, at one shop.
fn open_checkout() -> Draft {
    let (tea, merchant) =
        (disclosure("tea", &[json!({"id": "tea-1", "title": "Green tea"})]), disclosure("merchant", &[shop()]));
    let mandate = json!({
        "vct": "mandate.checkout.open.1",
        "constraints": [
            {"type": "checkout.line_items", "items": [
                {"id": "line-1", "acceptable_items": [element(&tea)], "quantity": 1},
            ]},
            {"type": "checkout.allowed_merchants", "allowed": [element(&merchant)]},
        ],
        "cnf": {"jwk": jwk("agent")},
        "iat": NOW - 60,
        "exp": NOW + 3600,
    });
    Draft::new("open checkout", "payer", "example+sd-jwt", mandate).with(|draft| draft.shown = vec![tea, merchant])
}

/// What the merchant asks.
fn basket() -> Value {
    json!({
        "id": "c-1",
        "merchant": shop(),
        "line_items": [{
            "id": "l-1", "item": {"id": "tea-1", "title": "Green tea", "price": 19900}, "quantity": 1,
            "totals": [{"type": "total", "amount": 19900}],
        }],
        "status": "incomplete",
        "currency": "USD",
        "totals": [{"type": "subtotal", "amount": 19900}, {"type": "total", "amount": 19900}],
        "links": [],
    })
}

/// The merchant's own token.
fn checkout_jwt(basket: &Value) -> String {
    jws(r#"{"alg":"ES256","typ":"JWT","kid":"merchant"}"#, &basket.to_string(), "merchant")
}

/// What the agent buys.
fn closed_checkout(jwt: &str) -> Draft {
    let shown = disclosure("checkout", &["checkout_jwt".into(), jwt.into()]);
    let mandate = json!({"vct": "mandate.checkout.1", "checkout_hash": hash(jwt), "_sd": [hash(&shown)]});
    let draft = Draft::new("closed checkout", "agent", "kb+sd-jwt", mandate).with(|draft| draft.tail = vec![shown]);
    answer(draft, "tea.example", "n-0002")
}

/// What a token says to whoever asked for it.
fn answer(mut draft: Draft, audience: &str, nonce: &str) -> Draft {
    draft.claims["iat"] = (NOW - 5).into();
    draft.claims["aud"] = audience.into();
    draft.claims["nonce"] = nonce.into();
    draft
}

/// Tokens in a row, each bound to the one before, as one text.
fn chain(mut drafts: Vec<Draft>) -> String {
    for at in 1..drafts.len() {
        let (before, rest) = drafts.split_at_mut(at);
        if let (Some(before), Some(next)) = (before.last(), rest.first_mut())
            && next.claims.get("sd_hash").is_none()
            && next.claims.get("issuer_jwt_hash").is_none()
        {
            before.bind(next);
        }
    }
    drafts.iter().map(Draft::token).collect::<Vec<_>>().join("~~") + "~"
}
