//! `purser-conformance.toml`: what an implementation calls things.

use std::collections::BTreeMap;

use purser_protocol::code::{Code, Stage};
use serde::Deserialize;

/// The settings of an implementation under test.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The command of the shim.
    pub shim: Option<String>,
    /// Its own names of codes, and ours.
    pub codes: Codes,
}

impl Settings {
    /// Reads the file's text.
    pub fn read(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (own, slug) in &settings.codes.0 {
            if Code::from_slug(slug).is_none() {
                return Err(format!("[codes]: {own} is mapped to {slug}, which is not in spec/registries/errors.csv"));
            }
        }
        Ok(settings)
    }
}

/// An implementation's own names of codes, and the slugs that they mean.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Codes(BTreeMap<String, String>);

impl Codes {
    /// The slug that a name means.
    pub fn slug<'n>(&'n self, name: &'n str) -> &'n str {
        self.0.get(name).map_or(name, String::as_str)
    }
}

/// The stage of a code that has only one.
pub fn only_stage(slug: &str) -> Option<&'static str> {
    match Code::from_slug(slug)?.stages() {
        [stage] => Some(Stage::name(*stage)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_are_mapped_and_misspelt_ones_found() {
        let settings = Settings::read("shim = \"./shim\"\n[codes]\nErrDup = \"cbor-duplicate-key\"\n").unwrap();
        assert_eq!(settings.codes.slug("ErrDup"), "cbor-duplicate-key");
        assert_eq!(settings.codes.slug("cose-tag"), "cose-tag");
        assert!(Settings::read("[codes]\nErrDup = \"cbor-duplicate\"\n").unwrap_err().contains("ErrDup"));
        assert!(Settings::read("code = 1").is_err());
        assert_eq!(only_stage("cose-tag"), Some("framing"));
        assert_eq!(only_stage("cbor-truncated"), None);
    }
}
