//! Papers as values and as bytes: one value has one form, and each field its place, type and need.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its case has failed")]

use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use purser_protocol::code::Code::{
    self, CborDuplicateKey, FieldConflict, FieldType, MissingField, UnknownField, VersionUnsupported,
};
use purser_protocol::code::Stage::{self, Encoding, Schema, Version};
use purser_protocol::fault::Fault;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::receipt::Receipt;
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::wire::{Field, Major, Reader, check};

#[path = "support/any.rs"]
mod any;
#[path = "support/cbor.rs"]
mod cbor;
#[path = "support/cddl.rs"]
mod cddl;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/keys.rs"]
mod keys;
#[path = "support/mutate.rs"]
mod mutate;
#[path = "support/samples.rs"]
mod samples;

use any::{Any, claims_any};
use forge::Forge;
use keys::{Gullible, judge, judge_with, key, signed, signer_of};
use mutate::{changed, changes};
use samples::{Claims, Detail, Offer, Rules, Sample, claim, claims, detail, every_rule, for_each_kind, meter};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Runs a property of a kind of paper; a failure names the kind.
fn hold<T: Any, S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    TestRunner::new(config(cases)).run(&strategy, property).unwrap_or_else(|fault| panic!("{:?}: {fault}", T::KIND));
}

/// Reads a payload that takes all of `bytes`.
fn read<T: Paper>(bytes: &[u8]) -> Result<T, Fault> {
    check(bytes)?;
    T::decode(&mut Reader::new(bytes))
}

/// Whether ciborium reads these bytes and writes the same again, and how deep it finds every map sorted.
fn ciborium_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let value: ciborium::Value =
        ciborium::from_reader(bytes).map_err(|error| TestCaseError::fail(format!("ciborium: {error}")))?;
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).unwrap();
    prop_assert_eq!(again.as_slice(), bytes);
    sorted(&value)
}

fn sorted(value: &ciborium::Value) -> Result<(), TestCaseError> {
    match value {
        ciborium::Value::Array(items) => items.iter().try_for_each(sorted),
        ciborium::Value::Map(pairs) => {
            let encoded = |key: &ciborium::Value| {
                let mut bytes = Vec::new();
                ciborium::into_writer(key, &mut bytes).unwrap();
                bytes
            };
            let keys: Vec<_> = pairs.iter().map(|(key, _)| encoded(key)).collect();
            prop_assert!(keys.is_sorted_by(|a, b| a < b), "keys out of order or twice");
            pairs.iter().try_for_each(|(key, value)| sorted(key).and(sorted(value)))
        }
        _ => Ok(()),
    }
}

#[test]
fn what_is_written_is_read_again() {
    fn round_trip<T: Any>() {
        hold::<T, _>(128, T::any(), |paper| {
            let bytes = paper.payload();
            prop_assert_eq!(check(&bytes), Ok(()));
            let again = read::<T>(&bytes);
            prop_assert_eq!(again.as_ref(), Ok(&paper));
            ciborium_agrees(&bytes)
        });
    }
    for_each_kind!(round_trip);
}

/// P13 of the catalogue's properties: what is accepted is what would be written.
#[test]
fn what_is_read_is_in_its_one_form() {
    fn mutated<T: Any>() -> [u32; 3] {
        let counts = std::cell::Cell::new([0; 3]);
        hold::<T, _>(400, (T::any(), changes()), |(paper, changes)| {
            let bytes = changed(&paper.payload(), &changes);
            let verdict = read::<T>(&bytes);
            let mut count = counts.get();
            match &verdict {
                Ok(again) => {
                    count[0] += 1;
                    prop_assert_eq!(again.payload(), bytes.clone());
                }
                Err(fault) if fault.stage == Encoding => count[1] += 1,
                Err(_) => count[2] += 1,
            }
            counts.set(count);
            if check(&bytes).is_ok() { ciborium_agrees(&bytes) } else { Ok(()) }
        });
        counts.get()
    }
    let counts = for_each_kind!(mutated);
    let [accepted, encoding, schema] = [0, 1, 2].map(|at| counts.iter().map(|count| count[at]).sum::<u32>());
    println!("{accepted} changed payloads accepted, {encoding} refused for their CBOR, {schema} for their fields");
    assert!(accepted > 500 && encoding > 500 && schema > 200, "the changes are one-sided");
}

