//! The envelope: tag, array, byte strings, signature, and what follows.

use purser_protocol::code::Code::{
    self, CborIndefinite, CborNotDeterministic, CborTrailing, CborTruncated, CoseStructure, CoseTag, MessageTooLarge,
    PayloadMissing, SignatureFormat,
};
use purser_protocol::code::Stage::{Framing, Size};
use purser_test_vectors::Area;

use super::cbor::{Item, bytes, bytes_in_chunks, head, labelled, seq, text, wider};
use super::certs::integer;
use super::forge::Forge;
use super::papers::{Papers, honest, lean_mandate};
use super::sheet::{Build as _, Sheet, Shows};

pub(super) fn area() -> Area {
    let about = "The envelope of a paper, byte by byte: the stages size and framing.";
    let mut sheet = Sheet::new("framing", about);
    let base = lean_mandate();
    let mut t = Papers::new(&mut sheet, "base", "An honest mandate", "SIG-1 SIG-2 SIG-3 SIG-4 ENC-3 ENC-4", base);
    opening(&mut t);
    strings(&mut t);
    ends(&mut t);
    signatures(&mut t);
    let mut t = Papers::new(&mut sheet, "certified/base", "An honest offer", "SIG-3", super::papers::lean_offer());
    t.refuse("certified/nil", "An offer whose payload is nil", Shows("C34", "D8"), (PayloadMissing, Framing), |f| {
        f.payload_item = Some(vec![0xf6])
    });
    size(&mut sheet);
    sheet.finish()
}

fn opening(t: &mut Papers<'_>) {
    let openings: [(&str, &str, Shows, Code, &[u8]); 15] = [
        ("tag/none", "No tag", Shows("C01", "D7"), CoseTag, &[0x84]),
        ("tag/sign", "The tag of COSE_Sign", Shows("C02", "D7"), CoseTag, &[0xd8, 98, 0x84]),
        ("tag/mac0", "The tag of COSE_Mac0", Shows("C02", "D7"), CoseTag, &[0xd1, 0x84]),
        ("tag/encrypt0", "The tag of COSE_Encrypt0", Shows("C02", "D7"), CoseTag, &[0xd0, 0x84]),
        ("tag/cwt", "The tag of a CWT around", Shows("C03", "D7"), CoseTag, &[0xd8, 61, 0xd2, 0x84]),
        (
            "tag/self-described",
            "The mark of self-described CBOR",
            Shows("P19", "C7"),
            CoseTag,
            &[0xd9, 0xd9, 0xf7, 0xd2, 0x84],
        ),
        ("tag/twice", "Tagged twice", Shows("C04", "D7"), CoseStructure, &[0xd2, 0xd2, 0x84]),
        ("tag/in-two-bytes", "Tag 18 in two bytes", Shows("C05", "C4"), CborNotDeterministic, &[0xd8, 18, 0x84]),
        ("tag/in-three-bytes", "Tag 18 in three bytes", Shows("C06", "C4"), CborNotDeterministic, &[0xd9, 0, 18, 0x84]),
        (
            "tag/in-five-bytes",
            "Tag 18 in five bytes",
            Shows("C06", "C4"),
            CborNotDeterministic,
            &[0xda, 0, 0, 0, 18, 0x84],
        ),
        (
            "tag/in-nine-bytes",
            "Tag 18 in nine bytes",
            Shows("C06", "C4"),
            CborNotDeterministic,
            &[0xdb, 0, 0, 0, 0, 0, 0, 0, 18, 0x84],
        ),
        (
            "tag/another-in-two-bytes",
            "Tag 19 in two bytes",
            Shows("C05", "C4"),
            CborNotDeterministic,
            &[0xd8, 19, 0x84],
        ),
        (
            "array/length-in-two-bytes",
            "The length of the array in two bytes",
            Shows("C08", "C4"),
            CborNotDeterministic,
            &[0xd2, 0x98, 4],
        ),
        ("array/map", "A map in the place of the array", Shows("C10", "D7"), CoseStructure, &[0xd2, 0xa2]),
        (
            "array/byte-string",
            "A byte string in the place of the array",
            Shows("C10", "D7"),
            CoseStructure,
            &[0xd2, 0x44],
        ),
    ];
    for (id, title, shows, code, opening) in openings {
        t.refuse(id, title, shows, (code, Framing), |f| f.opening = opening.to_vec());
    }
    t.refuse("array/indefinite", "An array without a length", Shows("C07", "C5"), (CborIndefinite, Framing), |f| {
        f.opening = vec![0xd2, 0x9f];
        f.tail = vec![0xff];
    });
    t.refuse("array/five", "Five elements", Shows("C09", "D7"), (CoseStructure, Framing), |f| {
        f.opening = vec![0xd2, 0x85];
        f.tail = vec![0x40];
    });
    t.refuse("array/three", "Three elements", Shows("C10", "D7"), (CoseStructure, Framing), |f| {
        f.opening = vec![0xd2, 0x83];
        f.unprotected = Item::Raw(Vec::new());
    });
}

