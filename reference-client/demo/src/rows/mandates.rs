//! Rows 5 and 7: a mandate below another, the end of one, and the rest of three.

use purser_client::clock::nonce;
use purser_client::issuer::Parts;
use purser_protocol::field::Set;
use purser_protocol::paper::command::{Revocation, Suspension};
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::status::MandateState;
use purser_protocol::sign::Signer as _;

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

/// Three papers, one signature, one receipt: all of them are done, or none.
pub(super) async fn suspended(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mut mandates = Vec::new();
    for total in ["10.00", "20.00", "30.00"] {
        mandates.push(quota(play.stage, total).await?);
    }
    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let mut parts = Parts::default();
        for mandate in &mandates {
            let suspension = Suspension {
                account: stage.account,
                issuer: issuer.id.clone(),
                issued_at: issuer.clock.now(),
                nonce: nonce()?,
                mandates: Set::new(vec![*mandate]).ok_or("no mandate")?,
                reason: None,
            };
            parts.add(&suspension, &stage.person.public_key());
        }
        let decision = issuer.batch(stage.account, &parts, &stage.person).await?;
        stage.file(&decision)?;
        let mut all = true;
        for mandate in &mandates {
            all &= issuer.status(*mandate).await?.state == MandateState::Suspended;
        }
        let last = mandates.last().copied().ok_or("no mandate")?;
        let seen = buy(stage, "/coffee", last).await?;
        Ok(seen.must(all, "not all of them rest"))
    })
    .await
}
