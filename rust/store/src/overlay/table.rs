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

/// Shards that one call of `evict` visits.
const EVICTED_SHARDS: usize = 4;

type Shard = HashMap<Bytes, Entry>;

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
    cache_bytes: usize,
    cached_bytes: AtomicUsize,
    /// Next shard to evict from.
    hand: AtomicUsize,
}

impl Table {
    pub(crate) fn new(base: u64, cache_bytes: usize) -> Self {
        let count = limits::SHARDS * Keyspace::ALL.len();
        Self {
            shards: (0..count).map(|_| Mutex::default()).collect(),
            base: AtomicU64::new(base),
            cache_bytes,
            cached_bytes: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
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
        let Some(entry) = shard.get_mut(key) else {
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
        let Some(entry) = shard.get_mut(&write.key) else {
            let value = write.value.clone();
            let entry = Entry {
                stamp,
                value,
                before: None,
                clean: false,
                touched: false,
            };
            shard.insert(write.key.clone(), entry);
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
        self.cached_bytes.fetch_sub(cleaned, Ordering::Relaxed);
    }

    /// Everything up to `base` is in the backing store.
    pub(crate) fn advance(&self, base: u64) {
        self.base.store(base, Ordering::Release);
    }

    /// Marks a key that was written to the backing store at [`Self::base`].
    pub(crate) fn settle(&self, write: &Write) {
        let base = self.base();
        let mut shard = self.shard(write.keyspace, &write.key);
        let Some(entry) = shard.get_mut(&write.key) else {
            return;
        };
        if entry.stamp > base || entry.clean {
            return;
        }
        if !write.keyspace.cached() {
            shard.remove(&write.key);
            return;
        }
        entry.clean = true;
        entry.before = None;
        let size = cost(&write.key, entry.value.as_deref());
        self.cached_bytes.fetch_add(size, Ordering::Relaxed);
        drop(shard);
        self.evict();
    }

    /// Keeps a value that was read from the backing store at `base`.
    pub(crate) fn fill(&self, keyspace: Keyspace, key: &[u8], value: Option<&Bytes>, base: u64) {
        if !keyspace.cached() || self.cache_bytes == 0 {
            return;
        }
        let size = cost(key, value.map(|value| &**value));
        let mut shard = self.shard(keyspace, key);
        // An unchanged base and an absent key together mean that the key was not written since.
        if self.base() != base || shard.contains_key(key) {
            return;
        }
        let value = value.cloned();
        let entry = Entry {
            stamp: base,
            value,
            before: None,
            clean: true,
            touched: false,
        };
        shard.insert(key.into(), entry);
        self.cached_bytes.fetch_add(size, Ordering::Relaxed);
        drop(shard);
        self.evict();
    }

    /// Evicts until the bound holds: shard after shard, entries not read since the last round.
    fn evict(&self) {
        // A few shards a call: no reader pays for a whole round of clearing marks. The bound is
        // passed by no more than what is cached during two rounds.
        for _ in 0..EVICTED_SHARDS {
            if self.cached_bytes() <= self.cache_bytes {
                return;
            }
            let hand = self.hand.fetch_add(1, Ordering::Relaxed) % self.shards.len();
            let mut shard = self.shards[hand]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let mut freed = 0;
            shard.retain(|key, entry| {
                if !entry.clean || std::mem::take(&mut entry.touched) {
                    return true;
                }
                freed += cost(key, entry.value.as_deref());
                false
            });
            self.cached_bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(value: &[u8]) -> Write {
        Write {
            keyspace: Keyspace::State,
            key: b"key"[..].into(),
            value: Some(value.into()),
        }
    }

    fn get(table: &Table, stamp: u64) -> Found {
        table.get(Keyspace::State, b"key", stamp)
    }

    #[test]
    fn a_value_read_before_a_flush_is_not_cached_after_it() {
        let table = Table::new(5, 1 << 20);
        let old: Bytes = b"old"[..].into();
        table.advance(6);
        table.fill(Keyspace::State, b"key", Some(&old), 5);
        assert!(matches!(get(&table, 6), Found::Absent { base: 6 }));
        table.fill(Keyspace::State, b"key", Some(&old), 6);
        assert!(matches!(get(&table, 6), Found::Value(Some(value)) if *value == *b"old"));
        assert!(matches!(get(&table, 5), Found::Newer));
    }

    #[test]
    fn a_value_read_before_a_write_does_not_replace_it() {
        let table = Table::new(5, 1 << 20);
        table.write(&write(b"new"), 6);
        table.fill(Keyspace::State, b"key", None, 5);
        assert!(matches!(get(&table, 5), Found::Newer));
        assert!(matches!(get(&table, 6), Found::Value(Some(value)) if *value == *b"new"));
    }

    #[test]
    fn unflushed_values_are_never_evicted_and_flushed_ones_are() {
        let table = Table::new(0, 0);
        table.write(&write(b"one"), 1);
        table.write(&write(b"two"), 2);
        table.advance(1);
        table.settle(&write(b"one"));
        assert!(matches!(get(&table, 1), Found::Value(Some(value)) if *value == *b"one"));
        assert!(matches!(get(&table, 2), Found::Value(Some(value)) if *value == *b"two"));
        table.advance(2);
        table.settle(&write(b"two"));
        for _ in 0..table.shards.len() {
            table.evict();
        }
        assert!(matches!(get(&table, 2), Found::Absent { base: 2 }));
        assert_eq!(table.cached_bytes(), 0);
    }
}
