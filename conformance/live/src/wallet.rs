//! A wallet under test: the suite plays its issuer on this machine, a hostile one too, asks for one thing after the
//! other, and judges what is signed and what is taken for done.

mod books;
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

use stage::Seals;
pub(crate) use stage::{Credits, Manners, Reply, Seen, Shows};

/// The checks, in the order of the report.
pub(crate) fn checks() -> Vec<&'static Check<Scene>> {
    checks::CHECKS.iter().chain(books::CHECKS).collect()
}

/// What a wallet is asked to do: the word that stands for `{task}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Open an account.
    Open,
    /// Sign a mandate of 100.00 CNY in all, 50.00 for one payment, for the agent, and register it.
    Mandate,
    /// Say yes to the payment that waits.
    Approve,
    /// Say no to it.
    Refuse,
    /// Let the mandate rest.
    Suspend,
    /// End the mandate.
    Revoke,
    /// Sign the same mandate on a spoken word.
    Spoken,
    /// List all mandates, as far as the issuer has signed for them.
    List,
    /// Fetch the records with their papers, as far as they verify.
    Bundle,
}

impl Task {
    const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mandate => "mandate",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Suspend => "suspend",
            Self::Revoke => "revoke",
            Self::Spoken => "speak",
            Self::List => "list",
            Self::Bundle => "bundle",
        }
    }
}

/// The command of the wallet under test, and whom the suite plays towards it.
pub(crate) struct Scene {
    command: String,
    folder: PathBuf,
    pub(crate) terms: Terms,
    seals: Arc<Seals>,
}

impl Scene {
    /// Makes certificates for whom the suite plays.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let number = u64::from_le_bytes(random().map_err(|failure| failure.message)?);
        let folder = std::env::temp_dir().join(format!("purser-drive-{number:016x}"));
        authority::write(&folder)?;
        // Nobody trusts this one.
        authority::write(&folder.join("stranger"))?;
        let seal = |name: &str| Seal::read(&folder.join(format!("{name}.pem")), &folder.join(format!("{name}.key")));
        let seals =
            Seals { merchant: seal("merchant")?, stranger: seal("stranger/merchant")?, issuer: seal("issuer")? };
        let currency = Currency::from_code("CNY").ok_or("no CNY")?;
        let terms = Terms { issuer: seals.issuer.name.clone(), network: "sandbox".to_owned(), currency };
        Ok(Self { command: options.target.clone(), terms, seals: Arc::new(seals), folder })
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject { name: self.command.clone(), versions: ["1".to_owned()].into(), ..Subject::default() }
    }

    pub(crate) fn lacks(&self, _need: &str) -> Option<String> {
        None
    }

    /// Asks for these things, one after the other, of an issuer with these manners; what it saw. What comes before
    /// the last one has to be done.
    pub(crate) async fn play(&self, manners: Manners, tasks: &[Task]) -> Result<Seen, Failure> {
        let stage = stage::Stage::open(self, manners).await?;
        let home = self.folder.join(format!("home-{:016x}", u64::from_le_bytes(random()?)));
        std::fs::create_dir_all(&home).map_err(|error| Failure::of_suite(error.to_string()))?;
        let agent = home.with_extension("pem");
        std::fs::write(&agent, stage.agent_pem()).map_err(|error| Failure::of_suite(error.to_string()))?;
        let (mut done, mut said) = (true, String::new());
        for (place, task) in tasks.iter().enumerate() {
            let waiting = stage.prepare(*task)?;
            let mandate = stage.mandate().map(|id| id.to_string()).unwrap_or_default();
            let values = [
                ("{task}", task.word().to_owned()),
                ("{issuer}", stage.issuer_url()),
                ("{roots}", self.folder.join("authority.pem").display().to_string()),
                ("{dir}", home.display().to_string()),
                ("{agent}", agent.display().to_string()),
                ("{mandate}", mandate),
                ("{intent}", waiting.map(|id| id.to_string()).unwrap_or_default()),
            ];
            let ended = peer::command(&self.command, &values).await?;
            (done, said) = (ended.done, ended.said);
            if !done && place + 1 < tasks.len() {
                let failure = Failure::new(crate::failure::Fault::Refused, format!("the wallet said: {said}"));
                return Err(failure.before(task.word()));
            }
        }
        Ok(stage.close(done, said))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
