//! Row 6: money held, captured in part, refunded in part.

use purser_client::clock::nonce;
use purser_protocol::field::True;
use purser_protocol::money::Money;
use purser_protocol::paper::command::{Capture, Refund};

use super::pay::{fetch, quota, wanted};
use super::{Play, Seen};
use crate::Failure;
use crate::stage::Stage;
use crate::table::Row;

/// The merchant takes 30.00 of 45.00, and gives 10.00 back.
pub(super) async fn captured_and_refunded(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "45.00").await?;
    let mut held = None;
    play.row(async |stage: &mut Stage| {
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/book", Some(mandate))?).await?;
        held = Some(kept.id);
        Ok(seen)
    })
    .await?;
    let payment = held.ok_or("no payment")?;

    play.row(async |stage: &mut Stage| {
        let money = money("30.00 CNY")?;
        let capture = Capture {
            merchant: stage.shop.id.clone(),
            issuer: stage.session.issuer.id.clone(),
            issued_at: stage.session.issuer.clock.now(),
            nonce: nonce()?,
            intent: payment,
            amount: money.amount,
            currency: money.currency,
            last: Some(True),
            claim: None,
        };
        Ok(Seen::of(&stage.merchants_command(&capture).await?))
    })
    .await?;

    for refund in ["10.00 CNY", "20.01 CNY"] {
        play.row(async |stage: &mut Stage| {
            let money = money(refund)?;
            let refund = Refund {
                merchant: stage.shop.id.clone(),
                issuer: stage.session.issuer.id.clone(),
                issued_at: stage.session.issuer.clock.now(),
                nonce: nonce()?,
                intent: payment,
                amount: money.amount,
                currency: money.currency,
                reason: None,
            };
            let seen = Seen::of(&stage.merchants_command(&refund).await?);
            // A refused command moves nothing, and its receipt names no amount.
            Ok(Seen { amount: seen.amount.or(Some(money)), ..seen })
        })
        .await?;
    }
    Ok(())
}

fn money(text: &str) -> Result<Money, Failure> {
    text.parse().map_err(|error| format!("{text}: {error}").into())
}
