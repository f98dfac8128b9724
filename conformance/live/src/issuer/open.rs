//! What anybody may ask.

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PAPER;
use purser_protocol::cert::{Role, validate};
use purser_protocol::code::Code;
use purser_protocol::flow::certificate_id;
use purser_protocol::receipt::Outcome;
use serde_json::Value;

use super::{HTTP2, MERCHANT, SANDBOX, Scene};
use crate::answer::CONCISE;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::Request;
use crate::old_tls::refuses_tls_1_2;
use crate::papers::{now, payment};

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/discovery/document", "The discovery document has every member of the table", ["HTB-4", "VER-3"], High, Must::Accept, [] => document;
    "live/issuer/discovery/certificate", "Its certificate leads to the roots, as an issuer's, and names it", ["HTB-4", "CRT-12", "OPS-3"], High, Must::Accept, [] => certificate;
    "live/issuer/tls/1-3", "TLS 1.3 is spoken", ["HTB-1"], Medium, Must::Accept, [] => tls;
    "live/issuer/tls/1-2", "A client that speaks nothing later than TLS 1.2 gets no handshake", ["HTB-1"], High, Must::Fail("live/issuer/tls/1-3"), [] => tls_1_2;
    "live/issuer/http2/payment", "A payment over HTTP/2 is the payment that HTTP/1.1 tells of", ["HTB-4", "RCT-7"], High, Must::Accept, [SANDBOX, MERCHANT, HTTP2] => http2;
    "live/issuer/errors/problem", "A problem has every member that the table requires", ["ERR-2", "HTB-5"], Medium, Must::Accept, [] => problem;
    "live/issuer/errors/concise", "A client that prefers CBOR gets the concise form", ["ERR-2"], Low, Must::Accept, [] => concise;
    "live/issuer/errors/registry", "Number, slug, retry and resolver of a problem are those of the registry", ["ERR-1"], Medium, Must::Accept, [] => registry;
};

async fn document(scene: &Scene) -> Done {
    let answer = &scene.get("/.well-known/purser").await?;
    ensure(answer.status == 200 && answer.media() == "application/json", || {
        format!("200 and application/json must come; it was {} and {}", answer.status, answer.media())
    })?;
    let document = answer.json()?;
    let member = |name: &str| document.get("purser").and_then(|document| document.get(name));
    let texts =
        |name: &str| member(name).and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_string));
    for name in ["versions", "roles", "features", "currencies"] {
        ensure(texts(name), || format!("{name} is no list of texts"))?;
    }
    ensure(member("sandbox").is_some_and(Value::is_boolean), || "sandbox is neither true nor false".to_owned())?;
    let has =
        |name: &str, value: &str| member(name).and_then(Value::as_array).is_some_and(|all| all.contains(&value.into()));
    ensure(has("roles", "issuer"), || "roles does not name issuer".to_owned())?;
    ensure(has("versions", "1"), || "versions does not name 1".to_owned())?;
    let sandbox = member("sandbox").and_then(Value::as_bool).unwrap_or_default();
    ensure(sandbox == has("features", SANDBOX), || "sandbox and features contradict each other".to_owned())
}

async fn certificate(scene: &Scene) -> Done {
    let document = scene.get("/.well-known/purser").await?.json()?;
    let chains = document.pointer("/purser/certificates").and_then(Value::as_array).cloned().unwrap_or_default();
    ensure(!chains.is_empty(), || "certificates is empty".to_owned())?;
    let mut found = Vec::new();
    for chain in &chains {
        let ders = chain.as_array().into_iter().flatten().filter_map(Value::as_str).filter_map(base64url::decode);
        let ders: Vec<Vec<u8>> = ders.collect();
        let Some(leaf) = ders.first() else { continue };
        let chain: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
        found.push(scene.validate(&chain, leaf));
    }
    let good = found.iter().flatten().any(|name| *name == scene.terms.issuer.as_str());
    ensure(good, || format!("no chain leads to the roots and names {}: {found:?}", scene.terms.issuer))
}

async fn tls(scene: &Scene) -> Done {
    let answer = scene.get("/.well-known/purser").await?;
    ensure(answer.status == 200, || format!("200 must come; it was {}", answer.in_words()))
}

async fn tls_1_2(scene: &Scene) -> Done {
    refuses_tls_1_2(&scene.target).await
}

async fn http2(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let request = Request::post("/v1/intents", purser_protocol::bind::http::PAYMENT_REQUEST, payment(&offer, &intent));
    let Some(answer) = scene.target.send_http2(&request).await? else {
        return Err(Failure::new(Fault::WrongValue, "HTTP/2 was spoken before and is not now"));
    };
    answer.is(&scene.belief(), Outcome::Settled)?;
    let again = scene.pay(&offer, &intent).await?;
    ensure(again.says_as(&answer), || "HTTP/1.1 tells another answer for the same intent".to_owned())
}

const NO_PAPER: &[u8] = b"\xd2\x84";

async fn problem(scene: &Scene) -> Done {
    scene.command(NO_PAPER).await?.is_problem(Code::CborTruncated, "framing")
}

async fn concise(scene: &Scene) -> Done {
    let request = Request::post("/v1/commands", PAPER, NO_PAPER).with("Accept", CONCISE);
    scene.target.send(&request).await?.is_concise_problem(Code::CborTruncated, "framing")
}

/// Another code than the other checks of problems, of another stage and status.
async fn registry(scene: &Scene) -> Done {
    let answer = scene.get("/v1/account").await?;
    answer.decides_nothing(Code::ProofRequired)?;
    let problem = answer.problem()?;
    let code = Code::ProofRequired;
    let said = |name: &str| problem.get(name).cloned().unwrap_or_default();
    let is_so = said("code") == code.number()
        && said("retry") == code.retry().name()
        && said("resolver") == code.resolver().name()
        && said("stage") == "http";
    ensure(is_so, || format!("the registry says otherwise of proof-required: {problem}"))
}

impl Scene {
    /// The name in a chain that leads to the roots.
    fn validate(&self, chain: &[&[u8]], leaf: &[u8]) -> Result<String, String> {
        let party = validate(chain, &certificate_id(leaf), Role::Issuer, &self.trust, now().get());
        party.map(|party| party.id.to_string()).map_err(|fault| fault.to_string())
    }
}
