//! The folder: certificates, configuration, store, and the agents' keys.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use purser_protocol::flow::certificate_id;
use purser_protocol::id::{AccountId, CertificateId, PaperId, PartyId};
use purser_protocol::money::Currency;
use purser_protocol::sign::Context;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_server::config::Config;
use purser_server::sandbox::{self, ISSUER, MERCHANT, NETWORK, Plan};
use purser_server::{pem, random};

use crate::Failure;

/// What papers are signed for.
pub(crate) const CONTEXT: Context<'_> = Context { network: NETWORK };
/// How long the certificates have been valid: the time over which a store is filled, and some more.
pub(crate) const BACKDATED_SECONDS: u64 = 20 * 86_400;
/// Who may pay: account, mandate and key of each agent, a line each.
const AGENTS: &str = "agents";

/// Limits that are no part of what is measured are lifted: one address sends everything, and few agents send much.
const LIFTED: &str = "
snapshot_every = 1000000
wallet_idle = false
agent_requests = 0

[shell.limits]
rate_requests = 0
connections = 4096
connections_per_address = 4096
";

/// The folder.
pub(crate) struct Stage {
    pub(crate) dir: PathBuf,
    /// Whether it goes with the run.
    is_passing: bool,
}

/// An agent that may pay.
pub(crate) struct Agent {
    pub(crate) account: AccountId,
    pub(crate) mandate: PaperId,
    pub(crate) key: AwsLcSigner,
}

/// The one who sells.
pub(crate) struct Shop {
    pub(crate) id: PartyId,
    pub(crate) certificate: CertificateId,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) signer: AwsLcSigner,
}

impl Stage {
    /// The folder that was asked for, or one that goes with the run; made where it is not there.
    pub(crate) fn set(dir: Option<&Path>, store: Option<&str>) -> Result<Self, Failure> {
        let name = format!("purser-bench-{:08x}", u32::from_be_bytes(random::random()?));
        let stage = Self {
            dir: dir.map_or_else(|| std::env::temp_dir().join(name), Path::to_owned),
            is_passing: dir.is_none(),
        };
        if !stage.config_path().exists() {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let plan = Plan { dir: stage.dir.clone(), issuer_listen: any, merchant_listen: any, seller_listen: any };
            sandbox::write_since(&plan, BACKDATED_SECONDS)?;
            let text = fs::read_to_string(stage.config_path())?;
            fs::write(stage.config_path(), text + LIFTED)?;
        }
        if let Some(store) = store {
            let text = fs::read_to_string(stage.config_path())?;
            let other = text.lines().map(|line| match line.starts_with("store = ") {
                true => format!("store = {store:?}\n"),
                false => format!("{line}\n"),
            });
            fs::write(stage.config_path(), other.collect::<String>())?;
        }
        Ok(stage)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path("issuer.toml")
    }

    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config_path())?)
    }

    /// Whether the accounts and mandates are there.
    pub(crate) fn has_agents(&self) -> bool {
        self.path(AGENTS).exists()
    }

    pub(crate) fn keep_agents(&self, agents: &[(AccountId, PaperId, Vec<u8>)]) -> Result<(), Failure> {
        let mut text = String::new();
        for (account, mandate, key) in agents {
            text.push_str(&format!("{account} {mandate} {}\n", hex(key)));
        }
        let beside = self.path("agents-new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(fs::rename(beside, self.path(AGENTS))?)
    }

    pub(crate) fn agents(&self) -> Result<Vec<Agent>, Failure> {
        let text = fs::read_to_string(self.path(AGENTS))?;
        let agents = text.lines().map(|line| {
            let mut words = line.split(' ').filter_map(unhex);
            let account = AccountId(words.next()?.try_into().ok()?);
            let mandate = PaperId(words.next()?.try_into().ok()?);
            Some(Agent { account, mandate, key: AwsLcSigner::from_pkcs8(&words.next()?)? })
        });
        let agents: Option<Vec<Agent>> = agents.collect();
        agents.filter(|agents| !agents.is_empty()).ok_or_else(|| "the file of agents cannot be read".into())
    }

    pub(crate) fn shop(&self) -> Result<Shop, Failure> {
        let chain = pem::certificates(&self.path("merchant.pem"))?;
        let key = pem::private_key(&self.path("merchant.key"))?;
        Ok(Shop {
            id: PartyId::new(MERCHANT).ok_or("not a party's name")?,
            certificate: certificate_id(chain.first().ok_or("the shop has no certificate")?),
            signer: AwsLcSigner::from_pkcs8(&key).ok_or("the shop's key is none")?,
            chain,
        })
    }

    /// How much the folder takes.
    pub(crate) fn bytes(&self) -> u64 {
        let files = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.is_passing {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

pub(crate) fn issuer() -> Result<PartyId, Failure> {
    PartyId::new(ISSUER).ok_or_else(|| "not a party's name".into())
}

pub(crate) fn yuan() -> Result<Currency, Failure> {
    Currency::from_code("CNY").ok_or_else(|| "no such currency".into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_as_text() {
        assert_eq!(unhex(&hex(&[0, 9, 255])), Some(vec![0, 9, 255]));
        assert_eq!(unhex("0g"), None);
        assert_eq!(unhex("123"), None);
    }
}
