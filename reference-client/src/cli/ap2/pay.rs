//! `purser ap2 ask`, `pay`, `open`, `close`: a bridge that pays what chains of AP2 ask for.

use std::path::PathBuf;

use clap::Args;
use purser_ap2::{close, open, written};
use purser_client::bridge::{Held, stands};
use purser_client::clock::random;
use purser_client::fetch::{Fetched, Fetcher};
use purser_client::home::{Home, complete};
use purser_client::issuer::{MandateView, SignedPaper};
use purser_client::pay::Payer;
use purser_client::{Error, Result, keys};
use purser_protocol::id::PaperId;
use purser_protocol::sign::Signer as _;
use purser_protocol::sign::backend::AwsLc;
use serde_json::{Value, json};

use super::super::fetch::{Fetch, taken, unpaid};
use super::super::{Done, Terminal, session};
use super::{key_of, refused, text_of};

#[derive(Args)]
pub(in crate::cli) struct Ask {
    #[command(flatten)]
    fetch: Fetch,
    /// The mandate that the person gave this agent for chains of AP2, or its first digits
    #[arg(long, value_name = "ID")]
    under: String,
}

#[derive(Args)]
pub(in crate::cli) struct Pay {
    #[command(flatten)]
    fetch: Fetch,
    /// The mandate that the person gave this agent for chains of AP2, or its first digits
    #[arg(long, value_name = "ID")]
    under: String,
    /// The chain: an open mandate of the person's, and a closed one
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// The key with which the person signed both that mandate and the chain, in PEM or as a JWK
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct Open {
    /// The mandate, by its id or the first digits
    id: String,
    /// The key that it delegates to, in PEM or as a JWK
    #[arg(long, value_name = "FILE")]
    agent: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct Close {
    /// The open mandate
    open: PathBuf,
    /// What purser ap2 ask has said, as JSON
    #[arg(long, value_name = "FILE")]
    asked: PathBuf,
    /// The private key to which the open mandate delegates, in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Ask {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let wanted = self.fetch.wanted(&home)?;
        let session = session(home).await?;
        let held = Held::find(&session.issuer, &session.agent()?, &self.under).await?;
        let quoted = self.fetch.kept(&wanted, &session)?;
        let said = held.due(&quoted).said();
        let text = serde_json::to_string_pretty(&said).unwrap_or_default();
        Ok(Done::new(text + "\n", json!({ "asked": said })))
    }
}

impl Pay {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let mut wanted = self.fetch.wanted(&home)?;
        let session = session(home).await?;
        let agent = session.agent()?;
        let held = Held::find(&session.issuer, &agent, &self.under).await?;
        let key = key_of(&self.key)?;
        let quoted = self.fetch.kept(&wanted, &session)?;
        let now = session.issuer.clock.now().get();
        let made = match held.mandate_of(&text_of(&self.chain)?, &quoted, &key, now, &agent.public_key()) {
            Ok(made) => made,
            Err(refusal) => {
                let done = refused(&refusal);
                let other = "that mandate was signed with another key than --key";
                return Ok(if held.is_signed_by(&key) { done } else { done.note(other) });
            }
        };
        let id = stands(&session.issuer, &made, &agent, async |signed: SignedPaper| {
            session.home.keep_mandate(&signed.bytes)?;
            session.issuer.register(signed.bytes).await.map(drop)
        })
        .await?;
        wanted.mandate = Some(id);
        let output = self.fetch.output()?;
        let payer = Payer {
            issuer: &session.issuer,
            home: &session.home,
            patience: self.fetch.waiting().patience(),
            watch: &Terminal,
            asker: Some(&agent),
        };
        let fetcher = Fetcher { payer, agent: &agent };
        let note = format!("under mandate {id}, made from the chain");
        match fetcher.fetch_quoted(&wanted, &quoted).await? {
            Fetched::Unpaid(response) => unpaid(response, output),
            Fetched::Delivered(delivered) => taken(delivered, session.home.clone(), output).map(|done| done.note(note)),
            Fetched::Open(kept) => Ok(Done::of_payment(&kept).note(note)),
        }
    }
}

impl Open {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let session = session(home).await?;
        let person = session.person()?;
        let views = session.issuer.mandates(&person).await?;
        let ids: Vec<PaperId> = views.iter().filter_map(MandateView::paper_id).collect();
        let id = complete(&ids, &self.id)?;
        let mandate = views.iter().find(|view| view.paper_id() == Some(id)).and_then(MandateView::mandate);
        let mandate = mandate.ok_or_else(|| Error::failed("the issuer's mandate cannot be read").at(id))?;
        let json = match written(&mandate, &key_of(&self.agent)?, &AwsLc) {
            Ok(json) => json,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        let text = open(&json, &person, random()?).map_err(|error| Error::failed(error.to_string()))?;
        Ok(Done::new(format!("{text}\n"), json!({ "chain": text, "mandate": json })))
    }
}

impl Close {
    pub(super) fn run(self) -> Result<Done> {
        let asked = text_of(&self.asked)?;
        let mut said: Value =
            serde_json::from_str(&asked).map_err(|error| Error::usage(error.to_string()).at(self.asked.display()))?;
        // What --json has printed has it one level down.
        if let Some(inner) = said.get_mut("asked") {
            said = inner.take();
        }
        let now = purser_client::clock::Clock::machine().now().get();
        let key = keys::load(&self.key)?;
        let text = close(&text_of(&self.open)?, &said, now, &key, random()?)
            .map_err(|_| Error::failed("that is no open mandate, or the key did not sign").at(self.open.display()))?;
        Ok(Done::new(format!("{text}\n"), json!({ "chain": text })))
    }
}
