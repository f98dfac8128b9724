//! Rows 2f and 2g: a yes that is said. There is no microphone here: what was said is typed, and called typed. With
//! machines that speak and listen the same is done by `reference-client/voice/run`.

use purser_client::home::Kept;
use purser_protocol::code::Code;
use purser_protocol::flow::voice::{By, Hearing, Past, agreed};
use purser_protocol::id::{Digest, LongText};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::Offer;
use purser_protocol::render::{self, Language, Medium};
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::wire::Reader;

use super::Play;
use super::pay::{fetch, wanted};
use super::rules::granting;
use crate::Failure;
use crate::stage::Stage;
use crate::table::Row;

/// Nothing was heard before.
struct Nothing;

impl Past for Nothing {
    fn has_taken(&self, _: &str) -> bool {
        false
    }

    fn has_heard(&self, _: &Digest) -> bool {
        false
    }
}

/// The agent asks; the person hears the text and says the phrase, first that of another payment.
pub(super) async fn said(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = granting(play.stage, "ask-above=20.00").await?;
    let mut waiting = None;
    play.row(async |stage: &mut Stage| {
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/report?on=rain", Some(mandate))?).await?;
        waiting = Some(kept);
        Ok(seen)
    })
    .await?;
    let waiting = waiting.ok_or("no payment waits")?;
    play.row(async |stage: &mut Stage| {
        let refused = say(stage, &waiting).await?;
        let (seen, kept) = fetch(stage, &stage.agent, &wanted(stage, "/report?on=rain", Some(mandate))?).await?;
        let seen = seen.must(refused == Some(Code::PhraseMismatch), "the phrase of another payment was taken");
        Ok(seen.must(kept.id == waiting.id, "another payment was made"))
    })
    .await
}

/// Says yes; why the phrase of another payment was none.
async fn say(stage: &Stage, waiting: &Kept) -> Result<Option<Code>, Failure> {
    let issuer = &stage.session.issuer;
    let (intent, offer): (Intent, Offer) = (read(&waiting.intent)?, read(&waiting.offer)?);
    let mut confirmation = Confirmation {
        account: stage.account,
        issuer: issuer.id.clone(),
        issued_at: issuer.clock.now(),
        intent: waiting.id,
        shown: None,
        how: Modality::Voice,
        evidence: None,
        phrase: None,
    };
    let text = render::confirmation(&confirmation, &intent, &offer, Language::English, Medium::Voice); // [VOI-1]
    let phrase = render::phrase(&waiting.id, &intent, Language::English);
    let mut another = waiting.id;
    another.0[3] ^= 1;
    let hear = |said: &str| {
        let transcript = LongText::new(said).ok_or("nothing was said")?;
        let hearing = Hearing { by: By::Hand, transcript, recording: None, recogniser: None }; // [VOI-7]
        Ok::<_, Failure>(agreed(&phrase, &hearing, &Nothing))
    };
    let refused = hear(&render::phrase(&another, &intent, Language::English))?.err().map(|fault| fault.code);
    confirmation.evidence = Some(hear(&phrase)?.map_err(|fault| format!("what was said: {fault}"))?);
    confirmation.phrase = LongText::new(&phrase);
    confirmation.shown = Some(text.shown());
    let paper = issuer.signed(&confirmation, &stage.person)?;
    issuer.settle(paper.bytes, waiting.id).await?;
    Ok(refused)
}

fn read<P: Paper>(paper: &[u8]) -> Result<P, Failure> {
    let frame = Frame::read(paper).map_err(|fault| fault.to_string())?;
    Ok(P::decode(&mut Reader::new(frame.payload)).map_err(|fault| fault.to_string())?)
}
