//! What a wallet reads of its account, and batches.

use hyper::Method;
use hyper::header::{ACCEPT, HeaderName, HeaderValue};
use purser_protocol::bind::http::{BATCH, BUNDLE, PURSER_PROOF};
use purser_protocol::cert::Role;
use purser_protocol::field::Count;
use purser_protocol::flow::issuer::{BatchRequest, part};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::paper::command::Batch;
use purser_protocol::paper::status::{Statement, root_of};
use purser_protocol::sign::{Paper, PublicKey, Signer, Verified};
use serde::Deserialize;
use serde_json::Value;

use super::{Decision, Issuer, MandateView, Question};
use crate::clock::nonce;
use crate::connect::Request;
use crate::error::{Error, Result};

/// Entries that are asked for at once.
const PAGE: usize = 200;

#[derive(Deserialize)]
struct MandatePage {
    mandates: Vec<MandateView>,
    next: Option<u64>,
}

/// Papers that one signature is to be for.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Their ids.
    pub ids: Vec<PaperId>,
    parts: Vec<Vec<u8>>,
}

impl Parts {
    /// Adds a paper that this key signs.
    pub fn add(&mut self, paper: &impl Paper, key: &PublicKey) {
        let (id, bytes) = part(paper, key);
        self.ids.push(id);
        self.parts.push(bytes);
    }
}

impl Issuer {
    /// How much an account has had, signed.
    pub async fn statement(&self, account: AccountId, signer: &dyn Signer) -> Result<Verified<Statement>> {
        let body = self.fetch("/v1/wallet/statement", "application/cose", signer).await?.0;
        let now = self.clock.now();
        let refused = |fault| Error::fault("statement", fault).at(self.url.origin());
        let (paper, party) = self.trust.certified::<Statement>(&body, Role::Issuer, now).map_err(refused)?;
        paper.check_lifetime().map_err(refused)?; // [WAL-3]
        let fits = party.id == self.id && paper.issuer == self.id && paper.account == account;
        if fits && now < paper.expires_at { Ok(paper) } else { Err(self.odd("its statement is another's, or old")) }
    }

    /// Every mandate that an account has had, in their order: all that the issuer has signed for, and no other.
    pub async fn whole_list(&self, account: AccountId, signer: &dyn Signer) -> Result<(Vec<MandateView>, Statement)> {
        let mut last = None;
        // What is registered between the list and the statement is no fault of the issuer's.
        for _ in 0..3 {
            let listed = self.mandates_of("", signer).await?;
            let statement = self.statement(account, signer).await?;
            let ids: Vec<PaperId> = listed.iter().filter_map(MandateView::paper_id).collect();
            match statement.lists(&ids) {
                Ok(()) => return Ok((listed, (*statement).clone())), // [WAL-4]
                Err(fault) => last = Some(fault),
            }
        }
        let error = |fault| Error::fault("list of mandates", fault).at(self.url.origin());
        Err(last.map_or_else(|| self.odd("no list"), error))
    }

    /// The mandates that a query asks for, page by page.
    pub async fn mandates_of(&self, query: &str, signer: &dyn Signer) -> Result<Vec<MandateView>> {
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let target = format!("/v1/wallet/mandates?limit={PAGE}&after={after}{query}");
            let page: MandatePage = self.read(&target, signer).await?;
            all.extend(page.mandates);
            match page.next {
                Some(next) if next > after => after = next,
                _ => return Ok(all),
            }
        }
    }

    /// Any other read of the wallet.
    pub async fn wallet(&self, target: &str, signer: &dyn Signer) -> Result<Value> {
        self.read(target, signer).await
    }

    /// A part of a bundle, and behind which number the next one begins.
    pub async fn bundle(&self, after: u64, signer: &dyn Signer) -> Result<(Vec<u8>, Option<u64>)> {
        self.fetch(&format!("/v1/wallet/bundle?limit=100&after={after}"), BUNDLE, signer).await
    }

    /// Signs a batch, and sends it with its parts.
    pub async fn batch(&self, account: AccountId, parts: &Parts, signer: &dyn Signer) -> Result<Decision> {
        let count = Count::new(parts.ids.len() as u64);
        let batch = Batch {
            account,
            issuer: self.id.clone(),
            issued_at: self.clock.now(),
            nonce: nonce()?,
            parts: count.ok_or_else(|| Error::usage("a batch is of 1 to 1,024 papers"))?,
            root: root_of(&parts.ids),
        };
        let signed = self.signed(&batch, signer)?;
        let request = BatchRequest { batch: &signed.bytes, parts: parts.parts.iter().map(Vec::as_slice).collect() };
        let response = self.post("/v1/batches", BATCH, request.write()).await?;
        self.decision(&response, Question::Command(signed.id)).await
    }

    async fn fetch(&self, target: &str, media: &str, signer: &dyn Signer) -> Result<(Vec<u8>, Option<u64>)> {
        let url = self.url.below(target);
        let proof = self.proof(&Method::GET, &url, signer)?;
        let accept = HeaderValue::try_from(format!("{media}, application/problem+json"));
        let request = Request::new(Method::GET, url)
            .header(ACCEPT, accept.unwrap_or(HeaderValue::from_static("*/*")))
            .header(HeaderName::from_static(PURSER_PROOF), proof);
        let response = self.good(self.connector.send(&request).await?)?;
        let next = response.header("purser-next").and_then(|next| next.parse().ok());
        Ok((response.body.to_vec(), next))
    }
}
