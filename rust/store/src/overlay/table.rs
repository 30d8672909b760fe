//! The newest values by key: unflushed writes and cached flushed values in one sharded map.
//!
//! Each entry holds the newest value with the stamp (height + 1) from which it is valid, and the
//! value before that, so that readers of the last applied block are undisturbed while the next
//! one is written. `base` is the stamp up to which everything is in the backing store. An entry
//! is *clean* when its newest value is there; only clean entries are evicted. Therefore:
//! - an absent key has no write after `base`;
//! - a clean or older value at `stamp` is right for every reader from `stamp` on, up to the next
//!   write, which would have replaced it here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::keyspace::{cost, Bytes, Keyspace, Write};
use crate::limits;

struct Entry {
    stamp: u64,
    value: Option<Bytes>,
    before: Option<(u64, Option<Bytes>)>,
    clean: bool,
    /// Read since the last sweep.
    touched: bool,
}

#[derive(Default)]
struct Shard {
    map: HashMap<Bytes, Entry>,
    clean_bytes: usize,
}

/// What the table knows of a key at a reader's stamp.
pub(crate) enum Found {
    /// Its value (`None`: absent).
    Value(Option<Bytes>),
    /// Nothing; the key has no write after `base`.
    Absent { base: u64 },
    /// Only values newer than the reader's stamp.
    Newer,
}

pub(crate) struct Table {
    shards: Vec<Mutex<Shard>>,
    base: AtomicU64,
    shard_cache_bytes: usize,
    cached_bytes: AtomicUsize,
}

impl Table {
    pub(crate) fn new(base: u64, cache_bytes: usize) -> Self {
        let count = limits::SHARDS * Keyspace::ALL.len();
        let cached = Keyspace::ALL
            .iter()
            .filter(|keyspace| keyspace.cached())
            .count();
        Self {
            shards: (0..count).map(|_| Mutex::default()).collect(),
            base: AtomicU64::new(base),
            shard_cache_bytes: cache_bytes / (limits::SHARDS * cached),
            cached_bytes: AtomicUsize::new(0),
        }
    }

    fn shard(&self, keyspace: Keyspace, key: &[u8]) -> MutexGuard<'_, Shard> {
        let within = crc32fast::hash(key) as usize % limits::SHARDS;
        let shard = &self.shards[keyspace.number() * limits::SHARDS + within];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of flushed values held for reads.
    pub(crate) fn cached_bytes(&self) -> usize {
        self.cached_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn base(&self) -> u64 {
        self.base.load(Ordering::Acquire)
    }

    /// The value of `key` for a reader at `stamp`.
    pub(crate) fn get(&self, keyspace: Keyspace, key: &[u8], stamp: u64) -> Found {
        let mut shard = self.shard(keyspace, key);
        let Some(entry) = shard.map.get_mut(key) else {
            // Read under the shard's lock: no entry of this shard was evicted at a later base.
            return Found::Absent { base: self.base() };
        };
        entry.touched = true;
        if entry.stamp <= stamp {
            return Found::Value(entry.value.clone());
        }
        match &entry.before {
            Some((before, value)) if *before <= stamp => Found::Value(value.clone()),
            _ => Found::Newer,
        }
    }

    /// Enters a write of the block with `stamp`.
    pub(crate) fn write(&self, write: &Write, stamp: u64) {
        let mut shard = self.shard(write.keyspace, &write.key);
        let Some(entry) = shard.map.get_mut(&write.key) else {
            let value = write.value.clone();
            let entry = Entry {
                stamp,
                value,
                before: None,
                clean: false,
                touched: true,
            };
            shard.map.insert(write.key.clone(), entry);
            return;
        };
        let cleaned = if entry.clean {
            cost(&write.key, entry.value.as_deref())
        } else {
            0
        };
        let value = std::mem::replace(&mut entry.value, write.value.clone());
        if entry.stamp != stamp {
            entry.before = Some((entry.stamp, value));
        }
        entry.stamp = stamp;
        entry.clean = false;
        self.uncount(&mut shard, cleaned);
    }

    /// Everything up to `base` is in the backing store.
    pub(crate) fn advance(&self, base: u64) {
        self.base.store(base, Ordering::Release);
    }

    /// Marks a key that was written to the backing store at [`Self::base`].
    pub(crate) fn settle(&self, write: &Write) {
        let base = self.base();
        let mut shard = self.shard(write.keyspace, &write.key);
        let Some(entry) = shard.map.get_mut(&write.key) else {
            return;
        };
        if entry.stamp > base || entry.clean {
            return;
        }
        if !write.keyspace.cached() {
            shard.map.remove(&write.key);
            return;
        }
        entry.clean = true;
        entry.before = None;
        let size = cost(&write.key, entry.value.as_deref());
        self.count(&mut shard, size);
    }

    /// Keeps a value that was read from the backing store at `base`.
    pub(crate) fn fill(&self, keyspace: Keyspace, key: &[u8], value: Option<&Bytes>, base: u64) {
        if !keyspace.cached() || self.shard_cache_bytes == 0 {
            return;
        }
        let size = cost(key, value.map(|value| &**value));
        let mut shard = self.shard(keyspace, key);
        // An unchanged base and an absent key together mean that the key was not written since.
        if self.base() != base || shard.map.contains_key(key) {
            return;
        }
        let value = value.cloned();
        let entry = Entry {
            stamp: base,
            value,
            before: None,
            clean: true,
            touched: true,
        };
        shard.map.insert(key.into(), entry);
        self.count(&mut shard, size);
    }

    fn count(&self, shard: &mut Shard, size: usize) {
        shard.clean_bytes += size;
        self.cached_bytes.fetch_add(size, Ordering::Relaxed);
        if shard.clean_bytes > self.shard_cache_bytes {
            let freed = shard.sweep(self.shard_cache_bytes * 3 / 4);
            self.cached_bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    fn uncount(&self, shard: &mut Shard, size: usize) {
        shard.clean_bytes -= size;
        self.cached_bytes.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Shard {
    /// Evicts clean entries that were not read since the last sweep; when that is not enough,
    /// any, until `goal` bytes are left. Returns the bytes freed.
    fn sweep(&mut self, goal: usize) -> usize {
        let start = self.clean_bytes;
        let mut left = start;
        for spare_touched in [true, false] {
            self.map.retain(|key, entry| {
                let spared = spare_touched && std::mem::take(&mut entry.touched);
                if !entry.clean || spared || left <= goal {
                    return true;
                }
                left -= cost(key, entry.value.as_deref());
                false
            });
        }
        self.clean_bytes = left;
        start - left
    }
}
