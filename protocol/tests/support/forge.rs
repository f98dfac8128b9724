//! A COSE_Sign1 of which every part can be wrong, honestly signed over what it then says.

#![allow(dead_code, reason = "each test uses its part")]

use purser_protocol::sign::{By, Paper, Signer};
use sha2::{Digest as _, Sha256};

use super::cbor::{bytes, head, int, list, map, text};
use super::keys::{NETWORK, certificate_id, key, signer, signer_of};

#[derive(Clone)]
pub(crate) struct Forge {
    /// Tag and head of the array.
    pub(crate) opening: Vec<u8>,
    /// What the protected byte string holds, and how it is written.
    pub(crate) protected: Vec<u8>,
    pub(crate) protected_item: fn(&[u8]) -> Vec<u8>,
    /// The unprotected map, as it stands.
    pub(crate) unprotected: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_item: fn(&[u8]) -> Vec<u8>,
    /// The item in the place of the honest signature.
    pub(crate) signature_item: Option<Vec<u8>>,
    /// What follows.
    pub(crate) tail: Vec<u8>,
    /// The first text of the `Sig_structure`, and its external data.
    pub(crate) context: &'static str,
    pub(crate) aad: Vec<u8>,
    /// Whose key signs.
    pub(crate) signer: &'static str,
}

impl Forge {
    /// Honest in everything.
    pub(crate) fn of<T: Paper>(paper: &T) -> Self {
        let typ = T::KIND.typ();
        let signer = signer_of(T::KIND);
        let protected = match T::KIND.by() {
            By::Certificate => certificate_header(typ),
            By::Key | By::Either => key_header(typ, signer),
        };
        Self {
            opening: vec![0xd2, 0x84],
            protected,
            protected_item: bytes,
            unprotected: vec![0xa0],
            payload: paper.payload(),
            payload_item: bytes,
            signature_item: None,
            tail: Vec::new(),
            context: "Signature1",
            aad: aad(typ, NETWORK.network),
            signer,
        }
    }

    /// The same but for what `change` does.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut forge = self.clone();
        change(&mut forge);
        forge
    }

    pub(crate) fn signature(&self) -> [u8; 64] {
        let parts = [text(self.context), bytes(&self.protected), bytes(&self.aad), bytes(&self.payload)];
        signer(self.signer).sign(&Sha256::digest(list(&parts)).into()).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [
            self.opening.clone(),
            (self.protected_item)(&self.protected),
            self.unprotected.clone(),
            (self.payload_item)(&self.payload),
            self.signature_item.clone().unwrap_or_else(|| bytes(&self.signature())),
            self.tail.clone(),
        ]
        .concat()
    }
}

/// `{1: -9, 4: kid, 16: typ}`
pub(crate) fn key_header(typ: &str, name: &str) -> Vec<u8> {
    map(&[(int(1), int(-9)), (int(4), bytes(&key(name).id().0)), (int(16), text(typ))])
}

/// `{1: -9, 16: typ, 34: [-16, hash]}`
pub(crate) fn certificate_header(typ: &str) -> Vec<u8> {
    map(&[(int(1), int(-9)), (int(16), text(typ)), (int(34), x5t())])
}

pub(crate) fn x5t() -> Vec<u8> {
    list(&[int(-16), bytes(&certificate_id().0)])
}

/// The external data of a kind's signatures on a network.
pub(crate) fn aad(typ: &str, network: &str) -> Vec<u8> {
    [head(4, 2), text(&format!("{typ}/1")), text(network)].concat()
}
