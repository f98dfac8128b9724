//! What is signed: one command, or one batch, for all that is meant.

use std::collections::{BTreeMap, HashSet};

use purser_client::clock::nonce;
use purser_client::issuer::{MandateView, Parts, parse_id};
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::field::Set;
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::limits::COMMAND_MANDATES_MAX;
use purser_protocol::money::Amount;
use purser_protocol::paper::command::{Resumption, Retirement, Revocation, Suspension};
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::sign::{Paper, PublicKey, Signer as _};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde_json::json;

use super::{Change, Funds, Owner, escaped};
use crate::cli::mandate::TermsArgs;
use crate::cli::shown::{self, Consent, Language};
use crate::cli::{Done, ask};

type Meant = [(PaperId, MandateView)];
type Ids = Set<PaperId, COMMAND_MANDATES_MAX>;

pub(super) async fn suspend(owner: &Owner, change: &Change) -> Result<Done> {
    owner
        .end(change, "Suspend", "suspended", |owner, issued_at, nonce, mandates| {
            let (account, issuer) = (owner.account, owner.session.issuer.id.clone());
            Suspension { account, issuer, issued_at, nonce, mandates, reason: None }
        })
        .await
}

pub(super) async fn revoke(owner: &Owner, change: &Change) -> Result<Done> {
    owner
        .end(change, "Revoke for good", "revoked", |owner, issued_at, nonce, mandates| {
            let (account, issuer) = (owner.account, owner.session.issuer.id.clone());
            Revocation { account, issuer, issued_at, nonce, mandates, reason: None }
        })
        .await
}

pub(super) async fn resume(owner: &Owner, change: &Change) -> Result<Done> {
    let mut meant = owner.meant(change).await?;
    meant.retain(|(_, view)| !view.suspensions.is_empty());
    let mut by: BTreeMap<PaperId, Vec<PaperId>> = BTreeMap::new();
    for (id, view) in &meant {
        let [suspension] = view.suspensions.as_slice() else {
            let error = Error::usage("several suspensions stand for this mandate").at(id);
            return Err(error.fix("purser mandate resume --suspension lifts one of them"));
        };
        by.entry(parse_id(suspension).unwrap_or(*id)).or_default().push(*id);
    }
    if by.is_empty() {
        return Err(Error::failed("none of these mandates is suspended itself"));
    }
    consented(&meant, "Resume", change.consent)?;
    let mut parts = Parts::default();
    for (suspension, mandates) in by {
        for some in mandates.chunks(COMMAND_MANDATES_MAX) {
            let paper = Resumption {
                account: owner.account,
                issuer: owner.session.issuer.id.clone(),
                issued_at: owner.session.issuer.clock.now(),
                nonce: nonce()?,
                mandates: Ids::new(some.to_vec()).ok_or_else(|| Error::failed("no mandates"))?,
                suspension,
            };
            parts.add(&paper, &owner.person.public_key());
        }
    }
    owner.send(&parts, "resumed", meant.len()).await
}

pub(super) async fn relimit(owner: &Owner, change: &Change, terms: &TermsArgs, lang: Language) -> Result<Done> {
    terms.not_by_voice()?;
    let meant = owner.meant(change).await?;
    owner
        .replace(&meant, "relimited", lang, change.consent, |before| {
            let funded = terms.funded_or(before.currency, before.funded)?;
            Ok(Mandate { caps: terms.caps(before.currency, before.caps.as_ref())?, funded, ..before.clone() })
        })
        .await
}

pub(super) async fn fund(owner: &Owner, funds: &Funds, more: bool, lang: Language) -> Result<Done> {
    let meant = owner.meant(&funds.change).await?;
    let what = if more { "funded" } else { "defunded" };
    let (amount, currency) = (funds.amount.amount.minor(), funds.amount.currency);
    owner
        .replace(&meant, what, lang, funds.change.consent, |before| {
            if before.mode != Mode::Quota || before.currency != currency {
                return Err(Error::usage(format!("only quota mandates in {currency} have an envelope of it")));
            }
            let had = before.funded.map_or(0, Amount::minor);
            let has = if more { had.checked_add(amount) } else { had.checked_sub(amount) };
            let has = has.ok_or_else(|| Error::usage("less is set aside than is to be taken back"))?;
            Ok(Mandate { funded: Amount::from_minor(has), ..before.clone() })
        })
        .await
}

impl Owner {
    /// Signs as many papers as there are sets of mandates, after it was asked.
    async fn end<T: Paper>(
        &self,
        change: &Change,
        question: &str,
        what: &str,
        paper: impl Fn(&Self, UnixSeconds, Nonce, Ids) -> T,
    ) -> Result<Done> {
        let meant = self.meant(change).await?;
        consented(&meant, question, change.consent)?;
        let mut parts = Parts::default();
        for mandates in sets(&meant)? {
            parts.add(&paper(self, self.session.issuer.clock.now(), nonce()?, mandates), &self.person.public_key());
        }
        self.send(&parts, what, meant.len()).await
    }

