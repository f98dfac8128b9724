//! The suite over HTTP and TLS: it plays every peer of the one under test, hostile ones too.
//!
//! What is known of the one under test comes from its own discovery document, and what is in its books from
//! messages of the suite's own. No verdict rests on how long something takes, none on what another check did: each
//! check has keys, accounts, mandates and offers of its own. A wait that does not end fails its check, and the limit
//! is far above anything that a machine at work needs.

mod agent;
mod answer;
pub mod authority;
mod check;
mod failure;
mod issuer;
mod line;
mod merchant;
mod old_tls;
mod papers;
mod peer;
mod pem;
mod random;
mod run;
mod wallet;

pub use check::{Area, areas};
pub use failure::{Failure, Fault};
pub use line::{Answer, Tamper};
pub use run::{Broken, Options, Outcome, Ran, Role, Subject, run};
