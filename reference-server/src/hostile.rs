//! A peer that is hard to deal with, within the rules: for whoever wants to know whether their client is a good one.
//!
//! It refuses for the moment what is good, says that it is busy, drops answers to what it has done, tells merchants
//! everything twice, and answers in forms that are unusual and right. What comes when is decided by a seed: the same
//! requests in the same order meet the same. It is for sandboxes, and says what it is: in the log, and in `hostile` of
//! its discovery document. `spec/16-operations.md`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use purser_protocol::bind::http::HEADER_VALUE_BYTES_MAX;
use purser_protocol::code::Code;
use serde_json::{Value, json};

use crate::config::Config;
use crate::material::{SetupError, setting};
use crate::reply::{NO_STORE, PROBLEM_JSON, Problem};
use crate::role::Role;

/// One request in so many is not looked at.
const TURNED_AWAY: u64 = 8;
/// One answer in so many does not arrive.
const DROPPED: u64 = 10;
/// A code of no registry yet. [ERR-4]
const LATER_CODE: u64 = 9_001;
const LATER: HeaderName = HeaderName::from_static("purser-later");

/// What a seed decides.
pub struct Hostile {
    role: Role,
    seed: u64,
    requests: AtomicU64,
    /// What stands before the paths of an issuer's interface: only its discovery document says it. [HTB-4]
    prefix: Option<String>,
}

impl Hostile {
    /// For the role of a configuration, which must be a sandbox's.
    pub fn new(role: Role, config: &Config, seed: u64) -> Result<Self, SetupError> {
        let table: toml::Table = config.table(role.name())?;
        let text = |name: &str| table.get(name).and_then(toml::Value::as_str);
        let is_sandbox = role != Role::Issuer || table.get("sandbox").and_then(toml::Value::as_bool) == Some(true);
        if role == Role::Seller || text("network") != Some("sandbox") || !is_sandbox {
            return Err(setting("hostile", "is for issuers and merchants of the network sandbox")); // [OPS-7]
        }
        tracing::warn!(seed, role = role.name(), "HOSTILE: refuses, repeats and drops on purpose");
        let prefix = (role == Role::Issuer).then(|| format!("/at-{:08x}", mixed(!seed) >> 32));
        Ok(Self { role, seed, requests: AtomicU64::new(0), prefix })
    }

    /// What the paths are appended to.
    pub fn base_url(&self, url: &str) -> String {
        format!("{url}{}", self.prefix.as_deref().unwrap_or_default())
    }

    /// Puts trouble between clients and a role's routes.
    pub fn peer(self, app: Router) -> Router {
        let app = match &self.prefix {
            None => app,
            Some(prefix) => Router::new().nest(prefix, app.clone()).merge(app),
        };
        app.layer(middleware::from_fn_with_state(Arc::new(self), meddle))
    }

    fn next(&self) -> Mood {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Mood(mixed(self.seed ^ mixed(number ^ u64::from(self.role == Role::Issuer) << 63)))
    }

    /// A path below the prefix; nothing, where it should stand below it and does not.
    fn path<'u>(&self, uri: &'u Uri) -> Option<&'u str> {
        let Some(prefix) = &self.prefix else { return Some(uri.path()) };
        match uri.path().strip_prefix(prefix.as_str()) {
            Some(path) => Some(path),
            // Discovery is where it always is, and the pages are for people.
            None => Some(uri.path()).filter(|path| !path.starts_with("/v1/")),
        }
    }
}

/// What is decided about one request.
struct Mood(u64);

impl Mood {
    /// True once in so many times.
    fn one_in(&mut self, times: u64) -> bool {
        self.0 = mixed(self.0);
        self.0.is_multiple_of(times)
    }
}

/// SplitMix64: enough for moods, and for nothing that guards anything.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn meddle(State(hostile): State<Arc<Hostile>>, request: Request, next: Next) -> Response<Body> {
    let Some(path) = hostile.path(request.uri()) else { return Problem::new(Code::NotFound).into_response() };
    let mut mood = hostile.next();
    let is_discovery = path == "/.well-known/purser";
    if let Some(refused) = turned_away(&mut mood, path, &request) {
        return refused;
    }
    let response = next.run(request).await;
    if mood.one_in(DROPPED) {
        return dropped(response);
    }
    let announced = is_discovery.then_some(hostile.seed);
    oddly(&mut mood, response, announced).await
}

