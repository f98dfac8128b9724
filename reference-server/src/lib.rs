//! Purser's reference server: an issuer, a merchant or a seller of tokens behind one transport shell.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | one TOML file: `[shell]` here, `[issuer]`, `[merchant]` and `[seller]` for the roles |
//! | [`cli`] | the command line, as a function |
//! | [`audit`] | everything that can be checked of an issuer's store |
//! | [`seller`] | tokens, sold by the metered session |
//! | [`sandbox`] | keys, certificates and configurations to try things with |
//! | [`hostile`] | a peer that is hard to deal with on purpose, in a sandbox |
//! | [`role`] | where a role's routes join the shell's own |
//! | [`serve`] | sockets, TLS, limits, and the way of a request to its handler and back |
//! | [`reply`] | a refusal as an HTTP answer |
//! | [`rate`] | token buckets, for addresses here and for agents in the roles |
//! | [`head`] | what was last signed, kept outside of the store |
//! | [`life`] | whether the server is ready, and when it is stopping |
//! | [`store`], [`lookup`] | where decisions are kept, and what a decision must know of those that were |
//! | [`snapshot`] | the state in a file, so that a start need not replay everything |
//! | [`tls`], [`log`] | the certificate and its key; lines on standard error |
//! | [`metrics`] | counters as Prometheus text |
//!
//! A handler meets only whole, bounded requests: the body has arrived, the headers that matter stand once,
//! and the sender is within its rate.

pub mod audit;
pub mod cli;
pub mod config;
pub mod head;
pub mod hooks;
pub mod hostile;
pub mod issuer;
pub mod life;
pub mod log;
pub mod lookup;
pub mod material;
pub mod merchant;
pub mod metrics;
pub mod rate;
pub mod reply;
pub mod role;
pub mod sandbox;
pub mod seller;
pub mod serve;
pub mod snapshot;
pub mod statement;
pub mod store;
pub mod tls;
pub mod wallet;
pub mod writer;

pub use purser_merchant::{clock, pem, random};
