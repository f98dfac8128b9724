//! The path: [CRT-13] to [CRT-18].

use purser_protocol::code::Code::{CertExpired, CertNotYetValid, CertPathlen, CertRevoked, CertUntrusted, StatusStale};

use super::super::certs::{BASIC_CONSTRAINTS, Draft, NOT_AFTER, NOT_BEFORE, Role, p256_key, revocation_id};
use super::super::keys;
use super::super::papers::NOW;
use super::super::sheet::Shows;
use super::{Chains, LIST_SECONDS, Setup, leaf_below};

pub(super) fn rows(t: &mut Chains<'_>) {
    lengths(t);
    times(t);
    trust(t);
    revocations(t);
}

fn limit(draft: &mut Draft, most: u8) {
    draft.replace(&BASIC_CONSTRAINTS, true, vec![0x30, 6, 1, 1, 0xff, 2, 1, most]);
}

fn two(s: &mut Setup) {
    s.intermediates =
        vec![Draft::authority("intermediate", "root"), Draft::authority("intermediate-2", "intermediate")];
    s.leaf = leaf_below("intermediate-2");
}

fn lengths(t: &mut Chains<'_>) {
    let x10 = Shows("X10", "E10");
    t.beside(
        "pathlen/intermediate",
        "An intermediate below one that allows none",
        x10,
        CertPathlen,
        [
            |s| {
                two(s);
                limit(&mut s.intermediates[0], 1);
            },
            |s| {
                two(s);
                limit(&mut s.intermediates[0], 0);
            },
        ],
    );
    t.beside(
        "pathlen/anchor",
        "An intermediate below an anchor that allows none",
        x10,
        CertPathlen,
        [|s| limit(&mut s.root, 1), |s| limit(&mut s.root, 0)],
    );
    t.beside(
        "pathlen/anchor-two",
        "Two intermediates below an anchor that allows one",
        x10,
        CertPathlen,
        [
            |s| {
                two(s);
                limit(&mut s.root, 2);
            },
            |s| {
                two(s);
                limit(&mut s.root, 1);
            },
        ],
    );
    t.accept("pathlen/last-zero", "The last intermediate allows none below it", Shows::default(), "CRT-13", |s| {
        limit(&mut s.intermediates[0], 0)
    });
}

fn times(t: &mut Chains<'_>) {
    let (x01, x02) = (Shows("X01", "E1"), Shows("X02 X03", "E1"));
    t.beside(
        "time/leaf-begins",
        "The leaf begins a second later",
        x02,
        CertNotYetValid,
        [|s| s.leaf.valid(NOW, NOT_AFTER), |s| s.leaf.valid(NOW + 1, NOT_AFTER)],
    );
    t.beside(
        "time/intermediate-begins",
        "The intermediate begins a second later",
        Shows("X02", "E2"),
        CertNotYetValid,
        [|s| s.intermediates[0].valid(NOW, NOT_AFTER), |s| s.intermediates[0].valid(NOW + 1, NOT_AFTER)],
    );
    t.beside(
        "time/anchor-begins",
        "The anchor begins a second later",
        Shows("X02", "E3"),
        CertNotYetValid,
        [|s| s.root.valid(NOW, NOT_AFTER), |s| s.root.valid(NOW + 1, NOT_AFTER)],
    );
    t.beside(
        "time/leaf-ended",
        "The leaf ended a second before",
        x01,
        CertExpired,
        [|s| s.leaf.valid(NOT_BEFORE, NOW), |s| s.leaf.valid(NOT_BEFORE, NOW - 1)],
    );
    t.beside(
        "time/intermediate-ended",
        "The intermediate ended a second before",
        Shows("X04", "E2"),
        CertExpired,
        [|s| s.intermediates[0].valid(NOT_BEFORE, NOW), |s| s.intermediates[0].valid(NOT_BEFORE, NOW - 1)],
    );
    t.beside(
        "time/anchor-ended",
        "The anchor ended a second before",
        Shows("X05", "E3"),
        CertExpired,
        [|s| s.root.valid(NOT_BEFORE, NOW), |s| s.root.valid(NOT_BEFORE, NOW - 1)],
    );
    t.refuse("time/anchor-ended-long-ago", "The anchor ended a year before", Shows("X05", "E3"), CertExpired, |s| {
        s.root.valid(NOT_BEFORE, NOW - 31_536_000)
    });
    t.refuse("time/ends-before-it-begins", "A leaf that ends before it begins", x01, CertExpired, |s| {
        s.leaf.valid(NOW - 5, NOW - 6)
    });
    t.refuse("time/long-ago", "A leaf of fifty years ago", x01, CertExpired, |s| s.leaf.valid(0, 86_400));
    // Nothing is allowed for the difference of clocks.
    t.refuse("time/no-skew", "The leaf begins ten seconds later", x02, CertNotYetValid, |s| {
        s.leaf.valid(NOW + 10, NOT_AFTER)
    });
}

