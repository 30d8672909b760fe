//! Hash table in insertion order: the content of dictionaries and sets.
//!
//! Equality of keys can fail and costs gas, so it is a parameter of every search. The hash is
//! fixed: a contract that forces collisions pays for each probe.

use crate::error::R;
use crate::memory::drop_items;
use crate::value::Value;

/// One entry; a deleted one has an unset key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) hash: u64,
    pub(crate) key: Value,
    pub(crate) value: Value,
}

impl Entry {
    fn is_live(&self) -> bool {
        !matches!(self.key, Value::Unset)
    }
}

/// Entries in insertion order, with an index once there are more than a few.
#[derive(Clone, Debug, Default)]
pub(crate) struct HashTable {
    entries: Vec<Entry>,
    /// Positions in `entries` plus one; zero is empty. Length is a power of two, or none.
    index: Vec<u32>,
    live: usize,
    /// Counts changes of the set of keys.
    pub(crate) version: u64,
}

/// Tables up to this size are searched entry by entry.
const LINEAR: usize = 8;

impl HashTable {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Finds a key; `equal` is asked for entries of the same hash.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u64,
        mut equal: impl FnMut(&Value) -> R<bool>,
    ) -> R<Option<usize>> {
        if self.index.is_empty() {
            for (position, entry) in self.entries.iter().enumerate() {
                if entry.hash == hash && entry.is_live() && equal(&entry.key)? {
                    return Ok(Some(position));
                }
            }
            return Ok(None);
        }
        let mask = self.index.len() - 1;
        let mut slot = spread(hash) & mask;
        for _ in 0..self.index.len() {
            let Some(position) = (self.index[slot] as usize).checked_sub(1) else {
                return Ok(None);
            };
            if let Some(entry) = self.entries.get(position) {
                if entry.hash == hash && entry.is_live() && equal(&entry.key)? {
                    return Ok(Some(position));
                }
            }
            slot = (slot + 1) & mask;
        }
        Ok(None)
    }

    /// Slots that a search of this hash looks at, at most `limit`.
    pub(crate) fn probes(&self, hash: u64, limit: usize) -> usize {
        if self.index.is_empty() {
            return self.entries.len() / 4;
        }
        let mask = self.index.len() - 1;
        let mut slot = spread(hash) & mask;
        let mut count = 0;
        while self.index[slot] != 0 && count < limit {
            count += 1;
            slot = (slot + 1) & mask;
        }
        count
    }

    pub(crate) fn entry(&self, position: usize) -> Option<&Entry> {
        self.entries.get(position).filter(|entry| entry.is_live())
    }

    pub(crate) fn value_mut(&mut self, position: usize) -> Option<&mut Value> {
        self.entries.get_mut(position).map(|entry| &mut entry.value)
    }

    /// Adds a key that is not in the table.
    pub(crate) fn push(&mut self, hash: u64, key: Value, value: Value) {
        self.version += 1;
        self.live += 1;
        self.entries.push(Entry { hash, key, value });
        let used = self.entries.len();
        if used <= LINEAR && self.index.is_empty() {
            return;
        }
        if self.index.len() * 2 < used * 3 {
            self.rebuild();
        } else {
            self.place(used - 1);
        }
    }

    /// Removes the entry at a position that was found.
    pub(crate) fn remove(&mut self, position: usize) -> Option<(Value, Value)> {
        let last = position + 1 == self.entries.len();
        let entry = self
            .entries
            .get_mut(position)
            .filter(|entry| entry.is_live())?;
        self.version += 1;
        self.live -= 1;
        let taken = (
            std::mem::take(&mut entry.key),
            std::mem::take(&mut entry.value),
        );
        if last && self.index.is_empty() {
            self.entries.pop();
        } else if self.live == 0 {
            self.entries.clear();
            self.index.clear();
        } else if self.entries.len() > LINEAR && self.live * 2 < self.entries.len() {
            self.rebuild();
        }
        Some(taken)
    }

    /// Entries in insertion order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_live())
    }

    /// The first live entry at or after a position, with the position after it.
    pub(crate) fn next_from(&self, position: usize) -> Option<(usize, &Entry)> {
        let rest = self.entries.get(position..)?;
        let found = rest.iter().position(Entry::is_live)?;
        Some((position + found + 1, &rest[found]))
    }

    /// Position of the last live entry.
    pub(crate) fn last(&self) -> Option<usize> {
        self.entries.iter().rposition(Entry::is_live)
    }

    pub(crate) fn clear(&mut self) -> Vec<Value> {
        let entries = std::mem::take(&mut self.entries);
        self.index.clear();
        self.live = 0;
        self.version += 1;
        entries
            .into_iter()
            .flat_map(|entry| [entry.key, entry.value])
            .collect()
    }

    /// Drops the content without deep recursion.
    pub(crate) fn drop_content(&mut self) {
        let nested = |entry: &Entry| entry.key.holds_values() || entry.value.holds_values();
        if self.entries.iter().any(nested) {
            drop_items(self.clear());
        }
    }

    fn rebuild(&mut self) {
        self.entries.retain(Entry::is_live);
        if self.entries.len() <= LINEAR {
            self.index.clear();
            return;
        }
        let slots = (self.entries.len() * 2).next_power_of_two();
        self.index.clear();
        self.index.resize(slots, 0);
        for position in 0..self.entries.len() {
            self.place(position);
        }
    }

    fn place(&mut self, position: usize) {
        let mask = self.index.len() - 1;
        let mut slot = spread(self.entries[position].hash) & mask;
        while self.index[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.index[slot] = position as u32 + 1;
    }
}

#[inline]
fn spread(hash: u64) -> usize {
    (hash ^ (hash >> 29)) as usize
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes one word.
#[inline]
pub(crate) fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word ^ 0x51_7c_c1_b7_27_22_0a_95) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash of a string; the same on every machine.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        state = mix(
            state,
            u64::from_le_bytes(chunk.try_into().unwrap_or_default()),
        );
    }
    let mut last = [0_u8; 8];
    for (to, from) in last.iter_mut().zip(chunks.remainder()) {
        *to = *from;
    }
    mix(state, u64::from_le_bytes(last))
}
