//! Who asks: the key that proves to have sent a request, and the account that it is of.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use purser_protocol::bind::{base64url, http};
use purser_protocol::code::Code;
use purser_protocol::fault::{Fault, Part};
use purser_protocol::flow::issuer::Directory;
use purser_protocol::id::AccountId;
use purser_protocol::sign::PublicKey;

use super::Issuer;
use super::checkers::Turn;
use crate::reply::Problem;

/// A key, and the account that it is of, if it is of one.
pub(super) struct Who {
    /// The key.
    pub(super) key: PublicKey,
    /// Its account.
    pub(super) account: Option<AccountId>,
}

/// A key of an account that asks to be unlocked: the one thing that a guarded key may do.
pub(super) struct Knocking(pub(super) Owner);

/// A key of an account. A mandate's key is none, and sees nothing of the account. [WAL-1]
pub(super) struct Owner {
    /// The key.
    pub(super) key: PublicKey,
    /// Its account.
    pub(super) account: AccountId,
}

impl FromRequestParts<Arc<Issuer>> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, issuer: &Arc<Issuer>) -> Result<Self, Problem> {
        issuer.reader_of(&parts.method, &parts.uri, &parts.headers).await
    }
}

impl FromRequestParts<Arc<Issuer>> for Knocking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, issuer: &Arc<Issuer>) -> Result<Self, Problem> {
        issuer.proven_by(&parts.method, &parts.uri, &parts.headers).await?.owner().map(Self)
    }
}

impl FromRequestParts<Arc<Issuer>> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, issuer: &Arc<Issuer>) -> Result<Self, Problem> {
        Who::from_request_parts(parts, issuer).await?.owner()
    }
}

impl Who {
    fn owner(self) -> Result<Owner, Problem> {
        let Self { key, account } = self;
        // As to a key that nobody knows. [PRV-4]
        let account = account.ok_or_else(|| Problem::new(Fault::new(Code::ProofInvalid).within(Part::Command)))?;
        Ok(Owner { key, account })
    }
}

impl Issuer {
    /// The key that proves to have sent this request, and may: no passkey guards it, or its person has shown one.
    pub(super) async fn reader_of(
        self: &Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Who, Problem> {
        let who = self.proven_by(method, uri, headers).await?;
        self.passkeys.admit(&who.key.id(), headers, self.clock.now())?; // [WAL-50]
        Ok(who)
    }

    /// The key that proves to have sent this request. [HTB-31] [HTB-32]
    async fn proven_by(self: &Arc<Self>, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Who, Problem> {
        let (proof, target) = (proof_of(headers)?, self.target(method, uri));
        let issuer = Arc::clone(self);
        self.check(Turn::First, move || {
            let keys = issuer.keys.read().map_err(|_| Fault::new(Code::Internal))?;
            let key = issuer.desk().open_proof(&proof, &target, &*keys)?;
            Ok(Who { key, account: keys.owner(&key.id()) })
        })
        .await
    }

    /// Whether this request was sent by a key that the issuer need not know.
    pub(super) async fn proven_with(
        self: &Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        known: impl Directory + Send + 'static,
    ) -> Result<PublicKey, Problem> {
        let (proof, target) = (proof_of(headers)?, self.target(method, uri));
        let issuer = Arc::clone(self);
        self.check(Turn::First, move || issuer.desk().open_proof(&proof, &target, &known)).await
    }

    fn target(&self, method: &Method, uri: &Uri) -> String {
        format!("{method} {}{}", self.url, uri.path_and_query().map_or("", |path| path.as_str()))
    }
}

fn proof_of(headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    let proof = headers.get(http::PURSER_PROOF).ok_or_else(|| Problem::new(Code::ProofRequired))?;
    let proof = proof.to_str().ok().and_then(base64url::decode);
    proof.ok_or_else(|| Problem::new(Code::ProofInvalid))
}
