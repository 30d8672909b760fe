//! The hashes of the Jellyfish definition and the bits of a key.

use crypto::{Hash32, Suite};

/// Root of an empty subtree.
pub const EMPTY: Hash32 = Hash32(*b"SPARSE_MERKLE_PLACEHOLDER_HASH__");

const LEAF_PREFIX: &[u8; 13] = b"JMT::LeafNode";
const INNER_PREFIX: &[u8; 16] = b"JMT::IntrnalNode";

/// Hash of a subtree that holds one leaf.
pub fn leaf_hash(suite: Suite, key: &Hash32, value: &Hash32) -> Hash32 {
    let mut bytes = [0u8; 77];
    bytes[..13].copy_from_slice(LEAF_PREFIX);
    bytes[13..45].copy_from_slice(&key.0);
    bytes[45..].copy_from_slice(&value.0);
    suite.hash(&bytes)
}

/// Hash of a subtree that holds two leaves or more.
pub fn inner_hash(suite: Suite, left: &Hash32, right: &Hash32) -> Hash32 {
    let mut bytes = [0u8; 80];
    bytes[..16].copy_from_slice(INNER_PREFIX);
    bytes[16..48].copy_from_slice(&left.0);
    bytes[48..].copy_from_slice(&right.0);
    suite.hash(&bytes)
}

/// Bit `index` of a key, 0 being the most significant bit of the first byte. `index` < 256.
pub(crate) fn bit(key: &Hash32, index: usize) -> bool {
    key.0[index / 8] & (0x80 >> (index % 8)) != 0
}

/// How many leading bits two keys share (0 to 256).
pub(crate) fn common_bits(a: &Hash32, b: &Hash32) -> usize {
    for (index, (x, y)) in a.0.iter().zip(&b.0).enumerate() {
        let difference = x ^ y;
        if difference != 0 {
            return index * 8 + difference.leading_zeros() as usize;
        }
    }
    256
}

/// `hash`, seen from its parent at bit `index` of `key`, next to `sibling`.
pub(crate) fn climb(
    suite: Suite,
    key: &Hash32,
    index: usize,
    hash: &Hash32,
    sibling: &Hash32,
) -> Hash32 {
    if bit(key, index) {
        inner_hash(suite, sibling, hash)
    } else {
        inner_hash(suite, hash, sibling)
    }
}
