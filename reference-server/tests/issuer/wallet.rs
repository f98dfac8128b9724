//! What a wallet reads, and what it changes with one signature.

use std::num::NonZeroU32;

use purser_protocol::bind::http::{BATCH, PAPER, PURSER_CREDENTIAL};
use purser_protocol::bind::{base64url, bundle};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::Parties as _;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Fields;
use purser_protocol::paper::status::Statement;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Signed;
use purser_protocol::sign::backend::AwsLc;
use serde_json::Value;

use crate::papers::{CONTEXT, Key, Operator, Person, amount, id, now, rules};
use crate::scene::{Scene, minor};

/// The reads of the wallet, each as simple as can be.
const READS: [&str; 9] = [
    "/v1/wallet/statement",
    "/v1/wallet/agents",
    "/v1/wallet/mandates",
    "/v1/wallet/records",
    "/v1/wallet/spending?by=agent",
    "/v1/wallet/sessions",
    "/v1/wallet/packs",
    "/v1/wallet/bundle",
    "/v1/wallet/keys",
];

#[tokio::test]
async fn an_agent_reads_nothing_and_confirms_nothing() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let caps = rules(Fields {
        total: Some(amount(5_000)),
        ask_above: purser_protocol::field::UpTo::new(100),
        ..Fields::default()
    });
    let quota = scene.register(&person.key.sign(&Mandate { caps, ..person.draft(Mode::Quota, &agent) })).await;
    for path in READS {
        scene.get(path).await.decides_nothing(Code::ProofRequired);
        scene.read(&agent, path).await.decides_nothing(Code::ProofInvalid);
        assert_eq!(scene.read(&person.key, path).await.status, 200, "{path}");
    }
    let offer = shop.offer(101);
    let intent = agent.intent(quota, &offer, 101);
    scene.pay(&offer, &intent).await.is(world, Outcome::Pending);
    let by_agent = Person { key: agent, account: person.account };
    scene.command(&by_agent.confirmation(id(&intent))).await.decides_nothing(Code::CommandSigner);
    let waiting = scene.read(&person.key, "/v1/pending").await.json();
    let approval = waiting["pending"][0]["approval"].as_str().unwrap().to_owned();
    assert!(approval.ends_with(waiting["pending"][0]["user_code"].as_str().unwrap()), "{approval}");
    scene.command(&person.confirmation(id(&intent))).await.is(world, Outcome::Settled);
}

#[tokio::test]
async fn what_waits_for_the_person_waits_whatever_becomes_of_the_program() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let asks =
        Fields { total: Some(amount(5_000)), ask_above: purser_protocol::field::UpTo::new(100), ..Fields::default() };
    let quota = person.key.sign(&Mandate { caps: rules(asks), ..person.draft(Mode::Quota, &agent) });
    let quota = scene.register(&quota).await;
    let offer = scene.shop.offer(200);
    let intent = agent.intent(quota, &offer, 200);
    let told = scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Pending);
    let before = scene.read(&person.key, "/v1/pending").await.json();
    scene.kill();
    scene.start();
    assert_eq!(scene.read(&person.key, "/v1/pending").await.json(), before, "code, address, deadline and papers");
    let again = scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Pending);
    assert_eq!(again.id, told.id, "the agent that asks again is told the same");
    let waiting = &before["pending"][0];
    assert_eq!(waiting["user_code"].as_str(), told.claims.user_code.as_ref().map(|code| code.as_str()));
    assert_eq!(waiting["answer_by"].as_u64(), told.claims.answer_by.map(|until| until.get()));
    assert_eq!(waiting["approval"].as_str(), told.claims.approval.as_ref().map(|url| url.as_str()));
    scene.command(&person.confirmation(id(&intent))).await.is(&scene.world, Outcome::Settled);
}