fn trust(t: &mut Chains<'_>) {
    let (x06, x24) = (Shows("X06", "E17"), Shows("X24", "E13"));
    t.refuse("trust/another-root", "Another root of the same name", x06, CertUntrusted, |s| {
        s.impostor = Some(Draft::authority("root", "root").but(|d| {
            d.key_info = p256_key(&keys::public("other-root").0);
            d.signer = "other-root";
        }));
    });
    t.refuse("trust/unknown-root", "A root that nobody was told to trust", x06, CertUntrusted, |s| {
        s.impostor = Some(Draft::authority("other-root", "other-root"))
    });
    t.refuse("trust/self-signed-leaf", "A leaf that certifies itself", x06, CertUntrusted, |s| {
        s.intermediates.clear();
        s.leaf = Draft::leaf("merchant", Role::Merchant, "tea.example", &[], "merchant");
    });
    t.refuse("trust/attackers-chain", "A whole chain below a root of the attacker's", x06, CertUntrusted, |s| {
        s.intermediates = vec![Draft::authority("intermediate", "other-root")];
    });
    t.refuse("trust/attackers-root-in-chain", "The attacker's root in the chain", x06, CertUntrusted, |s| {
        s.intermediates =
            vec![Draft::authority("other-root", "other-root"), Draft::authority("intermediate", "other-root")];
    });
    t.refuse(
        "trust/issuers-only",
        "An anchor that vouches for issuers alone",
        Shows("X06 X16", "E9"),
        CertUntrusted,
        |s| s.anchor_role = Some("issuer"),
    );
    t.refuse("trust/no-intermediate", "The intermediate left out", x24, CertUntrusted, |s| {
        s.show = |chain, _| chain.truncate(1)
    });
    t.refuse("trust/intermediate-twice", "The intermediate twice", x24, CertUntrusted, |s| {
        s.show = |chain, _| chain.push(chain[1].clone())
    });
    t.refuse("trust/anchor-in-chain", "The anchor in the chain", x24, CertUntrusted, |s| {
        s.show = |chain, root| chain.push(root.to_vec())
    });
    t.refuse("trust/stranger", "A stranger at the end of the chain", x24, CertUntrusted, |s| {
        s.show = |chain, _| chain.push(Draft::authority("intermediate-3", "root").der())
    });
    t.refuse_like(
        "trust/swapped",
        "Two intermediates in the other order",
        x24,
        CertUntrusted,
        ("length/four-twin", |s| {
            two(s);
            s.show = |chain, _| chain.swap(1, 2);
        }),
    );
    t.refuse("trust/same-name", "Another intermediate of the same name", Shows("X06", "E17"), CertUntrusted, |s| {
        s.show = |chain, _| {
            let other = Draft::authority("intermediate", "root")
                .but(|d| d.key_info = p256_key(&keys::public("intermediate-2").0));
            chain[1] = other.der();
        };
    });
    t.refuse(
        "trust/leaf-holds-issuers-key",
        "The leaf's key is its issuer's",
        Shows("X11 X26", "E13"),
        CertUntrusted,
        |s| s.leaf.key_info = p256_key(&keys::public("intermediate").0),
    );
    t.refuse(
        "trust/leaf-holds-anchors-key",
        "The leaf's key is the anchor's",
        Shows("X11 X26", "E13"),
        CertUntrusted,
        |s| s.leaf.key_info = p256_key(&keys::public("root").0),
    );
    t.refuse("trust/signature", "A bit of the leaf's signature changed", Shows("X06", "E17"), CertUntrusted, |s| {
        s.leaf.damage = |mut der| {
            let last = der.len() - 1;
            der[last] ^= 1;
            der
        };
    });
    t.refuse(
        "trust/signature-not-der",
        "The leaf's signature as r and s side by side",
        Shows("S10", "E17"),
        CertUntrusted,
        |s| s.leaf.damage = super::super::certs::bare_signature,
    );
    t.refuse(
        "trust/intermediate-signature",
        "A bit of the intermediate's signature changed",
        Shows("X06", "E17"),
        CertUntrusted,
        |s| {
            s.intermediates[0].damage = |mut der| {
                let last = der.len() - 1;
                der[last] ^= 1;
                der
            };
        },
    );
    t.refuse("trust/another-issuer-name", "The leaf names another issuer", Shows("X06", "E17"), CertUntrusted, |s| {
        s.leaf.issuer = super::super::certs::name("intermediate-2")
    });
}

