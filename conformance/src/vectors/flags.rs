//! The published flaws of other protocols that cases stand for. `test-vectors/README.md` says what each is.

use purser_test_vectors::Area;

/// A flag, and the cases that stand for it.
pub(super) const FLAGS: &[(&str, &[&str])] = &[
    ("AP2#297", &["bridge/terms/every/monthly", "rules/count-per-rolling-full", "rules/period/month-full"]),
    (
        "AP2#298",
        &[
            "bridge/withheld/payees",
            "bridge/buy/withheld-items",
            "bridge/buy/no-items",
            "schema/rules/none",
            "schema/rules/empty-grant",
            "signature/content/caps-in-transit",
        ],
    ),
    ("AP2#299", &["bridge/member/limit", "bridge/member/unknown", "schema/rules/unknown", "schema/rules/unknown-text"]),
    (
        "AP2#319",
        &[
            "bridge/audience/unasked",
            "bridge/nonce/unasked",
            "payments/intent/another-issuer",
            "payments/mandate/another-issuer",
        ],
    ),
    ("AP2#328", &["bridge/checkout/unknown", "bridge/checkout/other", "payments/single", "payments/single/raised"]),
    ("AP2#331", &["bridge/buy/none", "bridge/buy/none-signed", "headers/alg/text-none", "headers/alg/absent"]),
    (
        "AP2#340",
        &[
            "bridge/terms/budget",
            "bridge/terms/budget-once",
            "bridge/terms/budget-yen",
            "bridge/unmet/budget-yen",
            "bridge/amount/part-of-yen",
            "encoding/amount/double",
            "encoding/amount/half",
            "rules/amount-max",
            "rules/quota-one-above",
        ],
    ),
    ("AP2#346", &["flows/again/same", "payments/taken/second-intent", "payments/taken/single-twice"]),
    ("AP2#358", &["bridge/buy/hash", "payments/intent/another-offer"]),
    ("AP2-sdk-negative-amount", &["bridge/amount/negative", "encoding/amount/negative", "encoding/amount/minus-one"]),
    (
        "AP2-sdk-text-dates",
        &["bridge/unmet/date-zone", "bridge/unmet/date-over", "rules/times-zone", "rules/period/day"],
    ),
    (
        "AP2-sdk-wider-child",
        &[
            "bridge/below/amount",
            "bridge/below/end",
            "payments/chain/wider-amount",
            "payments/chain/wider-merchants",
            "payments/chain/later-above",
        ],
    ),
    ("AP2-sdk-missing-type", &["bridge/type/none", "bridge/type/closed-none", "headers/typ/absent"]),
    (
        "AP2-sdk-x5c",
        &[
            "bridge/signature/x5c",
            "bridge/signature/x5c-ended",
            "bridge/signature/x5c-leaf",
            "certificates/trust/self-signed-leaf",
            "certificates/kind/merchant-issues",
            "certificates/time/leaf-ended",
        ],
    ),
    ("AP2-sdk-instrument-type", &["bridge/unmet/instrument-type"]),
    ("AP2-sdk-pisp-unchecked", &["bridge/unmet/preset-pisp"]),
    ("AP2-sdk-old-types", &["bridge/header/draft-type"]),
    ("AP2-sdk-grace", &["bridge/time/grace"]),
    ("VI-withheld-list", &["signature/content/caps-in-transit", "rules/merchants-allow", "schema/rules/none"]),
    ("VI-unchecked-constraints", &["rules/items-allow", "rules/categories-allow", "rules/amount-max"]),
    ("VI-budget-unenforced", &["rules/quota-one-above", "rules/count-one-more"]),
    (
        "TAP-query-unsigned",
        &["agent/request/query", "merchant/redeem/request-query", "merchant/redeem/request-no-query"],
    ),
    ("TAP-body-unsigned", &["agent/request/body", "merchant/redeem/request-body", "agent/request/method"]),
    ("TAP-nonce-before-signature", &["flows/again/mended"]),
    ("TAP-key-by-bare-name", &["certificates/paper/another-chain", "signature/content/another-key"]),
    ("x402-replay-248", &["merchant/again/another-request", "merchant/again/another-receipt"]),
    ("x402-settle-race", &["flows/again/same", "flows/capture/again"]),
    ("x402-timeout-402", &["agent/answer/payment-required", "agent/answer/nothing", "agent/answer/gateway"]),
    ("x402-cross-resource", &["merchant/redeem/request-path", "agent/request/path", "payments/intent/another-offer"]),
    ("x402-unbound-caller", &["flows/capture/by-another", "merchant/redeem/secret"]),
    ("x402-unsigned-receipt", &["merchant/redeem/forged", "agent/answer/forged"]),
    ("x402-discovery-steering", &["agent/offer/instruction", "http/offer/amount"]),
    ("MPP-partial-binding", &["http/offer/realm", "http/offer/currency", "http/offer/expires"]),
    ("MPP-missing-expires", &["http/offer/expires", "time/offer/ends"]),
    ("MPP-cross-route", &["merchant/redeem/request-query", "merchant/redeem/request-path"]),
    ("MPP-header-cap", &["http/challenge/2049-bytes", "http/credential/too-long"]),
    (
        "ACP-key-forgotten-after-a-day",
        &["flows/again/after-a-day", "flows/again/after-two-days", "flows/capture/again-later"],
    ),
    ("ACP-fresh-after-5xx", &["agent/answer/internal", "agent/answer/not-decided-later"]),
    ("UCP-no-freshness", &["time/command/too-old", "time/suspension/too-old"]),
    ("UCP#664", &["flows/again/offer-high-s", "flows/again/with-mandate"]),
    ("UCP-unverified-mandate", &["payments/signer/mandate-signature", "payments/signer/mandate-by-thief"]),
];

/// Writes the flags into the cases.
pub(super) fn raise(areas: &mut [Area]) {
    for (flag, ids) in FLAGS {
        for case in areas.iter_mut().flat_map(|area| &mut area.cases).filter(|case| ids.contains(&case.id.as_str())) {
            case.flags.push((*flag).to_owned());
        }
    }
}

/// The flags, and the cases that there should be for each.
pub fn flags() -> &'static [(&'static str, &'static [&'static str])] {
    FLAGS
}
