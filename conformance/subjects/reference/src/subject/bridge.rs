//! The bridge to AP2: chains verified, and said in rules.
//!
//! Its types are those of the crate that it rests on, so that nothing but texts and bytes crosses over.

use purser_ap2::protocol::field::encoded;
use purser_ap2::protocol::id::AccountId;
use purser_ap2::protocol::sign::PublicKey;
use purser_ap2::protocol::sign::backend::Portable;
use purser_ap2::{Account, Asked, Checkout, Refusal};
use purser_protocol::code::Code;
use serde_json::{Value, json};

use super::call::{Input, No, Outcome, broken, hex};

/// Verifies a chain; where it is for a checkout, that one first.
pub(super) fn verify(input: Input<'_>) -> Outcome {
    let checkout = match input.get("checkout") {
        None => None,
        Some(said) => Some(checkout(Input(said), input)?),
    };
    let chain = chain(input, checkout.as_ref())?;
    Ok(json!({
        "root": hex(chain.root.0),
        "tokens": chain.hops.len(),
        "closed": chain.closed().is_some(),
        "merchant_checked": chain.is_merchant_checked,
    }))
}

/// What an open mandate comes to.
pub(super) fn terms(input: Input<'_>) -> Outcome {
    let chain = chain(input, None)?;
    let open = chain.open().ok_or_else(|| broken("the chain has no open mandate"))?;
    let account = Account(AccountId(input.array("account")?));
    let terms = purser_ap2::terms(open, account).map_err(refused)?;
    let mut value = json!({
        "agent": hex(terms.agent.0),
        "currency": terms.currency.code(),
        "mode": terms.mode as u8,
        "rules": hex(encoded(&terms.rules)),
        "from": terms.window.not_before().get(),
        "until": terms.window.expires().get(),
    });
    if let Some(reference) = terms.reference {
        value["reference"] = Value::from(&*reference);
    }
    Ok(value)
}

fn checkout(said: Input<'_>, input: Input<'_>) -> Result<Checkout, No> {
    let Some(text) = said.get("text") else {
        let open = said.get("open").and_then(Value::as_str).map(Into::into);
        return Ok(Checkout { transaction: said.text("transaction")?.into(), open, basket: None });
    };
    let text = Input(text).as_text()?;
    let keys = keys(input)?;
    let merchant = merchant(input)?;
    let asked = Asked {
        now: input.seconds("now")?.get(),
        keys: &keys,
        audience: Some(said.text("audience")?),
        nonce: Some(said.text("nonce")?),
        checkout: None,
        merchant: merchant.as_ref(),
    };
    let chain = purser_ap2::verify(text, asked, &Portable).map_err(refused)?;
    chain.checkout().ok_or_else(|| broken("the checkout is none"))
}

fn chain(input: Input<'_>, checkout: Option<&Checkout>) -> Result<purser_ap2::Chain, No> {
    let keys = keys(input)?;
    let merchant = merchant(input)?;
    let word = |name| input.get(name).and_then(Value::as_str);
    let asked = Asked {
        now: input.seconds("now")?.get(),
        keys: &keys,
        audience: word("audience"),
        nonce: word("nonce"),
        checkout,
        merchant: merchant.as_ref(),
    };
    purser_ap2::verify(input.text("text")?, asked, &Portable).map_err(refused)
}

fn keys(input: Input<'_>) -> Result<Vec<PublicKey>, No> {
    let key = |bytes: Vec<u8>| bytes.try_into().map(PublicKey).map_err(|_| broken("a key is not 64 bytes"));
    input.byte_strings("keys")?.into_iter().map(key).collect()
}

fn merchant(input: Input<'_>) -> Result<Option<PublicKey>, No> {
    input.get("merchant").map(|_| input.array("merchant").map(PublicKey)).transpose()
}

fn refused(refusal: Refusal) -> No {
    Code::from_slug(refusal.code.slug()).map_or_else(|| broken(refusal.to_string()), No::from)
}
