//! `purser scan`: a code in a photograph, paid.

use std::path::PathBuf;

use clap::Args;
use purser_client::fetch::{Asked, Fetched, Fetcher, Quoted};
use purser_client::home::Home;
use purser_client::issuer::Problem;
use purser_client::pay::Payer;
use purser_client::session::Session;
use purser_client::{Error, Result, keys};
use purser_code::{Address, Form, Picture, Short, Whole, read, show};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::certificate_id;
use purser_protocol::money::Money;
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::envelope;
use serde_json::json;

use super::done::code;
use super::fetch::{Fetch, taken, unpaid};
use super::shown::{self, Language};
use super::{Done, Terminal, Waiting, ask, session};

#[derive(Args)]
pub(super) struct Scan {
    /// The picture, PNG or JPEG
    image: PathBuf,
    /// The most that may be paid, such as "12.80 CNY"; when not given, the offer is shown and asked about
    #[arg(long, value_name = "AMOUNT")]
    max: Option<Money>,
    /// Whose the code must be, as the merchant's certificate has it
    #[arg(long, value_name = "NAME")]
    merchant: Option<String>,
    /// The mandate to pay under; the first that fits when not given
    #[arg(long, value_name = "ID")]
    mandate: Option<String>,
    /// The merchant's certificates in PEM, leaf first, for a code that is an offer itself
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,
    /// Through what it was seen
    #[arg(long, value_enum, default_value = "code")]
    channel: super::fetch::ChannelName,
    /// Pay nothing; say what the code asks for
    #[arg(long)]
    look: bool,
    /// Do not ask at the terminal
    #[arg(long)]
    yes: bool,
    /// Where to write the answer; stdout when not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    waiting: Waiting,
}

impl Scan {
    pub(super) async fn run(self, home: Home, language: Language) -> Result<Done> {
        match self.form() {
            Err(fault) => Ok(refused(&fault, language)),
            Ok(form) => self.pay(form, home, language).await,
        }
    }

    /// The one code of the picture. [COD-5] [COD-6]
    fn form(&self) -> std::result::Result<Form, Fault> {
        let bytes = std::fs::read(&self.image).map_err(|_| Fault::new(Code::CodeNone))?;
        let picture = Picture::read(&bytes).ok_or_else(|| Fault::new(Code::CodeNone))?;
        match read(&picture).as_slice() {
            [] => Err(Fault::new(Code::CodeNone)),
            [text] => Form::read(text),
            [_, ..] => Err(Fault::new(Code::CodeSeveral)),
        }
    }

    async fn pay(self, form: Form, home: Home, language: Language) -> Result<Done> {
        let session = session(home).await?;
        let agent = session.agent()?;
        let payer = Payer {
            issuer: &session.issuer,
            home: &session.home,
            patience: self.waiting.patience(),
            watch: &Terminal,
            asker: Some(&agent),
        };
        let fetcher = Fetcher { payer, agent: &agent };
        match form {
            Form::Address(address) => self.pay_at(&address, &fetcher, &session, language).await,
            Form::Offer(whole) => self.pay_offer(&whole, &fetcher, &session, language).await,
        }
    }

    async fn pay_at(
        &self,
        address: &Address,
        fetcher: &Fetcher<'_>,
        session: &Session,
        language: Language,
    ) -> Result<Done> {
        // Replaced by what the offer asks, where no limit is given: then the person is asked.
        let least: Money = "0.01 CNY".parse().map_err(|error| Error::failed(format!("{error}")))?;
        let fetch = self.fetch(address.url(), least);
        let mut wanted = fetch.wanted(&session.home)?;
        // What was paid and has not come is asked for again, and not paid again.
        let open = if self.look { None } else { fetcher.take_up_open(&wanted).await? };
        let output = fetch.output()?;
        let done = |fetched, output| match fetched {
            Fetched::Unpaid(response) => unpaid(response, output),
            Fetched::Delivered(delivered) => taken(delivered, session.home.clone(), output),
            Fetched::Open(kept) => Ok(Done::of_payment(&kept)),
        };
        if let Some(fetched) = open {
            return done(fetched, output);
        }
        let quoted = match self.max {
            Some(_) => fetcher.quote(&wanted).await?,
            None => fetcher.quote_at_any_price(&mut wanted).await?,
        };
        let asked = match quoted {
            Quoted::Price(asked) => asked,
            Quoted::Unpaid(response) => {
                return match Problem::of(&response).code() {
                    Some(found) if show::words(found).is_some() => Ok(refused(&Fault::new(found), language)),
                    _ => unpaid(response, output),
                };
            }
        };
        if Short::of(asked.offer.nonce) != address.short {
            return Ok(refused(&Fault::new(Code::CodeSwapped), language)); // [COD-3]
        }
        if let Some(done) = self.before_paying(&asked, language)? {
            return Ok(done);
        }
        done(fetcher.fetch_quoted(&wanted, &asked).await?, output)
    }

