//! What whoever runs a shop asks of its issuers: to be listed, and what they did with its money.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use purser_merchant::Shop;
use purser_merchant::settings::Settings;
use purser_protocol::id::PartyId;
use purser_protocol::paper::document::Day;
use purser_protocol::time::UnixSeconds;
use serde_json::json;

use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Register {
    #[command(flatten)]
    at: At,
    /// The address under which the shop is found; `[shell] url` when not given.
    #[arg(long)]
    url: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    at: At,
    /// The day, in UTC, such as 2026-11-22. It must be over.
    #[arg(long, value_parser = day)]
    day: Day,
    /// The time in Unix seconds, for a sandbox whose issuer's clock was set.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
}

#[derive(clap::Args)]
struct At {
    /// The merchant's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// One of its issuers; all of them when not given.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
}

/// A shop, where it is found, and the issuers that are asked.
struct Opened {
    shop: Shop,
    url: Option<String>,
    issuers: Vec<PartyId>,
}

impl At {
    fn open(&self) -> Result<Opened, Box<dyn Error>> {
        let config = Config::load(&self.config)?;
        let settings: Settings = config.table("merchant")?;
        let names: Vec<&str> = settings.issuers.iter().map(|entry| entry.name.as_str()).collect();
        let asked = match self.issuer.as_deref() {
            Some(name) if !names.contains(&name) => return Err(format!("the shop has no account at {name}").into()),
            Some(name) => vec![name],
            None => names,
        };
        let issuers = asked.iter().map(|name| PartyId::new(name).ok_or("an issuer's name is none"));
        let issuers = issuers.collect::<Result<_, _>>()?;
        Ok(Opened { shop: Shop::with(&settings, config.folder())?, url: config.shell.url.clone(), issuers })
    }
}

impl Register {
    pub(super) async fn run(&self) -> Result<(), Box<dyn Error>> {
        let Opened { shop, url, issuers } = self.at.open()?;
        let url = self.url.clone().or(url).ok_or("the shop has no address: give --url")?;
        for issuer in issuers {
            let until = shop.register(&issuer, url.trim_end_matches('/')).await?;
            println!("{}", json!({ "issuer": issuer.as_str(), "url": url, "until": until }));
        }
        shop.close();
        Ok(())
    }
}

impl Reconcile {
    pub(super) async fn run(&self) -> ExitCode {
        match self.all().await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("purser-server: {error}");
                ExitCode::from(2)
            }
        }
    }

    async fn all(&self) -> Result<bool, Box<dyn Error>> {
        let Opened { shop, issuers, .. } = self.at.open()?;
        if let Some(now) = self.now {
            shop.set_clock(UnixSeconds::new(now).ok_or("--now is past the year 9999")?);
        }
        let mut equal = true;
        for issuer in issuers {
            let reconciled = shop.reconcile(&issuer, self.day).await?;
            let mut shown = reconciled.json();
            shown["issuer"] = issuer.as_str().into();
            println!("{shown}");
            equal &= reconciled.is_equal();
        }
        shop.close();
        Ok(equal)
    }
}

fn day(text: &str) -> Result<Day, String> {
    Day::read(text).ok_or_else(|| "not a date such as 2026-11-22".to_owned())
}
