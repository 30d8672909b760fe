//! A log that grows leaf by leaf and answers for every past size.
//!
//! Each leaf and each full subtree is a node with a fixed hash. [`Frontier::append`] returns the
//! nodes that a leaf completes, the caller stores them, and [`History`] needs O(log n) of them for
//! any proof at any size.

use super::{empty_root, inner_hash, out_of_range};
use crate::Error;
use codec::cbor::{Decoder, Encoder};
use crypto::{Hash32, Suite};

/// A full subtree: 2^level leaves, beginning at leaf `index * 2^level`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId {
    /// Height above the leaves; 0 is a leaf hash.
    pub level: u8,
    /// Place among the nodes of its level, from the left.
    pub index: u64,
}

impl NodeId {
    /// The key under which the store keeps this node (9 bytes: level, then index big endian).
    pub fn storage_key(&self) -> [u8; 9] {
        let mut key = [self.level; 9];
        key[1..].copy_from_slice(&self.index.to_be_bytes());
        key
    }
}

/// Where the log reads the nodes that appending returned.
pub trait NodeReader {
    /// Hash of this node. A node that was returned by an append MUST be found.
    fn node(&self, id: NodeId) -> Result<Hash32, Error>;
}

/// The right edge of a log: enough to append and to know the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frontier {
    suite: Suite,
    size: u64,
    /// Roots of the full subtrees, largest first; one for each bit set in `size`.
    peaks: Vec<Hash32>,
}

impl Frontier {
    /// A log without leaves.
    pub fn new(suite: Suite) -> Self {
        Frontier {
            suite,
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Leaves in the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the log as it stands.
    pub fn root(&self) -> Hash32 {
        fold_peaks(self.suite, &self.peaks)
    }

    /// Appends a leaf hash and returns the nodes to store: the leaf, then each subtree that it
    /// completes, upwards.
    pub fn append(&mut self, leaf: Hash32) -> Vec<(NodeId, Hash32)> {
        let completed = self.size.trailing_ones() as u8;
        let mut nodes = Vec::with_capacity(usize::from(completed) + 1);
        let (mut hash, mut index) = (leaf, self.size);
        nodes.push((NodeId { level: 0, index }, hash));
        for level in 1..=completed {
            // one peak for each bit set in the size
            let left = self
                .peaks
                .pop()
                .expect("a peak for each low bit of the size");
            hash = inner_hash(self.suite, &left, &hash);
            index >>= 1;
            nodes.push((NodeId { level, index }, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        nodes
    }

    /// Canonical CBOR: `[size, [* peak]]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(16 + 34 * self.peaks.len());
        encoder.array(2);
        encoder.uint(self.size);
        encoder.array(self.peaks.len());
        for peak in &self.peaks {
            encoder.bytes(&peak.0);
        }
        encoder.into_bytes()
    }

    /// Decodes strictly.
    ///
    /// Errors: `log.malformed`.
    pub fn decode(suite: Suite, bytes: &[u8]) -> Result<Self, Error> {
        Self::read(suite, bytes).map_err(|what| Error::new("log.malformed", what))
    }

    fn read(suite: Suite, bytes: &[u8]) -> Result<Self, String> {
        let cbor = |error: codec::Error| error.to_string();
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(2).map_err(cbor)?;
        let size = decoder.uint().map_err(cbor)?;
        if size == u64::MAX {
            return Err("the log is full".into());
        }
        decoder
            .array_exact(size.count_ones() as usize)
            .map_err(cbor)?;
        let mut peaks = Vec::new();
        for _ in 0..size.count_ones() {
            peaks.push(Hash32(decoder.bytes_exact::<32>().map_err(cbor)?));
        }
        decoder.finish().map_err(cbor)?;
        Ok(Frontier { suite, size, peaks })
    }
}

/// A log with its stored nodes: proofs at any past size.
pub struct History<'a> {
    suite: Suite,
    size: u64,
    reader: &'a dyn NodeReader,
}

impl<'a> History<'a> {
    /// The log that ends at this frontier; `reader` knows its nodes.
    pub fn new(frontier: &Frontier, reader: &'a dyn NodeReader) -> Self {
        History {
            suite: frontier.suite,
            size: frontier.size,
            reader,
        }
    }

    /// The frontier as it was at this size.
    ///
    /// Errors: `log.out_of_range`; whatever the reader returns.
    pub fn frontier_at(&self, size: u64) -> Result<Frontier, Error> {
        self.within("size", size, self.size)?;
        let mut peaks = Vec::with_capacity(size.count_ones() as usize);
        for level in (0..64u8).rev().filter(|level| size >> level & 1 == 1) {
            peaks.push(self.reader.node(NodeId {
                level,
                index: (size >> level) - 1,
            })?);
        }
        Ok(Frontier {
            suite: self.suite,
            size,
            peaks,
        })
    }

    /// Root of the log when it had `size` leaves.
    ///
    /// Errors: `log.out_of_range`; whatever the reader returns.
    pub fn root_at(&self, size: u64) -> Result<Hash32, Error> {
        Ok(self.frontier_at(size)?.root())
    }

    /// Inclusion path of leaf `index` in the log of `size` leaves, nearest sibling first.
    ///
    /// Errors: `log.out_of_range`; whatever the reader returns.
    pub fn path(&self, index: u64, size: u64) -> Result<Vec<Hash32>, Error> {
        self.within("size", size, self.size)?;
        if index >= size {
            return Err(out_of_range("leaf", index, size));
        }
        let (mut from, mut to, mut path) = (0, size, Vec::new());
        while to - from > 1 {
            let middle = from + left_size(to - from);
            if index < middle {
                path.push(self.range(middle, to)?);
                to = middle;
            } else {
                path.push(self.range(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// Proof that the log of `old` leaves is a prefix of the log of `new` leaves.
    ///
    /// Errors: `log.out_of_range` unless 0 < `old` <= `new` <= size; whatever the reader returns.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash32>, Error> {
        self.within("size", new, self.size)?;
        if old == 0 || old > new {
            return Err(out_of_range("old size", old, new));
        }
        let (mut from, mut to, mut known, mut proof) = (0, new, true, Vec::new());
        while old < to {
            let middle = from + left_size(to - from);
            if old <= middle {
                proof.push(self.range(middle, to)?);
                to = middle;
            } else {
                proof.push(self.range(from, middle)?);
                from = middle;
                known = false;
            }
        }
        if !known {
            proof.push(self.range(from, to)?);
        }
        proof.reverse();
        Ok(proof)
    }

    /// Root over the leaves `from..to`, a subtree of the log at some size: the full subtrees that
    /// it falls into, folded from the right.
    fn range(&self, from: u64, to: u64) -> Result<Hash32, Error> {
        let (mut from, mut peaks) = (from, Vec::new());
        while from < to {
            let level = (to - from).ilog2() as u8;
            peaks.push(self.reader.node(NodeId {
                level,
                index: from >> level,
            })?);
            from += 1 << level;
        }
        Ok(fold_peaks(self.suite, &peaks))
    }

    fn within(&self, what: &str, value: u64, size: u64) -> Result<(), Error> {
        if value > size {
            return Err(out_of_range(what, value, size));
        }
        Ok(())
    }
}

/// Leaves in the left half of a tree of `size` >= 2 leaves.
fn left_size(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn fold_peaks(suite: Suite, peaks: &[Hash32]) -> Hash32 {
    let join = |right: Hash32, left: &Hash32| inner_hash(suite, left, &right);
    match peaks.split_last() {
        None => empty_root(suite),
        Some((last, rest)) => rest.iter().rev().fold(*last, join),
    }
}
