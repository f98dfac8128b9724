//! What happened in a session, in a file: a line for each event, in their order.
//!
//! The file has the secret that the chains are made of: who reads it can release all that is held.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use purser_protocol::bind::base64url;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::token::agent::Record;
use serde::{Deserialize, Serialize};

use crate::error::{Class, Error, Result};
use crate::home::write_durably;

const JOURNAL: &str = "journal";

/// An event.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// A session with a seller, under a mandate; with a plan, a pack of it; with what was told to the seller, a
    /// subscription.
    Begun {
        seller: String,
        mandate: String,
        currency: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subscription: Option<Box<Subscribed>>,
    },
    /// A pack is bought, or refilled.
    Buying { offer: String, amount_minor: u64 },
    /// The seller has taken the hold.
    Shown { hold: usize },
    /// A hold came to nothing: it was never signed, or never paid.
    Nothing { hold: usize },
    /// What the session itself keeps.
    Record(#[serde(with = "as_text")] Record),
    /// What was asked for in a stream.
    Asked { stream: u64, body_sha256: String },
    /// What came of a stream so far.
    Seen { stream: u64, input: u64, output: u64 },
    /// A stream is over.
    Over { stream: u64 },
    /// The session is over.
    Ended(Ended),
}

/// What a seller is told of a subscription.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Subscribed {
    /// Whoever shows it speaks for the subscription; in base64url.
    pub(super) secret: String,
    /// The body that is posted.
    pub(super) told: serde_json::Value,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Every claim is what was released and seen.
    Settled,
    /// A claim is not: it is kept, as evidence.
    Disputed,
    /// It was never opened: the payment came to nothing.
    Unopened,
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Record, base64url, decoded, encoded};

    pub(super) fn serialize<S: Serializer>(record: &Record, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&encoded(record)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        let text = String::deserialize(deserializer)?;
        let record = base64url::decode(&text).and_then(|bytes| decoded(&bytes).ok());
        record.ok_or_else(|| serde::de::Error::custom("no record"))
    }
}

/// The file of a session.
#[derive(Debug)]
pub(super) struct Book {
    dir: PathBuf,
    file: File,
}

impl Book {
    /// A new one.
    pub(super) fn create(dir: &Path) -> Result<Self> {
        let wrong = |error: std::io::Error| Error::file(dir, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(wrong)?;
        let path = dir.join(JOURNAL);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(wrong)?;
        file.try_lock().map_err(|_| Error::failed("another process pays by this session").at(dir.display()))?;
        for folder in [Some(dir), dir.parent()].into_iter().flatten() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        }
        Ok(Self { dir: dir.to_owned(), file })
    }

    /// One that is there, and what is in it. A line that was not written whole was never relied on.
    pub(super) fn open(dir: &Path) -> Result<(Self, Vec<Line>)> {
        let path = dir.join(JOURNAL);
        let wrong = |error: std::io::Error| Error::file(&path, &error);
        let mut file = OpenOptions::new().read(true).append(true).open(&path).map_err(wrong)?;
        let mut text = String::new();
        file.try_lock().map_err(|_| Error::failed("another process pays by this session").at(path.display()))?;
        file.read_to_string(&mut text).map_err(wrong)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(wrong)?;
        let lines = text[..whole].lines().map(serde_json::from_str).collect::<Result<Vec<Line>, _>>();
        let lines = lines.map_err(|error| {
            // Whoever knows no better must not release anew.
            Error::new(Class::Unknown, format!("this session cannot be read: {error}")).at(path.display())
        })?;
        Ok((Self { dir: dir.to_owned(), file }, lines))
    }

    /// Adds a line. What has been read is lost with the machine's power, not with this process.
    pub(super) fn add(&mut self, line: &Line) -> Result<()> {
        let wrong = |error: std::io::Error| Error::file(&self.dir, &error);
        let mut text = serde_json::to_string(line).map_err(|error| Error::failed(error.to_string()))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(wrong)
    }

    /// Adds a line; when this returns, it is on the disk. [TOK-30] [TOK-32]
    pub(super) fn add_durably(&mut self, line: &Line) -> Result<()> {
        self.add(line)?;
        self.file.sync_data().map_err(|error| Error::file(&self.dir, &error))
    }

    /// Keeps what was asked for in a stream until that is over.
    pub(super) fn keep_question(&self, stream: u64, body: &[u8]) -> Result<()> {
        write_durably(&self.question_path(stream), body, 0o600)
    }

    /// What was asked for in a stream that is not over.
    pub(super) fn question(&self, stream: u64) -> Option<Vec<u8>> {
        fs::read(self.question_path(stream)).ok()
    }

    /// Forgets what was asked for.
    pub(super) fn forget_question(&self, stream: u64) {
        // One that stays behind is of a stream that is over.
        let _ = fs::remove_file(self.question_path(stream));
    }

    fn question_path(&self, stream: u64) -> PathBuf {
        self.dir.join(format!("stream-{stream}.json"))
    }
}
