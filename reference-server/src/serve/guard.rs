//! What a request's headers must be before a handler reads them.
//!
//! A header that stands twice may be read once by a proxy and once more, differently, here. So whatever
//! decides anything stands once or not at all.

use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;

pub use purser_merchant::Authority;

/// Headers that stand once or not at all. [HTB-21]
///
/// `Accept` is a list that could be continued on another line; no client of ours does, and one line leaves
/// one reading of which answer was asked for.
const ONCE: [&str; 13] = [
    "accept",
    "authorization",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "idempotency-key",
    "payment-receipt",
    "purser-delivery",
    "purser-proof",
];

/// Checks the headers, in the order of the clauses; returns the host that they name.
pub(crate) fn check(parts: &Parts) -> Result<Authority, Fault> {
    for name in ONCE {
        if parts.headers.get_all(name).iter().nth(1).is_some() {
            return Err(Fault::new(Code::HeaderDuplicated).field(name)); // [HTB-21]
        }
    }
    let authority = authority(parts)?;
    match parts.headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Fault::new(Code::ContentEncoding).field("content-encoding")) // [HTB-24]
        }
        _ => Ok(authority),
    }
}

/// The host, from the target (HTTP/2, or an absolute target in HTTP/1.1) or the `Host` header. [HTB-22]
fn authority(parts: &Parts) -> Result<Authority, Fault> {
    let missing = || Fault::new(Code::HostMissing).field("host");
    let target = parts.uri.authority();
    let header = match parts.headers.get(header::HOST) {
        None => None,
        Some(value) => Some(value.to_str().ok().and_then(host).ok_or_else(missing)?),
    };
    match (target, header) {
        (None, None) => Err(missing()),
        (None, Some(one)) => Ok(Authority(one.to_string())),
        (Some(one), None) if host(one.as_str()).is_some() => Ok(Authority(one.to_string())),
        (Some(one), Some(two)) if *one == two => Ok(Authority(two.to_string())),
        // A name in the target and another in the header are two hosts. [HTB-21]
        (Some(_), Some(_)) => Err(Fault::new(Code::HeaderDuplicated).field("host")),
        (Some(_), None) => Err(missing()),
    }
}

/// Reads a host and an optional port; nothing with a user's name in it.
fn host(value: &str) -> Option<uri::Authority> {
    let authority: uri::Authority = value.parse().ok()?;
    (!value.contains('@') && !authority.host().is_empty()).then_some(authority)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn checked(uri: &str, headers: &[(&str, &str)]) -> Result<Authority, (Code, Option<&'static str>)> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts).map_err(|fault| (fault.code, fault.field))
    }

    #[test]
    fn one_of_each_passes_and_two_of_any_does_not() {
        let once = ONCE.map(|name| (name, if name == "content-encoding" { "identity" } else { "a.example" }));
        assert_eq!(checked("/", &once), Ok(Authority("a.example".into())));
        for (i, name) in ONCE.into_iter().enumerate() {
            let twice = [&once[..], &once[i..=i]].concat();
            assert_eq!(checked("/", &twice), Err((Code::HeaderDuplicated, Some(name))));
        }
        let free = [("host", "a.example"), ("x-forwarded-for", "1"), ("x-forwarded-for", "2")];
        assert!(checked("/", &free).is_ok());
    }

    #[test]
    fn exactly_one_host() {
        let missing = Err((Code::HostMissing, Some("host")));
        assert_eq!(checked("/", &[]), missing);
        for bad in ["", " ", "a b", "user@a.example", ":443", "a.example/x"] {
            assert_eq!(checked("/", &[("host", bad)]), missing, "{bad:?}");
        }
        for good in ["a.example", "a.example:8443", "127.0.0.1:1", "[::1]:1"] {
            assert_eq!(checked("/", &[("host", good)]), Ok(Authority(good.into())));
        }
        assert_eq!(checked("https://a.example/x", &[]), Ok(Authority("a.example".into())));
        assert_eq!(checked("https://A.example/x", &[("host", "a.example")]), Ok(Authority("a.example".into())));
        assert_eq!(
            checked("https://a.example/x", &[("host", "b.example")]),
            Err((Code::HeaderDuplicated, Some("host")))
        );
    }

    #[test]
    fn no_coding_but_identity() {
        let refused = Err((Code::ContentEncoding, Some("content-encoding")));
        for coding in ["gzip", "br", "identity, gzip", ""] {
            assert_eq!(checked("/", &[("host", "a"), ("content-encoding", coding)]), refused);
        }
        assert!(checked("/", &[("host", "a"), ("content-encoding", "Identity")]).is_ok());
    }
}
