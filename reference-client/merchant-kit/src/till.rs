//! What the handlers and those who send money back share: who the merchant is, whom it believes, what it knows.

use std::sync::{Arc, Mutex};

use purser_protocol::fault::Fault;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::id::{Nonce, PaperId, PartyId};
use purser_protocol::paper::command::{Refund, Void};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Paper};

use crate::clock::Clock;
use crate::error::StoreError;
use crate::identity::Identity;
use crate::keeper::Keeper;
use crate::random::{NoRandomness, random};
use crate::store::{Debt, Order, Owed, Store, aside};

pub(crate) struct Till {
    pub(crate) identity: Identity,
    pub(crate) register: Register,
    pub(crate) clock: Clock,
    pub(crate) keeper: Keeper,
    reader: Mutex<Box<dyn Store>>,
}

/// A paper was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Signer(#[from] purser_protocol::sign::SignerFailed),
    #[error("what was signed cannot be read")]
    Unreadable,
}

impl Till {
    pub(crate) fn new(identity: Identity, register: Register, store: Box<dyn Store>) -> Result<Self, StoreError> {
        let (store, reader) = aside(move || {
            let reader = store.again()?;
            Ok((store, Mutex::new(reader)))
        })?;
        let keeper = Keeper::start(store).map_err(StoreError::Thread)?;
        Ok(Self { identity, register, clock: Clock::default(), keeper, reader })
    }

    /// Looks at the store. It blocks.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let reader = self.reader.lock().map_err(|_| StoreError::Damaged("a thread died while it read".into()))?;
        look(reader.as_ref())
    }

    /// The same, on a thread that may block.
    pub(crate) async fn look_aside<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let till = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || till.look(look)).await;
        looked.map_err(|_| StoreError::Damaged("a thread died while it read".into()))?
    }

    /// Reads a receipt, with nothing but what is at hand. [RCT-1]
    pub(crate) fn read_receipt(&self, receipt: &[u8]) -> Result<VerifiedReceipt, Fault> {
        verify_receipt(receipt, self.identity.context(), &AwsLc, &self.register)
    }

    /// Signs what pays a debt: all of it, so that a second one finds nothing to give back.
    pub(crate) fn pay_back(&self, debt: &Debt) -> Result<Owed, NotMade> {
        let (merchant, issuer) = (self.identity.id.clone(), debt.issuer.clone());
        let (issued_at, nonce) = (self.clock.now(), Nonce(random()?));
        let intent = debt.intent;
        let command = if debt.held {
            self.identity.sign_with_chain(&Void { merchant, issuer, issued_at, nonce, intent })
        } else {
            let (amount, currency) = (debt.amount, debt.currency);
            let refund = Refund { merchant, issuer, issued_at, nonce, intent, amount, currency, reason: None };
            self.identity.sign_with_chain(&refund)
        };
        Ok(Owed { debt: debt.clone(), command: command?, made_at: issued_at })
    }

    /// Signs a command, as it is kept and sent.
    pub(crate) fn order<T: Paper>(
        &self,
        issuer: &PartyId,
        intent: Option<PaperId>,
        paper: &T,
    ) -> Result<Order, NotMade> {
        let command = self.identity.sign_with_chain(paper)?;
        let frame = Frame::read(&command).map_err(|_| NotMade::Unreadable)?;
        let id = id(frame.protected, frame.payload);
        Ok(Order { id, issuer: issuer.clone(), intent, made_at: self.clock.now(), command })
    }
}
