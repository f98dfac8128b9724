//! `purser mandate new`, `purser mandate replace`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use purser_client::clock::random;
use purser_client::home::complete;
use purser_client::issuer::{Decision, MandateView, parse_id};
use purser_client::session::Session;
use purser_client::terms::{WORDS, when};
use purser_client::{Error, Result, keys};
use purser_protocol::cert::Role;
use purser_protocol::id::{LineageId, PaperId, PartyId};
use purser_protocol::money::Currency;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::paper::id as paper_id;
use purser_protocol::sign::{Frame, Paper as _, PublicKey, Signer as _};
use purser_protocol::wire::Reader;
use serde_json::json;

use super::TermsArgs;
use crate::cli::fetch::Quote;
use crate::cli::shown::{self, Consent, Language};
use crate::cli::{Done, account, read_file};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Single,
    Conditional,
    Quota,
}

/// A mandate for a device that asks.
pub(in crate::cli) struct ForDevice<'d> {
    /// The device's key.
    pub(in crate::cli) key: PublicKey,
    /// The currency of every amount in it.
    pub(in crate::cli) currency: Currency,
    /// The rules, the one that binds it to the device among them.
    pub(in crate::cli) terms: &'d TermsArgs,
    /// When it ends.
    pub(in crate::cli) expires: &'d str,
}

#[derive(Args)]
pub(crate) struct New {
    /// How it authorizes
    #[arg(long, value_enum)]
    mode: ModeName,
    /// The currency of every amount in it
    #[arg(long)]
    currency: Currency,
    #[command(flatten)]
    terms: TermsArgs,
    /// When it ends: 30d, 2027-01-01, 2027-01-01T08:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    expires: String,
    /// When it begins; at once when not given
    #[arg(long, value_name = "WHEN")]
    starts: Option<String>,
    /// Who may spend: a file with a key, or a merchant's name; the agent of this folder when not given
    #[arg(long, value_name = "KEYFILE|NAME")]
    holder: Option<String>,
    /// The mandate above: the agent signs for its sub-agent
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// The offer of a single mandate: a file, as fetch --quote writes it, or the offer's id
    #[arg(long, value_name = "FILE|ID")]
    offer: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Args)]
pub(crate) struct Replace {
    /// The mandate, by its id or the first digits
    id: String,
    #[command(flatten)]
    terms: TermsArgs,
    /// Begin without the rules of the version before
    #[arg(long)]
    clear: bool,
    /// When it ends; as before when not given
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Who may spend; as before when not given
    #[arg(long, value_name = "KEYFILE|NAME")]
    holder: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

/// The words of rules, for the help.
pub(super) fn rules_help() -> String {
    let rules = WORDS.iter().map(|(word, meaning)| format!("  {word:<14} {meaning}"));
    format!("Rules, for --rule and --grant:\n{}", rules.collect::<Vec<_>>().join("\n"))
}

impl New {
    pub(super) async fn run(&self, session: &Session, lang: Language) -> Result<Done> {
        self.terms.not_by_voice()?;
        let now = session.issuer.clock.now();
        let (parent, signer) = self.parent_and_signer(session).await?;
        let account = match &parent {
            Some((_, mandate)) => mandate.account,
            None => account::account(session)?,
        };
        let mode = match self.mode {
            ModeName::Single => Mode::Single,
            ModeName::Conditional => Mode::Conditional,
            ModeName::Quota => Mode::Quota,
        };
        let starts = self.starts.as_deref().map(|text| instant(text, session)).transpose()?;
        let offer = self.offer.as_deref().map(|offer| offer_named(offer, session)).transpose()?;
        let mandate = Mandate {
            account,
            issuer: session.issuer.id.clone(),
            expires_at: instant(&self.expires, session)?,
            not_before: starts.unwrap_or(now),
            issued_at: now,
            holder: holder(self.holder.as_deref(), session)?,
            offer: offer.as_ref().map(|offer| offer.0),
            currency: self.currency,
            lineage: LineageId(random()?), // [MAN-1]
            serial: std::num::NonZeroU32::MIN,
            mode,
            parent: parent.map(|(id, _)| id),
            replaces: None,
            caps: self.terms.caps(self.currency, None)?,
            grants: self.terms.grants(self.currency)?,
            funded: self.terms.funded(self.currency)?,
            refund_returns: self.terms.refund_returns(),
            shown: None,
            conversation: None,
        };
        let draft = Draft { mandate, offer: offer.map(|offer| offer.1) };
        draft.register(session, &signer, lang, self.consent).await
    }

