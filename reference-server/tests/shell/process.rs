//! The program: its one line, its signals, its end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use purser_server::sandbox::{self, Plan};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::client::Client;
use crate::scene::{Files, Scene, connector, patient, within};

#[tokio::test]
async fn what_is_under_way_is_finished_before_the_end() {
    let scene = Scene::start(patient()).await;
    let addr = scene.addr();
    let mut idle = scene.connect().await;
    idle.exchange("POST /echo", "", b"hello").await.accepts("hello");
    let mut deciding = scene.connect().await;
    deciding.request("POST /v1/intents", "", b"one").await;
    scene.gate.entered(1).await;

    let gate = scene.gate;
    let stop = tokio::spawn(scene.server.stop());
    assert!(idle.is_closed().await, "an idle connection is closed at once");
    assert!(!stop.is_finished());
    assert!(TcpStream::connect(addr).await.is_err(), "nothing listens any more");
    gate.open(1);
    deciding.answer().await.accepts("one");
    within(stop).await.unwrap();
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off() {
    let scene = Scene::start(purser_server::config::Limits { drain_ms: 50, ..patient() }).await;
    let mut deciding = scene.connect().await;
    deciding.request("POST /v1/intents", "", b"one").await;
    scene.gate.entered(1).await;
    within(scene.server.stop()).await;
    assert!(deciding.is_closed().await);
}

#[test]
fn the_program_says_where_it_listens_and_stops_when_told() {
    let (files, _) = Files::new();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let plan = Plan { dir: files.folder.join("sandbox"), issuer_listen: any, merchant_listen: any, seller_listen: any };
    let sandbox = sandbox::write(&plan).unwrap();
    let anchor = CertificateDer::from_pem_file(sandbox.path("roots.pem")).unwrap();
    for role in ["issuer", "merchant"] {
        let mut program = start(role, &sandbox.path(&format!("{role}.toml")));
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let addr: SocketAddr = ready["addr"].as_str().unwrap().parse().unwrap();
        let url = format!("https://{addr}");
        assert_eq!(ready, serde_json::json!({"ready": true, "role": role, "addr": addr, "url": url}));

        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut client = Client::connect(addr, &connector(&anchor, b"http/1.1")).await;
            client.exchange("GET /readyz", "", b"").await.accepts("ready\n");
        });

        let killed = Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert!(program.wait().unwrap().success());
        let mut log = String::new();
        program.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        for line in log.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
        assert!(log.contains("stopped"), "{log}");
    }
}

#[test]
fn the_program_names_the_key_that_it_does_not_know() {
    let (files, _) = Files::new();
    fs::write(files.folder.join("purser.toml"), "[shell]\nlisten_at = '127.0.0.1:0'\n").unwrap();
    let output = start("issuer", &files.folder.join("purser.toml")).wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "purser-server: in [shell]: unknown key `listen_at`; did you mean `listen`?\n");
}

fn start(role: &str, config: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_purser-server"))
        .args([role, "--config"])
        .arg(config)
        .env("PURSER_LOG", "json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
