//! A seller of tokens over TLS: a stream that waits for links, a seller that starts again in the middle of it, and
//! sums that are one at issuer, seller and agent.

use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PAYMENT_REQUEST;
use purser_protocol::cert::Role as Certified;
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::{List, decoded, encoded};
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{Digest, PaperId, ShortText};
use purser_protocol::ledger::books::Purse;
use purser_protocol::paper::command::Capture;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::meter::Unit;
use purser_protocol::receipt::Outcome;
use purser_protocol::token::agent;
use purser_protocol::token::message::Need;
use purser_server::random::random;
use purser_server::role::Role;
use purser_server::serve::Server;
use serde_json::{Value, json};

use crate::line::{Answer, connect};
use crate::papers::{amount, id, issuer, now, payment, yuan};
use crate::town::{Offered, Payer, Town, start, verified, within};

const NAME: &str = "model.example";
/// Ten yuan.
const HELD: u64 = 1_000;
const SETTINGS: &str = r#"
    hold = "10.00 CNY"
    input_price = 3
    output_price = 15
    per = 1000
    steps = [1, 10]
    ahead = 25
"#;

struct Scene {
    town: Town,
    payer: Payer,
    config: String,
    seller: Option<Server>,
    agent: Option<agent::Session>,
    /// The offers and the payments of the session.
    holds: Vec<(PaperId, PaperId)>,
    secret: [u8; 32],
}

