//! A process that speaks `purser-shim/1`. One that dies, babbles or falls silent is started again.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::HarnessError;
use super::rng::Rng;
use crate::results::Claims;

/// Longest line of a shim.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Lines of a shim's log that are kept for a failure.
const LOG_LINES: usize = 20;

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program.
    pub path: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Program {
    /// Splits at spaces; what stands in quotes stays together.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words: Vec<String> = Vec::new();
        let (mut quote, mut open) = (None, false);
        for letter in line.chars() {
            match (letter, quote) {
                (letter, Some(end)) if letter == end => quote = None,
                ('"' | '\'', None) => {
                    quote = Some(letter);
                    if !open {
                        words.push(String::new());
                    }
                    open = true;
                }
                (letter, None) if letter.is_whitespace() => open = false,
                (letter, _) => {
                    if !open {
                        words.push(String::new());
                    }
                    open = true;
                    words.last_mut().unwrap_or(&mut String::new()).push(letter);
                }
            }
        }
        if quote.is_some() {
            return Err(format!("{line}: a quote is not closed"));
        }
        let mut words = words.into_iter();
        let path = words.next().ok_or("the command of the shim is empty")?;
        Ok(Self { path, arguments: words.collect() })
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        self.arguments.iter().try_for_each(|argument| {
            if argument.is_empty() || argument.contains(char::is_whitespace) {
                write!(f, " '{argument}'")
            } else {
                write!(f, " {argument}")
            }
        })
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The process ended.
    Crashed(String),
    /// It said nothing.
    Silent(Duration),
    /// It said what is no reply.
    Babble(String),
}

/// A subject, started.
pub struct Subject {
    program: Program,
    silence: Duration,
    process: Option<Process>,
    rng: Rng,
    waiting: usize,
    /// How often it was started.
    pub starts: u32,
}

struct Process {
    child: Child,
    calls: Sender<String>,
    lines: Receiver<Line>,
    log: Arc<Mutex<VecDeque<String>>>,
}

enum Line {
    Said(Vec<u8>),
    TooLong,
}

impl Subject {
    /// Starts it for the first time.
    pub fn start(program: &Program, silence: Duration, seed: u64) -> Result<Self, HarnessError> {
        let process = Process::start(program).map_err(|error| HarnessError(format!("{program}: {error}")))?;
        let rng = Rng::new(seed ^ 0x6964_735f_7365_6564);
        Ok(Self { program: program.clone(), silence, process: Some(process), rng, waiting: 0, starts: 1 })
    }

    /// What it says of itself. A first start may be slow: building, warming up.
    pub fn hello(&mut self) -> Result<Claims, HarnessError> {
        let silence = self.silence;
        self.silence = silence.max(Duration::from_secs(60));
        let input = json!({ "shim": 1, "suite": env!("CARGO_PKG_VERSION"), "spec": ["1"] });
        let reply = self.call("hello", &input);
        self.silence = silence;
        let what = |what: String| HarnessError(format!("{}: hello: {what}\n{}", self.program, self.log().join("\n")));
        let reply = reply.map_err(|gone| what(gone.to_string()))?;
        let value = reply.get("value").cloned().unwrap_or_default();
        if reply.get("outcome").and_then(Value::as_str) != Some("accept") {
            return Err(what(format!("it answered {reply}, and not {{\"id\", \"outcome\": \"accept\", \"value\"}}")));
        }
        serde_json::from_value(value)
            .map_err(|error| what(format!("its value does not fit conformance/shim.md: {error}")))
    }

    /// One call, one reply.
    pub fn call(&mut self, op: &str, input: &Value) -> Result<Value, Gone> {
        let id = self.send(op, input)?;
        let (to, reply) = self.receive()?;
        if to == id { Ok(reply) } else { Err(self.end(Gone::Babble(format!("a reply to {to}, which is not asked")))) }
    }

    /// Sends a call; its id.
    pub fn send(&mut self, op: &str, input: &Value) -> Result<String, Gone> {
        let id = format!("{:016x}", self.rng.next());
        let process = match &mut self.process {
            Some(process) => process,
            None => {
                self.starts += 1;
                self.waiting = 0;
                let started = Process::start(&self.program).map_err(|error| Gone::Crashed(error.to_string()))?;
                self.process.insert(started)
            }
        };
        // A process that has ended takes no calls; why it ended is seen when its reply is waited for.
        let _ = process.calls.send(json!({ "id": id, "op": op, "input": input }).to_string());
        self.waiting += 1;
        Ok(id)
    }

