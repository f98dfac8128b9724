//! Agent and wallet are put to the conformance suite like anybody's, by their commands; one that believes all it is
//! told, and one that does nothing, fail every check between them.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use purser_conformance::live::{drive, drive_wallet};
use purser_conformance::report;
use purser_conformance::results::{Results, State};
use purser_conformance::run::Options;
use purser_conformance::run::judge::Why;
use purser_conformance::run::subject::Program;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{AnswerBody, Challenge, Credential, PAPER, PAYMENT_REQUEST};
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{AccountId, Nonce, PaperId, PartyId, Text};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::Proof;
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Context, Paper as _, Signed, sign};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

#[test]
fn the_command_passes() {
    let purser = env!("CARGO_BIN_EXE_purser");
    let init = format!("{purser} --dir {{dir}}/home init --issuer {{issuer}} --roots {{roots}} --keys agent");
    let fetch = format!("{purser} --dir {{dir}}/home fetch '{{url}}' --max '20.00 CNY' --mandate {{mandate}}");
    let results = run(&format!("{init} && {fetch}"));
    assert!(results.exit == 0 && results.conformant, "{}", report::text::write(&results));
}

#[test]
fn every_check_can_fail() {
    let idle = run("true");
    assert!(idle.cases.iter().all(|case| case.state == State::Failed), "{}", report::text::write(&idle));
    // Failing what is honest would hide what it was believed.
    let exe = std::env::current_exe().unwrap();
    let gullible = run(&format!(
        "GULLIBLE='{{url}} {{issuer}} {{roots}} {{mandate}}' {} --exact believes_everything --ignored",
        exe.display()
    ));
    let passed: BTreeSet<&str> =
        gullible.cases.iter().filter(|case| case.state == State::Passed).map(|case| case.id.as_str()).collect();
    // Words move nobody who does not read them.
    assert_eq!(passed, BTreeSet::from(["live/agent/offer/words", "live/agent/pay/honest"]));
}

fn run(command: &str) -> Results {
    drive(&Options::new(Program::parse("agent").unwrap()), command).unwrap()
}

#[test]
fn the_wallet_passes() {
    let results = run_wallet(&wallet(""));
    assert!(results.exit == 0 && results.conformant, "{}", report::text::write(&results));
}

#[test]
fn every_check_of_a_wallet_can_fail() {
    let idle = run_wallet("true");
    assert!(idle.cases.iter().all(|case| case.state == State::Failed), "{}", report::text::write(&idle));
    // One calls everything done; the other says yes to whatever waits.
    let sure = run_wallet(&wallet("|| true"));
    let exe = std::env::current_exe().unwrap();
    let yes =
        format!("GULLIBLE='{{issuer}} {{roots}} {{dir}} {{intent}}' {} --exact says_yes --ignored", exe.display());
    let eager = run_wallet(&format!("if [ {{task}} = approve ]; then {yes}; else {}; fi", wallet("")));
    let passed = |results: &Results, part: &str| {
        let passed = results.cases.iter().filter(|case| case.state == State::Passed && case.id.contains(part));
        passed.map(|case| case.id.clone()).collect::<Vec<_>>()
    };
    // What is lost once comes again without being told.
    let honest = |id: &String| ["/honest", "/proof", "/lost-once"].iter().any(|end| id.ends_with(end));
    assert!(passed(&sure, "").iter().all(honest), "{}", report::text::write(&sure));
    assert_eq!(passed(&sure, "/honest").len(), 8, "{}", report::text::write(&sure));
    // Who shows nothing says nothing small.
    let unmoved = ["live/wallet/approve/honest", "live/wallet/approve/small-words"];
    assert_eq!(passed(&eager, "/approve/"), unmoved, "{}", report::text::write(&eager));
    assert_eq!(passed(&eager, "/read/"), ["live/wallet/read/proof"], "{}", report::text::write(&eager));
    let restless = run_wallet(&format!("{}; [ {{task}} != revoke ] || {}", wallet(""), wallet("")));
    let lost_once = restless.cases.iter().find(|case| case.id.ends_with("/lost-once")).unwrap();
    assert_eq!(lost_once.why, Some(Why::WrongValue), "{}", report::text::write(&restless));
}

/// The command of a wallet, by `purser`; what is behind it is done at the end of each task.
fn wallet(behind: &str) -> String {
    let purser = format!("{} --dir {{dir}}/home", env!("CARGO_BIN_EXE_purser"));
    let quota = "--mode quota --currency CNY --total '100.00 CNY' --per-payment '50.00 CNY' --holder {agent}";
    format!(
        "{{ case {{task}} in \
         open) {purser} init --issuer {{issuer}} --roots {{roots}} --keys person && {purser} account open ;; \
         mandate) {purser} mandate new {quota} ;; \
         approve) {purser} confirm approve '{{intent}}' --yes ;; \
         refuse) {purser} confirm refuse '{{intent}}' --yes ;; \
         speak) {purser} mandate new {quota} --how voice ;; \
         list) {purser} wallet ls ;; \
         bundle) {purser} wallet export {{dir}}/records --as bundle ;; \
         suspend) {purser} mandate suspend '{{mandate}}' ;; \
         revoke) {purser} mandate revoke '{{mandate}}' ;; esac; }} {behind}"
    )
}

fn run_wallet(command: &str) -> Results {
    drive_wallet(&Options::new(Program::parse("wallet").unwrap()), command).unwrap()
}

