//! Clauses: key words, codes, ids.

use super::copy::Copy;

const ENC: &str = "spec/04-encoding.md";

#[test]
fn key_words_stand_in_clauses() {
    let copy = Copy::new("key-words");
    let intro = "spec/01-introduction.md";
    let outside = "a key word of BCP 14 stands outside a clause";
    copy.breaks(intro, "## Kin", "A payer MUST\nsmile.\n\n## Kin", intro, outside);
    copy.breaks(intro, "## Kin", "## Kin, if you MAY", intro, outside);
    copy.breaks(intro, "## Kin", "| a | SHOULD |\n\n## Kin", intro, outside);
    copy.breaks(
        "spec/README.md",
        "## Where to begin",
        "Reading is OPTIONAL. All else is not.\n\n## Where to begin",
        "spec/README.md",
        outside,
    );
    copy.keeps(intro, "## Kin", "A payer must smile. MUSTARD is no key word.\n\n```\nMUST\n```\n\n## Kin");
}

#[test]
fn a_waiver_covers_one_sentence_and_gives_a_reason() {
    let copy = Copy::new("waivers");
    let file = copy.root.join("spec/waivers.csv");
    let (intro, waivers) = ("spec/01-introduction.md", "spec/waivers.csv");
    let sentence = "A payer MUST, so they say, smile.";
    let added = format!("{sentence} Or not.\n\n## Kin");

    std::fs::write(&file, format!("chapter,reason,sentence\n01-introduction.md,a quotation,{sentence}\n")).unwrap();
    copy.keeps(intro, "## Kin", &added);
    copy.breaks(
        intro,
        "## Kin",
        "It is so.\n\n## Kin",
        &format!("{waivers}:2"),
        "a waiver without a reason, or for a sentence",
    );

    std::fs::write(&file, format!("chapter,reason,sentence\n01-introduction.md,,{sentence}\n")).unwrap();
    copy.breaks(intro, "## Kin", &added, intro, "stands outside a clause");
    std::fs::write(&file, format!("chapter,reason,sentence\n02-conventions.md,a quotation,{sentence}\n")).unwrap();
    copy.breaks(intro, "## Kin", &added, intro, "stands outside a clause");
}

#[test]
fn a_clause_has_one_key_word() {
    let copy = Copy::new("one-key-word");
    let (one, line) = ("**[ENC-3]** A reader MUST refuse", format!("{ENC}:{}", line(&copy, ENC, "**[ENC-3]**")));
    copy.breaks(ENC, one, "**[ENC-3]** A reader MUST and SHOULD refuse", &line, "ENC-3 has 2 key words");
    copy.breaks(ENC, one, "**[ENC-3]** A reader will refuse", &line, "ENC-3 has 0 key words");
    copy.breaks(ENC, one, "**[ENC-3]** A reader MAY NOT accept", &line, "MAY NOT, which is no key word");
    copy.keeps(ENC, one, "**[ENC-3]** A reader SHALL NOT do other than refuse");
}

#[test]
fn a_clause_ends_with_one_code() {
    let copy = Copy::new("one-code");
    let code = "Code: `cbor-trailing`.";
    let none = "ENC-3 does not end with one code";
    copy.breaks(ENC, code, "", ENC, none);
    copy.breaks(ENC, code, "Code: `cbor-trailing`. Code: none. Seen by nobody.", ENC, none);
    copy.breaks(ENC, code, "Code: cbor-trailing.", ENC, none);
    copy.breaks(ENC, code, "Code: `cbor-trailing`. Always.", ENC, none);
    copy.breaks(ENC, code, "Code: `CBOR trailing`.", ENC, none);
    copy.breaks(ENC, code, "Code: none.", ENC, none);
    copy.breaks(ENC, code, "Code: `cbor-over`.", ENC, "ENC-3 has the code `cbor-over`, which is not in the registry");
    copy.breaks(
        ENC,
        code,
        "Code: none. Seen by every reader.",
        "spec/registries/errors.csv",
        "ENC-3, which leads to no code",
    );
    // Another clause can lead to the code of this one.
    copy.keeps("spec/14-bindings.md", "Code: none. Seen by the suite, under load.", "Code: `cbor-trailing`.");
}

#[test]
fn an_id_is_given_once() {
    let copy = Copy::new("ids");
    let retired = "spec/registries/retired.csv";
    let line = format!("{ENC}:{}", line(&copy, ENC, "**[ENC-5]**"));
    copy.breaks(ENC, "**[ENC-5]**", "**[ENC-4]**", &line, "ENC-4 stands at spec/04-encoding.md:");
    copy.breaks(
        retired,
        "id,reason\n",
        "id,reason\nENC-5,it was another\n",
        &line,
        "ENC-5 was the id of another clause",
    );
    copy.breaks(
        retired,
        "id,reason\n",
        "id,reason\nENC5,it was another\n",
        &format!("{retired}:2"),
        "\"ENC5\" is no id",
    );
    copy.keeps(retired, "id,reason\n", "id,reason\nENC-999,it never was\n");
}

#[test]
fn a_clause_has_an_id_and_a_paragraph() {
    let copy = Copy::new("paragraphs");
    let no_id = "begins like a clause and has no id";
    copy.breaks(ENC, "**[ENC-5]**", "**[ENC5]**", ENC, no_id);
    copy.breaks(ENC, "**[ENC-5]**", "**[ENC-05]**", ENC, no_id);
    copy.breaks(ENC, "**[ENC-5]**", "**[Note]**", ENC, no_id);
    copy.breaks(ENC, "\n\n**[ENC-4]**", "\n**[ENC-4]**", ENC, "a second clause begins in the paragraph of ENC-3");
}

/// The line on which a text stands first.
fn line(copy: &Copy, path: &str, text: &str) -> usize {
    copy.read(path).lines().position(|line| line.contains(text)).unwrap() + 1
}
