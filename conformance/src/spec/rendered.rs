//! The texts that chapters print, against the rendering of the examples: `~~~text mandate zh screen`.

use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::render::{self, Language, Medium};
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::wire::Reader;

use super::chapter::{Kind, blocks};
use super::{Finding, Tree, examples};

const OPENS: &str = "~~~text ";

/// Texts that are not those of their examples.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, chapter) in tree.chapters() {
        for block in blocks(chapter) {
            let Kind::Fenced(opening) = block.kind else { continue };
            let Some(what) = opening.strip_prefix(OPENS) else { continue };
            let remedy = "write it as the clauses have it: ~~~text EXAMPLE LANGUAGE MEDIUM";
            match text(tree, what) {
                None => {
                    findings.push(Finding::new(path, block.line, format!("{what:?} has no rendering"), remedy));
                }
                Some(text) => {
                    let lines = block.text.lines().zip(text.lines());
                    let same = lines.take_while(|(is, should)| is == should).count();
                    if block.text != text {
                        let what = format!("the text is not that of {what} from here on");
                        findings.push(Finding::new(path, block.line + same, what, remedy));
                    }
                }
            }
        }
    }
    findings
}

/// The text of an example, named with its language and medium.
fn text(tree: &Tree, what: &str) -> Option<String> {
    let mut words = what.split(' ');
    let (name, language, medium) = (words.next()?, words.next()?, words.next()?);
    let (language, medium) = (Language::from_tag(language)?, Medium::from_name(medium)?);
    let rendering = match name {
        "offer" => render::offer(&read::<Offer>(tree, name)?, language, medium),
        "confirmation" => {
            let (intent, offer) = (read::<Intent>(tree, "intent")?, read::<Offer>(tree, "offer")?);
            render::confirmation(&read::<Confirmation>(tree, name)?, &intent, &offer, language, medium)
        }
        _ => render::mandate(&read::<Mandate>(tree, name)?, language, medium),
    };
    Some(rendering.to_text())
}

/// What an example says, whoever signed it.
fn read<T: Paper>(tree: &Tree, name: &str) -> Option<T> {
    let (_, bytes) = examples::bytes(tree).find(|(known, _)| *known == name)?;
    T::decode(&mut Reader::new(Frame::read(&bytes).ok()?.payload)).ok()
}
