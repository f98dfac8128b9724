//! The threads on which signatures are checked, so that a read between two payments does not wait for curves.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

type Check = Box<dyn FnOnce() + Send>;

/// When a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Before all payments.
    First,
    /// In its order.
    Payment,
}

/// The threads. How many checks wait is bounded by how many requests the shell lets in.
#[derive(Debug)]
pub(super) struct Checkers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Check>,
    idle: usize,
    ended: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Checkers {
    /// Starts so many threads.
    pub(super) fn start(count: usize) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        for _ in 0..count {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("verify".into()).spawn(move || shared.work())?;
        }
        Ok(Self(shared))
    }

    /// Runs a check when a thread is free; nothing, where it panicked. What stops money from moving does not wait behind
    /// payments. [HTB-36]
    pub(super) async fn run<T: Send + 'static>(
        &self,
        turn: Turn,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (give, checked) = oneshot::channel();
        let wakes = {
            let mut queue = self.0.lock();
            let check: Check = Box::new(move || {
                // Who asked may have gone: then nobody needs it.
                if !give.is_closed() {
                    let _ = give.send(check());
                }
            });
            match turn {
                Turn::Payment => queue.waiting.push_back(check),
                Turn::First => queue.waiting.push_front(check),
            }
            queue.idle > 0
        };
        if wakes {
            self.0.more.notify_one();
        }
        checked.await.ok()
    }
}

impl Drop for Checkers {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.more.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(check) = queue.waiting.pop_front() {
                drop(queue);
                // The one who asked sees that no answer comes; the thread goes on.
                if catch_unwind(AssertUnwindSafe(check)).is_err() {
                    tracing::error!("a check panicked");
                }
                queue = self.lock();
            } else if queue.ended {
                return;
            } else {
                queue.idle += 1;
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_panics_takes_no_thread_with_it() {
        let checkers = Checkers::start(1).unwrap();
        assert_eq!(checkers.run(Turn::Payment, || -> u8 { panic!("on purpose") }).await, None);
        assert_eq!(checkers.run(Turn::First, || 7).await, Some(7));
    }

    #[tokio::test]
    async fn a_command_is_checked_before_the_payments_that_wait() {
        let checkers = Checkers::start(1).unwrap();
        let barrier = || Arc::new(std::sync::Barrier::new(2));
        let (begun, goes_on, order) = (barrier(), barrier(), Arc::new(Mutex::new(Vec::new())));
        let note = |what| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push(what)
        };
        let wait = async |barrier: Arc<std::sync::Barrier>| {
            tokio::task::spawn_blocking(move || barrier.wait()).await.unwrap();
        };
        // The one thread is held until both others wait for it.
        let (begins, held, notes) = (Arc::clone(&begun), Arc::clone(&goes_on), note("first"));
        let first = checkers.run(Turn::Payment, move || {
            begins.wait();
            held.wait();
            notes();
        });
        let others = async {
            wait(begun).await;
            let (payment, command) =
                (checkers.run(Turn::Payment, note("payment")), checkers.run(Turn::First, note("command")));
            tokio::join!(biased; payment, command, wait(goes_on));
        };
        tokio::join!(first, others);
        assert_eq!(*order.lock().unwrap(), ["first", "command", "payment"]);
    }
}
