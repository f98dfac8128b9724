//! `purser mandate new`, `purser mandate replace`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use purser_client::clock::random;
use purser_client::home::complete;
use purser_client::issuer::{Decision, MandateView, parse_id};
use purser_client::session::Session;
use purser_client::terms::{Terms, WORDS, when};
use purser_client::{Error, Result, keys};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::field::{List, True};
use purser_protocol::id::{LineageId, PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::Rules;
use purser_protocol::period::Zone;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::paper::id as paper_id;
use purser_protocol::sign::{Frame, Paper as _, Signer as _};
use purser_protocol::wire::Reader;
use serde_json::json;

use crate::cli::fetch::Quote;
use crate::cli::shown::{self, Consent, Language};
use crate::cli::{Done, account, read_file};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Single,
    Conditional,
    Quota,
}

/// How a person said so.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    Screen,
    Voice,
}

/// Terms that a new mandate and a new version of one have in common.
#[derive(Args)]
pub(crate) struct TermsArgs {
    /// The most for one payment
    #[arg(long, value_name = "AMOUNT")]
    per_payment: Option<String>,
    /// The most for all payments together
    #[arg(long, value_name = "AMOUNT")]
    total: Option<String>,
    /// The most in a day
    #[arg(long, value_name = "AMOUNT")]
    per_day: Option<String>,
    /// The most in a week
    #[arg(long, value_name = "AMOUNT")]
    per_week: Option<String>,
    /// The most in a month
    #[arg(long, value_name = "AMOUNT")]
    per_month: Option<String>,
    /// The most in a year
    #[arg(long, value_name = "AMOUNT")]
    per_year: Option<String>,
    /// The most payments
    #[arg(long, value_name = "NUMBER")]
    count: Option<String>,
    /// The only merchants; once for each
    #[arg(long, value_name = "NAME")]
    merchant: Vec<String>,
    /// The only categories of ISO 18245; once for each
    #[arg(long, value_name = "NUMBER")]
    category: Vec<String>,
    /// Ask the person above this
    #[arg(long, value_name = "AMOUNT")]
    ask_above: Option<String>,
    /// Ask the person before the first payment to a merchant
    #[arg(long)]
    ask_first: bool,
    /// Any other rule for every payment, such as "hours=mon-fri@08:00-18:00"; may stand several times
    #[arg(long, value_name = "RULE=VALUE,...")]
    rule: Vec<String>,
    /// Rules of which one set must hold wholly, of a conditional mandate; may stand several times
    #[arg(long, value_name = "RULE=VALUE,...")]
    grant: Vec<String>,
    /// Where days begin, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Money to set aside for it alone, of a quota mandate
    #[arg(long, value_name = "AMOUNT")]
    funded: Option<String>,
    /// Refunds give their amounts back to it
    #[arg(long)]
    refund_returns: bool,
    /// How the person said so: a spoken word makes no mandate and changes none
    #[arg(long, value_enum, default_value = "screen")]
    how: How,
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
            refund_returns: self.terms.refund_returns.then_some(True),
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
            funded: if self.terms.funded.is_some() { self.terms.funded(before.currency)? } else { before.funded },
            refund_returns: if self.terms.refund_returns { Some(True) } else { before.refund_returns },
            shown: None,
            ..before
        };
        let offer = mandate.offer.map(|offer| kept_offer(&offer, session)).transpose()?;
        Draft { mandate, offer }.register(session, &signer, lang, self.consent).await
    }
}

impl TermsArgs {
    /// A voice makes no mandate and raises none.
    pub(crate) fn not_by_voice(&self) -> Result<()> {
        match self.how {
            How::Screen => Ok(()),
            How::Voice => {
                let error = Error::usage("a spoken word makes no mandate and raises none"); // [WAL-28] [MAN-3]
                Err(error.coded(Some(Code::VoiceForbidden)).fix("do it where it can be shown"))
            }
        }
    }

    pub(crate) fn caps(&self, currency: Currency, before: Option<&Rules>) -> Result<Option<Rules>> {
        let mut terms = self.terms(currency)?.from(before);
        let one = [
            ("per-payment", &self.per_payment),
            ("total", &self.total),
            ("per-day", &self.per_day),
            ("per-week", &self.per_week),
            ("per-month", &self.per_month),
            ("per-year", &self.per_year),
            ("count", &self.count),
            ("ask-above", &self.ask_above),
        ];
        for (word, value) in one {
            value.iter().try_for_each(|value| terms.set(word, value))?;
        }
        for (word, values) in [("merchant", &self.merchant), ("category", &self.category)] {
            if !values.is_empty() {
                terms.set(word, &values.join("+"))?;
            }
        }
        if self.ask_first {
            terms.set("ask-first", "yes")?;
        }
        self.rule.iter().try_for_each(|rules| terms.set_all(rules))?;
        Ok(terms.rules())
    }

    fn grants<const MAX: usize>(&self, currency: Currency) -> Result<Option<List<Rules, MAX>>> {
        let grant = |text: &String| {
            let mut terms = self.terms(currency)?;
            terms.set_all(text)?;
            terms.rules().ok_or_else(|| Error::usage("a grant without a rule would allow everything"))
        };
        let grants = self.grant.iter().map(grant).collect::<Result<Vec<_>>>()?;
        if grants.is_empty() {
            return Ok(None);
        }
        List::new(grants).map(Some).ok_or_else(|| Error::usage(format!("more than {MAX} grants")))
    }

    /// The sum to set aside, or the one that was.
    pub(crate) fn funded_or(&self, currency: Currency, before: Option<Amount>) -> Result<Option<Amount>> {
        if self.funded.is_some() { self.funded(currency) } else { Ok(before) }
    }

    fn funded(&self, currency: Currency) -> Result<Option<Amount>> {
        let terms = self.terms(currency)?;
        self.funded.as_deref().map(|amount| terms.amount(amount)).transpose()
    }

    fn terms(&self, currency: Currency) -> Result<Terms> {
        let zone =
            Zone::new(&self.zone).ok_or_else(|| Error::usage("not a zone of the IANA database").at(&self.zone))?;
        Ok(Terms::new(currency, zone))
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
