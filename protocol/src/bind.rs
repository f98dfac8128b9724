//! Bindings: how papers travel on other protocols. Text in, values out; no sockets here.

pub mod base64url;
pub mod bundle;
pub mod http;
pub(crate) mod json;
