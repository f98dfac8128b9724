//! Carries the chapters of `spec/` into the program, so that it can say what a clause asks without the repository.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let missing = |name| io::Error::other(format!("{name} is not set"));
    let spec =
        Path::new(&env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?).join("../spec");
    let out = env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?;
    println!("cargo::rerun-if-changed={}", spec.display());
    let mut chapters: Vec<_> = fs::read_dir(&spec)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    chapters.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    // What is made from the cases says nothing that the program does not know.
    chapters.retain(|path| path.file_name().is_some_and(|name| name != "C-conformance.md"));
    chapters.sort();
    let mut table = String::from("&[\n");
    for path in chapters {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = fs::canonicalize(&path)?;
        writeln!(table, "    ({name:?}, include_str!({:?})),", path.display().to_string()).map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(Path::new(&out).join("chapters.rs"), table)
}
