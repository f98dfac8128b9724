//! What stands at the head of a `SKILL.md`, as far as it matters here.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

const NAME_LETTERS_MAX: usize = 64;
const DESCRIPTION_LETTERS_MAX: usize = 1024;
const LINES_MAX: usize = 500;
/// Tools that a skill must not allow by itself: whoever runs it decides about each payment.
const NEVER_ALLOWED: [&str; 3] = ["pay", "fetch_paid", "refund_payment"];

/// The front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// The name, which is the folder's.
    pub name: String,
    /// What it is for.
    pub description: String,
}

impl Front {
    /// Reads and checks `SKILL.md` in a folder.
    pub fn of(dir: &Path) -> Result<Self> {
        let path = dir.join("SKILL.md");
        let text = fs::read_to_string(&path).map_err(|error| Error::file(&path, &error))?;
        let folder = fs::canonicalize(dir).map_err(|error| Error::file(dir, &error))?;
        let front = Self::read(&text).map_err(|error| error.at(path.display()))?;
        match folder.file_name().and_then(|name| name.to_str()) {
            Some(name) if name == front.name => Ok(front),
            _ => {
                Err(Error::failed(format!("its name is {}, and its folder has another", front.name)).at(path.display()))
            }
        }
    }

    /// Reads the text.
    pub fn read(text: &str) -> Result<Self> {
        let wrong = |what: &str| Error::failed(what);
        let rest = text.strip_prefix("---\n").ok_or_else(|| wrong("it does not begin with ---"))?;
        let (front, body) = rest.split_once("\n---\n").ok_or_else(|| wrong("its front matter does not end"))?;
        let field = |name: &str| {
            let mut lines = front.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let first = lines.next().map(|value| value.trim().to_owned());
            if lines.next().is_some() { None } else { first }
        };
        let name = field("name").ok_or_else(|| wrong("it has no name, or several"))?;
        let letters = name.bytes().all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let dashes = name.starts_with('-') || name.ends_with('-') || name.contains("--");
        if name.is_empty() || name.len() > NAME_LETTERS_MAX || !letters || dashes {
            return Err(wrong("its name is not 1 to 64 small letters, digits and single dashes"));
        }
        let description = field("description").ok_or_else(|| wrong("it has no description, or several"))?;
        if description.is_empty() || description.chars().count() > DESCRIPTION_LETTERS_MAX {
            return Err(wrong("its description is not 1 to 1024 letters long"));
        }
        if body.lines().count() >= LINES_MAX {
            return Err(wrong("its body has 500 lines or more"));
        }
        let allowed = field("allowed-tools").unwrap_or_default();
        let mut tools = allowed.split([' ', ',', '_', '(', ')']).collect::<Vec<_>>();
        tools.extend(allowed.split([' ', ',']).map(|tool| tool.rsplit("__").next().unwrap_or(tool)));
        if tools.iter().any(|tool| NEVER_ALLOWED.contains(tool)) {
            return Err(wrong("it allows itself a tool that pays"));
        }
        Ok(Self { name, description })
    }
}
