//! The test vectors: made here, kept in `test-vectors/`.
//!
//! What must come of each case stands in the tables below, beside the clause that asks for it. Nothing is recorded
//! from what an implementation answered; a test runs every case through the protocol crate and compares.

#![allow(clippy::type_complexity, reason = "the rows of tables hold changes")]

mod accounts;
mod bridge;
mod cbor;
mod certificates;
mod certs;
mod codes;
mod confirmations;
mod disputes;
mod encoding;
mod flags;
mod flows;
mod forge;
mod framing;
mod headers;
mod http;
mod issuer;
mod keys;
mod log;
mod mandates;
mod model;
mod moment;
mod papers;
mod parties;
mod payments;
mod print;
mod receipts;
mod rendering;
mod rules;
mod schema;
mod sheet;
mod signature;
mod time;
mod tokens;
mod world;

use std::path::Path;
use std::{fmt, fs, io};

use purser_test_vectors::Area;

pub use flags::flags;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The folder of the vectors, from the root.
const FOLDER: &str = "test-vectors/";

/// Every area, in the order of its stages.
pub fn areas() -> Vec<Area> {
    let mut areas = vec![
        framing::area(),
        encoding::area(),
        headers::area(),
        certificates::area(),
        signature::area(),
        schema::area(),
        rules::area(),
        time::area(),
        payments::area(),
        mandates::area(),
        flows::area(),
        accounts::area(),
        confirmations::area(),
        receipts::area(),
        log::area(),
        http::area(),
        rendering::area(),
        tokens::area(),
        bridge::area(),
        codes::area(),
        disputes::area(),
    ];
    areas.extend(parties::areas());
    flags::raise(&mut areas);
    areas
}

/// The same cases with keys, nonces and ids that nobody has published, so that to know the files by heart helps nobody.
pub fn minted(seed: u64) -> Vec<Area> {
    keys::minted(seed, areas)
}

/// The same as of now, for whoever reads a clock and takes no time from a call. What is said in words, such as the time
/// in a rendering, stays as it is; cases of other times stay so many seconds from it as they were.
pub fn minted_at(seed: u64, now_seconds: u64) -> Vec<Area> {
    keys::minted(seed, || {
        let mut areas = moment::at(now_seconds, || {
            let mut areas = areas();
            moment::settle(&mut areas);
            areas
        });
        let is_text = |area: &Area| area.area == "rendering";
        areas.retain(|area| !is_text(area));
        areas.push(rendering::area());
        areas
    })
}

/// Every file that is made here: its path from the root, and its text.
pub fn files() -> Vec<(String, String)> {
    let areas = areas();
    let mut files: Vec<(String, String)> =
        areas.iter().map(|area| (format!("{FOLDER}v1/{}.json", area.area), print::area(area))).collect();
    files.push((format!("{FOLDER}keys.json"), print::list(&keys::table())));
    let lock = lock(&areas, &files);
    files.push((format!("{FOLDER}vectors.lock"), lock));
    files
}

/// A file that is not as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path from the root.
    pub path: String,
    /// The first line that differs, from 1.
    pub line: usize,
    /// What stands on it, as far as it says where it is.
    pub about: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: `purser-conformance vectors write` makes it anew", self.path, self.line, self.about)
    }
}

/// Makes every file in memory and compares; the first difference of each file.
pub fn check(root: &Path) -> Vec<Difference> {
    files().iter().filter_map(|(path, made)| difference(root, path, made)).collect()
}

/// Writes every file.
pub fn write(root: &Path) -> io::Result<Vec<String>> {
    files()
        .into_iter()
        .map(|(path, text)| {
            let file = root.join(&path);
            file.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(file, text).map(|()| path)
        })
        .collect()
}

fn difference(root: &Path, path: &str, made: &str) -> Option<Difference> {
    let there = match fs::read_to_string(root.join(path)) {
        Ok(there) if there == made => return None,
        Ok(there) => there,
        Err(error) => return Some(Difference { path: path.to_owned(), line: 1, about: error.to_string() }),
    };
    let (mut kept, mut wanted) = (there.split('\n'), made.split('\n'));
    for line in 1.. {
        match (kept.next(), wanted.next()) {
            (None, None) => break,
            (is, should) if is == should => {}
            (is, should) => {
                let begin = |text: Option<&str>| text.map_or("nothing".into(), |text| text.chars().take(80).collect());
                let (is, should): (String, String) = (begin(is), begin(should));
                let about = if is == should { should } else { format!("{is}, not {should}") };
                return Some(Difference { path: path.to_owned(), line, about });
            }
        }
    }
    None
}

/// The hash of every file, and how many cases there are of what.
fn lock(areas: &[Area], files: &[(String, String)]) -> String {
    let digest = |text: &str| hex(&Sha256::digest(text));
    let hashes = files.iter().map(|(path, text)| (path[FOLDER.len()..].to_owned(), Value::from(digest(text))));
    let hashes: serde_json::Map<String, Value> = hashes.collect();
    let counts = areas.iter().map(|area| (area.area.clone(), Value::from(area.cases.len())));
    let counts: serde_json::Map<String, Value> = counts.collect();
    let cases: usize = areas.iter().map(|area| area.cases.len()).sum();
    let lock = json!({"format": purser_test_vectors::FORMAT, "cases": cases, "areas": counts, "sha256": hashes});
    serde_json::to_string_pretty(&lock).unwrap_or_default() + "\n"
}

/// Bytes as they stand in the files.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
