//! Everybody but the issuer: payers, agents, a merchant; and what they read of its answers.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{ANSWER, AnswerBody, PAPER, PAYMENT_REQUEST, PURSER_PROOF};
use purser_protocol::cert::{Role, TrustAnchors, validate};
use purser_protocol::code::Code;
use purser_protocol::field::{KeyHolder, List, decoded};
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{AccountId, CertificateId, Digest, LineageId, LongText, PaperId, PartyId, ShortText, Text};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::{Deposit, Enrolment, Proof};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::receipt::{Claims, Detail, Outcome};
use purser_protocol::sign::backend::{AwsLcSigner, Portable, PortableSigner};
use purser_protocol::sign::{Context, Paper, Signed, Signer, sign, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::fresh::Fresh;
use super::http::{Response, Server};

/// What the suite plays its parties with: whom it trusts, and a merchant that the target trusts.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Vec<u8>,
}

impl Peers {
    /// Reads `roots.pem`, and a chain, leaf first, with its key (PKCS #8), of the one whom the suite plays:
    /// `merchant.pem` and `merchant.key`, or `issuer.pem` and `issuer.key`.
    pub fn read(folder: &Path, role: Role) -> Result<Self, String> {
        let name = match role {
            Role::Issuer => "issuer",
            Role::Merchant => "merchant",
        };
        let certificates = |name: &str| {
            let path = folder.join(name);
            let read = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(read.into_iter().map(|der| der.to_vec()).collect::<Vec<_>>())
        };
        let path = folder.join(format!("{name}.key"));
        let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            roots: certificates("roots.pem")?,
            chain: certificates(&format!("{name}.pem"))?,
            key: key.secret_der().to_vec(),
        })
    }
}

/// The merchant that the suite plays.
struct Merchant {
    id: PartyId,
    x5t: CertificateId,
    signer: AwsLcSigner,
    chain: Vec<Vec<u8>>,
}

/// An issuer under test, and everybody else.
pub struct World {
    pub(super) server: Server,
    pub(super) issuer: PartyId,
    network: String,
    pub(super) versions: BTreeSet<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) document: Value,
    pub(super) currency: Currency,
    register: Register,
    merchant: Merchant,
    pub(super) fresh: Fresh,
}

/// A payer with an account, and an agent with a mandate.
pub(super) struct Payer {
    pub(super) key: PortableSigner,
    pub(super) account: AccountId,
    pub(super) agent: PortableSigner,
    pub(super) mandate: PaperId,
}

/// A paper that is signed.
#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) id: PaperId,
    pub(super) bytes: Vec<u8>,
}

/// A signed answer, read.
pub(super) struct Answer {
    pub(super) claims: Claims,
    pub(super) detail: Option<Code>,
    pub(super) receipt_id: PaperId,
}

