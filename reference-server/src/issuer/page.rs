//! The wallet's page: files that are part of the program, and what a browser is told about them.
//!
//! Nothing here speaks for anybody. The page is the same for all; whoever opens it signs with a key of their own
//! browser, and asks as any other client does. There is no cookie that another site could ride on.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use sha2::{Digest as _, Sha256};

use super::Issuer;
use crate::reply::Problem;

/// Nothing from elsewhere, nothing inline, nothing made of strings; and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TABLE: &str = "text/csv; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

struct File {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
    tag: String,
}

macro_rules! files {
    ($($media_type:ident { $($name:literal = $path:literal,)+ })+) => {
        vec![$($(File {
            name: $name,
            media_type: $media_type,
            content: include_str!(concat!("../../", $path)),
            tag: tag(include_str!(concat!("../../", $path))),
        },)+)+]
    };
}

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    files! {
        HTML { "" = "pages/index.html", }
        STYLE { "wallet.css" = "pages/wallet.css", }
        IMAGE { "icon.svg" = "pages/icon.svg", }
        SCRIPT {
            "app.js" = "pages/app.js",
            "api.js" = "pages/api.js",
            "cbor.js" = "pages/cbor.js",
            "certificate.js" = "pages/certificate.js",
            "chart.js" = "pages/chart.js",
            "check.js" = "pages/check.js",
            "dom.js" = "pages/dom.js",
            "draft.js" = "pages/draft.js",
            "keep.js" = "pages/keep.js",
            "papers.js" = "pages/papers.js",
            "receipt.js" = "pages/receipt.js",
            "render.js" = "pages/render.js",
            "sha256.js" = "pages/sha256.js",
            "sign.js" = "pages/sign.js",
            "statement.js" = "pages/statement.js",
            "time.js" = "pages/time.js",
            "words.js" = "pages/words.js",
            "views/agents.js" = "pages/views/agents.js",
            "views/approvals.js" = "pages/views/approvals.js",
            "views/create.js" = "pages/views/create.js",
            "views/devices.js" = "pages/views/devices.js",
            "views/funds.js" = "pages/views/funds.js",
            "views/keys.js" = "pages/views/keys.js",
            "views/limits.js" = "pages/views/limits.js",
            "views/mandates.js" = "pages/views/mandates.js",
            "passkey.js" = "pages/passkey.js",
            "views/records.js" = "pages/views/records.js",
            "views/review.js" = "pages/views/review.js",
            "views/spending.js" = "pages/views/spending.js",
            "views/start.js" = "pages/views/start.js",
            "views/tokens.js" = "pages/views/tokens.js",
        }
        TABLE {
            "phrases.csv" = "../spec/registries/phrases.csv",
            "legible.csv" = "../spec/registries/legible.csv",
            "currencies.csv" = "../spec/registries/currencies.csv",
            "errors.csv" = "../spec/registries/errors.csv",
        }
    }
});

/// `GET /wallet/` and below.
pub(super) async fn file(
    State(issuer): State<Arc<Issuer>>,
    name: Option<Path<String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = name.map_or_else(String::new, |Path(name)| name);
    // A browser keeps its keys by the address: whoever came by another one would find no account there.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(Authority::as_str));
    let own = issuer.page_url.strip_prefix("https://");
    if name.is_empty() && issuer.sends_to_page && host.is_some_and(|host| own != Some(host)) {
        return Ok(elsewhere(&format!("{}/wallet/", issuer.page_url)));
    }
    let file = FILES.iter().find(|file| file.name == name).ok_or_else(|| Problem::new(Code::NotFound))?;
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(CONTENT_TYPE, HeaderValue::from_static(file.media_type))], file.content).into_response(),
    };
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&file.tag).map(|tag| (ETAG, tag)));
    // A page that is older than its issuer signs as its issuer no longer reads.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(headers);
    Ok(response)
}

/// `GET /wallet`
pub(super) async fn folder() -> Response {
    elsewhere("/wallet/")
}

/// `GET /approve/{code}`: the address that a payment that waits names. Whether there is such a payment, the page says to
/// its own account alone.
pub(super) async fn approve(Path(code): Path<String>) -> Result<Response, Problem> {
    let is_code =
        (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_code {
        return Err(Problem::new(Code::NotFound));
    }
    Ok(elsewhere(&format!("/wallet/#/approvals/{code}")))
}

fn elsewhere(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().extend(HeaderValue::from_str(place).map(|place| (LOCATION, place)));
    guard(response.headers_mut());
    response
}

/// What a browser is told with every answer of the page.
fn guard(headers: &mut HeaderMap) {
    const ALSO: [(HeaderName, &str); 8] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in ALSO {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn tag(content: &str) -> String {
    format!("\"{}\"", base64url::encode(&Sha256::digest(content.as_bytes())[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules and style of the folder, and what they name: nothing is left out, nothing is asked for in vain.
    #[test]
    fn every_file_of_the_page_is_served() {
        let pages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
        for (folder, below) in [(pages.clone(), ""), (pages.join("views"), "views/")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{below}{}", entry.file_name().to_str().unwrap());
                if entry.file_type().unwrap().is_file() && name != "index.html" {
                    assert!(FILES.iter().any(|file| file.name == name), "{name} is not served");
                }
            }
        }
    }

    #[test]
    fn the_page_holds_nothing_that_its_policy_forbids() {
        for file in FILES.iter() {
            for forbidden in [" style=", " onclick=", "innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!file.content.contains(forbidden), "{}: {forbidden}", file.name);
            }
            let outside = file.content.replace("http://www.w3.org/", "");
            assert!(file.media_type == TABLE || !outside.contains("http://"), "{}", file.name);
            assert!(file.media_type == TABLE || !outside.contains("https://"), "{}", file.name);
        }
    }
}
