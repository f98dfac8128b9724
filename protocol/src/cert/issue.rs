//! What a tool that makes certificates needs to make one of the profile, and what the checks compare
//! with: one encoding of each extension, in one place.
//!
//! Purser's arc is 2.25.158910428298977631471706165795270472884, from a random UUID. Below it, `.1.1`
//! is the key purpose of an issuer, `.1.2` that of a merchant, and `.2.N` the policy that says
//! "category N of ISO 18245". The arc has more bits than most tools' integers, hence finished DER.

use super::Role;
use crate::id::PartyId;

/// The object identifier of extendedKeyUsage.
pub const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];

/// The object identifier of certificatePolicies.
pub const CERTIFICATE_POLICIES: &[u64] = &[2, 5, 29, 32];

/// The greatest category.
pub const CATEGORY_MAX: u16 = 9999;

/// The contents of extendedKeyUsage for a leaf of this role. [CRT-10]
pub fn extended_key_usage(role: Role) -> Vec<u8> {
    tagged(SEQUENCE, &tagged(OBJECT_IDENTIFIER, key_purpose(role)))
}

/// The contents of certificatePolicies for a merchant of these categories, ascending and each once,
/// whatever order they come in. `None` when there are none, since the extension then stays away, or
/// when one is above [`CATEGORY_MAX`]. [CRT-6]
pub fn certificate_policies(categories: &[u16]) -> Option<Vec<u8>> {
    let mut sorted = categories.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.last().is_none_or(|&greatest| greatest > CATEGORY_MAX) {
        return None;
    }
    let policies: Vec<u8> = sorted.into_iter().flat_map(policy).collect();
    Some(tagged(SEQUENCE, &policies))
}

/// The one URI of subjectAltName. [CRT-12]
pub fn subject_uri(id: &PartyId) -> String {
    format!("{URI_SCHEME}{id}")
}

/// What stands before the party's name in its URI.
pub(super) const URI_SCHEME: &str = "purser:";

/// The contents of the object identifier of a role.
pub(super) const fn key_purpose(role: Role) -> &'static [u8] {
    match role {
        Role::Issuer => &ISSUER,
        Role::Merchant => &MERCHANT,
    }
}

/// The role that the contents of extendedKeyUsage name, when they name one and nothing else.
pub(super) fn role(purposes: &[u8]) -> Option<Role> {
    let purpose = contents_alone(OBJECT_IDENTIFIER, contents_alone(SEQUENCE, purposes)?)?;
    [Role::Issuer, Role::Merchant].into_iter().find(|&role| key_purpose(role) == purpose)
}

/// The categories that the contents of certificatePolicies name: `None` for anything that
/// [`certificate_policies`] does not write.
pub(super) fn categories(policies: &[u8]) -> Option<Vec<u16>> {
    let mut rest = contents_alone(SEQUENCE, policies)?;
    let mut categories = Vec::new();
    while !rest.is_empty() {
        let (policy, after) = contents(SEQUENCE, rest)?;
        let category = category(contents_alone(OBJECT_IDENTIFIER, policy)?)?;
        if categories.last().is_some_and(|&last| last >= category) {
            return None;
        }
        categories.push(category);
        rest = after;
    }
    (!categories.is_empty()).then_some(categories)
}

/// The category that the contents of a policy's object identifier name.
fn category(policy: &[u8]) -> Option<u16> {
    let number = match *policy.strip_prefix(&CATEGORIES)? {
        [low @ ..0x80] => u16::from(low),
        [high @ 0x81..=0xff, low @ ..0x80] => u16::from(high & 0x7f) << 7 | u16::from(low),
        _ => return None,
    };
    (number <= CATEGORY_MAX).then_some(number)
}

