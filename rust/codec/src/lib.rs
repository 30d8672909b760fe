//! Bytes of the ledger: deterministic CBOR ([`cbor`]) and order-preserving state keys ([`key`]).
//!
//! This crate turns bytes into values and back. It knows no transaction, no hash and no file.
//!
//! Rules it keeps:
//! - one value has one encoding: every other form is refused with a code and an offset, so bytes
//!   that decode are the bytes that encoding the result gives again;
//! - no input makes it panic, recurse deeper than [`limits`] allow, or reserve memory that the
//!   input does not pay for.
#![forbid(unsafe_code)]

pub mod cbor;
mod error;
pub mod key;
pub mod limits;

pub use error::Error;
