//! A store of an earlier version becomes one of this version, in one transaction.

use rusqlite::Connection;

use super::SCHEMA_VERSION;
use crate::store::StoreError;

/// Version 2 had indices over ids. What is found by them is kept beside the store since, and made from its tables.
const FROM_2: &str = "
    DROP INDEX IF EXISTS entries_by_command;
    DROP INDEX IF EXISTS entries_by_receipt;
    DROP INDEX IF EXISTS entries_by_batch;
    DROP INDEX IF EXISTS entries_by_payment;
    DROP INDEX IF EXISTS entries_by_payer;
";

/// Brings a store up to this version, or says why not and changes nothing.
pub(super) fn from(connection: &Connection, found: i64) -> Result<(), StoreError> {
    let steps = match found {
        2 => FROM_2,
        _ => return Err(StoreError::Version { found, expected: SCHEMA_VERSION }),
    };
    tracing::info!(from = found, to = SCHEMA_VERSION, "the store becomes one of this version");
    let upgraded =
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"));
    if upgraded.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(upgraded?)
}
