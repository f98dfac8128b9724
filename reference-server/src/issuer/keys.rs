//! A copy of who owns which keys, so that signatures are checked while the ledger is written.

use std::collections::HashMap;

use purser_protocol::flow::issuer::Directory;
use purser_protocol::id::{AccountId, KeyId, PaperId};
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::state::State;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::sign::PublicKey;

/// Keys, and the mandates that they hold.
#[derive(Debug, Default)]
pub(super) struct Keys {
    accounts: HashMap<(AccountId, KeyId), PublicKey>,
    mandates: HashMap<PaperId, (AccountId, Holder)>,
    all: HashMap<KeyId, PublicKey>,
    owners: HashMap<KeyId, AccountId>,
}

impl Keys {
    /// All that a state knows.
    pub(super) fn of(state: &State) -> Self {
        let accounts = state
            .accounts
            .iter()
            .flat_map(|(account, record)| record.keys.iter().map(|(name, (key, _))| ((*account, *name), *key)));
        let mandates =
            state.mandates.iter().map(|(id, record)| (*id, (record.mandate.account, record.mandate.holder.clone())));
        let owners = state.accounts.iter().flat_map(|(account, record)| record.keys.keys().map(|key| (*key, *account)));
        Self {
            owners: owners.collect(),
            accounts: accounts.collect(),
            mandates: mandates.collect(),
            all: state.keys.clone(),
        }
    }

    /// Whether an event changes anything here.
    pub(super) fn learns(event: &Event) -> bool {
        matches!(
            event,
            Event::Enrolled(_) | Event::Registered(_) | Event::Retired(_) | Event::Thawed(_) | Event::Batched(_)
        )
    }

    /// What an event of the committed batch adds.
    pub(super) fn learn(&mut self, event: &Event, state: &State) {
        match event {
            Event::Enrolled(enrolled) => {
                let name = enrolled.key.id();
                self.accounts.insert((enrolled.account, name), enrolled.key);
                self.all.insert(name, enrolled.key);
                self.owners.insert(name, enrolled.account);
            }
            Event::Registered(registered) => {
                let Some(record) = state.mandates.get(&registered.mandate) else { return };
                let holder = record.mandate.holder.clone();
                if let Holder::Agent(key) = &holder {
                    self.all.insert(key.id(), *key);
                }
                self.mandates.insert(registered.mandate, (record.mandate.account, holder));
            }
            Event::Retired(retired) => self.forget(retired.account, state),
            Event::Thawed(thawed) => {
                self.forget(thawed.account, state);
                if let Some(key) = thawed.key.0 {
                    self.accounts.insert((thawed.account, key.id()), key);
                    self.all.insert(key.id(), key);
                    self.owners.insert(key.id(), thawed.account);
                }
            }
            Event::Batched(batched) => batched.parts.iter().for_each(|part| self.learn(&part.event, state)),
            _ => {}
        }
    }

    /// Forgets the keys of an account that are its no more. [WAL-31]
    fn forget(&mut self, account: AccountId, state: &State) {
        let is_key = |key: &KeyId| state.accounts.get(&account).is_some_and(|record| record.keys.contains_key(key));
        let gone: Vec<KeyId> =
            self.accounts.keys().filter(|(of, key)| *of == account && !is_key(key)).map(|(_, key)| *key).collect();
        for key in gone {
            self.accounts.remove(&(account, key));
            if self.owners.get(&key) == Some(&account) {
                self.owners.remove(&key);
            }
            if !state.keys.contains_key(&key) {
                self.all.remove(&key);
            }
        }
    }

    /// The account that a key is of.
    pub(super) fn owner(&self, key: &KeyId) -> Option<AccountId> {
        self.owners.get(key).copied()
    }

    /// The account of a mandate.
    pub(super) fn account_of(&self, mandate: &PaperId) -> Option<AccountId> {
        self.mandates.get(mandate).map(|(account, _)| *account)
    }
}

impl Directory for Keys {
    fn account_key(&self, account: &AccountId, key: &KeyId) -> Option<PublicKey> {
        self.accounts.get(&(*account, *key)).copied()
    }

    fn holder(&self, mandate: &PaperId) -> Option<Holder> {
        self.mandates.get(mandate).map(|(_, holder)| holder.clone())
    }

    fn any_key(&self, key: &KeyId) -> Option<PublicKey> {
        self.all.get(key).copied()
    }
}