impl World {
    /// Asks the target who it is.
    pub fn discover(url: &str, peers: &Peers, seed: u64) -> Result<Self, String> {
        let server = Server::new(url, &peers.roots)?;
        let document = server.request("GET", "/.well-known/purser", &[], &[])?;
        let document: Value = serde_json::from_slice(&document.body).map_err(|error| format!("discovery: {error}"))?;
        let said = document.get("purser").ok_or("discovery: there is no member purser")?;
        let text = |name: &str| said.get(name).and_then(Value::as_str).ok_or(format!("discovery: {name} is no text"));
        let texts = |name: &str| {
            let list = said.get(name).and_then(Value::as_array).ok_or(format!("discovery: {name} is no list"))?;
            Ok::<BTreeSet<String>, String>(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let issuer = PartyId::new(text("id")?).ok_or("discovery: id is no party's name")?;
        let currencies = texts("currencies")?;
        let currency = currencies.get("CNY").or(currencies.first()).and_then(|code| Currency::from_code(code));

        let mut trust = TrustAnchors::new(&Portable);
        for root in &peers.roots {
            trust.add(root, &[Role::Issuer, Role::Merchant], &[]).map_err(|fault| format!("roots.pem: {fault}"))?;
        }
        let chain: Vec<&[u8]> = peers.chain.iter().map(Vec::as_slice).collect();
        let x5t = certificate_id(chain.first().ok_or("merchant.pem holds no certificate")?);
        let party = validate(&chain, &x5t, Role::Merchant, &trust, seconds())
            .map_err(|fault| format!("merchant.pem: {fault}"))?;
        let mut register = Register::new(trust);
        for chain in said.get("certificates").and_then(Value::as_array).into_iter().flatten() {
            let certificates = chain.as_array().into_iter().flatten().filter_map(Value::as_str);
            let certificates = certificates.map(base64url::decode).collect::<Option<Vec<_>>>();
            register.keep(certificates.ok_or("discovery: certificates are not base64url")?);
        }
        let merchant = Merchant {
            id: party.id.clone(),
            x5t,
            signer: AwsLcSigner::from_pkcs8(&peers.key).ok_or("merchant.key is no key of P-256")?,
            chain: peers.chain.clone(),
        };
        Ok(Self {
            issuer,
            network: text("network")?.to_owned(),
            versions: texts("versions")?,
            features: texts("features")?,
            currency: currency.ok_or("discovery: there is no currency that this suite knows")?,
            document,
            register,
            merchant,
            fresh: Fresh::new(seed),
            server,
        })
    }

    pub(super) fn tamper(&mut self, tamper: Option<super::http::Tamper>) {
        self.server.tamper = tamper;
    }

    /// A new account with this much, and a mandate over it by which an agent may pay once as much in all.
    pub(super) fn payer(&self, minor: u64) -> Result<Payer, String> {
        self.payer_with(minor, |fields| fields.total = Amount::from_minor(minor))
    }

    /// The same, under these caps.
    pub(super) fn payer_with(&self, minor: u64, caps: impl FnOnce(&mut Fields)) -> Result<Payer, String> {
        let (key, account) = self.account()?;
        let deposit = Deposit {
            account,
            issuer: self.issuer.clone(),
            issued_at: now(),
            nonce: self.fresh.nonce(),
            amount: amount(minor)?,
            currency: self.currency,
        };
        self.expect(&self.command(&self.sign(&deposit, &key)?)?, 200, Outcome::Recorded)?;
        let agent = self.fresh.key();
        let mandate = self.mandate(&key, account, &agent, caps)?;
        self.expect(&self.command(&mandate)?, 200, Outcome::Recorded)?;
        Ok(Payer { key, account, agent, mandate: mandate.id })
    }

    /// A new account and its key.
    pub(super) fn account(&self) -> Result<(PortableSigner, AccountId), String> {
        let key = self.fresh.key();
        let response = self.post("/v1/accounts", PAPER, &self.enrolment(&key)?.bytes)?;
        self.expect(&response, 200, Outcome::Recorded)?;
        Ok((key, self.credential(&response)?))
    }

    pub(super) fn enrolment(&self, key: &PortableSigner) -> Result<Sealed, String> {
        let enrolment = Enrolment {
            account: None,
            issuer: self.issuer.clone(),
            issued_at: now(),
            nonce: self.fresh.nonce(),
            key: KeyHolder(key.public_key()),
        };
        self.sign(&enrolment, key)
    }

    /// The account of the credential that an answer brings.
    pub(super) fn credential(&self, response: &Response) -> Result<AccountId, String> {
        use purser_protocol::paper::credential::Credential;
        let bytes = response.header("purser-credential").and_then(base64url::decode);
        let bytes = bytes.ok_or("Purser-Credential is missing, or not base64url [SIG-26]")?;
        let signed = Signed::<Credential>::read(&bytes).map_err(|fault| format!("the credential: {fault}"))?;
        let credential = Credential::decode(&mut purser_protocol::wire::Reader::new(signed.frame.payload));
        credential.map(|credential| credential.account).map_err(|fault| format!("the credential: {fault}"))
    }

    pub(super) fn mandate(
        &self,
        key: &PortableSigner,
        account: AccountId,
        agent: &PortableSigner,
        caps: impl FnOnce(&mut Fields),
    ) -> Result<Sealed, String> {
        let mut fields = Fields::default();
        caps(&mut fields);
        let made_at = now();
        let mandate = Mandate {
            account,
            issuer: self.issuer.clone(),
            expires_at: made_at.saturating_add(86_400),
            not_before: made_at,
            issued_at: made_at,
            holder: Holder::Agent(agent.public_key()),
            offer: None,
            currency: self.currency,
            lineage: LineageId(self.fresh.sixteen()),
            serial: NonZeroU32::MIN,
            mode: Mode::Quota,
            parent: None,
            replaces: None,
            caps: Rules::new(fields),
            grants: None,
            funded: None,
            refund_returns: None,
            shown: None,
            conversation: None,
        };
        self.sign(&mandate, key)
    }

    /// An offer of the suite's merchant.
    pub(super) fn offer(&self, minor: u64, capture: CaptureMode) -> Result<Sealed, String> {
        let text = |text: &str| ShortText::new(text).ok_or("no text");
        let item = Item {
            id: text("tea")?,
            name: LongText::new("Tea").ok_or("no text")?,
            category: None,
            quantity: NonZeroU32::MIN,
            price: amount(minor)?,
            line: None,
        };
        let offer = Offer {
            merchant: self.merchant.id.clone(),
            expires_at: now().saturating_add(600),
            issued_at: now(),
            nonce: self.fresh.nonce(),
            amount: amount(minor)?,
            currency: self.currency,
            items: List::new(vec![item]).ok_or("no items")?,
            accepts: List::new(vec![Payee { issuer: self.issuer.clone(), account: text("till")? }])
                .ok_or("no payee")?,
            kind: OfferKind::Charge,
            capture,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
        };
        self.certify(&offer)
    }

    /// An intent of a payer's agent for an offer of this much.
    pub(super) fn intent(&self, payer: &Payer, offer: &Sealed, minor: u64) -> Result<Sealed, String> {
        let intent = Intent {
            issuer: self.issuer.clone(),
            issued_at: now(),
            mandate: payer.mandate,
            offer: offer.id,
            amount: amount(minor)?,
            currency: self.currency,
            secret_hash: Digest(Sha256::digest(self.fresh.bytes()).into()),
            channel: None,
            device: None,
            period: None,
        };
        self.sign(&intent, &payer.agent)
    }

    /// The body of a payment of this much, and its intent.
    pub(super) fn payment(&self, payer: &Payer, minor: u64, capture: CaptureMode) -> Result<(Vec<u8>, Sealed), String> {
        let offer = self.offer(minor, capture)?;
        let intent = self.intent(payer, &offer, minor)?;
        Ok((request(&offer, &intent), intent))
    }

    pub(super) fn pay(&self, body: &[u8]) -> Result<Response, String> {
        self.post("/v1/intents", PAYMENT_REQUEST, body)
    }

    pub(super) fn command(&self, paper: &Sealed) -> Result<Response, String> {
        self.post("/v1/commands", PAPER, &paper.bytes)
    }

    pub(super) fn post(&self, target: &str, media_type: &str, body: &[u8]) -> Result<Response, String> {
        self.server.request("POST", target, &[("Content-Type", media_type)], body)
    }

    /// A read, with a proof by this key where there is one.
    pub(super) fn get(&self, target: &str, key: Option<&PortableSigner>) -> Result<Response, String> {
        let proof = key.map(|key| self.proof(key, &format!("GET {}{target}", self.base()))).transpose()?;
        let headers: Vec<(&str, &str)> = proof.iter().map(|proof| (PURSER_PROOF, proof.as_str())).collect();
        self.server.request("GET", target, &headers, &[])
    }

    pub(super) fn base(&self) -> String {
        format!("https://{}", self.server.authority)
    }

    pub(super) fn proof(&self, key: &PortableSigner, target: &str) -> Result<String, String> {
        let proof = Proof {
            audience: self.issuer.clone(),
            issued_at: now(),
            nonce: self.fresh.nonce(),
            target: Text::new(target).ok_or("the target is too long")?,
        };
        Ok(base64url::encode(&self.sign(&proof, key)?.bytes))
    }

    pub(super) fn sign<T: Paper>(&self, paper: &T, key: &PortableSigner) -> Result<Sealed, String> {
        let bytes = sign(paper, self.context(), key).map_err(|error| error.to_string())?;
        sealed::<T>(bytes)
    }

    /// Signed by the suite's merchant, with its certificates.
    pub(super) fn certify<T: Paper>(&self, paper: &T) -> Result<Sealed, String> {
        let chain: Vec<&[u8]> = self.merchant.chain.iter().map(Vec::as_slice).collect();
        let signed = sign_by_certificate(paper, self.context(), &self.merchant.signer, self.merchant.x5t, &chain);
        sealed::<T>(signed.map_err(|error| error.to_string())?)
    }

    pub(super) fn merchant(&self) -> PartyId {
        self.merchant.id.clone()
    }

    fn context(&self) -> Context<'_> {
        Context { network: &self.network }
    }

    /// Reads a signed answer: its media type, its caching, its receipt under the roots. [RCT-1] [HTB-9]
    pub(super) fn answer(&self, response: &Response) -> Result<Answer, String> {
        if response.media_type() != ANSWER {
            let begin: String = String::from_utf8_lossy(&response.body).chars().take(200).collect();
            return Err(format!(
                "a signed answer is {ANSWER}; this is {}, status {}: {begin}",
                response.media_type(),
                response.status
            ));
        }
        let cache = response.header("cache-control").unwrap_or_default();
        if !cache.contains("no-store") || !cache.contains("private") {
            return Err(format!("Cache-Control of an answer is {cache:?}, not private, no-store"));
        }
        let body = AnswerBody::read(&response.body).map_err(|fault| format!("the answer: {fault}"))?;
        let receipt = verify_receipt(body.receipt, self.context(), &Portable, &self.register);
        let receipt = receipt.map_err(|fault| format!("the receipt: {fault}"))?;
        let detail = body.detail.map(decoded::<Detail>).transpose().map_err(|fault| format!("the detail: {fault}"))?;
        if let Some(detail) = &detail
            && receipt.claims.detail != Some(detail.digest())
        {
            return Err("the detail is not the one in the claims".to_owned());
        }
        let detail = detail.and_then(|detail| detail.code.code());
        Ok(Answer { claims: receipt.claims, detail, receipt_id: receipt.id })
    }

    /// An answer of this status and outcome.
    pub(super) fn expect(&self, response: &Response, status: u16, outcome: Outcome) -> Result<Answer, String> {
        let answer = self.answer(response)?;
        let why = answer.detail.or(answer.claims.code.and_then(|code| code.code()));
        let why = why.map(|code| format!(" ({code})")).unwrap_or_default();
        if answer.claims.outcome != outcome {
            return Err(format!("the outcome is {}{why}, not {}", answer.claims.outcome.name(), outcome.name()));
        }
        if response.status != status {
            return Err(format!("{}{why} is answered with status {}, not {status}", outcome.name(), response.status));
        }
        Ok(answer)
    }

    /// A refusal that was decided: its status, what the payer is told, what everybody is told. [RCT-8] [HTB-5]
    pub(super) fn refusal(&self, response: &Response, code: Code) -> Result<Answer, String> {
        let answer = self.expect(response, code.status(), Outcome::Refused)?;
        if answer.detail != Some(code) {
            let told = answer.detail.map_or("nothing", Code::slug);
            return Err(format!("the payer's side is told {told}, not {code}"));
        }
        let public = if code.public() == purser_protocol::code::Public::Same { code } else { Code::Declined };
        match answer.claims.code.and_then(|code| code.code()) {
            Some(told) if told == public => Ok(answer),
            told => Err(format!("everybody is told {}, not {public}", told.map_or("nothing", Code::slug))),
        }
    }

    /// What was not decided: a problem body with the registry's status, number and name. [ERR-1]
    pub(super) fn problem(&self, response: &Response, code: Code) -> Result<Value, String> {
        if response.media_type() != "application/problem+json" {
            return Err(format!(
                "{code} must be a problem body; this is {}, status {}",
                response.media_type(),
                response.status
            ));
        }
        let problem: Value = serde_json::from_slice(&response.body).map_err(|error| format!("the problem: {error}"))?;
        let kind = format!("urn:purser:problem:{}", code.slug());
        let said = (problem.get("type").and_then(Value::as_str), problem.get("code").and_then(Value::as_u64));
        if said != (Some(&kind), Some(u64::from(code.number()))) || response.status != code.status() {
            return Err(format!(
                "must be {code}, status {}; it is {problem}, status {}",
                code.status(),
                response.status
            ));
        }
        Ok(problem)
    }
}

/// The body of a payment whose mandate is registered.
pub(super) fn request(offer: &Sealed, intent: &Sealed) -> Vec<u8> {
    PaymentRequest { offer: &offer.bytes, intent: &intent.bytes, ..PaymentRequest::default() }.write()
}

pub(super) fn amount(minor: u64) -> Result<Amount, String> {
    Amount::from_minor(minor).ok_or_else(|| format!("{minor} is no amount"))
}

pub(super) fn now() -> UnixSeconds {
    UnixSeconds::new(seconds()).unwrap_or(UnixSeconds::MIN)
}

/// What must be, or why it is not.
pub(super) fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn sealed<T: Paper>(bytes: Vec<u8>) -> Result<Sealed, String> {
    let id = Signed::<T>::read(&bytes).map(|signed| signed.id()).map_err(|fault| fault.to_string())?;
    Ok(Sealed { id, bytes })
}

/// Does the same on several threads at once; what each came to.
pub(super) fn together<T: Send>(work: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    std::thread::scope(|scope| {
        let begun: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        begun.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}
