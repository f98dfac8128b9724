//! What the handlers and those who send money back share: who the merchant is, whom it believes, what it knows.

use std::sync::{Arc, Mutex};

use purser_protocol::fault::Fault;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::id::Nonce;
use purser_protocol::paper::command::{Refund, Void};
use purser_protocol::sign::backend::AwsLc;

use super::debts::{Debt, Owed};
use super::keeper::Keeper;
use super::offers::Offers;
use crate::clock::Clock;
use crate::material::Identity;
use crate::random::{NoRandomness, random};
use crate::store::StoreError;

pub(super) struct Till {
    pub(super) identity: Identity,
    pub(super) register: Register,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    reader: Mutex<Offers>,
}

/// A paper was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMade {
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Signer(#[from] purser_protocol::sign::SignerFailed),
}

impl Till {
    pub(super) fn new(identity: Identity, register: Register, offers: Offers) -> Result<Self, StoreError> {
        let reader = Mutex::new(offers.again()?);
        let keeper = Keeper::start(offers).map_err(StoreError::Thread)?;
        Ok(Self { identity, register, clock: Clock::default(), keeper, reader })
    }

    /// Looks at the store. It blocks.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Offers) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let reader = self.reader.lock().map_err(|_| StoreError::Damaged("a thread died while it read".into()))?;
        look(&reader)
    }

    /// The same, on a thread that may block.
    pub(super) async fn look_aside<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Offers) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let till = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || till.look(look)).await;
        looked.map_err(|_| StoreError::Damaged("a thread died while it read".into()))?
    }

    /// Reads a receipt, with nothing but what is at hand. [RCT-1]
    pub(super) fn read_receipt(&self, receipt: &[u8]) -> Result<VerifiedReceipt, Fault> {
        verify_receipt(receipt, self.identity.context(), &AwsLc, &self.register)
    }

    /// Signs what pays a debt: all of it, so that a second one finds nothing to give back.
    pub(super) fn pay_back(&self, debt: &Debt) -> Result<Owed, NotMade> {
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
}
