//! CDDL and examples: each is the file that rules.

use super::copy::Copy;

#[test]
fn a_chapter_repeats_the_cddl_as_it_is() {
    let copy = Copy::new("cddl");
    let (chapter, file) = ("spec/08-intents.md", "spec/cddl/offer.cddl");
    let so = "this CDDL stands so in no run of lines of spec/cddl/offer.cddl";
    copy.breaks(chapter, "  -21: [1*64 item],", "  -21: [1*65 item],", chapter, so);
    copy.breaks(chapter, "  -21: [1*64 item],\n", "", chapter, so);
    copy.breaks(file, "  -21: [1*64 item],", "  -21: [1*65 item],", chapter, so);
    copy.breaks(
        chapter,
        "[cddl/offer.cddl](cddl/offer.cddl)",
        "[cddl/intent.cddl](cddl/intent.cddl)",
        chapter,
        "in no run of lines of spec/cddl/intent.cddl",
    );
    copy.breaks(file, "payee = ", "gift = true\npayee = ", file, "no chapter repeats \"gift = true\"");
    copy.keeps(file, "offer = ", "; what is sold\n\noffer = ");
}

#[test]
fn an_example_is_what_it_is_called() {
    let copy = Copy::new("examples");
    let rows = [
        ("offer", "    7: h'4bfd", "    7: k'4bfd", ":8", "here stands nothing that the examples use"),
        (
            "offer",
            "    4: 1793607300,\n    6: 1793606400,",
            "    6: 1793606400,\n    4: 1793607300,",
            ":1",
            "cbor-not-deterministic",
        ),
        ("offer", "    6: 1793606400,", "    6: 1793606400,\n    6: 1793606400,", ":1", "cbor-duplicate-key"),
        ("offer", "    6: 1793606400,\n", "", ":1", "missing-field (schema stage"),
        ("offer", "    -5: 1280,", "    -5: 1281,", ":1", "items-total (schema stage"),
        ("offer", "\"tea.example\"", "\"Tea.example\"", ":1", "field-range (schema stage"),
        ("offer", "purser-offer", "purser-intent", ":1", "type-mismatch (headers stage"),
        ("offer", "{1: -9,", "{1: -7,", ":1", "alg-forbidden (headers stage"),
        ("offer", "18([", "19([", ":1", "cose-tag (framing stage"),
        ("mandate-single", "    -12: 1,", "    -12: 2,", ":1", "field-conflict (schema stage"),
        ("cancel", "        -5: 1280,", "        -5: 0,", ":1", "field-range (schema stage"),
        ("receipt", "    -8: 2,", "    -8: 1,", ":1", "path-invalid (receipt stage"),
        ("receipt", "-51: \"sandbox\"", "-51: 7", ":1", "field-type (schema stage"),
        ("payment-request", "  1: [],", "  1: [h''],", ":1", "cbor-truncated (framing stage"),
        ("detail", "{1: 0,", "{0: 0, 1: 0,", ":1", "unknown-field"),
    ];
    for (name, old, new, line, what) in rows {
        let path = format!("spec/examples/{name}.edn");
        copy.breaks(&path, old, new, &format!("{path}{line}"), what);
    }
    std::fs::write(copy.root.join("spec/examples/gift.edn"), "{}\n").unwrap();
    copy.breaks("spec/examples/gift.edn", "{}", "{ }", "spec/examples/gift.edn:1", "type-mismatch");
}

#[test]
fn a_chapter_repeats_the_examples_as_they_are() {
    let copy = Copy::new("repeated");
    let chapter = "spec/08-intents.md";
    copy.breaks(
        chapter,
        "    4: 1793607300,\n    6: 1793606400,",
        "    4: 1793607301,\n    6: 1793606400,",
        chapter,
        "this example is none of spec/examples",
    );
    copy.breaks(
        chapter,
        "    4: 1793607300,\n    6: 1793606400,",
        "    4: 1793607301,\n    6: 1793606400,",
        "spec/examples/offer.edn",
        "no chapter repeats this example",
    );
    copy.keeps(chapter, "## Offer\n", "## Offer\n\n~~~text\n{1: 2}\n~~~\n\n```\n{1: 2}\n```\n");
}

#[test]
fn a_printed_text_is_the_rendering_of_its_example() {
    let copy = Copy::new("rendered");
    let chapter = "spec/12-wallet.md";
    let so = "the text is not that of mandate zh screen from here on";
    copy.breaks(chapter, "  每次付款最多 150.00", "  每次付款最多 151.00", chapter, so);
    copy.breaks(chapter, "  每次付款最多 150.00 人民币元。\n", "", chapter, so);
    copy.breaks(chapter, "~~~text mandate zh screen", "~~~text mandate fr screen", chapter, "has no rendering");
    copy.breaks("spec/examples/mandate.edn", "{1: 15000,", "{1: 15001,", chapter, so);
}
