//! A skill in one file, to be sold or sent; and the index by which skills are found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use purser_protocol::bind::base64url;
use purser_protocol::id::Digest;
use purser_protocol::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{BYTES_MAX, FILES_MAX, Front, MANIFEST, Manifest, SIGNATURE, files, is_plain, read, verify};
use crate::error::{Error, Result};

const SCHEMA: &str = "purser.skill-bundle/1";
/// The schema of the index, by which it is known.
const INDEX_SCHEMA: &str = "https://schemas.agentskills.io/discovery/0.2.0/schema.json";

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    schema: String,
    name: String,
    files: BTreeMap<String, String>,
}

/// One skill of an index.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The folder, signed.
    pub dir: PathBuf,
    /// Where it is sold, when it has a price. Then its files are not published.
    pub priced: Option<String>,
}

/// A folder in one file, with its signature.
pub fn pack(dir: &Path) -> Result<Vec<u8>> {
    let front = Front::of(dir)?;
    let names = files(dir)?.into_keys().chain([MANIFEST, SIGNATURE].map(str::to_owned));
    let packed = names.map(|name| Ok((name.clone(), base64url::encode(&read(&dir.join(name))?))));
    let bundle = Bundle { schema: SCHEMA.to_owned(), name: front.name, files: packed.collect::<Result<_>>()? };
    serde_json::to_vec(&bundle).map_err(|error| Error::failed(error.to_string()))
}

/// Takes a file apart below `out`, and verifies it. The skill's folder is there when all of it is as it was signed, and
/// not otherwise.
pub fn unpack(bytes: &[u8], key: &PublicKey, out: &Path) -> Result<(PathBuf, Manifest)> {
    if bytes.len() as u64 > 2 * BYTES_MAX {
        return Err(Error::failed("it is longer than a skill may be"));
    }
    let bundle = serde_json::from_slice::<Bundle>(bytes).ok().filter(|bundle| bundle.schema == SCHEMA);
    let bundle = bundle.ok_or_else(|| Error::failed("this is no skill in one file"))?;
    let wrong = |what: &str| Error::failed(what);
    if !is_plain(&bundle.name) || bundle.name.contains('/') || bundle.files.len() > FILES_MAX + 2 {
        return Err(wrong("its name or its files are not as they may be"));
    }
    let target = out.join(&bundle.name);
    if target.exists() {
        return Err(wrong("there is a skill of this name already").at(target.display()).fix("move it away first"));
    }
    let salt = u64::from_be_bytes(crate::clock::random()?);
    let beside = out.join(format!(".unpacked-{salt:016x}"));
    let dir = beside.join(&bundle.name);
    let unpacked = (|| {
        for (name, text) in &bundle.files {
            if !is_plain(name) {
                return Err(wrong("it has a file whose name leads elsewhere").at(name));
            }
            let path = dir.join(name);
            let bytes = base64url::decode(text).ok_or_else(|| wrong("a file of it cannot be read").at(name))?;
            let folder = path.parent().unwrap_or(&dir);
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
            written.map_err(|error| Error::file(&path, &error))?;
        }
        let manifest = verify(&dir, key)?;
        fs::rename(&dir, &target).map_err(|error| Error::file(&target, &error))?;
        Ok(manifest)
    })();
    // Whatever was not as signed does not stay.
    let _ = fs::remove_dir_all(&beside);
    unpacked.map(|manifest| (target, manifest))
}

/// Writes `.well-known/agent-skills/` below `web`: the index, and the files of skills without a price.
pub fn publish(listings: &[Listing], web: &Path) -> Result<PathBuf> {
    let folder = web.join(".well-known/agent-skills");
    fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, &error))?;
    let mut skills = Vec::new();
    for Listing { dir, priced } in listings {
        let front = Front::of(dir)?;
        let bundle = pack(dir)?;
        if let Some(url) = priced {
            skills.push(entry(&front, "purser-bundle", url, &bundle));
            continue;
        }
        let text = read(&dir.join("SKILL.md"))?;
        skills.push(entry(&front, "skill-md", &format!("{}/SKILL.md", front.name), &text));
        for (name, bytes) in [("SKILL.md", text), ("bundle.skill.json", bundle)] {
            let path = folder.join(&front.name).join(name);
            let made = fs::create_dir_all(folder.join(&front.name)).and_then(|()| fs::write(&path, bytes));
            made.map_err(|error| Error::file(&path, &error))?;
        }
    }
    let index = json!({ "$schema": INDEX_SCHEMA, "skills": skills });
    let path = folder.join("index.json");
    fs::write(&path, format!("{index:#}\n")).map_err(|error| Error::file(&path, &error))?;
    Ok(path)
}

fn entry(front: &Front, kind: &str, url: &str, bytes: &[u8]) -> serde_json::Value {
    json!({
        "name": front.name,
        "type": kind,
        "description": front.description,
        "url": url,
        "digest": format!("sha256:{}", Digest(Sha256::digest(bytes).into())),
    })
}
