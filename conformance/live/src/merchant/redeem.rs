//! Receipts that are good, and others.

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{Challenge, PAYMENT_RECEIPT, PURSER_DELIVERY, PaymentTaken};
use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::id::Digest;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::delivery::Delivery;
use purser_protocol::receipt::{Outcome, Receipt};
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use sha2::{Digest as _, Sha256};

use super::{Scene, served};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::Request;
use crate::papers::Terms;
use crate::random::random;

const SERVED: &str = "live/merchant/redeem/served";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/merchant/redeem/served", "What was paid for is served, with receipt and delivery", ["HTB-35", "FLW-5", "RCT-16"], Critical, Must::Accept, [] => serves;
    "live/merchant/redeem/again", "The same receipt and request get the same answer", ["HTB-17", "FLW-10"], High, Must::Accept, [] => again;
    "live/merchant/redeem/other-request", "A receipt for one request does not pay for another, and stays good for its own", ["HTB-13"], Critical, Must::Refuse(Code::RequestMismatch, SERVED), [] => other_request;
    "live/merchant/redeem/used-for-another", "A receipt that was redeemed, with another request", ["HTB-14"], Critical, Must::Refuse(Code::ReceiptAlreadyUsed, SERVED), [] => used_for_another;
    "live/merchant/redeem/other-offer", "A receipt of another offer", ["HTB-12"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => other_offer;
    "live/merchant/redeem/amount", "A receipt of one minor unit less", ["HTB-12"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => amount;
    "live/merchant/redeem/currency", "A receipt in another currency", ["HTB-12"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => currency;
    "live/merchant/redeem/refused", "A receipt of a refusal", ["HTB-12", "FLW-5"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => refused;
    "live/merchant/redeem/held", "A receipt of a hold, for an offer that is captured at once", ["HTB-12"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => held;
    "live/merchant/redeem/old", "A receipt that is older than its offer", ["HTB-12"], Critical, Must::Refuse(Code::ReceiptMismatch, SERVED), [] => old;
    "live/merchant/redeem/unknown-issuer", "A receipt whose signer's certificate nobody has shown", ["CRT-1", "FLW-5"], Critical, Must::Refuse(Code::CertMissing, SERVED), [] => unknown_issuer;
    "live/merchant/redeem/other-network", "A receipt that was signed for another network", ["RCT-18", "SIG-16"], Critical, Must::Refuse(Code::SignatureInvalid, SERVED), [] => other_network;
    "live/merchant/redeem/secret", "Another secret", ["HTB-15"], Critical, Must::Refuse(Code::SecretMismatch, SERVED), [] => secret;
    "live/merchant/redeem/forged", "A receipt that the issuer did not sign", ["FLW-5", "SIG-15"], Critical, Must::Refuse(Code::SignatureInvalid, SERVED), [] => forged;
    "live/merchant/redeem/tampered", "A receipt of which one claim was changed", ["FLW-5", "RCT-3"], Critical, Must::Refuse(Code::PathInvalid, SERVED), [] => tampered;
    "live/merchant/redeem/malformed", "Credentials that do not read", ["HTB-33"], High, Must::Refuse(Code::CredentialMalformed, SERVED), [] => malformed;
    "live/merchant/redeem/long", "A field of more than 2,048 bytes", ["HTB-34"], Medium, Must::Refuse(Code::CredentialMalformed, SERVED), [] => long;
    "live/merchant/redeem/unknown-offer", "A credential for an offer that was never made, and no receipt in it", ["HTB-11"], High, Must::Refuse(Code::OfferUnknown, SERVED), [] => unknown_offer;
    "live/merchant/redeem/challenge-changed", "A challenge that is not echoed as it came", ["HTB-33", "HTB-38"], High, Must::Refuse(Code::CredentialMalformed, SERVED), [] => challenge_changed;
    "live/merchant/redeem/quiet", "A refusal repeats neither secret nor receipt", ["ERR-2"], High, Must::Accept, [] => quiet;
};

async fn serves(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let answer = scene.redeem(&asked, &paid).await?;
    served(&answer)?;
    let cache = answer.header("cache-control").unwrap_or_default();
    ensure(cache.contains("private") && cache.contains("no-store"), || format!("Cache-Control is {cache:?}"))?;
    let taken = answer.header(PAYMENT_RECEIPT).unwrap_or_default();
    let names = PaymentTaken::read_intent(taken.as_bytes()) == Some(paid.intent);
    ensure(names, || "Payment-Receipt does not name the intent".to_owned())?;
    let delivery = answer.header(PURSER_DELIVERY).and_then(base64url::decode).unwrap_or_default();
    let read = Signed::<Delivery>::read(&delivery);
    let read = read.and_then(|signed| Delivery::decode(&mut Reader::new(signed.frame.payload)));
    let read = read.map_err(|fault| answer.fails(Fault::WrongAnswer, format!("Purser-Delivery: {fault}")))?;
    ensure(read.offer == asked.id && read.intent == paid.intent, || "the delivery is of another payment".to_owned())?;
    let digest = Digest(Sha256::digest(&answer.body).into());
    ensure(read.digest == digest, || "the delivery is not of the bytes that came".to_owned())
}

async fn again(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let (first, second) = (scene.redeem(&asked, &paid).await?, scene.redeem(&asked, &paid).await?);
    served(&first)?;
    served(&second)?;
    let delivery = first.header(PURSER_DELIVERY);
    ensure(delivery.is_some(), || "there is no Purser-Delivery".to_owned())?;
    let same = first.body == second.body && delivery == second.header(PURSER_DELIVERY);
    ensure(same, || "the second answer is neither the first nor its delivery".to_owned())
}

async fn other_request(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let other = format!("{}?more=1", scene.path);
    scene.redeem_at(&other, &asked, &paid).await?.decides_nothing(Code::RequestMismatch)?;
    served(&scene.redeem(&asked, &paid).await?)
}

async fn used_for_another(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    served(&scene.redeem(&asked, &paid).await?)?;
    let other = format!("{}?more=1", scene.path);
    scene.redeem_at(&other, &asked, &paid).await?.decides_nothing(Code::ReceiptAlreadyUsed)
}

async fn other_offer(scene: &Scene) -> Done {
    let (asked, other) = (scene.ask().await?, scene.ask().await?);
    let paid = scene.paid(&other, |_| {})?;
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::ReceiptMismatch)?;
    served(&scene.redeem(&other, &paid).await?)
}

/// A receipt with other claims is refused; and the offer can still be paid.
async fn changed(scene: &Scene, change: impl FnOnce(&mut purser_protocol::receipt::Claims), code: Code) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, change)?;
    scene.redeem(&asked, &paid).await?.decides_nothing(code)?;
    let honest = scene.paid(&asked, |_| {})?;
    served(&scene.redeem(&asked, &honest).await?)
}

async fn amount(scene: &Scene) -> Done {
    let less = |amount: Amount| Amount::from_minor(amount.minor().saturating_sub(1).max(2));
    changed(scene, |claims| claims.amount = claims.amount.and_then(less), Code::ReceiptMismatch).await
}

async fn currency(scene: &Scene) -> Done {
    let other = |currency: Currency| if currency.code() == "JPY" { "CNY" } else { "JPY" };
    let change = |claims: &mut purser_protocol::receipt::Claims| {
        claims.currency = claims.currency.and_then(|currency| Currency::from_code(other(currency)));
    };
    changed(scene, change, Code::ReceiptMismatch).await
}

async fn refused(scene: &Scene) -> Done {
    let detail = Digest(random()?);
    let change = |claims: &mut purser_protocol::receipt::Claims| {
        claims.outcome = Outcome::Refused;
        claims.code = Some(Code::Declined.into());
        claims.detail = Some(detail);
    };
    changed(scene, change, Code::ReceiptMismatch).await
}

async fn held(scene: &Scene) -> Done {
    let change = |claims: &mut purser_protocol::receipt::Claims| {
        claims.outcome = Outcome::Authorized;
        claims.hold_until = Some(claims.decided_at.saturating_add(86_400));
    };
    changed(scene, change, Code::ReceiptMismatch).await
}

async fn old(scene: &Scene) -> Done {
    let change = |claims: &mut purser_protocol::receipt::Claims| {
        claims.decided_at = claims.decided_at.saturating_sub(3_600);
    };
    changed(scene, change, Code::ReceiptMismatch).await
}

async fn unknown_issuer(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid_by(&asked, &scene.issuer.unknown()?, &scene.terms, |_| {})?;
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::CertMissing)
}

