//! What an update will change in the levels above the buckets, and doing it.

use crate::hash::inner_hash;
use crate::limits::PARALLEL_CHANGES;
use crate::node::Child;
use crypto::Suite;
use std::hint::black_box;
use std::sync::Arc;

/// What becomes of a subtree.
pub(crate) enum Patch {
    Keep,
    Replace(Child),
    Inside(Box<Inside>),
}

/// Changes below a node that stays.
pub(crate) struct Inside {
    pub(crate) left: Patch,
    pub(crate) right: Patch,
    /// Changed keys below, to decide about threads.
    pub(crate) changes: usize,
}

/// Applies a patch to the subtree that it was planned for. Nodes that no copy of the tree shares
/// are changed in place.
pub(crate) fn carry_out(suite: Suite, child: &mut Child, patch: Patch) {
    match patch {
        Patch::Keep => {}
        Patch::Replace(new) => *child = new,
        Patch::Inside(inside) => {
            let Some(shared) = &mut child.inner else {
                return;
            };
            let inner = Arc::make_mut(shared);
            let Inside {
                left,
                right,
                changes,
            } = *inside;
            if changes >= PARALLEL_CHANGES {
                let half = |child: &mut Child, patch: Patch| {
                    if patch.changes() < PARALLEL_CHANGES {
                        warm_patch(child, &patch);
                    }
                    carry_out(suite, child, patch);
                };
                rayon::join(
                    || half(&mut inner.left, left),
                    || half(&mut inner.right, right),
                );
            } else {
                carry_out(suite, &mut inner.left, left);
                carry_out(suite, &mut inner.right, right);
            }
            child.hash = inner_hash(suite, &inner.left.hash, &inner.right.hash);
            child.leaves = inner.left.leaves + inner.right.leaves;
        }
    }
}

/// Touches the nodes that a patch will change, level by level, so that the processor fetches many
/// at once.
fn warm_patch(child: &Child, patch: &Patch) {
    let mut level = vec![(child, patch)];
    let mut below = Vec::new();
    while !level.is_empty() {
        for (child, patch) in level.drain(..) {
            if let (Some(inner), Patch::Inside(inside)) = (&child.inner, patch) {
                below.push((&inner.left, &inside.left));
                below.push((&inner.right, &inside.right));
            }
        }
        std::mem::swap(&mut level, black_box(&mut below));
    }
}

impl Patch {
    /// Changed keys below nodes that stay.
    fn changes(&self) -> usize {
        match self {
            Patch::Inside(inside) => inside.changes,
            _ => 0,
        }
    }
}