#[test]
fn claims_and_receipts_have_one_form() {
    fn one_form<T: Field + PartialEq + Debug>(value: &T, changes: &[mutate::Change]) -> Result<(), TestCaseError> {
        let bytes = encoded(value);
        let again = decoded::<T>(&bytes);
        prop_assert_eq!(again.as_ref(), Ok(value));
        ciborium_agrees(&bytes)?;
        let bytes = changed(&bytes, changes);
        if let Ok(again) = decoded::<T>(&bytes) {
            prop_assert_eq!(encoded(&again), bytes);
        }
        Ok(())
    }
    let receipts = (proptest::collection::vec(any::<[u8; 32]>(), 0..=16), any::<u64>());
    let strategy = (claims_any(), receipts, changes());
    TestRunner::new(config(512))
        .run(&strategy, |(claims, (path, index), changes)| {
            one_form(&claims, &changes)?;
            one_form(&detail(), &changes)?;
            one_form(&Receipt { claims: encoded(&claims), index, path, root: vec![0xd2] }, &changes)
        })
        .unwrap();
}

#[test]
fn no_bytes_make_a_reader_fall() {
    fn robust<T: Any>() {
        let key = key(signer_of(T::KIND));
        let noise = proptest::collection::vec(any::<u8>(), 0..200);
        let message = prop_oneof![
            noise.clone(),
            noise.clone().prop_map(|bytes| [&[0xd2, 0x84], &bytes[..]].concat()),
            noise.prop_map(|bytes| Forge::of(&T::samples()[0]).with(|f| f.payload = bytes).bytes()),
            changes().prop_map(|changes| changed(&signed(&T::samples()[0]), &changes)),
            (T::any(), changes()).prop_map(|(paper, changes)| {
                Forge::of(&paper).with(|f| f.payload = changed(&f.payload, &changes)).bytes()
            }),
        ];
        hold::<T, _>(200, message, |bytes| {
            if let Ok(paper) = judge_with::<T>(&bytes, &Gullible, &key) {
                let frame = Signed::<T>::read(&bytes).unwrap().frame;
                prop_assert_eq!(paper.payload(), frame.payload);
            }
            let _ = (decoded::<Receipt>(&bytes), decoded::<Claims>(&bytes), decoded::<Detail>(&bytes));
            Ok(())
        });
    }
    for_each_kind!(robust);
}

/// An item of each type, none of them of use.
fn one_of_each_type() -> [(Major, Vec<u8>); 7] {
    [
        (Major::Unsigned, cbor::int(1)),
        (Major::Negative, cbor::int(-1)),
        (Major::Bytes, cbor::bytes(&[])),
        (Major::Text, cbor::text("")),
        (Major::List, cbor::list(&[])),
        (Major::Map, cbor::map(&[])),
        (Major::Simple, vec![0xf5]),
    ]
}

type Verdict = Result<(), (Code, Stage)>;

/// What may be said of a map's fields, each removed, doubled, of another type, and beside unknown ones.
struct MapTest<'a> {
    rule: &'a str,
    map: Vec<u8>,
    unknown: Code,
    judge: &'a dyn Fn(&[u8]) -> Verdict,
}

