//! `purser payment`

use clap::{Args, Subcommand};
use purser_client::home::{Home, Kept};
use purser_client::issuer::parse_id;
use purser_client::pay::Payer;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::diag;
use purser_protocol::flow::payer::Attempt;
use purser_protocol::sign::backend::AwsLcSigner;
use serde_json::json;

use super::done::{claims_json, code, payment_json, standing};
use super::{Done, Terminal, Waiting, session};

#[derive(Subcommand)]
pub(super) enum Payment {
    /// The payments of this folder; with --issuer, those that the issuer has
    Ls {
        /// Ask the issuer for the payments that this folder's keys may see
        #[arg(long)]
        issuer: bool,
    },
    /// One payment, with its papers
    Show {
        /// Its id, or the first digits
        id: String,
    },
    /// Ask the issuer how a payment stands, and take it up where it is in doubt
    Status(Asking),
    /// Give a payment up: learn whether it was made before
    Cancel(Asking),
    /// Take up every payment that is in doubt
    Resume {
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Want no more what was paid for and has not come, so that the next fetch pays anew
    Close {
        /// Its id, or the first digits
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Asking {
    /// Its id, or the first digits
    id: String,
    #[command(flatten)]
    waiting: Waiting,
}

impl Payment {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        match self {
            Self::Ls { issuer: false } => Ok(ls(&home)),
            Self::Ls { issuer: true } => ls_of_issuer(&session(home).await?).await,
            Self::Show { id } => show(&home.attempts().find(&id)?),
            Self::Status(asking) => status(&session(home).await?, &asking).await,
            Self::Cancel(asking) => cancel(&session(home).await?, &asking).await,
            Self::Resume { waiting } => resume(&session(home).await?, waiting).await,
            Self::Close { id } => close(&home, &id),
        }
    }
}

fn ls(home: &Home) -> Done {
    let mut text = String::new();
    let mut list = Vec::new();
    let mut unreadable = Vec::new();
    for kept in home.attempts().all() {
        match kept {
            Ok(kept) => {
                text.push_str(&line(&kept));
                list.push(payment_json(&kept));
            }
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let exit = if unreadable.is_empty() { code::DONE } else { code::UNKNOWN };
    let done = Done::new(text, json!({ "payments": list, "unreadable": unreadable })).exit(exit);
    unreadable.into_iter().fold(done, |done, what| done.note(format!("warning: {what}")))
}

async fn ls_of_issuer(session: &Session) -> Result<Done> {
    let key = if session.config.keys.person.is_some() { session.person()? } else { session.agent()? };
    let views = session.issuer.payments(&key).await?;
    let line = |view: &purser_client::issuer::PaymentView| {
        format!("{} {}: {} {} to {}\n", view.intent, view.state, view.amount_minor, view.currency, view.merchant)
    };
    let text: String = views.iter().map(line).collect();
    let json = serde_json::to_value(&views).map_err(|error| Error::failed(error.to_string()))?;
    Ok(Done::new(text, json!({ "payments": json })).note("amounts are in minor units"))
}

fn show(kept: &Kept) -> Result<Done> {
    let mut done = Done::of_payment(kept).exit(code::DONE);
    for (name, paper) in
        [("intent", Some(&kept.intent)), ("offer", Some(&kept.offer)), ("receipt", kept.receipt.as_ref())]
    {
        let Some(paper) = paper else { continue };
        let shown = diag::show(paper).map_err(|fault| Error::fault(name, fault))?;
        done.text.extend_from_slice(format!("{name}\n{shown}").as_bytes());
        done.json.insert(format!("{name}_notation"), shown.into());
    }
    Ok(done)
}

async fn status(session: &Session, asking: &Asking) -> Result<Done> {
    let mut kept = match (session.home.attempts().find(&asking.id), parse_id(&asking.id)) {
        (Ok(kept), _) => kept,
        // One that is not kept here, or whose file cannot be read: the issuer knows.
        (Err(_), Some(id)) => {
            let decision = session.issuer.outcome(id).await?;
            let json = json!({ "intent": id.to_string(), "receipt": claims_json(&decision.verified.claims) });
            return Ok(Done::of_decision(&format!("payment {id}"), &decision, json));
        }
        (Err(error), None) => return Err(error),
    };
    let asker = key(session)?;
    payer(session, asking.waiting, &asker).pursue(&mut kept).await?;
    Ok(Done::of_payment(&kept))
}

async fn cancel(session: &Session, asking: &Asking) -> Result<Done> {
    let mut kept = session.home.attempts().find(&asking.id)?;
    let signer = key(session)?;
    payer(session, asking.waiting, &signer).cancel(&mut kept, &signer).await?;
    let done = Done::of_payment(&kept);
    // That it was not made is what was asked for.
    Ok(if done.exit == code::FAILED { done.exit(code::DONE) } else { done })
}

async fn resume(session: &Session, waiting: Waiting) -> Result<Done> {
    let asker = key(session)?;
    let taken_up = payer(session, waiting, &asker).resume().await?;
    let text: String = taken_up.iter().map(line).collect();
    let worst = taken_up.iter().map(|kept| standing(kept).1).max().unwrap_or(code::DONE);
    let list: Vec<_> = taken_up.iter().map(payment_json).collect();
    Ok(Done::new(text, json!({ "payments": list })).exit(worst))
}

fn close(home: &Home, typed: &str) -> Result<Done> {
    let mut kept = home.attempts().find(typed)?;
    if !matches!(kept.state, Attempt::Known(_) | Attempt::Dropped) {
        let error = Error::failed("its outcome is not known, and it may still be paid").at(kept.id);
        return Err(error.fix("purser payment cancel ID makes it known"));
    }
    if let Some(fetching) = &mut kept.fetching {
        fetching.delivered = true;
    }
    home.attempts().keep(&kept)?;
    Ok(Done::new(format!("payment {}: closed\n", kept.id), json!({ "payment": payment_json(&kept) })))
}

fn payer<'a>(session: &'a Session, waiting: Waiting, asker: &'a AwsLcSigner) -> Payer<'a> {
    let (issuer, home) = (&session.issuer, &session.home);
    Payer { issuer, home, patience: waiting.patience(), watch: &Terminal, asker: Some(asker) }
}

/// The agent's key, which made the payments; where there is none, the person's.
fn key(session: &Session) -> Result<AwsLcSigner> {
    if session.config.keys.agent.is_some() { session.agent() } else { session.person() }
}

fn line(kept: &Kept) -> String {
    let money = kept.read_intent().map(|intent| intent.currency.show(intent.amount.minor()).to_string());
    let merchant = kept.read_offer().map(|offer| offer.merchant.to_string());
    format!("{} {}: {} to {}\n", kept.id, standing(kept).0, money.unwrap_or_default(), merchant.unwrap_or_default())
}
