//! A signed answer, verified, and held against what was asked.

use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::Code;
use purser_protocol::fault::{Fault, Part};
use purser_protocol::field::decoded;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::flow::payer::answers_intent;
use purser_protocol::id::{Digest, PaperId, PartyId};
use purser_protocol::paper::intent::Intent;
use purser_protocol::receipt::{Claims, Detail, Outcome};
use sha2::{Digest as _, Sha256};

use crate::trust::Trust;

/// What an issuer decided: its receipt has verified, and it answers what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The receipt's bytes.
    pub receipt: Vec<u8>,
    /// What it says.
    pub verified: VerifiedReceipt,
    /// What only the payer is told.
    pub detail: Option<Detail>,
}

/// What a receipt must be the answer to.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// A payment, whose intent is known.
    Payment(PaperId, &'a Intent),
    /// A payment, of which the id is known.
    PaymentOf(PaperId),
    /// A command.
    Command(PaperId),
}

impl Decision {
    /// Reads and verifies an answer. A receipt of another issuer, of another question or of other money than
    /// was asked for is `receipt-mismatch`.
    pub fn read(body: &[u8], issuer: &PartyId, question: Question<'_>, trust: &Trust) -> Result<Self, Fault> {
        let body = AnswerBody::read(body)?;
        let verified = trust.receipt(body.receipt)?;
        let mismatch = || Fault::new(Code::ReceiptMismatch).within(Part::Receipt);
        if verified.issuer != *issuer || !answers(&verified, question) {
            return Err(mismatch());
        }
        // A detail is the issuer's word only if the receipt holds its digest; any other is passed over. [RCT-15]
        let ours = |bytes: &&[u8]| verified.claims.detail == Some(Digest(Sha256::digest(bytes).into()));
        let detail = body.detail.filter(ours).map(decoded::<Detail>).transpose()?;
        Ok(Self { receipt: body.receipt.to_vec(), verified, detail })
    }

    /// What was decided.
    pub fn outcome(&self) -> Outcome {
        self.verified.claims.outcome
    }

    /// Why not: what the payer is told, else what everybody is.
    pub fn code(&self) -> Option<Code> {
        let number = self.detail.as_ref().map(|detail| detail.code).or(self.verified.claims.code);
        number.and_then(|number| number.code())
    }

    /// Why not, in words, with the rule where one is told.
    pub fn reason(&self) -> Option<String> {
        let code = self.code()?;
        let rule = self.detail.as_ref().and_then(|detail| detail.rule).and_then(|number| i64::try_from(number).ok());
        let rule = rule.and_then(|number| purser_protocol::paper::rules::ALL.iter().find(|rule| rule.number == number));
        Some(match rule {
            Some(rule) => format!("{code} (rule {}): {}", rule.name, code.meaning()),
            None => format!("{code}: {}", code.meaning()),
        })
    }
}

fn answers(receipt: &VerifiedReceipt, question: Question<'_>) -> bool {
    let claims = &receipt.claims;
    match question {
        Question::Command(command) => claims.command == Some(command),
        Question::PaymentOf(id) => claims.intent == Some(id) && is_of_payment(claims),
        Question::Payment(id, intent) => answers_intent(&id, intent, receipt),
    }
}

/// Whether this is an outcome that an intent can have. The refusal of a command names the payment too.
fn is_of_payment(claims: &Claims) -> bool {
    use Outcome::{Authorized, Cancelled, Captured, Pending, Recorded, Refunded, Refused, Settled, Voided};
    match claims.outcome {
        _ if claims.command.is_some() => false,
        Authorized | Settled | Pending | Refused | Cancelled => true,
        Captured | Voided | Refunded | Recorded => false,
    }
}
