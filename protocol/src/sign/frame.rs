//! The envelope: where the four parts of a COSE_Sign1 stand in the bytes that came.

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::limits::PAPER_BYTES_MAX;
use crate::wire::{Major, Reader, check};

/// COSE's tag for one signer.
pub(crate) const TAG_SIGN1: u8 = 0xd2;

/// A message whose bytes have passed the stages size, framing and encoding.
///
/// They are one pass in the order of the bytes: the first byte that does not fit gives the code.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The whole message.
    pub bytes: &'a [u8],
    /// The protected header, as it was signed.
    pub protected: &'a [u8],
    /// The unprotected header: one map.
    pub unprotected: &'a [u8],
    /// The payload: one map.
    pub payload: &'a [u8],
    /// r and s.
    pub signature: &'a [u8; 64],
}

impl<'a> Frame<'a> {
    /// Reads the envelope.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > PAPER_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(PAPER_BYTES_MAX)); // [ENC-1]
        }
        tag(bytes)?;
        let mut reader = Reader::starting_at(bytes, 1);
        if framed(reader.list(), 1)? != 4 {
            return Err(structure(1)); // [SIG-2]
        }

        let protected = part(&mut reader)?;
        if !protected.is_empty() {
            let at = offset_of(bytes, protected);
            if Reader::new(protected).peek().is_some_and(|major| major != Major::Map) {
                return Err(structure(at)); // [SIG-2]
            }
            check(protected).map_err(|fault| fault.shifted(at))?;
        }

        let at = reader.offset();
        match reader.peek() {
            Some(Major::Map) => {}
            Some(_) => return Err(structure(at)), // [SIG-2]
            None => return framed(reader.map(), at).and(Err(structure(at))),
        }
        let unprotected = reader.skip()?;

        let at = reader.offset();
        if bytes.get(at) == Some(&0xf6) {
            return Err(Fault::new(Code::PayloadMissing).at(at)); // [SIG-3]
        }
        let payload = part(&mut reader)?;
        check(payload).map_err(|fault| fault.shifted(offset_of(bytes, payload)))?;

        let at = reader.offset();
        let signature = part(&mut reader)?;
        let signature = signature.try_into().map_err(|_| Fault::new(Code::SignatureFormat).at(at))?; // [SIG-4]
        if !reader.is_empty() {
            let fault = Fault::new(Code::CborTrailing).at_stage(Stage::Framing);
            return Err(fault.at(reader.offset())); // [ENC-3]
        }
        Ok(Self { bytes, protected, unprotected, payload, signature })
    }

    /// How far into the message a part of it begins.
    pub fn offset_of(&self, part: &[u8]) -> usize {
        offset_of(self.bytes, part)
    }
}

/// The first item must be tag 18. [SIG-1]
fn tag(bytes: &[u8]) -> Result<(), Fault> {
    let head = Reader::new(bytes).tag().map_err(|fault| match fault.code {
        Code::FieldType => Fault::new(Code::CoseTag).at(0),
        _ => fault.at_stage(Stage::Framing), // [ENC-20]
    })?;
    if head == u64::from(TAG_SIGN1 & 0x1f) { Ok(()) } else { Err(Fault::new(Code::CoseTag).at(0)) }
}

/// One of the three byte strings of the envelope.
fn part<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let at = reader.offset();
    framed(reader.bytes(), at)
}

/// Gives a fault met in the envelope its stage; an item of another type breaks the structure.
fn framed<T>(read: Result<T, Fault>, at: usize) -> Result<T, Fault> {
    read.map_err(|fault| match fault.code {
        Code::FieldType | Code::CborTag => structure(at), // [SIG-2]
        _ => fault.at_stage(Stage::Framing),
    })
}

fn structure(at: usize) -> Fault {
    Fault::new(Code::CoseStructure).at(at)
}

fn offset_of(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}
