//! A refusal that was not signed: nothing was decided. RFC 9457.

use std::time::Duration;

use hyper::StatusCode;
use purser_protocol::code::{Code, Retry};
use serde::Deserialize;

use crate::connect::Response;
use crate::error::{Class, Error};

/// What a problem body says. Members that are not known are passed over. [VER-6]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// `urn:purser:problem:<slug>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's meaning.
    pub title: String,
    /// What happened here.
    pub detail: String,
    /// The code's number.
    pub code: u64,
    /// How far the message came.
    pub stage: Option<String>,
    /// Which paper.
    pub part: Option<String>,
    /// Which byte of it.
    pub offset: Option<u64>,
    /// Which field.
    pub field: Option<String>,
    /// Whether trying again helps, for those who do not know the code.
    pub retry: Option<String>,
    /// The HTTP status.
    #[serde(skip)]
    pub http_status: u16,
    /// How long to wait.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Reads the body of an answer; one that is no problem body still has its status.
    pub fn of(response: &Response) -> Self {
        let is_problem = response.media_type() == "application/problem+json";
        let read = serde_json::from_slice::<Self>(&response.body).ok().filter(|_| is_problem);
        let seconds = response.header("retry-after").and_then(|value| value.parse().ok());
        Self {
            http_status: response.status.as_u16(),
            retry_after: seconds.map(|seconds: u64| Duration::from_secs(seconds.min(60))),
            ..read.unwrap_or_default()
        }
    }

    /// The code, when this registry has it.
    pub fn code(&self) -> Option<Code> {
        Code::from_number(self.code)
    }

    /// Whether the answer says for certain that nothing was decided. What stands in front of an issuer may
    /// answer in its place; only a code of ours, with a status that is no server's failure, is its word.
    pub fn is_definite(&self) -> bool {
        let is_failure = StatusCode::from_u16(self.http_status).is_ok_and(|status| status.is_server_error());
        let says_so = match self.code() {
            Some(code) => code.standing() == purser_protocol::code::Standing::NotDecided,
            // One of a later registry decides as much as the body that it came in.
            None => self.is_of_purser(),
        };
        says_so && !is_failure
    }

    /// Whether the same bytes may do better. Words decide nothing. [ERR-3]
    pub fn is_worth_another_try(&self) -> bool {
        matches!(self.retry(), Retry::Same | Retry::Later)
    }

    /// Whether trying again helps: by the code, or by what came with one that is not known. [ERR-4]
    pub fn retry(&self) -> Retry {
        let said = || self.retry.as_deref().and_then(Retry::from_name).unwrap_or(Retry::Never);
        self.code().map_or_else(said, Code::retry)
    }

    fn is_of_purser(&self) -> bool {
        self.code > 0 && self.kind.starts_with("urn:purser:problem:")
    }

    /// The same as an error.
    pub fn into_error(self, place: &str) -> Error {
        let what = match (self.code(), self.detail.is_empty()) {
            (Some(_), false) => self.detail.clone(),
            (Some(code), true) => format!("{code}: {}", code.meaning()),
            (None, _) => format!("it answered with status {}", self.http_status),
        };
        let class = if self.http_status >= 500 || self.http_status == 429 { Class::Unknown } else { Class::Failed };
        let retry = match self.code().is_some() || self.is_of_purser() {
            true => self.retry(),
            false if class == Class::Unknown => Retry::Same,
            false => Retry::Never,
        };
        Error::new(class, what).at(place).retry(retry).coded(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: u64, retry: Option<&str>, status: u16) -> Problem {
        let kind = "urn:purser:problem:some".to_owned();
        Problem { kind, code, retry: retry.map(Into::into), http_status: status, ..Problem::default() }
    }

    #[test]
    fn a_code_that_is_not_known_is_taken_by_what_came_with_it() {
        for (retry, expected) in [
            (None, Retry::Never),
            (Some("never"), Retry::Never),
            (Some("some day"), Retry::Never),
            (Some("same"), Retry::Same),
            (Some("later"), Retry::Later),
            (Some("fresh-offer"), Retry::FreshOffer),
            (Some("after-change"), Retry::AfterChange),
        ] {
            let new = problem(999, retry, 400);
            assert_eq!((new.code(), new.retry(), new.is_definite()), (None, expected, true));
            assert_eq!(new.is_worth_another_try(), matches!(expected, Retry::Same | Retry::Later));
            assert!(!problem(999, retry, 503).is_definite());
        }
        // What is known is not believed twice, and what is no problem of ours says nothing.
        assert_eq!(problem(u64::from(Code::CoseTag.number()), Some("same"), 400).retry(), Retry::Never);
        assert!(!Problem { http_status: 400, ..Problem::default() }.is_definite());
    }

    #[test]
    fn only_an_issuers_own_no_is_one() {
        let of = |code: Code, status| problem(u64::from(code.number()), None, status);
        assert!(of(Code::SignatureInvalid, 400).is_definite());
        assert!(of(Code::RateLimited, 429).is_definite());
        for (why, other) in [
            ("a server's failure", of(Code::SignatureInvalid, 500)),
            ("an outcome that is not known", of(Code::Internal, 500)),
            ("a refusal that nobody signed", of(Code::MandateRevoked, 403)),
            ("a question to the person that nobody signed", of(Code::ConfirmationRequired, 202)),
            ("no code", Problem { http_status: 400, ..Problem::default() }),
            ("a code of somebody else's", Problem { code: 9_999, http_status: 400, ..Problem::default() }),
        ] {
            assert!(!other.is_definite(), "{why}");
        }
    }
}
