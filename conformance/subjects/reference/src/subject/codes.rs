//! Codes: what stands in one.

use purser_code::protocol::fault::Fault;
use purser_code::protocol::id::Nonce;
use purser_code::{Form, Short};
use purser_protocol::code::Code;
use serde_json::json;

use super::call::{Input, No, Outcome, broken, hex};

/// Reads a text; where it is an address and its offer is there, holds the two together.
pub(super) fn read(input: Input<'_>) -> Outcome {
    match Form::read(input.text("text")?).map_err(refused)? {
        Form::Address(address) => {
            if input.get("cti").is_some() && Short::of(Nonce(input.array("cti")?)) != address.short {
                return Err(No::from(Code::CodeSwapped));
            }
            Ok(json!({ "url": address.url() }))
        }
        Form::Offer(whole) => {
            let known = input.byte_strings("certificates")?.into_iter();
            let known = known.map(|digest| digest.try_into().map_err(|_| broken("a digest is not 32 bytes")));
            let known: Vec<[u8; 32]> = known.collect::<Result<_, No>>()?;
            let paper = known.into_iter().find_map(|digest| whole.paper(digest));
            let paper = paper.ok_or_else(|| No::from(Code::CertMissing))?;
            Ok(json!({ "paper": hex(paper) }))
        }
    }
}

/// The protocol of that crate may be another copy than this one's.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(fault: Fault) -> No {
    Code::from_slug(fault.code.slug()).map_or_else(|| broken(fault.to_string()), No::from)
}
