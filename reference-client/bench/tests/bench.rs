//! The program from end to end, small: what it says, and that the store that it fills is good. How fast it is is no test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_purser-bench")).args(arguments).output().unwrap()
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn audit(folder: &Folder) -> Value {
    let config = folder.0.join("issuer.toml");
    let audited = bench(&["server", "audit", "--config", config.to_str().unwrap()]);
    serde_json::from_slice(&audited.stdout).unwrap()
}

#[test]
fn a_store_is_filled_measured_and_found_good() {
    let folder = Folder::new("bench");
    let filled = bench(&["--dir", folder.text(), "--mandates", "3", "--fill", "700"]);
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    let audited = audit(&folder);
    assert_eq!((&audited["verdict"], &audited["receipts"]), (&"good".into(), &(3 * 3 + 700).into()), "{audited}");

    let chart = folder.0.join("chart.svg");
    let load = ["--only", "unloaded,closed,hot,open", "--seconds", "1", "--connections", "2", "--streams", "4"];
    let measured = bench(&[&["--dir", folder.text(), "--svg", chart.to_str().unwrap()], &load[..]].concat());
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let text = String::from_utf8(measured.stdout).unwrap();
    let figures: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&figures["schema"], &figures["answers_wrong"]), (&"purser.bench/1".into(), &0.into()));
    assert!(figures["floor_ratio"].as_f64().unwrap() > 0.0, "{figures}");
    assert!(figures["cpu_ratio"].as_f64().unwrap() > 0.0, "{figures}");
    assert!(figures["receipts_verified"].as_u64().unwrap() > 0, "{figures}");
    assert!(figures["closed"]["latency"]["p50_ms"].as_f64().unwrap() > 0.0, "{figures}");
    assert!(std::fs::read_to_string(chart).unwrap().ends_with("</svg>\n"));

    let paid: u64 = ["unloaded", "closed", "hot", "open"].iter().map(|phase| paid(&figures, phase)).sum();
    let audited = audit(&folder);
    assert_eq!(audited["verdict"], "good", "{audited}");
    // Those of the time that does not count are in the store too.
    assert!(audited["receipts"].as_u64().unwrap() >= 709 + paid, "{audited}");
}

fn paid(figures: &Value, phase: &str) -> u64 {
    let measured = &figures[phase];
    assert_eq!(measured["refused"], serde_json::json!({}), "{phase}: {figures}");
    measured["payments"].as_u64().unwrap()
}

#[test]
fn wrong_usage_is_told_from_failure() {
    assert_eq!(bench(&["--fill", "1"]).status.code(), Some(2), "a store is filled in a folder that stays");
    assert_eq!(bench(&["--help"]).status.code(), Some(0));
}
