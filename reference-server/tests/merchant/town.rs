//! An issuer, shops, and the road between them; people who pay.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::HOST;
use http_body_util::Full;
use purser_merchant::Shop as Kit;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{Challenge, Credential as Shown, PAPER, PAYMENT_REQUEST, PURSER_PROOF};
use purser_protocol::cert::{Role as Certified, TrustAnchors};
use purser_protocol::flow::Register;
use purser_protocol::id::{AccountId, PaperId, ShortText};
use purser_protocol::ledger::audit::audit;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::{Ledger, Settings};
use purser_protocol::paper::credential::Credential;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use purser_server::config::Config;
use purser_server::life::Life;
use purser_server::pem;
use purser_server::random::random;
use purser_server::role::{self, Role};
use purser_server::serve::{Bound, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, Signatory};
use crate::line::{Answer, Ask, Line, connector, post};
use crate::logs;
use crate::papers::{CONTEXT, Key, deposit, enrolment, id, issuer, payment, quota, yuan};
use crate::store::{Kept, open};

/// Fails a test that hangs; no test passes or fails by how long this takes.
const LONG: Duration = Duration::from_secs(60);

/// What every shop sells.
pub(crate) const TEA: &str = "Longjing, and hot water.\n";
pub(crate) const TEA_MINOR: u64 = 1_280;
pub(crate) const BOOK: &str = "The book is yours when it is sent.\n";
pub(crate) const BOOK_MINOR: u64 = 4_500;

const PRODUCTS: &str = r#"
[[merchant.products]]
path = "/tea"
price = "12.80 CNY"
item = "tea"
name = "A pot of tea"
body = "Longjing, and hot water.\n"

[[merchant.products]]
path = "/book"
price = "45.00 CNY"
item = "book"
name = "A book, charged when it is sent"
capture = "by-command"
hold_seconds = 86400
body = "The book is yours when it is sent.\n"

[[merchant.products]]
path = "/print"
method = "POST"
price = "3.00 CNY"
item = "page"
name = "A printed page"
body = "Printed.\n"

[[merchant.products]]
path = "/page"
price = "3.00 CNY"
item = "page"
name = "A page"
body = "A page.\n"
beside = { payment-required = "eyJ4NDAyVmVyc2lvbiI6Mn0", www-authenticate = 'Payment id="x", method="tempo", request="e30"' }

[[merchant.products]]
path = "/page"
method = "PUT"
price = "3.00 CNY"
item = "page"
name = "A page that you wrote"
body = "Kept.\n"
"#;

/// A folder with an authority, an issuer that runs, and what shops need to run.
pub(crate) struct Town {
    pub(crate) dir: PathBuf,
    pub(crate) authority: Authority,
    pub(crate) bank: Signatory,
    /// Believes the authority, and has every chain at hand.
    pub(crate) register: Register,
    pub(crate) road: Road,
    pub(crate) tls: TlsConnector,
    addr: SocketAddr,
    stores: Mutex<HashMap<String, Kept>>,
    _issuer: Server,
}

