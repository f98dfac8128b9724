//! A yes that is said (chapter 25): whether what was heard is the phrase that was asked for, and evidence of it.

use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::{encoded, mapped, numbered};
use crate::id::{Digest, LongText, ShortText};
use crate::label::Label;

numbered! {
    /// How a transcript was made. [VOI-7]
    pub enum By {
        /// By a recogniser, from a recording.
        Recogniser = 1, "recogniser";
        /// By a hand that typed.
        Hand = 2, "hand";
    }
}

const BY: Label = Label { number: 1, name: "by" };
const TRANSCRIPT: Label = Label { number: 2, name: "transcript" };
const RECORDING: Label = Label { number: 3, name: "recording" };
const RECOGNISER: Label = Label { number: 4, name: "recogniser" };

mapped! {
    /// What was heard. `spec/cddl/voice.cddl`
    pub struct Hearing {
        /// How the transcript was made.
        required by: By = BY,
        /// What was said, as it was understood.
        required transcript: LongText = TRANSCRIPT,
        /// The recording.
        optional recording: Digest = RECORDING,
        /// What understood it.
        optional recogniser: ShortText = RECOGNISER,
    }
}

/// What a wallet remembers of the answers that it heard.
pub trait Past {
    /// Whether a confirmation was signed for this phrase.
    fn has_taken(&self, phrase: &str) -> bool;
    /// Whether this recording was listened to.
    fn has_heard(&self, recording: &Digest) -> bool;
}

/// Whether what was heard is a yes to the payment whose phrase was asked for; the evidence of it. In doubt it is none.
pub fn agreed(phrase: &str, hearing: &Hearing, past: &dyn Past) -> Result<Digest, Fault> {
    let refused = |code| Err(Fault::new(code).within(Part::Confirmation));
    if hearing.recording.is_some_and(|recording| past.has_heard(&recording)) {
        return refused(Code::RecordingReplayed); // [VOI-3]
    }
    let (asked, heard) = (letters(phrase), letters(hearing.transcript.as_str()));
    if asked.is_empty() || asked != heard {
        return refused(Code::PhraseMismatch); // [VOI-4]
    }
    if past.has_taken(phrase) {
        return refused(Code::PhraseUsed); // [VOI-5]
    }
    Ok(Digest(Sha256::digest(encoded(hearing)).into()))
}

/// A recogniser knows no capitals and no commas, and Chinese has no spaces.
fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::decoded;

    const PHRASE: &str = "yes pay twelve point eight zero Chinese Yuan code three seven six two";

    #[derive(Default)]
    struct Heard {
        phrases: Vec<String>,
        recordings: Vec<Digest>,
    }

    impl Past for Heard {
        fn has_taken(&self, phrase: &str) -> bool {
            self.phrases.iter().any(|taken| taken == phrase)
        }

        fn has_heard(&self, recording: &Digest) -> bool {
            self.recordings.contains(recording)
        }
    }

    fn hearing(transcript: &str) -> Hearing {
        Hearing {
            by: By::Recogniser,
            transcript: LongText::new(transcript).unwrap(),
            recording: Some(Digest([1; 32])),
            recogniser: ShortText::new("ear"),
        }
    }

    fn code(transcript: &str, past: &Heard) -> Option<Code> {
        agreed(PHRASE, &hearing(transcript), past).err().map(|fault| fault.code)
    }

    #[test]
    fn only_the_whole_phrase_is_a_yes() {
        let nothing = Heard::default();
        for same in [PHRASE, "Yes, pay twelve point eight zero chinese yuan, code three-seven-six-two."] {
            assert_eq!(code(same, &nothing), None, "{same}");
        }
        let others = [
            "yes",
            "no",
            "yes pay twelve point eight zero chinese yuan code three seven six three",
            "yes pay twenty point eight zero chinese yuan code three seven six two",
            "yes pay twelve point eight zero chinese yuan",
            "do not say yes pay twelve point eight zero chinese yuan code three seven six two",
            "yes pay twelve point eight zero chinese yuan code three seven six two two",
        ];
        for other in others {
            assert_eq!(code(other, &nothing), Some(Code::PhraseMismatch), "{other}");
        }
        assert_eq!(agreed("", &hearing("..."), &nothing).unwrap_err().code, Code::PhraseMismatch);
    }

    #[test]
    fn nothing_is_taken_twice() {
        let heard = Heard { recordings: vec![Digest([1; 32])], ..Heard::default() };
        assert_eq!(code(PHRASE, &heard), Some(Code::RecordingReplayed));
        // What was heard before is refused whatever is in it.
        assert_eq!(code("no", &heard), Some(Code::RecordingReplayed));
        let another = Heard { recordings: vec![Digest([2; 32])], phrases: vec!["another".into()] };
        assert_eq!(code(PHRASE, &another), None);
        let taken = Heard { phrases: vec![PHRASE.into()], ..Heard::default() };
        assert_eq!(code(PHRASE, &taken), Some(Code::PhraseUsed));
        let typed = Hearing { by: By::Hand, recording: None, recogniser: None, ..hearing(PHRASE) };
        assert!(agreed(PHRASE, &typed, &heard).is_ok());
    }

    #[test]
    fn the_evidence_says_who_understood_it() {
        let nothing = Heard::default();
        let by_ear = hearing(PHRASE);
        let by_hand = Hearing { by: By::Hand, ..by_ear.clone() };
        assert_ne!(agreed(PHRASE, &by_ear, &nothing), agreed(PHRASE, &by_hand, &nothing));
        assert_eq!(decoded::<Hearing>(&encoded(&by_ear)), Ok(by_ear));
    }
}
