//! A key that a passkey guards, and an authenticator that the test plays.

use axum::http::Method;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{BATCH, PAPER, PAYMENT_REQUEST};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::line::Answer;
use crate::papers::{Key, Person, id, now, payment_with};
use crate::scene::Scene;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const NEW: u8 = 0x40;

/// An authenticator with one passkey, and the browser before it.
struct Authenticator {
    key: Key,
    id: [u8; 16],
    origin: String,
    host: &'static str,
    flags: u8,
    count: u32,
}

impl Authenticator {
    fn of(scene: &Scene) -> Self {
        let origin = format!("https://localhost:{}", scene.sandbox.issuer.port());
        Self { key: Key::new(), id: [9; 16], origin, host: "localhost", flags: PRESENT | VERIFIED, count: 0 }
    }

    fn client_data(&self, act: &str, challenge: &str) -> Vec<u8> {
        let origin = &self.origin;
        json!({ "type": act, "challenge": challenge, "origin": origin, "crossOrigin": false, "other": [1] })
            .to_string()
            .into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let host = Sha256::digest(self.host.as_bytes());
        [&host[..], &[self.flags | more], &self.count.to_be_bytes()].concat()
    }

    fn made(&self, challenge: &str) -> Value {
        let key = self.key.public();
        let attested = [
            &self.data(NEW)[..],
            &[0; 16],
            &[0, 16],
            &self.id,
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20],
            &key[..32],
            &[0x22, 0x58, 0x20],
            &key[32..],
        ];
        json!({
            "client_data": base64url::encode(&self.client_data("webauthn.create", challenge)),
            "authenticator_data": base64url::encode(&attested.concat()),
        })
    }

    fn asserted(&self, challenge: &str) -> Value {
        let (client_data, data) = (self.client_data("webauthn.get", challenge), self.data(0));
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        json!({
            "passkey": base64url::encode(&self.id),
            "client_data": base64url::encode(&client_data),
            "authenticator_data": base64url::encode(&data),
            "signature": base64url::encode(&der(&self.key.signs(&Sha256::digest(&signed).into()))),
        })
    }
}

/// The signature as authenticators write it.
fn der(signature: &[u8; 64]) -> Vec<u8> {
    let number = |half: &[u8]| {
        let zeros = half.iter().take_while(|byte| **byte == 0).count();
        let digits = &half[zeros..];
        let sign: &[u8] = if digits.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
        [&[2, (sign.len() + digits.len()) as u8], sign, digits].concat()
    };
    let both = [number(&signature[..32]), number(&signature[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

/// A browser: a key, and what says that it is unlocked.
struct Browser<'a> {
    scene: &'a Scene,
    person: &'a Person,
    unlocked: Option<String>,
}

impl Browser<'_> {
    async fn ask(&self, method: Method, path: &str, body: Vec<u8>, media: &str) -> Answer {
        let proof = self.person.key.proof(&format!("{method} {}{path}", self.scene.url()));
        self.scene.ask(method, path, body, media, Some(&proof), self.unlocked.as_deref()).await
    }

    async fn read(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, Vec::new(), "").await
    }

    async fn tell(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, body.to_string().into_bytes(), "application/json").await
    }

    async fn post(&self, path: &str, media: &str, paper: &[u8]) -> Answer {
        self.scene.ask(Method::POST, path, paper.to_vec(), media, None, self.unlocked.as_deref()).await
    }

    async fn challenge(&self) -> String {
        let given = self.tell("/v1/wallet/passkeys/challenges", json!({})).await;
        assert_eq!(given.status, 200);
        assert_eq!(given.json()["relying_party"], "localhost");
        given.json()["challenge"].as_str().unwrap().to_owned()
    }

    async fn guard(&mut self, authenticator: &Authenticator) {
        let challenge = self.challenge().await;
        let made = self.tell("/v1/wallet/passkeys", authenticator.made(&challenge)).await;
        assert_eq!(made.status, 200, "{}", made.json());
        self.unlocked = Some(made.json()["unlocked"].as_str().unwrap().to_owned());
    }

    async fn unlock(&mut self, authenticator: &Authenticator) {
        let challenge = self.challenge().await;
        let shown = self.tell("/v1/wallet/unlock", authenticator.asserted(&challenge)).await;
        assert_eq!(shown.status, 200, "{}", shown.json());
        self.unlocked = Some(shown.json()["unlocked"].as_str().unwrap().to_owned());
    }
}

