//! The mandate: who may spend, how much, on what, until when.

use std::num::NonZeroU32;

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{KeyHolder, List, True, listed, numbered, paper};
use crate::id::{AccountId, Digest, LineageId, PaperId, PartyId};
use crate::label::{
    AUD, CAPS, CNF, CONVERSATION, CURRENCY, EXP, FUNDED, GRANTS, IAT, LINEAGE, Label, MODE, NBF, OFFER, PARENT,
    REFUND_RETURNS, REPLACES, SERIAL, SHOWN, SUB,
};
use crate::limits::GRANTS_MAX;
use crate::money::{Amount, Currency};
use crate::paper::rules::Rules;
use crate::sign::PublicKey;
use crate::time::{UnixSeconds, Window};
use crate::wire::{Field, MapReader, MapWriter, Reader, Writer};

numbered! {
    /// How a mandate authorizes.
    pub enum Mode {
        /// One confirmed payment for one offer.
        Single = 1, "single";
        /// The person's own rules, as grants of which one must hold wholly.
        Conditional = 2, "conditional";
        /// A sum to spend.
        Quota = 3, "quota";
    }
}

/// Who may act under a mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An agent, by its key.
    Agent(PublicKey),
    /// A certified merchant, by its name.
    Merchant(PartyId),
}

const MERCHANT: Label = Label { number: -1, name: "merchant" };

impl Field for Holder {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        let mut map = MapReader::new(reader)?;
        let (key, merchant) = (map.optional(KeyHolder::KEY)?, map.optional(MERCHANT)?);
        map.end()?;
        match (key, merchant) {
            (Some(key), None) => Ok(Self::Agent(key)),
            (None, Some(merchant)) => Ok(Self::Merchant(merchant)),
            (None, None) => Err(Fault::new(Code::MissingField).at(at)), // [ENC-13]
            (Some(_), Some(_)) => Err(Fault::new(Code::FieldConflict).at(at)), // [ENC-16]
        }
    }

    fn write(&self, writer: &mut Writer) {
        let mut map = MapWriter::new();
        match self {
            Self::Agent(key) => map.field(KeyHolder::KEY, key),
            Self::Merchant(merchant) => map.field(MERCHANT, merchant),
        }
        map.end(writer);
    }
}

listed! {
    /// What the person saw when signing.
    pub struct Shown {
        /// The language of the rendering, such as `en` or `zh-CN`.
        language: Language,
        /// SHA-256 of the standard rendering.
        rendering: Digest,
    }
}

/// A language, such as `en` or `zh-CN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(Box<str>);

impl Language {
    /// `None` when `tag` is not two lower-case letters, with or without a region of two upper-case ones.
    pub fn new(tag: &str) -> Option<Self> {
        let fits = match tag.as_bytes() {
            [a, b] => a.is_ascii_lowercase() && b.is_ascii_lowercase(),
            [a, b, b'-', c, d] => {
                [a, b].iter().all(|byte| byte.is_ascii_lowercase())
                    && [c, d].iter().all(|byte| byte.is_ascii_uppercase())
            }
            _ => false,
        };
        fits.then(|| Self(tag.into()))
    }

    /// `en`.
    pub fn english() -> Self {
        Self("en".into())
    }

    /// `zh`.
    pub fn chinese() -> Self {
        Self("zh".into())
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Language {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        crate::field::ranged(reader, Reader::text, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }
}

paper! {
    /// What a holder may spend. `spec/cddl/mandate.cddl`
    pub struct Mandate {
        cwt {
            /// The account that pays.
            required account: AccountId = SUB,
            /// The issuer that keeps the money.
            required issuer: PartyId = AUD,
            /// The first second at which it no longer holds.
            required expires_at: UnixSeconds = EXP,
            /// The first second at which it holds.
            required not_before: UnixSeconds = NBF,
            /// When it was signed.
            required issued_at: UnixSeconds = IAT,
            /// Who may spend.
            required holder: Holder = CNF,
        }
        own {
            /// The one offer of a single mandate.
            optional offer: PaperId = OFFER,
            /// The currency of every amount in it.
            required currency: Currency = CURRENCY,
            /// What it shares with its replacements.
            required lineage: LineageId = LINEAGE,
            /// Its version within the lineage, from 1.
            required serial: NonZeroU32 = SERIAL,
            /// How it authorizes.
            required mode: Mode = MODE,
            /// The mandate above, of a sub-mandate.
            optional parent: PaperId = PARENT,
            /// The version before.
            optional replaces: PaperId = REPLACES,
            /// Rules for every payment under it.
            optional caps: Rules = CAPS,
            /// Alternatives, of a conditional mandate.
            optional grants: List<Rules, GRANTS_MAX> = GRANTS,
            /// Money moved into an envelope, of a quota mandate.
            optional funded: Amount = FUNDED,
            /// Refunds give their amounts back.
            optional refund_returns: True = REFUND_RETURNS,
            /// What the person saw.
            optional shown: Shown = SHOWN,
            /// The conversation that it came from.
            optional conversation: Digest = CONVERSATION,
        }
        check consistent;
    }
}

impl Mandate {
    /// When it holds.
    pub fn window(&self) -> Option<Window> {
        Window::new(self.not_before, self.expires_at)
    }

    /// The grants of a conditional mandate; of any other, none.
    pub fn grants(&self) -> &[Rules] {
        self.grants.as_deref().unwrap_or_default()
    }
}

/// Each mode has the fields that it needs and no other. [ENC-16]
fn consistent(mandate: &Mandate) -> Result<(), Fault> {
    let conflict = |field: &'static str| Err(Fault::new(Code::FieldConflict).field(field));
    if mandate.window().is_none() {
        return conflict(EXP.name); // [MAN-4]
    }
    if (mandate.serial.get() == 1) != mandate.replaces.is_none() {
        return conflict(REPLACES.name); // [MAN-5]
    }
    if (mandate.mode == Mode::Single) != mandate.offer.is_some() {
        return conflict(OFFER.name); // [SGL-1] [SGL-2]
    }
    if (mandate.mode == Mode::Conditional) != mandate.grants.is_some() {
        return conflict(GRANTS.name); // [CND-1]
    }
    let sum = mandate.caps.as_ref().is_some_and(|caps| caps.total.is_some());
    if mandate.mode == Mode::Quota && !sum {
        return conflict(CAPS.name); // [QTA-1]
    }
    if mandate.funded.is_some() && (mandate.mode != Mode::Quota || mandate.parent.is_some()) {
        return conflict(FUNDED.name); // [QTA-2]
    }
    Ok(())
}
