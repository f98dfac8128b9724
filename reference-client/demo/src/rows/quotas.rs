//! Rows 3 and 4: a sum to spend, by one and by many at once.

use futures_util::future::join_all;
use purser_client::pay::Silent;
use purser_protocol::code::Code;

use super::pay::{ask, buy, fetch, payer, quota, seen, take, wanted};
use super::{Play, Seen};
use crate::Failure;
use crate::script::{AT_ONCE, ENOUGH_FOR};
use crate::stage::Stage;
use crate::table::Row;

/// What is refused uses up nothing; the last payment that fits, fits to the cent.
pub(super) async fn used_up(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "100.00").await?;
    for (path, left_minor) in
        [("/taxi", 6_400), ("/taxi", 2_800), ("/taxi", 2_800), ("/report?on=taxis", 0), ("/coffee", 0)]
    {
        play.row(async |stage: &mut Stage| {
            let seen = buy(stage, path, mandate).await?;
            let mandates = stage.session.issuer.mandates(&stage.agent).await?;
            let view = mandates.iter().find(|view| view.id == mandate.to_string()).ok_or("the mandate is gone")?;
            Ok(seen.must(view.left_minor == Some(u64::to_string(&left_minor)), "something else is left"))
        })
        .await?;
    }
    Ok(())
}

/// Sixteen at once, of which ten fit. All intents are signed before the first is sent.
pub(super) async fn at_once(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "128.00").await?;
    let mut cups = Vec::new();
    for cup in 1..=AT_ONCE {
        let coffee = wanted(play.stage, &format!("/coffee?cup={cup}"), Some(mandate))?;
        let asked = ask(&play.stage.session.issuer, &coffee).await?;
        cups.push((take(play.stage, &coffee, &asked, mandate)?, coffee));
    }
    let mut refused = Vec::new();
    play.row(async |stage: &mut Stage| {
        let payer = payer(&stage.session.home, &stage.session.issuer, &Silent);
        let pursued = join_all(cups.iter_mut().map(|(kept, _)| payer.pursue(kept))).await;
        pursued.into_iter().collect::<Result<(), _>>()?;
        let mut paid = Vec::new();
        for (kept, coffee) in &cups {
            if kept.is_paid() {
                paid.push(fetch(stage, &stage.agent, coffee).await?.0);
            } else {
                refused.push(seen(stage, kept).await?);
            }
        }
        let enough = paid.len() == ENOUGH_FOR;
        one_of(paid).map(|seen| seen.must(enough, "another number of them was paid"))
    })
    .await?;
    play.row(async |_: &mut Stage| {
        let same = refused.iter().all(|seen| seen.code == Some(Code::RuleTotal));
        let rest = refused.len() == AT_ONCE - ENOUGH_FOR;
        one_of(refused).map(|seen| seen.must(same && rest, "they were not all refused for the total"))
    })
    .await
}

/// One for all, with what was wrong with any.
fn one_of(all: Vec<Seen>) -> Result<Seen, Failure> {
    let wrong = all.iter().find(|seen| seen.wrong.is_some()).cloned();
    wrong.or(all.into_iter().next()).ok_or_else(|| "there is none".into())
}