fn strings(t: &mut Papers<'_>) {
    let protected = t.base.protected.encode();
    let payload = t.base.payload.encode();
    let wide = |value: &[u8]| [wider(2, value.len() as u64), value.to_vec()].concat();
    let rows: [(&str, &str, Shows, Code, Change); 21] = [
        (
            "protected/map",
            "The protected header as a map",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Protected(protected.clone()),
        ),
        (
            "protected/text",
            "The protected header as a text",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Protected(text("{}")),
        ),
        (
            "protected/list",
            "The protected header holds a list",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Protected(bytes(&[0x80])),
        ),
        (
            "protected/faulty-list",
            "The protected header holds a list whose entries are faulty too",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Protected(bytes(&[0x82, 0x18, 1, 0xf6])),
        ),
        (
            "protected/null",
            "The protected header is null",
            Shows("C11", "C8"),
            Code::CborType,
            Change::Protected(vec![0xf6]),
        ),
        (
            "protected/tagged",
            "A tag before the protected header",
            Shows("C11", "C7"),
            CoseStructure,
            Change::Protected([vec![0xd8, 24], bytes(&protected)].concat()),
        ),
        (
            "protected/length-too-wide",
            "The length of the protected header in more bytes",
            Shows("C15", "C4"),
            CborNotDeterministic,
            Change::Protected(wide(&protected)),
        ),
        (
            "protected/chunks",
            "The protected header in chunks",
            Shows("C16", "C5"),
            CborIndefinite,
            Change::Protected(bytes_in_chunks(&protected)),
        ),
        (
            "unprotected/list",
            "The unprotected header as a list",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Unprotected(vec![0x80]),
        ),
        (
            "unprotected/byte-string",
            "The unprotected header as a byte string",
            Shows("C11", "D7"),
            CoseStructure,
            Change::Unprotected(vec![0x41, 0xa0]),
        ),
        (
            "unprotected/null",
            "The unprotected header is null",
            Shows("C11", "C8"),
            Code::CborType,
            Change::Unprotected(vec![0xf6]),
        ),
        (
            "unprotected/length-in-two-bytes",
            "The length of the empty unprotected header in two bytes",
            Shows("C08", "C4"),
            CborNotDeterministic,
            Change::Unprotected(vec![0xb8, 0]),
        ),
        (
            "unprotected/indefinite",
            "The unprotected header without a length",
            Shows("C07", "C5"),
            CborIndefinite,
            Change::Unprotected(vec![0xbf, 0xff]),
        ),
        ("payload/nil", "The payload is nil", Shows("C34", "D8"), PayloadMissing, Change::Payload(vec![0xf6])),
        (
            "payload/undefined",
            "The payload is undefined",
            Shows("C34", "C8"),
            Code::CborType,
            Change::Payload(vec![0xf7]),
        ),
        ("payload/text", "The payload as a text", Shows("C35", "D7"), CoseStructure, Change::Payload(text("mandate"))),
        ("payload/map", "The payload as a map", Shows("C36", "D7"), CoseStructure, Change::Payload(payload.clone())),
        (
            "payload/tagged",
            "The payload in an embedded-CBOR tag",
            Shows("P34", "C7"),
            CoseStructure,
            Change::Payload([vec![0xd8, 24], bytes(&payload)].concat()),
        ),
        (
            "payload/chunks",
            "The payload in chunks, the signature still good",
            Shows("C37", "C5"),
            CborIndefinite,
            Change::Payload(bytes_in_chunks(&payload)),
        ),
        (
            "payload/length-too-wide",
            "The length of the payload in more bytes, the signature still good",
            Shows("C38", "C4"),
            CborNotDeterministic,
            Change::Payload(wide(&payload)),
        ),
        (
            "payload/length-of-2-63",
            "The payload claims 2^63 bytes",
            Shows("P30", "C10"),
            CborTruncated,
            Change::Payload([head(2, 1 << 63), payload.clone()].concat()),
        ),
    ];
    for (id, title, shows, code, change) in rows {
        t.refuse(id, title, shows, (code, Framing), |f| match change.clone() {
            Change::Protected(item) => f.protected_item = Some(item),
            Change::Unprotected(item) => f.unprotected = Item::Raw(item),
            Change::Payload(item) => f.payload_item = Some(item),
        });
    }
}

#[derive(Clone)]
enum Change {
    Protected(Vec<u8>),
    Unprotected(Vec<u8>),
    Payload(Vec<u8>),
}

