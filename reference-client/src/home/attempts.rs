//! Attempts at payments, one file each: on the disk before the intent is sent, so that no crash forgets what
//! may have been paid. What is over lies in a folder of its own, so that what is open is soon found.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use purser_protocol::bind::base64url;
use purser_protocol::flow::payer::{Attempt, Event};
use purser_protocol::id::PaperId;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::{Outcome, Receipt};
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::wire::Reader;
use serde::{Deserialize, Serialize};

use super::{complete, ids_in, write_durably};
use crate::error::{Class, Error, Result};
use crate::issuer::parse_id;

const SCHEMA: &str = "purser.attempt/1";
const ENDING: &str = ".json";
/// The folder of what is over.
const OVER: &str = "over";
/// The folder that says which attempt takes which offer.
const OFFERS: &str = "offers";
/// The file that is locked by whoever signs.
const LOCK: &str = ".lock";

/// The folder of the attempts.
#[derive(Clone, Debug)]
pub struct Attempts {
    dir: PathBuf,
}

/// Held by the one who looks whether something is paid for, and signs when it is not. Meanwhile nobody else does, in
/// this process or another; it ends with its holder, however that ends.
#[derive(Debug)]
pub struct Alone {
    _file: fs::File,
}

/// An attempt, with all that is needed to bring it to its end.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The payment.
    pub id: PaperId,
    /// What is known of it.
    pub state: Attempt,
    /// The intent's bytes: always the same.
    pub intent: Vec<u8>,
    /// The offer's bytes.
    pub offer: Vec<u8>,
    /// What redeems the receipt.
    pub secret: [u8; 32],
    /// The receipt, once there is one.
    pub receipt: Option<Vec<u8>>,
    /// Why it was refused or dropped, in words.
    pub reason: Option<String>,
    /// The request that it pays for, when it pays for one.
    pub fetching: Option<Fetching>,
}

/// A request that is paid for, so that the same request takes up the payment again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fetching {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// SHA-256 of the body, in hexadecimal.
    pub body_sha256: String,
    /// The challenge, as it came.
    pub challenge: String,
    /// Whether what was paid for has come.
    pub delivered: bool,
}

impl Attempts {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Waits until nobody else looks and signs. No task may be awaited while it is held.
    pub fn alone(&self) -> Result<Alone> {
        lock(&self.dir.join(LOCK)).map(|file| Alone { _file: file })
    }

    /// What a payment pays for is safe with the one who asked for it, and the payment is over.
    pub fn taken(&self, kept: &Kept) -> Result<()> {
        let mut kept = kept.clone();
        if let Some(fetching) = &mut kept.fetching {
            fetching.delivered = true;
        }
        self.keep(&kept)
    }

