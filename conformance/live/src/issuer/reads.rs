//! Who is told what, and that it is the same wherever one asks.

use purser_protocol::bind::http::RECEIPT;
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use super::{MERCHANT, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, ensure};
use crate::line::Answer;
use crate::papers::id;
use crate::random::random;

const EVERYWHERE: &str = "live/issuer/read/everywhere";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/read/everywhere", "A receipt is the same bytes wherever one asks for it", ["RCT-7", "RCT-2"], High, Must::Accept, [SANDBOX, MERCHANT] => everywhere;
    "live/issuer/read/salts", "No two receipts, and no receipt and its detail, have one salt", ["RCT-6"], High, Must::Accept, [SANDBOX, MERCHANT] => salts;
    "live/issuer/read/detail", "The payer's side is told why, by proof; a merchant and a stranger are not", ["HTB-8", "RCT-14", "RCT-8"], Critical, Must::Accept, [SANDBOX, MERCHANT] => detail;
    "live/issuer/read/no-store", "No answer to a payment, and no receipt, may be stored on the way", ["HTB-9"], High, Must::Accept, [SANDBOX, MERCHANT] => no_store;
    "live/issuer/read/intent-unknown", "An intent that nobody has sent", ["HTB-28"], Medium, Must::Refuse(Code::NotFound, EVERYWHERE), [] => intent_unknown;
    "live/issuer/read/receipt-unknown", "A receipt that there is not", ["HTB-28"], Medium, Must::Refuse(Code::NotFound, EVERYWHERE), [] => receipt_unknown;
    "live/issuer/read/status-unknown", "The status of a mandate that there is not", ["HTB-28"], Medium, Must::Refuse(Code::NotFound, "live/issuer/mandate/status"), [] => status_unknown;
    "live/issuer/read/no-id", "An id that is none", ["HTB-28"], Low, Must::Refuse(Code::NotFound, EVERYWHERE), [] => no_id;
};

async fn everywhere(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 100)?;
    let posted = scene.pay(&offer, &intent).await?;
    let receipt = posted.is(&scene.belief(), Outcome::Settled)?;
    let path = format!("/v1/intents/{}", id(&intent)?);
    for again in [scene.pay(&offer, &intent).await?, scene.get(&path).await?, scene.read(&party.agent, &path).await?] {
        ensure(again.says_as(&posted), || format!("{}: {}, and other bytes", again.asked, again.in_words()))?;
    }
    let kept = scene.get(&format!("/v1/receipts/{}", receipt.id)).await?;
    ensure(kept.status == 200 && kept.media() == RECEIPT, || format!("{}: {}", kept.asked, kept.in_words()))?;
    ensure(kept.body == posted.answer_body()?.receipt, || format!("{}: other bytes", kept.asked))
}

async fn salts(scene: &Scene) -> Done {
    let party = scene.party(1_000, 100).await?;
    let paid = party.pay(scene, 100).await?.is(&scene.belief(), Outcome::Settled)?;
    let refused = party.pay(scene, 1).await?;
    let receipt = refused.refuses(&scene.belief(), Code::RuleTotal)?;
    let detail = refused.detail()?.map(|detail| detail.salt);
    let differ = paid.claims.salt != receipt.claims.salt && detail != Some(receipt.claims.salt);
    ensure(differ, || "one salt is used twice".to_owned())
}

async fn detail(scene: &Scene) -> Done {
    let party = scene.party(1_000, 50).await?;
    let (offer, intent) = party.order(scene, 100)?;
    let posted = scene.pay(&offer, &intent).await?;
    let receipt = posted.refuses(&scene.belief(), Code::RuleTotal)?;
    let path = format!("/v1/intents/{}", id(&intent)?);
    let stranger = scene.person(0).await?;
    for public in [scene.get(&path).await?, scene.read(&stranger.key, &path).await?] {
        // A stranger may be refused as well; told why nobody may be.
        if public.is_signed() {
            let said = public.receipt(&scene.belief())?;
            ensure(said.claims == receipt.claims, || format!("{}: other claims", public.asked))?;
            ensure(public.detail()?.is_none(), || "a detail is told to one who is not of the payer's side".to_owned())?;
        }
    }
    ensure(scene.get(&path).await?.is_signed(), || "who knows the intent's id is told nothing".to_owned())?;
    for key in [&party.agent, &party.person.key] {
        let told = scene.read(key, &path).await?;
        ensure(told.body == posted.body, || format!("the payer's side is told {}", told.in_words()))?;
    }
    Ok(())
}

async fn no_store(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 100)?;
    let paid = scene.pay(&offer, &intent).await?;
    let receipt = paid.is(&scene.belief(), Outcome::Settled)?;
    let asked = scene.get(&format!("/v1/intents/{}", id(&intent)?)).await?;
    let kept = scene.get(&format!("/v1/receipts/{}", receipt.id)).await?;
    let refused = party.pay(scene, 10_000).await?;
    for answer in [paid, asked, kept, refused] {
        not_stored(&answer)?;
    }
    Ok(())
}

/// What may be kept by nobody on the way. [HTB-9]
pub(super) fn not_stored(answer: &Answer) -> Done {
    let said = answer.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    let has = |word: &str| said.split(',').any(|part| part.trim() == word);
    ensure(has("private") && has("no-store"), || format!("{}: Cache-Control is {said:?}", answer.asked))
}

fn nothing() -> Result<String, crate::failure::Failure> {
    Ok(purser_protocol::id::PaperId(random()?).to_string())
}

async fn intent_unknown(scene: &Scene) -> Done {
    let path = format!("/v1/intents/{}", nothing()?);
    scene.get(&path).await?.decides_nothing(Code::NotFound)?;
    // There is nothing to wait for.
    scene.get(&format!("{path}?wait=20")).await?.decides_nothing(Code::NotFound)
}

async fn receipt_unknown(scene: &Scene) -> Done {
    scene.get(&format!("/v1/receipts/{}", nothing()?)).await?.decides_nothing(Code::NotFound)
}

async fn status_unknown(scene: &Scene) -> Done {
    scene.get(&format!("/v1/mandates/{}/status", nothing()?)).await?.decides_nothing(Code::NotFound)
}

async fn no_id(scene: &Scene) -> Done {
    for path in ["/v1/intents/0", "/v1/receipts/zz", "/v1/intents/%ff"] {
        scene.get(path).await?.decides_nothing(Code::NotFound)?;
    }
    Ok(())
}
