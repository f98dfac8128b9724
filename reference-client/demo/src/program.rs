//! A server as a process of its own.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Failure, SERVER};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);
/// How often to try: while the server was down, its port may have been lent to somebody for a moment.
const TRIES: u32 = 5;

/// A server that runs. Dropping it kills it.
pub(crate) struct Program {
    server: PathBuf,
    role: &'static str,
    dir: PathBuf,
    child: Child,
}

impl Program {
    /// Starts a role from `dir/ROLE.toml`, and waits until it listens.
    pub(crate) async fn start(server: &Path, role: &'static str, dir: &Path) -> Result<Self, Failure> {
        let child = listening(server, role, dir).await?;
        Ok(Self { server: server.to_owned(), role, dir: dir.to_owned(), child })
    }

    /// The program that it is.
    pub(crate) fn server(&self) -> &Path {
        &self.server
    }

    /// SIGKILL: nothing is finished, nothing is closed.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again from the same files, on the same port.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        self.child = listening(&self.server, self.role, &self.dir).await?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

async fn listening(server: &Path, role: &'static str, dir: &Path) -> Result<Child, Failure> {
    let mut last = None;
    for _ in 0..TRIES {
        match once(server, role, dir).await {
            Ok(child) => return Ok(child),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| "never tried".into()))
}

async fn once(server: &Path, role: &'static str, dir: &Path) -> Result<Child, Failure> {
    let log = dir.join(format!("{role}.log"));
    let errors = OpenOptions::new().create(true).append(true).open(&log)?;
    let mut child = Command::new(server)
        .args([SERVER, role, "--config"])
        .arg(dir.join(format!("{role}.toml")))
        // Held open: when this process is gone, so is the server.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()?;
    let output = child.stdout.take().ok_or("the server has no output")?;
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    });
    let ready = match tokio::time::timeout(START, line).await {
        Ok(line) => line??.contains("\"ready\":true"),
        Err(_) => false,
    };
    if ready {
        return Ok(child);
    }
    let _ = child.kill();
    let _ = child.wait();
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    Err(format!("the {role} did not start: {}", said.lines().last().unwrap_or_default()).into())
}
