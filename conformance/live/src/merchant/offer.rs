//! What a merchant asks.

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::sign::Kind;
use serde_json::Value;

use super::{HTTP2, Scene};
use crate::answer::CONCISE;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::Request;
use crate::old_tls::refuses_tls_1_2;

const ASKS: &str = "live/merchant/offer/402";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/merchant/discovery/document", "The discovery document has every member of the table", ["HTB-4", "VER-3"], High, Must::Accept, [] => document;
    "live/merchant/tls/1-2", "A client that speaks nothing later than TLS 1.2 gets no handshake", ["HTB-1"], High, Must::Fail(ASKS), [] => tls_1_2;
    "live/merchant/offer/402", "A price is asked for with a challenge and the offer", ["HTB-10", "HTB-18"], High, Must::Accept, [] => asks;
    "live/merchant/offer/says-one-thing", "Challenge and offer say the same", ["HTB-37", "INT-8"], High, Must::Accept, [] => says_one_thing;
    "live/merchant/offer/challenge", "The challenge has each of its parameters once, in the form given", ["HTB-10", "HTB-33"], High, Must::Accept, [] => challenge;
    "live/merchant/offer/field-lengths", "No field of a 402 or of what was paid has more than 2,048 bytes", ["HTB-2"], Medium, Must::Accept, [] => field_lengths;
    "live/merchant/offer/anew", "No two offers have one nonce or one salt", ["INT-5", "INT-9"], High, Must::Accept, [] => anew;
    "live/merchant/offer/other-scheme", "Credentials of another scheme are no payment, and no fault", ["HTB-10", "HTB-33"], Medium, Must::Accept, [] => other_scheme;
    "live/merchant/offer/http2", "A price is asked for over HTTP/2 as over HTTP/1.1", ["HTB-10"], High, Must::Accept, [HTTP2] => http2;
    "live/merchant/errors/problem", "A problem has every member that the table requires", ["ERR-1", "ERR-2"], Medium, Must::Accept, [] => problem;
    "live/merchant/errors/concise", "A client that prefers CBOR gets the concise form", ["ERR-2"], Low, Must::Accept, [] => concise;
};

async fn document(scene: &Scene) -> Done {
    let answer = &scene.get("/.well-known/purser").await?;
    ensure(answer.status == 200 && answer.media() == "application/json", || {
        format!("200 and application/json must come; it was {} and {}", answer.status, answer.media())
    })?;
    let document = answer.json()?;
    let member = |name: &str| document.get("purser").and_then(|document| document.get(name));
    let has =
        |name: &str, value: &str| member(name).and_then(Value::as_array).is_some_and(|all| all.contains(&value.into()));
    for name in ["versions", "roles", "features", "currencies", "certificates"] {
        ensure(member(name).is_some_and(Value::is_array), || format!("{name} is no list"))?;
    }
    ensure(member("sandbox").is_some_and(Value::is_boolean), || "sandbox is neither true nor false".to_owned())?;
    ensure(has("roles", "merchant"), || "roles does not name merchant".to_owned())?;
    ensure(has("versions", "1"), || "versions does not name 1".to_owned())
}

async fn tls_1_2(scene: &Scene) -> Done {
    refuses_tls_1_2(&scene.target).await
}

async fn asks(scene: &Scene) -> Done {
    let answer = scene.ask().await?.answer;
    ensure(PAPER.starts_with(answer.media()), || format!("the offer's media type is {}", answer.media()))?;
    let cache = answer.header("cache-control").unwrap_or_default();
    ensure(cache.contains("no-store"), || format!("Cache-Control of a 402 is {cache:?}"))?;
    ensure(Kind::of(&answer.body) == Some(Kind::Offer), || "the body is no offer".to_owned())
}

