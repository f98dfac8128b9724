//! Who is in the play, and the papers that they sign.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::field::{Bytes, Count, KeyHolder, List, Set, True, UpTo};
use purser_protocol::flow::issuer::{BatchRequest, PaymentRequest, part};
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{
    AccountId, CertificateId, Digest, LineageId, LongText, Nonce, PaperId, PartyId, ShortText, Text,
};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Proof, Refund, Resumption, Retirement, Revocation, Suspension,
    Thaw, Void,
};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::meter::{Ascending, ChainRoot, LinkCount, Meter, Price, SessionSeconds, Unit, UnitCount};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::paper::status::root_of;
use purser_protocol::sign::backend::{AwsLc, AwsLcSigner};
use purser_protocol::sign::{Context, Frame, Paper, Signer, sign, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_server::pem;
use purser_server::random::random;
use purser_server::sandbox::Sandbox;

pub(crate) const CONTEXT: Context<'_> = Context { network: "sandbox" };

/// What everybody knows: whom to trust.
pub(crate) struct World {
    pub(crate) register: Register,
}

impl World {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let mut trust = TrustAnchors::new(&AwsLc);
        for root in pem::certificates(&sandbox.path("roots.pem")).unwrap() {
            trust.add(&root, &[Role::Issuer], &[]).unwrap();
        }
        let mut register = Register::new(trust);
        register.keep(pem::certificates(&sandbox.path("issuer.pem")).unwrap());
        Self { register }
    }
}

pub(crate) fn issuer() -> PartyId {
    PartyId::new("issuer.example").unwrap()
}

pub(crate) fn now() -> UnixSeconds {
    UnixSeconds::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub(crate) fn yuan() -> Currency {
    Currency::from_code("CNY").unwrap()
}

pub(crate) fn amount(minor: u64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

pub(crate) fn id(paper: &[u8]) -> PaperId {
    let frame = Frame::read(paper).unwrap();
    purser_protocol::sign::paper::id(frame.protected, frame.payload)
}

fn nonce() -> Nonce {
    Nonce(random().unwrap())
}

/// A key, of a person or of an agent.
pub(crate) struct Key(AwsLcSigner);

impl Key {
    pub(crate) fn new() -> Self {
        Self(AwsLcSigner::generate().unwrap().1)
    }

    pub(crate) fn holder(&self) -> Holder {
        Holder::Agent(self.0.public_key())
    }

    pub(crate) fn public(&self) -> [u8; 64] {
        self.0.public_key().0
    }

    pub(crate) fn name(&self) -> String {
        self.0.public_key().id().to_string()
    }

    /// What a rule or an intent names a device by.
    pub(crate) fn thumbprint(&self) -> Digest {
        Digest(self.0.public_key().id().0)
    }

    /// What a passkey signs is no paper.
    pub(crate) fn signs(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.0.sign(digest).unwrap()
    }

    /// A part of a batch that this key signs.
    pub(crate) fn part(&self, paper: &impl Paper) -> (PaperId, Vec<u8>) {
        part(paper, &self.0.public_key())
    }

    pub(crate) fn sign(&self, paper: &impl Paper) -> Vec<u8> {
        sign(paper, CONTEXT, &self.0).unwrap()
    }

    /// Takes an offer; twice the same offer are two intents.
    pub(crate) fn intent(&self, mandate: PaperId, offer: &[u8], minor: u64) -> Vec<u8> {
        self.sign(&intent(mandate, offer, minor))
    }

    pub(crate) fn proof(&self, target: &str) -> Vec<u8> {
        self.proof_at(target, 0)
    }

    pub(crate) fn proof_at(&self, target: &str, later_seconds: u64) -> Vec<u8> {
        let (target, issued_at) = (Text::new(target).unwrap(), now().saturating_add(later_seconds));
        self.sign(&Proof { audience: issuer(), issued_at, nonce: nonce(), target })
    }

    pub(crate) fn cancel(&self, intent: &[u8]) -> Vec<u8> {
        let intent = Bytes(intent.to_vec());
        self.sign(&Cancel { issuer: issuer(), issued_at: now(), nonce: nonce(), intent, offer: None })
    }
}

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) key: Key,
    pub(crate) account: AccountId,
}

impl Person {
    pub(crate) fn enrolment(key: &Key) -> Vec<u8> {
        let new = KeyHolder(key.0.public_key());
        key.sign(&Enrolment { account: None, issuer: issuer(), issued_at: now(), nonce: nonce(), key: new })
    }

