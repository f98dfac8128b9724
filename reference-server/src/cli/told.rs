//! What whoever runs an issuer does about disputes, and about merchants that are not told.

use std::error::Error;
use std::path::PathBuf;

use purser_protocol::id::PaperId;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::dispute::Ruling;

use super::Order;
use crate::config::Config;
use crate::hooks::Hooks;
use crate::issuer::IssuerConfig;

#[derive(clap::Args)]
pub(super) struct Rule {
    #[command(flatten)]
    order: Order,
    /// The payment, in hexadecimal.
    #[arg(long, value_name = "INTENT", value_parser = paper)]
    payment: PaperId,
    /// The dispute, in hexadecimal.
    #[arg(long, value_name = "DISPUTE", value_parser = paper)]
    dispute: PaperId,
    /// The payment's currency.
    #[arg(long)]
    currency: Currency,
    /// How much goes back, in minor units.
    #[arg(long, value_name = "MINOR")]
    amount_minor: Option<u64>,
}

#[derive(clap::Args)]
pub(super) struct Notices {
    /// The issuer's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Try them again.
    #[arg(long)]
    again: bool,
}

impl Rule {
    pub(super) fn print(&self) -> Result<(), Box<dyn Error>> {
        let amount = self.amount_minor.map(|minor| Amount::from_minor(minor).ok_or("an amount is 1 to 2^53 - 1"));
        let amount = amount.transpose()?;
        let (intent, dispute, currency) = (self.payment, self.dispute, self.currency);
        self.order.print(|issuer, account, issued_at, nonce, reason| {
            let name = issuer.id.clone();
            issuer.sign(&Ruling { issuer: name, account, issued_at, nonce, intent, amount, currency, reason, dispute })
        })
    }
}

impl Notices {
    /// What was put aside, as JSON, one a line. [NTC-8]
    pub(super) fn print(&self) -> Result<(), Box<dyn Error>> {
        let config = Config::load(&self.config)?;
        let settings: IssuerConfig = config.table("issuer")?;
        let reader = settings.place(&config).reader()?;
        let hooks = Hooks::open(&settings.hooks_path(&config), reader, Vec::new())?;
        for aside in hooks.aside()? {
            let json = serde_json::json!({
                "merchant": aside.merchant, "number": aside.number, "decision": aside.decision, "why": aside.why,
            });
            println!("{json}");
        }
        if self.again {
            hooks.again()?;
        }
        Ok(())
    }
}

fn paper(text: &str) -> Result<PaperId, String> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes = (0..32).map(|at| digit(2 * at)).collect::<Option<Vec<u8>>>().filter(|_| text.len() == 64);
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(PaperId).ok_or_else(|| "not 64 hexadecimal digits".to_owned())
}
