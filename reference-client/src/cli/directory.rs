//! `purser directory`: what merchants say that they sell.

use clap::Subcommand;
use purser_client::home::Home;
use purser_client::issuer::{Search, ServiceView};
use purser_client::{Error, Result};
use purser_protocol::id::PartyId;
use serde_json::{Value, json};

use super::{Done, session};

/// What stands below every list.
const ADVERTISED: &str = "Prices are as merchants advertise them; what is paid is what the offer says.\n";

#[derive(Subcommand)]
pub(super) enum Directory {
    /// Look for services by words, category, currency or merchant
    Search {
        /// Words, all of which stand in the shop's or the service's name, path or item
        words: Vec<String>,
        /// A category of ISO 18245
        #[arg(long)]
        category: Option<u64>,
        /// The currency of the price, such as CNY
        #[arg(long)]
        currency: Option<String>,
        /// The merchant's name
        #[arg(long)]
        merchant: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        most: usize,
    },
    /// Show what a merchant has signed of itself
    Show {
        /// The merchant's name
        merchant: String,
    },
}

impl Directory {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let issuer = session(home).await?.issuer;
        match self {
            Self::Search { words, category, currency, merchant, most } => {
                let words = Some(words.join(" ")).filter(|words| !words.is_empty());
                let found = issuer.search(&Search { words, category, currency, merchant }, most.max(1)).await?;
                let mut text: String = found.iter().map(line).collect();
                text += if found.is_empty() { "Nothing is listed so.\n" } else { ADVERTISED };
                Ok(Done::new(text, json!({ "services": found })))
            }
            Self::Show { merchant } => {
                let name = PartyId::new(&merchant).ok_or_else(|| Error::usage("not a party's name").at(&merchant))?;
                let opened = issuer.listing(&name).await?;
                let document: Value = serde_json::from_str(&opened.document)
                    .map_err(|error| Error::failed(format!("its document cannot be read: {error}")))?;
                let text = format!("{merchant}: signed, as of {}\n{document:#}\n{ADVERTISED}", opened.paper.issued_at);
                let at = opened.paper.issued_at.get();
                Ok(Done::new(text, json!({ "merchant": merchant, "issued_at": at, "document": document })))
            }
        }
    }
}

fn line(service: &ServiceView) -> String {
    let ServiceView { merchant, method, url, name, price, .. } = service;
    // What others wrote is shown as one line, whatever stands in it.
    let plain =
        |text: &str| text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>();
    format!("{}  {}  {}\n    {} {}\n", plain(price), plain(merchant), plain(name), plain(method), plain(url))
}
