//! Registries: against the code, against the clauses, against the printed tables.

use purser_conformance::spec::{self, Tree};

use super::copy::{Copy, nobody};

#[test]
fn a_registry_is_the_table_of_the_code() {
    let copy = Copy::new("registries");
    let rows = [
        (
            "errors",
            "21,cbor-trailing,",
            "21,cbor-tailing,",
            "slug of 21 is \"cbor-tailing\" here and \"cbor-trailing\"",
        ),
        ("errors", "21,cbor-trailing,framing encoding,", "21,cbor-trailing,framing,", "stages of 21"),
        (
            "errors",
            "21,cbor-trailing,framing encoding,not-decided",
            "21,cbor-trailing,framing encoding,refused",
            "outcome of 21",
        ),
        ("errors", ",ENC-3,Bytes follow the end of the item.", ",ENC-3,Bytes follow.", "meaning of 21"),
        ("errors", "\n21,cbor-trailing,", "\n19,cbor-trailing,", "19 is not in the code"),
        ("errors", "\n21,cbor-trailing,", "\n19,cbor-trailing,", "21 (cbor-trailing) is in the code and not here"),
        ("errors", "\n21,cbor-trailing,", "\n20,cbor-trailing,", "20 stands here twice"),
        ("labels", "-2,mandate,", "-2,mandated,", "name of -2"),
        ("labels", "\n-2,mandate,", "\n-200,mandate,", "-200 is not in the code"),
        ("labels", "\n-2,mandate,", "\n-200,mandate,", "-2 (mandate) is in the code and not here"),
        ("rules", "3,total,", "3,sum,", "name of 3"),
        ("rules", "\n3,total,", "\n33,total,", "33 is not in the code"),
        ("currencies", "CNY,156,2,", "CNY,156,3,", "exponent of CNY is \"3\" here and \"2\""),
        ("currencies", "CNY,156,", "CNY,157,", "number of CNY"),
        ("currencies", "\nCNY,", "\nXAU,", "CNY (156) is in the code and not here"),
        ("currencies", ",Yuan Renminbi", ",Yuan", "name of CNY"),
    ];
    for (name, old, new, what) in rows {
        let path = format!("spec/registries/{name}.csv");
        copy.breaks(&path, old, new, &path, what);
    }
}

#[test]
fn a_registry_is_there_and_in_order() {
    let copy = Copy::new("registry-order");
    let path = "spec/registries/currencies.csv";
    let (first, second) = ("AED,784,2,UAE Dirham\n", "AFN,971,2,Afghani\n");
    copy.breaks(path, &format!("{first}{second}"), &format!("{second}{first}"), &format!("{path}:1"), "another order");

    std::fs::remove_file(copy.root.join(path)).unwrap();
    let found = spec::check(&Tree::read(&copy.root).unwrap());
    assert!(found.iter().any(|finding| finding.path == path && finding.what.contains("is not there")), "{found:#?}");
}

#[test]
fn a_code_names_the_clause_that_leads_to_it() {
    let copy = Copy::new("explained");
    let (errors, rules) = ("spec/registries/errors.csv", "spec/registries/rules.csv");
    for (path, id, slug) in [(errors, "ENC-3", "cbor-trailing"), (rules, "RUL-3", "rule-total")] {
        let other = nobody(&id[..3]);
        let what = format!("`{slug}` names the clause {other}, which the text does not have");
        copy.breaks(path, &format!(",{id},"), &format!(",{other},"), path, &what);
    }
    copy.breaks(errors, ",ENC-3,", ",ENC-2,", errors, "names the clause ENC-2, which leads to cbor-truncated");
    copy.breaks(
        rules,
        ",RUL-3,rule-total",
        ",RUL-3,rule-count",
        rules,
        "names the clause RUL-3, which leads to rule-total",
    );
    copy.breaks(
        rules,
        ",clause,",
        ",clausus,",
        &format!("{rules}:1"),
        "a column for the code or the clause is missing",
    );
    copy.breaks(
        "spec/04-encoding.md",
        "`cbor-trailing`",
        "`cbor-truncated`",
        errors,
        "names the clause ENC-3, which leads to cbor-truncated",
    );
}

#[test]
fn a_chapter_prints_its_registry_and_write_mends_it() {
    let copy = Copy::new("printed");
    let tables = [
        ("spec/15-errors.md", "errors.csv", "| 21 | `cbor-trailing` |"),
        ("spec/19-registries.md", "labels.csv", "| -2 | mandate |"),
        ("spec/19-registries.md", "rules.csv", "| 3 | total |"),
    ];
    for (chapter, name, row) in tables {
        let what = format!("the table is not that of {name}");
        let line = copy.read(chapter).lines().position(|line| line.starts_with(row)).unwrap() + 1;
        let broken = row.replace("| ", "|  ");
        copy.breaks(chapter, row, &broken, &format!("{chapter}:{line}"), &what);
        copy.breaks(chapter, &format!("<!-- {name} -->"), "", chapter, &format!("no place for the table of {name}"));
        let whole = copy.read(chapter);
        let mended =
            copy.with(chapter, row, &broken, |tree| spec::write(tree).into_iter().find(|(path, _)| *path == chapter));
        assert_eq!(mended.map(|(_, text)| text), Some(whole), "{name}");
    }
}

#[test]
fn a_printed_table_follows_its_registry() {
    let copy = Copy::new("follows");
    let registry = "spec/registries/labels.csv";
    copy.breaks(
        registry,
        "-3,offer,paper-id,the offer meant",
        "-3,offer,paper-id,an offer",
        "spec/19-registries.md",
        "labels.csv",
    );
    let chapter = "spec/19-registries.md";
    let written = copy.with(registry, "the offer meant", "an offer", spec::write);
    assert_eq!(written, [(chapter, copy.read(chapter).replace("| the offer meant |", "| an offer |"))]);
}
