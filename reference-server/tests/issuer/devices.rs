//! A device asks for a mandate of its own, its person answers, and it is cut off alone.

use axum::http::Method;
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::Set;
use purser_protocol::id::PaperId;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;
use serde_json::{Value, json};

use crate::line::Answer;
use crate::papers::{Key, Person, amount, intent, now, rules};
use crate::scene::Scene;

/// Asks as a device, with a proof by whichever key.
async fn ask(scene: &Scene, device: &Key, proven_by: Option<&Key>) -> Answer {
    let body = json!({ "key": base64url::encode(&device.public()), "name": "Glasses" }).to_string().into_bytes();
    let proof = proven_by.map(|key| key.proof(&format!("POST {}/v1/devices", scene.url())));
    scene.ask(Method::POST, "/v1/devices", body, "application/json", proof.as_deref(), None).await
}

async fn asked(scene: &Scene, device: &Key) -> Value {
    let told = ask(scene, device, Some(device)).await;
    assert_eq!(told.status, 200, "{}", told.json());
    told.json()
}

async fn again(scene: &Scene, told: &Value) -> Answer {
    let body = json!({ "device_code": told["device_code"] }).to_string();
    scene.post("/v1/devices/answers", "application/json", body.as_bytes()).await
}

/// Answers as a person: with a mandate, or with a no.
async fn answer(scene: &Scene, person: &Person, told: &Value, mandate: Option<PaperId>) -> Answer {
    let path = format!("/v1/wallet/devices/{}", told["user_code"].as_str().unwrap());
    let body = json!({ "mandate": mandate.map(|id| id.to_string()) }).to_string().into_bytes();
    let proof = person.key.proof(&format!("POST {}{path}", scene.url()));
    scene.ask(Method::POST, &path, body, "application/json", Some(&proof), None).await
}

/// A mandate that a key holds and that is bound to these devices.
fn bound(person: &Person, holder: &Key, devices: &[&Key]) -> Vec<u8> {
    let named = devices.iter().map(|key| key.thumbprint()).collect();
    let fields = Fields { total: Some(amount(1_000)), devices: Set::new(named), ..Fields::default() };
    person.key.sign(&Mandate { caps: rules(fields), ..person.draft(Mode::Quota, holder) })
}

#[tokio::test]
async fn a_device_asks_until_its_person_has_answered() {
    let scene = Scene::new();
    let device = Key::new();
    ask(&scene, &device, None).await.decides_nothing(Code::ProofRequired);
    ask(&scene, &device, Some(&Key::new())).await.decides_nothing(Code::ProofInvalid);
    let told = asked(&scene, &device).await;
    assert_eq!((&told["interval"], &told["expires_in"]), (&5.into(), &600.into()));
    assert_eq!(told["key"], device.name());
    let (page, code) = (told["verification_uri"].as_str().unwrap(), told["user_code"].as_str().unwrap());
    assert_eq!(told["verification_uri_complete"], format!("{page}/{code}"));

    let waiting = again(&scene, &told).await;
    waiting.decides_nothing(Code::DevicePending);
    assert_eq!((&waiting.json()["error"], &waiting.json()["interval"]), (&"authorization_pending".into(), &5.into()));
    // The clock is put where it was: no time is over.
    scene.set_clock(now().get()).await;
    let hasty = again(&scene, &told).await;
    hasty.decides_nothing(Code::DeviceSlowDown);
    assert_eq!((&hasty.json()["error"], &hasty.json()["interval"]), (&"slow_down".into(), &10.into()));
    // Another secret with the same code is nobody's.
    let forged = json!({ "device_code": format!("{code}.{}", base64url::encode(&[7; 32])) });
    again(&scene, &forged).await.decides_nothing(Code::NotFound);

    let other = asked(&scene, &Key::new()).await;
    let person = scene.person(10_000).await;
    assert_eq!(answer(&scene, &person, &other, None).await.status, 200);
    again(&scene, &other).await.decides_nothing(Code::DeviceRefused);
    // The first answer is the answer.
    answer(&scene, &person, &other, None).await.decides_nothing(Code::NotFound);

    scene.set_clock(now().get() + 700).await;
    again(&scene, &told).await.decides_nothing(Code::DeviceExpired);
    again(&scene, &other).await.decides_nothing(Code::DeviceRefused);
}

