//! Registries as the chapters print them, between two markers: `<!-- errors.csv -->` and `<!-- /errors.csv -->`.

use super::csv::Csv;
use super::{Finding, Tree};

/// Which registry stands in which chapter.
const PRINTED: [(&str, &str); 3] = [
    ("errors.csv", "spec/15-errors.md"),
    ("labels.csv", "spec/19-registries.md"),
    ("rules.csv", "spec/19-registries.md"),
];

/// The first line of each printed table that differs from its registry.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    PRINTED.into_iter().filter_map(|(name, path)| differs(tree, name, path)).collect()
}

/// The chapters with their tables as the registries have them, where that changes something.
pub(super) fn write(tree: &Tree) -> Vec<(&'static str, String)> {
    let mut written: Vec<(&str, String)> = Vec::new();
    for (name, path) in PRINTED {
        let before = written.iter().position(|(done, _)| *done == path);
        let chapter = match before {
            Some(at) => written[at].1.clone(),
            None => tree.get(path).unwrap_or_default().to_owned(),
        };
        let Some((start, end)) = between(&chapter, name) else { continue };
        let chapter = [&chapter[..start], &printed(tree, name), &chapter[end..]].concat();
        match before {
            Some(at) => written[at].1 = chapter,
            None => written.push((path, chapter)),
        }
    }
    written.retain(|(path, text)| tree.get(path) != Some(text));
    written
}

fn differs(tree: &Tree, name: &str, path: &str) -> Option<Finding> {
    let chapter = tree.get(path).unwrap_or_default();
    let Some((start, end)) = between(chapter, name) else {
        let what = format!("no place for the table of {name}");
        return Some(Finding::new(path, 1, what, format!("put <!-- {name} --> and <!-- /{name} --> around it")));
    };
    let (table, expected) = (&chapter[start..end], printed(tree, name));
    if table == expected {
        return None;
    }
    let same = table.lines().zip(expected.lines()).take_while(|(is, should)| is == should).count();
    let line = chapter[..start].lines().count() + same + 1;
    let what = format!("the table is not that of {name} from here on");
    Some(Finding::new(path, line, what, "run purser-conformance spec write"))
}

/// What stands between the two markers of a registry.
fn between(chapter: &str, name: &str) -> Option<(usize, usize)> {
    let (first, last) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let start = chapter.find(&first)? + first.len();
    let end = start + chapter[start..].find(&last)?;
    Some((start, end))
}

/// A registry as a table of Markdown: slugs as code, several stages with commas between them.
fn printed(tree: &Tree, name: &str) -> String {
    let path = format!("spec/registries/{name}");
    let registry = Csv::read(tree.get(&path).unwrap_or_default());
    let head: Vec<_> = registry.head.iter().map(|&name| if name == "stages" { "stage" } else { name }).collect();
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for (_, row) in &registry.rows {
        let cells = row.iter().zip(&registry.head).map(|(cell, &column)| match column {
            "slug" | "code" => format!("`{cell}`"),
            "stages" => cell.replace(' ', ", "),
            _ => (*cell).to_owned(),
        });
        table += &format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    }
    table
}
