//! What stands in fields: the shapes that papers are put together from.

use std::num::NonZeroU32;
use std::ops::Deref;

use crate::code::Code;
use crate::fault::Fault;
use crate::label::Label;
use crate::money::{Amount, Currency};
use crate::sign::PublicKey;
use crate::time::UnixSeconds;
use crate::wire::{Field, MapReader, MapWriter, Reader, Writer};

/// Reads with `read`, and refuses a value outside its range. [ENC-15]
pub(crate) fn ranged<'a, T, U>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<U, Fault>,
    fit: impl FnOnce(U) -> Option<T>,
) -> Result<T, Fault> {
    let at = reader.offset();
    fit(read(reader)?).ok_or_else(|| Fault::new(Code::FieldRange).at(at))
}

impl Field for UnixSeconds {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.get());
    }
}

impl Field for Amount {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::from_minor)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.minor());
    }
}

impl Field for Currency {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        Self::from_code(reader.text()?).ok_or_else(|| Fault::new(Code::CurrencyUnknown).at(at)) // [ENC-17]
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self.code());
    }
}

impl Field for NonZeroU32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, |count| u32::try_from(count).ok().and_then(Self::new))
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(u64::from(self.get()));
    }
}

/// A whole number from 0 to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpTo<const MAX: u64>(u64);

impl<const MAX: u64> UpTo<MAX> {
    /// `None` above `MAX`.
    pub const fn new(value: u64) -> Option<Self> {
        if value <= MAX { Some(Self(value)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MAX: u64> Field for UpTo<MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.0);
    }
}

/// How many there are: from 1 to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count<const MAX: u64>(u64);

impl<const MAX: u64> Count<MAX> {
    /// `None` for none, and for more than `MAX`.
    pub const fn new(value: u64) -> Option<Self> {
        if value >= 1 && value <= MAX { Some(Self(value)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MAX: u64> Field for Count<MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.0);
    }
}

/// A field that says something by being there. `false` is written by leaving it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct True;

impl Field for True {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::boolean, |value| value.then_some(Self))
    }

    fn write(&self, writer: &mut Writer) {
        writer.boolean(true);
    }
}

/// Bytes that are read elsewhere, such as an enclosed paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Field for Bytes {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.bytes().map(|bytes| Self(bytes.to_vec()))
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }
}

/// A list of 1 to `MAX` items, in an order that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// `None` when there are none or too many.
    pub fn new(items: Vec<T>) -> Option<Self> {
        (1..=MAX).contains(&items.len()).then_some(Self(items))
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field, const MAX: usize> Field for List<T, MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let count = ranged(reader, Reader::list, |count| {
            usize::try_from(count).ok().filter(|count| (1..=MAX).contains(count))
        })?;
        (0..count).map(|_| T::read(reader)).collect::<Result<_, _>>().map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.0.len());
        self.0.iter().for_each(|item| item.write(writer));
    }
}

/// A set of 1 to `MAX` items: a list in the order of the items' encodings, each once, so that one set has
/// one form. [ENC-18]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T, const MAX: usize>(Vec<T>);

impl<T: Field, const MAX: usize> Set<T, MAX> {
    /// Puts the items in order; `None` when there are none or too many.
    pub fn new(items: Vec<T>) -> Option<Self> {
        let mut keyed: Vec<_> = items.into_iter().map(|item| (encoded(&item), item)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.dedup_by(|a, b| a.0 == b.0);
        (1..=MAX).contains(&keyed.len()).then(|| Self(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}

impl<T, const MAX: usize> Deref for Set<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field, const MAX: usize> Field for Set<T, MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut ahead = reader.clone();
        let mut before: Option<&[u8]> = None;
        for _ in 0..ahead.list()? {
            let at = ahead.offset();
            let item = ahead.skip()?;
            if before.is_some_and(|before| before >= item) {
                return Err(Fault::new(Code::FieldRange).at(at)); // [ENC-18]
            }
            before = Some(item);
        }
        List::<T, MAX>::read(reader).map(|list| Self(list.0))
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.0.len());
        self.0.iter().for_each(|item| item.write(writer));
    }
}

/// The one encoding of a value.
pub fn encoded(value: &impl Field) -> Vec<u8> {
    let mut writer = Writer::new();
    value.write(&mut writer);
    writer.into_bytes()
}

/// Reads a value that takes all of `bytes`, which need not have been checked.
pub fn decoded<T: Field>(bytes: &[u8]) -> Result<T, Fault> {
    crate::wire::check(bytes)?;
    T::read(&mut Reader::new(bytes))
}

/// An agent's key, as `cnf` wraps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHolder(pub PublicKey);

impl KeyHolder {
    /// The key, in the map of `cnf` (RFC 8747).
    pub(crate) const KEY: Label = Label { number: 1, name: "key" };
}

impl Field for KeyHolder {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut map = MapReader::new(reader)?;
        let key = map.required(Self::KEY)?;
        map.end()?;
        Ok(Self(key))
    }

