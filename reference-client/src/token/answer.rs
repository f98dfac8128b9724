//! A completion that comes piece by piece, and is paid while it comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::decoded;
use purser_protocol::id::Digest;
use purser_protocol::token::message::Need;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::events::{Event, Events};
use super::seller::Seller;
use super::session::Session;
use crate::connect::Pieces;
use crate::error::{Class, Error, Result};
use crate::issuer::Problem;

/// A seller that waits says so every few seconds; one that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(300);

/// What is asked of a model, as a seller streams it.
#[derive(Clone, Debug)]
pub struct Asking {
    body: Vec<u8>,
    sha256: String,
}

impl Asking {
    /// A request's body in JSON. Whether it asks for a stream is the caller's affair: the seller is asked for one.
    pub fn read(body: &[u8]) -> Result<Self> {
        let wrong = || Error::usage("the body is no JSON object with messages");
        let mut asked: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
        let members = asked.as_object_mut().filter(|members| members.contains_key("messages")).ok_or_else(wrong)?;
        members.insert("stream".into(), true.into());
        members.remove("stream_options");
        let body = asked.to_string().into_bytes();
        let sha256 = Digest(Sha256::digest(&body).into()).to_string();
        Ok(Self { body, sha256 })
    }
}

/// A piece of an answer: the data of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// As it came.
    pub data: String,
    /// The same, read.
    pub json: Value,
}

/// An answer in the coming. What the seller needs is paid by the way; where the connection or the seller falls over,
/// it goes on at the same place.
pub struct Answer<'a> {
    seller: &'a Seller,
    session: Arc<Session>,
    number: u64,
    body: Vec<u8>,
    /// How many tokens have come.
    has: u64,
    only_counted: bool,
    pieces: Option<Pieces>,
    events: Events,
    ready: VecDeque<Event>,
    over: bool,
    finished: bool,
    moved_at: Instant,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        // A line that is not written leaves the stream open, to be taken up again.
        let _ = self.session.leave(self.number, self.finished);
    }
}

impl Seller {
    /// Asks, and pays for what comes. The same question once more, where its answer was not read to its end, goes on
    /// with what was paid for.
    pub async fn ask_model(&self, asking: &Asking) -> Result<Answer<'_>> {
        let session = self.session().await?;
        let number = session.begin(&asking.body, &asking.sha256)?;
        Ok(Answer::new(self, session, number, asking.body.clone(), 0, false))
    }
}

impl<'a> Answer<'a> {
    fn new(
        seller: &'a Seller,
        session: Arc<Session>,
        number: u64,
        body: Vec<u8>,
        has: u64,
        only_counted: bool,
    ) -> Self {
        let (events, ready, moved_at) = (Events::default(), VecDeque::new(), Instant::now());
        let (over, finished) = (false, false);
        Self { seller, session, number, body, has, only_counted, pieces: None, events, ready, over, finished, moved_at }
    }

    /// What was counted for a stream that was left, and nothing more.
    pub(super) fn left(seller: &'a Seller, session: &Arc<Session>, number: u64, body: Vec<u8>, has: u64) -> Self {
        Self::new(seller, Arc::clone(session), number, body, has, true)
    }

    /// The session that pays.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// All of it has come, and has been passed on. Without this the same question goes on with the same answer.
    pub fn finish(mut self) {
        self.finished = self.over;
    }

