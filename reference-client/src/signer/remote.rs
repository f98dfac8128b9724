//! The side that asks.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use purser_protocol::bind::base64url;
use purser_protocol::money::Money;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::Kind;
use purser_protocol::sign::{Crypto as _, PublicKey, Signer, SignerFailed, Unsigned};

use super::{Ask, Hello, LINE_BYTES_MAX, Said};
use crate::error::{Class, Error, Result};

/// Longest wait for a signer, which is on this machine.
const ANSWER: Duration = Duration::from_secs(20);

/// A key in another process. It signs proofs; for an intent it must be told the offer: [`Remote::paying`].
pub struct Remote {
    socket: PathBuf,
    key: PublicKey,
    hello: Hello,
    refusal: Mutex<Option<Error>>,
}

/// A key in another process, for intents that take one offer.
pub struct Paying<'a> {
    remote: &'a Remote,
    offer: &'a [u8],
    max: Money,
}

impl Remote {
    /// The signer at this socket.
    pub fn connect(socket: &Path) -> Result<Self> {
        let strange = || Error::failed("what answers there is no signer").at(socket.display());
        let hello = match ask(socket, &Ask::Hello {})? {
            Said::Hello(hello) => *hello,
            Said::Signed { .. } | Said::Refused { .. } => return Err(strange()),
        };
        let key = base64url::decode(&hello.key).and_then(|bytes| bytes.try_into().ok());
        let key = PublicKey(key.ok_or_else(strange)?);
        Ok(Self { socket: socket.to_owned(), key, hello, refusal: Mutex::default() })
    }

    /// What it said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The same key, for intents that take this offer for at most so much.
    pub fn paying<'a>(&'a self, offer: &'a [u8], max: Money) -> Paying<'a> {
        Paying { remote: self, offer, max }
    }

    /// Why it did not sign, the last time that it did not.
    pub fn take_refusal(&self) -> Option<Error> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn signature(&self, paper: &Unsigned<'_>, question: &Ask) -> std::result::Result<[u8; 64], SignerFailed> {
        self.checked(paper, question).map_err(|error| {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            SignerFailed
        })
    }

    /// A signature that is not this key's over these bytes is none.
    fn checked(&self, paper: &Unsigned<'_>, question: &Ask) -> Result<[u8; 64]> {
        let strange = || Error::failed("the signer's answer is no signature of this paper").at(self.socket.display());
        match ask(&self.socket, question)? {
            Said::Signed { signature } => {
                let signature = base64url::decode(&signature).and_then(|bytes| bytes.try_into().ok());
                let signature: [u8; 64] = signature.ok_or_else(strange)?;
                AwsLc.verify(&self.key, &paper.digest(), &signature).map_err(|_| strange())?;
                Ok(signature)
            }
            Said::Refused { what, fix } => {
                let error = Error::failed(format!("the signer refuses: {what}"));
                Err(fix.into_iter().fold(error, Error::fix))
            }
            Said::Hello(_) => Err(strange()),
        }
    }
}

impl Signer for Remote {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    /// Nobody can tell what a digest is of.
    fn sign(&self, _digest: &[u8; 32]) -> std::result::Result<[u8; 64], SignerFailed> {
        Err(SignerFailed)
    }

    fn sign_paper(&self, paper: &Unsigned<'_>) -> std::result::Result<[u8; 64], SignerFailed> {
        match paper.kind {
            Kind::Proof => self.signature(paper, &Ask::Proof { payload: base64url::encode(paper.payload) }),
            _ => Err(SignerFailed),
        }
    }
}

impl Signer for Paying<'_> {
    fn public_key(&self) -> PublicKey {
        self.remote.key
    }

    fn sign(&self, digest: &[u8; 32]) -> std::result::Result<[u8; 64], SignerFailed> {
        self.remote.sign(digest)
    }

    fn sign_paper(&self, paper: &Unsigned<'_>) -> std::result::Result<[u8; 64], SignerFailed> {
        if paper.kind != Kind::Intent {
            return self.remote.sign_paper(paper);
        }
        let question = Ask::Intent {
            payload: base64url::encode(paper.payload),
            offer: base64url::encode(self.offer),
            max: self.max.to_string(),
        };
        self.remote.signature(paper, &question)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("socket", &self.socket).field("key", &self.key).finish_non_exhaustive()
    }
}

/// One question, one answer, one connection.
fn ask(socket: &Path, question: &Ask) -> Result<Said> {
    let away = |error: std::io::Error| {
        let error = Error::new(Class::Unreachable, format!("the signer does not answer: {error}"));
        error.at(socket.display()).fix("start purser signer, and let it know this user with --allow-user")
    };
    let line = serde_json::to_string(question).map_err(|error| Error::failed(error.to_string()))?;
    let mut stream = UnixStream::connect(socket).map_err(away)?;
    stream.set_read_timeout(Some(ANSWER)).and_then(|()| stream.set_write_timeout(Some(ANSWER))).map_err(away)?;
    stream.write_all(format!("{line}\n").as_bytes()).map_err(away)?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_until(b'\n', &mut answer).map_err(away)?;
    if answer.is_empty() {
        return Err(away(std::io::ErrorKind::ConnectionAborted.into()));
    }
    serde_json::from_slice(&answer).map_err(|error| away(error.into()))
}