/// What an agent's own key may ask for, and why; all else under `/v1/` is the account's.
const OWN: [(&str, &str); 16] = [
    ("/v1/mandates", "its own mandates; and a mandate that it signs for another"),
    ("/v1/mandates/{id}/status", "a status is for whoever knows the id"),
    ("/v1/payments", "its own payments"),
    ("/v1/pseudonyms", "who its payer is to a merchant"),
    ("/v1/intents", "it pays"),
    ("/v1/intents/{id}", "what became of a payment is for whoever knows the id"),
    ("/v1/receipts/{id}", "a receipt is for whoever knows the id"),
    ("/v1/log", "the log is open to all"),
    ("/v1/log/{batch}", "the log is open to all"),
    ("/v1/commands", "the paper says who may; below"),
    ("/v1/wallet/keys/offers", "a new key that no account has is offered"),
    ("/v1/devices", "a device that no account knows asks"),
    ("/v1/devices/answers", "whoever asked asks again"),
    ("/v1/directory", "what merchants list is open to all; and who lists signs by a certificate"),
    ("/v1/directory/{merchant}", "what merchants list is open to all"),
    ("/v1/sandbox/clock", "in a sandbox the clock is everybody's"),
];

/// The routes, as the program has them.
fn routes() -> Vec<(String, bool, bool)> {
    let source = include_str!("../../src/issuer.rs");
    let lines = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\""));
    let route = |line: &str| {
        let (path, methods) = line.split_once("\", ").unwrap();
        let has = |method: &str| methods.starts_with(method) || methods.contains(&format!(".{method}"));
        (path.to_owned(), has("get("), has("post(") || has("delete("))
    };
    lines.map(route).filter(|(path, _, _)| path.starts_with("/v1/")).collect()
}

#[tokio::test]
async fn on_no_route_is_an_agents_key_the_persons() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    scene.register(&person.quota(&agent, 5_000)).await;
    let routes = routes();
    assert!(routes.len() > 24, "{routes:?}");
    for (own, _) in OWN {
        assert!(routes.iter().any(|(path, _, _)| path == own), "{own} is no route");
    }
    let by_agent = Person { key: agent, account: person.account };
    for (path, reads, changes) in routes.iter().filter(|(path, _, _)| !OWN.iter().any(|(own, _)| own == path)) {
        let path = path.replace("{id}", &"0".repeat(64)).replace("{code}", "BBBB-BBBB");
        if *reads {
            scene.get(&path).await.decides_nothing(Code::ProofRequired);
            scene.read(&by_agent.key, &path).await.decides_nothing(Code::ProofInvalid);
        }
        if *changes {
            let media = if path == "/v1/batches" { BATCH } else { PAPER };
            let mandate = by_agent.quota(&Key::new(), 1);
            let refused = scene.post(&path, media, &mandate).await;
            assert!(!refused.is_signed() && (400..500).contains(&refused.status), "{path}: {}", refused.status);
        }
    }
    // Every paper that is the person's, signed by the agent in the person's name.
    let quota = scene.register(&person.quota(&by_agent.key, 100)).await;
    let suspension = by_agent.suspension(quota);
    for paper in [&suspension, &by_agent.retires(&person.key), &by_agent.confirmation(quota)] {
        scene.command(paper).await.decides_nothing(Code::CommandSigner);
    }
    scene.command(&by_agent.deposit(1)).await.decides_nothing(Code::AccountUnknown);
    scene.post("/v1/accounts", PAPER, &by_agent.adds(&Key::new())).await.decides_nothing(Code::AccountUnknown);
    let raised = scene.post("/v1/mandates", PAPER, &by_agent.quota(&by_agent.key, 9_000)).await;
    raised.decides_nothing(Code::MandateSigner);
}

