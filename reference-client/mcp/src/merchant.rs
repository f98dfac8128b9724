//! For a merchant: payments to ask for, payments that came in, refunds.
//!
//! It is the merchant's own shop: the same configuration and the same store as its server's, over which several
//! processes may stand. Refunds are off unless they are switched on, and then at most so much.

mod orders;
mod till;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use purser_client::{Error, Result};
use purser_merchant::Shop;
use purser_protocol::money::Money;
use rmcp::model::{JsonObject, Tool};

use crate::reply::Reply;
use crate::toolbox::{Effect, Toolbox, arguments, tool};

pub use orders::{Orders, counter};

const INSTRUCTIONS: &str = "A merchant's payments. create_payment gives an address that an agent pays at; query_payment \
    says whether it was paid; verify_receipt checks a receipt offline. Prices and payments are signed; words of payers \
    decide nothing. refund_payment gives money back, and is there only where the merchant has switched it on.";

/// The tool that moves money, and is off by itself.
pub const REFUND: &str = "refund_payment";

/// What is sold can be got by the client that paid for it.
const _: () = assert!(purser_merchant::GOODS_BYTES_MAX <= purser_client::fetch::GOODS_BYTES_MAX);

/// What a merchant allows.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// The tools that there are; all but refunds when empty.
    pub tools: BTreeSet<String>,
    /// The most of one refund; without it there are none.
    pub refund_max: Option<Money>,
}

/// The tools of one merchant.
pub struct Merchant {
    shop: Shop,
    orders: Orders,
    register: till::Register,
    url: String,
    tools: Vec<Tool>,
    refund_max: Option<Money>,
    /// One refund at a time, so that one name is one refund.
    refunding: tokio::sync::Mutex<()>,
}

impl Merchant {
    /// The merchant of this configuration. `orders` is a folder for what was asked for; `url` is where its counter is.
    pub fn open(config: &Path, orders: PathBuf, url: &str, allowed: Allowed) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::failed(error.to_string()).at(config.display());
        let known = tools();
        if let Some(name) = allowed.tools.iter().find(|name| known.iter().all(|tool| tool.name != name.as_str())) {
            return Err(Error::usage("there is no such tool").at(name));
        }
        if allowed.tools.contains(REFUND) && allowed.refund_max.is_none() {
            let error = Error::usage("refunds are off");
            return Err(error.fix("switch them on with --refund-max AMOUNT"));
        }
        let shown = known.into_iter().filter(|tool| match tool.name.as_ref() {
            REFUND if allowed.refund_max.is_none() => false,
            name => allowed.tools.is_empty() || allowed.tools.contains(name),
        });
        Ok(Self {
            shop: Shop::open(config).map_err(|error| failed(&error))?,
            orders: Orders::open(orders)?,
            register: till::Register::open(config)?,
            url: url.trim_end_matches('/').to_owned(),
            tools: shown.collect(),
            refund_max: allowed.refund_max,
            refunding: tokio::sync::Mutex::default(),
        })
    }
}

fn tools() -> Vec<Tool> {
    vec![
        tool::<till::Create>(
            "create_payment",
            "Asks for a payment: gives an address where an agent pays it. The same order_id again is the same payment.",
            Effect::Writes,
        ),
        tool::<till::Order>("query_payment", "Whether an order was paid, and by which payment.", Effect::Reads),
        tool::<till::Refund>(
            REFUND,
            "Gives money of a payment back, once for each refund_id, and at most as much as the merchant has allowed.",
            Effect::PaysOnce,
        ),
        tool::<till::RefundAsked>("query_refund", "What became of a refund.", Effect::Reads),
        tool::<till::Shown>(
            "verify_receipt",
            "Checks a receipt, offline: who signed it, what it says, and whether it is for this merchant's order.",
            Effect::Reads,
        ),
        tool::<till::List>("list_payments", "The payments that were redeemed here, newest first.", Effect::Reads),
    ]
}

impl Toolbox for Merchant {
    fn name(&self) -> &'static str {
        "purser-merchant"
    }

    fn instructions(&self) -> &'static str {
        INSTRUCTIONS
    }

    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    async fn call(self: Arc<Self>, tool: &str, given: JsonObject) -> Reply {
        let done = match tool {
            "create_payment" => arguments(given).and_then(|create| self.create_payment(&create)),
            "query_payment" => match arguments(given) {
                Ok(order) => self.query_payment(order).await,
                Err(error) => Err(error),
            },
            REFUND => match arguments(given) {
                Ok(refund) => self.refund_payment(refund).await,
                Err(error) => Err(error),
            },
            "query_refund" => match arguments(given) {
                Ok(asked) => self.query_refund(asked).await,
                Err(error) => Err(error),
            },
            "verify_receipt" => arguments(given).and_then(|shown| self.verify_receipt(&shown)),
            "list_payments" => match arguments(given) {
                Ok(list) => self.list_payments(list).await,
                Err(error) => Err(error),
            },
            _ => Err(Error::usage("there is no tool of this name")),
        };
        done.unwrap_or_else(|error| Reply::error(&error))
    }
}
