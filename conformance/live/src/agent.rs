//! An agent under test: the suite plays a merchant and an issuer on this machine, hostile ones too, and judges the
//! bytes that the agent sends.

mod checks;
mod stage;

use std::path::PathBuf;
use std::sync::Arc;

use purser_protocol::money::Currency;

use crate::authority;
use crate::check::Check;
use crate::failure::Failure;
use crate::papers::{Seal, Terms};
use crate::peer;
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

    /// Lets the agent fetch something once, among peers with these manners; what they saw of it.
    pub(crate) async fn play(&self, manners: Manners) -> Result<Seen, Failure> {
        let stage = stage::Stage::open(self, manners).await?;
        let home = self.folder.join(format!("home-{:016x}", u64::from_le_bytes(random()?)));
        std::fs::create_dir_all(&home).map_err(|error| Failure::of_suite(error.to_string()))?;
        let values = [
            ("{url}", stage.shop_url("/tea?grams=50")),
            ("{issuer}", stage.issuer_url()),
            ("{roots}", self.folder.join("authority.pem").display().to_string()),
            ("{mandate}", stage.mandate.to_string()),
            ("{dir}", home.display().to_string()),
        ];
        let ended = peer::command(&self.command, &values).await?;
        Ok(stage.close(ended.said))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
