//! Every bound of the store, with its unit and reason.

use std::time::Duration;

/// Largest payload of one log record, in bytes: far above any block, far below what one read may
/// allocate without harm.
pub const RECORD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes after which a log segment is closed and the next one begun.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Largest segment size that may be configured, in bytes: offsets inside a segment are `u32`.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Newest log bytes whose checksums are all verified when the log is opened. Older segments are
/// checked for presence and length, and each record when it is read.
pub const OPEN_VERIFY_BYTES: u64 = 512 * 1024 * 1024;

/// Blocks after which a lazy log is synced by the append itself: a replay of that many is short, and
/// one sync costs each of them little.
pub const LAZY_SYNC_BLOCKS: u64 = 64;

/// Unsynced bytes after which a lazy log is synced by the append itself: a sync of as many takes well
/// below a second on a slow disk. The bound in time is `Options::flush_age`: each batch syncs first.
pub const LAZY_SYNC_BYTES: u64 = 16 * 1024 * 1024;

/// Largest key, in bytes (the key-value engine stores key lengths in 16 bits).
pub const KEY_BYTES_MAX: usize = 65_535;

/// Largest value, in bytes: one value never dominates the overlay.
pub const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of unflushed writes above which `apply` waits for the flusher.
pub const OVERLAY_BYTES: usize = 256 * 1024 * 1024;

/// Unflushed blocks above which `apply` waits for the flusher: bounds the merge width of a scan.
pub const OVERLAY_BLOCKS_MAX: usize = 1024;

/// Bytes of flushed values kept in memory for reads.
pub const CACHE_BYTES: usize = 256 * 1024 * 1024;

/// Unflushed bytes at which the flusher starts without waiting for [`FLUSH_AGE`]: large enough
/// that hot keys and buckets of several blocks are written once.
pub const FLUSH_BYTES: usize = 48 * 1024 * 1024;

/// Most bytes of write sets merged into one batch: bounds the pause of one batch.
pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Age of the oldest unflushed block at which the flusher starts: bounds the replay after a crash
/// of a quiet chain.
pub const FLUSH_AGE: Duration = Duration::from_secs(1);

/// Bytes of the key-value engine's own block cache.
pub const BLOCK_CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of the key-value engine's largest memtable: what is written again and again before it is full
/// reaches the disk once. The others are in proportion, all together about three times this.
pub const MEMTABLE_BYTES: u64 = 64 * 1024 * 1024;

/// Least size of the largest memtable, in bytes: below it there would be more files than work.
pub const MEMTABLE_BYTES_MIN: u64 = 2 * 1024 * 1024;

/// Least unflushed bytes at which the flusher starts: a busy block fits.
pub const FLUSH_BYTES_MIN: usize = 4 * 1024 * 1024;

/// Memory at rest that the sizes above are made for, in bytes; other amounts are divided alike.
pub const MEMORY_BYTES: u64 = CACHE_BYTES as u64 + BLOCK_CACHE_BYTES;

/// Bytes of the key-value engine's journals before it flushes stragglers. Bounds the time to open.
pub const JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Shards of the overlay table per keyspace: readers on all cores rarely meet at one lock.
pub const SHARDS: usize = 64;

/// Approximate bookkeeping bytes per entry of the overlay table, counted with key and value.
pub const ENTRY_OVERHEAD_BYTES: usize = 160;

/// Slots of the batch trail, by which a gap in the key-value engine's journals is found. Must
/// exceed the number of batches that its journals can hold.
pub const TRAIL_SLOTS: u64 = 65_536;

/// Longest name of a side file, in bytes.
pub const SIDE_NAME_BYTES_MAX: usize = 64;

/// Largest side file, in bytes.
pub const SIDE_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Largest lock file read to name the holder, in bytes.
pub const LOCK_BYTES_MAX: u64 = 4096;

/// Stores set aside in one folder before opening refuses to add another: each may be large.
pub const SET_ASIDE_MAX: u32 = 1000;

/// How long an opener waits for a holder that may be just ending.
pub const LOCK_WAIT: Duration = Duration::from_millis(300);

/// Pause between two tries for the lock.
pub const LOCK_POLL: Duration = Duration::from_millis(10);

/// Nice value of threads whose work can wait (0 is ordinary, 19 the last): enough to give way under
/// load, and with an idle core it costs nothing.
pub const BACKGROUND_NICE: i32 = 10;
