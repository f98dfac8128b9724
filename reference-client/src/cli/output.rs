//! A file for an answer. It is opened before anything is paid, so that what is paid for has a place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use purser_client::{Error, Result};

/// A file that can be written. One that was made for nothing is taken away again.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    file: File,
    is_made: bool,
}

impl Output {
    /// Opens it, or makes it; what is in it stays until there is something to write.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        let is_made = made.is_ok();
        let opened = match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).create(true).truncate(false).open(path)
            }
            made => made,
        };
        let file = opened.map_err(|error| Error::file(path, &error))?;
        Ok(Self { path: path.to_owned(), file, is_made })
    }

    /// Writes it; when this returns, it is on the disk.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<()> {
        self.written(bytes).map_err(|error| Error::file(&self.path, &error))?;
        self.is_made = false;
        Ok(())
    }

    fn written(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A device or a pipe has no length, and no disk.
        if !self.file.metadata()?.is_file() {
            return self.file.write_all(bytes);
        }
        self.file.set_len(0)?;
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The name is on the disk only when its folder is.
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.is_made {
            // That it stays behind would do no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}
