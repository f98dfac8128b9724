//! A store behind the server's own trait: what was written is seen at once, and only what was synced survives.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Receipt;
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_server::store::notes::Notes;
use purser_server::store::{Answered, Batch, Entry, KeptEntry, Past, Reader, Store, StoreError};

/// What becomes of the next batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is kept.
    #[default]
    Kept,
    /// The write fails.
    WriteFails,
    /// It is written; the sync fails, and with it the process.
    SyncFails,
    /// It is written and synced, and the process ends before it is told.
    EndsAfterSync,
}

/// What stands on the disk.
#[derive(Debug, Default)]
pub struct Platter {
    batches: Vec<Batch>,
    /// So many of them stay, whatever happens.
    synced: usize,
    /// By place among all decisions: batch and leaf.
    places: Vec<(usize, usize)>,
    by_command: HashMap<PaperId, Vec<usize>>,
    by_payment: HashMap<PaperId, Vec<usize>>,
    by_receipt: HashMap<PaperId, usize>,
    secret: Option<[u8; 32]>,
    /// What becomes of the next batch.
    pub fate: Fate,
}

impl Platter {
    /// The batches that stay.
    pub fn synced(&self) -> &[Batch] {
        &self.batches[..self.synced]
    }

    /// Whether everything that is seen stays.
    pub fn is_synced(&self) -> bool {
        self.synced == self.batches.len()
    }

    /// The power goes: of what was not synced so many batches are there, the first of them.
    pub fn cut(&mut self, lucky: usize) {
        let keep = (self.synced + lucky).min(self.batches.len());
        self.rebuild(keep);
    }

    /// The first so many batches, as an older backup would have them.
    pub fn older(&self, batches: usize) -> Self {
        let mut older = Self { secret: self.secret, ..Self::default() };
        self.synced().iter().take(batches).for_each(|batch| older.push(batch.clone()));
        older.synced = older.batches.len();
        older
    }

    fn rebuild(&mut self, keep: usize) {
        let mut batches = std::mem::take(&mut self.batches);
        batches.truncate(keep);
        *self = Self { secret: self.secret, ..Self::default() };
        batches.into_iter().for_each(|batch| self.push(batch));
        self.synced = keep;
    }

    fn push(&mut self, batch: Batch) {
        for (place, entry) in batch.entries.iter().enumerate() {
            let sequence = self.places.len();
            self.places.push((self.batches.len(), place));
            self.by_command.entry(entry.command).or_default().push(sequence);
            if let Some(payment) = entry.payment {
                self.by_payment.entry(payment).or_default().push(sequence);
            }
            self.by_receipt.insert(PaperId(leaf_hash(&entry.claims)), sequence);
        }
        self.batches.push(batch);
    }

    fn entry(&self, sequence: usize) -> (&Batch, usize, &Entry) {
        let (batch, place) = self.places[sequence];
        (&self.batches[batch], place, &self.batches[batch].entries[place])
    }

    fn past(&self, sequence: usize) -> Past {
        let (batch, _, entry) = self.entry(sequence);
        Past {
            sequence: sequence as u64 + 1,
            command: entry.command,
            decided_at_seconds: batch.decided_at_seconds,
            event: entry.event.clone(),
        }
    }

    fn answered(&self, sequence: usize) -> Answered {
        let (batch, place, entry) = self.entry(sequence);
        let leaves = batch.entries.iter().map(|entry| leaf_hash(&entry.claims)).collect();
        let path = Tree::new(leaves).path(place);
        let receipt = Receipt { claims: entry.claims.clone(), index: place as u64, path, root: batch.root.clone() };
        Answered { receipt, detail: entry.detail.clone(), made: entry.made.clone() }
    }

    /// The receipt with this id.
    pub fn receipt(&self, id: &PaperId) -> Option<Answered> {
        self.by_receipt.get(id).map(|sequence| self.answered(*sequence))
    }
}

/// The store of one process, and its readers.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    /// A store that holds this.
    pub fn of(platter: Platter) -> Self {
        Self(Arc::new(Mutex::new(platter)))
    }

    /// What stands on it.
    pub fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

