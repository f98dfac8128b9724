//! What each tool of a merchant does.

use std::path::PathBuf;
use std::time::Duration;

use purser_client::issuer::parse_id;
use purser_client::keys::load_certificates;
use purser_client::trust::Trust;
use purser_client::{Class, Error, Result};
use purser_merchant::store::Standing;
use purser_merchant::{NotOrdered, Paid};
use purser_protocol::bind::base64url;
use purser_protocol::id::PaperId;
use purser_protocol::money::Money;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Merchant;
use super::orders::{Order as Asked, PaidBy, Refunded};
use crate::reply::Reply;
use crate::words::harmless;

/// How long a refund's answer is waited for in the call that asks for it.
const ANSWER: Duration = Duration::from_secs(20);
const PAYMENTS_MAX: u64 = 100;

/// A payment to ask for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// The merchant's own id of the order: up to 64 letters, digits, dashes and underscores.
    order_id: String,
    /// How much, with its currency, such as "12.80 CNY".
    amount: String,
    /// What it is for, as the payer reads it.
    title: String,
}

/// An order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// The order's id.
    order_id: String,
}

/// Money to give back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refund {
    /// The payment's id: 64 hexadecimal digits.
    payment_id: String,
    /// The merchant's own id of this refund. The same again is the same refund.
    refund_id: String,
    /// How much, with its currency.
    amount: String,
    /// Words for the payer.
    reason: Option<String>,
}

/// A refund that was asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundAsked {
    /// The refund's id.
    refund_id: String,
}

/// A receipt that somebody shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    /// The receipt: base64url.
    receipt: String,
}

/// The newest payments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// How many, at most 100; 20 when not given.
    limit: Option<u64>,
}

impl Merchant {
    pub(super) fn create_payment(&self, create: &Create) -> Result<Reply> {
        let amount: Money = money(&create.amount)?;
        purser_merchant::Charge::new(&amount.to_string(), &create.order_id, &create.title)
            .map_err(|error| Error::usage(error.to_string()))?;
        let order = Asked { amount: amount.to_string(), title: create.title.clone() };
        match self.orders.read::<Asked>("orders", &create.order_id)? {
            Some(before) if before != order => {
                let error = Error::usage("this order_id was used for another amount or title");
                return Err(error.fix("give each order an id of its own"));
            }
            Some(_) => {}
            None => self.orders.keep("orders", &create.order_id, &order)?,
        }
        let url = format!("{}/orders/{}", self.url, create.order_id);
        let data = json!({ "status": "created", "order_id": create.order_id, "amount": order.amount, "url": url });
        Ok(Reply::new(format!("{} is asked for at {url}", order.amount), data))
    }

    pub(super) async fn query_payment(&self, order: Order) -> Result<Reply> {
        let id = &order.order_id;
        let asked = self.orders.read::<Asked>("orders", id)?;
        let asked = asked.ok_or_else(|| Error::usage("there is no such order").fix("create_payment makes one"))?;
        let Some(by) = self.orders.read::<PaidBy>("paid", id)? else {
            let data = json!({ "status": "not-paid", "order_id": id, "amount": asked.amount });
            return Ok(Reply::new(format!("Order {id} is not paid"), data));
        };
        let paid = self.shop.paid(payment(&by.payment_id)?).await.map_err(|error| Error::failed(error.to_string()))?;
        let paid = paid.as_ref().map(shown);
        let data = json!({ "status": "paid", "order_id": id, "amount": asked.amount, "payment": paid });
        Ok(Reply::new(format!("Order {id} is paid by {}", by.payment_id), data))
    }

    pub(super) async fn refund_payment(&self, refund: Refund) -> Result<Reply> {
        let amount = money(&refund.amount)?;
        let max = self.refund_max.ok_or_else(|| Error::usage("refunds are off"))?;
        if amount.currency != max.currency || amount.amount > max.amount {
            let error = Error::usage(format!("at most {max} may be given back in one refund"));
            return Err(error.fix("the merchant gives back more by hand, or raises --refund-max"));
        }
        let id = payment(&refund.payment_id)?;
        let _alone = self.refunding.lock().await;
        let wanted = Refunded { payment_id: id.to_string(), amount: amount.to_string(), command: None };
        match self.orders.read::<Refunded>("refunds", &refund.refund_id)? {
            Some(before) if before.payment_id != wanted.payment_id || before.amount != wanted.amount => {
                return Err(Error::usage("this refund_id was used for another payment or amount"));
            }
            Some(before) => return self.became(&refund.refund_id, &before).await,
            None => {}
        }
        let paid = self.shop.paid(id).await.map_err(|error| Error::failed(error.to_string()))?;
        let paid = paid.ok_or_else(|| Error::usage("no such payment was redeemed here"))?;
        if paid.currency != amount.currency {
            return Err(Error::usage(format!("that payment was in {}", paid.currency)));
        }
        // Written before it is ordered: what died in between is found, and not ordered twice.
        self.orders.keep("refunds", &refund.refund_id, &wanted)?;
        let ordered = self.shop.refund(id, amount.amount, refund.reason.as_deref()).await.map_err(not_ordered)?;
        let wanted = Refunded { command: Some(ordered.to_string()), ..wanted };
        self.orders.keep("refunds", &refund.refund_id, &wanted)?;
        // A refund that has no answer yet goes on by itself.
        let _ = tokio::time::timeout(ANSWER, self.shop.outcome(ordered)).await;
        self.became(&refund.refund_id, &wanted).await
    }

