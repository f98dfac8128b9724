//! Signed reads: who may ask, for what, when.

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PURSER_PROOF;
use purser_protocol::code::Code;
use purser_protocol::id::PartyId;

use super::{SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, ensure};
use crate::line::{Answer, Request};
use crate::papers::{Key, Terms, given, now};

const TWIN: &str = "live/issuer/proof/account";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/proof/account", "A key of an account reads it", ["HTB-32"], High, Must::Accept, [] => account;
    "live/issuer/proof/required", "Nothing signed is read without a proof", ["HTB-31"], Critical, Must::Refuse(Code::ProofRequired, TWIN), [] => required;
    "live/issuer/proof/other-path", "A proof for one path, sent to another", ["HTB-32"], High, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_path;
    "live/issuer/proof/other-query", "A proof for a path, sent with a query", ["HTB-32"], Medium, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_query;
    "live/issuer/proof/other-method", "A proof for another method", ["HTB-32"], Medium, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_method;
    "live/issuer/proof/other-host", "A proof for the same path of another host", ["HTB-32"], High, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_host;
    "live/issuer/proof/other-audience", "A proof for another issuer", ["HTB-32"], High, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_audience;
    "live/issuer/proof/stale", "A proof of two minutes ago", ["HTB-32"], High, Must::Refuse(Code::ProofInvalid, TWIN), [] => stale;
    "live/issuer/proof/future", "A proof of a minute hence", ["HTB-32"], Medium, Must::Refuse(Code::ProofInvalid, TWIN), [] => future;
    "live/issuer/proof/other-key", "A proof by a key of no account", ["HTB-32"], Critical, Must::Refuse(Code::ProofInvalid, TWIN), [] => other_key;
    "live/issuer/proof/not-base64url", "A proof that is not base64url", ["HTB-32"], Low, Must::Refuse(Code::ProofInvalid, TWIN), [] => not_base64url;
    "live/issuer/proof/forged", "A proof whose signature is another's", ["SIG-15"], Critical, Must::Refuse(Code::SignatureInvalid, TWIN), [] => forged;
    "live/issuer/pseudonym/own", "The holder of a mandate is told the account's pseudonym at a merchant", ["PRV-4"], Medium, Must::Accept, [SANDBOX] => pseudonym;
    "live/issuer/pseudonym/other", "Nobody is told of somebody else's mandate", ["HTB-28"], High, Must::Refuse(Code::NotFound, "live/issuer/pseudonym/own"), [SANDBOX] => pseudonym_other;
};

const ACCOUNT: &str = "/v1/account";

impl Scene {
    async fn shown(&self, path: &str, proof: &[u8]) -> Result<Answer, Failure> {
        self.target.send(&Request::get(path).with(PURSER_PROOF, base64url::encode(proof))).await
    }

    /// An account is read with a proof for this target, made so many seconds from now.
    async fn asked_for(&self, path: &str, target: &str, later_seconds: i64) -> Result<Answer, Failure> {
        let person = self.person(0).await?;
        let at = match u64::try_from(later_seconds) {
            Ok(later) => now().saturating_add(later),
            Err(_) => now().saturating_sub(later_seconds.unsigned_abs()),
        };
        self.shown(path, &person.key.proof(&self.terms, target, at)?).await
    }
}

async fn account(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let answer = scene.read(&person.key, ACCOUNT).await?;
    ensure(answer.status == 200 && answer.media() == "application/json", || {
        format!("200 and application/json must come; it was {}", answer.in_words())
    })
}

async fn required(scene: &Scene) -> Done {
    for path in [ACCOUNT, "/v1/mandates", "/v1/pending", "/v1/payments"] {
        scene.get(path).await?.decides_nothing(Code::ProofRequired)?;
    }
    let request = Request::post("/v1/pseudonyms", "application/json", "{}");
    scene.target.send(&request).await?.decides_nothing(Code::ProofRequired)
}

async fn other_path(scene: &Scene) -> Done {
    let target = scene.address("GET", "/v1/payments");
    scene.asked_for(ACCOUNT, &target, 0).await?.decides_nothing(Code::ProofInvalid)
}

async fn other_query(scene: &Scene) -> Done {
    let target = scene.address("GET", ACCOUNT);
    scene.asked_for("/v1/account?all=1", &target, 0).await?.decides_nothing(Code::ProofInvalid)
}

async fn other_method(scene: &Scene) -> Done {
    let target = scene.address("POST", ACCOUNT);
    scene.asked_for(ACCOUNT, &target, 0).await?.decides_nothing(Code::ProofInvalid)
}

async fn other_host(scene: &Scene) -> Done {
    let target = format!("GET https://other.example{ACCOUNT}");
    scene.asked_for(ACCOUNT, &target, 0).await?.decides_nothing(Code::ProofInvalid)
}

async fn other_audience(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let other = Terms { issuer: given(PartyId::new("other-issuer.suite.example"))?, ..scene.terms.clone() };
    let proof = person.key.proof(&other, &scene.address("GET", ACCOUNT), now())?;
    scene.shown(ACCOUNT, &proof).await?.decides_nothing(Code::ProofInvalid)
}

async fn stale(scene: &Scene) -> Done {
    let target = scene.address("GET", ACCOUNT);
    scene.asked_for(ACCOUNT, &target, -120).await?.decides_nothing(Code::ProofInvalid)
}

async fn future(scene: &Scene) -> Done {
    let target = scene.address("GET", ACCOUNT);
    scene.asked_for(ACCOUNT, &target, 60).await?.decides_nothing(Code::ProofInvalid)
}

async fn other_key(scene: &Scene) -> Done {
    scene.read(&Key::new()?, ACCOUNT).await?.decides_nothing(Code::ProofInvalid)
}

async fn not_base64url(scene: &Scene) -> Done {
    let request = Request::get(ACCOUNT).with(PURSER_PROOF, "0+/=");
    scene.target.send(&request).await?.decides_nothing(Code::ProofInvalid)
}

async fn forged(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let mut proof = person.key.proof(&scene.terms, &scene.address("GET", ACCOUNT), now())?;
    if let Some(last) = proof.last_mut() {
        *last ^= 1;
    }
    scene.shown(ACCOUNT, &proof).await?.decides_nothing(Code::SignatureInvalid)
}

const PSEUDONYMS: &str = "/v1/pseudonyms";

async fn asks_who(scene: &Scene, by_holder: bool) -> Result<Answer, Failure> {
    let party = scene.party(0, 1_000).await?;
    let stranger = scene.person(0).await?;
    let key = if by_holder { &party.agent } else { &stranger.key };
    let body = serde_json::json!({ "mandate": party.mandate.to_string(), "merchant": "merchant.suite.example" });
    let proof = key.proof(&scene.terms, &scene.address("POST", PSEUDONYMS), now())?;
    let request = Request::post(PSEUDONYMS, "application/json", body.to_string());
    scene.target.send(&request.with(PURSER_PROOF, base64url::encode(&proof))).await
}

async fn pseudonym(scene: &Scene) -> Done {
    let answer = asks_who(scene, true).await?;
    ensure(answer.status == 200 && answer.media() == "application/cose", || {
        format!("200 and a paper must come; it was {}", answer.in_words())
    })
}

async fn pseudonym_other(scene: &Scene) -> Done {
    asks_who(scene, false).await?.decides_nothing(Code::NotFound)
}
