//! The program: what it prints and with what status it ends.

use std::path::Path;
use std::process::{Command, Output};

use super::copy::{Copy, workspace};

#[test]
fn the_specification_of_this_workspace_is_whole() {
    let output = spec("check", &workspace());
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains(" clauses: "), "{output:?}");
}

#[test]
fn what_is_wrong_is_printed_with_its_place_and_ends_in_1() {
    let copy = Copy::new("command");
    let chapter = "spec/01-introduction.md";
    let output = copy.with(chapter, "# 1. Introduction", "# 1. What you MUST read", |_| spec("check", &copy.root));
    assert_eq!(output.status.code(), Some(1));
    let line = format!("{chapter}:1: a key word of BCP 14 stands outside a clause: \"What you MUST read\"");
    assert!(text(&output.stderr).lines().any(|printed| printed.starts_with(&line)), "{output:?}");
    assert!(text(&output.stderr).contains(": make it a clause, write it in lower case"), "{output:?}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let output = spec("check", Path::new(env!("CARGO_TARGET_TMPDIR")));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("spec: "), "{output:?}");
}

#[test]
fn write_mends_what_is_made_from_registries() {
    let copy = Copy::new("write");
    let chapter = "spec/15-errors.md";
    let whole = copy.read(chapter);
    let mended = copy.with(chapter, "| 21 | `cbor-trailing` |", "| 21 | `gone` |", |_| {
        let output = spec("write", &copy.root);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout), format!("{chapter}\n"));
        copy.read(chapter)
    });
    assert_eq!(mended, whole);
    assert_eq!(text(&spec("write", &copy.root).stdout), "", "there is nothing left to write");
}

fn spec(command: &str, root: &Path) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_purser-conformance"));
    program.args(["spec", command, "--root"]).arg(root).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