async fn other_network(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let elsewhere = Terms { network: format!("{}-not", scene.terms.network), ..scene.terms.clone() };
    let paid = scene.paid_by(&asked, &scene.issuer, &elsewhere, |_| {})?;
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::SignatureInvalid)
}

async fn secret(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let honest = scene.paid(&asked, |_| {})?;
    let mut paid = honest.clone();
    paid.secret[0] ^= 1;
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::SecretMismatch)?;
    served(&scene.redeem(&asked, &honest).await?)
}

async fn forged(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid_by(&asked, &scene.issuer.forger()?, &scene.terms, |_| {})?;
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::SignatureInvalid)
}

/// The claims of one receipt under the root of another.
async fn tampered(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let (mut paid, other) = (scene.paid(&asked, |_| {})?, scene.paid(&asked, |_| {})?);
    let read = |bytes: &[u8]| Receipt::from_bytes(bytes).map_err(|fault| Failure::of_suite(fault.to_string()));
    paid.receipt = encoded(&Receipt { root: read(&other.receipt)?.root, ..read(&paid.receipt)? });
    scene.redeem(&asked, &paid).await?.decides_nothing(Code::PathInvalid)
}

async fn malformed(scene: &Scene) -> Done {
    for value in ["Payment", "Payment e30", "Payment not base64url", "Payment bm90IGpzb24"] {
        let answer = scene.target.send(&Request::get(&*scene.path).with("Authorization", value)).await?;
        answer.decides_nothing(Code::CredentialMalformed)?;
    }
    Ok(())
}

