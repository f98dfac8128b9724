//! The simulator with one named bug at a time in what it drives.
//!
//! No program that anybody ships links this crate. The sources are those of the protocol, of the server's writer and
//! of the simulator, with a switch at each line that a bug of `faults.toml` is about; without a bug it is the
//! simulator.
#![allow(warnings, reason = "the sources are checked where they stand")]

extern crate self as purser_protocol;

/// Which bug is on.
pub mod broken {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static FAULT: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// A named bug.
    #[derive(Clone, Copy, Debug)]
    pub struct Fault {
        /// Its name.
        pub name: &'static str,
        /// What a program with it does.
        pub says: &'static str,
        /// The clauses that it breaks.
        pub clauses: &'static [&'static str],
    }

    include!(concat!(env!("OUT_DIR"), "/sources/faults.rs"));

    /// Turns a bug on, or all off; whether there is one of this name.
    pub fn turn_on(name: Option<&str>) -> bool {
        let number = FAULTS.iter().position(|fault| Some(fault.name) == name);
        FAULT.store(number.unwrap_or(usize::MAX), Ordering::Relaxed);
        number.is_some() == name.is_some()
    }

    #[inline]
    pub(crate) fn is(number: usize) -> bool {
        FAULT.load(Ordering::Relaxed) == number
    }
}

include!(concat!(env!("OUT_DIR"), "/sources/lib.rs"));
