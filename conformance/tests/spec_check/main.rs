//! Breaks a copy of the specification in one place at a time and sees the check find it there.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod cases;
mod citations;
mod clauses;
mod command;
mod copy;
mod examples;
mod registries;
