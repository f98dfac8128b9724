//! SQLite on its files: cut at every frame of the log, and at every page of the database, after the last sync.

use std::fs;
use std::path::PathBuf;

use purser_protocol::id::{AccountId, PaperId};
use purser_server::store::sqlite::Sqlite;
use purser_server::store::{Batch, Entry, Store as _};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

/// The log: a header, then frames of a header and a page each.
const LOG_HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;
const PAGE: usize = 4_096;

/// Both files at one moment, when everything was synced.
#[derive(Clone, Default)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("purser-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> PathBuf {
        self.0.join("store.sqlite")
    }

    fn files(&self) -> Files {
        let read = |ending: &str| fs::read(self.store().with_extension(ending)).unwrap_or_default();
        Files { database: read("sqlite"), log: read("sqlite-wal") }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn batch(number: u64, entries: u8, bytes: usize) -> Batch {
    let entry = |place: u8| {
        let id = |what: &str| -> [u8; 32] { Sha256::digest(format!("{what} {number} {place}")).into() };
        Entry {
            command: PaperId(id("command")),
            event: id("event").repeat(bytes / 32),
            claims: id("claims").to_vec(),
            detail: None,
            evidence: id("evidence").repeat(bytes / 32),
            made: None,
            payment: Some(PaperId(id("payment"))),
            payer: Some(AccountId(*id("payer").first_chunk().unwrap())),
        }
    };
    Batch {
        number,
        decided_at_seconds: 1_900_000_000 + number,
        tree_root: Sha256::digest(format!("tree {number}")).into(),
        root: Sha256::digest(format!("root {number}")).repeat(8),
        entries: (0..entries).map(entry).collect(),
    }
}

/// Opens the files as a process would after a crash; how many batches are there, each of them whole.
fn batches_in(files: &Files, folder: &Folder, expected: &[Batch], what: &str) -> usize {
    let store = folder.store();
    fs::write(&store, &files.database).unwrap();
    fs::write(store.with_extension("sqlite-wal"), &files.log).unwrap();
    let _ = fs::remove_file(store.with_extension("sqlite-shm"));
    let opened = Sqlite::open(&store).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut reader = opened.reader().unwrap();
    let (mut roots, mut entries) = (Vec::new(), Vec::new());
    reader
        .replay(
            0,
            0,
            &mut |past| {
                entries.push((past.command, past.event, past.decided_at_seconds));
                Ok(())
            },
            &mut |root| roots.push(root),
        )
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let count = roots.len();
    let there = &expected[..count];
    assert_eq!(roots, there.iter().map(|batch| batch.tree_root).collect::<Vec<_>>());
    let whole = there.iter().flat_map(|batch| {
        let at = batch.decided_at_seconds;
        batch.entries.iter().map(move |entry| (entry.command, entry.event.clone(), at))
    });
    assert_eq!(entries, whole.collect::<Vec<_>>(), "a batch is there in part");
    count
}

/// The beginning of one, and the rest of the other: what is on a disk that was writing.
fn torn(before: &[u8], after: &[u8], cut: usize) -> Vec<u8> {
    let mut bytes = after[..cut.min(after.len())].to_vec();
    bytes.extend(before.get(cut..).unwrap_or_default());
    bytes
}

#[test]
fn a_store_that_is_cut_at_any_frame_has_each_batch_whole_or_not_at_all() {
    let (work, crash) = (Folder::new("frames"), Folder::new("frames-crash"));
    let expected: Vec<Batch> = (0..10).map(|number| batch(number, 1 + (number % 4) as u8, 900)).collect();
    let mut store = Sqlite::open(&work.store()).unwrap();
    store.pseudonym_secret([7; 32]).unwrap();
    let mut before = work.files();
    let mut cuts = 0;
    for (number, batch) in expected.iter().enumerate() {
        store.commit(batch).unwrap();
        let after = work.files();
        let frames = (after.log.len() - LOG_HEADER) / FRAME;
        let first = before.log.len().saturating_sub(LOG_HEADER) / FRAME;
        for frame in first..=frames {
            for inside in [0, 11, 24, 24 + PAGE / 2] {
                let cut = (LOG_HEADER + frame * FRAME + inside).min(after.log.len());
                let files = Files { log: torn(&before.log, &after.log, cut), ..after.clone() };
                let there = batches_in(&files, &crash, &expected, &format!("a cut at {cut} after batch {number}"));
                let is_whole = cut == after.log.len();
                assert!(there == number + 1 || (!is_whole && there == number), "{there} after a cut at {cut}");
                cuts += 1;
            }
        }
        before = after;
    }
    assert!(cuts > 200, "{cuts} cuts");
}

#[test]
fn a_store_that_is_cut_while_its_log_goes_into_the_database_loses_nothing() {
    let (work, crash) = (Folder::new("pages"), Folder::new("pages-crash"));
    // Less than the store's own thread waits for: what it does is done here, at a moment that is known.
    let expected: Vec<Batch> = (0..44).map(|number| batch(number, 6, 4_000)).collect();
    let mut store = Sqlite::open(&work.store()).unwrap();
    let beside = Connection::open(work.store()).unwrap();
    let mut before = work.files();
    let mut seen = 0;
    for (number, batch) in expected.iter().enumerate() {
        store.commit(batch).unwrap();
        if number % 11 == 10 {
            beside.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        }
        let after = work.files();
        if after.database != before.database && number > 0 {
            seen += 1;
            let pages = after.database.len() / PAGE;
            for page in (0..=pages).step_by((pages / 8).max(1)) {
                let files = Files { database: torn(&before.database, &after.database, page * PAGE), ..after.clone() };
                let what = format!("a cut at page {page} of {pages} after batch {number}");
                assert_eq!(batches_in(&files, &crash, &expected, &what), number + 1, "{what}");
            }
        }
        // Where the log begins anew, its first frames stand before the last ones of the log before.
        if after.log.len() == before.log.len() && after.database == before.database {
            for frame in [0, 1, 2, 5] {
                let log = torn(&before.log, &after.log, LOG_HEADER + frame * FRAME + 24);
                let what = format!("a new log that is cut after {frame} frames of batch {number}");
                let there = batches_in(&Files { log, ..after.clone() }, &crash, &expected, &what);
                assert!(there == number || there == number + 1, "{there} of {number} after {frame} frames");
            }
        }
        before = after;
    }
    assert!(seen > 0, "the log never went into the database");
}
