//! Items as text, the labels of maps with their names.

use std::fmt::Write as _;

use crate::code::Code;
use crate::fault::Fault;
use crate::label;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::paper::confirmation::Modality;
use crate::paper::mandate::Mode;
use crate::paper::offer::{CaptureMode, Line, OfferKind};
use crate::paper::rules::{self, Channel};
use crate::receipt::Outcome;
use crate::sign::Frame;
use crate::time::UnixSeconds;
use crate::wire::{Major, Reader, check};

/// Longest line of a list or a map that stands on one line.
const LINE_MAX: usize = 100;
/// How many papers are shown inside each other.
const ENCLOSED_MAX: usize = 3;

/// The notation of a paper, a receipt, or any other item. The error is the first fault of framing or encoding.
pub fn show(bytes: &[u8]) -> Result<String, Fault> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Fault::new(Code::MessageTooLarge).at(MESSAGE_BYTES_MAX)); // [ENC-1]
    }
    let mut text = match super::Form::of(bytes) {
        super::Form::Paper => paper(bytes, 0, ENCLOSED_MAX)?,
        super::Form::Receipt => receipt(bytes)?,
        super::Form::Item => {
            check(bytes)?;
            At { names: Names::Body, indent: 0, enclosed: ENCLOSED_MAX }.item(&mut Reader::new(bytes))?
        }
    };
    text.push('\n');
    Ok(text)
}

fn paper(bytes: &[u8], indent: usize, enclosed: usize) -> Result<String, Fault> {
    let frame = Frame::read(bytes)?;
    let inside = indent + 2;
    let header = At { names: Names::Header, indent: inside, enclosed };
    let fields = At { names: Names::Fields, ..header };
    let protected = match frame.protected {
        [] => "h''".to_owned(),
        map => format!("<< {} >>", header.item(&mut Reader::new(map))?),
    };
    let lines = [
        format!("/ protected / {protected}"),
        format!("/ unprotected / {}", header.item(&mut Reader::new(frame.unprotected))?),
        format!("/ payload / << {} >>", fields.item(&mut Reader::new(frame.payload))?),
        format!("/ signature / {}", hex(frame.signature)),
    ];
    Ok(format!("18([{}])", wrapped(&lines, indent)))
}

fn receipt(bytes: &[u8]) -> Result<String, Fault> {
    let receipt = crate::receipt::Receipt::from_bytes(bytes)?;
    let path: Vec<String> = receipt.path.iter().map(|hash| hex(hash)).collect();
    let claims_at = super::claims_at(bytes);
    check(&receipt.claims).map_err(|fault| fault.shifted(claims_at))?;
    let fields = At { names: Names::Fields, indent: 2, enclosed: 0 };
    let root = paper(&receipt.root, 2, 0).map_err(|fault| fault.shifted(bytes.len() - receipt.root.len()))?;
    let lines = [
        format!("/ claims / << {} >>", fields.item(&mut Reader::new(&receipt.claims))?),
        format!("/ index / {}", receipt.index),
        format!("/ path / [{}]", wrapped(&path, 2)),
        format!("/ root / << {root} >>"),
    ];
    Ok(format!("[{}]", wrapped(&lines, 0)))
}

/// What the labels of a map mean, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Header,
    Fields,
    Rules,
    Item,
    Holder,
    Key,
    Body,
    None,
}

impl Names {
    fn of(self, label: i64) -> Option<&'static str> {
        let among = |all: &[label::Label]| all.iter().find(|known| known.number == label).map(|known| known.name);
        match self {
            Self::Fields => among(label::ALL),
            Self::Rules => among(rules::ALL),
            Self::Header => {
                named(label, &[(1, "alg"), (2, "crit"), (4, "kid"), (16, "typ"), (33, "x5chain"), (34, "x5t")])
            }
            Self::Item => {
                named(label, &[(1, "id"), (2, "name"), (3, "category"), (4, "quantity"), (5, "price"), (6, "line")])
            }
            Self::Holder => named(label, &[(1, "key"), (-1, "merchant")]),
            Self::Key => named(label, &[(1, "kty"), (-1, "crv"), (-2, "x"), (-3, "y")]),
            Self::Body | Self::None => None,
        }
    }

    /// The names inside the value of a label.
    fn inside(self, label: i64) -> Self {
        let is = |known: label::Label| known.number == label;
        match self {
            Self::Fields if is(label::CAPS) || is(label::GRANTS) => Self::Rules,
            Self::Fields if is(label::ITEMS) => Self::Item,
            Self::Fields if is(label::CNF) => Self::Holder,
            Self::Holder if label == 1 => Self::Key,
            Self::Body => Self::Body,
            _ => Self::None,
        }
    }

    /// What a number stands for, where the label says that it stands for something.
    fn meaning(self, label: i64, number: u64) -> Option<String> {
        let is = |known: label::Label| known.number == label;
        let text = |name: &str| Some(name.to_owned());
        match self {
            Self::Fields => match () {
                () if [label::EXP, label::NBF, label::IAT, label::HOLD_UNTIL, label::ANSWER_BY].into_iter().any(is) => {
                    UnixSeconds::new(number).map(|seconds| seconds.to_string())
                }
                () if is(label::OUTCOME) => Outcome::from_number(number).and_then(|outcome| text(outcome.name())),
                () if is(label::CODE) => Code::from_number(number).and_then(|code| text(code.slug())),
                () if is(label::MODE) => Mode::from_number(number).and_then(|mode| text(mode.name())),
                () if is(label::KIND) => OfferKind::from_number(number).and_then(|kind| text(kind.name())),
                () if is(label::CAPTURE) => CaptureMode::from_number(number).and_then(|mode| text(mode.name())),
                () if is(label::HOW) => Modality::from_number(number).and_then(|how| text(how.name())),
                () if is(label::CHANNEL) => Channel::from_number(number).and_then(|channel| text(channel.name())),
                () => None,
            },
            Self::Item if label == 6 => Line::from_number(number).and_then(|line| text(line.name())),
            _ => None,
        }
    }
}

