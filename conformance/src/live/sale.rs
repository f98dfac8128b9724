//! A sale: asked for, paid, served once, and never asked for again.

use purser_protocol::bind::http::{PAPER, PaymentTaken};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::{Kind, Signer as _};
use serde_json::Value;

use super::checks;
use super::http::Response;
use super::peers::{must, together};
use super::shop::{Shop, decoded_field, one_more};

checks! { Shop;
    "offer/402", "A price is asked for with a challenge and the offer", "HTB-10 HTB-18", "", asks;
    "offer/says-one-thing", "Challenge and offer say the same", "HTB-37 INT-8", "", says_one_thing;
    "offer/anew", "No two offers have one nonce or one salt", "INT-5 INT-9", "", anew;
    "redeem/served", "What was paid for is served, with receipt and delivery", "HTB-35 FLW-5", "", served;
    "redeem/again", "The same receipt and request get the same answer", "HTB-17 FLW-10", "", again;
    "redeem/at-once", "Eight redemptions at the same time get one answer", "FLW-6", "", at_once;
    "redeem/other-request", "A receipt for one request does not pay for another", "HTB-13", "", other_request;
    "redeem/used-for-another", "A receipt that was redeemed, with another request", "HTB-14", "", used_for_another;
    "redeem/other-offer", "A receipt of another offer", "HTB-12", "", other_offer;
    "redeem/amount", "A receipt of another amount", "HTB-12", "", other_amount;
    "redeem/refused", "A receipt of a refusal", "HTB-12 FLW-5", "", refused;
    "redeem/secret", "Another secret", "HTB-15", "", secret;
    "redeem/forged", "A receipt that the issuer did not sign", "FLW-5 SIG-15", "", forged;
    "redeem/tampered", "A receipt of which one claim was changed", "FLW-5 RCT-3", "", tampered;
    "redeem/malformed", "Credentials that do not read", "HTB-33", "", malformed;
    "redeem/long", "A field of more than 2,048 bytes", "HTB-34", "", long;
    "redeem/challenge-changed", "A challenge that is not echoed as it came", "HTB-33 HTB-38", "", challenge_changed;
}

/// A problem of this code, which asks for no more money. [FLW-9]
fn problem(response: &Response, code: Code) -> Result<(), String> {
    must(response.status != 402, || format!("a payment that was made is answered with 402; it must be {code}"))?;
    must(response.media_type() == "application/problem+json", || {
        format!("{code} must be a problem body; this is {}, status {}", response.media_type(), response.status)
    })?;
    let problem: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let said = problem.get("code").and_then(Value::as_u64);
    must(said == Some(u64::from(code.number())) && response.status == code.status(), || {
        format!("must be {code}, status {}; it is {problem}, status {}", code.status(), response.status)
    })
}

fn asks(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let response = &asked.response;
    must(PAPER.starts_with(response.media_type()), || format!("the offer's media type is {}", response.media_type()))?;
    let cache = response.header("cache-control").unwrap_or_default();
    must(cache.contains("no-store"), || format!("Cache-Control of a 402 is {cache:?}"))?;
    must(Kind::of(&response.body) == Some(Kind::Offer), || "the body is no offer".into())
}

fn says_one_thing(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let (challenge, offer) = (&asked.challenge, &asked.offer);
    must(challenge.offer == asked.id, || "id is not that of the offer".into())?;
    must(challenge.realm == offer.merchant && offer.merchant == shop.merchant, || "realm is another party".into())?;
    let same = (challenge.amount, challenge.currency) == (offer.amount, offer.currency);
    must(same, || "amount or currency are not the offer's".into())?;
    let ends = offer.expires_at.to_string();
    must(challenge.expires() == Some(ends.as_str()), || format!("expires is not {ends}"))?;
    must(challenge.salt.is_some() && offer.resource.is_some(), || "the offer is not bound to its request".into())
}

fn anew(shop: &Shop) -> Result<(), String> {
    let (first, second) = (shop.ask(&shop.path)?, shop.ask(&shop.path)?);
    must(first.offer.nonce != second.offer.nonce, || "two offers have one cti".into())?;
    must(first.challenge.salt != second.challenge.salt, || "two offers have one salt".into())
}

fn served(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    let response = shop.redeem(&shop.path, &asked, &paid)?;
    must(response.status == 200, || {
        format!("status {}: {}", response.status, String::from_utf8_lossy(&response.body))
    })?;
    let cache = response.header("cache-control").unwrap_or_default();
    must(cache.contains("private") && cache.contains("no-store"), || format!("Cache-Control is {cache:?}"))?;
    let taken = response.header("payment-receipt").unwrap_or_default();
    must(PaymentTaken::read_intent(taken.as_bytes()) == Some(paid.intent), || {
        "Payment-Receipt does not name the intent".into()
    })?;
    let delivery = decoded_field(&response, "purser-delivery")?;
    must(Kind::of(&delivery) == Some(Kind::Delivery), || "Purser-Delivery is no delivery".into())
}

