//! What a shop has kept, looked at and changed behind its back: a file, or a database.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// A shop's store: a file, or with `PURSER_TEST_STORE=postgresql` a database.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    File(PathBuf),
    Database(String),
}

impl Kept {
    /// One of its own. `PURSER_TEST_POSTGRES` says how to reach a server, as `.ci/postgres start DIR` prints it.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if std::env::var("PURSER_TEST_STORE").as_deref() != Ok("postgresql") {
            return Self::File(dir.join(format!("{name}.sqlite")));
        }
        let server = std::env::var("PURSER_TEST_POSTGRES").expect("PURSER_TEST_POSTGRES says where a server is");
        let name = format!("shop_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        psql(&format!("postgresql:///postgres?{server}"), &format!("CREATE DATABASE {name}"));
        Self::Database(format!("postgresql:///{name}?{server}"))
    }

    /// As a configuration names it.
    pub(crate) fn setting(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Database(url) => url.clone(),
        }
    }

    pub(crate) fn number(&self, query: &str) -> u64 {
        match self {
            Self::File(path) => open(path).query_row(query, [], |row| row.get(0)).unwrap(),
            Self::Database(url) => psql(url, &portable(query)).parse().unwrap(),
        }
    }

    pub(crate) fn bytes(&self, query: &str) -> Vec<u8> {
        match self {
            Self::File(path) => open(path).query_row(query, [], |row| row.get(0)).unwrap(),
            Self::Database(url) => {
                let shown = psql(url, &portable(query));
                let digits = shown.strip_prefix("\\x").expect("bytes");
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
            }
        }
    }

    /// Changes it; says how many rows.
    pub(crate) fn change(&self, statement: &str) -> usize {
        match self {
            Self::File(path) => {
                let store = Connection::open(path).unwrap();
                store.busy_timeout(Duration::from_secs(60)).unwrap();
                store.execute(statement, []).unwrap()
            }
            // "UPDATE 1"
            Self::Database(url) => psql(url, &portable(statement)).rsplit(' ').next().unwrap().parse().unwrap(),
        }
    }
}

/// Bytes are written in another way there.
fn portable(sql: &str) -> String {
    sql.replace("x'", r"'\x")
}

fn psql(url: &str, sql: &str) -> String {
    let done = Command::new("psql").args(["-XAtc", sql, url]).output().unwrap();
    assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

pub(crate) fn open(path: &Path) -> Connection {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    store.busy_timeout(Duration::from_secs(60)).unwrap();
    store
}
