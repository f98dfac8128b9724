//! Which mandate pays. The issuer decides; what is sure to be refused is not sent.

use purser_protocol::authorize::counter::Counters;
use purser_protocol::authorize::{Account, Case, Decision, Link, Standing, authorize};
use purser_protocol::code::{Code, Retry};
use purser_protocol::fault::{Fault, Part};
use purser_protocol::id::{PaperId, Pseudonym};
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::sign::{Frame, Paper as _, Signer};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;

use super::Wanted;
use super::offer::Asked;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::issuer::{Issuer, MandateView};
use crate::pay::{Order, intent_of};

/// How a mandate looks from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It covers the payment.
    Pays,
    /// It covers the payment once the person has said yes.
    Asks,
    /// It does not, and this is the check that fails.
    No(Fault),
}

/// Every mandate of the agent's that can be read, and how each looks from here. [`Code::RuleTotal`] stands for too
/// little left, as the issuer counts.
pub(super) async fn considered(
    issuer: &Issuer,
    agent: &dyn Signer,
    asked: &Asked,
    wanted: &Wanted,
) -> Result<Vec<(MandateView, Fit)>> {
    let views = issuer.mandates(agent).await.or_else(|error| match error.code() {
        Some(Code::CommandSigner | Code::ProofInvalid) => Ok(Vec::new()),
        _ => Err(error),
    })?;
    let judged = |view: MandateView| {
        let (id, mandate) = (view.paper_id()?, view.mandate()?);
        let stands = match view.state.as_str() {
            "active" if spendable(&view, asked).is_none() => Some(Code::RuleTotal),
            "active" => None,
            "exhausted" => Some(Code::RuleTotal),
            "suspended" => Some(Code::MandateSuspended),
            "superseded" => Some(Code::MandateSuperseded),
            "expired" => Some(Code::MandateExpired),
            _ => Some(Code::MandateRevoked),
        };
        let fit = match stands {
            None => fit(id, &mandate, issuer, agent, asked, wanted),
            Some(code) => Fit::No(Fault::new(code).within(Part::Mandate(0))),
        };
        Some((view, fit))
    };
    Ok(views.into_iter().filter_map(judged).collect())
}

/// The mandate that was named, if it fits; else the first that pays, else the first that asks the person.
pub(super) async fn mandate(
    issuer: &Issuer,
    home: &Home,
    agent: &dyn Signer,
    asked: &Asked,
    wanted: &Wanted,
) -> Result<PaperId> {
    if let Some(id) = wanted.mandate {
        // A mandate that is not kept here is the issuer's to judge.
        return match home.mandate(&id).and_then(|bytes| read(&bytes)) {
            Some(mandate) => match fit(id, &mandate, issuer, agent, asked, wanted) {
                Fit::No(fault) => Err(Error::fault("payment", fault).at(format!("mandate {id}"))),
                Fit::Pays | Fit::Asks => Ok(id),
            },
            None => Ok(id),
        };
    }
    let views = issuer.mandates(agent).await.map_err(|error| match error.code() {
        Some(Code::CommandSigner | Code::ProofInvalid) => no_mandate("this agent's key holds no mandate there"),
        _ => error,
    })?;
    let mut asking = None;
    let mut failed = None;
    for (id, mandate) in views.iter().filter(|view| view.state == "active").filter_map(|view| spendable(view, asked)) {
        match fit(id, &mandate, issuer, agent, asked, wanted) {
            Fit::Pays => return Ok(id),
            Fit::Asks => asking = asking.or(Some(id)),
            Fit::No(fault) => failed = failed.or(Some((id, fault))),
        }
    }
    match (asking, failed) {
        (Some(id), _) => Ok(id),
        (None, Some((id, fault))) => {
            let error = Error::fault("payment", fault).at(format!("mandate {id}"));
            Err(error
                .fix("no mandate of this agent's fits: ask the person for one that does")
                .retry(Retry::AfterChange))
        }
        (None, None) => Err(no_mandate("no active mandate of this agent's has enough left")),
    }
}

/// What is paid, under this mandate.
pub(super) fn order<'a>(mandate: PaperId, asked: &'a Asked, wanted: &Wanted) -> Order<'a> {
    Order { offer: &asked.offer, mandate, channel: wanted.channel, device: wanted.device, fetching: None, chains: None }
}

fn no_mandate(what: &str) -> Error {
    Error::failed(what).fix("the person makes one with purser mandate new").retry(Retry::AfterChange)
}

/// A mandate with enough left for the price.
fn spendable(view: &MandateView, asked: &Asked) -> Option<(PaperId, Mandate)> {
    let left = view.left_minor.as_ref().and_then(|left| left.parse::<u64>().ok());
    let enough = left.is_none_or(|left| left >= asked.offer.amount.minor());
    Some((view.paper_id()?, view.mandate().filter(|_| enough)?))
}

fn read(mandate: &[u8]) -> Option<Mandate> {
    Mandate::decode(&mut Reader::new(Frame::read(mandate).ok()?.payload)).ok()
}

/// The issuer's own decision, as far as it can be made from here: with nothing spent yet, and an account that
/// has enough and knows the merchant. What is refused even so is refused there.
fn fit(id: PaperId, mandate: &Mandate, issuer: &Issuer, agent: &dyn Signer, asked: &Asked, wanted: &Wanted) -> Fit {
    if mandate.holder != Holder::Agent(agent.public_key()) {
        return Fit::No(Fault::new(Code::AgentMismatch).within(Part::Intent));
    }
    let intent = intent_of(&order(id, asked, wanted), issuer, &[0; 32]);
    // The chain above is not ours to see; this link is judged as if it stood alone.
    let alone = Mandate { parent: None, ..mandate.clone() };
    let counters = Counters::default();
    let link = Link { id, mandate: &alone, standing: Standing::Active, counters: &counters, holds_open: 0, pending: 0 };
    let account = Account {
        id: mandate.account,
        credential_expires_at: UnixSeconds::MAX,
        pseudonym: asked.offer.pseudonym.unwrap_or(Pseudonym([0; 16])),
        available_minor: u64::MAX,
        payee_minor: 0,
        frozen: false,
        knows_merchant: true,
        offer_taken: false,
    };
    let case = Case {
        issuer: &issuer.id,
        now: issuer.clock.now(),
        account,
        chain: &[link],
        offer: &asked.offer,
        offer_id: asked.offer.id(),
        merchant: &asked.merchant,
        intent: &intent,
        intent_id: PaperId([0; 32]),
        held_by: None,
        confirmation: None,
    };
    match authorize(&case) {
        Decision::Grant { .. } => Fit::Pays,
        Decision::NeedsConfirmation { .. } => Fit::Asks,
        Decision::Refusal { fault, .. } => Fit::No(fault),
    }
}
