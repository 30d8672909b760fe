//! Append-only Merkle trees as in RFC 9162 section 2.1.
//!
//! Leaf hash `H(0x00 || data)`, inner hash `H(0x01 || left || right)`, empty tree `H("")`.
//! Functions take leaf hashes; [`leaf_hash`] and [`leaf_hashes`] make them.

mod history;
mod verify;

pub use history::{Frontier, History, NodeId, NodeReader};
pub use verify::{verify_consistency, verify_inclusion};

use crate::limits::PARALLEL_LOG_LEAVES;
use crate::Error;
use crypto::{Hash32, Suite};
use rayon::prelude::*;

/// Root of the tree without leaves.
pub fn empty_root(suite: Suite) -> Hash32 {
    suite.hash(b"")
}

/// Hash of one leaf.
pub fn leaf_hash(suite: Suite, data: &[u8]) -> Hash32 {
    suite.hash_parts(&[&[0], data])
}

/// Hashes of many leaves, on all cores of the current rayon pool.
pub fn leaf_hashes<T: AsRef<[u8]> + Sync>(suite: Suite, data: &[T]) -> Vec<Hash32> {
    let hash = |item: &T| leaf_hash(suite, item.as_ref());
    data.par_iter()
        .with_min_len(PARALLEL_LOG_LEAVES / 4)
        .map(hash)
        .collect()
}

/// Hash of an inner node.
pub fn inner_hash(suite: Suite, left: &Hash32, right: &Hash32) -> Hash32 {
    let mut bytes = [1u8; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    suite.hash(&bytes)
}

/// Root over these leaf hashes (`MTH`).
pub fn root(suite: Suite, leaves: &[Hash32]) -> Hash32 {
    match leaves {
        [] => empty_root(suite),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            let (left, right) = if leaves.len() >= PARALLEL_LOG_LEAVES {
                rayon::join(|| root(suite, left), || root(suite, right))
            } else {
                (root(suite, left), root(suite, right))
            };
            inner_hash(suite, &left, &right)
        }
    }
}

/// Root over these leaves' data.
pub fn root_of<T: AsRef<[u8]> + Sync>(suite: Suite, data: &[T]) -> Hash32 {
    root(suite, &leaf_hashes(suite, data))
}

/// Inclusion path of the leaf at `index`, nearest sibling first (`PATH`, section 2.1.3.1).
///
/// Errors: `log.out_of_range` when there is no such leaf.
pub fn path(suite: Suite, leaves: &[Hash32], index: usize) -> Result<Vec<Hash32>, Error> {
    if index >= leaves.len() {
        return Err(out_of_range("leaf", index as u64, leaves.len() as u64));
    }
    let (mut here, mut index, mut path) = (leaves, index, Vec::new());
    while here.len() > 1 {
        let (left, right) = here.split_at(split(here.len()));
        if index < left.len() {
            path.push(root(suite, right));
            here = left;
        } else {
            path.push(root(suite, left));
            index -= left.len();
            here = right;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proof that the tree over the first `old` leaves is a prefix of this one (section 2.1.4.1).
/// Empty when both are the same size.
///
/// Errors: `log.out_of_range` unless 0 < `old` <= the number of leaves.
pub fn consistency(suite: Suite, leaves: &[Hash32], old: usize) -> Result<Vec<Hash32>, Error> {
    if old == 0 || old > leaves.len() {
        return Err(out_of_range("old size", old as u64, leaves.len() as u64));
    }
    let (mut here, mut old, mut known, mut proof) = (leaves, old, true, Vec::new());
    while old < here.len() {
        let (left, right) = here.split_at(split(here.len()));
        if old <= left.len() {
            proof.push(root(suite, right));
            here = left;
        } else {
            proof.push(root(suite, left));
            old -= left.len();
            here = right;
            known = false;
        }
    }
    if !known {
        proof.push(root(suite, here));
    }
    proof.reverse();
    Ok(proof)
}

/// Leaves in the left half of a tree of `size` >= 2 leaves: the largest power of two below `size`.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

pub(crate) fn out_of_range(what: &str, value: u64, size: u64) -> Error {
    Error::new(
        "log.out_of_range",
        format!("{what} {value} of a tree with {size} leaves"),
    )
}
