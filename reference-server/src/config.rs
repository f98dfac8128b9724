//! The configuration: one TOML file, one table for each part that reads it.
//!
//! ```toml
//! [shell]
//! listen = "127.0.0.1:8443"
//! tls_cert = "server.pem"     # relative to this file
//! tls_key = "server.key"
//!
//! [shell.limits]
//! requests = 512
//!
//! [issuer]                    # read by the issuer only
//! ```
//!
//! A key that nobody reads is an error, and names the nearest key that somebody does. Of the environment,
//! `PURSER_LISTEN`, `PURSER_TLS_CERT`, `PURSER_TLS_KEY`, `PURSER_URL` and `PURSER_LOG` override `[shell]`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// The whole file. The roles' tables are kept as they are, for the role to read.
#[derive(Clone, Debug)]
pub struct Config {
    /// The transport's own settings.
    pub shell: Shell,
    roles: Table,
    folder: PathBuf,
}

/// `[shell]`: where to listen, as whom, and what to write down.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shell {
    /// The address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that others know the server by; `https://` and the socket's when absent.
    pub url: Option<String>,
    /// The server's certificate chain, leaf first, in PEM.
    pub tls_cert: PathBuf,
    /// The leaf's private key, in PEM.
    pub tls_key: PathBuf,
    /// How log lines look.
    pub log: LogFormat,
    /// The least level that is logged.
    pub log_level: LogLevel,
    /// What the server will hold at once, and for how long.
    pub limits: Limits,
    /// Makes it a peer that is hard to deal with, by this seed; from the command line alone. [`crate::hostile`]
    #[serde(skip)]
    pub hostile: Option<u64>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For eyes.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// The least level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the levels'")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// `[shell.limits]`: everything that is bounded, with the bound.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections beyond those, which carry the reserved lane only.
    pub connections_reserved: usize,
    /// Connections at once from one address (for IPv6, one /64).
    pub connections_per_address: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams_per_connection: u32,
    /// Requests at once in handlers.
    pub requests: usize,
    /// Requests at once in handlers, beyond those, on the reserved lane.
    pub requests_reserved: usize,
    /// Requests at once that wait for an outcome.
    pub requests_waiting: usize,
    /// Bodies at once that are being received; each may take `body_bytes_max` of memory.
    pub bodies: usize,
    /// Bodies at once, beyond those, on the reserved lane.
    pub bodies_reserved: usize,
    /// Longest body.
    pub body_bytes_max: usize,
    /// Longest body of a batch.
    pub batch_bytes_max: usize,
    /// Batches at once that are being received.
    pub batches: usize,
    /// Longest time for the TLS handshake, and again for the head of each request.
    pub head_ms: u64,
    /// Longest time for the whole of a body.
    pub body_ms: u64,
    /// Longest time between two requests, in which the answer to the first must also be taken. HTTP/1.1 has
    /// `head_ms` from the end of the answer.
    pub idle_ms: u64,
    /// Longest time for which a peer may take nothing at all of an answer.
    pub stall_ms: u64,
    /// Longest time for requests under way once the server is stopping.
    pub drain_ms: u64,
    /// Requests that one address may send in `rate_seconds`; 0 for any number.
    pub rate_requests: u32,
    /// The time over which `rate_requests` are spread; 0 for no limit at all.
    pub rate_seconds: u32,
    /// Addresses whose rate is remembered one by one.
    pub rate_addresses: usize,
}

impl Limits {
    pub(crate) fn head(&self) -> Duration {
        Duration::from_millis(self.head_ms)
    }

    pub(crate) fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(crate) fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            url: None,
            tls_cert: "server.pem".into(),
            tls_key: "server.key".into(),
            log: LogFormat::default(),
            log_level: LogLevel::default(),
            limits: Limits::default(),
            hostile: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_reserved: 64,
            connections_per_address: 256,
            streams_per_connection: 100,
            requests: 512,
            requests_reserved: 64,
            requests_waiting: 1_024,
            bodies: 512,
            bodies_reserved: 64,
            body_bytes_max: 64 * 1_024,
            batch_bytes_max: 1_024 * 1_024,
            batches: 8,
            head_ms: 5_000,
            body_ms: 10_000,
            idle_ms: 60_000,
            stall_ms: 10_000,
            drain_ms: 5_000,
            rate_requests: 20_000,
            rate_seconds: 10,
            rate_addresses: 65_536,
        }
    }
}

