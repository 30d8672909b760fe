//! One update in two steps: plan (reads buckets, may fail, changes nothing), then carry out
//! (cannot fail, works in place where no copy of the tree shares a node).

use crate::bucket::{self, BucketId, BucketReader};
use crate::hash::bit;
use crate::leaves::Bucket;
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, PARALLEL_CHANGES};
use crate::node::{Child, Inner, Place};
use crate::patch::{carry_out, Inside, Patch};
use crate::state::{BucketChange, Change, StateTree};
use crate::Error;
use crypto::Hash32;
use std::hint::black_box;
use std::sync::Arc;

/// A planned subtree. `bucket` is set while the subtree is one new bucket that is not yet in the
/// effects, because its parent may still unite it with its sibling.
struct Plan {
    patch: Patch,
    leaves: u64,
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

/// Updates the tree and returns the buckets to store.
pub(crate) fn update(
    tree: &mut StateTree,
    reader: &dyn BucketReader,
    changes: &[Change],
) -> Result<Vec<BucketChange>, Error> {
    let mut sorted = changes.to_vec();
    sorted.sort_unstable_by_key(|change| change.0);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let text = format!(
            "key hash {} is changed twice in one update; merge the changes",
            pair[0].0
        );
        return Err(Error::new("tree.duplicate_key", text));
    }
    let mut effects = Effects::default();
    let planner = Planner { tree, reader };
    let plan = planner.subtree(&tree.top, &sorted, Place::ROOT, &mut effects)?;
    planner.write(&plan, Place::ROOT, &mut effects);
    carry_out(tree.suite, &mut tree.top, plan.patch);
    Ok(effects.finish())
}

/// Touches the nodes that these changes lead to, level by level. Their addresses are independent
/// within a level, so the processor fetches many at once; the recursion after it, which goes down
/// one path at a time, then waits for none.
fn warm(child: &Child, changes: &[Change], depth: usize) {
    let Some(top) = child.inner.as_deref() else {
        return;
    };
    let mut cursors: Vec<(&Inner, &Hash32)> = changes.iter().map(|(key, _)| (top, key)).collect();
    let mut depth = depth;
    while !cursors.is_empty() {
        cursors.retain_mut(|(inner, key)| {
            let next = if bit(key, depth) {
                &inner.right
            } else {
                &inner.left
            };
            next.inner.as_deref().map(|node| *inner = node).is_some()
        });
        depth = black_box(depth + 1);
    }
}

impl Effects {
    fn append(&mut self, mut other: Effects) {
        self.consumed.append(&mut other.consumed);
        self.written.append(&mut other.written);
    }

    /// Writes, and deletions of the consumed buckets that nothing replaced, in ascending order.
    fn finish(mut self) -> Vec<BucketChange> {
        self.written.sort_unstable_by_key(|entry| entry.0);
        self.consumed.sort_unstable();
        let kept = |at: &u64| {
            self.written
                .binary_search_by_key(at, |entry| entry.0)
                .is_ok()
        };
        self.consumed.retain(|prefix| !kept(prefix));
        let deleted = self
            .consumed
            .into_iter()
            .map(|prefix| (BucketId(prefix), None));
        let written = self.written.into_iter();
        let mut all: Vec<BucketChange> = written
            .map(|(prefix, bytes)| (BucketId(prefix), Some(bytes)))
            .chain(deleted)
            .collect();
        all.sort_unstable_by_key(|entry| entry.0);
        all
    }
}

struct Planner<'a> {
    tree: &'a StateTree,
    reader: &'a dyn BucketReader,
}

