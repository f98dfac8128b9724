//! The requirement set of a version of the specification: which cases count, for whom, from when on.
//!
//! A set that is frozen does not change any more: a case that is added later is run and reported, and fails nobody
//! until the next version of the specification. A draft counts every case.
//!
//! Of a frozen set each row has a mark of what its case asks: role, level, features, clauses, call, outcome, code,
//! stage. Titles, bytes, keys and explanations of a case may still be mended. Whatever changes a mark is another case,
//! with another id, for the next set.

use std::collections::{BTreeMap, BTreeSet};

use purser_test_vectors::Case;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::catalogue::Catalogue;
use crate::profile::PROFILES;

/// The sets, oldest first: version and text.
const SETS: &[(&str, &str)] = &[("1", include_str!("../../requirements/1.toml"))];
/// The frozen ones, with the sum of their rows: a row that is lost or changed is seen here.
const FROZEN: &[(&str, &str)] = &[];

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
    /// By profile, the ids of its cases among them. An empty profile binds nobody, and says nothing of anybody.
    #[serde(default)]
    pub profiles: BTreeMap<String, BTreeSet<String>>,
    /// Of a frozen set, by id, the mark of what the case asks.
    #[serde(default)]
    pub rows: BTreeMap<String, String>,
    /// Cases that do not count, and why: `extension`, `added-after-release`, `pending`, `ambiguous`.
    #[serde(default)]
    pub not_scored: BTreeMap<String, String>,
}

impl Scope {
    /// The newest set.
    pub fn embedded() -> Result<Self, String> {
        Self::of(None)
    }

    /// The set of a version of the specification, else the newest.
    pub fn of(version: Option<&str>) -> Result<Self, String> {
        let found = match version {
            None => SETS.last(),
            Some(version) => SETS.iter().find(|(known, _)| *known == version),
        };
        let (_, text) = found.ok_or_else(|| {
            let known: Vec<&str> = SETS.iter().map(|(version, _)| *version).collect();
            format!(
                "there are requirements for version {}, and none for {}",
                known.join(", "),
                version.unwrap_or("any")
            )
        })?;
        let scope = Self::read(text)?;
        let known = FROZEN.iter().find(|(known, _)| *known == scope.spec).map(|(_, sum)| *sum);
        match scope.broken(known, &[]).first() {
            Some(broken) => Err(format!("requirements/{}.toml: {broken}", scope.spec)),
            None => Ok(scope),
        }
    }

    /// What is to be said where a newer set is there: who keeps this one keeps this one.
    pub fn is_older(&self) -> Option<String> {
        let (newest, _) = SETS.last().filter(|(newest, _)| *newest != self.spec)?;
        Some(format!("these are the requirements of version {}; the newest are those of {newest}", self.spec))
    }

