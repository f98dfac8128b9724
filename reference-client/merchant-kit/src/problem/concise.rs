//! Concise problem details (RFC 9290), deterministically encoded.

use axum::http::StatusCode;
use purser_protocol::fault::Fault;
use purser_protocol::wire::Writer;
use serde_json::{Map, Value};

use super::PROBLEM_ENTRY;

/// Title (-1), detail (-2), response code (-4) where there is one, and ours under [`PROBLEM_ENTRY`].
pub(super) fn encode(fault: &Fault, status: StatusCode, extension: &Map<String, Value>) -> Vec<u8> {
    let mut own = extension.clone();
    own.insert("status".into(), status.as_u16().into());
    let response_code = coap_code(status);
    let mut out = Writer::new();
    out.map(3 + usize::from(response_code.is_some()));
    out.integer(-1);
    out.text(fault.code.meaning());
    out.integer(-2);
    out.text(&fault.to_string());
    if let Some(code) = response_code {
        out.integer(-4);
        out.unsigned(code.into());
    }
    out.text(PROBLEM_ENTRY);
    value(&mut out, &Value::Object(own));
    out.into_bytes()
}

/// The status as the one byte that RFC 9290 has room for: a CoAP code, class and detail.
///
/// None for 402 and 408, whose numbers mean something else in CoAP.
fn coap_code(status: StatusCode) -> Option<u8> {
    let (class, detail) = (status.as_u16() / 100, status.as_u16() % 100);
    match status.as_u16() {
        402 | 408 => None,
        _ if class <= 7 && detail <= 31 => u8::try_from(class << 5 | detail).ok(),
        _ => None,
    }
}

fn value(out: &mut Writer, value: &Value) {
    match value {
        // No member of a problem is null, so what is absent reads as false.
        Value::Null => out.boolean(false),
        Value::Bool(bool) => out.boolean(*bool),
        Value::String(string) => out.text(string),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(unsigned), _) => out.unsigned(unsigned),
            (None, Some(integer)) => out.integer(integer),
            // A fraction, which no member has, keeps its digits.
            (None, None) => out.text(&number.to_string()),
        },
        Value::Array(items) => {
            out.list(items.len());
            items.iter().for_each(|item| self::value(out, item));
        }
        Value::Object(members) => {
            out.map(members.len());
            let mut members: Vec<_> = members.iter().collect();
            // A text's head grows with its length, so this is the order of the encoded keys.
            members.sort_by_key(|(name, _)| (name.len(), *name));
            for (name, member) in members {
                out.text(name);
                self::value(out, member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ciborium::Value as Cbor;
    use purser_protocol::code::Code;
    use serde_json::json;

    use super::*;
    use crate::problem::Problem;

    fn decode(bytes: &[u8]) -> Cbor {
        ciborium::from_reader(bytes).unwrap()
    }

    #[test]
    fn the_registered_keys_and_our_own() {
        let problem = Problem::new(Fault::new(Code::HeaderDuplicated).field("host"));
        let Cbor::Map(body) = decode(&problem.to_cbor()) else { panic!("not a map") };
        let keys: Vec<_> = body.iter().map(|(key, _)| key.clone()).collect();
        let expected = [(-1).into(), (-2).into(), (-4).into(), Cbor::from("urn:purser:problem")];
        assert_eq!(keys, expected);
        assert_eq!(body[0].1, Cbor::from("A header that may stand once stands twice."));
        assert_eq!(body[2].1, Cbor::from(0x80), "4.00");
        let Cbor::Map(own) = &body[3].1 else { panic!("not a map") };
        let own: Vec<_> = own.iter().map(|(name, member)| (name.as_text().unwrap(), member.clone())).collect();
        assert_eq!(
            own,
            [
                ("code", 221.into()),
                ("type", "urn:purser:problem:header-duplicated".into()),
                ("field", "host".into()),
                ("retry", "never".into()),
                ("stage", "http".into()),
                ("status", 400.into()),
                ("resolver", "agent".into()),
            ]
        );
    }

    #[test]
    fn a_code_that_coap_reads_otherwise_is_left_out() {
        for code in Code::ALL {
            let left_out = matches!(code.status(), 402 | 408);
            assert_eq!(coap_code(status(code.status())).is_none(), left_out, "{code}");
        }
        assert_eq!(coap_code(status(429)), Some(0x9d));
        assert_eq!(coap_code(status(503)), Some(0xa3));
    }

    #[test]
    fn every_kind_of_member_is_read_back() {
        let members = json!({
            "a": [0, 23, 24, 255, 256, 65_535, 65_536, u32::MAX, u64::from(u32::MAX) + 1, u64::MAX],
            "b": [-1, -24, -25, i64::MIN],
            "list": [true, false, "é", {"deep": []}],
        });
        let mut out = Writer::new();
        value(&mut out, &members);
        let out = out.into_bytes();
        let mut again = Vec::new();
        ciborium::into_writer(&decode(&out), &mut again).unwrap();
        assert_eq!(out, again, "shortest heads, as ciborium writes them");
        assert_eq!(decode(&out).deserialized::<Value>().unwrap(), members);
    }

    fn status(number: u16) -> StatusCode {
        StatusCode::from_u16(number).unwrap()
    }
}
