//! Codes that a device reads: an address with a short id, or the signed offer itself.

use purser_protocol::code::Code;
use purser_test_vectors::{Area, Importance};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::cbor::{labelled, seq};
use super::forge::Forge;
use super::papers::lean_offer;
use super::sheet::{Build as _, Expecting as _, Sheet, accepted, call, case, refused_as};
use super::{certs, hex, keys};

const ADDRESS: &str = "HTTPS://TEA.EXAMPLE/Q/";
const LETTERS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE45: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

pub(super) fn area() -> Area {
    let mut sheet = Sheet::new("codes", "What stands in a code: an address with a short id, or a signed offer.");
    addresses(&mut sheet);
    offers(&mut sheet);
    let mut area = sheet.finish();
    for case in &mut area.cases {
        case.features = vec!["device".to_owned()];
        case.importance = Importance::Critical;
    }
    area
}

/// The first 50 bits, letter by letter.
fn short(nonce: &[u8; 16]) -> String {
    let bit = |at: usize| usize::from(nonce[at / 8] >> (7 - at % 8) & 1);
    let letter = |at: usize| (0..5).fold(0, |number, more| number * 2 + bit(5 * at + more));
    (0..10).map(|at| char::from(LETTERS[letter(at)])).collect()
}

fn base45(bytes: &[u8]) -> String {
    let digits = |mut number: usize, count: usize| -> String {
        let digit = |_| {
            let letter = char::from(BASE45[number % 45]);
            number /= 45;
            letter
        };
        (0..count).map(digit).collect()
    };
    let pair = |pair: &[u8]| match *pair {
        [one] => digits(usize::from(one), 2),
        _ => digits(pair.iter().fold(0, |number, byte| number * 256 + usize::from(*byte)), 3),
    };
    bytes.chunks(2).map(pair).collect()
}

/// Of the certificate that the offers are signed by.
fn digest() -> [u8; 32] {
    Sha256::digest(certs::leaf("merchant")).into()
}

fn text_of(offer: &Forge) -> String {
    format!("PURSER:{}", base45(&[&digest()[..8], &offer.signature(), &offer.payload.encode()].concat()))
}

fn addresses(sheet: &mut Sheet) {
    let nonce = keys::sixteen("offer");
    let id = short(&nonce);
    let good = |id: &str, title: &str, text: &str, host: &str, path: &str| {
        let said = json!({"url": format!("https://{host}{path}")});
        case("agent", id, title, call("code.read", json!({"text": text})), accepted().value(said)).clauses("COD-1")
    };
    let path = format!("/Q/{id}");
    sheet.add(good("address/base", "an address", &format!("{ADDRESS}{id}"), "tea.example", &path));
    let port = format!("HTTPS://10.0.0.1:8442/Q/{id}");
    sheet.add(good("address/port", "an address with a port", &port, "10.0.0.1:8442", &path));
    let longest = format!("HTTPS://TEA-AND-RICES.NET/Q/{id}");
    sheet.add(good("address/longest", "38 characters", &longest, "tea-and-rices.net", &path));
    for (name, title, text) in [
        ("lower", "in lower case", format!("https://tea.example/Q/{id}")),
        ("http", "in the clear", format!("HTTP://TEA.EXAMPLE/Q/{id}")),
        ("short", "a short id of nine letters", format!("{ADDRESS}{}", &id[..9])),
        ("long", "a short id of eleven letters", format!("{ADDRESS}{id}0")),
        ("letter", "a letter that is taken for another", format!("{ADDRESS}{}I", &id[..9])),
        ("query", "a query behind it", format!("{ADDRESS}{id}?A=1")),
        ("path", "another path", format!("HTTPS://TEA.EXAMPLE/X/{id}")),
        ("deeper", "a path before it", format!("HTTPS://TEA.EXAMPLE/A/Q/{id}")),
        ("user", "a name before the host", format!("HTTPS://A@TEA.EXAMPLE/Q/{id}")),
        ("port-443", "the port that goes without saying", format!("HTTPS://TEA.EXAMPLE:443/Q/{id}")),
        ("port-zero", "a port with a zero before it", format!("HTTPS://TEA.EXAMPLE:0844/Q/{id}")),
        ("no-host", "no host", format!("HTTPS:///Q/{id}")),
        ("too-long", "39 characters", format!("HTTPS://TEA-AND-RICES.SHOP/Q/{id}")),
        ("empty", "nothing", String::new()),
        ("other", "something else", "WIFI:S:TEA;;".to_owned()),
    ] {
        let refused = refused_as(Code::CodeForm);
        let case = case("agent", &format!("address/{name}"), title, call("code.read", json!({"text": text})), refused);
        sheet.add(case.clauses("COD-1").twin("address/base"));
    }
    // The offer that the address led to.
    let with = |nonce: [u8; 16]| json!({"text": format!("{ADDRESS}{id}"), "cti": hex(&nonce)});
    let said = json!({"url": format!("https://tea.example{path}")});
    let twin = case(
        "agent",
        "swapped/base",
        "the offer that the code was made for",
        call("code.read", with(nonce)),
        accepted().value(said),
    );
    sheet.add(twin.clauses("COD-3"));
    let mut other = nonce;
    other[6] ^= 0x40;
    for (name, title, nonce) in [
        ("last-bit", "one that differs in the fiftieth bit", other),
        ("other", "another offer", keys::sixteen("another")),
    ] {
        let refused = refused_as(Code::CodeSwapped);
        let case = case("agent", &format!("swapped/{name}"), title, call("code.read", with(nonce)), refused);
        sheet.add(case.clauses("COD-3").twin("swapped/base"));
    }
}