/// No test: the wallet that says yes to whatever waits, and asks wherever it is sent.
#[test]
#[ignore = "it is a program, for another test"]
fn says_yes() {
    let line = std::env::var("GULLIBLE").unwrap();
    let [issuer, roots, dir, intent] = line.split(' ').collect::<Vec<_>>()[..] else { return };
    let home = Path::new(dir).join("home");
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_file(home.join("keys/person.pem")).unwrap();
    let key = AwsLcSigner::from_pkcs8(pkcs8.secret_pkcs8_der()).unwrap();
    let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    let account = config.lines().find_map(|line| line.strip_prefix("account = ")).unwrap().trim_matches('"').to_owned();
    let named = config.lines().find_map(|line| line.strip_prefix("id = ")).unwrap().trim_matches('"');
    let (named, now) = (PartyId::new(named).unwrap(), UnixSeconds::new(now_seconds()).unwrap());
    let network = Context { network: "sandbox" };
    let agent = Gullible { issuer, roots: Path::new(roots), mandate: "", key };
    let target = Text::new(&format!("GET {issuer}/v1/pending")).unwrap();
    let proof = Proof { audience: named.clone(), issued_at: now, nonce: Nonce([7; 16]), target };
    let proof = base64url::encode(&sign(&proof, network, &agent.key).unwrap());
    let shown = agent.ask("GET", &format!("{issuer}/v1/pending"), &[("Purser-Proof", &proof)], b"").unwrap();
    if let Some(location) = shown.field("location") {
        agent.ask("GET", location, &[("Purser-Proof", &proof)], b"");
    }
    let yes = Confirmation {
        account: AccountId(unhex(&account)),
        issuer: named,
        issued_at: now,
        intent: PaperId(unhex(intent)),
        shown: None,
        how: Modality::Screen,
        evidence: None,
        phrase: None,
    };
    let yes = sign(&yes, network, &agent.key).unwrap();
    agent.ask("POST", &format!("{issuer}/v1/confirmations"), &[("Content-Type", PAPER)], &yes).unwrap();
}

fn now_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let bytes: Vec<u8> = (0..N).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// No test: the agent that `every_check_can_fail` starts.
#[test]
#[ignore = "it is a program, for another test"]
fn believes_everything() {
    let line = std::env::var("GULLIBLE").unwrap();
    let [url, issuer, roots, mandate] = line.split(' ').collect::<Vec<_>>()[..] else { return };
    let agent = Gullible { issuer, roots: Path::new(roots), mandate, key: AwsLcSigner::generate().unwrap().1 };
    let authorization = agent.pay(&agent.ask("GET", url, &[], b"").unwrap());
    let shown = agent.ask("GET", url, &[("Authorization", &authorization)], b"").unwrap();
    if let Some(location) = shown.field("location") {
        agent.ask("GET", location, &[("Authorization", &authorization)], b"");
    }
    if shown.status == 402 {
        agent.pay(&shown);
    }
}

/// Takes the challenge for the offer, pays whoever asks, anew when there is no answer, and follows every redirection.
struct Gullible<'a> {
    issuer: &'a str,
    roots: &'a Path,
    mandate: &'a str,
    key: AwsLcSigner,
}

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn field(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map(|line| line[name.len() + 1..].trim())
    }
}

impl Gullible<'_> {
    /// Pays what a 402 asks for; what to show for it.
    fn pay(&self, asked: &Response) -> String {
        let challenge = asked.field("www-authenticate").unwrap().as_bytes();
        let challenge = Challenge::read([challenge]).remove(0).unwrap();
        let offer = Signed::<Offer>::read(&asked.body).unwrap();
        let terms = Offer::decode(&mut Reader::new(offer.frame.payload)).unwrap();
        loop {
            let mut secret = [0; 32];
            std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut secret).unwrap();
            let intent = Intent {
                issuer: terms.accepts.iter().next().unwrap().issuer.clone(),
                issued_at: UnixSeconds::new(terms.issued_at.get()).unwrap(),
                mandate: PaperId(unhex(self.mandate)),
                offer: offer.id(),
                amount: Amount::from_minor(terms.amount.minor()).unwrap(),
                currency: Currency::from_code(terms.currency.code()).unwrap(),
                secret_hash: secret_hash(&secret),
                channel: None,
                device: None,
                period: None,
                chains: None,
            };
            let intent = sign(&intent, Context { network: "sandbox" }, &self.key).unwrap();
            let request = PaymentRequest { offer: &asked.body, intent: &intent, ..PaymentRequest::default() }.write();
            let url = format!("{}/v1/intents", self.issuer);
            let answer = self.ask("POST", &url, &[("Content-Type", PAYMENT_REQUEST)], &request);
            if let Some(answer) = answer.filter(|answer| answer.status == 200) {
                let receipt = AnswerBody::read(&answer.body).unwrap().receipt.to_vec();
                return Credential::new(&challenge, receipt, secret).header_value().unwrap();
            }
        }
    }

    fn ask(&self, method: &str, url: &str, fields: &[(&str, &str)], body: &[u8]) -> Option<Response> {
        let (authority, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
        let mut roots = RootCertStore::empty();
        CertificateDer::pem_file_iter(self.roots).unwrap().for_each(|root| roots.add(root.unwrap()).unwrap());
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(authority.split(':').next().unwrap().to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(authority).unwrap());
        let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!("{method} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{fields}");
        stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Response { status, head, body: answer[end + 4..].to_vec() })
    }
}
