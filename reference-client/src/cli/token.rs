//! `purser token`, `purser proxy`

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use purser_client::clock::random;
use purser_client::connect::Url;
use purser_client::home::{Home, complete};
use purser_client::issuer::parse_id;
use purser_client::terms::when;
use purser_client::token::proxy::Proxy;
use purser_client::token::{Ended, Plan, Seller, Session, Spending};
use purser_client::{Error, Result};
use purser_protocol::id::PaperId;
use purser_protocol::money::{Amount, Money};
use purser_protocol::period::Zone;
use purser_protocol::receipt::Outcome;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::done::code;
use super::mandate::{Draft, Registered};
use super::shown::{Consent, Language};
use super::{Done, duration, session};

/// The key is a word of this many random bytes.
const KEY_BYTES: usize = 24;

#[derive(Args)]
pub(super) struct At {
    /// The seller's address
    #[arg(long, value_name = "URL")]
    seller: String,
    /// The most that one hold may be, such as "10.00 CNY"
    #[arg(long, value_name = "AMOUNT")]
    max: Money,
}

#[derive(Args)]
pub(super) struct ProxyArgs {
    #[command(flatten)]
    at: At,
    /// The mandate that pays
    #[arg(long, value_name = "ID")]
    mandate: String,
    /// Where to listen, on this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    listen: SocketAddr,
    /// The key that clients show; a new one, which is said at the start, when not given
    #[arg(long, env = "PURSER_PROXY_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,
    /// The plan of which packs pay, bought and refilled as they are needed; metered sessions when not given. Where the
    /// mandate is a subscription's, that pays
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// How long to go on while the seller does not answer
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    patience: Duration,
}

#[derive(Subcommand)]
pub(super) enum Token {
    /// Ask what units cost, and pay nothing
    Quote(At),
    /// Buy a pack of a plan
    Buy(Buy),
    /// Buy a pack of a plan with a coupon
    Redeem {
        /// The coupon
        coupon: String,
        #[command(flatten)]
        buy: Buy,
    },
    /// Sign a mandate by which the seller asks for each term by itself, once, at no more than the price of now
    Subscribe(Subscribe),
    /// See what is left of a pack or a subscription
    Balance {
        /// The pack, or the subscription's mandate, or the first digits of the id
        id: String,
    },
    /// Have what is left of a pack given back
    Refund {
        /// The pack, or the first digits of its id
        id: String,
    },
    /// Look at metered sessions, close one that was left open
    #[command(subcommand)]
    Session(SessionCommand),
}

#[derive(Args)]
pub(super) struct Buy {
    #[command(flatten)]
    at: At,
    /// The mandate that pays
    #[arg(long, value_name = "ID")]
    mandate: String,
    /// The plan
    #[arg(long, value_name = "PLAN")]
    plan: String,
    /// Who the payer is to the seller, as `purser mandate pseudonym` says, where a coupon depends on it
    #[arg(long, value_name = "HEX")]
    pseudonym: Option<String>,
}

#[derive(Args)]
pub(super) struct Subscribe {
    /// The seller's address
    #[arg(long, value_name = "URL")]
    seller: String,
    /// The plan
    #[arg(long, value_name = "PLAN")]
    plan: String,
    /// Where terms begin and end, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Begin with the first term, and leave the trial out
    #[arg(long)]
    no_trial: bool,
    /// When the mandate ends: 365d, 2028-01-01
    #[arg(long, value_name = "WHEN", default_value = "365d")]
    expires: String,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Subcommand)]
pub(super) enum SessionCommand {
    /// Every session, with what was held, released and seen
    List,
    /// End a session, and hold the seller's claims against what was released and seen
    Close {
        /// The session, or the first digits of its id
        id: String,
    },
}

impl ProxyArgs {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let mandate = complete(&home.mandate_ids(), &self.mandate)?;
        let key = match self.key.filter(|key| !key.is_empty()) {
            Some(key) => key,
            None => format!("purser-{}", purser_protocol::bind::base64url::encode(&random::<KEY_BYTES>()?)),
        };
        let mut seller = self.at.seller(home, mandate).await?;
        seller.patience = self.patience;
        let subscription = Seller::kept_subscription(&seller.account, &mandate).ok();
        seller.plan = subscription.and_then(|kept| kept.plan().map(str::to_owned)).or(self.plan);
        seller.watch = Box::new(show);
        let seller = Arc::new(seller);
        let proxy = Proxy::bind(Arc::clone(&seller), self.listen, &key).await?;
        let mut stop = [SignalKind::interrupt(), SignalKind::terminate()].map(signal).into_iter();
        let (Some(Ok(mut interrupt)), Some(Ok(mut terminate))) = (stop.next(), stop.next()) else {
            return Err(Error::failed("the signals that end it cannot be heard"));
        };
        println!("{}", json!({ "ready": true, "base_url": proxy.base_url(), "api_key": key }));
        if std::io::stderr().is_terminal() {
            eprintln!("OPENAI_BASE_URL={} OPENAI_API_KEY={key}", proxy.base_url());
        }
        tokio::select! {
            () = proxy.serve() => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        match seller.opened().await {
            Some(session) if session.plan().is_some() => balance(&seller, &session).await,
            Some(session) => close(&seller, &session).await,
            None => Ok(Done::new("no session is open\n", json!({ "session": null }))),
        }
    }
}

