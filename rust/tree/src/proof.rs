//! Proofs that a key holds a value, or is absent.

use crate::hash::{climb, common_bits, leaf_hash, EMPTY};
use crate::limits::MAX_PROOF_SIBLINGS;
use crate::{Error, Leaf};
use codec::cbor::{Decoder, Encoder, Kind};
use crypto::{Hash32, Suite};

/// The hashes beside the path of one key.
///
/// CBOR: `[[* sibling], other / null]`, other = `[key hash, value hash]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Bottom first: the first is the sibling nearest the leaf, the last a child of the root.
    pub siblings: Vec<Hash32>,
    /// Only for absence: the one other leaf of the subtree in which the key would lie. None when
    /// that subtree is empty, and in a proof of presence.
    pub other: Option<Leaf>,
}

impl Proof {
    /// Checks that under `root` the key has the value.
    ///
    /// Errors: `proof.malformed` (not a proof of presence), `proof.mismatch`.
    pub fn verify_presence(
        &self,
        suite: Suite,
        root: Hash32,
        key: Hash32,
        value: Hash32,
    ) -> Result<(), Error> {
        if self.other.is_some() {
            let text = "a proof of presence names no other leaf; this one shows an absence";
            return Err(Error::new("proof.malformed", text));
        }
        self.check(suite, root, key, leaf_hash(suite, &key, &value))
    }

    /// Checks that under `root` the key has no value.
    ///
    /// Errors: `proof.malformed` (the other leaf does not stand in the key's place),
    /// `proof.mismatch`.
    pub fn verify_absence(&self, suite: Suite, root: Hash32, key: Hash32) -> Result<(), Error> {
        let Some(other) = self.other else {
            return self.check(suite, root, key, EMPTY);
        };
        let shared = common_bits(&other.key, &key);
        if other.key == key || shared < self.siblings.len() {
            let text = format!(
                "the other leaf shares {shared} bits with the key, the proof has {} siblings",
                self.siblings.len()
            );
            return Err(Error::new("proof.malformed", text));
        }
        self.check(suite, root, key, leaf_hash(suite, &other.key, &other.value))
    }

    fn check(&self, suite: Suite, root: Hash32, key: Hash32, start: Hash32) -> Result<(), Error> {
        let depth = self.siblings.len();
        if depth > MAX_PROOF_SIBLINGS {
            let text = format!("{depth} siblings, a key has {MAX_PROOF_SIBLINGS} bits");
            return Err(Error::new("proof.malformed", text));
        }
        let path = self.siblings.iter().zip((0..depth).rev());
        let found = path.fold(start, |hash, (sibling, at)| {
            climb(suite, &key, at, &hash, sibling)
        });
        if found != root {
            let text = format!("the proof leads to root {found}, expected is {root}");
            return Err(Error::new("proof.mismatch", text));
        }
        Ok(())
    }

    /// Canonical CBOR of this proof.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(8 + 34 * (self.siblings.len() + 2));
        encoder.array(2);
        encoder.array(self.siblings.len());
        for sibling in &self.siblings {
            encoder.bytes(&sibling.0);
        }
        match &self.other {
            None => encoder.null(),
            Some(leaf) => encoder.array(2).bytes(&leaf.key.0).bytes(&leaf.value.0),
        };
        encoder.into_bytes()
    }

    /// Decodes strictly: canonical, nothing trailing, at most 256 siblings.
    ///
    /// Errors: `proof.malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).map_err(|what| Error::new("proof.malformed", what))
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let cbor = |error: codec::Error| error.to_string();
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(2).map_err(cbor)?;
        let count = decoder.array().map_err(cbor)?;
        if count > MAX_PROOF_SIBLINGS {
            return Err(format!("{count} siblings, at most {MAX_PROOF_SIBLINGS}"));
        }
        let mut siblings = Vec::with_capacity(count);
        for _ in 0..count {
            siblings.push(Hash32(decoder.bytes_exact::<32>().map_err(cbor)?));
        }
        let other = if decoder.peek().map_err(cbor)? == Kind::Null {
            decoder.null().map_err(cbor)?;
            None
        } else {
            decoder.array_exact(2).map_err(cbor)?;
            let key = Hash32(decoder.bytes_exact::<32>().map_err(cbor)?);
            let value = Hash32(decoder.bytes_exact::<32>().map_err(cbor)?);
            Some(Leaf { key, value })
        };
        decoder.finish().map_err(cbor)?;
        Ok(Proof { siblings, other })
    }
}