#[tokio::test]
async fn metered_sessions_are_listed_with_what_was_taken() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 5_000)).await;
    let mut opened = Vec::new();
    for minor in [500, 400, 300] {
        let (offer, intent) = shop.metered(&agent, quota, minor);
        scene.pay(&offer, &intent).await.is(world, Outcome::Authorized);
        opened.push(id(&intent));
    }
    // One payment that is no session.
    let offer = shop.held_offer(100);
    scene.pay(&offer, &agent.intent(quota, &offer, 100)).await.is(world, Outcome::Authorized);
    scene.command(&shop.void(opened[0])).await.is(world, Outcome::Voided);
    let page = scene.read(&person.key, "/v1/wallet/sessions?limit=2").await.json();
    let of = |page: &Value| -> Vec<(String, String, String)> {
        let text = |session: &Value, name: &str| session[name].as_str().unwrap().to_owned();
        let sessions = page["sessions"].as_array().unwrap().iter();
        sessions.map(|one| (text(one, "intent"), text(one, "state"), text(one, "held_minor"))).collect()
    };
    let said = |at: usize, state: &str, held: &str| (opened[at].to_string(), state.to_owned(), held.to_owned());
    assert_eq!(of(&page), [said(2, "open", "300"), said(1, "open", "400")]);
    let next = page["next"].as_u64().unwrap();
    let rest = scene.read(&person.key, &format!("/v1/wallet/sessions?after={next}")).await.json();
    assert_eq!((of(&rest), &rest["next"]), (vec![said(0, "ended", "0")], &Value::Null));
    let receipt = page["sessions"][0]["receipt"].as_str().unwrap();
    let record = scene.read(&person.key, &format!("/v1/wallet/records/{receipt}")).await.json();
    assert_eq!(record["intent"], opened[2].to_string());
    assert_eq!(page["sessions"][0]["agent"], agent.name());
}

#[tokio::test]
async fn packs_are_listed_with_what_was_given_back() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let caps = rules(Fields {
        total: Some(amount(5_000)),
        ask_above: purser_protocol::field::UpTo::new(450),
        ..Fields::default()
    });
    let quota = scene.register(&person.key.sign(&Mandate { caps, ..person.draft(Mode::Quota, &agent) })).await;
    let mut bought = Vec::new();
    for minor in [300, 400, 500] {
        let offer = shop.pack_offer(minor);
        let intent = agent.intent(quota, &offer, minor);
        let is_asked = minor > 450;
        let outcome = if is_asked { Outcome::Pending } else { Outcome::Settled };
        scene.pay(&offer, &intent).await.is(world, outcome);
        if is_asked {
            // What the person says yes to is bought by the yes; the offer does not come with it.
            scene.command(&person.confirmation(id(&intent))).await.is(world, Outcome::Settled);
        }
        bought.push(id(&intent));
    }
    // One payment that is no pack.
    let offer = shop.offer(100);
    scene.pay(&offer, &agent.intent(quota, &offer, 100)).await.is(world, Outcome::Settled);
    scene.command(&shop.refund(bought[0], 120)).await.is(world, Outcome::Refunded);
    let page = scene.read(&person.key, "/v1/wallet/packs?limit=2").await.json();
    let of = |page: &Value| -> Vec<(String, String, String)> {
        let text = |pack: &Value, name: &str| pack[name].as_str().unwrap().to_owned();
        let packs = page["packs"].as_array().unwrap().iter();
        packs.map(|one| (text(one, "intent"), text(one, "paid_minor"), text(one, "refunded_minor"))).collect()
    };
    let said = |at: usize, paid: &str, back: &str| (bought[at].to_string(), paid.to_owned(), back.to_owned());
    assert_eq!(of(&page), [said(2, "500", "0"), said(1, "400", "0")]);
    let next = page["next"].as_u64().unwrap();
    let rest = scene.read(&person.key, &format!("/v1/wallet/packs?after={next}")).await.json();
    assert_eq!((of(&rest), &rest["next"]), (vec![said(0, "300", "120")], &Value::Null));
    assert_eq!((&page["packs"][0]["plan"], &page["packs"][0]["agent"]), (&"book".into(), &agent.name().into()));
}

