//! The backing store of the in-memory twin: versions by key, as old as the oldest snapshot.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{is_empty, Backing, Pairs, Snapshot};
use crate::error::Result;
use crate::keyspace::{Bytes, Keyspace, Write};

/// Pairs copied per lock of the map while a range is read.
const CHUNK: usize = 256;

/// Values of one key by stamp, oldest first.
type Versions = Vec<(u64, Option<Bytes>)>;

#[derive(Default)]
struct Content {
    stamp: u64,
    maps: [BTreeMap<Bytes, Versions>; Keyspace::ALL.len()],
    /// Open snapshots by stamp.
    readers: BTreeMap<u64, usize>,
}

#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Content>>);

impl Memory {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backing for Memory {
    fn write(&self, stamp: u64, writes: &mut dyn Iterator<Item = &Write>) -> Result<()> {
        let mut content = self.content();
        let oldest = content
            .readers
            .keys()
            .next()
            .copied()
            .unwrap_or(content.stamp);
        content.stamp = stamp;
        for write in writes {
            let map = &mut content.maps[write.keyspace.number()];
            let versions = map.entry(write.key.clone()).or_default();
            versions.push((stamp, write.value.clone()));
            let needed = versions.partition_point(|(version, _)| *version <= oldest);
            versions.drain(..needed.saturating_sub(1));
            if matches!(versions.as_slice(), [(_, None)]) {
                map.remove(&write.key);
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Box<dyn Snapshot> {
        let mut content = self.content();
        let stamp = content.stamp;
        *content.readers.entry(stamp).or_insert(0) += 1;
        drop(content);
        Box::new(MemorySnapshot {
            memory: self.clone(),
            stamp,
        })
    }
}

struct MemorySnapshot {
    memory: Memory,
    stamp: u64,
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut content = self.memory.content();
        if let Some(count) = content.readers.get_mut(&self.stamp) {
            *count -= 1;
            if *count == 0 {
                content.readers.remove(&self.stamp);
            }
        }
    }
}

fn at(versions: &[(u64, Option<Bytes>)], stamp: u64) -> Option<Bytes> {
    let after = versions.partition_point(|(version, _)| *version <= stamp);
    versions
        .get(after.checked_sub(1)?)
        .and_then(|(_, value)| value.clone())
}

fn as_slices(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    bound.as_ref().map(|key| &**key)
}

impl Snapshot for MemorySnapshot {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let content = self.memory.content();
        let versions = content.maps[keyspace.number()].get(key);
        Ok(versions.and_then(|versions| at(versions, self.stamp)))
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
    ) -> Pairs<'_> {
        let mut from = from.map(Bytes::from);
        let mut to = to.map(Bytes::from);
        let mut done = false;
        let mut next_chunk = move || {
            if done {
                return Vec::new();
            }
            let content = self.memory.content();
            let bounds = (as_slices(&from), as_slices(&to));
            let range = content.maps[keyspace.number()].range::<[u8], _>(bounds);
            let one =
                |(key, versions): (&Bytes, &Versions)| (key.clone(), at(versions, self.stamp));
            let visited: Vec<_> = match reverse {
                true => range.rev().take(CHUNK).map(one).collect(),
                false => range.take(CHUNK).map(one).collect(),
            };
            done = visited.len() < CHUNK;
            if let Some((key, _)) = visited.last() {
                let end = if reverse { &mut to } else { &mut from };
                *end = Bound::Excluded(key.clone());
                done |= is_empty(as_slices(&from), as_slices(&to));
            }
            visited
        };
        let chunks =
            std::iter::from_fn(move || Some(next_chunk()).filter(|chunk| !chunk.is_empty()));
        Box::new(
            chunks
                .flatten()
                .filter_map(|(key, value)| value.map(|value| Ok((key, value)))),
        )
    }
}
