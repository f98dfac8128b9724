//! Getting paid by agents.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use purser_merchant::{Shop, serve};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let shop = Shop::open("sandbox/merchant.toml")?;
//! let fortune = get(|| async { "You will be paid.\n" }).route_layer(shop.price("1.00 CNY", "fortune", "A fortune")?);
//! serve("sandbox/merchant.toml", &shop, Router::new().route("/fortune", fortune)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A request without a payment is answered with 402 and a signed offer, which is on the disk before it is shown and
//! is for that request alone: its method, host, path, query and body. The request that comes back with a receipt is
//! checked against the store and the issuer's signature, without asking anybody; the offer is consumed in one step,
//! whatever comes at the same time to however many processes; then the handler is called, and its answer is kept and
//! signed for, so that a lost reply is the same reply once more.
//!
//! | module | what it is |
//! |---|---|
//! | [`shop`] | the shop: who it is, what it remembers, captures, voids, refunds, payouts |
//! | [`layer`] | the tower layer that charges a route |
//! | [`charge`], [`settings`] | prices; the configuration with its catalogue |
//! | [`code`] | codes that a camera reads |
//! | [`paid`] | what a handler is told of the payment |
//! | [`reconcile`] | an issuer's statement of a day against the shop's own book |
//! | [`notices`], [`wire`] | what issuers tell a shop; the way to an address |
//! | [`store`] | what is remembered, as traits, and as a file |
//! | [`serve()`] | a TLS server for a first shop |
//! | [`problem`], [`identity`], [`clock`], [`pem`], [`random`] | what any server of the HTTP binding needs |
//!
//! Inside: `sell` answers requests, `desk` sends commands to issuers until they are answered, `keeper` is the one
//! thread that writes, `till` what these share.
//!
//! It is a crate of its own, beside the client's, because whoever sells links no wallet and whoever pays no database;
//! `purser-server`'s merchant is built on it, so that there is one merchant and not two. The issuer takes its
//! problem bodies from here for the same reason.

pub mod charge;
pub mod clock;
pub mod code;
mod desk;
mod discovery;
pub mod error;
pub mod identity;
mod keeper;
pub mod layer;
pub mod notices;
pub mod paid;
pub mod pem;
pub mod problem;
pub mod random;
pub mod reconcile;
mod request;
mod sell;
mod serve;
pub mod settings;
pub mod shop;
mod skills;
pub mod store;
mod till;
pub mod wire;

pub use charge::{BadCharge, Charge};
pub use code::OfferCode;
pub use desk::post::Post;
pub use error::{SetupError, StoreError};
pub use layer::{NotPriced, Price};
pub use notices::Told;
pub use paid::Paid;
pub use reconcile::{Difference, Reconciled};
pub use request::{Asked, Authority, shown};
pub use sell::GOODS_BYTES_MAX;
pub use serve::serve;
pub use shop::{NotOrdered, Shop};
