//! A signed answer against the reply that carries it: what everybody is told, and what the payer's side is told.

use std::collections::BTreeMap;

use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::{Code, Public};
use purser_protocol::field::decoded;
use purser_protocol::id::PaperId;
use purser_protocol::paper::meter::ChainRoot;
use purser_protocol::receipt::tree::{Frontier, leaf_hash};
use purser_protocol::receipt::{Claims, CodeNumber, Detail, Receipt, Root};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Authentic, Context, Paper as _, Signed, Signer as _};
use purser_protocol::wire::Reader;
use purser_test_vectors::Call;
use serde_json::{Map, Value, json};

use crate::run::judge::{Seen, Why};

/// Whether `value.answer`, where there is one, says what the reply says and what the case asks, is signed by the issuer
/// that the setup started, and stands in one log with what was answered before.
/// [RCT-1] [RCT-4] [RCT-8] [RCT-9] [RCT-12] [RCT-13]
pub(crate) fn fits(seen: &Seen, setup: &[Call], wanted: Option<&Value>) -> Result<(), (Why, String)> {
    let value = seen.reply.get("value").unwrap_or(&Value::Null);
    let wrong = |what: String| (Why::WrongAnswer, format!("value.answer {what}"));
    let Some(answer) = value.get("answer").and_then(Value::as_str) else {
        return if wanted.is_some() { Err(wrong("is not there".to_owned())) } else { Ok(()) };
    };
    says(answer, value, setup, wanted).map_err(wrong)?;
    let earlier = seen.earlier.iter().filter_map(|reply| reply.get("value")?.get("answer")?.as_str());
    one_log(earlier.chain([answer])).map_err(wrong)
}

fn says(answer: &str, value: &Value, setup: &[Call], wanted: Option<&Value>) -> Result<(), String> {
    let bytes = unhex(answer).ok_or("is not hexadecimal")?;
    let body = AnswerBody::read(&bytes).map_err(|fault| format!("does not read: {fault}"))?;
    let receipt: Receipt = decoded(body.receipt).map_err(|fault| format!("has no receipt that reads: {fault}"))?;
    let claims = receipt.read_claims().map_err(|fault| format!("has claims that do not read: {fault}"))?;
    if let Some(start) = setup.iter().find(|call| call.op == "issuer.start") {
        signed_by(&receipt, &start.input)?;
    }
    let outcome = value.get("outcome").and_then(Value::as_str);
    if outcome.is_some_and(|outcome| outcome != claims.outcome.name()) {
        return Err(format!("is a receipt of outcome {}, and value.outcome says otherwise", claims.outcome.name()));
    }
    let told = claims.code.and_then(|code| code.code());
    let detail = body.detail.map(decoded::<Detail>).transpose();
    let detail = detail.map_err(|fault| format!("has a detail that does not read: {fault}"))?;
    if let Some(detail) = &detail
        && Some(detail.digest()) != claims.detail
    {
        return Err("has a detail that is not the one in the claims".to_owned());
    }
    if let Some(detail) = &detail {
        names_the_rule(detail)?;
    }
    let members = members(&claims, detail.as_ref());
    for (name, wanted) in wanted.and_then(Value::as_object).into_iter().flatten() {
        let said = members.get(name).unwrap_or(&Value::Null);
        let differs = match wanted {
            Value::Object(wanted) => {
                wanted.iter().any(|(name, wanted)| said.get(name).unwrap_or(&Value::Null) != wanted)
            }
            wanted => said != wanted,
        };
        if differs {
            return Err(format!("says of {name} {said}, and must say {wanted}"));
        }
    }
    let why = detail.and_then(|detail| detail.code.code()).or(told);
    let public = why.map(|code| if code.public() == Public::Same { code } else { Code::Declined });
    if public != told {
        let (told, public) = (name(told), name(public));
        return Err(format!("tells everybody {told}; the registry says that they are told {public}"));
    }
    Ok(())
}

