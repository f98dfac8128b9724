//! Whatever comes is read or refused: no text makes the bridge panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot begin has failed")]

use proptest::prelude::*;
use purser_ap2::{Asked, Json, verify};
use purser_protocol::bind::base64url::encode;
use purser_protocol::sign::PublicKey;
use purser_protocol::sign::backend::Portable;

fn asked(keys: &[PublicKey]) -> Asked<'_> {
    Asked { now: 1_900_000_000, keys, audience: Some("a"), nonce: Some("n"), checkout: None, merchant: None }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "[a-z_.~]{0,8}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let name = prop_oneof!["[a-z]{1,3}", Just("_sd".to_owned()), Just("...".to_owned()), Just("exp".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec((name, inner), 0..5).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_text(text in "[ -~é]{0,200}") {
        let _ = verify(&text, asked(&[]), &Portable);
    }

    #[test]
    fn any_json_in_a_token(header in json(), payload in json(), shown in prop::collection::vec(json(), 0..4)) {
        let mut text = format!("{}.{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()), encode(&[1; 64]));
        for one in &shown {
            text += &format!("~{}", encode(one.as_bytes()));
        }
        text.push('~');
        let _ = verify(&text, asked(&[PublicKey([1; 64])]), &Portable);
        if let Ok(tokens) = purser_ap2::split(&text) {
            for token in tokens {
                let _ = token.disclosed();
            }
        }
    }

    #[test]
    fn any_bytes_as_json(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::read(&bytes);
    }
}
