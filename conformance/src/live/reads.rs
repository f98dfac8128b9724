//! What is read: discovery, outcomes, receipts, statuses; and who may read what.

use purser_protocol::bind::http::{PAPER, PURSER_PROOF, RECEIPT};
use purser_protocol::code::Code;
use purser_protocol::paper::offer::CaptureMode;
use purser_protocol::receipt::{Outcome, Receipt};
use serde_json::Value;

use super::checks;
use super::world::{World, amount, must};

checks! { World;
    "discovery/document", "Its discovery document has the members of the table", "HTB-4", "", document;
    "intent/not-known", "An intent that it does not know", "HTB-28", "", not_known;
    "intent/asked-for", "An intent that it knows is answered as it was", "AUT-1", "", asked_for;
    "intent/detail-for-the-payer", "Why it refused is told to the payer's side alone", "HTB-8 RCT-14", "", detail;
    "receipt/by-id", "A receipt by its id", "RCT-2 HTB-9", "", receipt;
    "mandate/status", "The status of a mandate, and of none", "REV-9", "", status;
    "proof/missing", "A signed read without a proof", "HTB-31", "", proof_missing;
    "proof/of-another-target", "A proof that was made for another address", "HTB-32", "", proof_of_another;
    "proof/of-a-stranger", "A proof by a key that nobody knows", "HTB-32", "", proof_of_a_stranger;
    "account/balance", "The account says what it holds", "HTB-31", "", balance;
}

fn document(world: &World) -> Result<(), String> {
    let said = &world.document["purser"];
    for list in ["versions", "roles", "features", "currencies", "certificates"] {
        must(said[list].is_array(), || format!("{list} is no list"))?;
    }
    must(said["sandbox"].is_boolean(), || "sandbox is neither true nor false".into())?;
    let roles = said["roles"].as_array().into_iter().flatten();
    must(roles.clone().any(|role| role == "issuer"), || "roles does not name issuer".into())?;
    must(said["base_url"].as_str().is_some_and(|url| url.starts_with("https://")), || {
        "base_url is no https address".into()
    })
}

fn not_known(world: &World) -> Result<(), String> {
    let id = world.fresh.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    world.problem(&world.get(&format!("/v1/intents/{id}"), None)?, Code::NotFound).map(drop)
}

fn asked_for(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let (body, intent) = world.payment(&payer, 400, CaptureMode::AtOnce)?;
    let paid = world.pay(&body)?;
    world.expect(&paid, 200, Outcome::Settled)?;
    let asked = world.get(&format!("/v1/intents/{}", intent.id), None)?;
    world.expect(&asked, 200, Outcome::Settled)?;
    must(asked.body == paid.body, || "the answer to GET is not that to POST, byte for byte".into())
}

fn detail(world: &World) -> Result<(), String> {
    let payer = world.payer_with(1_000, |caps| {
        caps.total = amount(1_000).ok();
        caps.amount_max = amount(100).ok();
    })?;
    let (body, intent) = world.payment(&payer, 400, CaptureMode::AtOnce)?;
    world.refusal(&world.pay(&body)?, Code::RuleAmountMax)?;
    let target = format!("/v1/intents/{}", intent.id);
    let anybody = world.answer(&world.get(&target, None)?)?;
    must(anybody.detail.is_none(), || "the detail is told to whoever knows the id".into())?;
    for key in [&payer.key, &payer.agent] {
        let told = world.answer(&world.get(&target, Some(key))?)?;
        must(told.detail == Some(Code::RuleAmountMax), || "the payer's side is not told why, with a proof".into())?;
    }
    let stranger = world.payer(1)?;
    let told = world.answer(&world.get(&target, Some(&stranger.key))?)?;
    must(told.detail.is_none(), || "the detail is told to another account".into())
}

fn receipt(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let (body, _) = world.payment(&payer, 400, CaptureMode::AtOnce)?;
    let id = world.answer(&world.pay(&body)?)?.receipt_id;
    let response = world.get(&format!("/v1/receipts/{id}"), None)?;
    must(response.media_type() == RECEIPT, || format!("its media type is {}", response.media_type()))?;
    let cache = response.header("cache-control").unwrap_or_default();
    must(cache.contains("no-store"), || format!("Cache-Control is {cache:?}"))?;
    let read = Receipt::from_bytes(&response.body).map_err(|fault| fault.to_string())?;
    must(read.id() == id, || "it is another receipt".into())
}

fn status(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let response = world.get(&format!("/v1/mandates/{}/status", payer.mandate), None)?;
    must(response.status == 200 && PAPER.starts_with(response.media_type()), || {
        format!("status {}, media type {}", response.status, response.media_type())
    })?;
    let id = world.fresh.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    world.problem(&world.get(&format!("/v1/mandates/{id}/status"), None)?, Code::NotFound).map(drop)
}

fn proof_missing(world: &World) -> Result<(), String> {
    for target in ["/v1/account", "/v1/mandates", "/v1/pending", "/v1/payments"] {
        world.problem(&world.get(target, None)?, Code::ProofRequired)?;
    }
    Ok(())
}

fn proof_of_another(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let proof = world.proof(&payer.key, &format!("GET {}/v1/pending", world.base()))?;
    let response = world.server.request("GET", "/v1/account", &[(PURSER_PROOF, &proof)], &[])?;
    world.problem(&response, Code::ProofInvalid).map(drop)
}

fn proof_of_a_stranger(world: &World) -> Result<(), String> {
    world.problem(&world.get("/v1/account", Some(&world.fresh.key()))?, Code::ProofInvalid).map(drop)
}

fn balance(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let response = world.get("/v1/account", Some(&payer.key))?;
    let read: Value = serde_json::from_slice(&response.body).map_err(|error| error.to_string())?;
    let named = read["account"].as_str() == Some(payer.account.to_string().as_str());
    must(response.status == 200 && named, || format!("status {}, and it says {read}", response.status))
}
