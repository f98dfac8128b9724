//! Offers and intents: each one of its kind, and all signed before anything is measured.

use std::num::NonZeroU32;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use purser_protocol::field::{List, UpTo};
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, PartyId, ShortText};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Signer, sign, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_server::random;
use purser_server::sandbox::ACCOUNT;

use crate::Failure;
use crate::stage::{Agent, CONTEXT, Shop, issuer, yuan};

/// How long an offer stands: longer than any run.
pub(crate) const OFFER_SECONDS: u64 = 3_000;

/// Payments to be made: what is the same in all of them.
pub(crate) struct Press<'a> {
    shop: &'a Shop,
    issuer: PartyId,
    currency: Currency,
    accepts: List<Payee, { purser_protocol::limits::PAYEES_MAX }>,
    item: Item,
}

impl<'a> Press<'a> {
    pub(crate) fn new(shop: &'a Shop) -> Result<Self, Failure> {
        let issuer = issuer()?;
        let account = ShortText::new(ACCOUNT).ok_or("no account")?;
        let item = Item {
            id: ShortText::new("page").ok_or("no item")?,
            name: LongText::new("A page").ok_or("no item")?,
            category: UpTo::new(5942),
            quantity: NonZeroU32::MIN,
            price: Amount::from_minor(1).ok_or("no price")?,
            line: None,
        };
        let accepts = List::new(vec![Payee { issuer: issuer.clone(), account }]).ok_or("no payee")?;
        Ok(Self { shop, issuer, currency: yuan()?, accepts, item })
    }

    /// An offer and the intent that takes it. `number` and `seed` make them ones of their kind.
    pub(crate) fn payment(
        &self,
        made: &Made,
        agent: (PaperId, &dyn Signer),
        shop: &dyn Signer,
        chain: &[&[u8]],
    ) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let amount = Amount::from_minor(made.minor).ok_or("no amount")?;
        let item = Item { price: amount, ..self.item.clone() };
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&made.nonce);
        let offer = Offer {
            merchant: self.shop.id.clone(),
            expires_at: made.at.saturating_add(OFFER_SECONDS),
            issued_at: made.at,
            nonce: Nonce(made.nonce),
            amount,
            currency: self.currency,
            items: List::new(vec![item]).ok_or("no items")?,
            accepts: self.accepts.clone(),
            kind: OfferKind::Charge,
            capture: CaptureMode::AtOnce,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        };
        let offer = sign_by_certificate(&offer, CONTEXT, shop, self.shop.certificate, chain)?;
        let frame = Frame::read(&offer).map_err(|fault| fault.to_string())?;
        let intent = Intent {
            issuer: self.issuer.clone(),
            issued_at: made.at,
            mandate: agent.0,
            offer: id(frame.protected, frame.payload),
            amount,
            currency: self.currency,
            secret_hash: Digest(purser_protocol::flow::payer::secret_hash(&secret).0),
            channel: None,
            device: None,
            period: None,
            chains: None,
        };
        Ok((offer, sign(&intent, CONTEXT, agent.1)?))
    }

    /// Bodies of so many payments, signed on all cores, by these agents in turn.
    pub(crate) fn bodies(&self, agents: &[&Agent], count: usize) -> Result<Vec<Bytes>, Failure> {
        let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let seed: [u8; 8] = random::random()?;
        let at = now()?;
        let chain: Vec<&[u8]> = self.shop.chain.iter().map(Vec::as_slice).collect();
        let part = |first: usize| -> Result<Vec<Bytes>, Failure> {
            let numbers = (first..count).step_by(threads);
            let made = numbers.map(|number| {
                let agent = agents[number % agents.len()];
                let made = Made { at, minor: 1 + number as u64 % 100, nonce: nonce(seed, number as u64) };
                let (offer, intent) = self.payment(&made, (agent.mandate, &agent.key), &self.shop.signer, &chain)?;
                let request =
                    PaymentRequest { mandates: Vec::new(), offer: &offer, intent: &intent, confirmation: None };
                Ok(Bytes::from(request.write()))
            });
            made.collect()
        };
        thread::scope(|scope| {
            let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
            let mut bodies = Vec::with_capacity(count);
            for made in parts {
                bodies.extend(made.join().map_err(|_| "a thread that signs died")??);
            }
            Ok(bodies)
        })
    }
}

/// What makes a payment one of its kind.
pub(crate) struct Made {
    pub(crate) at: UnixSeconds,
    pub(crate) minor: u64,
    pub(crate) nonce: [u8; 16],
}

/// A nonce out of a seed and a number.
pub(crate) fn nonce(seed: [u8; 8], number: u64) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&seed);
    nonce[8..].copy_from_slice(&number.to_be_bytes());
    nonce
}

pub(crate) fn now() -> Result<UnixSeconds, Failure> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    UnixSeconds::new(seconds).ok_or_else(|| "the clock is past the year 9999".into())
}
