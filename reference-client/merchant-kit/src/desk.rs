//! Commands to issuers, each sent until it is answered: for money that must go back, and what the shop orders.
//!
//! Each issuer has a task of its own, so that one that is gone keeps nobody waiting but those who paid there.

pub(crate) mod post;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::Code;
use purser_protocol::id::{Nonce, PartyId};
use purser_protocol::limits::{COMMAND_SECONDS_MAX, SKEW_SECONDS};
use purser_protocol::paper::command::Capture;
use purser_protocol::receipt::{Claims, Outcome};
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Paper as _};
use purser_protocol::wire::Reader;
use tokio::sync::{Notify, watch};

use crate::error::{SetupError, setting};
use crate::random::random;
use crate::settings::Settings;
use crate::store::{Debt, Order, Owed};
use crate::till::Till;
use post::Post;

/// How long to wait before what had no answer is sent again: at first, and at most.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long a refusal is left alone that holds for as long as the payment is disputed.
const DISPUTED_SECONDS: u64 = 3_600;

/// Wakes those who send, and knows the way to their issuers.
pub(crate) struct Desks(HashMap<PartyId, (Arc<Notify>, Arc<Post>)>);

impl Desks {
    /// Starts a task for each issuer. They end when the shop is closed; what is owed then waits on disk.
    pub(crate) fn start(
        settings: &Settings,
        folder: &Path,
        till: &Arc<Till>,
        closed: &watch::Receiver<bool>,
    ) -> Result<Self, SetupError> {
        let mut wakers = HashMap::new();
        for entry in &settings.issuers {
            let issuer = PartyId::new(&entry.name).ok_or_else(|| setting("issuers", "have a name that is none"))?;
            let wake = Arc::new(Notify::new());
            let post = Arc::new(Post::to(entry, folder)?);
            let desk = Desk { post: Arc::clone(&post), till: Arc::clone(till), issuer: issuer.clone() };
            tokio::spawn(desk.run(Arc::clone(&wake), closed.clone()));
            wakers.insert(issuer, (wake, post));
        }
        Ok(Self(wakers))
    }

    /// Whether money of this issuer can be sent back.
    pub(crate) fn reaches(&self, issuer: &PartyId) -> bool {
        self.0.contains_key(issuer)
    }

    /// The way to an issuer.
    pub(crate) fn post(&self, issuer: &PartyId) -> Option<Arc<Post>> {
        self.0.get(issuer).map(|(_, post)| Arc::clone(post))
    }

    /// There is something to send.
    pub(crate) fn wake(&self, issuer: &PartyId) {
        if let Some((wake, _)) = self.0.get(issuer) {
            wake.notify_one();
        }
    }
}

/// The one who sends to one issuer.
struct Desk {
    issuer: PartyId,
    post: Arc<Post>,
    till: Arc<Till>,
}

/// What became of a debt, for now.
enum Became {
    /// It has ended.
    Ended,
    /// The issuer is there, and this one has to wait.
    Waits,
    /// Nothing came back; nothing would for the others.
    NoAnswer,
}

impl Desk {
    async fn run(self, wake: Arc<Notify>, mut closed: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        loop {
            // Another process of the merchant may owe something too: it is looked for even when nobody wakes us.
            pause = match self.round().await {
                true => PAUSE_MAX,
                false if pause >= PAUSE_MAX => PAUSE_MAX,
                false => pause * 2,
            };
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = wake.notified() => pause = PAUSE_MIN,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends what is owed; says whether nothing is left.
    async fn round(&self) -> bool {
        let issuer = self.issuer.clone();
        let all = match self.till.look_aside(move |offers| offers.owed_at(&issuer)).await {
            Ok(all) => all,
            Err(error) => {
                tracing::error!(%error, "what is owed cannot be read");
                return false;
            }
        };
        let mut done = true;
        for owed in all {
            match self.settle(owed).await {
                Became::Ended => {}
                Became::Waits => done = false,
                Became::NoAnswer => return false,
            }
        }
        done & self.orders().await
    }

    /// Sends what the shop has ordered; says whether nothing is left.
    async fn orders(&self) -> bool {
        let issuer = self.issuer.clone();
        let all = match self.till.look_aside(move |store| store.orders_at(&issuer)).await {
            Ok(all) => all,
            Err(error) => {
                tracing::error!(%error, "what is ordered cannot be read");
                return false;
            }
        };
        let mut done = true;
        for order in all {
            match self.carry_out(order).await {
                Became::Ended => {}
                Became::Waits => done = false,
                Became::NoAnswer => return false,
            }
        }
        done
    }

    /// The same bytes each time: made anew, a capture of a part could be made twice.
    async fn carry_out(&self, order: Order) -> Became {
        let answer = match self.post.send(order.command.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, %error, "an order could not be sent");
                return Became::NoAnswer;
            }
        };
        let too_old = order.made_at.saturating_add(COMMAND_SECONDS_MAX + SKEW_SECONDS) < self.till.clock.now();
        let read = answer.and_then(|answer| self.read(&order.command, &answer));
        let (end, receipt) = match read {
            Some((claims, receipt)) => match claims.code.and_then(|code| code.code()) {
                Some(code) if claims.outcome == Outcome::Refused => (code.slug(), receipt),
                _ => (claims.outcome.name(), receipt),
            },
            // Nothing was decided, and nothing will be: had it been, that would have been the answer. [CMD-1] [CMD-2]
            None if too_old => {
                // What the shop captures by itself is captured still: nobody else would, and the goods are gone.
                match self.captured_anew(&order).await {
                    Ok(Some(anew)) => {
                        let written = self.till.keeper.write(move |store| {
                            store.end_order(&order.id, Code::CommandStale.slug(), &[])?;
                            store.order(&anew)
                        });
                        if written.await.is_err() {
                            tracing::error!(issuer = %self.issuer, "a capture that was made anew was not kept");
                        }
                        return Became::Waits;
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(issuer = %self.issuer, error, "a capture was not made anew");
                        return Became::Waits;
                    }
                }
                tracing::warn!(issuer = %self.issuer, order = %order.id, "an order is too old, and was not carried out");
                (Code::CommandStale.slug(), Vec::new())
            }
            None => return Became::Waits,
        };
        let written = self.till.keeper.write(move |store| store.end_order(&order.id, end, &receipt)).await;
        if written.is_ok() { Became::Ended } else { Became::Waits }
    }

