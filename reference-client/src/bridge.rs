//! A bridge: an agent that pays what chains of AP2 ask for, under a mandate that the person gave it for that.

use purser_ap2::{Account, Asked, Due, Refusal, mandate, terms, verify};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::{id as paper_id, key_header};
use purser_protocol::sign::{Kind, PublicKey, Signer};

use crate::error::{Error, Result};
use crate::fetch::Asked as Quoted;
use crate::home::complete;
use crate::issuer::{Issuer, MandateView, SignedPaper};

/// The mandate that a bridge holds.
pub struct Held {
    /// Its id.
    pub id: PaperId,
    /// What it says.
    pub mandate: Mandate,
    payload: Vec<u8>,
}

impl Held {
    /// The one of this agent's that `typed` is the id of, or the first digits.
    pub async fn find(issuer: &Issuer, agent: &dyn Signer, typed: &str) -> Result<Self> {
        let views = issuer.mandates(agent).await?;
        let ids: Vec<PaperId> = views.iter().filter_map(MandateView::paper_id).collect();
        let id = complete(&ids, typed)?;
        let view = views.into_iter().find(|view| view.paper_id() == Some(id));
        let view = view.ok_or_else(|| Error::failed("the issuer shows this key no such mandate").at(id))?;
        let mandate = view.mandate().ok_or_else(|| Error::failed("the issuer's mandate cannot be read").at(id))?;
        let payload = base64url::decode(&view.payload).unwrap_or_default();
        Ok(Self { id, mandate, payload })
    }

    /// What a closed mandate for this offer must say.
    pub fn due<'a>(&'a self, quoted: &'a Quoted) -> Due<'a> {
        let offer = &quoted.offer;
        Due {
            offer: offer.id(),
            merchant: &offer.merchant,
            amount: offer.amount,
            currency: offer.currency,
            issuer: &self.mandate.issuer,
            account: self.mandate.account,
        }
    }

    /// Whether the person signed it with this key: the id covers the name of the signer. [BRG-24]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let id = paper_id(&key_header(Kind::Mandate, key), &self.payload);
        self.mandate.parent.is_none() && id == self.id
    }

    /// The mandate below this one that a chain comes to, if it pays this offer and nothing else. `key` is the person's.
    pub fn mandate_of(
        &self,
        chain: &str,
        quoted: &Quoted,
        key: &PublicKey,
        now: u64,
        bridge: &PublicKey,
    ) -> std::result::Result<Mandate, Refusal> {
        if !self.is_signed_by(key) {
            return Err(Refusal { code: Code::BridgeSignature, token: Some(0), name: None });
        }
        let due = self.due(quoted);
        let (transaction, checkout) = (due.transaction(), due.checkout());
        let asked = Asked {
            now,
            keys: std::slice::from_ref(key),
            audience: Some(due.issuer.as_str()),
            nonce: Some(&transaction),
            checkout: Some(&checkout),
            merchant: None,
        };
        let chain = verify(chain, asked, &AwsLc)?;
        due.check(&chain)?;
        let open = chain.open().ok_or(Refusal { code: Code::BridgeType, token: Some(0), name: None })?;
        let terms = terms(open, Account(due.account))?;
        mandate(&chain, &terms, (self.id, &self.mandate), bridge)
    }
}

/// Signs that mandate by the bridge. The same chain comes to the same one: what stands at the issuer is not made again,
/// and what does not is registered by `register`.
pub async fn stands(
    issuer: &Issuer,
    made: &Mandate,
    agent: &dyn Signer,
    register: impl AsyncFnOnce(SignedPaper) -> Result<()>,
) -> Result<PaperId> {
    let signed = issuer.signed(made, agent)?;
    let (id, known) = (signed.id, issuer.mandates(agent).await?);
    if !known.iter().any(|view| view.paper_id() == Some(id)) {
        register(signed).await?;
    }
    Ok(id)
}