    /// The mandate above, whose holder then signs.
    async fn parent_and_signer(&self, session: &Session) -> Result<(Option<(PaperId, Mandate)>, AwsLcSigner)> {
        let Some(parent) = &self.parent else { return Ok((None, session.person()?)) };
        let agent = session.agent()?;
        let (id, mandate) = known(session, parent, &agent).await?;
        if mandate.holder != Holder::Agent(agent.public_key()) {
            return Err(Error::failed("the agent of this folder does not hold that mandate").at(id));
        }
        Ok((Some((id, mandate)), agent))
    }
}

impl ForDevice<'_> {
    /// Shows it, signs it and registers it; its id.
    pub(in crate::cli) async fn register(
        &self,
        session: &Session,
        person: &AwsLcSigner,
        lang: Language,
        consent: Consent,
    ) -> Result<(PaperId, Done)> {
        self.terms.not_by_voice()?;
        let now = session.issuer.clock.now();
        let mandate = Mandate {
            account: account::account(session)?,
            issuer: session.issuer.id.clone(),
            expires_at: instant(self.expires, session)?,
            not_before: now,
            issued_at: now,
            holder: Holder::Agent(self.key),
            offer: None,
            currency: self.currency,
            lineage: LineageId(random()?), // [MAN-1]
            serial: std::num::NonZeroU32::MIN,
            mode: Mode::Quota,
            parent: None,
            replaces: None,
            caps: self.terms.caps(self.currency, None)?,
            grants: None,
            funded: self.terms.funded(self.currency)?,
            refund_returns: self.terms.refund_returns(),
            shown: None,
            conversation: None,
        };
        let lineage = mandate.lineage.to_string();
        let Registered { id, decision, text } =
            Draft { mandate, offer: None }.sign(session, person, lang, consent).await?;
        let json = json!({ "mandate": id.to_string(), "lineage": lineage, "rendering": text });
        Ok((id, Done::of_decision(&format!("mandate {id}"), &decision, json)))
    }
}

impl Replace {
    pub(super) async fn run(&self, session: &Session, lang: Language) -> Result<Done> {
        self.terms.not_by_voice()?;
        let person = session.config.keys.person.is_some();
        let signer = if person { session.person()? } else { session.agent()? };
        let (id, before) = known(session, &self.id, &signer).await?;
        let signer = if before.parent.is_some() { session.agent()? } else { session.person()? };
        let kept = if self.clear { None } else { before.caps.as_ref() };
        let grants = self.terms.grants(before.currency)?;
        let mandate = Mandate {
            issued_at: session.issuer.clock.now(),
            expires_at: match &self.expires {
                Some(expires) => instant(expires, session)?,
                None => before.expires_at,
            },
            holder: match &self.holder {
                Some(named) => holder(Some(named), session)?,
                None => before.holder.clone(),
            },
            serial: before.serial.checked_add(1).ok_or_else(|| Error::failed("it has had too many versions"))?,
            replaces: Some(id),
            caps: self.terms.caps(before.currency, kept)?,
            grants: if grants.is_some() { grants } else { before.grants.clone() },
            funded: self.terms.funded_or(before.currency, before.funded)?,
            refund_returns: self.terms.refund_returns().or(before.refund_returns),
            shown: None,
            ..before
        };
        let offer = mandate.offer.map(|offer| kept_offer(&offer, session)).transpose()?;
        Draft { mandate, offer }.register(session, &signer, lang, self.consent).await
    }
}

/// A mandate before it is signed, with the offer that it names.
pub(crate) struct Draft {
    pub(crate) mandate: Mandate,
    pub(crate) offer: Option<Offer>,
}

impl Draft {
    /// Shows the mandate, signs it, keeps it, and sends it.
    async fn register(self, session: &Session, signer: &AwsLcSigner, lang: Language, consent: Consent) -> Result<Done> {
        let lineage = self.mandate.lineage.to_string();
        let Registered { id, decision, text } = self.sign(session, signer, lang, consent).await?;
        let json = json!({ "mandate": id.to_string(), "lineage": lineage, "rendering": text });
        Ok(Done::of_decision(&format!("mandate {id}"), &decision, json))
    }

