//! What the book needs of a database, so that one text of SQL is the same book in each.

use crate::error::StoreError;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A connection to a database. Its SQL has parameters `?1`, `?2`, and what several databases understand.
pub trait Database: Send + Sized {
    /// Another connection to the same one.
    fn again(&self) -> Result<Self, StoreError>;
    /// Begins a transaction that will write, when nobody else's is under way: it waits here, and nowhere later.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Ends it; when this returns, what was written is on the disk.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Ends it, and leaves all as it was.
    fn roll_back(&mut self);
    /// Changes rows; says how many.
    fn execute(&self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError>;
    /// Reads rows.
    fn query(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Reads the first row, where there is one.
    fn first(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// A number that is not below 0.
    pub fn number(&self, column: usize) -> Result<u64, StoreError> {
        match self.0.get(column) {
            Some(Value::Number(number)) => u64::try_from(*number).map_err(|_| odd(column)),
            _ => Err(odd(column)),
        }
    }

    /// A yes or a no.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.number(column)? != 0)
    }

    /// A text.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(odd(column)),
        }
    }

    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
            _ => Err(odd(column)),
        }
    }

    /// Bytes of which there must be so many.
    pub fn exact<const LENGTH: usize>(&self, column: usize) -> Result<[u8; LENGTH], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| odd(column))
    }

    /// What one of these reads, where there is something.
    pub fn some<T>(
        &self,
        column: usize,
        read: impl FnOnce(&Self, usize) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => read(self, column).map(Some),
        }
    }
}

fn odd(column: usize) -> StoreError {
    StoreError::Damaged(format!("column {column} of a row holds what it cannot"))
}

/// Parameters, in their order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::database::Value::from($value)),*] };
}
pub(super) use values;

impl From<u64> for Value {
    /// No amount, no time and no count comes near the end.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(flag.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl From<&Vec<u8>> for Value {
    fn from(bytes: &Vec<u8>) -> Self {
        Self::Bytes(bytes.clone())
    }
}

impl<const LENGTH: usize> From<[u8; LENGTH]> for Value {
    fn from(bytes: [u8; LENGTH]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