    /// Signs the next version of each mandate: all of them with one batch, after all of them were shown.
    async fn replace(
        &self,
        meant: &Meant,
        what: &str,
        lang: Language,
        consent: Consent,
        next: impl Fn(&Mandate) -> Result<Mandate>,
    ) -> Result<Done> {
        let mut mandates = Vec::with_capacity(meant.len());
        for (id, view) in meant {
            let before = view.mandate().filter(|before| before.parent.is_none());
            let before = before.ok_or_else(|| Error::usage("only mandates of the person's own are replaced").at(id))?;
            let serial = before.serial.checked_add(1).ok_or_else(|| Error::failed("it has had too many versions"))?;
            let issued_at = self.session.issuer.clock.now();
            let changed = next(&before)?;
            let mandate = Mandate { serial, replaces: Some(*id), issued_at, shown: None, ..changed };
            Mandate::decode(&mut Reader::new(&mandate.payload()))
                .map_err(|fault| Error::fault("mandate", fault).at(id))?;
            mandates.push(mandate);
        }
        let renderings: Vec<_> = mandates.iter().map(|mandate| shown::mandate(mandate, lang)).collect(); // [RND-22]
        let question = format!("Sign these {} mandates?", mandates.len());
        shown::before_signing(&renderings.iter().collect::<Vec<_>>(), &question, consent)?; // [RND-1]
        let mut parts = Parts::default();
        for (mandate, rendering) in mandates.iter_mut().zip(&renderings) {
            mandate.shown = Some(rendering.shown()); // [MAN-2]
            parts.add(mandate, &self.person.public_key());
        }
        self.send(&parts, what, mandates.len()).await
    }

    async fn send(&self, parts: &Parts, what: &str, count: usize) -> Result<Done> {
        let decision = self.session.issuer.batch(self.account, parts, &self.person).await?;
        let ids: Vec<String> = parts.ids.iter().map(ToString::to_string).collect();
        Ok(Done::of_decision(&format!("{count} mandates {what}"), &decision, json!({ "parts": ids, "count": count })))
    }
}

pub(super) async fn keys(owner: &Owner, add: Option<&str>, retire: Option<&str>, consent: Consent) -> Result<Done> {
    let issuer = &owner.session.issuer;
    if let Some(code) = add {
        let found = issuer.wallet(&format!("/v1/wallet/keys/offers/{}", escaped(code)), &owner.person).await?;
        let bytes = found["public"].as_str().and_then(base64url::decode);
        let bytes: Option<[u8; 64]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let key = PublicKey(bytes.ok_or_else(|| Error::failed("what the issuer shows under this code is no key"))?);
        eprintln!("The other device must show this thumbprint:\n  {}", key.id());
        consent.asked("Does it, and shall it be a key of this account?")?;
        let enrolled = issuer.enrol(&owner.person, key, Some(owner.account)).await?;
        return Ok(Done::of_decision("key", &enrolled.decision, json!({ "key": key.id().to_string() })));
    }
    let read = issuer.wallet("/v1/wallet/keys", &owner.person).await?;
    let keys: Vec<&str> = read["keys"].as_array().into_iter().flatten().filter_map(|key| key["key"].as_str()).collect();
    let Some(typed) = retire else {
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        return Ok(Done::new(text, read.clone()));
    };
    let known: Vec<PaperId> = keys.iter().filter_map(|key| parse_id(key)).collect();
    let key = purser_client::home::complete(&known, typed)?;
    consent.asked(&format!("Retire the key {key}?"))?;
    let paper = Retirement {
        account: owner.account,
        issuer: issuer.id.clone(),
        issued_at: issuer.clock.now(),
        nonce: nonce()?,
        reason: None,
        retired: Digest(key.0),
    };
    let decision = issuer.command(&paper, &owner.person).await?;
    Ok(Done::of_decision(&format!("key {key} retired"), &decision, json!({ "key": key.to_string() })))
}

/// The mandates in as many sets as they need.
fn sets(meant: &Meant) -> Result<Vec<Ids>> {
    let ids: HashSet<PaperId> = meant.iter().map(|(id, _)| *id).collect();
    let mut ids: Vec<PaperId> = ids.into_iter().collect();
    ids.sort();
    let set = |some: &[PaperId]| Ids::new(some.to_vec()).ok_or_else(|| Error::failed("no mandates"));
    ids.chunks(COMMAND_MANDATES_MAX).map(set).collect()
}

fn consented(meant: &Meant, what: &str, consent: Consent) -> Result<()> {
    let listed: String = meant.iter().map(|(id, view)| format!("{id} {} {}\n", view.mode, view.state)).collect();
    shown::before_asking(&listed)?;
    consent.asked(&format!("{what} these {} mandates?", meant.len()))
}

impl Consent {
    /// Asks where somebody can be asked.
    fn asked(self, question: &str) -> Result<()> {
        ask(question, self.given())
    }
}
