//! A refusal that was not signed: nothing was decided. RFC 9457.

use std::time::Duration;

use hyper::StatusCode;
use purser_protocol::code::{Code, Retry};
use serde::Deserialize;

use crate::connect::Response;
use crate::error::{Class, Error};

/// What a problem body says. Members that are not known are passed over.
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
        self.code().is_some_and(|code| code.standing() == purser_protocol::code::Standing::NotDecided) && !is_failure
    }

    /// Whether the same bytes may do better.
    pub fn is_worth_another_try(&self) -> bool {
        self.code().is_none_or(|code| matches!(code.retry(), Retry::Same | Retry::Later))
    }

    /// The same as an error.
    pub fn into_error(self, place: &str) -> Error {
        let what = match (self.code(), self.detail.is_empty()) {
            (Some(_), false) => self.detail.clone(),
            (Some(code), true) => format!("{code}: {}", code.meaning()),
            (None, _) => format!("it answered with status {}", self.http_status),
        };
        let class = if self.http_status >= 500 || self.http_status == 429 { Class::Unknown } else { Class::Failed };
        let retry = self.code().map_or(if class == Class::Unknown { Retry::Same } else { Retry::Never }, Code::retry);
        Error::new(class, what).at(place).retry(retry).coded(self.code())
    }
}
