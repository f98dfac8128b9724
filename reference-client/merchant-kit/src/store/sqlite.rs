//! A book in one file, which several processes share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::database::{Database, Row, Value};
use crate::error::StoreError;

const SCHEMA_VERSION: i64 = 4;

/// What the first version had. A store of it is brought up when it is opened.
const FIRST: i64 = 1;
const SECOND_VERSION: i64 = 2;
const THIRD_VERSION: i64 = 3;

/// The first version.
const SCHEMA: &str = "
    CREATE TABLE offers (
        id BLOB PRIMARY KEY,
        payload BLOB NOT NULL,
        salt BLOB NOT NULL,
        expires_at INTEGER NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0,
        receipt_id BLOB,
        issuer TEXT,
        intent BLOB,
        request BLOB,
        decided_at INTEGER,
        receipt BLOB,
        delivery BLOB,
        body BLOB
    ) STRICT;
    CREATE INDEX offers_untaken ON offers (expires_at) WHERE receipt_id IS NULL;
    CREATE TABLE debts (
        issuer TEXT NOT NULL,
        intent BLOB NOT NULL,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        held INTEGER NOT NULL,
        command BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        end TEXT,
        answer BLOB,
        PRIMARY KEY (issuer, intent)
    ) STRICT;
    CREATE INDEX debts_open ON debts (issuer) WHERE end IS NULL;
";

/// What the second version adds: what takes time to make, and commands of the shop's own.
const SECOND: &str = "
    ALTER TABLE offers ADD COLUMN status INTEGER NOT NULL DEFAULT 200;
    ALTER TABLE offers ADD COLUMN headers TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE offers ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE offers ADD COLUMN working_until INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX offers_paid ON offers (intent) WHERE intent IS NOT NULL;
    CREATE TABLE orders (
        id BLOB PRIMARY KEY,
        issuer TEXT NOT NULL,
        intent BLOB,
        command BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        end TEXT,
        answer BLOB
    ) STRICT;
    CREATE INDEX orders_open ON orders (issuer) WHERE end IS NULL;
";

/// What the third version adds: how far issuers have told.
const THIRD: &str = "
    CREATE TABLE notices (issuer TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
";

/// What the fourth version adds: codes.
const FOURTH: &str = "
    CREATE TABLE codes (short TEXT PRIMARY KEY, offer BLOB NOT NULL, goods BLOB NOT NULL) STRICT;
";

/// How long one process waits while another one writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file of SQLite.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file, or makes it. Several processes may share it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mut file = Self { connection, path: path.to_owned() };
        file.begin()?;
        let found: i64 = file.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !(0..=SCHEMA_VERSION).contains(&found) {
            return Err(StoreError::Version { found, expected: SCHEMA_VERSION });
        }
        if found < FIRST {
            file.connection.execute_batch(SCHEMA)?;
        }
        if found < SECOND_VERSION {
            file.connection.execute_batch(SECOND)?;
        }
        if found < THIRD_VERSION {
            file.connection.execute_batch(THIRD)?;
        }
        if found < SCHEMA_VERSION {
            file.connection.execute_batch(FOURTH)?;
            file.connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        file.commit()?;
        Ok(file)
    }
}

impl Database for Sqlite {
    fn again(&self) -> Result<Self, StoreError> {
        Self::open(&self.path)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.execute_batch("COMMIT");
        if committed.is_err() {
            self.roll_back();
        }
        Ok(committed?)
    }

    fn roll_back(&mut self) {
        // SQLite has often done so itself.
        let _ = self.connection.execute_batch("ROLLBACK");
    }

    fn execute(&self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(params_from_iter(values))? as u64)
    }

    fn query(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut query = self.connection.prepare_cached(sql)?;
        let columns = query.column_count();
        let mut found = query.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let row = (0..columns).map(|column| value(row.get_ref(column)?)).collect::<Result<_, StoreError>>()?;
            rows.push(Row(row));
        }
        Ok(rows)
    }
}

fn value(read: ValueRef<'_>) -> Result<Value, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a column holds {what}"));
    Ok(match read {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Real(_) => return Err(damaged("a fraction")),
        ValueRef::Text(text) => {
            Value::Text(std::str::from_utf8(text).map_err(|_| damaged("what is no text"))?.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
