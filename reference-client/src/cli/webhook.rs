//! `purser webhook listen`: what an issuer tells a merchant, shown to whoever writes the merchant.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use clap::Subcommand;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use purser_client::home::Home;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::flow::notice::{Next, Opened, Receiver, next};
use purser_protocol::id::PartyId;
use purser_protocol::limits::MESSAGE_BYTES_MAX;
use purser_protocol::sign::Kind;
use purser_protocol::sign::backend::AwsLc;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::done::claims_json;
use super::{Done, session};

#[derive(Subcommand)]
pub(super) enum Webhook {
    /// Take notices at an address of this machine and show each, one JSON object a line; until Ctrl-C
    Listen {
        /// The merchant that is told
        #[arg(long, value_name = "NAME")]
        merchant: String,
        /// Where; the issuer's configuration names it as http://ADDR
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8460")]
        listen: SocketAddr,
        /// End after so many
        #[arg(long, value_name = "COUNT")]
        count: Option<u64>,
    },
}

struct Listener {
    session: Session,
    merchant: PartyId,
    /// How far the issuer has told.
    last: Mutex<u64>,
}

impl Webhook {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let Self::Listen { merchant, listen, count } = self;
        if !listen.ip().is_loopback() {
            return Err(Error::usage("it speaks in the clear, and so to this machine only").at(listen));
        }
        let merchant = PartyId::new(&merchant).ok_or_else(|| Error::usage("not a party's name").at(&merchant))?;
        let listener = Arc::new(Listener { session: session(home).await?, merchant, last: Mutex::new(0) });
        let failed = |error: std::io::Error| Error::failed(error.to_string()).at(listen);
        let socket = TcpListener::bind(listen).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        println!("{}", json!({ "ready": true, "url": format!("http://{address}") }));
        let mut told = 0;
        while count.is_none_or(|count| told < count) {
            let (stream, _) = socket.accept().await.map_err(failed)?;
            let before = *listener.last.lock().await;
            let own = Arc::clone(&listener);
            let service = service_fn(move |request| {
                let own = Arc::clone(&own);
                async move { Ok::<_, Infallible>(own.answer(request).await) }
            });
            // Whoever breaks off is no business of the others.
            let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
            told += u64::from(*listener.last.lock().await > before);
        }
        Ok(Done::new(String::new(), json!({ "told": told })))
    }
}

impl Listener {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, line) = match Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await {
            Ok(body) => self.take(&body.to_bytes()).await,
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "refused": error.to_string() })),
        };
        println!("{line}");
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = status;
        response
    }

    async fn take(&self, body: &[u8]) -> (StatusCode, Value) {
        let issuer = &self.session.issuer;
        let receiver = Receiver {
            merchant: &self.merchant,
            context: issuer.trust.context(),
            crypto: &AwsLc,
            parties: &*issuer.trust,
            now: issuer.clock.now(),
        };
        let Opened { notice, receipt } = match receiver.open(body) {
            Ok(opened) => opened,
            Err(fault) => return (StatusCode::FORBIDDEN, json!({ "refused": fault.to_string() })),
        };
        let mut last = self.last.lock().await;
        // It keeps nothing from an earlier run: what came before is believed to have been taken.
        let what = match next(&notice, (*last).max(notice.previous)) {
            Next::Take => "taken",
            Next::Known => "again",
            Next::Wait => "early",
        };
        *last = (*last).max(notice.sequence);
        let paper = notice.enclosed.as_ref().and_then(|paper| Kind::of(&paper.0)).map(Kind::typ);
        let line = json!({
            "notice": notice.sequence,
            "was": what,
            "issuer": notice.issuer.as_str(),
            "receipt": claims_json(&receipt.claims),
            "receipt_id": receipt.id.to_string(),
            "paper": paper,
        });
        (StatusCode::OK, line)
    }
}
