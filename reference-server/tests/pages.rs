//! The modules of the page, under the vectors.

#![allow(clippy::panic, reason = "a test that cannot run its case has failed")]

use std::env;
use std::process::Command;

#[test]
fn the_page_shows_the_texts_of_the_vectors() {
    node(concat!(env!("CARGO_MANIFEST_DIR"), "/pages/tests/vectors.mjs"));
}

#[test]
fn the_page_has_its_words_in_every_language() {
    node(concat!(env!("CARGO_MANIFEST_DIR"), "/pages/tests/words.mjs"));
}

fn node(script: &str) {
    match Command::new("node").arg(script).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("SKIPPED: there is no Node.js to run {script}: {error}");
            assert_ne!(env::var("PURSER_REQUIRE_ALL").as_deref(), Ok("1"), "no Node.js");
        }
    }
}
