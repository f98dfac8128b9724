//! `purser ap2 ask`, `pay`, `open`, `close`: a bridge that pays what chains of AP2 ask for.

use std::path::PathBuf;

use clap::Args;
use purser_ap2::{Account, Asked, Due, Refusal, close, mandate, open, terms, verify, written};
use purser_client::clock::random;
use purser_client::fetch::{Asked as Quoted, Fetched, Fetcher};
use purser_client::home::{Home, complete};
use purser_client::issuer::MandateView;
use purser_client::pay::Payer;
use purser_client::session::Session;
use purser_client::{Error, Result, keys};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::sign::backend::{AwsLc, AwsLcSigner};
use purser_protocol::sign::paper::{id as paper_id, key_header};
use purser_protocol::sign::{Kind, PublicKey, Signer as _};
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

/// The mandate that a bridge holds, and who signed it.
struct Held {
    id: PaperId,
    mandate: Mandate,
    payload: Vec<u8>,
    agent: AwsLcSigner,
}

impl Held {
    async fn find(session: &Session, typed: &str) -> Result<Self> {
        let agent = session.agent()?;
        let views = session.issuer.mandates(&agent).await?;
        let ids: Vec<PaperId> = views.iter().filter_map(MandateView::paper_id).collect();
        let id = complete(&ids, typed)?;
        let view = views.into_iter().find(|view| view.paper_id() == Some(id));
        let view = view.ok_or_else(|| Error::failed("the issuer shows this key no such mandate").at(id))?;
        let mandate = view.mandate().ok_or_else(|| Error::failed("the issuer's mandate cannot be read").at(id))?;
        let payload = base64url::decode(&view.payload).unwrap_or_default();
        Ok(Self { id, mandate, payload, agent })
    }

    /// Whether the person signed it with this key: the id covers the name of the signer. [BRG-24]
    fn is_signed_by(&self, key: &PublicKey) -> bool {
        let id = paper_id(&key_header(Kind::Mandate, key), &self.payload);
        self.mandate.parent.is_none() && id == self.id
    }

    fn due<'a>(&'a self, quoted: &'a Quoted) -> Due<'a> {
        let offer = &quoted.offer;
        Due {
            offer: offer.id(),
            merchant: &offer.merchant,
            amount: offer.amount,
            currency: offer.currency,
            issuer: &self.mandate.issuer,
            account: self.mandate.account,
        }
    }
}

impl Ask {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let wanted = self.fetch.wanted(&home)?;
        let session = session(home).await?;
        let held = Held::find(&session, &self.under).await?;
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
        let held = Held::find(&session, &self.under).await?;
        let key = key_of(&self.key)?;
        if !held.is_signed_by(&key) {
            let refusal = Refusal { code: Code::BridgeSignature, token: Some(0), name: None };
            return Ok(refused(&refusal).note("that mandate was signed with another key than --key"));
        }
        let quoted = self.fetch.kept(&wanted, &session)?;
        let now = session.issuer.clock.now();
        let text = text_of(&self.chain)?;
        let made = {
            let due = held.due(&quoted);
            let (transaction, checkout) = (due.transaction(), due.checkout());
            let asked = Asked {
                now: now.get(),
                keys: std::slice::from_ref(&key),
                audience: Some(due.issuer.as_str()),
                nonce: Some(&transaction),
                checkout: Some(&checkout),
                merchant: None,
            };
            let made = verify(&text, asked, &AwsLc).and_then(|chain| {
                due.check(&chain)?;
                let open = chain.open().ok_or(Refusal { code: Code::BridgeType, token: Some(0), name: None })?;
                let terms = terms(open, Account(due.account))?;
                mandate(&chain, &terms, (held.id, &held.mandate), &held.agent.public_key())
            });
            match made {
                Ok(made) => made,
                Err(refusal) => return Ok(refused(&refusal)),
            }
        };
        // The same chain comes to the same mandate: what stands is not made again.
        let signed = session.issuer.signed(&made, &held.agent)?;
        let known = session.issuer.mandates(&held.agent).await?;
        if !known.iter().any(|view| view.paper_id() == Some(signed.id)) {
            session.home.keep_mandate(&signed.bytes)?;
            session.issuer.register(signed.bytes).await?;
        }
        wanted.mandate = Some(signed.id);
        let output = self.fetch.output()?;
        let payer = Payer {
            issuer: &session.issuer,
            home: &session.home,
            patience: self.fetch.waiting().patience(),
            watch: &Terminal,
            asker: Some(&held.agent),
        };
        let fetcher = Fetcher { payer, agent: &held.agent };
        let note = format!("under mandate {}, made from the chain", signed.id);
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
