//! What a handler is told of the payment that it is called for.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::offer::{CaptureMode, Offer};
use purser_protocol::time::UnixSeconds;

use crate::store::Sale;

/// The payment that was shown, and found good. A handler of a charged route can take it as an argument.
///
/// It can come more than once: when a process dies while it makes something, the next request for it is handed to
/// a handler again, with the same `intent`. What must not happen twice is done under that id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The payment.
    pub intent: PaperId,
    /// The offer that was paid.
    pub offer: PaperId,
    /// Where it was paid.
    pub issuer: PartyId,
    /// How much.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Whether it is held, and has to be captured.
    pub held: bool,
    /// When the issuer decided.
    pub decided_at: UnixSeconds,
}

impl Paid {
    pub(crate) fn of(sale: &Sale, offer: &Offer) -> Self {
        Self {
            intent: sale.by.intent,
            offer: sale.offer,
            issuer: sale.by.issuer.clone(),
            amount: offer.amount,
            currency: offer.currency,
            held: offer.capture == CaptureMode::ByCommand,
            decided_at: sale.decided_at,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Paid {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // A route that is not charged has no payment: the shop was put together wrongly.
        parts.extensions.get().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
