//! Consistent reads: a view is the state after one block, whole.

use std::ops::Bound;
use std::sync::Arc;

use crate::backing::{is_empty, Pairs, Snapshot};
use crate::error::Result;
use crate::keyspace::{Bytes, Keyspace};
use crate::overlay::layer::Layer;
use crate::overlay::merge::Merged;
use crate::overlay::table::Found;
use crate::store::Shared;

/// What readers share: replaced as a whole by each applied block and each flush.
pub(crate) struct Current {
    /// Stamp (height + 1) of the last applied block.
    pub stamp: u64,
    /// Stamp that `snapshot` holds.
    pub base: u64,
    pub snapshot: Arc<dyn Snapshot>,
    /// Blocks with stamps in `base + 1..=stamp`, oldest first.
    pub layers: Vec<Arc<Layer>>,
}

/// The state after one block. It never changes, sees no part of a later block, and is cheap to
/// make and to clone. A view that is held long keeps old versions in memory and on disk, and holds
/// the store's lock: drop it when done.
#[derive(Clone)]
pub struct View {
    pub(crate) shared: Arc<Shared>,
    pub(crate) current: Arc<Current>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("height", &self.height())
            .finish_non_exhaustive()
    }
}

impl View {
    /// The block whose state this is; `None` before the first.
    #[must_use]
    pub fn height(&self) -> Option<u64> {
        self.current.stamp.checked_sub(1)
    }

    /// The value of `key`. Usable from many threads at once.
    ///
    /// # Errors
    /// `store.io`, `store.damaged`.
    pub fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let current = &*self.current;
        let table = &self.shared.table;
        let base = match table.get(keyspace, key, current.stamp) {
            Found::Value(value) => return Ok(value),
            Found::Absent { base } => Some(base),
            Found::Newer => None,
        };
        // Flushed values may have left the table since this view was made: its own layers know.
        let fresh = base == Some(current.base);
        if !fresh {
            if let Some(value) = self.layered(keyspace, key) {
                return Ok(value);
            }
        }
        let value = current.snapshot.get(keyspace, key)?;
        if fresh {
            table.fill(keyspace, key, value.as_ref(), current.base);
        }
        Ok(value)
    }

    fn layered(&self, keyspace: Keyspace, key: &[u8]) -> Option<Option<Bytes>> {
        self.current
            .layers
            .iter()
            .rev()
            .find_map(|layer| layer.get(keyspace, key))
    }

    /// Up to `limit` pairs between the bounds in key order, or from the last one backwards.
    ///
    /// # Errors
    /// `store.io`, `store.damaged`.
    pub fn scan(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let pairs = self.range(keyspace, from, to, reverse).take(limit);
        pairs
            .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect()
    }

    /// The pairs between the bounds in key order, or from the last one backwards, read as needed.
    pub fn range<'a>(
        &'a self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes)>> + 'a {
        let empty = is_empty(from, to);
        let stretches: Vec<_> = match empty {
            true => Vec::new(),
            false => self
                .current
                .layers
                .iter()
                .map(|layer| layer.range(keyspace, from, to))
                .collect(),
        };
        let below: Pairs<'a> = match empty {
            true => Box::new(std::iter::empty()),
            false => self.current.snapshot.range(keyspace, from, to, reverse),
        };
        Range {
            above: Merged::new(stretches.into_iter(), reverse).peekable(),
            below: below.peekable(),
            reverse,
        }
    }
}

/// Overlay and backing store merged; the overlay wins and its deletions hide what is below.
struct Range<'a> {
    above: std::iter::Peekable<Merged<'a>>,
    below: std::iter::Peekable<Pairs<'a>>,
    reverse: bool,
}

impl Iterator for Range<'_> {
    type Item = Result<(Bytes, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        loop {
            let order = match (self.above.peek(), self.below.peek()) {
                (None, _) => return self.below.next(),
                (_, Some(Err(_))) => return self.below.next(),
                (Some(_), None) => Less,
                (Some(write), Some(Ok((key, _)))) => {
                    let order = write.key.cmp(key);
                    if self.reverse {
                        order.reverse()
                    } else {
                        order
                    }
                }
            };
            if order == Greater {
                return self.below.next();
            }
            if order == Equal {
                self.below.next();
            }
            if let Some(write) = self.above.next() {
                if let Some(value) = &write.value {
                    return Some(Ok((write.key.clone(), value.clone())));
                }
            }
        }
    }
}
