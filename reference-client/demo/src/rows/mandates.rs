//! Rows 5 and 7: a mandate below another, and the end of one.

use purser_client::clock::nonce;
use purser_protocol::field::Set;
use purser_protocol::paper::command::Revocation;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::status::MandateState;

use super::Play;
use super::pay::{buy, buy_as, draft, quota, rules, signed};
use crate::Failure;
use crate::stage::{Stage, register};
use crate::table::Row;

/// An agent may sign its helper a greater sum than its own. It widens nothing: every link holds.
pub(super) async fn sub_agent(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let parent = quota(play.stage, "50.00").await?;
    let stage = &play.stage;
    let caps = rules("total=500.00")?;
    let below = Mandate { parent: Some(parent), caps, ..draft(stage, Mode::Quota, &stage.helper)? };
    let below = register(stage, signed(stage, &below, &stage.agent)?).await?;
    for path in ["/taxi", "/report?on=helpers", "/coffee"] {
        play.row(async |stage: &mut Stage| buy_as(stage, &stage.helper, path, below).await).await?;
    }
    Ok(())
}

/// From the receipt of the revocation on, nothing is paid under the mandate.
pub(super) async fn revoked(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "100.00").await?;
    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let revocation = Revocation {
            account: stage.account,
            issuer: issuer.id.clone(),
            issued_at: issuer.clock.now(),
            nonce: nonce()?,
            mandates: Set::new(vec![mandate]).ok_or("no mandate")?,
            reason: None,
        };
        stage.command(&revocation).await?;
        let status = stage.session.issuer.status(mandate).await?;
        let seen = buy(stage, "/coffee", mandate).await?;
        Ok(seen.must(status.state == MandateState::Revoked, "its status is another"))
    })
    .await
}
