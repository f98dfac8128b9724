//! What stands in a code: an address with a short id, or a signed offer.

use std::fmt;

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::id::Nonce;
use purser_protocol::sign::Frame;

use crate::base45;

/// The longest address: as much as a code of 25 by 25 modules holds at level M. [COD-1]
pub const ADDRESS_CHARS_MAX: usize = 38;
/// The longest text of an offer: as much as a code of version 10 holds at level M. [COD-2]
pub const OFFER_CHARS_MAX: usize = 311;

/// The letters of a short id: those that are not taken for each other.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SHORT_CHARS: usize = 10;
const SCHEME: &str = "HTTPS://";
const PATH: &str = "/Q/";
const OFFER: &str = "PURSER:";

/// The protected header of an offer, up to the digest of the certificate.
const HEADER: &[u8] = b"\xa3\x01\x28\x10\x6cpurser-offer\x18\x22\x82\x2f\x58\x20";
const DIGEST_BYTES: usize = 32;
/// As many bytes of it as a code holds: enough to find the certificate among those that are known.
const HINT_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 64;

/// What a code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Where its offer is to be had.
    Address(Address),
    /// The offer.
    Offer(Whole),
}

/// A signed offer, but for the most of its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    hint: [u8; HINT_BYTES],
    signature: [u8; SIGNATURE_BYTES],
    payload: Vec<u8>,
}

/// The first 50 bits of an offer's `cti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Short([u8; SHORT_CHARS]);

/// An address with a short id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    /// Whose offer it is of.
    pub short: Short,
}

impl Form {
    /// Reads the text of a code. Code: `code-form`. [COD-1] [COD-2]
    pub fn read(text: &str) -> Result<Self, Fault> {
        let wrong = || Fault::new(Code::CodeForm);
        if let Some(rest) = text.strip_prefix(OFFER) {
            let bytes = base45::decode(rest).filter(|_| text.len() <= OFFER_CHARS_MAX).ok_or_else(wrong)?;
            return Whole::read(&bytes).map(Self::Offer).ok_or_else(wrong);
        }
        Address::read(text).map(Self::Address).ok_or_else(wrong)
    }
}

impl Short {
    /// That of an offer with this `cti`. [COD-3]
    pub fn of(nonce: Nonce) -> Self {
        let number = nonce.0.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) >> 14;
        let mut letters = [0; SHORT_CHARS];
        for (at, letter) in letters.iter_mut().rev().enumerate() {
            *letter = LETTERS[(number >> (5 * at) & 31) as usize];
        }
        Self(letters)
    }

    /// Reads one; `None` where it is none.
    pub fn read(text: &str) -> Option<Self> {
        let letters: [u8; SHORT_CHARS] = text.as_bytes().try_into().ok()?;
        letters.iter().all(|letter| LETTERS.contains(letter)).then_some(Self(letters))
    }

    /// The path and query of its address.
    pub fn target(&self) -> String {
        format!("{PATH}{self}")
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Address {
    /// The address of a short id at a host, with a port where it is not 443; `None` where a code cannot say it.
    pub fn new(host: &str, short: Short) -> Option<Self> {
        Self::read(&format!("{SCHEME}{}{PATH}{short}", host.to_ascii_uppercase()))
    }

    fn read(text: &str) -> Option<Self> {
        let (host, short) = text.strip_prefix(SCHEME)?.split_once(PATH)?;
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let good = name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric());
        // A port in its one form, and not the one that is meant without it.
        let port_good = |port: &str| {
            let number = port.parse::<u16>().ok().filter(|number| *number != 443 && *number != 0);
            number.is_some_and(|number| number.to_string() == port)
        };
        let fits = text.len() <= ADDRESS_CHARS_MAX && good && port.is_none_or(port_good);
        let short = Short::read(short).filter(|_| fits)?;
        Some(Self { host: host.to_ascii_lowercase(), short })
    }

    /// The host and its port, as a request names them.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address, as it is asked.
    pub fn url(&self) -> String {
        format!("https://{}{PATH}{}", self.host, self.short)
    }

    /// The text of its code.
    pub fn text(&self) -> String {
        format!("{SCHEME}{}{PATH}{}", self.host.to_ascii_uppercase(), self.short)
    }
}

