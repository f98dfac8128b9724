//! An issuer's world: the messages that lead to a state, and what the state then is.

use purser_test_vectors::Call;
use serde_json::{Value, json};

use super::cbor::{Item, bytes, labelled, seq};
use super::forge::{By, Forge, NETWORK};
use super::model::{Model, Payment};
use super::papers::{NOW, agent_key};
use super::sheet::call;
use super::{certs, hex, keys, moment};

/// The accounts, by the name of the one whose they are.
pub(super) fn account(person: &str) -> [u8; 16] {
    keys::sixteen(&format!("account {person}"))
}

/// The name of an account at a merchant, as the shim's page says that it is made for the suite's sake.
pub(super) fn pseudonym(person: &str, merchant: &str) -> [u8; 16] {
    let hash = keys::hmac(&keys::thirty_two("pseudonym secret"), [&account(person), merchant.as_bytes()]);
    let mut name = [0; 16];
    name.copy_from_slice(&hash[..16]);
    name
}

/// A day, an hour.
pub(super) const DAY: u64 = 86_400;
pub(super) const HOUR: u64 = 3_600;

/// What an issuer is started with.
pub(super) fn start() -> Call {
    start_as(true)
}

pub(super) fn start_as(sandbox: bool) -> Call {
    let chains: Vec<Vec<String>> =
        ["merchant", "other-merchant"].iter().map(|name| vec![hex(&certs::leaf(name))]).collect();
    let input = json!({
        "issuer": "issuer.example", "network": NETWORK, "sandbox": sandbox, "key": hex(&keys::secret("issuer")),
        "chain": [hex(&certs::leaf("issuer"))], "anchors": [hex(&certs::anchor())], "merchants": chains,
        "pseudonym_secret": hex(&keys::thirty_two("pseudonym secret")), "now": moment::before(DAY),
    });
    call("issuer.start", input)
}

/// The messages so far, and what they come to.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    messages: Vec<Value>,
    drawn: u64,
    /// When the world began.
    began: u64,
    pub(super) model: Model,
}

impl World {
    /// Ann and bob have accounts; ann has 10,000 yuan.
    pub(super) fn new() -> Self {
        Self::empty_at(moment::before(DAY))
    }

    /// The same, begun earlier or later.
    pub(super) fn empty_at(began: u64) -> Self {
        let mut world = Self { began, ..Self::default() };
        world.enrol("ann", "payer");
        world.enrol("bob", "other-payer");
        world.deposit("ann", "payer", 1_000_000, "CNY");
        world
    }

    /// The calls that lead here.
    pub(super) fn setup(&self) -> Vec<Call> {
        vec![start(), call("state.put", json!({"messages": self.messages}))]
    }

    /// Sixteen bytes that nothing else has.
    pub(super) fn nonce(&mut self) -> [u8; 16] {
        self.drawn += 1;
        keys::sixteen(&format!("drawn {}", self.drawn))
    }

    /// Sends a message that is accepted; its effect on the model is the caller's.
    pub(super) fn send(&mut self, message: &str, body: &[u8], now: u64) {
        let nonce = self.nonce();
        self.messages.push(receive(message, body, now, nonce));
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now: u64) {
        self.messages.push(json!({"now": now}));
    }

    fn enrol(&mut self, person: &str, key: &'static str) {
        let nonce = self.nonce();
        let mut message = receive(
            "account",
            &enrolment(None, key, key, nonce).says(|p| p.with(6, self.began)).bytes(),
            self.began,
            nonce,
        );
        message["account"] = json!(hex(&account(person)));
        self.messages.push(message);
    }

    pub(super) fn deposit(&mut self, person: &str, key: &'static str, minor: u64, currency: &'static str) {
        let nonce = self.nonce();
        self.send(
            "command",
            &deposit(person, key, minor, currency, nonce).says(|p| p.with(6, self.began)).bytes(),
            self.began,
        );
        self.model.deposit(account(person), currency, minor);
    }

    /// Registers a mandate that is taken.
    pub(super) fn register(&mut self, mandate: &Forge) {
        self.send("mandate", &mandate.bytes(), moment::before(HOUR));
        self.registered(mandate);
    }

