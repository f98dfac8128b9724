//! What stands in the query of a read. A name that is not known is refused: a filter that is passed over shows more
//! than was asked for.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use purser_protocol::code::Code;
use purser_protocol::period::Zone;

use super::super::address::paper_id;
use crate::reply::Problem;
use crate::wallet::{Asked, By, Span};

/// Entries on a page when the query does not say.
const PAGE: usize = 100;
/// Most entries on a page.
const PAGE_MAX: usize = 1_000;

/// What a query asks for.
pub(in crate::issuer) trait Typed: Sized + Default {
    /// Takes one name and its value.
    fn take(&mut self, name: &str, value: &str) -> Option<()>;

    /// Reads the query of an address. [WAL-7]
    fn of(uri: &Uri) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let refused = || Problem::new(Code::FieldRange).member("field", name);
            let value = decoded(value).ok_or_else(refused)?;
            if seen.contains(&name) {
                return Err(refused());
            }
            seen.push(name);
            asked.take(name, &value).ok_or_else(refused)?;
        }
        Ok(asked)
    }
}

/// What the query of a request asks for.
pub(in crate::issuer) struct Query<T>(pub(in crate::issuer) T);

impl<T: Typed, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        T::of(&parts.uri).map(Self)
    }
}

/// Undoes the escapes of a query.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(rest.next())? << 4 | digit(rest.next())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn limit(value: &str) -> Option<usize> {
    value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit))
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Of the list of mandates.
#[derive(Clone, Debug)]
pub(in crate::issuer) struct MandatesAsked {
    pub(in crate::issuer) agent: Option<String>,
    pub(in crate::issuer) mode: Option<String>,
    pub(in crate::issuer) state: Option<String>,
    pub(in crate::issuer) merchant: Option<String>,
    pub(in crate::issuer) text: Option<String>,
    pub(in crate::issuer) is_latest_only: bool,
    pub(in crate::issuer) after: u64,
    pub(in crate::issuer) limit: usize,
}

impl Default for MandatesAsked {
    fn default() -> Self {
        let (agent, mode, state, merchant, text) = (None, None, None, None, None);
        Self { agent, mode, state, merchant, text, is_latest_only: false, after: 0, limit: PAGE }
    }
}

impl Typed for MandatesAsked {
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "agent" => self.agent = Some(value.to_owned()),
            "mode" => self.mode = Some(value.to_owned()),
            "state" => self.state = Some(value.to_owned()),
            "merchant" => self.merchant = Some(value.to_owned()),
            "text" => self.text = Some(value.to_lowercase()),
            "latest" => self.is_latest_only = flag(value)?,
            "after" => self.after = value.parse().ok()?,
            "limit" => self.limit = limit(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// Of the list of records.
#[derive(Clone, Debug)]
pub(in crate::issuer) struct RecordsAsked {
    pub(in crate::issuer) asked: Asked,
    pub(in crate::issuer) wait: u64,
}

impl Default for RecordsAsked {
    fn default() -> Self {
        Self { asked: Asked { limit: PAGE, ..Asked::default() }, wait: 0 }
    }
}

impl Typed for RecordsAsked {
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        let asked = &mut self.asked;
        match name {
            "agent" => asked.agent = Some(value.to_owned()),
            "merchant" => asked.merchant = Some(value.to_owned()),
            "kind" => asked.kind = Some(value.to_owned()),
            "outcome" => asked.outcome = Some(value.to_owned()),
            "mandate" => asked.mandate = Some(paper_id(value)?),
            "category" => asked.category = Some(value.parse().ok()?),
            "from" => asked.from_seconds = Some(value.parse().ok()?),
            "until" => asked.until_seconds = Some(value.parse().ok()?),
            "after" => asked.after = Some(value.parse().ok()?),
            "newest" => asked.is_newest_first = flag(value)?,
            "limit" => asked.limit = limit(value)?,
            "wait" => self.wait = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

/// Of a list that has no filters.
#[derive(Clone, Debug)]
pub(in crate::issuer) struct PageAsked {
    pub(in crate::issuer) after: Option<u64>,
    pub(in crate::issuer) limit: usize,
}

impl Default for PageAsked {
    fn default() -> Self {
        Self { after: None, limit: PAGE }
    }
}

impl Typed for PageAsked {
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "after" => self.after = Some(value.parse().ok()?),
            "limit" => self.limit = limit(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// Of spending.
#[derive(Clone, Debug)]
pub(in crate::issuer) struct SpendingAsked {
    pub(in crate::issuer) by: By,
    pub(in crate::issuer) name: &'static str,
    pub(in crate::issuer) zone: Option<String>,
    pub(in crate::issuer) span: Span,
}

impl Default for SpendingAsked {
    fn default() -> Self {
        Self { by: By::Merchant, name: "merchant", zone: None, span: Span::default() }
    }
}

impl Typed for SpendingAsked {
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        let utc = || Zone::new("UTC");
        match name {
            "by" => {
                (self.by, self.name) = match value {
                    "agent" => (By::Agent, "agent"),
                    "merchant" => (By::Merchant, "merchant"),
                    "category" => (By::Category, "category"),
                    "day" => (By::Day(utc()?), "day"),
                    "month" => (By::Month(utc()?), "month"),
                    _ => return None,
                };
            }
            "zone" => self.zone = Some(Zone::new(value)?.name().to_owned()),
            "from" => self.span.from_seconds = Some(value.parse().ok()?),
            "until" => self.span.until_seconds = Some(value.parse().ok()?),
            "agent" => self.span.agent = Some(value.to_owned()),
            "merchant" => self.span.merchant = Some(value.to_owned()),
            _ => return None,
        }
        // The zone may come before what it is the zone of.
        let zone = self.zone.as_deref().and_then(Zone::new);
        match (&self.by, zone) {
            (By::Day(_), Some(zone)) => self.by = By::Day(zone),
            (By::Month(_), Some(zone)) => self.by = By::Month(zone),
            _ => {}
        }
        Some(())
    }
}
