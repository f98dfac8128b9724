//! The tower layer: a route behind it is reached by whoever has paid, once.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use purser_protocol::code::Code;
use tower::{Layer, Service, ServiceExt};

use crate::charge::Charge;
use crate::paid::Paid;
use crate::problem::Problem;
use crate::request::{Asked, shown};
use crate::sell::{Give, Make};
use crate::settings::has_content;
use crate::shop::Shop;

/// The longest body of a request, in bytes, where nothing else is said.
const BODY_BYTES_MAX: usize = 1 << 20;

/// How long the body of a request may take.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

type Quote = dyn Fn(&Parts, &Bytes) -> Result<Charge, NotPriced> + Send + Sync;

/// The answer to a request that has no price, because it is not one that will be served. Whatever axum can answer with
/// becomes one, also by `?`.
#[derive(Debug)]
pub struct NotPriced(Box<Response>);

impl<R: IntoResponse> From<R> for NotPriced {
    fn from(answer: R) -> Self {
        Self(Box::new(answer.into_response()))
    }
}

/// What a route costs. A [`Layer`] for [`axum::routing::MethodRouter::route_layer`] (with `layer`, a method that the
/// route does not have would be offered too), and for any service of `http` requests whose answers are axum's.
///
/// An offer is for one request: method, host, path, query and body. It is on the disk before it is shown, it is
/// consumed once whatever comes at the same time to however many processes, and its answer is kept, so that whoever
/// lost it gets the same again.
///
/// An answer of 500 or more, a panic, or more time than `work_seconds`: it was not made, and the next request with the
/// receipt has it made again. An answer of 400 to 499: it will not be made, and the money goes back. An answer is
/// kept whole, up to 8 MiB; one that goes on for ever is none.
#[derive(Clone)]
pub struct Price {
    shop: Shop,
    quote: Arc<Quote>,
    body_bytes_max: usize,
}

impl Price {
    pub(crate) fn new(shop: Shop, quote: Arc<Quote>) -> Self {
        Self { shop, quote, body_bytes_max: BODY_BYTES_MAX }
    }

    /// The same, for requests with bodies of at most so many bytes.
    #[must_use]
    pub fn body_bytes_max(self, bytes: usize) -> Self {
        Self { body_bytes_max: bytes, ..self }
    }

    async fn answer(self, request: Request, make: impl FnOnce(Request) -> Make + Send) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        if !has_content(&parts.method) {
            return Err(Problem::new(Code::MethodNotAllowed)); // [HTB-29]
        }
        let body = whole(body, self.body_bytes_max).await?;
        let asked = Asked::of(&parts, &body)?;
        let credential = shown(&parts.headers)?;
        // What is paid for keeps the price that it was offered at.
        let charge = match &credential {
            None => match (self.quote)(&parts, &body) {
                Ok(charge) => Some(charge),
                Err(NotPriced(answer)) => return Ok(*answer),
            },
            Some(_) => None,
        };
        let make = make(Request::from_parts(parts, Body::from(body)));
        self.shop.sell(charge, asked, credential, Give::Make(make)).await
    }
}

impl<S> Layer<S> for Price {
    type Service = Priced<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Priced { price: self.clone(), inner }
    }
}

/// A service behind a [`Price`].
#[derive(Clone)]
pub struct Priced<S> {
    price: Price,
    inner: S,
}

impl<S> Service<Request> for Priced<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Whether the inner one is ready is asked when it is called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (price, inner) = (self.price.clone(), self.inner.clone());
        Box::pin(async move {
            let make = |mut request: Request| -> Make {
                Box::new(move |paid: Paid| {
                    request.extensions_mut().insert(paid);
                    Box::pin(async move {
                        match inner.oneshot(request).await {
                            Ok(response) => response.into_response(),
                            Err(never) => match never {},
                        }
                    })
                })
            };
            Ok(price.answer(request, make).await.unwrap_or_else(Problem::into_response))
        })
    }
}

async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(BODY_PATIENCE, Limited::new(body, bytes_max).collect());
    let read = read.await.map_err(|_| Problem::new(Code::BodyTimeout))?; // [HTB-23]
    read.map(http_body_util::Collected::to_bytes).map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::new(Code::MessageTooLarge), // [ENC-1]
        false => Problem::new(Code::BodyTimeout),
    })
}
