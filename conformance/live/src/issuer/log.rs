//! The log of batches, as whoever follows it asks for it.

use purser_protocol::bind::http::{CHECKPOINT, INCLUSION, PAPER};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault as Refusal;
use purser_protocol::field::Bytes;
use purser_protocol::flow::Register;
use purser_protocol::flow::log::{Followed, SignedRoot, follow, open_root, read_proof, verify_logged};
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::receipt::log::{Checkpoint, LoggedReceipt};
use purser_protocol::sign::backend::AwsLc;

use super::Scene;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::Answer;
use crate::papers::{Key, Person};

const FOLLOWED: &str = "live/issuer/log/followed";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/log/followed", "A log that has grown, with the proof that it is the same log", ["HTB-40", "RCT-21", "RCT-9"], High, Must::Accept, [] => followed;
    "live/issuer/log/earlier", "An earlier root of the log, by its size", ["HTB-40", "RCT-9"], High, Must::Accept, [] => earlier;
    "live/issuer/log/receipt", "A receipt, proved to be in the log of a later root", ["HTB-41", "RCT-22", "RCT-26"], High, Must::Accept, [] => receipt;
    "live/issuer/log/certificates", "Roots of the log come with their certificates", ["HTB-40", "HTB-41", "SIG-17"], Medium, Must::Accept, [] => certificates;
    "live/issuer/log/no-size", "Sizes that the log has not had, and batches that are not in it", ["HTB-42"], Medium, Must::Refuse(Code::NotFound, FOLLOWED), [] => no_size;
};

/// A root that came, and the hashes beside it.
struct Shown {
    root: SignedRoot,
    consistency: Vec<[u8; 32]>,
}

impl Scene {
    /// Has a batch closed: a key opens an account. The receipt, and its bytes.
    async fn batch(&self) -> Result<(VerifiedReceipt, Vec<u8>), Failure> {
        let key = Key::new()?;
        let answer = self.post("/v1/accounts", PAPER, &Person::enrolment(&self.terms, &key)?).await?;
        let receipt = answer.receipt(&self.belief()).map_err(|failure| failure.before("to open an account"))?;
        let bytes = answer.answer_body()?.receipt.to_vec();
        Ok((receipt, bytes))
    }

    async fn checkpoint(&self, query: &str) -> Result<Shown, Failure> {
        let answer = self.get(&format!("/v1/log{query}")).await?;
        came(&answer, CHECKPOINT)?;
        let checkpoint = read_proof::<Checkpoint>(&answer.body).map_err(|fault| wrong(&answer, &fault))?;
        let root = self.root(&checkpoint.root.0, &answer, self.register())?;
        Ok(Shown { root, consistency: checkpoint.consistency.0 })
    }

    fn root(&self, bytes: &[u8], answer: &Answer, register: &Register) -> Result<SignedRoot, Failure> {
        let root = open_root(bytes, self.terms.context(), &AwsLc, register).map_err(|fault| wrong(answer, &fault))?;
        let is_targets = root.issuer == self.terms.issuer;
        ensure(is_targets, || format!("{}: a root of {}", answer.asked, root.issuer.as_str()))?;
        Ok(root)
    }
}

fn came(answer: &Answer, media: &str) -> Done {
    ensure(answer.status == 200 && answer.media() == media, || {
        format!("{}: 200 and {media} must come; it was {} and {}", answer.asked, answer.status, answer.media())
    })
}

fn wrong(answer: &Answer, fault: &Refusal) -> Failure {
    answer.fails(Fault::WrongAnswer, format!("{}: {fault}", answer.asked))
}

fn not_so(what: String) -> Failure {
    Failure::new(Fault::WrongAnswer, what)
}

async fn followed(scene: &Scene) -> Done {
    // A log in which nothing stands yet has no root.
    scene.batch().await?;
    let first = scene.checkpoint("").await?;
    ensure(first.consistency.is_empty(), || "the latest root alone comes with a proof".to_owned())?;
    let mut kept = first.root.root;
    for _ in 0..3 {
        scene.batch().await?;
        let shown = scene.checkpoint(&format!("?from={}", kept.log_size)).await?;
        let taken = follow(&kept, &shown.root.root, &shown.consistency);
        let taken = taken.map_err(|fault| not_so(format!("the log does not follow: {fault}")))?;
        ensure(taken == Followed::Later, || "a decision was recorded, and the log has not grown".to_owned())?;
        kept = shown.root.root;
    }
    Ok(())
}