/// The contents of the item that `der` begins with, its length in the shortest form, and what follows it.
fn contents(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *der.strip_prefix(&[tag])? {
        [length @ ..=0x7f, ref rest @ ..] => (usize::from(length), rest),
        [0x81, length @ 0x80..=0xff, ref rest @ ..] => (usize::from(length), rest),
        [0x82, high @ 1..=0xff, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn contents_alone(tag: u8, der: &[u8]) -> Option<&[u8]> {
    contents(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(contents, _)| contents)
}

fn policy(category: u16) -> Vec<u8> {
    let [low, high] = [(category & 0x7f) as u8, (category >> 7) as u8];
    let mut identifier = CATEGORIES.to_vec();
    if high > 0 {
        identifier.push(0x80 | high);
    }
    identifier.push(low);
    tagged(SEQUENCE, &tagged(OBJECT_IDENTIFIER, &identifier))
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

fn tagged(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let leading = length.iter().take_while(|&&byte| byte == 0).count();
    let mut item = vec![tag];
    if contents.len() < 0x80 {
        item.push(contents.len() as u8);
    } else {
        item.push(0x80 | (length.len() - leading) as u8);
        item.extend_from_slice(&length[leading..]);
    }
    item.extend_from_slice(contents);
    item
}

const fn below<const N: usize>(last: &[u8]) -> [u8; N] {
    let mut identifier = [0; N];
    let mut at = 0;
    while at < N {
        identifier[at] = if at < ARC.len() { ARC[at] } else { last[at - ARC.len()] };
        at += 1;
    }
    identifier
}

/// 2.25.158910428298977631471706165795270472884, UUID 778d0905-1264-4d04-82c5-3025d9fcb4b4.
const ARC: [u8; 20] = [
    0x69, 0x81, 0xef, 0x8d, 0x84, 0xc1, 0xa2, 0xa6, 0xa2, 0xb4, 0x89, 0x82, 0xe2, 0xcc, 0x84, 0xdd, 0xcf, 0xf2, 0xe9,
    0x34,
];
const ISSUER: [u8; 22] = below(&[1, 1]);
const MERCHANT: [u8; 22] = below(&[1, 2]);
const CATEGORIES: [u8; 21] = below(&[2]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arc_is_that_of_its_uuid() {
        let uuid = 158_910_428_298_977_631_471_706_165_795_270_472_884_u128;
        assert_eq!(uuid, 0x778d_0905_1264_4d04_82c5_3025_d9fc_b4b4);
        let mut arc = vec![(uuid & 0x7f) as u8];
        let mut rest = uuid >> 7;
        while rest > 0 {
            arc.insert(0, 0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        arc.insert(0, 2 * 40 + 25);
        assert_eq!(arc, ARC);
    }

    #[test]
    fn every_category_comes_back_and_nothing_else_is_one() {
        for number in 0..=CATEGORY_MAX {
            assert_eq!(category(&policy(number)[4..]), Some(number));
        }
        let with = |last: &[u8]| [&CATEGORIES[..], last].concat();
        assert_eq!(category(&with(&[0xce, 0x0f])), Some(9999));
        assert_eq!(category(&with(&[0xce, 0x10])), None, "10000");
        assert_eq!(category(&with(&[0x80, 0x01])), None, "not its shortest form");
        assert_eq!(category(&with(&[])), None);
        assert_eq!(category(&with(&[0xce, 0x0f, 0x01])), None);
        assert_eq!(category(&ISSUER), None);
    }

    #[test]
    fn one_set_of_categories_has_one_encoding() {
        assert_eq!(certificate_policies(&[5812, 5411, 5812]), certificate_policies(&[5411, 5812]));
        assert_eq!(certificate_policies(&[]), None);
        assert_eq!(certificate_policies(&[10_000]), None);
        let long = certificate_policies(&[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(long[..3], [0x30, 0x81, 5 * 26]);
    }

    #[test]
    fn what_is_read_is_what_would_be_written() {
        for set in [&[0][..], &[742], &[1, 2, 3, 4, 5], &[5411, 5812, 9999], &(0..100).collect::<Vec<_>>()] {
            let written = certificate_policies(set).unwrap();
            assert_eq!(categories(&written).as_deref(), Some(set));
            for at in 0..written.len() {
                for bit in 0..8 {
                    let mut other = written.clone();
                    other[at] ^= 1 << bit;
                    let read = categories(&other);
                    assert!(read.is_none_or(|read| certificate_policies(&read).as_deref() == Some(&other)));
                }
                assert_eq!(categories(&written[..at]), None);
            }
        }
        let (one, two) = (policy(1), policy(2));
        for several in [[&two[..], &one].concat(), [&one[..], &one].concat(), Vec::new()] {
            assert_eq!(categories(&tagged(SEQUENCE, &several)), None);
        }
        assert_eq!(categories(&[&[0x30, 0x81, 26], &one[..]].concat()), None, "a length longer than it must be");
        assert!(categories(&tagged(SEQUENCE, &one)).is_some());

        for of in [Role::Issuer, Role::Merchant] {
            assert_eq!(role(&extended_key_usage(of)), Some(of));
        }
        let both = [key_purpose(Role::Issuer), key_purpose(Role::Merchant)].map(|id| tagged(OBJECT_IDENTIFIER, id));
        assert_eq!(role(&tagged(SEQUENCE, &both.concat())), None);
    }
}
