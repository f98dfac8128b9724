//! CBOR as bytes, in every form that the format has and the protocol has not.

#![allow(dead_code, reason = "each test uses its part")]

/// A head: major type and argument, in the shortest form.
pub(crate) fn head(major: u8, argument: u64) -> Vec<u8> {
    let width = match argument {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    wide(major, argument, width)
}

/// A head whose argument takes `width` bytes after the first.
pub(crate) fn wide(major: u8, argument: u64, width: usize) -> Vec<u8> {
    let info = match width {
        0 => argument as u8,
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    [&[major << 5 | info], &argument.to_be_bytes()[8 - width..]].concat()
}

pub(crate) fn int(value: i64) -> Vec<u8> {
    if value < 0 { head(1, value.unsigned_abs() - 1) } else { head(0, value.unsigned_abs()) }
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// A byte string with its length in the next wider form.
pub(crate) fn bytes_wide(value: &[u8]) -> Vec<u8> {
    let width = [0, 1, 2, 4, 8].into_iter().find(|&width| width >= head(2, value.len() as u64).len()).unwrap();
    [wide(2, value.len() as u64, width), value.to_vec()].concat()
}

/// A byte string in two chunks and a break.
pub(crate) fn bytes_in_chunks(value: &[u8]) -> Vec<u8> {
    let (left, right) = value.split_at(value.len() / 2);
    [vec![0x5f], bytes(left), bytes(right), vec![0xff]].concat()
}

/// The pairs of a map, key and value as they stand.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Takes an honest map apart.
pub(crate) fn pairs(map: &[u8]) -> Pairs {
    let mut reader = purser_protocol::wire::Reader::new(map);
    let count = reader.map().unwrap();
    (0..count).map(|_| (reader.skip().unwrap().to_vec(), reader.skip().unwrap().to_vec())).collect()
}

/// A map of these pairs, in the order given.
pub(crate) fn map(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [head(5, pairs.len() as u64), contents(pairs)].concat()
}

/// What stands in a map after its head.
pub(crate) fn contents(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    pairs.iter().flat_map(|(key, value)| [key.as_slice(), value].concat()).collect()
}

/// The map with the value of a label put in its place, or added where it sorts.
pub(crate) fn set(map_bytes: &[u8], label: i64, value: Vec<u8>) -> Vec<u8> {
    set_key(map_bytes, int(label), value)
}

pub(crate) fn set_key(map_bytes: &[u8], key: Vec<u8>, value: Vec<u8>) -> Vec<u8> {
    let mut all = pairs(map_bytes);
    all.retain(|(other, _)| *other != key);
    all.push((key, value));
    all.sort();
    map(&all)
}

/// The map without a label that it has.
pub(crate) fn remove(map_bytes: &[u8], label: i64) -> Vec<u8> {
    let all = pairs(map_bytes);
    let kept: Pairs = all.iter().filter(|(key, _)| *key != int(label)).cloned().collect();
    assert!(kept.len() < all.len(), "no label {label}");
    map(&kept)
}

/// The value of a label that the map has.
pub(crate) fn get(map_bytes: &[u8], label: i64) -> Vec<u8> {
    pairs(map_bytes).into_iter().find(|(key, _)| *key == int(label)).unwrap().1
}
