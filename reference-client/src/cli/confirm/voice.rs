//! A yes that is said (chapter 25): the text is read out, then somebody is listened to, and what was heard is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;
use purser_client::home::{Home, write_durably};
use purser_client::{Error, Result};
use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::flow::voice::{By, Hearing, Past, agreed};
use purser_protocol::id::{Digest, LongText, PaperId, ShortText};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Longest recording that is listened to.
const RECORDING_MAX: usize = 8 << 20;
/// What is quieter than this, of 32,768, is silence.
const SILENCE: u16 = 256;
const HEADER: usize = 44;

/// How a person is spoken with.
#[derive(Args)]
pub(in crate::cli) struct Voice {
    /// By voice: what the person was heard to say, as somebody typed it
    #[arg(long, value_name = "TEXT", conflicts_with = "listen")]
    heard: Option<String>,
    /// By voice: a program that reads out what it gets on its input, such as "espeak-ng --stdin"
    #[arg(long, value_name = "PROGRAM")]
    speak: Option<String>,
    /// By voice: a program that records the answer, and gives it as WAV on its output, such as "arecord -d 12 -f S16_LE -r 16000"
    #[arg(long, value_name = "PROGRAM", requires = "recognise")]
    listen: Option<String>,
    /// By voice: a program that says what it understood of the WAV file that it is named
    #[arg(long, value_name = "PROGRAM", requires = "listen")]
    recognise: Option<String>,
}

/// The answers that were heard here, as digests: each phrase with the payment that it was a yes to, each recording.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Heard {
    phrases: BTreeMap<String, String>,
    recordings: BTreeSet<String>,
}

/// What was heard before this payment asked.
struct Before<'h> {
    heard: &'h Heard,
    payment: &'h PaperId,
}

impl Past for Before<'_> {
    fn has_taken(&self, phrase: &str) -> bool {
        let taken = self.heard.phrases.get(&digest(phrase.as_bytes()).to_string());
        taken.is_some_and(|payment| *payment != self.payment.to_string())
    }

    fn has_heard(&self, recording: &Digest) -> bool {
        self.heard.recordings.contains(&recording.to_string())
    }
}

/// An answer that is a yes.
pub(super) struct Yes {
    /// What goes into the confirmation.
    pub(super) evidence: Digest,
    /// Whether a hand typed what was heard.
    pub(super) is_typed: bool,
    hearing: Hearing,
    recording_bytes: Option<usize>,
}

impl Voice {
    /// Whether anything of it was given.
    pub(super) fn is_given(&self) -> bool {
        self.heard.is_some() || self.listen.is_some()
    }

    /// Reads the text out, listens, and holds what was heard against the phrase. Nothing is signed yet.
    pub(super) fn ask(&self, home: &Home, payment: &PaperId, text: &str, phrase: &str) -> Result<Yes> {
        if let Some(speak) = &self.speak {
            run(speak, &[], text.as_bytes())?; // [VOI-1]
        }
        let heard = Heard::of(home)?;
        let past = Before { heard: &heard, payment };
        let (hearing, recording_bytes) = match (&self.heard, &self.listen, &self.recognise) {
            (Some(typed), ..) => (hearing(By::Hand, typed, None, None)?, None), // [VOI-7]
            (None, Some(listen), Some(recognise)) => {
                let recording = run(listen, &[], &[])?; // [VOI-2]
                let (file, sound) = (digest(&recording), digest(sound(&recording)?));
                let path = keep(home, &format!("{file}.wav"), &recording)?;
                // Whatever comes of it, it was heard.
                let mut now = heard.clone();
                now.recordings.extend([file, sound].map(|digest| digest.to_string()));
                now.keep(home)?;
                if past.has_heard(&sound) {
                    return Err(refused(Code::RecordingReplayed, phrase)); // [VOI-3]
                }
                let transcript = run(recognise, &[path.as_str()], &[])?;
                let transcript = String::from_utf8_lossy(&transcript);
                let hearing = hearing(By::Recogniser, transcript.trim(), Some(file), Some(recognise))?;
                (hearing, Some(recording.len()))
            }
            _ => return Err(Error::usage("a yes by voice is listened to: --listen and --recognise, or --heard")),
        };
        let evidence = agreed(phrase, &hearing, &past)
            .map_err(|fault| refused(fault.code, phrase).at(hearing.transcript.as_str()))?;
        Ok(Yes { evidence, is_typed: hearing.by == By::Hand, hearing, recording_bytes })
    }
}

