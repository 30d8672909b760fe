//! What is said when a ledger is opened, and what opening found.

use crate::limits;

/// How a ledger is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Move the store aside and build it again from the log.
    pub rebuild: bool,
    /// About how many bytes it holds in memory at rest, beside what waits to be written.
    pub cache_bytes: u64,
}

impl Default for Opening {
    fn default() -> Self {
        Opening {
            rebuild: false,
            cache_bytes: limits::CACHE_BYTES,
        }
    }
}

/// What opening found.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Height that the store held.
    pub stored_height: Option<u64>,
    /// Height of the log.
    pub log_height: u64,
    /// Blocks executed again from the log.
    pub replayed: u64,
    /// Bytes of a torn record, or of a network's blocks that were never synced, that were cut from the log's end.
    pub torn_tail_bytes: u64,
    /// Height of the first block that was cut.
    pub cut_height: Option<u64>,
    /// How the tree came back: `checkpoint`, `buckets` (all read) or `empty`.
    pub tree: &'static str,
    /// The store was moved aside and is built again from the log.
    pub rebuilt: bool,
}