    /// Writes an attempt; when this returns, it is on the disk.
    pub fn keep(&self, kept: &Kept) -> Result<()> {
        let file = File {
            schema: SCHEMA.to_owned(),
            state: State::of(kept.state),
            intent: base64url::encode(&kept.intent),
            offer: base64url::encode(&kept.offer),
            secret: base64url::encode(&kept.secret),
            receipt: kept.receipt.as_deref().map(base64url::encode),
            reason: kept.reason.clone(),
            fetching: kept.fetching.clone(),
        };
        let json = serde_json::to_vec_pretty(&file).map_err(|error| Error::failed(error.to_string()))?;
        let (open, over) = (self.path(&kept.id), self.path_of_over(&kept.id));
        if !kept.is_over() {
            return write_durably(&open, &json, 0o600);
        }
        write_durably(&over, &json, 0o600)?;
        // Between the two it lies in both, and the open one is believed.
        match fs::remove_file(&open) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&open, &error)),
            _ => Ok(()),
        }
    }

    /// Writes a new attempt at an offer; when this returns, it is on the disk. One attempt at an offer is enough,
    /// unless it is certain that nothing came of it. [INT-19]
    pub fn begin(&self, kept: &Kept, offer: &PaperId) -> Result<()> {
        let folder = self.dir.join(OFFERS);
        let path = folder.join(offer.to_string());
        if let Some(before) = self.taker(offer)?
            && !self.load(&before)?.came_to_nothing()
        {
            let error = Error::new(Class::Unknown, format!("payment {before} takes this offer already"));
            return Err(error.fix(format!("purser payment status {before}")));
        }
        fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, &error))?;
        write_durably(&path, kept.id.to_string().as_bytes(), 0o600)?;
        self.keep(kept)
    }

    /// Reads an attempt. One that was kept and never seen to be answered may have been sent.
    pub fn load(&self, id: &PaperId) -> Result<Kept> {
        let open = self.path(id);
        let path = if open.exists() { open } else { self.path_of_over(id) };
        let bytes = fs::read(&path).map_err(|error| Error::file(&path, &error))?;
        let read = serde_json::from_slice::<File>(&bytes).ok().filter(|file| file.schema == SCHEMA);
        read.and_then(|file| file.open(id)).ok_or_else(|| {
            // Whoever knows no better must not pay for the same again.
            Error::new(Class::Unknown, "this attempt at a payment cannot be read")
                .at(path.display())
                .fix("purser payment status ID asks the issuer; keep the file until it is known")
        })
    }

    /// Every attempt, open ones first; an error for each that cannot be read.
    pub fn all(&self) -> Vec<Result<Kept>> {
        self.ids().iter().map(|id| self.load(id)).collect()
    }

    /// The attempts that are not over. One that cannot be read is an error: it may have been paid.
    pub fn open(&self) -> Result<Vec<Kept>> {
        let open = ids_in(&self.dir, ENDING).iter().map(|id| self.load(id)).collect::<Result<Vec<_>>>()?;
        Ok(open.into_iter().filter(|kept| !kept.is_over()).collect())
    }

    /// The attempts of which the outcome is not known.
    pub fn in_doubt(&self) -> Result<Vec<Kept>> {
        self.open().map(|open| open.into_iter().filter(|kept| kept.state.is_in_doubt()).collect())
    }

    /// The attempt that pays for this request and has not delivered it, if there is one. [FLW-4]
    pub fn of_request(&self, method: &str, url: &str, body_sha256: &str) -> Result<Option<Kept>> {
        let same = |kept: &Kept| {
            kept.fetching.as_ref().is_some_and(|fetching| {
                fetching.method == method && fetching.url == url && fetching.body_sha256 == body_sha256
            })
        };
        self.open().map(|open| open.into_iter().find(same))
    }

    /// The last attempt at an offer, if there is one.
    pub fn of_offer(&self, offer: &PaperId) -> Result<Option<Kept>> {
        self.taker(offer)?.map(|id| self.load(&id)).transpose()
    }

    /// Which attempt takes an offer. One that was never kept was never sent; one that cannot be read may have been.
    fn taker(&self, offer: &PaperId) -> Result<Option<PaperId>> {
        let path = self.dir.join(OFFERS).join(offer.to_string());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path, &error).class_of(Class::Unknown)),
        };
        let id = parse_id(text.trim()).ok_or_else(|| {
            Error::new(Class::Unknown, "which payment takes this offer cannot be read").at(path.display())
        })?;
        Ok(Some(id).filter(|id| self.path(id).exists() || self.path_of_over(id).exists()))
    }

    /// The attempt that an id, or its beginning, means.
    pub fn find(&self, typed: &str) -> Result<Kept> {
        self.load(&complete(&self.ids(), typed)?)
    }

    /// The ids of all.
    pub fn ids(&self) -> Vec<PaperId> {
        let mut ids = ids_in(&self.dir, ENDING);
        let over = ids_in(&self.dir.join(OVER), ENDING);
        ids.extend(over.into_iter().filter(|id| !self.path(id).exists()));
        ids
    }

    fn path(&self, id: &PaperId) -> PathBuf {
        self.dir.join(format!("{id}{ENDING}"))
    }

    fn path_of_over(&self, id: &PaperId) -> PathBuf {
        self.dir.join(OVER).join(format!("{id}{ENDING}"))
    }
}

/// Locks a file, which is made when it is not there; the lock ends with the handle. It blocks.
pub fn lock(path: &Path) -> Result<fs::File> {
    let wrong = |error: std::io::Error| Error::file(path, &error);
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(wrong)?;
    file.lock().map_err(wrong)?;
    Ok(file)
}

impl Kept {
    /// Whether the money has come to the merchant, or is held for it.
    pub fn is_paid(&self) -> bool {
        matches!(self.state, Attempt::Known(Outcome::Settled | Outcome::Authorized))
    }

