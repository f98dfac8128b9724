//! What the specification asks, held against whatever claims to keep it.
//!
//! [`spec`] holds the text, the registries, the CDDL, the examples and the code against each other; [`run`] puts the
//! vectors to a program under test, [`live`] tests a server over HTTP, and [`results`] is what came of it.
//! [`vectors`] makes the vectors.

mod answer;
pub mod baseline;
mod bytes;
mod clause;
pub mod cli;
pub mod kill;
pub mod live;
pub mod profile;
pub mod report;
pub mod results;
pub mod run;
mod signed;
pub mod spec;
pub mod vectors;
