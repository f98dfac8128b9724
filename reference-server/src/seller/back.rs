//! Money that goes back because nothing can be given for it: an offer that was paid twice, or that was forgotten.

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::id::Nonce;
use purser_protocol::paper::command::{Refund, Void};
use purser_protocol::receipt::Outcome;

use super::book::Debt;
use super::settle::Answer;
use super::{Seller, internal};
use crate::random::random;
use crate::reply::Problem;

impl Seller {
    /// Keeps that a payment goes back, all of it, and then refuses what was asked for. [FLW-7] [FLW-12]
    pub(super) async fn refuse_and_owe(&self, receipt: &VerifiedReceipt, why: impl Into<Fault>) -> Problem {
        match self.owe(receipt).await {
            Ok(()) => Problem::new(why),
            Err(problem) => problem,
        }
    }

    async fn owe(&self, receipt: &VerifiedReceipt) -> Result<(), Problem> {
        let (claims, issuer) = (&receipt.claims, receipt.issuer.clone());
        let whole = claims.intent.zip(claims.amount.zip(claims.currency));
        // Of an issuer that the seller takes no money at it has none.
        let Some((intent, (amount, currency))) = whole.filter(|_| self.posts.to(&issuer).is_some()) else {
            return Ok(());
        };
        let merchant = self.identity.id.clone();
        let (issued_at, nonce) = (self.clock.now(), Nonce(random().map_err(internal)?));
        let command = if claims.outcome == Outcome::Authorized {
            let void = Void { merchant, issuer: issuer.clone(), issued_at, nonce, intent };
            self.identity.sign_with_chain(&void)
        } else {
            let issuer = issuer.clone();
            let refund = Refund { merchant, issuer, issued_at, nonce, intent, amount, currency, reason: None };
            self.identity.sign_with_chain(&refund)
        };
        let debt = Debt { issuer, intent, command: command.map_err(internal)?, signed: 1 };
        self.desk.book(move |book| book.owe(&debt)).await
    }

    /// Sends what is owed. What does not succeed is sent again, later.
    pub(super) async fn send_debts(&self) {
        let Ok(owed) = self.desk.book(|book| book.owed()).await else { return };
        for debt in owed {
            let Some(post) = self.posts.to(&debt.issuer) else { continue };
            let answer = match self.answer_to(&debt.command, &debt.issuer, post).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(intent = %debt.intent, %error, "money that goes back could not be sent");
                    continue;
                }
            };
            if self.is_to_be_renewed(&answer, &debt.command, debt.signed) {
                match self.renewed(&debt.command) {
                    // What is not kept is signed again, later.
                    Ok(command) => drop(self.desk.book(move |book| book.renew(&debt, &command)).await),
                    Err(error) => tracing::error!(%error, "a command was not signed"),
                }
                continue;
            }
            let Answer::Decided(receipt) = answer else { continue };
            let end = match (receipt.claims.outcome, receipt.claims.code.and_then(|code| code.code())) {
                // It waits for another command.
                (Outcome::Refused, Some(Code::MerchantFunds | Code::PaymentDisputed)) => continue,
                // It has gone back already, or it was never the seller's.
                (Outcome::Refused, code) => code.map_or("refused", Code::slug),
                (outcome, _) => outcome.name(),
            };
            // What is not kept is sent again, and answered alike. [CMD-1]
            let _ = self.desk.book(move |book| book.end(&debt, end)).await;
        }
    }
}