#[tokio::test]
async fn nothing_is_taken_from_a_guarded_key_before_its_person_has_shown_the_passkey() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let (agent, mut authenticator) = (Key::new(), Authenticator::of(&scene));
    let quota = scene.register(&person.quota(&agent, 5_000)).await;
    let mut browser = Browser { scene: &scene, person: &person, unlocked: None };
    assert_eq!(browser.read("/v1/account").await.status, 200);
    browser.guard(&authenticator).await;
    let keys = browser.read("/v1/wallet/keys").await.json();
    assert_eq!(keys["keys"][0]["passkeys"], json!([base64url::encode(&authenticator.id)]));

    // Unlocked, all is as before; locked, nothing is taken: reads, papers, batches, what an agent brings along.
    let unlocked = browser.unlocked.take();
    let papers = |browser: &Browser| {
        let other = browser.person.quota(&agent, 100);
        let offer = browser.scene.shop.offer(50);
        let request = payment_with(&[&other], &offer, &agent.intent(id(&other), &offer, 50));
        let part = browser.person.key.part(&browser.person.suspension_of(vec![quota]));
        let batch = browser.person.batch(&[part]);
        [
            ("/v1/mandates", PAPER, browser.person.quota(&agent, 1_000)),
            ("/v1/commands", PAPER, browser.person.deposit(5)),
            ("/v1/accounts", PAPER, browser.person.adds(&Key::new())),
            ("/v1/batches", BATCH, batch),
            ("/v1/intents", PAYMENT_REQUEST, request),
        ]
    };
    for (path, media, paper) in papers(&browser) {
        browser.post(path, media, &paper).await.decides_nothing(Code::KeyLocked);
    }
    for path in ["/v1/account", "/v1/wallet/mandates", "/v1/pending", "/v1/wallet/records"] {
        browser.read(path).await.decides_nothing(Code::KeyLocked);
    }
    let locked = browser.tell("/v1/wallet/passkeys/removals", json!({ "key": person.key.name() })).await;
    locked.decides_nothing(Code::KeyLocked);
    browser.unlocked = Some(base64url::encode(&[7; 32]));
    browser.read("/v1/account").await.decides_nothing(Code::KeyLocked);
    browser.unlocked = unlocked;
    for (path, media, paper) in papers(&browser) {
        let answer = browser.post(path, media, &paper).await;
        assert_eq!((answer.status, answer.is_signed()), (200, true), "{path}");
    }
    // What was signed and registered stands: the agent pays, whether or not somebody is there.
    browser.unlocked = None;
    let other = person.quota(&agent, 700);
    let mut open = Browser { scene: &scene, person: &person, unlocked: None };
    open.unlock(&authenticator).await;
    open.post("/v1/mandates", PAPER, &other).await.is(&scene.world, Outcome::Recorded);
    let offer = scene.shop.offer(60);
    scene.pay(&offer, &agent.intent(id(&other), &offer, 60)).await.is(&scene.world, Outcome::Settled);

    // What unlocks is one process's: the guard outlives it.
    let before = open.unlocked.take();
    scene.kill();
    scene.start();
    let mut browser = Browser { scene: &scene, person: &person, unlocked: before };
    browser.read("/v1/account").await.decides_nothing(Code::KeyLocked);
    authenticator.count = 5;
    browser.unlock(&authenticator).await;
    assert_eq!(browser.read("/v1/account").await.status, 200);
    assert_eq!(browser.tell("/v1/wallet/lock", json!({})).await.status, 200);
    browser.read("/v1/account").await.decides_nothing(Code::KeyLocked);
    // A quarter of an hour, and not a second more. [WAL-54]
    authenticator.count = 6;
    browser.unlock(&authenticator).await;
    scene.set_clock(now().get() + 901).await;
    let late = person.key.proof_at(&format!("GET {}/v1/account", scene.url()), 901);
    let late = scene.ask(Method::GET, "/v1/account", Vec::new(), "", Some(&late), browser.unlocked.as_deref()).await;
    late.decides_nothing(Code::KeyLocked);
}

