//! A completion. Tokens are counted as they stream; where they are not paid the stream waits, and says what it needs
//! in a comment, which clients that know nothing of it pass over.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::encoded;
use purser_protocol::paper::meter::{Unit, UnitCount};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::purse::{Next, Purse};
use super::{Seller, model};
use crate::reply::{NO_STORE, Problem};

/// Most tokens that are counted, and kept, at once: so many can be paid for that a crash delivers later.
const BATCH: u64 = 64;
/// How often a stream that waits says so again.
const REMIND: Duration = Duration::from_secs(5);

/// Which session pays.
const SESSION: &str = "purser-session";
/// The stream, by a number that the agent chose: the same number goes on with what it has used.
const STREAM: &str = "purser-stream";
/// How many tokens the agent has of it.
const HAS: &str = "purser-has";
/// `only`: what is counted is delivered again, and nothing more is counted.
const COUNTED: &str = "purser-counted";
/// The numbers of streams are whole in every language.
const STREAM_MAX: u64 = (1 << 53) - 1;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Value,
}

/// `POST /v1/chat/completions`
pub(super) async fn complete(
    State(seller): State<Arc<Seller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted: Wanted =
        serde_json::from_slice(&body).map_err(|_| Problem::new(Fault::new(Code::FieldType).field("messages")))?;
    let session = headers.get(SESSION).and_then(|value| value.to_str().ok());
    let session = session.ok_or_else(|| Problem::new(Code::SessionUnknown))?;
    let purse = Purse::spoken_for(&seller, session, &headers).await?;
    let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let model = if wanted.model.is_empty() { model::NAME.to_owned() } else { wanted.model };
    let prompt: String =
        wanted.messages.iter().map(|message| format!("{}: {}\n", message.role, message.content)).collect();
    let all = wanted.max_completion_tokens.or(wanted.max_tokens).unwrap_or(model::TOKENS_DEFAULT);
    let seed = model::seed(&model, &prompt);
    let answer = Answer {
        stream: stream(number(STREAM).unwrap_or(0), &seed),
        only_counted: headers.get(COUNTED).is_some_and(|value| value == "only"),
        seed,
        input: model::count(&prompt),
        all: all.min(model::TOKENS_MAX),
        at: number(HAS).unwrap_or(0),
        created: seller.clock.now().get(),
        model,
        state: At::Input,
        reminded: false,
        seller,
        purse,
    };
    if wanted.stream { Ok(answer.streamed()) } else { answer.whole().await }
}

/// A stream is of its number and of what was asked: what was paid for one question is no other's. [TOK-36]
fn stream(number: u64, seed: &[u8; 32]) -> u64 {
    let hash = Sha256::new().chain_update(number.to_be_bytes()).chain_update(seed).finalize();
    let first = hash.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte));
    first & STREAM_MAX
}

/// An answer in the making.
struct Answer {
    seller: Arc<Seller>,
    purse: Purse,
    seed: [u8; 32],
    /// How many tokens the prompt is, and the answer.
    input: u64,
    all: u64,
    stream: u64,
    only_counted: bool,
    /// The next token.
    at: u64,
    created: u64,
    model: String,
    state: At,
    /// Whether what is needed has been said since the last wait.
    reminded: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// The prompt is to be paid.
    Input,
    /// Tokens are delivered.
    Output,
    /// All that is left is to say so.
    End,
    /// Nothing is left.
    Over,
}

impl Answer {
    fn streamed(self) -> Response {
        let events = futures_util::stream::unfold(Some(self), |answer| async move {
            let mut answer = answer?;
            if answer.state == At::Over {
                return None;
            }
            let (text, goes_on) = answer.wait().await;
            Some((Ok::<_, Infallible>(text), goes_on.then_some(answer)))
        });
        let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
        (headers, Body::from_stream(events)).into_response()
    }

    /// The next events; a reminder where nothing came for a while; a last word where the session has ended.
    async fn wait(&mut self) -> (String, bool) {
        let (purse, life) = (self.purse.clone(), self.seller.life.clone());
        // Whoever is woken was listening before it looked.
        let moved = purse.moved().notified();
        tokio::pin!(moved);
        moved.as_mut().enable();
        let next = tokio::select! {
            next = self.next() => next,
            // What is counted and not delivered is delivered to whoever asks again.
            () = life.stopping() => return (String::new(), false),
        };
        match next {
            Ok(Next::Events(events)) => (events, true),
            Ok(Next::Need(need)) => {
                let said = format!(": purser-need {}\n\n", base64url::encode(&encoded(&need)));
                self.waited(said, moved).await
            }
            Ok(Next::TopUp) => self.waited(": purser-top-up\n\n".to_owned(), moved).await,
            Ok(Next::Paused) => self.waited(": purser-paused\n\n".to_owned(), moved).await,
            Err(problem) => {
                let slug = problem.fault().code.slug();
                (format!("data: {}\n\n", json!({"error": {"message": slug, "type": slug, "code": slug}})), false)
            }
        }
    }

