//! A connection with its prepared statements, so that a query is one round trip.

use std::collections::HashMap;
use std::thread;

use postgres::config::Host;
use postgres::types::ToSql;
use postgres::{Client, Config, IsolationLevel, NoTls, Row, Statement, Transaction};

use super::SCHEMA_VERSION;
use crate::store::StoreError;
use crate::store::place::exact;

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection. It is opened again where it broke; what was under way then has failed.
pub(in crate::store) struct Line {
    client: Option<Client>,
    config: Config,
    statements: HashMap<&'static str, Statement>,
}

impl Line {
    pub(in crate::store) fn open(url: &str) -> Result<Self, StoreError> {
        let config: Config = url.parse()?;
        let is_near = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        };
        if !config.get_hosts().iter().all(is_near) {
            return Err(StoreError::Far);
        }
        let mut line = Self { client: None, config, statements: HashMap::new() };
        line.client()?;
        Ok(line)
    }

    /// The connection, opened again where it broke.
    fn client(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.leave();
            self.statements.clear();
            let mut client = self.config.connect(NoTls)?;
            // What a server does by default is not for it to say: an answer is on the disk.
            client.batch_execute("SET synchronous_commit = on")?;
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
        let statement = self.client()?.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(in crate::store) fn execute(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        Ok(self.client()?.execute(&statement, parameters)?)
    }

    pub(in crate::store) fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        Ok(self.client()?.query(&statement, parameters)?)
    }

    pub(in crate::store) fn one(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }

    pub(in crate::store) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client()?.batch_execute(sql)?)
    }

    /// A transaction that sees the database as of one moment.
    pub(in crate::store) fn moment(&mut self) -> Result<Transaction<'_>, StoreError> {
        let moment = self.client()?.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        Ok(moment.read_only(true).start()?)
    }

    /// The version of the tables; nothing, where there are none.
    pub(in crate::store) fn version(&mut self) -> Result<Option<i64>, StoreError> {
        let there = self.one("SELECT to_regclass('owner') IS NOT NULL", &[])?;
        if !there.map(|row| row.try_get(0)).transpose()?.unwrap_or(false) {
            return Ok(None);
        }
        let version = self.one("SELECT schema_version FROM owner WHERE one = 1", &[])?;
        Ok(version.map(|row| row.try_get(0)).transpose()?)
    }

    /// Refuses tables of another version.
    pub(in crate::store) fn fits(&mut self) -> Result<(), StoreError> {
        match self.version()? {
            Some(SCHEMA_VERSION) => Ok(()),
            found => Err(StoreError::Version { found: found.unwrap_or(0), expected: SCHEMA_VERSION }),
        }
    }

    /// The secret that pseudonyms are made with.
    pub(in crate::store) fn secret(&mut self) -> Result<Option<[u8; 32]>, StoreError> {
        let found = self.one("SELECT secret FROM secrets WHERE name = 'pseudonym'", &[])?;
        found.map(|row| exact(row.try_get(0)?)).transpose()
    }

    /// A client that ends waits for its server, which a task must not.
    fn leave(&mut self) {
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

/// A number as the database keeps it.
pub(in crate::store) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Damaged(format!("{number} is too great")))
}

/// A number that the database kept.
pub(in crate::store) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged(format!("{number} stands where none below 0 can")))
}