/// A place in the notation.
#[derive(Clone, Copy)]
struct At {
    names: Names,
    indent: usize,
    enclosed: usize,
}

impl At {
    fn item(self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        match reader.peek() {
            Some(Major::Text) => reader.text().map(quoted),
            Some(Major::Bytes) => reader.bytes().map(hex),
            Some(Major::Simple) => reader.boolean().map(|value| value.to_string()),
            Some(Major::List) => self.list(reader),
            Some(Major::Map) => self.map(reader),
            _ => integer(reader),
        }
    }

    fn list(self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        let inside = Self { indent: self.indent + 2, ..self };
        let items = (0..reader.list()?).map(|_| match self.names {
            Names::Body => inside.bytes_of_paper(reader),
            _ => inside.item(reader),
        });
        Ok(format!("[{}]", wrapped(&items.collect::<Result<Vec<_>, _>>()?, self.indent)))
    }

    fn map(self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        let pairs = (0..reader.map()?).map(|_| self.pair(reader)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("{{{}}}", wrapped(&pairs, self.indent)))
    }

    fn pair(self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        let label = reader.clone().integer().ok();
        let shown = self.item(reader)?;
        let Some(label) = label else {
            let value = Self { names: Names::None, indent: self.indent + 2, ..self }.item(reader)?;
            return Ok(format!("{shown}: {value}"));
        };
        let key = self.names.of(label).map_or(shown.clone(), |name| format!("/ {name} / {shown}"));
        let inside = Self { names: self.names.inside(label), indent: self.indent + 2, ..self };
        let encloses =
            self.names == Names::Fields && [label::ENCLOSED, label::OFFERED].iter().any(|l| l.number == label);
        let value = if encloses || self.names == Names::Body {
            inside.bytes_of_paper(reader)?
        } else {
            let meaning = reader.clone().unsigned().ok().and_then(|number| self.names.meaning(label, number));
            let value = inside.item(reader)?;
            meaning.map_or(value.clone(), |meaning| format!("{value} / {meaning} /"))
        };
        Ok(format!("{key}: {value}"))
    }

    /// A byte string that should be a paper; one that is none stays bytes.
    fn bytes_of_paper(self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        let Ok(bytes) = reader.clone().bytes() else { return self.item(reader) };
        reader.skip()?;
        if self.enclosed > 0
            && let Ok(paper) = paper(bytes, self.indent, self.enclosed - 1)
        {
            return Ok(format!("<< {paper} >>"));
        }
        Ok(hex(bytes))
    }
}

/// Any integer of CBOR, of which half do not fit the labels' type.
fn integer(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let is_negative = reader.peek() == Some(Major::Negative);
    let bytes = reader.skip()?;
    let argument = match bytes {
        [head] => u64::from(head & 0x1f),
        [_, rest @ ..] => rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        [] => 0,
    };
    Ok(if is_negative { (-1 - i128::from(argument)).to_string() } else { argument.to_string() })
}

/// Parts on one line where they fit, else one a line.
fn wrapped(parts: &[String], indent: usize) -> String {
    let line = parts.join(", ");
    if line.len() + indent <= LINE_MAX && !line.contains('\n') {
        return line;
    }
    let inner = " ".repeat(indent + 2);
    format!("\n{inner}{}\n{}", parts.join(&format!(",\n{inner}")), " ".repeat(indent))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("h'");
    bytes.iter().for_each(|byte| {
        let _ = write!(text, "{byte:02x}");
    });
    text.push('\'');
    text
}

/// The reader has refused control characters, so that only two letters need care.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn named(label: i64, names: &[(i64, &'static str)]) -> Option<&'static str> {
    names.iter().find(|(number, _)| *number == label).map(|(_, name)| *name)
}
