//! The levels above the buckets. Nodes are immutable and shared, so a tree is cheap to copy.

use crate::bucket::BucketId;
use crate::hash::{inner_hash, EMPTY};
use crypto::{Hash32, Suite};
use std::sync::Arc;

/// A subtree as its parent sees it. Its hash lies here, so that renewing a node touches no other.
#[derive(Clone)]
pub(crate) struct Child {
    /// Root of this subtree.
    pub(crate) hash: Hash32,
    /// Leaves in it; 0 when it is empty.
    pub(crate) leaves: u64,
    /// The node, when there are more leaves than a bucket takes. Otherwise the leaves lie in one
    /// stored bucket.
    pub(crate) inner: Option<Arc<Inner>>,
}

/// A node with more leaves below it than a bucket takes.
#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) left: Child,
    pub(crate) right: Child,
}

impl Child {
    /// A subtree without leaves.
    pub(crate) const EMPTY: Child = Child {
        hash: EMPTY,
        leaves: 0,
        inner: None,
    };

    /// A subtree whose leaves, at least 1, lie in one bucket.
    pub(crate) fn bucket(root: Hash32, leaves: u64) -> Child {
        Child {
            hash: root,
            leaves,
            inner: None,
        }
    }

    /// The parent of these two.
    pub(crate) fn parent(suite: Suite, left: Child, right: Child) -> Child {
        let hash = inner_hash(suite, &left.hash, &right.hash);
        let leaves = left.leaves + right.leaves;
        Child {
            hash,
            leaves,
            inner: Some(Arc::new(Inner { left, right })),
        }
    }

    /// True when a stored bucket stands here.
    pub(crate) fn is_bucket(&self) -> bool {
        self.leaves > 0 && self.inner.is_none()
    }
}

/// Where a subtree stands: its prefix, left aligned, and how many bits of it count.
#[derive(Copy, Clone)]
pub(crate) struct Place {
    pub(crate) prefix: u64,
    pub(crate) depth: u8,
}

impl Place {
    pub(crate) const ROOT: Place = Place {
        prefix: 0,
        depth: 0,
    };

    /// The bucket that stands here, if one does.
    pub(crate) fn id(&self) -> BucketId {
        BucketId(self.prefix)
    }

    /// The half with the next bit clear. Only above full depth.
    pub(crate) fn left(&self) -> Place {
        Place {
            prefix: self.prefix,
            depth: self.depth + 1,
        }
    }

    /// The half with the next bit set. Only above full depth.
    pub(crate) fn right(&self) -> Place {
        Place {
            prefix: self.prefix | 1 << (63 - self.depth),
            depth: self.depth + 1,
        }
    }
}
