//! A refusal as an HTTP answer. It is the merchant kit's, so that a refusal is told in one way by everybody.

pub use purser_merchant::problem::{
    NO_STORE, PROBLEM_CBOR, PROBLEM_ENTRY, PROBLEM_JSON, Problem, Refused, VERSIONS, prefers_cbor,
};
