//! What an answer says: a signed decision, or a problem.

use purser_protocol::bind::http::{ANSWER, AnswerBody};
use purser_protocol::code::Code;
use purser_protocol::field::decoded;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::receipt::{Detail, Outcome};
use purser_protocol::sign::backend::AwsLc;
use serde_json::Value;

use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::Answer;
use crate::papers::Terms;

/// Media type of problems.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// A problem in CBOR (RFC 9290).
pub(crate) const CONCISE: &str = "application/concise-problem-details+cbor";

/// Whom to believe about receipts.
pub(crate) struct Belief<'b> {
    pub(crate) terms: &'b Terms,
    pub(crate) register: &'b Register,
}

impl Answer {
    /// Whether it is a signed decision.
    pub(crate) fn is_signed(&self) -> bool {
        self.media() == ANSWER
    }

    /// The receipt in it, read through all stages and of the issuer that was asked.
    pub(crate) fn receipt(&self, belief: &Belief<'_>) -> Result<VerifiedReceipt, Failure> {
        if !self.is_signed() {
            return Err(self.fails(Fault::Refused, format!("a signed answer must come; it was {}", self.in_words())));
        }
        let body = self.answer_body()?;
        let read = verify_receipt(body.receipt, belief.terms.context(), &AwsLc, belief.register);
        let receipt =
            read.map_err(|fault| self.fails(Fault::WrongAnswer, format!("the receipt does not read: {fault}")))?;
        if receipt.issuer != belief.terms.issuer {
            return Err(self.fails(Fault::WrongAnswer, format!("the receipt is signed by {}", receipt.issuer)));
        }
        if !receipt.claims.are_of_outcome() {
            return Err(self.fails(Fault::WrongAnswer, "the claims are not those of their outcome [RCT-19]"));
        }
        Ok(receipt)
    }

    /// A signed yes of this kind.
    pub(crate) fn is(&self, belief: &Belief<'_>, outcome: Outcome) -> Result<VerifiedReceipt, Failure> {
        let receipt = self.receipt(belief)?;
        if receipt.claims.outcome != outcome {
            let wanted = format!("{} must come of it; it was {}", outcome.name(), self.in_words());
            return Err(self.fails(Fault::Refused, wanted));
        }
        let status = if outcome == Outcome::Pending { 202 } else { 200 };
        if self.status != status {
            return Err(self.fails(Fault::WrongValue, format!("{} comes with {status}", outcome.name())));
        }
        Ok(receipt)
    }

    /// A signed no, for this reason, of which the one who sent it is told.
    pub(crate) fn refuses(&self, belief: &Belief<'_>, code: Code) -> Result<VerifiedReceipt, Failure> {
        let wanted = format!("must be refused, decided and signed: {}; it was {}", code.slug(), self.in_words());
        if !self.is_signed() {
            let accepted = (200..300).contains(&self.status);
            let fault = if accepted { Fault::Accepted } else { Fault::WrongDecision };
            return Err(self.fails(fault, wanted));
        }
        let receipt = self.receipt(belief)?;
        if receipt.claims.outcome != Outcome::Refused {
            return Err(self.fails(Fault::Accepted, wanted));
        }
        let Some(detail) = self.detail()? else {
            return Err(self.fails(Fault::WrongAnswer, "the one who sent it is not told why [HTB-8]"));
        };
        if receipt.claims.detail != Some(detail.digest()) {
            return Err(self.fails(Fault::WrongAnswer, "the receipt does not bind the detail [RCT-13]"));
        }
        if detail.code.code() != Some(code) {
            return Err(self.fails(Fault::WrongCode, wanted));
        }
        let public = match code.public() {
            purser_protocol::code::Public::Same => code,
            purser_protocol::code::Public::Declined => Code::Declined,
        };
        if receipt.claims.code.and_then(|number| number.code()) != Some(public) {
            return Err(self.fails(Fault::WrongAnswer, format!("the claims must say {} [RCT-8]", public.slug())));
        }
        if self.status != code.status() {
            return Err(self.fails(Fault::WrongValue, format!("{} comes with {}", code.slug(), code.status())));
        }
        Ok(receipt)
    }