fn revocations(t: &mut Chains<'_>) {
    let x23 = Shows("X23", "E15");
    let none: super::Change = |s| s.revoked = Some((Vec::new(), 0));
    t.beside(
        "revoked/leaf",
        "The leaf is revoked",
        x23,
        CertRevoked,
        [none, |s| s.revoked = Some((vec![revocation_id(&s.leaf)], 0))],
    );
    t.beside(
        "revoked/intermediate",
        "The intermediate is revoked",
        x23,
        CertRevoked,
        [
            |s| s.revoked = Some((vec![revocation_id(&leaf_below("root"))], 0)),
            |s| s.revoked = Some((vec![revocation_id(&s.intermediates[0])], 0)),
        ],
    );
    t.refuse("revoked/anchor", "The anchor is revoked", x23, CertRevoked, |s| {
        s.revoked = Some((vec![revocation_id(&s.root)], 0))
    });
    t.refuse(
        "revoked/other-signature",
        "The leaf is revoked, and comes with another signature of its issuer's",
        x23,
        CertRevoked,
        |s| {
            s.revoked = Some((vec![revocation_id(&s.leaf)], 0));
            s.leaf.damage = other_signature;
        },
    );
    t.accept(
        "revoked/not-by-x5t",
        "The hash of the whole certificate in the list: a list names what was signed",
        x23,
        "CRT-17",
        |s| {
            use sha2::Digest as _;
            let hash: [u8; 32] = sha2::Sha256::digest(s.leaf.der()).into();
            s.revoked = Some((vec![hash], 0));
        },
    );
    t.refuse("revoked/stale-too", "The leaf is revoked, and the list is stale", x23, CertRevoked, |s| {
        s.revoked = Some((vec![revocation_id(&s.leaf)], LIST_SECONDS + 1))
    });
    t.refuse("revoked/stale-by-a-year", "A list of a year ago", x23, StatusStale, |s| {
        s.revoked = Some((Vec::new(), LIST_SECONDS + 31_536_000))
    });
    t.beside(
        "revoked/stale",
        "A list older than allowed by a second",
        x23,
        StatusStale,
        [|s| s.revoked = Some((Vec::new(), LIST_SECONDS)), |s| s.revoked = Some((Vec::new(), LIST_SECONDS + 1))],
    );
}

/// The certificate with the other s of its signature: as good, and other bytes.
fn other_signature(der: Vec<u8>) -> Vec<u8> {
    super::super::certs::other_signature(&der)
}
