//! Independent computations beside our own: coset's `Sig_structure`, a key's thumbprint, the tree of RFC 9162.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

use ciborium::Value;
use coset::{CoseSign1, TaggedCborSerializable};
use proptest::prelude::*;
use purser_protocol::id::PaperId;
use purser_protocol::receipt::tree::{Tree, leaf_hash, root_of_path};
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::paper::{envelope, id, to_be_signed};
use purser_protocol::sign::{Context, Crypto, Frame, Kind, PublicKey};
use sha2::{Digest as _, Sha256};

#[path = "support/keys.rs"]
mod keys;
#[path = "support/samples.rs"]
mod samples;

use keys::{NETWORK, key, signed, signer_of};
use samples::{Sample, for_each_kind};

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn aad(kind: Kind, network: &str) -> Vec<u8> {
    cbor(&Value::Array(vec![format!("{}/1", kind.typ()).into(), network.into()]))
}

/// What coset would sign, and whether it finds the signature good.
fn agrees_with_coset<T: Sample>() -> usize {
    let papers = T::samples();
    for paper in &papers {
        let bytes = signed(paper);
        let frame = Frame::read(&bytes).unwrap();
        let message = CoseSign1::from_tagged_slice(&bytes).unwrap();
        let aad = aad(T::KIND, NETWORK.network);
        let digest = to_be_signed(T::KIND, NETWORK, frame.protected, frame.payload);
        assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(message.tbs_data(&aad))), "{:?}", T::KIND);

        assert_eq!(message.protected.original_data.as_deref(), Some(frame.protected));
        assert_eq!(message.payload.as_deref(), Some(frame.payload));
        message
            .verify_signature(&aad, |signature, data| {
                let digest = Sha256::digest(data).into();
                Portable.verify(&key(signer_of(T::KIND)), &digest, signature.try_into().unwrap())
            })
            .unwrap();
        assert_eq!(message.clone().to_tagged_vec().unwrap(), bytes, "written again by coset");
    }
    papers.len()
}

#[test]
fn what_is_signed_is_what_coset_signs() {
    let papers: usize = for_each_kind!(agrees_with_coset).iter().sum();
    println!("{papers} papers of {} kinds", Kind::ALL.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the lengths of the parts, so that every width of a head comes up.
    #[test]
    fn the_digest_is_that_of_the_structure(
        kind in proptest::sample::select(Kind::ALL),
        network in "[a-z]{0,32}",
        protected in proptest::collection::vec(any::<u8>(), 0..300),
        payload in proptest::collection::vec(any::<u8>(), 0..70_000),
    ) {
        let aad = aad(kind, &network);
        let structure = Value::Array(vec![
            "Signature1".into(),
            Value::Bytes(protected.clone()),
            Value::Bytes(aad),
            Value::Bytes(payload.clone()),
        ]);
        let digest = to_be_signed(kind, Context { network: &network }, &protected, &payload);
        prop_assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(cbor(&structure))));

        let pair = Value::Array(vec![Value::Bytes(protected.clone()), Value::Bytes(payload.clone())]);
        prop_assert_eq!(id(&protected, &payload), PaperId(Sha256::digest(cbor(&pair)).into()));
    }

    #[test]
    fn the_envelope_is_that_of_ciborium(
        protected in proptest::collection::vec(any::<u8>(), 0..300),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        chain in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..4),
        signature in any::<[u8; 32]>(),
    ) {
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let certificates: Vec<Value> = chain.iter().map(|c| Value::Bytes(c.to_vec())).collect();
        let unprotected = match certificates.as_slice() {
            [] => vec![],
            [one] => vec![(33.into(), one.clone())],
            _ => vec![(33.into(), Value::Array(certificates))],
        };
        let message = Value::Array(vec![
            Value::Bytes(protected.clone()),
            Value::Map(unprotected),
            Value::Bytes(payload.clone()),
            Value::Bytes(signature.to_vec()),
        ]);
        let bytes = envelope(&protected, &chain, &payload, &signature);
        prop_assert_eq!(bytes, cbor(&Value::Tag(18, Box::new(message))));
    }

    #[test]
    fn a_thumbprint_is_the_digest_of_the_key(coordinates in any::<[u8; 32]>(), y in any::<[u8; 32]>()) {
        let key = PublicKey([coordinates, y].concat().try_into().unwrap());
        let map = Value::Map(vec![
            (1.into(), 2.into()),
            ((-1).into(), 1.into()),
            ((-2).into(), Value::Bytes(coordinates.to_vec())),
            ((-3).into(), Value::Bytes(y.to_vec())),
        ]);
        prop_assert_eq!(key.id().0, <[u8; 32]>::from(Sha256::digest(cbor(&map))));
    }

    #[test]
    fn the_tree_is_that_of_the_definition(leaves in proptest::collection::vec(any::<[u8; 4]>(), 0..70), other in any::<[u8; 32]>()) {
        let tree = Tree::new(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
        prop_assert_eq!(tree.size(), leaves.len());
        prop_assert_eq!(tree.root(), root(&leaves));
        for index in 0..leaves.len() {
            let honest = path(index, &leaves);
            prop_assert_eq!(tree.path(index), honest.clone());
            let leads_to = |at: usize, path: &[[u8; 32]]| {
                root_of_path(leaf_hash(&leaves[index]), at as u64, leaves.len() as u64, path)
            };
            prop_assert_eq!(leads_to(index, &honest), Some(tree.root()));
            for at in 0..honest.len() {
                let mut wrong = honest.clone();
                wrong[at] = other;
                prop_assert_ne!(leads_to(index, &wrong), Some(tree.root()));
                prop_assert_ne!(leads_to(index, &honest[..at]), Some(tree.root()));
            }
            prop_assert_ne!(leads_to(index, &[honest.as_slice(), &[other]].concat()), Some(tree.root()));
            prop_assert_eq!(leads_to(leaves.len(), &honest), None);
        }
    }
}

/// A path that is shorter or longer than its place in a tree of that size is no path, whatever its hashes.
#[test]
fn a_path_has_the_length_of_its_place() {
    for size in 1..=40 {
        let leaves = vec![[0; 4]; size];
        for index in 0..size {
            let length = path(index, &leaves).len();
            for tried in 0..8 {
                let root = root_of_path([1; 32], index as u64, size as u64, &vec![[2; 32]; tried]);
                assert_eq!(root.is_some(), tried == length, "{tried} hashes to {index} of {size}");
            }
        }
    }
}

/// RFC 9679 prints this key and its thumbprint.
#[test]
fn a_thumbprint_is_that_of_the_rfc() {
    let x = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d";
    let y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
    let printed = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";
    let bytes: Vec<u8> = [x, y].concat().as_bytes().chunks(2).map(hex).collect();
    assert_eq!(PublicKey(bytes.try_into().unwrap()).id().to_string(), printed);
}

fn hex(pair: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
}

/// MTH of RFC 9162, 2.1.1, as it is written there: the left half is the greatest power of two below the size.
fn root(leaves: &[[u8; 4]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0][..], leaf].concat()).into(),
        _ => {
            let (left, right) = leaves.split_at(half(leaves.len()));
            Sha256::digest([&[1][..], &root(left), &root(right)].concat()).into()
        }
    }
}

/// PATH of RFC 9162, 2.1.3.1.
fn path(index: usize, leaves: &[[u8; 4]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(half(leaves.len()));
    if index < left.len() {
        [path(index, left), vec![root(right)]].concat()
    } else {
        [path(index - left.len(), right), vec![root(left)]].concat()
    }
}

fn half(size: usize) -> usize {
    1 << (size - 1).ilog2()
}
