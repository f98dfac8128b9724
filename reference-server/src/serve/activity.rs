//! Whether anything is going on on a connection.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::metrics::Counted;

/// Counts the requests under way on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<watch::Sender<State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    under_way: usize,
    served: bool,
}

/// One request in its handler, until dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    activity: Activity,
    _counted: Counted,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    /// A request begins.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.send_modify(|state| state.under_way += 1);
        UnderWay { activity: self.clone(), _counted: Counted::request() }
    }

    /// Completes once nothing has been under way for `first` on a new connection, for `between` on one that
    /// has served something. So `between` is also the time that a peer has to take an answer.
    pub(crate) async fn idle(&self, first: Duration, between: Duration) {
        let mut states = self.0.subscribe();
        loop {
            let state = *states.borrow_and_update();
            let changed = if state.under_way > 0 {
                states.changed().await
            } else {
                let limit = if state.served { between } else { first };
                match tokio::time::timeout(limit, states.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return,
                }
            };
            if changed.is_err() {
                // `self` holds the sender, so this is never reached; idle is the safe thing not to be.
                future::pending::<()>().await;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.activity.0.send_modify(|state| {
            state.under_way -= 1;
            state.served = true;
        });
    }
}
