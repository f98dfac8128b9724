//! What an issuer remembers beside its decisions, in the same store: keys that wait to be added, and passkeys. Nothing
//! of it moves money; what is decided never depends on it.

use std::path::Path;

use rusqlite::{Connection, params};

use super::StoreError;
use super::postgres::line::{Line, signed};

/// Keeps notes by their names. What was kept is there after any crash.
pub trait Notes: Send {
    /// Keeps a note until a second, or for good, in the place of one of the same name.
    fn keep(&mut self, name: &str, note: &[u8], until_seconds: Option<u64>) -> Result<(), StoreError>;
    /// Forgets a note; whether there was one.
    fn forget(&mut self, name: &str) -> Result<bool, StoreError>;
    /// The notes whose names begin so, by their names, that are still good.
    fn find(&mut self, begins: &str, now_seconds: u64) -> Result<Vec<Note>, StoreError>;
    /// Forgets the notes whose time is over.
    fn clear(&mut self, now_seconds: u64) -> Result<(), StoreError>;
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its name.
    pub name: String,
    /// What it says.
    pub note: Vec<u8>,
    /// When it is over.
    pub until_seconds: Option<u64>,
}

/// Notes in a file of SQLite, beside its writer.
pub struct SqliteNotes(Connection);

impl SqliteNotes {
    /// Opens a store that is there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, note BLOB NOT NULL, until INTEGER) STRICT",
        )?;
        Ok(Self(connection))
    }
}

impl Notes for SqliteNotes {
    fn keep(&mut self, name: &str, note: &[u8], until_seconds: Option<u64>) -> Result<(), StoreError> {
        let keep = "INSERT OR REPLACE INTO notes (name, note, until) VALUES (?1, ?2, ?3)";
        self.0.prepare_cached(keep)?.execute(params![name, note, until_seconds])?;
        Ok(())
    }

    fn forget(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("DELETE FROM notes WHERE name = ?1")?.execute([name])? > 0)
    }

    fn find(&mut self, begins: &str, now_seconds: u64) -> Result<Vec<Note>, StoreError> {
        let mut find = self.0.prepare_cached(
            "SELECT name, note, until FROM notes
             WHERE substr(name, 1, length(?1)) = ?1 AND (until IS NULL OR until > ?2) ORDER BY name",
        )?;
        let found = find.query_map(params![begins, now_seconds], |row| {
            Ok(Note { name: row.get(0)?, note: row.get(1)?, until_seconds: row.get(2)? })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn clear(&mut self, now_seconds: u64) -> Result<(), StoreError> {
        self.0.prepare_cached("DELETE FROM notes WHERE until <= ?1")?.execute([now_seconds])?;
        Ok(())
    }
}

/// Notes in a database of PostgreSQL.
pub struct PostgresNotes(Line);

impl PostgresNotes {
    /// Opens a store that is there.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut line = Line::open(url)?;
        line.fits()?;
        line.batch("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, note BYTEA NOT NULL, until BIGINT)")?;
        Ok(Self(line))
    }
}

impl Notes for PostgresNotes {
    fn keep(&mut self, name: &str, note: &[u8], until_seconds: Option<u64>) -> Result<(), StoreError> {
        let keep = "INSERT INTO notes VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE SET note = excluded.note, until = excluded.until";
        self.0.execute(keep, &[&name, &note, &until_seconds.map(signed).transpose()?])?;
        Ok(())
    }

    fn forget(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM notes WHERE name = $1", &[&name])? > 0)
    }

    fn find(&mut self, begins: &str, now_seconds: u64) -> Result<Vec<Note>, StoreError> {
        let find = "SELECT name, note, until FROM notes
            WHERE starts_with(name, $1) AND (until IS NULL OR until > $2) ORDER BY name";
        let rows = self.0.query(find, &[&begins, &signed(now_seconds)?])?;
        let note = |row: &postgres::Row| {
            let until: Option<i64> = row.try_get(2)?;
            let until_seconds = until.and_then(|until| u64::try_from(until).ok());
            Ok(Note { name: row.try_get(0)?, note: row.try_get(1)?, until_seconds })
        };
        rows.iter().map(note).collect()
    }

    fn clear(&mut self, now_seconds: u64) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM notes WHERE until <= $1", &[&signed(now_seconds)?])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_until_their_time_is_over() {
        let folder = std::env::temp_dir().join(format!("purser-notes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("store.sqlite");
        let names = |notes: &mut SqliteNotes, begins: &str, now| {
            notes.find(begins, now).unwrap().into_iter().map(|note| note.name).collect::<Vec<_>>()
        };
        let mut notes = SqliteNotes::open(&path).unwrap();
        notes.keep("offer/B", b"1", Some(20)).unwrap();
        notes.keep("offer/A", b"2", Some(10)).unwrap();
        notes.keep("passkey/A", b"3", None).unwrap();
        drop(notes);
        let mut notes = SqliteNotes::open(&path).unwrap();
        assert_eq!(names(&mut notes, "offer/", 9), ["offer/A", "offer/B"]);
        assert_eq!(names(&mut notes, "offer/", 10), ["offer/B"]);
        assert_eq!(names(&mut notes, "offer/%", 0), Vec::<String>::new());
        notes.clear(20).unwrap();
        assert_eq!(names(&mut notes, "", 0), ["passkey/A"]);
        notes.keep("passkey/A", b"4", None).unwrap();
        assert_eq!(notes.find("passkey/A", 0).unwrap()[0].note, b"4");
        assert!(notes.forget("passkey/A").unwrap() && !notes.forget("passkey/A").unwrap());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
