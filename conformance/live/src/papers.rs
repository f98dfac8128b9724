//! Whom the suite plays, and the papers that they sign.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::field::{Bytes, KeyHolder, List, Set, True, UpTo, encoded};
use purser_protocol::flow::certificate_id;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::secret_hash;
use purser_protocol::id::{
    AccountId, CertificateId, Digest, LineageId, LongText, Nonce, PaperId, PartyId, ShortText, Text,
};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::command::{
    Cancel, Capture, Deposit, Enrolment, Payout, Proof, Refund, Resumption, Revocation, Suspension, Void,
};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Receipt, Root};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Context, Frame, Paper, PublicKey, Signer as _, sign, sign_by_certificate};
use purser_protocol::time::UnixSeconds;

use crate::failure::Failure;
use crate::pem;
use crate::random::random;

type Made = Result<Vec<u8>, Failure>;

/// What every paper says: to whom, on which network, in which money.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) issuer: PartyId,
    pub(crate) network: String,
    pub(crate) currency: Currency,
}

impl Terms {
    pub(crate) fn context(&self) -> Context<'_> {
        Context { network: &self.network }
    }
}

/// What a constant of the suite cannot lack.
pub(crate) fn given<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::of_suite("a value of its own is out of range"))
}

pub(crate) fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UnixSeconds::new(since).unwrap_or(UnixSeconds::MIN)
}

pub(crate) fn amount(minor: u64) -> Result<Amount, Failure> {
    given(Amount::from_minor(minor))
}

pub(crate) fn id(paper: &[u8]) -> Result<PaperId, Failure> {
    let frame = Frame::read(paper).map_err(|fault| Failure::of_suite(format!("its own paper: {fault}")))?;
    Ok(purser_protocol::sign::paper::id(frame.protected, frame.payload))
}

fn nonce() -> Result<Nonce, Failure> {
    Ok(Nonce(random()?))
}

/// A key, of a person or of an agent.
pub(crate) struct Key(AwsLcSigner);

impl Key {
    pub(crate) fn new() -> Result<Self, Failure> {
        let made = AwsLcSigner::generate().ok_or_else(|| Failure::of_suite("no key can be made"))?;
        Ok(Self(made.1))
    }

    /// A key, and its public half in PEM.
    pub(crate) fn with_pem() -> Result<(Self, String), Failure> {
        let pair = rcgen::KeyPair::generate().map_err(|error| Failure::of_suite(error.to_string()))?;
        let key = AwsLcSigner::from_pkcs8(&pair.serialize_der());
        let key = key.ok_or_else(|| Failure::of_suite("no key can be made"))?;
        Ok((Self(key), pair.public_key_pem()))
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.0.public_key()
    }

    pub(crate) fn holder(&self) -> Holder {
        Holder::Agent(self.0.public_key())
    }

    pub(crate) fn sign(&self, terms: &Terms, paper: &impl Paper) -> Made {
        sign(paper, terms.context(), &self.0).map_err(|error| Failure::of_suite(format!("cannot sign: {error}")))
    }

    /// Takes an offer; twice the same offer are two intents.
    pub(crate) fn intent(&self, terms: &Terms, mandate: PaperId, offer: &[u8], minor: u64) -> Made {
        self.sign(terms, &intent(terms, mandate, id(offer)?, minor)?)
    }

    pub(crate) fn cancel(&self, terms: &Terms, intent: &[u8]) -> Made {
        let (issuer, intent) = (terms.issuer.clone(), Bytes(intent.to_vec()));
        self.sign(terms, &Cancel { issuer, issued_at: now(), nonce: nonce()?, intent, offer: None })
    }

    pub(crate) fn proof(&self, terms: &Terms, target: &str, issued_at: UnixSeconds) -> Made {
        let (audience, target) = (terms.issuer.clone(), given(Text::new(target))?);
        self.sign(terms, &Proof { audience, issued_at, nonce: nonce()?, target })
    }

    pub(crate) fn suspension(&self, terms: &Terms, account: AccountId, mandate: PaperId) -> Made {
        let (issuer, mandates) = (terms.issuer.clone(), given(Set::new(vec![mandate]))?);
        self.sign(terms, &Suspension { account, issuer, issued_at: now(), nonce: nonce()?, mandates, reason: None })
    }
}

