//! Connections, against a server that answers with the bytes it is told to.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Method;
use purser_client::connect::{Connector, Options, Request, Response, Url};
use purser_client::{Class, Result, keys};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::ca::Ca;
use crate::scene::within;

/// What a connection does, one answer a request; then it is closed.
type Script = Vec<Vec<u8>>;

/// In place of an answer: closes as soon as the request is there.
const CLOSE: &[u8] = b"close";

struct Host {
    url: Url,
    folder: PathBuf,
    connections: Arc<AtomicUsize>,
}

impl Host {
    /// Each connection follows the next script; the last is followed again and again.
    async fn start(name: &str, scripts: Vec<Script>, secure: bool) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("wire-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Ca::new(&folder, "ca").server("server");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if secure { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}/", listener.local_addr().unwrap())).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, acceptor) = (Arc::clone(&connections), acceptor(&folder));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let at = count.fetch_add(1, Ordering::SeqCst).min(scripts.len() - 1);
                let (script, acceptor) = (scripts[at].clone(), acceptor.clone());
                tokio::spawn(async move {
                    if !secure {
                        follow(stream, script).await;
                    } else if let Ok(stream) = acceptor.accept(stream).await {
                        follow(stream, script).await;
                    }
                });
            }
        });
        Self { url, folder, connections }
    }

    fn options(&self) -> Options {
        let roots = keys::load_certificates(&self.folder.join("ca.pem")).unwrap();
        Options { private_addresses: true, ..Options::new(roots) }
    }

    async fn get(&self, connector: &Connector) -> Result<Response> {
        within(connector.send(&Request::new(Method::GET, self.url.clone()))).await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn acceptor(folder: &std::path::Path) -> TlsAcceptor {
    let chain = keys::load_certificates(&folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn follow(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script) {
    let mut head = Vec::new();
    for answer in script {
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        head.clear();
        if answer.is_empty() {
            // Says nothing, and stays.
            std::future::pending::<()>().await;
        }
        if answer == CLOSE {
            return;
        }
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

fn answer(length: usize) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(), vec![b'x'; length]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again_and_a_closed_one_is_replaced() {
    let host = Host::start("again", vec![vec![answer(1), answer(2)], vec![answer(3)]], true).await;
    let connector = Connector::new(host.options()).unwrap();
    for (length, connections) in [(1, 1), (2, 1), (3, 2), (3, 3)] {
        let response = host.get(&connector).await.unwrap();
        assert_eq!((response.body.len(), host.connections()), (length, connections));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_idle_connection_took_is_sent_again_only_if_it_may_arrive_twice() {
    let scripts = vec![vec![answer(1), CLOSE.to_vec()], vec![answer(2)]];
    for (method, repeatable, connections) in [(Method::GET, true, 2), (Method::POST, false, 1), (Method::POST, true, 2)]
    {
        let name = format!("twice-{method}-{repeatable}");
        let host = Host::start(&name, scripts.clone(), true).await;
        let connector = Connector::new(host.options()).unwrap();
        assert_eq!(host.get(&connector).await.unwrap().body.len(), 1);
        let request = Request { repeatable, ..Request::new(method, host.url.clone()) };
        match within(connector.send(&request)).await {
            Ok(response) => assert!(repeatable && response.body.len() == 2),
            Err(error) => assert!(!repeatable && error.class() == Class::Unknown, "{error}"),
        }
        assert_eq!(host.connections(), connections, "{name}");
    }
    // A new connection that ends in the same way is no idle one: whether to send again is the caller's choice.
    let host = Host::start("once", vec![vec![CLOSE.to_vec()]], true).await;
    let error = host.get(&Connector::new(host.options()).unwrap()).await.unwrap_err();
    assert_eq!((error.class(), host.connections()), (Class::Unknown, 1), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_bounded_in_length_and_in_time() {
    let most = 1 << 20;
    let chunked = |length: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        [head.into_bytes(), vec![b'x'; length], b"\r\n0\r\n\r\n".to_vec()].concat()
    };
    let cut = answer(9)[..answer(9).len() - 1].to_vec();
    let scripts = [
        answer(most),
        answer(most + 1),
        chunked(most),
        chunked(most + 1),
        cut,
        b"HTTP/1.1 what\r\n\r\n".to_vec(),
        Vec::new(),
    ];
    let host = Host::start("bounds", scripts.map(|answer| vec![answer]).into(), true).await;
    let quick = Options { answer: Duration::from_millis(500), ..host.options() };
    // Of a large answer that is in time, the length decides; nothing else here takes time but silence.
    let (patient, quick) = (Connector::new(host.options()).unwrap(), Connector::new(quick).unwrap());
    for good in [true, false, true, false, false, false] {
        match host.get(&patient).await {
            Ok(response) => assert!(good && response.body.len() == most),
            Err(error) => assert!(!good && error.class() == Class::Unknown, "{error}"),
        }
    }
    let error = host.get(&quick).await.unwrap_err();
    assert_eq!(error.class(), Class::Unknown, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_only_this_machine_and_only_when_asked() {
    let host = Host::start("plain", vec![vec![answer(1)]], false).await;
    let connector = Connector::new(host.options()).unwrap();
    assert_eq!(host.get(&connector).await.unwrap_err().class(), Class::Usage);
    let asked = Connector::new(Options { plain_to_this_machine: true, ..host.options() }).unwrap();
    assert_eq!(host.get(&asked).await.unwrap().body.len(), 1);
    let elsewhere = Request::new(Method::GET, Url::parse("http://shop.example/").unwrap());
    assert_eq!(asked.send(&elsewhere).await.unwrap_err().class(), Class::Usage);
    assert_eq!(host.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_redirect_is_named_and_none_is_followed() {
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} Elsewhere\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n");
        let host = Host::start(&format!("redirect-{status}"), vec![vec![answer.into_bytes()]], true).await;
        let error = host.get(&Connector::new(host.options()).unwrap()).await.unwrap_err();
        assert_eq!(error.class(), Class::Failed, "{status}: {error}");
        assert!(error.what().contains("https://evil.example/"), "{status}: {error}");
    }
    let unchanged = b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec();
    let host = Host::start("unchanged", vec![vec![unchanged]], true).await;
    assert_eq!(host.get(&Connector::new(host.options()).unwrap()).await.unwrap().status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_who_its_certificate_says() {
    let host = Host::start("names", vec![vec![answer(1)]], true).await;
    let other = Host::start("other-names", vec![vec![answer(1)]], true).await;
    let stranger = Connector::new(other.options()).unwrap();
    let error = host.get(&stranger).await.unwrap_err();
    assert_eq!(error.class(), Class::Unreachable, "{error}");
    assert!(error.remedy().unwrap().contains("--roots"), "{error}");
    let nobody = Connector::new(Options { roots: Vec::new(), ..host.options() }).unwrap();
    assert_eq!(host.get(&nobody).await.unwrap_err().class(), Class::Unreachable, "no system's trust store");
    let public = Connector::new(Options { private_addresses: false, ..host.options() }).unwrap();
    assert_eq!(host.get(&public).await.unwrap_err().class(), Class::Failed, "a private address");
    assert!(host.get(&Connector::new(host.options()).unwrap()).await.is_ok());
}