impl Planner<'_> {
    fn subtree(
        &self,
        child: &Child,
        changes: &[Change],
        place: Place,
        effects: &mut Effects,
    ) -> Result<Plan, Error> {
        if changes.is_empty() {
            return Ok(Plan::keep(child));
        }
        let Some(inner) = &child.inner else {
            return self.bucket(child, changes, place, effects);
        };
        let cut = changes.partition_point(|change| !bit(&change.0, usize::from(place.depth)));
        let (lower, upper) = changes.split_at(cut);
        let (left, right) = if changes.len() >= PARALLEL_CHANGES {
            let mut beside = Effects::default();
            let both = rayon::join(
                || self.half(&inner.left, lower, place.left(), effects),
                || self.half(&inner.right, upper, place.right(), &mut beside),
            );
            effects.append(beside);
            (both.0?, both.1?)
        } else {
            let left = self.subtree(&inner.left, lower, place.left(), effects)?;
            (
                left,
                self.subtree(&inner.right, upper, place.right(), effects)?,
            )
        };
        let leaves = left.leaves + right.leaves;
        if leaves <= MAX_BUCKET_LEAVES as u64 {
            let lower = self.take(left, &inner.left, place.left(), effects)?;
            let upper = self.take(right, &inner.right, place.right(), effects)?;
            let all = Bucket::join(self.tree.suite, &lower, &upper, place.depth + 1);
            return Ok(self.one_bucket(all, place));
        }
        self.write(&left, place.left(), effects);
        self.write(&right, place.right(), effects);
        let patch = match (left.patch, right.patch) {
            (Patch::Keep, Patch::Keep) => Patch::Keep,
            (left, right) => Patch::Inside(Box::new(Inside {
                left,
                right,
                changes: changes.len(),
            })),
        };
        Ok(Plan {
            patch,
            leaves,
            bucket: None,
        })
    }

    /// Plans one of two subtrees that are planned side by side.
    fn half(
        &self,
        child: &Child,
        changes: &[Change],
        place: Place,
        effects: &mut Effects,
    ) -> Result<Plan, Error> {
        if changes.len() < PARALLEL_CHANGES {
            warm(child, changes, usize::from(place.depth));
        }
        self.subtree(child, changes, place, effects)
    }

    /// Plans a subtree that is a bucket or empty.
    fn bucket(
        &self,
        child: &Child,
        changes: &[Change],
        place: Place,
        effects: &mut Effects,
    ) -> Result<Plan, Error> {
        let suite = self.tree.suite;
        let old = self.tree.load(self.reader, child, place)?;
        let new = old.apply(suite, changes, place.depth);
        if new.root(suite, place.depth) == child.hash {
            return Ok(Plan::keep(child));
        }
        if child.is_bucket() {
            effects.consumed.push(place.prefix);
        }
        if fits(new.len(), place) {
            return Ok(self.one_bucket(new, place));
        }
        let patch = Patch::Replace(self.divide(&new, (0, new.len()), place, effects));
        Ok(Plan {
            patch,
            leaves: new.len() as u64,
            bucket: None,
        })
    }

    fn one_bucket(&self, bucket: Bucket, place: Place) -> Plan {
        let leaves = bucket.len() as u64;
        let child = bucket.as_child(self.tree.suite, place.depth);
        let bucket = Some(Arc::new(bucket)).filter(|_| leaves > 0);
        Plan {
            patch: Patch::Replace(child),
            leaves,
            bucket,
        }
    }

    /// The subtree of leaves that are too many for one bucket.
    fn divide(
        &self,
        all: &Bucket,
        (from, to): (usize, usize),
        place: Place,
        effects: &mut Effects,
    ) -> Child {
        if fits(to - from, place) {
            let plan = self.one_bucket(all.slice(from, to), place);
            self.write(&plan, place, effects);
            return match plan.patch {
                Patch::Replace(child) => child,
                _ => Child::EMPTY,
            };
        }
        let middle = all.middle(from, to, usize::from(place.depth));
        let left = self.divide(all, (from, middle), place.left(), effects);
        let right = self.divide(all, (middle, to), place.right(), effects);
        Child::parent(self.tree.suite, left, right)
    }

    /// The leaves of a planned subtree that goes into a larger bucket. `old` is what stands there.
    fn take(
        &self,
        plan: Plan,
        old: &Child,
        place: Place,
        effects: &mut Effects,
    ) -> Result<Arc<Bucket>, Error> {
        if let Patch::Keep = plan.patch {
            if old.is_bucket() {
                effects.consumed.push(place.prefix);
            }
            return self.tree.load(self.reader, old, place);
        }
        Ok(plan.bucket.unwrap_or_default())
    }

    fn write(&self, plan: &Plan, place: Place, effects: &mut Effects) {
        if let (Some(bucket), Patch::Replace(child)) = (&plan.bucket, &plan.patch) {
            effects
                .written
                .push((place.prefix, bucket::encode(bucket, place.depth)));
            self.tree.cache.insert(place, child.hash, bucket.clone());
        }
    }
}

impl Plan {
    fn keep(child: &Child) -> Plan {
        Plan {
            patch: Patch::Keep,
            leaves: child.leaves,
            bucket: None,
        }
    }
}

fn fits(leaves: usize, place: Place) -> bool {
    leaves <= MAX_BUCKET_LEAVES || place.depth == MAX_BUCKET_DEPTH
}
