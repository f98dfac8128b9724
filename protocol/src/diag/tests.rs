use super::*;
use crate::code::{Code, Stage};
use crate::field::encoded;
use crate::id::{CertificateId, Digest, Nonce, PartyId, Text};
use crate::money::{Amount, Currency};
use crate::receipt::tree::{Tree, leaf_hash};
use crate::receipt::{Claims, Outcome};
use crate::sign::backend::{Portable, PortableSigner};
use crate::sign::{Signer as _, sign, sign_by_certificate};
use crate::time::UnixSeconds;

const CONTEXT: Context<'static> = Context { network: "sandbox" };

fn signer() -> PortableSigner {
    PortableSigner::from_secret(&[7; 32]).unwrap()
}

fn intent() -> Vec<u8> {
    let intent = Intent {
        issuer: PartyId::new("issuer.example").unwrap(),
        issued_at: UnixSeconds::new(1_793_500_000).unwrap(),
        mandate: PaperId([1; 32]),
        offer: PaperId([2; 32]),
        amount: Amount::from_minor(1_280).unwrap(),
        currency: Currency::from_code("CNY").unwrap(),
        secret_hash: Digest([3; 32]),
        channel: None,
        device: None,
        period: None,
        chains: None,
    };
    sign(&intent, CONTEXT, &signer()).unwrap()
}

fn cancel() -> Vec<u8> {
    let cancel = Cancel {
        issuer: PartyId::new("issuer.example").unwrap(),
        issued_at: UnixSeconds::new(1_793_500_000).unwrap(),
        nonce: Nonce([4; 16]),
        intent: crate::field::Bytes(intent()),
        offer: None,
    };
    sign(&cancel, CONTEXT, &signer()).unwrap()
}

fn receipt() -> Vec<u8> {
    let at = UnixSeconds::new(1_793_500_000).unwrap();
    let command = Some(PaperId([9; 32]));
    let claims = encoded(&Claims { command, ..Claims::new(Outcome::Recorded, at, Nonce([5; 16])) });
    let tree = Tree::new(vec![leaf_hash(b"other"), leaf_hash(&claims)]);
    let root = Root {
        issued_at: at,
        tree_root: Digest(tree.root()),
        tree_size: 2.try_into().unwrap(),
        batch: 0,
        log_root: Digest([6; 32]),
        log_size: 1,
        network: Text::new("sandbox").unwrap(),
    };
    let root = sign_by_certificate(&root, CONTEXT, &signer(), CertificateId([8; 32]), &[]).unwrap();
    encoded(&Receipt { claims, index: 1, path: tree.path(1), root })
}

fn own_key(_: &Header<'_>, _: Kind, _: &Frame<'_>) -> Result<Option<PublicKey>, Fault> {
    Ok(Some(signer().public_key()))
}

fn no_key(_: &Header<'_>, _: Kind, _: &Frame<'_>) -> Result<Option<PublicKey>, Fault> {
    Ok(None)
}