fn ends(t: &mut Papers<'_>) {
    let whole = t.base.bytes().len();
    let after: [(&str, &str, Vec<u8>); 4] = [
        ("end/byte-after", "A byte after the end", vec![0]),
        ("end/break-after", "A break after the end", vec![0xff]),
        ("end/empty-map-after", "An empty map after the end", vec![0xa0]),
        ("end/twice", "The whole paper twice", t.base.bytes()),
    ];
    for (id, title, tail) in after {
        t.refuse(id, title, Shows("C47", "C6"), (CborTrailing, Framing), |f| f.tail = tail.clone());
    }
    let signature = whole - 66;
    let payload = t.base.payload.encode().len();
    let cuts: [(&str, &str, usize, Code); 8] = [
        ("end/nothing", "No bytes at all", 0, CborTruncated),
        ("end/tag-alone", "The tag alone", 1, CborTruncated),
        ("end/array-alone", "Tag and head of the array alone", 2, CborTruncated),
        ("end/within-protected", "Cut in the protected header", 20, CborTruncated),
        ("end/before-payload", "Cut before the payload", signature - payload - 3, CborTruncated),
        ("end/within-payload", "Cut in the payload", signature - 10, CborTruncated),
        ("end/before-signature", "Cut before the signature", signature, CborTruncated),
        ("end/last-byte", "Cut before the last byte", whole - 1, CborTruncated),
    ];
    for (id, title, cut, code) in cuts {
        t.refuse(id, title, Shows("C48", "C6"), (code, Framing), |f| f.cut = Some(cut));
        t.last(|case| case.unpeeled());
    }
}

fn signatures(t: &mut Papers<'_>) {
    let honest = t.base.signature();
    let (r, s) = honest.split_at(32);
    let der = [integer(r), integer(s)].concat();
    let forms: [(&str, &str, Shows, Vec<u8>); 8] = [
        ("signature/der", "The signature in DER", Shows("C40", "D12"), super::certs::item(0x30, &der)),
        ("signature/63-bytes", "The signature without its last byte", Shows("C41", "D12"), honest[..63].to_vec()),
        ("signature/63-bytes-first", "The signature without its first byte", Shows("C41", "D12"), honest[1..].to_vec()),
        ("signature/65-bytes", "A zero after the signature", Shows("C42", "D12"), [&honest[..], &[0]].concat()),
        ("signature/65-bytes-first", "A zero before the signature", Shows("C42", "D12"), [&[0], &honest[..]].concat()),
        (
            "signature/with-recovery",
            "A recovery byte of 27 before the signature",
            Shows("C42", "D12"),
            [&[27], &honest[..]].concat(),
        ),
        ("signature/empty", "No signature", Shows("C46", "D12"), Vec::new()),
        (
            "signature/96-bytes",
            "A signature of the length of P-384",
            Shows("C42", "D12"),
            [&honest[..], &[0; 32]].concat(),
        ),
    ];
    for (id, title, shows, signature) in forms {
        t.refuse(id, title, shows, (SignatureFormat, Framing), |f| f.signature_item = Some(bytes(&signature)));
        t.last(|case| case.unpeeled());
    }
    t.refuse("signature/text", "The signature as a text", Shows("C11", "D12"), (CoseStructure, Framing), |f| {
        f.signature_item = Some(text(&"a".repeat(64)));
    });
    t.refuse(
        "signature/length-in-three-bytes",
        "The length of the signature in three bytes",
        Shows("C38", "C4"),
        (CborNotDeterministic, Framing),
        |f| {
            f.signature_item = Some([vec![0x59, 0, 64], f.signature().to_vec()].concat());
        },
    );
    t.refuse("signature/chunks", "The signature in chunks", Shows("C37", "C5"), (CborIndefinite, Framing), |f| {
        f.signature_item = Some(bytes_in_chunks(&f.signature()));
    });
}

/// The longest paper that is read, and one byte more. What fills it is no certificate, so that the shorter of the
/// two goes on to fail there; the twin shows that a paper of the kind is read at all.
fn size(sheet: &mut Sheet) {
    let base = honest("delivery");
    let mut t = Papers::new(sheet, "size/base", "An honest delivery", "ENC-1", base);
    let filled = |bytes_total: usize| {
        move |f: &mut Forge| {
            let leaf = super::certs::leaf("merchant");
            let bare = f.but(|f| f.unprotected = labelled([])).bytes().len();
            // {33: [leaf, filling]}: a label of two bytes, a head of one, and two of three.
            let filling = vec![0x30; bytes_total - bare - leaf.len() - 9];
            f.unprotected = labelled([(33, seq([leaf.into(), filling.into()]))]);
        }
    };
    t.refuse("size/over", "A paper of 16,385 bytes", Shows("F22", "C11 F3"), (MessageTooLarge, Size), filled(16_385));
    t.refuse("size/twice", "A paper of 32,768 bytes", Shows("F22", "C11 F3"), (MessageTooLarge, Size), filled(32_768));
    t.refuse(
        "size/limit",
        "A paper of 16,384 bytes, filled with what is no certificate",
        Shows("F22", "C11"),
        (Code::CertMalformed, purser_protocol::code::Stage::Certificates),
        filled(16_384),
    );
}
