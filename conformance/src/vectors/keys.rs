//! Keys made from published names. Whoever knows the name has the key: they are for tests, and for nothing else.

use std::cell::Cell;

use purser_protocol::sign::backend::PortableSigner;
use purser_protocol::sign::{PublicKey, Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What each key is for. The order is that of `keys.json`.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("payer", "ann's account"),
    ("payer-2", "a second key of ann's account"),
    ("other-payer", "bob's account"),
    ("agent", "the agent that holds ann's mandate"),
    ("sub-agent", "the agent below it"),
    ("sub-sub-agent", "the agent below that"),
    ("last-agent", "the agent at the end of the longest chain"),
    ("thief", "nobody whom any reader knows"),
    ("issuer", "issuer.example"),
    ("merchant", "tea.example"),
    ("other-merchant", "rice.example"),
    ("root", "the anchor of every chain"),
    ("other-root", "an anchor that nobody was told to trust"),
    ("intermediate", "an authority below the anchor"),
    ("intermediate-2", "an authority below that"),
    ("intermediate-3", "an authority below that"),
];

/// HMAC-SHA256 of a message in two parts.
pub(super) fn hmac(key: &[u8; 32], parts: [&[u8]; 2]) -> [u8; 32] {
    let mut inner = [0x36; 64];
    let mut outer = [0x5c; 64];
    for (at, byte) in key.iter().enumerate() {
        inner[at] ^= byte;
        outer[at] ^= byte;
    }
    let digest = Sha256::new().chain_update(inner).chain_update(parts[0]).chain_update(parts[1]).finalize();
    Sha256::new().chain_update(outer).chain_update(digest).finalize().into()
}

/// The 32 bytes that HKDF-SHA256 draws from a name.
pub(super) fn drawn(name: &str, counter: u8) -> [u8; 32] {
    let salt = SALT_OF_THREAD.get();
    let extracted = hmac(&salt, [name.as_bytes(), &[]]);
    // One block of output: its number, 1, follows the info.
    hmac(&extracted, [&[counter], &[1]])
}

/// `purser-vectors/1`, filled with zeros.
const SALT: [u8; 32] = *b"purser-vectors/1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

thread_local! {
    /// What names are drawn with on this thread.
    static SALT_OF_THREAD: Cell<[u8; 32]> = const { Cell::new(SALT) };
}

/// Does something with keys and numbers that nobody has published: drawn from the same names with another salt.
pub(super) fn minted<T>(seed: u64, make: impl FnOnce() -> T) -> T {
    SALT_OF_THREAD.set(Sha256::new().chain_update(SALT).chain_update(seed.to_be_bytes()).finalize().into());
    let made = make();
    SALT_OF_THREAD.set(SALT);
    made
}

/// The secret of a name: the first of the drawn that is one.
pub(super) fn secret(name: &str) -> [u8; 32] {
    (0..=u8::MAX)
        .map(|counter| drawn(name, counter))
        .find(|s| PortableSigner::from_secret(s).is_some())
        .unwrap_or([1; 32])
}

/// The key of a name.
pub(super) fn public(name: &str) -> PublicKey {
    PortableSigner::from_secret(&secret(name)).map_or(PublicKey([0; 64]), |signer| signer.public_key())
}

/// The signature of a name's key, by RFC 6979.
pub(super) fn sign(name: &str, digest: [u8; 32]) -> [u8; 64] {
    let signer = PortableSigner::from_secret(&secret(name));
    signer.and_then(|signer| signer.sign(&digest).ok()).unwrap_or([0; 64])
}

/// The thumbprint of a name's key.
pub(super) fn thumbprint(name: &str) -> [u8; 32] {
    public(name).id().0
}

/// A number of sixteen bytes that has a name.
pub(super) fn sixteen(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&drawn(name, 0)[..16]);
    out
}

/// A number of thirty-two bytes that has a name.
pub(super) fn thirty_two(name: &str) -> [u8; 32] {
    drawn(name, 0)
}

/// `keys.json`.
pub(super) fn table() -> Value {
    let row = |(name, of): &(&str, &str)| {
        let point = public(name).0;
        json!({
            "name": name, "of": of, "secret": super::hex(&secret(name)), "public": super::hex(&point),
            "thumbprint": super::hex(&thumbprint(name)),
        })
    };
    Value::from(NAMES.iter().map(row).collect::<Vec<_>>())
}