impl Config {
    /// Reads the file, then the environment.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        // Whole, so that a path that is put behind it once more stays what it is.
        let path = std::path::absolute(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&text, &folder, |name| std::env::var(name).ok())
    }

    /// Reads `text`. Paths in it are relative to `folder`; `env` answers for environment variables.
    pub fn parse(text: &str, folder: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut roles: Table = text.parse().map_err(|error| ConfigError::Syntax(Box::new(error)))?;
        for name in roles.keys() {
            if !TABLES.contains(&name.as_str()) {
                return Err(ConfigError::Key { table: "the file".into(), detail: unknown(name, &TABLES) });
            }
        }
        let mut shell = match roles.remove("shell") {
            None => Value::Table(Table::new()),
            Some(value) => value,
        };
        if let Value::Table(table) = &mut shell {
            for (variable, key) in OVERRIDES {
                if let Some(value) = env(variable) {
                    table.insert(key.into(), Value::String(value));
                }
            }
        }
        let mut shell: Shell = read("shell", shell)?;
        shell.tls_cert = folder.join(&shell.tls_cert);
        shell.tls_key = folder.join(&shell.tls_key);
        Ok(Self { shell, roles, folder: folder.to_owned() })
    }

    /// The table of this name, such as `issuer`, as the type that its role reads.
    ///
    /// The type should have `#[serde(deny_unknown_fields)]`; an absent table reads as an empty one.
    pub fn table<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self.roles.get(name).cloned().unwrap_or_else(|| Value::Table(Table::new()));
        read(name, value)
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path that stands in the file, from the folder of the file.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

const TABLES: [&str; 4] = ["shell", "issuer", "merchant", "seller"];

const OVERRIDES: [(&str, &str); 5] = [
    ("PURSER_LISTEN", "listen"),
    ("PURSER_TLS_CERT", "tls_cert"),
    ("PURSER_TLS_KEY", "tls_key"),
    ("PURSER_URL", "url"),
    ("PURSER_LOG", "log"),
];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{0}")]
    Syntax(Box<toml::de::Error>),
    /// A key is unknown, or a value is not of its key's type.
    #[error("in {table}: {detail}")]
    Key {
        /// The table, or `the file`.
        table: String,
        /// What is wrong there.
        detail: String,
    },
}

fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, ConfigError> {
    value.try_into().map_err(|error: toml::de::Error| ConfigError::Key {
        table: format!("[{name}]"),
        detail: suggest(error.message()),
    })
}

/// Adds the nearest name to serde's words for a key that it does not know.
///
/// Those words hold the unknown name and then the known ones, each between backticks.
fn suggest(message: &str) -> String {
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((wrong, known)) => unknown(wrong, known),
        None => message.to_owned(),
    }
}

fn unknown(wrong: &str, known: &[&str]) -> String {
    match known.iter().min_by_key(|name| distance(wrong, name)) {
        Some(nearest) => format!("unknown key `{wrong}`; did you mean `{nearest}`?"),
        None => format!("unknown key `{wrong}`; no key is known here"),
    }
}

/// How many letters to insert, remove or change to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/purser"), |_| None)
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Role {
        id: String,
        #[serde(default)]
        currency: Option<String>,
    }

    #[test]
    fn each_part_reads_its_own_table() {
        let config = parse("[shell]\ntls_key = 'k.pem'\nlimits.requests = 7\n[issuer]\nid = 'bank.example'").unwrap();
        assert_eq!(config.shell.tls_key, Path::new("/etc/purser/k.pem"));
        assert_eq!(config.shell.limits.requests, 7);
        assert_eq!(config.shell.limits.body_bytes_max, 65_536);
        let role: Role = config.table("issuer").unwrap();
        assert_eq!(role, Role { id: "bank.example".into(), currency: None });
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        for (text, nearest) in [
            ("[shel]\n", "in the file: unknown key `shel`; did you mean `shell`?"),
            ("[shell]\nlisten_addr = 'x'\n", "in [shell]: unknown key `listen_addr`; did you mean `listen`?"),
            ("[shell.limits]\nrequest = 1\n", "in [shell]: unknown key `request`; did you mean `requests`?"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), nearest);
        }
        let config = parse("[issuer]\nid = 'a'\ncurency = 'cny'").unwrap();
        let error = config.table::<Role>("issuer").unwrap_err().to_string();
        assert_eq!(error, "in [issuer]: unknown key `curency`; did you mean `currency`?");
    }

    #[test]
    fn the_environment_comes_last() {
        let env = |name: &str| (name == "PURSER_LISTEN").then(|| "[::1]:9".to_owned());
        let config = Config::parse("[shell]\nlisten = '127.0.0.1:1'", Path::new(""), env).unwrap();
        assert_eq!(config.shell.listen.to_string(), "[::1]:9");
    }
}
