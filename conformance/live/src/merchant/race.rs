//! Many redemptions at once.

use purser_protocol::bind::http::PURSER_DELIVERY;
use purser_protocol::code::Code;

use super::{Scene, served};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, ensure, ensure_state};

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/merchant/redeem/at-once", "The same redemption 64 times at once has one answer and is one delivery", ["FLW-6", "HTB-17"], Critical, Must::Accept, [] => same_at_once;
    "live/merchant/redeem/many-receipts", "64 receipts at once for one offer: one is served", ["FLW-6", "FLW-7", "HTB-14"], Critical, Must::Accept, [] => many_receipts;
    "live/merchant/redeem/lost", "An answer that was lost is there for whoever asks again", ["HTB-17", "FLW-10"], Critical, Must::Accept, [] => lost;
};

const MANY: usize = 64;

async fn same_at_once(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let request = scene.redemption(&scene.path, &asked.challenge, &paid)?;
    let answers = scene.target.at_once(vec![request; MANY]).await?;
    let first = scene.redeem(&asked, &paid).await?;
    served(&first)?;
    let delivery = first.header(PURSER_DELIVERY);
    ensure(delivery.is_some(), || "there is no Purser-Delivery".to_owned())?;
    for answer in &answers {
        served(answer)?;
    }
    let others = answers.iter().filter(|answer| answer.header(PURSER_DELIVERY) != delivery).count();
    ensure_state(others == 0, || format!("{others} of {MANY} answers are of another delivery"))
}

/// What a merchant gives back it may not have given back yet; then nobody is told yet. [HTB-16]
async fn many_receipts(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let mut requests = Vec::new();
    for _ in 0..MANY {
        let paid = scene.paid(&asked, |_| {})?;
        requests.push(scene.redemption(&scene.path, &asked.challenge, &paid)?);
    }
    let answers = scene.target.at_once_once(requests).await?;
    let mut paid = 0;
    for answer in &answers {
        match answer.status {
            200 => paid += 1,
            // At its limit, too: nothing was served.
            429 | 503 => {}
            _ => answer.decides_nothing(Code::ReceiptAlreadyUsed)?,
        }
    }
    ensure_state(paid == 1, || format!("one offer was served for {paid} receipts"))
}

async fn lost(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    scene.target.drop_answer(&scene.redemption(&scene.path, &asked.challenge, &paid)?).await?;
    // It may or may not have been consumed; to show it again is safe either way.
    let (first, second) = (scene.redeem(&asked, &paid).await?, scene.redeem(&asked, &paid).await?);
    served(&first)?;
    let same = first.header(PURSER_DELIVERY).is_some_and(|delivery| Some(delivery) == second.header(PURSER_DELIVERY));
    ensure(same, || "the second answer has another delivery".to_owned())
}
