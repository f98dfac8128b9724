//! A stock MCP client, of Python's registry, as a process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;

const SCRIPT: &str = include_str!("client.py");
/// Longer than any answer takes; ends a client that hangs.
const ANSWER: Duration = Duration::from_secs(120);

/// A Python that has the package `mcp`.
pub(crate) struct Python(PathBuf);

impl Python {
    /// The one that is named, the one of `reference-client/mcp/stock/run`, or the system's; else why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/stock-python/bin/python");
        let named = std::env::var_os("PURSER_DEMO_PYTHON").map(PathBuf::from);
        let known = named.into_iter().chain([ours, PathBuf::from("python3")]);
        let has_client = |python: &PathBuf| {
            let mut asked = Command::new(python);
            asked.args(["-c", "from mcp import Client"]).stdout(Stdio::null()).stderr(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        };
        known
            .into_iter()
            .find(has_client)
            .map(Self)
            .ok_or_else(|| "no Python with the package mcp; bash reference-client/mcp/stock/run makes one".to_owned())
    }
}

/// A client that calls one tool. Dropping it kills it.
pub(crate) struct Stock {
    /// What it is, with its version.
    pub(crate) name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Stock {
    /// Has it start a server and call a tool there. It waits for the answer with [`Self::answer`].
    pub(crate) fn call(python: &Python, server: &[String], tool: &str, arguments: &Value) -> Result<Self, Failure> {
        let mut child = Command::new(&python.0)
            .args(["-c", SCRIPT, &json!(server).to_string(), tool, &arguments.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("the client has no output")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        let input = child.stdin.take();
        let mut stock = Self { name: String::new(), child, input, lines };
        stock.name = stock.line()?["client"].as_str().unwrap_or_default().to_owned();
        Ok(stock)
    }

    /// What the tool answered: whether that is an error, and its structured content.
    pub(crate) fn answer(&self) -> Result<(bool, Value), Failure> {
        let mut line = self.line()?;
        Ok((line["error"] == json!(true), line["said"].take()))
    }

    /// Has it call again with a payment.
    pub(crate) fn again(&mut self, credential: &str) -> Result<(bool, Value), Failure> {
        let input = self.input.as_mut().ok_or("the client has no input")?;
        writeln!(input, "{credential}")?;
        input.flush()?;
        self.answer()
    }

    fn line(&self) -> Result<Value, Failure> {
        let line = self.lines.recv_timeout(ANSWER).map_err(|_| "the stock client does not answer")?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // Its input ends first, so that it ends the server that it has started.
        self.input = None;
        let _ = self.lines.recv_timeout(Duration::from_secs(5));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
