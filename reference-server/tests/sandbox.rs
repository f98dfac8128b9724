//! What `purser-server sandbox` writes is what the protocol's checks and the servers accept.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::cert::{Role, TrustAnchors, validate};
use purser_protocol::code::Code;
use purser_protocol::flow::certificate_id;
use purser_protocol::sign::Signer;
use purser_protocol::sign::backend::{AwsLc, AwsLcSigner};
use purser_server::pem;
use serde_json::Value;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, version};

const DAY: u64 = 86_400;

#[test]
fn the_certificates_are_of_the_profile_for_120_days() {
    let folder = Folder::new("profile");
    assert!(folder.sandbox(&[]).status.success());
    let roots = folder.certificates("roots.pem");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();

    for (file, role, name, categories) in [
        ("issuer", Role::Issuer, "issuer.example", &[][..]),
        ("merchant", Role::Merchant, "shop.example", &[4121, 5411, 5814, 5942]),
    ] {
        let chain = folder.certificates(&format!("{file}.pem"));
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let x5t = certificate_id(chain[0]);
        let mut trust = TrustAnchors::new(&AwsLc);
        trust.add(&roots[0], &[role], &[]).unwrap();
        let party = validate(&chain, &x5t, role, &trust, now).unwrap();
        assert_eq!(party.id.as_str(), name);
        assert_eq!(party.categories, categories);
        let key = pem::private_key(&folder.file(&format!("{file}.key"))).unwrap();
        assert_eq!(AwsLcSigner::from_pkcs8(&key).unwrap().public_key(), party.key);

        let late = validate(&chain, &x5t, role, &trust, now + 121 * DAY).unwrap_err();
        assert_eq!(late.code, Code::CertExpired);
        validate(&chain, &x5t, role, &trust, now + 119 * DAY).unwrap();
    }
}

#[test]
fn keys_are_for_the_owner_alone() {
    let folder = Folder::new("modes");
    assert!(folder.sandbox(&[]).status.success());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["tls.key", "issuer.key", "merchant.key"] {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
        assert!(fs::read_to_string(folder.file(name)).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    }
    assert_eq!(mode(&folder.0), 0o700);
    let authority = fs::read_dir(&folder.0).unwrap().any(|entry| entry.unwrap().file_name() == "roots.key");
    assert!(!authority, "the authority's key is written nowhere");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_written() {
    let folder = Folder::new("again");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.file("merchant.key"), "mine").unwrap();
    let refused = folder.sandbox(&[]);
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("merchant.key is there already"), "{error}");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);

    fs::remove_file(folder.file("merchant.key")).unwrap();
    assert!(folder.sandbox(&[]).status.success());
    let key = fs::read(folder.file("issuer.key")).unwrap();
    assert!(!folder.sandbox(&[]).status.success());
    assert_eq!(fs::read(folder.file("issuer.key")).unwrap(), key);
}

#[test]
fn the_servers_start_from_it() {
    let folder = Folder::new("start");
    let written = folder.sandbox(&["--issuer-listen", "127.0.0.1:0", "--merchant-listen", "127.0.0.1:0"]);
    let lines = String::from_utf8(written.stdout).unwrap();
    let roots = folder.certificates("roots.pem");
    for (role, line) in ["issuer", "merchant"].into_iter().zip(lines.lines()) {
        let config = line.strip_prefix(&format!("purser-server {role} --config ")).unwrap();
        let server = Server::start(role, Path::new(config));
        assert_eq!(server.ready["role"], role);
        let answer = get(&roots[0], server.addr(), "/.well-known/purser");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let found: Value = serde_json::from_str(body).unwrap();
        assert_eq!(found["purser"]["roles"], serde_json::json!([role]));
        assert_eq!(found["purser"]["base_url"], server.ready["url"]);
        if role == "issuer" {
            let url = server.ready["url"].as_str().unwrap();
            assert_eq!(lines.split(" --issuer ").nth(1).and_then(|rest| rest.lines().next()), Some(url));
        }
    }
}

/// A folder that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("purser-sandbox-{name}-{}", std::process::id())))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn certificates(&self, name: &str) -> Vec<Vec<u8>> {
        pem::certificates(&self.file(name)).unwrap()
    }

    fn sandbox(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_purser-server"));
        command.arg("sandbox").arg("--dir").arg(&self.0).args(more).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that is killed at the end.
struct Server {
    program: Child,
    ready: Value,
}

impl Server {
    fn start(role: &str, config: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_purser-server"))
            .args([role, "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { program, ready: serde_json::from_str(&line).unwrap() }
    }

    fn addr(&self) -> SocketAddr {
        self.ready["addr"].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn get(root: &[u8], addr: SocketAddr, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), addr.ip().into()).unwrap();
    let mut stream = StreamOwned::new(tls, TcpStream::connect(addr).unwrap());
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
