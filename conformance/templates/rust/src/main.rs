//! A shim for the Purser conformance suite: JSON lines in, JSON lines out. Copy it, and fill in `call`.
//!
//! Run: `purser-conformance run --shim ./target/debug/my-purser-shim`

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};

/// Whatever your library keeps between calls. `reset` makes a new one.
#[derive(Default)]
struct State {}

/// What a call comes to, other than being done.
enum No {
    /// Refused: a code and a stage of `spec/registries/errors.csv`, and further members of the reply.
    Reject(&'static str, &'static str, Value),
    /// Your library does not have this.
    Unsupported,
    /// The call cannot be read, or your library broke.
    Fault(String),
}

fn hello() -> Value {
    json!({
        "implementation": { "name": "my-purser", "version": env!("CARGO_PKG_VERSION"), "language": "rust" },
        "roles": ["verifier"],            // verifier, issuer, agent, merchant, wallet
        "spec": ["1"],
        "features": ["core"],             // those of chapter 2 that you have
        "in_flight_max": 1,
    })
}

fn call(state: &mut State, op: &str, input: &Map<String, Value>) -> Result<Value, No> {
    match op {
        "hello" => Ok(hello()),
        "reset" => {
            *state = State::default();
            Ok(json!({}))
        }
        "paper.verify" => {
            let (_kind, _paper) = (text(input, "kind")?, bytes(input, "paper")?);
            // let paper = my_library::verify(kind, &paper, ...).map_err(refused)?;
            // Ok(json!({ "id": hex(&paper.id), "payload": hex(&paper.payload) }))
            Err(No::Unsupported)
        }
        // One arm for each operation of `conformance/shim.md` that your roles have.
        _ => Err(No::Unsupported),
    }
}

/// Your errors as codes. Own names will do, where `purser-conformance.toml` maps them: `[codes]` own = "ours".
#[allow(dead_code)]
fn refused(error: &dyn std::error::Error) -> No {
    let _ = error;
    No::Reject("cbor-duplicate-key", "encoding", json!({ "offset": 17 }))
}

fn text<'i>(input: &'i Map<String, Value>, name: &str) -> Result<&'i str, No> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| No::Fault(format!("{name} is no text")))
}

fn bytes(input: &Map<String, Value>, name: &str) -> Result<Vec<u8>, No> {
    let text = text(input, name)?;
    let pair = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes.ok_or_else(|| No::Fault(format!("{name} is not hexadecimal")))
}

#[allow(dead_code)]
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reply(id: &Value, done: Result<Value, No>) -> Value {
    match done {
        Ok(value) => json!({ "id": id, "outcome": "accept", "value": value }),
        Err(No::Unsupported) => json!({ "id": id, "outcome": "unsupported" }),
        Err(No::Fault(message)) => json!({ "id": id, "outcome": "fault", "message": message }),
        Err(No::Reject(code, stage, more)) => {
            let mut reply = json!({ "id": id, "outcome": "reject", "code": code, "stage": stage });
            for (name, value) in more.as_object().into_iter().flatten() {
                reply[name] = value.clone();
            }
            reply
        }
    }
}

fn main() -> io::Result<()> {
    let mut state = State::default();
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?).unwrap_or_default();
        let (op, empty) = (asked["op"].as_str().unwrap_or_default(), Map::new());
        let input = asked["input"].as_object().unwrap_or(&empty);
        // A panic is a fault of this call, and loses no other.
        let done = catch_unwind(AssertUnwindSafe(|| call(&mut state, op, input)));
        let done = done.unwrap_or_else(|_| Err(No::Fault("it panicked; see standard error".into())));
        let mut out = io::stdout().lock();
        writeln!(out, "{}", reply(&asked["id"], done))?;
        out.flush()?;
    }
    Ok(())
}
