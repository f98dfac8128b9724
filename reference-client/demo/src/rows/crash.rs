//! Row 8: the issuer has decided and stored, and is killed before its answer arrives.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use purser_client::issuer::{Decision, Issuer};
use purser_client::pay::Watch;
use purser_protocol::id::PaperId;

use super::Play;
use super::pay::{ask, fetch, payer, quota, take, wanted};
use crate::Failure;
use crate::program::Program;
use crate::relay::Relay;
use crate::stage::Stage;
use crate::table::Row;

/// How often to ask whether the payment is stored.
const ASK_AGAIN: Duration = Duration::from_millis(2);
/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(30);

/// Nobody tells the issuer to crash: its answer is swallowed on the wire, and then it gets SIGKILL.
pub(super) async fn killed(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "100.00").await?;
    play.row(async |stage: &mut Stage| {
        let report = wanted(stage, "/report?on=crashes", Some(mandate))?;
        let asked = ask(&stage.session.issuer, &report).await?;
        let mut kept = take(stage, &report, &asked, mandate)?;
        let payment = kept.id;
        let behind = stage.issuer_behind_relay()?;
        // A connection that is open, so that what is swallowed is the answer and no handshake.
        behind.status(mandate).await?;

        let doubts = Doubts::default();
        let Stage { issuer: program, relay, session, .. } = stage;
        relay.withhold();
        let payer = payer(&session.home, &behind, &doubts);
        let both = async { tokio::join!(payer.pursue(&mut kept), crash(program, relay, &session.issuer, payment)) };
        let (pursued, before) = tokio::time::timeout(WITHIN, both).await.map_err(|_| "no end came")?;
        pursued?;
        let before = before?;

        // The request takes up its payment; the same intent is sent once more, and answered alike.
        let (seen, redeemed) = fetch(stage, &stage.agent, &report).await?;
        let payments = stage.session.issuer.payments(&stage.agent).await?;
        let offer = asked.offer.id().to_string();
        let of_offer = payments.iter().filter(|payment| payment.offer == offer).count();
        let same = redeemed.id == payment && redeemed.receipt.as_ref() == Some(&before.receipt);
        Ok(seen
            .must(doubts.0.load(Ordering::Relaxed) > 0, "the answer was not lost")
            .must(same, "the receipt is not the one from before the crash")
            .must(of_offer == 1, "the offer was not paid once"))
    })
    .await
}

/// Kills the issuer once it has stored the payment and its answer is swallowed; starts it again from its store.
async fn crash(program: &mut Program, relay: &Relay, issuer: &Issuer, payment: PaperId) -> Result<Decision, Failure> {
    relay.has_withheld().await;
    let before = loop {
        // Asked on another connection: what it answers there is on its disk.
        match issuer.outcome(payment).await {
            Ok(decision) => break decision,
            Err(_) => tokio::time::sleep(ASK_AGAIN).await,
        }
    };
    program.kill()?;
    relay.let_through();
    program.restart().await?;
    Ok(before)
}

/// Counts how often the client did not know.
#[derive(Default)]
struct Doubts(AtomicU32);

impl Watch for Doubts {
    fn waiting(&self, _what: &str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
