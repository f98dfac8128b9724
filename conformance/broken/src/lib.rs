//! The reference implementation with one named fault at a time.
//!
//! No program that anybody ships links this crate. The sources are those of the protocol and of its shim, with a
//! switch at each line that a fault of `faults.toml` is about; without a fault it is the reference.
#![allow(warnings, reason = "the sources are checked where they stand")]

extern crate self as purser_protocol;

/// Which fault is on.
pub mod broken {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{LazyLock, Mutex, PoisonError};

    static FAULT: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// A named fault.
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

    /// Turns a fault on, for as long as the process runs; whether there is one of this name.
    pub fn turn_on(name: &str) -> bool {
        let number = FAULTS.iter().position(|fault| fault.name == name);
        FAULT.store(number.unwrap_or(usize::MAX), Ordering::Relaxed);
        number.is_some()
    }

    /// A verdict on a signature, asked for once.
    pub(crate) fn once(key: &[u8], digest: &[u8], signature: &[u8], ask: impl FnOnce() -> bool) -> Result<(), ()> {
        static KNOWN: LazyLock<Mutex<HashMap<Vec<u8>, bool>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = *known.entry([key, digest, signature].concat()).or_insert_with(ask);
        verified.then_some(()).ok_or(())
    }

    #[inline]
    pub(crate) fn is(number: usize) -> bool {
        if let Some(reached) = REACHED.get(number) {
            reached.store(true, Ordering::Relaxed);
        }
        FAULT.load(Ordering::Relaxed) == number
    }

    /// Which switches were asked for. A case that asks for none of a fault's comes out with it as without.
    static REACHED: [AtomicBool; FAULTS.len()] = [const { AtomicBool::new(false) }; FAULTS.len()];

    /// The names of the faults whose switches were asked for since this was asked last.
    pub fn reached() -> Vec<&'static str> {
        let asked = FAULTS.iter().zip(&REACHED).filter(|(_, reached)| reached.swap(false, Ordering::Relaxed));
        asked.map(|(fault, _)| fault.name).collect()
    }
}

include!(concat!(env!("OUT_DIR"), "/sources/lib.rs"));

pub mod program;
