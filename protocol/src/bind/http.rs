//! The HTTP binding: media types, header fields, and what the `Payment` scheme carries.
//!
//! A merchant asks with a [`Challenge`] and the offer in the body; an agent shows a [`Credential`]. Neither is
//! signed: what counts is in the offer and in the receipt.

mod body;
mod scan;

use std::fmt;

pub use body::AnswerBody;
use scan::{Auth, Content, malformed};

use super::base64url;
use super::json::Json;
use crate::fault::Fault;
use crate::id::{Nonce, PaperId, PartyId};
use crate::money::{Amount, Currency};
use crate::paper::offer::Offer;
use crate::time::UnixSeconds;

/// Longest value of a header field. [HTB-34]
pub const HEADER_VALUE_BYTES_MAX: usize = 2_048;

/// The media type of papers.
pub const PAPER: &str = "application/cose; cose-type=\"cose-sign1\"";
/// The media type of receipts.
pub const RECEIPT: &str = "application/vnd.purser.receipt+cbor";
/// The media type of a checkpoint of the log.
pub const CHECKPOINT: &str = "application/vnd.purser.checkpoint+cbor";
/// The media type of a batch's place in the log.
pub const INCLUSION: &str = "application/vnd.purser.inclusion+cbor";
/// The media type of what is sent to pay.
pub const PAYMENT_REQUEST: &str = "application/vnd.purser.payment-request+cbor";
/// The media type of a batch with its parts.
pub const BATCH: &str = "application/vnd.purser.batch+cbor";
/// The media type of records with all their papers, one item after the other.
pub const BUNDLE: &str = "application/vnd.purser.bundle+cbor-seq";
/// The media type of an issuer's signed answer, whatever the status.
pub const ANSWER: &str = "application/vnd.purser.answer+cbor";
/// The media type of a document with the paper that signs it.
pub const DOCUMENT: &str = "application/vnd.purser.document";
/// The header field of a signed read.
pub const PURSER_PROOF: &str = "purser-proof";
/// The header field of a credential for a new key.
pub const PURSER_CREDENTIAL: &str = "purser-credential";
/// The header field of a delivery paper.
pub const PURSER_DELIVERY: &str = "purser-delivery";
/// The header field that says that a payment was taken.
pub const PAYMENT_RECEIPT: &str = "payment-receipt";

const SCHEME: &str = "Payment";
const METHOD: &str = "purser";
const CHARGE: &str = "charge";