fn offers(sheet: &mut Sheet) {
    let offer = lean_offer();
    let text = text_of(&offer);
    let bare = offer.but(|offer| offer.unprotected = labelled([]));
    let known = |digests: &[[u8; 32]]| digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>();
    let read =
        |text: &str, digests: &[[u8; 32]]| call("code.read", json!({"text": text, "certificates": known(digests)}));
    let (ours, other) = (digest(), keys::thirty_two("another certificate"));
    let said = json!({"paper": hex(&bare.bytes())});
    let good = case("agent", "offer/base", "a signed offer", read(&text, &[other, ours]), accepted().value(said));
    sheet.add(good.clauses("COD-2"));
    let missing = refused_as(Code::CertMissing);
    let unknown = case("agent", "offer/unknown", "of a certificate that is not known", read(&text, &[other]), missing);
    sheet.add(unknown.clauses("CRT-1").twin("offer/base"));
    let long =
        offer.says(|payload| payload.with(-22, seq([seq(["issuer.example".into(), "m".repeat(60).as_str().into()])])));
    let cut = |text: &str, more: usize| text[..text.len() - more].to_owned();
    for (name, title, text) in [
        ("long", "more than a code of version 10 holds", text_of(&long)),
        ("lower", "a letter that base45 does not have", text.replacen("PURSER:", "PURSER:a", 1)),
        ("length", "a character too few", cut(&text, 1)),
        ("cut", "cut off behind the signature", format!("PURSER:{}", base45(&[[7; 8].as_slice(), &[8; 64]].concat()))),
        (
            "no-map",
            "a payload that is none",
            format!("PURSER:{}", base45(&[[7; 8].as_slice(), &[8; 64], &[1]].concat())),
        ),
        ("big", "a number that three letters should not say", format!("PURSER:{}", ":".repeat(147))),
        ("prefix", "in lower case", text.replacen("PURSER:", "purser:", 1)),
    ] {
        let refused = refused_as(Code::CodeForm);
        let case = case("agent", &format!("offer/{name}"), title, read(&text, &[ours]), refused);
        sheet.add(case.clauses("COD-2").twin("offer/base"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base45_has_the_examples_of_its_rfc() {
        assert_eq!((base45(b"AB"), base45(b"Hello!!")), ("BB8".to_owned(), "%69 VD92EX0".to_owned()));
    }
}
