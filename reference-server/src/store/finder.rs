//! Finds decisions by the ids of their papers, without an index that every batch would have to be woven into.
//!
//! Ids are hashes. An index over them is written to all over, and at ten million payments that costs more than the
//! payments. So a batch only appends its decisions to their table, and what they are found by is gathered here: the
//! latest in memory, earlier ones in sorted runs, each a file, which are merged now and then. A filter says of most
//! ids that a run does not have them.
//!
//! Nothing rests on the files. Each carries its own hash, says which decisions it covers, and what the last of them is
//! marked with: a store that was restored, and went on otherwise, is not found by what the lost one was. What is not
//! covered, or is damaged, is read from the table again. What is found is a place in the table, where the id is
//! compared whole.

mod run;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use run::{Named, Run};

/// Decisions that are found in memory before they become a run.
const RECENT_MAX: u64 = 65_536;
/// Runs of one length that are merged into one.
const FAN: usize = 8;

/// What a decision is found by: the beginning of a hash.
pub(super) fn key(id: &[u8]) -> u64 {
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(id) {
        *to = *from;
    }
    u64::from_be_bytes(key)
}

/// A decision, as it is told.
pub(super) struct Told {
    /// Where it stands.
    pub(super) sequence: u64,
    /// What no other history has there: the key of its receipt, which is salted.
    pub(super) mark: u64,
    /// What it is found by.
    pub(super) keys: Vec<u64>,
}

/// Where decisions stand, by their keys. Several threads share it.
#[derive(Debug)]
pub(super) struct Finder {
    folder: PathBuf,
    known: RwLock<Known>,
    /// Held by whoever makes runs.
    making: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Decisions up to this one are in here, which is marked so.
    until: u64,
    mark: u64,
    /// Those in runs, the first decisions first.
    runs: Vec<Arc<Run>>,
    /// Those that become a run now: key and place.
    leaving: Arc<BTreeSet<(u64, u64)>>,
    /// Where the first of the others stands.
    recent_from: u64,
    recent: BTreeSet<(u64, u64)>,
}

impl Finder {
    /// Where the runs of a store are.
    pub(super) fn beside(store: &Path) -> PathBuf {
        store.with_extension("found")
    }

    /// Opens the runs, as far as they are whole and the store has what they end with; whoever owns the store removes the
    /// others. What is not covered must be told with [`Self::learn`].
    pub(super) fn open(folder: &Path, owns: bool, mut has: impl FnMut(u64, u64) -> bool) -> io::Result<Self> {
        if owns {
            fs::create_dir_all(folder)?;
        }
        let mut found = Vec::new();
        for file in fs::read_dir(folder).into_iter().flatten() {
            let path = file?.path();
            match Run::span(&path) {
                Some(span) => found.push((span, path)),
                // Half a run, of a process that is gone.
                None if owns => fs::remove_file(&path)?,
                None => {}
            }
        }
        // Of those that begin at one place the longest first: the others went into it.
        found.sort_by_key(|((from, until), _)| (*from, u64::MAX - until));
        let mut known = Known::default();
        for ((from, until), path) in found {
            let run = if from == known.until { Run::open(&path, from, until).ok() } else { None };
            match run.filter(|run| has(until, run.mark)) {
                Some(run) => {
                    (known.until, known.mark) = (until, run.mark);
                    known.runs.push(Arc::new(run));
                }
                None if owns => {
                    tracing::info!(path = %path.display(), "a run is not used any more");
                    fs::remove_file(&path)?;
                }
                None => {}
            }
        }
        known.recent_from = known.until;
        Ok(Self { folder: folder.to_owned(), known: RwLock::new(known), making: Mutex::new(()) })
    }

    /// Up to which decision it knows all.
    pub(super) fn until(&self) -> u64 {
        self.read(|known| known.until)
    }

    /// Takes what a decision is found by. They come in their order.
    pub(super) fn learn(&self, decisions: impl IntoIterator<Item = Told>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for Told { sequence, mark, keys } in decisions {
            if sequence > known.until {
                (known.until, known.mark) = (sequence, mark);
                known.recent.extend(keys.into_iter().map(|key| (key, sequence)));
            }
        }
    }

