//! Papers that no honest encoder writes.

use std::marker::PhantomData;

use purser_protocol::fault::Fault;
use purser_protocol::sign::{Kind, Paper};
use purser_protocol::wire::{Reader, Writer};

/// A paper of kind `T` with any payload.
pub struct Forged<T>(Vec<u8>, PhantomData<T>);

impl<T: Paper> Forged<T> {
    pub fn new(payload: Vec<u8>) -> Self {
        Self(payload, PhantomData)
    }
}

impl<T: Paper> Paper for Forged<T> {
    const KIND: Kind = T::KIND;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        T::decode(reader).map(|paper| Self::new(paper.payload()))
    }

    fn encode(&self, _: &mut Writer) {}

    fn payload(&self) -> Vec<u8> {
        self.0.clone()
    }
}

/// The paper, with these bytes as the value of a label, or without the label.
pub fn with<T: Paper>(paper: &T, label: i64, value: Option<&[u8]>) -> Forged<T> {
    let payload = paper.payload();
    let mut reader = Reader::new(&payload);
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for _ in 0..reader.map().unwrap() {
        let key = reader.skip().unwrap().to_vec();
        pairs.push((key, reader.skip().unwrap().to_vec()));
    }
    let key = {
        let mut writer = Writer::new();
        writer.integer(label);
        writer.into_bytes()
    };
    pairs.retain(|(known, _)| *known != key);
    pairs.extend(value.map(|value| (key, value.to_vec())));
    pairs.sort();
    let mut writer = Writer::new();
    writer.map(pairs.len());
    let pairs = pairs.into_iter().flat_map(|(key, value)| [key, value].concat());
    Forged::new(writer.into_bytes().into_iter().chain(pairs).collect())
}
