//! An issuer without doors: commands go straight to its writer. For programs that prepare a store.
//!
//! What comes of it is what would have come of the same commands over HTTP, and the audit holds it to the same.

use std::sync::{Arc, RwLock};

use purser_protocol::flow::issuer::pseudonym;
use purser_protocol::id::{AccountId, PartyId, Pseudonym};
use purser_protocol::ledger::Ledger;
use purser_protocol::receipt::log::{Log, batch_leaf};
use tokio::sync::{Notify, mpsc};

use super::{IssuerConfig, Opened, ledger_settings, open, seal};
use crate::clock::Clock;
use crate::config::Config;
use crate::material::{Identity, IdentityFiles, SetupError};
use crate::random::random;
use crate::snapshot::{self, Paths, Point, SnapshotError};
use crate::store::Reader;
use crate::store::place::aside;
use crate::writer::{Job, UnderWay, Writer};

/// The writer on its store. What is sent is not checked by anybody: its papers count as verified.
pub struct Direct {
    jobs: mpsc::Sender<Job>,
    clock: Arc<Clock>,
    pseudonym_secret: [u8; 32],
    ledger: Arc<RwLock<Ledger>>,
    log: Arc<RwLock<Log>>,
    reader: Box<dyn Reader>,
    paths: Paths,
}

impl Direct {
    /// Opens the store of an issuer's configuration, or makes it, and starts the writer.
    pub fn open(config: &Config) -> Result<Self, SetupError> {
        let settings: IssuerConfig = config.table("issuer")?;
        let identity = Identity::load(
            &IdentityFiles {
                name: &settings.name,
                network: &settings.network,
                certificate: &settings.certificate,
                key: &settings.key,
            },
            config.folder(),
        )?;
        let paths = Paths {
            store: settings.place(config),
            snapshot: settings.snapshot_path(config),
            issuer: identity.id.clone(),
        };
        let Opened {
            store,
            reader,
            lookups,
            wallets: _,
            statements: _,
            notes: _,
            passkeys: _,
            directory: _,
            pseudonym_secret,
            point,
            head,
        } = aside(|| open(&paths, &settings.head_path(config), settings.lease()))?;
        let Point { state, log, .. } = point;
        let url = config.shell.url.clone().unwrap_or_default();
        let ledger = Arc::new(RwLock::new(Ledger::from_state(ledger_settings(&settings, &identity, &url), state)));
        let (edge, log) = (log.edge(), Arc::new(RwLock::new(log)));
        let clock = Arc::new(Clock::default());
        let writer = Writer {
            ledger: Arc::clone(&ledger),
            store,
            reader: lookups,
            seal: seal(&identity),
            now: {
                let clock = Arc::clone(&clock);
                Box::new(move || clock.now())
            },
            fresh: Box::new(random),
            log: edge,
            committed: Arc::new(Notify::new()),
            under_way: UnderWay::default(),
            publish: {
                let log = Arc::clone(&log);
                Box::new(move |_, _, batch, mark| {
                    if let Ok(mut log) = log.write() {
                        log.push(batch_leaf(&batch.tree_root));
                    }
                    if let Err(error) = head.write(*mark) {
                        tracing::warn!(%error, "what was signed last is not marked");
                    }
                })
            },
        };
        Ok(Self { jobs: writer.start(), clock, pseudonym_secret, ledger, log, reader, paths })
    }

    /// Where commands go.
    pub fn jobs(&self) -> &mpsc::Sender<Job> {
        &self.jobs
    }

    /// The time of the decisions. It may be set to any time that is not before the last decision's.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the writer works on.
    pub fn ledger(&self) -> &RwLock<Ledger> {
        &self.ledger
    }

    /// Who a payer is to a merchant.
    pub fn pseudonym(&self, account: &AccountId, merchant: &PartyId) -> Pseudonym {
        pseudonym(&self.pseudonym_secret, account, merchant)
    }

    /// Writes the snapshot, once everything that was sent is answered; how many decisions there are.
    pub fn finish(mut self) -> Result<u64, SnapshotError> {
        drop(self.jobs);
        let poisoned = || SnapshotError::Unfit("of a writer that died");
        let state = self.ledger.read().map_err(|_| poisoned())?.state().clone();
        let log = self.log.read().map_err(|_| poisoned())?.clone();
        let sequence = aside(|| self.reader.last())?;
        snapshot::write(&self.paths.snapshot, &self.paths.issuer, &Point { state, log, sequence, replayed: 0 })?;
        Ok(sequence)
    }
}
