//! The registries against the tables of the code, both ways, and against the clauses that they name.

use purser_protocol::code::{Code, Public, Standing};
use purser_protocol::label::{self, Label};
use purser_protocol::money::Currency;
use purser_protocol::paper::rules;

use super::clauses::Clauses;
use super::csv::Csv;
use super::{Finding, Tree};

/// Everything that disagrees about the registries.
pub(super) fn check(tree: &Tree, clauses: &Clauses<'_>) -> Vec<Finding> {
    let tables = [
        ("errors", "protocol/src/code.rs", Code::ALL.iter().map(|&code| error(code)).collect()),
        ("labels", "protocol/src/label.rs", named(label::ALL)),
        ("rules", "protocol/src/paper/rules.rs", named(rules::ALL)),
        ("currencies", "protocol/src/money/table.rs", Currency::all().map(currency).collect::<Vec<_>>()),
    ];
    let mut findings = Vec::new();
    for (name, source, code) in tables {
        let path = format!("spec/registries/{name}.csv");
        match tree.get(&path) {
            Some(text) => findings.extend(compare(&path, &Csv::read(text), source, &code)),
            None => findings.push(Finding::new(&path, 1, "the registry is not there", "write it")),
        }
    }
    findings.extend(explained(tree, clauses, "errors", "slug"));
    findings.extend(explained(tree, clauses, "rules", "code"));
    findings
}

/// A row of a code, as the registry has it.
fn error(code: Code) -> Vec<String> {
    let stages: Vec<_> = code.stages().iter().map(|stage| stage.name()).collect();
    let outcome = match code.standing() {
        Standing::NotDecided => "not-decided",
        Standing::Pending => "pending",
        Standing::Refused => "refused",
    };
    let public = match code.public() {
        Public::Same => "same",
        Public::Declined => "declined",
    };
    vec![
        code.number().to_string(),
        code.slug().into(),
        stages.join(" "),
        outcome.into(),
        public.into(),
        code.retry().name().into(),
        code.resolver().name().into(),
        code.status().to_string(),
        code.clause().into(),
        code.meaning().into(),
    ]
}

/// Rows of labels, of which the code knows number and name.
fn named(labels: &[Label]) -> Vec<Vec<String>> {
    labels.iter().map(|label| vec![label.number.to_string(), label.name.into()]).collect()
}

fn currency(currency: Currency) -> Vec<String> {
    let number = format!("{:03}", currency.number());
    vec![currency.code().into(), number, currency.exponent().to_string(), currency.name().into()]
}

/// Every row of the registry is a row of the code and the other way round, in one order. A row is known by its
/// first cell; columns that the code does not have are not compared.
fn compare(path: &str, registry: &Csv<'_>, source: &str, code: &[Vec<String>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut keys = Vec::new();
    for (line, row) in &registry.rows {
        let key = row.first().copied().unwrap_or_default();
        if keys.contains(&key) {
            findings.push(Finding::new(
                path,
                *line,
                format!("{key} stands here twice"),
                "give one of them another number",
            ));
        }
        keys.push(key);
        let Some(known) = code.iter().find(|known| known[0] == key) else {
            findings.push(Finding::new(
                path,
                *line,
                format!("{key} is not in the code"),
                format!("add it to {source}"),
            ));
            continue;
        };
        for (column, known) in known.iter().enumerate() {
            let cell = row.get(column).copied().unwrap_or_default();
            if cell != known {
                let name = registry.head.get(column).copied().unwrap_or("a column");
                let what = format!("{name} of {key} is {cell:?} here and {known:?} in the code");
                findings.push(Finding::new(path, *line, what, format!("correct this row or {source}")));
            }
        }
    }
    let last = registry.rows.last().map_or(1, |(line, _)| *line);
    for row in code.iter().filter(|row| !keys.contains(&row[0].as_str())) {
        let what = format!("{} ({}) is in the code and not here", row[0], row[1]);
        findings.push(Finding::new(path, last, what, format!("add a row, or take it out of {source}")));
    }
    if findings.is_empty() && !keys.iter().eq(code.iter().map(|row| &row[0])) {
        findings.push(Finding::new(
            path,
            1,
            "the rows stand in another order than in the code",
            "put them in one order",
        ));
    }
    findings
}

/// The clause that a row names is there and leads to the row's code.
fn explained(tree: &Tree, clauses: &Clauses<'_>, name: &str, slug: &str) -> Vec<Finding> {
    let path = format!("spec/registries/{name}.csv");
    let table = Csv::read(tree.get(&path).unwrap_or_default());
    let (Some(slug), Some(clause)) = (table.column(slug), table.column("clause")) else {
        return vec![Finding::new(&path, 1, "a column for the code or the clause is missing", "put it back")];
    };
    let mut findings = Vec::new();
    for (line, row) in &table.rows {
        let (slug, id) = (row.get(slug).copied().unwrap_or_default(), row.get(clause).copied().unwrap_or_default());
        match clauses.get(id) {
            None => {
                let what = format!("`{slug}` names the clause {id}, which the text does not have");
                findings.push(Finding::new(&path, *line, what, "name the clause that leads to the code, or write it"));
            }
            Some(clause) if clause.slug != Some(slug) => {
                let what =
                    format!("`{slug}` names the clause {id}, which leads to {}", clause.slug.unwrap_or("no code"));
                let remedy =
                    format!("name the clause that leads to the code, or correct {}:{}", clause.path, clause.line);
                findings.push(Finding::new(&path, *line, what, remedy));
            }
            Some(_) => {}
        }
    }
    findings
}
