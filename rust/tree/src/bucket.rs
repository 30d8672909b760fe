//! Buckets: runs of leaves that share a key prefix, as the store holds them and as we hash them.
//!
//! Stored value, version 1: one byte version, one byte depth (bits of the prefix), then the leaves
//! in ascending key order, 64 bytes each (key hash, value hash). An empty bucket is not stored.
//! The storage key is the prefix, left aligned in 8 bytes, so buckets sort as their keys do.

use crate::hash::{bit, climb, common_bits, inner_hash, leaf_hash, EMPTY};
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, MAX_STORED_LEAVES};
use crate::node::Child;
use crate::state::Change;
use crate::{Error, Leaf};
use crypto::{Hash32, Suite};
use std::cmp::Ordering;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 2;
const LEAF_BYTES: usize = 64;

/// Where a bucket begins: its key prefix, left aligned, the remaining bits zero.
///
/// Buckets never overlap, so the first key of its range names a bucket.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BucketId(pub(crate) u64);

impl BucketId {
    /// The key under which the store keeps this bucket (8 bytes, big endian).
    pub fn storage_key(&self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The bucket kept under this storage key.
    ///
    /// Errors: `tree.bad_bucket_id` when the key is not 8 bytes long.
    pub fn from_storage_key(key: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; 8] = key.try_into().map_err(|_| {
            let text = format!(
                "a bucket's storage key has 8 bytes, this one has {}",
                key.len()
            );
            Error::new("tree.bad_bucket_id", text)
        })?;
        Ok(BucketId(u64::from_be_bytes(bytes)))
    }
}

impl std::fmt::Display for BucketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where the tree reads its buckets.
///
/// MUST show every bucket change that an earlier update returned, whether it is on disk or not.
/// MAY be called from several threads at once.
pub trait BucketReader: Sync {
    /// The stored bytes of this bucket, or None when there are none.
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, Error>;
}

/// A reader without buckets, for an empty tree.
pub struct NoBuckets;

impl BucketReader for NoBuckets {
    fn bucket(&self, _id: &BucketId) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
}

/// The leading 64 bits of a key hash.
pub(crate) fn leading_bits(key: &Hash32) -> u64 {
    key.0[..8]
        .iter()
        .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// True when `key` lies in the range of the bucket at `prefix` and `depth`.
fn covers(prefix: u64, depth: u8, key: &Hash32) -> bool {
    depth == 0 || (leading_bits(key) ^ prefix) >> (64 - u32::from(depth)) == 0
}

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
    /// Decodes stored bytes strictly and hashes them. Returns the bucket and its depth.
    pub(crate) fn decode(suite: Suite, id: BucketId, bytes: &[u8]) -> Result<(Self, u8), Error> {
        let corrupt = |what: String| {
            let text = format!("bucket {id}: {what}; rebuild from the blocks");
            Error::new("tree.corrupt_bucket", text)
        };
        let [version, depth, body @ ..] = bytes else {
            return Err(corrupt(format!(
                "{} bytes, shorter than its header",
                bytes.len()
            )));
        };
        if *version != VERSION {
            return Err(corrupt(format!("version {version}, known is {VERSION}")));
        }
        let most = match depth.cmp(&MAX_BUCKET_DEPTH) {
            Ordering::Less => MAX_BUCKET_LEAVES,
            Ordering::Equal => MAX_STORED_LEAVES,
            Ordering::Greater => return Err(corrupt(format!("depth {depth} above 64"))),
        };
        let count = body.len() / LEAF_BYTES;
        if count == 0 || count > most || body.len() % LEAF_BYTES != 0 {
            return Err(corrupt(format!(
                "{} bytes of leaves at depth {depth}",
                body.len()
            )));
        }
        let slots: Vec<Slot> = body.chunks_exact(LEAF_BYTES).map(slot_from).collect();
        if !slots
            .windows(2)
            .all(|pair| pair[0].leaf.key < pair[1].leaf.key)
        {
            return Err(corrupt("leaves out of order".into()));
        }
        if !slots
            .iter()
            .all(|slot| covers(id.0, *depth, &slot.leaf.key))
        {
            return Err(corrupt(format!(
                "a leaf outside its range at depth {depth}"
            )));
        }
        let mut bucket = Bucket { slots };
        bucket.slots.iter_mut().for_each(|slot| slot.rehash(suite));
        bucket.fill(suite, 0, bucket.len(), usize::from(*depth));
        Ok((bucket, *depth))
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

    /// Stored bytes of this bucket at `depth`.
    pub(crate) fn encode(&self, depth: u8) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + LEAF_BYTES * self.len());
        bytes.extend_from_slice(&[VERSION, depth]);
        for slot in &self.slots {
            bytes.extend_from_slice(&slot.leaf.key.0);
            bytes.extend_from_slice(&slot.leaf.value.0);
        }
        bytes
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

/// The leaf in these 64 bytes, not yet hashed.
fn slot_from(bytes: &[u8]) -> Slot {
    let mut leaf = Leaf {
        key: EMPTY,
        value: EMPTY,
    };
    leaf.key.0.copy_from_slice(&bytes[..32]);
    leaf.value.0.copy_from_slice(&bytes[32..]);
    Slot::new(leaf)
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