    /// Whether it is certain that it was not paid and never will be.
    pub fn came_to_nothing(&self) -> bool {
        matches!(self.state, Attempt::Known(Outcome::Refused | Outcome::Cancelled) | Attempt::Dropped)
    }

    /// Whether nothing is left to do: it was not paid, or what it paid for has come.
    pub fn is_over(&self) -> bool {
        match self.state {
            Attempt::Known(_) if self.is_paid() => self.fetching.as_ref().is_none_or(|fetching| fetching.delivered),
            Attempt::Known(_) | Attempt::Dropped => true,
            Attempt::Signed | Attempt::InDoubt { .. } | Attempt::Waiting | Attempt::TurnedAway => false,
        }
    }

    /// What the intent says.
    pub fn read_intent(&self) -> Result<Intent> {
        payload(&self.intent)
    }

    /// What the offer says.
    pub fn read_offer(&self) -> Result<Offer> {
        payload(&self.offer)
    }

    /// The receipt's id.
    pub fn receipt_id(&self) -> Option<PaperId> {
        let receipt = Receipt::from_bytes(self.receipt.as_deref()?).ok()?;
        Some(receipt.id())
    }
}

/// What a paper of our own says; its signature was made or checked when it was kept.
fn payload<T: Paper>(bytes: &[u8]) -> Result<T> {
    let read = Frame::read(bytes).and_then(|frame| T::decode(&mut Reader::new(frame.payload)));
    read.map_err(|fault| Error::fault("paper that was kept", fault).class_of(Class::Unknown))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    state: State,
    intent: String,
    offer: String,
    secret: String,
    receipt: Option<String>,
    reason: Option<String>,
    fetching: Option<Fetching>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Signed,
    InDoubt { tries: u32 },
    Waiting,
    Known { outcome: u64 },
    TurnedAway,
    Dropped,
}

impl State {
    fn of(attempt: Attempt) -> Self {
        match attempt {
            Attempt::Signed => Self::Signed,
            Attempt::InDoubt { tries } => Self::InDoubt { tries },
            Attempt::Waiting => Self::Waiting,
            Attempt::Known(outcome) => Self::Known { outcome: outcome.number() },
            Attempt::TurnedAway => Self::TurnedAway,
            Attempt::Dropped => Self::Dropped,
        }
    }

    /// What is kept says what was known before the last thing was done. What was about to be sent may have been.
    fn read(&self) -> Option<Attempt> {
        Some(match *self {
            Self::Signed => {
                let mut attempt = Attempt::Signed;
                attempt.handle(Event::Kept);
                attempt.handle(Event::NoAnswer);
                attempt
            }
            Self::InDoubt { tries } => Attempt::InDoubt { tries: tries.max(2) },
            Self::Waiting => Attempt::Waiting,
            Self::Known { outcome } => Attempt::Known(Outcome::from_number(outcome)?),
            Self::TurnedAway => Attempt::TurnedAway,
            Self::Dropped => Attempt::Dropped,
        })
    }
}

