//! Which of the two forms of a problem a request prefers.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Whether CBOR is preferred to JSON: weighed higher, or weighed alike and named where JSON is not.
///
/// Whoever takes COSE or any `+cbor` type reads CBOR. Without `Accept`, and in doubt, the answer is JSON,
/// which a person can read as well.
pub fn prefers_cbor(headers: &HeaderMap) -> bool {
    let mut cbor = Weight::default();
    let mut json = Weight::default();
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let thousandths = parts.find_map(quality).unwrap_or(1_000);
        match media.as_str() {
            "*/*" | "application/*" => {
                cbor.raise(thousandths, false);
                json.raise(thousandths, false);
            }
            "application/json" => json.raise(thousandths, true),
            "application/cbor" | "application/cose" => cbor.raise(thousandths, true),
            _ if media.ends_with("+json") => json.raise(thousandths, true),
            _ if media.ends_with("+cbor") => cbor.raise(thousandths, true),
            _ => {}
        }
    }
    cbor.thousandths > 0 && (cbor.thousandths, cbor.named) > (json.thousandths, json.named)
}

/// The best that a form is given. A type that is named counts before any wildcard.
#[derive(Default)]
struct Weight {
    thousandths: u16,
    named: bool,
}

impl Weight {
    fn raise(&mut self, thousandths: u16, named: bool) {
        if (named, thousandths) > (self.named, self.thousandths) {
            *self = Self { thousandths, named };
        }
    }
}

/// Reads `q=0.5` as 500; `None` for another parameter.
fn quality(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = format!("{fraction:0<3}");
    match (whole, digits.get(..3)?.parse()) {
        ("1", _) => Some(1_000),
        (_, Ok(thousandths)) => Some(thousandths),
        (_, Err(_)) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_is_weighed_higher_or_named() {
        for (accept, cbor) in [
            ("", false),
            ("*/*", false),
            ("text/html", false),
            ("application/json", false),
            ("application/cbor", true),
            ("application/concise-problem-details+cbor", true),
            ("application/cose; cose-type=\"cose-sign1\"", true),
            ("application/vnd.purser.answer+cbor, */*;q=0.1", true),
            ("application/cbor, */*", true),
            ("application/cbor, application/json", false),
            ("application/cbor;q=0.9, application/problem+json", false),
            ("application/cbor, application/json;q=0.9", true),
            ("application/cbor;q=0.2, application/json;q=0.15", true),
            ("application/cbor;q=0", false),
            ("application/cbor;q=0, */*", false),
            ("application/json;q=0, application/cbor;q=0.001", true),
            ("APPLICATION/CBOR;Q=0.5", true),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(prefers_cbor(&headers), cbor, "{accept}");
        }
    }
}
