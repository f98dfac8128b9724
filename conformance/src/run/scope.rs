//! The requirement set of a version of the specification: which cases count, for whom, from when on.
//!
//! A set that is frozen does not change any more: a case that is added later is run and reported, and fails nobody
//! until the next version of the specification. A draft counts every case.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::catalogue::Catalogue;

const EMBEDDED: &str = include_str!("../../requirements/1.toml");

/// A requirement set, `requirements/1.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The version of the specification.
    pub spec: String,
    /// `draft` or `frozen`.
    pub status: String,
    /// By role, the ids of the cases that count.
    #[serde(default)]
    pub scored: BTreeMap<String, BTreeSet<String>>,
    /// Cases that do not count, and why: `extension`, `added-after-release`, `pending`, `ambiguous`.
    #[serde(default)]
    pub not_scored: BTreeMap<String, String>,
}

impl Scope {
    /// The set of this release.
    pub fn embedded() -> Result<Self, String> {
        Self::read(EMBEDDED)
    }

    /// Reads a set.
    pub fn read(text: &str) -> Result<Self, String> {
        let scope: Self = toml::from_str(text).map_err(|error| format!("requirements/1.toml: {error}"))?;
        match scope.status.as_str() {
            "draft" | "frozen" => Ok(scope),
            other => Err(format!("requirements/1.toml: status is {other}, and neither draft nor frozen")),
        }
    }

    /// Why a case does not count; `None` where it does.
    pub fn excuse(&self, role: &str, id: &str) -> Option<String> {
        if let Some(reason) = self.not_scored.get(id) {
            return Some(reason.clone());
        }
        let listed = self.scored.get(role).is_some_and(|ids| ids.contains(id));
        (self.status == "frozen" && !listed).then(|| "added-after-release".to_owned())
    }

    /// What stands in the set and is no case.
    pub fn strangers(&self, catalogues: &[&Catalogue]) -> Vec<String> {
        let scored = self.scored.iter().flat_map(|(role, ids)| ids.iter().map(move |id| (Some(role), id)));
        let all = scored.chain(self.not_scored.keys().map(|id| (None, id)));
        let stranger = all.filter(|(role, id)| match catalogues.iter().find_map(|catalogue| catalogue.get(id)) {
            Some(case) => role.is_some_and(|role| *role != case.role),
            None => true,
        });
        stranger.map(|(_, id)| id.clone()).collect()
    }

    /// The text of a set that lists every case there is; what does not count stays as it is.
    pub fn write(&self, catalogues: &[&Catalogue]) -> String {
        let mut by_role: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let cases = catalogues.iter().flat_map(|catalogue| catalogue.cases());
        for case in cases.filter(|case| !self.not_scored.contains_key(&case.id)) {
            by_role.entry(&case.role).or_default().insert(&case.id);
        }
        let mut text = HEAD.to_owned();
        text.push_str(&format!("spec = \"{}\"\nstatus = \"{}\"\n\n[not_scored]\n", self.spec, self.status));
        for (id, reason) in &self.not_scored {
            text.push_str(&format!("\"{id}\" = \"{reason}\"\n"));
        }
        text.push_str("\n[scored]\n");
        for (role, ids) in by_role {
            text.push_str(&format!("{role} = [\n"));
            ids.iter().for_each(|id| text.push_str(&format!("    \"{id}\",\n")));
            text.push_str("]\n");
        }
        text
    }
}

const HEAD: &str = "\
# Which cases count for version 1 of the specification, by role.
#
# `purser-conformance requirements write` brings a draft up to the vectors. Once the status is `frozen` nothing
# here is added or taken out; what comes later counts from the next version on.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_set_fails_nobody_for_what_came_later() {
        let text =
            "spec = \"1\"\nstatus = \"frozen\"\n[scored]\nissuer = [\"a/b\"]\n[not_scored]\n\"a/c\" = \"pending\"\n";
        let frozen = Scope::read(text).unwrap();
        assert_eq!(frozen.excuse("issuer", "a/b"), None);
        assert_eq!(frozen.excuse("issuer", "a/c").as_deref(), Some("pending"));
        assert_eq!(frozen.excuse("issuer", "a/d").as_deref(), Some("added-after-release"));
        assert_eq!(frozen.excuse("agent", "a/b").as_deref(), Some("added-after-release"));
        let draft = Scope::read(&text.replace("frozen", "draft")).unwrap();
        assert_eq!(draft.excuse("issuer", "a/d"), None);
        assert!(Scope::read("spec = \"1\"\nstatus = \"open\"\n").is_err());
    }

    #[test]
    fn the_set_of_this_release_names_only_what_there_is() {
        let (scope, vectors, live) =
            (Scope::embedded().unwrap(), Catalogue::embedded().unwrap(), crate::live::catalogue());
        let strangers = scope.strangers(&[&vectors, &live]);
        // Ids of a draft may still change.
        assert!(scope.status == "draft" || strangers.is_empty(), "{strangers:?}");
        let written = Scope::read(&scope.write(&[&vectors, &live])).unwrap();
        assert_eq!(written.not_scored, scope.not_scored);
    }
}