/// A refusal for the moment, of what is good.
fn turned_away(mood: &mut Mood, path: &str, request: &Request) -> Option<Response<Body>> {
    let headers = request.headers();
    let pays = request.method() == Method::POST && path == "/v1/intents";
    // A paper that was good a moment ago, and will be. Nothing is decided. [FLW-4]
    if pays && mood.one_in(3 * TURNED_AWAY) {
        return Some(Problem::new(Code::MandateUnknown).into_response());
    }
    if headers.contains_key("purser-proof") && mood.one_in(2 * TURNED_AWAY) {
        return Some(Problem::new(Code::ProofInvalid).into_response());
    }
    if !mood.one_in(TURNED_AWAY) {
        return None;
    }
    let wait = Duration::from_secs(u64::from(mood.one_in(16)));
    let redeems = headers.contains_key(AUTHORIZATION);
    Some(if mood.one_in(3) {
        of_later(wait)
    } else if redeems && mood.one_in(2) {
        Problem::new(Code::OutcomeUnknown).retry_after(wait).into_response()
    } else if mood.one_in(2) {
        Problem::new(Code::RateLimited).retry_after(wait).into_response()
    } else {
        Problem::new(Code::Overloaded).retry_after(wait).into_response()
    })
}

/// 409, with a code that is in nobody's registry yet: its `retry` says that the same helps. [ERR-4]
fn of_later(wait: Duration) -> Response<Body> {
    let body = json!({
        "type": "urn:purser:problem:elsewhere-at-work", "title": "Another of our machines is at it.", "status": 409,
        "code": LATER_CODE, "stage": "queue", "retry": "same", "resolver": "time", "machine": {"of": [3, 5]},
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::CONFLICT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(axum::http::header::CACHE_CONTROL, NO_STORE);
    headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    response
}

/// What was asked for is done, and the answer breaks off.
fn dropped(response: Response<Body>) -> Response<Body> {
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("hostile: dropped"))]);
    Response::from_parts(head, Body::from_stream(broken))
}

/// The same answer in another form that is right too.
async fn oddly(mood: &mut Mood, response: Response<Body>, announced: Option<u64>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.insert(LATER, HeaderValue::from_static("whatever; comes=\"after, us\""));
    if mood.one_in(2) {
        beside_others(&mut head.headers);
    }
    let is_json = head.headers.get(CONTENT_TYPE).is_some_and(|media| {
        let media = media.as_bytes();
        media.starts_with(b"application/json") || media.starts_with(b"application/problem+json")
    });
    let grows = announced.is_some() || head.headers.get(CONTENT_TYPE) == Some(&PROBLEM_JSON);
    if !is_json || !(grows || mood.one_in(2)) {
        return Response::from_parts(head, body);
    }
    // The shell has made it whole.
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return Problem::new(Code::Internal).into_response();
    };
    let Ok(mut json) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    // Discovery documents and problem bodies may grow; the others have their members. [VER-6]
    if grows && let Some(members) = json.as_object_mut() {
        members.insert("later".into(), json!({"code": 1, "retry": "never", "list": [null, 1.5, "x"]}));
    }
    if let (Some(seed), Some(own)) = (announced, json.get_mut("purser").and_then(Value::as_object_mut)) {
        own.insert("hostile".into(), seed.into());
        own.insert("later".into(), json!([{"name": "of a later version"}]));
        if let Some(features) = own.get_mut("features").and_then(Value::as_array_mut) {
            features.push("telepathy".into());
        }
    }
    let text = if mood.one_in(2) { format!("\n {json:#}\r\n") } else { json.to_string() };
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(text))
}

/// A challenge among others, in one field value or in two. [HTB-33]
fn beside_others(headers: &mut HeaderMap) {
    let Some(own) = headers.get(WWW_AUTHENTICATE).and_then(|own| own.to_str().ok()) else { return };
    let joined = format!("Bearer realm=\"others, \\\"too\\\"\", scope=\"a b\", {own}, Later dG9rZW4=");
    if joined.len() <= HEADER_VALUE_BYTES_MAX
        && let Ok(joined) = HeaderValue::try_from(joined)
    {
        headers.insert(WWW_AUTHENTICATE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_and_another_decides_otherwise() {
        let moods = |seed| Hostile { role: Role::Merchant, seed, requests: AtomicU64::new(0), prefix: None };
        let drawn = |seed| -> Vec<bool> {
            let moods = moods(seed);
            (0..64).map(|_| moods.next().one_in(TURNED_AWAY)).collect()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let many = (0..8_000).filter(|seed| moods(*seed).next().one_in(TURNED_AWAY)).count();
        assert!((800..1_200).contains(&many), "{many} of 8,000");
    }
}
