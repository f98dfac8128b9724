//! A sandbox in a folder of its own, and the program that runs from it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::Method;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST, PURSER_CREDENTIAL, PURSER_PROOF};
use purser_protocol::id::PaperId;
use purser_protocol::paper::credential::Credential;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::wire::Reader;
use purser_server::sandbox::{self, Plan, Sandbox};
use serde_json::Value;
use tokio_rustls::TlsConnector;

use crate::database;
use crate::line::{Answer, Line, NoAnswer, connector};
use crate::papers::{Key, Person, Shop, World, payment};

/// Fails a test that hangs; no test passes or fails by how long this takes.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) shop: Shop,
    pub(crate) sandbox: Sandbox,
    tls: TlsConnector,
    program: Child,
    addr: SocketAddr,
}

impl Scene {
    /// On the store that `PURSER_TEST_STORE` names: a file, or with `postgresql` a database.
    pub(crate) fn new() -> Self {
        let on_database = std::env::var("PURSER_TEST_STORE").is_ok_and(|store| store == "postgresql");
        Self::on(on_database.then(|| database::fresh().expect("PURSER_TEST_POSTGRES says where")))
    }

    /// On a file, or on the database with this URL.
    pub(crate) fn on(database: Option<String>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("issuer-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let sandbox =
            sandbox::write(&Plan { dir, issuer_listen: any, merchant_listen: any, seller_listen: any }).unwrap();
        let roots = purser_server::pem::certificates(&sandbox.path("roots.pem")).unwrap();
        if let Some(url) = database {
            database::configure(&sandbox, &url);
        }
        let (program, addr) = start(&sandbox);
        Self { world: World::of(&sandbox), shop: Shop::of(&sandbox), tls: connector(&roots), sandbox, program, addr }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }

    /// SIGTERM, and the end of the process.
    pub(crate) fn stop(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.program.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert!(self.program.wait().unwrap().success());
    }

    /// Starts the program again, from the same store.
    pub(crate) fn start(&mut self) {
        (self.program, self.addr) = start(&self.sandbox);
    }

    /// The same, by another program: its words, the last of which are the server's.
    pub(crate) fn start_under(&mut self, words: &str) {
        (self.program, self.addr) = start_by(&self.sandbox, Some(words));
    }

    /// Waits for the end of the program.
    pub(crate) async fn ends(&mut self) {
        // It is asked again and again, since only its parent can ask, and this one does other things too.
        while self.program.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The program's id.
    pub(crate) fn process(&self) -> u32 {
        self.program.id()
    }

    /// Starts the program once more beside the one that runs, and waits until it is ready: it then takes the place of
    /// the first, which comes back.
    pub(crate) fn follow(&mut self) -> Child {
        let (program, addr) = start(&self.sandbox);
        self.addr = addr;
        std::mem::replace(&mut self.program, program)
    }

    /// What the program holds in memory.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn tls(&self) -> TlsConnector {
        self.tls.clone()
    }

    pub(crate) async fn line(&self) -> Line {
        within(Line::open(self.addr, &self.tls)).await.unwrap()
    }

    pub(crate) async fn command(&self, paper: &[u8]) -> Answer {
        self.post("/v1/commands", PAPER, paper).await
    }

    pub(crate) async fn pay(&self, offer: &[u8], intent: &[u8]) -> Answer {
        self.post("/v1/intents", PAYMENT_REQUEST, &payment(offer, intent)).await
    }

    pub(crate) async fn post(&self, path: &str, media: &str, body: &[u8]) -> Answer {
        within(self.line().await.post(path, media, body.to_vec())).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        within(self.line().await.get(path, None)).await.unwrap()
    }

    /// A read that is signed for the address by which the issuer is known.
    pub(crate) async fn read(&self, key: &Key, path: &str) -> Answer {
        let proof = key.proof(&format!("GET {}{path}", self.url()));
        within(self.line().await.get(path, Some(&proof))).await.unwrap()
    }

    /// Any request: with a proof or without, and with what says that a guarded key is unlocked.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        media: &str,
        proof: Option<&[u8]>,
        unlocked: Option<&str>,
    ) -> Answer {
        let proof = proof.map(base64url::encode);
        let fields = [(PURSER_PROOF, proof.as_deref()), ("purser-unlocked", unlocked)];
        within(self.line().await.ask(method, path, body, media, &fields)).await.unwrap()
    }

