//! `purser init`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use purser_client::connect::{Connector, Options};
use purser_client::home::{Config, Home, IssuerConfig, KeysConfig, TimeSource};
use purser_client::issuer::Discovery;
use purser_client::session::{Session, issuer_url};
use purser_client::trust::Trust;
use purser_client::{Error, Result, keys};
use purser_protocol::sign::Signer as _;
use serde_json::json;

use super::Done;

#[derive(Args)]
pub(super) struct Init {
    /// The issuer's address, such as `https://issuer.example`
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Certificates of the authorities that vouch for servers, in PEM
    #[arg(long, value_name = "PEM")]
    roots: PathBuf,
    /// Certificates of the authorities that vouch for the signers of papers; the roots when not given
    #[arg(long, value_name = "PEM")]
    anchors: Option<PathBuf>,
    /// Whose keys to make here
    #[arg(long, value_enum, default_value = "both")]
    keys: Whose,
    /// Allow hosts on this machine and on private networks
    #[arg(long)]
    private_addresses: bool,
    /// Whose clock papers are dated by; the issuer's is for sandboxes, where it can be set
    #[arg(long, value_enum, default_value = "machine")]
    clock: Time,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whose {
    Both,
    Person,
    Agent,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Time {
    Machine,
    Issuer,
}

impl Init {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let url = issuer_url(&self.issuer)?;
        if home.path("config.toml").exists() {
            let error = Error::failed("there is a configuration already, and it is not written over");
            return Err(error.at(home.dir().display()).fix("give another folder with --dir"));
        }
        let roots = keys::load_certificates(&self.roots)?;
        let anchors = self.anchors.as_deref().map(keys::load_certificates).transpose()?;
        // Whoever names an issuer on this machine means this machine.
        let private_addresses = self.private_addresses || url.is_this_machine();
        let connector = Connector::new(Options { private_addresses, ..Options::new(roots.clone()) })?;
        let found = Discovery::ask(&connector, &url).await?;
        found.party()?;
        Trust::new(&found.network, anchors.as_deref().unwrap_or(&roots))?;

        home.create()?;
        copy(&self.roots, &home, "roots.pem")?;
        if let Some(anchors) = &self.anchors {
            copy(anchors, &home, "anchors.pem")?;
        }
        let person = self.key(&home, Whose::Person, "keys/person.pem")?;
        let agent = self.key(&home, Whose::Agent, "keys/agent.pem")?;
        let config = Config {
            network: found.network.clone(),
            roots: "roots.pem".into(),
            anchors: self.anchors.is_some().then(|| "anchors.pem".into()),
            private_addresses,
            clock: if self.clock == Time::Issuer { TimeSource::Issuer } else { TimeSource::Machine },
            issuer: IssuerConfig { id: found.id.clone(), url: url.origin(), account: None },
            keys: KeysConfig {
                person: person.is_some().then(|| "keys/person.pem".into()),
                agent: agent.is_some().then(|| "keys/agent.pem".into()),
            },
        };
        home.save_config(&config)?;
        Session::offline(home.clone())?.discover().await?;

        let next = if person.is_some() { "purser account open" } else { "purser doctor" };
        let (dir, issuer) = (home.dir().display().to_string(), found.id);
        let text = format!("folder {dir}\nissuer {issuer} of the network {}\n", found.network);
        let json = json!({ "dir": dir, "issuer": issuer, "network": found.network, "person": person, "agent": agent });
        Ok(Done::new(text, json).note(format!("next: {next}")))
    }

    fn key(&self, home: &Home, whose: Whose, name: &str) -> Result<Option<String>> {
        if self.keys != Whose::Both && self.keys != whose {
            return Ok(None);
        }
        keys::generate(&home.path(name)).map(|signer| Some(signer.public_key().id().to_string()))
    }
}

fn copy(from: &Path, home: &Home, name: &str) -> Result<()> {
    std::fs::copy(from, home.path(name)).map(|_| ()).map_err(|error| Error::file(from, &error))
}
