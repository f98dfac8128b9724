//! A copy of the workspace that can be broken and mended.

use std::fs;
use std::path::{Path, PathBuf};

use purser_conformance::spec::{self, Finding, Tree};

/// The workspace that these tests are part of.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An id that no clause has, put together so that the tests cite nothing themselves.
pub(crate) fn nobody(prefix: &str) -> String {
    format!("{prefix}-{}", 999)
}

/// A copy of `spec/` and the crates in a folder of its own.
pub(crate) struct Copy {
    /// The folder.
    pub(crate) root: PathBuf,
    /// What is found in the copy as it is.
    before: Vec<Finding>,
}

impl Copy {
    /// Copies the workspace into a folder of this name.
    pub(crate) fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec_check").join(name);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        copy(&workspace(), &root);
        for (path, text) in spec::write(&Tree::read(&root).unwrap()) {
            fs::write(root.join(path), text).unwrap();
        }
        let before = spec::check(&Tree::read(&root).unwrap());
        Self { root, before }
    }

    /// What a file holds.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// Puts `new` in the place of `old` in a file, for as long as `look` looks.
    pub(crate) fn with<T>(&self, path: &str, old: &str, new: &str, look: impl FnOnce(&Tree) -> T) -> T {
        let whole = self.root.join(path);
        let text = fs::read_to_string(&whole).unwrap_or_default();
        assert!(text.contains(old), "{path} holds no {old:?} to break");
        fs::write(&whole, text.replacen(old, new, 1)).unwrap();
        let seen = look(&Tree::read(&self.root).unwrap());
        fs::write(&whole, text).unwrap();
        seen
    }

    /// Asserts that the change is found at `place` (a file, or a file and a line) as `what`, and only there.
    pub(crate) fn breaks(&self, path: &str, old: &str, new: &str, place: &str, what: &str) {
        let found = self.with(path, old, new, |tree| self.new_in(tree));
        let is_it = |finding: &Finding| {
            let at = format!("{}:{}:", finding.path, finding.line);
            at.starts_with(&format!("{place}:")) && finding.what.contains(what)
        };
        let about = format!("{old:?} made {new:?} in {path} gives {found:#?}");
        assert!(found.iter().any(is_it), "nothing at {place} says {what:?}: {about}");
        assert!(found.iter().all(|finding| !finding.remedy.is_empty()), "{about}");
    }

    /// Asserts that the change is in order: the twin of one that is not.
    pub(crate) fn keeps(&self, path: &str, old: &str, new: &str) {
        let found = self.with(path, old, new, |tree| self.new_in(tree));
        assert_eq!(found, [], "{old:?} made {new:?} in {path}");
    }

    /// Findings that the copy did not have before. Lines may have moved.
    fn new_in(&self, tree: &Tree) -> Vec<Finding> {
        let known = |finding: &Finding| {
            self.before.iter().any(|known| known.path == finding.path && known.what == finding.what)
        };
        spec::check(tree).into_iter().filter(|finding| !known(finding)).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
