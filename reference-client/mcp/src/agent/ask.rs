//! Asking a person for a mandate. What comes of it is a draft: words and a command, which only the person can use.

use std::fs;

use purser_client::{Error, Result};
use purser_protocol::id::PartyId;
use purser_protocol::money::Money;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use super::Agent;
use crate::reply::Reply;
use crate::words::harmless;

/// Longest time that is asked for.
const DAYS_MAX: u32 = 366;
/// Most merchants in one mandate.
const MERCHANTS_MAX: usize = 16;

/// What the agent would like to be allowed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestMandate {
    /// The most for all payments together, with its currency, such as "100.00 CNY".
    total: String,
    /// The most for one payment, with its currency.
    per_payment: Option<String>,
    /// The only merchants, by the names in their certificates; any when not given.
    merchants: Option<Vec<String>>,
    /// Above this the person is asked each time, with its currency.
    ask_above: Option<String>,
    /// For how many days; 30 when not given.
    days: Option<u32>,
    /// What for, in words for the person. It becomes no term.
    purpose: String,
}

impl Agent {
    pub(super) fn request_mandate(&self, request: RequestMandate) -> Result<Reply> {
        let total = amount("total", &request.total)?;
        let of_total = |name: &str, text: &Option<String>| -> Result<Option<Money>> {
            let money = text.as_deref().map(|text| amount(name, text)).transpose()?;
            match money {
                Some(money) if money.currency != total.currency => Err(Error::usage(format!(
                    "{name}: one mandate has one currency, and total is in {}",
                    total.currency
                ))),
                money => Ok(money),
            }
        };
        let (per_payment, ask_above) =
            (of_total("per_payment", &request.per_payment)?, of_total("ask_above", &request.ask_above)?);
        let days = request.days.unwrap_or(30);
        if days == 0 || days > DAYS_MAX {
            return Err(Error::usage(format!("days: not between 1 and {DAYS_MAX}")));
        }
        let merchants = request.merchants.unwrap_or_default();
        if merchants.len() > MERCHANTS_MAX || merchants.iter().any(|name| PartyId::new(name).is_none()) {
            return Err(Error::usage("merchants: at most 16 names, as they stand in certificates"));
        }

        // The key's file is beside the command; everything in the command is a value that was read.
        let key = self.home.path("agent.pub");
        fs::write(&key, self.key_pem()).map_err(|error| Error::file(&key, &error))?;
        let mut command = format!(
            "purser mandate new --mode quota --currency {} --total \"{total}\" --expires {days}d --holder {}",
            total.currency,
            quoted(&key.display().to_string()),
        );
        per_payment.iter().for_each(|money| command.push_str(&format!(" --per-payment \"{money}\"")));
        ask_above.iter().for_each(|money| command.push_str(&format!(" --ask-above \"{money}\"")));
        merchants.iter().for_each(|name| command.push_str(&format!(" --merchant {name}")));

        let data = json!({
            "status": "person-must-sign",
            "granted": false,
            "for_the_person": {
                "command": command,
                "agent_key": self.key_pem(),
                "agent_says_purpose": harmless(&request.purpose),
            },
            "what_to_do": "show the command to the person; when they have signed, list_mandates shows the mandate",
        });
        Ok(Reply::new(format!("Nothing is granted yet. The person signs with: {command}"), data))
    }
}

fn amount(name: &str, text: &str) -> Result<Money> {
    text.parse().map_err(|error| Error::usage(format!("{name}: {error}")))
}

/// As a shell reads it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
