//! `purser fetch`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::connect::{Response, Url};
use purser_client::fetch::rails::Rail;
use purser_client::fetch::{Asked, Delivered, Fetched, Fetcher, Quoted, Wanted, header};
use purser_client::home::{Home, complete};
use purser_client::pay::Payer;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::money::Money;
use purser_protocol::paper::rules::Channel;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::done::{code, not_taken, payment_json};
use super::output::Output;
use super::{Done, Terminal, Waiting, session};

#[derive(Args)]
pub(super) struct Fetch {
    /// The address
    url: String,
    /// The most that may be paid, such as "12.80 CNY"
    #[arg(long, value_name = "AMOUNT")]
    max: Money,
    /// The mandate to pay under; the first that fits when not given
    #[arg(long, value_name = "ID")]
    mandate: Option<String>,
    /// The method
    #[arg(long, default_value = "GET")]
    method: Method,
    /// A file to send as the body; - is stdin
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A header to send along, "Name: value"; may stand several times
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// How the offer was met
    #[arg(long, value_enum)]
    channel: Option<ChannelName>,
    /// Where to write the answer; stdout when not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pay nothing; write the offer to this file, for a mandate of its own
    #[arg(long, value_name = "FILE", conflicts_with = "quoted")]
    quote: Option<PathBuf>,
    /// Pay the offer in this file, which --quote has written
    #[arg(long, value_name = "FILE")]
    quoted: Option<PathBuf>,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ChannelName {
    Online,
    Code,
    Voice,
    Vehicle,
    Glasses,
}

impl Fetch {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let wanted = self.wanted(&home)?;
        let output = self.output()?;
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
        let fetched = match (&self.quote, &self.quoted) {
            (Some(file), _) => return quoted(fetcher.quote(&wanted).await?, file, output),
            (None, Some(_)) => {
                let asked = self.kept(&wanted, &session)?;
                fetcher.fetch_quoted(&wanted, &asked).await?
            }
            (None, None) => fetcher.fetch(&wanted).await?,
        };
        match fetched {
            Fetched::Unpaid(response) => unpaid(response, output),
            Fetched::Delivered(delivered) => taken(delivered, session.home, output),
            Fetched::Open(kept) => Ok(Done::of_payment(&kept)),
        }
    }

    /// What a code leads to.
    pub(super) fn of_code(
        url: String,
        max: Money,
        mandate: Option<String>,
        channel: ChannelName,
        output: Option<PathBuf>,
        waiting: Waiting,
    ) -> Self {
        Self {
            url,
            max,
            mandate,
            method: Method::GET,
            body: None,
            header: Vec::new(),
            channel: Some(channel), // [COD-10]
            output,
            quote: None,
            quoted: None,
            waiting,
        }
    }

    /// The offer in the file that `--quoted` names.
    pub(super) fn kept(&self, wanted: &Wanted, session: &Session) -> Result<Asked> {
        let file = self.quoted.as_ref().ok_or_else(|| Error::usage("no offer is named").fix("give --quoted"))?;
        let quote = Quote::read(file)?;
        Asked::kept(&quote.offer, &quote.challenge, wanted, &session.issuer)
    }

    /// Where the answer goes. It is asked before anything is paid: what is paid for must have a place.
    pub(super) fn output(&self) -> Result<Option<Output>> {
        self.output.as_deref().map(Output::open).transpose()
    }

    pub(super) fn waiting(&self) -> Waiting {
        self.waiting
    }

    pub(super) fn wanted(&self, home: &Home) -> Result<Wanted> {
        let mut headers = HeaderMap::new();
        for text in &self.header {
            let (name, value) = header(text)?;
            headers.append(name, value);
        }
        let body = match &self.body {
            None => Vec::new(),
            Some(path) if path.as_os_str() == "-" => {
                let mut body = Vec::new();
                std::io::Read::read_to_end(&mut std::io::stdin(), &mut body)
                    .map_err(|error| Error::file(path, &error))?;
                body
            }
            Some(path) => std::fs::read(path).map_err(|error| Error::file(path, &error))?,
        };
        let mandate = self.mandate.as_deref().map(|typed| complete(&home.mandate_ids(), typed)).transpose()?;
        Ok(Wanted {
            method: self.method.clone(),
            url: Url::parse(&self.url)?,
            headers,
            body: body.into(),
            max: self.max,
            mandate,
            channel: self.channel.map(|channel| match channel {
                ChannelName::Online => Channel::Online,
                ChannelName::Code => Channel::Code,
                ChannelName::Voice => Channel::Voice,
                ChannelName::Vehicle => Channel::Vehicle,
                ChannelName::Glasses => Channel::Glasses,
            }),
            device: home.device(),
        })
    }
}

