//! Everybody but the merchant: an agent that asks and pays, and the issuer that signs its receipts.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{Challenge, Credential};
use purser_protocol::cert::{Role, TrustAnchors, validate};
use purser_protocol::field::encoded;
use purser_protocol::flow::certificate_id;
use purser_protocol::id::{CertificateId, Digest, PaperId, PartyId, Pseudonym, Text};
use purser_protocol::money::Amount;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};
use purser_protocol::sign::backend::{AwsLcSigner, Portable};
use purser_protocol::sign::{Context, Paper as _, Signed, Signer, sign_by_certificate};
use purser_protocol::wire::Reader;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::fresh::Fresh;
use super::http::{Response, Server, Tamper};
use super::peers::{Peers, now};

/// A merchant under test, and everybody else.
pub struct Shop {
    pub(super) server: Server,
    pub(super) merchant: PartyId,
    pub(super) versions: BTreeSet<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) path: String,
    network: Text<32>,
    issuer: PartyId,
    x5t: CertificateId,
    signer: AwsLcSigner,
    pub(super) fresh: Fresh,
}

/// An offer that was asked for.
pub(super) struct Asked {
    pub(super) challenge: Challenge,
    pub(super) id: PaperId,
    pub(super) offer: Offer,
    pub(super) response: Response,
}

/// A payment of an offer: what the agent shows.
pub(super) struct Paid {
    pub(super) receipt: Vec<u8>,
    pub(super) secret: [u8; 32],
    pub(super) intent: PaperId,
}

