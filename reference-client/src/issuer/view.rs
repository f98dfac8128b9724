//! What signed reads answer: an issuer's word about its books, in JSON. No decision rests on it.

use purser_protocol::bind::base64url;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::sign::Paper as _;
use purser_protocol::wire::Reader;
use serde::{Deserialize, Serialize};

/// An amount of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Money {
    /// The currency.
    pub currency: String,
    /// In minor units.
    pub amount_minor: String,
}

/// What an account has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AccountView {
    /// Its number.
    pub account: String,
    /// What can be spent.
    pub balances: Vec<Money>,
    /// What mandates have been funded with.
    #[serde(default)]
    pub envelopes: Vec<Envelope>,
    /// What is held for merchants.
    #[serde(default)]
    pub holds: Vec<HoldView>,
    /// Its keys.
    #[serde(default)]
    pub keys: Option<Vec<KeyView>>,
}

/// Money of one mandate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Envelope {
    /// The mandate's lineage.
    pub lineage: String,
    /// What is in it.
    pub money: Money,
}

/// Money held for one payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct HoldView {
    /// The payment.
    pub intent: String,
    /// What is held.
    pub money: Money,
}

/// A key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct KeyView {
    /// Its thumbprint.
    pub key: String,
    /// When its credential expires.
    pub expires_at: u64,
}

/// A mandate, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MandateView {
    /// Its id.
    pub id: String,
    /// What it shares with its replacements.
    pub lineage: String,
    /// Its version within the lineage.
    pub serial: u32,
    /// The mandate above.
    #[serde(default)]
    pub parent: Option<String>,
    /// How it authorizes.
    pub mode: String,
    /// Its currency.
    pub currency: String,
    /// Who may spend: `{"key": thumbprint}` or `{"merchant": name}`.
    #[serde(default)]
    pub holder: serde_json::Value,
    /// How it stands.
    pub state: String,
    /// The suspensions that stand.
    #[serde(default)]
    pub suspensions: Vec<String>,
    /// When it begins to hold.
    pub not_before: u64,
    /// When it no longer holds.
    pub expires_at: u64,
    /// What was spent under it.
    pub spent_minor: String,
    /// What is left of its total.
    #[serde(default)]
    pub left_minor: Option<String>,
    /// How many payments were made under it.
    #[serde(default)]
    pub payments: u64,
    /// Its fields, as they were signed.
    pub payload: String,
}

impl MandateView {
    /// Its id; `None` when it is not 64 hexadecimal digits.
    pub fn paper_id(&self) -> Option<PaperId> {
        parse_id(&self.id)
    }

    /// What it says.
    pub fn mandate(&self) -> Option<Mandate> {
        let payload = base64url::decode(&self.payload)?;
        purser_protocol::wire::check(&payload).ok()?;
        Mandate::decode(&mut Reader::new(&payload)).ok()
    }
}

/// A payment that waits for the person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PendingView {
    /// The intent.
    pub intent: String,
    /// The merchant.
    pub merchant: String,
    /// How much.
    pub amount_minor: String,
    /// Of what.
    pub currency: String,
    /// The code that the person compares.
    pub user_code: String,
    /// Where it can be answered too.
    #[serde(default)]
    pub approval: Option<String>,
    /// When it is too late.
    pub answer_by: u64,
    /// The mandate.
    pub mandate: String,
    /// The offer's id.
    #[serde(default)]
    pub offer: Option<String>,
    /// The offer, as the merchant signed it.
    #[serde(default)]
    pub offer_paper: Option<String>,
    /// The intent, as the agent signed it.
    #[serde(default)]
    pub intent_paper: Option<String>,
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PaymentView {
    /// The intent.
    pub intent: String,
    /// The offer.
    pub offer: String,
    /// The merchant.
    pub merchant: String,
    /// Under which mandates.
    #[serde(default)]
    pub mandates: Vec<String>,
    /// How much.
    pub amount_minor: String,
    /// How much of it the merchant took.
    pub captured_minor: String,
    /// How much it gave back.
    pub refunded_minor: String,
    /// Of what.
    pub currency: String,
    /// How it stands.
    pub state: String,
    /// When it was decided.
    pub decided_at: u64,
    /// When a hold ends.
    #[serde(default)]
    pub hold_until: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Mandates {
    pub(super) mandates: Vec<MandateView>,
}

#[derive(Deserialize)]
pub(super) struct Pending {
    pub(super) pending: Vec<PendingView>,
}

#[derive(Deserialize)]
pub(super) struct Payments {
    pub(super) payments: Vec<PaymentView>,
}

/// An id in hexadecimal.
pub fn parse_id(text: &str) -> Option<PaperId> {
    parse_hex::<32>(text).map(PaperId)
}

/// So many bytes in lower-case hexadecimal.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *place = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
