//! Cases on processes. What one case does is undone before the next: each begins with `reset`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;

use purser_test_vectors::{After, Case, Outcome};
use serde_json::{Value, json};

use super::judge::{Seen, Verdict, Why, judge};
use super::plan::{Plan, Planned};
use super::subject::{Gone, Subject};
use super::{HarnessError, Options, Progress};
use crate::results::Claims;

/// Most calls in flight, whatever a subject says that it can take.
const IN_FLIGHT_MAX: usize = 32;

/// The verdict of every case of the plan, in its order.
pub(super) fn all(
    options: &Options,
    plan: &Plan<'_>,
    claims: &Claims,
    progress: &dyn Progress,
) -> Result<Vec<Verdict>, HarnessError> {
    let jobs = options.jobs.clamp(1, 16).min(plan.cases.len().max(1));
    let total = plan.cases.len();
    let done = Mutex::new(0_usize);
    let tell = || {
        if let Ok(mut done) = done.lock() {
            *done += 1;
            progress.done(*done, total);
        }
    };
    // Which process gets which case is fixed, so that the same seed and jobs give each process the same history.
    let worked: Result<Vec<Vec<(usize, Verdict)>>, HarnessError> = thread::scope(|scope| {
        let tell = &tell;
        let workers: Vec<_> = (0..jobs)
            .map(|job| {
                scope.spawn(move || {
                    let cases = plan.cases.iter().enumerate().filter(|(at, _)| at % jobs == job).collect();
                    Worker::start(options, claims, job as u64).map(|worker| worker.work(cases, tell))
                })
            })
            .collect();
        let died = |_| Err(HarnessError("a thread of the suite died".into()));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect()
    });
    let mut verdicts: Vec<(usize, Verdict)> = worked?.into_iter().flatten().collect();
    verdicts.sort_by_key(|(at, _)| *at);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

struct Worker<'o> {
    options: &'o Options,
    subject: Subject,
    in_flight_max: usize,
}

impl<'o> Worker<'o> {
    fn start(options: &'o Options, claims: &Claims, job: u64) -> Result<Self, HarnessError> {
        let seed = options.seed.wrapping_mul(31).wrapping_add(job);
        let subject = Subject::start(&options.program, options.silence, seed)?;
        Ok(Self { options, subject, in_flight_max: claims.in_flight_max.clamp(1, IN_FLIGHT_MAX) })
    }

    fn work(mut self, cases: Vec<(usize, &Planned<'_>)>, tell: &dyn Fn()) -> Vec<(usize, Verdict)> {
        let (free, bound): (Vec<_>, Vec<_>) =
            cases.into_iter().partition(|(_, planned)| self.in_flight_max > 1 && is_free(planned));
        let mut verdicts = self.together(free, tell);
        for (at, planned) in bound {
            let verdict = self.one(planned);
            tell();
            verdicts.push((at, verdict));
        }
        verdicts
    }

    /// A case from `reset` to its verdict.
    fn one(&mut self, planned: &Planned<'_>) -> Verdict {
        match self.walk(planned) {
            Ok(seen) => judge(planned.case, planned.setup, &seen, self.options),
            Err(verdict) => verdict,
        }
    }

    fn walk(&mut self, planned: &Planned<'_>) -> Result<Seen, Verdict> {
        let case = planned.case;
        self.ask("reset", &json!({}), "reset")?;
        let mut earlier = Vec::with_capacity(planned.setup.len());
        for (at, call) in planned.setup.iter().enumerate() {
            let place = format!("call {} of its setup, {}", at + 1, call.op);
            let reply = self.ask(&call.op, &call.input, &place)?;
            super::judge::judge_setup(call, &reply, &place, self.options)?;
            earlier.push(reply);
        }
        let before = match &case.expect.after {
            Some(After::Unchanged) => Some(self.state("state.get before it")?),
            _ => None,
        };
        let reply = self.ask(&case.call.op, &case.call.input, &case.call.op)?;
        let after = match &case.expect.after {
            // A refusal that should have been an acceptance says enough.
            Some(_) if super::judge::outcome(&reply) == Some(said(case.expect.outcome)) => {
                Some(self.state("state.get after it")?)
            }
            _ => None,
        };
        Ok(Seen { reply, earlier, before, after })
    }

    fn state(&mut self, place: &str) -> Result<Value, Verdict> {
        let reply = self.ask("state.get", &json!({}), place)?;
        match super::judge::outcome(&reply) {
            Some("accept") => Ok(reply.get("value").cloned().unwrap_or_default()),
            _ => Err(Verdict::failed(Why::Setup, format!("{place}: {}", super::judge::in_words(&reply))).seeing(reply)),
        }
    }

    fn ask(&mut self, op: &str, input: &Value, place: &str) -> Result<Value, Verdict> {
        self.subject.call(op, input).map_err(|gone| lost(&gone, place))
    }

    /// Cases that neither read nor leave a state, several in flight.
    fn together(&mut self, cases: Vec<(usize, &Planned<'_>)>, tell: &dyn Fn()) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::with_capacity(cases.len());
        let mut flying: HashMap<String, (usize, &Planned<'_>)> = HashMap::new();
        let mut cases = cases.into_iter();
        let mut suspects = Vec::new();
        loop {
            while flying.len() < self.in_flight_max {
                let Some((at, planned)) = cases.next() else { break };
                match self.subject.send(&planned.case.call.op, &planned.case.call.input) {
                    Ok(id) => _ = flying.insert(id, (at, planned)),
                    Err(gone) => {
                        tell();
                        verdicts.push((at, lost(&gone, &planned.case.call.op)));
                    }
                }
            }
            if flying.is_empty() {
                break;
            }
            let gone = match self.subject.receive() {
                Ok((id, reply)) => match flying.remove(&id) {
                    Some((at, planned)) => {
                        let seen = Seen { reply, earlier: Vec::new(), before: None, after: None };
                        tell();
                        verdicts.push((at, judge(planned.case, planned.setup, &seen, self.options)));
                        continue;
                    }
                    None => self.subject.end(Gone::Babble(format!("a reply to {id}, which is not asked"))),
                },
                Err(gone) => gone,
            };
            // Any of those in flight may be the cause. Each is sent again, by itself.
            drop(gone);
            suspects.extend(flying.drain().map(|(_, suspect)| suspect));
        }
        suspects.sort_by_key(|(at, _)| *at);
        for (at, planned) in suspects {
            let verdict = self.one(planned);
            tell();
            verdicts.push((at, verdict));
        }
        verdicts
    }
}

/// Whether a case has nothing to do with a state.
fn is_free(planned: &Planned<'_>) -> bool {
    let Case { call, expect, .. } = planned.case;
    let family = call.op.split('.').next().unwrap_or_default();
    planned.setup.is_empty()
        && expect.after.is_none()
        && matches!(family, "paper" | "chain" | "receipt" | "request" | "challenge" | "credentials")
}

fn said(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accept => "accept",
        Outcome::Reject => "reject",
    }
}

fn lost(gone: &Gone, place: &str) -> Verdict {
    let why = match gone {
        Gone::Crashed(_) => Why::Crashed,
        Gone::Silent(_) => Why::TimedOut,
        Gone::Babble(_) => Why::BadReply,
    };
    Verdict::failed(why, format!("{place}: {gone}"))
}