    pub(crate) fn deposit(&self, minor: u64) -> Vec<u8> {
        self.deposit_at(minor, 0)
    }

    pub(crate) fn deposit_at(&self, minor: u64, later_seconds: u64) -> Vec<u8> {
        let (amount, currency) = (amount(minor), yuan());
        self.key.sign(&Deposit {
            account: self.account,
            issuer: issuer(),
            issued_at: now().saturating_add(later_seconds),
            nonce: nonce(),
            amount,
            currency,
        })
    }

    /// A mandate that lasts a day, otherwise as `mode` and `holder` say.
    pub(crate) fn draft(&self, mode: Mode, holder: &Key) -> Mandate {
        Mandate {
            account: self.account,
            issuer: issuer(),
            expires_at: now().saturating_add(86_400),
            not_before: now().saturating_sub(60),
            issued_at: now(),
            holder: holder.holder(),
            offer: None,
            currency: yuan(),
            lineage: LineageId(random().unwrap()),
            serial: NonZeroU32::MIN,
            mode,
            parent: None,
            replaces: None,
            caps: None,
            grants: None,
            funded: None,
            refund_returns: None,
            shown: None,
            conversation: None,
        }
    }

    pub(crate) fn quota(&self, holder: &Key, minor: u64) -> Vec<u8> {
        self.key.sign(&self.quota_draft(holder, minor))
    }

    pub(crate) fn quota_draft(&self, holder: &Key, minor: u64) -> Mandate {
        let caps = rules(Fields { total: Some(amount(minor)), ..Fields::default() });
        Mandate { caps, ..self.draft(Mode::Quota, holder) }
    }

    /// A quota to which refunds go back.
    pub(crate) fn returning_quota(&self, holder: &Key, minor: u64) -> Vec<u8> {
        self.key.sign(&Mandate { refund_returns: Some(True), ..self.quota_draft(holder, minor) })
    }

    pub(crate) fn conditional(&self, holder: &Key, grants: Vec<Fields>) -> Vec<u8> {
        let grants = grants.into_iter().map(|grant| rules(grant).unwrap()).collect();
        self.key.sign(&Mandate { grants: List::new(grants), ..self.draft(Mode::Conditional, holder) })
    }

    pub(crate) fn single(&self, holder: &Key, offer: &[u8]) -> Vec<u8> {
        self.key.sign(&Mandate { offer: Some(id(offer)), ..self.draft(Mode::Single, holder) })
    }

    pub(crate) fn suspension(&self, mandate: PaperId) -> Vec<u8> {
        suspension(&self.key, self.account, mandate)
    }

    pub(crate) fn resumption(&self, mandate: PaperId, suspension: PaperId) -> Vec<u8> {
        let mandates = Set::new(vec![mandate]).unwrap();
        self.key.sign(&Resumption {
            account: self.account,
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            mandates,
            suspension,
        })
    }

    pub(crate) fn revocation(&self, mandate: PaperId) -> Vec<u8> {
        let (mandates, reason) = (Set::new(vec![mandate]).unwrap(), LongText::new("no longer needed"));
        self.key.sign(&Revocation {
            account: self.account,
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            mandates,
            reason,
        })
    }

    /// Adds a key.
    pub(crate) fn adds(&self, key: &Key) -> Vec<u8> {
        let new = KeyHolder(key.0.public_key());
        let account = Some(self.account);
        self.key.sign(&Enrolment { account, issuer: issuer(), issued_at: now(), nonce: nonce(), key: new })
    }

    pub(crate) fn retires(&self, key: &Key) -> Vec<u8> {
        let retired = Digest(key.0.public_key().id().0);
        let (account, reason) = (self.account, None);
        self.key.sign(&Retirement { account, issuer: issuer(), issued_at: now(), nonce: nonce(), reason, retired })
    }

    /// A batch of parts that the account's key names.
    pub(crate) fn batch(&self, parts: &[(PaperId, Vec<u8>)]) -> Vec<u8> {
        self.batch_of(parts, parts)
    }

    /// A batch that signs some parts and comes with others.
    pub(crate) fn batch_of(&self, signed: &[(PaperId, Vec<u8>)], sent: &[(PaperId, Vec<u8>)]) -> Vec<u8> {
        let ids: Vec<PaperId> = signed.iter().map(|(id, _)| *id).collect();
        let batch = self.key.sign(&Batch {
            account: self.account,
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            parts: Count::new(ids.len() as u64).unwrap(),
            root: root_of(&ids),
        });
        BatchRequest { batch: &batch, parts: sent.iter().map(|(_, part)| part.as_slice()).collect() }.write()
    }

