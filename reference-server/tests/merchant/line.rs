//! Connections to the servers, and what they answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use axum::http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use purser_protocol::bind::http::{ANSWER, AnswerBody};
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::decoded;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::receipt::{Detail, Outcome};
use purser_protocol::sign::backend::AwsLc;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::papers::CONTEXT;

/// The host of every shop here, whatever port it listens on: processes that share a store share a name.
pub(crate) const HOST_NAME: &str = "shop.example";

/// Trusts these roots and no others.
pub(crate) fn connector(roots: &[Vec<u8>], protocol: &[u8]) -> TlsConnector {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.clone())).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn connect(addr: SocketAddr, tls: &TlsConnector) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(addr).await.unwrap();
    socket.set_nodelay(true).unwrap();
    tls.connect(ServerName::IpAddress(addr.ip().into()), socket).await.unwrap()
}

/// A request to a shop.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) host: &'static str,
    pub(crate) target: &'static str,
    pub(crate) body: &'static [u8],
}

impl Ask {
    pub(crate) fn get(target: &'static str) -> Self {
        Self { method: Method::GET, host: HOST_NAME, target, body: b"" }
    }

    pub(crate) fn post(target: &'static str, body: &'static [u8]) -> Self {
        Self { method: Method::POST, body, ..Self::get(target) }
    }

    pub(crate) fn request(&self, credential: Option<&str>) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(&self.method).uri(self.target).header(HOST, self.host);
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, credential);
        }
        request.body(Full::from(self.body)).unwrap()
    }
}

/// One connection for one request after another.
pub(crate) struct Line(SendRequest<Full<Bytes>>);

impl Line {
    pub(crate) async fn open(addr: SocketAddr, tls: &TlsConnector) -> Self {
        let stream = TokioIo::new(connect(addr, tls).await);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// The same of a server that may be gone.
    pub(crate) async fn try_send(&mut self, request: Request<Full<Bytes>>) -> Option<Answer> {
        self.0.ready().await.ok()?;
        let (head, body) = self.0.send_request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Without the time at which it was sent.
    pub(crate) fn undated(mut self) -> Self {
        self.headers.remove("date");
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Checks that it is a problem of this code at this stage, that no cache keeps, and that asks for nothing.
    #[track_caller]
    pub(crate) fn refuses_at(&self, code: Code, stage: Stage) {
        let problem = self.json();
        let (slug, found) = (format!("urn:purser:problem:{}", code.slug()), problem["type"].clone());
        assert_eq!((found, &problem["stage"]), (slug.into(), &Value::from(stage.name())), "{problem}");
        assert_eq!(self.status, code.status());
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(!self.headers.contains_key("www-authenticate"), "no demand to pay again");
        assert_eq!(self.headers.contains_key("retry-after"), matches!(self.status, 429 | 503));
    }

    /// The same, at the stage that the code has.
    #[track_caller]
    pub(crate) fn refuses(&self, code: Code) {
        self.refuses_at(code, code.stages()[0]);
    }

    /// The signed answer of an issuer that it must be.
    #[track_caller]
    pub(crate) fn receipt(&self, register: &Register) -> VerifiedReceipt {
        assert_eq!(self.header("content-type"), ANSWER, "{} {}", self.status, String::from_utf8_lossy(&self.body));
        verify_receipt(&self.receipt_bytes(), CONTEXT, &AwsLc, register).unwrap()
    }

    pub(crate) fn receipt_bytes(&self) -> Vec<u8> {
        AnswerBody::read(&self.body).unwrap().receipt.to_vec()
    }

    /// What only the payer's side is told.
    pub(crate) fn detail(&self) -> Option<Detail> {
        AnswerBody::read(&self.body).unwrap().detail.map(|detail| decoded(detail).unwrap())
    }

    /// Checks that it is a signed yes of this kind.
    #[track_caller]
    pub(crate) fn is(&self, register: &Register, outcome: Outcome) -> VerifiedReceipt {
        let receipt = self.receipt(register);
        assert_eq!((receipt.claims.outcome, self.status), (outcome, 200), "{:?}", self.detail());
        receipt
    }

    /// Checks that it is a signed no for this reason.
    #[track_caller]
    pub(crate) fn is_refused(&self, register: &Register, code: Code) {
        let claims = self.receipt(register).claims;
        let detail = self.detail().expect("the sender is told why");
        assert_eq!((claims.outcome, detail.code.code()), (Outcome::Refused, Some(code)));
        assert_eq!(self.status, code.status());
    }
}

/// The body of a request to an issuer.
pub(crate) fn post(path: &str, media: &str, body: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post(path).header(HOST, "issuer.example").header(CONTENT_TYPE, media);
    request.body(Full::from(body.to_vec())).unwrap()
}
