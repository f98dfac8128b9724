//! Rows of hostile encodings, each beside what it was made from.

use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::id::PaperId;

use super::forge::Forge;
use super::keys::judge;
use super::samples::Sample;

/// From bytes to a paper of one kind: its id.
pub(crate) type Judge = fn(&[u8]) -> Result<PaperId, Fault>;

pub(crate) enum Expected {
    Refused(Code, Stage),
    /// Accepted, under the id of its twin.
    SamePaper,
}

pub(crate) struct Row {
    /// Ids in the taxonomy of hostile encodings (C01-C51, P01-P38), with spaces between.
    pub(crate) classes: &'static str,
    /// Ids in the catalogue of attacks (C1-C15, D1-D17), with spaces between.
    pub(crate) attacks: &'static str,
    pub(crate) name: String,
    pub(crate) judge: Judge,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
    /// The same without the fault: accepted.
    pub(crate) twin: Vec<u8>,
}

/// Rows made from one honest paper.
pub(crate) struct Table {
    pub(crate) base: Forge,
    judge: Judge,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn of<T: Sample>(paper: &T) -> Self {
        Self { base: Forge::of(paper), judge: judge::<T>, rows: Vec::new() }
    }

    /// A change that must be refused; the paper without it is accepted.
    pub(crate) fn refuse(
        &mut self,
        (classes, attacks): (&'static str, &'static str),
        name: impl Into<String>,
        (code, stage): (Code, Stage),
        change: impl FnOnce(&mut Forge),
    ) {
        let bytes = self.base.with(change).bytes();
        self.push((classes, attacks), name.into(), bytes, Expected::Refused(code, stage), self.base.bytes());
    }

    /// A change of the payload that must be refused.
    pub(crate) fn refuse_payload(
        &mut self,
        ids: (&'static str, &'static str),
        name: impl Into<String>,
        expected: (Code, Stage),
        change: impl FnOnce(&[u8]) -> Vec<u8>,
    ) {
        self.refuse(ids, name, expected, |forge| forge.payload = change(&forge.payload));
    }

    /// Of two changes the first must be refused and the second accepted.
    pub(crate) fn refuse_beside(
        &mut self,
        ids: (&'static str, &'static str),
        name: impl Into<String>,
        (code, stage): (Code, Stage),
        change: impl FnOnce(&mut Forge),
        twin: impl FnOnce(&mut Forge),
    ) {
        let (bytes, twin) = (self.base.with(change).bytes(), self.base.with(twin).bytes());
        self.push(ids, name.into(), bytes, Expected::Refused(code, stage), twin);
    }

    /// A change that makes no other paper.
    pub(crate) fn same(
        &mut self,
        ids: (&'static str, &'static str),
        name: impl Into<String>,
        change: impl FnOnce(&mut Forge),
    ) {
        let bytes = self.base.with(change).bytes();
        assert_ne!(bytes, self.base.bytes());
        self.push(ids, name.into(), bytes, Expected::SamePaper, self.base.bytes());
    }

    fn push(
        &mut self,
        (classes, attacks): (&'static str, &'static str),
        name: String,
        bytes: Vec<u8>,
        expected: Expected,
        twin: Vec<u8>,
    ) {
        let judge = self.judge;
        self.rows.push(Row { classes, attacks, name, judge, bytes, expected, twin });
    }
}
