//! Devices that ask for a mandate of their own: glasses, cockpits. A device shows a short code, its person types it where
//! a key of the account is, and signs a mandate that the device alone can use; meanwhile the device asks whether it is
//! there. What waits is kept in the store, so that a code that a person is typing outlives the program.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, Uri};
use purser_protocol::authorize::Standing;
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::Directory;
use purser_protocol::id::{AccountId, Digest, KeyId, PaperId, ShortText};
use purser_protocol::ledger::state::State as LedgerState;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Issuer;
use super::address::paper_id;
use super::wallet::offers::short_code;
use super::who::Owner;
use crate::random::random;
use crate::reply::Problem;
use crate::store::StoreError;
use crate::store::notes::Notes;

/// How long a device waits.
const ASK_SECONDS: u64 = 600;
/// How long it can still learn what became of it.
const TOLD_SECONDS: u64 = 600;
/// How often a device may ask, and by how much seldomer whenever it asked too often. [DEV-4]
const INTERVAL_SECONDS: u64 = 5;
/// Devices that wait at once.
const ASKS_MAX: usize = 4_096;
/// What the names of their notes begin with.
const NAME: &str = "device/";

/// What a device says of itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskBody {
    key: String,
    name: String,
}

/// A device that waits, as it is kept.
#[derive(Serialize, Deserialize)]
struct Ask {
    /// The digest of what the device shows when it asks again.
    secret: [u8; 32],
    key: String,
    name: String,
    expires_at: u64,
    interval: u64,
    asked_at: Option<u64>,
    answer: Option<Answer>,
}

#[derive(Clone, Serialize, Deserialize)]
enum Answer {
    Refused,
    Mandate(String),
}

/// A device's own key is the one that proves that it has it.
struct Own(PublicKey);

impl Directory for Own {
    fn account_key(&self, _: &AccountId, _: &KeyId) -> Option<PublicKey> {
        None
    }

    fn holder(&self, _: &PaperId) -> Option<Holder> {
        None
    }

    fn any_key(&self, key: &KeyId) -> Option<PublicKey> {
        (self.0.id() == *key).then_some(self.0)
    }
}

