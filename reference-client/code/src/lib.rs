//! Codes of merchants.
//!
//! A merchant shows a code, and a phone, a car or a pair of glasses takes a picture of it. The code says where an offer is
//! to be had, or is the signed offer itself, for where there is no network: chapter 26.
//!
//! | module | what it is |
//! |---|---|
//! | [`form`] | what stands in a code |
//! | [`base45`] | bytes as text for codes |
//! | [`show`] | what a person is told when a code is not paid |
//! | `draw` | a code as SVG, PNG and lines of a terminal |
//! | `scan` | codes in photographs |
//! | `camera` | photographs made here, for tests and demonstrations |
//!
//! What a code says is a stranger's text. It decides nothing: what is paid is the offer that a merchant signed.

pub mod base45;
#[cfg(feature = "camera")]
pub mod camera;
#[cfg(feature = "draw")]
mod draw;
pub mod form;
#[cfg(any(feature = "draw", feature = "scan"))]
mod picture;
#[cfg(feature = "scan")]
mod scan;
pub mod show;

/// The protocol that it reads by.
pub use purser_protocol as protocol;

#[cfg(feature = "draw")]
pub use draw::Code;
pub use form::{Address, Form, Short, Whole};
#[cfg(any(feature = "draw", feature = "scan"))]
pub use picture::Picture;
#[cfg(feature = "scan")]
pub use scan::read;
