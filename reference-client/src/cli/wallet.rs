//! `purser wallet`: all agents and mandates of an account, changed many at a time with one signature.

mod bundle;
mod change;
mod device;
mod read;

pub(super) use bundle::verify as verify_bundle;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use purser_client::home::{Home, complete};
use purser_client::issuer::MandateView;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::sign::backend::AwsLcSigner;

use super::mandate::TermsArgs;
use super::shown::{Consent, Language};
use super::{Done, account, session};

#[derive(Subcommand)]
pub(super) enum Wallet {
    /// The mandates, held against the issuer's signed count of them
    Ls(Filter),
    /// The agents, what they hold and what they have spent
    Agents,
    /// One record with all its papers
    Show {
        /// The receipt's id
        receipt: String,
    },
    /// Let mandates rest, all with one signature
    Suspend(Change),
    /// Lift the suspensions of mandates
    Resume(Change),
    /// End mandates for good
    Revoke(Change),
    /// Change limits: a new version of each mandate, all with one signature; what was spent counts on
    Relimit {
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        terms: Box<TermsArgs>,
    },
    /// Put money into the envelopes of quota mandates
    Fund(Funds),
    /// Take money back out of them
    Defund(Funds),
    /// What was decided, newest first
    Records {
        /// Of this agent
        #[arg(long)]
        agent: Option<String>,
        /// At this merchant
        #[arg(long)]
        merchant: Option<String>,
        /// Of this kind of paper, such as payment, mandate, refund
        #[arg(long)]
        kind: Option<String>,
        /// With this outcome, such as settled, refused, pending
        #[arg(long)]
        outcome: Option<String>,
        /// Under this mandate
        #[arg(long)]
        mandate: Option<String>,
        /// Before the record with this number: the next page
        #[arg(long)]
        before: Option<u64>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// What is paid for use: metered sessions, and packs of units
    Tokens,
    /// What was spent
    Spending {
        /// By what it is told apart
        #[arg(long, value_enum, default_value = "merchant")]
        by: By,
        /// Where days and months begin, such as Asia/Shanghai
        #[arg(long, default_value = "UTC")]
        zone: String,
    },
    /// Write all records: as CSV, or as a bundle of papers that verifies offline
    Export {
        /// The file
        out: PathBuf,
        /// How
        #[arg(long = "as", value_enum, default_value = "csv")]
        form: Form,
    },
    /// The account's keys: list them, add one by its code, retire one
    Keys {
        /// Add the key that another device offers under this code
        #[arg(long, value_name = "CODE", conflicts_with = "retire")]
        add: Option<String>,
        /// Retire the key with this thumbprint, or its first digits
        #[arg(long, value_name = "KEY")]
        retire: Option<String>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Answer a device that asks for a mandate of its own, by the code that it shows
    Device(device::Device),
    /// Wait for what is decided next
    Watch {
        /// Behind this number; behind the last one there is when not given
        #[arg(long)]
        after: Option<u64>,
        /// For so many seconds
        #[arg(long, default_value_t = 20)]
        wait: u64,
    },
}

/// Which mandates.
#[derive(Args, Clone, Default)]
pub(super) struct Filter {
    /// Held by this agent: the first digits of its key, or a merchant's name
    #[arg(long)]
    agent: Option<String>,
    /// single, conditional or quota
    #[arg(long)]
    mode: Option<String>,
    /// active, suspended, revoked, expired, exhausted or superseded
    #[arg(long)]
    state: Option<String>,
    /// That name this merchant
    #[arg(long, value_name = "MERCHANT")]
    naming: Option<String>,
    /// With this in them
    #[arg(long)]
    text: Option<String>,
}

/// Which mandates are changed.
#[derive(Args)]
pub(super) struct Change {
    /// Their ids, or the first digits; or else say which with the options
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Args)]
pub(super) struct Funds {
    /// How much, such as "20.00 CNY"; of each mandate
    amount: purser_protocol::money::Money,
    #[command(flatten)]
    change: Change,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    Agent,
    Merchant,
    Category,
    Day,
    Month,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Csv,
    Bundle,
}

/// The account and its person's key.
pub(super) struct Owner {
    session: Session,
    account: AccountId,
    person: AwsLcSigner,
}

impl Wallet {
    pub(super) async fn run(self, home: Home, lang: Language) -> Result<Done> {
        let session = session(home).await?;
        let (account, person) = (account::account(&session)?, session.person()?);
        let owner = Owner { session, account, person };
        match self {
            Self::Ls(filter) => read::ls(&owner, &filter).await,
            Self::Agents => read::agents(&owner).await,
            Self::Show { receipt } => read::show(&owner, &receipt).await,
            Self::Records { agent, merchant, kind, outcome, mandate, before, limit } => {
                let before = before.map(|number| number.to_string());
                let asked = [
                    ("agent", &agent),
                    ("merchant", &merchant),
                    ("kind", &kind),
                    ("outcome", &outcome),
                    ("mandate", &mandate),
                    ("after", &before),
                ];
                read::records(&owner, &format!("limit={limit}&newest=1{}", query(&asked))).await
            }
            Self::Tokens => read::tokens(&owner).await,
            Self::Spending { by, zone } => read::spending(&owner, by, &zone).await,
            Self::Export { out, form: Form::Csv } => read::csv(&owner, &out).await,
            Self::Export { out, form: Form::Bundle } => bundle::export(&owner, &out).await,
            Self::Watch { after, wait } => read::watch(&owner, after, wait).await,
            Self::Suspend(change) => change::suspend(&owner, &change).await,
            Self::Resume(change) => change::resume(&owner, &change).await,
            Self::Revoke(change) => change::revoke(&owner, &change).await,
            Self::Relimit { change, terms } => change::relimit(&owner, &change, &terms, lang).await,
            Self::Fund(funds) => change::fund(&owner, &funds, true, lang).await,
            Self::Defund(funds) => change::fund(&owner, &funds, false, lang).await,
            Self::Device(device) => device.run(&owner, lang).await,
            Self::Keys { add, retire, consent } => {
                change::keys(&owner, add.as_deref(), retire.as_deref(), consent).await
            }
        }
    }
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.query().is_empty()
    }

