//! Files that are all written or, when one of them is there already, none.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::SandboxError;
use super::authority::Pair;

/// What a file holds, and who may read it.
pub(super) enum Content {
    Public(String),
    /// Only the owner.
    Secret(String),
}

/// Files by name.
#[derive(Default)]
pub(super) struct Files(Vec<(String, Content)>);

impl Files {
    pub(super) fn add(&mut self, name: impl Into<String>, content: Content) {
        self.0.push((name.into(), content));
    }

    pub(super) fn add_pair(&mut self, name: &str, pair: Pair) {
        self.add(format!("{name}.pem"), Content::Public(pair.certificate));
        self.add(format!("{name}.key"), Content::Secret(pair.key));
    }

    /// Writes them, and gives the folder as an absolute path.
    pub(super) fn write(self, dir: &Path) -> Result<PathBuf, SandboxError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SandboxError::Write { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed(dir))?;
        let dir = fs::canonicalize(dir).map_err(failed(dir))?;
        if let Some((name, _)) = self.0.iter().find(|(name, _)| fs::symlink_metadata(dir.join(name)).is_ok()) {
            return Err(SandboxError::Exists(dir.join(name)));
        }
        for (name, content) in self.0 {
            let path = dir.join(name);
            let (mode, text) = match content {
                Content::Public(text) => (0o644, text),
                Content::Secret(text) => (0o600, text),
            };
            // `create_new` holds against a file that came after the look above.
            let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
            match file.and_then(|mut file| file.write_all(text.as_bytes())) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(SandboxError::Exists(path)),
                Err(source) => return Err(SandboxError::Write { path, source }),
            }
        }
        Ok(dir)
    }
}
