//! The body of an issuer's answer. `spec/cddl/http.cddl`

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::{Reader, Writer};

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
        crate::wire::check(bytes)?;
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
        let (mut receipt, mut detail) = (None, None);
        for _ in 0..reader.map()? {
            let at = reader.offset();
            match reader.integer()? {
                1 => receipt = Some(reader.bytes()?),
                2 => detail = Some(reader.bytes()?),
                _ => return Err(Fault::new(Code::UnknownField).at(at)), // [ENC-12]
            }
        }
        let receipt = receipt.ok_or_else(|| Fault::new(Code::MissingField).at(0).field("receipt"))?; // [ENC-13]
        Ok(Self { receipt, detail })
    }
}

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
        assert_eq!(code(b"\xa1\x01\x40\x00").code, Code::CborTrailing);
        assert_eq!(code(&[0; 65_537]).code, Code::MessageTooLarge);
    }
}