#[test]
fn labels_are_shown_with_their_names() {
    let text = show(&intent()).unwrap();
    for part in [
        "18([\n  / protected / << {\n    / alg / 1: -9,\n    / kid / 4: h'",
        "/ typ / 16: \"purser-intent\"",
        "/ unprotected / {}",
        "/ aud / 3: \"issuer.example\"",
        "/ iat / 6: 1793500000 / 2026-11-01T02:26:40Z /",
        "/ amount / -5: 1280",
        "/ currency / -6: \"CNY\"",
        "/ mandate / -2: h'0101",
        "/ signature / h'",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let text = show(&cancel()).unwrap();
    assert!(text.contains("/ enclosed / -44: << 18([\n"), "{text}");
    assert!(text.contains("\"purser-intent\""));
    let text = show(&receipt()).unwrap();
    assert!(text.contains("/ outcome / -8: 9 / recorded /"), "{text}");
    assert!(text.contains("/ index / 1") && text.contains("/ tree_size / -47: 2"), "{text}");
}

#[test]
fn any_item_is_shown() {
    for (bytes, text) in [
        (&b"\x00"[..], "0"),
        (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "-18446744073709551616"),
        (b"\x38\x18", "-25"),
        (b"\xa1\x61a\x82\xf5\x62\x5c\x22", r#"{"a": [true, "\\\""]}"#),
        (b"\xa2\x01\x80\x02\x42\x01\x02", "{1: [], 2: h'0102'}"),
    ] {
        assert_eq!(show(bytes).unwrap(), format!("{text}\n"));
    }
    assert_eq!(show(b"\xa1\x01").unwrap_err().code, Code::CborTruncated);
    assert_eq!(show(&vec![0; 65_537]).unwrap_err().code, Code::MessageTooLarge);
}

#[test]
fn a_paper_is_examined_in_the_order_of_the_stages() {
    let paper = intent();
    let examined = examine(&paper, CONTEXT, &Portable, &own_key).unwrap();
    assert_eq!((examined.kind, examined.is_signature_checked), (Kind::Intent, true));
    assert!(!examine(&paper, CONTEXT, &Portable, &no_key).unwrap().is_signature_checked);
    let other = Context { network: "other" };
    let fault = examine(&paper, other, &Portable, &own_key).unwrap_err();
    assert_eq!(
        (fault.code, fault.stage, fault.offset),
        (Code::SignatureInvalid, Stage::Signature, Some(paper.len() - 64))
    );

    // A typ that nobody knows.
    let at = paper.windows(6).position(|window| window == b"intent").unwrap();
    let mut unknown = paper.clone();
    unknown[at] = b'x';
    let fault = examine(&unknown, CONTEXT, &Portable, &own_key).unwrap_err();
    assert_eq!((fault.code, fault.stage), (Code::TypeMismatch, Stage::Headers));

    // A currency that is none, in a paper whose signature is not looked at.
    let at = paper.windows(3).position(|window| window == b"CNY").unwrap();
    let mut odd = paper;
    odd[at] = b'X';
    let fault = examine(&odd, CONTEXT, &Portable, &no_key).unwrap_err();
    assert_eq!((fault.code, fault.stage, fault.offset), (Code::CurrencyUnknown, Stage::Schema, Some(at - 1)));
    assert_eq!(examine(&odd, CONTEXT, &Portable, &own_key).unwrap_err().code, Code::SignatureInvalid);
}

#[test]
fn a_receipts_faults_are_counted_from_its_own_start() {
    let bytes = receipt();
    let judge = |bytes: &[u8]| examine_receipt(bytes, |root| examine(root, CONTEXT, &Portable, &own_key));
    let (receipt, examined) = judge(&bytes).unwrap();
    assert_eq!((receipt.index, examined.kind), (1, Kind::Root));

    let at = bytes.windows(7).rposition(|window| window == b"sandbox").unwrap();
    let mut odd = bytes.clone();
    odd[at] = 0;
    let fault = judge(&odd).unwrap_err();
    assert_eq!((fault.code, fault.offset), (Code::TextInvalid, Some(at - 1)));

    let at = bytes.windows(4).position(|window| window == [5; 4]).unwrap();
    let mut odd = bytes;
    odd[at] ^= 1;
    let fault = judge(&odd).unwrap_err();
    assert_eq!((fault.code, fault.part), (Code::PathInvalid, Some(Part::Receipt)));
}

#[test]
fn no_flipped_bit_is_a_panic_or_passes_for_the_same() {
    for whole in [intent(), cancel(), receipt()] {
        for place in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[place / 8] ^= 1 << (place % 8);
            if let Err(fault) = show(&bytes) {
                assert!(fault.offset.is_some_and(|offset| offset <= bytes.len()), "{fault} at bit {place}");
            }
            let _ = match Form::of(&bytes) {
                Form::Receipt => examine_receipt(&bytes, |root| examine(root, CONTEXT, &Portable, &no_key)).map(|_| ()),
                _ => examine(&bytes, CONTEXT, &Portable, &no_key).map(|_| ()),
            };
            // Signatures are slow: one bit of each byte.
            if place % 8 != place / 8 % 8 {
                continue;
            }
            let passes = match Form::of(&bytes) {
                Form::Receipt => examine_receipt(&bytes, |root| examine(root, CONTEXT, &Portable, &own_key)).is_ok(),
                _ => examine(&bytes, CONTEXT, &Portable, &own_key).is_ok(),
            };
            assert!(!passes, "bit {place}");
        }
    }
}

#[test]
fn every_prefix_says_where_it_ends() {
    for whole in [intent(), receipt()] {
        for end in 0..whole.len() {
            let fault = show(&whole[..end]).unwrap_err();
            assert!(fault.offset.is_some_and(|offset| offset <= end), "{fault}");
        }
    }
}
