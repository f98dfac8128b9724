//! A connection to the issuer, and what it answers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap};
use axum::http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{ANSWER, AnswerBody, PURSER_PROOF};
use purser_protocol::code::Code;
use purser_protocol::field::decoded;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::receipt::{Detail, Outcome};
use purser_protocol::sign::backend::AwsLc;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::papers::{CONTEXT, World};

/// Nothing was answered.
pub(crate) type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

/// One connection for one request after another.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Trusts these roots and no others.
pub(crate) fn connector(roots: &[Vec<u8>]) -> TlsConnector {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.clone())).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Line {
    pub(crate) async fn open(addr: SocketAddr, tls: &TlsConnector) -> Result<Self, NoAnswer> {
        let socket = TcpStream::connect(addr).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::IpAddress(addr.ip().into());
        let stream = TokioIo::new(tls.connect(name, socket).await?);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authority: addr.to_string() })
    }

    pub(crate) async fn post(&mut self, path: &str, media: &str, body: Vec<u8>) -> Result<Answer, NoAnswer> {
        let request = Request::post(path).header(CONTENT_TYPE, media);
        self.send(request.header(HOST, &self.authority).body(Full::from(body))?).await
    }

    /// A read, with a proof of who reads or without.
    pub(crate) async fn get(&mut self, path: &str, proof: Option<&[u8]>) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(Method::GET).uri(path).header(HOST, &self.authority);
        if let Some(proof) = proof {
            request = request.header(PURSER_PROOF, base64url::encode(proof));
        }
        self.send(request.body(Full::default())?).await
    }

    /// Any request, with the fields that are given.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        media: &str,
        fields: &[(&str, Option<&str>)],
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.authority);
        if !media.is_empty() {
            request = request.header(CONTENT_TYPE, media);
        }
        for (name, value) in fields {
            request = value.iter().fold(request, |request, value| request.header(*name, *value));
        }
        self.send(request.body(Full::from(body))?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Answer {
    /// The signed answer that it must be, verified from the anchors alone.
    pub(crate) fn receipt(&self, world: &World) -> VerifiedReceipt {
        assert!(self.is_signed(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        let body = AnswerBody::read(&self.body).unwrap();
        verify_receipt(body.receipt, CONTEXT, &AwsLc, &world.register).unwrap()
    }

    /// Whether it is a signed decision.
    pub(crate) fn is_signed(&self) -> bool {
        self.headers[CONTENT_TYPE] == ANSWER
    }

    /// Checks that it is a signed yes of this kind.
    #[track_caller]
    pub(crate) fn is(&self, world: &World, outcome: Outcome) -> VerifiedReceipt {
        let receipt = self.receipt(world);
        assert_eq!(receipt.claims.outcome, outcome, "{:?}", self.detail());
        let status = if outcome == Outcome::Pending { 202 } else { 200 };
        assert_eq!(self.status, status);
        receipt
    }

    /// Checks that it is a signed no, for this reason.
    #[track_caller]
    pub(crate) fn refuses(&self, world: &World, code: Code) -> VerifiedReceipt {
        let receipt = self.receipt(world);
        let detail = self.detail().expect("a refusal has its detail");
        assert_eq!((receipt.claims.outcome, detail.code.code()), (Outcome::Refused, Some(code)));
        assert_eq!(receipt.claims.detail, Some(detail.digest()), "the receipt binds the reason");
        assert_eq!(self.status, code.status());
        receipt
    }

    /// Checks that nothing was decided, for this reason.
    #[track_caller]
    pub(crate) fn decides_nothing(&self, code: Code) {
        assert!(!self.is_signed());
        assert_eq!(self.json()["type"], format!("urn:purser:problem:{}", code.slug()));
        assert_eq!(self.status, code.status());
    }

    /// What only the payer's side is told.
    pub(crate) fn detail(&self) -> Option<Detail> {
        AnswerBody::read(&self.body).unwrap().detail.map(|detail| decoded(detail).unwrap())
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        std::str::from_utf8(&self.body).unwrap().contains(text)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
