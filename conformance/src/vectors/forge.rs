//! A paper of which every part can be wrong, honestly signed over what it then says.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, bytes, head, labelled, list, text};
use super::{certs, hex, keys};

/// The network of every case that is not about networks.
pub(super) const NETWORK: &str = "sandbox";

/// Who signs, and how the header says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Key(&'static str),
    /// The key of this name, which the certificate of this name certifies.
    Certificate(&'static str),
}

/// A paper in its parts.
#[derive(Clone, Debug)]
pub(super) struct Forge {
    /// Its `typ`, without `purser-`.
    pub(super) kind: &'static str,
    pub(super) opening: Vec<u8>,
    pub(super) protected: Item,
    /// How the protected header stands on the wire, where not as a byte string.
    pub(super) protected_item: Option<Vec<u8>>,
    pub(super) unprotected: Item,
    pub(super) payload: Item,
    /// How the payload stands on the wire, where not as a byte string.
    pub(super) payload_item: Option<Vec<u8>>,
    /// What stands in the place of the honest signature.
    pub(super) signature_item: Option<Vec<u8>>,
    pub(super) tail: Vec<u8>,
    /// The first text of the `Sig_structure`.
    pub(super) context: &'static str,
    pub(super) aad: Vec<u8>,
    pub(super) signer: &'static str,
    /// How many bytes of the whole are sent.
    pub(super) cut: Option<usize>,
}

impl Forge {
    /// Honest in everything; a paper by certificate has its chain beside it.
    pub(super) fn new(kind: &'static str, payload: Item, by: By) -> Self {
        let (protected, unprotected, signer) = match by {
            By::Key(name) => (key_header(kind, name), labelled([]), name),
            By::Certificate(name) => {
                let leaf = certs::leaf(name);
                (certificate_header(kind, &leaf), labelled([(33, leaf.into())]), name)
            }
        };
        Self {
            kind,
            opening: vec![0xd2, 0x84],
            protected,
            protected_item: None,
            unprotected,
            payload,
            payload_item: None,
            signature_item: None,
            tail: Vec::new(),
            context: "Signature1",
            aad: aad(kind, NETWORK),
            signer,
            cut: None,
        }
    }

    /// The same but for what `change` does.
    #[must_use]
    pub(super) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut forge = self.clone();
        change(&mut forge);
        forge
    }

    /// The same with another payload.
    #[must_use]
    pub(super) fn says(&self, change: impl FnOnce(Item) -> Item) -> Self {
        self.but(|forge| forge.payload = change(forge.payload.clone()))
    }

    /// What is signed. [SIG-16]
    pub(super) fn sig_structure(&self) -> Vec<u8> {
        let parts =
            [text(self.context), bytes(&self.protected.encode()), bytes(&self.aad), bytes(&self.payload.encode())];
        list(&parts)
    }

    /// The honest signature over what the parts say.
    pub(super) fn signature(&self) -> [u8; 64] {
        keys::sign(self.signer, Sha256::digest(self.sig_structure()).into())
    }

    /// The paper's id. [SIG-20]
    pub(super) fn id(&self) -> [u8; 32] {
        let parts = [bytes(&self.protected.encode()), bytes(&self.payload.encode())];
        Sha256::digest(list(&parts)).into()
    }

    /// The paper as it travels.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut whole = [
            self.opening.clone(),
            self.protected_item.clone().unwrap_or_else(|| bytes(&self.protected.encode())),
            self.unprotected.encode(),
            self.payload_item.clone().unwrap_or_else(|| bytes(&self.payload.encode())),
            self.signature_item.clone().unwrap_or_else(|| bytes(&self.signature())),
            self.tail.clone(),
        ]
        .concat();
        whole.truncate(self.cut.unwrap_or(whole.len()));
        whole
    }

    /// Whether the signature is the honest one over what stands there.
    pub(super) fn is_signed(&self, base: &Self) -> bool {
        self.signature_item.is_none()
            && (self.context, &self.aad, self.signer) == (base.context, &base.aad, base.signer)
    }

    /// How this differs from the paper that it was made from: part by part, and of maps label by label.
    pub(super) fn edits(&self, base: &Self) -> Vec<Value> {
        let mut edits = Vec::new();
        let mut replaced = |part: &str, is: Option<&[u8]>, was: Option<&[u8]>| {
            if is != was {
                edits.push(json!([part, is.map(hex)]));
            }
        };
        replaced("opening", Some(&self.opening), Some(&base.opening));
        replaced("protected_item", self.protected_item.as_deref(), base.protected_item.as_deref());
        replaced("payload_item", self.payload_item.as_deref(), base.payload_item.as_deref());
        replaced("signature_item", self.signature_item.as_deref(), base.signature_item.as_deref());
        replaced("tail", Some(&self.tail), Some(&base.tail));
        replaced("context", Some(self.context.as_bytes()), Some(base.context.as_bytes()));
        replaced("external_aad", Some(&self.aad), Some(&base.aad));
        if self.signer != base.signer {
            edits.push(json!(["signer", self.signer]));
        }
        for (part, is, was) in [
            ("protected", &self.protected, &base.protected),
            ("unprotected", &self.unprotected, &base.unprotected),
            ("payload", &self.payload, &base.payload),
        ] {
            edits.extend(map_edits(part, is, was));
        }
        if let Some(cut) = self.cut {
            edits.push(json!(["cut", cut]));
        }
        edits
    }
}

/// The labels in which two maps differ; the whole where one of them is no map of labels.
fn map_edits(part: &str, is: &Item, was: &Item) -> Vec<Value> {
    if is.encode() == was.encode() {
        return Vec::new();
    }
    let (Item::Map(new), Item::Map(old)) = (is, was) else { return vec![json!([part, hex(&is.encode())])] };
    let gone = old.iter().filter(|(key, _)| new.iter().all(|(known, _)| known != key));
    let gone = gone.map(|(key, _)| json!([part, hex(&key.encode()), Value::Null]));
    let put = new.iter().filter(|pair| !old.contains(pair));
    let put = put.map(|(key, value)| json!([part, hex(&key.encode()), hex(&value.encode())]));
    gone.chain(put).collect()
}

/// `{1: -9, 4: kid, 16: typ}`
pub(super) fn key_header(kind: &str, name: &str) -> Item {
    labelled([(1, Item::from(-9)), (4, keys::thumbprint(name).into()), (16, format!("purser-{kind}").into())])
}

/// `{1: -9, 16: typ, 34: [-16, hash]}`
pub(super) fn certificate_header(kind: &str, leaf: &[u8]) -> Item {
    labelled([(1, Item::from(-9)), (16, format!("purser-{kind}").into()), (34, x5t(leaf))])
}

/// The name of a certificate. [SIG-22]
pub(super) fn x5t(leaf: &[u8]) -> Item {
    let hash: [u8; 32] = Sha256::digest(leaf).into();
    Item::List(vec![Item::from(-16), hash.into()])
}

/// The external data of a kind's signatures on a network.
pub(super) fn aad(kind: &str, network: &str) -> Vec<u8> {
    [head(4, 2), text(&format!("purser-{kind}/1")), text(network)].concat()
}