fn intent(terms: &Terms, mandate: PaperId, offer: PaperId, minor: u64) -> Result<Intent, Failure> {
    Ok(Intent {
        issuer: terms.issuer.clone(),
        issued_at: now(),
        mandate,
        offer,
        amount: amount(minor)?,
        currency: terms.currency,
        secret_hash: secret_hash(&random()?),
        channel: None,
        device: None,
        period: None,
        chains: None,
    })
}

/// An offer, and the intent of an agent for it, as what they say and as papers.
pub(crate) struct Order {
    pub(crate) id: PaperId,
    pub(crate) offer: Offer,
    pub(crate) offer_paper: Vec<u8>,
    pub(crate) intent: Intent,
    pub(crate) intent_paper: Vec<u8>,
}

impl Order {
    pub(crate) fn new(
        terms: &Terms,
        merchant: &Seal,
        agent: &Key,
        mandate: PaperId,
        minor: u64,
    ) -> Result<Self, Failure> {
        let offer = merchant.draft(terms, minor, CaptureMode::AtOnce)?;
        let offer_paper = merchant.sign(terms, &offer)?;
        let intent = intent(terms, mandate, id(&offer_paper)?, minor)?;
        let intent_paper = agent.sign(terms, &intent)?;
        Ok(Self { id: id(&intent_paper)?, offer, offer_paper, intent, intent_paper })
    }
}

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) key: Key,
    pub(crate) account: AccountId,
}

impl Person {
    pub(crate) fn enrolment(terms: &Terms, key: &Key) -> Made {
        let (issuer, new) = (terms.issuer.clone(), KeyHolder(key.0.public_key()));
        key.sign(terms, &Enrolment { account: None, issuer, issued_at: now(), nonce: nonce()?, key: new })
    }

    pub(crate) fn deposit(&self, terms: &Terms, minor: u64) -> Made {
        let paper = Deposit {
            account: self.account,
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            amount: amount(minor)?,
            currency: terms.currency,
        };
        self.key.sign(terms, &paper)
    }

    /// A mandate that lasts a day, otherwise as `mode` and `holder` say.
    pub(crate) fn draft(&self, terms: &Terms, mode: Mode, holder: &Key) -> Result<Mandate, Failure> {
        Ok(Mandate {
            account: self.account,
            issuer: terms.issuer.clone(),
            expires_at: now().saturating_add(86_400),
            not_before: now().saturating_sub(60),
            issued_at: now(),
            holder: holder.holder(),
            offer: None,
            currency: terms.currency,
            lineage: LineageId(random()?),
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
        })
    }

    pub(crate) fn quota(&self, terms: &Terms, holder: &Key, minor: u64) -> Made {
        let caps = Rules::new(Fields { total: Some(amount(minor)?), ..Fields::default() });
        self.key.sign(terms, &Mandate { caps, ..self.draft(terms, Mode::Quota, holder)? })
    }

    /// One grant.
    pub(crate) fn conditional(&self, terms: &Terms, holder: &Key, grant: Fields) -> Made {
        let grants = List::new(vec![given(Rules::new(grant))?]);
        self.key.sign(terms, &Mandate { grants, ..self.draft(terms, Mode::Conditional, holder)? })
    }

    pub(crate) fn single(&self, terms: &Terms, holder: &Key, offer: &[u8]) -> Made {
        let offer = Some(id(offer)?);
        self.key.sign(terms, &Mandate { offer, ..self.draft(terms, Mode::Single, holder)? })
    }

    pub(crate) fn resumption(&self, terms: &Terms, mandate: PaperId, suspension: PaperId) -> Made {
        let paper = Resumption {
            account: self.account,
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            mandates: given(Set::new(vec![mandate]))?,
            suspension,
        };
        self.key.sign(terms, &paper)
    }

    pub(crate) fn revocation(&self, terms: &Terms, mandate: PaperId) -> Made {
        let paper = Revocation {
            account: self.account,
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            mandates: given(Set::new(vec![mandate]))?,
            reason: None,
        };
        self.key.sign(terms, &paper)
    }