fn quoted(quoted: Quoted, file: &Path, output: Option<Output>) -> Result<Done> {
    let asked = match quoted {
        Quoted::Unpaid(response) => return unpaid(response, output),
        Quoted::Price(asked) => asked,
    };
    let quote = Quote { offer: asked.offer.bytes().to_vec(), challenge: asked.challenge.header_value() };
    quote.write(file)?;
    let offer = &asked.offer;
    let price = offer.currency.show(offer.amount.minor()).to_string();
    let mut text = format!("{price} to {}\n  offer {}, until {}\n", offer.merchant, offer.id(), offer.expires_at);
    for other in &asked.others {
        text.push_str(&format!("  also asked by {other}; that way is not paid here\n"));
    }
    let json = json!({
        "offer": offer.id().to_string(),
        "merchant": offer.merchant.as_str(),
        "amount_minor": offer.amount.minor().to_string(),
        "currency": offer.currency.code(),
        "expires_at": offer.expires_at.get(),
        "others": asked.others.iter().map(Rail::json).collect::<Vec<_>>(),
    });
    Ok(Done::new(text, json).note(format!("to pay it: purser fetch ... --quoted {}", file.display())))
}

pub(super) fn unpaid(response: Response, output: Option<Output>) -> Result<Done> {
    let good = response.status.is_success();
    let note = format!("status {}, nothing was paid", response.status);
    // A refusal is not what was asked for: it is shown, and not put into the file.
    let done = answered(&response, Value::Null, output.filter(|_| good))?.note(note);
    Ok(if good { done } else { done.exit(code::FAILED) })
}

/// The payment is over when the answer is in its file, or else when it has been written to stdout.
pub(super) fn taken(delivered: Box<Delivered>, home: Home, output: Option<Output>) -> Result<Done> {
    let payment = payment_json(&delivered.payment);
    let note = match delivered.payment.read_intent() {
        Ok(intent) => {
            format!("paid {}, payment {}", intent.currency.show(intent.amount.minor()), delivered.payment.id)
        }
        Err(_) => format!("paid, payment {}", delivered.payment.id),
    };
    let is_in_file = output.is_some();
    let lost = |error: Error| not_taken(&delivered, &error.to_string());
    let mut done = answered(&delivered.response, payment, output).map_err(lost)?.note(note);
    if is_in_file {
        delivered.taken(&home).map_err(lost)?;
    }
    done.json.insert("warnings".into(), delivered.warnings.clone().into());
    let mut done = delivered.warnings.iter().fold(done, |done, warning| done.note(format!("warning: {warning}")));
    done.taken = (!is_in_file).then_some((home, delivered));
    Ok(done)
}

/// The answer as it came: bytes on stdout or in a file; for programs as text, or as base64url where it is none.
fn answered(response: &Response, payment: Value, output: Option<Output>) -> Result<Done> {
    let body = match std::str::from_utf8(&response.body) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64url": base64url::encode(&response.body) }),
    };
    let json = json!({
        "status": response.status.as_u16(),
        "media_type": response.header("content-type"),
        "body": if output.is_some() { Value::Null } else { body },
        "payment": payment,
    });
    let mut done = Done::new("", json);
    match output {
        Some(output) => output.write(&response.body)?,
        None => done.text = response.body.to_vec(),
    }
    Ok(done)
}

/// An offer that was not paid yet, with the challenge that it came with.
pub(super) struct Quote {
    pub(super) offer: Vec<u8>,
    challenge: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct QuoteFile {
    schema: String,
    offer: String,
    challenge: String,
}

const QUOTE: &str = "purser.quote/1";

impl Quote {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::file(path, &error))?;
        Self::of(&bytes).ok_or_else(|| Error::usage("not a file that fetch --quote has written").at(path.display()))
    }

    /// Reads the contents of a file; `None` when it is another.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let file = serde_json::from_slice::<QuoteFile>(bytes).ok().filter(|file| file.schema == QUOTE)?;
        Some(Self { offer: base64url::decode(&file.offer)?, challenge: file.challenge })
    }

    fn write(&self, path: &Path) -> Result<()> {
        let (offer, challenge) = (base64url::encode(&self.offer), self.challenge.clone());
        let file = QuoteFile { schema: QUOTE.to_owned(), offer, challenge };
        let json = serde_json::to_vec_pretty(&file).map_err(|error| Error::failed(error.to_string()))?;
        std::fs::write(path, json).map_err(|error| Error::file(path, &error))
    }
}