    /// The same, for whoever goes on from there.
    pub(crate) async fn sign(
        mut self,
        session: &Session,
        signer: &AwsLcSigner,
        lang: Language,
        consent: Consent,
    ) -> Result<Registered> {
        // The issuer would refuse it; here it can be said in the words of the command line.
        Mandate::decode(&mut Reader::new(&self.mandate.payload())).map_err(|fault| {
            Error::fault("mandate", fault).class_of(purser_client::Class::Usage).fix(
                "a single mandate has --offer, a conditional one --grant, a quota --total; only a quota of the person's is --funded",
            )
        })?;
        let rendering = shown::mandate(&self.mandate, lang); // [RND-22]
        // What an agent signs for its sub-agent no person is asked about, and it says so.
        if self.mandate.parent.is_none() {
            let offer = self.offer.as_ref().map(|offer| shown::offer(offer, lang)); // [RND-21]
            let texts: Vec<_> = std::iter::once(&rendering).chain(&offer).collect();
            shown::before_signing(&texts, "Sign this mandate?", consent)?;
            self.mandate.shown = Some(rendering.shown()); // [MAN-2]
        }
        let signed = session.issuer.signed(&self.mandate, signer)?;
        let path = session.home.keep_mandate(&signed.bytes)?;
        let decision = session
            .issuer
            .register(signed.bytes)
            .await
            .map_err(|error| error.fix(format!("purser send {} registers the same mandate", path.display())))?;
        Ok(Registered { id: signed.id, decision, text: rendering.to_text() })
    }
}

/// A mandate that was signed and sent.
pub(crate) struct Registered {
    /// Its id.
    pub(crate) id: PaperId,
    /// What the issuer decided.
    pub(crate) decision: Decision,
    /// What it says in words.
    pub(crate) text: String,
}

/// A mandate that is kept here, or that the issuer shows.
async fn known(session: &Session, typed: &str, signer: &AwsLcSigner) -> Result<(PaperId, Mandate)> {
    let views = session.issuer.mandates(signer).await?;
    let ids: Vec<PaperId> = views.iter().filter_map(MandateView::paper_id).collect();
    let id = complete(&ids, typed)?;
    let mandate = super::view_of(&views, &id)?.mandate();
    mandate.map(|mandate| (id, mandate)).ok_or_else(|| Error::failed("the issuer's mandate cannot be read").at(id))
}

fn holder(named: Option<&str>, session: &Session) -> Result<Holder> {
    match named {
        None => session.agent().map(|agent| Holder::Agent(agent.public_key())),
        Some(path) if Path::new(path).exists() => keys::load_public(Path::new(path)).map(Holder::Agent),
        Some(name) => PartyId::new(name)
            .map(Holder::Merchant)
            .ok_or_else(|| Error::usage("neither a file with a key nor a merchant's name").at(name)),
    }
}

/// An offer and its id, from a file after it has verified, or by its id from what is kept here.
fn offer_named(named: &str, session: &Session) -> Result<(PaperId, Offer)> {
    if let Some(id) = parse_id(named) {
        return kept_offer(&id, session).map(|offer| (id, offer));
    }
    let bytes = read_file(&PathBuf::from(named))?;
    let bytes = Quote::of(&bytes).map_or(bytes, |quote| quote.offer);
    let verified = session.issuer.trust.certified::<Offer>(&bytes, Role::Merchant, session.issuer.clock.now());
    let (offer, _) = verified.map_err(|fault| Error::fault("offer", fault).at(named))?;
    Ok((offer.id(), (*offer).clone()))
}

/// An offer that was kept with a payment: nobody signs for one that cannot be shown. [RND-21]
fn kept_offer(id: &PaperId, session: &Session) -> Result<Offer> {
    let attempts = session.home.attempts().all().into_iter().flatten();
    let mut papers = attempts.map(|kept| kept.offer);
    let is_it = |paper: &Vec<u8>| Frame::read(paper).is_ok_and(|frame| paper_id(frame.protected, frame.payload) == *id);
    let found = papers.find(is_it).and_then(|paper| shown::open(Frame::read(&paper).ok()?.payload));
    found.ok_or_else(|| {
        let error = Error::usage("this offer is not kept here, and a mandate for it cannot be shown").at(id);
        error.fix("purser fetch --quote FILE asks for an offer; --offer FILE takes it")
    })
}

fn instant(text: &str, session: &Session) -> Result<purser_protocol::time::UnixSeconds> {
    when::instant(text, session.issuer.clock.now())
        .ok_or_else(|| Error::usage("not a time such as 30d, 2027-01-01 or 2027-01-01T08:00:00Z").at(text))
}
