//! An issuer under test: the suite plays wallet, agent and merchant.

mod accounts;
mod again;
mod framing;
mod holds;
mod limits;
mod log;
mod mandates;
mod open;
mod pay;
mod pending;
mod proofs;
mod reads;
mod wallet;

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST, PURSER_CREDENTIAL, PURSER_PROOF};
use purser_protocol::cert::{Role as Signs, TrustAnchors};
use purser_protocol::flow::Register;
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::money::Currency;
use purser_protocol::paper::credential::Credential;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use serde_json::Value;

use crate::answer::Belief;
use crate::check::Check;
use crate::failure::{Failure, Fault};
use crate::line::{Answer, Request, Target};
use crate::papers::{Key, Person, Seal, Terms, id, now, payment};
use crate::pem;
use crate::run::{Options, Subject};

/// What a check needs that is no feature: a merchant whom the issuer trusts.
pub(crate) const MERCHANT: &str = "a merchant's certificate (--merchant-certificate, --merchant-key)";
/// And a second one.
pub(crate) const OTHER_MERCHANT: &str = "another merchant's certificate (--authority)";
/// What a check needs that no clause asks for.
pub(crate) const HTTP2: &str = "HTTP/2";
/// Money, which comes by deposits.
pub(crate) const SANDBOX: &str = "sandbox";

/// The checks, in the order of the report.
pub(crate) fn checks() -> Vec<&'static Check<Scene>> {
    let areas: [&'static [Check<Scene>]; 13] = [
        open::CHECKS,
        framing::CHECKS,
        limits::CHECKS,
        proofs::CHECKS,
        accounts::CHECKS,
        pay::CHECKS,
        again::CHECKS,
        holds::CHECKS,
        mandates::CHECKS,
        pending::CHECKS,
        reads::CHECKS,
        wallet::CHECKS,
        log::CHECKS,
    ];
    areas.into_iter().flatten().collect()
}

/// The issuer under test, as its discovery document shows it, and whom the suite plays towards it.
pub(crate) struct Scene {
    pub(crate) target: Target,
    pub(crate) base_url: String,
    pub(crate) terms: Terms,
    trust: TrustAnchors,
    register: Register,
    subject: Subject,
    merchant: Option<Seal>,
    other_merchant: Option<Seal>,
    speaks_http2: bool,
}

/// A person with money, an agent, and a mandate between them.
pub(crate) struct Party {
    pub(crate) person: Person,
    pub(crate) agent: Key,
    pub(crate) mandate: PaperId,
}

