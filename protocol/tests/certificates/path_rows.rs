//! Rows about the path: [CRT-13] to [CRT-19].

use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use rcgen::{BasicConstraints, IsCa};

use super::Row;
use super::ca::{
    AUTHORITY_SECONDS, Draft, LEAF_SECONDS, LIST_AGE_SECONDS_MAX, NOW, Setup, other_signature, set_validity,
};

pub(crate) const ROWS: &[Row] = &[
    // [CRT-13]
    Row::new(
        "an intermediate below one that allows none",
        Code::CertPathlen,
        &["E10", "X10"],
        |s| path_length(s, 1),
        |s| path_length(s, 0),
    )
    .at("second intermediate"),
    Row::new(
        "an intermediate below an anchor that allows none",
        Code::CertPathlen,
        &["E10", "X10"],
        |s| root_length(s, 1),
        |s| root_length(s, 0),
    )
    .at("anchor"),
    // [CRT-14]
    Row::new(
        "a second before the leaf's time",
        Code::CertNotYetValid,
        &["E1", "X02", "X03"],
        |s| s.now_seconds = NOW - LEAF_SECONDS,
        |s| {
            s.now_seconds = NOW - LEAF_SECONDS - 1;
        },
    ),
    Row::new(
        "a second before the intermediate's time",
        Code::CertNotYetValid,
        &["E2"],
        |s| starts(&mut s.intermediates[0], 0),
        |s| {
            starts(&mut s.intermediates[0], 1);
        },
    )
    .at("first intermediate"),
    Row::new(
        "a second before the anchor's time",
        Code::CertNotYetValid,
        &[],
        |s| starts(&mut s.root, 0),
        |s| starts(&mut s.root, 1),
    )
    .at("anchor"),
    // [CRT-15]
    Row::new(
        "a second after the leaf's time",
        Code::CertExpired,
        &["E1", "X01"],
        |s| s.now_seconds = NOW + LEAF_SECONDS,
        |s| {
            s.now_seconds = NOW + LEAF_SECONDS + 1;
        },
    ),
    Row::new(
        "a second after the intermediate's time",
        Code::CertExpired,
        &["E2", "X04"],
        |s| ends(&mut s.intermediates[0], 0),
        |s| {
            ends(&mut s.intermediates[0], 1);
        },
    )
    .at("first intermediate"),
    Row::new(
        "a second after the anchor's time",
        Code::CertExpired,
        &["E3", "X05"],
        |s| ends(&mut s.root, 0),
        |s| ends(&mut s.root, 1),
    )
    .at("anchor"),
    Row::new(
        "a leaf that ends before it begins",
        Code::CertExpired,
        &[],
        |s| set_validity(&mut s.leaf.params, NOW - 5, NOW + 5),
        |s| set_validity(&mut s.leaf.params, NOW - 5, NOW - 6),
    ),
    // [CRT-16]
    Row::new("another root of the same name", Code::CertUntrusted, &["E17", "X06"], |_| {}, |s| s.impostor = true),
    Row::new(
        "an anchor that vouches for issuers alone",
        Code::CertUntrusted,
        &["E9"],
        |_| {},
        |s| s.anchor_roles = vec![Role::Issuer],
    ),
    Row::new(
        "the intermediates in the wrong order",
        Code::CertUntrusted,
        &["X24"],
        |s| s.intermediates.push(Draft::authority("Intermediate 2")),
        |s| {
            s.intermediates.push(Draft::authority("Intermediate 2"));
            s.show = |chain, _| chain.swap(1, 2);
        },
    ),
    Row::new(
        "an intermediate twice",
        Code::CertUntrusted,
        &["E13", "X11", "X24"],
        |_| {},
        |s| s.show = |chain, _| chain.push(chain[1].clone()),
    ),
    Row::new(
        "the anchor in the chain",
        Code::CertUntrusted,
        &["E13", "X24"],
        |_| {},
        |s| s.show = |chain, root| chain.push(root.to_vec()),
    ),
    Row::new(
        "a stranger in the chain",
        Code::CertUntrusted,
        &["X24"],
        |_| {},
        |s| {
            s.show = |chain, _| chain.push(Setup::new().make().0.remove(1));
        },
    ),
    Row::new(
        "a sister of the intermediate in the chain",
        Code::CertUntrusted,
        &["X24"],
        |_| {},
        |s| s.sister = Some(Draft::authority("Sister")),
    ),
    Row::new("no intermediate", Code::CertUntrusted, &["X24"], |_| {}, |s| s.show = |chain, _| chain.truncate(1)),
    Row::new(
        "another intermediate of the same name",
        Code::CertUntrusted,
        &["X06"],
        |_| {},
        |s| {
            s.show = |chain, _| chain[1] = Setup::new().make().0.remove(1);
        },
    ),
    Row::new(
        "the leaf's key is its issuer's",
        Code::CertUntrusted,
        &["E13", "X11"],
        |_| {},
        |s| {
            let bytes = s.intermediates[0].key.public_key_raw().to_vec();
            s.leaf.subject_key = Some((&rcgen::PKCS_ECDSA_P256_SHA256, bytes));
        },
    ),
    Row::new(
        "the leaf's signature damaged",
        Code::CertUntrusted,
        &[],
        |_| {},
        |s| s.leaf.damage = |der| *der.last_mut().unwrap() ^= 1,
    ),
    // [CRT-17]
    Row::new("the leaf is revoked", Code::CertRevoked, &["E15", "X23"], |s| revoke(s, &[]), |s| revoke(s, &[0])),
    Row::new(
        "the intermediate is revoked",
        Code::CertRevoked,
        &["E15", "X23"],
        |s| revoke(s, &[]),
        |s| revoke(s, &[1]),
    )
    .at("first intermediate"),
    Row::new("the anchor is revoked", Code::CertRevoked, &["E15", "X23"], |s| revoke(s, &[]), |s| revoke(s, &[2]))
        .at("anchor"),
    Row::new(
        "the leaf is revoked and comes with another signature",
        Code::CertRevoked,
        &["E15"],
        |s| resign(s, &[]),
        |s| resign(s, &[0]),
    ),
    Row::new(
        "the leaf is revoked and the list is stale",
        Code::CertRevoked,
        &["E15"],
        |s| revoke(s, &[]),
        |s| {
            revoke(s, &[0]);
            s.list_age_seconds = Some(LIST_AGE_SECONDS_MAX + 1);
        },
    ),
    // [CRT-18]
    Row::new(
        "a list older than allowed by a second",
        Code::StatusStale,
        &["E15", "X23"],
        |s| s.list_age_seconds = Some(LIST_AGE_SECONDS_MAX),
        |s| {
            s.list_age_seconds = Some(LIST_AGE_SECONDS_MAX + 1);
        },
    )
    .at(""),
    // [CRT-19]
    Row::new(
        "made in the second in which the key was retired",
        Code::KeyRetired,
        &["E18"],
        |s| retire(s, NOW - 1),
        |s| retire(s, NOW),
    )
    .at("iat"),
];

fn path_length(setup: &mut Setup, most: u8) {
    setup.intermediates.push(Draft::authority("Intermediate 2"));
    setup.intermediates[0].params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
}

fn root_length(setup: &mut Setup, most: u8) {
    setup.root.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
}

fn starts(draft: &mut Draft, seconds_late: u64) {
    set_validity(&mut draft.params, NOW + seconds_late, NOW + AUTHORITY_SECONDS);
}

fn ends(draft: &mut Draft, seconds_early: u64) {
    set_validity(&mut draft.params, NOW - AUTHORITY_SECONDS, NOW - seconds_early);
}

fn revoke(setup: &mut Setup, places: &[usize]) {
    setup.revoked = places.to_vec();
    setup.list_age_seconds = Some(0);
}

fn resign(setup: &mut Setup, places: &[usize]) {
    revoke(setup, places);
    setup.show = |chain, _| chain[0] = other_signature(&chain[0]);
}

fn retire(setup: &mut Setup, made_at_seconds: u64) {
    setup.retired_at_seconds = Some(NOW);
    setup.made_at_seconds = made_at_seconds;
}
