//! A signed answer against the reply that carries it: what everybody is told, and what the payer's side is told.

use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::{Code, Public};
use purser_protocol::field::decoded;
use purser_protocol::receipt::{Detail, Receipt, Root};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Authentic, Context, Signed, Signer as _};
use purser_test_vectors::Call;
use serde_json::Value;

use crate::run::judge::Why;

/// Whether `value.answer`, where there is one, says what the reply says, and is signed by the issuer that the setup
/// started. [RCT-1] [RCT-4] [RCT-8] [RCT-13]
pub(crate) fn fits(reply: &Value, setup: &[Call]) -> Result<(), (Why, String)> {
    let value = reply.get("value").unwrap_or(&Value::Null);
    let Some(answer) = value.get("answer").and_then(Value::as_str) else { return Ok(()) };
    says(answer, value, setup).map_err(|what| (Why::WrongAnswer, format!("value.answer {what}")))
}

fn says(answer: &str, value: &Value, setup: &[Call]) -> Result<(), String> {
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
    let why = detail.and_then(|detail| detail.code.code()).or(told);
    let public = why.map(|code| if code.public() == Public::Same { code } else { Code::Declined });
    if public != told {
        let (told, public) = (name(told), name(public));
        return Err(format!("tells everybody {told}; the registry says that they are told {public}"));
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
