//! Who may read what.

use purser_protocol::bind::http::{AnswerBody, PAPER, PAYMENT_REQUEST, RECEIPT};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use crate::papers::{Key, id, payment};
use crate::scene::Scene;

#[tokio::test]
async fn an_account_is_read_by_its_keys_alone() {
    let scene = Scene::new();
    let person = scene.person(500).await;
    scene.get("/v1/account").await.decides_nothing(Code::ProofRequired);
    scene.read(&Key::new(), "/v1/account").await.decides_nothing(Code::ProofInvalid);
    let proof = person.key.proof(&format!("GET {}/v1/payments", scene.url()));
    let crossed = scene.line().await.get("/v1/account", Some(&proof)).await.unwrap();
    crossed.decides_nothing(Code::ProofInvalid);
    let account = scene.read(&person.key, "/v1/account").await;
    assert_eq!((account.status, account.json()["account"].as_str()), (200, Some(&*person.account.to_string())));
    assert_eq!(scene.balance(&person).await, 500);
}

#[tokio::test]
async fn an_agent_reads_its_own_mandates_and_payments() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(1_000).await;
    let (agent, other) = (Key::new(), Key::new());
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let others = scene.register(&person.quota(&other, 1_000)).await;
    let offer = shop.offer(100);
    scene.pay(&offer, &agent.intent(quota, &offer, 100)).await.is(world, Outcome::Settled);

    let ids = async |key: &Key, path: &str, list: &str, name: &str| {
        let read = scene.read(key, path).await.json();
        read[list].as_array().unwrap().iter().map(|of| of[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&agent, "/v1/mandates", "mandates", "id").await, [quota.to_string()]);
    assert_eq!(ids(&other, "/v1/mandates", "mandates", "id").await, [others.to_string()]);
    assert_eq!(ids(&person.key, "/v1/mandates", "mandates", "id").await.len(), 2);
    assert_eq!(ids(&agent, "/v1/payments", "payments", "offer").await, [id(&offer).to_string()]);
    assert!(ids(&other, "/v1/payments", "payments", "offer").await.is_empty());
    assert!(!scene.read(&agent, "/v1/account").await.is_signed());
    assert_eq!(scene.read(&agent, "/v1/account").await.status, 403);
}

#[tokio::test]
async fn payments_come_in_their_order_within_one_second_too() {
    let scene = Scene::new();
    let person = scene.person(1_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let mut made = Vec::new();
    for _ in 0..8 {
        let offer = scene.shop.offer(10);
        let intent = agent.intent(quota, &offer, 10);
        scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Settled);
        made.push(id(&intent).to_string());
    }
    let read = scene.payments(&person).await;
    let listed: Vec<_> = read.iter().map(|payment| payment["intent"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, made);
}

#[tokio::test]
async fn only_the_payers_side_learns_why() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(1_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 50)).await;
    let offer = shop.offer(100);
    let intent = agent.intent(quota, &offer, 100);
    let refused = scene.pay(&offer, &intent).await;
    let receipt = refused.refuses(world, Code::RuleTotal);
    assert_eq!(receipt.claims.code.unwrap().code(), Some(Code::Declined));

    let path = format!("/v1/intents/{}", id(&intent));
    let merchants = scene.get(&path).await;
    assert_eq!(merchants.receipt(world).claims, receipt.claims);
    assert_eq!(merchants.detail(), None);
    assert_eq!(merchants.status, Code::Declined.status());
    for key in [&agent, &person.key] {
        assert_eq!(scene.read(key, &path).await.body, refused.body);
    }
    let stranger = scene.person(0).await;
    assert_eq!(scene.read(&stranger.key, &path).await.detail(), None);

    let kept = scene.get(&format!("/v1/receipts/{}", receipt.id)).await;
    assert_eq!(kept.headers["content-type"], RECEIPT);
    assert_eq!(kept.body, AnswerBody::read(&refused.body).unwrap().receipt);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_sent_amiss_is_not_decided() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(1_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let offer = shop.offer(100);
    let intent = agent.intent(quota, &offer, 100);
    let path = format!("/v1/intents/{}", id(&intent));
    scene.get(&path).await.decides_nothing(Code::NotFound);
    scene.get(&format!("{path}?wait=20")).await.decides_nothing(Code::NotFound);
    scene.get(&format!("{path}?wait=long")).await.decides_nothing(Code::FieldType);
    scene.get("/v1/intents/%ff").await.decides_nothing(Code::NotFound);
    scene.get(&format!("/v1/receipts/{}", id(&intent))).await.decides_nothing(Code::NotFound);
    scene.get(&format!("/v1/mandates/{}/status", id(&intent))).await.decides_nothing(Code::NotFound);

    let body = payment(&offer, &intent);
    scene.post("/v1/intents", PAPER, &body).await.decides_nothing(Code::MediaType);
    scene.post("/v1/commands", PAPER, &offer).await.decides_nothing(Code::TypeMismatch);
    let mut forged = body.clone();
    *forged.last_mut().unwrap() ^= 1;
    scene.post("/v1/intents", PAYMENT_REQUEST, &forged).await.decides_nothing(Code::SignatureInvalid);
    scene.get(&path).await.decides_nothing(Code::NotFound);
    scene.post("/v1/intents", PAYMENT_REQUEST, &body).await.is(world, Outcome::Settled);
    scene.get(&path).await.is(world, Outcome::Settled);
}
