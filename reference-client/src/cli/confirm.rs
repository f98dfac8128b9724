//! `purser confirm`: the person's answer to a payment that waits. What is signed is shown first, and what is
//! shown has been held against the id that is signed.

use clap::{Args, Subcommand, ValueEnum};
use purser_client::home::{Home, complete};
use purser_client::issuer::{MandateView, PendingView, parse_id};
use purser_client::pay::cancel_paper;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::id::PaperId;
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::paper::key_header;
use purser_protocol::sign::{Frame, Kind, Paper};
use purser_protocol::wire::Reader;
use serde_json::json;

use super::done::{claims_json, code};
use super::{Done, account, ask, id_of, session};

#[derive(Subcommand)]
pub(super) enum Confirm {
    /// The payments that wait
    Ls,
    /// Say yes to one
    Approve {
        #[command(flatten)]
        which: Which,
        /// How the person said yes
        #[arg(long, value_enum, default_value = "screen")]
        how: How,
    },
    /// Say no to one
    Refuse(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// The short code, or the payment's id, or its first digits
    payment: String,
    /// Do not ask at the terminal
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum How {
    Screen,
    Tap,
    Device,
}

impl Confirm {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let session = session(home).await?;
        let person = session.person()?;
        let pending = session.issuer.pending(&person).await?;
        match self {
            Self::Ls => ls(&session, &pending),
            Self::Approve { which, how } => {
                approve(&session, &person, find(&pending, &which.payment)?, &which, how).await
            }
            Self::Refuse(which) => refuse(&session, &person, find(&pending, &which.payment)?, &which).await,
        }
    }
}

fn ls(session: &Session, pending: &[PendingView]) -> Result<Done> {
    let mut text = String::new();
    for view in pending {
        match Waiting::read(view, session) {
            Ok(waiting) => {
                let (money, merchant) = (waiting.money(), &waiting.offer.merchant);
                text.push_str(&format!("{} {}: {money} to {merchant}\n", view.user_code, waiting.id));
            }
            Err(error) => text.push_str(&format!("{} {}: {error}\n", view.user_code, view.intent)),
        }
    }
    let json = serde_json::to_value(pending).map_err(|error| Error::failed(error.to_string()))?;
    Ok(Done::new(text, json!({ "pending": json })))
}

async fn approve(session: &Session, person: &AwsLcSigner, view: &PendingView, which: &Which, how: How) -> Result<Done> {
    let waiting = Waiting::read(view, session)?;
    waiting.check_id(session, person).await?;
    ask(&format!("{}\nApprove?", waiting.describe()), which.yes)?; // [CNF-9]
    let confirmation = Confirmation {
        account: account::account(session)?,
        issuer: session.issuer.id.clone(),
        issued_at: session.issuer.clock.now(),
        intent: waiting.id,
        shown: None,
        how: match how {
            How::Screen => Modality::Screen,
            How::Tap => Modality::Tap,
            How::Device => Modality::Device,
        },
        evidence: None,
        phrase: None,
    };
    let signed = session.issuer.signed(&confirmation, person)?;
    answer(session, waiting.id, signed.bytes).await
}

/// To say no is to cancel, with a key of the account. That takes no more than the intent.
async fn refuse(session: &Session, person: &AwsLcSigner, view: &PendingView, which: &Which) -> Result<Done> {
    let id = parse_id(&view.intent).ok_or_else(|| Error::failed("what the issuer shows has no id").at(&view.intent))?;
    let intent = view.intent_paper.as_deref().and_then(base64url::decode);
    let intent = intent.or_else(|| session.home.attempts().load(&id).ok().map(|kept| kept.intent));
    let intent = intent.filter(|intent| id_of(intent).ok() == Some(id)).ok_or_else(|| {
        let error = Error::failed("the issuer does not show the intent that the agent signed, and it is not kept here");
        error.at(id).fix("it lapses by itself; or suspend its mandate: purser mandate suspend")
    })?;
    let described = Waiting::read(view, session).map_or_else(|error| error.to_string(), |waiting| waiting.describe());
    ask(&format!("{described}\nRefuse?"), which.yes)?;
    let cancel = cancel_paper(&session.issuer, &intent, person)?;
    let done = answer(session, id, cancel).await?;
    // A refusal is what was asked for.
    Ok(if done.exit == code::FAILED { done.exit(code::DONE) } else { done })
}

async fn answer(session: &Session, id: PaperId, paper: Vec<u8>) -> Result<Done> {
    let decision = session.issuer.settle(paper, id).await?;
    session.home.keep_receipt(&id, "receipt", &decision.receipt)?;
    let json = json!({ "intent": id.to_string(), "receipt": claims_json(&decision.verified.claims) });
    Ok(Done::of_decision(&format!("payment {id}"), &decision, json))
}

fn find<'p>(pending: &'p [PendingView], typed: &str) -> Result<&'p PendingView> {
    // [CNF-10]
    if let Some(view) = pending.iter().find(|view| view.user_code.eq_ignore_ascii_case(typed)) {
        return Ok(view);
    }
    let ids: Vec<PaperId> = pending.iter().filter_map(|view| parse_id(&view.intent)).collect();
    let none = || Error::failed("no payment that waits has this code or this id").at(typed).fix("purser confirm ls");
    let id = complete(&ids, typed).map_err(|_| none())?;
    pending.iter().find(|view| parse_id(&view.intent) == Some(id)).ok_or_else(none)
}

