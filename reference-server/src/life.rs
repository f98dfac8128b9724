//! Whether the server is ready, and when it is stopping.

use std::sync::Arc;

use tokio::sync::watch;

/// A handle on the server's state, shared by its shell and its role.
///
/// A role says when it can decide ([`Life::set_ready`]); handlers that wait for something end early when
/// [`Life::stopping`] does.
#[derive(Clone, Debug)]
pub struct Life(Arc<watch::Sender<State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    ready: bool,
    stopping: bool,
}

impl Life {
    /// A server that is neither ready nor stopping.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    /// Says whether the role can do its work, for `/readyz`.
    pub fn set_ready(&self, ready: bool) {
        self.0.send_modify(|state| state.ready = ready);
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        let state = *self.0.borrow();
        state.ready && !state.stopping
    }

    /// Begins the end: no new connections, and what is under way has its last seconds.
    pub fn stop(&self) {
        self.0.send_modify(|state| state.stopping = true);
    }

    /// Completes when the server begins to stop; at once when it has.
    pub async fn stopping(&self) {
        // The sender lives as long as `self`, so this cannot end for want of one.
        let _ = self.0.subscribe().wait_for(|state| state.stopping).await;
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::new()
    }
}