impl Yes {
    /// Remembers the phrase, and keeps what was heard beside the payment. [VOI-6]
    pub(super) fn keep(&self, home: &Home, payment: &PaperId, phrase: &str) -> Result<()> {
        keep(home, &format!("{payment}.hearing"), &encoded(&self.hearing))?;
        let mut heard = Heard::of(home)?;
        heard.phrases.insert(digest(phrase.as_bytes()).to_string(), payment.to_string());
        heard.keep(home)
    }

    /// What a program is told of it.
    pub(super) fn json(&self) -> serde_json::Value {
        json!({
            "by": self.hearing.by.name(),
            "transcript": self.hearing.transcript.as_str(),
            "recording_bytes": self.recording_bytes,
            "evidence": self.evidence.to_string(),
        })
    }
}

impl Heard {
    fn of(home: &Home) -> Result<Self> {
        let path = home.path("voice/heard.json");
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| Error::failed("what was heard before cannot be read").at(path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(&path, &error)),
        }
    }

    fn keep(&self, home: &Home) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(|error| Error::failed(error.to_string()))?;
        keep(home, "heard.json", &bytes).map(drop)
    }
}

fn keep(home: &Home, name: &str, bytes: &[u8]) -> Result<String> {
    let folder = home.path("voice");
    std::fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, &error))?;
    let path = folder.join(name);
    write_durably(&path, bytes, 0o600)?;
    Ok(path.display().to_string())
}

fn hearing(by: By, transcript: &str, recording: Option<Digest>, recogniser: Option<&str>) -> Result<Hearing> {
    let transcript = LongText::new(transcript);
    let transcript = transcript.ok_or_else(|| {
        Error::failed("nothing was understood, or far too much; nothing is signed").coded(Some(Code::PhraseMismatch))
    })?;
    let name = recogniser.and_then(|words| words.split_whitespace().next()).map(Path::new);
    let name = name.and_then(|path| path.file_name()?.to_str()).and_then(ShortText::new);
    Ok(Hearing { by, transcript, recording, recogniser: name })
}

fn refused(code: Code, phrase: &str) -> Error {
    let what = match code {
        Code::RecordingReplayed => "this recording was heard before",
        Code::PhraseUsed => "this phrase was said before, and a recording of it would do",
        _ => "what was heard is not the phrase that was asked for",
    };
    Error::failed(format!("{what}; nothing is signed")).coded(Some(code)).fix(match code {
        Code::PhraseUsed => "say yes on a screen: purser confirm approve".to_owned(),
        _ => format!("say: {phrase}"),
    })
}

/// The samples of a WAV file of 16 bits without the silence around them: the same sound with another beginning is the
/// same recording.
fn sound(recording: &[u8]) -> Result<&[u8]> {
    let is_wav = recording.len() > HEADER && recording.starts_with(b"RIFF") && recording.get(8..12) == Some(b"WAVE");
    if !is_wav || recording.len() > RECORDING_MAX {
        let error = Error::failed("the recording is no WAV file, or longer than 8 MiB");
        return Err(error.coded(Some(Code::PhraseMismatch)));
    }
    let samples = &recording[HEADER..];
    let is_loud = |sample: &[u8]| match sample {
        [low, high] => i16::from_le_bytes([*low, *high]).unsigned_abs() > SILENCE,
        _ => false,
    };
    let first = samples.chunks(2).position(is_loud).unwrap_or(0);
    let last = samples.chunks(2).rposition(is_loud).map_or(samples.len(), |last| (last + 1) * 2);
    Ok(samples.get(first * 2..last).unwrap_or(samples))
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Runs a program with words; what it says. No shell is asked what the words mean.
fn run(program: &str, more: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let failed = |what: String| Error::failed(what).at(program);
    let mut words = program.split_whitespace();
    let name = words.next().ok_or_else(|| Error::usage("no program is named"))?;
    let mut child = Command::new(name)
        .args(words)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not listen is not told.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(format!("it ended with {}", output.status))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(samples: &[i16]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..4].copy_from_slice(b"RIFF");
        bytes[8..12].copy_from_slice(b"WAVE");
        bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        bytes
    }

    #[test]
    fn silence_before_and_after_makes_no_other_recording() {
        let plain = wav(&[900, -900, 3, 1_200]);
        let padded = wav(&[0, 1, -2, 900, -900, 3, 1_200, 0, 0]);
        assert_eq!(sound(&plain).unwrap(), sound(&padded).unwrap());
        assert_ne!(sound(&plain).unwrap(), sound(&wav(&[900, -901, 3, 1_200])).unwrap());
        assert!(sound(b"RIFF").is_err() && sound(&[0; 100]).is_err());
        assert_eq!(sound(&wav(&[0, 0])).unwrap().len(), 4);
    }
}