/// A payment that waits, read from what the issuer shows.
struct Waiting {
    id: PaperId,
    mandate: PaperId,
    intent: Intent,
    intent_payload: Vec<u8>,
    offer: Offer,
}

impl Waiting {
    /// Takes nothing on the issuer's word: the papers have the ids that are named, and the offer is its merchant's.
    fn read(view: &PendingView, session: &Session) -> Result<Self> {
        let odd =
            |what: &str| Error::failed(format!("what the issuer shows {what}; nothing is signed")).at(&view.intent);
        let paper = |text: &Option<String>| text.as_deref().and_then(base64url::decode);
        let intent_paper = paper(&view.intent_paper).ok_or_else(|| odd("has no intent"))?;
        let offer_paper = paper(&view.offer_paper).ok_or_else(|| odd("has no offer"))?;
        let id = parse_id(&view.intent).ok_or_else(|| odd("has no id"))?;
        let frame = Frame::read(&intent_paper).map_err(|_| odd("is no intent"))?;
        let intent: Intent = open(frame.payload).ok_or_else(|| odd("is no intent"))?;
        let issuer = &session.issuer;
        let verified = issuer.trust.certified::<Offer>(&offer_paper, Role::Merchant, issuer.clock.now());
        let (offer, merchant) = verified.map_err(|fault| Error::fault("offer", fault).at(&view.intent))?;
        let same = offer.id() == intent.offer && offer.merchant == merchant.id;
        let money = offer.amount == intent.amount && offer.currency == intent.currency;
        let listed = view.amount_minor == intent.amount.minor().to_string() && view.merchant == offer.merchant.as_str();
        if id_of(&intent_paper)? != id || !same || !money || !listed {
            return Err(odd("contradicts itself"));
        }
        let intent_payload = frame.payload.to_vec();
        Ok(Self { id, mandate: intent.mandate, intent, intent_payload, offer: (*offer).clone() })
    }

    /// An intent's id is that of its fields and its signer, who is the holder of its mandate.
    async fn check_id(&self, session: &Session, person: &AwsLcSigner) -> Result<()> {
        let kept = session.home.mandate(&self.mandate).and_then(|paper| {
            let frame = purser_protocol::sign::Frame::read(&paper).ok()?;
            open(frame.payload)
        });
        let mandate: Option<purser_protocol::paper::mandate::Mandate> = match kept {
            Some(mandate) => Some(mandate),
            None => {
                let views = session.issuer.mandates(person).await?;
                let view = views.iter().find(|view| view.paper_id() == Some(self.mandate));
                view.and_then(MandateView::mandate)
            }
        };
        let matches = match mandate.map(|mandate| mandate.holder) {
            Some(Holder::Agent(key)) => {
                let protected = key_header(Kind::Intent, &key);
                purser_protocol::sign::paper::id(&protected, &self.intent_payload) == self.id
            }
            // A merchant's certificate is not shown, and the merchant pays itself only.
            Some(Holder::Merchant(merchant)) => merchant == self.offer.merchant,
            None => false,
        };
        if matches {
            return Ok(());
        }
        let error = Error::failed("what the issuer shows is not what the agent signed; nothing is signed");
        Err(error.at(self.id).fix("suspend the mandate, and ask the issuer"))
    }

    fn money(&self) -> String {
        self.intent.currency.show(self.intent.amount.minor()).to_string()
    }

    fn describe(&self) -> String {
        let mut text = format!("{} to {}\n", self.money(), self.offer.merchant);
        for item in self.offer.items.iter() {
            let price = self.offer.currency.show(item.price.minor());
            text.push_str(&format!("  {} x {} at {price}\n", item.quantity, item.name));
        }
        text + &format!("  payment {} under mandate {}", self.id, self.mandate)
    }
}

fn open<T: Paper>(payload: &[u8]) -> Option<T> {
    purser_protocol::wire::check(payload).ok()?;
    T::decode(&mut Reader::new(payload)).ok()
}
