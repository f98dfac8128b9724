//! The cases: every area of the vectors, with what is done before each case.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use purser_test_vectors::{Area, Call, Case, Outcome};
use sha2::{Digest as _, Sha256};

/// Every case, by its id.
#[derive(Clone, Debug)]
pub struct Catalogue {
    areas: Vec<Area>,
    places: BTreeMap<String, (usize, usize)>,
    /// Of an accepted case, the refused ones that differ from it by their fault.
    refusals: BTreeMap<String, Vec<String>>,
    digest: String,
}

impl Catalogue {
    /// The vectors that this program carries.
    pub fn embedded() -> Result<Self, String> {
        let areas = purser_test_vectors::load().map_err(|error| format!("the vectors do not read: {error}"))?;
        Ok(Self::of(areas))
    }

    /// The vectors in a folder, such as `test-vectors/v1`.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let failed = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
        let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
        paths.sort();
        let area = |path: &PathBuf| {
            let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
            purser_test_vectors::read(&text).map_err(|error| failed(path, &error))
        };
        Ok(Self::of(paths.iter().map(area).collect::<Result<_, _>>()?))
    }

    /// These areas.
    pub fn of(areas: Vec<Area>) -> Self {
        let mut places = BTreeMap::new();
        let mut refusals: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut hash = Sha256::new();
        for (at, area) in areas.iter().enumerate() {
            hash.update(serde_json::to_vec(area).unwrap_or_default());
            for (place, case) in area.cases.iter().enumerate() {
                places.insert(case.id.clone(), (at, place));
                if let Some(twin) = case.twin.as_ref().filter(|_| case.expect.outcome == Outcome::Reject) {
                    refusals.entry(twin.clone()).or_default().push(case.id.clone());
                }
            }
        }
        let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { areas, places, refusals, digest }
    }

    /// The beginning of a hash of all of it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Every case, in the order of the files.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.areas.iter().flat_map(|area| &area.cases)
    }

    /// The case of this id.
    pub fn get(&self, id: &str) -> Option<&Case> {
        let (area, case) = *self.places.get(id)?;
        self.areas.get(area)?.cases.get(case)
    }

    /// What is done before a case. The error says which setup is missing.
    pub fn setup(&self, case: &Case) -> Result<&[Call], String> {
        let Some(name) = &case.setup else { return Ok(&[]) };
        let area = self.places.get(&case.id).and_then(|(area, _)| self.areas.get(*area));
        let calls = area.and_then(|area| area.setups.get(name)).map(Vec::as_slice);
        calls.ok_or_else(|| format!("{}: there is no setup {name}", case.id))
    }

    /// The refusals that have this case for a twin.
    pub fn refusals_of(&self, id: &str) -> &[String] {
        self.refusals.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The case that a pair hangs on: the twin of a refusal, else the case itself.
    pub fn root_of<'c>(&self, case: &'c Case) -> &'c str {
        case.twin.as_deref().unwrap_or(&case.id)
    }
}
