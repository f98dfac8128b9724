//! The body of an issuer's answer. `spec/cddl/http.cddl`

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::label::Label;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::{MapReader, Reader, Writer};

/// A receipt, and beside it what only the payer's side is told. Neither is read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerBody<'a> {
    /// The receipt.
    pub receipt: &'a [u8],
    /// Why not.
    pub detail: Option<&'a [u8]>,
}

impl<'a> AnswerBody<'a> {
    /// Reads the body. Stages `size` to `schema`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(MESSAGE_BYTES_MAX)); // [ENC-1]
        }
        crate::wire::check(bytes)?; // [ENC-21]
        Self::fields(&mut Reader::new(bytes)).map_err(|fault| fault.at_stage(Stage::Schema))
    }

    /// Writes the body.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(1 + usize::from(self.detail.is_some()));
        writer.unsigned(1);
        writer.bytes(self.receipt);
        if let Some(detail) = self.detail {
            writer.unsigned(2);
            writer.bytes(detail);
        }
        writer.into_bytes()
    }

    fn fields(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut map = MapReader::new(reader)?;
        let receipt = map.required_with(RECEIPT, Reader::bytes)?;
        let detail = map.optional_with(DETAIL, Reader::bytes)?;
        map.end()?;
        Ok(Self { receipt, detail })
    }
}

const RECEIPT: Label = Label { number: 1, name: "receipt" };
const DETAIL: Label = Label { number: 2, name: "detail" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_and_read_in_one_form() {
        for detail in [None, Some(&b"why"[..])] {
            let body = AnswerBody { receipt: b"receipt", detail };
            assert_eq!(AnswerBody::read(&body.write()), Ok(body));
        }
        let code = |bytes: &[u8]| AnswerBody::read(bytes).unwrap_err();
        assert_eq!((code(b"\xa0").code, code(b"\xa0").stage), (Code::MissingField, Stage::Schema));
        assert_eq!((code(b"\xa1\x01\x01").code, code(b"\xa1\x01\x01").stage), (Code::FieldType, Stage::Schema));
        let unknown = code(b"\xa2\x01\x40\x03\x40");
        assert_eq!((unknown.code, unknown.stage, unknown.offset), (Code::UnknownField, Stage::Schema, Some(3)));
        assert_eq!(code(b"\xa1\x02\x40").code, Code::MissingField);
        // An absent field is judged where it would stand, a key of any type is a label. [ENC-22] [ENC-12]
        assert_eq!(code(b"\xa1\x02\x01").code, Code::MissingField);
        assert_eq!(code(b"\xa2\x01\x40\x61a\x01").code, Code::UnknownField);
        assert_eq!(code(b"\xa1\x01\x40\x00").code, Code::CborTrailing);
        assert_eq!(code(&[0; 65_537]).code, Code::MessageTooLarge);
    }
}
