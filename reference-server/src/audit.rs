//! The audit of an issuer's store: everything that can be checked of it with the issuer's own certificates.
//!
//! Signatures, the log, the trees, that each receipt says what happened and that what happened can have, that
//! nothing was decided twice, and the books. It reads and changes nothing, and can run beside the issuer.

mod answer;
mod batch;
mod receipts;
mod report;

use std::path::PathBuf;

use purser_protocol::cert::Role;
use purser_protocol::id::{PartyId, Text};
use purser_protocol::ledger::{Ledger, Settings, audit as books};
use purser_protocol::receipt::tree::Frontier;

use crate::config::Config;
use crate::head::{self, Mark};
use crate::issuer::{IssuerConfig, RememberedParties};
use crate::material::{self, SetupError, setting};
use crate::pem;
use crate::snapshot::{self, Point};
use crate::store::{Archive, StoreError};

pub use receipts::Acknowledged;
pub use report::{Finding, Kind, Report, Sums};

/// Whose store it should be.
pub struct Auditor {
    issuer: PartyId,
    network: Text<32>,
    parties: RememberedParties,
}

/// What the configuration does not say.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// Chains that the issuer signed with before, leaf first.
    pub certificates: Vec<PathBuf>,
    /// Authorities that vouch for the issuer; those of the configuration when there are none.
    pub anchors: Vec<PathBuf>,
}

/// What a store is held against, beside itself. It is read before the store is opened, so as not to be ahead of it.
#[derive(Debug, Default)]
pub struct Beside {
    /// Receipts that somebody got: each must still be what the store would answer.
    pub given_out: Acknowledged,
    /// What was last signed.
    pub signed: Option<Mark>,
    /// The snapshot of the state: it must be the state of its batch.
    pub snapshot: Option<Point>,
}

impl Auditor {
    /// Reads an issuer's configuration. Its private key is not needed, and not read.
    pub fn load(config: &Config, settings: &IssuerConfig, more: &More) -> Result<Self, SetupError> {
        let anchors = match more.anchors.as_slice() {
            [] => settings.anchors.iter().map(|path| config.path(path)).collect(),
            given => given.to_vec(),
        };
        let mut register = material::register(&anchors, Role::Issuer, config)?;
        let configured = std::iter::once(&settings.certificate).chain(&settings.earlier_certificates);
        for path in configured.map(|path| config.path(path)).chain(more.certificates.iter().cloned()) {
            register.keep(pem::certificates(&path)?);
        }
        Ok(Self {
            issuer: PartyId::new(&settings.name).ok_or_else(|| setting("name", "is not a party's name"))?,
            network: Text::new(&settings.network).ok_or_else(|| setting("network", "is not 1 to 32 bytes of text"))?,
            parties: RememberedParties::new(register),
        })
    }

    /// What the configuration's own store is held against.
    pub fn beside(&self, config: &Config, settings: &IssuerConfig) -> Result<Beside, SetupError> {
        let signed = head::read(&settings.head_path(config))?;
        let mut reader = settings.place(config).reader()?;
        // One that does not fit is read by no issuer either.
        let snapshot = snapshot::read(&settings.snapshot_path(config), &self.issuer, reader.as_mut()).ok().flatten();
        Ok(Beside { signed, snapshot, ..Beside::default() })
    }

    /// Checks all of a store. What is wrong is in the report; the error is that it cannot be read.
    ///
    pub fn audit(&self, archive: &mut dyn Archive, beside: Beside) -> Result<Report, StoreError> {
        let Beside { mut given_out, signed, snapshot } = beside;
        let mut walk = Walk {
            auditor: self,
            ledger: Ledger::new(Settings {
                issuer: self.issuer.clone(),
                sandbox: true,
                approval_base: String::new(),
                credential_seconds: 0,
            }),
            log: Frontier::default(),
            batches: 0,
            sequence: 0,
            decided_at_seconds: 0,
            entries: 0,
            applies: true,
            snapshot,
            signed: signed.filter(|mark| mark.log_size > 0),
            report: Report::new(&self.issuer, &self.network),
        };
        let read = archive.batches(&mut |batch| {
            given_out.meet(&batch);
            walk.batch(batch);
            Ok(())
        });
        walk.readable(read)?;
        let counted = archive.count_entries();
        if let Some(counted) = walk.readable(counted)?.filter(|counted| *counted != walk.entries) {
            let what = format!("{counted} decisions are there, {} of them in a batch", walk.entries);
            walk.report.find(Kind::Entry, "the store", what);
        }
        let faults = archive.file_faults();
        for fault in walk.readable(faults)?.unwrap_or_default() {
            walk.report.find(Kind::File, "the store", fault);
        }
        Ok(walk.finish(given_out))
    }
}

/// A store on its way through the checks, batch by batch.
struct Walk<'a> {
    auditor: &'a Auditor,
    /// The fold of what happened so far.
    ledger: Ledger,
    /// The log of the batches so far.
    log: Frontier,
    batches: u64,
    sequence: u64,
    decided_at_seconds: u64,
    entries: u64,
    /// Whether every event so far could be applied: after one that could not, no sum means anything.
    applies: bool,
    /// What was last signed, until its batch has come.
    signed: Option<Mark>,
    /// The snapshot, until its batch has come.
    snapshot: Option<Point>,
    report: Report,
}

impl Walk<'_> {
    /// A part of the store that cannot be read is a finding where the store is damaged, else an error.
    fn readable<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_damage() => {
                self.report.find(Kind::File, "the store", error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn finish(mut self, given_out: Acknowledged) -> Report {
        given_out.report(&mut self.report);
        if let Some(mark) = self.signed {
            let what = format!("{} batches were signed, as {}", mark.log_size, mark.log_root);
            self.report.find(Kind::Head, "the store", what);
        }
        self.report.batches = self.batches;
        self.report.receipts = self.entries;
        self.report.decided_until_seconds = self.decided_at_seconds;
        self.report.log = Some((self.log.size(), self.log.root()));
        if self.applies {
            self.report.count(self.ledger.state(), self.ledger.past());
            for finding in books::audit(self.ledger.state(), self.ledger.past()) {
                self.report.find(Kind::Books, "the ledger", finding.0);
            }
        }
        self.report
    }
}
