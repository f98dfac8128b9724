//! The certificate profile and paths, as a table: each row is a chain that passes and the same chain
//! with one fault, which must give one code at one stage.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its chain has failed")]

#[path = "certificates/ca.rs"]
mod ca;
#[path = "certificates/path_rows.rs"]
mod path_rows;
#[path = "certificates/properties.rs"]
mod properties;
#[path = "certificates/shape_rows.rs"]
mod shape_rows;
#[path = "certificates/usage_rows.rs"]
mod usage_rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use ca::{AUTHORITY_SECONDS, Draft, LEAF_SECONDS, LIST_AGE_SECONDS_MAX, NOW, Setup, other_signature, shop};
use purser_protocol::cert::{Role, TrustAnchors, chain_digest, revocation_id, validate, validate_x5chain};
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::id::CertificateId;
use purser_protocol::sign::paper::envelope;
use purser_protocol::sign::{Crypto, Frame, Header, Kind, PublicKey, SignerName};
use purser_protocol::wire::Writer;
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
use sha2::{Digest as _, Sha256};

type Change = fn(&mut Setup);

/// One fault and its twin.
pub(crate) struct Row {
    name: &'static str,
    code: Code,
    /// Which certificate the fault is in.
    place: &'static str,
    /// The rows of the catalogue of attacks and of the suite's classes that this one shows.
    shows: &'static [&'static str],
    base: Change,
    good: Change,
    bad: Change,
}

impl Row {
    const fn new(name: &'static str, code: Code, shows: &'static [&'static str], good: Change, bad: Change) -> Self {
        let place = match code {
            Code::CertMissing | Code::CertChainLength | Code::CertUntrusted => "",
            _ => "leaf",
        };
        Self { name, code, place, shows, base: |_| {}, good, bad }
    }

    const fn at(self, place: &'static str) -> Self {
        Self { place, ..self }
    }

    const fn both(self, base: Change) -> Self {
        Self { base, ..self }
    }

    fn setup(&self, change: Change) -> Setup {
        let mut setup = Setup::new();
        (self.base)(&mut setup);
        change(&mut setup);
        setup
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    shape_rows::ROWS.iter().chain(usage_rows::ROWS).chain(path_rows::ROWS)
}

fn backends() -> Vec<&'static dyn Crypto> {
    vec![
        #[cfg(feature = "p256")]
        &purser_protocol::sign::backend::Portable,
        #[cfg(feature = "aws-lc-rs")]
        &purser_protocol::sign::backend::AwsLc,
    ]
}

fn backend() -> &'static dyn Crypto {
    backends()[0]
}

