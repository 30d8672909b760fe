//! The leaves of one bucket in memory, with every hash that a change may need again.

use crate::hash::{bit, climb, common_bits, inner_hash, leaf_hash, EMPTY};
use crate::limits::MAX_BUCKET_LEAVES;
use crate::node::Child;
use crate::state::Change;
use crate::Leaf;
use crypto::{Hash32, Suite};

/// One leaf of a bucket with the hashes that were computed for it.
#[derive(Copy, Clone, Debug)]
struct Slot {
    leaf: Leaf,
    hash: Hash32,
    /// Hash of the node that parts this leaf from the next one, at that node's own depth.
    join: Hash32,
}

/// Leaves of one bucket with the hash of every subtree that has two non-empty halves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    slots: Vec<Slot>,
}

impl Bucket {
    /// Hashes leaves that are sorted, unique and share their first `depth` bits.
    pub(crate) fn new(suite: Suite, leaves: impl Iterator<Item = Leaf>, depth: u8) -> Self {
        let mut bucket = Bucket {
            slots: leaves.map(Slot::new).collect(),
        };
        bucket.slots.iter_mut().for_each(|slot| slot.rehash(suite));
        bucket.fill(suite, 0, bucket.len(), usize::from(depth));
        bucket
    }

    /// Computes the joins of `from..to` from the leaf hashes and returns the hash at `depth`.
    fn fill(&mut self, suite: Suite, from: usize, to: usize, depth: usize) -> Hash32 {
        match &self.slots[from..to] {
            [] => EMPTY,
            [slot] => slot.hash,
            _ => {
                let (fork, middle) = self.fork(from, to);
                let left = self.fill(suite, from, middle, fork + 1);
                let right = self.fill(suite, middle, to, fork + 1);
                let join = inner_hash(suite, &left, &right);
                self.slots[middle - 1].join = join;
                self.lift(suite, join, from, fork, depth)
            }
        }
    }

    /// The bit at which these two leaves or more part, and the first leaf on its right.
    fn fork(&self, from: usize, to: usize) -> (usize, usize) {
        let fork = common_bits(&self.slots[from].leaf.key, &self.slots[to - 1].leaf.key);
        (fork, self.middle(from, to, fork))
    }

    /// The hash of a node at depth `fork`, seen at `depth`, with nothing beside it in between.
    fn lift(&self, suite: Suite, hash: Hash32, leaf: usize, fork: usize, depth: usize) -> Hash32 {
        let key = &self.slots[leaf].leaf.key;
        (depth..fork)
            .rev()
            .fold(hash, |hash, at| climb(suite, key, at, &hash, &EMPTY))
    }

    /// Hash of the subtree at `depth` that holds exactly the leaves `from..to`.
    pub(crate) fn hash(&self, suite: Suite, from: usize, to: usize, depth: usize) -> Hash32 {
        match &self.slots[from..to] {
            [] => EMPTY,
            [slot] => slot.hash,
            _ => {
                let (fork, middle) = self.fork(from, to);
                self.lift(suite, self.slots[middle - 1].join, from, fork, depth)
            }
        }
    }

    /// Leaves held.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Leaf `index`, when there is one.
    pub(crate) fn leaf(&self, index: usize) -> Option<Leaf> {
        self.slots.get(index).map(|slot| slot.leaf)
    }

    /// The value of `key`, when the bucket holds it.
    pub(crate) fn value(&self, key: &Hash32) -> Option<Hash32> {
        let found = self.slots.binary_search_by_key(key, |slot| slot.leaf.key);
        found.ok().map(|index| self.slots[index].leaf.value)
    }

    /// Root of this bucket as the subtree at `depth`.
    pub(crate) fn root(&self, suite: Suite, depth: u8) -> Hash32 {
        self.hash(suite, 0, self.len(), usize::from(depth))
    }

    /// This bucket at `depth` as its parent sees it.
    pub(crate) fn as_child(&self, suite: Suite, depth: u8) -> Child {
        Child::bucket(self.root(suite, depth), self.len() as u64)
    }

    /// First leaf in `from..to` whose bit `depth` is set.
    pub(crate) fn middle(&self, from: usize, to: usize, depth: usize) -> usize {
        from + self.slots[from..to].partition_point(|slot| !bit(&slot.leaf.key, depth))
    }