#[tokio::test]
async fn a_list_of_mandates_is_the_one_that_was_signed() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let (agent, other) = (Key::new(), Key::new());
    let mut ids = Vec::new();
    for (number, holder) in (1..).zip([&agent, &other, &agent, &agent]) {
        ids.push(scene.register(&person.quota(holder, 100 * number)).await);
    }
    scene.command(&person.suspension(ids[2])).await.is(&scene.world, Outcome::Recorded);

    let list = async |query: &str| -> (Vec<PaperId>, Value) {
        let page = scene.read(&person.key, &format!("/v1/wallet/mandates{query}")).await.json();
        let ids = page["mandates"].as_array().unwrap().iter();
        let ids = ids.map(|mandate| hex(mandate["id"].as_str().unwrap())).collect();
        (ids, page)
    };
    let statement = statement(&scene, &person).await;
    assert_eq!(statement.account, person.account);
    assert_eq!(statement.sequence, 7, "an enrolment, a deposit, four mandates, a suspension");
    let (all, page) = list("").await;
    assert_eq!((all.as_slice(), &page["next"]), (ids.as_slice(), &Value::Null));
    statement.lists(&all).unwrap();
    for hidden in 0..all.len() {
        let mut fewer = all.clone();
        fewer.remove(hidden);
        assert_eq!(statement.lists(&fewer).map_err(|fault| fault.code), Err(Code::StatementMismatch));
    }

    let (first, page) = list("?limit=3").await;
    assert_eq!((first.as_slice(), page["next"].as_u64(), page["matching"].as_u64()), (&ids[..3], Some(3), Some(4)));
    assert_eq!(list("?limit=3&after=3").await.0, ids[3..]);
    let (one, page) = list("?limit=1").await;
    assert_eq!((one.as_slice(), page["next"].as_u64(), page["matching"].as_u64()), (&ids[..1], Some(1), Some(4)));
    assert_eq!(list(&format!("?agent={}", agent.name())).await.0, [ids[0], ids[2], ids[3]]);
    assert_eq!(list("?state=suspended").await.0, [ids[2]]);
    assert_eq!(list(&format!("?text={}", &other.name()[..16])).await.0, [ids[1]]);
    assert_eq!(list("?mode=single").await.0, []);
    for wrong in ["?limit=0", "?limit=1001", "?agents=1", "?limit=2&limit=3", "?latest=yes"] {
        let refused = scene.read(&person.key, &format!("/v1/wallet/mandates{wrong}")).await;
        refused.decides_nothing(Code::FieldRange);
    }
}

