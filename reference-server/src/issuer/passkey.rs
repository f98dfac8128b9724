//! Passkeys: a key in a browser signs for whoever sits at it, unless its person has to be there. Of a key that is
//! guarded by a passkey the issuer takes nothing before the person has shown the passkey, and for a while after.
//!
//! Which keys are guarded is kept in the store. Challenges, and that a key is unlocked, are this process's alone: when
//! it begins anew, every guarded key is locked.

pub(super) mod assertion;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::id::KeyId;
use purser_protocol::sign::paper::find;
use purser_protocol::sign::{Frame, PublicKey};
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Issuer;
use super::who::{Knocking, Owner};
use crate::random::random;
use crate::reply::Problem;
use crate::store::StoreError;
use crate::store::notes::{Note, Notes};
use assertion::{Asserted, Made, RelyingParty};

/// The field that says that a key is unlocked.
pub(super) const PURSER_UNLOCKED: &str = "purser-unlocked";
/// How long a challenge can be answered.
const CHALLENGE_SECONDS: u64 = 300;
/// How long a key stays unlocked.
const UNLOCKED_SECONDS: u64 = 900;
/// Challenges at once; one for each key.
const CHALLENGES_MAX: usize = 4_096;
/// Passkeys of one key.
const PASSKEYS_MAX: usize = 16;
/// What the names of their notes begin with.
const NAME: &str = "passkey/";
/// The parameter of a protected header that names a key.
const KID: i64 = 4;

/// A passkey that guards a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Passkey {
    id: Vec<u8>,
    key: PublicKey,
    /// How often it has signed, as it says; 0 where it does not count.
    count: u32,
}

/// The guards of keys.
#[derive(Debug, Default)]
pub(crate) struct Passkeys {
    guards: RwLock<HashMap<KeyId, Vec<Passkey>>>,
    challenges: Mutex<HashMap<KeyId, ([u8; 32], UnixSeconds)>>,
    /// By the digests of what their holders send: nobody finds one by how long a comparison takes.
    unlocked: Mutex<HashMap<[u8; 32], (KeyId, UnixSeconds)>>,
}

impl Passkeys {
    /// Those that are kept.
    pub(crate) fn of(notes: &mut dyn Notes) -> Result<Self, StoreError> {
        let mut guards: HashMap<KeyId, Vec<Passkey>> = HashMap::new();
        for note in notes.find(NAME, 0)? {
            let (key, passkey) = read(&note).ok_or_else(|| StoreError::Damaged("a passkey cannot be read".into()))?;
            guards.entry(key).or_default().push(passkey);
        }
        Ok(Self { guards: RwLock::new(guards), ..Self::default() })
    }

    fn of_key(&self, key: &KeyId) -> Vec<Passkey> {
        let guards = self.guards.read().unwrap_or_else(PoisonError::into_inner);
        guards.get(key).cloned().unwrap_or_default()
    }

