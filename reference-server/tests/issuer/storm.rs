//! Agents that pay without a pause, whatever happens to the issuer, and what must be true of it afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{AnswerBody, PAYMENT_REQUEST};
use purser_protocol::id::PaperId;
use purser_protocol::receipt::Outcome;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::audit::audit;
use crate::line::{Answer, Line};
use crate::papers::{Key, Person, Shop, id, payment};
use crate::scene::{Scene, minor};

const PRICE: u64 = 7;
const MONEY: u64 = 10_000_000;

/// Agents under load, and what they were told.
pub(crate) struct Storm {
    person: Person,
    where_now: watch::Sender<SocketAddr>,
    acknowledged: mpsc::UnboundedReceiver<(PaperId, Vec<u8>, Answer)>,
    done: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    answers: BTreeMap<PaperId, (Vec<u8>, Answer)>,
}

impl Storm {
    /// Begins to pay, with so many agents at once.
    pub(crate) async fn begin(scene: &Scene, agents: usize) -> Self {
        let person = scene.person(MONEY).await;
        let (where_now, addr) = watch::channel(scene.addr());
        let (told, acknowledged) = mpsc::unbounded_channel();
        let done = Arc::new(AtomicBool::new(false));
        let shop = Arc::new(Shop::of(&scene.sandbox));
        let mut tasks = JoinSet::new();
        for _ in 0..agents {
            let agent = Key::new();
            let quota = scene.register(&person.quota(&agent, MONEY)).await;
            let (addr, tls, told) = (addr.clone(), scene.tls(), told.clone());
            let (done, shop) = (Arc::clone(&done), Arc::clone(&shop));
            tasks.spawn(async move {
                let mut line = None;
                while !done.load(Ordering::Relaxed) {
                    let offer = shop.offer(PRICE);
                    let intent = agent.intent(quota, &offer, PRICE);
                    let body = payment(&offer, &intent);
                    let answer = insist(&mut line, &addr, &tls, &body).await;
                    let _ = told.send((id(&intent), body, answer));
                }
            });
        }
        Self { person, where_now, acknowledged, done, tasks, answers: BTreeMap::new() }
    }

    /// Waits until so many more payments are acknowledged.
    pub(crate) async fn go_on(&mut self, payments: usize) {
        for _ in 0..payments {
            let (intent, body, answer) = self.acknowledged.recv().await.unwrap();
            self.answers.insert(intent, (body, answer));
        }
    }

    /// Waits until the program ends by itself, and no longer than until so many payments are acknowledged; whether
    /// it has ended.
    pub(crate) async fn go_on_until_it_ends(&mut self, scene: &mut Scene, most: usize) -> bool {
        for _ in 0..most {
            tokio::select! {
                told = self.acknowledged.recv() => {
                    let (intent, body, answer) = told.unwrap();
                    self.answers.insert(intent, (body, answer));
                }
                () = scene.ends() => return true,
            }
        }
        false
    }

    /// The issuer is elsewhere now.
    pub(crate) fn follows(&self, scene: &Scene) {
        self.where_now.send(scene.addr()).unwrap();
    }

    /// Stops, and holds the issuer to all that it said: each payment is there once, under the same answer; account,
    /// limits and audit agree. How many payments there were.
    pub(crate) async fn ends(mut self, scene: &Scene) -> usize {
        self.done.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        // Every sender is gone, so that the channel ends.
        self.acknowledged.close();
        while let Some((intent, body, answer)) = self.acknowledged.recv().await {
            self.answers.insert(intent, (body, answer));
        }
        let mut line = scene.line().await;
        let mut receipts = Vec::new();
        for (body, answer) in self.answers.values() {
            answer.is(&scene.world, Outcome::Settled);
            let again = line.post("/v1/intents", PAYMENT_REQUEST, body.clone()).await.unwrap();
            assert_eq!(again.body, answer.body);
            receipts.push(base64url::encode(AnswerBody::read(&answer.body).unwrap().receipt));
        }
        let paid = scene.payments(&self.person).await;
        let mut paid: Vec<String> = paid.iter().map(|made| made["intent"].as_str().unwrap().to_owned()).collect();
        paid.sort_unstable();
        assert_eq!(paid, self.answers.keys().map(ToString::to_string).collect::<Vec<_>>());
        let sum = self.answers.len() as u64 * PRICE;
        assert_eq!(scene.balance(&self.person).await, MONEY - sum);
        let mandates = scene.read(&self.person.key, "/v1/mandates").await.json();
        let spent: u64 = mandates["mandates"].as_array().unwrap().iter().map(|of| minor(&of["spent_minor"])).sum();
        assert_eq!(spent, sum);
        let list = scene.sandbox.path("given-out");
        fs::write(&list, receipts.join("\n")).unwrap();
        let audited = audit(scene, &["--receipts", list.to_str().unwrap()]);
        assert_eq!(audited.status, 0, "{}", audited.report);
        assert_eq!(audited.report["acknowledged"], self.answers.len());
        self.answers.len()
    }
}

/// Sends the same bytes until there is a signed answer to them.
async fn insist(
    line: &mut Option<Line>,
    addr: &watch::Receiver<SocketAddr>,
    tls: &TlsConnector,
    body: &[u8],
) -> Answer {
    let mut addr = addr.clone();
    loop {
        let to = *addr.borrow_and_update();
        let mut open = match line.take() {
            Some(open) => open,
            None => match Line::open(to, tls).await {
                Ok(open) => open,
                // It has ended; the next one listens elsewhere.
                Err(_) => {
                    addr.changed().await.unwrap();
                    continue;
                }
            },
        };
        match open.post("/v1/intents", PAYMENT_REQUEST, body.to_vec()).await {
            Ok(answer) if answer.is_signed() => {
                *line = Some(open);
                return answer;
            }
            // One that stops says so; one that fails says that it does not know. The line may be good still.
            Ok(_) => *line = Some(open),
            Err(_) => {}
        }
    }
}
