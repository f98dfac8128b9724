//! The decision: may this payment be made, now?
//!
//! [`authorize`] is pure. It asks the checks of [`checks::TABLE`] in the order of the stages; the first that
//! fails gives the code. What it returns says which rules it evaluated and how each came out: a yes of which
//! nobody can say what was checked is no yes.

pub mod checks;
pub mod counter;
pub mod rules;

use crate::cert::Party;
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::id::{AccountId, PaperId, PartyId, Pseudonym};
use crate::label::Label;
use crate::paper::confirmation::Confirmation;
use crate::paper::intent::Intent;
use crate::paper::mandate::Mandate;
use crate::paper::offer::Offer;
use crate::time::UnixSeconds;
use counter::Counters;

/// One mandate of a chain, and how its lineage stands.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The mandate's id.
    pub id: PaperId,
    /// What it says.
    pub mandate: &'a Mandate,
    /// Whether it can be spent.
    pub standing: Standing,
    /// What was spent under its lineage.
    pub counters: &'a Counters,
    /// Holds open under its lineage.
    pub holds_open: u32,
    /// Payments under its lineage that wait for the person.
    pub pending: usize,
}

/// Whether a mandate can be spent, by command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Active,
    /// It rests.
    Suspended,
    /// A later version stands in its place.
    Superseded,
    /// It has ended.
    Revoked,
}

/// A payment to be decided, its papers verified.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Who decides.
    pub issuer: &'a PartyId,
    /// The issuer's clock.
    pub now: UnixSeconds,
    /// The account, when its credential expires, and what it can pay.
    pub account: Account,
    /// The chain, root first; never empty.
    pub chain: &'a [Link<'a>],
    /// The offer.
    pub offer: &'a Offer,
    /// The offer's id.
    pub offer_id: PaperId,
    /// Who signed the offer.
    pub merchant: &'a Party,
    /// The intent.
    pub intent: &'a Intent,
    /// The intent's id.
    pub intent_id: PaperId,
    /// The merchant that signed the intent, when no agent did.
    pub held_by: Option<&'a PartyId>,
    /// The person's yes.
    pub confirmation: Option<&'a Confirmation>,
}

/// What the ledger says of the account that would pay.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// The account.
    pub id: AccountId,
    /// When the credential of the key that signed the root mandate expires.
    pub credential_expires_at: UnixSeconds,
    /// The payer, as this merchant knows it.
    pub pseudonym: Pseudonym,
    /// What the account, or the mandate's envelope, holds.
    pub available_minor: u64,
    /// What the merchant's account already holds, so that no sum passes its limit.
    pub payee_minor: u64,
    /// Whether the issuer lets nothing out of it.
    pub frozen: bool,
    /// Whether it has paid this merchant before.
    pub knows_merchant: bool,
    /// Whether another unrefused intent of it takes the same offer.
    pub offer_taken: bool,
}

/// What [`authorize`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may. For each link, the grant that is used.
    Grant {
        /// Of each link, root first, the index of its grant, when it has grants.
        grants: Vec<Option<u8>>,
        /// The rules evaluated.
        evaluated: Vec<Evaluation>,
    },
    /// It may if the person says yes.
    NeedsConfirmation {
        /// The rules evaluated.
        evaluated: Vec<Evaluation>,
    },
    /// It may not.
    Refusal {
        /// The first check that failed.
        fault: Fault,
        /// Where, of a rule.
        place: Option<Place>,
        /// The rules evaluated up to there.
        evaluated: Vec<Evaluation>,
    },
}

/// A rule's place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The link, the root being 0.
    pub link: u8,
    /// The grant, or none for the caps.
    pub grant: Option<u8>,
    /// The rule; none where no grant admits the payment.
    pub rule: Option<Label>,
}

/// A rule that was evaluated, and how it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Where it stands.
    pub place: Place,
    /// How it came out.
    pub verdict: Verdict,
}

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It wants the person asked.
    Asks,
    /// It does not hold.
    Fails(Code),
}

/// Decides a payment. Pure: the same case has the same decision. [MOD-2]
///
/// Errors are in the decision: a [`Decision::Refusal`] carries a code of the stages time, mandate, rules or
/// ledger, by the order of spec chapter 9.
pub fn authorize(case: &Case<'_>) -> Decision {
    let mut evaluated = Vec::new();
    let refusal = |fault: Fault, place, evaluated| Decision::Refusal { fault, place, evaluated };

    for stage in [Stage::Time, Stage::Mandate] {
        if let Err(fault) = checks::run(case, stage) {
            return refusal(fault, None, evaluated);
        }
    }
    let grants = match rules::evaluate(case, &mut evaluated) {
        Ok(grants) => grants,
        Err((code, place)) => {
            let fault = Fault::new(code).at_stage(Stage::Rules).within(Part::Mandate(place.link));
            let fault = place.rule.map_or(fault.clone(), |rule| fault.field(rule.name));
            return refusal(fault, Some(place), evaluated);
        }
    };
    if let Err(fault) = checks::run(case, Stage::Ledger) {
        return refusal(fault, None, evaluated); // [AUT-56]
    }
    if case.confirmation.is_some() || !asks(case, &evaluated, &grants) {
        return Decision::Grant { grants, evaluated }; // [CNF-13]
    }
    // What waits for the person reserves nothing, so only its number is limited. [CNF-2]
    if case.chain.iter().any(|link| link.pending >= crate::limits::PENDING_MAX) {
        return refusal(Fault::new(Code::PendingLimit), None, evaluated);
    }
    Decision::NeedsConfirmation { evaluated }
}

/// Whether a rule that counts asks. The person's signature on a single mandate is the confirmation. [SGL-3]
fn asks(case: &Case<'_>, evaluated: &[Evaluation], grants: &[Option<u8>]) -> bool {
    evaluated.iter().any(|evaluation| {
        let link = usize::from(evaluation.place.link);
        let used = evaluation.place.grant.is_none() || grants.get(link) == Some(&evaluation.place.grant);
        let confirmed = case.chain.get(link).is_some_and(|link| {
            link.mandate.parent.is_none() && link.mandate.mode == crate::paper::mandate::Mode::Single
        });
        evaluation.verdict == Verdict::Asks && used && !confirmed
    })
}