#[tokio::test]
async fn a_device_gets_a_mandate_that_it_alone_can_use_and_is_cut_off_alone() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let (glasses, cockpit) = (Key::new(), Key::new());
    let told = asked(&scene, &glasses).await;
    let path = format!("/v1/wallet/devices/{}", told["user_code"].as_str().unwrap());
    let shown = scene.read(&person.key, &path).await.json();
    assert_eq!((&shown["name"], &shown["public"]), (&"Glasses".into(), &base64url::encode(&glasses.public()).into()));
    // A device reads nothing of the account, and answers nothing: not even itself.
    scene.read(&glasses, &path).await.decides_nothing(Code::ProofInvalid);
    let by_device = Person { key: glasses, account: person.account };
    answer(&scene, &by_device, &told, None).await.decides_nothing(Code::ProofInvalid);
    let glasses = by_device.key;

    // What another could use, what is bound to none or to several, what is another's, what rests.
    let stranger = scene.person(10_000).await;
    let resting = scene.register(&bound(&person, &glasses, &[&glasses])).await;
    scene.command(&person.suspension(resting)).await.is(&scene.world, Outcome::Recorded);
    let mut unfit = vec![resting, PaperId([9; 32])];
    for mandate in [
        person.quota(&glasses, 1_000),
        bound(&person, &cockpit, &[&glasses]),
        bound(&person, &glasses, &[&cockpit]),
        bound(&person, &glasses, &[&glasses, &cockpit]),
        bound(&stranger, &glasses, &[&glasses]),
    ] {
        unfit.push(scene.register(&mandate).await);
    }
    for mandate in unfit {
        answer(&scene, &person, &told, Some(mandate)).await.decides_nothing(Code::DeviceMismatch);
    }
    let mandate = scene.register(&bound(&person, &glasses, &[&glasses])).await;
    // What waits outlives the program.
    scene.kill();
    scene.start();
    assert_eq!(answer(&scene, &person, &told, Some(mandate)).await.status, 200);
    assert_eq!(again(&scene, &told).await.json(), json!({ "mandate": mandate.to_string() }));

    // It pays as itself, and as no other device.
    let pays = |device: &Key, mandate: PaperId, named: Option<&Key>| {
        let offer = scene.shop.offer(100);
        let named = named.map(Key::thumbprint);
        let intent = device.sign(&Intent { device: named, ..intent(mandate, &offer, 100) });
        (offer, intent)
    };
    for named in [None, Some(&cockpit)] {
        let (offer, intent) = pays(&glasses, mandate, named);
        scene.pay(&offer, &intent).await.refuses(&scene.world, Code::RuleDevice);
    }
    let (offer, intent) = pays(&glasses, mandate, Some(&glasses));
    scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Settled);

    // The other device has a mandate too; the first is cut off, and the other goes on.
    let others = asked(&scene, &cockpit).await;
    let second = scene.register(&bound(&person, &cockpit, &[&cockpit])).await;
    assert_eq!(answer(&scene, &person, &others, Some(second)).await.status, 200);
    scene.command(&person.revocation(mandate)).await.is(&scene.world, Outcome::Recorded);
    let (offer, intent) = pays(&glasses, mandate, Some(&glasses));
    scene.pay(&offer, &intent).await.refuses(&scene.world, Code::MandateRevoked);
    let (offer, intent) = pays(&cockpit, second, Some(&cockpit));
    scene.pay(&offer, &intent).await.is(&scene.world, Outcome::Settled);
}
