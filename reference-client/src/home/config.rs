//! `config.toml`: one issuer, whom to believe, which keys.

use std::path::PathBuf;

use purser_protocol::id::{AccountId, PartyId};
use serde::Deserialize;

use crate::connect::Url;
use crate::error::{Error, Result};
use crate::issuer::parse_hex;

/// The configuration. Paths are relative to the folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The network that papers belong to.
    pub network: String,
    /// Certificates of the authorities that vouch for servers.
    pub roots: PathBuf,
    /// Certificates of the authorities that vouch for the signers of papers; `roots` when absent.
    pub anchors: Option<PathBuf>,
    /// Whether hosts on this machine and on private networks may be asked.
    #[serde(default)]
    pub private_addresses: bool,
    /// Whose clock papers are dated by.
    #[serde(default)]
    pub clock: TimeSource,
    /// The issuer.
    pub issuer: IssuerConfig,
    /// The keys.
    pub keys: KeysConfig,
}

/// Whose clock papers are dated by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// The machine's.
    #[default]
    Machine,
    /// A sandbox issuer's, which can be set.
    Issuer,
}

/// `[issuer]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, as in its certificate.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// The person's account there.
    pub account: Option<String>,
}

/// `[keys]` [PRV-3]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The person's, which makes mandates; absent where only an agent is.
    pub person: Option<PathBuf>,
    /// The agent's, which pays.
    pub agent: Option<PathBuf>,
}

impl Config {
    /// Reads the text of a file. A key that is not known is an error that says where it is.
    pub fn read(text: &str) -> Result<Self> {
        let read: Self = toml::from_str(text).map_err(|error| Error::failed(error.to_string().trim().to_owned()))?;
        read.party()?;
        read.url()?;
        read.account()?;
        Ok(read)
    }

    /// The text of the file.
    pub fn write(&self) -> String {
        let path = |path: &PathBuf| quoted(&path.to_string_lossy());
        let mut text = String::from("# Written by purser; paths are relative to this file.\n");
        let mut line = |key: &str, value: String| text.push_str(&format!("{key} = {value}\n"));
        line("network", quoted(&self.network));
        line("roots", path(&self.roots));
        self.anchors.iter().for_each(|anchors| line("anchors", path(anchors)));
        line("private_addresses", self.private_addresses.to_string());
        line("clock", quoted(if self.clock == TimeSource::Machine { "machine" } else { "issuer" }));
        line("\n[issuer]\nid", quoted(&self.issuer.id));
        line("url", quoted(&self.issuer.url));
        self.issuer.account.iter().for_each(|account| line("account", quoted(account)));
        text.push_str("\n[keys]\n");
        for (name, key) in [("person", &self.keys.person), ("agent", &self.keys.agent)] {
            key.iter().for_each(|key| text.push_str(&format!("{name} = {}\n", path(key))));
        }
        text
    }

    /// The issuer's name.
    pub fn party(&self) -> Result<PartyId> {
        PartyId::new(&self.issuer.id).ok_or_else(|| Error::failed("issuer.id is not a party's name"))
    }

    /// The issuer's address.
    pub fn url(&self) -> Result<Url> {
        Url::parse(&self.issuer.url)
    }

    /// The person's account, if there is one.
    pub fn account(&self) -> Result<Option<AccountId>> {
        let read = |account: &String| {
            let number = parse_hex(account).map(AccountId);
            number.ok_or_else(|| Error::failed("issuer.account is not 32 hexadecimal digits"))
        };
        self.issuer.account.as_ref().map(read).transpose()
    }
}

/// A basic string of TOML; JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            network: "sandbox".into(),
            roots: "a \"b\"\\c.pem".into(),
            anchors: Some("é\n.pem".into()),
            private_addresses: true,
            clock: TimeSource::Issuer,
            issuer: IssuerConfig {
                id: "issuer.example".into(),
                url: "https://issuer.example:8443/".into(),
                account: Some("ab".repeat(16)),
            },
            keys: KeysConfig { person: Some("keys/person.pem".into()), agent: Some("keys/agent.pem".into()) },
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Config::read(&config().write()), Ok(config()));
        let least = Config {
            anchors: None,
            issuer: IssuerConfig { account: None, ..config().issuer },
            keys: KeysConfig { person: None, agent: None },
            ..config()
        };
        assert_eq!(Config::read(&least.write()), Ok(least));
    }

    #[test]
    fn what_is_not_known_or_not_of_its_form_is_an_error() {
        let text = config().write();
        for (what, with) in [
            ("network", "netwrok"),
            ("[keys]\n", "[keys]\nother = \"x\"\n"),
            ("issuer.example\"", "Issuer\""),
            ("https://", "ftp://"),
            ("abab", "xx"),
            ("\"issuer\"", "\"sun\""),
        ] {
            let changed = text.replacen(what, with, 1);
            assert_ne!(changed, text, "{what}");
            assert!(Config::read(&changed).is_err(), "{what}");
        }
    }
}
