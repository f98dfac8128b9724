//! The fields of a map, as `spec/cddl` has them.

use std::collections::BTreeMap;

const FILES: &[&str] = &[
    include_str!("../../../spec/cddl/commands.cddl"),
    include_str!("../../../spec/cddl/common.cddl"),
    include_str!("../../../spec/cddl/confirmation.cddl"),
    include_str!("../../../spec/cddl/credential.cddl"),
    include_str!("../../../spec/cddl/delivery.cddl"),
    include_str!("../../../spec/cddl/dispute.cddl"),
    include_str!("../../../spec/cddl/document.cddl"),
    include_str!("../../../spec/cddl/intent.cddl"),
    include_str!("../../../spec/cddl/mandate.cddl"),
    include_str!("../../../spec/cddl/notice.cddl"),
    include_str!("../../../spec/cddl/offer.cddl"),
    include_str!("../../../spec/cddl/pseudonym.cddl"),
    include_str!("../../../spec/cddl/receipt.cddl"),
    include_str!("../../../spec/cddl/status.cddl"),
    include_str!("../../../spec/cddl/tokens.cddl"),
];

/// The labels of a rule's map, and whether each is required.
pub(crate) fn fields(rule: &str) -> BTreeMap<i64, bool> {
    let text = definition(rule);
    match text.split_once('{') {
        Some((_, body)) => top_level(body).iter().map(|entry| field(entry)).collect(),
        // A payload that has a name of its own: the last word of the rule.
        None => fields(text.trim_end().trim_end_matches('>').rsplit([' ', ',']).next().unwrap()),
    }
}

/// The text of a rule, without comments, up to the next one.
fn definition(rule: &str) -> String {
    let start = format!("{rule} = ");
    for file in FILES {
        let lines: Vec<&str> = file.lines().map(|line| line.split(';').next().unwrap().trim_end()).collect();
        if let Some(first) = lines.iter().position(|line| line.starts_with(&start)) {
            let is_rule = |line: &&&str| line.starts_with(|c: char| c.is_ascii_lowercase());
            let length = 1 + lines[first + 1..].iter().take_while(|line| !is_rule(line)).count();
            return lines[first..first + length].join(" ")[start.len()..].to_owned();
        }
    }
    panic!("no rule {rule}")
}

/// The entries of the map whose `{` was just passed.
fn top_level(body: &str) -> Vec<String> {
    let (mut depth, mut entries) = (0, vec![String::new()]);
    for c in body.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(String::new());
                continue;
            }
            _ => {}
        }
        entries.last_mut().unwrap().push(c);
    }
    entries.retain(|entry| !entry.trim().is_empty());
    entries
}

/// `? -3: paper-id`
fn field(entry: &str) -> (i64, bool) {
    let entry = entry.trim();
    let (is_required, entry) = entry.strip_prefix('?').map_or((true, entry), |rest| (false, rest));
    (entry.split(':').next().unwrap().trim().parse().unwrap(), is_required)
}