    pub(super) async fn query_refund(&self, asked: RefundAsked) -> Result<Reply> {
        let refund = self.orders.read::<Refunded>("refunds", &asked.refund_id)?;
        let refund = refund.ok_or_else(|| Error::usage("there is no such refund"))?;
        self.became(&asked.refund_id, &refund).await
    }

    async fn became(&self, id: &str, refund: &Refunded) -> Result<Reply> {
        let Some(command) = &refund.command else {
            let error =
                Error::new(Class::Unknown, format!("refund {id} was begun, and whether it was ordered is not known"));
            return Err(error.fix("look at the payment at the issuer before you give it another refund_id"));
        };
        let standing = self.shop.standing(payment(command)?).await.map_err(not_ordered)?;
        let status = match &standing {
            Standing::Open => "pending",
            Standing::Ended(end) if end == "refunded" => "refunded",
            Standing::Ended(_) => "refused",
        };
        let why = match &standing {
            Standing::Ended(end) => Some(end.as_str()),
            Standing::Open => None,
        };
        let data = json!({
            "status": status, "refund_id": id, "payment_id": refund.payment_id, "amount": refund.amount,
            "command": command, "why": why.filter(|_| status == "refused"),
        });
        let reply = Reply::new(format!("Refund {id} of {}: {status}", refund.amount), data);
        Ok(if status == "refused" { reply.failed() } else { reply })
    }

    pub(super) fn verify_receipt(&self, shown: &Shown) -> Result<Reply> {
        let bytes = base64url::decode(&shown.receipt).ok_or_else(|| Error::usage("the receipt is not base64url"))?;
        let verified = self.register.0.receipt(&bytes).map_err(|fault| Error::fault("receipt", fault))?;
        let claims = &verified.claims;
        let amount =
            claims.amount.zip(claims.currency).map(|(amount, currency)| Money { amount, currency }.to_string());
        let data = json!({
            "status": "verified",
            "issuer": verified.issuer.as_str(),
            "receipt_id": verified.id.to_string(),
            "outcome": claims.outcome.name(),
            "payment_id": claims.intent.map(|id| id.to_string()),
            "offer_id": claims.offer.map(|id| id.to_string()),
            "amount": amount,
            "note": "that it verifies is not that it was for something here: query_payment says so",
        });
        Ok(Reply::new(format!("{}, signed by {}", claims.outcome.name(), verified.issuer), data))
    }

    pub(super) async fn list_payments(&self, list: List) -> Result<Reply> {
        let limit = list.limit.unwrap_or(20).min(PAYMENTS_MAX);
        let found = self.shop.payments(limit).await.map_err(|error| Error::failed(error.to_string()))?;
        let listed: Vec<Value> = found.iter().map(self::shown).collect();
        Ok(Reply::new(format!("{} payments", listed.len()), json!({ "status": "ok", "payments": listed })))
    }
}

/// Whose receipts are believed.
pub(super) struct Register(Trust);

impl Register {
    pub(super) fn open(config: &std::path::Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            merchant: Known,
        }
        #[derive(Deserialize)]
        struct Known {
            network: String,
            anchors: Vec<PathBuf>,
            issuers: Vec<Issuer>,
        }
        #[derive(Deserialize)]
        struct Issuer {
            chain: PathBuf,
        }
        let text = std::fs::read_to_string(config).map_err(|error| Error::file(config, &error))?;
        let File { merchant } =
            toml::from_str(&text).map_err(|error| Error::failed(error.to_string()).at(config.display()))?;
        let folder = config.parent().unwrap_or(std::path::Path::new("."));
        let mut anchors = Vec::new();
        for path in &merchant.anchors {
            anchors.extend(load_certificates(&folder.join(path))?);
        }
        let trust = Trust::new(&merchant.network, &anchors)?;
        for issuer in &merchant.issuers {
            let chain = load_certificates(&folder.join(&issuer.chain))?;
            trust.keep(chain.iter().map(|certificate| certificate.to_vec()).collect());
        }
        Ok(Self(trust))
    }
}

fn shown(paid: &Paid) -> Value {
    json!({
        "payment_id": paid.intent.to_string(),
        "offer_id": paid.offer.to_string(),
        "issuer": paid.issuer.as_str(),
        "amount": Money { amount: paid.amount, currency: paid.currency }.to_string(),
        "held": paid.held,
        "decided_at": paid.decided_at.to_string(),
    })
}

fn money(text: &str) -> Result<Money> {
    text.parse().map_err(|error| Error::usage(format!("amount: {error}")).fix("such as \"12.80 CNY\""))
}

fn payment(text: &str) -> Result<PaperId> {
    parse_id(text)
        .ok_or_else(|| Error::usage("payment_id: not 64 hexadecimal digits").fix("list_payments gives the ids"))
}

fn not_ordered(error: NotOrdered) -> Error {
    Error::failed(harmless(&error.to_string()))
}