    /// The places at which this key stands, the latest first, until `each` says that it has seen enough.
    pub(super) fn latest_first<E: From<io::Error>>(
        &self,
        key: u64,
        each: &mut dyn FnMut(u64) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (places, runs) = self.read(|known| {
            let of = |set: &BTreeSet<(u64, u64)>| -> Vec<u64> {
                set.range((key, 0)..=(key, u64::MAX)).rev().map(|(_, sequence)| *sequence).collect()
            };
            let mut places = of(&known.recent);
            places.extend(of(&known.leaving));
            // A run that is let go of meanwhile stays open for whoever reads it.
            (places, known.runs.iter().filter(|run| run.may_have(key)).cloned().collect::<Vec<_>>())
        });
        for place in places {
            if !each(place)? {
                return Ok(());
            }
        }
        for run in runs.iter().rev() {
            if !run.latest_first(key, each)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether there is so much in memory that it should become a run.
    pub(super) fn is_full(&self) -> bool {
        self.read(|known| known.until - known.recent_from >= RECENT_MAX)
    }

    /// Makes a run of what is in memory, and one of several. For the owner, on a thread that nobody waits for.
    pub(super) fn settle(&self) -> io::Result<()> {
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (leaving, from, until, mark) = {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.recent_from == known.until {
                return Ok(());
            }
            // Where the last attempt failed, what it should have taken is still there.
            let mut leaving = std::mem::take(&mut known.recent);
            leaving.extend(known.leaving.iter().copied());
            let from = known.runs.last().map_or(0, |run| run.until);
            known.leaving = Arc::new(leaving);
            known.recent_from = known.until;
            (Arc::clone(&known.leaving), from, known.until, known.mark)
        };
        let named = Named { from, until, mark, count: leaving.len() as u64 };
        let run = Run::write(&self.folder, named, leaving.iter().copied().map(Ok))?;
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.runs.push(Arc::new(run));
            known.leaving = Arc::default();
        }
        while self.merge()? {}
        Ok(())
    }

    /// Makes one run of the last ones, where enough of one length stand there.
    fn merge(&self) -> io::Result<bool> {
        let runs = self.read(|known| known.runs.clone());
        let Some(last) = runs.last() else { return Ok(false) };
        let alike = runs.iter().rev().take_while(|run| run.rank() <= last.rank()).count();
        if alike < FAN {
            return Ok(false);
        }
        let (kept, merged) = runs.split_at(runs.len() - alike);
        let (Some(first), Some(end)) = (merged.first(), merged.last()) else { return Ok(false) };
        let count = merged.iter().map(|run| run.count).sum();
        let named = Named { from: first.from, until: end.until, mark: end.mark, count };
        let run = Run::write(&self.folder, named, run::merged(merged)?)?;
        let mut now = kept.to_vec();
        now.push(Arc::new(run));
        self.known.write().unwrap_or_else(PoisonError::into_inner).runs = now;
        for run in merged {
            run.remove()?;
        }
        Ok(true)
    }

    fn read<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(finder: &Finder, key: u64) -> Vec<u64> {
        let mut found = Vec::new();
        let each = &mut |place| {
            found.push(place);
            Ok::<_, io::Error>(true)
        };
        finder.latest_first(key, each).unwrap();
        found
    }

    fn told(sequence: u64) -> Told {
        Told { sequence, mark: sequence * 3, keys: keys(sequence) }
    }

    fn has(sequence: u64, mark: u64) -> bool {
        mark == sequence * 3
    }

    /// Every decision is found by a key of its own, and by one of seven that it shares.
    fn keys(sequence: u64) -> Vec<u64> {
        vec![sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15), sequence % 7]
    }

    #[test]
    fn what_was_learnt_is_found_from_memory_runs_and_merged_runs_and_after_damage() {
        let folder = std::env::temp_dir().join(format!("purser-finder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let finder = Finder::open(&folder, true, has).unwrap();
        let last = 1_000 * FAN as u64 + 1_500;
        for sequence in 1..=last {
            finder.learn([told(sequence)]);
            if sequence % 1_000 == 0 {
                finder.settle().unwrap();
            }
        }
        let check = |finder: &Finder| {
            for sequence in (1..=last).step_by(97) {
                assert_eq!(places(finder, keys(sequence)[0]), [sequence]);
            }
            assert_eq!(places(finder, 3), (1..=last).rev().filter(|at| at % 7 == 3).collect::<Vec<_>>());
            assert!(places(finder, 12_345).is_empty());
        };
        check(&finder);
        let files = || fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        assert_eq!(files().len(), 2, "those of one length became one");

        // What memory held is told again.
        let again = Finder::open(&folder, true, has).unwrap();
        assert_eq!(again.until(), last - 500);
        again.learn((again.until() + 1..=last).map(told));
        check(&again);

        // Another history has something else where a run ends.
        let other = Finder::open(&folder, false, |sequence, mark| sequence < last - 500 && has(sequence, mark));
        assert_eq!(other.unwrap().until(), 1_000 * FAN as u64);

        // A byte of the longest run is turned: nothing from there on is believed.
        let longest = files().into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
        let mut bytes = fs::read(&longest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&longest, bytes).unwrap();
        let damaged = Finder::open(&folder, true, has).unwrap();
        assert_eq!((damaged.until(), files().len()), (0, 0));
        damaged.learn((1..=last).map(told));
        check(&damaged);
        fs::remove_dir_all(&folder).unwrap();
    }
}
