//! One update: changed subtrees are built beside the old ones, which stay until all succeeded.

use crate::bucket::{Bucket, BucketReader};
use crate::hash::bit;
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, PARALLEL_CHANGES};
use crate::node::{Child, Place};
use crate::state::{BucketChange, Change, StateTree};
use crate::Error;
use crypto::Hash32;
use std::sync::Arc;

/// A rebuilt subtree. `bucket` is set while the subtree is one bucket that is not yet in the
/// effects, because its parent may still unite it with its sibling.
struct Fresh {
    child: Child,
    bucket: Option<Arc<Bucket>>,
}

/// What the update does to the store.
#[derive(Default)]
struct Effects {
    /// Stored buckets that were taken apart, by prefix.
    consumed: Vec<u64>,
    /// Buckets to write, by prefix.
    written: Vec<(u64, Vec<u8>)>,
}

/// The new top of the tree and the buckets to store.
pub(crate) fn update(
    tree: &StateTree,
    reader: &dyn BucketReader,
    changes: &[Change],
) -> Result<(Child, Vec<BucketChange>), Error> {
    let mut sorted = changes.to_vec();
    sorted.sort_unstable_by_key(|change| change.0);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let text = format!("key hash {} is changed twice in one update; merge the changes", pair[0].0);
        return Err(Error::new("tree.duplicate_key", text));
    }
    let job = Job { tree, reader };
    let mut effects = Effects::default();
    let fresh = job.subtree(&tree.top, &sorted, Place::ROOT, &mut effects)?;
    job.write(&fresh, Place::ROOT, &mut effects);
    Ok((fresh.child, effects.finish()))
}

impl Effects {
    fn append(&mut self, mut other: Effects) {
        self.consumed.append(&mut other.consumed);
        self.written.append(&mut other.written);
    }

    /// Writes, and deletions of the consumed buckets that nothing replaced, in ascending order.
    fn finish(mut self) -> Vec<BucketChange> {
        use crate::bucket::BucketId;
        self.written.sort_unstable_by_key(|entry| entry.0);
        self.consumed.sort_unstable();
        self.consumed.dedup();
        let gone = |prefix: &u64| self.written.binary_search_by_key(prefix, |entry| entry.0).is_err();
        self.consumed.retain(gone);
        let deleted = self.consumed.into_iter().map(|prefix| (BucketId(prefix), None));
        let written = self.written.into_iter();
        let mut all: Vec<BucketChange> =
            written.map(|(prefix, bytes)| (BucketId(prefix), Some(bytes))).chain(deleted).collect();
        all.sort_unstable_by_key(|entry| entry.0);
        all
    }
}

struct Job<'a> {
    tree: &'a StateTree,
    reader: &'a dyn BucketReader,
}

impl Job<'_> {
    fn subtree(
        &self,
        child: &Child,
        changes: &[Change],
        place: Place,
        effects: &mut Effects,
    ) -> Result<Fresh, Error> {
        if changes.is_empty() {
            return Ok(Fresh { child: child.clone(), bucket: None });
        }
        let Child::Inner(inner) = child else {
            return self.bucket(child, changes, place, effects);
        };
        let cut = changes.partition_point(|change| !bit(&change.0, usize::from(place.depth)));
        let (lower, upper) = changes.split_at(cut);
        let (left, right) = if changes.len() >= PARALLEL_CHANGES {
            let mut beside = Effects::default();
            let (left, right) = rayon::join(
                || self.subtree(&inner.left, lower, place.left(), effects),
                || self.subtree(&inner.right, upper, place.right(), &mut beside),
            );
            effects.append(beside);
            (left?, right?)
        } else {
            let left = self.subtree(&inner.left, lower, place.left(), effects)?;
            (left, self.subtree(&inner.right, upper, place.right(), effects)?)
        };
        if left.child.hash() == inner.left.hash() && right.child.hash() == inner.right.hash() {
            return Ok(Fresh { child: child.clone(), bucket: None });
        }
        self.unite(left, right, place, effects)
    }

    /// Updates a subtree that is a bucket or empty.
    fn bucket(
        &self,
        child: &Child,
        changes: &[Change],
        place: Place,
        effects: &mut Effects,
    ) -> Result<Fresh, Error> {
        let suite = self.tree.suite;
        let old = self.tree.load(self.reader, child, place)?;
        let new = old.apply(suite, changes, place.depth);
        if new.root(suite, place.depth) == child.hash() {
            return Ok(Fresh { child: child.clone(), bucket: None });
        }
        if let Child::Bucket { .. } = child {
            effects.consumed.push(place.prefix);
        }
        if fits(new.len(), place) {
            return Ok(self.fresh_bucket(Arc::new(new), place));
        }
        self.divide(&new, (0, new.len()), place, effects)
    }

    fn fresh_bucket(&self, bucket: Arc<Bucket>, place: Place) -> Fresh {
        if bucket.len() == 0 {
            return Fresh { child: Child::Empty, bucket: None };
        }
        let root = bucket.root(self.tree.suite, place.depth);
        // decode bounds what is read, and one update cannot carry 2^32 leaves into one bucket
        let count = u32::try_from(bucket.len()).unwrap_or(u32::MAX);
        Fresh { child: Child::Bucket { root, count }, bucket: Some(bucket) }
    }

    /// Splits leaves that are too many for one bucket.
    fn divide(
        &self,
        all: &Bucket,
        (from, to): (usize, usize),
        place: Place,
        effects: &mut Effects,
    ) -> Result<Fresh, Error> {
        if fits(to - from, place) {
            return Ok(self.fresh_bucket(Arc::new(all.slice(from, to)), place));
        }
        let middle = all.middle(from, to, usize::from(place.depth));
        let left = self.divide(all, (from, middle), place.left(), effects)?;
        let right = self.divide(all, (middle, to), place.right(), effects)?;
        self.unite(left, right, place, effects)
    }

    /// The parent of two subtrees; one bucket when both together fit into one.
    fn unite(
        &self,
        left: Fresh,
        right: Fresh,
        place: Place,
        effects: &mut Effects,
    ) -> Result<Fresh, Error> {
        if left.child.count() + right.child.count() <= MAX_BUCKET_LEAVES as u64 {
            let lower = self.take(left, place.left(), effects)?;
            let upper = self.take(right, place.right(), effects)?;
            let all = Bucket::join(self.tree.suite, &lower, &upper, place.depth + 1);
            return Ok(self.fresh_bucket(Arc::new(all), place));
        }
        self.write(&left, place.left(), effects);
        self.write(&right, place.right(), effects);
        let child = Child::parent(self.tree.suite, left.child, right.child);
        Ok(Fresh { child, bucket: None })
    }

    /// The leaves of a subtree that goes into a larger bucket.
    fn take(&self, fresh: Fresh, place: Place, effects: &mut Effects) -> Result<Arc<Bucket>, Error> {
        if let Some(bucket) = fresh.bucket {
            return Ok(bucket);
        }
        if let Child::Bucket { .. } = fresh.child {
            effects.consumed.push(place.prefix);
        }
        self.tree.load(self.reader, &fresh.child, place)
    }

    fn write(&self, fresh: &Fresh, place: Place, effects: &mut Effects) {
        if let Some(bucket) = &fresh.bucket {
            effects.written.push((place.prefix, bucket.encode(place.depth)));
            let root: Hash32 = fresh.child.hash();
            self.tree.cache.insert(place, root, bucket.clone());
        }
    }
}

fn fits(leaves: usize, place: Place) -> bool {
    leaves <= MAX_BUCKET_LEAVES || place.depth == MAX_BUCKET_DEPTH
}