impl Scene {
    async fn new() -> Self {
        let mut town = Town::new().await;
        let keys = town.authority.write_party(&town.dir, NAME, Certified::Merchant, NAME);
        town.register.keep(keys.chain.clone());
        let road = town.road.addr;
        let config = format!(
            r#"
            [shell]
            url = "https://{NAME}"
            tls_cert = "tls.pem"
            tls_key = "tls.key"
            [seller]
            name = "{NAME}"
            network = "sandbox"
            certificate = "{NAME}.pem"
            key = "{NAME}.key"
            anchors = ["roots.pem"]
            store = "{NAME}.sqlite"
            {SETTINGS}
            [[seller.issuers]]
            name = "issuer.example"
            account = "till"
            chain = "issuer.pem"
            url = "https://{road}"
            roots = "roots.pem"
            "#
        );
        let seller = start(Role::Seller, &config, &town.dir).await;
        let payer = town.payer(100_000).await;
        let mut scene =
            Self { town, payer, config, seller: Some(seller), agent: None, holds: Vec::new(), secret: [0; 32] };
        scene.open().await;
        scene
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.begin(request).await;
        let (head, body) = response.into_parts();
        let body = within(body.collect()).await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn begin(&self, request: Request<Full<Bytes>>) -> hyper::Response<Incoming> {
        let stream = TokioIo::new(connect(self.seller.as_ref().unwrap().addr(), &self.town.tls).await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        within(sender.send_request(request)).await.unwrap()
    }

    fn post(&self, path: &str, authorization: Option<&str>, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::post(path).header(HOST, NAME).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::from(body.into())).unwrap()
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", base64url::encode(&self.secret))
    }

    fn session(&self) -> PaperId {
        self.holds[0].0
    }

    /// Pays a hold at this path, and shows the receipt there.
    async fn hold(&mut self, path: &str) -> ([u8; 32], agent::Opened) {
        let offered = Offered::of(&self.send(self.post(path, None, "")).await);
        let (meter, secret) = (offered.terms.meter.clone().unwrap(), random().unwrap());
        let opening = agent::Opened {
            offer: offered.id,
            amount: offered.terms.amount,
            lengths: List::new(agent::lengths(&meter, offered.terms.amount).unwrap()).unwrap(),
            meter,
            secret: Digest(random().unwrap()),
        };
        let intent = self.payer.agent.sign(&Intent {
            issuer: issuer(),
            issued_at: now(),
            mandate: self.payer.mandate,
            offer: offered.id,
            amount: amount(HELD),
            currency: yuan(),
            secret_hash: secret_hash(&secret),
            channel: None,
            device: None,
            period: None,
            chains: agent::Session::open(opening.clone()).roots(0),
        });
        let answer = self.town.post("/v1/intents", PAYMENT_REQUEST, &payment(&offered.paper, &intent)).await;
        assert_eq!(answer.receipt(&self.town.register).claims.outcome, Outcome::Authorized, "{:?}", answer.detail());
        let credential = offered.shows(answer.receipt_bytes(), secret);
        let shown = self.send(self.post(path, Some(&credential), "")).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        // The same receipt again is the same session.
        assert_eq!(self.send(self.post(path, Some(&credential), "")).await.json(), shown.json());
        self.holds.push((offered.id, id(&intent)));
        (secret, opening)
    }

    async fn open(&mut self) {
        let (secret, opening) = self.hold("/v1/sessions").await;
        (self.secret, self.agent) = (secret, Some(agent::Session::open(opening)));
    }

    async fn top_up(&mut self) {
        let path = format!("/v1/sessions/{}/holds", self.session());
        let (_, opening) = self.hold(&path).await;
        self.agent().apply(&agent::Record::Opened(Box::new(opening)));
    }

    async fn release(&mut self, need: &Need) {
        let (record, release) = self.agent().cover(need).expect("an honest need is covered");
        self.agent().apply(&record);
        let path = format!("/v1/sessions/{}/links", self.session());
        let told = self.send(self.post(&path, Some(&self.bearer()), encoded(&release))).await;
        assert_eq!(told.status, 200, "{told:?}");
    }

    fn chat(&self, tokens: u64, has: u64, streams: bool) -> Request<Full<Bytes>> {
        let body = json!({
            "model": "purser-echo-1", "stream": streams, "max_tokens": tokens,
            "messages": [{"role": "user", "content": "say something about tea and rain"}],
        });
        let mut request = self.post("/v1/chat/completions", Some(&self.bearer()), body.to_string());
        let headers = request.headers_mut();
        headers.insert("purser-session", self.session().to_string().parse().unwrap());
        headers.insert("purser-stream", "7".parse().unwrap());
        headers.insert("purser-has", has.to_string().parse().unwrap());
        request
    }

    async fn stop(&mut self) {
        self.seller.take().unwrap().stop().await;
    }

    async fn start(&mut self) {
        self.seller = Some(start(Role::Seller, &self.config, &self.town.dir).await);
    }

    /// Reads a stream, and pays for it, until so many tokens have come or it is over.
    async fn read(&mut self, tokens: u64, mut text: String, until: u64) -> (String, u64, bool) {
        let mut has = text.split_whitespace().count() as u64;
        let mut body = self.begin(self.chat(tokens, has, true)).await.into_body();
        let mut rest = String::new();
        while let Some(frame) = within(body.frame()).await {
            let Ok(frame) = frame else { break };
            let Ok(data) = frame.into_data() else { continue };
            rest += std::str::from_utf8(&data).unwrap();
            while let Some((event, after)) = rest.split_once("\n\n") {
                let (event, after) = (event.to_owned(), after.to_owned());
                rest = after;
                if let Some(need) = event.strip_prefix(": purser-need ") {
                    let need: Need = decoded(&base64url::decode(need).unwrap()).unwrap();
                    self.release(&need).await;
                } else if event.starts_with(": purser-top-up") {
                    self.top_up().await;
                } else if let Some(used) = event.strip_prefix(": purser-used ") {
                    let input: u64 = used.split(' ').next().unwrap().parse().unwrap();
                    self.see(Unit::InputToken, input);
                } else if event == "data: [DONE]" {
                    return (text, has, true);
                } else if let Some(data) = event.strip_prefix("data: ") {
                    let data: Value = serde_json::from_str(data).unwrap();
                    assert!(data.get("error").is_none(), "{data}");
                    let token = data["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
                    if !token.is_empty() {
                        text += token;
                        has += 1;
                        self.see(Unit::OutputToken, has);
                    }
                    if has >= until {
                        return (text, has, false);
                    }
                }
            }
        }
        (text, has, false)
    }

    fn agent(&mut self) -> &mut agent::Session {
        self.agent.as_mut().unwrap()
    }

    fn see(&mut self, unit: Unit, count: u64) {
        if let Some(record) = self.agent().see(unit, count) {
            self.agent().apply(&record);
        }
    }

    /// Ends the session, and compares what the three of them say.
    async fn close(&mut self) -> u64 {
        let path = format!("/v1/sessions/{}/close", self.session());
        let told = self.send(self.post(&path, Some(&self.bearer()), "")).await.json();
        assert_eq!(told["state"], "closed", "{told}");
        let intents: Vec<PaperId> = self.holds.iter().map(|(_, intent)| *intent).collect();
        let mut claimed = 0;
        for claim in told["claims"].as_array().unwrap() {
            let paper = base64url::decode(claim.as_str().unwrap()).unwrap();
            let capture: Capture = verified(&self.town.register, Certified::Merchant, &paper);
            let record =
                self.agent().check(&capture, &intents, &paper).expect("the claim is what was released and seen");
            self.agent().apply(&record);
            claimed += capture.amount.minor();
        }
        let books = self.town.books().state().books.clone();
        let till = Purse::Payee(purser_protocol::id::PartyId::new(NAME).unwrap(), ShortText::new("till").unwrap());
        let (got, free) = (books.balance(&till, yuan()), books.balance(&Purse::Account(self.payer.account), yuan()));
        let cost: u64 = told["cost_minor"].as_str().unwrap().parse().unwrap();
        assert_eq!((got, claimed, free), (cost, cost, 100_000 - cost), "the three ledgers differ");
        assert!(self.agent().released_minor() >= cost);
        cost
    }
}

#[tokio::test]
async fn a_stream_waits_for_links_and_goes_on() {
    let mut scene = Scene::new().await;
    let (text, has, over) = scene.read(10_000, String::new(), u64::MAX).await;
    assert_eq!((has, over), (10_000, true));
    assert_eq!(text.split_whitespace().count(), 10_000);
    // 150 for what was written, and a little for what was read.
    assert_eq!(scene.close().await, 151);
}

#[tokio::test]
async fn a_seller_that_starts_again_charges_nothing_twice() {
    let mut scene = Scene::new().await;
    let (whole, ..) = scene.read(3_000, String::new(), u64::MAX).await;
    let cost = scene.close().await;

    let mut scene = Scene::new().await;
    let mut text = String::new();
    for until in [500, 1_200, 1_201, 2_900, u64::MAX] {
        let (read, ..) = scene.read(3_000, text, until).await;
        text = read;
        scene.stop().await;
        scene.start().await;
    }
    assert_eq!(text, whole, "the answer is another");
    assert_eq!(scene.close().await, cost, "the crash cost something");
}

#[tokio::test]
async fn a_stream_that_is_asked_for_twice_at_once_is_counted_once() {
    let mut scene = Scene::new().await;
    // One that hangs: it waits for links, and so does the one that comes after it.
    let mut hangs = scene.begin(scene.chat(100, 0, true)).await.into_body();
    let first = within(hangs.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b": purser-need "), "{first:?}");
    let rest = tokio::spawn(async move { hangs.collect().await.map(|rest| rest.to_bytes()) });
    let (text, has, over) = scene.read(100, String::new(), u64::MAX).await;
    assert_eq!((text.split_whitespace().count(), has, over), (100, 100, true));
    let rest = within(rest).await.unwrap().unwrap();
    assert!(rest.ends_with(b"data: [DONE]\n\n"), "both are told all");
    let path = format!("/v1/sessions/{}/pause", scene.session());
    let told = scene.send(scene.post(&path, Some(&scene.bearer()), "")).await.json();
    assert_eq!(
        (&told["output_tokens"], &told["input_tokens"]),
        (&json!(100), &json!(scene.agent().seen(Unit::InputToken)))
    );
    scene.close().await;
}

#[tokio::test]
async fn a_session_outlives_its_first_hold() {
    let mut scene = Scene::new().await;
    // Ten yuan are 66,666 tokens.
    let (_, has, over) = scene.read(100_000, String::new(), u64::MAX).await;
    assert_eq!((has, over, scene.holds.len()), (100_000, true, 2));
    let cost = scene.close().await;
    assert!((1_500..=1_502).contains(&cost), "{cost}");
}

#[tokio::test]
async fn what_is_not_paid_is_not_given() {
    let mut scene = Scene::new().await;
    let whole = scene.chat(100, 0, false);
    let refused = scene.send(whole.clone()).await;
    refused.refuses_at(Code::CreditNeeded, Stage::Redeem);
    let need: Need = decoded(&base64url::decode(refused.json()["need"].as_str().unwrap()).unwrap()).unwrap();
    scene.release(&need).await;
    let answer = scene.send(whole).await.json();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!((text.split_whitespace().count(), &answer["usage"]["completion_tokens"]), (100, &json!(100)));

    // Links, and questions, of somebody without the secret.
    let path = format!("/v1/sessions/{}", scene.session());
    let stranger = format!("Bearer {}", base64url::encode(&[1; 32]));
    for authorization in [None, Some(stranger.as_str())] {
        let closed = scene.send(scene.post(&format!("{path}/close"), authorization, "")).await;
        closed.refuses(Code::SessionUnknown);
    }
    // Links that are none.
    let (_, mut release) = scene.agent().cover(&need).unwrap();
    let mut links = release.links.to_vec();
    links[0].link = Digest([9; 32]);
    release.links = purser_protocol::paper::meter::Ascending::new(links).unwrap();
    let forged = scene.send(scene.post(&format!("{path}/links"), Some(&scene.bearer()), encoded(&release))).await;
    forged.refuses_at(Code::LinkInvalid, Stage::Redeem);
    scene.see(Unit::InputToken, 8);
    scene.see(Unit::OutputToken, 100);
    scene.close().await;
    // What was paid is said again; what was not is not said.
    assert_eq!(scene.send(scene.chat(100, 0, false)).await.status, 200);
    let late = scene.send(scene.chat(101, 0, false)).await;
    late.refuses(Code::SessionClosed);
}
