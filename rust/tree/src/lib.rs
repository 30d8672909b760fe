//! Authenticated data structures: the state tree and the append-only log.
//!
//! What this crate does
//! - [`StateTree`]: a compressed sparse Merkle tree over hashed keys with the Jellyfish definition.
//!   The upper levels live in memory; the leaves lie in buckets that the caller stores.
//! - [`Proof`]: presence or absence of one key under a state root.
//! - [`log`]: the Merkle tree of RFC 9162 section 2.1, with inclusion and consistency proofs.
//!
//! What it does not do: it opens no file and reads no clock. Buckets come in through
//! [`BucketReader`] and go out as bytes.
//!
//! Rules that it keeps
//! - The root is a function of the content alone, never of the order of updates or of the layout.
//! - The layout is a function of the content too: a subtree is one bucket exactly when it holds at
//!   most [`limits::MAX_BUCKET_LEAVES`] leaves and its parent holds more.
//! - Every bucket read is hashed and compared with the root held in memory before it is used.
//! - An update that fails changes nothing.

mod bucket;
mod cache;
mod checkpoint;
mod error;
mod hash;
mod layout;
mod leaves;
pub mod limits;
pub mod log;
mod node;
mod patch;
mod proof;
pub mod reference;
mod state;
mod update;

pub use bucket::{BucketId, BucketReader, NoBuckets};
pub use error::Error;
pub use hash::{inner_hash, leaf_hash, EMPTY};
pub use layout::BucketInfo;
pub use proof::Proof;
pub use state::{BucketChange, Change, StateTree};

use crypto::Hash32;

/// One entry of the state tree.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Leaf {
    /// Hash of the flat state key.
    pub key: Hash32,
    /// Hash of the stored value's bytes.
    pub value: Hash32,
}
