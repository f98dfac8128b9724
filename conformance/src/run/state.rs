//! What `state.get` says, in the one form that is compared.

use std::collections::BTreeMap;

use serde_json::Value;

/// Lists, the members by which their entries are known, and those that are compared.
const LISTS: &[(&str, &[&str], &[&str])] = &[
    ("accounts", &["account", "currency"], &["available_minor", "held_minor"]),
    ("merchants", &["party", "currency"], &["minor"]),
    ("mandates", &["mandate"], &["standing", "spent_minor", "held_minor", "funded_minor", "payments"]),
    ("payments", &["intent"], &["state", "amount_minor", "captured_minor", "refunded_minor"]),
];

/// A state, or the part of one that a case names: `list/id/member` to what is there. Nothing of zero stands in it,
/// so that leaving out and saying zero are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The lists that were there; a case may name some only.
    lists: Vec<&'static str>,
    members: BTreeMap<String, String>,
}

impl State {
    pub(super) fn read(value: &Value) -> Self {
        let mut state = Self { lists: Vec::new(), members: BTreeMap::new() };
        for (list, keys, compared) in LISTS {
            let Some(entries) = value.get(list).and_then(Value::as_array) else { continue };
            state.lists.push(list);
            for entry in entries {
                let text = |name: &&str| entry.get(*name).map(plain).unwrap_or_default();
                let id = keys.iter().map(text).collect::<Vec<_>>().join(" ");
                for member in *compared {
                    let said = entry.get(*member).map(plain).filter(|said| said != "0");
                    state.members.extend(said.map(|said| (format!("{list} {id}: {member}"), said)));
                }
            }
        }
        state
    }

    /// What differs, in the lists that are expected.
    pub(super) fn differences(expected: &Self, seen: &Self) -> Vec<String> {
        let is_compared = |name: &&String| expected.lists.iter().any(|list| name.starts_with(&format!("{list} ")));
        let mut names: Vec<&String> = expected.members.keys().chain(seen.members.keys()).filter(is_compared).collect();
        names.sort();
        names.dedup();
        let differs = names.into_iter().filter(|name| expected.members.get(*name) != seen.members.get(*name));
        let said = |state: &Self, name: &String| state.members.get(name).cloned().unwrap_or_else(|| "nothing".into());
        let mut found: Vec<String> =
            differs.map(|name| format!("{name} is {}, not {}", said(seen, name), said(expected, name))).collect();
        for list in expected.lists.iter().filter(|list| !seen.lists.contains(list)) {
            found.push(format!("{list} is missing"));
        }
        found
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zero_and_absent_are_one_and_order_is_nothing() {
        let left = State::read(&json!({
            "accounts": [{"account": "aa", "currency": "CNY", "available_minor": "5", "held_minor": "0"}],
            "payments": [{"intent": "01", "state": "held"}, {"intent": "02", "state": "settled"}],
        }));
        let right = State::read(&json!({
            "payments": [{"intent": "02", "state": "settled", "captured_minor": "0"}, {"intent": "01", "state": "held"}],
            "accounts": [{"account": "aa", "currency": "CNY", "available_minor": "5", "more": 7}, {"account": "bb"}],
        }));
        assert!(State::differences(&left, &right).is_empty());
        assert!(State::differences(&right, &left).is_empty());
        let other = State::read(&json!({ "accounts": [], "payments": [{"intent": "01", "state": "voided"}] }));
        let differences = State::differences(&left, &other);
        assert_eq!(differences.len(), 3, "{differences:?}");
        assert!(differences[1].contains("voided, not held"), "{differences:?}");
        assert_eq!(State::differences(&left, &State::read(&json!({}))).len(), 5);
    }
}