    fn query(&self) -> String {
        query(&[
            ("agent", &self.agent),
            ("mode", &self.mode),
            ("state", &self.state),
            ("merchant", &self.naming),
            ("text", &self.text),
        ])
    }
}

impl Owner {
    /// The latest versions of the mandates that are meant.
    async fn meant(&self, change: &Change) -> Result<Vec<(PaperId, MandateView)>> {
        if change.ids.is_empty() == change.filter.is_empty() {
            return Err(Error::usage(
                "say which mandates: by their ids, or by --agent, --mode, --state, --naming, --text",
            ));
        }
        let query = format!("&latest=1{}", change.filter.query());
        let views = self.session.issuer.mandates_of(&query, &self.person).await?;
        let known: Vec<(PaperId, MandateView)> =
            views.into_iter().filter_map(|view| view.paper_id().map(|id| (id, view))).collect();
        let meant = if change.ids.is_empty() {
            known.into_iter().filter(|(_, view)| view.state != "revoked").collect()
        } else {
            let ids: Vec<PaperId> = known.iter().map(|(id, _)| *id).collect();
            let wanted = change.ids.iter().map(|typed| complete(&ids, typed)).collect::<Result<Vec<_>>>()?;
            known.into_iter().filter(|(id, _)| wanted.contains(id)).collect::<Vec<_>>()
        };
        if meant.is_empty() { Err(Error::failed("there is no such mandate")) } else { Ok(meant) }
    }
}

/// A query of those that are given.
fn query(pairs: &[(&str, &Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    given.map(|(name, value)| format!("&{name}={}", escaped(value))).collect()
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
