//! Buckets: runs of leaves that share a key prefix, as the store holds them and as we hash them.
//!
//! Stored value, version 1: one byte version, one byte depth (bits of the prefix), then the leaves
//! in ascending key order, 64 bytes each (key hash, value hash). An empty bucket is not stored.
//! The storage key is the prefix, left aligned in 8 bytes, so buckets sort as their keys do.

use crate::hash::{bit, climb, common_bits, inner_hash, leaf_hash, EMPTY};
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, MAX_STORED_LEAVES};
use crate::state::Change;
use crate::{Error, Leaf};
use crypto::{Hash32, Suite};

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
            let text = format!("a bucket's storage key has 8 bytes, this one has {}", key.len());
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
    key.0[..8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// True when `key` lies in the range of the bucket at `prefix` and `depth`.
fn covers(prefix: u64, depth: u8, key: &Hash32) -> bool {
    depth == 0 || (leading_bits(key) ^ prefix) >> (64 - u32::from(depth)) == 0
}

/// Leaves of one bucket with the hash of every subtree that has two non-empty halves.
///
/// `joins[i]` is the hash of the node that parts leaf `i` from leaf `i + 1`, at its own depth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    leaves: Vec<Leaf>,
    leaf_hashes: Vec<Hash32>,
    joins: Vec<Hash32>,
}

impl Bucket {
    /// Decodes stored bytes strictly and hashes them. Returns the bucket and its depth.
    pub(crate) fn decode(suite: Suite, id: BucketId, bytes: &[u8]) -> Result<(Self, u8), Error> {
        let corrupt = |what: String| {
            Error::new("tree.corrupt_bucket", format!("bucket {id}: {what}; rebuild from the blocks"))
        };
        let [version, depth, body @ ..] = bytes else {
            return Err(corrupt(format!("{} bytes, shorter than its header", bytes.len())));
        };
        if *version != VERSION {
            return Err(corrupt(format!("version {version}, known is {VERSION}")));
        }
        let count = body.len() / LEAF_BYTES;
        let most = match depth.cmp(&MAX_BUCKET_DEPTH) {
            std::cmp::Ordering::Less => MAX_BUCKET_LEAVES,
            std::cmp::Ordering::Equal => MAX_STORED_LEAVES,
            std::cmp::Ordering::Greater => return Err(corrupt(format!("depth {depth} above 64"))),
        };
        if count == 0 || count > most || body.len() % LEAF_BYTES != 0 {
            return Err(corrupt(format!("{} bytes of leaves at depth {depth}", body.len())));
        }
        let leaves: Vec<Leaf> = body.chunks_exact(LEAF_BYTES).map(leaf_from).collect();
        if !leaves.windows(2).all(|pair| pair[0].key < pair[1].key) {
            return Err(corrupt("leaves out of order".into()));
        }
        if !leaves.iter().all(|leaf| covers(id.0, *depth, &leaf.key)) {
            return Err(corrupt(format!("a leaf outside its range at depth {depth}")));
        }
        Ok((Self::new(suite, leaves, *depth), *depth))
    }

    /// Hashes leaves that are sorted, unique and share their first `depth` bits.
    fn new(suite: Suite, leaves: Vec<Leaf>, depth: u8) -> Self {
        let hash = |leaf: &Leaf| leaf_hash(suite, &leaf.key, &leaf.value);
        let leaf_hashes = leaves.iter().map(hash).collect();
        let joins = vec![EMPTY; leaves.len().saturating_sub(1)];
        let mut bucket = Bucket { leaves, leaf_hashes, joins };
        bucket.fill(suite, 0, bucket.len(), usize::from(depth));
        bucket
    }

    fn fill(&mut self, suite: Suite, from: usize, to: usize, depth: usize) -> Hash32 {
        if to - from < 2 {
            return self.leaf_hashes.get(from).filter(|_| from < to).copied().unwrap_or(EMPTY);
        }
        let (fork, middle) = self.fork(from, to);
        let left = self.fill(suite, from, middle, fork + 1);
        let right = self.fill(suite, middle, to, fork + 1);
        self.joins[middle - 1] = inner_hash(suite, &left, &right);
        self.hash(suite, from, to, depth)
    }

    /// The bit at which these two leaves or more part, and the first leaf on its right.
    fn fork(&self, from: usize, to: usize) -> (usize, usize) {
        let fork = common_bits(&self.leaves[from].key, &self.leaves[to - 1].key);
        (fork, from + self.leaves[from..to].partition_point(|leaf| !bit(&leaf.key, fork)))
    }

    /// Hash of the subtree at `depth` that holds exactly the leaves `from..to`.
    pub(crate) fn hash(&self, suite: Suite, from: usize, to: usize, depth: usize) -> Hash32 {
        match to - from {
            0 => EMPTY,
            1 => self.leaf_hashes[from],
            _ => {
                let (fork, middle) = self.fork(from, to);
                let key = &self.leaves[from].key;
                let own = self.joins[middle - 1];
                (depth..fork).rev().fold(own, |hash, at| climb(suite, key, at, &hash, &EMPTY))
            }
        }
    }

    /// Leaves held.
    pub(crate) fn len(&self) -> usize {
        self.leaves.len()
    }

