//! Paying by the metered session, chapter 13: a hold at the issuer, and then hashes.
//!
//! - [`Seller`] opens a session at a seller and goes on with those that are open;
//! - [`Session`] is one of them: it pays what a seller needs, counts what it sees, and holds the claim against both;
//! - [`proxy`] stands in for the seller on this machine: a client of OpenAI's chat API is pointed at it and pays
//!   without knowing.
//!
//! What happened in a session is in a file of its own below `tokens/`, a line for each event. A release is on the disk
//! before its links are sent: after a crash the agent has paid no more than its file says. [TOK-32]

mod answer;
mod book;
mod events;
pub mod proxy;
mod seller;
mod session;
mod subscription;

pub use answer::{Answer, Asking, Piece};
pub use book::Ended;
pub use seller::Seller;
pub use session::{Session, Spending};
pub use subscription::Plan;
