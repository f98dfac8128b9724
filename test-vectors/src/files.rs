//! The files themselves, so that a program that runs the cases needs none beside it.

macro_rules! areas {
    ($($name:literal)+) => {
        /// The areas: the name, and the text of the file.
        pub const AREAS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../v1/", $name, ".json")))),+];
    };
}

areas! {
    "framing"
    "encoding"
    "headers"
    "certificates"
    "signature"
    "schema"
    "rules"
    "time"
    "payments"
    "mandates"
    "flows"
    "accounts"
    "confirmations"
    "receipts"
    "log"
    "http"
    "rendering"
    "tokens"
    "bridge"
    "codes"
    "disputes"
    "agent"
    "merchant"
    "wallet"
}

/// The keys of the cases: `keys.json`.
pub const KEYS: &str = include_str!("../keys.json");

/// The cases that were taken back: `retired.json`.
pub const RETIRED: &str = include_str!("../retired.json");
