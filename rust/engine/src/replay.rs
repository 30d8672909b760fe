//! Ids that may not come again: per-minute segments, their digests, the replay root.

use std::collections::{BTreeMap, HashSet};

use codec::cbor::{Decoder, Encoder};
use crypto::{Hash32, Suite};

use crate::limits::REPLAY_SEGMENT_MS;
use crate::Error;

/// The part of an id kept in memory. A hit is confirmed against the transaction index, so a shared prefix changes nothing.
pub(crate) type ShortId = [u8; 16];

/// The first half of an id.
pub(crate) fn short(id: &Hash32) -> ShortId {
    let mut short = [0; 16];
    short.copy_from_slice(&id.0[..16]);
    short
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Digest {
    count: u64,
    head: Hash32,
}

/// Counts and digests of the live segments: what the replay root commits to. Small; copied for each block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(BTreeMap<u64, Digest>);

impl Digests {
    /// Adds an id to the segment of its expiry.
    pub fn add(&mut self, suite: Suite, expires: u64, id: Hash32) {
        self.add_to(suite, segment_of(expires), id);
    }

    /// Adds an id to a segment.
    pub fn add_to(&mut self, suite: Suite, segment: u64, id: Hash32) {
        let digest = self.0.entry(segment).or_insert(Digest {
            count: 0,
            head: Hash32([0; 32]),
        });
        digest.count += 1;
        digest.head = suite.hash_parts(&[&digest.head.0, &id.0]);
    }

    /// Drops segments that ended at or before `time`.
    pub fn expire(&mut self, time: u64) {
        self.0 = self.0.split_off(&segment_of(time));
    }

    /// The canonical bytes that the replay root hashes.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(32 + self.0.len() * 48);
        encoder
            .array(2)
            .text("lianheng.replay.1")
            .array(self.0.len());
        for (segment, digest) in &self.0 {
            encoder
                .array(3)
                .uint(*segment)
                .uint(digest.count)
                .bytes(&digest.head.0);
        }
        encoder.into_bytes()
    }

    /// Reads what [`Digests::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(2)?;
        crate::formats::header::expect_tag(&mut decoder, "lianheng.replay.1")?;
        let mut segments = BTreeMap::new();
        for _ in 0..decoder.array()? {
            decoder.array_exact(3)?;
            let segment = decoder.uint()?;
            segments.insert(
                segment,
                Digest {
                    count: decoder.uint()?,
                    head: Hash32(decoder.bytes_exact()?),
                },
            );
        }
        decoder.finish()?;
        Ok(Digests(segments))
    }

    /// The replay root.
    pub fn root(&self, suite: Suite) -> Hash32 {
        suite.hash(&self.encode())
    }
}

/// The segment in which an id with this expiry lives.
pub fn segment_of(expires: u64) -> u64 {
    expires / REPLAY_SEGMENT_MS
}

/// The live ids.
#[derive(Debug, Default)]
pub struct LiveIds(BTreeMap<u64, HashSet<ShortId>>);

impl LiveIds {
    /// Whether an id with this short form lives in the segment of `expires`.
    pub fn may_contain(&self, expires: u64, id: &Hash32) -> bool {
        self.0
            .get(&segment_of(expires))
            .is_some_and(|ids| ids.contains(&short(id)))
    }

    /// Adds an id.
    pub fn add(&mut self, segment: u64, id: ShortId) {
        self.0.entry(segment).or_default().insert(id);
    }

    /// Drops segments that ended at or before `time`.
    pub fn expire(&mut self, time: u64) {
        self.0 = self.0.split_off(&segment_of(time));
    }
}

/// One block's ids as the store keeps them for the next start: segment (8 bytes) and short id each.
pub(crate) fn encode_block_ids(ids: &[(u64, Hash32)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.len() * 24);
    for (segment, id) in ids {
        bytes.extend_from_slice(&segment.to_be_bytes());
        bytes.extend_from_slice(&short(id));
    }
    bytes
}

/// Reads what [`encode_block_ids`] wrote.
pub(crate) fn decode_block_ids(bytes: &[u8]) -> impl Iterator<Item = (u64, ShortId)> + '_ {
    bytes.chunks_exact(24).map(|chunk| {
        let (mut segment, mut id) = ([0; 8], [0; 16]);
        segment.copy_from_slice(&chunk[..8]);
        id.copy_from_slice(&chunk[8..]);
        (u64::from_be_bytes(segment), id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_depends_on_order_and_on_live_segments_only() {
        let suite = Suite::One;
        let (a, b) = (Hash32([1; 32]), Hash32([2; 32]));
        let (mut one, mut two) = (Digests::default(), Digests::default());
        one.add(suite, 60_000, a);
        one.add(suite, 119_999, b);
        two.add(suite, 60_000, b);
        two.add(suite, 60_000, a);
        assert_ne!(one.root(suite), two.root(suite));
        one.expire(119_999);
        assert_ne!(one, Digests::default());
        one.expire(120_000);
        assert_eq!(one, Digests::default());
        assert_eq!(Digests::decode(&two.encode()).unwrap(), two);
    }
}
