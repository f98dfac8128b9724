//! What holds for any bytes at all: no panic, a verdict at the stage, and nobody else's name.

use std::sync::OnceLock;

use proptest::prelude::*;
use purser_protocol::cert::{Role, TrustAnchors, issue, validate};
use purser_protocol::code::Stage;
use purser_protocol::id::CertificateId;
use sha2::{Digest as _, Sha256};

use super::backend;
use super::ca::{NOW, Setup, contents, items, sign};

/// A chain that passes, made once.
fn good() -> &'static (Vec<Vec<u8>>, TrustAnchors) {
    static GOOD: OnceLock<(Vec<Vec<u8>>, TrustAnchors)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let (chain, root) = Setup::new().make();
        let mut trust = TrustAnchors::new(backend());
        trust.add(&root, &[Role::Issuer, Role::Merchant], &[]).unwrap();
        (chain, trust)
    })
}

/// Judges a chain as whoever made it would present it: named by its own first certificate.
fn present(chain: &[Vec<u8>], now_seconds: u64) -> Result<(), TestCaseError> {
    let shown: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let x5t = CertificateId(Sha256::digest(shown.first().copied().unwrap_or_default()).into());
    for role in [Role::Merchant, Role::Issuer] {
        match validate(&shown, &x5t, role, &good().1, now_seconds) {
            Ok(_) => prop_assert_eq!((chain, role), (&good().0[..], Role::Merchant)),
            Err(fault) => prop_assert_eq!(fault.stage, Stage::Certificates),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn random_bytes_are_no_chain(
        chain in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..5),
        now_seconds: u64,
    ) {
        present(&chain, now_seconds)?;
        for der in &chain {
            prop_assert!(TrustAnchors::new(backend()).add(der, &[Role::Issuer], &[]).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_is_nobody_elses_certificate(place in 0..2_usize, at: prop::sample::Index, bit in 0..8) {
        let mut chain = good().0.clone();
        let at = at.index(chain[place].len());
        chain[place][at] ^= 1u8 << bit;
        present(&chain, NOW)?;
    }

    #[test]
    fn bytes_moved_about_are_nobody_elses_certificate(
        place in 0..2_usize,
        at: prop::sample::Index,
        length in 0..40_usize,
        instead in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut chain = good().0.clone();
        let at = at.index(chain[place].len());
        let end = chain[place].len().min(at + length);
        chain[place].splice(at..end, instead);
        present(&chain, NOW)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever an authority is brought to sign: what passes says so itself.
    #[test]
    fn an_accepted_certificate_holds_its_name_and_its_role(
        at: prop::sample::Index,
        length in 0..4_usize,
        instead in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        static SETUP: OnceLock<(Setup, Vec<Vec<u8>>, TrustAnchors)> = OnceLock::new();
        let (setup, chain, trust) = SETUP.get_or_init(|| {
            let setup = Setup::new();
            let (chain, root) = setup.make();
            let mut trust = TrustAnchors::new(backend());
            trust.add(&root, &[Role::Merchant], &[]).unwrap();
            (setup, chain, trust)
        });
        let parts = items(contents(&chain[0]));
        let mut signed = contents(&parts[0]).to_vec();
        let at = at.index(signed.len());
        let end = signed.len().min(at + length);
        signed.splice(at..end, instead);
        let leaf = sign(&setup.intermediates[0], &signed, &parts[1]);

        let x5t = CertificateId(Sha256::digest(&leaf).into());
        if let Ok(party) = validate(&[&leaf, &chain[1]], &x5t, Role::Merchant, trust, NOW) {
            let holds = |what: &[u8]| leaf.windows(what.len()).any(|window| window == what);
            prop_assert!(holds(issue::subject_uri(&party.id).as_bytes()));
            prop_assert!(holds(&issue::extended_key_usage(party.role)));
            prop_assert!(holds(&party.key.to_sec1()));
            prop_assert!(party.valid.contains(&NOW));
        }
    }
}

#[test]
fn the_chain_of_the_properties_passes() {
    let (chain, trust) = good();
    let shown: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let x5t = CertificateId(Sha256::digest(shown[0]).into());
    assert!(validate(&shown, &x5t, Role::Merchant, trust, NOW).is_ok());
}
