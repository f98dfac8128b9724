//! The program: an honest subject, one with a fault of its own, or one with no honest core at all.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::broken;
use crate::shim::Subject;

/// Programs whose shape is wrong, whatever they would have answered.
pub const STRUCTURES: &[(&str, &str)] = &[
    ("accept-all", "accepts everything"),
    ("reject-all", "refuses everything, with one code"),
    ("reject-unseen", "refuses whatever it has not seen before"),
    ("wrong-code", "refuses what must be refused, always with one code"),
    ("wrong-stage", "refuses with the right code at another stage"),
    ("previous-answer", "answers the question before"),
    ("previous-id", "answers with the id of the call before"),
    ("crash-one-in-fifty", "ends at every fiftieth call"),
    ("echo", "accepts, and gives the input back as the value"),
    ("bad-json", "writes half of its replies"),
    ("sleep", "stops answering at every hundredth call"),
    ("moody", "refuses every third thing that it should accept"),
    ("substring", "refuses what has a suspicious word in it, and accepts all else"),
    ("memoriser", "knows the published vectors by heart, and nothing else"),
    ("unsupported", "claims everything and supports nothing"),
    ("fault", "reports a fault for everything"),
    ("no-state", "answers as it should and says that its state is empty"),
];

/// The command line. `--trace` is honest too, and says what a fault could have changed. `--honest` names shapes that are
/// not broken: many calls in flight, one role, own names of codes, a clock of its own. Exit status 2 for a name that is
/// not known.
pub fn main(arguments: &[&str], input: impl BufRead, output: impl Write) -> ExitCode {
    match arguments {
        ["--list"] => {
            list(output);
            ExitCode::SUCCESS
        }
        [] => serve(input, output, &mut Honest::default()),
        ["--fault", name] if broken::turn_on(name) => serve(input, output, &mut Honest::default()),
        ["--trace"] => serve(input, output, &mut Traced::default()),
        ["--honest", name @ ("in-flight" | "verifier-only" | "own-codes" | "own-clock" | "late-clock")] => {
            serve(input, output, &mut Shaped { name: (*name).to_owned(), ..Shaped::default() })
        }
        ["--as", name] if STRUCTURES.iter().any(|(known, _)| known == name) => {
            serve(input, output, &mut Shaped { name: (*name).to_owned(), ..Shaped::default() })
        }
        _ => {
            eprintln!("purser-broken --fault NAME | --as STRUCTURE | --list | --trace; without a name it is honest");
            ExitCode::from(2)
        }
    }
}

fn list(mut output: impl Write) {
    let faults = broken::FAULTS
        .iter()
        .map(|fault| json!({ "kind": "fault", "name": fault.name, "says": fault.says, "clauses": fault.clauses }));
    let structures = STRUCTURES.iter().map(|(name, says)| json!({ "kind": "as", "name": name, "says": says }));
    for line in faults.chain(structures) {
        // Whoever reads may have stopped reading.
        let _ = writeln!(output, "{line}");
    }
}

/// Something that answers lines.
trait Answers {
    /// The line to answer with; `None` to end the process.
    fn answer(&mut self, line: &str) -> Option<String>;
}

