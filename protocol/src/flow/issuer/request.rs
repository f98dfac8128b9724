//! The body of a payment. `spec/cddl/http.cddl`

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::ranged;
use crate::label::Label;
use crate::limits::{MESSAGE_BYTES_MAX, MESSAGE_MANDATES_MAX};
use crate::wire::{MapReader, Reader, Writer};

/// The body of a payment, its papers not yet read. `spec/cddl/http.cddl`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// A chain to register first, root first; empty when it is registered.
    pub mandates: Vec<&'a [u8]>,
    /// The offer.
    pub offer: &'a [u8],
    /// The intent.
    pub intent: &'a [u8],
    /// The person's yes.
    pub confirmation: Option<&'a [u8]>,
}

impl<'a> PaymentRequest<'a> {
    /// Reads the body. Stages `size`, `encoding` and `schema`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(MESSAGE_BYTES_MAX)); // [ENC-1]
        }
        crate::wire::check(bytes)?; // [ENC-21]
        Self::fields(&mut Reader::new(bytes)).map_err(|fault| fault.at_stage(Stage::Schema))
    }

    fn fields(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut map = MapReader::new(reader)?;
        let request = Self {
            mandates: map.required_with(MANDATES, papers)?,
            offer: map.required_with(OFFER, Reader::bytes)?,
            intent: map.required_with(INTENT, Reader::bytes)?,
            confirmation: map.optional_with(CONFIRMATION, Reader::bytes)?,
        };
        map.end()?;
        Ok(request)
    }

    /// Writes the body.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(3 + usize::from(self.confirmation.is_some()));
        writer.unsigned(1);
        writer.list(self.mandates.len());
        self.mandates.iter().for_each(|mandate| writer.bytes(mandate));
        for (label, paper) in [(2, Some(self.offer)), (3, Some(self.intent)), (4, self.confirmation)] {
            if let Some(paper) = paper {
                writer.unsigned(label);
                writer.bytes(paper);
            }
        }
        writer.into_bytes()
    }
}

const MANDATES: Label = Label { number: 1, name: "mandates" };
const OFFER: Label = Label { number: 2, name: "offer" };
const INTENT: Label = Label { number: 3, name: "intent" };
const CONFIRMATION: Label = Label { number: 4, name: "confirmation" };

fn papers<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Fault> {
    let fits = |count: u64| usize::try_from(count).ok().filter(|&count| count <= MESSAGE_MANDATES_MAX);
    let count = ranged(reader, Reader::list, fits)?;
    (0..count).map(|_| reader.bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_and_read_in_one_form() {
        for confirmation in [None, Some(&b"yes"[..])] {
            let request =
                PaymentRequest { mandates: vec![b"root", b"below"], offer: b"offer", intent: b"intent", confirmation };
            assert_eq!(PaymentRequest::read(&request.write()), Ok(request));
        }
    }

    #[test]
    fn fields_are_judged_in_their_order() {
        fn read(bytes: &[u8]) -> Result<(), (Code, Stage, Option<usize>)> {
            PaymentRequest::read(bytes).map(drop).map_err(|fault| (fault.code, fault.stage, fault.offset))
        }
        let list = |count: u8| [&[0xa3, 1, 0x80 | count][..], &vec![0x40; count.into()], b"\x02\x40\x03\x40"].concat();
        assert_eq!(read(&list(8)), Ok(()));
        assert_eq!(read(&list(9)), Err((Code::FieldRange, Stage::Schema, Some(2))));
        // The count of a list is judged before what is in it, and an absent field where it would stand.
        let numbers = [&[0xa3, 1, 0x89][..], &[1; 9], b"\x02\x40\x03\x40"].concat();
        assert_eq!(read(&numbers), Err((Code::FieldRange, Stage::Schema, Some(2))));
        assert_eq!(read(b"\xa2\x01\x80\x03\x01"), Err((Code::MissingField, Stage::Schema, Some(3))));
        assert_eq!(read(b"\xa4\x01\x80\x02\x40\x03\x40\x05\x40"), Err((Code::UnknownField, Stage::Schema, Some(7))));
        assert_eq!(read(b"\xa4\x01\x80\x02\x40\x03\x40\x61a\x40"), Err((Code::UnknownField, Stage::Schema, Some(7))));
        assert_eq!(read(b"\xa3\x01\x80\x02\x40\x03\x40\x00"), Err((Code::CborTrailing, Stage::Encoding, Some(7))));
        assert_eq!(read(&[0; 65_537]), Err((Code::MessageTooLarge, Stage::Size, Some(65_536))));
    }
}
