//! The state tree: what the engine holds.

use crate::bucket::{self, BucketId, BucketReader};
use crate::cache::Cache;
use crate::hash::bit;
use crate::leaves::Bucket;
use crate::limits::DEFAULT_CACHE_BYTES;
use crate::node::{Child, Place};
use crate::{update, Error, Proof};
use crypto::{Hash32, Suite};
use std::sync::Arc;

/// One change of the state: the key's hash, and the new value's hash or None to delete.
pub type Change = (Hash32, Option<Hash32>);

/// One bucket to store after an update: its new bytes, or None to delete it.
pub type BucketChange = (BucketId, Option<Vec<u8>>);

/// The authenticated state: upper levels in memory, leaves in buckets outside.
///
/// A clone shares everything with its original and costs nothing; it stays as it was when the
/// original is updated, provided that its reader still shows the buckets of that time.
#[derive(Clone)]
pub struct StateTree {
    pub(crate) suite: Suite,
    pub(crate) top: Child,
    pub(crate) cache: Arc<Cache>,
}

impl StateTree {
    /// A tree without leaves, with a bucket cache of the default size.
    pub fn empty(suite: Suite) -> Self {
        Self::with_top(suite, Child::EMPTY)
    }

    pub(crate) fn with_top(suite: Suite, top: Child) -> Self {
        StateTree {
            suite,
            top,
            cache: Arc::new(Cache::new(DEFAULT_CACHE_BYTES)),
        }
    }

    /// The same tree with a bucket cache of about this many bytes at most; 0 keeps none.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: usize) -> Self {
        self.cache = Arc::new(Cache::new(bytes));
        self
    }

    /// The suite that hashes this tree.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Root of the whole state.
    pub fn root(&self) -> Hash32 {
        self.top.hash
    }

    /// Leaves in the tree.
    pub fn len(&self) -> u64 {
        self.top.leaves
    }

    /// True when the tree holds no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies the changes of one block, in any order, each key once, and returns the buckets to
    /// store, in ascending order. Runs on the current rayon pool. On an error nothing changes.
    ///
    /// Errors: `tree.duplicate_key`; `tree.missing_bucket` and `tree.corrupt_bucket` when the
    /// store does not hold what the root in memory commits to; whatever the reader returns.
    pub fn update(
        &mut self,
        reader: &dyn BucketReader,
        changes: &[Change],
    ) -> Result<Vec<BucketChange>, Error> {
        update::update(self, reader, changes)
    }

    /// Proves that `key` has its value, or that it is absent.
    ///
    /// Errors: as [`StateTree::update`].
    pub fn prove(&self, reader: &dyn BucketReader, key: Hash32) -> Result<Proof, Error> {
        let mut siblings = Vec::new();
        let (bucket, place) = self.descend(reader, &key, &mut siblings)?;
        let (mut from, mut to, mut depth) = (0, bucket.len(), usize::from(place.depth));
        while to - from > 1 {
            let middle = bucket.middle(from, to, depth);
            let sibling = if bit(&key, depth) {
                (from, middle)
            } else {
                (middle, to)
            };
            siblings.push(bucket.hash(self.suite, sibling.0, sibling.1, depth + 1));
            (from, to) = if bit(&key, depth) {
                (middle, to)
            } else {
                (from, middle)
            };
            depth += 1;
        }
        siblings.reverse();
        let here = bucket
            .leaf(from)
            .filter(|leaf| from < to && leaf.key != key);
        Ok(Proof {
            siblings,
            other: here,
        })
    }

    /// The value hash that the tree holds for `key`.
    ///
    /// Errors: as [`StateTree::update`].
    pub fn get(&self, reader: &dyn BucketReader, key: Hash32) -> Result<Option<Hash32>, Error> {
        let (bucket, _) = self.descend(reader, &key, &mut Vec::new())?;
        Ok(bucket.value(&key))
    }

    /// The bucket in whose range `key` lies, and the siblings above it, topmost first.
    fn descend(
        &self,
        reader: &dyn BucketReader,
        key: &Hash32,
        siblings: &mut Vec<Hash32>,
    ) -> Result<(Arc<Bucket>, Place), Error> {
        let mut place = Place::ROOT;
        let mut child = &self.top;
        while let Some(inner) = &child.inner {
            if bit(key, usize::from(place.depth)) {
                siblings.push(inner.left.hash);
                (child, place) = (&inner.right, place.right());
            } else {
                siblings.push(inner.right.hash);
                (child, place) = (&inner.left, place.left());
            }
        }
        Ok((self.load(reader, child, place)?, place))
    }

    /// Reads the bucket that stands at `place` and checks it against the root held in memory.
    pub(crate) fn load(
        &self,
        reader: &dyn BucketReader,
        child: &Child,
        place: Place,
    ) -> Result<Arc<Bucket>, Error> {
        if !child.is_bucket() {
            return Ok(Arc::default());
        }
        let root = child.hash;
        if let Some(bucket) = self.cache.get(place, &root) {
            return Ok(bucket);
        }
        let id = place.id();
        let bytes = reader.bucket(&id)?.ok_or_else(|| {
            let text = format!(
                "bucket {id} with {} leaves is not in the store; rebuild from the blocks",
                child.leaves
            );
            Error::new("tree.missing_bucket", text)
        })?;
        let (bucket, depth) = bucket::decode(self.suite, id, &bytes)?;
        let found = bucket.root(self.suite, depth);
        if depth != place.depth || found != root || bucket.len() as u64 != child.leaves {
            let text = format!(
                "bucket {id} has depth {depth}, {} leaves and root {found}, the tree expects depth \
                 {}, {} leaves and root {root}; rebuild from the blocks",
                bucket.len(),
                place.depth,
                child.leaves
            );
            return Err(Error::new("tree.corrupt_bucket", text));
        }
        let bucket = Arc::new(bucket);
        self.cache.insert(place, root, bucket.clone());
        Ok(bucket)
    }
}
