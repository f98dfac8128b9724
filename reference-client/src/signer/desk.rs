//! What the process that has the key decides.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::fault::{Fault, Part};
use purser_protocol::money::Money;
use purser_protocol::paper::command::Proof;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Frame, Paper, Signer as _, sign};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde_json::json;

use super::{Ask, Hello, Said};
use crate::error::{Error, Result};
use crate::keys;
use crate::session::Session;

/// How far from now a paper may be dated: signatures are not made in store.
const AWAY_SECONDS_MAX: u64 = 60;
/// What a proof may be for, behind the issuer's origin. Reads, and who the payer is to a merchant.
const READS: [&str; 5] = ["/v1/mandates", "/v1/payments", "/v1/pending", "/v1/account", "/v1/intents/"];

/// The key, and the rules by which it signs.
pub struct Desk {
    session: Session,
    key: AwsLcSigner,
    ceiling: Option<Money>,
    journal: Option<PathBuf>,
}

impl Desk {
    /// The agent's key of this folder. `ceiling` holds whatever a caller asks for; `journal` is a file that gets a
    /// line for each signature and each refusal.
    pub fn open(session: Session, ceiling: Option<Money>, journal: Option<PathBuf>) -> Result<Self> {
        let key = session.agent()?;
        Ok(Self { session, key, ceiling, journal })
    }

    /// Answers one line.
    pub fn answer(&self, line: &[u8]) -> Said {
        let ask = match serde_json::from_slice(line) {
            Ok(ask) => ask,
            Err(error) => return refused(&Error::usage(format!("this is no question for a signer: {error}"))),
        };
        let answered = match &ask {
            Ask::Hello {} => return self.hello().unwrap_or_else(|error| refused(&error)),
            Ask::Proof { payload } => self.proof(payload),
            Ask::Intent { payload, offer, max } => self.intent(payload, offer, max),
        };
        // What cannot be written down is not signed.
        let noted = self.note(&answered);
        match answered.and_then(|signed| noted.map(|()| signed)) {
            Ok(signed) => Said::Signed { signature: base64url::encode(&signed.signature) },
            Err(error) => refused(&error),
        }
    }

    fn hello(&self) -> Result<Said> {
        let config = &self.session.config;
        let certificates = |path: &PathBuf| -> Result<Vec<String>> {
            let found = keys::load_certificates(&self.session.home.path(path))?;
            Ok(found.iter().map(|certificate| base64url::encode(certificate)).collect())
        };
        Ok(Said::Hello(Box::new(Hello {
            key: base64url::encode(&self.key.public_key().0),
            network: config.network.clone(),
            issuer: config.issuer.id.clone(),
            url: config.issuer.url.clone(),
            roots: certificates(&config.roots)?,
            anchors: config.anchors.as_ref().map(certificates).transpose()?,
            private_addresses: config.private_addresses,
            ceiling: self.ceiling.map(|ceiling| ceiling.to_string()),
        })))
    }

    fn proof(&self, payload: &str) -> Result<Signed> {
        let proof: Proof = read("proof", payload)?;
        let issuer = &self.session.issuer;
        self.is_of_now(proof.issued_at)?;
        if proof.audience != issuer.id {
            return Err(Error::failed("the proof is for another issuer than this key's"));
        }
        let target = proof.target.as_str();
        let is_pseudonym = target == format!("POST {}", issuer.url.below("/v1/pseudonyms"));
        let is_read = READS.iter().any(|read| {
            let rest = target.strip_prefix(&format!("GET {}", issuer.url.below(read)));
            rest.is_some_and(|rest| read.ends_with('/') || rest.is_empty() || rest.starts_with('?'))
        });
        if !is_pseudonym && !is_read {
            return Err(Error::failed("a proof is signed for reads at this key's issuer only"));
        }
        self.sign(&proof, payload, "proof", target.to_owned())
    }

