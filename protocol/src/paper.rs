//! The papers: one file each, with its fields as they stand on the wire.

pub mod command;
pub mod confirmation;
pub mod credential;
pub mod delivery;
pub mod dispute;
pub mod document;
pub mod intent;
pub mod mandate;
pub mod meter;
pub mod notice;
pub mod offer;
pub mod rules;
pub mod status;
