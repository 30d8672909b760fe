//! Buckets kept in memory, bounded in bytes.
//!
//! An entry is used only when its root is the one that the tree asks for, so an entry can be
//! useless but never stale, and copies of a tree share one cache safely.

use crate::leaves::Bucket;
use crate::node::Place;
use crypto::Hash32;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks, so that threads working in different parts of the tree rarely meet. A power of two.
const SHARDS: usize = 64;

struct Entry {
    root: Hash32,
    depth: u8,
    bucket: Arc<Bucket>,
}

/// Two generations: when the young one holds half of the budget it becomes the old one, and what
/// was not used since then goes.
#[derive(Default)]
struct Shard {
    young: HashMap<u64, Entry>,
    old: HashMap<u64, Entry>,
    young_bytes: usize,
}

pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    generation_bytes: usize,
}

impl Cache {
    /// A cache that holds about this many bytes at most; 0 keeps nothing.
    pub(crate) fn new(bytes: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Cache {
            shards,
            generation_bytes: bytes / SHARDS / 2,
        }
    }

    fn shard(&self, prefix: u64) -> MutexGuard<'_, Shard> {
        // The bits near the top differ between neighbours of any tree that has many buckets.
        let index = (prefix.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize;
        // A thread that panicked while it held the lock left a usable map behind.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, place: Place, root: &Hash32) -> Option<Arc<Bucket>> {
        if self.generation_bytes == 0 {
            return None;
        }
        let mut shard = self.shard(place.prefix);
        let fits = |entry: &&Entry| entry.root == *root && entry.depth == place.depth;
        if let Some(entry) = shard.young.get(&place.prefix).filter(fits) {
            return Some(entry.bucket.clone());
        }
        shard.old.get(&place.prefix).filter(fits)?;
        let entry = shard.old.remove(&place.prefix)?;
        let bucket = entry.bucket.clone();
        self.put(&mut shard, place.prefix, entry);
        Some(bucket)
    }

    pub(crate) fn insert(&self, place: Place, root: Hash32, bucket: Arc<Bucket>) {
        if bucket.weight() > self.generation_bytes {
            return;
        }
        let mut shard = self.shard(place.prefix);
        shard.old.remove(&place.prefix);
        self.put(
            &mut shard,
            place.prefix,
            Entry {
                root,
                depth: place.depth,
                bucket,
            },
        );
    }

    fn put(&self, shard: &mut Shard, prefix: u64, entry: Entry) {
        let weight = entry.bucket.weight();
        if shard.young_bytes + weight > self.generation_bytes {
            shard.old = std::mem::take(&mut shard.young);
            shard.young_bytes = 0;
        }
        shard.young_bytes += weight;
        if let Some(gone) = shard.young.insert(prefix, entry) {
            shard.young_bytes -= gone.bucket.weight();
        }
    }
}
