//! The files that are compared, by their paths.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use super::appendix;

/// The contents of `spec/`, of every crate's Rust and of the vectors; paths count from the root, with slashes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads all of it from the root of the workspace.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.folder(&root.join("spec"), "spec", &["md", "csv", "cddl", "edn", "lock"])?;
        for entry in sorted(root)? {
            if entry.path.join("Cargo.toml").is_file() {
                tree.folder(&entry.path, &entry.name, &["rs", "json"])?;
            }
        }
        Ok(tree)
    }

    /// What a file holds.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The files below a folder that end in `suffix`, in the order of their paths.
    pub(super) fn below<'t>(&'t self, folder: &'t str, suffix: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| path.starts_with(folder) && path.ends_with(suffix))
    }

    /// The chapters.
    pub(super) fn chapters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.below("spec/", ".md").filter(|(path, _)| *path != appendix::PATH)
    }

    fn folder(&mut self, folder: &Path, name: &str, kinds: &[&str]) -> io::Result<()> {
        for entry in sorted(folder)? {
            let path = format!("{name}/{}", entry.name);
            if entry.path.is_dir() {
                self.folder(&entry.path, &path, kinds)?;
            } else if entry.path.extension().is_some_and(|kind| kinds.iter().any(|&known| kind == known)) {
                let text = fs::read_to_string(&entry.path);
                let text = text.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
                self.files.insert(path, text);
            }
        }
        Ok(())
    }
}

struct Entry {
    name: String,
    path: std::path::PathBuf,
}

/// What stands in a folder, without hidden things and what builds leave behind.
fn sorted(folder: &Path) -> io::Result<Vec<Entry>> {
    let entries = fs::read_dir(folder);
    let entries = entries.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && !name.starts_with('.')
            && name != "target"
        {
            found.push(Entry { name: name.into(), path });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
