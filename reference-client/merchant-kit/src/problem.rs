//! A refusal as an HTTP answer: problem details in JSON (RFC 9457) or CBOR (RFC 9290).
//!
//! Handlers return `Result<T, Problem>`; `?` turns a [`Fault`] or a [`Code`] into one. The server writes it
//! in CBOR where the request's `Accept` prefers that.
//!
//! ```
//! use purser_protocol::code::Code;
//! use purser_merchant::problem::Problem;
//!
//! async fn receipt() -> Result<Vec<u8>, Problem> {
//!     Err(Problem::new(Code::NotFound).member("receipt", "3q2-7w"))
//! }
//! ```

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use serde_json::{Map, Value};

mod accept;
mod concise;

pub use accept::prefers_cbor;

/// Problem details in JSON.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Problem details in CBOR.
pub const PROBLEM_CBOR: HeaderValue = HeaderValue::from_static("application/concise-problem-details+cbor");
/// The key under which a CBOR problem carries what is Purser's own.
pub const PROBLEM_ENTRY: &str = "urn:purser:problem";
/// For what no cache may keep: problems, 402 answers, decisions.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The versions of papers that are read. [VER-3]
pub const VERSIONS: [&str; 1] = ["1"];

/// How long to wait where nothing better is known.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// A fault on its way to the one who sent the request.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    fault: Fault,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

/// Marks an answer that refuses by a code but is no problem body, so that it is counted: a signed refusal.
#[derive(Clone, Copy, Debug)]
pub struct Refused(pub Code);

impl Problem {
    /// The answer to a fault, with the status of the fault's code.
    pub fn new(fault: impl Into<Fault>) -> Self {
        let fault = fault.into();
        let waits = matches!(fault.code.status(), 429 | 503);
        Self(Box::new(Parts {
            retry_after: waits.then_some(RETRY_AFTER_DEFAULT),
            fault,
            members: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// The same, to be tried again after so long; rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same, with one more extension member, such as the versions that are supported.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with one more header, such as a challenge.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// What was wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// The status of the fault's code.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body as `application/problem+json`. [ERR-2]
    pub fn to_json(&self) -> Vec<u8> {
        let mut body = Map::new();
        body.insert("title".into(), self.0.fault.code.meaning().into());
        body.insert("status".into(), self.status().as_u16().into());
        body.insert("detail".into(), self.0.fault.to_string().into());
        body.append(&mut self.extension());
        Value::Object(body).to_string().into_bytes()
    }

    /// The body as `application/concise-problem-details+cbor`, deterministically encoded.
    pub fn to_cbor(&self) -> Vec<u8> {
        concise::encode(&self.0.fault, self.status(), &self.extension())
    }

    /// The members that both forms share.
    fn extension(&self) -> Map<String, Value> {
        let Fault { stage, code, part, offset, field } = &self.0.fault;
        let mut members = self.0.members.clone();
        members.insert("type".into(), format!("urn:purser:problem:{}", code.slug()).into());
        members.insert("code".into(), code.number().into());
        members.insert("stage".into(), stage.name().into());
        members.insert("retry".into(), code.retry().name().into());
        members.insert("resolver".into(), code.resolver().name().into());
        if *code == Code::VersionUnsupported {
            members.insert("versions".into(), VERSIONS.into_iter().collect()); // [VER-3]
        }
        if let Some(part) = part {
            members.insert("part".into(), part.to_string().into());
        }
        if let Some(offset) = offset {
            members.insert("offset".into(), (*offset).into());
        }
        if let Some(field) = field {
            members.insert("field".into(), (*field).into());
        }
        members
    }

    /// Puts the CBOR form where `response` has the JSON one; what others added to its headers stays.
    #[must_use]
    pub fn in_cbor(&self, mut response: Response<Body>) -> Response<Body> {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_CBOR);
        headers.remove(CONTENT_LENGTH);
        response.map(|_| Body::from(self.to_cbor()))
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.extend(self.0.headers.clone());
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(CACHE_CONTROL, NO_STORE);
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Refused(self.0.fault.code));
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purser_protocol::code::Stage;
    use purser_protocol::fault::Part;

    #[test]
    fn a_fault_is_told_whole() {
        let fault = Fault::new(Code::CborTruncated).at_stage(Stage::Encoding).within(Part::Mandate(1)).at(17);
        let problem = Problem::new(fault).member("supported", vec!["1"]);
        let json: Value = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:purser:problem:cbor-truncated",
                "title": "The bytes end inside an item.",
                "status": 400,
                "detail": "cbor-truncated (encoding stage, in the mandate 1, at byte 17): The bytes end inside an item.",
                "code": 20,
                "stage": "encoding",
                "part": "mandate 1",
                "offset": 17,
                "retry": "never",
                "resolver": "agent",
                "supported": ["1"],
            })
        );
    }

    #[test]
    fn the_versions_are_named_to_whom_needs_them() {
        for &code in Code::ALL {
            let json: Value = serde_json::from_slice(&Problem::new(code).to_json()).unwrap();
            let versions = (code == Code::VersionUnsupported).then(|| serde_json::json!(["1"]));
            assert_eq!(json.get("versions"), versions.as_ref(), "{code}");
        }
    }

    #[test]
    fn own_members_do_not_hide_the_code() {
        let problem = Problem::new(Code::NotFound).member("code", 1);
        let json: Value = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!(json["code"], 228);
    }

    #[test]
    fn no_problem_is_stored_and_waits_are_said() {
        for &code in Code::ALL {
            let response = Problem::new(code).into_response();
            assert_eq!(response.status(), code.status());
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let waits = matches!(code.status(), 429 | 503);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), waits, "{code}");
        }
        let wait = Duration::from_millis(1_001);
        let response = Problem::new(Code::RateLimited).retry_after(wait).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
