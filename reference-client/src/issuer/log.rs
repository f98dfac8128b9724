//! The issuer's log, as it shows it.

use purser_protocol::bind::http::{CHECKPOINT, INCLUSION};
use purser_protocol::code::Code;
use purser_protocol::flow::log::{SignedRoot, read_proof};
use purser_protocol::receipt::log::{Checkpoint, Inclusion};
use purser_protocol::wire::Field;

use super::{Issuer, Problem};
use crate::error::{Error, Result};

impl Issuer {
    /// The root of the log's size, the latest without one, and the proof that the log of size `from` is its
    /// beginning. `None` when the issuer says that its log has had no such size. The proof is not checked.
    pub async fn checkpoint(&self, from: Option<u64>, size: Option<u64>) -> Result<Option<(SignedRoot, Checkpoint)>> {
        let named = [from.map(|from| format!("from={from}")), size.map(|size| format!("size={size}"))];
        let query: Vec<String> = named.into_iter().flatten().collect();
        let target = if query.is_empty() { "/v1/log".to_owned() } else { format!("/v1/log?{}", query.join("&")) };
        let Some(shown) = self.shown::<Checkpoint>(&target, CHECKPOINT).await? else { return Ok(None) };
        let root = self.open_root(&shown.root.0)?;
        match size.is_none_or(|size| root.root.log_size == size) {
            true => Ok(Some((root, shown))),
            false => Err(self.odd("it showed a root of another size")),
        }
    }

    /// The proofs that a batch is in the log of this size. `None` when the issuer says that it is not. They are not
    /// checked.
    pub async fn inclusion(&self, batch: u64, size: u64) -> Result<Option<Inclusion>> {
        self.shown(&format!("/v1/log/{batch}?size={size}"), INCLUSION).await
    }

    async fn shown<T: Field>(&self, target: &str, media_type: &str) -> Result<Option<T>> {
        let response = self.connector.send(&self.get(target, media_type)).await?;
        if response.status == 404 && Problem::of(&response).code() == Some(Code::NotFound) {
            return Ok(None);
        }
        let response = self.good(response)?;
        read_proof(&response.body)
            .map(Some)
            .map_err(|fault| Error::fault("issuer's proof", fault).at(self.url.origin()))
    }

    /// A root that this issuer signed.
    fn open_root(&self, bytes: &[u8]) -> Result<SignedRoot> {
        let root = self.trust.root(bytes).map_err(|fault| Error::fault("root", fault).at(self.url.origin()))?;
        if root.issuer == self.id { Ok(root) } else { Err(self.odd("its root is another issuer's")) }
    }
}
