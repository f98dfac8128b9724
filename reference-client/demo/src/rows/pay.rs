//! Mandates, and what an agent does with them.

use std::num::NonZeroU32;

use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::clock::random;
use purser_client::connect::Request;
use purser_client::fetch::{Asked, Fetched, Fetcher, Wanted};
use purser_client::home::{Fetching, Home, Kept};
use purser_client::issuer::{Issuer, Reply, SignedPaper};
use purser_client::pay::{Order, Patience, Payer, Silent, Watch};
use purser_client::terms::Terms;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::Attempt;
use purser_protocol::id::{Digest, LineageId, PaperId};
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::rules::Rules;
use purser_protocol::period::Zone;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Signer;
use purser_protocol::sign::backend::AwsLcSigner;
use sha2::{Digest as _, Sha256};

use super::Seen;
use crate::Failure;
use crate::stage::{Stage, register, yuan};

/// The most that is paid for anything.
const MAX: &str = "500.00 CNY";

/// A mandate for a day, to be completed.
pub(super) fn draft(stage: &Stage, mode: Mode, holder: &AwsLcSigner) -> Result<Mandate, Failure> {
    let issuer = &stage.session.issuer;
    let now = issuer.clock.now();
    Ok(Mandate {
        account: stage.account,
        issuer: issuer.id.clone(),
        expires_at: now.saturating_add(86_400),
        not_before: now,
        issued_at: now,
        holder: Holder::Agent(holder.public_key()),
        offer: None,
        currency: yuan()?,
        lineage: LineageId(random()?),
        serial: NonZeroU32::MIN,
        mode,
        parent: None,
        replaces: None,
        caps: None,
        grants: None,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: None,
    })
}

/// Rules, as people type them.
pub(super) fn rules(text: &str) -> Result<Option<Rules>, Failure> {
    let mut terms = Terms::new(yuan()?, Zone::new("Asia/Shanghai").ok_or("no such zone")?);
    terms.set_all(text)?;
    Ok(terms.rules())
}

/// A quota for the agent, registered.
pub(super) async fn quota(stage: &Stage, total: &str) -> Result<PaperId, Failure> {
    let caps = rules(&format!("total={total}"))?;
    sign(stage, Mandate { caps, ..draft(stage, Mode::Quota, &stage.agent)? }).await
}

/// Signs a mandate by the person, and registers it.
pub(super) async fn sign(stage: &Stage, mandate: Mandate) -> Result<PaperId, Failure> {
    register(stage, signed(stage, &mandate, &stage.person)?).await
}

pub(super) fn signed(stage: &Stage, mandate: &Mandate, signer: &AwsLcSigner) -> Result<SignedPaper, Failure> {
    Ok(stage.session.issuer.signed(mandate, signer)?)
}

/// What is fetched at this address of the merchant's, under a mandate that the issuer judges.
pub(super) fn wanted(stage: &Stage, path: &str, mandate: Option<PaperId>) -> Result<Wanted, Failure> {
    Ok(Wanted {
        method: Method::GET,
        url: stage.product(path)?,
        headers: HeaderMap::new(),
        body: Default::default(),
        max: MAX.parse().map_err(|error| format!("{MAX}: {error}"))?,
        mandate,
        channel: None,
        device: None,
    })
}

/// What the merchant asks for it.
pub(super) async fn ask(issuer: &Issuer, wanted: &Wanted) -> Result<Asked, Failure> {
    let request = Request::new(wanted.method.clone(), wanted.url.clone());
    Ok(Asked::read(&issuer.connector.send(&request).await?, wanted, issuer)?)
}

/// Signs the agent's intent for it, and keeps it. Nothing is sent.
pub(super) fn take(stage: &Stage, wanted: &Wanted, asked: &Asked, mandate: PaperId) -> Result<Kept, Failure> {
    let fetching = Fetching {
        method: wanted.method.to_string(),
        url: wanted.url.to_string(),
        body_sha256: Digest(Sha256::digest(&wanted.body).into()).to_string(),
        challenge: asked.challenge.header_value(),
        delivered: false,
    };
    let order =
        Order { offer: &asked.offer, mandate, channel: None, device: None, fetching: Some(&fetching), chains: None };
    Ok(payer(&stage.session.home, &stage.session.issuer, &Silent).sign(&order, &stage.agent)?)
}

/// Pays at an issuer, and keeps its attempts in a folder.
pub(super) fn payer<'a>(home: &'a Home, issuer: &'a Issuer, watch: &'a dyn Watch) -> Payer<'a> {
    Payer { issuer, home, patience: Patience::default(), watch, asker: None }
}

/// Fetches, pays, redeems; what it came to.
pub(super) async fn buy(stage: &Stage, path: &str, mandate: PaperId) -> Result<Seen, Failure> {
    buy_as(stage, &stage.agent, path, mandate).await
}

/// The same, by this agent.
pub(super) async fn buy_as(stage: &Stage, agent: &dyn Signer, path: &str, mandate: PaperId) -> Result<Seen, Failure> {
    fetch(stage, agent, &wanted(stage, path, Some(mandate))?).await.map(|(seen, _)| seen)
}

/// Fetches what may be paid for already; what it came to, and the payment.
pub(super) async fn fetch(stage: &Stage, agent: &dyn Signer, wanted: &Wanted) -> Result<(Seen, Kept), Failure> {
    let issuer = &stage.session.issuer;
    let payer = payer(&stage.session.home, issuer, &Silent);
    match (Fetcher { payer, agent }).fetch(wanted).await? {
        Fetched::Delivered(delivered) => {
            delivered.taken(&stage.session.home)?;
            let whole = delivered.warnings.is_empty() && delivered.delivery.is_some();
            let what = !delivered.response.body.is_empty();
            let seen = seen(stage, &delivered.payment).await?;
            Ok((seen.must(whole, "the delivery is not whole").must(what, "nothing was delivered"), delivered.payment))
        }
        Fetched::Open(kept) => {
            let paid = kept.is_paid();
            Ok((seen(stage, &kept).await?.must(!paid, "paid, and not delivered"), *kept))
        }
        Fetched::Unpaid(response) => Err(format!("{} answered {} without a price", wanted.url, response.status).into()),
    }
}

/// The issuer's answer to an intent. The same bytes are sent again, and the same receipt must come back: the one
/// that the payment's own run has kept.
pub(super) async fn seen(stage: &Stage, kept: &Kept) -> Result<Seen, Failure> {
    let intent = kept.read_intent()?;
    let request = PaymentRequest { offer: &kept.offer, intent: &kept.intent, ..PaymentRequest::default() };
    match stage.session.issuer.pay(kept.id, &intent, &request).await {
        Reply::Decided(decision) => {
            let same = kept.receipt.as_ref() == Some(&decision.receipt);
            let known = match kept.state {
                Attempt::Known(outcome) => outcome == decision.outcome(),
                Attempt::Waiting => decision.outcome() == Outcome::Pending,
                Attempt::Signed | Attempt::InDoubt { .. } | Attempt::TurnedAway | Attempt::Dropped => false,
            };
            Ok(Seen::of(&decision).must(same && known, "the same intent had another answer"))
        }
        Reply::NotDecided(problem) => Err(problem.into_error("the issuer").into()),
        Reply::NotFound => Err("the issuer does not know the payment".into()),
        Reply::NoAnswer { error, .. } => Err(error.into()),
    }
}
