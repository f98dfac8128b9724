//! `purser wallet`: many mandates at once, and what can be taken away and checked elsewhere.

use std::fs;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_changes_all_mandates_of_an_agent_and_exports_what_happened() {
    let scene = Scene::with_account().await;
    for total in ["100.00", "200.00"] {
        scene.good(&["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", total]).await;
    }
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    let listed = scene.good(&["wallet", "ls"]).await;
    assert_eq!((listed["mandates"].as_array().unwrap().len(), listed["statement"]["listed"].as_u64()), (2, Some(2)));
    let agents = scene.good(&["wallet", "agents"]).await;
    let agent = agents["agents"][0]["agent"].as_str().unwrap().to_owned();
    assert_eq!(agents["agents"][0]["spent"][0]["spent_minor"], "1280");

    // A voice raises nothing; a person who is shown what is signed does.
    let relimit = ["wallet", "relimit", "--agent", &agent[..12], "--per-payment", "5.00", "--yes"];
    let (code, spoken) = scene.json(&[&relimit[..], &["--how", "voice"]].concat()).await;
    assert_eq!((code, &spoken["error"]["code"]), (2, &"voice-forbidden".into()));
    let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "1.00", "--how", "voice"];
    let (code, spoken) = scene.json(&new).await;
    assert_eq!((code, &spoken["error"]["code"]), (2, &"voice-forbidden".into()));
    assert_eq!(scene.good(&["wallet", "ls"]).await["statement"]["listed"], 2);
    assert_eq!(scene.good(&relimit).await["count"], 2);
    assert_eq!(scene.good(&["wallet", "ls"]).await["statement"]["listed"], 4);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 1, "12.80 is above 5.00");
    let spent = scene.good(&["wallet", "ls", "--state", "active"]).await;
    let spent = spent["mandates"].as_array().unwrap().iter().filter(|mandate| mandate["spent_minor"] == "1280").count();
    assert_eq!(spent, 1, "what was spent counts on");

    scene.good(&["wallet", "fund", "50.00 CNY", "--state", "active", "--yes"]).await;
    assert_eq!(scene.balance().await, 100_000 - 1_280 - 10_000);
    scene.good(&["wallet", "defund", "50.00 CNY", "--state", "active", "--yes"]).await;
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    scene.good(&["wallet", "suspend", "--agent", &agent, "--yes"]).await;
    assert_eq!(scene.good(&["wallet", "ls", "--state", "suspended"]).await["mandates"].as_array().unwrap().len(), 2);
    scene.good(&["wallet", "resume", "--state", "suspended", "--yes"]).await;
    scene.good(&["wallet", "revoke", "--state", "active", "--yes"]).await;

    let spending = scene.good(&["wallet", "spending", "--by", "month", "--zone", "Asia/Shanghai"]).await;
    assert_eq!(
        (&spending["spending"][0]["spent_minor"], spending["spending"][0]["payments"].as_u64()),
        (&"1280".into(), Some(1))
    );
    let records = scene.good(&["wallet", "records", "--kind", "payment"]).await;
    let record = records["records"].as_array().unwrap().last().unwrap();
    let shown = scene.good(&["wallet", "show", record["receipt"].as_str().unwrap()]).await;
    assert_eq!(shown["record"]["papers"].as_array().unwrap().len(), 2);
    assert_eq!(scene.good(&["wallet", "keys"]).await["keys"].as_array().unwrap().len(), 1);
    let watched = scene.good(&["wallet", "watch", "--after", "1", "--wait", "20"]).await;
    assert_eq!(watched["records"][0]["number"], 2);

    let (csv, bundle) = (scene.file("records.csv"), scene.file("records.bundle"));
    let count = scene.good(&["wallet", "export", &csv]).await["records"].as_u64().unwrap();
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count() as u64, count + 1);
    assert_eq!(scene.good(&["wallet", "export", &bundle, "--as", "bundle"]).await["records"], count);
    let verified = scene.good(&["paper", "verify", "--bundle", &bundle]).await;
    assert_eq!(verified["records"], count);
    // One byte of it, wherever it stands, is found: here in the last part of the last batch.
    let mut bytes = fs::read(&bundle).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    assert_eq!(scene.run(&["paper", "verify", "--bundle", &bundle]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoken_yes_has_the_phrase_and_a_transcript() {
    let scene = Scene::with_account().await;
    let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "500.00", "--ask-above", "5.00"];
    scene.good(&new).await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 3, "{json}");
    let user_code = json["payment"]["approval"]["user_code"].as_str().unwrap().to_owned();
    let approve = ["confirm", "approve", &user_code, "--yes", "--how", "voice"];
    assert_eq!(scene.run(&approve).await.code, 2, "what was heard must be given");
    let wrong = scene.run(&[&approve[..], &["--heard", "yes please"]].concat()).await;
    assert_eq!(wrong.code, 1, "{}", wrong.stderr);
    assert_eq!(scene.balance().await, 100_000);
    let phrase = wrong.stderr.lines().find_map(|line| line.split_once("say: ").map(|(_, phrase)| phrase)).unwrap();
    let approved = scene.good(&[&approve[..], &["--heard", phrase]].concat()).await;
    assert_eq!(approved["receipt"]["outcome"], "settled");
}
