//! One paper on its way through the stages, and what may be looked at before its signature is checked.

use super::Directory;
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::KeyHolder;
use crate::id::{AccountId, KeyId, PaperId};
use crate::label::{CNF, Label, PARENT, SUB};
use crate::paper::mandate::{Holder, Mandate};
use crate::sign::paper::find;
use crate::sign::{Authentic, Context, Crypto, Frame, Paper, PublicKey, Signed, SignerName, Verified};
use crate::wire::{Field, Reader};

/// A paper that has come as far as `S` says: a frame, then signed, then authentic.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<S> {
    pub(super) part: Part,
    pub(super) paper: S,
}

impl<S> At<S> {
    /// A fault of this paper.
    pub(super) fn fault(&self, code: Code) -> Fault {
        Fault::new(code).within(self.part)
    }

    fn step<T>(self, step: impl FnOnce(S) -> Result<T, Fault>) -> Result<At<T>, Fault> {
        let part = self.part;
        step(self.paper).map(|paper| At { part, paper }).map_err(|fault| fault.within(part))
    }
}

impl<'a> At<Frame<'a>> {
    /// The stages size, framing and encoding.
    pub(super) fn frame(bytes: &'a [u8], part: Part) -> Result<Self, Fault> {
        At { part, paper: bytes }.step(Frame::read)
    }

    /// The stage headers.
    pub(super) fn headers<T: Paper>(self) -> Result<At<Signed<'a, T>>, Fault> {
        self.step(Signed::framed)
    }
}

impl<'a, T: Paper> At<Signed<'a, T>> {
    /// The first four stages of a paper that comes alone.
    pub(super) fn read(bytes: &'a [u8], part: Part) -> Result<Self, Fault> {
        At::frame(bytes, part)?.headers()
    }

    /// The stage signature.
    pub(super) fn verify(
        self,
        crypto: &dyn Crypto,
        context: Context<'_>,
        key: &PublicKey,
    ) -> Result<At<Authentic<'a, T>>, Fault> {
        self.step(|signed| signed.verify(crypto, context, key))
    }

    /// The thumbprint by which the signer is named, if it is.
    pub(super) fn key_name(&self) -> Option<KeyId> {
        match self.paper.header.signer {
            SignerName::Key(key) => Some(key),
            SignerName::Certificate(_) => None,
        }
    }

    /// The value of a field, unread.
    pub(super) fn value(&self, label: Label) -> Option<Reader<'a>> {
        find(self.paper.frame.payload, label.number).map(|(_, value)| value)
    }

    /// A field that is sixteen or thirty-two bytes.
    pub(super) fn array<const N: usize>(&self, label: Label) -> Option<[u8; N]> {
        self.value(label)?.array().ok()
    }

    /// The key in `cnf`; `key-invalid` when it is not in the one form. [SIG-11]
    pub(super) fn holder_key(&self) -> Option<Result<PublicKey, Fault>> {
        let key = KeyHolder::read(&mut self.value(CNF)?).map(|KeyHolder(key)| key);
        Some(key.map_err(|_| self.fault(Code::KeyInvalid)))
    }
}

impl<T: Paper> At<Authentic<'_, T>> {
    /// The stage version.
    pub(super) fn version(&self) -> Result<(), Fault> {
        self.paper.version().map_err(|fault| fault.within(self.part))
    }

    /// The stage schema.
    pub(super) fn open(self) -> Result<Verified<T>, Fault> {
        self.step(Authentic::open).map(|opened| opened.paper)
    }

    /// The last two stages of a paper that comes alone.
    pub(super) fn finish(self) -> Result<Verified<T>, Fault> {
        self.version()?;
        self.open()
    }
}

/// The mandates of a message, and those that the issuer has.
pub(super) struct Mandates<'m, 'a> {
    pub(super) sent: &'m [At<Signed<'a, Mandate>>],
    pub(super) directory: &'m dyn Directory,
}

impl Mandates<'_, '_> {
    /// Who holds a mandate.
    pub(super) fn holder(&self, id: &PaperId) -> Option<Holder> {
        let sent = self.sent.iter().find(|mandate| mandate.paper.id() == *id);
        sent.and_then(|mandate| Holder::read(&mut mandate.value(CNF)?).ok()).or_else(|| self.directory.holder(id))
    }

    /// The key that must have signed a mandate: of its account, or of the holder of the mandate above. [SIG-12]
    pub(super) fn signer_of(&self, mandate: &At<Signed<'_, Mandate>>) -> Result<PublicKey, Fault> {
        let named = mandate.key_name();
        let key = match mandate.array(PARENT).map(PaperId) {
            Some(parent) => match self.holder(&parent).ok_or_else(|| mandate.fault(Code::MandateUnknown))? {
                Holder::Agent(key) => Some(key),
                Holder::Merchant(_) => None,
            },
            None => {
                let account = mandate.array(SUB).map(AccountId);
                account.zip(named).and_then(|(account, key)| self.directory.account_key(&account, &key))
            }
        };
        key.filter(|key| Some(key.id()) == named).ok_or_else(|| mandate.fault(Code::MandateSigner))
    }
}