impl Town {
    pub(crate) async fn new() -> Self {
        logs::capture();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("merchant-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();

        let authority = Authority::new("Town hall");
        fs::write(dir.join("roots.pem"), authority.certificate()).unwrap();
        authority.write_server(&dir);
        let bank = authority.write_party(&dir, "issuer", Certified::Issuer, "issuer.example");
        let config = r#"
            [shell]
            url = "https://issuer.example"
            tls_cert = "tls.pem"
            tls_key = "tls.key"
            [issuer]
            name = "issuer.example"
            network = "sandbox"
            sandbox = true
            certificate = "issuer.pem"
            key = "issuer.key"
            anchors = ["roots.pem"]
            store = "issuer.sqlite"
        "#;
        let server = start(Role::Issuer, config, &dir).await;
        let roots = pem::certificates(&dir.join("roots.pem")).unwrap();
        let mut trust = TrustAnchors::new(&AwsLc);
        trust.add(&roots[0], &[Certified::Issuer, Certified::Merchant], &[]).unwrap();
        let mut register = Register::new(trust);
        register.keep(bank.chain.clone());
        Self {
            tls: connector(&roots, b"http/1.1"),
            road: Road::to(server.addr()).await,
            addr: server.addr(),
            stores: Mutex::default(),
            _issuer: server,
            dir,
            authority,
            bank,
            register,
        }
    }

    /// Certifies a shop, and opens it.
    pub(crate) async fn shop(&mut self, name: &str) -> Shop {
        self.shop_with(name, "", "").await
    }

    /// The same, with more lines of settings, and more issuers.
    pub(crate) async fn shop_with(&mut self, name: &str, settings: &str, issuers: &str) -> Shop {
        let keys = self.authority.write_party(&self.dir, name, Certified::Merchant, name);
        self.register.keep(keys.chain.clone());
        let config = self.shop_config(name, settings, issuers);
        let server = start(Role::Merchant, &config, &self.dir).await;
        let (store, tls) = (self.kept(name), self.tls.clone());
        Shop { addr: server.addr(), server: Some(server), keys: Arc::new(keys), tls, store, config }
    }

    /// Certifies a shop with routes of its own, and opens it.
    pub(crate) async fn own_shop(&mut self, name: &str, routes: impl FnOnce(&Kit) -> Router) -> (Shop, Kit) {
        let keys = self.authority.write_party(&self.dir, name, Certified::Merchant, name);
        self.register.keep(keys.chain.clone());
        self.own_process(name, Arc::new(keys), routes).await
    }

    /// Another process of a shop with routes of its own.
    pub(crate) async fn own_process(
        &self,
        name: &str,
        keys: Arc<Signatory>,
        routes: impl FnOnce(&Kit) -> Router,
    ) -> (Shop, Kit) {
        let config = self.shop_config(name, "", "");
        let parsed = Config::parse(&config, &self.dir, |_| None).unwrap();
        let bound = Bound::bind(&parsed.shell).await.unwrap();
        let kit = Kit::with(&parsed.table("merchant").unwrap(), parsed.folder()).unwrap();
        let server = bound.serve(routes(&kit), Life::new());
        let store = self.kept(name);
        let shop = Shop { addr: server.addr(), server: Some(server), keys, tls: self.tls.clone(), store, config };
        (shop, kit)
    }

    /// Another process of a shop: another server on the same store.
    pub(crate) async fn second_process_of(&self, shop: &Shop) -> Shop {
        let server = start(Role::Merchant, &shop.config, &self.dir).await;
        let (keys, tls, store) = (Arc::clone(&shop.keys), shop.tls.clone(), shop.store.clone());
        Shop { addr: server.addr(), server: Some(server), keys, tls, store, config: shop.config.clone() }
    }

    pub(crate) fn shop_config(&self, name: &str, settings: &str, issuers: &str) -> String {
        let (road, store) = (self.road.addr, self.kept(name).setting());
        format!(
            r#"
            [shell]
            url = "https://shop.example"
            tls_cert = "tls.pem"
            tls_key = "tls.key"
            [merchant]
            name = "{name}"
            network = "sandbox"
            certificate = "{name}.pem"
            key = "{name}.key"
            anchors = ["roots.pem"]
            store = "{store}"
            {settings}
            [[merchant.issuers]]
            name = "issuer.example"
            account = "till"
            chain = "issuer.pem"
            url = "https://{road}"
            base_url = "https://issuer.example"
            roots = "roots.pem"
            {issuers}
            {PRODUCTS}"#
        )
    }

    /// The store of the shop of this name; its processes share it.
    fn kept(&self, name: &str) -> Kept {
        let mut stores = self.stores.lock().unwrap();
        stores.entry(name.to_owned()).or_insert_with(|| Kept::new(&self.dir, name)).clone()
    }

    /// Somebody with money, and an agent of theirs that may spend all of it.
    pub(crate) async fn payer(&self, minor: u64) -> Payer {
        let (key, agent) = (Key::new(), Key::new());
        let enrolled = self.post("/v1/accounts", PAPER, &enrolment(&key)).await;
        enrolled.is(&self.register, Outcome::Recorded);
        let credential = base64url::decode(enrolled.header("purser-credential")).unwrap();
        let credential = Signed::<Credential>::read(&credential).unwrap();
        let account = Credential::decode(&mut Reader::new(credential.frame.payload)).unwrap().account;
        self.command(&deposit(&key, account, minor)).await.is(&self.register, Outcome::Recorded);
        let mandate = quota(&key, account, &agent, minor);
        self.post("/v1/mandates", PAPER, &mandate).await.is(&self.register, Outcome::Recorded);
        Payer { key, account, agent, mandate: id(&mandate) }
    }

    /// Pays for an offer. What comes back is a receipt, or this fails.
    pub(crate) async fn pay(&self, payer: &Payer, offered: &Offered) -> Bought {
        let secret = random().unwrap();
        let intent = payer.agent.intent(payer.mandate, offered.id, offered.terms.amount.minor(), &secret);
        let answer = self.post("/v1/intents", PAYMENT_REQUEST, &payment(&offered.paper, &intent)).await;
        let outcome = answer.receipt(&self.register).claims.outcome;
        assert!(matches!(outcome, Outcome::Settled | Outcome::Authorized), "{:?}", answer.detail());
        Bought { payment: id(&intent), secret, receipt: answer.receipt_bytes(), challenge: offered.challenge.clone() }
    }

    pub(crate) async fn command(&self, paper: &[u8]) -> Answer {
        self.post("/v1/commands", PAPER, paper).await
    }

    pub(crate) async fn post(&self, path: &str, media: &str, body: &[u8]) -> Answer {
        within(self.line().await.send(post(path, media, body))).await
    }

    /// A question to the issuer, with a proof of who asks or without.
    pub(crate) async fn get(&self, path: &str, key: Option<&Key>) -> Answer {
        let mut request = Request::get(path).header(HOST, "issuer.example");
        if let Some(key) = key {
            let proof = key.proof(&format!("GET https://issuer.example{path}"));
            request = request.header(PURSER_PROOF, base64url::encode(&proof));
        }
        within(self.line().await.send(request.body(Full::default()).unwrap())).await
    }

    pub(crate) async fn line(&self) -> Line {
        within(Line::open(self.addr, &self.tls)).await
    }

    /// The issuer's books, as its store tells them; they balance.
    pub(crate) fn books(&self) -> Ledger {
        let mut ledger = Ledger::new(Settings {
            issuer: issuer(),
            sandbox: true,
            approval_base: String::new(),
            credential_seconds: 86_400,
        });
        let store = open(&self.dir.join("issuer.sqlite"));
        let query = "SELECT event, command, decided_at FROM entries JOIN batches ON batch = number ORDER BY sequence";
        let mut query = store.prepare(query).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let event = Event::read_kept(&row.get::<_, Vec<u8>>(0).unwrap()).unwrap();
            let at = UnixSeconds::new(row.get(2).unwrap()).unwrap();
            ledger.replay(&event, Some(PaperId(row.get(1).unwrap())), at).unwrap();
        }
        assert_eq!(audit(ledger.state(), ledger.past()), []);
        ledger
    }