impl At {
    async fn seller(&self, home: Home, mandate: PaperId) -> Result<Seller> {
        let account = session(home).await?;
        let agent = Arc::new(account.agent()?);
        Ok(Seller::new(account, agent, &Url::parse(&self.seller)?, mandate, self.max))
    }
}

impl Token {
    pub(super) async fn run(self, home: Home, lang: Language) -> Result<Done> {
        match self {
            Self::Subscribe(subscribe) => subscribe.run(home, lang).await,
            Self::Quote(at) => quote(&at.seller(home, PaperId([0; 32])).await?).await,
            Self::Buy(buy) => buy.run(home, None).await,
            Self::Redeem { coupon, buy } => buy.run(home, Some(coupon)).await,
            Self::Balance { id } => {
                let (seller, open) = kept(home, &id).await?;
                balance(&seller, &open).await
            }
            Self::Refund { id } => {
                let (seller, open) = kept(home, &id).await?;
                let told = seller.give_back(&open).await?;
                Ok(Done::new(format!("pack {}: what is left goes back\n", open.id()), told))
            }
            Self::Session(SessionCommand::List) => list(home).await,
            Self::Session(SessionCommand::Close { id }) => {
                let (seller, open) = kept(home, &id).await?;
                match open.ended() {
                    Some(how) => Ok(Done::new(format!("session {}: {}\n", open.id(), name(how)), shown(&open))),
                    None => close(&seller, &open).await,
                }
            }
        }
    }
}

impl Buy {
    async fn run(self, home: Home, coupon: Option<String>) -> Result<Done> {
        let mandate = complete(&home.mandate_ids(), &self.mandate)?;
        let mut seller = self.at.seller(home, mandate).await?;
        (seller.plan, seller.coupon, seller.pseudonym) = (Some(self.plan), coupon, self.pseudonym);
        let session = seller.buy_pack().await?;
        balance(&seller, &session).await
    }
}

impl Subscribe {
    async fn run(self, home: Home, lang: Language) -> Result<Done> {
        let account = session(home).await?;
        let url = Url::parse(&self.seller)?;
        let (plan, seller) = Plan::find(&account, &url, &self.plan).await?;
        let zone =
            Zone::new(&self.zone).ok_or_else(|| Error::usage("not a zone of the IANA database").at(&self.zone))?;
        let now = account.issuer.clock.now();
        let trial_seconds = if self.no_trial { 0 } else { plan.trial_seconds };
        let terms = plan.terms(zone, now.saturating_add(trial_seconds))?;
        let until = when::instant(&self.expires, now).ok_or_else(|| Error::usage("not a time such as 365d"))?;
        let (payer, issuer) = (super::account::account(&account)?, account.issuer.id.clone());
        let mandate = plan.mandate(payer, issuer, seller, terms.clone(), (now, until))?;
        let person = account.person()?;
        let Registered { id, decision, text } =
            Draft { mandate, offer: None }.sign(&account, &person, lang, self.consent).await?;
        if decision.outcome() != Outcome::Recorded {
            return Ok(Done::of_decision(&format!("mandate {id}"), &decision, json!({ "mandate": id.to_string() })));
        }
        let (amount, currency) = plan.price()?;
        let agent = Arc::new(person);
        let seller = Seller::new(account, agent, &url, id, Money { amount, currency });
        let (_, told) = seller.subscribe(&plan, &terms).await?;
        let state = told["state"].as_str().unwrap_or("unknown").to_owned();
        let json = json!({ "mandate": id.to_string(), "rendering": text, "subscription": told });
        Ok(Done::new(format!("subscription {id}: {state}\n"), json))
    }
}

/// A session or a pack that is kept, and its seller.
async fn kept(home: Home, id: &str) -> Result<(Seller, Arc<Session>)> {
    let account = session(home).await?;
    let kept = Seller::kept(&account);
    let ids: Vec<PaperId> = kept.iter().filter_map(|path| parse_id(path.file_name()?.to_str()?)).collect();
    let open = Session::open(&Seller::folder(&account, &complete(&ids, id)?))?;
    let agent = Arc::new(account.agent()?);
    let url = Url::parse(open.seller())?;
    // Nothing is bought any more.
    let amount = Amount::from_minor(1).ok_or_else(|| Error::failed("one is no amount"))?;
    let max = Money { amount, currency: open.spending().currency };
    Ok((Seller::new(account, agent, &url, open.mandate(), max), Arc::new(open)))
}

