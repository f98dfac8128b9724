//! The demo as it is run: what it exits with, what it prints, what it leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use purser_demo::{Options, script};
use purser_protocol::receipt::Outcome;
use serde_json::Value;

/// Longer than anything here takes; fails a test that hangs.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn every_row_comes_out_as_the_script_says() {
    let scratch = Scratch::new("rows");
    let output = scratch.demo().arg("--json").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["schema"], &report["good"]), (&"purser.demo/1".into(), &true.into()));

    let rows = report["rows"].as_array().unwrap();
    let script = script::rows();
    assert_eq!(rows.len(), script.len());
    for (row, expected) in rows.iter().zip(&script) {
        assert_eq!(row["row"], expected.row);
        if row["skipped"] != Value::Null {
            assert!(expected.row.starts_with('9'), "{row}");
            continue;
        }
        assert_eq!(row["outcome"], expected.outcome.name(), "{row}");
        assert_eq!(row["code"].as_str(), expected.code.map(|code| code.slug()), "{row}");
        assert_eq!(row["amount"], expected.amount, "{row}");
        assert_eq!(row["moved_minor"], expected.moves_minor, "{row}");
        assert_eq!(row["wrong"], Value::Null, "{row}");
    }
    let played = script.iter().zip(rows).filter(|(_, row)| row["skipped"] == Value::Null);
    let left: i64 = played.map(|(expected, _)| expected.moves_minor).sum::<i64>() + 1_000_000;
    let books = &report["books"];
    assert_eq!((&books["agree"], &books["account_minor"]), (&true.into(), &left.into()));
    // One for each payment, each command and each mandate; a payment that waited has the later one.
    assert!(books["receipts_verified"].as_u64().unwrap() > rows.len() as u64);

    assert!(scratch.is_empty(), "the folder is gone");
    gone(&report);
}

#[test]
fn the_table_says_the_same() {
    let scratch = Scratch::new("table");
    let output = scratch.demo().output().unwrap();
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).unwrap();
    let rows = table.lines().filter(|line| line.ends_with(" ms")).count();
    let skipped = table.lines().filter(|line| line.contains(" SKIPPED: ")).count();
    assert_eq!(rows + skipped, script::rows().len(), "{table}");
    assert!(skipped == 0 || table.contains(&format!(", {skipped} skipped")), "{table}");
    assert!(table.contains(&format!("{rows} of {rows} rows as they must be")), "{table}");
    assert!(table.contains("the books agree") && !table.contains("NOT AS"), "{table}");
}

/// Each is wrong in one row and in one thing only.
#[tokio::test]
async fn a_row_that_comes_out_otherwise_is_a_failure() {
    let expecting = |row: &str, change: fn(&mut script::Expected)| {
        let mut script = script::rows();
        change(script.iter_mut().find(|expected| expected.row == row).unwrap());
        script
    };
    let scripts = [
        (ExitCode::SUCCESS, script::rows()),
        (ExitCode::FAILURE, expecting("2b", |row| row.outcome = Outcome::Settled)),
        (ExitCode::FAILURE, expecting("3c", |row| row.code = None)),
        (ExitCode::FAILURE, expecting("8", |row| row.moves_minor *= 2)),
        (ExitCode::FAILURE, script::rows().into_iter().skip(1).collect()),
    ];
    for (place, (expected, script)) in scripts.into_iter().enumerate() {
        let options = Options { server: env!("CARGO_BIN_EXE_purser-demo").into(), keep: false, json: true };
        assert_eq!(purser_demo::run_against(options, script).await, expected, "{place}");
    }
}

#[test]
fn what_is_kept_runs_until_it_is_told_to_end() {
    let scratch = Scratch::new("keep");
    let mut demo = Demo(scratch.demo().args(["--json", "--keep"]).stdout(Stdio::piped()).spawn().unwrap());
    let report = demo.report();
    for role in ["issuer", "merchant"] {
        assert!(TcpStream::connect(addr(&report, role)).is_ok());
    }
    let told = Command::new("kill").args(["-INT", &demo.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(demo.0.wait().unwrap().code(), Some(130));
    gone(&report);
    let dir = PathBuf::from(report["dir"].as_str().unwrap());
    assert!(dir.join("issuer.toml").exists() && dir.join("home/config.toml").exists());
}

#[test]
fn a_demo_that_is_killed_leaves_no_server_behind() {
    let scratch = Scratch::new("killed");
    let mut demo = Demo(scratch.demo().args(["--json", "--keep"]).stdout(Stdio::piped()).spawn().unwrap());
    let report = demo.report();
    demo.0.kill().unwrap();
    demo.0.wait().unwrap();
    // Nobody is left to wait for the servers; they end by themselves, and soon.
    let began = Instant::now();
    for role in ["issuer", "merchant"] {
        while TcpStream::connect(addr(&report, role)).is_ok() {
            assert!(began.elapsed() < LONG, "the {role} is still there");
            std::thread::yield_now();
        }
    }
}

/// A demo that does not outlive its test.
struct Demo(Child);

impl Demo {
    fn report(&mut self) -> Value {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gone(report: &Value) {
    for role in ["issuer", "merchant"] {
        assert!(TcpStream::connect(addr(report, role)).is_err(), "the {role} is gone");
    }
}

fn addr<'a>(report: &'a Value, role: &str) -> &'a str {
    report[role].as_str().unwrap().strip_prefix("https://").unwrap()
}

/// The folder in which the demo makes its own.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn demo(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_purser-demo"));
        command.env("TMPDIR", &self.0).stdin(Stdio::null());
        command
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).unwrap().next().is_none()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
