//! One reply against what must come of its call.

use purser_test_vectors::{After, Call, Case, Expect, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Options;
use super::settings::only_stage;
use super::state::State;

/// What was seen of a case.
#[derive(Debug)]
pub struct Seen {
    /// The reply.
    pub reply: Value,
    /// The replies of its setup.
    pub earlier: Vec<Value>,
    /// The state before, where it must be unchanged.
    pub before: Option<Value>,
    /// The state afterwards.
    pub after: Option<Value>,
}

/// Why a case failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was accepted and must be refused.
    Accepted,
    /// It was refused and must be accepted.
    Refused,
    /// It was refused for another reason.
    WrongCode,
    /// It was refused with the right code at another stage.
    WrongStage,
    /// It was decided and must not be, or the other way round.
    WrongDecision,
    /// It was accepted, and something else came of it.
    WrongValue,
    /// The state afterwards is another one.
    WrongState,
    /// The signed answer is not as the reply says.
    WrongAnswer,
    /// The role or feature is claimed and the call not implemented.
    Unsupported,
    /// The shim says that the implementation broke.
    Fault,
    /// The process ended.
    Crashed,
    /// It said nothing.
    TimedOut,
    /// It said what is no reply.
    BadReply,
    /// What comes before the case did not come about.
    Setup,
    /// It was refused as it must be, and so was its twin, which must be accepted.
    Twin,
    /// It was accepted as it must be, and so was everything beside it that must be refused.
    Controls,
}

impl Why {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::WrongCode => "wrong code",
            Self::WrongStage => "wrong stage",
            Self::WrongDecision => "wrong decision",
            Self::WrongValue => "wrong value",
            Self::WrongState => "wrong state",
            Self::WrongAnswer => "wrong answer",
            Self::Unsupported => "unsupported",
            Self::Fault => "fault",
            Self::Crashed => "crashed",
            Self::TimedOut => "timed out",
            Self::BadReply => "bad reply",
            Self::Setup => "setup failed",
            Self::Twin => "twin failed",
            Self::Controls => "controls failed",
        }
    }

    /// Whether the process itself failed.
    pub const fn is_crash(self) -> bool {
        matches!(self, Self::Crashed | Self::TimedOut | Self::BadReply)
    }
}

/// What is thought of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Why it failed, and what is to be said about it.
    pub failure: Option<(Why, String)>,
    /// The reply, where there was one.
    pub reply: Option<Value>,
}

impl Verdict {
    /// As it must be.
    pub fn passed() -> Self {
        Self { failure: None, reply: None }
    }

    /// Not as it must be.
    pub fn failed(why: Why, message: impl Into<String>) -> Self {
        Self { failure: Some((why, message.into())), reply: None }
    }

    /// The same, of this reply.
    #[must_use]
    pub fn seeing(self, reply: Value) -> Self {
        Self { reply: Some(reply), ..self }
    }

