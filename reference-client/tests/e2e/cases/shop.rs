use purser_server::config::Config;
use purser_server::life::Life;
use purser_server::role::{self, Role};
use purser_server::sandbox::{self, Plan};
use purser_server::serve::{Bound, Server};
use serde_json::Value;

use crate::scene::{Run, command, run};

/// The servers as others start them: `purser-server sandbox`, then both roles.
pub(super) struct Sandbox {
    pub(super) folder: std::path::PathBuf,
    pub(super) url: String,
    _servers: [Server; 2],
}

impl Sandbox {
    pub(super) async fn start(name: &str) -> Self {
        let folder =
            std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let plan = Plan { dir: folder.clone(), issuer_listen: any, merchant_listen: any, seller_listen: any };
        let written = sandbox::write(&plan).unwrap();
        let mut servers = Vec::new();
        for role in [Role::Issuer, Role::Merchant] {
            let config = Config::load(&written.path(&format!("{}.toml", role.name()))).unwrap();
            let life = Life::new();
            let bound = Bound::bind(&config.shell).await.unwrap();
            let app = role::app(role, &config, bound.url(), &life).unwrap();
            servers.push(bound.serve(app, life));
        }
        let (issuer, url) = (servers[0].url().to_owned(), servers[1].url().to_owned());
        let Ok(servers) = <[Server; 2]>::try_from(servers) else { panic!("two servers") };
        let sandbox = Self { folder, url, _servers: servers };
        let roots = written.path("roots.pem");
        sandbox.good(&["init", "--issuer", &issuer, "--roots", roots.to_str().unwrap()]).await;
        sandbox.good(&["account", "open"]).await;
        sandbox.good(&["account", "deposit", "1000.00 CNY"]).await;
        sandbox
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Run {
        run(command(&self.folder.join("home"), arguments)).await
    }

    pub(super) async fn good(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat()).await;
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", String::from_utf8_lossy(&run.stdout), run.stderr);
        serde_json::from_slice(&run.stdout).unwrap()
    }

    async fn fetch(&self, target: &str) -> (i32, Value) {
        let url = format!("{}{target}", self.url);
        let run = self.run(&["fetch", &url, "--max", "300.00 CNY", "--json"]).await;
        (run.code, serde_json::from_slice(&run.stdout).unwrap())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_merchant_is_paid() {
    let sandbox = Sandbox::start("shop").await;
    let new = ["mandate", "new", "--currency", "CNY", "--mode", "conditional"];
    let grants = ["--grant", "category=5411,per-payment=200.00", "--grant", "category=5814+5942,ask-above=40.00"];
    sandbox.good(&[&new[..], &grants].concat()).await;

    for (target, code, state) in [
        ("/coffee", 0, "settled"),
        ("/report?on=tea", 0, "settled"),
        ("/groceries", 0, "settled"),
        ("/book", 3, "confirmation-required"),
    ] {
        let (exit, json) = sandbox.fetch(target).await;
        assert_eq!((exit, &json["payment"]["state"]), (code, &state.into()), "{target}: {json}");
        if code == 0 {
            assert_eq!(json["warnings"], serde_json::json!([]), "{target}: {json}");
        }
    }
    for target in ["/feast", "/taxi"] {
        let (exit, json) = sandbox.fetch(target).await;
        assert_eq!((exit, &json["error"]["code"]), (1, &"no-grant".into()), "{target}: {json}");
    }
    assert_eq!(sandbox.fetch("/nothing").await.0, 1);

    let pending = sandbox.good(&["confirm", "ls"]).await;
    let user_code = pending["pending"][0]["user_code"].as_str().unwrap();
    sandbox.good(&["confirm", "approve", user_code, "--yes"]).await;
    let (exit, json) = sandbox.fetch("/book").await;
    assert_eq!((exit, &json["payment"]["state"]), (0, &"authorized".into()), "{json}");

    let payment = json["payment"]["intent"].as_str().unwrap();
    let (certificate, key) = (sandbox.folder.join("merchant.pem"), sandbox.folder.join("merchant.key"));
    let own = ["--certificate", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    sandbox.good(&[&["capture", payment, "45.00 CNY"], &own[..]].concat()).await;
    sandbox.good(&[&["refund", payment, "45.00 CNY"], &own[..]].concat()).await;
    let account = sandbox.good(&["account", "show"]).await;
    let spent = 1_280 + 2_800 + 19_900;
    assert_eq!(account["balances"][0]["amount_minor"], (100_000 - spent).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_has_one_name_at_a_merchant_and_another_at_the_next() {
    let sandbox = Sandbox::start("names").await;
    let made = sandbox.good(&["mandate", "new", "--currency", "CNY", "--mode", "quota", "--total", "50.00"]).await;
    let id = made["mandate"].as_str().unwrap();
    let paper = sandbox.folder.join("pseudonym.cose");
    let ask = async |more: &[&str]| sandbox.good(&[&["mandate", "pseudonym", id][..], more].concat()).await;
    let here = ask(&["shop.example", "--agent", "--out", paper.to_str().unwrap()]).await;
    assert_eq!(ask(&["shop.example"]).await["pseudonym"], here["pseudonym"], "to the person as to the agent [INT-1]");
    assert_ne!(ask(&["other.example"]).await["pseudonym"], here["pseudonym"], "[PRV-2]");
    let shown = sandbox.good(&["paper", "verify", paper.to_str().unwrap()]).await;
    assert_eq!(shown["kind"], "purser-pseudonym", "{shown}");

    let (id, nobody) = (&id[..id.len() - 1], "not a name");
    assert_eq!(sandbox.run(&["mandate", "pseudonym", id, nobody]).await.code, 2);
    assert_eq!(sandbox.run(&["mandate", "pseudonym", &"9".repeat(64), "shop.example"]).await.code, 1);
}
