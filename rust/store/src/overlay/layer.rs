//! The writes of one block, immutable once applied.

use std::ops::Bound;
use std::sync::OnceLock;

use crate::keyspace::{Bytes, Keyspace, Write, WriteSet};

/// One block's writes, found by key or in key order.
pub(crate) struct Layer {
    /// Height + 1.
    pub stamp: u64,
    /// Memory counted for it, in bytes.
    pub bytes: usize,
    writes: Vec<Write>,
    /// Indexes into `writes` in the order (keyspace, key), last write of a key only. Made when
    /// first needed, so that the commit path does not sort.
    sorted: OnceLock<Vec<u32>>,
}

/// A stretch of a layer in key order.
#[derive(Copy, Clone)]
pub(crate) struct Stretch<'a> {
    writes: &'a [Write],
    order: &'a [u32],
}

impl Layer {
    pub(crate) fn new(stamp: u64, set: WriteSet) -> Self {
        let writes = set.into_writes();
        let bytes = writes.iter().map(Write::cost).sum();
        Self {
            stamp,
            bytes,
            writes,
            sorted: OnceLock::new(),
        }
    }

    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn is_sorted(&self) -> bool {
        self.sorted.get().is_some()
    }

    fn sorted(&self) -> &[u32] {
        self.sorted.get_or_init(|| {
            let key = |index: &u32| {
                let write = &self.writes[*index as usize];
                (write.keyspace, &write.key)
            };
            let count = u32::try_from(self.writes.len()).expect("a block has under 2^32 writes");
            // Newest first among equal keys, so that dedup keeps the newest.
            let mut order: Vec<u32> = (0..count).rev().collect();
            order.sort_by(|a, b| key(a).cmp(&key(b)));
            order.dedup_by(|b, a| key(a) == key(b));
            order
        })
    }

    /// All writes in the order (keyspace, key).
    pub(crate) fn all(&self) -> Stretch<'_> {
        Stretch {
            writes: &self.writes,
            order: self.sorted(),
        }
    }

    /// The writes of `keyspace` between `from` and `to`.
    pub(crate) fn range(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Stretch<'_> {
        let order = self.sorted();
        let before = |index: &u32| {
            let write = &self.writes[*index as usize];
            write.keyspace < keyspace
                || write.keyspace == keyspace
                    && match from {
                        Bound::Unbounded => false,
                        Bound::Included(key) => *write.key < *key,
                        Bound::Excluded(key) => *write.key <= *key,
                    }
        };
        let within = |index: &u32| {
            let write = &self.writes[*index as usize];
            write.keyspace < keyspace
                || write.keyspace == keyspace
                    && match to {
                        Bound::Unbounded => true,
                        Bound::Included(key) => *write.key <= *key,
                        Bound::Excluded(key) => *write.key < *key,
                    }
        };
        let start = order.partition_point(before);
        let end = order.partition_point(within).max(start);
        Stretch {
            writes: &self.writes,
            order: &order[start..end],
        }
    }

    /// What this block wrote under `key`: `None` nothing, `Some(None)` a deletion.
    pub(crate) fn get(&self, keyspace: Keyspace, key: &[u8]) -> Option<Option<Bytes>> {
        let order = self.sorted();
        let find = |index: &u32| {
            let write = &self.writes[*index as usize];
            (write.keyspace, &*write.key).cmp(&(keyspace, key))
        };
        let index = order.binary_search_by(find).ok()?;
        Some(self.writes[order[index] as usize].value.clone())
    }
}

impl<'a> Stretch<'a> {
    pub(crate) fn first(&self) -> Option<&'a Write> {
        self.order
            .first()
            .map(|index| &self.writes[*index as usize])
    }

    pub(crate) fn last(&self) -> Option<&'a Write> {
        self.order.last().map(|index| &self.writes[*index as usize])
    }

    pub(crate) fn drop_first(&mut self) {
        self.order = self.order.get(1..).unwrap_or_default();
    }

    pub(crate) fn drop_last(&mut self) {
        self.order = self.order.split_last().map_or(&[], |(_, rest)| rest);
    }
}