fn serve(input: impl BufRead, mut output: impl Write, subject: &mut dyn Answers) -> ExitCode {
    for line in input.lines().map_while(Result::ok) {
        let Some(reply) = subject.answer(&line) else { return ExitCode::from(101) };
        if writeln!(output, "{reply}").and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Honest(Subject);

impl Answers for Honest {
    fn answer(&mut self, line: &str) -> Option<String> {
        Some(self.0.line(line).to_string())
    }
}

/// The same, and each reply says which faults' switches were asked for since the last `reset`.
#[derive(Default)]
struct Traced {
    honest: Subject,
    reached: BTreeSet<&'static str>,
}

impl Answers for Traced {
    fn answer(&mut self, line: &str) -> Option<String> {
        let call: Value = serde_json::from_str(line).unwrap_or_default();
        let op = call.get("op").and_then(Value::as_str).unwrap_or_default();
        if op == "reset" {
            self.reached.clear();
            broken::reached();
        }
        let mut reply = self.honest.line(line);
        if op != "hello" {
            // What a case asks for behind its call is asked for here.
            self.honest.line(r#"{"op":"state.get","input":{}}"#);
        }
        self.reached.extend(broken::reached());
        reply["reached"] = json!(self.reached);
        Some(reply.to_string())
    }
}

/// An honest subject, and what becomes of its replies.
#[derive(Default)]
struct Shaped {
    name: String,
    honest: Subject,
    calls: usize,
    before: Option<Value>,
    seen: HashSet<String>,
    /// What was asked since the last `reset`, for who knows answers by heart: some depend on what came before.
    asked: String,
}

impl Answers for Shaped {
    fn answer(&mut self, line: &str) -> Option<String> {
        let mut call: Value = serde_json::from_str(line).unwrap_or_default();
        let op = call.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
        match self.name.as_str() {
            "own-clock" => set(&mut call["input"], now_seconds()),
            "late-clock" => set(&mut call["input"], now_seconds() + LATE_SECONDS),
            _ => {}
        }
        let line = &call.to_string();
        if op == "hello" {
            let mut hello = self.honest.line(line);
            match self.name.as_str() {
                "in-flight" => hello["value"]["in_flight_max"] = json!(8),
                "verifier-only" => hello["value"]["roles"] = json!(["verifier"]),
                "own-clock" | "late-clock" => hello["value"]["clock"] = json!("own"),
                _ => {}
            }
            return Some(hello.to_string());
        }
        self.calls += 1;
        let honest = self.honest.line(line);
        let said = honest.get("outcome").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_help = matches!(op.as_str(), "reset" | "state.get" | "state.put") || op.ends_with(".start");
        let refusal = || json!({ "outcome": "reject", "code": "cose-tag", "stage": "framing" });
        let reply = match self.name.as_str() {
            "accept-all" => json!({ "outcome": "accept", "value": {} }),
            "reject-all" => refusal(),
            "reject-unseen" if !is_help && self.seen.insert(call.get("input").unwrap_or(&Value::Null).to_string()) => {
                refusal()
            }
            "wrong-code" if said == "reject" => refusal(),
            "wrong-stage" if said == "reject" => {
                let mut reply = honest;
                reply["stage"] = json!("http");
                reply
            }
            "previous-answer" => {
                let before = self.before.replace(honest.clone());
                before.unwrap_or(honest)
            }
            "previous-id" => {
                let before = self.before.replace(call.get("id").cloned().unwrap_or_default());
                let mut reply = honest;
                reply["id"] = before.unwrap_or_default();
                return Some(reply.to_string());
            }
            "crash-one-in-fifty" if self.calls.is_multiple_of(50) => return None,
            "echo" => json!({ "outcome": "accept", "value": call.get("input") }),
            "bad-json" if !is_help => {
                let text = with(&call, honest);
                return Some(text[..text.len() / 2].to_owned());
            }
            "sleep" if self.calls.is_multiple_of(100) => {
                std::thread::sleep(Duration::from_secs(3_600));
                honest
            }
            "moody" if said == "accept" && !is_help && self.calls.is_multiple_of(3) => refusal(),
            "substring" if ["invalid", "bad", "error", "evil"].iter().any(|word| line.contains(word)) => refusal(),
            "substring" => json!({ "outcome": "accept", "value": {} }),
            "memoriser" if op == "reset" => {
                self.asked.clear();
                honest
            }
            "memoriser" => {
                self.asked += &asked(&op, call.get("input").unwrap_or(&Value::Null));
                remembered(&self.asked)
            }
            "unsupported" => json!({ "outcome": "unsupported" }),
            "fault" => json!({ "outcome": "fault", "message": "out of order" }),
            "own-codes" if said == "reject" => {
                let mut reply = honest;
                reply["code"] = json!(format!("E_{}", reply["code"].as_str().unwrap_or_default()));
                reply
            }
            "no-state" if op == "state.get" => json!({ "outcome": "accept", "value": {} }),
            _ => honest,
        };
        Some(with(&call, reply))
    }
}

/// What the published vectors say must come of these calls; of any others, acceptance.
fn remembered(calls: &str) -> Value {
    static KNOWN: LazyLock<HashMap<u64, Value>> = LazyLock::new(|| {
        let mut known = HashMap::new();
        for area in purser_test_vectors::load().unwrap_or_default() {
            for case in area.cases {
                let setup = case.setup.and_then(|name| area.setups.get(&name)).into_iter().flatten();
                let calls = setup.map(|call| (call, call.expect.as_ref())).chain([(&case.call, Some(&case.expect))]);
                let mut so_far = String::new();
                for (call, expect) in calls {
                    so_far += &asked(&call.op, &call.input);
                    let Some(expect) = expect else { continue };
                    let reply = json!({
                        "outcome": expect.outcome.to_string(), "code": expect.code, "stage": expect.stage,
                        "value": expect.value.clone().unwrap_or_else(|| json!({})),
                    });
                    known.insert(digest(&so_far), reply);
                }
            }
        }
        known
    });
    KNOWN.get(&digest(calls)).cloned().unwrap_or_else(|| json!({ "outcome": "accept", "value": {} }))
}

/// A call, as it is remembered.
fn asked(op: &str, input: &Value) -> String {
    format!("{op} {input}\n")
}

fn digest(calls: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    calls.hash(&mut hasher);
    hasher.finish()
}

/// The reply to a call.
fn with(call: &Value, mut reply: Value) -> String {
    reply["id"] = call.get("id").cloned().unwrap_or_default();
    reply.to_string()
}

/// What a run may take at the longest: what comes of a case of now is the same as much later.
const LATE_SECONDS: u64 = 300;

/// What a clock says that nobody sets.
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Passes over what a call says of the time.
fn set(input: &mut Value, now: u64) {
    match input {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "now" { *value = now.into() } else { set(value, now) }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| set(entry, now)),
        _ => {}
    }
}
