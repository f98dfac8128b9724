//! An offer that came with a 402: whose it is, what it is for, and whether its price may be paid.

use std::sync::Arc;

use hyper::header::WWW_AUTHENTICATE;
use purser_protocol::bind::http::Challenge;
use purser_protocol::cert::{Party, Role};
use purser_protocol::code::{Code, Retry};
use purser_protocol::fault::{Fault, Part};
use purser_protocol::flow::merchant::Request as Bound;
use purser_protocol::money::Money;
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::sign::{Signed, Verified};

use super::Wanted;
use super::rails::{self, Rail};
use crate::connect::Response;
use crate::error::{Error, Result};
use crate::issuer::Issuer;
use crate::trust::Trust;

/// A challenge, and the offer that came with it, verified and bound to the request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the header says.
    pub challenge: Challenge,
    /// What the merchant signed.
    pub offer: Verified<Offer>,
    /// The merchant.
    pub merchant: Arc<Party>,
    /// Other ways to pay that were named beside it. None of them is paid here.
    pub others: Vec<Rail>,
}

impl Asked {
    /// Reads a 402. The offer's certificate and signature are checked before anything that it says is used. [INT-14]
    pub fn read(response: &Response, wanted: &Wanted, issuer: &Issuer) -> Result<Self> {
        if response.media_type() != "application/cose" {
            let fix = "ask the merchant whether it takes payments of method purser";
            let ways: Vec<String> = rails::asked(&response.headers).iter().map(ToString::to_string).collect();
            let what = match ways.as_slice() {
                [] => "it asks for payment and sends no offer of Purser's".to_owned(),
                ways => format!("it asks for payment, and by no way that is paid here: {}", ways.join("; ")),
            };
            return Err(Error::failed(what).at(&wanted.url).fix(fix));
        }
        let fields = response.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes());
        let mut asked = Self::check(&response.body, Challenge::read(fields), OfferKind::Charge, wanted, issuer)?;
        asked.others = rails::asked(&response.headers);
        Ok(asked)
    }

    /// The same, of an offer of another kind than one sale.
    pub fn read_kind(response: &Response, wanted: &Wanted, kind: OfferKind, issuer: &Issuer) -> Result<Self> {
        let fields = response.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes());
        Self::check(&response.body, Challenge::read(fields), kind, wanted, issuer)
    }

    /// Reads an offer that was kept, with its challenge. It is checked again, since time has passed.
    pub fn kept(offer: &[u8], challenge: &str, wanted: &Wanted, issuer: &Issuer) -> Result<Self> {
        Self::check(offer, Challenge::read([challenge.as_bytes()]), OfferKind::Charge, wanted, issuer)
    }

    /// Reads an offer that came by itself, without a request: what it sells is handed over at the counter. Without
    /// `max`, whoever pays has still to be asked.
    pub fn at_counter(offer: &[u8], max: Option<Money>, issuer: &Issuer) -> Result<Self> {
        let refused = |fault: Fault| Error::fault("offer", fault.within(Part::Offer));
        let now = issuer.clock.now();
        let (offer, merchant) = issuer.trust.certified::<Offer>(offer, Role::Merchant, now).map_err(refused)?;
        if offer.merchant != merchant.id {
            return Err(refused(Fault::new(Code::CertName))); // [SIG-23]
        }
        // One that is bound to a request is not for whoever reads it elsewhere. [HTB-13]
        if offer.resource.is_some() {
            return Err(refused(Fault::new(Code::RequestMismatch)));
        }
        if offer.expires_at <= now {
            return Err(refused(Fault::new(Code::OfferExpired))); // [AUT-23]
        }
        let challenge = Challenge::new(offer.id(), &offer, None);
        let asked = Self { challenge, offer, merchant, others: Vec::new() };
        let price = Money { amount: asked.offer.amount, currency: asked.offer.currency };
        asked.may_be_paid(max.unwrap_or(price), OfferKind::Charge, issuer)?;
        Ok(asked)
    }

    fn check(
        offer: &[u8],
        challenges: Vec<std::result::Result<Challenge, Fault>>,
        kind: OfferKind,
        wanted: &Wanted,
        issuer: &Issuer,
    ) -> Result<Self> {
        let place = wanted.url.to_string();
        let refused = |fault: Fault| Error::fault("offer", fault.within(Part::Offer)).at(&place);
        let read = issuer.trust.certified::<Offer>(offer, Role::Merchant, issuer.clock.now());
        let (offer, merchant) = read.map_err(refused)?;
        if offer.merchant != merchant.id {
            return Err(refused(Fault::new(Code::CertName))); // [SIG-23]
        }
        let challenge = challenge(challenges, &offer).map_err(|error| error.at(&place))?;
        let asked = Self { challenge, offer, merchant, others: Vec::new() };
        asked.is_of_request(wanted).map_err(refused)?;
        asked.may_be_paid(wanted.max, kind, issuer).map_err(|error| error.at(&place))?;
        Ok(asked)
    }

    /// The offer is for this very request: one that was made for another, or by another host, is not. [INT-6] [HTB-19]
    fn is_of_request(&self, wanted: &Wanted) -> std::result::Result<(), Fault> {
        let mismatch = || Fault::new(Code::RequestMismatch);
        let (resource, salt) = self.offer.resource.zip(self.challenge.salt).ok_or_else(mismatch)?;
        let authority = wanted.url.authority();
        let bound = Bound {
            method: wanted.method.as_str(),
            authority: &authority,
            target: wanted.url.target(),
            body: wanted.body_digest(),
        };
        if bound.digest(salt) == resource { Ok(()) } else { Err(mismatch()) }
    }

    fn may_be_paid(&self, max: Money, kind: OfferKind, issuer: &Issuer) -> Result<()> {
        let price = Money { amount: self.offer.amount, currency: self.offer.currency };
        if price.currency != max.currency || price.amount > max.amount {
            let error = Error::failed(format!("the price is {price}, and at most {max} may be paid"));
            return Err(error.fix("raise --max if that price is right").retry(Retry::AfterChange));
        }
        if self.offer.kind != kind {
            let (is, wanted) = (self.offer.kind.name(), kind.name());
            return Err(Error::failed(format!(
                "the offer is of the kind {is}, and one of the kind {wanted} was asked for"
            )));
        }
        if self.offer.account_at(&issuer.id).is_none() {
            let others: Vec<_> = self.offer.accepts.iter().map(|payee| payee.issuer.as_str()).collect();
            let fault = Fault::new(Code::IssuerNotAccepted).within(Part::Offer);
            let fix = format!("an account at one of these is needed: {}", others.join(", "));
            return Err(Error::fault("offer", fault).fix(fix));
        }
        Ok(())
    }
}