    pub(crate) fn suspension_of(&self, mandates: Vec<PaperId>) -> Suspension {
        let (account, mandates) = (self.account, Set::new(mandates).unwrap());
        Suspension { account, issuer: issuer(), issued_at: now(), nonce: nonce(), mandates, reason: None }
    }

    pub(crate) fn revocation_of(&self, mandates: Vec<PaperId>) -> Revocation {
        let (account, mandates) = (self.account, Set::new(mandates).unwrap());
        Revocation { account, issuer: issuer(), issued_at: now(), nonce: nonce(), mandates, reason: None }
    }

    pub(crate) fn confirmation(&self, intent: PaperId) -> Vec<u8> {
        self.key.sign(&Confirmation {
            account: self.account,
            issuer: issuer(),
            issued_at: now(),
            intent,
            shown: None,
            how: Modality::Screen,
            evidence: None,
            phrase: None,
        })
    }
}

pub(crate) fn suspension(key: &Key, account: AccountId, mandate: PaperId) -> Vec<u8> {
    let mandates = Set::new(vec![mandate]).unwrap();
    key.sign(&Suspension { account, issuer: issuer(), issued_at: now(), nonce: nonce(), mandates, reason: None })
}

pub(crate) fn rules(fields: Fields) -> Option<Rules> {
    Rules::new(fields)
}

/// The sandbox's merchant.
pub(crate) struct Shop {
    name: PartyId,
    signer: AwsLcSigner,
    chain: Vec<Vec<u8>>,
    certificate: CertificateId,
}

impl Shop {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let chain = pem::certificates(&sandbox.path("merchant.pem")).unwrap();
        let key = pem::private_key(&sandbox.path("merchant.key")).unwrap();
        Self {
            name: PartyId::new("shop.example").unwrap(),
            signer: AwsLcSigner::from_pkcs8(&key).unwrap(),
            certificate: certificate_id(&chain[0]),
            chain,
        }
    }

    /// Of an intent that takes this offer.
    pub(crate) fn cancel(&self, intent: &[u8], offer: &[u8]) -> Vec<u8> {
        let (intent, offer) = (Bytes(intent.to_vec()), Some(Bytes(offer.to_vec())));
        self.sign(&Cancel { issuer: issuer(), issued_at: now(), nonce: nonce(), intent, offer })
    }

    pub(crate) fn offer(&self, minor: u64) -> Vec<u8> {
        self.sign(&self.draft(minor, CaptureMode::AtOnce))
    }

    pub(crate) fn held_offer(&self, minor: u64) -> Vec<u8> {
        self.sign(&self.draft(minor, CaptureMode::ByCommand))
    }

    pub(crate) fn draft(&self, minor: u64, capture: CaptureMode) -> Offer {
        let item = Item {
            id: ShortText::new("book").unwrap(),
            name: LongText::new("A book").unwrap(),
            category: UpTo::new(5942),
            quantity: NonZeroU32::MIN,
            price: amount(minor),
            line: None,
        };
        Offer {
            merchant: self.name.clone(),
            expires_at: now().saturating_add(600),
            issued_at: now(),
            nonce: nonce(),
            amount: amount(minor),
            currency: yuan(),
            items: List::new(vec![item]).unwrap(),
            accepts: List::new(vec![Payee { issuer: issuer(), account: ShortText::new("till").unwrap() }]).unwrap(),
            kind: OfferKind::Charge,
            capture,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        }
    }

    /// An offer of a metered session, and an intent for it. Each link is worth a fen; who pays knows them.
    pub(crate) fn metered(&self, agent: &Key, mandate: PaperId, minor: u64) -> (Vec<u8>, Vec<u8>) {
        let ascending = "one entry ascends";
        let meter = Meter {
            prices: Ascending::new(vec![Price { unit: Unit::OutputToken, amount: amount(1) }]).expect(ascending),
            per: UnitCount::new(1).unwrap(),
            steps: Ascending::new(vec![amount(1)]).expect(ascending),
            ahead: amount(2),
            idle_seconds: SessionSeconds::new(60).unwrap(),
            grace_seconds: SessionSeconds::new(60).unwrap(),
            continues: None,
        };
        let draft = self.draft(minor, CaptureMode::ByCommand);
        let offer = self.sign(&Offer { kind: OfferKind::Metered, meter: Some(meter), ..draft });
        let chain = ChainRoot { length: LinkCount::new(minor).unwrap(), root: Digest([7; 32]) };
        let chains = List::new(vec![chain]);
        let intent = agent.sign(&Intent { chains, ..intent(mandate, &offer, minor) });
        (offer, intent)
    }

    /// An offer of a pack, under a plan that is named like the thing that is sold.
    pub(crate) fn pack_offer(&self, minor: u64) -> Vec<u8> {
        self.sign(&Offer { kind: OfferKind::Pack, ..self.draft(minor, CaptureMode::AtOnce) })
    }

    pub(crate) fn capture(&self, intent: PaperId, minor: u64, last: bool) -> Vec<u8> {
        self.sign(&self.capture_draft(intent, minor, last))
    }

    /// A capture that is made so much later.
    pub(crate) fn capture_at(&self, intent: PaperId, minor: u64, later_seconds: u64) -> Vec<u8> {
        let issued_at = now().saturating_add(later_seconds);
        self.sign(&Capture { issued_at, ..self.capture_draft(intent, minor, false) })
    }

    fn capture_draft(&self, intent: PaperId, minor: u64, last: bool) -> Capture {
        Capture {
            merchant: self.name.clone(),
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            intent,
            amount: amount(minor),
            currency: yuan(),
            last: last.then_some(True),
            claim: None,
        }
    }

    /// An intent of the merchant itself, under a mandate that it holds.
    pub(crate) fn intent(&self, mandate: PaperId, offer: &[u8], minor: u64) -> Vec<u8> {
        self.sign(&intent(mandate, offer, minor))
    }

    pub(crate) fn holder(&self) -> Holder {
        Holder::Merchant(self.name.clone())
    }

    pub(crate) fn void(&self, intent: PaperId) -> Vec<u8> {
        let merchant = self.name.clone();
        self.sign(&Void { merchant, issuer: issuer(), issued_at: now(), nonce: nonce(), intent })
    }

    pub(crate) fn refund(&self, intent: PaperId, minor: u64) -> Vec<u8> {
        self.sign(&Refund {
            merchant: self.name.clone(),
            issuer: issuer(),
            issued_at: now(),
            nonce: nonce(),
            intent,
            amount: amount(minor),
            currency: yuan(),
            reason: None,
        })
    }

    pub(crate) fn sign(&self, paper: &impl Paper) -> Vec<u8> {
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        sign_by_certificate(paper, CONTEXT, &self.signer, self.certificate, &chain).unwrap()
    }
}

