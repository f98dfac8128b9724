//! What merchants are told: everything, once, in order, whatever dies in between.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use purser_merchant::{Shop, Told};
use purser_protocol::fault::Fault;
use purser_protocol::flow::notice::{Next, Opened, Receiver, next};
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::papers::{CONTEXT, Key, id, now};
use crate::scene::Scene;

/// A merchant's address, which takes nothing until it is told to.
struct Ear {
    url: String,
    open: Arc<AtomicBool>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Ear {
    async fn new() -> Self {
        let (open, bodies) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_open, heard) = (Arc::clone(&open), Arc::clone(&bodies));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (is_open, heard) = (Arc::clone(&is_open), Arc::clone(&heard));
                let hear = service_fn(move |request: Request<Incoming>| {
                    let (is_open, heard) = (Arc::clone(&is_open), Arc::clone(&heard));
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        let mut answer = Response::new(Empty::<Bytes>::new());
                        if is_open.load(Ordering::SeqCst) {
                            heard.lock().unwrap().push(body.to_vec());
                        } else {
                            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        }
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), hear));
            }
        });
        Self { url, open, bodies }
    }

    /// The numbers, outcomes and payments of what was told, once there are so many; each verified.
    async fn told(&self, scene: &Scene, count: usize) -> Vec<(u64, u64, Outcome, Option<PaperId>)> {
        let waiting = async {
            while self.bodies.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), waiting).await.expect("the merchant is not told");
        let bodies = self.bodies.lock().unwrap().clone();
        let open = |body: &Vec<u8>| {
            let opened = scene.open_notice(body).unwrap_or_else(|fault| panic!("{fault}"));
            let claims = &opened.receipt.claims;
            (opened.notice.sequence, opened.notice.previous, claims.outcome, claims.intent)
        };
        bodies.iter().map(open).collect()
    }
}

impl Scene {
    fn hook(&self, url: &str) {
        let mut config = OpenOptions::new().append(true).open(self.sandbox.path("issuer.toml")).unwrap();
        write!(config, "\n[[issuer.webhooks]]\nmerchant = \"shop.example\"\nurl = \"{url}\"\nroots = \"roots.pem\"\n")
            .unwrap();
    }

    fn open_notice(&self, bytes: &[u8]) -> Result<Opened, Fault> {
        let merchant = PartyId::new("shop.example").unwrap();
        let (parties, now) = (&self.world.register, now());
        let receiver = Receiver { merchant: &merchant, context: CONTEXT, crypto: &AwsLc, parties, now };
        receiver.open(bytes)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_told_everything_once_and_in_order_whatever_dies() {
    let ear = Ear::new().await;
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let mandate = person.quota(&agent, 9_000);
    scene.register(&mandate).await;
    let mut paid = Vec::new();
    for minor in [100, 200] {
        let offer = scene.shop.offer(minor);
        let intent = agent.intent(id(&mandate), &offer, minor);
        scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Settled);
        paid.push((Outcome::Settled, id(&intent)));
    }
    // What was decided before it was wished for is told too; what nobody takes waits.
    scene.stop();
    scene.hook(&ear.url);
    scene.start();
    let offer = scene.shop.held_offer(4_000);
    let intent = agent.intent(id(&mandate), &offer, 4_000);
    scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Authorized);
    paid.push((Outcome::Authorized, id(&intent)));
    scene.command(&scene.shop.capture(id(&intent), 1_000, true)).await.is(&scene.world, Outcome::Captured);
    paid.push((Outcome::Captured, id(&intent)));
    // Killed between a commit and its notice: the ear has taken nothing yet.
    scene.kill();
    let books = audited(&scene);
    ear.open.store(true, Ordering::SeqCst);
    scene.start();
    let told = ear.told(&scene, paid.len()).await;
    let expected = (1..).zip(&paid).map(|(number, (outcome, intent))| (number, number - 1, *outcome, Some(*intent)));
    let expected: Vec<(u64, u64, Outcome, Option<PaperId>)> = expected.collect();
    assert_eq!(told, expected);

    // The file that says how far it went is lost: all of it is told again under the same numbers, and taken once.
    scene.kill();
    for end in ["hooks", "hooks-wal", "hooks-shm"] {
        let _ = std::fs::remove_file(scene.sandbox.path("issuer.sqlite").with_extension(end));
    }
    ear.bodies.lock().unwrap().clear();
    scene.start();
    let again = ear.told(&scene, paid.len()).await;
    assert_eq!(again, expected);
    let bodies = ear.bodies.lock().unwrap().clone();
    a_shop_takes_each_once(&scene, &bodies).await;
    let last = bodies.iter().map(|body| scene.open_notice(body).unwrap()).fold(4, |last, opened| {
        assert_eq!(next(&opened.notice, last), Next::Known);
        last
    });
    assert_eq!(last, 4);
    scene.kill();
    assert_eq!(audited(&scene), books, "notices change no books");

    // One that is hard to deal with says everything twice.
    for end in ["hooks", "hooks-wal", "hooks-shm"] {
        let _ = std::fs::remove_file(scene.sandbox.path("issuer.sqlite").with_extension(end));
    }
    ear.bodies.lock().unwrap().clear();
    scene.start_under("sh -c 'exec \"$0\" \"$@\" --hostile 5'");
    let twice = ear.told(&scene, 2 * paid.len()).await;
    assert_eq!(twice, expected.iter().flat_map(|told| [*told, *told]).collect::<Vec<_>>());
    scene.kill();
}

/// The kit's own route: forged, doubled, reordered, and after a restart.
async fn a_shop_takes_each_once(scene: &Scene, bodies: &[Vec<u8>]) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let is_broken = Arc::new(AtomicBool::new(true));
    let open = || {
        let shop = Shop::open(scene.sandbox.path("merchant.toml")).unwrap();
        let (heard, broken) = (Arc::clone(&taken), Arc::clone(&is_broken));
        shop.notices(move |told: Told| {
            let (heard, broken) = (Arc::clone(&heard), Arc::clone(&broken));
            async move {
                if broken.load(Ordering::SeqCst) {
                    return Err("the shop's own database is away".into());
                }
                heard.lock().unwrap().push(told.number);
                Ok(())
            }
        })
    };
    let mut route = open();
    let send = async |route: &Router, body: Vec<u8>| {
        let request = axum::http::Request::post("/").body(axum::body::Body::from(body)).unwrap();
        route.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(send(&route, bodies[0].clone()).await, 500, "what the shop cannot take comes again");
    is_broken.store(false, Ordering::SeqCst);
    let mut forged = bodies[0].clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(send(&route, forged).await, 400);
    for (place, status) in [(1, 409), (0, 200), (0, 200), (2, 409), (1, 200), (0, 200), (2, 200)] {
        assert_eq!(send(&route, bodies[place].clone()).await, status, "{place}");
    }
    route = open();
    for (place, status) in [(1, 200), (3, 200), (2, 200), (3, 200)] {
        assert_eq!(send(&route, bodies[place].clone()).await, status, "{place}");
    }
    assert_eq!(*taken.lock().unwrap(), [1, 2, 3, 4]);
}

fn audited(scene: &Scene) -> serde_json::Value {
    let audit = Command::new(env!("CARGO_BIN_EXE_purser-server"))
        .args(["audit", "--config"])
        .arg(scene.sandbox.path("issuer.toml"))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(report["verdict"], "good", "{report}");
    report["sums"].clone()
}