fn again(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    let (first, second) = (shop.redeem(&shop.path, &asked, &paid)?, shop.redeem(&shop.path, &asked, &paid)?);
    must((first.status, second.status) == (200, 200), || format!("status {}, then {}", first.status, second.status))?;
    decoded_field(&first, "purser-delivery")?;
    let same = first.body == second.body && first.header("purser-delivery") == second.header("purser-delivery");
    must(same, || "the second answer is neither the first nor its delivery".into())
}

fn at_once(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    let answers = together((0..8).map(|_| || shop.redeem(&shop.path, &asked, &paid)).collect());
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let good = answers.iter().filter(|answer| answer.status == 200).collect::<Vec<_>>();
    must(!good.is_empty(), || format!("none was served; the first has status {}", answers[0].status))?;
    let delivery = good[0].header("purser-delivery");
    must(good.iter().all(|answer| answer.header("purser-delivery") == delivery), || "it delivered twice".into())?;
    must(answers.iter().all(|answer| [200, 503].contains(&answer.status)), || "some are refused for good".into())
}

fn other_request(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    problem(&shop.redeem(&format!("{}?more=1", shop.path), &asked, &paid)?, Code::RequestMismatch)?;
    // The offer is still open for the request that it was made for.
    let response = shop.redeem(&shop.path, &asked, &paid)?;
    must(response.status == 200, || format!("afterwards the right request has status {}", response.status))
}

fn used_for_another(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    let response = shop.redeem(&shop.path, &asked, &paid)?;
    must(response.status == 200, || format!("status {}", response.status))?;
    problem(&shop.redeem(&format!("{}?more=1", shop.path), &asked, &paid)?, Code::ReceiptAlreadyUsed)
}

fn other_offer(shop: &Shop) -> Result<(), String> {
    let (asked, other) = (shop.ask(&shop.path)?, shop.ask(&shop.path)?);
    let paid = shop.paid(&other, |_| {})?;
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::ReceiptMismatch)
}

fn other_amount(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |claims| claims.amount = claims.amount.and_then(one_more))?;
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::ReceiptMismatch)
}

fn refused(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |claims| {
        claims.outcome = Outcome::Refused;
        claims.code = Some(Code::Declined.into());
        claims.detail = Some(purser_protocol::id::Digest(shop.fresh.bytes()));
    })?;
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::ReceiptMismatch)
}

fn secret(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let mut paid = shop.paid(&asked, |_| {})?;
    paid.secret[0] ^= 1;
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::SecretMismatch)
}

fn forged(shop: &Shop) -> Result<(), String> {
    let (asked, stranger) = (shop.ask(&shop.path)?, shop.fresh.key());
    must(stranger.public_key().0 != [0; 64], || "no key".into())?;
    let paid = shop.paid_by(&asked, &stranger, |_| {})?;
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::SignatureInvalid)
}

fn tampered(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let (mut paid, other) = (shop.paid(&asked, |_| {})?, shop.paid(&asked, |_| {})?);
    // The claims of one, under the root of the other.
    let read = |bytes: &[u8]| purser_protocol::receipt::Receipt::from_bytes(bytes).map_err(|fault| fault.to_string());
    let mixed = purser_protocol::receipt::Receipt { root: read(&other.receipt)?.root, ..read(&paid.receipt)? };
    paid.receipt = purser_protocol::field::encoded(&mixed);
    problem(&shop.redeem(&shop.path, &asked, &paid)?, Code::PathInvalid)
}

fn malformed(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    must(shop.redeem(&shop.path, &asked, &paid)?.status == 200, || "an honest one is not served".into())?;
    for value in ["Payment", "Payment e30", "Payment not base64url", "Payment bm90IGpzb24"] {
        problem(&shop.get(&shop.path, Some(value))?, Code::CredentialMalformed)?;
    }
    Ok(())
}

fn long(shop: &Shop) -> Result<(), String> {
    let value = format!("Payment {}", "A".repeat(2_048));
    problem(&shop.get(&shop.path, Some(&value))?, Code::CredentialMalformed)
}

fn challenge_changed(shop: &Shop) -> Result<(), String> {
    let asked = shop.ask(&shop.path)?;
    let paid = shop.paid(&asked, |_| {})?;
    let header = asked.response.header("www-authenticate").unwrap_or_default();
    let other = asked.offer.expires_at.saturating_add(1).to_string();
    let changed = header.replace(&asked.offer.expires_at.to_string(), &other);
    problem(&shop.redeem_under(&changed, &paid)?, Code::CredentialMalformed)?;
    let response = shop.redeem_under(header, &paid)?;
    must(response.status == 200, || format!("as it came it has status {}", response.status))
}
