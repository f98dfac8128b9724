//! What is done for each row.

mod crash;
mod disputes;
mod doors;
mod holds;
mod mandates;
mod pay;
mod quotas;
mod rules;
mod tokens;
mod tools;
mod voice;

use std::collections::VecDeque;
use std::time::Instant;

use purser_client::issuer::Decision;
use purser_protocol::code::Code;
use purser_protocol::money::Money;
use purser_protocol::receipt::Outcome;

use crate::Failure;
use crate::script::Expected;
use crate::stage::Stage;
use crate::table::Row;

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The signed outcome; refused, where the seller makes no offer.
    pub(crate) outcome: Outcome,
    /// Why not, as the payer is told.
    pub(crate) code: Option<Code>,
    /// The amount.
    pub(crate) amount: Option<Money>,
    /// What was not as it must be, apart from those.
    pub(crate) wrong: Option<String>,
}

impl Seen {
    /// What a signed answer says.
    pub(crate) fn of(decision: &Decision) -> Self {
        let claims = &decision.verified.claims;
        let amount = claims.amount.zip(claims.currency).map(|(amount, currency)| Money { amount, currency });
        Self { outcome: decision.outcome(), code: decision.code(), amount, wrong: None }
    }

    /// The same, and it is wrong unless this holds.
    pub(crate) fn must(mut self, holds: bool, otherwise: &str) -> Self {
        if !holds {
            self.wrong.get_or_insert_with(|| otherwise.to_owned());
        }
        self
    }
}

/// Plays the script from its first row to its last. `tell` hears of each row as it ends.
pub(crate) async fn play(
    stage: &mut Stage,
    script: Vec<Expected>,
    tell: impl FnMut(&Row),
) -> Result<Vec<Row>, Failure> {
    let mut play = Play { stage, script: script.into(), rows: Vec::new(), tell };
    // Boxed: the rows together are more than a thread's stack holds.
    Box::pin(rules::single(&mut play)).await?;
    Box::pin(rules::conditional(&mut play)).await?;
    Box::pin(rules::asked(&mut play)).await?;
    Box::pin(voice::said(&mut play)).await?;
    Box::pin(quotas::used_up(&mut play)).await?;
    Box::pin(quotas::at_once(&mut play)).await?;
    Box::pin(mandates::sub_agent(&mut play)).await?;
    Box::pin(holds::captured_and_refunded(&mut play)).await?;
    Box::pin(mandates::revoked(&mut play)).await?;
    Box::pin(mandates::suspended(&mut play)).await?;
    Box::pin(crash::killed(&mut play)).await?;
    Box::pin(tools::paid_and_refunded(&mut play)).await?;
    Box::pin(disputes::settled_from_papers(&mut play)).await?;
    Box::pin(tokens::metered(&mut play)).await?;
    Box::pin(tokens::packs(&mut play)).await?;
    Box::pin(doors::photographed(&mut play)).await?;
    Box::pin(doors::bridged(&mut play)).await?;
    // It puts the clocks on: it comes last, and not where the servers are left running.
    if !play.script.is_empty() {
        Box::pin(tokens::subscription(&mut play)).await?;
    }
    match play.script.pop_front() {
        None => Ok(play.rows),
        Some(left) => Err(format!("row {} was not played", left.row).into()),
    }
}

/// The rows so far, and those to come.
struct Play<'a, F> {
    stage: &'a mut Stage,
    script: VecDeque<Expected>,
    rows: Vec<Row>,
    tell: F,
}

impl<F: FnMut(&Row)> Play<'_, F> {
    /// Plays the next row. Its time is that of `step`; the account is read before and after.
    async fn row(&mut self, step: impl AsyncFnOnce(&mut Stage) -> Result<Seen, Failure>) -> Result<(), Failure> {
        let expected = self.script.pop_front().ok_or("there are more rows than in the script")?;
        let failed = |error: Failure| -> Failure { format!("row {}: {error}", expected.row).into() };
        let before = self.stage.balance_minor().await.map_err(failed)?;
        let began = Instant::now();
        let seen = step(self.stage).await.map_err(failed)?;
        let ms = began.elapsed().as_millis();
        let after = self.stage.balance_minor().await.map_err(failed)?;
        let row = Row { moved_minor: after.cast_signed() - before.cast_signed(), expected, seen, ms, skipped: None };
        (self.tell)(&row);
        self.rows.push(row);
        Ok(())
    }

    /// Leaves the next row out, aloud; where everything is required, that is a failure.
    fn skip(&mut self, why: &str) -> Result<(), Failure> {
        let expected = self.script.pop_front().ok_or("there are more rows than in the script")?;
        if std::env::var_os("PURSER_REQUIRE_ALL").is_some_and(|all| all == "1") {
            return Err(format!("row {}: {why}", expected.row).into());
        }
        let seen = Seen { outcome: expected.outcome, code: expected.code, amount: None, wrong: None };
        let row = Row { expected, seen, moved_minor: 0, ms: 0, skipped: Some(why.to_owned()) };
        (self.tell)(&row);
        self.rows.push(row);
        Ok(())
    }
}
