//! What a browser and an authenticator hand over (WebAuthn): the bytes of which a passkey is made, and the bytes by
//! which it says that its person is there.
//!
//! No attestation is asked for: who made the passkey does not matter, only that the account's key vouches for it. So
//! the whole format comes to one JSON object, some fixed places, and a signature by a P-256 key.

use purser_protocol::bind::base64url;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Crypto as _, PublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The person was there, and was asked for a finger, a face or a number; a passkey comes with it.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// A COSE key of P-256 for ES256, as authenticators write it, around its two halves.
const BEFORE_X: [u8; 10] = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const BEFORE_Y: [u8; 3] = [0x22, 0x58, 0x20];

/// Most bytes of a passkey's id.
const ID_MAX: usize = 1_023;

/// The page that passkeys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelyingParty {
    /// Its host.
    pub(crate) id: String,
    /// Scheme, host and port.
    origin: String,
}

impl RelyingParty {
    /// `None` where the page is at a bare address, for which no browser makes a passkey.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let authority = url.strip_prefix("https://")?.split('/').next()?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let is_name = host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[') && !host.is_empty();
        // A browser leaves the port of the scheme away.
        let origin = authority.strip_suffix(":443").unwrap_or(authority);
        is_name
            .then(|| Self { id: host.to_ascii_lowercase(), origin: format!("https://{}", origin.to_ascii_lowercase()) })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Whether a browser says that it was asked this, by this page. [WAL-52]
fn is_asked(bytes: &[u8], what: &str, party: &RelyingParty, challenge: &[u8; 32]) -> bool {
    let Ok(said) = serde_json::from_slice::<ClientData>(bytes) else { return false };
    said.r#type == what
        && base64url::decode(&said.challenge).as_deref() == Some(challenge)
        && said.origin == party.origin
        && !said.cross_origin
}

/// What an authenticator says.
struct AuthenticatorData<'a> {
    flags: u8,
    count: u32,
    /// A new passkey, or extensions.
    rest: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Of this page, with the person there and verified. [WAL-52]
    fn read(bytes: &'a [u8], party: &RelyingParty) -> Option<Self> {
        let (of, rest) = bytes.split_first_chunk::<32>()?;
        let (&[flags], rest) = rest.split_first_chunk::<1>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let is_here = flags & (PRESENT | VERIFIED) == PRESENT | VERIFIED;
        let is_ours = of[..] == Sha256::digest(party.id.as_bytes())[..];
        (is_here && is_ours).then_some(Self { flags, count: u32::from_be_bytes(*count), rest })
    }
}

/// A new passkey.
pub(crate) struct Made<'a> {
    pub(crate) client_data: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl Made<'_> {
    /// Its id, its key, and how often it has signed.
    pub(crate) fn check(&self, party: &RelyingParty, challenge: &[u8; 32]) -> Option<(Vec<u8>, PublicKey, u32)> {
        if !is_asked(self.client_data, "webauthn.create", party, challenge) {
            return None;
        }
        let data = AuthenticatorData::read(self.data, party).filter(|data| data.flags & ATTESTED != 0)?;
        let (_model, rest) = data.rest.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, rest) = rest.split_at_checked(length).filter(|_| (1..=ID_MAX).contains(&length))?;
        let (x, rest) = rest.strip_prefix(&BEFORE_X)?.split_first_chunk::<32>()?;
        let (y, rest) = rest.strip_prefix(&BEFORE_Y)?.split_first_chunk::<32>()?;
        let mut key = [0; 64];
        key[..32].copy_from_slice(x);
        key[32..].copy_from_slice(y);
        let key = PublicKey(key);
        let ends = rest.is_empty() || data.flags & EXTENDED != 0;
        (ends && AwsLc.is_key(&key)).then(|| (id.to_vec(), key, data.count))
    }
}

/// A passkey's word that its person is there.
pub(crate) struct Asserted<'a> {
    pub(crate) client_data: &'a [u8],
    pub(crate) data: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl Asserted<'_> {
    /// How often the passkey has signed now. One that counts has counted on: a copy of it is found out. [WAL-53]
    pub(crate) fn check(
        &self,
        party: &RelyingParty,
        challenge: &[u8; 32],
        key: &PublicKey,
        counted: u32,
    ) -> Option<u32> {
        if !is_asked(self.client_data, "webauthn.get", party, challenge) {
            return None;
        }
        let data = AuthenticatorData::read(self.data, party)?;
        let mut signed = Sha256::new();
        signed.update(self.data);
        signed.update(Sha256::digest(self.client_data));
        AwsLc.verify(key, &signed.finalize().into(), &fixed(self.signature)?).ok()?;
        let counts_on = data.count > counted || (data.count == 0 && counted == 0);
        counts_on.then_some(data.count)
    }
}

/// The two numbers of a signature, which authenticators write as DER.
fn fixed(der: &[u8]) -> Option<[u8; 64]> {
    let [0x30, length, rest @ ..] = der else { return None };
    let mut rest = (usize::from(*length) == rest.len()).then_some(rest)?;
    let mut numbers = [0; 64];
    for half in [0, 32] {
        let [0x02, length, after @ ..] = rest else { return None };
        let (number, after) = after.split_at_checked(usize::from(*length))?;
        let number = match number {
            [0, number @ ..] if number.first().is_some_and(|first| first & 0x80 != 0) => number,
            [first, ..] if *first & 0x80 == 0 => number,
            _ => return None,
        };
        let start = 32_usize.checked_sub(number.len())?;
        numbers[half + start..half + 32].copy_from_slice(number);
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_is_for_a_page_with_a_name() {
        let of = |url: &str| RelyingParty::of(url).map(|party| (party.id, party.origin));
        let named = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
        assert_eq!(of("https://localhost:8441"), named("localhost", "https://localhost:8441"));
        assert_eq!(of("https://Issuer.example"), named("issuer.example", "https://issuer.example"));
        assert_eq!(of("https://issuer.example:443"), named("issuer.example", "https://issuer.example"));
        for bare in ["https://127.0.0.1:8441", "https://[::1]:8441", "http://localhost:8441", "https://", ""] {
            assert_eq!(of(bare), None, "{bare}");
        }
    }

    #[test]
    fn a_signature_has_one_form() {
        let number = |first: u8| [&[first][..], &[7; 31]].concat();
        let der = |r: &[u8], s: &[u8]| {
            let (r, s) = ([&[2, r.len() as u8], r].concat(), [&[2, s.len() as u8], s].concat());
            [&[0x30, (r.len() + s.len()) as u8], &r[..], &s[..]].concat()
        };
        let (low, high) = (number(0x7f), number(0x80));
        let good = der(&low, &[&[0], &high[..]].concat());
        assert_eq!(fixed(&good), Some([&low[..], &high[..]].concat().try_into().unwrap()));
        assert_eq!(fixed(&der(&[1], &[2])).map(|both| (both[31], both[63])), Some((1, 2)));
        let wrong = [
            der(&low, &high),
            der(&[&[0], &low[..]].concat(), &low),
            der(&[], &low),
            der(&[&[0, 0], &high[..]].concat(), &low),
            [&good[..], &[0]].concat(),
            good[..good.len() - 1].to_vec(),
            Vec::new(),
        ];
        for der in wrong {
            assert_eq!(fixed(&der), None, "{der:?}");
        }
    }
}