    /// An offer that came whole: it is paid, and its receipt shown at the counter.
    async fn pay_offer(
        &self,
        whole: &Whole,
        fetcher: &Fetcher<'_>,
        session: &Session,
        language: Language,
    ) -> Result<Done> {
        let chain = self.chain.as_deref().map(keys::load_certificates).transpose()?.unwrap_or_default();
        let leaf = chain.first().map(|leaf| certificate_id(leaf).0);
        let Some(paper) = leaf.and_then(|leaf| whole.paper(leaf)) else {
            let error = Error::fault("offer", Fault::new(Code::CertMissing));
            return Err(error.fix("give the merchant's certificates: --chain FILE"));
        };
        // The issuer may never have seen the certificates. [SIG-17]
        let frame = Frame::read(&paper).map_err(|fault| Error::fault("offer", fault))?;
        let beside: Vec<&[u8]> = chain.iter().map(|der| &der[..]).collect();
        let paper = envelope(frame.protected, &beside, frame.payload, frame.signature);
        session.issuer.trust.keep(chain.iter().map(|der| der.to_vec()).collect());
        let asked = match Asked::at_counter(&paper, self.max, &session.issuer) {
            Ok(asked) => asked,
            Err(error) => {
                return match error.fault_of().map(|fault| fault.code).filter(|code| show::words(*code).is_some()) {
                    Some(found) => Ok(refused(&Fault::new(found), language)),
                    None => Err(error),
                };
            }
        };
        if let Some(done) = self.before_paying(&asked, language)? {
            return Ok(done);
        }
        let price = Money { amount: asked.offer.amount, currency: asked.offer.currency };
        let wanted = self.fetch(format!("https://{}/", asked.offer.merchant), price).wanted(&session.home)?;
        let kept = fetcher.pay_only(&wanted, &asked).await?;
        let file = session.home.path(format!("receipts/{}", kept.id));
        Ok(Done::of_payment(&kept)
            .note(format!("the receipt is shown at the counter; it is kept below {}", file.display())))
    }

    /// What stands between a good offer and its payment: the merchant that the person said, and the person. [COD-9]
    fn before_paying(&self, asked: &Asked, language: Language) -> Result<Option<Done>> {
        if self.merchant.as_deref().is_some_and(|named| named != asked.offer.merchant.as_str()) {
            return Ok(Some(refused(&Fault::new(Code::CodeMerchant), language)));
        }
        let text = shown::offer(&asked.offer, language).to_text();
        if self.look {
            let offer = &asked.offer;
            let json = json!({
                "offer": offer.id().to_string(),
                "merchant": offer.merchant.as_str(),
                "amount_minor": offer.amount.minor().to_string(),
                "currency": offer.currency.code(),
                "expires_at": offer.expires_at.get(),
            });
            return Ok(Some(Done::new(text, json)));
        }
        if self.max.is_none() {
            shown::before_asking(&text)?;
            ask("Pay this?", self.yes)?;
        }
        Ok(None)
    }

    /// Where no limit is given, `price` takes its place.
    fn fetch(&self, url: String, price: Money) -> Fetch {
        let max = self.max.unwrap_or(price);
        Fetch::of_code(url, max, self.mandate.clone(), self.channel, self.output.clone(), self.waiting)
    }
}

/// A refusal, with what the person is told. [COD-8]
fn refused(fault: &Fault, language: Language) -> Done {
    let words = show::words(fault.code).map(|[english, chinese]| match language {
        Language::En => english,
        Language::Zh => chinese,
    });
    let said = words.unwrap_or_else(|| fault.code.meaning());
    let fault = json!({
        "code": fault.code.slug(),
        "stage": fault.stage.name(),
        "clause": fault.code.clause(),
        "meaning": fault.code.meaning(),
    });
    Done::new(format!("{said}\n"), json!({ "fault": fault, "show": said })).exit(code::FAILED)
}
