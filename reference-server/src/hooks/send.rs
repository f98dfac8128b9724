//! Sending what waits: a task for each merchant, so that one that is gone keeps no other waiting.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use purser_merchant::wire::Wire;
use purser_protocol::bind::http::PAPER;
use purser_protocol::field::{Bytes, encoded};
use purser_protocol::id::PartyId;
use purser_protocol::paper::notice::Notice;
use tokio::sync::Notify;

use super::{Decision, Hooks, Waiting};
use crate::clock::Clock;
use crate::life::Life;
use crate::material::Identity;
use crate::store::StoreError;

/// How long to look elsewhere when nothing waits and nobody says that something was decided.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A merchant that wants to be told, and where.
pub struct Hook {
    /// Its name.
    pub merchant: PartyId,
    /// The way there.
    pub wire: Wire,
}

/// What every task needs.
#[derive(Clone)]
pub struct Sender {
    /// What waits.
    pub hooks: Arc<Mutex<Hooks>>,
    /// Who signs.
    pub identity: Arc<Identity>,
    /// The issuer's clock.
    pub clock: Arc<Clock>,
    /// Something was decided.
    pub committed: Arc<Notify>,
    /// When to end.
    pub life: Life,
    /// Whether everything is told twice, as by a network that doubles.
    pub twice: bool,
}

/// What a round came to.
enum Round {
    /// Something was told: there may be more.
    Told,
    /// Nothing to tell for so long.
    Rest(Duration),
}

impl Sender {
    /// Tells a merchant what there is, and what comes, until the server stops.
    pub async fn run(self, hook: Hook) {
        loop {
            // Who looks first hears of nothing that comes in between; whoever waits first does.
            let committed = self.committed.notified();
            let rest = match self.round(&hook).await {
                Ok(Round::Told) => continue,
                Ok(Round::Rest(rest)) => rest,
                Err(error) => {
                    tracing::warn!(merchant = %hook.merchant, %error, "what a merchant is told cannot be read");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = committed => {}
                () = tokio::time::sleep(rest) => {}
                () = self.life.stopping() => return,
            }
        }
    }

    async fn round(&self, hook: &Hook) -> Result<Round, StoreError> {
        let (sender, merchant, now) = (self.clone(), hook.merchant.clone(), self.clock.now().get());
        let looked = aside(move || sender.next(&merchant)).await?;
        let Some((waiting, notice)) = looked else { return Ok(Round::Rest(LOOK_EVERY)) };
        if waiting.next_at > now {
            return Ok(Round::Rest(Duration::from_secs(waiting.next_at - now).min(LOOK_EVERY)));
        }
        if self.twice {
            let _ = hook.wire.send("", PAPER, notice.clone()).await;
        }
        let why = match hook.wire.send("", PAPER, notice).await {
            Ok(posted) if posted.status.is_success() => None,
            Ok(posted) => Some(posted.status.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let (sender, merchant) = (self.clone(), hook.merchant.clone());
        aside(move || {
            let hooks = sender.hooks.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(why) = why else { return hooks.taken(&merchant, waiting.number).map(|()| Round::Told) };
            tracing::warn!(%merchant, number = waiting.number, %why, "a notice was not taken");
            if hooks.failed(&merchant, &waiting, now, &why)? {
                tracing::error!(%merchant, number = waiting.number, %why, "a notice was put aside");
                return Ok(Round::Told);
            }
            Ok(Round::Rest(Duration::from_secs(super::pause_seconds(waiting.tries + 1))))
        })
        .await
    }

    /// The next notice, signed now.
    fn next(&self, merchant: &PartyId) -> Result<Option<(Waiting, Vec<u8>)>, StoreError> {
        let mut hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.catch_up()?;
        let Some(waiting) = hooks.next(merchant)? else { return Ok(None) };
        let Some(Decision { receipt, enclosed }) = hooks.decision(&waiting)? else { return Ok(None) };
        let notice = Notice {
            issuer: self.identity.id.clone(),
            merchant: merchant.clone(),
            issued_at: self.clock.now(),
            enclosed: enclosed.map(Bytes),
            sequence: waiting.number,
            previous: waiting.previous,
            told: Bytes(encoded(&receipt)),
        };
        let signed = self.identity.sign_with_chain(&notice);
        let signed = signed.map_err(|failed| StoreError::Damaged(failed.to_string()))?;
        Ok(Some((waiting, signed)))
    }
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Damaged("a thread died while it read".into()))?
}
