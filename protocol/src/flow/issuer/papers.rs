//! One paper on its way through the stages, and what may be looked at before its signature is checked.

use super::Directory;
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::KeyHolder;
use crate::id::{AccountId, KeyId, PaperId};
use crate::label::{CNF, Label, MANDATE, PARENT, SUB};
use crate::paper::intent::Intent;
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

    /// The stage signature, with a key that was found by the name in the header or held against it. [SIG-21]
    pub(super) fn verify(
        self,
        crypto: &dyn Crypto,
        context: Context<'_>,
        key: &PublicKey,
    ) -> Result<At<Authentic<'a, T>>, Fault> {
        self.step(|signed| signed.verify_by(crypto, context, key))
    }

    /// A fault of this paper for want of a field that names its signer: what its version and schema come to,
    /// else `code`. [AUT-6]
    pub(super) fn unreadable(&self, code: Code) -> Fault {
        self.paper.unreadable(code).within(self.part)
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

    /// The key in `cnf`, where it is in the one form. [SIG-11]
    pub(super) fn holder_key(&self) -> Option<PublicKey> {
        KeyHolder::read(&mut self.value(CNF)?).ok().map(|KeyHolder(key)| key)
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

/// The mandates of a message, in its order, and those that the issuer has.
pub(super) struct Mandates<'m, 'a> {
    sent: &'m [At<Signed<'a, Mandate>>],
    directory: &'m dyn Directory,
}

impl<'m, 'a> Mandates<'m, 'a> {
    pub(super) fn new(sent: &'m [At<Signed<'a, Mandate>>], directory: &'m dyn Directory) -> Self {
        Self { sent, directory }
    }

    /// The keys that must have signed the mandates: a key of the account, or that of the holder of the mandate
    /// above. [SIG-12]
    pub(super) fn signers(&self) -> impl Iterator<Item = Result<PublicKey, Fault>> {
        self.sent.iter().enumerate().map(|(at, mandate)| {
            let named = mandate.key_name();
            let key = match self.holder_above(mandate, at)? {
                Some(Holder::Agent(key)) => Some(key).filter(|key| Some(key.id()) == named),
                Some(Holder::Merchant(_)) => None,
                None => {
                    let account = mandate.array(SUB).map(AccountId);
                    let account = account.ok_or_else(|| mandate.unreadable(Code::MandateSigner))?;
                    named.and_then(|key| self.directory.account_key(&account, &key))
                }
            };
            key.ok_or_else(|| mandate.fault(Code::MandateSigner))
        })
    }

    /// Who holds the mandate that an intent names. [AUT-5]
    pub(super) fn holder_of(&self, intent: &At<Signed<'_, Intent>>) -> Result<Holder, Fault> {
        let mandate = intent.array(MANDATE).map(PaperId).ok_or_else(|| intent.unreadable(Code::MandateUnknown))?;
        let holder = self.holder(&mandate, self.sent.len())?;
        holder.ok_or_else(|| intent.fault(Code::MandateUnknown)) // [AUT-32]
    }

    fn holder_above(&self, mandate: &At<Signed<'_, Mandate>>, at: usize) -> Result<Option<Holder>, Fault> {
        let Some(mut parent) = mandate.value(PARENT) else { return Ok(None) };
        let parent = parent.array().map(PaperId).map_err(|_| mandate.unreadable(Code::MandateUnknown))?; // [AUT-5]
        let holder = self.holder(&parent, at)?;
        holder.map(Some).ok_or_else(|| mandate.fault(Code::MandateUnknown)) // [AUT-32]
    }

    /// Who holds a mandate that is registered, or is among the first so many of the message. [AUT-5]
    fn holder(&self, mandate: &PaperId, first: usize) -> Result<Option<Holder>, Fault> {
        match self.sent.iter().take(first).find(|sent| sent.paper.id() == *mandate) {
            Some(sent) => holder(sent).map(Some),
            None => Ok(self.directory.holder(mandate)),
        }
    }
}

fn holder(mandate: &At<Signed<'_, Mandate>>) -> Result<Holder, Fault> {
    let holder = mandate.value(CNF).and_then(|mut holder| Holder::read(&mut holder).ok());
    holder.ok_or_else(|| mandate.unreadable(Code::KeyInvalid))
}