impl Store for Disk {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut platter = self.platter();
        if platter.fate == Fate::WriteFails {
            return Err(failed("simulated: the write failed"));
        }
        platter.push(batch.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let mut platter = self.platter();
        if platter.fate == Fate::SyncFails {
            return Err(failed("simulated: the sync failed"));
        }
        platter.synced = platter.batches.len();
        match platter.fate {
            Fate::EndsAfterSync => Err(failed("simulated: the process ends")),
            _ => Ok(()),
        }
    }

    fn pseudonym_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        Ok(*self.platter().secret.get_or_insert(fresh))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(self.clone()))
    }

    fn notes(&self) -> Result<Box<dyn Notes>, StoreError> {
        Err(failed("nobody keeps notes here"))
    }
}

impl Reader for Disk {
    fn replay(
        &mut self,
        batches: u64,
        sequence: u64,
        past: &mut dyn FnMut(Past) -> Result<(), StoreError>,
        batch: &mut dyn FnMut([u8; 32]),
    ) -> Result<(), StoreError> {
        let platter = self.platter();
        for (expected, kept) in platter.batches.iter().enumerate() {
            if kept.number != expected as u64 {
                return Err(failed("a batch is missing"));
            }
        }
        platter.batches.iter().filter(|kept| kept.number >= batches).for_each(|kept| batch(kept.tree_root));
        (0..platter.places.len()).filter(|at| *at as u64 + 1 > sequence).try_for_each(|at| past(platter.past(at)))
    }

    fn decided(&mut self, papers: &[PaperId]) -> Result<HashSet<PaperId>, StoreError> {
        let platter = self.platter();
        Ok(papers.iter().filter(|paper| platter.by_command.contains_key(paper)).copied().collect())
    }

    fn payment(&mut self, intent: &PaperId) -> Result<Vec<Past>, StoreError> {
        let platter = self.platter();
        let of = |index: &HashMap<PaperId, Vec<usize>>| index.get(intent).cloned().unwrap_or_default();
        let mut places = [of(&platter.by_command), of(&platter.by_payment)].concat();
        places.sort_unstable();
        Ok(places.into_iter().map(|at| platter.past(at)).collect())
    }

    fn payments_of(&mut self, payer: &AccountId, since_seconds: u64) -> Result<Vec<PaperId>, StoreError> {
        let platter = self.platter();
        let rows = (0..platter.places.len()).rev().map(|at| platter.entry(at));
        let of = rows.filter(|(_, _, entry)| entry.payer == Some(*payer));
        let since = of.take_while(|(batch, _, _)| batch.decided_at_seconds >= since_seconds);
        Ok(since.map(|(_, _, entry)| entry.command).collect())
    }

    fn answer(&mut self, command: &PaperId) -> Result<Option<Answered>, StoreError> {
        let platter = self.platter();
        let last = platter.by_command.get(command).and_then(|places| places.last());
        Ok(last.map(|at| platter.answered(*at)))
    }

    fn evidence(&mut self, command: &PaperId) -> Result<Option<Vec<u8>>, StoreError> {
        let platter = self.platter();
        let first = platter.by_command.get(command).and_then(|places| places.first());
        Ok(first.map(|at| platter.entry(*at).2.evidence.clone()))
    }

    fn root(&mut self, batch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.platter().batches.iter().find(|kept| kept.number == batch).map(|kept| kept.root.clone()))
    }

    fn tree_roots(&mut self, first: u64, count: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        let wanted = first..first.saturating_add(count);
        let platter = self.platter();
        Ok(platter.batches.iter().filter(|kept| wanted.contains(&kept.number)).map(|kept| kept.tree_root).collect())
    }

    fn last(&mut self) -> Result<u64, StoreError> {
        Ok(self.platter().places.len() as u64)
    }

    fn after(&mut self, _sequence: u64, _count: usize) -> Result<Vec<(u64, KeptEntry)>, StoreError> {
        Err(failed("nobody reads wallets here"))
    }

    fn answer_with(&mut self, receipt: &PaperId) -> Result<Option<Answered>, StoreError> {
        Ok(self.platter().receipt(receipt))
    }

    fn receipt(&mut self, id: &PaperId) -> Result<Option<Receipt>, StoreError> {
        Ok(self.platter().receipt(id).map(|answered| answered.receipt))
    }
}
