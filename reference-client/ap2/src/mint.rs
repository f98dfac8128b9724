//! Our mandates written out as open ones of AP2, where they can be; and the closed ones that its agents make.

use purser_protocol::bind::base64url::encode;
use purser_protocol::code::Code;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Fields;
use purser_protocol::sign::{Crypto, PublicKey, Signer, SignerFailed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::json::Json;
use crate::mandate::Mandate as Read;
use crate::refusal::Refusal;
use crate::terms::{Account, terms};
use crate::token::split;

type Result<T> = std::result::Result<T, Refusal>;

/// A mandate of ours as an open one of AP2 that delegates to `agent`. What is written is read again, and is what was
/// there; else the mandate is refused. [BRG-28]
pub fn written(mandate: &Mandate, agent: &PublicKey, crypto: &dyn Crypto) -> Result<Value> {
    let unmapped = |name: &str| Refusal::of(Code::BridgeUnmapped, name);
    let rules = match (mandate.mode, &mandate.caps, mandate.grants()) {
        (Mode::Quota, Some(caps), []) => caps,
        (Mode::Conditional, None, [one]) => one,
        _ => return Err(unmapped("mode")),
    };
    let mut constraints = Vec::new();
    let currency = mandate.currency;
    if let Some(most) = rules.amount_max {
        let mut range = json!({"type": "payment.amount_range", "currency": currency.code(), "max": most.minor()});
        if let Some(least) = rules.amount_min {
            range["min"] = least.minor().into();
        }
        constraints.push(range);
    }
    if let Some(total) = rules.total {
        let budget = json!({"type": "payment.budget", "currency": currency.code(), "max": major(total, currency)});
        constraints.push(budget);
    }
    match rules.count.map(std::num::NonZeroU32::get) {
        Some(1) => {}
        Some(most) => {
            let recurrence =
                json!({"type": "payment.agent_recurrence", "frequency": "ON_DEMAND", "max_occurrences": most});
            constraints.push(recurrence);
        }
        None => constraints.push(json!({"type": "payment.agent_recurrence", "frequency": "ON_DEMAND"})),
    }
    if let Some(merchants) = &rules.merchants_allow {
        let merchant = |name: &str| json!({"id": name, "name": name});
        let allowed: Vec<_> = merchants.iter().map(|party| merchant(party.as_str())).collect();
        constraints.push(json!({"type": "payment.allowed_payees", "allowed": allowed}));
    }
    let (x, y) = agent.0.split_at(32);
    let json = json!({
        "vct": "mandate.payment.open.1",
        "constraints": constraints,
        "cnf": {"jwk": {"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}},
        "iat": mandate.not_before.get(),
        "exp": mandate.expires_at.get(),
    });
    let said = Json::read(json.to_string().as_bytes()).ok_or_else(|| unmapped("rules"))?;
    let Read::Open(open) = Read::read(&said, crypto)? else { return Err(unmapped("vct")) };
    let again = terms(&open, Account(mandate.account))?;
    let same = again.rules == *rules && again.mode == mandate.mode && again.currency == currency;
    if same && mandate.window() == Some(again.window) {
        return Ok(json);
    }
    // The first rule that the other form does not have.
    Err(unmapped(lost(rules, &again.rules)))
}

fn lost(rules: &Fields, again: &Fields) -> &'static str {
    let names = [
        ("total_per", rules.total_per == again.total_per),
        ("count_per", rules.count_per == again.count_per),
        ("merchants_deny", rules.merchants_deny == again.merchants_deny),
        ("categories_allow", rules.categories_allow == again.categories_allow),
        ("categories_deny", rules.categories_deny == again.categories_deny),
        ("items_allow", rules.items_allow == again.items_allow),
        ("items_deny", rules.items_deny == again.items_deny),
        ("price_deviation", rules.price_deviation == again.price_deviation),
        ("times", rules.times == again.times),
        ("channels", rules.channels == again.channels),
        ("devices", rules.devices == again.devices),
        ("payee_keys", rules.payee_keys == again.payee_keys),
        ("depth", rules.depth == again.depth),
        ("open_holds", rules.open_holds == again.open_holds),
        ("ask_first", rules.ask_first == again.ask_first),
        ("ask_above", rules.ask_above == again.ask_above),
    ];
    names.iter().find(|(_, same)| !same).map_or("rules", |(name, _)| name)
}

/// In major units, as a number of JSON.
fn major(amount: Amount, currency: Currency) -> Value {
    let shown = currency.show(amount.minor()).to_string();
    let number = shown.split(' ').next().unwrap_or_default();
    serde_json::from_str(number).unwrap_or_default()
}

/// An open mandate as a signed token. `salt` is random.
pub fn open(mandate: &Value, signer: &dyn Signer, salt: [u8; 16]) -> std::result::Result<String, SignerFailed> {
    let claims = json!({"_sd_alg": "sha-256"});
    token("example+sd-jwt", claims, mandate, signer, salt).map(|token| token + "~")
}

/// A closed mandate behind an open one, as an agent of AP2 signs it; `said` is [`crate::Due::said`].
pub fn close(
    open: &str,
    said: &Value,
    now: u64,
    signer: &dyn Signer,
    salt: [u8; 16],
) -> std::result::Result<String, SignerFailed> {
    let hash = split(open).ok().and_then(|tokens| tokens.last().map(|last| last.sd_hash())).ok_or(SignerFailed)?;
    let claims = json!({"_sd_alg": "sha-256", "iat": now, "aud": said["aud"], "nonce": said["nonce"], "sd_hash": hash});
    let closed = token("kb+sd-jwt", claims, &said["mandate"], signer, salt)?;
    Ok(format!("{open}~{closed}~"))
}

fn token(
    typ: &str,
    mut claims: Value,
    mandate: &Value,
    signer: &dyn Signer,
    salt: [u8; 16],
) -> std::result::Result<String, SignerFailed> {
    let disclosure = encode(json!([encode(&salt), mandate]).to_string().as_bytes());
    claims["delegate_payload"] = json!([{"...": encode(&Sha256::digest(&disclosure))}]);
    let header = json!({"alg": "ES256", "typ": typ});
    let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = signer.sign(&Sha256::digest(&signed).into())?;
    Ok(format!("{signed}.{}~{disclosure}", encode(&signature)))
}
