//! The roles agent, merchant and wallet: what each asks of what it is shown.

mod agent;
mod merchant;
mod wallet;

use purser_test_vectors::Area;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, bytes, list, text};
use super::sheet::Sheet;
use super::{hex, keys};

pub(super) fn areas() -> Vec<Area> {
    let mut agent =
        Sheet::new("agent", "What an agent asks of an offer before it signs, and what it makes of answers.");
    agent::cases(&mut agent);
    let mut merchant = Sheet::new("merchant", "What a merchant asks of a receipt before it serves.");
    merchant::cases(&mut merchant);
    let mut wallet =
        Sheet::new("wallet", "What a wallet asks of the papers of a payment before it signs a yes or a no.");
    wallet::cases(&mut wallet);
    vec![agent.finish(), merchant.finish(), wallet.finish()]
}

/// A request for something that has a price.
#[derive(Clone)]
struct Request {
    salt: [u8; 16],
    method: &'static str,
    authority: &'static str,
    target: &'static str,
    body: &'static [u8],
}

impl Request {
    fn new() -> Self {
        Self {
            salt: keys::sixteen("salt of the request"),
            method: "GET",
            authority: "tea.example",
            target: "/leaves/longjing?grams=50",
            body: b"",
        }
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut request = self.clone();
        change(&mut request);
        request
    }

    /// What an offer is bound by. [INT-6]
    fn digest(&self) -> Item {
        let parts = [
            bytes(&self.salt),
            text(self.method),
            text(self.authority),
            text(self.target),
            bytes(&Sha256::digest(self.body)),
        ];
        let digest: [u8; 32] = Sha256::digest(list(&parts)).into();
        digest.into()
    }

    fn value(&self) -> Value {
        json!({
            "salt": hex(&self.salt), "method": self.method, "authority": self.authority, "target": self.target,
            "body": hex(self.body),
        })
    }
}

/// A change of a request, with its name and words.
type Elsewhere = (&'static str, &'static str, fn(&mut Request));

/// Requests that are other requests.
const ELSEWHERE: [Elsewhere; 9] = [
    ("query", "the query changed", |r| r.target = "/leaves/longjing?grams=500"),
    ("no-query", "the query left out", |r| r.target = "/leaves/longjing"),
    ("path", "another path", |r| r.target = "/leaves/gyokuro?grams=50"),
    ("path-case", "a letter of the path in capitals", |r| r.target = "/leaves/Longjing?grams=50"),
    ("method", "another method", |r| r.method = "POST"),
    ("authority", "another authority", |r| r.authority = "rice.example"),
    ("port", "the port written out", |r| r.authority = "tea.example:443"),
    ("body", "a body", |r| r.body = b"{}"),
    ("salt", "another salt", |r| r.salt = [7; 16]),
];
