//! The folder in which a person or an agent keeps keys, mandates, attempts and receipts.
//!
//! ```text
//! config.toml    which issuer, whom to believe, which keys
//! keys/          private keys, mode 0600, and their public halves
//! mandates/      mandates, by their ids
//! attempts/      one file a payment, written before its intent is sent, and which offer it takes
//! commands/      commands as they were sent, to be sent again when no answer came
//! log/           the last root of the issuer's log that was taken, and what contradicts it
//! tokens/        metered sessions: what happened in each, in order
//! voice/         what was heard: recordings, and which phrase was a yes to which payment
//! device.json    that the agent of this folder is a device, with a mandate of its own
//! receipts/      receipts and deliveries, by the payment's id
//! ```

mod attempts;
mod config;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use purser_protocol::id::{Digest, KeyId, PaperId};
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::id as paper_id;

pub use attempts::{Alone, Attempts, Fetching, Kept, lock};
pub use config::{Config, IssuerConfig, KeysConfig, TimeSource};

use crate::error::{Error, Result};
use crate::issuer::parse_id;

const DEVICE_FILE: &str = "device.json";

/// A data folder.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// The folder that a flag names, else `PURSER_DIR`, else `~/.purser`.
    pub fn locate(flag: Option<&Path>) -> Result<Self> {
        let by_environment = || std::env::var_os("PURSER_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let of_person = || std::env::home_dir().map(|home| home.join(".purser"));
        let flag = flag.filter(|dir| !dir.as_os_str().is_empty());
        let dir = flag.map(Path::to_owned).or_else(by_environment).or_else(of_person);
        let dir =
            dir.ok_or_else(|| Error::usage("there is no home folder").fix("give one with --dir or PURSER_DIR"))?;
        Ok(Self { dir })
    }

    /// The folder at this path.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Its path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path that is given as in `config.toml`: relative to the folder.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.join(path)
    }

    /// Makes the folder and those in it, for their owner alone.
    pub fn create(&self) -> Result<()> {
        for name in ["", "keys", "mandates", "attempts", "attempts/over", "attempts/offers", "commands", "receipts"] {
            let path = self.dir.join(name);
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|error| Error::file(&path, &error))?;
        }
        Ok(())
    }

    /// Reads the configuration.
    pub fn config(&self) -> Result<Config> {
        let path = self.path("config.toml");
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::file(&path, &error).fix("purser init makes it; --dir says where it is"))?;
        Config::read(&text).map_err(|error| error.at(path.display()))
    }

    /// Writes the configuration.
    pub fn save_config(&self, config: &Config) -> Result<()> {
        write_durably(&self.path("config.toml"), config.write().as_bytes(), 0o600)
    }

    /// The attempts at payments.
    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.path("attempts"))
    }

    /// Keeps a mandate; its path.
    pub fn keep_mandate(&self, mandate: &[u8]) -> Result<PathBuf> {
        let frame = Frame::read(mandate).map_err(|fault| Error::fault("mandate", fault))?;
        let path = self.path(format!("mandates/{}.cose", paper_id(frame.protected, frame.payload)));
        write_durably(&path, mandate, 0o600)?;
        Ok(path)
    }

    /// A mandate that is kept here; `None` when it is not.
    pub fn mandate(&self, id: &PaperId) -> Option<Vec<u8>> {
        fs::read(self.path(format!("mandates/{id}.cose"))).ok()
    }

    /// Keeps a receipt, or a delivery, of a payment; its path.
    pub fn keep_receipt(&self, payment: &PaperId, kind: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path(format!("receipts/{payment}.{kind}"));
        write_durably(&path, bytes, 0o600)?;
        Ok(path)
    }

    /// Keeps a command that is about to be sent; its path.
    pub fn keep_command(&self, id: &PaperId, command: &[u8]) -> Result<PathBuf> {
        let path = self.path(format!("commands/{id}.cose"));
        write_durably(&path, command, 0o600)?;
        Ok(path)
    }

    /// Keeps that the agent of this folder is a device, and the mandate that it got.
    pub fn keep_device(&self, device: &KeyId, mandate: &PaperId) -> Result<()> {
        let kept = serde_json::json!({ "device": device.to_string(), "mandate": mandate.to_string() });
        write_durably(&self.path(DEVICE_FILE), kept.to_string().as_bytes(), 0o600)
    }

    /// The device that the agent of this folder is, if it is one.
    pub fn device(&self) -> Option<Digest> {
        let kept: serde_json::Value = serde_json::from_slice(&fs::read(self.path(DEVICE_FILE)).ok()?).ok()?;
        parse_id(kept["device"].as_str()?).map(|id| Digest(id.0))
    }

    /// The ids of the mandates that are kept here, for those who type the beginning of one.
    pub fn mandate_ids(&self) -> Vec<PaperId> {
        ids_in(&self.path("mandates"), ".cose")
    }
}

/// The one id that begins like this. Eight digits are asked for, so that none is meant by accident.
pub fn complete(known: &[PaperId], typed: &str) -> Result<PaperId> {
    if let Some(id) = parse_id(typed) {
        return Ok(id);
    }
    let is_hex = typed.len() >= 8 && typed.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut fitting = known.iter().filter(|id| id.to_string().starts_with(typed));
    match (is_hex, fitting.next(), fitting.next()) {
        (true, Some(id), None) => Ok(*id),
        (true, Some(_), Some(_)) => Err(Error::usage("several ids begin like this").at(typed).fix("give more digits")),
        (true, None, _) => Err(Error::usage("no id that is known here begins like this").at(typed)),
        (false, _, _) => Err(Error::usage("not an id: 64 hexadecimal digits, or the first 8 or more").at(typed)),
    }
}

fn ids_in(dir: &Path, ending: &str) -> Vec<PaperId> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut ids: Vec<_> =
        entries.filter_map(|entry| parse_id(entry.file_name().to_str()?.strip_suffix(ending)?)).collect();
    ids.sort();
    ids
}

/// Writes a file so that, after a crash at any instant, the old one or the new one is there, whole.
pub fn write_durably(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let wrong = |error: std::io::Error| Error::file(path, &error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let salt = u64::from_be_bytes(crate::clock::random()?);
    let beside = folder.join(format!(".{name}.{salt:016x}"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(wrong)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What is half written is nobody's; that it stays behind would do no harm either.
        let _ = fs::remove_file(&beside);
        return Err(wrong(error));
    }
    // The name is on the disk only when its folder is.
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_is_written_whole_and_nothing_stays_beside_it() {
        let scratch = Scratch::new();
        let path = scratch.path("file");
        write_durably(&path, b"one", 0o600).unwrap();
        write_durably(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 1);
        assert!(write_durably(&scratch.path("none/file"), b"x", 0o600).is_err());
        fs::create_dir(scratch.path("folder")).unwrap();
        assert!(write_durably(&scratch.path("folder"), b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 2, "what failed is taken away");
    }

    #[test]
    fn the_beginning_of_an_id_means_one() {
        let known = [PaperId([0xab; 32]), PaperId([0xcd; 32]), {
            let mut close = [0xab; 32];
            close[31] = 0;
            PaperId(close)
        }];
        assert_eq!(complete(&known, "cdcdcdcd"), Ok(known[1]));
        assert_eq!(complete(&known, &known[0].to_string()), Ok(known[0]));
        assert_eq!(complete(&[], &known[0].to_string()), Ok(known[0]), "a whole id need not be known");
        for wrong in ["cdcdcdc", "abababab", "00000000", "CDCDCDCD", "../../../etc", ""] {
            assert!(complete(&known, wrong).is_err(), "{wrong}");
        }
    }
}
