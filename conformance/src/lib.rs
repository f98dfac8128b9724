//! What the specification asks, held against whatever claims to keep it.
//!
//! [`spec`] holds the text, the registries, the CDDL, the examples and the code against each other.
//! [`vectors`] makes the test vectors.

pub mod cli;
pub mod spec;
pub mod vectors;