/// `POST /v1/devices`: a device asks, and is told its code and how often to ask again.
pub(super) async fn ask(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let body: AskBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let key = public_key(&body.key).ok_or_else(|| Problem::new(Code::KeyInvalid))?;
    let name = ShortText::new(&body.name).ok_or_else(|| Problem::new(Code::FieldRange).member("field", "name"))?;
    issuer.proven_with(&method, &uri, &headers, Own(key)).await?; // [DEV-1]
    let secret: [u8; 32] = random().map_err(|_| Problem::new(Code::Internal))?;
    let code = short_code()?; // [DEV-2]
    let now = issuer.clock.now();
    let expires_at = now.saturating_add(ASK_SECONDS).get();
    let ask = Ask {
        secret: Sha256::digest(secret).into(),
        key: body.key,
        name: name.as_str().to_owned(),
        expires_at,
        interval: INTERVAL_SECONDS,
        asked_at: None,
        answer: None,
    };
    let (kept, until) = (format!("{NAME}{code}"), expires_at + TOLD_SECONDS);
    let is_kept = issuer.noted(move |notes| {
        notes.clear(now.get())?;
        let has_room = notes.find(NAME, now.get())?.len() < ASKS_MAX;
        has_room.then(|| keep(notes, &kept, &ask, until)).transpose()
    });
    is_kept.await?.ok_or_else(|| Problem::new(Code::Overloaded))?;
    let page = format!("{}/wallet/#/devices", issuer.page_url);
    Ok(Json(json!({
        "device_code": format!("{code}.{}", base64url::encode(&secret)),
        "user_code": code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}/{code}"),
        "expires_in": ASK_SECONDS,
        "interval": INTERVAL_SECONDS,
        "key": key.id().to_string(),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgainBody {
    device_code: String,
}

/// `POST /v1/devices/answers`: the device asks again.
pub(super) async fn again(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Result<Json<Value>, Problem> {
    let body: AgainBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let unknown = || Problem::new(Code::NotFound);
    let (code, secret) = body.device_code.split_once('.').ok_or_else(unknown)?;
    let secret: [u8; 32] = Sha256::digest(base64url::decode(secret).ok_or_else(unknown)?).into();
    let (code, now) = (code.to_owned(), issuer.clock.now().get());
    let heard = issuer.noted(move |notes| {
        let Some((name, mut ask, until)) = find(notes, &code, now)? else { return Ok(None) };
        if ask.secret != secret {
            return Ok(None);
        }
        let heard = ask.heard(now);
        keep(notes, &name, &ask, until)?;
        Ok(Some(heard))
    });
    match heard.await?.ok_or_else(unknown)? {
        Heard::Mandate(mandate) => Ok(Json(json!({ "mandate": mandate }))),
        Heard::Refused => Err(problem(Code::DeviceRefused, "access_denied")),
        Heard::Expired => Err(problem(Code::DeviceExpired, "expired_token")),
        Heard::TooSoon(interval) => Err(problem(Code::DeviceSlowDown, "slow_down").member("interval", interval)),
        Heard::Waiting(interval) => {
            Err(problem(Code::DevicePending, "authorization_pending").member("interval", interval))
        }
    }
}

/// `GET /v1/wallet/devices/{code}`: the device that waits under a code, for whoever can answer it.
pub(super) async fn shown(
    State(issuer): State<Arc<Issuer>>,
    _: Owner,
    code: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(code) = code.map_err(|_| Problem::new(Code::NotFound))?;
    let now = issuer.clock.now().get();
    let found = issuer.noted(move |notes| find(notes, &code, now)).await?;
    let waiting =
        found.map(|(_, ask, _)| ask).filter(|ask| ask.waits(now)).ok_or_else(|| Problem::new(Code::NotFound))?;
    let key = public_key(&waiting.key).ok_or_else(|| Problem::new(Code::Internal))?;
    Ok(Json(json!({
        "key": key.id().to_string(),
        "public": waiting.key,
        "name": waiting.name,
        "expires_at": waiting.expires_at,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    mandate: Option<String>,
}

/// `POST /v1/wallet/devices/{code}`: the person has signed a mandate for the device, or wants none.
pub(super) async fn answer(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
    code: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Path(code) = code.map_err(|_| Problem::new(Code::NotFound))?;
    let body: AnswerBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let now = issuer.clock.now().get();
    let sought = code.clone();
    let waiting = issuer.noted(move |notes| find(notes, &sought, now)).await?;
    let waiting = waiting.filter(|(_, ask, _)| ask.waits(now)).ok_or_else(|| Problem::new(Code::NotFound))?;
    let answer = match body.mandate {
        None => Answer::Refused,
        Some(named) => {
            let mandate = paper_id(&named).ok_or_else(|| Problem::new(Code::FieldRange).member("field", "mandate"))?;
            let key = public_key(&waiting.1.key).ok_or_else(|| Problem::new(Code::Internal))?;
            let is_its = issuer.with(move |state| is_the_devices(state, account, &mandate, &key)).await?;
            if !is_its {
                return Err(Problem::new(Code::DeviceMismatch)); // [DEV-6]
            }
            Answer::Mandate(mandate.to_string())
        }
    };
    let answered = issuer.noted(move |notes| {
        let Some((name, mut ask, until)) = find(notes, &code, now)? else { return Ok(None) };
        // The first answer is the answer. [DEV-10]
        if !ask.waits(now) {
            return Ok(None);
        }
        ask.answer = Some(answer);
        keep(notes, &name, &ask, until).map(Some)
    });
    answered.await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(json!({})))
}

/// Whether a mandate is one that this device alone can use: its key holds it, and a rule binds it to that key.
fn is_the_devices(state: &LedgerState, account: AccountId, mandate: &PaperId, key: &PublicKey) -> bool {
    let Some(record) = state.mandates.get(mandate) else { return false };
    let devices = record.mandate.caps.as_ref().and_then(|caps| caps.devices.as_ref());
    let is_bound = devices.is_some_and(|devices| devices.iter().eq([&Digest(key.id().0)]));
    record.mandate.account == account
        && record.mandate.holder == Holder::Agent(*key)
        && is_bound
        && state.standing(mandate, record) == Standing::Active
}

/// What a device is told.
enum Heard {
    Waiting(u64),
    TooSoon(u64),
    Refused,
    Expired,
    Mandate(String),
}

impl Ask {
    fn waits(&self, now: u64) -> bool {
        self.answer.is_none() && now < self.expires_at
    }

    fn heard(&mut self, now: u64) -> Heard {
        match &self.answer {
            Some(Answer::Mandate(mandate)) => return Heard::Mandate(mandate.clone()),
            Some(Answer::Refused) => return Heard::Refused, // [DEV-5]
            None if now >= self.expires_at => return Heard::Expired, // [DEV-7]
            None => {}
        }
        let is_early = self.asked_at.is_some_and(|asked| now < asked.saturating_add(self.interval));
        self.asked_at = Some(now);
        if is_early {
            self.interval += INTERVAL_SECONDS; // [DEV-4]
            return Heard::TooSoon(self.interval);
        }
        Heard::Waiting(self.interval) // [DEV-3]
    }
}

/// A problem with the word that RFC 8628 has for it.
fn problem(code: Code, word: &str) -> Problem {
    Problem::new(code).member("error", word)
}

fn public_key(text: &str) -> Option<PublicKey> {
    base64url::decode(text).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok()).map(PublicKey)
}

fn keep(notes: &mut dyn Notes, name: &str, ask: &Ask, until: u64) -> Result<(), StoreError> {
    let note = serde_json::to_vec(ask).map_err(|_| StoreError::Damaged("a device cannot be written".into()))?;
    notes.keep(name, &note, Some(until))
}

fn find(notes: &mut dyn Notes, code: &str, now: u64) -> Result<Option<(String, Ask, u64)>, StoreError> {
    let name = format!("{NAME}{}", code.to_ascii_uppercase());
    let found = notes.find(&name, now)?.into_iter().find(|note| note.name == name);
    let read =
        |note: &[u8]| serde_json::from_slice(note).map_err(|_| StoreError::Damaged("a device cannot be read".into()));
    found.map(|note| Ok((name, read(&note.note)?, note.until_seconds.unwrap_or(now)))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        let (key, name) = (String::new(), "glasses".to_owned());
        Ask { secret: [0; 32], key, name, expires_at: 600, interval: INTERVAL_SECONDS, asked_at: None, answer: None }
    }

    fn waits(heard: &Heard) -> Option<u64> {
        if let Heard::Waiting(interval) = heard { Some(*interval) } else { None }
    }

    fn too_soon(heard: &Heard) -> Option<u64> {
        if let Heard::TooSoon(interval) = heard { Some(*interval) } else { None }
    }

    #[test]
    fn who_asks_too_often_has_to_ask_seldomer() {
        let mut ask = ask();
        assert_eq!(waits(&ask.heard(0)), Some(5));
        assert_eq!(waits(&ask.heard(5)), Some(5));
        assert_eq!(too_soon(&ask.heard(9)), Some(10));
        // It counts from when it was asked last, heard or not.
        assert_eq!(too_soon(&ask.heard(18)), Some(15));
        assert_eq!(waits(&ask.heard(33)), Some(15));
    }

    #[test]
    fn an_answer_is_given_at_any_time_and_none_after_the_end() {
        let mut ask = ask();
        assert!(waits(&ask.heard(599)).is_some() && ask.waits(599));
        assert!(matches!(ask.heard(600), Heard::Expired) && !ask.waits(600));
        ask.answer = Some(Answer::Mandate("m".into()));
        assert!(matches!(ask.heard(601), Heard::Mandate(_)) && !ask.waits(1));
        ask.answer = Some(Answer::Refused);
        assert!(matches!(ask.heard(601), Heard::Refused));
    }
}