/// What a merchant asks for: one `Payment` challenge of method `purser` and intent `charge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The offer, whose bytes are in the body.
    pub offer: PaperId,
    /// The merchant.
    pub realm: PartyId,
    /// The offer's amount, for those who read no offers.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The salt of the digest by which the offer is bound to the request.
    pub salt: Option<Nonce>,
    /// Every parameter, as it came, since a credential echoes it unchanged.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenge for an offer.
    pub fn new(id: PaperId, offer: &Offer, salt: Option<Nonce>) -> Self {
        let (amount, currency) = (offer.amount.minor().to_string(), offer.currency.code().to_ascii_lowercase());
        let mut request =
            vec![("amount".to_owned(), Json::Text(amount)), ("currency".to_owned(), Json::Text(currency))];
        if let Some(salt) = salt {
            let salt = base64url::encode(&salt.0);
            request.push(("methodDetails".to_owned(), Json::of_texts([("salt", salt.as_str())])));
        }
        let request = base64url::encode(Json::Object(request).write().as_bytes());
        let parameters = [
            ("id", base64url::encode(&id.0)),
            ("realm", offer.merchant.to_string()),
            ("method", METHOD.to_owned()),
            ("intent", CHARGE.to_owned()),
            ("request", request),
            ("expires", offer.expires_at.to_string()),
        ];
        Self {
            offer: id,
            realm: offer.merchant.clone(),
            amount: offer.amount,
            currency: offer.currency,
            salt,
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    /// The challenges in the `WWW-Authenticate` fields of an answer, in their order. Other schemes, methods and
    /// intents are passed over; a field that cannot be read is one error and does not hide the others. [HTB-33]
    pub fn read<'v>(fields: impl IntoIterator<Item = &'v [u8]>) -> Vec<Result<Self, Fault>> {
        fields.into_iter().flat_map(Self::read_field).collect()
    }

    /// When the offer ends, as the challenge says it.
    pub fn expires(&self) -> Option<&str> {
        named(&self.parameters, "expires")
    }

    /// The value of the header field.
    pub fn header_value(&self) -> String {
        let quoted = |(name, value): &(String, String)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{name}=\"{value}\"")
        };
        format!("{SCHEME} {}", self.parameters.iter().map(quoted).collect::<Vec<_>>().join(", "))
    }

    fn read_field(value: &[u8]) -> Vec<Result<Self, Fault>> {
        if value.len() > HEADER_VALUE_BYTES_MAX {
            return vec![Err(malformed(HEADER_VALUE_BYTES_MAX))]; // [HTB-34]
        }
        match scan::read(value) {
            Err(fault) => vec![Err(fault)],
            Ok(found) => found.into_iter().filter_map(Self::of_auth).collect(),
        }
    }

    fn of_auth(auth: Auth<'_>) -> Option<Result<Self, Fault>> {
        if !auth.scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let Content::Parameters(parameters) = auth.content else { return Some(Err(malformed(auth.at))) };
        if named(&parameters, "method") != Some(METHOD) || named(&parameters, "intent") != Some(CHARGE) {
            return None;
        }
        Some(Self::of_parameters(parameters).ok_or_else(|| malformed(auth.at)))
    }

    fn of_parameters(parameters: Vec<(String, String)>) -> Option<Self> {
        let offer = PaperId(base64url::decode_array(named(&parameters, "id")?)?);
        let realm = PartyId::new(named(&parameters, "realm")?)?;
        named(&parameters, "expires")?; // Compared with the offer's, as a text. [HTB-37]
        let request = Json::read(&base64url::decode(named(&parameters, "request")?)?)?;
        let amount = minor(request.member("amount")?.text()?)?;
        let currency = request.member("currency")?.text()?;
        let is_lower = currency.bytes().all(|byte| byte.is_ascii_lowercase());
        let currency = Currency::from_code(&currency.to_ascii_uppercase()).filter(|_| is_lower)?;
        let salt = match request.member("methodDetails").and_then(|details| details.member("salt")) {
            Some(salt) => Some(Nonce(base64url::decode_array(salt.text()?)?)),
            None => None,
        };
        Some(Self { offer, realm, amount, currency, salt, parameters })
    }
}

/// What an agent shows: that it has paid what the challenge asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The offer paid for.
    pub offer: PaperId,
    /// The receipt's bytes.
    pub receipt: Vec<u8>,
    /// The redemption secret, whose hash the receipt repeats.
    pub secret: [u8; 32],
    challenge: Vec<(String, String)>,
}

impl Credential {
    /// The answer to a challenge.
    pub fn new(challenge: &Challenge, receipt: Vec<u8>, secret: [u8; 32]) -> Self {
        Self { offer: challenge.offer, receipt, secret, challenge: challenge.parameters.clone() }
    }

    /// Reads the value of an `Authorization` field. `None` for another scheme or another method; an error is
    /// `credential-malformed`. [HTB-33]
    pub fn read(value: &[u8]) -> Result<Option<Self>, Fault> {
        if value.len() > HEADER_VALUE_BYTES_MAX {
            let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            let ours = scheme.eq_ignore_ascii_case(SCHEME.as_bytes());
            return if ours { Err(malformed(HEADER_VALUE_BYTES_MAX)) } else { Ok(None) }; // [HTB-34]
        }
        let token = match scan::read(value)?.as_slice() {
            [Auth { scheme, .. }] if !scheme.eq_ignore_ascii_case(SCHEME) => return Ok(None),
            [Auth { content: Content::Token(token), .. }] => token.clone(),
            _ => return Err(malformed(0)),
        };
        let at = value.len().saturating_sub(token.len());
        let json = base64url::decode(&token).and_then(|json| Json::read(&json)).ok_or_else(|| malformed(at))?;
        let method = json.member("challenge").and_then(|challenge| challenge.member("method")).and_then(Json::text);
        match method {
            None => Err(malformed(at)),
            Some(METHOD) => Self::of_json(&json).map(Some).ok_or_else(|| malformed(at)),
            Some(_) => Ok(None),
        }
    }

