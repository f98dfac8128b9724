//! The confirmation: the person says yes to one intent.

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{numbered, paper};
use crate::id::{AccountId, Digest, LongText, PaperId, PartyId};
use crate::label::{AUD, EVIDENCE, HOW, IAT, INTENT, PHRASE, SHOWN, SUB};
use crate::paper::mandate::Shown;
use crate::time::UnixSeconds;

numbered! {
    /// How the person said yes.
    pub enum Modality {
        /// On a screen.
        Screen = 1, "screen";
        /// Aloud.
        Voice = 2, "voice";
        /// With a tap.
        Tap = 3, "tap";
        /// On a device of its own.
        Device = 4, "device";
    }
}

paper! {
    /// Yes to this intent. `spec/cddl/confirmation.cddl`
    pub struct Confirmation {
        cwt {
            /// The account.
            required account: AccountId = SUB,
            /// The issuer.
            required issuer: PartyId = AUD,
            /// When the person said yes.
            required issued_at: UnixSeconds = IAT,
        }
        own {
            /// The intent.
            required intent: PaperId = INTENT,
            /// What the person saw or heard.
            optional shown: Shown = SHOWN,
            /// How the person said yes.
            required how: Modality = HOW,
            /// The digest of a recording, a transcript or a device's assertion.
            optional evidence: Digest = EVIDENCE,
            /// The phrase that the person was asked to say.
            optional phrase: LongText = PHRASE,
        }
        check consistent;
    }
}

/// A spoken yes has its phrase and the digest of what was heard. [ENC-16] [CNF-11]
fn consistent(confirmation: &Confirmation) -> Result<(), Fault> {
    let spoken = confirmation.how == Modality::Voice;
    if spoken != confirmation.phrase.is_some() || (spoken && confirmation.evidence.is_none()) {
        return Err(Fault::new(Code::FieldConflict).field(PHRASE.name));
    }
    Ok(())
}
