//! The way of one request: checks from the cheapest on, then its handler, then the form of the answer.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::MatchedPath;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Request, Response, Version};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::FutureExt;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::lane::{Lane, Lanes};
use super::seats::Origin;
use super::{body, guard};
use crate::config::Limits;
use crate::life::Life;
use crate::metrics;
use crate::rate::Buckets;
use crate::reply::{NO_STORE, Problem, Refused, prefers_cbor};

/// Who sent the request. In its extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What the connection knows of a request.
pub(super) struct Arrival {
    pub(super) peer: SocketAddr,
    /// The connection is one beyond the common ones.
    pub(super) reserved_only: bool,
    /// The head was refused before hyper saw it.
    pub(super) refused: Option<Refusal>,
}

/// A fault, and the refused request's own `Accept`.
pub(super) type Refusal = (Fault, Option<HeaderValue>);

/// Everything that the connections share.
pub(super) struct Shell {
    app: Router,
    life: Life,
    limits: Limits,
    bodies: Lanes,
    /// Their bodies are long.
    batches: Semaphore,
    requests: Lanes,
    rates: Buckets<Origin>,
    /// Apart, so that a flood from an address does not keep its people from stopping it.
    rates_reserved: Buckets<Origin>,
    started: Instant,
}

impl Shell {
    pub(super) fn new(app: Router, life: Life, limits: Limits) -> Self {
        let rates = || {
            let period = Duration::from_secs(limits.rate_seconds.into());
            Buckets::new(limits.rate_requests, period, limits.rate_addresses)
        };
        Self {
            app: with_own_routes(app, life.clone()),
            life,
            // Whoever waits for an outcome has sent its body, if any, like anybody else.
            bodies: Lanes::new(limits.bodies, limits.bodies_reserved, limits.bodies),
            batches: Semaphore::new(limits.batches.min(Semaphore::MAX_PERMITS)),
            requests: Lanes::new(limits.requests, limits.requests_reserved, limits.requests_waiting),
            rates: rates(),
            rates_reserved: rates(),
            started: Instant::now(),
            limits,
        }
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) const fn life(&self) -> &Life {
        &self.life
    }

    /// Answers one request.
    pub(super) async fn answer<B>(&self, arrival: Arrival, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let (mut parts, body) = request.into_parts();
        if let Some((_, accept)) = &arrival.refused {
            parts.headers.remove(ACCEPT);
            if let Some(accept) = accept {
                parts.headers.insert(ACCEPT, accept.clone());
            }
        }
        let cbor = prefers_cbor(&parts.headers);
        let http_1 = parts.version <= Version::HTTP_11;
        let whole = body.is_end_stream();
        let chunked = body.size_hint().exact().is_none();
        let refused = arrival.refused.is_some();
        let lane = Lane::of(&parts.method, &parts.uri);
        let (response, unread) = match self.received(lane, arrival, &mut parts, body).await {
            Ok(body) => (self.handled(lane, Request::from_parts(parts, body.into())).await, false),
            Err(problem) => (problem.into_response(), !whole),
        };
        // What follows on the connection is then no head, or none that the gate has seen.
        let last = http_1 && (unread || chunked || refused);
        finish(response, cbor, last)
    }

    /// The request's body, if the request passes every check before its handler.
    async fn received<B>(&self, lane: Lane, arrival: Arrival, parts: &mut Parts, body: B) -> Result<Bytes, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        self.within_rate(lane, arrival.peer)?;
        if let Some((fault, _)) = arrival.refused {
            return Err(fault.into());
        }
        let authority = guard::check(parts).map_err(explained)?;
        parts.extensions.insert(authority);
        parts.extensions.insert(Peer(arrival.peer));
        if arrival.reserved_only && lane != Lane::Reserved {
            return Err(Code::Overloaded.into());
        }
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let _place = self.bodies.enter(lane)?;
        if parts.uri.path() == "/v1/batches" {
            let _place = self.batches.try_acquire().map_err(|_| Problem::new(Code::Overloaded))?;
            return Ok(body::collect(body, self.limits.batch_bytes_max, self.limits.body()).await?);
        }
        Ok(body::collect(body, self.limits.body_bytes_max, self.limits.body()).await?)
    }

    /// The handler's answer, if there is room in the lane.
    async fn handled(&self, lane: Lane, request: Request<Body>) -> Response<Body> {
        let _place = match self.requests.enter(lane) {
            Ok(place) => place,
            Err(fault) => return Problem::from(fault).into_response(),
        };
        let handled = AssertUnwindSafe(self.app.clone().oneshot(request)).catch_unwind().await;
        match handled {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                tracing::error!("a handler panicked");
                Problem::from(Code::Internal).into_response() // [HTB-30]
            }
        }
    }

    /// [HTB-27]
    fn within_rate(&self, lane: Lane, peer: SocketAddr) -> Result<(), Problem> {
        let rates = if lane == Lane::Reserved { &self.rates_reserved } else { &self.rates };
        let taken = rates.take(Origin::from(peer.ip()), self.started.elapsed());
        taken.map_err(|wait| Problem::new(Code::RateLimited).retry_after(wait))
    }
}

/// Counts the answer and gives it its last form.
fn finish(response: Response<Body>, cbor: bool, last: bool) -> Response<Body> {
    let route = response.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    metrics::answered(route, response.status().as_u16());
    if let Some(Refused(code)) = response.extensions().get() {
        metrics::refused(*code);
        tracing::debug!(slug = code.slug(), route, "refused");
    }
    let mut response = match response.extensions().get::<Problem>().cloned() {
        Some(problem) if cbor => problem.in_cbor(response),
        _ => response,
    };
    if last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A coding that is refused is answered with the one that is taken.
fn explained(fault: Fault) -> Problem {
    match fault.code {
        Code::ContentEncoding => Problem::new(fault).header(ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        _ => fault.into(),
    }
}

/// The role's routes and the shell's, with an answer for everything else.
fn with_own_routes(app: Router, life: Life) -> Router {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    // The version of the text format, which scrapers ask for.
    const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let text = |media: HeaderValue, body: String| {
        ([(CONTENT_TYPE, media), (axum::http::header::CACHE_CONTROL, NO_STORE)], body)
    };
    app.route("/healthz", get(async move || text(TEXT, "ok\n".into())))
        .route(
            "/readyz",
            get(async move || match life.is_ready() {
                true => Ok(text(TEXT, "ready\n".into())),
                false => Err(Problem::new(Code::Overloaded)),
            }),
        )
        .route("/metrics", get(async move || text(PROMETHEUS, metrics::render())))
        .fallback(async || Problem::new(Code::NotFound)) // [HTB-28]
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed)) // [HTB-29]
        .layer(middleware::from_fn(remember_route))
}

/// Keeps the route's pattern with the answer, where the counters look for it.
async fn remember_route(request: Request<Body>, next: Next) -> Response<Body> {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}
