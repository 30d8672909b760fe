//! Checks of log proofs, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 write them.

use super::{inner_hash, out_of_range};
use crate::limits::MAX_LOG_PATH;
use crate::Error;
use crypto::{Hash32, Suite};

/// Checks that `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves with this root.
///
/// Errors: `log.out_of_range`, `log.malformed` (wrong number of hashes), `log.mismatch`.
pub fn verify_inclusion(
    suite: Suite,
    root: Hash32,
    leaf: Hash32,
    index: u64,
    size: u64,
    path: &[Hash32],
) -> Result<(), Error> {
    if index >= size {
        return Err(out_of_range("leaf", index, size));
    }
    bounded(path)?;
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return Err(wrong_length(path.len(), "too many"));
        }
        if node & 1 == 1 || node == last {
            hash = inner_hash(suite, sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = inner_hash(suite, &hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length(path.len(), "too few"));
    }
    equal("root", hash, root)
}

/// Checks that the tree of `old_size` leaves is a prefix of the tree of `new_size` leaves.
///
/// Both sizes may be equal, then the proof is empty. An old size of 0 proves nothing and is
/// accepted only for two equal empty trees.
///
/// Errors: `log.out_of_range`, `log.malformed` (wrong number of hashes), `log.mismatch`.
pub fn verify_consistency(
    suite: Suite,
    old_root: Hash32,
    old_size: u64,
    new_root: Hash32,
    new_size: u64,
    path: &[Hash32],
) -> Result<(), Error> {
    if old_size > new_size || (old_size == 0 && new_size != 0) {
        return Err(out_of_range("old size", old_size, new_size));
    }
    if old_size == new_size {
        if !path.is_empty() {
            return Err(wrong_length(path.len(), "too many"));
        }
        return equal("root", old_root, new_root);
    }
    bounded(path)?;
    let (first, rest) = match path.split_first() {
        _ if old_size.is_power_of_two() => (old_root, path),
        Some((first, rest)) => (*first, rest),
        None => return Err(wrong_length(0, "too few")),
    };
    let low_ones = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> low_ones, (new_size - 1) >> low_ones);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(wrong_length(path.len(), "too many"));
        }
        if node & 1 == 1 || node == last {
            old_hash = inner_hash(suite, sibling, &old_hash);
            new_hash = inner_hash(suite, sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new_hash = inner_hash(suite, &new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length(path.len(), "too few"));
    }
    equal("old root", old_hash, old_root)?;
    equal("new root", new_hash, new_root)
}

fn bounded(path: &[Hash32]) -> Result<(), Error> {
    if path.len() > MAX_LOG_PATH {
        return Err(wrong_length(path.len(), "too many"));
    }
    Ok(())
}

fn wrong_length(length: usize, word: &str) -> Error {
    Error::new(
        "log.malformed",
        format!("{length} hashes are {word} for these sizes"),
    )
}

fn equal(what: &str, found: Hash32, expected: Hash32) -> Result<(), Error> {
    if found != expected {
        let text = format!("the proof leads to {what} {found}, expected is {expected}");
        return Err(Error::new("log.mismatch", text));
    }
    Ok(())
}
