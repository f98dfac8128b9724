//! The cases, by what goes wrong.

mod accounts;
mod answers;
mod bridge;
mod codes;
mod confirming;
mod crashes;
mod disputes;
mod fetching;
mod files;
mod log;
mod lost;
mod merchants;
mod offers;
mod shop;
mod shown;
mod wallet;
mod wire;
