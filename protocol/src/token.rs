//! Token Pay: metered sessions that are paid by hash chains.
//!
//! An intent commits to the roots of hash chains; each link that the agent releases is worth a step of the money
//! held. [`chain`] makes and checks links, [`seller`] and [`agent`] are the two sides as machines; [`pack`] is what a
//! seller keeps of units that are paid in advance, and [`subscription`] of terms that it asks for itself. All are folds of
//! records, as the ledger is of events: what a machine decides it returns as a record, which the caller keeps before
//! it applies it and acts on it. So whoever falls over goes on with exactly what it had.

pub mod agent;
pub mod chain;
pub mod message;
pub mod pack;
pub mod seller;
pub mod subscription;