async fn earlier(scene: &Scene) -> Done {
    let (one, _) = scene.batch().await?;
    let (two, _) = scene.batch().await?;
    let (one, two) = (one.root, two.root);
    ensure(one.log_size < two.log_size, || "a later decision stands in an earlier batch".to_owned())?;
    for root in [&one, &two] {
        let shown = scene.checkpoint(&format!("?size={}", root.log_size)).await?;
        ensure(shown.root.root == *root, || format!("the root of size {} is not the receipt's", root.log_size))?;
        ensure(shown.consistency.is_empty(), || "a root alone comes with a proof".to_owned())?;
    }
    let between = scene.checkpoint(&format!("?from={}&size={}", one.log_size, two.log_size)).await?;
    let taken = follow(&one, &between.root.root, &between.consistency);
    let taken = taken.map_err(|fault| not_so(format!("the log does not follow: {fault}")))?;
    ensure(taken == Followed::Later && between.root.root == two, || {
        "the root is not of the size asked for".to_owned()
    })?;
    let same = scene.checkpoint(&format!("?from={0}&size={0}", two.log_size)).await?;
    ensure(same.consistency.is_empty(), || "a log needs no proof that it is its own beginning".to_owned())
}

async fn receipt(scene: &Scene) -> Done {
    let (receipt, bytes) = scene.batch().await?;
    let (later, _) = scene.batch().await?;
    let batch = receipt.root.batch;
    for query in [String::new(), format!("?size={}", receipt.root.log_size), format!("?size={}", later.root.log_size)] {
        let answer = scene.get(&format!("/v1/log/{batch}{query}")).await?;
        came(&answer, INCLUSION)?;
        let proof = read_proof(&answer.body).map_err(|fault| wrong(&answer, &fault))?;
        let logged = LoggedReceipt { receipt: Bytes(bytes.clone()), proof };
        let proved = verify_logged(&logged, scene.terms.context(), &AwsLc, scene.register());
        let proved = proved.map_err(|fault| wrong(&answer, &fault))?;
        let size = proved.root.root.log_size;
        let fits = if query.is_empty() { size >= later.root.log_size } else { query.ends_with(&format!("={size}")) };
        ensure(fits, || format!("{}: a root of size {size}", answer.asked))?;
    }
    Ok(())
}

async fn certificates(scene: &Scene) -> Done {
    let (receipt, _) = scene.batch().await?;
    // Whoever has the trust anchors alone can read them.
    let stranger = Register::new(scene.trust.clone());
    let answer = scene.get("/v1/log").await?;
    let checkpoint = read_proof::<Checkpoint>(&answer.body).map_err(|fault| wrong(&answer, &fault))?;
    scene.root(&checkpoint.root.0, &answer, &stranger)?;
    let answer = scene.get(&format!("/v1/log/{}", receipt.root.batch)).await?;
    let proof = read_proof::<purser_protocol::receipt::log::Inclusion>(&answer.body);
    let proof = proof.map_err(|fault| wrong(&answer, &fault))?;
    scene.root(&proof.root.0, &answer, &stranger).map(drop)
}

async fn no_size(scene: &Scene) -> Done {
    let (receipt, _) = scene.batch().await?;
    let (size, batch) = (receipt.root.log_size, receipt.root.batch);
    // No log of a test grows by as much meanwhile.
    let far = size + (1 << 32);
    for path in [
        "/v1/log?size=0".to_owned(),
        "/v1/log?from=0".to_owned(),
        format!("/v1/log?size={far}"),
        format!("/v1/log?from={far}"),
        format!("/v1/log?from={}&size={size}", size + 1),
        format!("/v1/log/{far}"),
        format!("/v1/log/{batch}?size={batch}"),
        format!("/v1/log/{batch}?size=0"),
    ] {
        scene.get(&path).await?.decides_nothing(Code::NotFound)?;
    }
    Ok(())
}