    async fn waited(
        &mut self,
        said: String,
        moved: std::pin::Pin<&mut tokio::sync::futures::Notified<'_>>,
    ) -> (String, bool) {
        if self.reminded {
            let life = self.seller.life.clone();
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(REMIND) => {}
                () = life.stopping() => return (String::new(), false),
            }
            self.reminded = false;
            // What moved is looked at by the next call.
            return (String::new(), true);
        }
        self.reminded = true;
        (said, true)
    }

    /// Counts, and only then delivers. [TOK-23] [TOK-24]
    async fn next(&mut self) -> Result<Next, Problem> {
        match self.state {
            At::Input => {
                let used = self.used(Unit::InputToken);
                if let Some(missing) = UnitCount::new(self.input.saturating_sub(used)) {
                    if self.only_counted {
                        self.state = At::End;
                        return Ok(Next::Events(format!(": purser-used {used} 0\n\n")));
                    }
                    return match self.take(Unit::InputToken, used, missing).await? {
                        Some(waits) => Ok(waits),
                        None => Ok(Next::Events(String::new())),
                    };
                }
                self.at = self.at.min(self.used(Unit::OutputToken));
                self.state = if self.at < self.all { At::Output } else { At::End };
                let role = self.chunk(&json!({"role": "assistant", "content": ""}), Value::Null);
                let seen = format!(": purser-used {} {}\n\n", self.input, self.at);
                Ok(Next::Events(if self.at == 0 { seen + &role } else { seen }))
            }
            At::Output => {
                let used = self.used(Unit::OutputToken);
                if used <= self.at {
                    let Some(batch) = UnitCount::new((self.all - self.at).min(BATCH)) else {
                        self.state = At::End;
                        return Ok(Next::Events(String::new()));
                    };
                    if let Some(waits) = self.take(Unit::OutputToken, used, batch).await? {
                        return Ok(waits);
                    }
                }
                let until = self.used(Unit::OutputToken).min(self.all).min(self.at + BATCH);
                let mut events = String::new();
                // [TOK-37]
                for token in self.at..until {
                    events += &self.chunk(&json!({"content": model::token(&self.seed, token)}), Value::Null);
                }
                self.at = until;
                if self.at >= self.all {
                    self.state = At::End;
                }
                Ok(Next::Events(events))
            }
            At::End | At::Over => {
                self.state = At::Over;
                let mut last = self.event(&json!({}), "stop".into());
                last["usage"] = self.usage();
                Ok(Next::Events(format!("data: {last}\n\ndata: [DONE]\n\n")))
            }
        }
    }

    /// Takes units, as many as are paid; or says what is waited for. [TOK-23] [TOK-24]
    async fn take(&mut self, unit: Unit, from: u64, count: UnitCount) -> Result<Option<Next>, Problem> {
        if self.only_counted {
            self.state = At::End;
            return Ok(Some(Next::Events(String::new())));
        }
        self.purse.take(self.stream, unit, from, count, self.seller.clock.now()).await
    }

    fn used(&self, unit: Unit) -> u64 {
        self.purse.used_in(self.stream, unit)
    }

    /// The whole answer, where what is released pays for it.
    async fn whole(mut self) -> Result<Response, Problem> {
        let mut text = String::new();
        while self.state != At::Over {
            match self.next().await? {
                Next::Events(_) => {}
                Next::Need(need) => {
                    let need = base64url::encode(&encoded(&need));
                    return Err(Problem::new(Code::CreditNeeded).member("need", need));
                }
                Next::TopUp => return Err(Problem::new(Code::CreditNeeded).member("top_up", true)),
                Next::Paused => return Err(Problem::new(Code::CreditNeeded).member("paused", true)),
            }
        }
        for token in 0..self.at {
            text += &model::token(&self.seed, token);
        }
        let whole = json!({
            "id": self.name(), "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": null}],
            "usage": self.usage(),
        });
        Ok(([(CACHE_CONTROL, NO_STORE)], Json(whole)).into_response())
    }

    fn usage(&self) -> Value {
        json!({"prompt_tokens": self.input, "completion_tokens": self.at, "total_tokens": self.input + self.at})
    }

    fn chunk(&self, delta: &Value, finish: Value) -> String {
        format!("data: {}\n\n", self.event(delta, finish))
    }

    fn event(&self, delta: &Value, finish: Value) -> Value {
        json!({
            "id": self.name(), "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": null}],
        })
    }

    fn name(&self) -> String {
        format!("chatcmpl-{}-{}", &self.purse.id().to_string()[..16], self.stream)
    }
}
