//! What is known to fail, with a reason and a day on which that is no excuse any more.
//!
//! Strict: what is listed and passes, what is listed and not there, and what is past its day fails the run.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::glob;
use super::judge::Why;

/// A known-failing list.
#[derive(Clone, Debug, Default)]
pub struct KnownFailing {
    entries: Vec<Entry>,
    today: Day,
}

/// An entry of the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// An id, or a pattern with `*`.
    pub pattern: String,
    /// Why it fails.
    pub reason: String,
    /// Where that is worked on.
    pub issue: Option<String>,
    /// The code that it is refused with, where that is known.
    pub code: Option<String>,
    /// The first day on which it must not fail any more, `2027-01-31`.
    pub until: Option<String>,
    /// Whether the process may end, fall silent or babble.
    #[serde(default)]
    pub allow_crash: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Entry>,
}

/// A day, as a text that sorts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(String);

impl Day {
    /// A day written as `2027-01-31`.
    pub fn read(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_day = matches!(parts.as_slice(), [year, month, day]
            if (year.len(), month.len(), day.len()) == (4, 2, 2)
                && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())));
        if is_day { Ok(Self(text.to_owned())) } else { Err(format!("{text} is not a day such as 2027-01-31")) }
    }

    /// The day on this machine's clock, UTC.
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = purser_protocol::time::UnixSeconds::new(seconds);
        Self(now.map(|now| now.to_string().chars().take(10).collect()).unwrap_or_default())
    }
}

impl KnownFailing {
    /// Reads a list.
    pub fn read(text: &str, today: Day) -> Result<Self, String> {
        let File { case: entries } = toml::from_str(text).map_err(|error| error.to_string())?;
        for entry in &entries {
            if entry.reason.trim().is_empty() {
                return Err(format!("{} has no reason", entry.pattern));
            }
            if let Some(until) = &entry.until {
                Day::read(until).map_err(|error| format!("{}: until: {error}", entry.pattern))?;
            }
        }
        Ok(Self { entries, today })
    }

    /// The entry that excuses a failure.
    pub fn excuses(&self, id: &str, why: Why, code: Option<&str>) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            glob::fits(&entry.pattern, id)
                && (!why.is_crash() || entry.allow_crash)
                && entry.code.as_deref().is_none_or(|known| Some(known) == code)
        })
    }

    /// What is wrong with the list itself, by what was run and what failed of it.
    pub fn problems<'i>(&self, run: impl Iterator<Item = (&'i str, bool)> + Clone) -> Vec<String> {
        let mut problems = Vec::new();
        for entry in &self.entries {
            let meant = run.clone().filter(|(id, _)| glob::fits(&entry.pattern, id));
            if meant.clone().next().is_none() {
                problems.push(format!("{} is no case of this run: take it out", entry.pattern));
            }
            for (id, _) in meant.filter(|(_, passed)| *passed) {
                problems.push(format!("{id} is listed as {} and passes: take it out", entry.pattern));
            }
            if entry.until.as_deref().is_some_and(|until| until <= self.today.0.as_str()) {
                let until = entry.until.as_deref().unwrap_or_default();
                problems.push(format!("{} was excused until {until}: {}", entry.pattern, entry.reason));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_strict() {
        let text = "[[case]]\npattern = \"a/*\"\nreason = \"being mended\"\nuntil = \"2030-01-01\"\n";
        let list = |today: &str| KnownFailing::read(text, Day::read(today).unwrap()).unwrap();
        let known = list("2029-12-31");
        assert!(known.excuses("a/b", Why::Accepted, None).is_some());
        assert!(known.excuses("b/b", Why::Accepted, None).is_none());
        assert!(known.excuses("a/b", Why::Crashed, None).is_none(), "a crash hides more than one case");
        assert_eq!(known.problems([("a/b", false)].into_iter()), Vec::<String>::new());
        assert_eq!(known.problems([("a/b", false), ("a/c", true)].into_iter()).len(), 1);
        assert_eq!(known.problems([("b/b", false)].into_iter()).len(), 1);
        assert_eq!(list("2030-01-01").problems([("a/b", false)].into_iter()).len(), 1);
        assert!(KnownFailing::read("[[case]]\npattern = \"a\"\nreason = \" \"\n", Day::today()).is_err());
        assert!(KnownFailing::read(&text.replace("2030-01-01", "soon"), Day::today()).is_err());
        assert!(Day::today() > Day::read("2024-01-01").unwrap());
    }
}
