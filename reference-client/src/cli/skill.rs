//! `purser skill`: skills with a signed list of their files.

use std::path::PathBuf;

use clap::Subcommand;
use purser_client::clock::Clock;
use purser_client::skill::{self, Listing};
use purser_client::{Error, Result, keys};
use serde_json::json;

use super::{Done, read_file};

#[derive(Subcommand)]
pub(super) enum Skill {
    /// Sign the files of a folder
    Sign {
        /// The skill's folder
        dir: PathBuf,
        /// The private key, in PEM
        #[arg(long, value_name = "PEM")]
        key: PathBuf,
    },
    /// Check that a folder is what a key has signed, file by file
    Verify {
        /// The skill's folder
        dir: PathBuf,
        /// The public key to believe, in PEM
        #[arg(long, value_name = "PEM")]
        key: PathBuf,
    },
    /// Put a signed folder into one file
    Pack {
        /// The skill's folder
        dir: PathBuf,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a skill that came in one file, and put its folder below another
    Unpack {
        /// The file; - is stdin
        file: PathBuf,
        /// The public key to believe, in PEM
        #[arg(long, value_name = "PEM")]
        key: PathBuf,
        /// Where its folder goes
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Write .well-known/agent-skills/ for signed folders
    Publish {
        /// The skills' folders
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// The folder of the web server
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// A skill that is sold, and where: NAME=URL; its files are not written. May stand several times
        #[arg(long, value_name = "NAME=URL")]
        priced: Vec<String>,
    },
}

impl Skill {
    pub(super) fn run(self) -> Result<Done> {
        match self {
            Self::Sign { dir, key } => {
                let manifest = skill::sign(&dir, &keys::load(&key)?, Clock::machine().now())?;
                Ok(Done::new(listed("signed", &manifest), json!({ "manifest": manifest })))
            }
            Self::Verify { dir, key } => {
                let manifest = skill::verify(&dir, &keys::load_public(&key)?)?;
                Ok(Done::new(listed("good", &manifest), json!({ "manifest": manifest })))
            }
            Self::Pack { dir, out } => {
                let bytes = skill::pack(&dir)?;
                std::fs::write(&out, &bytes).map_err(|error| Error::file(&out, &error))?;
                Ok(Done::new(format!("{}\n", out.display()), json!({ "bytes": bytes.len() })))
            }
            Self::Unpack { file, key, out } => {
                let (dir, manifest) = skill::unpack(&read_file(&file)?, &keys::load_public(&key)?, &out)?;
                let text = format!("{}{}\n", listed("good", &manifest), dir.display());
                Ok(Done::new(text, json!({ "dir": dir.display().to_string(), "manifest": manifest })))
            }
            Self::Publish { dirs, out, priced } => {
                let sold: Vec<_> = priced
                    .iter()
                    .map(|text| text.split_once('=').ok_or_else(|| Error::usage("not NAME=URL").at(text)))
                    .collect::<Result<_>>()?;
                let name_of =
                    |dir: &PathBuf| dir.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                // A price that names nothing would give something away.
                if let Some((name, _)) = sold.iter().find(|(name, _)| !dirs.iter().any(|dir| name_of(dir) == *name)) {
                    return Err(Error::usage("there is no such skill among those to publish").at(name));
                }
                let of = |dir: PathBuf| {
                    let url = sold.iter().find(|(sold, _)| *sold == name_of(&dir)).map(|(_, url)| (*url).to_owned());
                    Listing { dir, priced: url }
                };
                let index = skill::publish(&dirs.into_iter().map(of).collect::<Vec<_>>(), &out)?;
                let text = format!("{}\n", index.display());
                Ok(Done::new(text, json!({ "index": index.display().to_string() })))
            }
        }
    }
}

fn listed(verdict: &str, manifest: &skill::Manifest) -> String {
    format!("{}: {verdict}, {} files\n", manifest.name, manifest.files.len())
}
