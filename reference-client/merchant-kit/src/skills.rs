//! `/.well-known/agent-skills/`: what `purser skill publish` wrote, served as it was when the shop opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path as Asked;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use purser_protocol::code::Code;

use crate::error::{SetupError, setting};
use crate::problem::Problem;

/// Where the files are, below a web server's folder and below its address.
const FOLDER: &str = ".well-known/agent-skills";
/// Most files, and most bytes of them all.
const FILES_MAX: usize = 1_024;
const BYTES_MAX: usize = 64 << 20;

/// The files, by their paths below the folder.
#[derive(Clone)]
pub(crate) struct Skills(Arc<BTreeMap<String, Bytes>>);

impl Skills {
    /// Reads what is there. Links and what is neither file nor folder are refused.
    pub(crate) fn read(web: &Path) -> Result<Self, SetupError> {
        let root = web.join(FOLDER);
        let (mut files, mut bytes_sum, mut folders) = (BTreeMap::new(), 0, vec![PathBuf::new()]);
        let wrong = |path: &Path, why: &str| setting("skills", format!("({}): {why}", path.display()));
        while let Some(folder) = folders.pop() {
            let here = root.join(&folder);
            for entry in fs::read_dir(&here).map_err(|error| wrong(&here, &error.to_string()))? {
                let entry = entry.map_err(|error| wrong(&here, &error.to_string()))?;
                let (path, place) = (folder.join(entry.file_name()), entry.path());
                let kind = entry.file_type().map_err(|error| wrong(&place, &error.to_string()))?;
                if kind.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.to_str().filter(|_| kind.is_file());
                let name = name.ok_or_else(|| wrong(&place, "is no file with a name"))?.to_owned();
                let bytes = fs::read(&place).map_err(|error| wrong(&place, &error.to_string()))?;
                bytes_sum += bytes.len();
                files.insert(name, Bytes::from(bytes));
                if files.len() > FILES_MAX || bytes_sum > BYTES_MAX {
                    return Err(wrong(&root, "has more than 1,024 files, or 64 MiB of them"));
                }
            }
        }
        if !files.contains_key("index.json") {
            return Err(wrong(&root, "has no index.json: purser skill publish writes one"));
        }
        Ok(Self(Arc::new(files)))
    }

    pub(crate) fn routes(&self) -> Router {
        let files = self.clone();
        Router::new().route(&format!("/{FOLDER}/{{*name}}"), get(move |Asked(name)| async move { files.answer(name) }))
    }

    fn answer(&self, name: String) -> Response {
        let Some(bytes) = self.0.get(&name) else { return Problem::new(Code::NotFound).into_response() };
        let media = match name.rsplit('.').next() {
            Some("json") => "application/json",
            Some("md") => "text/markdown; charset=utf-8",
            _ => "application/octet-stream",
        };
        ([(CONTENT_TYPE, media), (CACHE_CONTROL, "public, max-age=300")], bytes.clone()).into_response()
    }
}