    fn is_guarded(&self, key: &KeyId) -> bool {
        self.guards.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// Whether a key may act: nothing guards it, or its person has shown the passkey. [WAL-50]
    pub(super) fn admit(&self, key: &KeyId, headers: &HeaderMap, now: UnixSeconds) -> Result<(), Problem> {
        if !self.is_guarded(key) {
            return Ok(());
        }
        let given = headers.get(PURSER_UNLOCKED).and_then(|given| base64url::decode(given.to_str().ok()?));
        let unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = given.and_then(|given| unlocked.get(&digest(&given)));
        match known {
            Some((of, until)) if of == key && now < *until => Ok(()), // [WAL-54]
            _ => Err(Problem::new(Code::KeyLocked)),
        }
    }

    /// Whether the signer of a paper may act; whoever signs with another key than a guarded one may. [WAL-50]
    pub(super) fn admit_paper(&self, paper: &[u8], headers: &HeaderMap, now: UnixSeconds) -> Result<(), Problem> {
        let signer = Frame::read(paper).ok().and_then(|frame| find(frame.protected, KID)?.1.array().ok());
        signer.map_or(Ok(()), |signer| self.admit(&KeyId(signer), headers, now))
    }

    /// What the next answer of a passkey must be to.
    fn challenge(&self, key: KeyId, now: UnixSeconds) -> Result<([u8; 32], UnixSeconds), Problem> {
        let drawn = random().map_err(|_| Problem::new(Code::Internal))?;
        let until = now.saturating_add(CHALLENGE_SECONDS);
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        challenges.retain(|_, (_, until)| now < *until);
        if challenges.len() >= CHALLENGES_MAX {
            return Err(Problem::new(Code::Overloaded));
        }
        challenges.insert(key, (drawn, until));
        Ok((drawn, until))
    }

    /// Takes the challenge that was given to a key: it is answered once. [WAL-51]
    fn taken(&self, key: &KeyId, now: UnixSeconds) -> Result<[u8; 32], Problem> {
        let taken = self.challenges.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        let good = taken.filter(|(_, until)| now < *until).map(|(challenge, _)| challenge);
        good.ok_or_else(|| Problem::new(Code::PasskeyInvalid))
    }

    /// Unlocks a key; what its holder sends from then on, and until when.
    fn unlock(&self, key: KeyId, now: UnixSeconds) -> Result<Value, Problem> {
        let drawn: [u8; 32] = random().map_err(|_| Problem::new(Code::Internal))?;
        let until = now.saturating_add(UNLOCKED_SECONDS);
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.retain(|_, (_, until)| now < *until);
        unlocked.insert(digest(&drawn), (key, until));
        Ok(json!({ "unlocked": base64url::encode(&drawn), "expires_at": until.get() }))
    }

    /// Locks a key, wherever it was unlocked.
    fn lock(&self, key: &KeyId) {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (of, _)| of != key);
    }

    /// The ids of the passkeys of a key.
    pub(super) fn ids(&self, key: &KeyId) -> Vec<String> {
        self.of_key(key).iter().map(|passkey| base64url::encode(&passkey.id)).collect()
    }

    fn put(&self, key: KeyId, passkey: Passkey) {
        let mut guards = self.guards.write().unwrap_or_else(PoisonError::into_inner);
        let passkeys = guards.entry(key).or_default();
        passkeys.retain(|known| known.id != passkey.id);
        passkeys.push(passkey);
    }