impl Scene {
    /// Reads the discovery document, and whom to play. The error says why nothing can be said.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let roots = pem::certificates(&options.roots)?;
        let mut target = Target::new(&options.target, &roots)?;
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
        let name = text("id")?.to_owned();
        let base_url = text("base_url")?.trim_end_matches('/').to_owned();
        let authority = base_url.strip_prefix("https://").ok_or_else(|| missing("base_url"))?;
        target.authority = authority.split('/').next().unwrap_or_default().to_owned();
        let currencies = texts("currencies")?;
        let currency = currencies.iter().find_map(|code| Currency::from_code(code));
        let terms = Terms {
            issuer: PartyId::new(&name).ok_or_else(|| missing("id"))?,
            network: text("network")?.to_owned(),
            currency: currency.ok_or_else(|| missing("currencies"))?,
        };
        let mut trust = TrustAnchors::new(&AwsLc);
        for root in &roots {
            // Roots of TLS alone are not of the profile, and vouch for nobody here.
            let _ = trust.add(root, &[Signs::Issuer], &[]);
        }
        let mut register = Register::new(trust.clone());
        for chain in member("certificates").and_then(Value::as_array).ok_or_else(|| missing("certificates"))? {
            let ders = chain.as_array().into_iter().flatten().filter_map(Value::as_str).map(base64url::decode);
            register.keep(ders.collect::<Option<_>>().ok_or_else(|| missing("certificates"))?);
        }
        let seal =
            |name: &str| options.seals.get(name).map(|(certificate, key)| Seal::read(certificate, key)).transpose();
        let subject = Subject {
            name,
            versions: texts("versions")?.into_iter().collect(),
            features: texts("features")?.into_iter().collect(),
        };
        let http2 = target.send_http2(&Request::get("/.well-known/purser")).await;
        Ok(Self {
            speaks_http2: matches!(http2, Ok(Some(_))),
            merchant: seal("merchant")?,
            other_merchant: seal("other-merchant")?,
            target,
            base_url,
            terms,
            trust,
            register,
            subject,
        })
    }

    pub(crate) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    /// What of a check's needs is not there.
    pub(crate) fn lacks(&self, need: &str) -> Option<String> {
        match need {
            MERCHANT => self.merchant.is_none().then(|| MERCHANT.to_owned()),
            OTHER_MERCHANT => self.other_merchant.is_none().then(|| OTHER_MERCHANT.to_owned()),
            HTTP2 => (!self.speaks_http2).then(|| HTTP2.to_owned()),
            feature => (!self.subject.features.contains(feature)).then(|| format!("feature {feature}")),
        }
    }

    pub(crate) fn belief(&self) -> Belief<'_> {
        Belief { terms: &self.terms, register: &self.register }
    }

    pub(crate) fn register(&self) -> &Register {
        &self.register
    }

    pub(crate) fn merchant(&self) -> Result<&Seal, Failure> {
        self.merchant.as_ref().ok_or_else(|| Failure::of_suite("a check asks for a merchant that it did not need"))
    }

    pub(crate) fn other_merchant(&self) -> Result<&Seal, Failure> {
        self.other_merchant.as_ref().ok_or_else(|| Failure::of_suite("a check asks for what it did not need"))
    }

    pub(crate) fn offer(&self, minor: u64) -> Result<Vec<u8>, Failure> {
        self.merchant()?.offer(&self.terms, minor)
    }

    pub(crate) async fn post(&self, path: &str, media: &str, body: &[u8]) -> Result<Answer, Failure> {
        self.target.send(&Request::post(path, media, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.target.send(&Request::get(path)).await
    }

    pub(crate) async fn command(&self, paper: &[u8]) -> Result<Answer, Failure> {
        self.post("/v1/commands", PAPER, paper).await
    }

    pub(crate) async fn pay(&self, offer: &[u8], intent: &[u8]) -> Result<Answer, Failure> {
        self.post("/v1/intents", PAYMENT_REQUEST, &payment(offer, intent)).await
    }

    /// A signed read.
    pub(crate) async fn read(&self, key: &Key, path: &str) -> Result<Answer, Failure> {
        let proof = key.proof(&self.terms, &self.address("GET", path), now())?;
        self.target.send(&Request::get(path).with(PURSER_PROOF, base64url::encode(&proof))).await
    }

    /// What a proof names.
    pub(crate) fn address(&self, method: &str, path: &str) -> String {
        format!("{method} {}{path}", self.base_url)
    }

    /// Opens an account and puts money into it.
    pub(crate) async fn person(&self, minor: u64) -> Result<Person, Failure> {
        let key = Key::new()?;
        let opened = async {
            let answer = self.post("/v1/accounts", PAPER, &Person::enrolment(&self.terms, &key)?).await?;
            answer.is(&self.belief(), Outcome::Recorded)?;
            self.credential(&answer)
        };
        let credential = opened.await.map_err(|failure| failure.before("to open an account"))?;
        let person = Person { key, account: credential.account };
        if minor > 0 {
            let deposited = self.command(&person.deposit(&self.terms, minor)?).await;
            let deposited = deposited.and_then(|answer| answer.is(&self.belief(), Outcome::Recorded));
            deposited.map_err(|failure| failure.before("to deposit"))?;
        }
        Ok(person)
    }

    /// The credential beside an enrolment's answer.
    pub(crate) fn credential(&self, answer: &Answer) -> Result<Credential, Failure> {
        let wrong = |what: &str| answer.fails(Fault::WrongAnswer, format!("Purser-Credential: {what}"));
        let value = answer.header(PURSER_CREDENTIAL).ok_or_else(|| wrong("not there"))?;
        let bytes = base64url::decode(value).ok_or_else(|| wrong("no base64url"))?;
        let signed = Signed::<Credential>::read(&bytes).map_err(|fault| wrong(&fault.to_string()))?;
        let read = Credential::decode(&mut Reader::new(signed.frame.payload));
        read.map_err(|fault| wrong(&fault.to_string()))
    }

    pub(crate) async fn registered(&self, mandate: &[u8]) -> Result<PaperId, Failure> {
        let answer = self.post("/v1/mandates", PAPER, mandate).await;
        let answer = answer.and_then(|answer| answer.is(&self.belief(), Outcome::Recorded));
        answer.map_err(|failure| failure.before("to register a mandate"))?;
        id(mandate)
    }

    /// A person with so much money, and an agent with a quota.
    pub(crate) async fn party(&self, money: u64, quota: u64) -> Result<Party, Failure> {
        let (person, agent) = (self.person(money).await?, Key::new()?);
        let mandate = self.registered(&person.quota(&self.terms, &agent, quota)?).await?;
        Ok(Party { person, agent, mandate })
    }
}

impl Party {
    /// An offer and an intent for it.
    pub(crate) fn order(&self, scene: &Scene, minor: u64) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let offer = scene.offer(minor)?;
        let intent = self.agent.intent(&scene.terms, self.mandate, &offer, minor)?;
        Ok((offer, intent))
    }

    /// The same, of an offer that is captured by command.
    pub(crate) fn held_order(&self, scene: &Scene, minor: u64) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let offer = scene.merchant()?.held_offer(&scene.terms, minor)?;
        let intent = self.agent.intent(&scene.terms, self.mandate, &offer, minor)?;
        Ok((offer, intent))
    }

    /// Pays for something new.
    pub(crate) async fn pay(&self, scene: &Scene, minor: u64) -> Result<Answer, Failure> {
        let (offer, intent) = self.order(scene, minor)?;
        scene.pay(&offer, &intent).await
    }
}
