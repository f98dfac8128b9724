//! The standard rendering: the texts of mandates, offers and confirmations, in each language, for each medium.
//!
//! The lines below were written from chapter 12, as a translator would, and are compared with what programs say.

mod mandates;
mod offers;
mod rules;

use purser_protocol::code::Code;
use purser_protocol::code::Stage;
use purser_test_vectors::{Area, Importance};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cbor::Item;
use super::keys;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused};

pub(super) fn area() -> Area {
    let about = "The standard rendering: what a person is shown or read, line by line.";
    let mut sheet = Sheet::new("rendering", about);
    mandates::cases(&mut sheet);
    rules::cases(&mut sheet);
    offers::cases(&mut sheet);
    sheet.finish()
}

/// A line: its key, its level, and its words on a screen in English and in Chinese, and for a voice in both. What has
/// no words in a medium has no line there. Ids stand as `<name>`.
#[derive(Clone, Copy, Debug)]
struct Row(&'static str, u8, [&'static str; 4]);

/// The ways in the order of a row's words.
const WAYS: [(&str, &str); 4] = [("en", "screen"), ("zh", "screen"), ("en", "voice"), ("zh", "voice")];

/// What is rendered.
#[derive(Clone, Debug)]
struct Subject {
    kind: &'static str,
    payload: Item,
    /// The payloads of intent and offer, of a confirmation.
    beside: Option<(Item, Item)>,
}

impl Subject {
    fn mandate(payload: Item) -> Self {
        Self { kind: "mandate", payload, beside: None }
    }

    fn offer(payload: Item) -> Self {
        Self { kind: "offer", payload, beside: None }
    }

    fn input(&self, (language, medium): (&str, &str)) -> Value {
        let hex = |item: &Item| super::hex(&item.encode());
        let mut input =
            json!({"kind": self.kind, "payload": hex(&self.payload), "language": language, "medium": medium});
        if let Some((intent, offer)) = &self.beside {
            input["intent"] = hex(intent).into();
            input["offer"] = hex(offer).into();
        }
        input
    }
}

/// A case for each way: `id` is followed by the way.
fn each_way(sheet: &mut Sheet, id: &str, title: &str, shows: Shows, clauses: &str, subject: &Subject, rows: &[Row]) {
    for at in 0..WAYS.len() {
        one_way(sheet, (id, title), (shows, clauses), subject, rows, at);
    }
}

/// The case for the way at this place.
fn one_way(
    sheet: &mut Sheet,
    (id, title): (&str, &str),
    (shows, clauses): (Shows, &str),
    subject: &Subject,
    rows: &[Row],
    at: usize,
) {
    let way = WAYS[at];
    let mut text = String::new();
    let mut lines = Vec::new();
    for Row(key, level, words) in rows {
        if words[at].is_empty() {
            continue;
        }
        let words = with_ids(words[at], way.1);
        // [RND-4], as it is written there.
        let indent = if *level == 1 && way.1 == "screen" { "  " } else { "" };
        text += &format!("{indent}{words}\n");
        lines.push(json!({"key": key, "level": level, "text": words}));
    }
    let mut value = json!({
        "lines": lines,
        "shown": {"language": way.0, "rendering": super::hex(&Sha256::digest(&text))},
        "text": text,
    });
    // What is to be said is the end of the last line.
    let said = rows.last().filter(|row| row.0 == "phrase").map(|row| row.2[at]).unwrap_or_default();
    if let Some((_, phrase)) = said.split_once(": ").or_else(|| said.split_once('：')) {
        value["phrase"] = phrase.trim_end_matches(['.', '。']).into();
    }
    let id = format!("{id}/{}-{}", way.0, way.1);
    let case = case("wallet", &id, title, call("paper.render", subject.input(way)), accepted().value(value));
    let case = case.shows(shows).clauses(clauses).needs("rendering").weighs(Importance::Critical);
    sheet.add(case.diagnosed(&subject.payload.encode()));
}

/// A payload that is not rendered, beside one that is.
fn unread(sheet: &mut Sheet, id: &str, title: &str, expected: (Code, Stage), payload: Item, twin: &str) {
    let subject = Subject::mandate(payload);
    let call = call("paper.render", subject.input(WAYS[0]));
    let case = case("wallet", id, title, call, refused(expected.0, expected.1));
    sheet.add(case.needs("rendering").clauses("RND-22").weighs(Importance::Critical).twin(twin));
}

/// Words with the ids in their places: all of them on a screen, sixteen figures for a voice.
fn with_ids(words: &str, medium: &str) -> String {
    let mut text = String::new();
    let mut rest = words;
    while let Some((before, (name, after))) =
        rest.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?)))
    {
        let figures = super::hex(&id(name));
        let spaced = || figures.chars().take(16).map(String::from).collect::<Vec<_>>().join(" ");
        text += before;
        text += &if medium == "screen" { figures } else { spaced() };
        rest = after;
    }
    (text + rest).replace(LESS_THAN, "<")
}

/// Stands for an angle bracket that begins no name.
const LESS_THAN: char = '\u{1}';

/// Words that are put together; the tables hold them for the whole run.
fn leaked(words: &str) -> &'static str {
    Box::leak(words.to_owned().into_boxed_str())
}

/// An id by its name in the words.
fn id(name: &str) -> Vec<u8> {
    match name {
        "agent" => keys::thumbprint("agent").to_vec(),
        "account" => keys::sixteen("account ann").to_vec(),
        "lineage" | "pseudonym" | "nonce" => keys::sixteen(if name == "nonce" { "offer" } else { name }).to_vec(),
        // A set has its entries in order, whatever is drawn.
        "low" => vec![0x11; 32],
        "high" => vec![0xee; 32],
        other => keys::thirty_two(other).to_vec(),
    }
}
