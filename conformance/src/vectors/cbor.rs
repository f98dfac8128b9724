//! CBOR in its one form, and in the forms that it must not have. Nothing of the protocol's own reader or writer is
//! used, so that a fault in those does not make the vectors agree with it.

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Self>),
    /// Written in the order of the keys' encodings, whatever order stands here.
    Map(Vec<(Self, Self)>),
    Bool(bool),
    /// Whatever bytes these are.
    Raw(Vec<u8>),
}

impl Item {
    /// Its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Int(value) => int(super::moment::written(*value)),
            Self::Bytes(value) => bytes(value),
            Self::Text(value) => text(value),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::encode).collect();
                list(&items)
            }
            Self::Map(pairs) => {
                let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.encode(), value.encode())).collect();
                pairs.sort();
                map(&pairs)
            }
            Self::Bool(value) => vec![if *value { 0xf5 } else { 0xf4 }],
            Self::Raw(bytes) => bytes.clone(),
        }
    }

    /// The map with this label and value, in the place of what it had there.
    #[must_use]
    pub(super) fn with(self, label: i64, value: impl Into<Self>) -> Self {
        self.with_key(Self::from(label), value)
    }

    /// The map with this key and value, in the place of what it had there.
    #[must_use]
    pub(super) fn with_key(mut self, key: Self, value: impl Into<Self>) -> Self {
        if let Self::Map(pairs) = &mut self {
            pairs.retain(|(known, _)| *known != key);
            pairs.push((key, value.into()));
        }
        self
    }

    /// The map without this label.
    #[must_use]
    pub(super) fn without(mut self, label: i64) -> Self {
        if let Self::Map(pairs) = &mut self {
            pairs.retain(|(known, _)| *known != Self::from(label));
        }
        self
    }

    /// The value of a label; an empty list where there is none.
    pub(super) fn get(&self, label: i64) -> Self {
        let Self::Map(pairs) = self else { return Self::List(Vec::new()) };
        let found = pairs.iter().find(|(known, _)| *known == Self::from(label));
        found.map_or(Self::List(Vec::new()), |(_, value)| value.clone())
    }

    /// The labels of a map of labels, in the order of the wire.
    pub(super) fn labels(&self) -> Vec<i64> {
        let Self::Map(pairs) = self else { return Vec::new() };
        let mut keys: Vec<_> = pairs.iter().map(|(key, _)| (key.encode(), key)).collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys.into_iter()
            .filter_map(|(_, key)| if let Self::Int(n) = key { i64::try_from(*n).ok() } else { None })
            .collect()
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $item:expr;)+) => {$(
        impl From<$type> for Item {
            fn from($value: $type) -> Self {
                $item
            }
        }
    )+};
}

from! {
    i64 => |value| Self::Int(value.into());
    u64 => |value| Self::Int(value.into());
    i32 => |value| Self::Int(value.into());
    bool => |value| Self::Bool(value);
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    Vec<u8> => |value| Self::Bytes(value);
    &[u8] => |value| Self::Bytes(value.to_vec());
    [u8; 16] => |value| Self::Bytes(value.to_vec());
    [u8; 32] => |value| Self::Bytes(value.to_vec());
    Vec<Item> => |value| Self::List(value);
}

/// A list of items.
pub(super) fn seq<const N: usize>(items: [Item; N]) -> Item {
    Item::List(items.into())
}

/// A map of labels.
pub(super) fn labelled<const N: usize>(pairs: [(i64, Item); N]) -> Item {
    Item::Map(pairs.into_iter().map(|(label, value)| (Item::from(label), value)).collect())
}

/// A head in the shortest form.
pub(super) fn head(major: u8, argument: u64) -> Vec<u8> {
    let width = match argument {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    wide(major, argument, width)
}

/// A head whose argument takes this many bytes after the first.
pub(super) fn wide(major: u8, argument: u64, width: usize) -> Vec<u8> {
    let all = argument.to_be_bytes();
    let info = match width {
        0 => all[7],
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    [&[major << 5 | info], &all[8 - width..]].concat()
}

/// The next wider form of a head.
pub(super) fn wider(major: u8, argument: u64) -> Vec<u8> {
    let width = match head(major, argument).len() {
        1 => 1,
        2 => 2,
        3 => 4,
        _ => 8,
    };
    wide(major, argument, width)
}

pub(super) fn int(value: i128) -> Vec<u8> {
    let argument = |n: i128| u64::try_from(n).unwrap_or(u64::MAX);
    if value < 0 { head(1, argument(-1 - value)) } else { head(0, argument(value)) }
}

pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub(super) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

pub(super) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// A map of these pairs, in the order given.
pub(super) fn map(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [head(5, pairs.len() as u64), contents(pairs)].concat()
}

/// What stands in a map after its head.
pub(super) fn contents(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    pairs.iter().flat_map(|(key, value)| [key.as_slice(), value].concat()).collect()
}

/// The pairs of a map, encoded, in the order of the wire.
pub(super) fn pairs(item: &Item) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Item::Map(pairs) = item else { return Vec::new() };
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.encode(), value.encode())).collect();
    pairs.sort();
    pairs
}

/// A byte string in two chunks and a break.
pub(super) fn bytes_in_chunks(value: &[u8]) -> Vec<u8> {
    let (left, right) = value.split_at(value.len() / 2);
    [vec![0x5f], bytes(left), bytes(right), vec![0xff]].concat()
}
