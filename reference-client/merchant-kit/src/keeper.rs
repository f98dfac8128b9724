//! The thread that writes. What has come in while it wrote is its next transaction, so that one sync serves all
//! who wait; nobody is answered before it.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;
use crate::store::Store;

/// Most changes of one transaction: the first of them does not wait long.
const BATCH_MAX: usize = 256;
/// Most changes that wait.
const QUEUE_MAX: usize = 1_024;
/// Places that new offers leave to those who have paid.
const PLACES_KEPT: usize = 256;

/// Sends changes to the thread, which ends when the last of these does.
#[derive(Clone)]
pub(crate) struct Keeper(mpsc::Sender<Change>);

/// Makes a change inside a transaction, and gives what is to be said once it is on the disk.
type Change = Box<dyn FnOnce(&mut dyn Store) -> Result<Reply, StoreError> + Send>;
type Reply = Box<dyn FnOnce() + Send>;

/// A change was not made, or nobody knows whether it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotWritten {
    /// Too much is waiting; nothing was done.
    #[error("too much waits to be written")]
    Full,
    /// The store failed.
    #[error("the store failed")]
    Failed,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(offers: Box<dyn Store>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        thread::Builder::new().name("offers".into()).spawn(move || run(offers, receiver))?;
        Ok(Self(sender))
    }

    /// Makes a change durably. It is made even when nobody waits for it any more.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, NotWritten> {
        let (done, written) = oneshot::channel();
        let change: Change = Box::new(move |offers| {
            let made = change(offers)?;
            Ok(Box::new(move || drop(done.send(made))))
        });
        self.0.try_send(change).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotWritten::Full,
            mpsc::error::TrySendError::Closed(_) => NotWritten::Failed,
        })?;
        written.await.map_err(|_| NotWritten::Failed)
    }

    /// The same, for what somebody asks for who has not paid. [HTB-26]
    pub(crate) async fn write_if_idle<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, NotWritten> {
        if self.0.capacity() < PLACES_KEPT {
            return Err(NotWritten::Full);
        }
        self.write(change).await
    }
}

fn run(mut offers: Box<dyn Store>, mut changes: mpsc::Receiver<Change>) {
    while let Some(first) = changes.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = changes.try_recv()
        {
            batch.push(next);
        }
        match write(offers.as_mut(), batch) {
            Ok(replies) => replies.into_iter().for_each(|reply| reply()),
            // Whoever waits is told by the end of its channel.
            Err(error) => tracing::error!(%error, "the merchant's store failed"),
        }
    }
}

fn write(offers: &mut dyn Store, batch: Vec<Change>) -> Result<Vec<Reply>, StoreError> {
    offers.begin()?;
    let made = batch.into_iter().map(|change| change(offers)).collect::<Result<Vec<_>, _>>();
    match made {
        Ok(replies) => offers.commit().map(|()| replies),
        Err(error) => {
            offers.roll_back();
            Err(error)
        }
    }
}