pub(crate) fn intent(mandate: PaperId, offer: &[u8], minor: u64) -> Intent {
    Intent {
        issuer: issuer(),
        issued_at: now(),
        mandate,
        offer: id(offer),
        amount: amount(minor),
        currency: yuan(),
        secret_hash: secret_hash(&random().unwrap()),
        channel: None,
        device: None,
        period: None,
        chains: None,
    }
}

/// The body of a payment under mandates that are registered.
pub(crate) fn payment(offer: &[u8], intent: &[u8]) -> Vec<u8> {
    payment_with(&[], offer, intent)
}

/// A payment that brings its mandates.
pub(crate) fn payment_with(mandates: &[&[u8]], offer: &[u8], intent: &[u8]) -> Vec<u8> {
    PaymentRequest { mandates: mandates.to_vec(), offer, intent, confirmation: None }.write()
}

/// The issuer's own orders.
pub(crate) struct Operator {
    signer: AwsLcSigner,
    certificate: CertificateId,
}

impl Operator {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let chain = pem::certificates(&sandbox.path("issuer.pem")).unwrap();
        let key = pem::private_key(&sandbox.path("issuer.key")).unwrap();
        Self { signer: AwsLcSigner::from_pkcs8(&key).unwrap(), certificate: certificate_id(&chain[0]) }
    }

    pub(crate) fn freeze(&self, account: AccountId) -> Vec<u8> {
        let reason = LongText::new("her phone is lost");
        self.sign(&Freeze { issuer: issuer(), account, issued_at: now(), nonce: nonce(), reason })
    }

    pub(crate) fn thaw(&self, account: AccountId, key: Option<&Key>) -> Vec<u8> {
        let key = key.map(|key| KeyHolder(key.0.public_key()));
        self.sign(&Thaw { issuer: issuer(), account, issued_at: now(), nonce: nonce(), key, reason: None })
    }

    fn sign(&self, paper: &impl Paper) -> Vec<u8> {
        sign_by_certificate(paper, CONTEXT, &self.signer, self.certificate, &[]).unwrap()
    }
}
