//! Papers that the subject signed: its signature verifies under the key and for the network that it was given.

use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::paper::to_be_signed;
use purser_protocol::sign::{Context, Crypto as _, Frame, Kind, Signer as _};
use purser_test_vectors::Call;
use serde_json::Value;

use crate::answer::unhex;
use crate::run::judge::{Seen, Why};

/// A call that signs: the member with the paper, its kind, and the call that said with which key.
struct Signing {
    op: &'static str,
    member: &'static str,
    kind: Option<&'static str>,
    begun_by: &'static str,
}

const SIGNING: [Signing; 8] = [
    Signing { op: "paper.sign", member: "paper", kind: None, begun_by: "paper.sign" },
    Signing { op: "agent.offer", member: "intent", kind: Some("intent"), begun_by: "agent.start" },
    Signing { op: "wallet.confirm", member: "confirmation", kind: Some("confirmation"), begun_by: "wallet.start" },
    Signing { op: "wallet.refuse", member: "cancel", kind: Some("cancel"), begun_by: "wallet.start" },
    Signing { op: "merchant.offer", member: "offer", kind: Some("offer"), begun_by: "merchant.start" },
    Signing { op: "merchant.redeem", member: "delivery", kind: Some("delivery"), begun_by: "merchant.start" },
    Signing { op: "issuer.status", member: "paper", kind: Some("status"), begun_by: "issuer.start" },
    Signing { op: "issuer.receive", member: "credential", kind: Some("credential"), begun_by: "issuer.start" },
];

/// Whether the paper in the value, where the call is one that signs, is signed as it must be. [SIG-15] [SIG-16]
pub(crate) fn fits(call: &Call, setup: &[Call], seen: &Seen) -> Result<(), (Why, String)> {
    let Some(signing) = SIGNING.iter().find(|signing| signing.op == call.op) else { return Ok(()) };
    let Some(paper) = seen.reply.get("value").and_then(|value| value.get(signing.member)).and_then(Value::as_str)
    else {
        return lacks(signing, seen);
    };
    let begun = setup.iter().chain([call]).find(|call| call.op == signing.begun_by);
    let Some(begun) = begun.map(|call| &call.input) else { return Ok(()) };
    let kind = signing.kind.or_else(|| call.input.get("kind").and_then(Value::as_str)).unwrap_or_default();
    verifies(paper, kind, begun).map_err(|what| (Why::WrongValue, format!("{} {what}", signing.member)))
}

/// A call that signs and was done has a paper to show; an issuer's has a credential only where it enrolled.
fn lacks(signing: &Signing, seen: &Seen) -> Result<(), (Why, String)> {
    let done = seen.reply.get("outcome").and_then(Value::as_str) == Some("accept");
    if done && signing.member != "credential" {
        return Err((Why::WrongValue, format!("{} must be the signed paper; it is not there", signing.member)));
    }
    Ok(())
}

fn verifies(paper: &str, kind: &str, begun: &Value) -> Result<(), String> {
    let text = |name: &str| begun.get(name).and_then(Value::as_str);
    let key = text("key").and_then(unhex).and_then(|key| PortableSigner::from_secret(key.first_chunk()?));
    let (Some(key), Some(network)) = (key, text("network")) else { return Ok(()) };
    let kind = Kind::from_typ(&format!("purser-{kind}")).ok_or_else(|| format!("is of no kind {kind}"))?;
    let bytes = unhex(paper).ok_or("is not hexadecimal")?;
    let frame = Frame::read(&bytes).map_err(|fault| format!("does not read: {fault}"))?;
    if Kind::of(&bytes) != Some(kind) {
        return Err(format!("must have the typ {}", kind.typ()));
    }
    let digest = to_be_signed(kind, Context { network }, frame.protected, frame.payload);
    Portable.verify(&key.public_key(), &digest, frame.signature).map_err(|_| {
        format!(
            "has a signature that does not verify under the key given, for {}/1 and the network {network}",
            kind.typ()
        )
    })
}