    /// The sum of all rows.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (role, ids) in &self.scored {
            for id in ids {
                let mark = self.rows.get(id).map(String::as_str).unwrap_or_default();
                hash.update(format!("{role} {id} {mark}\n"));
            }
        }
        self.not_scored.iter().for_each(|(id, reason)| hash.update(format!("{id} {reason}\n")));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The set, frozen: what is listed, with the mark of each case.
    pub fn freeze(&self, catalogues: &[&Catalogue]) -> Result<Self, String> {
        let mut frozen = Self::read(&self.write(catalogues))?;
        frozen.status = "frozen".to_owned();
        for id in frozen.scored.values().flatten() {
            let case = catalogues.iter().find_map(|catalogue| catalogue.get(id));
            let case = case.ok_or_else(|| format!("there is no case {id}"))?;
            frozen.rows.insert(id.clone(), mark(case));
        }
        Ok(frozen)
    }

    /// What a frozen set was promised and does not hold: a row that is gone or changed, a case that is gone or asks
    /// for something else. `known` is the sum of its rows when it was frozen. Without catalogues only the rows count.
    pub fn broken(&self, known: Option<&str>, catalogues: &[&Catalogue]) -> Vec<String> {
        if self.status != "frozen" {
            return Vec::new();
        }
        let mut said = Vec::new();
        match known {
            None => said.push(format!("the set of version {} is frozen, and FROZEN does not name it", self.spec)),
            Some(known) if known != self.digest() => {
                said.push(format!("rows of the set of version {} were added, lost or changed", self.spec));
            }
            Some(_) => {}
        }
        let rows = self.scored.iter().flat_map(|(role, ids)| ids.iter().map(move |id| (role, id)));
        for (role, id) in rows.filter(|_| !catalogues.is_empty()) {
            match catalogues.iter().find_map(|catalogue| catalogue.get(id)) {
                None => said.push(format!("{id} is required of a {role}, and there is no such case any more")),
                Some(case) if self.rows.get(id) != Some(&mark(case)) => {
                    said.push(format!("{id} asks for something else than when the set was frozen: give it a new id"));
                }
                Some(_) => {}
            }
        }
        said
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

    /// The text of a set that lists every case there is, or without catalogues those that it lists; what does not
    /// count stays as it is.
    pub fn write(&self, catalogues: &[&Catalogue]) -> String {
        let mut by_role: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let cases = || catalogues.iter().flat_map(|catalogue| catalogue.cases());
        if catalogues.is_empty() {
            for (role, ids) in &self.scored {
                by_role.insert(role, ids.iter().map(String::as_str).collect());
            }
        }
        for case in cases().filter(|case| !self.not_scored.contains_key(&case.id)) {
            by_role.entry(&case.role).or_default().insert(&case.id);
        }
        let mut text = HEAD.to_owned();
        text.push_str(&format!("spec = \"{}\"\nstatus = \"{}\"\n\n[not_scored]\n", self.spec, self.status));
        for (id, reason) in &self.not_scored {
            text.push_str(&format!("\"{id}\" = \"{reason}\"\n"));
        }
        text.push_str("\n[profiles]\n");
        for profile in &PROFILES {
            let listed = cases().filter(|case| profile.has(case)).map(|case| case.id.as_str());
            let kept = self.profiles.get(profile.name).into_iter().flatten().map(String::as_str);
            let ids: BTreeSet<&str> = listed.chain(kept.filter(|_| catalogues.is_empty())).collect();
            let ids: Vec<String> = ids.into_iter().map(|id| format!("\"{id}\"")).collect();
            text.push_str(&format!("{} = [{}]\n", profile.name, ids.join(", ")));
        }
        if !self.rows.is_empty() {
            text.push_str("\n[rows]\n");
            self.rows.iter().for_each(|(id, mark)| text.push_str(&format!("\"{id}\" = \"{mark}\"\n")));
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

/// What a case asks, as a few figures.
fn mark(case: &Case) -> String {
    let (expect, mut clauses, mut features) = (&case.expect, case.clauses.clone(), case.features.clone());
    clauses.sort();
    features.sort();
    let asked = format!(
        "{} {:?} {features:?} {clauses:?} {} {} {:?} {:?} {:?}",
        case.role, case.level, case.call.op, expect.outcome, expect.code, expect.stage, expect.decided
    );
    Sha256::digest(asked).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
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
    fn a_frozen_set_cannot_lose_or_change_a_row() {
        let vectors = Catalogue::embedded().unwrap();
        let frozen = Scope::embedded().unwrap().freeze(&[&vectors]).unwrap();
        let sum = frozen.digest();
        let broken = |scope: &Scope, catalogue: &Catalogue| scope.broken(Some(&sum), &[catalogue]).len();
        assert_eq!(broken(&frozen, &vectors), 0);
        // Through its file and back it is the same.
        let read = Scope::read(&frozen.write(&[])).unwrap();
        assert_eq!((read.digest(), broken(&read, &vectors)), (sum.clone(), 0));

        let first = frozen.scored["verifier"].first().unwrap().clone();
        let mut lost = frozen.clone();
        lost.scored.get_mut("verifier").unwrap().remove(&first);
        assert_eq!(broken(&lost, &vectors), 1);
        let mut excused = frozen.clone();
        excused.not_scored.insert(first.clone(), "pending".to_owned());
        assert_eq!(broken(&excused, &vectors), 1);
        assert_eq!(frozen.broken(None, &[&vectors]).len(), 1);

        // A case that is mended stays; one that asks for something else, or is gone, does not.
        let areas = |change: &dyn Fn(&mut Vec<Case>)| {
            let mut areas = purser_test_vectors::load().unwrap();
            areas.iter_mut().for_each(|area| change(&mut area.cases));
            Catalogue::of(areas)
        };
        let of_first =
            |change: fn(&mut Case)| areas(&|cases| cases.iter_mut().filter(|case| case.id == first).for_each(change));
        assert_eq!(broken(&frozen, &of_first(|case| case.title.push('!'))), 0);
        assert_eq!(broken(&frozen, &of_first(|case| case.clauses.clear())), 1);
        assert_eq!(broken(&frozen, &of_first(|case| case.expect.code = Some("cose-tag-2".into()))), 1);
        assert_eq!(broken(&frozen, &areas(&|cases| cases.retain(|case| case.id != first))), 1);
    }

    #[test]
    fn every_set_holds_what_it_promised() {
        let (vectors, live) = (Catalogue::embedded().unwrap(), crate::live::catalogue());
        for (version, text) in SETS {
            let known = FROZEN.iter().find(|(known, _)| known == version).map(|(_, sum)| *sum);
            let scope = Scope::read(text).unwrap();
            assert_eq!(scope.spec, *version);
            assert_eq!(scope.broken(known, &[&vectors, &live]), [""; 0]);
            // What was frozen is no draft again.
            assert!(known.is_none() || scope.status == "frozen");
        }
        assert!(Scope::of(Some("0")).is_err());
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