async fn long(scene: &Scene) -> Done {
    let value = format!("Payment {}", "A".repeat(2_048));
    let answer = scene.target.send(&Request::get(&*scene.path).with("Authorization", value)).await?;
    answer.decides_nothing(Code::CredentialMalformed)
}

async fn unknown_offer(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let header = asked.answer.header("www-authenticate").unwrap_or_default();
    let other = header.replace(&base64url::encode(&asked.id.0), &base64url::encode(&random::<32>()?));
    let mut paid = scene.paid(&asked, |_| {})?;
    paid.receipt = b"no receipt".to_vec();
    let request = scene.redemption(&scene.path, &read_again(&other)?, &paid)?;
    scene.target.send(&request).await?.decides_nothing(Code::OfferUnknown)
}

async fn challenge_changed(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let header = asked.answer.header("www-authenticate").unwrap_or_default();
    let other = asked.offer.expires_at.saturating_add(1).to_string();
    let changed = header.replace(&asked.offer.expires_at.to_string(), &other);
    let request = scene.redemption(&scene.path, &read_again(&changed)?, &paid)?;
    scene.target.send(&request).await?.decides_nothing(Code::CredentialMalformed)?;
    served(&scene.redeem(&asked, &paid).await?)
}

fn read_again(header: &str) -> Result<Challenge, Failure> {
    let challenge = Challenge::read([header.as_bytes()]).into_iter().next();
    let challenge = challenge.ok_or_else(|| Failure::of_suite("no challenge"))?;
    challenge.map_err(|fault| Failure::of_suite(fault.to_string()))
}

async fn quiet(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let mut paid = scene.paid(&asked, |_| {})?;
    paid.secret[0] ^= 1;
    let answer = scene.redeem(&asked, &paid).await?;
    answer.decides_nothing(Code::SecretMismatch)?;
    let told = [base64url::encode(&paid.secret), base64url::encode(&paid.receipt)];
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let fields: String = answer.headers.iter().map(|(_, value)| value.as_str()).collect();
    let repeated = told.iter().any(|text| body.contains(text.as_str()) || fields.contains(text.as_str()));
    ensure(!repeated, || "the refusal repeats what was shown".to_owned())
}
