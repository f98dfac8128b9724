//! What the issuer says that the account has had: the signed count, and the bundle of its records.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use purser_protocol::bind::bundle::{self, BundleItem};
use purser_protocol::bind::http::{BUNDLE, PAPER};
use purser_protocol::code::Code;
use purser_protocol::field::{self, List, encoded};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::paper::status::{Statement, root_of};

use super::State;
use crate::failure::Failure;
use crate::papers::{id, now};
use crate::peer::plain;
use crate::random::random;

/// What the issuer signs for, and what it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// All there is.
    Whole,
    /// The list lacks the first mandate, for which the statement is signed.
    LeftOut,
    /// The list has the two mandates the other way round.
    Swapped,
    /// Somebody else signed the statement.
    Forged,
    /// The statement was good until a minute ago.
    Old,
    /// The statement is good for two minutes.
    Long,
    /// The statement is of another account.
    OfAnother,
    /// The second time, fewer decisions were made than the first time.
    FewerDecisions,
    /// The second time, the last mandate has never been.
    FewerMandates,
}

/// What the bundle is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bundles {
    /// As it happened.
    Whole,
    /// The last receipt is signed by somebody else.
    ForgedReceipt,
    /// The last record has a detail that its receipt does not bind.
    OtherDetail,
    /// The last record has the first mandate for what was sent.
    OtherPaper,
}

impl State {
    /// The mandates that are listed and those that are signed for, by their ids.
    fn listed(&self) -> (Vec<PaperId>, Vec<PaperId>) {
        let seen = self.seen();
        let all: Vec<PaperId> = seen.mandates.iter().filter_map(|paper| id(paper).ok()).collect();
        let (mut shown, mut signed) = (all.clone(), all);
        match self.manners.lists {
            Lists::LeftOut => drop(shown.drain(..shown.len().min(1))),
            Lists::Swapped => shown.reverse(),
            Lists::FewerMandates if seen.lists > 1 => {
                shown.pop();
                signed.pop();
            }
            _ => {}
        }
        (shown, signed)
    }

    pub(super) fn shown(&self) -> Vec<PaperId> {
        self.listed().0
    }

    pub(super) fn statement(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let (_, signed) = self.listed();
        let lists = self.manners.lists;
        let (account, again) = {
            let seen = self.seen();
            (seen.account, seen.lists > 1)
        };
        let made = if lists == Lists::Old { now().saturating_sub(120) } else { now() };
        let statement = Statement {
            issuer: self.terms.issuer.clone(),
            account: if lists == Lists::OfAnother { AccountId(random()?) } else { account },
            expires_at: made.saturating_add(if lists == Lists::Long { 120 } else { 60 }),
            issued_at: made,
            sequence: if lists == Lists::FewerDecisions && again { 2 } else { 9 },
            listed: signed.len() as u64,
            root: root_of(&signed),
        };
        let signer = if lists == Lists::Forged { &self.seals.merchant } else { &self.seals.issuer };
        Ok(plain(200, PAPER, signer.sign_as(&self.terms, &statement, &self.seals.issuer)?))
    }

    pub(super) fn bundle(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let certificates = List::new(self.seals.issuer.chain.iter().map(|der| field::Bytes(der.clone())).collect());
        let none = BundleItem { receipt: None, detail: None, sent: None, made: None, certificates: None };
        let mut items = self.seen().records.clone();
        let first = self.seen().mandates.first().cloned().map(field::Bytes);
        if let Some(last) = items.last_mut() {
            match self.manners.bundles {
                Bundles::Whole => {}
                Bundles::ForgedReceipt => {
                    let claims = super::of_command(id(last.sent.as_ref().map_or(&[], |sent| &sent.0))?)?;
                    let forged = self.seals.merchant.receipt(&self.terms, &claims, &self.seals.issuer)?;
                    last.receipt = Some(field::Bytes(forged));
                }
                Bundles::OtherDetail => {
                    last.detail = Some(field::Bytes(encoded(&super::detail(Code::AmountOverflow)?)));
                }
                Bundles::OtherPaper => last.sent = first,
            }
        }
        let mut body = Vec::new();
        bundle::write(&BundleItem { certificates, ..none }, &mut body);
        items.iter().for_each(|item| bundle::write(item, &mut body));
        Ok(plain(200, BUNDLE, body))
    }
}

/// The number of an entry, from 1.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1)
}