async fn says_one_thing(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let (challenge, offer) = (&asked.challenge, &asked.offer);
    ensure(challenge.offer == asked.id, || "id is not that of the offer".to_owned())?;
    let named = challenge.realm == offer.merchant && offer.merchant == scene.merchant;
    ensure(named, || "realm is another party".to_owned())?;
    let same = (challenge.amount, challenge.currency) == (offer.amount, offer.currency);
    ensure(same, || "amount or currency are not the offer's".to_owned())?;
    let ends = offer.expires_at.to_string();
    ensure(challenge.expires() == Some(ends.as_str()), || format!("expires is not {ends}"))?;
    let bound = challenge.salt.is_some() && offer.resource.is_some();
    ensure(bound, || "the offer is not bound to its request".to_owned())
}

/// By the bytes, whatever a lenient reader would take.
async fn challenge(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let value = asked.answer.header("www-authenticate").unwrap_or_default();
    let (scheme, rest) = value.split_once(' ').unwrap_or_default();
    ensure(scheme == "Payment", || format!("the scheme is {scheme:?}"))?;
    let parameters: Vec<_> = rest.split(',').filter_map(|one| one.trim().split_once('=')).collect();
    let of = |name: &str| -> Vec<&str> {
        let found = parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim_matches('"')).collect()
    };
    for name in ["id", "realm", "method", "intent", "request", "expires"] {
        let count = of(name).len();
        ensure(count == 1, || format!("{name} stands {count} times in {value}"))?;
    }
    ensure(of("method") == ["purser"] && of("intent") == ["charge"], || "method or intent is another".to_owned())?;
    let request = of("request").first().and_then(|text| base64url::decode(text)).unwrap_or_default();
    let text = String::from_utf8(request).unwrap_or_default();
    let offer = &asked.offer;
    let salt = asked.challenge.salt.map(|salt| base64url::encode(&salt.0)).unwrap_or_default();
    let (minor, currency) = (offer.amount.minor(), offer.currency.code().to_ascii_lowercase());
    let must =
        format!("{{\"amount\":\"{minor}\",\"currency\":\"{currency}\",\"methodDetails\":{{\"salt\":\"{salt}\"}}}}");
    ensure(text == must, || format!("request must be {must}, and is {text}"))
}

async fn field_lengths(scene: &Scene) -> Done {
    const MOST: usize = 2_048;
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let answer = scene.redeem(&asked, &paid).await?;
    for (name, value) in asked.answer.headers.iter().chain(&answer.headers) {
        ensure(value.len() <= MOST, || format!("{name} has {} bytes", value.len()))?;
    }
    super::served(&answer)
}

async fn anew(scene: &Scene) -> Done {
    let (first, second) = (scene.ask().await?, scene.ask().await?);
    ensure(first.offer.nonce != second.offer.nonce, || "two offers have one cti".to_owned())?;
    ensure(first.challenge.salt != second.challenge.salt, || "two offers have one salt".to_owned())
}

async fn other_scheme(scene: &Scene) -> Done {
    for value in ["Basic dXNlcjpwYXNz", "Bearer something"] {
        let answer = scene.target.send(&Request::get(&*scene.path).with("Authorization", value)).await?;
        scene.read_offer(answer)?;
    }
    Ok(())
}

async fn http2(scene: &Scene) -> Done {
    let Some(answer) = scene.target.send_http2(&Request::get(&*scene.path)).await? else {
        return Err(Failure::new(Fault::WrongValue, "HTTP/2 was spoken before and is not now"));
    };
    let asked = scene.read_offer(answer)?;
    let paid = scene.paid(&asked, |_| {})?;
    let redeemed = scene.target.send_http2(&scene.redemption(&scene.path, &asked.challenge, &paid)?).await?;
    redeemed.as_ref().map_or(Ok(()), super::served)
}

async fn problem(scene: &Scene) -> Done {
    scene.get("/no-such-thing").await?.is_problem(Code::NotFound, "http")
}

async fn concise(scene: &Scene) -> Done {
    let request = Request::get("/no-such-thing").with("Accept", CONCISE);
    scene.target.send(&request).await?.is_concise_problem(Code::NotFound, "http")
}
