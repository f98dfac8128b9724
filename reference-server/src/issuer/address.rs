//! What stands in an address: an id in its path, a wait in its query. What cannot be read there is refused as
//! everything else is, by a problem body.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use serde::Deserialize;

use crate::reply::Problem;

/// An id in lower-case hexadecimal. Whatever is none is the id of nothing.
pub(super) struct Named(pub(super) PaperId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.ok().and_then(|Path(text)| paper_id(&text)).map(Self).ok_or_else(|| Problem::new(Code::NotFound))
    }
}

/// How long to wait for an outcome, in seconds; not at all when the query does not say.
pub(super) struct Wait(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(default)]
            wait: u64,
        }
        let asked = Query::<Asked>::from_request_parts(parts, state).await;
        asked.map(|Query(asked)| Self(asked.wait)).map_err(|_| Problem::new(Code::FieldType).member("field", "wait"))
    }
}

/// `None` for anything but 64 digits.
pub(crate) fn paper_id(text: &str) -> Option<PaperId> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut id = [0; 32];
    if text.len() != 2 * id.len() {
        return None;
    }
    for (place, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *place = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(PaperId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = PaperId([0x0a; 32]);
        let text = id.to_string();
        assert_eq!(paper_id(&text), Some(id));
        for other in [&text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('a', "g"), ""] {
            assert_eq!(paper_id(other), None, "{other}");
        }
    }
}
