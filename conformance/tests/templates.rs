//! The templates of shims are built as they are, reach `hello`, and say of every case that it is not implemented.
//!
//! Where a language is not at hand its template is passed over, aloud; `PURSER_REQUIRE_ALL=1` makes that a failure.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest template, in lines.
const LINES_MAX: usize = 150;

#[test]
fn python_reaches_hello() {
    let Some(shim) = copied("python", "shim.py") else { return };
    reaches_hello("python3", &["--version"], &[], &format!("python3 {}", shim.display()));
}

#[test]
fn go_reaches_hello() {
    let Some(main) = copied("go", "main.go") else { return };
    let folder = main.parent().unwrap();
    let built = folder.join("shim");
    // Nothing is fetched: the template needs no module but its own.
    let build = format!("cd '{}' && GOFLAGS=-mod=mod go build -o shim .", folder.display());
    reaches_hello("go", &["version"], &[&build], &built.display().to_string());
}

#[test]
fn typescript_reaches_hello() {
    let Some(shim) = copied("typescript", "shim.mts") else { return };
    let folder = shim.parent().unwrap();
    // The compiler and the types of Node.js, where `PURSER_NODE_MODULES` has them.
    let modules = env::var_os("PURSER_NODE_MODULES").map(PathBuf::from);
    let Some(modules) = modules.filter(|modules| modules.join(".bin/tsc").exists()) else {
        return passed_over("no TypeScript at PURSER_NODE_MODULES");
    };
    let link = format!("ln -sfn '{}' '{}/node_modules'", modules.display(), folder.display());
    let options = "--target es2022 --module nodenext --strict --types node";
    let build = format!("cd '{}' && node_modules/.bin/tsc {options} shim.mts", folder.display());
    let shim = format!("node {}/shim.mjs", folder.display());
    reaches_hello("node", &["--version"], &[&link, &build], &shim);
}

#[test]
fn rust_reaches_hello() {
    let Some(main) = copied("rust", "src/main.rs") else { return };
    let folder = main.parent().unwrap().parent().unwrap();
    // The same versions as here, which are at hand.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    let target = folder.join("target");
    let build = format!(
        "cargo build --quiet --offline --manifest-path '{}/Cargo.toml' --target-dir '{}'",
        folder.display(),
        target.display()
    );
    reaches_hello("cargo", &["--version"], &[&build], &format!("{}/debug/my-purser-shim", target.display()));
}

/// A copy of a template in a folder of its own: the path of its file.
fn copied(language: &str, file: &str) -> Option<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(language);
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates").join(language);
    copy(&from, &to);
    let text = fs::read_to_string(to.join(file)).unwrap();
    assert!(text.lines().count() < LINES_MAX, "{language}: {} lines", text.lines().count());
    Some(to.join(file))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn passed_over(what: &str) {
    eprintln!("PASSED OVER: {what}");
    assert_ne!(env::var("PURSER_REQUIRE_ALL").as_deref(), Ok("1"), "{what}");
}

/// Builds it, where its language is there, and puts it to the suite.
fn reaches_hello(language: &str, version: &[&str], builds: &[&str], shim: &str) {
    if !Command::new(language).args(version).output().is_ok_and(|there| there.status.success()) {
        return passed_over(&format!("no {language}"));
    }
    for build in builds {
        let built = Command::new("sh").args(["-c", build]).output().unwrap();
        let said = [built.stdout, built.stderr].concat();
        assert!(built.status.success(), "{build}: {}", String::from_utf8_lossy(&said));
    }
    let suite = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_purser-conformance")).args(arguments).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    let (code, said) = suite(&["hello", "--shim", shim]);
    assert!(code == Some(0) && said.contains("my-purser") && said.contains("cases apply"), "{said}");
    let (code, said) = suite(&["run", "--shim", shim, "--filter", "framing", "--silence", "60"]);
    assert_eq!(code, Some(1), "{said}");
    // One line says what is not there yet, and nothing is said to be wrong or kept.
    assert!(said.contains("not implemented: ") && said.contains("verifier 1: in part: 0/"), "{said}");
    for wrong in ["crashed", "fault:", "no reply", "timed out", "wrong"] {
        assert!(!said.contains(wrong), "{said}");
    }
}
