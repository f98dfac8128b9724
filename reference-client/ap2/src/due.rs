//! A bridge: an agent that pays what closed mandates of AP2 ask for, under a mandate that the person gave it.

use std::num::NonZeroU32;

use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::List;
use purser_protocol::id::{AccountId, Digest, LineageId, PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::sign::PublicKey;
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

use crate::chain::{Chain, Checkout};
use crate::mandate::Act;
use crate::refusal::Refusal;
use crate::terms::{Account, Terms, is_account, party};

type Result<T> = std::result::Result<T, Refusal>;

/// An offer that a closed mandate must be for.
#[derive(Clone, Debug)]
pub struct Due<'a> {
    /// Its id.
    pub offer: PaperId,
    /// Whose it is.
    pub merchant: &'a PartyId,
    /// What it asks.
    pub amount: Amount,
    /// Of this currency.
    pub currency: Currency,
    /// The issuer that is to pay.
    pub issuer: &'a PartyId,
    /// From this account.
    pub account: AccountId,
}

impl Due<'_> {
    /// The offer's id, as AP2 writes hashes: what a closed mandate names as its checkout, and repeats as its nonce. It
    /// is fresh, since the merchant drew part of it, and good for one payment. [BRG-26]
    pub fn transaction(&self) -> String {
        base64url::encode(&self.offer.0)
    }

    /// The checkout that a chain must be for.
    pub fn checkout(&self) -> Checkout {
        Checkout { transaction: self.transaction().into(), open: None, basket: None }
    }

    /// What a closed mandate has to say, for the agent that makes it.
    pub fn said(&self) -> Value {
        let merchant = self.merchant.as_str();
        json!({
            "aud": self.issuer.as_str(),
            "nonce": self.transaction(),
            "mandate": {
                "vct": "mandate.payment.1",
                "transaction_id": self.transaction(),
                "payee": {"id": merchant, "name": merchant},
                "payment_amount": {"amount": self.amount.minor(), "currency": self.currency.code()},
                "payment_instrument": {"id": self.account.to_string(), "type": "purser"},
            },
        })
    }

    /// Whether a chain that verified pays this offer, and nothing else. [BRG-26]
    pub fn check(&self, chain: &Chain) -> Result<()> {
        let other = |name: &str| Err(Refusal::of(Code::BridgeCheckout, name));
        let unmapped = |name: &str| Err(Refusal::of(Code::BridgeUnmapped, name));
        // A mandate between the two would need one of ours between, with a key that nobody has enrolled. [BRG-27]
        if chain.hops.len() > 2 {
            return unmapped("delegate_payload");
        }
        let Some(Act::Payment { transaction, payee, amount, instrument, pisp, execution }) =
            chain.closed().map(|closed| &closed.act)
        else {
            return other("vct");
        };
        if **transaction != self.transaction() {
            return other("transaction_id");
        }
        if party(payee)? != *self.merchant {
            return other("payee");
        }
        if amount.amount != self.amount || amount.currency != self.currency {
            return other("payment_amount");
        }
        if !is_account(instrument, Account(self.account)) {
            return unmapped("payment_instrument");
        }
        match (pisp, execution) {
            (Some(_), _) => unmapped("pisp"),
            // It is paid now, whatever the date says.
            (None, Some(_)) => unmapped("execution_date"),
            (None, None) => Ok(()),
        }
    }
}

/// The mandate that an open mandate of AP2 comes to, below the one that the person gave the bridge. The same open
/// mandate always comes to the same one, so that its counters are the same whoever shows it how often. [BRG-25]
pub fn mandate(chain: &Chain, terms: &Terms, above: (PaperId, &Mandate), bridge: &PublicKey) -> Result<Mandate> {
    let unmapped = |name: &str| Refusal::of(Code::BridgeUnmapped, name);
    if terms.reference.is_some() {
        return Err(unmapped("payment.reference")); // [BRG-27]
    }
    let (id, parent) = above;
    if terms.currency != parent.currency {
        return Err(unmapped("currency"));
    }
    // Who shows it later must come to the same bytes.
    let issued_at = chain.open().and_then(|open| open.issued_at).and_then(UnixSeconds::new);
    let mut lineage = [0; 16];
    lineage.copy_from_slice(&chain.origin[..16]);
    let (caps, grants) = match terms.mode {
        Mode::Quota => (Some(terms.rules.clone()), None),
        Mode::Single | Mode::Conditional => {
            (None, Some(List::new(vec![terms.rules.clone()]).ok_or_else(|| unmapped("constraints"))?))
        }
    };
    Ok(Mandate {
        account: parent.account,
        issuer: parent.issuer.clone(),
        expires_at: terms.window.expires(),
        not_before: terms.window.not_before(),
        issued_at: issued_at.ok_or_else(|| unmapped("iat"))?,
        holder: Holder::Agent(*bridge),
        offer: None,
        currency: terms.currency,
        lineage: LineageId(lineage),
        serial: NonZeroU32::MIN,
        mode: terms.mode,
        parent: Some(id),
        replaces: None,
        caps,
        grants,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: Some(Digest(chain.origin)),
    })
}