impl MapTest<'_> {
    /// Returns the labels seen and the number of cases.
    fn run(&self) -> (BTreeSet<i64>, usize) {
        let required = cddl::fields(self.rule);
        let pairs = cbor::pairs(&self.map);
        let mut labels = BTreeSet::new();
        let mut cases = 0;
        let mut judge = |pairs: &[_]| {
            cases += 1;
            (self.judge)(&cbor::map(pairs))
        };
        assert_eq!(judge(&pairs), Ok(()), "{}: the honest one", self.rule);
        for (at, (key, value)) in pairs.iter().enumerate() {
            let label = Reader::new(key).integer().unwrap();
            let name = format!("{} {label}", self.rule);
            labels.insert(label);

            let without = [&pairs[..at], &pairs[at + 1..]].concat();
            match (required.get(&label), judge(&without)) {
                (Some(true), Err((MissingField, Schema))) => {}
                (Some(false), Ok(()) | Err((FieldConflict, Schema))) => {}
                (need, verdict) => panic!("{name} removed: {verdict:?}, required: {need:?}"),
            }
            let doubled = [&pairs[..=at], &pairs[at..]].concat();
            assert_eq!(judge(&doubled), Err((CborDuplicateKey, Encoding)), "{name} doubled");

            let honest = Reader::new(value).peek().unwrap();
            for (major, item) in one_of_each_type().into_iter().filter(|(major, _)| *major != honest) {
                let mut other = pairs.clone();
                other[at].1 = item;
                let expected = if label == -1 { (VersionUnsupported, Version) } else { (FieldType, Schema) };
                assert_eq!(judge(&other), Err(expected), "{name} as {major:?}");
            }
        }
        let known = |key: &[u8]| pairs.iter().any(|(other, _)| other == key);
        let integers = (-60..60).map(cbor::int).filter(|key| {
            let label = Reader::new(key).integer().unwrap();
            !required.contains_key(&label) && !known(key)
        });
        for key in integers.chain([cbor::text("note"), cbor::bytes(b"note"), vec![0xf4]]) {
            let mut more = pairs.clone();
            more.push((key.clone(), cbor::int(1)));
            more.sort();
            assert_eq!(judge(&more), Err((self.unknown, Schema)), "{}: unknown {key:02x?}", self.rule);
        }
        (labels, cases)
    }
}

#[test]
fn every_field_of_every_paper_has_its_place_its_type_and_its_need() {
    fn fields<T: Sample>() -> usize {
        let rule = T::KIND.typ().strip_prefix("purser-").unwrap();
        let mut all = BTreeSet::new();
        let mut cases = 0;
        for paper in T::samples() {
            let honest = Forge::of(&paper);
            let verdict = |payload: &[u8]| {
                let bytes = honest.with(|f| f.payload = payload.to_vec()).bytes();
                judge::<T>(&bytes).map(drop).map_err(|fault| (fault.code, fault.stage))
            };
            let test = MapTest { rule, map: paper.payload(), unknown: UnknownField, judge: &verdict };
            let (labels, count) = test.run();
            all.extend(labels);
            cases += count;
        }
        assert_eq!(all, cddl::fields(rule).into_keys().collect(), "{rule}: fields of the samples and of the CDDL");
        cases
    }
    let cases: usize = for_each_kind!(fields).iter().sum();
    println!("{cases} papers with a field removed, doubled, of another type or unknown");
}

#[test]
fn every_field_of_every_inner_map_has_its_place_its_type_and_its_need() {
    fn verdict<T: Field>(bytes: &[u8]) -> Verdict {
        match decoded::<T>(bytes) {
            Ok(_) => Ok(()),
            Err(fault) if fault.stage == Encoding => Err((fault.code, Encoding)),
            // Where they stand the stage is schema, whatever the code's first one.
            Err(fault) => Err((fault.code, Schema)),
        }
    }
    fn run<T: Field>(rule: &str, value: &T, unknown: Code) -> BTreeSet<i64> {
        MapTest { rule, map: encoded(value), unknown, judge: &verdict::<T> }.run().0
    }
    let labels = |rule| cddl::fields(rule).into_keys().collect::<BTreeSet<_>>();
    let rules = Rules::new(every_rule()).unwrap();
    assert_eq!(run("rules", &rules, Code::RuleUnknown), labels("rules"));
    assert_eq!(run("claims", &claims(), UnknownField), labels("claims"));
    assert_eq!(run("detail", &detail(), UnknownField), labels("detail"));
    assert_eq!(run("meter", &meter(), UnknownField), labels("meter"));
    assert_eq!(run("claim", &claim(), UnknownField), labels("claim"));
    let items = Offer::samples().remove(1).items;
    let of_items: BTreeSet<_> = items.iter().flat_map(|item| run("item", item, UnknownField)).collect();
    assert_eq!(of_items, labels("item"));
}
