//! `purser signer`: the process that has the agent's key, so that no other needs it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use purser_client::home::Home;
use purser_client::signer::{Desk, LINE_BYTES_MAX};
use purser_client::{Error, Result};
use purser_protocol::money::Money;
use purser_protocol::sign::Signer as _;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Done, session};

/// How many are answered at once.
const AT_ONCE: usize = 16;
/// Longest wait for a question.
const QUESTION: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct Signer {
    /// Where to listen: the path of a Unix socket
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// A user of this machine, by number, whose processes may ask; may stand several times
    #[arg(long, value_name = "UID")]
    allow_user: Vec<u32>,
    /// Let processes of this very user ask: they can read the key's file as well, so that it keeps the key from
    /// nobody but the honest
    #[arg(long)]
    same_user: bool,
    /// The most for one payment, whatever is asked, such as "50.00 CNY"
    #[arg(long, value_name = "AMOUNT")]
    ceiling: Option<Money>,
    /// A file that gets a line for each signature and each refusal
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl Signer {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        if self.allow_user.is_empty() && !self.same_user {
            let fix = "give --allow-user UID, or --same-user where both are one user's";
            return Err(Error::usage("nobody could ask this signer").fix(fix));
        }
        let session = session(home).await?;
        let key = session.agent()?.public_key().id().to_string();
        let desk = Arc::new(Desk::open(session, self.ceiling, self.journal.clone())?);
        let wrong = |error: std::io::Error| Error::file(&self.socket, &error);
        let (listener, own) = self.listen()?;
        let guard = Removed(self.socket.clone());
        let mut stop = [SignalKind::interrupt(), SignalKind::terminate()].map(signal).into_iter();
        let (Some(Ok(mut interrupt)), Some(Ok(mut terminate))) = (stop.next(), stop.next()) else {
            return Err(Error::failed("the signals that end it cannot be heard"));
        };
        let ready = json!({ "ready": true, "socket": self.socket.display().to_string(), "key": key });
        println!("{ready}");

        let allowed: Vec<u32> = self.allow_user.iter().copied().chain(self.same_user.then_some(own)).collect();
        let seats = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.map_err(wrong)?.0,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            };
            // The kernel's word, as of when the other side connected.
            let user = stream.peer_cred().map(|peer| peer.uid());
            if !user.as_ref().is_ok_and(|user| allowed.contains(user)) {
                eprintln!(
                    "purser: user {} asked, and may not",
                    user.map_or_else(|_| "?".into(), |user| user.to_string())
                );
                continue;
            }
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { break };
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                // A caller that is slow or gone loses its answer, nothing else.
                let _ = timeout(QUESTION, answer(&desk, stream)).await;
                drop(seat);
            });
        }
        drop(guard);
        Ok(Done::new("", json!({ "key": key })))
    }

    /// The listener, and this process's own user.
    fn listen(&self) -> Result<(UnixListener, u32)> {
        let wrong = |error: std::io::Error| Error::file(&self.socket, &error);
        if fs::symlink_metadata(&self.socket).is_ok_and(|found| found.file_type().is_socket()) {
            if std::os::unix::net::UnixStream::connect(&self.socket).is_ok() {
                return Err(Error::failed("another signer listens there").at(self.socket.display()));
            }
            // Of one that was killed.
            fs::remove_file(&self.socket).map_err(wrong)?;
        }
        let listener = UnixListener::bind(&self.socket).map_err(wrong)?;
        let own = owner(&self.socket).map_err(wrong)?;
        // Who connects is checked by user, not by the file's mode.
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o666)).map_err(wrong)?;
        Ok((listener, own))
    }
}

async fn answer(desk: &Desk, stream: UnixStream) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = Vec::new();
    BufReader::new(reading.take(LINE_BYTES_MAX)).read_until(b'\n', &mut line).await?;
    let said = serde_json::to_string(&desk.answer(&line))?;
    writing.write_all(format!("{said}\n").as_bytes()).await
}

fn owner(path: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|found| found.uid())
}

/// A socket that is gone when its listener is.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
