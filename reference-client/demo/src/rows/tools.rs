//! Row 9: a tool that has a price, called by a client that we did not write; and its money back, through the merchant's
//! own MCP server.

use std::path::Path;

use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::connect::Url;
use purser_client::fetch::{Asked, Fetcher, Wanted, redemption};
use purser_client::issuer::parse_id;
use purser_client::pay::Silent;
use purser_protocol::bind::{base64url, bundle};
use purser_protocol::field::Bytes;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::id::PaperId;
use purser_protocol::money::Money;
use purser_protocol::receipt::Outcome;
use serde_json::{Value, json};

use super::pay::{payer, quota, seen};
use super::{Play, Seen};
use crate::stage::Stage;
use crate::stock::{Python, Stock};
use crate::table::Row;
use crate::tool::{PRICE, TOOL};
use crate::{Failure, MERCHANT_TOOLS, PRICED_TOOL};

/// The agent pays 1.00 for one call, and gets it back.
pub(super) async fn paid_and_refunded(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let python = match Python::find() {
        Ok(python) => python,
        Err(why) => {
            play.skip(&why)?;
            return play.skip(&why);
        }
    };
    let about = json!({ "about": "tea" });
    let mut paid = None;
    play.row(async |stage: &mut Stage| {
        let mandate = quota(stage, PRICE).await?;
        let server = server(stage, PRICED_TOOL, &[&stage.sandbox.path("merchant.toml")]);
        let mut stock = Stock::call(&python, &server, TOOL, &about)?;
        let (refused, required) = stock.answer()?;
        let wanted = Wanted { mandate: Some(mandate), ..wanted(&required)? };
        let asked = asked(stage, &required, &wanted)?;
        let home = &stage.session.home;
        let fetcher = Fetcher { payer: payer(home, &stage.session.issuer, &Silent), agent: &stage.agent };
        let kept = fetcher.pay_only(&wanted, &asked).await?;
        let (failed, said) = stock.again(&redemption(&kept)?)?;
        let (_, same) = stock.again(&redemption(&kept)?)?;
        paid = Some(kept.id);
        let seen = seen(stage, &kept).await?;
        Ok(seen
            .must(refused && required["status"] == "payment-required", "the tool did not ask to be paid")
            .must(!failed && said["about"] == about, "the tool did not answer")
            .must(same == said, "the same payment had another answer"))
    })
    .await?;
    let payment = paid.ok_or("no payment")?;

    play.row(async |stage: &mut Stage| {
        let (config, orders) = (stage.sandbox.path("merchant.toml"), stage.sandbox.path("orders"));
        let server = server(stage, MERCHANT_TOOLS, &[&config, &orders, Path::new(PRICE)]);
        let refund = json!({ "payment_id": payment.to_string(), "refund_id": "row-9b", "amount": PRICE });
        let (failed, said) = Stock::call(&python, &server, "refund_payment", &refund)?.answer()?;
        let command = said["command"].as_str().and_then(parse_id).ok_or_else(|| format!("no refund: {said}"))?;
        // The receipt is the merchant's; the person's records have it too.
        let receipt = receipt_of(stage, command).await?;
        let claims = &receipt.claims;
        let amount = claims.amount.zip(claims.currency).map(|(amount, currency)| Money { amount, currency });
        Ok(Seen { outcome: claims.outcome, code: claims.code.and_then(|number| number.code()), amount, wrong: None }
            .must(!failed && said["status"] == Outcome::Refunded.name(), "the merchant's server does not say so")
            .must(claims.intent == Some(payment), "another payment came back"))
    })
    .await
}

/// This program, as an MCP server.
fn server(stage: &Stage, what: &str, arguments: &[&Path]) -> Vec<String> {
    let program = stage.issuer.server().display().to_string();
    let rest = arguments.iter().map(|argument| argument.display().to_string());
    [program, what.to_owned()].into_iter().chain(rest).collect()
}

/// The receipt of a command out of the person's records, kept in a file like all others.
async fn receipt_of(stage: &Stage, command: PaperId) -> Result<VerifiedReceipt, Failure> {
    let (issuer, mut after) = (&stage.session.issuer, Some(0));
    while let Some(from) = after {
        let (part, next) = issuer.bundle(from, &stage.person).await?;
        for item in bundle::read(&part) {
            let item = item.map_err(|fault| format!("a record cannot be read: {fault}"))?;
            let Some(Bytes(receipt)) = item.receipt else { continue };
            let verified = issuer.trust.receipt(&receipt).map_err(|fault| format!("a record is refused: {fault}"))?;
            if verified.claims.command == Some(command) {
                stage.session.home.keep_receipt(&command, "receipt", &receipt)?;
                return Ok(verified);
            }
        }
        after = next;
    }
    Err("the refund is not among the person's records".into())
}

/// The call that a challenge is for.
fn wanted(required: &Value) -> Result<Wanted, Failure> {
    let resource = &required["resource"];
    let text = |name: &str| resource[name].as_str().ok_or_else(|| format!("the challenge has no {name}"));
    Ok(Wanted {
        method: Method::from_bytes(text("method")?.as_bytes())?,
        url: Url::parse(text("url")?)?,
        headers: HeaderMap::new(),
        body: text("body")?.to_owned().into(),
        max: PRICE.parse().map_err(|error| format!("{PRICE}: {error}"))?,
        mandate: None,
        channel: None,
        device: None,
    })
}

fn asked(stage: &Stage, required: &Value, wanted: &Wanted) -> Result<Asked, Failure> {
    let offer = required["offer"].as_str().and_then(base64url::decode).ok_or("the challenge has no offer")?;
    let challenge = required["challenges"][0].as_str().ok_or("the challenge has no header")?;
    Ok(Asked::kept(&offer, challenge, wanted, &stage.session.issuer)?)
}
