//! What is to be done about a case that failed, in a sentence: as far as the case alone can say it.

use std::collections::BTreeSet;

use purser_protocol::code::{Code, Stage};
use serde_json::Value;

use crate::clause;
use crate::results::CaseResult;
use crate::run::judge::Why;

/// What to mend.
pub(crate) fn mend(case: &CaseResult) -> Option<String> {
    let must = case.expect.code.as_deref().and_then(Code::from_slug);
    let said = case.seen.as_ref().and_then(|seen| seen.get("code")).and_then(Value::as_str);
    let said = said.and_then(Code::from_slug);
    let stage = case.expect.stage.as_deref().or_else(|| must.and_then(first_stage));
    let at = stage.map(|stage| format!(" in the stage {stage}")).unwrap_or_default();
    Some(match case.why? {
        Why::Accepted => match must {
            Some(code) => format!("Add the check{at}: {} Whoever fails it is told {}.", code.meaning(), code.slug()),
            None => "Nothing may come of it: stop before the paper is signed, sent or taken for done.".to_owned(),
        },
        Why::Refused => match said {
            Some(code) => format!(
                "There is nothing wrong with it. {} was said, which is for this alone: {}: {}",
                code.slug(),
                code.clause(),
                clause::get(code.clause()).map_or(code.meaning(), |clause| clause.words.as_str())
            ),
            None => "There is nothing wrong with it; see what your code compares.".to_owned(),
        },
        Why::WrongCode => match (must, said) {
            (Some(must), Some(said)) => earlier(must, said, &at),
            (Some(must), None) => format!(
                "Say {}: {} An own name for it goes into [codes] of purser-conformance.toml.",
                must.slug(),
                must.meaning()
            ),
            (None, _) => return None,
        },
        Why::WrongStage => format!(
            "The reason is right and comes at another time: ask it{at}. The stages in their order: {}.",
            stages().iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ")
        ),
        Why::WrongDecision => match case.expect.decided {
            Some(true) => "The refusal is final: record it, and answer with a signed receipt.".to_owned(),
            Some(false) => "Nothing is decided by this: record nothing, and sign nothing.".to_owned(),
            None => return None,
        },
        Why::WrongState => "What was refused must change nothing, and what was done must change this alone. What each \
                            member counts stands in shim.md under state.get."
            .to_owned(),
        Why::Twin => format!(
            "Mend {} first: until it is accepted, this refusal shows nothing.",
            case.twin.as_deref().unwrap_or("its twin")
        ),
        Why::Controls => {
            "Refuse the cases beside it first: until one is refused, to accept this shows nothing.".to_owned()
        }
        Why::Unsupported => "Implement the call, or take the role or the feature out of hello.".to_owned(),
        Why::Fault | Why::Crashed | Why::TimedOut | Why::BadReply => {
            "See the log of the shim (its standard error); repro makes the same call alone.".to_owned()
        }
        Why::WrongValue | Why::WrongAnswer | Why::Setup => return None,
    })
}

/// Two reasons: which of them is asked first.
fn earlier(must: Code, said: Code, at: &str) -> String {
    let order = match (must.stages().first(), said.stages().first()) {
        (Some(must), Some(said)) if must < said => "an earlier stage has to refuse it",
        (Some(must), Some(said)) if must > said => "a stage refuses it that should have let it through",
        _ => "within the stage the other check comes first, or this one is missing",
    };
    format!(
        "It must be {}{at} ({}); yours is {} ({}): {order}.",
        must.slug(),
        must.meaning(),
        said.slug(),
        said.meaning()
    )
}

/// The stages that codes arise in, in their order.
fn stages() -> BTreeSet<Stage> {
    Code::ALL.iter().flat_map(|code| code.stages()).copied().collect()
}

fn first_stage(code: Code) -> Option<&'static str> {
    code.stages().first().map(|stage| stage.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_reasons_it_is_said_which_comes_first() {
        let said = earlier(Code::CborDuplicateKey, Code::MissingField, " in the stage encoding");
        assert!(said.contains("an earlier stage has to refuse it"), "{said}");
        let said = earlier(Code::MissingField, Code::CborDuplicateKey, "");
        assert!(said.contains("should have let it through"), "{said}");
    }
}
