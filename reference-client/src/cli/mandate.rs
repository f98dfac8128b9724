//! `purser mandate`

mod draft;
mod list;
mod terms;

pub(super) use draft::{Draft, ForDevice, Registered};
pub(super) use terms::TermsArgs;

use clap::{Args, Subcommand};
use purser_client::clock::nonce;
use purser_client::home::{Home, complete};
use purser_client::issuer::{Decision, MandateView, parse_id};
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::field::Set;
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::paper::command::{Resumption, Revocation, Suspension};
use purser_protocol::sign::backend::AwsLcSigner;
use serde_json::json;

use super::shown::Language;
use super::{Done, long_text, session};

#[derive(Subcommand)]
pub(super) enum Mandate {
    /// Sign a mandate and register it
    #[command(after_help = draft::rules_help())]
    New(Box<draft::New>),
    /// The mandates, and what is left of them
    Ls(Reader),
    /// One mandate: its terms, and its state as the issuer signs it
    Show {
        /// Its id, or the first digits
        id: String,
        #[command(flatten)]
        reader: Reader,
    },
    /// Who the payer under a mandate is to a merchant: to show where prices depend on who pays
    Pseudonym {
        /// The mandate's id, or the first digits
        id: String,
        /// The merchant's name, as in its certificate
        merchant: String,
        /// Write the signed paper to this file
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
        #[command(flatten)]
        reader: Reader,
    },
    /// Let mandates rest
    Suspend(Command),
    /// Lift a suspension
    Resume {
        #[command(flatten)]
        command: Command,
        /// The suspension, when several stand
        #[arg(long, value_name = "ID")]
        suspension: Option<String>,
    },
    /// End mandates for good
    Revoke(Command),
    /// Sign a new version in place of a mandate: what was spent counts on
    #[command(after_help = draft::rules_help())]
    Replace(Box<draft::Replace>),
}

/// Who asks.
#[derive(Args, Clone, Copy)]
pub(super) struct Reader {
    /// Use the agent's key, not the person's
    #[arg(long)]
    agent: bool,
}

#[derive(Args)]
pub(super) struct Command {
    /// The mandates' ids, or their first digits
    #[arg(required = true)]
    ids: Vec<String>,
    /// Why, in words
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    reader: Reader,
}

impl Mandate {
    pub(super) async fn run(self, home: Home, lang: Language) -> Result<Done> {
        let session = session(home).await?;
        match self {
            Self::New(new) => new.run(&session, lang).await,
            Self::Replace(replace) => replace.run(&session, lang).await,
            Self::Ls(reader) => list::ls(&session, reader).await,
            Self::Show { id, reader } => list::show(&session, &id, reader, lang).await,
            Self::Pseudonym { id, merchant, out, reader } => {
                list::pseudonym(&session, &id, &merchant, out.as_deref(), reader).await
            }
            Self::Suspend(command) => suspend(&session, &command).await,
            Self::Resume { command, suspension } => resume(&session, &command, suspension.as_deref()).await,
            Self::Revoke(command) => revoke(&session, &command).await,
        }
    }
}

impl Reader {
    fn signer(self, session: &Session) -> Result<AwsLcSigner> {
        if self.agent || session.config.keys.person.is_none() { session.agent() } else { session.person() }
    }
}

async fn suspend(session: &Session, command: &Command) -> Result<Done> {
    let meant = Meant::find(session, command).await?;
    let paper = Suspension {
        account: meant.account,
        issuer: session.issuer.id.clone(),
        issued_at: session.issuer.clock.now(),
        nonce: nonce()?,
        mandates: meant.set()?,
        reason: command.reason.as_deref().map(long_text).transpose()?, // [PRV-8]
    };
    let signed = session.issuer.signed(&paper, &meant.signer)?;
    let decision = session.issuer.send_command(signed.bytes).await?; // [FLW-1]
    Ok(meant.done("suspended", &decision).note(format!("to lift it: suspension {}", signed.id)))
}

async fn resume(session: &Session, command: &Command, suspension: Option<&str>) -> Result<Done> {
    let meant = Meant::find(session, command).await?;
    let paper = Resumption {
        account: meant.account,
        issuer: session.issuer.id.clone(),
        issued_at: session.issuer.clock.now(),
        nonce: nonce()?,
        mandates: meant.set()?,
        suspension: meant.suspension(suspension)?,
    };
    let decision = session.issuer.command(&paper, &meant.signer).await?;
    Ok(meant.done("resumed", &decision))
}

async fn revoke(session: &Session, command: &Command) -> Result<Done> {
    let meant = Meant::find(session, command).await?;
    let paper = Revocation {
        account: meant.account,
        issuer: session.issuer.id.clone(),
        issued_at: session.issuer.clock.now(),
        nonce: nonce()?,
        mandates: meant.set()?,
        reason: command.reason.as_deref().map(long_text).transpose()?,
    };
    let decision = session.issuer.command(&paper, &meant.signer).await?; // [FLW-1]
    Ok(meant.done("revoked", &decision))
}

/// The mandates that a command is about, and who gives it.
struct Meant {
    account: AccountId,
    views: Vec<MandateView>,
    ids: Vec<PaperId>,
    signer: AwsLcSigner,
}

impl Meant {
    async fn find(session: &Session, command: &Command) -> Result<Self> {
        let signer = command.reader.signer(session)?;
        let all = session.issuer.mandates(&signer).await?;
        let known: Vec<PaperId> = all.iter().filter_map(MandateView::paper_id).collect();
        let ids = command.ids.iter().map(|typed| complete(&known, typed)).collect::<Result<Vec<_>>>()?;
        let found = ids.iter().map(|id| view_of(&all, id)).collect::<Result<Vec<_>>>()?;
        let mut accounts = found.iter().map(|view| view.mandate().map(|mandate| mandate.account));
        let first = accounts.next().flatten();
        let account = first.ok_or_else(|| Error::failed("the issuer's mandate cannot be read"))?;
        if accounts.any(|other| other != Some(account)) {
            return Err(Error::usage("these mandates are of several accounts").fix("give one command for each"));
        }
        Ok(Self { account, views: found, ids, signer })
    }

    fn set<const MAX: usize>(&self) -> Result<Set<PaperId, MAX>> {
        Set::new(self.ids.clone()).ok_or_else(|| Error::usage(format!("more than {MAX} mandates in one command")))
    }

    /// The suspension that was named, or the only one that stands on all of them.
    fn suspension(&self, named: Option<&str>) -> Result<PaperId> {
        let mut standing: Vec<_> =
            self.views.iter().flat_map(|view| &view.suspensions).filter_map(|id| parse_id(id)).collect();
        standing.sort();
        standing.dedup();
        match (named, standing.as_slice()) {
            (Some(named), _) => complete(&standing, named),
            (None, [one]) => Ok(*one),
            (None, []) => Err(Error::failed("none of these mandates is suspended itself")),
            (None, several) => {
                let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
                Err(Error::usage("several suspensions stand")
                    .fix(format!("name one with --suspension: {}", ids.join(", "))))
            }
        }
    }

    fn done(&self, what: &str, decision: &Decision) -> Done {
        let ids: Vec<_> = self.ids.iter().map(ToString::to_string).collect();
        let what = format!("{what} {}", ids.join(", "));
        Done::of_decision(&what, decision, json!({ "mandates": ids }))
    }
}

fn view_of(all: &[MandateView], id: &PaperId) -> Result<MandateView> {
    let found = all.iter().find(|view| view.paper_id() == Some(*id));
    found.cloned().ok_or_else(|| Error::failed("the issuer shows this key no such mandate").at(id))
}