    /// The leaves, ascending.
    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Root of this bucket as the subtree at `depth`.
    pub(crate) fn root(&self, suite: Suite, depth: u8) -> Hash32 {
        self.hash(suite, 0, self.len(), usize::from(depth))
    }

    /// First leaf in `from..to` whose bit `depth` is set.
    pub(crate) fn middle(&self, from: usize, to: usize, depth: usize) -> usize {
        from + self.leaves[from..to].partition_point(|leaf| !bit(&leaf.key, depth))
    }

    /// The leaves `from..to` as a bucket of their own.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Bucket {
        let joins = if to > from { self.joins[from..to - 1].to_vec() } else { Vec::new() };
        Bucket {
            leaves: self.leaves[from..to].to_vec(),
            leaf_hashes: self.leaf_hashes[from..to].to_vec(),
            joins,
        }
    }

    /// The union of two sibling buckets at `depth`.
    pub(crate) fn join(suite: Suite, left: &Bucket, right: &Bucket, depth: u8) -> Bucket {
        let mut joins = left.joins.clone();
        if left.len() > 0 && right.len() > 0 {
            let (l, r) = (left.root(suite, depth), right.root(suite, depth));
            joins.push(inner_hash(suite, &l, &r));
        }
        joins.extend_from_slice(&right.joins);
        Bucket {
            leaves: [&left.leaves[..], &right.leaves[..]].concat(),
            leaf_hashes: [&left.leaf_hashes[..], &right.leaf_hashes[..]].concat(),
            joins,
        }
    }

    /// Stored bytes of this bucket at `depth`.
    pub(crate) fn encode(&self, depth: u8) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + LEAF_BYTES * self.len());
        bytes.extend_from_slice(&[VERSION, depth]);
        for leaf in &self.leaves {
            bytes.extend_from_slice(&leaf.key.0);
            bytes.extend_from_slice(&leaf.value.0);
        }
        bytes
    }

    /// Memory that this bucket takes, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        128 * self.len() + 160
    }

    /// The bucket after these changes (sorted, unique, all in its range). It may exceed the limit
    /// of a bucket; the caller then divides it.
    pub(crate) fn apply(&self, suite: Suite, changes: &[Change], depth: u8) -> Bucket {
        let leaves = merge(&self.leaves, changes);
        let mut new = Bucket {
            leaf_hashes: vec![EMPTY; leaves.len()],
            joins: vec![EMPTY; leaves.len().saturating_sub(1)],
            leaves,
        };
        let whole = Ranges { old: (0, self.len()), new: (0, new.len()) };
        new.rehash(suite, self, whole, changes, usize::from(depth));
        new
    }

    /// Fills the hashes of `ranges.new`, taking those of untouched subtrees from `old`.
    fn rehash(
        &mut self,
        suite: Suite,
        old: &Bucket,
        ranges: Ranges,
        changes: &[Change],
        depth: usize,
    ) -> Hash32 {
        let Ranges { old: (old_from, old_to), new: (from, to) } = ranges;
        if changes.is_empty() && to > from {
            self.leaf_hashes[from..to].copy_from_slice(&old.leaf_hashes[old_from..old_to]);
            self.joins[from..to - 1].copy_from_slice(&old.joins[old_from..old_to - 1]);
            return old.hash(suite, old_from, old_to, depth);
        }
        match to - from {
            0 => EMPTY,
            1 => {
                let leaf = &self.leaves[from];
                self.leaf_hashes[from] = leaf_hash(suite, &leaf.key, &leaf.value);
                self.leaf_hashes[from]
            }
            _ => {
                let cut = changes.partition_point(|change| !bit(&change.0, depth));
                let old_middle = old.middle(old_from, old_to, depth);
                let middle = self.middle(from, to, depth);
                let lower = Ranges { old: (old_from, old_middle), new: (from, middle) };
                let upper = Ranges { old: (old_middle, old_to), new: (middle, to) };
                let left = self.rehash(suite, old, lower, &changes[..cut], depth + 1);
                let right = self.rehash(suite, old, upper, &changes[cut..], depth + 1);
                let hash = inner_hash(suite, &left, &right);
                if from < middle && middle < to {
                    self.joins[middle - 1] = hash;
                }
                hash
            }
        }
    }
}

/// The same subtree before and after an update, as index ranges.
#[derive(Copy, Clone)]
struct Ranges {
    old: (usize, usize),
    new: (usize, usize),
}

fn leaf_from(bytes: &[u8]) -> Leaf {
    let mut leaf = Leaf { key: EMPTY, value: EMPTY };
    leaf.key.0.copy_from_slice(&bytes[..32]);
    leaf.value.0.copy_from_slice(&bytes[32..]);
    leaf
}

/// Sorted leaves after sorted changes.
fn merge(leaves: &[Leaf], changes: &[Change]) -> Vec<Leaf> {
    let mut merged = Vec::with_capacity(leaves.len() + changes.len());
    let mut rest = leaves;
    for (key, value) in changes {
        let before = rest.partition_point(|leaf| leaf.key < *key);
        merged.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        if rest.first().is_some_and(|leaf| leaf.key == *key) {
            rest = &rest[1..];
        }
        merged.extend(value.map(|value| Leaf { key: *key, value }));
    }
    merged.extend_from_slice(rest);
    merged
}
