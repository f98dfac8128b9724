//! `purser confirm`: the person's answer to a payment that waits. What is signed is shown first, and what is
//! shown has been held against the id that is signed.

mod voice;

use clap::{Args, Subcommand, ValueEnum};
use purser_client::home::{Home, complete};
use purser_client::issuer::{MandateView, PendingView, parse_id};
use purser_client::pay::{Approval, cancel_paper};
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::id::{LongText, PaperId};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::offer::Offer;
use purser_protocol::render::{self, Medium, Rendering};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::paper::key_header;
use purser_protocol::sign::{Frame, Kind};
use serde_json::{Value, json};

use super::done::{claims_json, code};
use super::shown::{self, Language, open};
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
        #[command(flatten)]
        voice: voice::Voice,
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
    Voice,
}

impl From<How> for Modality {
    fn from(how: How) -> Self {
        match how {
            How::Screen => Self::Screen,
            How::Tap => Self::Tap,
            How::Device => Self::Device,
            How::Voice => Self::Voice,
        }
    }
}

impl Confirm {
    pub(super) async fn run(self, home: Home, lang: Language) -> Result<Done> {
        let session = session(home).await?;
        let person = session.person()?;
        let pending = session.issuer.pending(&person).await?;
        match self {
            Self::Ls => ls(&session, &pending, lang),
            Self::Approve { which, how, voice } => {
                let said = Said { how, voice };
                approve(&session, &person, find(&pending, &which.payment)?, &which, &said, lang).await
            }
            Self::Refuse(which) => refuse(&session, &person, find(&pending, &which.payment)?, &which, lang).await,
        }
    }
}

fn ls(session: &Session, pending: &[PendingView], lang: Language) -> Result<Done> {
    let mut text = String::new();
    let mut listed = Vec::new();
    for view in pending {
        let rendering =
            Waiting::read(view, session).and_then(|waiting| waiting.rendering(session, Modality::Screen, lang));
        let said = rendering.as_ref().map_or_else(|error| format!("{error}\n"), Rendering::to_text);
        let waits = Approval {
            url: view.approval.clone(),
            user_code: Some(view.user_code.clone()),
            answer_by_seconds: Some(view.answer_by),
        };
        text.push_str(&format!("{}: {waits}\n{said}", view.intent));
        let mut json = serde_json::to_value(view).map_err(|error| Error::failed(error.to_string()))?;
        if let Value::Object(members) = &mut json {
            members.insert("rendering".into(), rendering.ok().map(|rendering| rendering.to_text()).into());
        }
        listed.push(json);
    }
    Ok(Done::new(text, json!({ "pending": listed })))
}

async fn approve(
    session: &Session,
    person: &AwsLcSigner,
    view: &PendingView,
    which: &Which,
    said: &Said,
    lang: Language,
) -> Result<Done> {
    let waiting = Waiting::read(view, session)?;
    waiting.check_id(session, person).await?;
    let mut confirmation = waiting.draft(session, said.how.into())?;
    let rendering = waiting.text_of(&confirmation, lang); // [RND-22]
    shown::before_asking(&rendering.to_text())?; // [CNF-9]
    let spoken = said.spoken(session, &waiting, &rendering, lang)?;
    if let Some((yes, phrase)) = &spoken {
        confirmation.evidence = Some(yes.evidence);
        confirmation.phrase = LongText::new(phrase);
    }
    // What was said is the answer; what somebody typed is asked about.
    let is_said = spoken.as_ref().is_some_and(|(yes, _)| !yes.is_typed);
    ask("Approve?", which.yes || is_said)?;
    confirmation.shown = Some(rendering.shown()); // [RND-5]
    let signed = session.issuer.signed(&confirmation, person)?;
    if let Some((yes, phrase)) = &spoken {
        yes.keep(&session.home, &waiting.id, phrase)?;
    }
    let mut done = answer(session, waiting.id, signed.bytes).await?;
    if let Some((yes, _)) = &spoken {
        done.json.insert("heard".into(), yes.json());
    }
    Ok(done)
}

/// How the person said yes, and what was heard of it.
struct Said {
    how: How,
    voice: voice::Voice,
}

impl Said {
    /// What was heard, and the phrase that it is.
    fn spoken(
        &self,
        session: &Session,
        waiting: &Waiting,
        rendering: &Rendering,
        lang: Language,
    ) -> Result<Option<(voice::Yes, String)>> {
        match (self.how, self.voice.is_given()) {
            (How::Voice, _) => {
                let phrase = render::phrase(&waiting.id, &waiting.intent, lang.into()); // [RND-20]
                let yes = self.voice.ask(&session.home, &waiting.id, &rendering.to_text(), &phrase)?;
                Ok(Some((yes, phrase)))
            }
            (_, true) => Err(Error::usage("what is said is a yes by voice").fix("add --how voice")),
            (_, false) => Ok(None),
        }
    }
}

/// To say no is to cancel, with a key of the account. That takes no more than the intent.
async fn refuse(
    session: &Session,
    person: &AwsLcSigner,
    view: &PendingView,
    which: &Which,
    lang: Language,
) -> Result<Done> {
    let id = parse_id(&view.intent).ok_or_else(|| Error::failed("what the issuer shows has no id").at(&view.intent))?;
    let intent = view.intent_paper.as_deref().and_then(base64url::decode);
    let intent = intent.or_else(|| session.home.attempts().load(&id).ok().map(|kept| kept.intent));
    let intent = intent.filter(|intent| id_of(intent).ok() == Some(id)).ok_or_else(|| {
        let error = Error::failed("the issuer does not show the intent that the agent signed, and it is not kept here");
        error.at(id).fix("it lapses by itself; or suspend its mandate: purser mandate suspend")
    })?;
    let text = Waiting::read(view, session).and_then(|waiting| waiting.rendering(session, Modality::Screen, lang));
    shown::before_asking(&text.map_or_else(|error| format!("{error}\n"), |rendering| rendering.to_text()))?;
    ask("Refuse?", which.yes)?;
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

    /// A confirmation that says nothing yet of what was shown.
    fn draft(&self, session: &Session, how: Modality) -> Result<Confirmation> {
        Ok(Confirmation {
            account: account::account(session)?,
            issuer: session.issuer.id.clone(),
            issued_at: session.issuer.clock.now(),
            intent: self.id,
            shown: None,
            how,
            evidence: None,
            phrase: None,
        })
    }

    fn rendering(&self, session: &Session, how: Modality, lang: Language) -> Result<Rendering> {
        self.draft(session, how).map(|draft| self.text_of(&draft, lang))
    }

    fn text_of(&self, confirmation: &Confirmation, lang: Language) -> Rendering {
        render::confirmation(confirmation, &self.intent, &self.offer, lang.into(), Medium::of(confirmation.how))
    }
}