#[test]
fn every_fault_has_its_code_and_every_twin_passes() {
    let mut wrong = Vec::new();
    for (row, crypto) in rows().flat_map(|row| backends().into_iter().map(move |crypto| (row, crypto))) {
        if let Err(fault) = row.setup(row.good).run(crypto) {
            wrong.push(format!("{}: the twin is refused: {fault}", row.name));
        }
        let expected = Fault { part: None, offset: None, ..Fault::new(row.code).field(row.place) };
        match row.setup(row.bad).run(crypto) {
            Ok(_) => wrong.push(format!("{}: accepted", row.name)),
            Err(fault) => {
                let seen = Fault { field: fault.field.or(Some("")), ..fault };
                if seen != expected || seen.stage != Stage::Certificates {
                    wrong.push(format!("{}: {seen}, not {expected}", row.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Classes that no certificate can show, and why.
const ELSEWHERE: &[(&str, &str)] = &[("X26", "two parties' keys are compared where both are known, which is no path")];

#[test]
fn every_code_of_the_stage_and_every_class_has_a_row() {
    let codes: BTreeSet<_> = rows().map(|row| row.code).collect();
    let stage = Code::ALL.iter().copied().filter(|code| code.stages() == [Stage::Certificates]);
    assert_eq!(codes, stage.collect());

    let names: BTreeSet<_> = rows().map(|row| row.name).collect();
    assert_eq!(names.len(), rows().count(), "a name stands twice");

    let shown: BTreeSet<_> = rows().flat_map(|row| row.shows).copied().map(String::from).collect();
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|&(class, _)| class.to_owned()).collect();
    let attacks = (1..=18).map(|number| format!("E{number}"));
    let classes = (1..=26).map(|number| format!("X{number:02}"));
    assert!(shown.is_disjoint(&elsewhere), "shown after all");
    assert_eq!(&shown | &elsewhere, attacks.chain(classes).collect());
}

/// Adds one fault of each clause to a chain, from the last clause to the first: each time the code is
/// that of the fault added last, whatever is wrong further on.
#[test]
fn the_first_clause_that_fails_gives_the_code() {
    let faults: &[(Code, Change)] = &[
        (Code::KeyRetired, |s| s.retired_at_seconds = Some(NOW)),
        (Code::StatusStale, |s| s.list_age_seconds = Some(LIST_AGE_SECONDS_MAX + 1)),
        (Code::CertRevoked, |s| s.revoked = vec![0]),
        (Code::CertUntrusted, |s| s.show = |chain, _| chain.push(chain[1].clone())),
        (Code::CertExpired, |s| ca::set_validity(&mut s.root.params, NOW - 2, NOW - 1)),
        (Code::CertNotYetValid, |s| ca::set_validity(&mut s.leaf.params, NOW + 1, NOW + 2)),
        (Code::CertPathlen, |s| s.root.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
        (Code::CertName, |s| s.anchor_names = vec![".elsewhere"]),
        (Code::CertRole, |s| s.role = Role::Issuer),
        (Code::CertEku, |s| s.leaf.drop_extension(purser_protocol::cert::issue::EXTENDED_KEY_USAGE)),
        (Code::CertKeyUsage, |s| s.leaf.params.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        (Code::CertNotCa, |s| s.intermediates[0].params.is_ca = IsCa::ExplicitNoCa),
        (Code::CertIsCa, |s| {
            s.leaf = Draft::authority("Leaf");
            s.leaf.edit = |_| {};
        }),
        (Code::CertExtension, |s| s.leaf.extend(&[2, 999, 1], vec![5, 0]).set_criticality(false)),
        (Code::CertKeyType, |s| s.leaf.edit = |tbs| *tbs[6].last_mut().unwrap() ^= 1),
        (Code::CertMismatch, |s| s.name = |x5t| x5t.0[0] ^= 1),
        (Code::CertChainLength, |s| s.show = |chain, _| chain.resize(4, chain[1].clone())),
        (Code::CertMalformed, |s| s.intermediates[0].damage = |der| der.push(0)),
        (Code::CertMissing, |s| s.show = |chain, _| chain.clear()),
    ];
    let mut setup = Setup::new();
    for (code, add) in faults {
        add(&mut setup);
        assert_eq!(setup.run(backend()).map_err(|fault| fault.code), Err(*code));
    }
    let clauses: Vec<_> = faults.iter().rev().map(|(code, _)| code.clause().to_owned()).collect();
    assert_eq!(clauses, (1..=19).map(|number| format!("CRT-{number}")).collect::<Vec<_>>());
}

#[test]
fn a_party_is_what_its_certificate_says() {
    let mut setup = Setup::new();
    let party = setup.run(backend()).unwrap();
    assert_eq!((party.id, party.role), (shop(), Role::Merchant));
    assert_eq!(party.key, setup.leaf.public_key());
    assert_eq!(party.categories, [5411, 5812]);
    assert_eq!(party.valid, NOW - LEAF_SECONDS..NOW + LEAF_SECONDS + 1);
    assert_eq!(party.retired_at_seconds, None);

    // The verdict ends with whatever ends first.
    setup.list_age_seconds = Some(LIST_AGE_SECONDS_MAX - 10);
    assert_eq!(setup.run(backend()).unwrap().valid.end, NOW + 11);
    ca::set_validity(&mut setup.root.params, NOW - 5, NOW + 5);
    assert_eq!(setup.run(backend()).unwrap().valid, NOW - 5..NOW + 6);

    // A leaf directly under the anchor, without categories, and an anchor for any name.
    setup = Setup { intermediates: Vec::new(), anchor_names: Vec::new(), ..Setup::new() };
    setup.leaf = Draft::leaf(Role::Merchant, "purser:anyone", &[]);
    let party = setup.run(backend()).unwrap();
    assert_eq!((party.id.as_str(), party.categories), ("anyone", Vec::new()));

    // As many categories as fit.
    setup.leaf = Draft::leaf(Role::Merchant, "purser:anyone", &(0..100).map(|n| n * 100).collect::<Vec<_>>());
    assert_eq!(setup.run(backend()).unwrap().categories.len(), 100);
}

#[test]
fn one_of_several_anchors_is_enough() {
    let setup = Setup::new();
    let (chain, root) = setup.make();
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let x5t = CertificateId(Sha256::digest(chain[0]).into());
    let verdict = |trust: &TrustAnchors| validate(&chain, &x5t, Role::Merchant, trust, NOW).map_err(|fault| fault.code);
    let mut trust = TrustAnchors::new(backend());
    assert_eq!(verdict(&trust), Err(Code::CertUntrusted), "no anchors");

    // The same key under another name is no anchor of this path, and its names say nothing about it.
    let again = |name: &str| {
        let key = rcgen::KeyPair::try_from(setup.root.key.serialized_der()).unwrap();
        Setup { root: Draft { key, ..Draft::authority(name) }, ..Setup::new() }
    };
    trust.add(&again("Another root").make().1, &[Role::Merchant], &[".elsewhere"]).unwrap();
    assert_eq!(verdict(&trust), Err(Code::CertUntrusted), "another name");

    // Of anchors of that name and key the first one's code stands, until one lets the path pass.
    trust.add(&root, &[Role::Merchant], &[".elsewhere"]).unwrap();
    assert_eq!(verdict(&trust), Err(Code::CertName));
    let mut old = again("Root");
    ca::set_validity(&mut old.root.params, NOW - AUTHORITY_SECONDS, NOW - 1);
    let old = old.make().1;
    trust.add(&old, &[Role::Merchant], &[]).unwrap();
    assert_eq!(verdict(&trust), Err(Code::CertName));
    trust.add(&root, &[Role::Issuer], &[]).unwrap();
    assert_eq!(verdict(&trust), Err(Code::CertName), "an anchor for another role");
    trust.add(&root, &[Role::Merchant], &["an.example", "shop.example"]).unwrap();
    assert!(verdict(&trust).is_ok());
}

#[test]
fn a_revocation_names_what_was_signed() {
    let (chain, _) = Setup::new().make();
    let other = other_signature(&chain[0]);
    assert_ne!(chain[0], other);
    assert_eq!(revocation_id(&chain[0]), revocation_id(&other));
    assert_ne!(revocation_id(&chain[0]), revocation_id(&chain[1]));
    assert_eq!(revocation_id(b"no certificate"), Err(Code::CertMalformed.into()));
}

#[test]
fn a_key_stays_retired_from_the_earliest_second() {
    let (chain, root) = Setup::new().make();
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let x5t = CertificateId(Sha256::digest(chain[0]).into());
    let mut trust = TrustAnchors::new(backend());
    trust.add(&root, &[Role::Merchant], &[]).unwrap();
    let key = validate(&chain, &x5t, Role::Merchant, &trust, NOW).unwrap().key;
    for at_seconds in [NOW, NOW + 1, NOW - 1, NOW] {
        trust.retire(key, at_seconds);
    }
    let party = validate(&chain, &x5t, Role::Merchant, &trust, NOW).unwrap();
    assert_eq!(party.retired_at_seconds, Some(NOW - 1));
}

#[test]
fn a_chain_beside_a_paper_is_judged_like_any_other() {
    let (chain, root) =
        Setup { intermediates: vec![Draft::authority("1"), Draft::authority("2")], ..Setup::new() }.make();
    let mut chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let x5t = CertificateId(Sha256::digest(chain[0]).into());
    let mut trust = TrustAnchors::new(backend());
    trust.add(&root, &[Role::Merchant], &[]).unwrap();
    let beside = |chain: &[&[u8]]| {
        let mut protected = Writer::new();
        protected.map(3);
        protected.integer(1);
        protected.integer(-9);
        protected.integer(16);
        protected.text(Kind::Offer.typ());
        protected.integer(34);
        protected.list(2);
        protected.integer(-16);
        protected.bytes(&x5t.0);
        let paper = envelope(&protected.into_bytes(), chain, &[0xa0], &[1; 64]);
        let header = Header::read(&Frame::read(&paper).unwrap(), Kind::Offer).unwrap();
        assert_eq!(header.signer, SignerName::Certificate(x5t));
        validate_x5chain(&header.x5chain, &x5t, Role::Merchant, &trust, NOW)
    };
    assert_eq!(beside(&chain), validate(&chain, &x5t, Role::Merchant, &trust, NOW));
    assert!(beside(&chain).is_ok());
    // Of a longer chain three are kept, and it is longer all the same.
    chain.push(&root);
    assert_eq!(beside(&chain), Err(Code::CertChainLength.into()));
    assert_eq!(beside(&[]), Err(Code::CertMissing.into()));
}

#[test]
fn a_digest_tells_chains_apart() {
    let (one, two): (&[u8], &[u8]) = (b"one", b"two");
    let chains: [&[&[u8]]; 7] = [&[], &[b""], &[one], &[one, two], &[two, one], &[b"onetwo"], &[b"onet", b"wo"]];
    let digests: BTreeMap<_, _> = chains.iter().map(|chain| (chain_digest(chain), chain)).collect();
    assert_eq!(digests.len(), chains.len());
}

/// Counts what hostile chains make a verifier do.
struct Counting(AtomicUsize);

impl Crypto for Counting {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        // A signature of zeros asks whether the key is on the curve, and costs no more than that.
        self.0.fetch_add(usize::from(*signature != [0; 64]), Ordering::Relaxed);
        backend().verify(key, digest, signature)
    }
}

#[test]
fn a_hostile_chain_costs_a_few_signatures() {
    static COUNTING: Counting = Counting(AtomicUsize::new(0));
    let signatures = |change: Change| {
        let mut setup = Setup::new();
        change(&mut setup);
        let before = COUNTING.0.load(Ordering::Relaxed);
        let verdict = setup.run(&COUNTING);
        (verdict.is_ok(), COUNTING.0.load(Ordering::Relaxed) - before)
    };
    // One for each certificate: the last one's finds the anchor.
    assert_eq!(signatures(|_| {}), (true, 2));
    assert_eq!(signatures(|s| s.show = |chain, _| chain.resize(1_001, chain[1].clone())), (false, 0));
    assert_eq!(signatures(|s| s.show = |chain, root| chain.resize(3, root.to_vec())), (false, 1));
    assert_eq!(signatures(|s| s.impostor = true), (false, 1));
}

#[test]
fn a_certificate_may_be_as_long_as_the_limit() {
    // The name is lengthened until a certificate of exactly this length comes out: ECDSA in DER has
    // lengths of its own.
    let mut seen = BTreeSet::new();
    for length in (3_400..3_600).cycle().take(4_000) {
        if seen.len() == 2 {
            return;
        }
        let mut setup = Setup { intermediates: Vec::new(), ..Setup::new() };
        setup.leaf.params.distinguished_name.push(rcgen::DnType::OrganizationName, "a".repeat(length));
        let (chain, root) = setup.make();
        let expected = match chain[0].len() {
            4_096 => Ok(()),
            4_097 => Err(Code::CertMalformed),
            _ => continue,
        };
        let mut trust = TrustAnchors::new(backend());
        trust.add(&root, &[Role::Merchant], &[]).unwrap();
        let x5t = CertificateId(Sha256::digest(&chain[0]).into());
        let verdict = validate(&[&chain[0]], &x5t, Role::Merchant, &trust, NOW);
        assert_eq!(verdict.map(|_| ()).map_err(|fault| fault.code), expected, "{} bytes", chain[0].len());
        seen.insert(chain[0].len());
    }
    panic!("lengths seen: {seen:?}");
}
