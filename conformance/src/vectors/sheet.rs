//! A file in the making.

use std::collections::BTreeMap;

use purser_protocol::code::{Code, Stage, Standing};
use purser_protocol::diag;
use purser_test_vectors::{After, Area, Call, Case, Expect, FORMAT, Importance, Level, Mutation, Outcome, SameAs};
use serde_json::{Value, json};

/// Cases about one part of the specification.
pub(super) struct Sheet {
    area: &'static str,
    about: &'static str,
    setups: BTreeMap<String, Vec<Call>>,
    cases: Vec<Case>,
}

impl Sheet {
    pub(super) fn new(area: &'static str, about: &'static str) -> Self {
        Self { area, about, setups: BTreeMap::new(), cases: Vec::new() }
    }

    /// Adds a case; its id begins with the area.
    pub(super) fn add(&mut self, mut case: Case) -> &mut Self {
        let full = |id: &str| if id.contains(':') { id.replace(':', "/") } else { format!("{}/{id}", self.area) };
        case.id = full(&case.id);
        case.twin = case.twin.map(|twin| full(&twin));
        if let Some(mutation) = &mut case.mutation {
            mutation.base = full(&mutation.base);
        }
        self.cases.push(case);
        self
    }

    /// Changes the case that was added last.
    pub(super) fn amend(&mut self, change: impl FnOnce(Case) -> Case) {
        let last = self.cases.pop();
        self.cases.extend(last.map(change));
    }

    /// Names what is done before a case.
    pub(super) fn setup(&mut self, name: &str, calls: Vec<Call>) {
        self.setups.insert(name.to_owned(), calls);
    }

    pub(super) fn finish(self) -> Area {
        Area {
            format: FORMAT.to_owned(),
            spec: "1".to_owned(),
            area: self.area.to_owned(),
            about: self.about.to_owned(),
            setups: self.setups,
            cases: self.cases,
        }
    }
}

/// A call.
pub(super) fn call(op: &str, input: Value) -> Call {
    Call { op: op.to_owned(), input, expect: None }
}

/// Where a case stands in the catalogues: classes and attacks, with spaces between.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shows(pub(super) &'static str, pub(super) &'static str);

/// An expectation of acceptance.
pub(super) fn accepted() -> Expect {
    Expect {
        outcome: Outcome::Accept,
        code: None,
        stage: None,
        decided: None,
        value: None,
        answer: None,
        after: None,
        same_as: None,
    }
}

/// An expectation of refusal.
pub(super) fn refused(code: Code, stage: Stage) -> Expect {
    let (code, stage) = (Some(code.slug().to_owned()), Some(stage.name().to_owned()));
    Expect { outcome: Outcome::Reject, code, stage, ..accepted() }
}

/// A refusal with the code's only stage.
pub(super) fn refused_as(code: Code) -> Expect {
    refused(code, code.stages().first().copied().unwrap_or(Stage::Schema))
}

/// A refusal by an issuer, decided or not as the registry says.
pub(super) fn refused_by_issuer(code: Code) -> Expect {
    Expect { decided: Some(code.standing() == Standing::Refused), ..refused_as(code) }
}

/// The parts of a case that are set one by one.
pub(super) trait Build: Sized {
    fn shows(self, shows: Shows) -> Self;
    fn clauses(self, clauses: &str) -> Self;
    fn twin(self, id: &str) -> Self;
    fn mutated(self, base: &str, op: &str, args: Vec<Value>, resigned: bool) -> Self;
    fn after_setup(self, name: &str) -> Self;
    fn needs(self, features: &str) -> Self;
    fn weighs(self, importance: Importance) -> Self;
    fn diagnosed(self, bytes: &[u8]) -> Self;
    fn unpeeled(self) -> Self;
}

/// A case of a role, with an id, words, a call, and what must come of it.
pub(super) fn case(role: &str, id: &str, title: impl Into<String>, call: Call, expect: Expect) -> Case {
    let code = expect.code.as_deref().and_then(Code::from_slug);
    let peel = code.map(|code| code.clause().to_owned());
    let stage = expect.stage.as_deref();
    let importance = match stage {
        None => Importance::High,
        Some("size" | "framing" | "encoding" | "headers" | "time") => Importance::High,
        Some("schema" | "version" | "http") => Importance::Medium,
        Some(_) => Importance::Critical,
    };
    Case {
        id: id.to_owned(),
        class: Vec::new(),
        attacks: Vec::new(),
        title: title.into(),
        clauses: peel.iter().cloned().collect(),
        level: Level::Must,
        role: role.to_owned(),
        features: Vec::new(),
        importance,
        flags: Vec::new(),
        twin: None,
        mutation: None,
        setup: None,
        call,
        expect,
        diagnostic: None,
        sig_structure: None,
        peel,
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Build for Case {
    fn shows(mut self, Shows(classes, attacks): Shows) -> Self {
        (self.class, self.attacks) = (words(classes), words(attacks));
        self
    }

    /// Further clauses, behind that of the code.
    fn clauses(mut self, clauses: &str) -> Self {
        for clause in words(clauses) {
            if !self.clauses.contains(&clause) {
                self.clauses.push(clause);
            }
        }
        self
    }

    fn twin(mut self, id: &str) -> Self {
        self.twin = Some(id.to_owned());
        self
    }

    fn mutated(mut self, base: &str, op: &str, args: Vec<Value>, resigned: bool) -> Self {
        self.mutation = Some(Mutation { base: base.to_owned(), op: op.to_owned(), args, resigned });
        self
    }

    fn after_setup(mut self, name: &str) -> Self {
        self.setup = Some(name.to_owned());
        self
    }

    fn needs(mut self, features: &str) -> Self {
        self.features = words(features);
        self
    }

    fn weighs(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// The notation of bytes that can be read; of others there is none.
    fn diagnosed(mut self, bytes: &[u8]) -> Self {
        // On one line: half of what the notation takes is the space in front of it.
        let lines = |text: String| text.lines().map(str::trim_start).collect::<Vec<_>>().join(" ");
        self.diagnostic = diag::show(bytes).ok().map(lines);
        self
    }

    fn unpeeled(mut self) -> Self {
        self.peel = None;
        self
    }
}

/// The parts of an expectation that are set one by one.
pub(super) trait Expecting: Sized {
    fn value(self, value: Value) -> Self;
    fn answer(self, answer: Value) -> Self;
    fn unchanged(self) -> Self;
    fn after(self, state: Value) -> Self;
    fn same_as(self, call: usize, member: &str) -> Self;
}

impl Expecting for Expect {
    fn value(mut self, value: Value) -> Self {
        self.value = Some(value);
        self
    }

    /// Further members of the signed answer; what is there already keeps its value where it is not named again.
    fn answer(mut self, answer: Value) -> Self {
        match (&mut self.answer, answer) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (place, answer) => *place = Some(answer),
        }
        self
    }

    fn unchanged(mut self) -> Self {
        self.after = Some(After::Unchanged);
        self
    }

    fn after(mut self, state: Value) -> Self {
        self.after = Some(After::State(state));
        self
    }

    fn same_as(mut self, call: usize, member: &str) -> Self {
        self.same_as = Some(SameAs { call, members: vec![member.to_owned()] });
        self
    }
}

/// An id in JSON.
pub(super) fn id_value(id: &[u8; 32]) -> Value {
    json!({"id": super::hex(id)})
}
