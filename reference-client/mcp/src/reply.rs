//! What a tool answers: a sentence for the model, and the same as data.

use purser_client::error::retry_words;
use purser_client::{Class, Error};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use crate::words::{fenced, harmless};

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    summary: String,
    data: Map<String, Value>,
    theirs: Option<String>,
    is_error: bool,
}

impl Reply {
    /// A sentence, and members for programs.
    pub fn new(summary: impl Into<String>, data: Value) -> Self {
        let data = match data {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { summary: summary.into(), data, theirs: None, is_error: false }
    }

    /// The same, as something that did not come out as asked.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }

    /// The same, with one member more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with a text that somebody else wrote: apart, and marked.
    #[must_use]
    pub fn theirs(mut self, who: &str, text: &str) -> Self {
        // A mark that is drawn after the text was written is not in it.
        let mark = purser_client::clock::random::<8>().map_or(0, u64::from_be_bytes);
        self.theirs = Some(fenced(who, text, &format!("--{mark:016x}--")));
        self
    }

    /// What went wrong: what, what to do, whether again helps.
    pub fn error(error: &Error) -> Self {
        let what = harmless(error.what());
        // Remedies speak of the command's flags.
        let fix = error.remedy().map(|fix| harmless(&fix.replace("--max", "max_amount")));
        let again = retry_words(error.retry_class());
        let mut summary = what.clone();
        if let Some(fix) = &fix {
            summary.push_str(&format!(". What to do: {fix}"));
        }
        summary.push_str(&format!(". Again: {again}."));
        let class = match error.class() {
            Class::Usage => "usage",
            Class::Failed => "failed",
            Class::Unknown => "unknown",
            Class::Forked => "forked",
            Class::Unreachable => "unreachable",
        };
        let data = json!({
            "status": "error",
            "error": {
                "what": what,
                "where": error.place().map(harmless),
                "what_to_do": fix,
                "class": class,
                "code": error.code().map(|code| code.slug()),
                "clause": error.code().map(|code| code.clause()),
                "retry": error.retry_class().name(),
                "money_may_have_moved": error.class() == Class::Unknown,
            },
        });
        Self::new(summary, data).failed()
    }

    /// As a tool's result. The data stand in the text too, for clients that show nothing else.
    pub fn result(self) -> CallToolResult {
        let data = Value::Object(self.data);
        let mut result = CallToolResult::structured(data);
        let shown = result.structured_content.as_ref().map(Value::to_string).unwrap_or_default();
        result.content = vec![ContentBlock::text(format!("{}\n{shown}", self.summary))];
        result.content.extend(self.theirs.map(ContentBlock::text));
        result.is_error = Some(self.is_error);
        result
    }

    /// The data alone.
    pub fn data(&self) -> &Map<String, Value> {
        &self.data
    }
}
