//! The list of all buckets, and building the levels above it.

use crate::bucket::{self, BucketId, BucketReader};
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, REBUILD_CHUNK};
use crate::node::{Child, Place};
use crate::state::StateTree;
use crate::Error;
use crypto::{Hash32, Suite};
use rayon::prelude::*;
use std::collections::HashSet;

/// What the tree knows about one bucket.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BucketInfo {
    /// Where it begins; also its storage key.
    pub id: BucketId,
    /// Bits of its prefix that count (0 to 64).
    pub depth: u8,
    /// Leaves in it, at least 1.
    pub leaves: u64,
    /// Root of the subtree that it holds.
    pub root: Hash32,
}

impl StateTree {
    /// All buckets in ascending order.
    pub fn buckets(&self) -> Vec<BucketInfo> {
        let mut list = Vec::new();
        collect(&self.top, Place::ROOT, &mut list);
        list
    }

    /// Reads these buckets again and recomputes the levels above them. For a tree that came from
    /// a checkpoint: `changed` MUST name every bucket that was written or deleted since. On an
    /// error nothing changes.
    ///
    /// Errors: `tree.corrupt_bucket`; `tree.corrupt_layout` when the buckets do not make up a
    /// tree; whatever the reader returns.
    pub fn refresh(
        &mut self,
        reader: &dyn BucketReader,
        changed: &[BucketId],
    ) -> Result<(), Error> {
        let suite = self.suite;
        let ids: HashSet<BucketId> = changed.iter().copied().collect();
        let read = |id: &BucketId| match reader.bucket(id)? {
            None => Ok(None),
            Some(bytes) => describe(suite, *id, &bytes).map(Some),
        };
        let found: Vec<Option<BucketInfo>> = ids.par_iter().map(read).collect::<Result<_, _>>()?;
        let mut list = self.buckets();
        list.retain(|info| !ids.contains(&info.id));
        list.extend(found.into_iter().flatten());
        list.sort_unstable_by_key(|info| info.id);
        self.top = build(suite, &list, Place::ROOT)?;
        Ok(())
    }

    /// Builds the tree from all stored buckets, in any order, trusting nothing else. The caller
    /// compares the root with a header.
    ///
    /// Errors: `tree.corrupt_bucket`; `tree.corrupt_layout`; whatever the iterator returns.
    pub fn rebuild<I>(suite: Suite, buckets: I) -> Result<Self, Error>
    where
        I: IntoIterator<Item = Result<(BucketId, Vec<u8>), Error>>,
    {
        let mut list = Vec::new();
        let mut buckets = buckets.into_iter();
        loop {
            let chunk: Vec<_> = buckets
                .by_ref()
                .take(REBUILD_CHUNK)
                .collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                break;
            }
            let hash = |(id, bytes): &(BucketId, Vec<u8>)| describe(suite, *id, bytes);
            let hashed: Vec<BucketInfo> = chunk.par_iter().map(hash).collect::<Result<_, _>>()?;
            list.extend(hashed);
        }
        list.par_sort_unstable_by_key(|info| info.id);
        Ok(StateTree::with_top(
            suite,
            build(suite, &list, Place::ROOT)?,
        ))
    }
}

/// Decodes and hashes one stored bucket.
fn describe(suite: Suite, id: BucketId, bytes: &[u8]) -> Result<BucketInfo, Error> {
    let (bucket, depth) = bucket::decode(suite, id, bytes)?;
    let leaves = bucket.len() as u64;
    Ok(BucketInfo {
        id,
        depth,
        leaves,
        root: bucket.root(suite, depth),
    })
}

fn collect(child: &Child, place: Place, list: &mut Vec<BucketInfo>) {
    if let Some(inner) = &child.inner {
        collect(&inner.left, place.left(), list);
        collect(&inner.right, place.right(), list);
    } else if child.is_bucket() {
        let (root, leaves) = (child.hash, child.leaves);
        list.push(BucketInfo {
            id: place.id(),
            depth: place.depth,
            leaves,
            root,
        });
    }
}

/// Buckets below which the levels above are built on one thread.
const PARALLEL_BUCKETS: usize = 256;

/// The levels above these buckets, sorted by id.
fn build(suite: Suite, list: &[BucketInfo], place: Place) -> Result<Child, Error> {
    match list {
        [] => return Ok(Child::EMPTY),
        [info] if info.depth == place.depth && info.id == place.id() => {
            return Ok(Child::bucket(info.root, info.leaves));
        }
        _ => {}
    }
    if place.depth == MAX_BUCKET_DEPTH || list.iter().any(|info| info.depth <= place.depth) {
        let text = format!(
            "bucket {} overlaps another; rebuild from the blocks",
            list[0].id
        );
        return Err(Error::new("tree.corrupt_layout", text));
    }
    let boundary = place.right().id();
    let (lower, upper) = list.split_at(list.partition_point(|info| info.id < boundary));
    let (left, right) = if list.len() >= PARALLEL_BUCKETS {
        rayon::join(
            || build(suite, lower, place.left()),
            || build(suite, upper, place.right()),
        )
    } else {
        (
            build(suite, lower, place.left()),
            build(suite, upper, place.right()),
        )
    };
    above(suite, left?, right?, place)
}

/// The parent of two subtrees, refused when both would fit into one bucket.
pub(crate) fn above(suite: Suite, left: Child, right: Child, place: Place) -> Result<Child, Error> {
    let count = left.leaves + right.leaves;
    if count <= MAX_BUCKET_LEAVES as u64 {
        let text = format!(
            "the subtree at {} depth {} has {count} leaves in several buckets, they belong in \
             one; rebuild from the blocks",
            place.id(),
            place.depth
        );
        return Err(Error::new("tree.corrupt_layout", text));
    }
    Ok(Child::parent(suite, left, right))
}
