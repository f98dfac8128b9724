//! Issuer and merchant are put to the conformance suite's live checks like anybody's; and answers that are changed on
//! their way make them fail.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use purser_conformance::live::{Peers, Tamper, authority, run, run_merchant};
use purser_conformance::report;
use purser_conformance::results::{Results, State};
use purser_conformance::run::Options;
use purser_conformance::run::subject::Program;
use purser_protocol::bind::http::AnswerBody;
use serde_json::Value;

#[test]
fn the_issuer_passes_and_every_check_can_fail() {
    let server = Server::start("issuer");
    let peers = Peers::of(&server.folder.join("suite"));
    // What is no answer is not changed on its way.
    let run = |options: &Options, tamper: Option<Tamper>| run(options, &server.url, &peers, tamper).unwrap();
    check(run, "live/issuer/tls/1-2");
}

#[test]
fn the_merchant_passes_and_every_check_can_fail() {
    let server = Server::start("merchant");
    let peers = Peers::of(&server.folder);
    let run = |options: &Options, tamper: Option<Tamper>| {
        run_merchant(options, &server.url, &peers, "/coffee", tamper).unwrap()
    };
    check(run, "live/merchant/tls/1-2");
}

/// Nothing fails of what is honest; each way to change answers is seen twice; each check but one sees one.
fn check(run: impl Fn(&Options, Option<Tamper>) -> Results, but: &str) {
    let options = Options { seed: u64::from(std::process::id()), ..Options::new(Program::parse("server").unwrap()) };
    let honest = run(&options, None);
    assert!(honest.exit == 0 && honest.conformant, "{}", report::text::write(&honest));

    let mut never_failed: BTreeSet<String> = honest.cases.iter().map(|case| case.id.clone()).collect();
    for (number, (name, tamper)) in (1..).zip(TAMPERS) {
        // Ten seconds for a body that does not come are spent once.
        let slow = |id: &&String| number == 2 || !id.ends_with("/slow-body");
        let only = honest.cases.iter().map(|case| &case.id).filter(slow).cloned().collect();
        let options = Options { seed: options.seed + number, only: Some(only), ..options.clone() };
        let failed = failures(&run(&options, Some(*tamper)));
        assert!(failed.len() >= 2, "{name} is caught by {failed:?} only");
        failed.iter().for_each(|id| _ = never_failed.remove(id));
    }
    never_failed.remove(but);
    assert_eq!(never_failed, BTreeSet::new());
}

/// Ways to change an answer.
const TAMPERS: &[(&str, Tamper)] = &[
    ("no-caching-fields", |response| response.headers.retain(|(name, _)| name != "cache-control")),
    ("every-status-200", |response| response.status = 200),
    ("every-status-500", |response| response.status = 500),
    ("no-fields-but-two", |response| {
        response.headers.retain(|(name, _)| ["content-type", "cache-control"].contains(&name.as_str()));
    }),
    ("another-media-type", |response| {
        for (_, value) in response.headers.iter_mut().filter(|(name, _)| name == "content-type") {
            *value = "text/plain".to_owned();
        }
    }),
    ("no-detail-and-no-delivery", |response| {
        if let Ok(AnswerBody { receipt, detail: Some(_) }) = AnswerBody::read(&response.body) {
            response.body = AnswerBody { receipt, detail: None }.write();
        }
        response.headers.retain(|(name, _)| name != "purser-delivery");
    }),
    ("last-byte-changed", |response| response.body.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1)),
    ("another-answer", |response| response.body.iter_mut().skip(40).take(1).for_each(|byte| *byte ^= 1)),
];

fn failures(results: &Results) -> BTreeSet<String> {
    results.cases.iter().filter(|case| case.state == State::Failed).map(|case| case.id.clone()).collect()
}

/// A server in a sandbox of its own, killed at the end.
struct Server {
    folder: PathBuf,
    program: Child,
    url: String,
}

impl Server {
    fn start(role: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("purser-live-{role}-{}", std::process::id()));
        let server = env!("CARGO_BIN_EXE_purser-server");
        let listen = ["--issuer-listen", "127.0.0.1:0", "--merchant-listen", "127.0.0.1:0"];
        let written = Command::new(server).args(["sandbox", "--dir"]).arg(&folder).args(listen).output().unwrap();
        assert!(written.status.success());
        let config: &Path = &folder.join(format!("{role}.toml"));
        // The suite's own merchants, under an authority that the operator was asked to trust.
        authority::write(&folder.join("suite")).unwrap();
        std::fs::copy(folder.join("roots.pem"), folder.join("suite/roots.pem")).unwrap();
        let text = std::fs::read_to_string(config).unwrap();
        let trusting = text.replace(r#"anchors = ["roots.pem"]"#, r#"anchors = ["roots.pem", "suite/authority.pem"]"#);
        std::fs::write(config, trusting).unwrap();
        let mut command = Command::new(server);
        let command = command.args([role, "--config"]).arg(config).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { folder, program, url: ready["url"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
