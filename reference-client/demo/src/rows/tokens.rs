//! Rows 11 to 14: tokens by the meter, in packs, and by subscription.

use std::sync::Arc;
use std::time::{Duration, Instant};

use purser_client::connect::Url;
use purser_client::issuer::parse_id;
use purser_client::session::Session;
use purser_client::token::{Asking, Ended, Plan, Seller, Session as Tokens};
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::money::{Amount, Money};
use purser_protocol::period::Zone;
use purser_protocol::receipt::Outcome;
use serde_json::{Value, json};

use super::pay::{quota, sign};
use super::rules::say_yes;
use super::{Play, Seen};
use crate::Failure;
use crate::stage::{Stage, yuan};
use crate::table::Row;

/// How many tokens the stream of row 11 has, and after how many its seller is killed.
const TOKENS: u64 = 100_000;
const KILLED_AFTER: u64 = 50_000;
/// How many tokens the stream of row 13 has: more than its pack.
const MORE_THAN_A_PACK: u64 = 30_000;
const PLAN: &str = "basic";
const COUPON: &str = "WELCOME";
const MONTHLY: &str = "monthly";
/// Units of each month.
const MONTH_UNITS: u64 = 50_000;
/// How long a seller may take to ask for a term, and how often it is looked at.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Nothing is delivered or charged twice, and what is claimed is what was released and seen.
pub(super) async fn metered(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "50.00").await?;
    play.row(async |stage: &mut Stage| {
        let seller = metered_seller(stage, mandate).await?;
        let tokens = read(stage, &seller, TOKENS, Some(KILLED_AFTER)).await?;
        let session = seller.session().await?;
        let closed = seller.close(&session).await?;
        let mut last = None;
        for claim in &closed.claims {
            // The same bytes have the same answer.
            let decision = stage.session.issuer.send_command(claim.clone()).await?;
            stage.file(&decision)?;
            last = Some(Seen::of(&decision));
        }
        let seen = Seen { amount: money(closed.claimed_minor)?, ..last.ok_or("nothing was claimed")? };
        Ok(seen
            .must(tokens == TOKENS && session.spending().output == TOKENS, "another number of tokens came")
            .must(closed.how == Ended::Settled, "a claim was not covered"))
    })
    .await
}

/// A coupon is taken once; a pack that is used up in mid-stream is refilled under the quota.
pub(super) async fn packs(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "50.00").await?;
    play.row(async |stage: &mut Stage| {
        let seller = seller(stage, mandate, Some(COUPON)).await?;
        let pack = seller.buy_pack().await?;
        let told = seller.balance(&pack).await?;
        let amount = money(pack.spending().held_minor)?;
        let seen = Seen { outcome: Outcome::Settled, code: None, amount, wrong: None };
        Ok(seen.must(told["remaining"] == 20_000, "the pack is not whole"))
    })
    .await?;
    play.row(async |stage: &mut Stage| {
        let again = seller(stage, mandate, Some(COUPON)).await?.buy_pack().await;
        let code = again.as_ref().err().and_then(|error| error.code());
        let seen = Seen { outcome: Outcome::Refused, code, amount: money(200)?, wrong: None };
        Ok(seen.must(code == Some(Code::CouponUsed), "the coupon was taken twice"))
    })
    .await?;
    play.row(async |stage: &mut Stage| {
        let seller = seller(stage, mandate, None).await?;
        let tokens = read(stage, &seller, MORE_THAN_A_PACK, None).await?;
        let pack = seller.session().await?;
        let (told, spending) = (seller.balance(&pack).await?, pack.spending());
        let left = 40_000 - spending.input - spending.output;
        let seen = Seen { outcome: Outcome::Settled, code: None, amount: money(250)?, wrong: None };
        Ok(seen
            .must(tokens == MORE_THAN_A_PACK, "another number of tokens came")
            .must(told["remaining"] == left, "seller and agent counted otherwise"))
    })
    .await
}

