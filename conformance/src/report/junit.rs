//! JUnit's XML, for build servers.

use std::fmt::Write as _;

use crate::clause;
use crate::results::{CaseResult, Results, State};
use crate::run::judge::Why;

/// The file.
pub fn write(results: &Results) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    let _ = suites(&mut text, results);
    text
}

fn suites(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "<testsuites name=\"purser-conformance\">")?;
    for role in &results.roles {
        let cases: Vec<&CaseResult> = results.cases.iter().filter(|case| case.role == role.role).collect();
        let count = |wanted: State| cases.iter().filter(|case| case.state == wanted).count();
        let (failed, skipped) = (count(State::Failed), count(State::NotApplicable) + count(State::KnownFailing));
        writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\">",
            escape(&role.role),
            cases.len()
        )?;
        cases.iter().try_for_each(|case| self::case(text, case))?;
        writeln!(text, "  </testsuite>")?;
    }
    writeln!(text, "</testsuites>")
}

fn case(text: &mut String, case: &CaseResult) -> std::fmt::Result {
    write!(text, "    <testcase classname=\"{}\" name=\"{}\"", escape(&case.role), escape(&case.id))?;
    let message = escape(case.message.as_deref().unwrap_or_default());
    match case.state {
        State::Passed => writeln!(text, "/>"),
        State::NotApplicable => writeln!(text, "><skipped message=\"not claimed: {message}\"/></testcase>"),
        State::KnownFailing => {
            let reason = escape(case.known_reason.as_deref().unwrap_or_default());
            writeln!(text, "><skipped message=\"known failing: {reason}\"/></testcase>")
        }
        State::Failed => {
            let kind = case.why.map(Why::word).unwrap_or_default();
            let asked = case.clauses.iter().filter_map(|id| Some(format!("{id}: {}", clause::get(id)?.words)));
            let asked = escape(&asked.collect::<Vec<_>>().join("\n"));
            let title = escape(&case.title);
            writeln!(text, "><failure type=\"{kind}\" message=\"{message}\">{title}\n{asked}</failure></testcase>")
        }
    }
}

/// Text as XML and HTML write it; what XML cannot say at all is left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_of_a_subject_becomes_markup() {
        assert_eq!(escape("<a href='x'>&\"\u{0}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}");
    }
}