    /// The value of the header field; `None` when the receipt is too long for one. [HTB-34] [HTB-38]
    pub fn header_value(&self) -> Option<String> {
        let challenge = self.challenge.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let (receipt, secret) = (base64url::encode(&self.receipt), base64url::encode(&self.secret));
        let json = Json::Object(vec![
            ("challenge".to_owned(), Json::of_texts(challenge)),
            ("payload".to_owned(), Json::of_texts([("receipt", receipt.as_str()), ("secret", secret.as_str())])),
        ]);
        let value = format!("{SCHEME} {}", base64url::encode(json.write().as_bytes()));
        (value.len() <= HEADER_VALUE_BYTES_MAX).then_some(value) // [HTB-2]
    }

    /// Whether the challenge that it echoes is this one, unchanged in all that is known of it.
    pub fn echoes(&self, challenge: &Challenge) -> bool {
        let echoed = |(name, value): &(String, String)| named(&self.challenge, name) == Some(value);
        self.challenge.len() == challenge.parameters.len() && challenge.parameters.iter().all(echoed)
    }

    fn of_json(json: &Json) -> Option<Self> {
        let Json::Object(members) = json.member("challenge")? else { return None };
        let text = |(name, value): &(String, Json)| Some((name.clone(), value.text()?.to_owned()));
        let challenge = members.iter().map(text).collect::<Option<Vec<_>>>()?;
        let payload = json.member("payload")?;
        Some(Self {
            offer: PaperId(base64url::decode_array(named(&challenge, "id")?)?),
            receipt: base64url::decode(payload.member("receipt")?.text()?)?,
            secret: base64url::decode_array(payload.member("secret")?.text()?)?,
            challenge,
        })
    }
}

/// Without the secret, which belongs in no log. [PRV-5]
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("offer", &self.offer).finish_non_exhaustive()
    }
}

/// What `Payment-Receipt` says: the payment that was taken. Success only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTaken {
    /// The payment.
    pub intent: PaperId,
    /// When the issuer decided it.
    pub at: UnixSeconds,
}

impl PaymentTaken {
    /// The value of the header field.
    pub fn header_value(&self) -> String {
        let (at, reference) = (self.at.to_string(), base64url::encode(&self.intent.0));
        let members = [("status", "success"), ("method", METHOD), ("timestamp", &at), ("reference", &reference)];
        base64url::encode(Json::of_texts(members).write().as_bytes())
    }

    /// The payment that a value speaks of; `None` when it is of another method or cannot be read.
    pub fn read_intent(value: &[u8]) -> Option<PaperId> {
        let value = std::str::from_utf8(value).ok().filter(|value| value.len() <= HEADER_VALUE_BYTES_MAX)?;
        let json = Json::read(&base64url::decode(value)?)?;
        let is = |name: &str, wanted: &str| json.member(name).and_then(Json::text) == Some(wanted);
        let ours = is("status", "success") && is("method", METHOD);
        let reference = json.member("reference").and_then(Json::text).filter(|_| ours)?;
        base64url::decode_array(reference).map(PaperId)
    }
}

fn named<'p>(parameters: &'p [(String, String)], wanted: &str) -> Option<&'p str> {
    parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// Digits without a leading zero.
fn minor(text: &str) -> Option<Amount> {
    let amount = text.parse().ok().and_then(Amount::from_minor)?;
    (amount.minor().to_string() == text).then_some(amount)
}

#[cfg(test)]
mod tests;