/// Three months, a seller that falls over as one begins, and a price that rises.
pub(super) async fn subscription(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let stage = &mut *play.stage;
    let url = Url::parse(&format!("https://{}", stage.sandbox.seller))?;
    let (plan, merchant) = Plan::find(&stage.session, &url, MONTHLY).await?;
    let zone = Zone::new("Asia/Shanghai").ok_or("no such zone")?;
    let now = stage.session.issuer.clock.now();
    let terms = plan.terms(zone, now)?;
    let window = (now, now.saturating_add(365 * 86_400));
    let issuer = stage.session.issuer.id.clone();
    let mandate = sign(stage, plan.mandate(stage.account, issuer, merchant, terms.clone(), window)?).await?;
    let mut held = None;
    play.row(async |stage: &mut Stage| {
        let (session, _) = seller(stage, mandate, None).await?.subscribe(&plan, &terms).await?;
        let told = paid(stage, mandate, &session, 1).await?;
        let seen = charged(stage, &told).await?;
        held = Some(session);
        Ok(seen.must(told["remaining"] == MONTH_UNITS, "the month's tokens are not there"))
    })
    .await?;
    let session = held.ok_or("there is no subscription")?;
    let begins = |number: u32| terms.begins(number).map(|begins| begins.saturating_add(60)).ok_or("no such month");
    play.row(async |stage: &mut Stage| {
        stage.put_clocks_on(begins(2)?).await?;
        stage.seller.kill()?;
        stage.seller.restart().await?;
        stage.put_clocks_on(begins(2)?).await?;
        let told = paid(stage, mandate, &session, 2).await?;
        charged(stage, &told).await
    })
    .await?;
    let mut asked = None;
    play.row(async |stage: &mut Stage| {
        stage.put_clocks_on(begins(3)?).await?;
        let pending = until(async || Ok(stage.session.issuer.pending(&stage.person).await?.pop())).await?;
        asked = parse_id(&pending.intent);
        let amount = money(pending.amount_minor.parse()?)?;
        Ok(Seen { outcome: Outcome::Pending, code: None, amount, wrong: None })
    })
    .await?;
    let asked = asked.ok_or("the payment that waits has no id")?;
    play.row(async |stage: &mut Stage| {
        say_yes(stage, asked).await?;
        let told = paid(stage, mandate, &session, 3).await?;
        let months = told["purchases"].as_array().cloned().unwrap_or_default();
        let mut minor = Vec::new();
        for month in &months {
            let intent = month["intent"].as_str().and_then(parse_id).ok_or("a payment has no id")?;
            let amount = stage.session.issuer.outcome(intent).await?.verified.claims.amount;
            minor.push(amount.map(Amount::minor));
        }
        let seen = charged(stage, &told).await?;
        Ok(seen.must(minor == [300, 500, 600].map(Some), "another sum was charged, or another number of months"))
    })
    .await
}

/// How the subscription stands, once this month is paid.
async fn paid(stage: &Stage, mandate: PaperId, session: &Arc<Tokens>, number: u32) -> Result<Value, Failure> {
    let seller = seller(stage, mandate, None).await?;
    until(async || {
        let told = seller.balance(session).await?;
        Ok((told["term"] == number && told["state"] == "paid").then_some(told))
    })
    .await
}

/// The payment of the last month, as the issuer answers for it.
async fn charged(stage: &Stage, told: &Value) -> Result<Seen, Failure> {
    let last = told["purchases"].as_array().and_then(|all| all.last()).ok_or("nothing was paid")?;
    let intent = last["intent"].as_str().and_then(parse_id).ok_or("a payment has no id")?;
    let decision = stage.session.issuer.outcome(intent).await?;
    stage.session.home.keep_receipt(&intent, "receipt", &decision.receipt)?;
    let seen = Seen::of(&decision);
    let minor = seen.amount.map(|money| money.amount.minor().to_string());
    Ok(seen.must(last["paid_minor"].as_str() == minor.as_deref(), "seller and issuer say another price"))
}

/// Looks until there is something.
async fn until<T>(mut look: impl AsyncFnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > WITHIN {
            return Err("the seller did not ask for the month".into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn metered_seller(stage: &Stage, mandate: PaperId) -> Result<Seller, Failure> {
    let mut seller = seller(stage, mandate, None).await?;
    seller.plan = None;
    Ok(seller)
}

async fn seller(stage: &Stage, mandate: PaperId, coupon: Option<&str>) -> Result<Seller, Failure> {
    let account = Session::open(stage.session.home.clone()).await?;
    let agent = Arc::new(account.agent()?);
    let url = Url::parse(&format!("https://{}", stage.sandbox.seller))?;
    let max = "10.00 CNY".parse().map_err(|error| format!("{error}"))?;
    let mut seller = Seller::new(account, agent, &url, mandate, max);
    seller.plan = Some(PLAN.to_owned());
    seller.coupon = coupon.map(str::to_owned);
    Ok(seller)
}

/// Reads a stream, and kills the seller in the middle of it. How many tokens came.
async fn read(stage: &mut Stage, seller: &Seller, tokens: u64, killed_after: Option<u64>) -> Result<u64, Failure> {
    let messages = json!([{ "role": "user", "content": "Say something about tea and rain." }]);
    let body = json!({ "model": "purser-echo-1", "max_tokens": tokens, "messages": messages });
    let mut answer = seller.ask_model(&Asking::read(body.to_string().as_bytes())?).await?;
    let mut came = 0;
    while let Some(piece) = answer.next().await? {
        if piece.json["choices"][0]["delta"]["content"].as_str().is_some_and(|content| !content.is_empty()) {
            came += 1;
            if Some(came) == killed_after {
                stage.seller.kill()?;
                stage.seller.restart().await?;
            }
        }
    }
    answer.finish();
    Ok(came)
}

fn money(minor: u64) -> Result<Option<Money>, Failure> {
    let currency = yuan()?;
    Ok(Amount::from_minor(minor).map(|amount| Money { amount, currency }))
}
