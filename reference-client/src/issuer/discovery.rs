//! What an issuer says of itself before anything is signed: where to begin, never whom to believe.

use hyper::Method;
use hyper::header::{ACCEPT, HeaderValue};
use purser_protocol::bind::base64url;
use purser_protocol::id::PartyId;
use purser_protocol::time::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::connect::{Connector, Request, Url};
use crate::error::{Error, Result};
use crate::trust::Trust;

/// Where every party says what it is.
const WELL_KNOWN: &str = "/.well-known/purser";
const CLOCK: &str = "/v1/sandbox/clock";
/// The version of papers that this client writes.
const VERSION: &str = "1";

/// The discovery document. Members that are not known are passed over. [VER-6]
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Discovery {
    /// The versions of papers that it takes.
    pub versions: Vec<String>,
    /// What it is.
    pub roles: Vec<String>,
    /// Its name.
    pub id: String,
    /// Its network.
    pub network: String,
    /// Whether money is play money.
    #[serde(default)]
    pub sandbox: bool,
    /// What the paths of its interface are appended to.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Chains of certificates, each leaf first, DER in base64url.
    #[serde(default)]
    pub certificates: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Document {
    purser: Discovery,
}

#[derive(Deserialize, Serialize)]
struct ClockBody {
    now: u64,
}

impl Discovery {
    /// Asks a host what it is. Refuses one that is no issuer, or takes no version that is written here.
    pub async fn ask(connector: &Connector, url: &Url) -> Result<Self> {
        let json = HeaderValue::from_static("application/json");
        let request = Request::new(Method::GET, url.with_target(WELL_KNOWN)).header(ACCEPT, json);
        let response = connector.send(&request).await?;
        if response.status != 200 {
            return Err(Problem::of(&response).into_error(&url.origin()).fix("check that this is an issuer's address"));
        }
        let document: Document = serde_json::from_slice(&response.body).map_err(|error| {
            Error::failed(format!("its discovery document cannot be read: {error}")).at(url.origin())
        })?;
        let found = document.purser;
        if !found.roles.iter().any(|role| role == "issuer") {
            return Err(Error::failed("it is not an issuer").at(url.origin()));
        }
        if !found.versions.iter().any(|version| version == VERSION) {
            // [VER-4]
            let error =
                Error::failed(format!("it takes versions {:?}, and this client writes {VERSION}", found.versions));
            return Err(error.at(url.origin()));
        }
        Ok(found)
    }

    /// Its name.
    pub fn party(&self) -> Result<PartyId> {
        PartyId::new(&self.id).ok_or_else(|| Error::failed(format!("{:?} is not a party's name", self.id)))
    }

    /// Where its interface is: where it says, on the host that was asked. The document is not signed, and leads nobody
    /// elsewhere.
    pub fn base(&self, asked: &Url) -> Url {
        let said = self.base_url.as_deref().and_then(|base| Url::parse(base).ok());
        said.filter(|base| base.origin() == asked.origin()).unwrap_or_else(|| asked.clone())
    }

    /// Lets papers without a chain be judged by these. They are checked against the anchors when used.
    pub fn keep_chains(&self, trust: &Trust) {
        for chain in &self.certificates {
            let chain: Option<Vec<Vec<u8>>> = chain.iter().map(|certificate| base64url::decode(certificate)).collect();
            if let Some(chain) = chain {
                trust.keep(chain);
            }
        }
    }
}

/// A sandbox issuer's clock.
pub async fn sandbox_clock(connector: &Connector, url: &Url) -> Result<UnixSeconds> {
    let response = connector.send(&Request::new(Method::GET, url.below(CLOCK))).await?;
    if response.status != 200 {
        return Err(Problem::of(&response).into_error(&url.origin()));
    }
    let read = serde_json::from_slice::<ClockBody>(&response.body).ok().and_then(|clock| UnixSeconds::new(clock.now));
    read.ok_or_else(|| Error::failed("its clock cannot be read").at(url.origin()))
}
