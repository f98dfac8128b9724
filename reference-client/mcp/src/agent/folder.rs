//! A folder for attempts and receipts, without a key in it.

use std::fs;
use std::path::Path;

use purser_client::home::{Config, Home, IssuerConfig, KeysConfig, TimeSource};
use purser_client::keys::certificate_pem;
use purser_client::signer::Hello;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;

/// The folder, which is made from what the signer says when it is not there. One that names a private key is refused:
/// what this process can read, the model's can.
pub(super) fn open(dir: &Path, hello: &Hello) -> Result<Home> {
    let home = Home::at(dir);
    if !home.path("config.toml").exists() {
        make(&home, hello)?;
    }
    let config = home.config()?;
    if config.keys.person.is_some() || config.keys.agent.is_some() {
        let error = Error::failed("this folder names private keys, and an MCP server must have none");
        return Err(error.at(dir.display()).fix("give another folder with --dir; the keys stay with purser signer"));
    }
    if config.issuer.id != hello.issuer || config.network != hello.network {
        let error = Error::failed(format!("the signer pays at {} of {}", hello.issuer, hello.network));
        return Err(error.at(dir.display()).fix("give each issuer a folder of its own with --dir"));
    }
    Ok(home)
}

fn make(home: &Home, hello: &Hello) -> Result<()> {
    home.create()?;
    certificates(home, "roots.pem", &hello.roots)?;
    if let Some(anchors) = &hello.anchors {
        certificates(home, "anchors.pem", anchors)?;
    }
    home.save_config(&Config {
        network: hello.network.clone(),
        roots: "roots.pem".into(),
        anchors: hello.anchors.is_some().then(|| "anchors.pem".into()),
        private_addresses: hello.private_addresses,
        clock: TimeSource::Machine,
        issuer: IssuerConfig { id: hello.issuer.clone(), url: hello.url.clone(), account: None },
        keys: KeysConfig { person: None, agent: None },
    })
}

fn certificates(home: &Home, name: &str, ders: &[String]) -> Result<()> {
    let strange = || Error::failed("the signer's certificates cannot be read");
    let pems = ders.iter().map(|der| base64url::decode(der).map(|der| certificate_pem(&der)));
    let pems: Option<String> = pems.collect();
    let path = home.path(name);
    fs::write(&path, pems.ok_or_else(strange)?).map_err(|error| Error::file(&path, &error))
}
