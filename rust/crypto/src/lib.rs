//! Hashes, signatures and signed messages of the ledger, by numbered suites ([`Suite`]).
//!
//! This crate takes bytes and keys and gives verdicts. It knows no transaction, no member and no
//! file, and draws no randomness: keys come from seeds that the caller drew.
//!
//! Rules it keeps:
//! - the verdict on a signature is that of the single check; batches are only a fast path;
//! - verification gives an error that says why, never a bool that can be dropped, except
//!   [`Suite::verify_many`], whose verdicts are its result;
//! - a signed message has one form ([`cose`]): every other one is refused with a code.
#![forbid(unsafe_code)]

mod batch;
pub mod cose;
mod error;
mod hash;
pub mod limits;
mod prepared;
mod signing;
mod suite;

pub use error::Error;
pub use hash::Hash32;
pub use prepared::PreparedKey;
pub use signing::SigningKey;
pub use suite::{Check, PreparedCheck, Suite};
