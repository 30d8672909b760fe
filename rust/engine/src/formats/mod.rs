//! The formats of docs/protocol, as bytes and as types. Nothing here reads a clock, a store or a contract.

pub mod block;
pub mod comet;
pub mod continued;
pub mod evidence;
mod fields;
pub mod genesis;
pub mod header;
pub mod names;
pub mod quorum;
pub mod result;
pub mod standing;
pub mod transaction;
