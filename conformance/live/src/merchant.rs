//! A merchant under test: the suite plays agents, and the issuer that signs their receipts.

mod framing;
mod offer;
mod race;
mod redeem;

use purser_protocol::bind::http::{Challenge, Credential};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId, Pseudonym};
use purser_protocol::money::Currency;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::{Claims, Outcome};
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::check::Check;
use crate::failure::{Failure, Fault, ensure};
use crate::line::{Answer, Request, Target};
use crate::papers::{Seal, Terms, now};
use crate::pem;
use crate::random::random;
use crate::run::{Options, Subject};

/// What a check needs that no clause asks for.
pub(crate) const HTTP2: &str = "HTTP/2";

/// The checks, in the order of the report.
pub(crate) fn checks() -> Vec<&'static Check<Scene>> {
    let areas: [&'static [Check<Scene>]; 4] = [offer::CHECKS, framing::CHECKS, redeem::CHECKS, race::CHECKS];
    areas.into_iter().flatten().collect()
}

/// The merchant under test, as its discovery document shows it, and whom the suite plays towards it.
pub(crate) struct Scene {
    pub(crate) target: Target,
    pub(crate) merchant: PartyId,
    pub(crate) path: String,
    pub(crate) terms: Terms,
    issuer: Seal,
    subject: Subject,
    speaks_http2: bool,
}

/// An offer that was asked for.
pub(crate) struct Asked {
    pub(crate) challenge: Challenge,
    pub(crate) id: PaperId,
    pub(crate) offer: Offer,
    pub(crate) answer: Answer,
}

/// A payment of an offer: what the agent shows.
#[derive(Clone)]
pub(crate) struct Paid {
    pub(crate) receipt: Vec<u8>,
    pub(crate) secret: [u8; 32],
    pub(crate) intent: PaperId,
}