impl File {
    fn open(self, id: &PaperId) -> Option<Kept> {
        let intent = base64url::decode(&self.intent)?;
        let frame = Frame::read(&intent).ok()?;
        if purser_protocol::sign::paper::id(frame.protected, frame.payload) != *id {
            return None;
        }
        let receipt = match &self.receipt {
            Some(receipt) => Some(base64url::decode(receipt)?),
            None => None,
        };
        Some(Kept {
            id: *id,
            state: self.state.read()?,
            intent,
            offer: base64url::decode(&self.offer)?,
            secret: base64url::decode_array(&self.secret)?,
            receipt,
            reason: self.reason,
            fetching: self.fetching,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use purser_protocol::sign::paper::{envelope, id};

    fn kept(state: Attempt) -> Kept {
        let intent = envelope(&[0xa0], &[], &[0xa0], &[0; 64]);
        Kept {
            id: id(&[0xa0], &[0xa0]),
            state,
            intent,
            offer: vec![1],
            secret: [2; 32],
            receipt: None,
            reason: None,
            fetching: Some(Fetching {
                method: "GET".into(),
                url: "https://shop.example/".into(),
                body_sha256: "00".into(),
                challenge: "Payment".into(),
                delivered: false,
            }),
        }
    }

    #[test]
    fn what_was_about_to_be_sent_is_in_doubt_after_a_crash() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path(OVER)).unwrap();
        let attempts = Attempts::new(scratch.path(""));
        for (before, after) in [
            (Attempt::Signed, Attempt::InDoubt { tries: 2 }),
            (Attempt::InDoubt { tries: 1 }, Attempt::InDoubt { tries: 2 }),
            (Attempt::InDoubt { tries: 7 }, Attempt::InDoubt { tries: 7 }),
            (Attempt::Waiting, Attempt::Waiting),
            (Attempt::Known(Outcome::Refused), Attempt::Known(Outcome::Refused)),
            (Attempt::TurnedAway, Attempt::TurnedAway),
            (Attempt::Dropped, Attempt::Dropped),
        ] {
            let kept = kept(before);
            attempts.keep(&kept).unwrap();
            let read = attempts.load(&kept.id).unwrap();
            assert_eq!(read.state, after);
            assert_eq!((read.intent, read.offer, read.secret), (kept.intent, kept.offer, kept.secret));
            assert_eq!(attempts.in_doubt().unwrap().len(), usize::from(after.is_in_doubt()));
            assert_eq!(attempts.ids(), [kept.id], "in one place only");
            let open = attempts.of_request("GET", "https://shop.example/", "00").unwrap();
            assert_eq!(open.is_some(), after.is_in_doubt());
            assert!(attempts.of_request("GET", "https://shop.example/", "01").unwrap().is_none());
        }
        attempts.keep(&kept(Attempt::Known(Outcome::Settled))).unwrap();
        assert!(attempts.of_request("GET", "https://shop.example/", "00").unwrap().is_some(), "paid, not delivered");
    }

    #[test]
    fn an_offer_is_taken_once_unless_nothing_came_of_it() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path(OVER)).unwrap();
        let attempts = Attempts::new(scratch.path(""));
        let (offer, first) = (PaperId([7; 32]), kept(Attempt::Signed));
        attempts.begin(&first, &offer).unwrap();
        for state in [
            Attempt::Signed,
            Attempt::InDoubt { tries: 1 },
            Attempt::Waiting,
            Attempt::TurnedAway,
            Attempt::Known(Outcome::Settled),
            Attempt::Known(Outcome::Authorized),
        ] {
            attempts.keep(&kept(state)).unwrap();
            assert_eq!(attempts.begin(&first, &offer).unwrap_err().class(), Class::Unknown, "{state:?}");
            attempts.begin(&kept(state), &PaperId([8; 32])).unwrap();
            fs::remove_file(scratch.path(OFFERS).join(PaperId([8; 32]).to_string())).unwrap();
        }
        for state in [Attempt::Known(Outcome::Refused), Attempt::Known(Outcome::Cancelled), Attempt::Dropped] {
            attempts.keep(&kept(state)).unwrap();
            attempts.begin(&first, &offer).unwrap();
        }
        fs::remove_file(scratch.path(format!("{}.json", first.id))).unwrap();
        fs::remove_file(scratch.path(OVER).join(format!("{}.json", first.id))).unwrap();
        attempts.begin(&first, &offer).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_read_may_be_a_payment() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path(OVER)).unwrap();
        let attempts = Attempts::new(scratch.path(""));
        let good = kept(Attempt::Signed);
        attempts.keep(&good).unwrap();
        let path = scratch.path(format!("{}.json", good.id));
        let text = fs::read_to_string(&path).unwrap();
        let other = fs::write(scratch.path(format!("{}.json", PaperId([9; 32]))), &text);
        assert!(other.is_ok() && attempts.load(&PaperId([9; 32])).is_err(), "another intent's id");
        for bad in
            ["", "{}", &text[..text.len() / 2], &text.replace("attempt/1", "attempt/2"), &text.replace("signed", "x")]
        {
            fs::write(&path, bad).unwrap();
            assert_eq!(attempts.load(&good.id).unwrap_err().class(), Class::Unknown);
            assert!(attempts.in_doubt().is_err());
            assert!(attempts.of_request("GET", "https://other.example/", "00").is_err());
        }
    }
}