    /// What a registration does.
    pub(super) fn registered(&mut self, mandate: &Forge) {
        let lineage = lineage(mandate);
        self.model.register(mandate.id(), lineage.clone());
        if let Item::Int(funded) = mandate.payload.get(-17) {
            let funded = u64::try_from(funded).unwrap_or_default();
            self.model.fund(account("ann"), currency(&mandate.payload), &lineage, Some(funded));
        }
    }

    /// Pays, or holds; returns the id of the payment.
    pub(super) fn pay(&mut self, scene: &Scene) -> [u8; 32] {
        self.send("payment", &scene.body(), scene.now);
        self.paid(scene)
    }

    /// What a payment that is taken does.
    pub(super) fn paid(&mut self, scene: &Scene) -> [u8; 32] {
        let papers = scene.papers();
        for mandate in papers.mandates.iter().skip(scene.known) {
            self.registered(mandate);
        }
        let held = papers.offer.payload.get(-24) == Item::Int(2);
        let payment = Payment {
            account: account("ann"),
            currency: currency(&papers.offer.payload),
            merchant: if scene.merchant == "merchant" { "tea.example" } else { "rice.example" },
            amount: number(&papers.intent.payload.get(-5)),
            lineages: papers.mandates.iter().map(lineage).collect(),
            returns: papers.mandates.iter().all(|mandate| mandate.payload.get(-18) == Item::Bool(true)),
            state: if held { "held" } else { "settled" },
            captured: 0,
            refunded: 0,
        };
        self.model.pay(papers.intent.id(), payment);
        papers.intent.id()
    }
}

/// The input of a message.
pub(super) fn receive(message: &str, body: &[u8], now: u64, nonce: [u8; 16]) -> Value {
    json!({"message": message, "body": hex(body), "now": now, "nonce": hex(&nonce)})
}