impl Scene {
    /// Reads the discovery document, and whom to play. The error says why nothing can be said.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let roots = pem::certificates(&options.roots)?;
        let target = Target::new(&options.target, &roots)?;
        let asked = target.send(&Request::get("/.well-known/purser")).await;
        let discovery = asked.map_err(|failure| failure.message)?;
        let missing = |what: &str| format!("[HTB-4] the discovery document has no usable {what}: {}", discovery.seen());
        let document: Value = serde_json::from_slice(&discovery.body).map_err(|_| missing("JSON"))?;
        let member = |name: &str| document.get("purser").and_then(|document| document.get(name));
        let text = |name: &str| member(name).and_then(Value::as_str).ok_or_else(|| missing(name));
        let texts = |name: &str| {
            let list = member(name).and_then(Value::as_array).ok_or_else(|| missing(name))?;
            Ok::<_, String>(list.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect::<Vec<_>>())
        };
        let seal =
            |name: &str| options.seals.get(name).map(|(certificate, key)| Seal::read(certificate, key)).transpose();
        let issuer = seal("issuer")?.ok_or("the suite must be an issuer: give issuer.pem and issuer.key")?;
        let name = text("id")?.to_owned();
        let currency = texts("currencies")?.iter().find_map(|code| Currency::from_code(code));
        let terms = Terms {
            issuer: issuer.name.clone(),
            network: text("network")?.to_owned(),
            currency: currency.ok_or_else(|| missing("currencies"))?,
        };
        let http2 = target.send_http2(&Request::get("/.well-known/purser")).await;
        Ok(Self {
            speaks_http2: matches!(http2, Ok(Some(_))),
            merchant: PartyId::new(&name).ok_or_else(|| missing("id"))?,
            path: options.resource.clone(),
            subject: Subject {
                name,
                versions: texts("versions")?.into_iter().collect(),
                features: texts("features")?.into_iter().collect(),
            },
            target,
            terms,
            issuer,
        })
    }

    pub(crate) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    /// What of a check's needs is not there.
    pub(crate) fn lacks(&self, need: &str) -> Option<String> {
        match need {
            HTTP2 => (!self.speaks_http2).then(|| HTTP2.to_owned()),
            feature => (!self.subject.features.contains(feature)).then(|| format!("feature {feature}")),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.target.send(&Request::get(path)).await
    }

    /// Asks for the priced thing, and reads offer and challenge.
    pub(crate) async fn ask(&self) -> Result<Asked, Failure> {
        let answer = self.get(&self.path).await?;
        self.read_offer(answer)
    }

    pub(crate) fn read_offer(&self, answer: Answer) -> Result<Asked, Failure> {
        if answer.status != 402 {
            return Err(answer.fails(Fault::Refused, format!("402 must come; it was {}", answer.in_words())));
        }
        let wrong = |what: String| answer.fails(Fault::WrongAnswer, what);
        let header = answer.header("www-authenticate").ok_or_else(|| wrong("a 402 has no WWW-Authenticate".into()))?;
        let challenge = Challenge::read([header.as_bytes()]).into_iter().next();
        let challenge = challenge.ok_or_else(|| wrong("there is no Payment challenge of method purser".into()))?;
        let challenge = challenge.map_err(|fault| wrong(format!("the challenge: {fault}")))?;
        let signed = Signed::<Offer>::read(&answer.body).map_err(|fault| wrong(format!("the offer: {fault}")))?;
        let offer = Offer::decode(&mut Reader::new(signed.frame.payload));
        let offer = offer.map_err(|fault| wrong(format!("the offer: {fault}")))?;
        let id = signed.id();
        ensure(offer.accepts.iter().any(|payee| payee.issuer == self.terms.issuer), || {
            format!("the offer does not accept {}, whom the suite plays", self.terms.issuer)
        })?;
        Ok(Asked { challenge, id, offer, answer })
    }

    /// A receipt for an offer, as its issuer would sign it, but for what `change` does to its claims.
    pub(crate) fn paid(&self, asked: &Asked, change: impl FnOnce(&mut Claims)) -> Result<Paid, Failure> {
        self.paid_by(asked, &self.issuer, &self.terms, change)
    }

    /// The same, signed by another, or for another network.
    pub(crate) fn paid_by(
        &self,
        asked: &Asked,
        signer: &Seal,
        terms: &Terms,
        change: impl FnOnce(&mut Claims),
    ) -> Result<Paid, Failure> {
        let (secret, intent): ([u8; 32], _) = (random()?, PaperId(random()?));
        let mut claims = Claims {
            offer: Some(asked.id),
            intent: Some(intent),
            amount: Some(asked.offer.amount),
            currency: Some(asked.offer.currency),
            secret_hash: Some(Digest(Sha256::digest(secret).into())),
            pseudonym: Some(Pseudonym(random()?)),
            ..Claims::new(Outcome::Settled, now(), Nonce(random()?))
        };
        change(&mut claims);
        Ok(Paid { receipt: signer.receipt(terms, &claims, signer)?, secret, intent })
    }

    /// The request that shows a payment.
    pub(crate) fn redemption(&self, path: &str, challenge: &Challenge, paid: &Paid) -> Result<Request, Failure> {
        let value = Credential::new(challenge, paid.receipt.clone(), paid.secret).header_value();
        let value = value.ok_or_else(|| Failure::of_suite("the receipt is too long for a header"))?;
        Ok(Request::get(path).with("Authorization", value))
    }

    /// Shows a payment.
    pub(crate) async fn redeem(&self, asked: &Asked, paid: &Paid) -> Result<Answer, Failure> {
        self.target.send(&self.redemption(&self.path, &asked.challenge, paid)?).await
    }

    /// The same under another target, such as one with a query.
    pub(crate) async fn redeem_at(&self, path: &str, asked: &Asked, paid: &Paid) -> Result<Answer, Failure> {
        self.target.send(&self.redemption(path, &asked.challenge, paid)?).await
    }
}

/// It was served.
pub(crate) fn served(answer: &Answer) -> Result<(), Failure> {
    if answer.status == 200 {
        return Ok(());
    }
    Err(answer.fails(Fault::Refused, format!("it must be served; it was {}", answer.in_words())))
}