    /// What a shop has at the issuer, and what payers have; in minor units.
    pub(crate) fn balances(&self, shop: &Shop, payers: &[&Payer]) -> (u64, Vec<u64>) {
        let books = &self.books().state().books.clone();
        let till = Purse::Payee(shop.keys.id.clone(), ShortText::new("till").unwrap());
        let of = |payer: &&Payer| books.balance(&Purse::Account(payer.account), yuan());
        (books.balance(&till, yuan()), payers.iter().map(of).collect())
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Somebody who pays.
pub(crate) struct Payer {
    pub(crate) key: Key,
    pub(crate) account: AccountId,
    pub(crate) agent: Key,
    pub(crate) mandate: PaperId,
}

/// A process of a shop.
pub(crate) struct Shop {
    pub(crate) addr: SocketAddr,
    pub(crate) keys: Arc<Signatory>,
    pub(crate) store: Kept,
    pub(crate) config: String,
    pub(crate) tls: TlsConnector,
    server: Option<Server>,
}

impl Shop {
    pub(crate) async fn ask(&self, ask: &Ask, credential: Option<&str>) -> Answer {
        within(self.line().await.send(ask.request(credential))).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        within(self.line().await.send(request)).await
    }

    pub(crate) async fn line(&self) -> Line {
        within(Line::open(self.addr, &self.tls)).await
    }

    /// The offer for a request.
    pub(crate) async fn offered(&self, ask: &Ask) -> Offered {
        Offered::of(&self.ask(ask, None).await)
    }

    /// Asks until the answer is another than that the outcome is not known.
    pub(crate) async fn ask_on(&self, ask: &Ask, credential: &str) -> Answer {
        let asked = async {
            loop {
                let answer = self.ask(ask, Some(credential)).await;
                if answer.status != 503 {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(asked).await
    }

    /// Stops, and gives back what starts it again.
    pub(crate) async fn stop(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    pub(crate) async fn start(&mut self, town: &Town) {
        let server = start(Role::Merchant, &self.config, &town.dir).await;
        self.addr = server.addr();
        self.server = Some(server);
    }

    /// Reads the shop's store.
    pub(crate) fn number(&self, query: &str) -> u64 {
        self.store.number(query)
    }

    /// Changes it behind the shop's back.
    pub(crate) fn change(&self, statement: &str) -> usize {
        self.store.change(statement)
    }
}

/// An offer, and the challenge that it came with.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) challenge: Challenge,
    pub(crate) paper: Vec<u8>,
    pub(crate) terms: Offer,
    pub(crate) id: PaperId,
}

impl Offered {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 402, "{answer:?}");
        let [challenge] = &Challenge::read([answer.header("www-authenticate").as_bytes()])[..] else {
            panic!("one challenge");
        };
        let signed = Signed::<Offer>::read(&answer.body).unwrap();
        let terms = Offer::decode(&mut Reader::new(signed.frame.payload)).unwrap();
        Self { challenge: challenge.clone().unwrap(), id: signed.id(), terms, paper: answer.body.to_vec() }
    }

    /// The header field that shows a receipt of one's choice.
    pub(crate) fn shows(&self, receipt: Vec<u8>, secret: [u8; 32]) -> String {
        Shown::new(&self.challenge, receipt, secret).header_value().unwrap()
    }
}

/// A payment that the issuer made.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    pub(crate) payment: PaperId,
    pub(crate) secret: [u8; 32],
    pub(crate) receipt: Vec<u8>,
    challenge: Challenge,
}

impl Bought {
    /// The header field that redeems it.
    pub(crate) fn credential(&self) -> String {
        Shown::new(&self.challenge, self.receipt.clone(), self.secret).header_value().unwrap()
    }
}

/// The way from the shops to the issuer, which can be closed. It carries bytes and reads none.
pub(crate) struct Road {
    pub(crate) addr: SocketAddr,
    is_open: watch::Sender<bool>,
    turned_away: watch::Receiver<u32>,
}

impl Road {
    async fn to(issuer: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (is_open, seen) = watch::channel(true);
        let (count, turned_away) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut shop, _)) = listener.accept().await {
                if !*seen.borrow() {
                    count.send_modify(|count| *count += 1);
                    continue;
                }
                tokio::spawn(async move {
                    let mut issuer = TcpStream::connect(issuer).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut shop, &mut issuer).await;
                });
            }
        });
        Self { addr, is_open, turned_away }
    }

    pub(crate) fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Waits until somebody was turned away.
    pub(crate) async fn turned_away(&self) {
        let mut count = self.turned_away.clone();
        within(count.wait_for(|count| *count > 0)).await.unwrap();
    }
}

pub(crate) async fn start(role: Role, config: &str, dir: &Path) -> Server {
    try_start(role, config, dir).await.unwrap()
}

pub(crate) async fn try_start(role: Role, config: &str, dir: &Path) -> Result<Server, String> {
    let config = Config::parse(config, dir, |_| None).map_err(|error| error.to_string())?;
    let life = Life::new();
    let bound = Bound::bind(&config.shell).await.map_err(|error| error.to_string())?;
    let app = role::app(role, &config, bound.url(), &life).map_err(|error| error.to_string())?;
    Ok(bound.serve(app, life))
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("the test hangs")
}

/// Whether a paper is its signer's, and says what its kind can say.
pub(crate) fn verified<T: Paper>(register: &Register, role: Certified, paper: &[u8]) -> T {
    use purser_protocol::flow::Parties;
    let signed = Signed::<T>::read(paper).unwrap();
    let party = register.party(&signed.header, role, crate::papers::now()).unwrap();
    let authentic = signed.verify(&AwsLc, CONTEXT, &party.key).unwrap();
    authentic.version().unwrap();
    authentic.open().unwrap();
    T::decode(&mut Reader::new(signed.frame.payload)).unwrap()
}