    pub(crate) fn confirmation(&self, terms: &Terms, intent: PaperId) -> Made {
        let paper = Confirmation {
            account: self.account,
            issuer: terms.issuer.clone(),
            issued_at: now(),
            intent,
            shown: None,
            how: Modality::Screen,
            evidence: None,
            phrase: None,
        };
        self.key.sign(terms, &paper)
    }
}

/// Who signs by a certificate: a merchant, or an issuer.
pub(crate) struct Seal {
    pub(crate) name: PartyId,
    signer: AwsLcSigner,
    pub(crate) chain: Vec<Vec<u8>>,
    certificate: CertificateId,
}

impl Seal {
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let chain = pem::certificates(certificate)?;
        let pkcs8 = pem::private_key(key)?;
        let signer = AwsLcSigner::from_pkcs8(&pkcs8).ok_or_else(|| format!("{}: no P-256 key", key.display()))?;
        let leaf = chain.first().ok_or_else(|| format!("{}: empty", certificate.display()))?;
        let name = party(leaf).ok_or_else(|| format!("{}: names no party", certificate.display()))?;
        Ok(Self { name, signer, certificate: certificate_id(leaf), chain })
    }

    pub(crate) fn sign(&self, terms: &Terms, paper: &impl Paper) -> Made {
        self.sign_as(terms, paper, self)
    }

    /// The same in the name of another: with its certificate, and this key.
    pub(crate) fn sign_as(&self, terms: &Terms, paper: &impl Paper, name: &Self) -> Made {
        let chain: Vec<&[u8]> = name.chain.iter().map(Vec::as_slice).collect();
        sign_by_certificate(paper, terms.context(), &self.signer, name.certificate, &chain)
            .map_err(|error| Failure::of_suite(format!("cannot sign: {error}")))
    }

    /// Without certificates, in the name of another.
    pub(crate) fn sign_bare_as(&self, terms: &Terms, paper: &impl Paper, name: &Self) -> Made {
        sign_by_certificate(paper, terms.context(), &self.signer, name.certificate, &[])
            .map_err(|error| Failure::of_suite(format!("cannot sign: {error}")))
    }

    /// In the name of a certificate that nobody has seen.
    pub(crate) fn unknown(&self) -> Result<Self, Failure> {
        let (_, signer) = AwsLcSigner::generate().ok_or_else(|| Failure::of_suite("no key can be made"))?;
        let (name, certificate) = (self.name.clone(), CertificateId(random()?));
        Ok(Self { name, signer, chain: Vec::new(), certificate })
    }

    /// The same party with a key that is not its own.
    pub(crate) fn forger(&self) -> Result<Self, Failure> {
        Ok(Self { certificate: self.certificate, chain: self.chain.clone(), ..self.unknown()? })
    }

    /// Without certificates.
    pub(crate) fn sign_bare(&self, terms: &Terms, paper: &impl Paper) -> Made {
        self.sign_bare_as(terms, paper, self)
    }

    /// A receipt of these claims, alone in its batch and its log, under a root in the name of another.
    pub(crate) fn receipt(&self, terms: &Terms, claims: &Claims, name: &Self) -> Made {
        let claims = encoded(claims);
        let tree = Tree::new(vec![leaf_hash(&claims)]);
        let root = Root {
            issued_at: now(),
            tree_root: Digest(tree.root()),
            tree_size: NonZeroU32::MIN,
            batch: 0,
            log_root: Digest(leaf_hash(&tree.root())),
            log_size: 1,
            network: given(Text::new(&terms.network))?,
        };
        let root = self.sign_bare_as(terms, &root, name)?;
        Ok(encoded(&Receipt { claims, index: 0, path: Vec::new(), root }))
    }

    pub(crate) fn offer(&self, terms: &Terms, minor: u64) -> Made {
        self.sign(terms, &self.draft(terms, minor, CaptureMode::AtOnce)?)
    }

    pub(crate) fn held_offer(&self, terms: &Terms, minor: u64) -> Made {
        self.sign(terms, &self.draft(terms, minor, CaptureMode::ByCommand)?)
    }

    /// Something without a category for one unit, and behind it something that has [`crate::authority::CATEGORY`].
    pub(crate) fn offer_of_category(&self, terms: &Terms, minor: u64) -> Made {
        let offer = self.draft(terms, minor, CaptureMode::AtOnce)?;
        let of = |category: Option<u16>, price: u64| {
            let items = offer.items.iter().cloned();
            let category = category.map(|category| given(UpTo::new(category.into()))).transpose()?;
            let priced = amount(price)?;
            given(items.map(|item| Item { category, price: priced, ..item }).next())
        };
        let items = vec![of(None, 1)?, of(Some(crate::authority::CATEGORY), minor.saturating_sub(1))?];
        self.sign(terms, &Offer { items: given(List::new(items))?, ..offer })
    }

    /// An offer that is paid into an account of its own, so that what the account holds is known.
    pub(crate) fn offer_into(&self, terms: &Terms, account: &str, minor: u64) -> Made {
        let payee = Payee { issuer: terms.issuer.clone(), account: given(ShortText::new(account))? };
        let offer = self.draft(terms, minor, CaptureMode::AtOnce)?;
        self.sign(terms, &Offer { accepts: given(List::new(vec![payee]))?, ..offer })
    }

    pub(crate) fn draft(&self, terms: &Terms, minor: u64, capture: CaptureMode) -> Result<Offer, Failure> {
        let item = Item {
            id: given(ShortText::new("thing"))?,
            name: given(LongText::new("A thing"))?,
            category: None,
            quantity: NonZeroU32::MIN,
            price: amount(minor)?,
            line: None,
        };
        let payee = Payee { issuer: terms.issuer.clone(), account: given(ShortText::new("suite"))? };
        Ok(Offer {
            merchant: self.name.clone(),
            expires_at: now().saturating_add(600),
            issued_at: now(),
            nonce: nonce()?,
            amount: amount(minor)?,
            currency: terms.currency,
            items: given(List::new(vec![item]))?,
            accepts: given(List::new(vec![payee]))?,
            kind: OfferKind::Charge,
            capture,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        })
    }

    pub(crate) fn capture(&self, terms: &Terms, intent: PaperId, minor: u64, last: bool) -> Made {
        let paper = Capture {
            merchant: self.name.clone(),
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            intent,
            amount: amount(minor)?,
            currency: terms.currency,
            last: last.then_some(True),
            claim: None,
        };
        self.sign(terms, &paper)
    }

    pub(crate) fn void(&self, terms: &Terms, intent: PaperId) -> Made {
        let (merchant, issuer) = (self.name.clone(), terms.issuer.clone());
        self.sign(terms, &Void { merchant, issuer, issued_at: now(), nonce: nonce()?, intent })
    }

    pub(crate) fn refund(&self, terms: &Terms, intent: PaperId, minor: u64) -> Made {
        let paper = Refund {
            merchant: self.name.clone(),
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            intent,
            amount: amount(minor)?,
            currency: terms.currency,
            reason: None,
        };
        self.sign(terms, &paper)
    }

    pub(crate) fn payout(&self, terms: &Terms, account: &str, minor: u64) -> Made {
        let paper = Payout {
            merchant: self.name.clone(),
            issuer: terms.issuer.clone(),
            issued_at: now(),
            nonce: nonce()?,
            amount: amount(minor)?,
            currency: terms.currency,
            account: given(ShortText::new(account))?,
        };
        self.sign(terms, &paper)
    }
}

/// The party that a certificate names: its one URI, which the profile lets stand nowhere else.
fn party(der: &[u8]) -> Option<PartyId> {
    const URI: u8 = 0x86;
    const SCHEME: &[u8] = b"purser:";
    let at = der.windows(SCHEME.len()).position(|window| window == SCHEME)?;
    let length = usize::from(*der.get(at.checked_sub(1)?)?);
    if der.get(at.checked_sub(2)?) != Some(&URI) {
        return None;
    }
    let name = der.get(at + SCHEME.len()..at + length)?;
    PartyId::new(std::str::from_utf8(name).ok()?)
}

/// The body of a payment under mandates that are registered.
pub(crate) fn payment(offer: &[u8], intent: &[u8]) -> Vec<u8> {
    PaymentRequest { mandates: Vec::new(), offer, intent, confirmation: None }.write()
}

/// A grant that asks above an amount.
pub(crate) fn asking(minor: u64) -> Fields {
    Fields { ask_above: UpTo::new(minor), ..Fields::default() }
}