async fn balance(seller: &Seller, pack: &Arc<Session>) -> Result<Done> {
    let told = seller.balance(pack).await?;
    let (left, spending) = (&told["remaining"], pack.spending());
    let what = if pack.is_subscription() { "subscription" } else { "pack" };
    let text = format!("{what} {}: {left} units left, {} tokens came\n", pack.id(), spending.output);
    let mut json = shown(pack);
    json[what] = told;
    Ok(Done::new(text, json))
}

async fn quote(seller: &Seller) -> Result<Done> {
    let asked = seller.quote().await?;
    let (offer, currency) = (&asked.offer, asked.offer.currency);
    let Some(meter) = &offer.meter else { return Err(Error::failed("the offer has no meter")) };
    let money = |minor: u64| currency.show(minor).to_string();
    let mut text =
        format!("{} by {}, {} at a time\n", offer.items[0].name, offer.merchant, money(offer.amount.minor()));
    for price in meter.prices.iter() {
        text.push_str(&format!("  {} {} {}\n", money(price.amount.minor()), meter.per.get(), price.unit.name()));
    }
    text.push_str(&format!("  the most that either side can lose: {}\n", money(meter.ahead.minor())));
    let prices: Vec<Value> = meter
        .prices
        .iter()
        .map(|price| json!({ "unit": price.unit.name(), "amount_minor": price.amount.minor().to_string() }))
        .collect();
    let json = json!({
        "merchant": offer.merchant.as_str(),
        "currency": currency.code(),
        "hold_minor": offer.amount.minor().to_string(),
        "per": meter.per.get(),
        "prices": prices,
        "ahead_minor": meter.ahead.minor().to_string(),
        "idle_seconds": meter.idle_seconds.get(),
    });
    Ok(Done::new(text, json))
}

async fn list(home: Home) -> Result<Done> {
    let account = purser_client::session::Session::offline(home)?;
    let (mut text, mut all) = (String::new(), Vec::new());
    for path in Seller::kept(&account) {
        match Session::open(&path) {
            Ok(session) => {
                let (spending, how) = (session.spending(), session.ended().map_or("open", name));
                let released = spending.currency.show(spending.released_minor);
                text.push_str(&format!("{} {how}: {released} at {}\n", session.id(), session.seller()));
                all.push(shown(&session));
            }
            Err(error) => {
                text.push_str(&format!("{}: {error}\n", path.display()));
                all.push(json!({ "path": path.display().to_string(), "error": error.to_string() }));
            }
        }
    }
    Ok(Done::new(text, json!({ "sessions": all })))
}

async fn close(seller: &Seller, session: &Arc<Session>) -> Result<Done> {
    let closed = seller.close(session).await?;
    let spending = session.spending();
    let mut json = shown(session);
    json["claimed_minor"] = closed.claimed_minor.to_string().into();
    json["wrong"] = closed.wrong.clone().into();
    let claimed = spending.currency.show(closed.claimed_minor);
    let text = format!("session {}: {}\n  {claimed} for {} tokens\n", session.id(), name(closed.how), spending.output);
    let done = closed.wrong.iter().fold(Done::new(text, json), |done, wrong| done.note(wrong.clone()));
    Ok(done.exit(if closed.how == Ended::Disputed { code::FAILED } else { code::DONE }))
}

fn shown(session: &Session) -> Value {
    let Spending { held_minor, released_minor, input, output, currency } = session.spending();
    json!({
        "session": session.id().to_string(),
        "seller": session.seller(),
        "mandate": session.mandate().to_string(),
        "plan": session.plan(),
        "state": session.ended().map_or("open", name),
        "currency": currency.code(),
        "held_minor": held_minor.to_string(),
        "released_minor": released_minor.to_string(),
        "input_tokens": input,
        "output_tokens": output,
        "offers": session.offers().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn name(how: Ended) -> &'static str {
    match how {
        Ended::Settled => "settled",
        Ended::Disputed => "disputed",
        Ended::Unopened => "unopened",
    }
}

/// What is spent, in one line of a terminal that is written over.
fn show(spending: Spending) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let Spending { held_minor, released_minor, input, output, currency } = spending;
        let (released, held) = (currency.show(released_minor), currency.show(held_minor));
        // A terminal that is gone is told nothing.
        let _ = write!(stderr, "\r{released} of {held} released, {input} tokens read, {output} written ");
    }
}
