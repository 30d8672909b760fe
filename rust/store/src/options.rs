//! How a store is opened, and what opening found.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits;

/// Settings of a store. The defaults suit a node; tests make them small.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes after which a log segment is closed.
    pub segment_bytes: u64,
    /// Newest log bytes whose records are all verified at open.
    pub verify_bytes: u64,
    /// Unflushed bytes above which `apply` waits.
    pub overlay_bytes: usize,
    /// Unflushed bytes at which the flusher starts at once.
    pub flush_bytes: usize,
    /// Age of the oldest unflushed block at which the flusher starts.
    pub flush_age: Duration,
    /// Bytes of flushed values kept in memory for reads.
    pub cache_bytes: usize,
    /// Bytes of the key-value engine's own block cache.
    pub block_cache_bytes: u64,
    /// Most bytes of the largest memtable of the key-value engine; the others are in proportion.
    pub memtable_bytes: u64,
    /// Set the key-value store aside, damaged or not (never deleted), and begin an empty one, which
    /// the caller fills by replaying the log. Without it, damage is an error.
    pub rebuild: bool,
    /// How the blocks are kept. It counts when the folder is made; from then on the folder's own
    /// word holds, but for [`LogMode::External`], which no folder remembers.
    pub log: LogMode,
}

/// How a store keeps its blocks.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum LogMode {
    /// Each append is synced: a block is confirmed when `append` returns.
    #[default]
    Synced,
    /// Another program confirms blocks and can give the last ones again (a consensus engine): the
    /// log is synced every few blocks, and always before a batch goes to the key-value store. What
    /// a crash damages beyond the stored height is cut when the store is opened.
    Lazy,
    /// Another program keeps the blocks: no log here, `append` is refused, and heights are applied
    /// as they come.
    External,
}

impl Options {
    /// These settings with about so many bytes of memory at rest in place of
    /// [`limits::MEMORY_BYTES`], divided as the defaults are: cached values, the engine's blocks and
    /// memtables, and what waits for the flusher.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        let share = |of: u64| u128::from(of) * u128::from(bytes) / u128::from(limits::MEMORY_BYTES);
        let whole = |of: u64| u64::try_from(share(of)).unwrap_or(u64::MAX);
        let size = |of: usize| usize::try_from(share(of as u64)).unwrap_or(usize::MAX);
        self.cache_bytes = size(limits::CACHE_BYTES);
        self.block_cache_bytes = whole(limits::BLOCK_CACHE_BYTES);
        let largest = whole(limits::MEMTABLE_BYTES);
        self.memtable_bytes = largest.clamp(limits::MEMTABLE_BYTES_MIN, limits::MEMTABLE_BYTES);
        let flush = size(limits::FLUSH_BYTES);
        self.flush_bytes = flush.clamp(limits::FLUSH_BYTES_MIN, limits::FLUSH_BYTES);
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: limits::SEGMENT_BYTES,
            verify_bytes: limits::OPEN_VERIFY_BYTES,
            overlay_bytes: limits::OVERLAY_BYTES,
            flush_bytes: limits::FLUSH_BYTES,
            flush_age: limits::FLUSH_AGE,
            cache_bytes: limits::CACHE_BYTES,
            block_cache_bytes: limits::BLOCK_CACHE_BYTES,
            memtable_bytes: limits::MEMTABLE_BYTES,
            rebuild: false,
            log: LogMode::default(),
        }
    }
}

/// What opening found. The caller replays the records `stored_height + 1..=log_height` through its
/// ordinary path and applies their write sets. A side file that belongs to a height above
/// `stored_height` does not fit what is stored: the caller ignores it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Last height whose write set is stored durably; `None` for an empty store.
    pub stored_height: Option<u64>,
    /// Last height of the log; `None` for an empty or external log.
    pub log_height: Option<u64>,
    /// Bytes that were cut from the log's end: of an interrupted, never confirmed append; of a lazy
    /// log all from the first bad record on.
    pub torn_tail_bytes: u64,
    /// Height of the first record that was cut.
    pub cut_height: Option<u64>,
    /// Where a damaged key-value store was moved, and why, when `Options::rebuild` was set.
    pub set_aside: Option<(PathBuf, String)>,
}

/// Counters since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes applied and not yet flushed.
    pub pending_bytes: usize,
    /// Blocks applied and not yet flushed.
    pub pending_blocks: usize,
    /// Bytes of flushed values held for reads.
    pub cached_bytes: usize,
    /// Batches flushed.
    pub batches: u64,
    /// Writes flushed, after several writes of one key became one.
    pub flushed_writes: u64,
    /// Time that flushing took.
    pub flush_time: Duration,
    /// Syncs of the block log; one a block where its mode is [`LogMode::Synced`].
    pub log_syncs: u64,
}
