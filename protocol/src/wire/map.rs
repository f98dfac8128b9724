//! Maps with integer labels, read and written in the order of their labels.

use super::{Reader, Writer};
use crate::code::Code;
use crate::fault::Fault;
use crate::label::Label;

/// A value that stands in a field of a map, or in a list.
pub trait Field: Sized {
    /// Reads it. Stage `schema`.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault>;
    /// Writes it.
    fn write(&self, writer: &mut Writer);
}

/// Takes the fields of one map. Fields must be asked for in the order of their labels, which is the order
/// that the bytes are in.
#[derive(Debug)]
pub struct MapReader<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: u64,
    next: Option<Next<'a>>,
}

/// A field that has not been asked for yet.
#[derive(Clone, Copy, Debug)]
struct Next<'a> {
    /// Its label, where that is a number that a label can be.
    label: Option<i64>,
    /// Its key, as it stands.
    key: &'a [u8],
    at: usize,
}

impl<'r, 'a> MapReader<'r, 'a> {
    /// Begins with the map that comes next.
    pub fn new(reader: &'r mut Reader<'a>) -> Result<Self, Fault> {
        let left = reader.map()?;
        let mut map = Self { reader, left, next: None };
        map.advance()?;
        Ok(map)
    }

    /// Takes a field that must be there.
    pub fn required<T: Field>(&mut self, label: Label) -> Result<T, Fault> {
        self.required_with(label, T::read)
    }

    /// Takes a field that may be there.
    pub fn optional<T: Field>(&mut self, label: Label) -> Result<Option<T>, Fault> {
        self.optional_with(label, T::read)
    }

    /// Takes a field that must be there, and may borrow its bytes.
    pub fn required_with<T>(
        &mut self,
        label: Label,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.optional_with(label, read)?.ok_or_else(|| self.absent(label))
    }

    /// Takes a field that may be there, and may borrow its bytes.
    pub fn optional_with<T>(
        &mut self,
        label: Label,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if self.next.is_none_or(|next| next.label != Some(label.number)) {
            return Ok(None);
        }
        let value = read(self.reader).map_err(|fault| fault.field(label.name))?;
        self.advance()?;
        Ok(Some(value))
    }

    /// Ends the map: whatever is left is not known.
    pub fn end(self) -> Result<(), Fault> {
        match self.next {
            None => Ok(()),
            Some(next) => Err(Fault::new(Code::UnknownField).at(next.at)), // [ENC-12]
        }
    }

    /// Why a field is not there: what stands before its place is a label that the map does not have, of whatever
    /// type. [ENC-22]
    fn absent(&self, label: Label) -> Fault {
        let mut place = Writer::new();
        place.integer(label.number);
        match self.next {
            Some(next) if next.key < place.into_bytes().as_slice() => Fault::new(Code::UnknownField).at(next.at), // [ENC-12]
            Some(next) => Fault::new(Code::MissingField).at(next.at).field(label.name), // [ENC-13]
            None => Fault::new(Code::MissingField).at(self.reader.offset()).field(label.name), // [ENC-13]
        }
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.next = None;
        if self.left > 0 {
            self.left -= 1;
            let at = self.reader.offset();
            let (label, key) = self.reader.key()?;
            self.next = Some(Next { label, key, at });
        }
        Ok(())
    }
}

/// Collects the fields of one map.
#[derive(Debug, Default)]
pub struct MapWriter {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MapWriter {
    /// No field yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    pub fn field(&mut self, label: Label, value: &impl Field) {
        let (mut key, mut item) = (Writer::new(), Writer::new());
        key.integer(label.number);
        value.write(&mut item);
        self.entries.push((key.into_bytes(), item.into_bytes()));
    }

    /// Adds a field that may be absent.
    pub fn optional(&mut self, label: Label, value: Option<&impl Field>) {
        if let Some(value) = value {
            self.field(label, value);
        }
    }

    /// Writes the map, its labels in order.
    pub fn end(mut self, writer: &mut Writer) {
        self.entries.sort(); // [ENC-19]
        writer.map(self.entries.len());
        for (key, item) in &self.entries {
            writer.raw(key);
            writer.raw(item);
        }
    }
}

impl Field for u64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.unsigned()
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(*self);
    }
}

impl<const N: usize> Field for [u8; N] {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.array()
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }
}
