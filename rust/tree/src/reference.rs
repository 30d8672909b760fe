//! The definition written down plainly, for tests and independent checks. Slow on purpose.

use crate::hash::{bit, inner_hash, leaf_hash, EMPTY};
use crate::{Leaf, Proof};
use crypto::{Hash32, Suite};

/// Root of the tree over these leaves, which are sorted by key and unique.
pub fn root(suite: Suite, leaves: &[Leaf]) -> Hash32 {
    subtree(suite, leaves, 0)
}

fn subtree(suite: Suite, leaves: &[Leaf], depth: usize) -> Hash32 {
    match leaves {
        [] => EMPTY,
        [leaf] => leaf_hash(suite, &leaf.key, &leaf.value),
        _ => {
            let (left, right) = halves(leaves, depth);
            let left = subtree(suite, left, depth + 1);
            inner_hash(suite, &left, &subtree(suite, right, depth + 1))
        }
    }
}

/// Proof of presence or absence of `key` among these leaves, sorted by key and unique.
pub fn prove(suite: Suite, leaves: &[Leaf], key: Hash32) -> Proof {
    let mut siblings = Vec::new();
    let mut here = leaves;
    let mut depth = 0;
    while here.len() > 1 {
        let (left, right) = halves(here, depth);
        let (own, other) = if bit(&key, depth) {
            (right, left)
        } else {
            (left, right)
        };
        siblings.push(subtree(suite, other, depth + 1));
        here = own;
        depth += 1;
    }
    siblings.reverse();
    let other = here.first().copied().filter(|leaf| leaf.key != key);
    Proof { siblings, other }
}

fn halves(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key, depth)))
}
