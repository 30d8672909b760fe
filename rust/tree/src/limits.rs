//! Every limit of this crate, with its unit and reason.

/// Leaves in one bucket before it splits.
///
/// A changed bucket is hashed whole, so the figure trades hashing and write volume (smaller is
/// better) against memory and checkpoint size (larger is better).
pub const MAX_BUCKET_LEAVES: usize = 16;

/// Bits of a bucket's prefix. A bucket this deep never splits, whatever it holds.
///
/// Filling one on purpose takes many keys that agree in 64 bits of their SHA-256 hash.
pub const MAX_BUCKET_DEPTH: u8 = 64;

/// Leaves that one stored bucket may claim. Only a bucket of full depth can exceed
/// [`MAX_BUCKET_LEAVES`]; this bounds the memory that a damaged one asks for.
pub const MAX_STORED_LEAVES: usize = 1 << 20;

/// Siblings in a state proof: one for each bit of a key hash.
pub const MAX_PROOF_SIBLINGS: usize = 256;

/// Hashes in a log proof: the height of a tree of 2^64 leaves, and one more for a consistency proof.
pub const MAX_LOG_PATH: usize = 65;

/// Changes below which a subtree is updated on one thread: enough work for a task, and few enough
/// that the nodes fetched ahead for it stay in the processor's cache.
pub const PARALLEL_CHANGES: usize = 32;

/// Buckets in one parallel step of a rebuild: enough to occupy all cores, few enough to bound memory.
pub const REBUILD_CHUNK: usize = 8_192;

/// Leaves of a log tree above which both halves are hashed in parallel.
pub const PARALLEL_LOG_LEAVES: usize = 512;

/// Bytes of memory that a tree spends on bucket content unless told otherwise: a key takes about
/// 140 bytes there, so this keeps the hottest 0.9 million.
pub const DEFAULT_CACHE_BYTES: usize = 128 << 20;
