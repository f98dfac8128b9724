//! A folder, and the issuer that its configuration names, ready to be asked.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use purser_protocol::sign::backend::AwsLcSigner;

use crate::clock::Clock;
use crate::connect::{Connector, Options, Url};
use crate::error::{Class, Error, Result};
use crate::home::{Config, Home, TimeSource, write_durably};
use crate::issuer::{Discovery, Issuer, sandbox_clock};
use crate::keys;
use crate::trust::Trust;

/// How long what an issuer said of itself is remembered.
const DISCOVERY_AGE: Duration = Duration::from_secs(86_400);
const DISCOVERY_FILE: &str = "issuer.json";

/// A folder and its issuer.
pub struct Session {
    /// The folder.
    pub home: Home,
    /// Its configuration.
    pub config: Config,
    /// The issuer.
    pub issuer: Issuer,
}

impl Session {
    /// Reads the folder. The issuer is asked what it is when that is not remembered; it need not answer for
    /// what is done here alone.
    pub async fn open(home: Home) -> Result<Self> {
        let mut session = Self::offline(home)?;
        if !session.recall() {
            session.discover().await?;
        }
        session.with_clock().await
    }

    /// Reads the folder, and asks nobody.
    pub fn offline(home: Home) -> Result<Self> {
        let config = home.config()?;
        let roots = keys::load_certificates(&home.path(&config.roots))?;
        let anchors = match &config.anchors {
            Some(anchors) => keys::load_certificates(&home.path(anchors))?,
            None => roots.clone(),
        };
        let options = Options { private_addresses: config.private_addresses, ..Options::new(roots) };
        let issuer = Issuer {
            id: config.party()?,
            url: config.url()?,
            connector: Arc::new(Connector::new(options)?),
            trust: Arc::new(Trust::new(&config.network, &anchors)?),
            clock: Clock::machine(),
        };
        Ok(Self { home, config, issuer })
    }

    /// Takes up what is remembered of the issuer; `false` when that is nothing, or old.
    pub fn recall(&mut self) -> bool {
        let Some(discovery) = self.discovered() else { return false };
        discovery.keep_chains(&self.issuer.trust);
        self.issuer.url = discovery.base(&self.issuer.url);
        true
    }

    /// Asks the issuer what it is, and remembers it.
    pub async fn discover(&mut self) -> Result<()> {
        let found = Discovery::ask(&self.issuer.connector, &self.issuer.url).await?;
        let wrong = |what: String| Error::new(Class::Unreachable, what).at(self.issuer.url.origin());
        if found.id != self.config.issuer.id || found.network != self.config.network {
            let what = format!("it is {} of the network {}", found.id, found.network);
            let fix = format!("config.toml names {} of {}", self.config.issuer.id, self.config.network);
            return Err(wrong(what).fix(fix));
        }
        found.keep_chains(&self.issuer.trust);
        self.issuer.url = found.base(&self.issuer.url);
        let json = serde_json::to_vec_pretty(&found).map_err(|error| Error::failed(error.to_string()))?;
        write_durably(&self.home.path(DISCOVERY_FILE), &json, 0o600)
    }

    /// The agent's key.
    pub fn agent(&self) -> Result<AwsLcSigner> {
        let path = self.config.keys.agent.as_ref().ok_or_else(|| no_key("agent"))?;
        keys::load(&self.home.path(path))
    }

    /// The person's key.
    pub fn person(&self) -> Result<AwsLcSigner> {
        let path = self.config.keys.person.as_ref().ok_or_else(|| no_key("person"))?;
        keys::load(&self.home.path(path))
    }

    /// Takes the issuer's clock, where the configuration says so.
    pub async fn with_clock(mut self) -> Result<Self> {
        if self.config.clock == TimeSource::Issuer {
            let now = sandbox_clock(&self.issuer.connector, &self.issuer.url).await?;
            self.issuer.clock = Clock::showing(now);
        }
        Ok(self)
    }

    /// What is remembered of the issuer, unless that is old.
    fn discovered(&self) -> Option<Discovery> {
        let path = self.home.path(DISCOVERY_FILE);
        let age = fs::metadata(&path).and_then(|file| file.modified()).ok()?.elapsed().ok()?;
        let read: Discovery = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let same = read.id == self.config.issuer.id && read.network == self.config.network;
        (same && age < DISCOVERY_AGE).then_some(read)
    }
}

fn no_key(whose: &str) -> Error {
    let error = Error::failed(format!("config.toml names no {whose}'s key"));
    error.fix(format!("set keys.{whose}, or run this where that key is"))
}

/// The address that an issuer is known by.
pub fn issuer_url(text: &str) -> Result<Url> {
    Url::parse(text).map(|url| url.with_target("/"))
}
