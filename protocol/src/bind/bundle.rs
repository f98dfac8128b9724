//! A bundle: the records of an account with all their papers, one CBOR item after the other (RFC 8742).
//!
//! Bundles that are put one behind the other are a bundle, so that it can be fetched in parts.

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, List, mapped};
use crate::label::Label;
use crate::wire::{Field as _, Reader, Writer};

const RECEIPT: Label = Label { number: 1, name: "receipt" };
const DETAIL: Label = Label { number: 2, name: "detail" };
const SENT: Label = Label { number: 3, name: "sent" };
const MADE: Label = Label { number: 4, name: "made" };
const CERTIFICATES: Label = Label { number: 5, name: "certificates" };

mapped! {
    /// One item of a bundle: a record, or certificates that its signatures need. `spec/cddl/http.cddl`
    pub struct BundleItem {
        /// The receipt.
        optional receipt: Bytes = RECEIPT,
        /// Why not.
        optional detail: Bytes = DETAIL,
        /// What was sent; absent where something came due by itself.
        optional sent: Bytes = SENT,
        /// The paper that was made with the answer.
        optional made: Bytes = MADE,
        /// A chain of the issuer's, leaf first.
        optional certificates: List<Bytes, 4> = CERTIFICATES,
    }
}

/// Writes an item behind others.
pub fn write(item: &BundleItem, bundle: &mut Vec<u8>) {
    let mut writer = Writer::new();
    item.write(&mut writer);
    bundle.extend(writer.into_bytes());
}

/// Reads a bundle, item by item; what it says has still to be verified.
///
/// Errors: what the stages `encoding` and `schema` say of the first item that cannot be read.
pub fn read(bytes: &[u8]) -> impl Iterator<Item = Result<BundleItem, Fault>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let mut reader = Reader::new(rest);
        let item = reader.skip().and_then(|item| {
            crate::wire::check(item)?;
            BundleItem::read(&mut Reader::new(item)).map_err(|fault| fault.at_stage(Stage::Schema))
        });
        let begins_at = at;
        // Nothing can be found behind what cannot be read.
        at = if item.is_ok() { at + reader.offset() } else { bytes.len() };
        Some(item.map_err(|fault| fault.shifted(begins_at)))
    })
}

/// Whether a bundle is one at all.
pub fn check(bytes: &[u8]) -> Result<usize, Fault> {
    let mut count = 0;
    for item in read(bytes) {
        item?;
        count += 1;
    }
    if count > 0 { Ok(count) } else { Err(Fault::new(Code::CborTruncated)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_behind_each_other_are_a_bundle() {
        let item = |receipt: &[u8]| BundleItem {
            receipt: Some(Bytes(receipt.to_vec())),
            detail: None,
            sent: Some(Bytes(b"sent".to_vec())),
            made: None,
            certificates: None,
        };
        let mut bundle = Vec::new();
        write(&item(b"one"), &mut bundle);
        write(&item(b"two"), &mut bundle);
        let both: Result<Vec<_>, _> = read(&bundle).collect();
        assert_eq!(both, Ok(vec![item(b"one"), item(b"two")]));
        assert_eq!(check(&bundle), Ok(2));
        assert!(check(&bundle[..bundle.len() - 1]).is_err());
        assert_eq!(check(&[]).map_err(|fault| fault.code), Err(Code::CborTruncated));
    }
}