    /// Whether it is as it must be.
    pub fn is_passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// Judges a case.
pub fn judge(case: &Case, setup: &[Call], seen: &Seen, options: &Options) -> Verdict {
    let fits = outcome_fits(&case.expect, &seen.reply, options)
        .and_then(|()| decision_fits(&case.expect, &seen.reply))
        .and_then(|()| value_fits(&case.expect, &seen.reply))
        .and_then(|()| same_fits(&case.expect, seen))
        .and_then(|()| crate::answer::fits(seen, setup, case.expect.answer.as_ref()))
        .and_then(|()| crate::signed::fits(&case.call, setup, seen))
        .and_then(|()| state_fits(&case.expect, seen));
    Verdict { failure: fits.err(), reply: Some(seen.reply.clone()) }
}

/// Judges a call before a case.
pub(super) fn judge_setup(call: &Call, reply: &Value, place: &str, options: &Options) -> Result<(), Verdict> {
    let accepted = Expect {
        outcome: Outcome::Accept,
        code: None,
        stage: None,
        decided: None,
        value: None,
        after: None,
        answer: None,
        same_as: None,
    };
    let expect = call.expect.as_ref().unwrap_or(&accepted);
    let fits = outcome_fits(expect, reply, options).and_then(|()| value_fits(expect, reply));
    fits.map_err(|(why, what)| {
        let why = if why == Why::Unsupported { why } else { Why::Setup };
        Verdict::failed(why, format!("{place}: {what}")).seeing(reply.clone())
    })
}

/// The word of a reply's outcome.
pub(super) fn outcome(reply: &Value) -> Option<&str> {
    reply.get("outcome").and_then(Value::as_str)
}

/// A reply, for people.
pub(super) fn in_words(reply: &Value) -> String {
    let text = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or("nothing");
    match outcome(reply) {
        Some("accept") => "accepted".to_owned(),
        Some("reject") => format!("refused: {}, stage {}", text("code"), text("stage")),
        Some("unsupported") => "unsupported".to_owned(),
        Some("fault") => format!("fault: {}", text("message")),
        _ => format!("no outcome that shim.md knows: {reply}"),
    }
}

/// What is said of a case whose call the subject does not have.
pub(crate) const UNSUPPORTED: &str = "hello claims the role, and the subject does not have the call";

fn outcome_fits(expect: &Expect, reply: &Value, options: &Options) -> Result<(), (Why, String)> {
    let words = in_words(reply);
    match (expect.outcome, outcome(reply)) {
        (Outcome::Accept, Some("accept")) => Ok(()),
        (Outcome::Accept, Some("reject")) => Err((Why::Refused, format!("must be accepted, and was {words}"))),
        (Outcome::Reject, Some("accept")) => {
            Err((Why::Accepted, format!("must be refused: {}; it was accepted", wanted(expect))))
        }
        (Outcome::Reject, Some("reject")) => code_fits(expect, reply, options),
        (_, Some("unsupported")) => Err((Why::Unsupported, UNSUPPORTED.to_owned())),
        (_, Some("fault")) => Err((Why::Fault, words)),
        _ => Err((Why::BadReply, words)),
    }
}

fn wanted(expect: &Expect) -> String {
    let (code, stage) = (expect.code.as_deref().unwrap_or("any code"), expect.stage.as_deref().unwrap_or("any"));
    format!("{code}, stage {stage}")
}

fn code_fits(expect: &Expect, reply: &Value, options: &Options) -> Result<(), (Why, String)> {
    if options.loose_codes {
        return Ok(());
    }
    let own = reply.get("code").and_then(Value::as_str).unwrap_or_default();
    let code = options.codes.slug(own);
    let stage = reply.get("stage").and_then(Value::as_str).or_else(|| only_stage(code));
    let said = format!("must be refused: {}; it was {}", wanted(expect), in_words(reply));
    if expect.code.as_deref().is_some_and(|wanted| wanted != code) {
        return Err((Why::WrongCode, said));
    }
    if expect.stage.as_deref().is_some_and(|wanted| Some(wanted) != stage) {
        return Err((Why::WrongStage, said));
    }
    Ok(())
}

fn decision_fits(expect: &Expect, reply: &Value) -> Result<(), (Why, String)> {
    let decided = reply.get("value").and_then(|value| value.get("answer")).is_some_and(Value::is_string);
    match expect.decided {
        Some(true) if !decided => {
            Err((Why::WrongDecision, "must be decided and signed; the reply has no value.answer".to_owned()))
        }
        Some(false) if decided => {
            Err((Why::WrongDecision, "must not be decided; the reply has a signed value.answer".to_owned()))
        }
        _ => Ok(()),
    }
}

fn value_fits(expect: &Expect, reply: &Value) -> Result<(), (Why, String)> {
    let wanted = expect.value.as_ref().and_then(Value::as_object);
    let value = reply.get("value").unwrap_or(&Value::Null);
    for (name, wanted) in wanted.into_iter().flatten() {
        let seen = value.get(name).unwrap_or(&Value::Null);
        // Of a refusal, what is false may be left out.
        let left_out = expect.outcome == Outcome::Reject && seen.is_null() && *wanted == Value::Bool(false);
        if seen != wanted && !left_out {
            return Err((Why::WrongValue, format!("{name} must be {}; it is {}", short(wanted), short(seen))));
        }
    }
    Ok(())
}

fn same_fits(expect: &Expect, seen: &Seen) -> Result<(), (Why, String)> {
    let Some(same) = &expect.same_as else { return Ok(()) };
    let member = |reply: Option<&Value>, name: &String| {
        reply.and_then(|reply| reply.get("value")).and_then(|value| value.get(name)).cloned().unwrap_or_default()
    };
    for name in &same.members {
        let (first, now) = (member(seen.earlier.get(same.call), name), member(Some(&seen.reply), name));
        if first.is_null() || first != now {
            let said = format!(
                "{name} must be what call {} of the setup got, {}; it is {}",
                same.call + 1,
                short(&first),
                short(&now)
            );
            return Err((Why::WrongValue, said));
        }
    }
    Ok(())
}

fn state_fits(expect: &Expect, seen: &Seen) -> Result<(), (Why, String)> {
    let wanted = match &expect.after {
        None => return Ok(()),
        Some(After::Unchanged) => seen.before.as_ref(),
        Some(After::State(state)) => Some(state),
    };
    let (Some(wanted), Some(after)) = (wanted, &seen.after) else { return Ok(()) };
    let differences = State::differences(&State::read(wanted), &State::read(after));
    let rest = differences.len().saturating_sub(3);
    match differences.get(..differences.len().min(3)) {
        None | Some([]) => Ok(()),
        Some(first) if rest > 0 => Err((Why::WrongState, format!("afterwards {}; and {rest} more", first.join("; ")))),
        Some(first) => Err((Why::WrongState, format!("afterwards {}", first.join("; ")))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 80 {
        return text;
    }
    let begin: String = text.chars().take(60).collect();
    format!("{begin}… ({} characters)", text.len())
}
