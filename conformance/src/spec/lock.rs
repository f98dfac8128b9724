//! How much is traced, and that it never gets less: `spec/coverage.lock`.

use std::fmt;

use super::{Finding, Tree};

const LOCK: &str = "spec/coverage.lock";

/// Counts of clauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Clauses of the text.
    pub clauses: usize,
    /// Clauses that were in it once.
    pub retired: usize,
    /// Clauses with a line of code.
    pub traced: usize,
    /// Clauses with cases.
    pub tested: usize,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let untraced = self.clauses.saturating_sub(self.traced);
        write!(
            f,
            "{} clauses: {} with a line of code, {untraced} without; {} with cases; {} retired",
            self.clauses, self.traced, self.tested, self.retired
        )
    }
}

/// Neither a clause that went without a trace of its id, nor fewer lines of code than there were.
pub(super) fn check(tree: &Tree, now: &Coverage) -> Vec<Finding> {
    let Some(text) = tree.get(LOCK) else {
        return vec![Finding::new(LOCK, 1, "the counts are not there", "run purser-conformance spec write")];
    };
    let Some(kept) = read(text) else {
        let remedy = "write four lines: clauses = N, retired = N, traced = N, tested = N";
        return vec![Finding::new(LOCK, 1, "the counts do not read", remedy)];
    };
    let mut findings = Vec::new();
    if now.clauses + now.retired < kept.clauses + kept.retired {
        let what = format!(
            "there were {} clauses, retired ones included, and now there are {}",
            kept.clauses + kept.retired,
            now.clauses + now.retired
        );
        findings.push(Finding::new(LOCK, 1, what, "add the id of each clause removed to spec/registries/retired.csv"));
    }
    if now.traced < kept.traced {
        let what = format!("{} clauses had a line of code, and now {} have", kept.traced, now.traced);
        let remedy = "put the ids back; where a traced clause was retired, lower the count by hand";
        findings.push(Finding::new(LOCK, 3, what, remedy));
    }
    if now.tested < kept.tested {
        let what = format!("{} clauses had cases, and now {} have", kept.tested, now.tested);
        let remedy = "put the cases back; where a tested clause was retired, lower the count by hand";
        findings.push(Finding::new(LOCK, 4, what, remedy));
    }
    findings
}

/// The counts raised to what they are now.
pub(super) fn write(tree: &Tree, now: &Coverage) -> Option<(&'static str, String)> {
    let kept = tree.get(LOCK).and_then(read).unwrap_or_default();
    let (clauses, retired, traced) = (now.clauses, now.retired, now.traced.max(kept.traced));
    let tested = now.tested.max(kept.tested);
    let text = format!("clauses = {clauses}\nretired = {retired}\ntraced = {traced}\ntested = {tested}\n");
    let fewer = clauses + retired < kept.clauses + kept.retired;
    (!fewer && tree.get(LOCK) != Some(&text)).then_some((LOCK, text))
}

fn read(text: &str) -> Option<Coverage> {
    let mut lines = text.lines();
    let mut count = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(" = ")?.parse().ok();
    let coverage = Coverage {
        clauses: count("clauses")?,
        retired: count("retired")?,
        traced: count("traced")?,
        tested: count("tested")?,
    };
    lines.next().is_none().then_some(coverage)
}
