//! Storage of one ledger: the block log, which is the truth, and the keyspaces derived from it.
//!
//! It knows heights, keys and bytes; nothing of blocks, hashes or encodings.
//!
//! The life of a block here:
//! 1. [`Store::append`] writes its record to the log and syncs once. It is now confirmed. (Where a
//!    consensus engine confirms, [`LogMode::Lazy`]: the sync comes later, but before step 3.)
//! 2. [`Store::apply`] makes its writes visible in memory, all at once.
//! 3. The flusher thread writes several blocks' writes to the key-value store in one batch, each
//!    key once, with their height; compaction there never delays steps 1 and 2 unless the bound
//!    on unflushed bytes is reached.
//! 4. After a crash, [`Store::open`] tells which heights the key-value store lacks; the caller
//!    replays their records and applies them again.
//!
//! Rules: nothing is confirmed before it is durable; readers see whole blocks; whatever is damaged
//! is named and never repaired by guessing; nothing is deleted but the remains of an append that
//! was never confirmed, and of a lazy log what was never synced.

#![forbid(unsafe_code)]

mod background;
mod backing;
mod error;
pub mod fault;
mod files;
mod flusher;
mod keyspace;
pub mod limits;
mod lock;
mod log;
mod marker;
mod open;
mod options;
mod overlay;
mod side;
mod store;
mod view;

pub use error::{Error, Result};
pub use keyspace::{Bytes, Keyspace, Write, WriteSet};
pub use log::Records;
pub use options::{LogMode, Options, Recovery, Stats};
pub use store::Store;
pub use view::View;