/// Lets papers of an offer's merchant be judged that come without a chain.
pub(super) fn keep_chain(trust: &Trust, offer: &[u8]) {
    if let Ok(signed) = Signed::<Offer>::read(offer) {
        trust.keep(signed.header.x5chain.certificates().iter().map(|certificate| certificate.to_vec()).collect());
    }
}

/// The challenge of this offer, among all that came. It must say of the offer what the offer says of itself.
fn challenge(mut read: Vec<std::result::Result<Challenge, Fault>>, offer: &Verified<Offer>) -> Result<Challenge> {
    let of_offer = |found: &std::result::Result<Challenge, Fault>| {
        found.as_ref().is_ok_and(|challenge| challenge.offer == offer.id())
    };
    let found = match read.iter().position(of_offer) {
        Some(at) => read.swap_remove(at),
        None => read.into_iter().find(std::result::Result::is_err).unwrap_or(Err(Fault::new(Code::OfferUnknown))),
    };
    let found = found.map_err(|fault| Error::fault("challenge", fault))?;
    let same = found.realm == offer.merchant
        && found.amount == offer.amount
        && found.currency == offer.currency
        && found.expires() == Some(offer.expires_at.to_string().as_str());
    // [HTB-37]
    if same {
        Ok(found)
    } else {
        Err(Error::failed("its challenge says another price, merchant or end than its offer"))
    }
}
