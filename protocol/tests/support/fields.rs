//! Any value of what stands in fields, as proptest strategies.

use std::fmt::Debug;
use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use purser_protocol::field::{Bytes, List, Set, True, UpTo};
use purser_protocol::id::{AccountId, Digest, Nonce, PaperId, PartyId, Pseudonym, Text};
use purser_protocol::limits::AMOUNT_MAX;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::{Holder, Language, Shown};
use purser_protocol::paper::rules::{Category, Channel};
use purser_protocol::period::{Period, RollingSeconds, Terms, TimeWindow, Unit, Zone};
use purser_protocol::sign::PublicKey;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Field;

use crate::samples::{NOW, at};

pub(super) fn seconds() -> impl Strategy<Value = UnixSeconds> {
    prop_oneof![Just(0), NOW..NOW + 1_000, Just(253_402_300_799), 0..=253_402_300_799_u64].prop_map(at)
}

/// The first second and the first after: never empty.
pub(super) fn window() -> impl Strategy<Value = (UnixSeconds, UnixSeconds)> {
    (0..200_000_000_000_u64, 1..50_000_000_000_u64).prop_map(|(from, length)| (at(from), at(from + length)))
}

pub(super) fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![1..=30_u64, 1..=AMOUNT_MAX, Just(AMOUNT_MAX)].prop_map(|minor| Amount::from_minor(minor).unwrap())
}

pub(super) fn count() -> impl Strategy<Value = NonZeroU32> {
    prop_oneof![1..=30_u32, 1..=u32::MAX].prop_map(|count| NonZeroU32::new(count).unwrap())
}

pub(super) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..=30_u64, any::<u64>()]
}

pub(super) fn currency() -> impl Strategy<Value = Currency> {
    select(Currency::all().collect::<Vec<_>>())
}

pub(super) fn category() -> impl Strategy<Value = Category> {
    (0..=9_999_u64).prop_map(|category| UpTo::new(category).unwrap())
}

pub(super) fn channel() -> impl Strategy<Value = Channel> {
    select(Channel::ALL)
}

pub(super) fn party() -> impl Strategy<Value = PartyId> {
    "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]".prop_map(|name| PartyId::new(&name).unwrap())
}

/// At most 60 bytes, so that every kind of text holds them.
pub(super) fn words<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> + Clone {
    "[ -~é-ü一-龥]{1,20}".prop_filter_map("not as people write", |words| Text::new(words.get(..MAX).unwrap_or(&words)))
}

pub(super) fn truth() -> impl Strategy<Value = Option<True>> {
    any::<bool>().prop_map(|truth| truth.then_some(True))
}

pub(super) fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..600).prop_map(Bytes)
}

pub(super) fn paper_id() -> impl Strategy<Value = PaperId> {
    any::<[u8; 32]>().prop_map(PaperId)
}

pub(super) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

pub(super) fn nonce() -> impl Strategy<Value = Nonce> {
    any::<[u8; 16]>().prop_map(Nonce)
}

pub(super) fn account() -> impl Strategy<Value = AccountId> {
    any::<[u8; 16]>().prop_map(AccountId)
}

pub(super) fn pseudonym() -> impl Strategy<Value = Pseudonym> {
    any::<[u8; 16]>().prop_map(Pseudonym)
}

/// Not on the curve, as a rule: reading does not look.
pub(super) fn key() -> impl Strategy<Value = PublicKey> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(x, y)| PublicKey([x, y].concat().try_into().unwrap()))
}

pub(super) fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![key().prop_map(Holder::Agent), party().prop_map(Holder::Merchant)]
}

pub(super) fn shown() -> impl Strategy<Value = Shown> {
    (select(&["en", "zh", "zh-CN", "pt-BR"][..]), digest())
        .prop_map(|(tag, rendering)| Shown { language: Language::new(tag).unwrap(), rendering })
}

pub(super) fn zone() -> impl Strategy<Value = Zone> {
    select(&["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"][..])
        .prop_map(|name| Zone::new(name).unwrap())
}

pub(super) fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        (select(&Unit::ALL[..]), zone()).prop_map(|(unit, zone)| Period::Calendar { unit, zone }),
        (1..=RollingSeconds::MAX).prop_map(|seconds| Period::Rolling(RollingSeconds::new(seconds).unwrap())),
        (select(&Unit::ALL[..]), zone(), 0..=4_000_000_000_u64).prop_map(|(unit, zone, anchor)| {
            Period::Terms(Terms { unit, zone, anchor: UnixSeconds::new(anchor).unwrap() })
        }),
    ]
}

pub(super) fn time_window() -> impl Strategy<Value = TimeWindow> {
    (zone(), 1..=127_u8, 0..1_440_u16, 1..=1_440_u16)
        .prop_filter_map("no time", |(zone, days, from, until)| TimeWindow::new(zone, days, from, until))
}

pub(super) fn list<T: Debug, const MAX: usize>(
    item: impl Strategy<Value = T> + 'static,
    most: usize,
) -> BoxedStrategy<List<T, MAX>> {
    vec(item, 1..=most).prop_map(|items| List::new(items).unwrap()).boxed()
}

pub(super) fn set<T: Field + Debug, const MAX: usize>(
    item: impl Strategy<Value = T> + 'static,
    most: usize,
) -> BoxedStrategy<Set<T, MAX>> {
    vec(item, 1..=most).prop_map(|items| Set::new(items).unwrap()).boxed()
}
