use std::os::unix::fs::PermissionsExt as _;

use crate::scene::{Scene, command, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_made_once_and_for_its_owner() {
    let scene = Scene::with_account().await;
    for (name, mode) in
        [("", 0o700), ("keys", 0o700), ("keys/person.pem", 0o600), ("keys/agent.pem", 0o600), ("config.toml", 0o600)]
    {
        let found = std::fs::metadata(scene.home().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    let roots = scene.file("ca.pem");
    let again = scene.run(&["init", "--issuer", &scene.issuer.url, "--roots", &roots]).await;
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("fix:"), "{}", again.stderr);
    assert_eq!(scene.run(&["account", "open"]).await.code, 1, "there is one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_speaks_for_the_account() {
    let scene = Scene::with_account().await;
    let other = scene.folder.join("other-home");
    let roots = scene.file("ca.pem");
    let made =
        run(command(&other, &["init", "--issuer", &scene.issuer.url, "--roots", &roots, "--keys", "person"])).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let show = || run(command(&other, &["account", "show"]));
    assert_eq!(show().await.code, 1, "nobody knows it yet");
    let key = other.join("keys/person.pem.pub");
    scene.good(&["account", "key", "add", key.to_str().unwrap()]).await;
    let shown = show().await;
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("1000.00 CNY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_lives_its_life() {
    let scene = Scene::ready().await;
    let listed = scene.good(&["mandate", "ls"]).await;
    let id = listed["mandates"][0]["id"].as_str().unwrap().to_owned();
    let state = async |id: &str| scene.good(&["mandate", "show", id]).await["mandate"]["status"]["state"].clone();
    assert_eq!(state(&id[..8]).await, "active");
    scene.good(&["mandate", "suspend", &id, "--reason", "on holiday"]).await;
    assert_eq!(state(&id).await, "suspended");
    scene.good(&["mandate", "resume", &id]).await;
    assert_eq!(state(&id).await, "active");

    assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    let replaced = scene.good(&["mandate", "replace", &id, "--total", "20.00", "--per-day", "15.00"]).await;
    let next = replaced["mandate"].as_str().unwrap();
    assert_eq!((state(&id).await, state(next).await), ("superseded".into(), "active".into()));
    let shown = scene.good(&["mandate", "show", next]).await;
    assert_eq!(shown["mandate"]["left_minor"], "720", "what was spent counts on");
    let (code, json) = scene.fetch("/tea", &["--mandate", &id]).await;
    assert_eq!(code, 1, "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("mandate-superseded"), "{json}");

    scene.good(&["mandate", "revoke", next]).await;
    assert_eq!(state(next).await, "revoked");
    let (code, json) = scene.json(&["mandate", "resume", next]).await;
    assert_eq!(code, 1, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_delegates_and_gives_up() {
    let scene = Scene::ready().await;
    let id = scene.good(&["mandate", "ls"]).await["mandates"][0]["id"].as_str().unwrap().to_owned();
    // A sub-agent in a folder of its own.
    let sub = scene.folder.join("sub");
    let roots = scene.file("ca.pem");
    let made = run(command(&sub, &["init", "--issuer", &scene.issuer.url, "--roots", &roots, "--keys", "agent"])).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let key = sub.join("keys/agent.pem.pub");
    let new =
        ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "15.00", "--parent", &id, "--holder"];
    scene.good(&[&new[..], &[key.to_str().unwrap()]].concat()).await;
    let url = scene.shop("/tea");
    let fetch = || run(command(&sub, &["fetch", &url, "--max", "20.00 CNY"]));
    let fetched = fetch().await;
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    assert_eq!(fetch().await.code, 1, "its own total");
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    let shown = scene.good(&["mandate", "show", &id]).await;
    assert_eq!(shown["mandate"]["left_minor"], "48720", "it counts above too");
    scene.good(&["mandate", "revoke", &id, "--agent"]).await;
    assert_eq!(fetch().await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_wrongly_is_usage() {
    let scene = Scene::ready().await;
    let url = scene.shop("/tea");
    for arguments in [
        &["fetch"][..],
        &["fetch", &url, "--max", "20"],
        &["fetch", &url, "--max", "20,00 CNY"],
        &["fetch", "shop.example", "--max", "20.00 CNY"],
        &["fetch", "http://shop.example/", "--max", "20.00 CNY"],
        &["fetch", &url, "--max", "20.00 CNY", "--header", "Authorization: Bearer x"],
        &["fetch", &url, "--max", "20.00 CNY", "--mandate", "xyz"],
        &["mandate", "new", "--mode", "quota", "--currency", "CNY"],
        &["mandate", "new", "--mode", "single", "--currency", "CNY", "--total", "1.00"],
        &["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "1.00 USD"],
        &["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "1.00", "--expires", "soon"],
        &["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "1.00", "--holder", "Nobody"],
        &["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "1.00", "--zone", "Mars"],
        &["mandate", "new", "--mode", "conditional", "--currency", "CNY", "--grant", "limit=1"],
        &["mandate", "suspend"],
        &["mandate", "suspend", "00000000"],
        &["payment", "show", "zz"],
        &["account", "deposit", "1.00"],
        &["nothing"],
    ] {
        let run = scene.run(arguments).await;
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{arguments:?}");
        let (_, json) = scene.json(arguments).await;
        assert!(!json["error"]["what"].as_str().unwrap().is_empty(), "{json}");
    }
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_not_there_or_not_ours_is_unreachable() {
    let scene = Scene::ready().await;
    // A port that was free a moment ago.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (code, json) = scene.json(&["fetch", &format!("https://{free}/"), "--max", "1.00 CNY"]).await;
    assert_eq!(code, 5, "{json}");
    assert_eq!(json["error"]["retry"], "same");

    // A server under an authority that is not ours.
    std::fs::copy(scene.file("other.pem"), scene.home().join("roots.pem")).unwrap();
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 5, "{json}");
    assert!(json["error"]["what"].as_str().unwrap().starts_with("TLS: "), "{json}");

    // Hosts of this machine, where they are not asked for.
    std::fs::copy(scene.file("ca.pem"), scene.home().join("roots.pem")).unwrap();
    let config = scene.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("private_addresses = true", "private_addresses = false")).unwrap();
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 1, "{json}");
    assert!(json["error"]["what"].as_str().unwrap().contains("open network"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let scene = Scene::ready().await;
    let found = scene.good(&["doctor"]).await;
    assert!(found["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{found}");

    let wrong = async |name: &str, code: i32| {
        let (exit, found) = scene.json(&["doctor"]).await;
        assert_eq!(exit, code, "{found}");
        let failed: Vec<_> = found["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{found}");
        assert_eq!(failed[0]["name"], name);
        assert!(failed[0]["fix"].is_string(), "{found}");
    };
    let key = scene.home().join("keys/agent.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    wrong("agent's key", 1).await;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(scene.home(), std::fs::Permissions::from_mode(0o755)).unwrap();
    wrong("folder", 1).await;
    std::fs::set_permissions(scene.home(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let config = scene.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    std::fs::write(&config, text.replace(&scene.issuer.url, &format!("https://{free}"))).unwrap();
    wrong("issuer", 5).await;
    std::fs::write(&config, text.replace("network = \"sandbox\"", "netwrok = \"sandbox\"")).unwrap();
    wrong("config", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_whose_clock_is_set_can_be_followed() {
    let scene = Scene::ready().await;
    let ahead = purser_client::clock::Clock::machine().now().get() + 5 * 86_400;
    set_clock(&scene, ahead).await;
    let (code, found) = scene.json(&["doctor"]).await;
    assert_eq!(code, 1, "{found}");
    assert!(found.to_string().contains("clock = \\\"issuer\\\""), "{found}");
    let config = scene.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("clock = \"machine\"", "clock = \"issuer\"")).unwrap();
    scene.good(&["doctor"]).await;
    scene.good(&["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "5.00"]).await;
}

async fn set_clock(scene: &Scene, now: u64) {
    use purser_client::connect::{Connector, Options, Request, Url};
    let roots = purser_client::keys::load_certificates(&scene.folder.join("ca.pem")).unwrap();
    let connector = Connector::new(Options { private_addresses: true, ..Options::new(roots) }).unwrap();
    let url = Url::parse(&scene.issuer.url).unwrap().with_target("/v1/sandbox/clock");
    let body = format!("{{\"now\":{now}}}");
    let json = hyper::header::HeaderValue::from_static("application/json");
    let request = Request::new(hyper::Method::POST, url).header(hyper::header::CONTENT_TYPE, json).body(body);
    let response = connector.send(&request).await.unwrap();
    assert_eq!(response.status, 200, "{response:?}");
}
