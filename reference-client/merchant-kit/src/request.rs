//! A request, as offers are bound to it.

use axum::http::header::{self, HeaderMap};
use axum::http::{request, uri};
use purser_protocol::bind::http::Credential;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::merchant::Request;
use purser_protocol::id::{Digest, Nonce};
use sha2::{Digest as _, Sha256};

/// The host that a request was sent to, and its port where one was given. In a request's extensions, a server says
/// what it has found; without it, the request's own head is read.
///
/// The same from HTTP/1.1 and HTTP/2; a request for which two differ has been refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority(pub String);

/// What a request asks for: method, host, path and query, and the digest of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    method: String,
    authority: String,
    target: String,
    body: [u8; 32],
}

impl Asked {
    /// Reads a request that has its whole body. Codes: `host-missing`, `header-duplicated`.
    pub fn of(parts: &request::Parts, body: &[u8]) -> Result<Self, Fault> {
        Ok(Self {
            method: parts.method.to_string(),
            authority: authority(parts)?,
            target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            body: Sha256::digest(body).into(),
        })
    }

    /// A request for what stands at a path of a host, without a body.
    pub(crate) fn get(authority: &str, target: &str) -> Self {
        let (method, authority, target) = ("GET".to_owned(), authority.to_owned(), target.to_owned());
        Self { method, authority, target, body: Sha256::digest([]).into() }
    }

    /// What an offer for this request is bound to, with its salt.
    pub fn digest(&self, salt: Nonce) -> Digest {
        let Self { method, authority, target, body } = self;
        Request { method, authority, target, body: *body }.digest(salt)
    }
}

/// What a request shows as its payment, if anything. An `Authorization` of another scheme is none. \[HTB-33\]
///
/// Codes: `header-duplicated`, and those of [`Credential::read`].
pub fn shown(headers: &HeaderMap) -> Result<Option<Credential>, Fault> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Credential::read(value.as_bytes()),
        (Some(_), Some(_)) => Err(Fault::new(Code::HeaderDuplicated).field("authorization")), // [HTB-21]
    }
}

/// The host: what the server says, or the target, or the one `Host` field. [HTB-22]
fn authority(parts: &request::Parts) -> Result<String, Fault> {
    if let Some(Authority(authority)) = parts.extensions.get() {
        return Ok(authority.clone());
    }
    let missing = || Fault::new(Code::HostMissing).field("host");
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let named = hosts.next().map(|host| host.to_str().map_err(|_| missing())).transpose()?;
    let target = parts.uri.authority().map(uri::Authority::as_str);
    if hosts.next().is_some() || (target.is_some() && named.is_some_and(|named| Some(named) != target)) {
        return Err(Fault::new(Code::HeaderDuplicated).field("host")); // [HTB-21]
    }
    let authority: uri::Authority = target.or(named).ok_or_else(missing)?.parse().map_err(|_| missing())?;
    let is_host = !authority.as_str().contains('@') && !authority.host().is_empty();
    is_host.then(|| authority.to_string()).ok_or_else(missing)
}
