//! Changes to bytes, for whatever stands in them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
pub(crate) enum Change {
    FlipBit(Index, u8),
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Truncate(Index),
    /// Two ranges of this length change places.
    Swap(Index, Index, u8),
    /// A range stands again at another place.
    Repeat(Index, Index, u8),
}

/// One change or two. Small integers and heads of every type are put and inserted more than other bytes.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let byte = || {
        prop_oneof![
            any::<u8>(),
            0..24_u8,
            prop_oneof![Just(0x18), Just(0x5f), Just(0x7f), Just(0x9f), Just(0xbf), Just(0xff), Just(0xf6), Just(0xa0)],
        ]
    };
    let index = any::<Index>;
    let change = prop_oneof![
        3 => (index(), 0..8_u8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        3 => (index(), byte()).prop_map(|(at, byte)| Change::Put(at, byte)),
        2 => (index(), vec(byte(), 1..4)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (index(), 1..4_u8).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => index().prop_map(Change::Truncate),
        2 => (index(), index(), 1..40_u8).prop_map(|(a, b, length)| Change::Swap(a, b, length)),
        1 => (index(), index(), 1..40_u8).prop_map(|(a, b, length)| Change::Repeat(a, b, length)),
    ];
    vec(change, 1..3)
}

pub(crate) fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let size = bytes.len();
        let range = |at: &Index, length: u8| {
            let start = at.index(size);
            start..(start + usize::from(length)).min(size)
        };
        match change {
            Change::FlipBit(at, bit) => bytes[at.index(size)] ^= 1 << bit,
            Change::Put(at, byte) => bytes[at.index(size)] = *byte,
            Change::Insert(at, more) => drop(bytes.splice(at.index(size)..at.index(size), more.iter().copied())),
            Change::Remove(at, length) => drop(bytes.drain(range(at, *length))),
            Change::Truncate(at) => bytes.truncate(at.index(size)),
            Change::Swap(a, b, length) => {
                let (a, b) = (range(a, *length), range(b, *length));
                let (first, second) = if a.start < b.start { (a, b) } else { (b, a) };
                if first.end <= second.start {
                    let (left, right) = (bytes[first.clone()].to_vec(), bytes[second.clone()].to_vec());
                    bytes.splice(second, left);
                    bytes.splice(first, right);
                }
            }
            Change::Repeat(from, to, length) => {
                let again = bytes[range(from, *length)].to_vec();
                let at = to.index(size);
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}
