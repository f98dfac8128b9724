//! What a person is shown.

use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::render::{self, Language, Medium};
use purser_protocol::sign::Paper;
use purser_protocol::wire::{Reader, check};
use serde_json::{Value, json};

use super::call::{Input, No, Outcome, broken};

/// The text of a payload.
pub(super) fn render(input: Input<'_>) -> Outcome {
    let language = Language::from_tag(input.text("language")?).ok_or(No::Unsupported)?;
    let medium = Medium::from_name(input.text("medium")?).ok_or(No::Unsupported)?;
    let mut phrase = None;
    let rendering = match input.text("kind")? {
        "mandate" => render::mandate(&read::<Mandate>(input, "payload")?, language, medium),
        "offer" => render::offer(&read::<Offer>(input, "payload")?, language, medium),
        "confirmation" => {
            let confirmation = read::<Confirmation>(input, "payload")?;
            let (intent, offer) = (read::<Intent>(input, "intent")?, read::<Offer>(input, "offer")?);
            phrase = (medium == Medium::Voice).then(|| render::phrase(&confirmation.intent, &intent, language));
            render::confirmation(&confirmation, &intent, &offer, language, medium)
        }
        other => return Err(broken(format!("there is no rendering of {other}"))),
    };
    let line = |line: &render::Line| json!({ "key": line.key, "level": line.level, "text": line.text });
    let shown = rendering.shown();
    let mut value = json!({
        "lines": rendering.lines.iter().map(line).collect::<Vec<_>>(),
        "text": rendering.to_text(),
        "shown": { "language": shown.language.as_str(), "rendering": shown.rendering.to_string() },
    });
    if let Some(phrase) = phrase {
        value["phrase"] = Value::from(phrase);
    }
    Ok(value)
}

fn read<T: Paper>(input: Input<'_>, name: &str) -> Result<T, No> {
    let payload = input.bytes(name)?;
    check(&payload)?;
    Ok(T::decode(&mut Reader::new(&payload))?)
}
