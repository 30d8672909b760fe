//! The levels in memory as bytes, so that opening does not read every bucket.
//!
//! Version 1: magic `LHTREE` and a byte of version; suite number (8 bytes); root (32); leaves in
//! all (8); the tree in preorder; the suite's hash of everything before (32). A node of the tree is one byte: 0 empty;
//! 1 inner, its left and right subtree follow; 2 a bucket, its leaf count (8 bytes) and root (32)
//! follow; 2 + n a bucket of n leaves (1 to 16), its root follows. Integers are big endian.

use crate::layout::above;
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, MAX_STORED_LEAVES};
use crate::node::{Child, Place};
use crate::state::StateTree;
use crate::Error;
use crypto::{Hash32, Suite};

const MAGIC: &[u8; 7] = b"LHTREE\x01";
const EMPTY_NODE: u8 = 0;
const INNER_NODE: u8 = 1;
const LARGE_BUCKET: u8 = 2;

impl StateTree {
    /// The levels in memory with the roots of all buckets, checksummed: about 34 bytes a bucket.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128 + usize::try_from(self.len()).unwrap_or(0) * 7 / 2);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.suite.number().to_be_bytes());
        bytes.extend_from_slice(&self.root().0);
        bytes.extend_from_slice(&self.len().to_be_bytes());
        write(&self.top, &mut bytes);
        let sum = self.suite.hash(&bytes);
        bytes.extend_from_slice(&sum.0);
        bytes
    }

    /// The tree that made this checkpoint.
    ///
    /// Errors: `tree.corrupt_checkpoint`; the answer is to rebuild from the buckets.
    pub fn from_checkpoint(suite: Suite, bytes: &[u8]) -> Result<Self, Error> {
        let top = read(suite, bytes).map_err(|what| {
            let text = format!("{what}; drop this checkpoint and rebuild from the buckets");
            Error::new("tree.corrupt_checkpoint", text)
        })?;
        Ok(StateTree::with_top(suite, top))
    }
}

fn write(child: &Child, bytes: &mut Vec<u8>) {
    if let Some(inner) = &child.inner {
        bytes.push(INNER_NODE);
        write(&inner.left, bytes);
        write(&inner.right, bytes);
        return;
    }
    match u8::try_from(child.leaves) {
        Ok(0) => return bytes.push(EMPTY_NODE),
        Ok(small) if usize::from(small) <= MAX_BUCKET_LEAVES => bytes.push(LARGE_BUCKET + small),
        _ => {
            bytes.push(LARGE_BUCKET);
            bytes.extend_from_slice(&child.leaves.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&child.hash.0);
}

fn read(suite: Suite, bytes: &[u8]) -> Result<Child, String> {
    let (body, sum) = bytes
        .split_last_chunk::<32>()
        .ok_or("shorter than its checksum")?;
    if suite.hash(body).0 != *sum {
        return Err("its checksum does not fit".into());
    }
    let mut input = Input { rest: body };
    if input.take::<7>()? != *MAGIC {
        return Err("unknown magic or version".into());
    }
    let number = u64::from_be_bytes(input.take()?);
    if number != suite.number() {
        return Err(format!(
            "made with suite {number}, this chain has {}",
            suite.number()
        ));
    }
    let root = Hash32(input.take()?);
    let leaves = u64::from_be_bytes(input.take()?);
    let top = input.node(suite, Place::ROOT)?;
    if !input.rest.is_empty() {
        return Err(format!("{} bytes follow its last node", input.rest.len()));
    }
    if (top.hash, top.leaves) != (root, leaves) {
        return Err(format!(
            "it claims root {root} over {leaves} leaves, its nodes give {} over {}",
            top.hash, top.leaves
        ));
    }
    Ok(top)
}

struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or("it ends early")?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Recursion ends at depth 64.
    fn node(&mut self, suite: Suite, place: Place) -> Result<Child, String> {
        let [tag] = self.take()?;
        let count = match tag {
            EMPTY_NODE => return Ok(Child::EMPTY),
            INNER_NODE if place.depth < MAX_BUCKET_DEPTH => {
                let left = self.node(suite, place.left())?;
                let right = self.node(suite, place.right())?;
                return above(suite, left, right, place).map_err(|error| error.message);
            }
            LARGE_BUCKET if place.depth == MAX_BUCKET_DEPTH => u64::from_be_bytes(self.take()?),
            _ if tag > LARGE_BUCKET => u64::from(tag - LARGE_BUCKET),
            _ => return Err(format!("node tag {tag} at depth {}", place.depth)),
        };
        let small = count <= MAX_BUCKET_LEAVES as u64;
        if count == 0 || count > MAX_STORED_LEAVES as u64 || small == (tag == LARGE_BUCKET) {
            return Err(format!("node tag {tag} for {count} leaves"));
        }
        Ok(Child::bucket(Hash32(self.take()?), count))
    }
}
