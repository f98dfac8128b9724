//! Who follows an issuer's log: the last root of each that was taken, and receipts that are proved to be in it.

use std::collections::HashMap;

use purser_protocol::flow::log::{Followed, follow, open_root, read_proof, verify_logged};
use purser_protocol::id::PartyId;
use purser_protocol::receipt::Root;
use purser_protocol::receipt::log::{Checkpoint, LoggedReceipt};
use purser_protocol::sign::backend::Portable;
use serde_json::json;

use super::call::{Input, Outcome};

/// The last root that was taken, of each issuer and network.
#[derive(Default)]
pub(super) struct Follower {
    kept: HashMap<(PartyId, String), Root>,
}

impl Follower {
    /// Holds a root against the one that was kept, and keeps it where it goes on from that. [RCT-25]
    pub(super) fn follow(&mut self, input: Input<'_>) -> Outcome {
        let register = input.register()?;
        let shown: Checkpoint = read_proof(&input.bytes("checkpoint")?)?;
        let signed = open_root(&shown.root.0, input.context()?, &Portable, &register)?;
        let place = (signed.issuer, input.text("network")?.to_owned());
        let taken = match self.kept.get(&place) {
            None => "first",
            Some(kept) => match follow(kept, &signed.root, &shown.consistency.0)? {
                Followed::Same => "same",
                Followed::Later => "later",
            },
        };
        let log_size = signed.root.log_size;
        self.kept.insert(place, signed.root);
        Ok(json!({ "taken": taken, "log_size": log_size }))
    }
}

/// A receipt, and what proves it to be in the log of a later root. [RCT-26]
pub(super) fn logged(input: Input<'_>) -> Outcome {
    let register = input.register()?;
    let shown: LoggedReceipt = read_proof(&input.bytes("logged")?)?;
    let logged = verify_logged(&shown, input.context()?, &Portable, &register)?;
    let (receipt, root) = (logged.receipt, logged.root.root);
    Ok(json!({
        "id": receipt.id.to_string(), "outcome": receipt.claims.outcome.name(), "log_size": root.log_size,
    }))
}
