//! A device asks for a mandate of its own, and a wallet answers it (chapter 24).

use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PURSER_PROOF;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::sign::Signer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Issuer, parse_id};
use crate::connect::Request;
use crate::error::Result;

/// What a device is told when it asks.
#[derive(Clone, Debug, Deserialize)]
pub struct Asking {
    /// What the device shows to learn the answer. It is shown to nobody else.
    pub device_code: String,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it, for a picture.
    pub verification_uri_complete: String,
    /// For how long it is good.
    pub expires_in: u64,
    /// How often to ask.
    pub interval: u64,
}

/// What a device hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The person has signed this mandate for it.
    Mandate(PaperId),
    /// Nobody has answered.
    Waiting,
    /// It asked too soon, and is to wait longer from now on.
    TooSoon,
}

#[derive(Deserialize)]
struct Given {
    mandate: String,
}

impl Issuer {
    /// Asks for a mandate for a device, under its own word for itself.
    pub async fn ask_for_device(&self, name: &str, device: &dyn Signer) -> Result<Asking> {
        let body = json!({ "key": base64url::encode(&device.public_key().0), "name": name });
        let told = self.tell("/v1/devices", &body, Some(device)).await?;
        serde_json::from_value(told).map_err(|error| self.odd(&format!("its answer cannot be read: {error}")))
    }

    /// Asks whether the person has answered. A no, and the end of the time, are errors.
    pub async fn ask_again(&self, device_code: &str) -> Result<Heard> {
        match self.tell("/v1/devices/answers", &json!({ "device_code": device_code }), None).await {
            Ok(told) => {
                let given = serde_json::from_value::<Given>(told).ok().and_then(|given| parse_id(&given.mandate));
                given.map(Heard::Mandate).ok_or_else(|| self.odd("its answer names no mandate"))
            }
            Err(error) => match error.code() {
                Some(Code::DevicePending) => Ok(Heard::Waiting),
                Some(Code::DeviceSlowDown) => Ok(Heard::TooSoon),
                _ => Err(error),
            },
        }
    }

    /// Answers a device that waits under a code: with a mandate, or with a no.
    pub async fn answer_device(&self, code: &str, mandate: Option<PaperId>, person: &dyn Signer) -> Result<()> {
        let body = json!({ "mandate": mandate.map(|id| id.to_string()) });
        self.tell(&format!("/v1/wallet/devices/{code}"), &body, Some(person)).await.map(drop)
    }

    /// Tells the issuer something that is no paper, with a proof of who says it.
    async fn tell(&self, target: &str, body: &Value, signer: Option<&dyn Signer>) -> Result<Value> {
        let url = self.url.with_target(target);
        let proof = signer.map(|signer| self.proof(&Method::POST, &url, signer)).transpose()?;
        let mut request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static("application/json, application/problem+json"))
            .body(body.to_string().into_bytes());
        if let Some(proof) = proof {
            request = request.header(HeaderName::from_static(PURSER_PROOF), proof);
        }
        let response = self.good(self.connector.send(&request).await?)?;
        serde_json::from_slice(&response.body).map_err(|error| self.odd(&format!("its answer cannot be read: {error}")))
    }
}
