//! Verdicts on certificate chains, remembered by the hash of their exact bytes.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use purser_protocol::cert::{Party, Role, chain_digest};
use purser_protocol::fault::Fault;
use purser_protocol::flow::{Parties, Register};
use purser_protocol::id::Digest;
use purser_protocol::sign::{Header, SignerName};
use purser_protocol::time::UnixSeconds;

/// Most verdicts that are kept; when there are more, all are forgotten and learnt anew.
const VERDICTS_MAX: usize = 65_536;

/// Only a yes is remembered, and only for the seconds for which it is good.
pub(crate) struct RememberedParties {
    register: Register,
    /// The issuer, whose own orders need nobody to vouch for it. [WAL-40]
    own: Option<Arc<Party>>,
    verdicts: RwLock<HashMap<(Digest, SignerName, Role), Arc<Party>>>,
}

impl RememberedParties {
    pub(crate) fn new(register: Register) -> Self {
        Self { register, own: None, verdicts: RwLock::default() }
    }

    /// The same, for the issuer that this is.
    pub(crate) fn of(self, own: Party) -> Self {
        Self { own: Some(Arc::new(own)), ..self }
    }
}

impl Parties for RememberedParties {
    fn party(&self, header: &Header<'_>, role: Role, now: UnixSeconds) -> Result<Arc<Party>, Fault> {
        let is_own = |own: &&Arc<Party>| role == own.role && header.signer == SignerName::Certificate(own.x5t);
        if let Some(own) = self.own.as_ref().filter(is_own) {
            return Ok(Arc::clone(own));
        }
        let certificates = header.x5chain.certificates();
        // A chain of more than was kept of it is refused each time.
        if certificates.len() != header.x5chain.count() {
            return self.register.party(header, role, now);
        }
        let key = (chain_digest(certificates), header.signer, role);
        let remembered = self.verdicts.read().ok().and_then(|verdicts| verdicts.get(&key).cloned());
        if let Some(party) = remembered.filter(|party| party.valid.contains(&now.get())) {
            return Ok(party);
        }
        let party = self.register.party(header, role, now)?;
        if let Ok(mut verdicts) = self.verdicts.write() {
            if verdicts.len() >= VERDICTS_MAX {
                verdicts.clear();
            }
            verdicts.insert(key, Arc::clone(&party));
        }
        Ok(party)
    }
}