    fn intent(&self, payload: &str, offer: &str, max: &str) -> Result<Signed> {
        let intent: Intent = read("intent", payload)?;
        let issuer = &self.session.issuer;
        let max: Money = max.parse().map_err(|error| Error::usage(format!("max: {error}")))?;
        let offer = base64url::decode(offer).ok_or_else(|| Error::usage("the offer is not base64url"))?;
        let now = issuer.clock.now();
        let checked = issuer.trust.certified::<Offer>(&offer, Role::Merchant, now);
        let refuse = |fault: Fault| Error::fault("offer", fault.within(Part::Offer));
        let (offer, merchant) = checked.map_err(refuse)?;

        let no = |what: &str| Err(Error::failed(what));
        if offer.merchant != merchant.id || intent.offer != offer.id() {
            return no("the intent takes another offer than the one beside it");
        }
        if intent.issuer != issuer.id || offer.account_at(&issuer.id).is_none() {
            return no("the intent or its offer is for another issuer than this key's");
        }
        if intent.amount != offer.amount || intent.currency != offer.currency {
            return no("the intent pays another price than its offer's");
        }
        if offer.kind != OfferKind::Charge || intent.period.is_some() {
            return no("the offer begins a subscription, and this key pays for single sales");
        }
        if now >= offer.expires_at {
            return no("the offer has expired");
        }
        self.is_of_now(intent.issued_at)?;
        let price = Money { amount: intent.amount, currency: intent.currency };
        within(price, max, "the caller's maximum")?;
        if let Some(ceiling) = self.ceiling {
            within(price, ceiling, "this signer's ceiling")?;
        }
        self.sign(&intent, payload, "intent", format!("{price} to {}, offer {}", merchant.id, offer.id()))
    }

    /// Signs what was read, which must be the very bytes that came.
    fn sign(&self, paper: &impl Paper, payload: &str, kind: &'static str, what: String) -> Result<Signed> {
        let bytes = sign(paper, self.session.issuer.trust.context(), &self.key);
        let bytes = bytes.map_err(|failed| Error::failed(failed.to_string()))?;
        let frame = Frame::read(&bytes).map_err(|fault| Error::fault(kind, fault))?;
        if base64url::decode(payload).as_deref() != Some(frame.payload) {
            return Err(Error::failed("what came is not written as papers are"));
        }
        Ok(Signed { kind, what, signature: *frame.signature })
    }

    fn is_of_now(&self, at: UnixSeconds) -> Result<()> {
        if at.get().abs_diff(self.session.issuer.clock.now().get()) <= AWAY_SECONDS_MAX {
            return Ok(());
        }
        let error = Error::failed("it is dated more than a minute from now");
        Err(error.fix("set the clocks of both processes, or restart the signer where a sandbox's clock was set"))
    }

    fn note(&self, answered: &Result<Signed>) -> Result<()> {
        let Some(path) = &self.journal else { return Ok(()) };
        let at = self.session.issuer.clock.now().get();
        let line = match answered {
            Ok(signed) => json!({ "at": at, "signed": signed.kind, "what": signed.what }),
            Err(error) => json!({ "at": at, "refused": error.to_string() }),
        };
        let opened = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let written = opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.map_err(|error| Error::file(path, &error))
    }
}

/// A signature, and what it is under.
struct Signed {
    kind: &'static str,
    what: String,
    signature: [u8; 64],
}

fn read<T: Paper>(of: &str, payload: &str) -> Result<T> {
    let payload = base64url::decode(payload).ok_or_else(|| Error::usage(format!("the {of} is not base64url")))?;
    let checked = purser_protocol::wire::check(&payload).and_then(|()| T::decode(&mut Reader::new(&payload)));
    checked.map_err(|fault| Error::fault(of, fault))
}

fn within(price: Money, most: Money, whose: &str) -> Result<()> {
    if price.currency == most.currency && price.amount <= most.amount {
        return Ok(());
    }
    Err(Error::failed(format!("the price is {price}, and {whose} is {most}")))
}

fn refused(error: &Error) -> Said {
    Said::Refused { what: error.to_string(), fix: error.remedy().map(str::to_owned) }
}