    /// The same, at a time so much later.
    pub(crate) async fn read_at(&self, key: &Key, path: &str, later_seconds: u64) -> Answer {
        let proof = key.proof_at(&format!("GET {}{path}", self.url()), later_seconds);
        within(self.line().await.get(path, Some(&proof))).await.unwrap()
    }

    /// Sets the issuer's clock.
    pub(crate) async fn set_clock(&self, now_seconds: u64) {
        let body = serde_json::json!({ "now": now_seconds }).to_string();
        let set = self.post("/v1/sandbox/clock", "application/json", body.as_bytes()).await;
        assert_eq!(set.status, 200);
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.sandbox.issuer)
    }

    /// Opens an account and puts money into it.
    pub(crate) async fn person(&self, minor: u64) -> Person {
        let key = Key::new();
        let answer = self.post("/v1/accounts", PAPER, &Person::enrolment(&key)).await;
        answer.is(&self.world, Outcome::Recorded);
        let credential = base64url::decode(answer.headers[PURSER_CREDENTIAL].to_str().unwrap()).unwrap();
        let credential = Signed::<Credential>::read(&credential).unwrap();
        assert_eq!(credential.header.x5chain.count(), 0, "no certificates in a header [SIG-17]");
        let credential = Credential::decode(&mut Reader::new(credential.frame.payload)).unwrap();
        let person = Person { key, account: credential.account };
        if minor > 0 {
            self.command(&person.deposit(minor)).await.is(&self.world, Outcome::Recorded);
        }
        person
    }

    pub(crate) async fn register(&self, mandate: &[u8]) -> PaperId {
        self.post("/v1/mandates", PAPER, mandate).await.is(&self.world, Outcome::Recorded);
        crate::papers::id(mandate)
    }

    /// What the account has in yuan, in minor units.
    pub(crate) async fn balance(&self, person: &Person) -> u64 {
        let account = self.read(&person.key, "/v1/account").await.json();
        let balances = account["balances"].as_array().unwrap().clone();
        let yuan = balances.iter().find(|money| money["currency"] == "CNY");
        yuan.map_or(0, |money| minor(&money["amount_minor"]))
    }

    pub(crate) async fn payments(&self, person: &Person) -> Vec<Value> {
        self.read(&person.key, "/v1/payments").await.json()["payments"].as_array().unwrap().clone()
    }

    /// One mandate as its account reads it.
    pub(crate) async fn mandate(&self, person: &Person, id: PaperId) -> Value {
        let list = self.read(&person.key, "/v1/mandates").await.json();
        let found = list["mandates"].as_array().unwrap().iter().find(|mandate| mandate["id"] == id.to_string());
        found.unwrap().clone()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        let _ = fs::remove_dir_all(&self.sandbox.dir);
    }
}

fn start(sandbox: &Sandbox) -> (Child, SocketAddr) {
    start_by(sandbox, None)
}

fn start_by(sandbox: &Sandbox, words: Option<&str>) -> (Child, SocketAddr) {
    let server = env!("CARGO_BIN_EXE_purser-server");
    let mut program = match words {
        None => Command::new(server),
        Some(words) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("exec {words} \"$0\" \"$@\""), server]);
            shell
        }
    };
    let mut program = program
        .args(["issuer", "--config"])
        .arg(sandbox.path("issuer.toml"))
        // A free port each time: that of the configuration is only what the issuer is known by.
        .env("PURSER_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    (program, ready["addr"].as_str().unwrap().parse().unwrap())
}

pub(crate) fn minor(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

pub(crate) async fn within<F: Future<Output = Result<T, NoAnswer>>, T>(future: F) -> Result<T, NoAnswer> {
    tokio::time::timeout(LONG, future).await.expect("the test hangs")
}
