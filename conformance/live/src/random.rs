//! Random bytes from the system: keys and nonces that no earlier run has used.

use crate::failure::Failure;

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::of_suite(format!("no random bytes: {error}")))?;
    Ok(bytes)
}
