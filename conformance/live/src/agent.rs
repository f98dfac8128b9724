//! An agent under test: the suite plays a merchant and an issuer on this machine, hostile ones too, and judges the
//! bytes that the agent sends.

mod checks;
mod stage;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use purser_protocol::money::Currency;
use tokio::process::Command;

use crate::authority;
use crate::check::Check;
use crate::failure::Failure;
use crate::line::within;
use crate::papers::{Seal, Terms};
use crate::random::random;
use crate::run::{Options, Subject};

use stage::Papers;
pub(crate) use stage::{Manners, Reply, Seen};

/// The checks, in the order of the report.
pub(crate) fn checks() -> Vec<&'static Check<Scene>> {
    checks::CHECKS.iter().collect()
}

/// The command of the agent under test, and whom the suite plays towards it.
pub(crate) struct Scene {
    command: String,
    folder: PathBuf,
    pub(crate) terms: Terms,
    pub(crate) papers: Arc<Papers>,
}

impl Scene {
    /// Makes certificates for whom the suite plays.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let number = u64::from_le_bytes(random().map_err(|failure| failure.message)?);
        let folder = std::env::temp_dir().join(format!("purser-drive-{number:016x}"));
        authority::write(&folder)?;
        let seal = |name: &str| Seal::read(&folder.join(format!("{name}.pem")), &folder.join(format!("{name}.key")));
        let papers =
            Papers { merchant: seal("merchant")?, other_merchant: seal("other-merchant")?, issuer: seal("issuer")? };
        let currency = Currency::from_code("CNY").ok_or("no CNY")?;
        let terms = Terms { issuer: papers.issuer.name.clone(), network: "sandbox".to_owned(), currency };
        Ok(Self { command: options.target.clone(), terms, papers: Arc::new(papers), folder })
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject { name: self.command.clone(), versions: ["1".to_owned()].into(), ..Subject::default() }
    }

    pub(crate) fn lacks(&self, _need: &str) -> Option<String> {
        None
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Lets the agent fetch something once, among peers with these manners; what they saw of it.
    pub(crate) async fn play(&self, manners: Manners) -> Result<Seen, Failure> {
        let stage = stage::Stage::open(self, manners).await?;
        let home = self.folder.join(format!("home-{:016x}", u64::from_le_bytes(random()?)));
        std::fs::create_dir_all(&home).map_err(|error| Failure::of_suite(error.to_string()))?;
        let mandate: String = stage.mandate.to_string();
        let mut line = self.command.clone();
        for (name, value) in [
            ("{url}", stage.shop_url("/tea?grams=50")),
            ("{issuer}", stage.issuer_url()),
            ("{roots}", self.file("authority.pem").display().to_string()),
            ("{mandate}", mandate),
            ("{dir}", home.display().to_string()),
        ] {
            line = line.replace(name, &value);
        }
        let mut command = Command::new("sh");
        command.arg("-c").arg(&line).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let output = within(&line, async { command.output().await.map_err(|error| error.to_string()) }).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().rev().take(300).collect::<String>();
        let said = [text(&output.stdout), text(&output.stderr)].map(|text| text.chars().rev().collect::<String>());
        Ok(stage.close(said.join(" ")))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