    fn remove(&self, key: &KeyId) {
        self.guards.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// `POST /v1/wallet/passkeys/challenges`: what a passkey is asked to sign, and which passkeys may.
pub(super) async fn challenge(State(issuer): State<Arc<Issuer>>, knocking: Knocking) -> Result<Json<Value>, Problem> {
    let party = issuer.relying_party()?;
    let key = knocking.0.key.id();
    let (challenge, until) = issuer.passkeys.challenge(key, issuer.clock.now())?;
    Ok(Json(json!({
        "challenge": base64url::encode(&challenge),
        "relying_party": party.id,
        "passkeys": issuer.passkeys.ids(&key),
        "expires_at": until.get(),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeBody {
    client_data: String,
    authenticator_data: String,
}

/// `POST /v1/wallet/passkeys`: from then on the key is guarded.
pub(super) async fn guard(
    State(issuer): State<Arc<Issuer>>,
    Owner { key, .. }: Owner,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let body: MadeBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let (now, key) = (issuer.clock.now(), key.id());
    let challenge = issuer.passkeys.taken(&key, now)?;
    let (client_data, data) = (bytes(&body.client_data)?, bytes(&body.authenticator_data)?);
    let made = Made { client_data: &client_data, data: &data }.check(&issuer.relying_party()?, &challenge);
    let (id, public, count) = made.ok_or_else(|| Problem::new(Code::PasskeyInvalid))?;
    if issuer.passkeys.of_key(&key).len() >= PASSKEYS_MAX {
        return Err(Problem::new(Code::PasskeyInvalid));
    }
    let passkey = Passkey { id, key: public, count };
    issuer.keep_passkey(key, passkey.clone()).await?;
    issuer.passkeys.put(key, passkey);
    issuer.passkeys.unlock(key, now).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssertedBody {
    passkey: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
}

/// `POST /v1/wallet/unlock`: the person shows the passkey.
pub(super) async fn unlock(
    State(issuer): State<Arc<Issuer>>,
    knocking: Knocking,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let body: AssertedBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let (now, key) = (issuer.clock.now(), knocking.0.key.id());
    let challenge = issuer.passkeys.taken(&key, now)?;
    let invalid = || Problem::new(Code::PasskeyInvalid);
    let id = bytes(&body.passkey)?;
    let passkey = issuer.passkeys.of_key(&key).into_iter().find(|passkey| passkey.id == id).ok_or_else(invalid)?;
    let (client_data, data) = (bytes(&body.client_data)?, bytes(&body.authenticator_data)?);
    let asserted = Asserted { client_data: &client_data, data: &data, signature: &bytes(&body.signature)? };
    let (party, public, counted) = (issuer.relying_party()?, passkey.key, passkey.count);
    let count = asserted.check(&party, &challenge, &public, counted).ok_or_else(invalid)?;
    let passkey = Passkey { count, ..passkey };
    issuer.keep_passkey(key, passkey.clone()).await?;
    issuer.passkeys.put(key, passkey);
    issuer.passkeys.unlock(key, now).map(Json)
}

/// `POST /v1/wallet/lock`
pub(super) async fn lock(State(issuer): State<Arc<Issuer>>, knocking: Knocking) -> Json<Value> {
    issuer.passkeys.lock(&knocking.0.key.id());
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BareBody {
    key: String,
}

/// `POST /v1/wallet/passkeys/removals`: nothing guards a key of the account any more. [WAL-55]
pub(super) async fn remove(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let body: BareBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let id = super::address::paper_id(&body.key).ok_or_else(|| Problem::new(Code::FieldRange))?;
    let key = KeyId(id.0);
    let owns = issuer.keys.read().map_err(|_| Fault::new(Code::Internal)).map(|keys| keys.owner(&key) == Some(account));
    if !owns.map_err(Problem::new)? {
        return Err(Problem::new(Code::KeyUnknown));
    }
    let name = format!("{NAME}{key}/");
    let forget = move |notes: &mut dyn Notes| {
        let found = notes.find(&name, 0)?;
        found.iter().try_for_each(|note| notes.forget(&note.name).map(drop))
    };
    issuer.noted(forget).await?;
    issuer.passkeys.remove(&key);
    issuer.passkeys.lock(&key);
    Ok(Json(json!({})))
}

impl Issuer {
    /// For whom passkeys are made here: nobody where the page has no name, only an address.
    fn relying_party(&self) -> Result<RelyingParty, Problem> {
        RelyingParty::of(&self.page_url).ok_or_else(|| Problem::new(Code::NotFound))
    }

    async fn keep_passkey(self: &Arc<Self>, key: KeyId, passkey: Passkey) -> Result<(), Problem> {
        let name = format!("{NAME}{key}/{}", base64url::encode(&passkey.id));
        let note = [&passkey.key.0[..], &passkey.count.to_be_bytes()].concat();
        self.noted(move |notes| notes.keep(&name, &note, None)).await
    }
}

fn read(note: &Note) -> Option<(KeyId, Passkey)> {
    let (key, id) = note.name.strip_prefix(NAME)?.split_once('/')?;
    let (public, count) = note.note.split_first_chunk::<64>()?;
    let count = u32::from_be_bytes(count.try_into().ok()?);
    let key = KeyId(super::address::paper_id(key)?.0);
    Some((key, Passkey { id: base64url::decode(id)?, key: PublicKey(*public), count }))
}

fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    base64url::decode(text).ok_or_else(|| Problem::new(Code::PasskeyInvalid))
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