    /// The next piece; `None` when all of it has come.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        while !self.over {
            let Some(event) = self.ready.pop_front() else {
                self.read().await?;
                continue;
            };
            match event {
                Event::Comment(said) => self.hear(&said).await?,
                Event::Data(data) if data == "[DONE]" => self.over = true,
                Event::Data(data) => {
                    let json: Value = serde_json::from_str(&data).map_err(|_| Error::failed("an event is no JSON"))?;
                    if let Some(error) = json.get("error") {
                        self.stopped(error).await?;
                        continue;
                    }
                    return Ok(Some(Piece { data, json }));
                }
            }
        }
        self.pieces = None;
        Ok(None)
    }

    /// Reads on, and counts what came before anything is paid for more.
    async fn read(&mut self) -> Result<()> {
        let Some(pieces) = &mut self.pieces else { return self.connect().await };
        let read = pieces.next(SILENCE).await;
        let Ok(Some(bytes)) = read else {
            // It broke off, or ended without saying that it is over: it is asked to go on.
            self.pieces = None;
            return self.pause(read.err()).await;
        };
        let events = self.events.read(&bytes).ok_or_else(|| Error::failed("the seller's stream is none"))?;
        let tokens = events.iter().filter(|event| is_token(event)).count() as u64;
        if tokens > 0 {
            self.has += tokens;
            self.moved_at = Instant::now();
            self.session.saw(self.number, 0, self.has)?;
            (self.seller.watch)(self.session.spending());
        }
        self.ready.extend(events);
        Ok(())
    }

    async fn hear(&mut self, said: &str) -> Result<()> {
        let mut words = said.split(' ');
        match words.next() {
            Some("purser-need") => {
                let need = words.next().and_then(base64url::decode);
                let need: Need = need
                    .ok_or_else(|| Error::failed("what the seller needs cannot be read"))
                    .and_then(|bytes| decoded(&bytes).map_err(|fault| Error::fault("seller's need", fault)))?;
                self.seller.pay(&self.session, &need).await
            }
            Some("purser-top-up") => {
                let holds = self.session.offers().len();
                self.seller.top_up(&self.session, holds).await
            }
            Some("purser-used") => {
                let input = words.next().and_then(|input| input.parse::<u64>().ok()).unwrap_or(0);
                // A token is a byte of the question at least.
                if input > self.body.len() as u64 {
                    let fault = purser_protocol::fault::Fault::new(Code::OverAsked);
                    return Err(Error::fault("seller's count", fault));
                }
                self.session.saw(self.number, input, 0)
            }
            _ => Ok(()),
        }
    }

    /// The seller gave up in the middle.
    async fn stopped(&mut self, error: &Value) -> Result<()> {
        let slug = error.get("code").and_then(Value::as_str).unwrap_or_default();
        let failed = Error::failed(format!("the seller stopped: {slug}"));
        let code = Code::ALL.iter().copied().find(|code| code.slug() == slug);
        match code {
            Some(Code::SessionClosed) => Err(failed.coded(code)),
            Some(code) if code.status() >= 500 => {
                self.pieces = None;
                self.pause(Some(failed)).await
            }
            _ => Err(failed.coded(code)),
        }
    }

    async fn connect(&mut self) -> Result<()> {
        let header = |name: &'static str, value: String| {
            let value = HeaderValue::try_from(value).map_err(|_| Error::failed("no header"))?;
            Ok::<_, Error>((HeaderName::from_static(name), value))
        };
        let mut request = self.seller.request(&self.session, Method::POST, "/v1/chat/completions")?;
        let mut headers = vec![
            header("purser-session", self.session.id().to_string())?,
            header("purser-stream", self.number.to_string())?,
            header("purser-has", self.has.to_string())?,
        ];
        if self.only_counted {
            headers.push(header("purser-counted", "only".to_owned())?);
        }
        request.headers.extend(headers);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let pieces = match self.seller.account.issuer.connector.stream(&request.body(self.body.clone())).await {
            Ok(pieces) => pieces,
            Err(error) if matches!(error.class(), Class::Unknown | Class::Unreachable) => {
                return self.pause(Some(error)).await;
            }
            Err(error) => return Err(error),
        };
        if pieces.status == StatusCode::OK {
            (self.pieces, self.events) = (Some(pieces), Events::default());
            return Ok(());
        }
        let refused = pieces.whole(SILENCE).await?;
        let error = Problem::of(&refused).into_error(&self.seller.url.origin());
        if refused.status.is_server_error() || refused.status.as_u16() == 429 {
            return self.pause(Some(error)).await;
        }
        Err(error)
    }

    /// Waits a little before the next try, for as long as patience goes.
    async fn pause(&self, error: Option<Error>) -> Result<()> {
        if self.moved_at.elapsed() > self.seller.patience {
            return Err(error.unwrap_or_else(|| Error::new(Class::Unreachable, "the seller's stream ends at once")));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Whether an event delivers a token: each delivers one.
fn is_token(event: &Event) -> bool {
    let Event::Data(data) = event else { return false };
    let Ok(json) = serde_json::from_str::<Value>(data) else { return false };
    json["choices"][0]["delta"]["content"].as_str().is_some_and(|content| !content.is_empty())
}
