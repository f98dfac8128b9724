//! The log, for whoever follows it: roots, and proofs that they belong together.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::http;
use purser_protocol::code::Code;
use purser_protocol::field::{Bytes, encoded};
use purser_protocol::flow::certificate_id;
use purser_protocol::receipt::Root;
use purser_protocol::receipt::log::{self, Checkpoint, Inclusion, Log, TILE, batch_leaf};
use purser_protocol::sign::paper::envelope;
use purser_protocol::sign::{Signed, SignerName};
use serde::Deserialize;

use super::Issuer;
use crate::reply::Problem;
use crate::store::{Reader, StoreError};

const TILE_SIZE: u64 = TILE as u64;

/// The hashes of a proof.
type Hashes = Vec<[u8; 32]>;

/// What is asked of the log. No member but these is looked at.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Asked {
    from: Option<u64>,
    size: Option<u64>,
}

/// `GET /v1/log` [HTB-40]
pub(super) async fn checkpoint(
    State(issuer): State<Arc<Issuer>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|_| Problem::new(Code::FieldType))?;
    let edge = asked.from.and_then(|from| from.checked_sub(1));
    let proved = issuer.prove(asked.size, edge, move |log, size, tiles| match asked.from {
        None => Ok(Some(Vec::new())),
        Some(from) => log.consistency(from, size, |tile| tiles.leaves(tile)),
    });
    let (root, consistency) = proved.await?;
    Ok(answer(http::CHECKPOINT, encoded(&Checkpoint { root: Bytes(root), consistency: log::Path(consistency) })))
}

/// `GET /v1/log/{batch}` [HTB-41]
pub(super) async fn inclusion(
    State(issuer): State<Arc<Issuer>>,
    batch: Result<Path<u64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path(batch) = batch.map_err(|_| Problem::new(Code::NotFound))?;
    let Query(asked) = asked.map_err(|_| Problem::new(Code::FieldType))?;
    let proved = issuer.prove(asked.size, Some(batch), move |log, size, tiles| {
        let Some(inclusion) = log.inclusion(batch, size, |tile| tiles.leaves(tile))? else { return Ok(None) };
        let consistency = log.consistency(batch + 1, size, |tile| tiles.leaves(tile))?;
        Ok(consistency.map(|consistency| (inclusion, consistency)))
    });
    let (root, (inclusion, consistency)) = proved.await?;
    let (inclusion, consistency) = (log::Path(inclusion), log::Path(consistency));
    Ok(answer(http::INCLUSION, encoded(&Inclusion { root: Bytes(root), inclusion, consistency })))
}

fn answer(media_type: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], body).into_response()
}

impl Issuer {
    /// The root of the log's size, the latest without one, and what `prove` makes of the log: nothing, where there
    /// is no such batch or size. Its tiles are those of the last leaf and of `edge`. [HTB-42]
    async fn prove<T: Send + 'static>(
        self: &Arc<Self>,
        size: Option<u64>,
        edge: Option<u64>,
        prove: impl FnOnce(&Log, u64, &Tiles) -> Result<Option<T>, Missing> + Send + 'static,
    ) -> Result<(Vec<u8>, T), Problem> {
        let issuer = Arc::clone(self);
        let proved = tokio::task::spawn_blocking(move || {
            let latest = issuer.log.read().map_err(|_| Code::Internal)?.size();
            let size = size.unwrap_or(latest);
            let last = size.checked_sub(1).filter(|_| size <= latest).ok_or(Code::NotFound)?;
            let (root, tiles) = {
                let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
                let root = reader.root(last).map_err(|_| Code::Internal)?.ok_or(Code::Internal)?;
                let edges = [Some(last), edge].into_iter().flatten().filter(|edge| *edge < latest);
                (root, Tiles::read(reader.as_mut(), edges, latest).map_err(|_| Code::Internal)?)
            };
            let log = issuer.log.read().map_err(|_| Code::Internal)?;
            let proved = prove(&log, size, &tiles).map_err(|Missing| Code::Internal)?.ok_or(Code::NotFound)?;
            drop(log);
            let root = issuer.with_certificates(&root).ok_or(Code::Internal)?;
            Ok((root, proved))
        });
        proved.await.map_err(|_| Problem::new(Code::Internal))?.map_err(|code: Code| Problem::new(code))
    }

    /// A root as it travels in a body: with the certificates that it was signed with. [SIG-17]
    fn with_certificates(&self, root: &[u8]) -> Option<Vec<u8>> {
        let signed = Signed::<Root>::read(root).ok()?;
        let mut chains = std::iter::once(&self.identity.chain).chain(&self.earlier_chains);
        let chain = chains.find(|chain| {
            let leaf = chain.first().map(|leaf| SignerName::Certificate(certificate_id(leaf)));
            leaf == Some(signed.header.signer)
        });
        let chain: Vec<&[u8]> = chain.map_or(Vec::new(), |chain| chain.iter().map(Vec::as_slice).collect());
        Some(envelope(signed.frame.protected, &chain, signed.frame.payload, signed.frame.signature))
    }
}

/// The leaves of full tiles, read before the log is looked at, so that its writer waits for no disk.
struct Tiles(BTreeMap<u64, Hashes>);

/// A proof asks for leaves that were not read.
struct Missing;

impl Tiles {
    fn read(reader: &mut dyn Reader, edges: impl Iterator<Item = u64>, latest: u64) -> Result<Self, StoreError> {
        let mut tiles = BTreeMap::new();
        for tile in edges.map(|edge| edge / TILE_SIZE).filter(|tile| *tile < latest / TILE_SIZE) {
            if let std::collections::btree_map::Entry::Vacant(place) = tiles.entry(tile) {
                let roots = reader.tree_roots(tile * TILE_SIZE, TILE_SIZE)?;
                place.insert(roots.iter().map(batch_leaf).collect());
            }
        }
        Ok(Self(tiles))
    }

    fn leaves(&self, tile: u64) -> Result<Hashes, Missing> {
        self.0.get(&tile).cloned().ok_or(Missing)
    }
}