    /// The last capture of a payment, once more. It can be made twice and takes its money once, unlike that of a part.
    /// Of any other order there is nothing; an error says that it is not known.
    async fn captured_anew(&self, order: &Order) -> Result<Option<Order>, String> {
        let read = Frame::read(&order.command).and_then(|frame| Capture::decode(&mut Reader::new(frame.payload)));
        let Some(before) = read.ok().filter(|capture| capture.last.is_some()) else { return Ok(None) };
        let intent = before.intent;
        let paid = self.till.look_aside(move |store| store.paid(&intent)).await.map_err(|error| error.to_string())?;
        if !paid.is_some_and(|(made, _)| made.captured) {
            return Ok(None);
        }
        let nonce = Nonce(random().map_err(|error| error.to_string())?);
        let capture = Capture { issued_at: self.till.clock.now(), nonce, ..before };
        let anew = self.till.order(&order.issuer, Some(intent), &capture);
        anew.map(Some).map_err(|error| error.to_string())
    }

    async fn settle(&self, owed: Owed) -> Became {
        let intent = owed.debt.intent;
        let old = owed.made_at.saturating_add(COMMAND_SECONDS_MAX / 2) <= self.till.clock.now();
        let owed = match old {
            // Before long nobody would take it any more. [CMD-2]
            true => match self.renewed(owed).await {
                Some(owed) => owed,
                None => return Became::Waits,
            },
            false => owed,
        };
        let answer = match self.post.send(owed.command.clone()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                tracing::warn!(%intent, "the issuer decided nothing about money that goes back");
                return Became::Waits;
            }
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, %error, "money that goes back could not be sent");
                return Became::NoAnswer;
            }
        };
        let Some((claims, receipt)) = self.read(&owed.command, &answer) else {
            tracing::warn!(%intent, "the issuer's answer about money that goes back is none");
            return Became::Waits;
        };
        let end = match (claims.outcome, claims.code.and_then(|code| code.code())) {
            (Outcome::Refunded | Outcome::Voided, _) => claims.outcome.name(),
            // The refusal is for ever; when there is money in the account again, another command is not refused.
            (Outcome::Refused, Some(Code::MerchantFunds)) => {
                tracing::warn!(%intent, "there is no money in the account to give back");
                self.renewed(owed).await;
                return Became::Waits;
            }
            // That is not for ever either: the dispute ends, and what it has not given back is owed as before. [DSP-11]
            (Outcome::Refused, Some(Code::PaymentDisputed)) => {
                tracing::warn!(%intent, "money that must go back is disputed");
                if owed.made_at.saturating_add(DISPUTED_SECONDS) <= self.till.clock.now() {
                    self.renewed(owed).await;
                }
                return Became::Waits;
            }
            // What was held was captured, so that it is here now. [CMD-6]
            (Outcome::Refused, Some(Code::PaymentCaptured)) if owed.debt.held => {
                let debt = Debt { held: false, ..owed.debt.clone() };
                self.renewed(Owed { debt, ..owed }).await;
                return Became::Waits;
            }
            (Outcome::Refused, Some(code)) => {
                // It has gone back already, or it was never ours.
                tracing::info!(%intent, slug = code.slug(), "there is nothing to give back");
                code.slug()
            }
            _ => return Became::Waits,
        };
        let written = self.till.keeper.write(move |offers| offers.end(&owed.debt, end, &receipt)).await;
        // If it is not kept, the same command gets the same answer once more. [CMD-1]
        if written.is_ok() { Became::Ended } else { Became::Waits }
    }

    /// The answer to this very command, by this very issuer.
    fn read(&self, command: &[u8], answer: &[u8]) -> Option<(Claims, Vec<u8>)> {
        let body = AnswerBody::read(answer).ok()?;
        let receipt = self.till.read_receipt(body.receipt).ok()?;
        let command = Frame::read(command).ok()?;
        let ours = receipt.claims.command == Some(id(command.protected, command.payload));
        (ours && receipt.issuer == self.issuer).then(|| (receipt.claims, body.receipt.to_vec()))
    }

    /// The debt with a new command. If the old one was decided after all, the new one finds nothing to give back.
    async fn renewed(&self, owed: Owed) -> Option<Owed> {
        let renewed = match self.till.pay_back(&owed.debt) {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::error!(%error, "a command was not made");
                return None;
            }
        };
        let kept = renewed.clone();
        let written = self.till.keeper.write(move |offers| offers.renew(&owed.command, &kept)).await;
        written.ok().map(|()| renewed)
    }
}