#[tokio::test]
async fn a_passkey_answers_one_challenge_for_one_page_with_its_person_there() {
    let scene = Scene::new();
    let person = scene.person(1_000).await;
    let good = Authenticator::of(&scene);
    let mut browser = Browser { scene: &scene, person: &person, unlocked: None };

    // Making one: each fault by itself, and beside it the same without.
    let with = |change: &dyn Fn(&mut Authenticator)| {
        let mut other = Authenticator { key: Key::new(), id: [8; 16], origin: good.origin.clone(), ..good };
        change(&mut other);
        other
    };
    let faults: [(&str, Authenticator); 4] = [
        ("another page", with(&|other| other.origin = "https://evil.example".into())),
        ("another host", with(&|other| other.host = "evil.example")),
        ("nobody there", with(&|other| other.flags = VERIFIED)),
        ("nobody verified", with(&|other| other.flags = PRESENT)),
    ];
    for (what, other) in &faults {
        let challenge = browser.challenge().await;
        let refused = browser.tell("/v1/wallet/passkeys", other.made(&challenge)).await;
        refused.decides_nothing(Code::PasskeyInvalid);
        assert_eq!(browser.read("/v1/account").await.status, 200, "{what}: nothing guards the key");
    }
    let unasked = browser.tell("/v1/wallet/passkeys", good.made(&base64url::encode(&[3; 32]))).await;
    unasked.decides_nothing(Code::PasskeyInvalid);
    let challenge = browser.challenge().await;
    let as_get = good.asserted(&challenge);
    let body = json!({ "client_data": as_get["client_data"], "authenticator_data": good.made(&challenge)["authenticator_data"] });
    browser.tell("/v1/wallet/passkeys", body).await.decides_nothing(Code::PasskeyInvalid);
    browser.guard(&good).await;
    browser.unlocked = None;

    // Showing it.
    for (what, fault) in &faults {
        let challenge = browser.challenge().await;
        let other = Authenticator {
            key: Key::new(),
            origin: fault.origin.clone(),
            host: fault.host,
            flags: fault.flags,
            ..good
        };
        let refused = browser.tell("/v1/wallet/unlock", other.asserted(&challenge)).await;
        assert_eq!(refused.json()["type"], "urn:purser:problem:passkey-invalid", "{what}");
    }
    let mut counting = good;
    counting.count = 3;
    let challenge = browser.challenge().await;
    let answer = counting.asserted(&challenge);
    let mut forged = answer.clone();
    forged["signature"] = json!(base64url::encode(&der(&Key::new().signs(&[1; 32]))));
    browser.tell("/v1/wallet/unlock", forged).await.decides_nothing(Code::PasskeyInvalid);
    // The challenge was answered, wrongly: it is gone. [WAL-51]
    browser.tell("/v1/wallet/unlock", answer.clone()).await.decides_nothing(Code::PasskeyInvalid);
    let challenge = browser.challenge().await;
    let answer = counting.asserted(&challenge);
    assert_eq!(browser.tell("/v1/wallet/unlock", answer.clone()).await.status, 200);
    browser.tell("/v1/wallet/unlock", answer).await.decides_nothing(Code::PasskeyInvalid);
    // A copy of the passkey has not counted on. [WAL-53]
    let challenge = browser.challenge().await;
    browser.tell("/v1/wallet/unlock", counting.asserted(&challenge)).await.decides_nothing(Code::PasskeyInvalid);
    counting.count = 4;
    browser.unlock(&counting).await;

    // Another person's key gets nowhere with it, and another key of the account takes the guard away. [WAL-55]
    let stranger = scene.person(0).await;
    let removal = json!({ "key": person.key.name() });
    let by_stranger = Browser { scene: &scene, person: &stranger, unlocked: None };
    let removed = by_stranger.tell("/v1/wallet/passkeys/removals", removal.clone()).await;
    removed.decides_nothing(Code::KeyUnknown);
    let challenge = by_stranger.challenge().await;
    counting.count = 5;
    by_stranger.tell("/v1/wallet/unlock", counting.asserted(&challenge)).await.decides_nothing(Code::PasskeyInvalid);
    let phone = Key::new();
    let added = browser.post("/v1/accounts", PAPER, &person.adds(&phone)).await;
    added.is(&scene.world, Outcome::Recorded);
    let by_phone = Person { key: phone, account: person.account };
    let phone = Browser { scene: &scene, person: &by_phone, unlocked: None };
    assert_eq!(phone.tell("/v1/wallet/passkeys/removals", removal).await.status, 200);
    browser.unlocked = None;
    assert_eq!(browser.read("/v1/account").await.status, 200);
}