impl Shop {
    /// Asks the target who it is.
    pub fn discover(url: &str, peers: &Peers, path: &str, seed: u64) -> Result<Self, String> {
        let server = Server::new(url, &peers.roots)?;
        let document = server.request("GET", "/.well-known/purser", &[], &[])?;
        let document: Value = serde_json::from_slice(&document.body).map_err(|error| format!("discovery: {error}"))?;
        let said = document.get("purser").ok_or("discovery: there is no member purser")?;
        let text = |name: &str| said.get(name).and_then(Value::as_str).ok_or(format!("discovery: {name} is no text"));
        let texts = |name: &str| {
            let list = said.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let mut trust = TrustAnchors::new(&Portable);
        for root in &peers.roots {
            trust.add(root, &[Role::Issuer], &[]).map_err(|fault| format!("roots.pem: {fault}"))?;
        }
        let chain: Vec<&[u8]> = peers.chain.iter().map(Vec::as_slice).collect();
        let x5t = certificate_id(chain.first().ok_or("issuer.pem holds no certificate")?);
        let party = validate(&chain, &x5t, Role::Issuer, &trust, now().get());
        Ok(Self {
            merchant: PartyId::new(text("id")?).ok_or("discovery: id is no party's name")?,
            network: Text::new(text("network")?).ok_or("discovery: network is too long")?,
            versions: texts("versions"),
            features: texts("features"),
            path: path.to_owned(),
            issuer: party.map_err(|fault| format!("issuer.pem: {fault}"))?.id,
            x5t,
            signer: AwsLcSigner::from_pkcs8(&peers.key).ok_or("issuer.key is no key of P-256")?,
            fresh: Fresh::new(seed),
            server,
        })
    }

    pub(super) fn tamper(&mut self, tamper: Option<Tamper>) {
        self.server.tamper = tamper;
    }

    pub(super) fn get(&self, target: &str, authorization: Option<&str>) -> Result<Response, String> {
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", *value)).collect();
        self.server.request("GET", target, &headers, &[])
    }

    /// Asks for the priced thing, and reads offer and challenge.
    pub(super) fn ask(&self, target: &str) -> Result<Asked, String> {
        let response = self.get(target, None)?;
        if response.status != 402 {
            return Err(format!("{target} without a payment is answered with {}, not 402", response.status));
        }
        let header = response.header("www-authenticate").ok_or("a 402 has no WWW-Authenticate")?;
        let challenge = Challenge::read([header.as_bytes()]).into_iter().next();
        let challenge =
            challenge.ok_or("there is no Payment challenge of method purser")?.map_err(|f| f.to_string())?;
        let signed = Signed::<Offer>::read(&response.body).map_err(|fault| format!("the offer: {fault}"))?;
        let offer =
            Offer::decode(&mut Reader::new(signed.frame.payload)).map_err(|fault| format!("the offer: {fault}"))?;
        let id = signed.id();
        if !offer.accepts.iter().any(|payee| payee.issuer == self.issuer) {
            return Err(format!("the offer does not accept {}, whom the suite plays", self.issuer));
        }
        Ok(Asked { challenge, id, offer, response })
    }

    /// A receipt for an offer, as its issuer would sign it, but for what `change` does to its claims.
    pub(super) fn paid(&self, asked: &Asked, change: impl FnOnce(&mut Claims)) -> Result<Paid, String> {
        self.paid_by(asked, &self.signer, change)
    }

    /// The same, signed with another key.
    pub(super) fn paid_by(
        &self,
        asked: &Asked,
        signer: &dyn Signer,
        change: impl FnOnce(&mut Claims),
    ) -> Result<Paid, String> {
        let (secret, intent) = (self.fresh.bytes(), PaperId(self.fresh.bytes()));
        let mut claims = Claims {
            offer: Some(asked.id),
            intent: Some(intent),
            amount: Some(asked.offer.amount),
            currency: Some(asked.offer.currency),
            secret_hash: Some(Digest(Sha256::digest(secret).into())),
            pseudonym: Some(Pseudonym(self.fresh.sixteen())),
            ..Claims::new(Outcome::Settled, now(), self.fresh.nonce())
        };
        change(&mut claims);
        let claims = encoded(&claims);
        let tree = Tree::new(vec![leaf_hash(&claims)]);
        let root = Root {
            issued_at: now(),
            tree_root: Digest(tree.root()),
            tree_size: NonZeroU32::MIN,
            batch: 0,
            log_root: Digest(leaf_hash(&tree.root())),
            log_size: 1,
            network: self.network.clone(),
        };
        let context = Context { network: self.network.as_str() };
        let root = sign_by_certificate(&root, context, signer, self.x5t, &[]).map_err(|error| error.to_string())?;
        let receipt = encoded(&Receipt { claims, index: 0, path: Vec::new(), root });
        Ok(Paid { receipt, secret, intent })
    }

    /// Shows a payment.
    pub(super) fn redeem(&self, target: &str, asked: &Asked, paid: &Paid) -> Result<Response, String> {
        let credential = Credential::new(&asked.challenge, paid.receipt.clone(), paid.secret);
        let value = credential.header_value().ok_or("the receipt is too long for a header")?;
        self.get(target, Some(&value))
    }

    /// The challenge of an offer, read again with one parameter changed, and the payment shown under it.
    pub(super) fn redeem_under(&self, header: &str, paid: &Paid) -> Result<Response, String> {
        let challenge = Challenge::read([header.as_bytes()]).into_iter().next().ok_or("no challenge")?;
        let credential =
            Credential::new(&challenge.map_err(|fault| fault.to_string())?, paid.receipt.clone(), paid.secret);
        let value = credential.header_value().ok_or("the receipt is too long for a header")?;
        self.get(&self.path, Some(&value))
    }
}

/// The value of a field that is the base64url of something.
pub(super) fn decoded_field(response: &Response, name: &str) -> Result<Vec<u8>, String> {
    let value = response.header(name).ok_or_else(|| format!("there is no {name}"))?;
    base64url::decode(value).ok_or_else(|| format!("{name} is not base64url"))
}

/// One more than an amount.
pub(super) fn one_more(amount: Amount) -> Option<Amount> {
    Amount::from_minor(amount.minor() + 1)
}