    fn write(&self, writer: &mut Writer) {
        let mut map = MapWriter::new();
        map.field(Self::KEY, &self.0);
        map.end(writer);
    }
}

/// Declares an enumeration that stands on the wire as a small number.
macro_rules! numbered {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)+ }

        impl $name {
            /// Every value, in the order of the registry.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value with this number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The number on the wire.
            pub const fn number(self) -> u64 {
                self as u64
            }

            /// The name in the registry.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl $crate::wire::Field for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                $crate::field::ranged(reader, $crate::wire::Reader::unsigned, Self::from_number)
            }

            fn write(&self, writer: &mut $crate::wire::Writer) {
                writer.unsigned(self.number());
            }
        }
    };
}

/// Declares a value that stands on the wire as a list of a fixed length.
macro_rules! listed {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$fdoc])* pub $field: $type,)+ }

        impl $crate::wire::Field for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                const LENGTH: u64 = [$(stringify!($field)),+].len() as u64;
                $crate::field::ranged(reader, $crate::wire::Reader::list, |length| (length == LENGTH).then_some(()))?;
                Ok(Self { $($field: $crate::wire::Field::read(reader)?,)+ })
            }

            fn write(&self, writer: &mut $crate::wire::Writer) {
                writer.list([$(stringify!($field)),+].len());
                $($crate::wire::Field::write(&self.$field, writer);)+
            }
        }
    };
}

/// Declares an enumeration whose variants each hold a body, and stand as a list of their number and the body.
macro_rules! tagged {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident($body:ty) = $number:literal;)+ }) => {
        $(#[$doc])*
        $vis enum $name { $($(#[$vdoc])* $variant($body),)+ }

        impl $crate::wire::Field for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                let at = reader.offset();
                $crate::field::ranged(reader, $crate::wire::Reader::list, |length| (length == 2).then_some(()))?;
                match reader.unsigned()? {
                    $($number => $crate::wire::Field::read(reader).map(Self::$variant),)+
                    _ => Err($crate::fault::Fault::new($crate::code::Code::FieldRange).at(at)),
                }
            }

            fn write(&self, writer: &mut $crate::wire::Writer) {
                writer.list(2);
                match self {
                    $(Self::$variant(body) => {
                        writer.unsigned($number);
                        $crate::wire::Field::write(body, writer);
                    })+
                }
            }
        }
    };
}

/// Declares a map of fields. Fields stand in the order of their labels, as on the wire.
macro_rules! mapped {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$fdoc:meta])* $need:ident $field:ident: $type:ty = $label:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $crate::field::mapped!(@type $need $type),)+ }

        impl $crate::wire::Field for $name {
            fn read(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                let mut map = $crate::wire::MapReader::new(reader)?;
                $(let $field = map.$need($label)?;)+
                map.end()?;
                Ok(Self { $($field,)+ })
            }

            fn write(&self, writer: &mut $crate::wire::Writer) {
                let mut map = $crate::wire::MapWriter::new();
                $($crate::field::mapped!(@write $need map, $label, self.$field);)+
                map.end(writer);
            }
        }
    };
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@write required $map:ident, $label:expr, $value:expr) => { $map.field($label, &$value) };
    (@write optional $map:ident, $label:expr, $value:expr) => { $map.optional($label, $value.as_ref()) };
}

/// Declares a paper: CWT's claims, the version, then Purser's own fields.
macro_rules! paper {
    ($(#[$doc:meta])* pub struct $name:ident {
        cwt { $($(#[$cdoc:meta])* $cneed:ident $cfield:ident: $ctype:ty = $clabel:expr,)* }
        own { $($(#[$fdoc:meta])* $need:ident $field:ident: $type:ty = $label:expr,)* }
        $(check $check:path;)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$cdoc])* pub $cfield: $crate::field::mapped!(@type $cneed $ctype),)*
            $($(#[$fdoc])* pub $field: $crate::field::mapped!(@type $need $type),)*
        }

        impl $crate::sign::Paper for $name {
            const KIND: $crate::sign::Kind = $crate::sign::Kind::$name;

            fn decode(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::fault::Fault> {
                let mut map = $crate::wire::MapReader::new(reader)?;
                $(let $cfield = map.$cneed($clabel)?;)*
                map.required::<$crate::field::One>($crate::label::VERSION)?;
                $(let $field = map.$need($label)?;)*
                map.end()?;
                let paper = Self { $($cfield,)* $($field,)* };
                $($check(&paper)?;)? // [ENC-22]
                Ok(paper)
            }

            fn encode(&self, writer: &mut $crate::wire::Writer) {
                let mut map = $crate::wire::MapWriter::new();
                $($crate::field::mapped!(@write $cneed map, $clabel, self.$cfield);)*
                map.field($crate::label::VERSION, &$crate::field::One);
                $($crate::field::mapped!(@write $need map, $label, self.$field);)*
                map.end(writer);
            }
        }
    };
}

pub(crate) use {listed, mapped, numbered, paper, tagged};

/// The version of every paper.
pub(crate) struct One;

impl Field for One {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, |version| (version == 1).then_some(Self))
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(1);
    }
}
