//! The six tokens that AP2's documentation prints. They are not part of this project: the test reads them where they
//! are, and says aloud where they are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot begin has failed")]

use std::path::{Path, PathBuf};

use purser_ap2::{Account, Asked, Checkout, jwk, terms, verify};
use purser_protocol::code::Code;
use purser_protocol::id::AccountId;
use purser_protocol::sign::PublicKey;
use purser_protocol::sign::backend::Portable;
use serde_json::Value;

struct Documentation {
    said: Value,
    key: PublicKey,
}

impl Documentation {
    fn read() -> Option<Self> {
        let folder = std::env::var_os("PURSER_EXTERNAL")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/external"), PathBuf::from);
        let folders = [folder, Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/external")];
        let text = folders.iter().find_map(|folder| std::fs::read_to_string(folder.join("ap2/doc-tokens.json")).ok());
        let Some(text) = text else {
            assert!(
                std::env::var_os("PURSER_REQUIRE_ALL").is_none_or(|all| all != "1"),
                "PURSER_REQUIRE_ALL is set, and there is no ap2/doc-tokens.json",
            );
            eprintln!("SKIPPED: no ap2/doc-tokens.json; set PURSER_EXTERNAL to the folder that holds ap2/");
            return None;
        };
        let said: Value = serde_json::from_str(&text).unwrap();
        let key = said["issuer_key_recovered_from_two_signatures"].to_string();
        let key = jwk(&purser_ap2::Json::read(key.as_bytes()).unwrap()).unwrap();
        Some(Self { said, key })
    }

    fn token(&self, name: &str) -> &str {
        self.said["tokens"][name].as_str().unwrap()
    }

    fn asked<'a>(&'a self, family: &str, checkout: Option<&'a Checkout>) -> Asked<'a> {
        let answer = |at: usize| self.said["aud_nonce"][family][at].as_str();
        Asked {
            now: self.said["verify_at"].as_u64().unwrap(),
            keys: std::slice::from_ref(&self.key),
            audience: answer(0),
            nonce: answer(1),
            checkout,
            merchant: None,
        }
    }
}

#[test]
fn all_six_verify() {
    let Some(documentation) = Documentation::read() else { return };
    for family in ["payment", "checkout"] {
        let [open, closed, chain] =
            ["open", "closed", "chain"].map(|part| documentation.token(&format!("{family}_mandate.{part}")));
        assert_eq!(format!("{open}~{closed}"), chain, "a chain is the two");
        let verified = verify(open, documentation.asked(family, None), &Portable).unwrap();
        assert!(verified.closed().is_none());
    }
    let checkout = documentation.token("checkout_mandate.chain");
    let checkout = verify(checkout, documentation.asked("checkout", None), &Portable).unwrap();
    let known = checkout.checkout().unwrap();
    let payment = documentation.token("payment_mandate.chain");
    let payment = verify(payment, documentation.asked("payment", Some(&known)), &Portable).unwrap();
    assert!(payment.closed().is_some());
    // Without the checkout the same chain says nothing of what is paid.
    let alone = documentation.token("payment_mandate.chain");
    let refused = verify(alone, documentation.asked("payment", None), &Portable).unwrap_err();
    assert_eq!(refused.code, Code::BridgeCheckout);
}

#[test]
fn the_printed_limits_come_to_rules() {
    let Some(documentation) = Documentation::read() else { return };
    let asked = documentation.asked("payment", None);
    let chain = verify(documentation.token("payment_mandate.open"), asked, &Portable).unwrap();
    let terms = terms(chain.open().unwrap(), Account(AccountId([7; 16]))).unwrap();
    assert_eq!(terms.currency.code(), "USD");
    assert_eq!(terms.rules.amount_max.unwrap().minor(), 20_000);
    assert_eq!(terms.rules.count.unwrap().get(), 1);
    let merchants: Vec<&str> =
        terms.rules.merchants_allow.as_ref().unwrap().iter().map(|party| party.as_str()).collect();
    assert_eq!(merchants, ["demo-merchant.example"]);
    assert!(terms.reference.is_some());
}

#[test]
fn a_letter_changed_is_seen() {
    let Some(documentation) = Documentation::read() else { return };
    let text = documentation.token("payment_mandate.open");
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verify(&changed, documentation.asked("payment", None), &Portable).is_err(), "letter {at}");
    }
}
