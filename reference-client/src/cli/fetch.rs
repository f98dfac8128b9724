//! `purser fetch`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::connect::{Response, Url};
use purser_client::fetch::{Delivered, Fetched, Fetcher, Wanted, header};
use purser_client::home::{Home, complete};
use purser_client::pay::Payer;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::money::Money;
use purser_protocol::paper::rules::Channel;
use serde_json::{Value, json};

use super::done::{code, payment_json};
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
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChannelName {
    Online,
    Code,
    Voice,
    Vehicle,
    Glasses,
}

impl Fetch {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let wanted = self.wanted(&home)?;
        let session = session(home).await?;
        let agent = session.agent()?;
        let payer = Payer {
            issuer: &session.issuer,
            home: &session.home,
            patience: self.waiting.patience(),
            watch: &Terminal,
            asker: Some(&agent),
        };
        let fetched = Fetcher { payer, agent: &agent }.fetch(&wanted).await?;
        match fetched {
            Fetched::Unpaid(response) => self.unpaid(response),
            Fetched::Delivered(delivered) => self.delivered(*delivered),
            Fetched::Open(kept) => Ok(Done::of_payment(&kept)),
        }
    }

    fn wanted(&self, home: &Home) -> Result<Wanted> {
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
            device: None,
        })
    }

    fn unpaid(&self, response: Response) -> Result<Done> {
        let good = response.status.is_success();
        let note = format!("status {}, nothing was paid", response.status);
        let done = self.done(response, Value::Null)?.note(note);
        Ok(if good { done } else { done.exit(code::FAILED) })
    }

    fn delivered(&self, delivered: Delivered) -> Result<Done> {
        let payment = payment_json(&delivered.payment);
        let note = match delivered.payment.read_intent() {
            Ok(intent) => {
                format!("paid {}, payment {}", intent.currency.show(intent.amount.minor()), delivered.payment.id)
            }
            Err(_) => format!("paid, payment {}", delivered.payment.id),
        };
        let mut done = self.done(delivered.response, payment)?.note(note);
        done.json.insert("warnings".into(), delivered.warnings.clone().into());
        Ok(delivered.warnings.into_iter().fold(done, |done, warning| done.note(format!("warning: {warning}"))))
    }

    /// The answer as it came: bytes on stdout or in a file; for programs as text, or as base64url where it is none.
    fn done(&self, response: Response, payment: Value) -> Result<Done> {
        let body = match std::str::from_utf8(&response.body) {
            Ok(text) => json!({ "text": text }),
            Err(_) => json!({ "base64url": base64url::encode(&response.body) }),
        };
        let json = json!({
            "status": response.status.as_u16(),
            "media_type": response.header("content-type"),
            "body": if self.output.is_some() { Value::Null } else { body },
            "payment": payment,
        });
        let mut done = Done::new("", json);
        match &self.output {
            Some(path) => std::fs::write(path, &response.body).map_err(|error| Error::file(path, &error))?,
            None => done.text = response.body.to_vec(),
        }
        Ok(done)
    }
}