pub(super) fn number(item: &Item) -> u64 {
    match item {
        Item::Int(number) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

/// The currencies of the cases.
fn currency(payload: &Item) -> &'static str {
    match payload.get(-6) {
        Item::Text(code) if code == "JPY" => "JPY",
        Item::Text(code) if code == "KWD" => "KWD",
        _ => "CNY",
    }
}

fn lineage(mandate: &Forge) -> Vec<u8> {
    match mandate.payload.get(-10) {
        Item::Bytes(lineage) => lineage,
        _ => Vec::new(),
    }
}

/// An enrolment of a key, signed by a key.
pub(super) fn enrolment(person: Option<&str>, key: &str, by: &'static str, nonce: [u8; 16]) -> Forge {
    let payload = labelled([
        (3, "issuer.example".into()),
        (6, moment::before(DAY).into()),
        (7, nonce.into()),
        (8, agent_key(key)),
        (-1, 1.into()),
    ]);
    let payload = match person {
        Some(person) => payload.with(2, account(person)),
        None => payload,
    };
    Forge::new("enrolment", payload, By::Key(by))
}

pub(super) fn deposit(person: &str, by: &'static str, minor: u64, currency: &str, nonce: [u8; 16]) -> Forge {
    let payload = labelled([
        (2, account(person).into()),
        (3, "issuer.example".into()),
        (6, moment::before(DAY).into()),
        (7, nonce.into()),
        (-1, 1.into()),
        (-5, minor.into()),
        (-6, currency.into()),
    ]);
    Forge::new("deposit", payload, By::Key(by))
}

/// A quota mandate of ann's for the agent, whose caps are these.
pub(super) fn quota(name: &str, caps: Item) -> Item {
    labelled([
        (2, account("ann").into()),
        (3, "issuer.example".into()),
        (4, (NOW + 30 * DAY).into()),
        (5, (NOW - DAY).into()),
        (6, moment::before(HOUR).into()),
        (8, agent_key("agent")),
        (-1, 1.into()),
        (-6, "CNY".into()),
        (-10, keys::sixteen(&format!("lineage {name}")).into()),
        (-11, 1.into()),
        (-12, 3.into()),
        (-15, caps),
    ])
}

/// The caps of a mandate that lets everything of the cases through: 5,000 yuan in all.
pub(super) fn plenty() -> Item {
    labelled([(3, 500_000.into())])
}

/// An offer of one line of tea.
pub(super) fn tea(name: &str, minor: u64) -> Item {
    let line = labelled([
        (1, "longjing-25".into()),
        (2, "Longjing tea".into()),
        (3, 5_499.into()),
        (4, 1.into()),
        (5, minor.into()),
    ]);
    labelled([
        (1, "tea.example".into()),
        (4, (NOW + 840).into()),
        (6, (NOW - 60).into()),
        (7, keys::sixteen(&format!("offer {name}")).into()),
        (-1, 1.into()),
        (-5, minor.into()),
        (-6, "CNY".into()),
        (-21, seq([line])),
        (-22, seq([seq(["issuer.example".into(), "main".into()])])),
        (-23, 1.into()),
        (-24, 1.into()),
    ])
}

/// The same offer with its total, and the price of its one line.
pub(super) fn priced(offer: Item, minor: u64) -> Item {
    let Item::List(lines) = offer.get(-21) else { return offer };
    let lines = lines.into_iter().map(|line| line.with(5, minor)).collect::<Vec<_>>();
    offer.with(-5, minor).with(-21, Item::List(lines))
}

/// The same offer with another value in its one line.
pub(super) fn lined(offer: Item, label: i64, value: Option<Item>) -> Item {
    let Item::List(lines) = offer.get(-21) else { return offer };
    let change = |line: Item| match &value {
        Some(value) => line.with(label, value.clone()),
        None => line.without(label),
    };
    offer.with(-21, Item::List(lines.into_iter().map(change).collect()))
}

/// A payment: the papers before they are signed.
#[derive(Clone)]
pub(super) struct Scene {
    /// The chain from the root on: payload, and who signs. Parents are filled in.
    pub(super) mandates: Vec<(Item, &'static str)>,
    /// How many of the chain are registered already, and not sent along.
    pub(super) known: usize,
    pub(super) offer: Item,
    /// Whose certificate signs the offer.
    pub(super) merchant: &'static str,
    /// Who signs the intent, and how.
    pub(super) agent: By,
    /// What is changed in the intent.
    pub(super) intent: Vec<(i64, Option<Item>)>,
    /// What is changed in a confirmation by ann, where there is one.
    pub(super) confirmation: Option<Vec<(i64, Option<Item>)>>,
    pub(super) confirmed_by: &'static str,
    pub(super) now: u64,
}

/// The papers of a payment, signed.
pub(super) struct Papers {
    pub(super) mandates: Vec<Forge>,
    pub(super) offer: Forge,
    pub(super) intent: Forge,
    pub(super) confirmation: Option<Forge>,
}

impl Scene {
    /// Ten yuan for tea under a quota mandate that comes along.
    pub(super) fn new(name: &str) -> Self {
        Self {
            mandates: vec![(quota("main", plenty()), "payer")],
            known: 0,
            offer: tea(name, 1_000),
            merchant: "merchant",
            agent: By::Key("agent"),
            intent: Vec::new(),
            confirmation: None,
            confirmed_by: "payer",
            now: NOW,
        }
    }

    /// The same under mandates that are registered.
    pub(super) fn known(mut self) -> Self {
        self.known = self.mandates.len();
        self
    }

    /// The same with the mandate changed.
    pub(super) fn mandate(&mut self, change: impl FnOnce(Item) -> Item) {
        if let Some((mandate, _)) = self.mandates.first_mut() {
            *mandate = change(mandate.clone());
        }
    }

    /// The same with other caps.
    pub(super) fn caps(&mut self, caps: Item) {
        self.mandate(|mandate| mandate.with(-15, caps));
    }

    /// The caps with a further rule.
    pub(super) fn rule(&mut self, label: i64, value: impl Into<Item>) {
        let value = value.into();
        self.mandate(|mandate| {
            let caps = mandate.get(-15).with(label, value);
            mandate.with(-15, caps)
        });
    }

    /// The same with the offer changed.
    pub(super) fn offer(&mut self, change: impl FnOnce(Item) -> Item) {
        self.offer = change(self.offer.clone());
    }

    /// The same with a field of the intent changed.
    pub(super) fn intent(&mut self, label: i64, value: impl Into<Item>) {
        self.intent.push((label, Some(value.into())));
    }

    pub(super) fn papers(&self) -> Papers {
        let mut mandates: Vec<Forge> = Vec::new();
        for (payload, signer) in &self.mandates {
            let above = mandates.last().map(Forge::id);
            let payload = match above {
                Some(above) if payload.labels().iter().all(|&label| label != -13) => payload.clone().with(-13, above),
                _ => payload.clone(),
            };
            mandates.push(Forge::new("mandate", payload, By::Key(signer)));
        }
        let bare = |forge: Forge| forge.but(|forge| forge.unprotected = labelled([]));
        let offer = bare(Forge::new("offer", self.offer.clone(), By::Certificate(self.merchant)));
        let payload = labelled([
            (3, "issuer.example".into()),
            (6, (NOW - 10).into()),
            (-1, 1.into()),
            (-2, mandates.last().map_or([0; 32], Forge::id).into()),
            (-3, offer.id().into()),
            (-5, self.offer.get(-5)),
            (-6, self.offer.get(-6)),
            (-7, secret_hash().into()),
        ]);
        let intent = bare(Forge::new("intent", changed(payload, &self.intent), self.agent));
        let confirmation = self.confirmation.as_ref().map(|changes| {
            let payload = labelled([
                (2, account("ann").into()),
                (3, "issuer.example".into()),
                (6, (NOW - 5).into()),
                (-1, 1.into()),
                (-4, intent.id().into()),
                (-31, 1.into()),
            ]);
            Forge::new("confirmation", changed(payload, changes), By::Key(self.confirmed_by))
        });
        Papers { mandates, offer, intent, confirmation }
    }

    /// The body of the payment request.
    pub(super) fn body(&self) -> Vec<u8> {
        self.papers().body(self.known)
    }
}

impl Papers {
    /// The body of the payment request, without the mandates that are known.
    pub(super) fn body(&self, known: usize) -> Vec<u8> {
        let mandates = self.mandates.iter().skip(known).map(|mandate| mandate.bytes().into()).collect::<Vec<Item>>();
        let mut body =
            labelled([(1, Item::List(mandates)), (2, self.offer.bytes().into()), (3, self.intent.bytes().into())]);
        if let Some(confirmation) = &self.confirmation {
            body = body.with(4, confirmation.bytes());
        }
        body.encode()
    }
}

/// A payload with fields put or taken out.
pub(super) fn changed(payload: Item, changes: &[(i64, Option<Item>)]) -> Item {
    changes.iter().fold(payload, |payload, (label, value)| match value {
        Some(value) => payload.with(*label, value.clone()),
        None => payload.without(*label),
    })
}

/// The redemption secret of every payment, and its hash.
pub(super) fn secret() -> [u8; 32] {
    keys::thirty_two("redemption secret")
}

fn secret_hash() -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(secret()).into()
}

/// A command of a merchant about a payment.
pub(super) fn merchant_command(kind: &'static str, by: &'static str, intent: [u8; 32], own: &[(i64, Item)]) -> Forge {
    let party = if by == "merchant" { "tea.example" } else { "rice.example" };
    let payload = labelled([
        (1, party.into()),
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen(&format!("{kind} of {by}")).into()),
        (-1, 1.into()),
        (-4, intent.into()),
    ]);
    let payload = own.iter().fold(payload, |payload, (label, value)| payload.with(*label, value.clone()));
    Forge::new(kind, payload, By::Certificate(by)).but(|forge| forge.unprotected = labelled([]))
}

/// A suspension, resumption or revocation of mandates.
pub(super) fn mandate_command(kind: &'static str, by: &'static str, mandates: &[[u8; 32]]) -> Forge {
    let mut mandates: Vec<[u8; 32]> = mandates.to_vec();
    mandates.sort_unstable_by_key(|id| bytes(id));
    let payload = labelled([
        (2, account("ann").into()),
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen(&format!("{kind} by {by}")).into()),
        (-1, 1.into()),
        (-41, Item::List(mandates.into_iter().map(Item::from).collect())),
    ]);
    Forge::new(kind, payload, By::Key(by))
}

/// A cancel of an intent.
pub(super) fn cancel(by: By, intent: &Forge, offer: Option<&Forge>) -> Forge {
    let payload = labelled([
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen("cancel").into()),
        (-1, 1.into()),
        (-44, intent.bytes().into()),
    ]);
    let payload = match offer {
        Some(offer) => payload.with(-58, offer.bytes()),
        None => payload,
    };
    Forge::new("cancel", payload, by).but(|forge| forge.unprotected = labelled([]))
}
