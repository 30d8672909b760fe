//! The levels above the buckets. Nodes are immutable and shared, so a tree is cheap to copy.

use crate::bucket::BucketId;
use crate::hash::{inner_hash, EMPTY};
use crypto::{Hash32, Suite};
use std::sync::Arc;

/// A subtree as its parent sees it.
#[derive(Clone)]
pub(crate) enum Child {
    /// No leaf below.
    Empty,
    /// The leaves lie in one stored bucket.
    Bucket {
        /// Root of the bucket.
        root: Hash32,
        /// Leaves in it, at least 1.
        count: u32,
    },
    /// More leaves than a bucket takes.
    Inner(Arc<Inner>),
}

/// A node with more leaves below it than a bucket takes.
pub(crate) struct Inner {
    pub(crate) hash: Hash32,
    pub(crate) count: u64,
    pub(crate) left: Child,
    pub(crate) right: Child,
}

impl Child {
    /// The parent of these two.
    pub(crate) fn parent(suite: Suite, left: Child, right: Child) -> Child {
        let hash = inner_hash(suite, &left.hash(), &right.hash());
        let count = left.count() + right.count();
        Child::Inner(Arc::new(Inner { hash, count, left, right }))
    }

    /// Root of this subtree.
    pub(crate) fn hash(&self) -> Hash32 {
        match self {
            Child::Empty => EMPTY,
            Child::Bucket { root, .. } => *root,
            Child::Inner(inner) => inner.hash,
        }
    }

    /// Leaves in this subtree.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Child::Empty => 0,
            Child::Bucket { count, .. } => u64::from(*count),
            Child::Inner(inner) => inner.count,
        }
    }
}

/// Where a subtree stands: its prefix, left aligned, and how many bits of it count.
#[derive(Copy, Clone)]
pub(crate) struct Place {
    pub(crate) prefix: u64,
    pub(crate) depth: u8,
}

impl Place {
    pub(crate) const ROOT: Place = Place { prefix: 0, depth: 0 };

    /// The bucket that stands here, if one does.
    pub(crate) fn id(&self) -> BucketId {
        BucketId(self.prefix)
    }

    /// The half with the next bit clear. Only above full depth.
    pub(crate) fn left(&self) -> Place {
        Place { prefix: self.prefix, depth: self.depth + 1 }
    }

    /// The half with the next bit set. Only above full depth.
    pub(crate) fn right(&self) -> Place {
        Place { prefix: self.prefix | 1 << (63 - self.depth), depth: self.depth + 1 }
    }
}
