//! Copies of sources, with a switch at each line that a fault is about. Build scripts take this in by its path.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde::Deserialize;

/// All faults of a crate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    fault: Vec<Fault>,
}

/// A fault: what is wrong, whom it breaks with, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    says: String,
    #[serde(default)]
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

impl Faults {
    /// Reads them.
    pub fn read(path: &Path) -> io::Result<Self> {
        toml::from_str(&fs::read_to_string(path)?).map_err(io::Error::other)
    }
}

/// Copies a folder of sources.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &target)? } else { copy_file(&entry.path(), &target)? }
    }
    Ok(())
}

/// Copies one.
pub fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let (from_folder, to_folder) = (from.parent().unwrap_or(from), to.parent().unwrap_or(to));
    fs::create_dir_all(to_folder)?;
    let text = fs::read_to_string(from)?;
    // What a source includes from above its folder stays where it is.
    let home = from_folder.canonicalize()?;
    // The sources' own tests are run where they stand.
    let text = text.replace("#[cfg(test)]", "#[cfg(any())]");
    fs::write(to, text.replace("include_str!(\"..", &format!("include_str!(\"{}/..", home.display())))
}

/// Puts the switches in; the names of faults that have no place.
pub fn apply(faults: &Faults, out: &Path) -> io::Result<Vec<String>> {
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

/// The faults as constants.
pub fn table(faults: &Faults, unfit: &[String]) -> String {
    let mut text = String::from("pub const FAULTS: &[Fault] = &[\n");
    for Fault { name, says, clauses, .. } in &faults.fault {
        text.push_str(&format!("    Fault {{ name: {name:?}, says: {says:?}, clauses: &{clauses:?} }},\n"));
    }
    text.push_str(&format!("];\npub const UNFIT: &[&str] = &{unfit:?};\n"));
    text
}
