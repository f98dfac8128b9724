//! Rows 1 and 2: one offer, and rules.

use purser_client::pay::Silent;
use purser_protocol::field::List;
use purser_protocol::id::PaperId;
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::mandate::{Mandate, Mode};

use super::Play;
use super::pay::{ask, buy, draft, fetch, payer, rules, sign, take, wanted};
use crate::Failure;
use crate::stage::Stage;
use crate::table::Row;

/// The person sees the offer, and signs a mandate for it and for nothing else.
pub(super) async fn single(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mut mandate = None;
    play.row(async |stage: &mut Stage| {
        let issuer = &stage.session.issuer;
        let coffee = wanted(stage, "/coffee", None)?;
        let asked = ask(issuer, &coffee).await?;
        let offer = Some(asked.offer.id());
        let single = sign(stage, Mandate { offer, ..draft(stage, Mode::Single, &stage.agent)? }).await?;
        mandate = Some(single);
        let mut kept = take(stage, &coffee, &asked, single)?;
        payer(&stage.session.home, issuer, &Silent).pursue(&mut kept).await?;
        // The same request takes up its payment, and redeems it.
        let (seen, redeemed) = fetch(stage, &stage.agent, &coffee).await?;
        Ok(seen.must(redeemed.id == kept.id, "another payment was made"))
    })
    .await?;
    let mandate = mandate.ok_or("no mandate")?;
    play.row(async |stage: &mut Stage| buy(stage, "/coffee", mandate).await).await
}

/// Rules that the person wrote, held by the issuer.
pub(super) async fn conditional(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = granting(play.stage, "per-payment=200.00,category=5411").await?;
    for path in ["/groceries", "/feast", "/coffee"] {
        play.row(async |stage: &mut Stage| buy(stage, path, mandate).await).await?;
    }
    Ok(())
}

/// The agent asks, the person answers, the agent goes on.
pub(super) async fn asked(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = granting(play.stage, "ask-above=20.00").await?;
    let mut waiting = None;
    play.row(async |stage: &mut Stage| {
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/report?on=tea", Some(mandate))?).await?;
        waiting = Some(kept.id);
        Ok(seen)
    })
    .await?;
    let waiting = waiting.ok_or("no payment waits")?;
    play.row(async |stage: &mut Stage| {
        say_yes(stage, waiting).await?;
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/report?on=tea", Some(mandate))?).await?;
        Ok(seen.must(kept.id == waiting, "another payment was made"))
    })
    .await
}

/// A mandate of one grant.
pub(super) async fn granting(stage: &Stage, grant: &str) -> Result<PaperId, Failure> {
    let grants = List::new(rules(grant)?.into_iter().collect());
    sign(stage, Mandate { grants, ..draft(stage, Mode::Conditional, &stage.agent)? }).await
}

/// The person finds the payment among those that wait, and confirms it.
pub(super) async fn say_yes(stage: &Stage, intent: PaperId) -> Result<(), Failure> {
    let issuer = &stage.session.issuer;
    let waiting = issuer.pending(&stage.person).await?;
    if waiting.iter().all(|pending| pending.intent != intent.to_string()) {
        return Err("the person is not asked".into());
    }
    let confirmation = Confirmation {
        account: stage.account,
        issuer: issuer.id.clone(),
        issued_at: issuer.clock.now(),
        intent,
        shown: None,
        how: Modality::Screen,
        evidence: None,
        phrase: None,
    };
    let paper = issuer.signed(&confirmation, &stage.person)?;
    issuer.settle(paper.bytes, intent).await?;
    Ok(())
}
