//! The files themselves, so that a program that runs the cases needs none beside it.

/// The areas: the name, and the text of the file.
pub const AREAS: &[(&str, &str)] =
    &[("framing", include_str!("../v1/framing.json")), ("encoding", include_str!("../v1/encoding.json"))];

/// The keys of the cases: `keys.json`.
pub const KEYS: &str = include_str!("../keys.json");

/// The cases that were taken back: `retired.json`.
pub const RETIRED: &str = include_str!("../retired.json");