    /// A problem: nothing was decided, for this reason.
    pub(crate) fn decides_nothing(&self, code: Code) -> Done {
        let wanted = format!("must be refused, not decided: {}; it was {}", code.slug(), self.in_words());
        if (200..300).contains(&self.status) {
            return Err(self.fails(Fault::Accepted, wanted));
        }
        if self.is_signed() {
            return Err(self.fails(Fault::WrongDecision, wanted));
        }
        let problem = self.problem()?;
        let is_code = problem.get("code").and_then(Value::as_u64) == Some(u64::from(code.number()));
        if !is_code || problem.get("type").and_then(Value::as_str) != Some(&urn(code)) {
            return Err(self.fails(Fault::WrongCode, wanted));
        }
        let stage = problem.get("stage").and_then(Value::as_str).unwrap_or_default();
        if !code.stages().iter().any(|known| known.name() == stage) {
            return Err(self.fails(Fault::WrongStage, format!("{} has no stage {stage:?}", code.slug())));
        }
        if self.status != code.status() {
            return Err(self.fails(Fault::WrongValue, format!("{} comes with {}", code.slug(), code.status())));
        }
        Ok(())
    }

    /// The problem that it is.
    pub(crate) fn problem(&self) -> Result<Value, Failure> {
        if self.media() != PROBLEM {
            return Err(self.fails(Fault::WrongAnswer, format!("a problem is {PROBLEM}, this is {}", self.media())));
        }
        self.json()
    }

    /// Every member of the problem is what the registry says of the code.
    pub(crate) fn is_problem(&self, code: Code, stage: &str) -> Done {
        self.decides_nothing(code)?;
        let problem = self.problem()?;
        for (name, value) in [
            ("type", Value::from(urn(code))),
            ("title", code.meaning().into()),
            ("status", code.status().into()),
            ("code", code.number().into()),
            ("stage", stage.into()),
            ("retry", code.retry().name().into()),
            ("resolver", code.resolver().name().into()),
        ] {
            let said = problem.get(name);
            ensure(said == Some(&value), || {
                format!("{name} must be {value}, and is {}", said.unwrap_or(&Value::Null))
            })?;
        }
        Ok(())
    }

    /// The same in CBOR, for whoever asked for it.
    pub(crate) fn is_concise_problem(&self, code: Code, stage: &str) -> Done {
        let status = code.status();
        ensure(self.status == status && self.media() == CONCISE, || {
            format!("{status} and {CONCISE} must come; it was {} and {}", self.status, self.media())
        })?;
        let names = ["urn:purser:problem", "retry", "resolver", "stage", stage];
        let holds = |name: &&str| self.body.windows(name.len()).any(|window| window == name.as_bytes());
        let lacking = names.iter().find(|name| !holds(name));
        ensure(lacking.is_none(), || format!("it lacks {}", lacking.unwrap_or(&"nothing")))
    }

    pub(crate) fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| self.fails(Fault::WrongAnswer, format!("no JSON: {error}")))
    }

    pub(crate) fn answer_body(&self) -> Result<AnswerBody<'_>, Failure> {
        AnswerBody::read(&self.body).map_err(|fault| self.fails(Fault::WrongAnswer, format!("no answer: {fault}")))
    }

    /// What only the payer's side is told.
    pub(crate) fn detail(&self) -> Result<Option<Detail>, Failure> {
        let body = self.answer_body()?;
        let detail = body.detail.map(decoded).transpose();
        detail.map_err(|fault| self.fails(Fault::WrongAnswer, format!("the detail does not read: {fault}")))
    }

    /// What it is, for people.
    pub(crate) fn in_words(&self) -> String {
        if self.is_signed() {
            let outcome = AnswerBody::read(&self.body).ok().and_then(|body| {
                let receipt = purser_protocol::receipt::Receipt::from_bytes(body.receipt).ok()?;
                let claims = receipt.read_claims().ok()?;
                let detail: Option<Detail> = body.detail.and_then(|detail| decoded(detail).ok());
                let code = detail.map(|detail| detail.code).or(claims.code).and_then(|number| number.code());
                Some(format!("{} {}", claims.outcome.name(), code.map(Code::slug).unwrap_or_default()))
            });
            return format!(
                "{} and signed: {}",
                self.status,
                outcome.unwrap_or_else(|| "unreadable".to_owned()).trim()
            );
        }
        let problem: Option<Value> = serde_json::from_slice(&self.body).ok();
        let said = problem.as_ref().and_then(|problem| problem.get("type")?.as_str()?.rsplit(':').next());
        match said {
            Some(slug) => format!("{}, the problem {slug}", self.status),
            None => format!("{}, {}", self.status, self.media()),
        }
    }
}

/// The type of a problem.
pub(crate) fn urn(code: Code) -> String {
    format!("urn:purser:problem:{}", code.slug())
}