impl Whole {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (hint, rest) = bytes.split_first_chunk()?;
        let (signature, payload) = rest.split_first_chunk()?;
        let whole = Self { hint: *hint, signature: *signature, payload: payload.to_vec() };
        // Nothing but what a reader of papers takes is one; and a payload is a map.
        let is_map = payload.first().is_some_and(|first| first >> 5 == 5);
        Frame::read(&whole.with([0; DIGEST_BYTES])).ok().filter(|_| is_map)?;
        Some(whole)
    }

    /// The paper, without certificates; `digest` is SHA-256 of the certificate that it is signed by. `None` where it is
    /// signed by another. Code: `cert-missing` where it is so of all that are known. [COD-2]
    pub fn paper(&self, digest: [u8; DIGEST_BYTES]) -> Option<Vec<u8>> {
        digest.starts_with(&self.hint).then(|| self.with(digest))
    }

    fn with(&self, digest: [u8; DIGEST_BYTES]) -> Vec<u8> {
        let mut paper = vec![0xd2, 0x84];
        string(&mut paper, &[HEADER, &digest].concat());
        paper.push(0xa0);
        string(&mut paper, &self.payload);
        string(&mut paper, &self.signature);
        paper
    }

    /// The text of its code.
    pub fn text(&self) -> String {
        format!("{OFFER}{}", base45::encode(&[&self.hint[..], &self.signature, &self.payload].concat()))
    }
}

/// The text of a signed offer's code; `None` where no code of version 10 holds it. [COD-2]
pub fn text_of_offer(paper: &[u8]) -> Option<String> {
    let frame = Frame::read(paper).ok()?;
    let digest = frame.protected.strip_prefix(HEADER).filter(|rest| rest.len() == DIGEST_BYTES)?;
    let whole = Whole { hint: *digest.first_chunk()?, signature: *frame.signature, payload: frame.payload.to_vec() };
    let text = whole.text();
    (text.len() <= OFFER_CHARS_MAX).then_some(text)
}

/// A byte string of at most 255 bytes, in its shortest form.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(few @ 0..=23) => out.push(0x40 | few),
        Ok(more) => out.extend([0x58, more]),
        // A text of 311 characters holds no more than 203 bytes.
        Err(_) => out.extend([0x58, u8::MAX]),
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_one_form() {
        let read = Form::read("HTTPS://SHOP.EXAMPLE:8442/Q/4RT9X2KQ0M").unwrap();
        let Form::Address(address) = read else { panic!("an offer") };
        assert_eq!(address.url(), "https://shop.example:8442/Q/4RT9X2KQ0M");
        assert_eq!(address.text(), "HTTPS://SHOP.EXAMPLE:8442/Q/4RT9X2KQ0M");
        assert_eq!(Address::new("shop.example:8442", address.short), Some(address));
        for wrong in [
            "https://shop.example/Q/4RT9X2KQ0M",
            "HTTP://SHOP.EXAMPLE/Q/4RT9X2KQ0M",
            "HTTPS://SHOP.EXAMPLE/Q/4RT9X2KQ0",
            "HTTPS://SHOP.EXAMPLE/Q/4RT9X2KQ0I",
            "HTTPS://SHOP.EXAMPLE/Q/4RT9X2KQ0M/",
            "HTTPS://SHOP.EXAMPLE/P/4RT9X2KQ0M",
            "HTTPS://A@SHOP.EXAMPLE/Q/4RT9X2KQ0M",
            "HTTPS://SHOP.EXAMPLE:443/Q/4RT9X2KQ0M",
            "HTTPS://SHOP.EXAMPLE:08/Q/4RT9X2KQ0M",
            "HTTPS:///Q/4RT9X2KQ0M",
            "HTTPS://A.LONGER.SHOP.EXAMPLE/Q/4RT9X2KQ0M",
            "PURSER:",
            "PURSER:ABC",
            "",
        ] {
            assert_eq!(Form::read(wrong).unwrap_err().code, Code::CodeForm, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_short_id_is_the_first_fifty_bits(nonce: [u8; 16]) {
            let short = Short::of(Nonce(nonce));
            prop_assert_eq!(Short::read(&short.to_string()), Some(short));
            let mut other = nonce;
            other[15] ^= 1;
            prop_assert_eq!(Short::of(Nonce(other)), short);
            other[6] ^= 0x40;
            prop_assert_ne!(Short::of(Nonce(other)), short);
        }

        #[test]
        fn no_text_is_read_that_is_not_written_so(text in "(HTTPS://[A-Z.:0-9]{1,12}/Q/[0-9A-Z]{10})|(PURSER:[0-9A-Z $%*+./:-]{0,310})") {
            match Form::read(&text) {
                Ok(Form::Address(address)) => prop_assert_eq!(address.text(), text),
                Ok(Form::Offer(whole)) => prop_assert_eq!(whole.text(), text),
                Err(fault) => prop_assert_eq!(fault.code, Code::CodeForm),
            }
        }
    }
}
