//! Buckets as the store holds them: runs of leaves that share a key prefix.
//!
//! Stored value, version 1: one byte version, one byte depth (bits of the prefix), then the leaves
//! in ascending key order, 64 bytes each (key hash, value hash). An empty bucket is not stored.
//! The storage key is the prefix, left aligned in 8 bytes, so buckets sort as their keys do.

use crate::hash::EMPTY;
use crate::leaves::Bucket;
use crate::limits::{MAX_BUCKET_DEPTH, MAX_BUCKET_LEAVES, MAX_STORED_LEAVES};
use crate::{Error, Leaf};
use crypto::Suite;
use std::cmp::Ordering;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 2;
const LEAF_BYTES: usize = 64;

/// Where a bucket begins: its key prefix, left aligned, the remaining bits zero.
///
/// Buckets never overlap, so the first key of its range names a bucket.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BucketId(pub(crate) u64);

impl BucketId {
    /// The key under which the store keeps this bucket (8 bytes, big endian).
    pub fn storage_key(&self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The bucket kept under this storage key.
    ///
    /// Errors: `tree.bad_bucket_id` when the key is not 8 bytes long.
    pub fn from_storage_key(key: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; 8] = key.try_into().map_err(|_| {
            let text = format!(
                "a bucket's storage key has 8 bytes, this one has {}",
                key.len()
            );
            Error::new("tree.bad_bucket_id", text)
        })?;
        Ok(BucketId(u64::from_be_bytes(bytes)))
    }
}

impl std::fmt::Display for BucketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where the tree reads its buckets.
///
/// MUST show every bucket change that an earlier update returned, whether it is on disk or not.
/// MAY be called from several threads at once.
pub trait BucketReader: Sync {
    /// The stored bytes of this bucket, or None when there are none.
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, Error>;
}

/// A reader without buckets, for an empty tree.
pub struct NoBuckets;

impl BucketReader for NoBuckets {
    fn bucket(&self, _id: &BucketId) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
}

/// Decodes stored bytes strictly and hashes the leaves. Returns them and the bucket's depth.
pub(crate) fn decode(suite: Suite, id: BucketId, bytes: &[u8]) -> Result<(Bucket, u8), Error> {
    let (body, depth) = check(id, bytes).map_err(|what| {
        let text = format!("bucket {id}: {what}; rebuild from the blocks");
        Error::new("tree.corrupt_bucket", text)
    })?;
    let leaves = body.chunks_exact(LEAF_BYTES).map(leaf_from);
    Ok((Bucket::new(suite, leaves, depth), depth))
}

/// The bytes of the leaves, and the depth.
fn check(id: BucketId, bytes: &[u8]) -> Result<(&[u8], u8), String> {
    let [version, depth, body @ ..] = bytes else {
        return Err(format!("{} bytes, shorter than its header", bytes.len()));
    };
    if *version != VERSION {
        return Err(format!("version {version}, known is {VERSION}"));
    }
    let most = match depth.cmp(&MAX_BUCKET_DEPTH) {
        Ordering::Less => MAX_BUCKET_LEAVES,
        Ordering::Equal => MAX_STORED_LEAVES,
        Ordering::Greater => return Err(format!("depth {depth}, at most {MAX_BUCKET_DEPTH}")),
    };
    let count = body.len() / LEAF_BYTES;
    if count == 0 || count > most || body.len() % LEAF_BYTES != 0 {
        return Err(format!("{} bytes of leaves at depth {depth}", body.len()));
    }
    let keys = || body.chunks_exact(LEAF_BYTES).map(|leaf| &leaf[..32]);
    if !keys().zip(keys().skip(1)).all(|(key, next)| key < next) {
        return Err("leaves out of order".into());
    }
    if !keys().all(|key| covers(id.0, *depth, key)) {
        return Err(format!("a leaf outside its range at depth {depth}"));
    }
    Ok((body, *depth))
}

/// Stored bytes of a bucket at `depth`.
pub(crate) fn encode(bucket: &Bucket, depth: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + LEAF_BYTES * bucket.len());
    bytes.extend_from_slice(&[VERSION, depth]);
    for leaf in bucket.leaves() {
        bytes.extend_from_slice(&leaf.key.0);
        bytes.extend_from_slice(&leaf.value.0);
    }
    bytes
}

/// The leading 64 bits of a key hash.
fn leading_bits(key: &[u8]) -> u64 {
    key[..8]
        .iter()
        .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// True when `key` lies in the range of the bucket at `prefix` and `depth`.
fn covers(prefix: u64, depth: u8, key: &[u8]) -> bool {
    depth == 0 || (leading_bits(key) ^ prefix) >> (64 - u32::from(depth)) == 0
}

/// The leaf in these 64 bytes.
fn leaf_from(bytes: &[u8]) -> Leaf {
    let mut leaf = Leaf {
        key: EMPTY,
        value: EMPTY,
    };
    leaf.key.0.copy_from_slice(&bytes[..32]);
    leaf.value.0.copy_from_slice(&bytes[32..]);
    leaf
}