/// Of a rule, where it stands; of anything else, nothing of the kind. [RCT-12]
fn names_the_rule(detail: &Detail) -> Result<(), String> {
    let Some(code) = detail.code.code() else { return Ok(()) };
    let is_rule = code.slug().starts_with("rule-");
    if is_rule != detail.rule.is_some() || (is_rule && detail.link.is_none()) {
        return Err(format!("has a detail of {} in which link and rule are not as they must be", code.slug()));
    }
    Ok(())
}

/// What a case may ask of an answer, by the names of the vectors' README.
fn members(claims: &Claims, detail: Option<&Detail>) -> Map<String, Value> {
    let id = |id: Option<PaperId>| id.map(|id| json!(id.to_string()));
    let slug = |number: CodeNumber| number.code().map(|code| json!(code.slug()));
    let detail = detail.map(|detail| {
        let parts = [("link", detail.link), ("grant", detail.grant), ("rule", detail.rule)];
        let parts = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), json!(part?))));
        let code = slug(detail.code).map(|code| ("code".to_owned(), code));
        Value::Object(parts.chain(code).collect())
    });
    let members = [
        ("offer", id(claims.offer)),
        ("intent", id(claims.intent)),
        ("command", id(claims.command)),
        ("pseudonym", claims.pseudonym.map(|name| json!(name.to_string()))),
        ("secret_hash", claims.secret_hash.map(|hash| json!(hash.to_string()))),
        ("amount_minor", claims.amount.map(|amount| json!(amount.minor().to_string()))),
        ("currency", claims.currency.map(|currency| json!(currency.code()))),
        ("answer_by", claims.answer_by.map(|at| json!(at.get()))),
        ("chains", claims.chains.as_ref().map(|chains| chains.iter().map(chain).collect())),
        ("hold_until", claims.hold_until.map(|at| json!(at.get()))),
        ("code", claims.code.and_then(slug)),
        ("detail", detail),
    ];
    members.into_iter().filter_map(|(name, member)| Some((name.to_owned(), member?))).collect()
}

/// A chain of a metered hold: how long it is, and where it begins.
fn chain(chain: &ChainRoot) -> Value {
    json!([chain.length.get(), chain.root.to_string()])
}

/// Where every root of a log was seen, each is the root over those before it and itself. [RCT-9]
fn one_log<'a>(answers: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let roots = answers.filter_map(|answer| {
        let bytes = unhex(answer)?;
        let receipt: Receipt = decoded(AnswerBody::read(&bytes).ok()?.receipt).ok()?;
        let signed = Signed::<Root>::read(&receipt.root).ok()?;
        Root::decode(&mut Reader::new(signed.frame.payload)).ok()
    });
    let roots: BTreeMap<u64, Root> = roots.map(|root| (root.batch, root)).collect();
    let mut log = Frontier::default();
    for (batch, root) in &roots {
        if *batch != log.size() {
            // Batches before it were closed unseen.
            return Ok(());
        }
        log.push(leaf_hash(&root.tree_root.0));
        if (log.root(), log.size()) != (root.log_root.0, root.log_size) {
            return Err(format!("has a root of batch {batch} whose log is not that of the batches up to it"));
        }
    }
    Ok(())
}

/// The root is the issuer's, and the path leads to it. [RCT-3]
fn signed_by(receipt: &Receipt, start: &Value) -> Result<(), String> {
    let text = |name: &str| start.get(name).and_then(Value::as_str);
    let key = text("key").and_then(unhex).and_then(|key| PortableSigner::from_secret(key.first_chunk()?));
    let (Some(key), Some(network)) = (key, text("network")) else { return Ok(()) };
    let root =
        Signed::<Root>::read(&receipt.root).map_err(|fault| format!("has a root that does not read: {fault}"))?;
    let root = root.verify(&Portable, Context { network }, &key.public_key());
    let root =
        root.and_then(Authentic::open).map_err(|fault| format!("has a root that is not the issuer's: {fault}"))?;
    receipt.verify(&root).map(drop).map_err(|fault| format!("has a path that does not lead to its root: {fault}"))
}

fn name(code: Option<Code>) -> &'static str {
    code.map_or("no code", Code::slug)
}

/// Bytes from lower-case hexadecimal.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    bytes.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}
