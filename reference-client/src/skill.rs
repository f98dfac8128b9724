//! Skills with a signed list of their files.
//!
//! ```text
//! NAME/SKILL.md                     the skill, in the Agent Skills format
//! NAME/.signature/manifest.json     every file with its length and SHA-256
//! NAME/.signature/signature.json    the key, and its signature of the manifest's bytes
//! ```
//!
//! What is verified is verified by code, before anything of it is read as instructions: a file that was changed, added
//! or taken away is named. Whose key to believe is the caller's to say.

mod bundle;
mod format;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use purser_protocol::bind::base64url;
use purser_protocol::id::Digest;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Crypto as _, PublicKey, Signer};
use purser_protocol::time::UnixSeconds;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use bundle::{Listing, pack, publish, unpack};
pub use format::Front;

use crate::error::{Error, Result};
use crate::home::write_durably;

/// Most files of a skill.
pub const FILES_MAX: usize = 256;
/// Most bytes of all its files.
pub const BYTES_MAX: u64 = 4 << 20;

const SCHEMA: &str = "purser.skill/1";
/// What a signature is over begins so. No paper does.
const DOMAIN: &[u8] = b"purser-skill/1\0";
const FOLDER: &str = ".signature";
const MANIFEST: &str = ".signature/manifest.json";
const SIGNATURE: &str = ".signature/signature.json";

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: String,
    /// The skill's name.
    pub name: String,
    /// When it was signed, in Unix seconds.
    pub signed_at: u64,
    /// Its files, in the order of their paths.
    pub files: BTreeMap<String, FileEntry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    key: String,
    signature: String,
}

/// Signs what is in a folder now. The manifest is in the folder when this returns.
pub fn sign(dir: &Path, signer: &dyn Signer, now: UnixSeconds) -> Result<Manifest> {
    let front = Front::of(dir)?;
    let files = files(dir)?;
    let manifest = Manifest { schema: SCHEMA.to_owned(), name: front.name, signed_at: now.get(), files };
    let json = |error: serde_json::Error| Error::failed(error.to_string());
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(json)?;
    let signature = signer.sign(&digest(&bytes)).map_err(|failed| Error::failed(failed.to_string()))?;
    let signature =
        SignatureFile { key: base64url::encode(&signer.public_key().0), signature: base64url::encode(&signature) };
    let folder = dir.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, &error))?;
    write_durably(&dir.join(MANIFEST), &bytes, 0o644)?;
    write_durably(&dir.join(SIGNATURE), &serde_json::to_vec_pretty(&signature).map_err(json)?, 0o644)?;
    Ok(manifest)
}

/// Verifies that a folder is, file by file, what this key has signed. The error names the file that is not.
pub fn verify(dir: &Path, key: &PublicKey) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let bytes = read(&path)?;
    let signature: SignatureFile = parse(&dir.join(SIGNATURE), &read(&dir.join(SIGNATURE))?)?;
    let refused = |what: &str| Error::failed(what).at(path.display());
    if base64url::decode(&signature.key).as_deref() != Some(&key.0[..]) {
        return Err(refused("it is signed with another key").fix("take the key from whoever you trust to have made it"));
    }
    let signed = base64url::decode(&signature.signature).and_then(|bytes| bytes.try_into().ok());
    let signed: [u8; 64] = signed.ok_or_else(|| refused("its signature cannot be read"))?;
    AwsLc.verify(key, &digest(&bytes), &signed).map_err(|_| refused("it is not what was signed"))?;
    let manifest: Manifest = parse(&path, &bytes)?;
    if manifest.schema != SCHEMA {
        return Err(refused("it is of a form that is not known"));
    }

    let found = files(dir)?;
    let odd = |name: &str, what: &str| Err(Error::failed(what).at(dir.join(name).display()));
    for (name, entry) in &manifest.files {
        match found.get(name) {
            None => return odd(name, "this file is missing"),
            Some(here) if here != entry => return odd(name, "this file is not as it was signed"),
            Some(_) => {}
        }
    }
    if let Some(name) = found.keys().find(|name| !manifest.files.contains_key(*name)) {
        return odd(name, "this file was not signed");
    }
    if Front::of(dir)?.name != manifest.name {
        return Err(refused("it is the manifest of another skill"));
    }
    Ok(manifest)
}

/// Every file but the signature's own. Links and what is neither file nor folder are refused.
fn files(dir: &Path) -> Result<BTreeMap<String, FileEntry>> {
    let mut found = BTreeMap::new();
    let mut bytes_sum = 0;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let here = dir.join(&folder);
        let wrong = |error: std::io::Error| Error::file(&here, &error);
        for entry in fs::read_dir(&here).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let path = folder.join(entry.file_name());
            let place = dir.join(&path);
            let odd = |what: &str| Err(Error::failed(what).at(place.display()));
            let Some(name) = path.to_str().filter(|name| is_plain(name)) else {
                return odd("a name in a skill has letters, digits, dots, dashes and underscores");
            };
            let kind = entry.file_type().map_err(wrong)?;
            if kind.is_dir() {
                if name != FOLDER {
                    folders.push(path);
                }
                continue;
            }
            if !kind.is_file() {
                return odd("a skill has files and folders only");
            }
            let bytes = read(&place)?;
            bytes_sum += bytes.len() as u64;
            if found.len() == FILES_MAX || bytes_sum > BYTES_MAX {
                return odd("a skill has at most 256 files, and 4 MiB of them");
            }
            let sha256 = Digest(Sha256::digest(&bytes).into()).to_string();
            found.insert(name.to_owned(), FileEntry { bytes: bytes.len() as u64, sha256 });
        }
    }
    Ok(found)
}

/// A relative path of plain names, none of which is `.` or `..`.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|name| {
        !name.is_empty()
            && !name.chars().all(|letter| letter == '.')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
    })
}

fn digest(manifest: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(manifest);
    hash.finalize().into()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let length = fs::symlink_metadata(path).map_err(|error| Error::file(path, &error))?.len();
    if length > BYTES_MAX {
        return Err(Error::failed("this file is longer than a skill may be").at(path.display()));
    }
    fs::read(path).map_err(|error| Error::file(path, &error))
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::failed(format!("not to be read: {error}")).at(path.display()))
}

#[cfg(test)]
mod tests;
