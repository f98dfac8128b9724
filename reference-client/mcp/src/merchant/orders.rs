//! What was asked for: one file an order, one a payment of it, one a refund; and the counter where orders are paid.

use std::fs;
use std::path::PathBuf;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use purser_client::clock::random;
use purser_client::home::write_durably;
use purser_client::{Class, Error, Result};
use purser_merchant::{Charge, Paid, Shop};
use purser_protocol::id::PaperId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest id that a merchant gives.
const ID_LETTERS_MAX: usize = 64;

/// A folder of orders.
#[derive(Clone, Debug)]
pub struct Orders(PathBuf);

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) amount: String,
    pub(super) title: String,
}

/// Who paid an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaidBy {
    pub(super) payment_id: String,
}

/// A refund that was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refunded {
    pub(super) payment_id: String,
    pub(super) amount: String,
    /// The command, once the shop has kept it.
    pub(super) command: Option<String>,
}

impl Orders {
    /// The folder, which is made when it is not there.
    pub fn open(dir: PathBuf) -> Result<Self> {
        for name in ["orders", "paid", "refunds"] {
            let path = dir.join(name);
            fs::create_dir_all(&path).map_err(|error| Error::file(&path, &error))?;
        }
        Ok(Self(dir))
    }

    /// What is kept under an id; `None` when nothing is.
    pub(super) fn read<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<T>> {
        let path = self.path(kind, id)?;
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| Error::new(Class::Unknown, "what is kept of it cannot be read").at(path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path, &error)),
        }
    }

    pub(super) fn keep(&self, kind: &str, id: &str, what: &impl Serialize) -> Result<()> {
        let json = serde_json::to_vec(what).map_err(|error| Error::failed(error.to_string()))?;
        write_durably(&self.path(kind, id)?, &json, 0o600)
    }

    /// Keeps what is the first of its id; says whether it is, or is the same again. Whoever comes at the same time, in
    /// another process too, finds one of the two there, whole.
    fn keep_first<T: Serialize + DeserializeOwned + PartialEq>(&self, kind: &str, id: &str, what: &T) -> Result<bool> {
        let path = self.path(kind, id)?;
        let beside = path.with_extension(format!("{:016x}", u64::from_be_bytes(random()?)));
        let json = serde_json::to_vec(what).map_err(|error| Error::failed(error.to_string()))?;
        write_durably(&beside, &json, 0o600)?;
        let linked = fs::hard_link(&beside, &path);
        // That it stays behind would do no harm.
        let _ = fs::remove_file(&beside);
        match linked {
            Ok(()) => {
                let folder = self.0.join(kind);
                let kept = fs::File::open(&folder).and_then(|folder| folder.sync_all());
                kept.map(|()| true).map_err(|error| Error::file(&folder, &error))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Ok(self.read::<T>(kind, id)?.as_ref() == Some(what))
            }
            Err(error) => Err(Error::file(&path, &error)),
        }
    }

    fn path(&self, kind: &str, id: &str) -> Result<PathBuf> {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if id.is_empty() || id.len() > ID_LETTERS_MAX || !id.chars().all(letters) {
            return Err(Error::usage("an id has 1 to 64 letters, digits, dashes and underscores"));
        }
        Ok(self.0.join(kind).join(format!("{id}.json")))
    }
}

/// The routes where orders are paid: `/orders/ID`, at the order's own price.
pub fn counter(shop: &Shop, orders: Orders) -> Router {
    let (priced, paying) = (orders.clone(), orders);
    let price = shop.price_by(move |parts, _| {
        let id = parts.uri.path().trim_start_matches("/orders/");
        let order = priced.read::<Order>("orders", id).ok().flatten();
        let order = order.ok_or((StatusCode::NOT_FOUND, "no such order\n"))?;
        // One that was paid is not sold a second time.
        if !matches!(priced.read::<PaidBy>("paid", id), Ok(None)) {
            return Err((StatusCode::GONE, "this order is paid\n").into());
        }
        let charge = Charge::new(&order.amount, id, &order.title);
        charge.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into())
    });
    let done = move |Path(id): Path<String>, paid: Paid| async move { noted(&paying, &id, paid.intent) };
    Router::new().route("/orders/{id}", get(done).layer(price))
}

/// Of two payments of one order, for offers that were out at once, the first stands; a refusal after the payment is no
/// delivery, and the shop gives the money of the other back.
fn noted(orders: &Orders, id: &str, payment: PaperId) -> Response {
    match orders.keep_first("paid", id, &PaidBy { payment_id: payment.to_string() }) {
        Ok(true) => format!("Order {id} is paid.\n").into_response(),
        Ok(false) => (StatusCode::CONFLICT, format!("Order {id} is paid already.\n")).into_response(),
        // Tried again with the same receipt.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_payments_of_one_order_the_first_stands() {
        let dir = std::env::temp_dir().join(format!("purser-orders-{}", std::process::id()));
        let orders = Orders::open(dir.clone()).unwrap();
        let (first, second) = (PaperId([1; 32]), PaperId([2; 32]));
        assert_eq!(noted(&orders, "tea-1", first).status(), StatusCode::OK);
        assert_eq!(noted(&orders, "tea-1", second).status(), StatusCode::CONFLICT);
        assert_eq!(noted(&orders, "tea-1", first).status(), StatusCode::OK, "the same again");
        assert_eq!(noted(&orders, "tea-2", second).status(), StatusCode::OK, "another order");
        let by = |id: &str| orders.read::<PaidBy>("paid", id).unwrap().unwrap().payment_id;
        assert_eq!((by("tea-1"), by("tea-2")), (first.to_string(), second.to_string()));
        assert_eq!(fs::read_dir(dir.join("paid")).unwrap().count(), 2, "nothing stays beside them");
        fs::remove_dir_all(dir).unwrap();
    }
}
