//! A book in a PostgreSQL, which processes on several machines share.
//!
//! Whoever writes has the one row of the table `book` first: one process writes at a time, as with a file, and none
//! waits for another in the middle of its own transaction. A process that stops there is left behind by the database.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::thread;

use bytes::BytesMut;
use postgres::config::Host;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};

use super::database::{Database, Row, Value};
use crate::error::StoreError;

const SCHEMA_VERSION: i64 = 1;

/// What the columns hold is said in [`super::sqlite`]; `rowid` is what a file gives by itself.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS book (one BIGINT PRIMARY KEY, schema_version BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS offers (
        id BYTEA PRIMARY KEY,
        rowid BIGINT GENERATED ALWAYS AS IDENTITY,
        payload BYTEA NOT NULL,
        salt BYTEA NOT NULL,
        expires_at BIGINT NOT NULL,
        withdrawn BIGINT NOT NULL DEFAULT 0,
        receipt_id BYTEA,
        issuer TEXT,
        intent BYTEA,
        request BYTEA,
        decided_at BIGINT,
        receipt BYTEA,
        delivery BYTEA,
        body BYTEA,
        status BIGINT NOT NULL DEFAULT 200,
        headers TEXT NOT NULL DEFAULT '[]',
        captured BIGINT NOT NULL DEFAULT 0,
        working_until BIGINT NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS offers_untaken ON offers (expires_at) WHERE receipt_id IS NULL;
    CREATE INDEX IF NOT EXISTS offers_paid ON offers (intent) WHERE intent IS NOT NULL;
    CREATE TABLE IF NOT EXISTS debts (
        issuer TEXT NOT NULL,
        intent BYTEA NOT NULL,
        amount_minor BIGINT NOT NULL,
        currency TEXT NOT NULL,
        held BIGINT NOT NULL,
        command BYTEA NOT NULL,
        made_at BIGINT NOT NULL,
        \"end\" TEXT,
        answer BYTEA,
        PRIMARY KEY (issuer, intent)
    );
    CREATE INDEX IF NOT EXISTS debts_open ON debts (issuer) WHERE \"end\" IS NULL;
    CREATE TABLE IF NOT EXISTS orders (
        id BYTEA PRIMARY KEY,
        rowid BIGINT GENERATED ALWAYS AS IDENTITY,
        issuer TEXT NOT NULL,
        intent BYTEA,
        command BYTEA NOT NULL,
        made_at BIGINT NOT NULL,
        \"end\" TEXT,
        answer BYTEA
    );
    CREATE INDEX IF NOT EXISTS orders_open ON orders (issuer) WHERE \"end\" IS NULL;
    CREATE TABLE IF NOT EXISTS notices (issuer TEXT PRIMARY KEY, number BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS codes (short TEXT PRIMARY KEY, offer BYTEA NOT NULL, goods BYTEA NOT NULL);
    INSERT INTO book VALUES (1, 1) ON CONFLICT DO NOTHING;
";

/// What a server does by default is not for it to say: a commit is on the disk; nobody waits for ever for its turn; and
/// who has the turn and stops loses it.
const MANNERS: &str = "
    SET synchronous_commit = on;
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '20s';
";

/// A database of PostgreSQL, 15 or later.
pub struct Postgres {
    line: RefCell<Line>,
    url: String,
}

impl Postgres {
    /// Opens the database of this URL, and makes the tables where there are none. Not inside a task: the client waits.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut line = Line::open(url)?;
        if line.version()?.is_none() {
            // Two processes may do this at once; one of them finds the other's tables then.
            if let Err(error) = line.client()?.batch_execute(SCHEMA) {
                line.version()?.ok_or(error)?;
            }
        }
        match line.version()? {
            Some(SCHEMA_VERSION) => Ok(Self { line: RefCell::new(line), url: url.to_owned() }),
            found => Err(StoreError::Version { found: found.unwrap_or(0), expected: SCHEMA_VERSION }),
        }
    }
}

impl Database for Postgres {
    fn again(&self) -> Result<Self, StoreError> {
        Self::open(&self.url)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let line = self.line.get_mut();
        let client = line.client()?;
        if let Err(error) = client.batch_execute("BEGIN; SELECT one FROM book WHERE one = 1 FOR UPDATE") {
            let _ = client.batch_execute("ROLLBACK");
            return Err(error.into());
        }
        line.is_writing = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let line = self.line.get_mut();
        let committed = line.client().and_then(|client| Ok(client.batch_execute("COMMIT")?));
        line.is_writing = false;
        committed
    }

    fn roll_back(&mut self) {
        let line = self.line.get_mut();
        // Where the connection is gone, the server has done it.
        let _ = line.client().map(|client| client.batch_execute("ROLLBACK"));
        line.is_writing = false;
    }

    fn execute(&self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        let mut line = self.line.borrow_mut();
        let statement = line.prepared(sql)?;
        Ok(line.client()?.execute(&statement, &parameters(values))?)
    }

    fn query(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut line = self.line.borrow_mut();
        match line.query(sql, values) {
            // The server was started anew, say. What only reads is asked again.
            Err(StoreError::Postgres(error)) if error.is_closed() && !line.is_writing => line.query(sql, values),
            read => read,
        }
    }
}

/// A connection with its prepared statements. Where it broke it is opened again, but not in the middle of a
/// transaction: that one has failed.
struct Line {
    client: Option<Client>,
    config: Config,
    statements: HashMap<&'static str, Statement>,
    is_writing: bool,
}

impl Line {
    fn open(url: &str) -> Result<Self, StoreError> {
        let config: Config = url.parse()?;
        let is_near = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        };
        match config.get_hosts().iter().all(is_near) {
            true => Ok(Self { client: None, config, statements: HashMap::new(), is_writing: false }),
            false => Err(StoreError::Far),
        }
    }

    fn client(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            if self.is_writing {
                return Err(StoreError::Other("the connection broke in the middle of a transaction".into()));
            }
            self.leave();
            let mut client = self.config.connect(NoTls)?;
            client.batch_execute(MANNERS)?;
            self.client = Some(client);
        }
        self.client.as_mut().ok_or(StoreError::Far)
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        // A connection that is new knows no statement.
        self.client()?;
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client()?.prepare(&sql.replace('?', "$"))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        let rows = self.client()?.query(&statement, &parameters(values))?;
        rows.iter().map(row).collect()
    }

    /// The version of the tables; nothing, where there are none.
    fn version(&mut self) -> Result<Option<i64>, StoreError> {
        let there = self.query("SELECT count(*) FROM pg_tables WHERE tablename = 'book'", &[])?;
        match there.first().map(|row| row.flag(0)).transpose()? {
            Some(true) => {
                let found = self.query("SELECT schema_version FROM book WHERE one = 1", &[])?;
                Ok(found.first().map(|row| row.number(0)).transpose()?.and_then(|found| i64::try_from(found).ok()))
            }
            _ => Ok(None),
        }
    }

    /// A client that ends waits for its server, which a task must not.
    fn leave(&mut self) {
        self.statements.clear();
        if let Some(client) = self.client.take() {
            let _ = thread::Builder::new().name("database".into()).spawn(move || drop(client));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.leave();
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(row: &postgres::Row) -> Result<Row, StoreError> {
    let value = |(at, column): (usize, &postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at)?.map_or(Value::Null, Value::Number),
            Type::TEXT => row.try_get::<_, Option<String>>(at)?.map_or(Value::Null, Value::Text),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(Value::Null, Value::Bytes),
            _ => return Err(StoreError::Damaged(format!("{} is of another type", column.name()))),
        })
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}
