//! Where the chain stands: everything that the next block is built on, and how it is kept in the store.

use std::sync::Arc;

use crypto::{Hash32, Suite};
use store::{Keyspace, View};
use tree::{BucketId, BucketReader, StateTree};

use crate::closing;
use crate::formats::header::Header;
use crate::members::Directory;
use crate::replay::Digests;
use crate::runtime::Contracts;
use crate::sealing::Sets;
use crate::Error;

/// The chain's last block and what hangs on it. Cloned for each block: the tree and the tables are shared.
#[derive(Clone)]
pub(crate) struct Head {
    pub header: Arc<Header>,
    pub header_bytes: Arc<[u8]>,
    pub header_hash: Hash32,
    pub tree: StateTree,
    pub history: tree::log::Frontier,
    pub digests: Digests,
    pub directory: Arc<Directory>,
    pub contracts: Arc<Contracts>,
    /// Which set seals which headers, up to this one.
    pub sets: Arc<Sets>,
    /// The row that closed the chain; none where it is open.
    pub closed: Option<closing::Row>,
    /// The store's content after this block.
    pub view: View,
}

impl Head {
    pub fn height(&self) -> u64 {
        self.header.height
    }
}

/// Nodes of the history tree as a view shows them.
pub(crate) struct Nodes<'a>(pub &'a View);

impl tree::log::NodeReader for Nodes<'_> {
    fn node(&self, id: tree::log::NodeId) -> Result<Hash32, tree::Error> {
        let missing = || {
            tree::Error::new(
                "history.missing_node",
                format!("level {} index {}", id.level, id.index),
            )
        };
        let bytes = self
            .0
            .get(Keyspace::History, &id.storage_key())
            .map_err(|error| tree::Error::new(error.code, error.message))?
            .ok_or_else(missing)?;
        Ok(Hash32(bytes.as_ref().try_into().map_err(|_| missing())?))
    }
}

/// Keys of the Meta keyspace.
pub(crate) mod meta {
    /// Header and seal of a height.
    pub fn header(height: u64) -> [u8; 9] {
        tagged(b'h', height)
    }

    /// Ids of a height, for the replay check after a restart.
    pub fn ids(height: u64) -> [u8; 9] {
        tagged(b'i', height)
    }

    /// Buckets that a height changed, for the tree after a restart.
    pub fn buckets(height: u64) -> [u8; 9] {
        tagged(b'b', height)
    }

    /// The set that seals from a height on, where it is another one than before.
    pub fn set(height: u64) -> [u8; 9] {
        tagged(b's', height)
    }

    /// Digests of the replay segments.
    pub const DIGESTS: &[u8] = b"digests";
    /// Heights without seal, in a network.
    pub const UNSEALED: &[u8] = b"unsealed";
    /// Frontier of the history tree.
    pub const FRONTIER: &[u8] = b"frontier";

    fn tagged(tag: u8, height: u64) -> [u8; 9] {
        let mut key = [tag; 9];
        key[1..].copy_from_slice(&height.to_be_bytes());
        key
    }
}

/// Buckets as a view shows them.
pub(crate) struct Buckets<'a>(pub &'a View);

impl BucketReader for Buckets<'_> {
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, tree::Error> {
        self.0
            .get(Keyspace::Buckets, &id.storage_key())
            .map(|bytes| bytes.map(|bytes| bytes.to_vec()))
            .map_err(|error| tree::Error::new(error.code, error.message))
    }
}

/// Header and seal as Meta keeps them.
pub(crate) fn encode_sealed(header: &[u8], seal: Option<&[u8]>) -> Vec<u8> {
    let mut encoder = codec::cbor::Encoder::with_capacity(header.len() + 256);
    encoder.array(2).bytes(header);
    match seal {
        Some(seal) => encoder.raw(seal),
        None => encoder.null(),
    };
    encoder.into_bytes()
}

/// Header bytes and seal.
pub(crate) type Sealed = (Vec<u8>, Option<Vec<u8>>);

/// Reads what [`encode_sealed`] wrote.
pub(crate) fn decode_sealed(bytes: &[u8]) -> Result<Sealed, Error> {
    let mut decoder = codec::cbor::Decoder::new(bytes);
    decoder.array_exact(2)?;
    let header = decoder.bytes()?.to_vec();
    let seal = decoder.skip()?;
    decoder.finish()?;
    Ok((header, (seal != [0xf6]).then(|| seal.to_vec())))
}

/// The sealed header of a height.
pub(crate) fn sealed(view: &View, height: u64) -> Result<Option<Sealed>, Error> {
    match view.get(Keyspace::Meta, &meta::header(height))? {
        Some(bytes) => Ok(Some(decode_sealed(&bytes)?)),
        None => Ok(None),
    }
}

/// Hash of a header's bytes.
pub(crate) fn header_hash(suite: Suite, header: &[u8]) -> Hash32 {
    suite.hash(header)
}
