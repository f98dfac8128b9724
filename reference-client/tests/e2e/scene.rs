//! An issuer, a merchant, and a folder of a person with an agent; and the command, run as others run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use purser_protocol::cert::Role;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::ca::Ca;
use crate::issuer::Issuer;
use crate::merchant::Merchant;

pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) merchant: Merchant,
    pub(crate) folder: PathBuf,
}

/// What a run of the command left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Scene {
    /// Servers, and nothing in the folder.
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("client-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let ca = Ca::new(&folder, "ca");
        ca.server("server");
        Ca::new(&folder, "other");
        let chain = ca.party(Role::Issuer, "issuer.example").chain;
        let issuer = Issuer::start(&folder, "127.0.0.1:0").await;
        let merchant = Merchant::start(&folder, &ca, chain).await;
        Self { issuer, merchant, folder }
    }

    /// And a folder with keys, an account with 1,000.00 CNY, and no mandate.
    pub(crate) async fn with_account() -> Self {
        let scene = Self::new().await;
        let roots = scene.file("ca.pem");
        scene.good(&["init", "--issuer", &scene.issuer.url, "--roots", &roots]).await;
        scene.good(&["account", "open"]).await;
        scene.good(&["account", "deposit", "1000.00 CNY"]).await;
        scene
    }

    /// And a quota of 500.00 CNY for the agent.
    pub(crate) async fn ready() -> Self {
        let scene = Self::with_account().await;
        scene.good(&["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "500.00"]).await;
        scene
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The address of what the merchant sells.
    pub(crate) fn shop(&self, target: &str) -> String {
        format!("{}{target}", self.merchant.url)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.home(), arguments)
    }

    /// Runs the command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        run(self.command(arguments)).await
    }

    /// Runs the command with `--json`; the exit code is also in the object.
    pub(crate) async fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let run = self.run(&[arguments, &["--json"]].concat()).await;
        let json: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {run:?}"));
        assert_eq!(json["schema"], "purser.cli/1");
        assert_eq!(json["exit"], run.code, "{json}");
        (run.code, json)
    }

    /// Runs what must succeed.
    pub(crate) async fn good(&self, arguments: &[&str]) -> Value {
        let (code, json) = self.json(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {json}");
        json
    }

    /// Fetches at most for 20.00 CNY.
    pub(crate) async fn fetch(&self, target: &str, more: &[&str]) -> (i32, Value) {
        let url = self.shop(target);
        self.json(&[&["fetch", &url, "--max", "20.00 CNY"], more].concat()).await
    }

    /// What is left of the 1,000.00 CNY, in minor units.
    pub(crate) async fn balance(&self) -> u64 {
        let account = self.good(&["account", "show"]).await;
        account["balances"][0]["amount_minor"].as_str().unwrap().parse().unwrap()
    }

    /// The attempts on the disk that are not over.
    pub(crate) fn open_attempts(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home().join("attempts")).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.issuer.life.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purser"));
    command.args(arguments).env_clear().env("PURSER_DIR", home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub(crate) async fn run(mut command: Command) -> Run {
    let output = within(command.output()).await.unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Kills a process as the power does.
pub(crate) async fn kill(mut child: Child) {
    child.kill().await.unwrap();
}

/// Fails a test that hangs; no test passes or fails by how long this takes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("the test hangs")
}