#[tokio::test]
async fn records_are_numbered_and_have_their_papers() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let (offer, held, dear) = (shop.offer(300), shop.held_offer(200), shop.offer(5_000));
    let intent = agent.intent(quota, &offer, 300);
    scene.pay(&offer, &intent).await.is(world, Outcome::Settled);
    let hold = agent.intent(quota, &held, 200);
    scene.pay(&held, &hold).await.is(world, Outcome::Authorized);
    scene.command(&shop.capture(id(&hold), 150, false)).await.is(world, Outcome::Captured);
    scene.command(&shop.refund(id(&intent), 100)).await.is(world, Outcome::Refunded);
    scene.pay(&dear, &agent.intent(quota, &dear, 5_000)).await.refuses(world, Code::RuleTotal);

    let records = async |query: &str| {
        let page = scene.read(&person.key, &format!("/v1/wallet/records{query}")).await.json();
        page["records"].as_array().unwrap().clone()
    };
    let all = records("").await;
    let said: Vec<_> = all
        .iter()
        .map(|record| {
            (record["number"].as_u64().unwrap(), record["kind"].as_str().unwrap(), record["outcome"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        said,
        [
            (1, "enrolment", "recorded"),
            (2, "deposit", "recorded"),
            (3, "mandate", "recorded"),
            (4, "payment", "settled"),
            (5, "payment", "authorized"),
            (6, "capture", "captured"),
            (7, "refund", "refunded"),
            (8, "payment", "refused"),
        ]
    );
    assert_eq!(all[7]["code"], "rule-total");
    assert_eq!((all[3]["category"].as_u64(), all[5]["merchant"].as_str()), (Some(5942), Some("shop.example")));
    assert_eq!(all[5]["agent"], agent.name());
    assert_eq!(records("?newest=1&limit=2").await, [all[7].clone(), all[6].clone()]);
    assert_eq!(records("?after=7").await, [all[7].clone()]);
    assert_eq!(records("?after=7&wait=20").await, [all[7].clone()]);
    assert_eq!(records("?kind=payment&outcome=settled").await, [all[3].clone()]);
    assert_eq!(records(&format!("?mandate={quota}&merchant=shop.example")).await.len(), 5);

    let one =
        scene.read(&person.key, &format!("/v1/wallet/records/{}", all[3]["receipt"].as_str().unwrap())).await.json();
    let kinds: Vec<_> = one["papers"].as_array().unwrap().iter().map(|paper| paper["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["offer", "intent"]);
    assert_eq!(one["papers"][1]["paper"], base64url::encode(&intent));
    // Another account has no such record.
    let stranger = scene.person(0).await;
    let path = format!("/v1/wallet/records/{}", all[3]["receipt"].as_str().unwrap());
    scene.read(&stranger.key, &path).await.decides_nothing(Code::NotFound);

    for (by, key) in [("agent", agent.name()), ("merchant", "shop.example".to_owned()), ("category", "5942".to_owned())]
    {
        let spending = scene.read(&person.key, &format!("/v1/wallet/spending?by={by}")).await.json();
        let row = &spending["spending"][0];
        assert_eq!(row["key"], key);
        // A span that begins within a quarter of an hour is added up payment by payment, and comes to the same.
        let path = format!("/v1/wallet/spending?by={by}&from=1");
        assert_eq!(scene.read(&person.key, &path).await.json(), spending);
        let sums = ["spent_minor", "refunded_minor", "held_minor"].map(|name| minor(&row[name]));
        assert_eq!((sums, row["payments"].as_u64()), ([350, 100, 50], Some(2)));
    }
    // What left the account is what was spent and what is held.
    assert_eq!(scene.balance(&person).await, 10_000 - 350 - 50);
    let by_day = scene.read(&person.key, "/v1/wallet/spending?by=day&zone=Asia/Shanghai").await.json();
    let day = purser_protocol::period::Zone::new("Asia/Shanghai").unwrap();
    let at = purser_protocol::time::UnixSeconds::new(all[3]["decided_at"].as_u64().unwrap()).unwrap();
    assert_eq!(by_day["spending"][0]["key"], day.date(at));

    let parts = scene.read(&person.key, "/v1/wallet/bundle").await;
    let items: Vec<_> = bundle::read(&parts.body).collect::<Result<_, _>>().unwrap();
    assert_eq!(items.iter().filter(|item| item.receipt.is_some()).count(), all.len());
}

#[tokio::test]
async fn a_batch_does_all_or_nothing() {
    let scene = Scene::new();
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let drafts: Vec<Mandate> = (0..3)
        .map(|_| {
            let caps = rules(Fields { total: Some(amount(4_000)), amount_max: Some(amount(500)), ..Fields::default() });
            Mandate { caps, funded: Some(amount(1_000)), ..person.draft(Mode::Quota, &agent) }
        })
        .collect();
    let parts: Vec<_> = drafts.iter().map(|draft| person.key.part(draft)).collect();
    let made = person.batch(&parts);
    let receipt = scene.post("/v1/batches", BATCH, &made).await.is(world, Outcome::Recorded);
    assert_eq!(scene.post("/v1/batches", BATCH, &made).await.is(world, Outcome::Recorded).id, receipt.id);
    assert_eq!(scene.balance(&person).await, 7_000);
    // A part by itself is what the batch has done.
    let alone = scene.post("/v1/mandates", PAPER, &person.key.sign(&drafts[0])).await;
    assert_eq!(alone.is(world, Outcome::Recorded).id, receipt.id);
    let offer = shop.offer(400);
    scene.pay(&offer, &agent.intent(parts[0].0, &offer, 400)).await.is(world, Outcome::Settled);

    // Money goes from one envelope to the other; what was spent counts on.
    let next = |at: usize, funded: u64| Mandate {
        serial: NonZeroU32::new(2).unwrap(),
        replaces: Some(parts[at].0),
        funded: Some(amount(funded)),
        ..drafts[at].clone()
    };
    let moved = [next(0, 8_600), next(1, 400)].map(|mandate| person.key.part(&mandate));
    scene.post("/v1/batches", BATCH, &person.batch(&moved)).await.is(world, Outcome::Recorded);
    assert_eq!(scene.balance(&person).await, 0);
    let mandate = scene.mandate(&person, moved[0].0).await;
    assert_eq!((mandate["spent_minor"].as_str(), mandate["left_minor"].as_str()), (Some("400"), Some("3600")));

    // One unit more than there is, and nothing of it is done.
    let third = |minor| Mandate { serial: NonZeroU32::new(3).unwrap(), replaces: Some(moved[1].0), ..next(1, minor) };
    let too_much = [next(2, 1_001), third(400)].map(|mandate| person.key.part(&mandate));
    scene.post("/v1/batches", BATCH, &person.batch(&too_much)).await.refuses(world, Code::InsufficientFunds);
    assert_eq!(scene.mandate(&person, parts[2].0).await["state"], "active");
    let just = [next(2, 1_001), third(399)].map(|mandate| person.key.part(&mandate));
    scene.post("/v1/batches", BATCH, &person.batch(&just)).await.is(world, Outcome::Recorded);

    let rest = person.key.part(&person.suspension_of(vec![just[0].0]));
    let end = person.key.part(&person.revocation_of(vec![just[1].0]));
    let twice = person.key.part(&person.revocation_of(vec![just[0].0]));
    let unknown = person.key.part(&person.revocation_of(vec![PaperId([9; 32])]));
    let send = async |parts: &[_]| scene.post("/v1/batches", BATCH, &person.batch(parts)).await;
    send(&[rest.clone(), twice]).await.refuses(world, Code::BatchConflict);
    send(&[rest.clone(), unknown]).await.decides_nothing(Code::MandateUnknown);
    assert_eq!(scene.mandate(&person, just[0].0).await["state"], "active");
    let swapped = person.batch_of(&[rest.clone(), end.clone()], &[end.clone(), rest.clone()]);
    scene.post("/v1/batches", BATCH, &swapped).await.decides_nothing(Code::BatchMismatch);
    let stranger = scene.person(0).await;
    scene
        .post("/v1/batches", BATCH, &stranger.batch(std::slice::from_ref(&end)))
        .await
        .decides_nothing(Code::CommandSigner);
    let foreign = stranger.key.part(&person.revocation_of(vec![just[1].0]));
    scene.post("/v1/batches", BATCH, &stranger.batch(&[foreign])).await.refuses(world, Code::AccountMismatch);
    send(&[rest, end]).await.is(world, Outcome::Recorded);
    assert_eq!(scene.mandate(&person, just[0].0).await["state"], "suspended");
    assert_eq!(scene.mandate(&person, just[1].0).await["state"], "revoked");
}

#[tokio::test]
async fn a_thousand_mandates_are_changed_by_one_signature() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let drafts: Vec<Mandate> = (0..1_000).map(|_| person.quota_draft(&agent, 4_000)).collect();
    let parts: Vec<_> = drafts.iter().map(|draft| person.key.part(draft)).collect();
    scene.post("/v1/batches", BATCH, &person.batch(&parts)).await.is(&scene.world, Outcome::Recorded);
    let statement = statement(&scene, &person).await;
    assert_eq!((statement.listed, statement.sequence), (1_000, 3));
    let next: Vec<_> = drafts
        .iter()
        .zip(&parts)
        .map(|(draft, (id, _))| {
            let caps = rules(Fields { total: Some(amount(5_000)), amount_max: Some(amount(50)), ..Fields::default() });
            let serial = NonZeroU32::new(2).unwrap();
            person.key.part(&Mandate { serial, replaces: Some(*id), caps, ..draft.clone() })
        })
        .collect();
    let relimited = person.batch(&next);
    let receipt = scene.post("/v1/batches", BATCH, &relimited).await.is(&scene.world, Outcome::Recorded);
    let ids: Vec<PaperId> = next.iter().map(|(id, _)| *id).collect();
    let rests: Vec<_> = ids.chunks(256).map(|some| person.key.part(&person.suspension_of(some.to_vec()))).collect();
    scene.post("/v1/batches", BATCH, &person.batch(&rests)).await.is(&scene.world, Outcome::Recorded);
    // It is all there after a crash.
    scene.kill();
    scene.start();
    assert_eq!(scene.post("/v1/batches", BATCH, &relimited).await.is(&scene.world, Outcome::Recorded).id, receipt.id);
    let page = scene.read(&person.key, "/v1/wallet/mandates?state=suspended&latest=1&limit=1").await.json();
    assert_eq!(page["matching"], 1_000);
}

#[tokio::test]
async fn a_key_is_added_by_its_code_and_retired() {
    let mut scene = Scene::new();
    let person = scene.person(1_000).await;
    let (phone, agent) = (Key::new(), Key::new());
    let body = serde_json::json!({ "key": base64url::encode(&phone.public()) }).to_string();
    let offered = scene.post("/v1/wallet/keys/offers", "application/json", body.as_bytes()).await.json();
    assert_eq!(offered["key"], phone.name());
    let path = format!("/v1/wallet/keys/offers/{}", offered["code"].as_str().unwrap());
    scene.get(&path).await.decides_nothing(Code::ProofRequired);
    scene.read(&phone, &path).await.decides_nothing(Code::ProofInvalid);
    let found = scene.read(&person.key, &path).await.json();
    assert_eq!(found["public"], base64url::encode(&phone.public()));
    scene.read(&person.key, "/v1/wallet/keys/offers/BBBB-BBBB").await.decides_nothing(Code::NotFound);
    scene.kill();
    scene.start();
    let again = scene.read(&person.key, &path).await.json();
    assert_eq!(again, found, "the code is good whatever became of the program");
    let world = &scene.world;

    scene.command(&person.retires(&person.key)).await.refuses(world, Code::LastKey);
    scene.command(&person.retires(&phone)).await.refuses(world, Code::KeyUnknown);
    scene.post("/v1/accounts", PAPER, &person.adds(&phone)).await.is(world, Outcome::Recorded);
    let mandate = scene.register(&person.quota(&agent, 100)).await;
    let by_phone = Person { key: phone, account: person.account };
    let keys = scene.read(&by_phone.key, "/v1/wallet/keys").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    scene.command(&by_phone.retires(&person.key)).await.is(world, Outcome::Recorded);

    // It signs nothing more, and what it signed stands.
    scene.read(&person.key, "/v1/account").await.decides_nothing(Code::ProofInvalid);
    scene.command(&person.suspension(mandate)).await.decides_nothing(Code::CommandSigner);
    scene.command(&person.deposit(1)).await.decides_nothing(Code::AccountUnknown);
    scene.post("/v1/accounts", PAPER, &person.adds(&Key::new())).await.decides_nothing(Code::AccountUnknown);
    let mandates = scene.post("/v1/mandates", PAPER, &person.quota(&agent, 100)).await;
    mandates.decides_nothing(Code::MandateSigner);
    assert_eq!(scene.mandate(&by_phone, mandate).await["state"], "active");
    scene.command(&by_phone.deposit(1)).await.is(world, Outcome::Recorded);
}

#[tokio::test]
async fn a_frozen_account_pays_nothing_until_it_is_thawed() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let operator = Operator::of(&scene.sandbox);
    let (agent, thief) = (Key::new(), Key::new());
    let quota = scene.register(&person.quota(&agent, 5_000)).await;
    let held = scene.shop.held_offer(200);
    let hold = agent.intent(quota, &held, 200);
    scene.pay(&held, &hold).await.is(&scene.world, Outcome::Authorized);

    let not_by_her = person.key.sign(&person.suspension_of(vec![quota]));
    // The operator's program signs it.
    let config = scene.sandbox.path("issuer.toml");
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_purser-server"))
        .args(["freeze", "--config", config.to_str().unwrap(), "--account", &person.account.to_string()])
        .output()
        .unwrap();
    let order = base64url::decode(String::from_utf8(program.stdout).unwrap().trim()).unwrap();
    scene.command(&order).await.is(&scene.world, Outcome::Recorded);
    scene.command(&operator.freeze(person.account)).await.is(&scene.world, Outcome::Recorded);
    scene.kill();
    scene.start();
    let (world, shop) = (&scene.world, &scene.shop);
    let offer = shop.offer(100);
    let intent = agent.intent(quota, &offer, 100);
    scene.pay(&offer, &intent).await.refuses(world, Code::AccountFrozen);
    let registered = scene.post("/v1/mandates", PAPER, &person.quota(&agent, 100)).await;
    registered.refuses(world, Code::AccountFrozen);
    scene.post("/v1/accounts", PAPER, &person.adds(&thief)).await.refuses(world, Code::AccountFrozen);
    scene.command(&person.retires(&person.key)).await.refuses(world, Code::AccountFrozen);
    // The merchant gets what it relied on, and what protects still works.
    scene.command(&shop.capture(id(&hold), 200, true)).await.is(world, Outcome::Captured);
    scene.command(&not_by_her).await.is(world, Outcome::Recorded);
    scene.command(&person.resumption(quota, id(&not_by_her))).await.is(world, Outcome::Recorded);

    // A merchant orders nothing of the kind.
    let by_shop = shop.sign(&purser_protocol::paper::command::Thaw {
        issuer: crate::papers::issuer(),
        account: person.account,
        issued_at: now(),
        nonce: purser_protocol::id::Nonce([1; 16]),
        key: None,
        reason: None,
    });
    let refused = scene.command(&by_shop).await;
    assert!(!refused.is_signed() && refused.status >= 400, "{}", refused.status);
    let fresh = Key::new();
    let thawed = scene.command(&operator.thaw(person.account, Some(&fresh))).await;
    thawed.is(world, Outcome::Recorded);
    assert!(!thawed.headers.contains_key(PURSER_CREDENTIAL) || thawed.status == 200);
    scene.read(&person.key, "/v1/account").await.decides_nothing(Code::ProofInvalid);
    let person = Person { key: fresh, account: person.account };
    assert_eq!(scene.balance(&person).await, 9_800);
    let offer = shop.offer(100);
    scene.pay(&offer, &agent.intent(quota, &offer, 100)).await.is(world, Outcome::Settled);
}

#[tokio::test]
async fn who_has_lost_all_keys_gets_in_again_by_the_code_of_a_new_one() {
    let scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 5_000)).await;
    let fresh = Key::new();
    let body = serde_json::json!({ "key": base64url::encode(&fresh.public()) }).to_string();
    let offered = scene.post("/v1/wallet/keys/offers", "application/json", body.as_bytes()).await.json();
    let program = |words: &[&str]| {
        let config = scene.sandbox.path("issuer.toml");
        let account = person.account.to_string();
        std::process::Command::new(env!("CARGO_BIN_EXE_purser-server"))
            .args([words[0], "--config", config.to_str().unwrap(), "--account", &account])
            .args(&words[1..])
            .output()
            .unwrap()
    };
    let order = |words: &[&str]| {
        let output = program(words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (base64url::decode(String::from_utf8(output.stdout).unwrap().trim()).unwrap(), output.stderr)
    };
    scene.command(&order(&["freeze"]).0).await.is(&scene.world, Outcome::Recorded);
    assert!(!program(&["thaw", "--code", "BBBB-BBBB"]).status.success(), "no key waits there");
    let (thaw, said) = order(&["thaw", "--code", offered["code"].as_str().unwrap()]);
    assert!(String::from_utf8(said).unwrap().contains(&fresh.name()), "its figures are to be compared");
    scene.command(&thaw).await.is(&scene.world, Outcome::Recorded);
    scene.read(&person.key, "/v1/account").await.decides_nothing(Code::ProofInvalid);
    let person = Person { key: fresh, account: person.account };
    assert_eq!(scene.mandate(&person, quota).await["state"], "active");
}

async fn statement(scene: &Scene, person: &Person) -> Statement {
    let read = scene.read(&person.key, "/v1/wallet/statement").await;
    let signed = Signed::<Statement>::read(&read.body).unwrap();
    let party = scene.world.register.party(&signed.header, Role::Issuer, now()).unwrap();
    let statement = signed.verify(&AwsLc, CONTEXT, &party.key).unwrap().open().unwrap();
    statement.check_lifetime().unwrap();
    (*statement).clone()
}

fn hex(text: &str) -> PaperId {
    let digits: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
    PaperId(digits.try_into().unwrap())
}