    /// The leaves `from..to` as a bucket of their own.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Bucket {
        Bucket {
            slots: self.slots[from..to].to_vec(),
        }
    }

    /// The union of two sibling buckets at `depth`.
    pub(crate) fn join(suite: Suite, left: &Bucket, right: &Bucket, depth: u8) -> Bucket {
        let mut slots = Vec::with_capacity(left.len() + right.len());
        slots.extend_from_slice(&left.slots);
        if let (Some(last), false) = (slots.last_mut(), right.slots.is_empty()) {
            let (l, r) = (left.root(suite, depth), right.root(suite, depth));
            last.join = inner_hash(suite, &l, &r);
        }
        slots.extend_from_slice(&right.slots);
        Bucket { slots }
    }

    /// The leaves, ascending.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.slots.iter().map(|slot| &slot.leaf)
    }

    /// Memory that this bucket takes in a cache, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        std::mem::size_of::<Slot>() * self.slots.capacity() + 160
    }

    /// The bucket after these changes (sorted, unique, all in its range). It may exceed the limit
    /// of a bucket; the caller then divides it.
    pub(crate) fn apply(&self, suite: Suite, changes: &[Change], depth: u8) -> Bucket {
        let mut new = Bucket {
            slots: merge(&self.slots, changes),
        };
        let whole = Ranges {
            old: (0, self.len()),
            new: (0, new.len()),
        };
        new.rehash(suite, self, whole, changes, usize::from(depth));
        new
    }

    /// Renews the hashes of `ranges.new` where changes fall; elsewhere those of `old` stand.
    fn rehash(
        &mut self,
        suite: Suite,
        old: &Bucket,
        ranges: Ranges,
        changes: &[Change],
        depth: usize,
    ) -> Hash32 {
        let Ranges {
            old: (old_from, old_to),
            new: (from, to),
        } = ranges;
        if changes.is_empty() && to > from {
            // joins between these leaves came with them; the last one's belongs to a node above
            return old.hash(suite, old_from, old_to, depth);
        }
        match to - from {
            0 => EMPTY,
            1 => {
                self.slots[from].rehash(suite);
                self.slots[from].hash
            }
            _ => {
                let cut = changes.partition_point(|change| !bit(&change.0, depth));
                let old_middle = old.middle(old_from, old_to, depth);
                let middle = self.middle(from, to, depth);
                let lower = Ranges {
                    old: (old_from, old_middle),
                    new: (from, middle),
                };
                let upper = Ranges {
                    old: (old_middle, old_to),
                    new: (middle, to),
                };
                let left = self.rehash(suite, old, lower, &changes[..cut], depth + 1);
                let right = self.rehash(suite, old, upper, &changes[cut..], depth + 1);
                let hash = inner_hash(suite, &left, &right);
                if from < middle && middle < to {
                    self.slots[middle - 1].join = hash;
                }
                hash
            }
        }
    }
}

impl Slot {
    fn new(leaf: Leaf) -> Slot {
        Slot {
            leaf,
            hash: EMPTY,
            join: EMPTY,
        }
    }

    fn rehash(&mut self, suite: Suite) {
        self.hash = leaf_hash(suite, &self.leaf.key, &self.leaf.value);
    }
}

/// The same subtree before and after an update, as index ranges.
#[derive(Copy, Clone)]
struct Ranges {
    old: (usize, usize),
    new: (usize, usize),
}

/// Sorted leaves after sorted changes; what changed is not yet hashed.
fn merge(slots: &[Slot], changes: &[Change]) -> Vec<Slot> {
    let mut merged = Vec::with_capacity(slots.len() + changes.len().min(MAX_BUCKET_LEAVES));
    let mut rest = slots;
    for (key, value) in changes {
        let before = rest.partition_point(|slot| slot.leaf.key < *key);
        merged.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        if rest.first().is_some_and(|slot| slot.leaf.key == *key) {
            rest = &rest[1..];
        }
        merged.extend(value.map(|value| Slot::new(Leaf { key: *key, value })));
    }
    merged.extend_from_slice(rest);
    merged
}
