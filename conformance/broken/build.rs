//! Makes the broken programs: the sources of the protocol and of its shim, with a switch at each line that a fault
//! of `faults.toml` is about. Which fault is on is chosen when the program runs.
//!
//! A fault that fits no line any more breaks no build; a test names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    fault: Vec<Fault>,
}

/// A fault: what is wrong, whom it breaks with, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    says: String,
    clauses: Vec<String>,
    file: String,
    find: String,
    #[serde(default)]
    put: String,
    /// Further places.
    #[serde(default)]
    also: Vec<Place>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    file: String,
    find: String,
    #[serde(default)]
    put: String,
}

/// What stands at one place of the sources: by fault, what it puts there.
type Edits = BTreeMap<(String, String), Vec<(usize, String)>>;

fn main() -> io::Result<()> {
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sources");
    let protocol = home.join("../../protocol/src");
    let shim = home.join("../subjects/reference/src");
    for path in [&protocol, &shim, &home.join("faults.toml")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    copy(&protocol, &out)?;
    copy(&shim, &out.join("shim"))?;
    fs::rename(out.join("shim/lib.rs"), out.join("shim.rs"))?;
    fs::remove_file(out.join("shim/main.rs"))?;

    let text = fs::read_to_string(home.join("faults.toml"))?;
    let faults: Faults = toml::from_str(&text).map_err(io::Error::other)?;
    let unfit = apply(&faults, &out)?;

    remember_verdicts(&out.join("sign/backend/portable.rs"))?;

    let map = fs::read_to_string(out.join("lib.rs"))?;
    let map = map.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    fs::write(out.join("lib.rs"), format!("{map}\npub mod shim;\n"))?;
    fs::write(out.join("faults.rs"), table(&faults, &unfit))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            let text = fs::read_to_string(entry.path())?;
            // What a source includes from above its folder stays where it is.
            let home = from.canonicalize()?;
            // The sources' own tests are run where they stand.
            let text = text.replace("#[cfg(test)]", "#[cfg(any())]");
            fs::write(target, text.replace("include_str!(\"..", &format!("include_str!(\"{}/..", home.display())))?;
        }
    }
    Ok(())
}

/// Puts the switches in; the names of faults that have no place.
fn apply(faults: &Faults, out: &Path) -> io::Result<Vec<String>> {
    let mut edits = Edits::new();
    for (number, fault) in faults.fault.iter().enumerate() {
        let first = Place { file: fault.file.clone(), find: fault.find.clone(), put: fault.put.clone() };
        for place in std::iter::once(&first).chain(&fault.also) {
            edits.entry((place.file.clone(), place.find.clone())).or_default().push((number, place.put.clone()));
        }
    }
    let mut unfit = Vec::new();
    for ((file, find), puts) in edits {
        let path = out.join(&file);
        let source = fs::read_to_string(&path).unwrap_or_default();
        if source.matches(&find).count() != 1 {
            unfit.extend(puts.iter().map(|(number, _)| faults.fault[*number].name.clone()));
            continue;
        }
        // What is no expression brings its own switch.
        if let [(number, put)] = puts.as_slice()
            && put.contains("$on")
        {
            let put = put.replace("$on", &format!("crate::broken::is({number})"));
            fs::write(&path, source.replacen(&find, &put, 1))?;
            continue;
        }
        // A statement keeps its semicolon outside the switch, so that both sides may be nothing.
        let (body, end) = find.strip_suffix(';').map_or((find.as_str(), ""), |body| (body, ";"));
        let body = if end.is_empty() { body.to_owned() } else { format!("{body};") };
        let mut switched = format!("{{ {body} }}");
        for (number, put) in puts.iter().rev() {
            switched = format!("if crate::broken::is({number}) {{ {put} }} else {switched}");
        }
        let switched = if end.is_empty() { format!("({switched})") } else { switched };
        fs::write(&path, source.replacen(&find, &switched, 1))?;
    }
    unfit.sort();
    unfit.dedup();
    Ok(unfit)
}

/// No signature is verified twice: every case begins with the same setups, and there are many programs to run.
fn remember_verdicts(backend: &Path) -> io::Result<()> {
    let source = fs::read_to_string(backend)?;
    let verdict = "key.verify_prehash(digest, &signature)";
    let remembered = format!(
        "crate::broken::once(key.to_sec1_point(false).as_bytes(), digest, &signature.to_bytes(), || {verdict}.is_ok())"
    );
    fs::write(backend, source.replace(verdict, &remembered))
}

fn table(faults: &Faults, unfit: &[String]) -> String {
    let mut text = String::from("pub const FAULTS: &[Fault] = &[\n");
    for Fault { name, says, clauses, .. } in &faults.fault {
        text.push_str(&format!("    Fault {{ name: {name:?}, says: {says:?}, clauses: &{clauses:?} }},\n"));
    }
    text.push_str(&format!("];\npub const UNFIT: &[&str] = &{unfit:?};\n"));
    text
}
