//! Row 10: a payment is disputed, the merchant contests it, the issuer rules, and the money follows.

use std::fs;

use purser_client::clock::nonce;
use purser_protocol::field::Bytes;
use purser_protocol::money::Money;
use purser_protocol::paper::dispute::{Dispute, DisputeAnswer, Ground, Ruling, Stance};

use super::pay::{fetch, quota, wanted};
use super::{Play, Seen};
use crate::Failure;
use crate::stage::Stage;
use crate::table::Row;

/// A coffee for 12.80, of which 5.00 goes back.
pub(super) async fn settled_from_papers(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "12.80").await?;
    let mut paid = None;
    play.row(async |stage: &mut Stage| {
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/coffee", Some(mandate))?).await?;
        paid = Some(kept.id);
        Ok(seen)
    })
    .await?;
    let intent = paid.ok_or("no payment")?;

    let mut opened = None;
    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let sum = money("12.80 CNY")?;
        let dispute = Dispute {
            account: stage.account,
            issuer: issuer.id.clone(),
            issued_at: issuer.clock.now(),
            nonce: nonce()?,
            intent,
            amount: sum.amount,
            currency: sum.currency,
            reason: None,
            ground: Ground::NotAsOffered,
            exhibits: None,
        };
        let decision = stage.command(&dispute).await?;
        opened = decision.verified.claims.command;
        Ok(Seen::of(&decision))
    })
    .await?;
    let dispute = opened.ok_or("no dispute")?;

    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let delivered = fs::read(stage.session.home.path(format!("receipts/{intent}.delivery")))?;
        let answer = DisputeAnswer {
            merchant: stage.shop.id.clone(),
            issuer: issuer.id.clone(),
            issued_at: issuer.clock.now(),
            nonce: nonce()?,
            intent,
            reason: None,
            dispute,
            stance: Stance::Contests,
            delivered: Some(Bytes(delivered)),
            exhibits: None,
        };
        let seen = Seen::of(&stage.merchants_command(&answer).await?);
        // An answer that contests moves nothing, and its receipt names no amount.
        Ok(Seen { amount: seen.amount.or(Some(money("12.80 CNY")?)), ..seen })
    })
    .await?;

    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let award = money("5.00 CNY")?;
        let ruling = Ruling {
            issuer: issuer.id.clone(),
            account: stage.account,
            issued_at: issuer.clock.now(),
            nonce: nonce()?,
            intent,
            amount: Some(award.amount),
            currency: award.currency,
            reason: None,
            dispute,
        };
        Ok(Seen::of(&stage.issuers_command(&ruling).await?))
    })
    .await
}

fn money(text: &str) -> Result<Money, Failure> {
    text.parse().map_err(|error| format!("{text}: {error}").into())
}