    /// The next reply, to whichever call.
    pub fn receive(&mut self) -> Result<(String, Value), Gone> {
        let Some(process) = &mut self.process else { return Err(Gone::Crashed("it is not running".into())) };
        let line = match process.lines.recv_timeout(self.silence) {
            Ok(Line::Said(line)) => line,
            Ok(Line::TooLong) => {
                return Err(self.end(Gone::Babble(format!("a line of more than {LINE_BYTES_MAX} bytes"))));
            }
            Err(RecvTimeoutError::Timeout) => return Err(self.end(Gone::Silent(self.silence))),
            Err(RecvTimeoutError::Disconnected) => {
                let status = process.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(self.end(Gone::Crashed(status)));
            }
        };
        let babble = |what: &str| {
            let begin: String = String::from_utf8_lossy(&line).chars().take(200).collect();
            Gone::Babble(format!("{what}: {begin}"))
        };
        let reply: Value = match serde_json::from_slice(&line) {
            Ok(reply) => reply,
            Err(error) => return Err(self.end(babble(&format!("not JSON ({error})")))),
        };
        match reply.get("id").and_then(Value::as_str).map(str::to_owned) {
            Some(id) => {
                self.waiting -= self.waiting.min(1);
                Ok((id, reply))
            }
            None => Err(self.end(babble("a reply without an id"))),
        }
    }

    /// How many calls have no reply yet.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Ends the process for what it did; the next call starts another.
    pub fn end(&mut self, why: Gone) -> Gone {
        if let Some(process) = &mut self.process {
            // Whether it had ended by itself does not matter.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
        let log = self.log();
        self.process = None;
        self.waiting = 0;
        match why {
            Gone::Crashed(status) if !log.is_empty() => {
                Gone::Crashed(format!("{status}; its log ends: {}", log.join(" | ")))
            }
            why => why,
        }
    }

    /// The end of what it wrote to standard error.
    pub fn log(&self) -> Vec<String> {
        let log = self.process.as_ref().and_then(|process| process.log.lock().ok());
        log.map(|log| log.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.end(Gone::Silent(Duration::ZERO));
    }
}

impl Process {
    fn start(program: &Program) -> std::io::Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (calls, to_write) = channel::<String>();
        let (said, lines) = channel();
        let log = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(mut input) = child.stdin.take() {
            // A thread of its own: a process that does not read must not stop the suite.
            thread::spawn(move || {
                for line in to_write {
                    if writeln!(input, "{line}").and_then(|()| input.flush()).is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || read_lines(BufReader::new(output), &said));
        }
        if let Some(errors) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || keep_log(errors, &log));
        }
        Ok(Self { child, calls, lines, log })
    }
}

fn read_lines(mut output: impl BufRead, said: &Sender<Line>) {
    loop {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = std::io::Read::take(&mut output, limit).read_until(b'\n', &mut line);
        let sent = match read {
            Ok(0) | Err(_) => break,
            Ok(length) if length > LINE_BYTES_MAX => said.send(Line::TooLong),
            Ok(_) => said.send(Line::Said(line)),
        };
        if sent.is_err() {
            break;
        }
    }
}

fn keep_log(errors: ChildStderr, log: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let Ok(mut log) = log.lock() else { break };
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(String::from_utf8_lossy(&line).chars().take(400).collect());
    }
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crashed(status) => write!(f, "the shim ended: {status}"),
            Self::Silent(silence) => write!(f, "the shim said nothing for {} ms", silence.as_millis()),
            Self::Babble(what) => write!(f, "the shim said {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_falls_into_words() {
        let program = Program::parse("python3  'my shim.py' --level \"a b\"c ''").unwrap();
        assert_eq!(program.path, "python3");
        assert_eq!(program.arguments, ["my shim.py", "--level", "a bc", ""]);
        assert_eq!(program.to_string(), "python3 'my shim.py' --level 'a bc' ''");
        assert!(Program::parse("a 'b").is_err());
        assert!(Program::parse(" ").is_err());
    }
}
