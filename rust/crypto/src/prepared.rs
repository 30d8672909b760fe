use std::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};

use crate::limits::PUBLIC_KEY_BYTES;
use crate::Error;

/// A public key with its point already computed, for keys that sign often: computing the point
/// is a third of what checking a signature in a batch costs. Takes 192 bytes.
#[derive(Copy, Clone)]
pub struct PreparedKey {
    bytes: [u8; PUBLIC_KEY_BYTES],
    pub(crate) point: EdwardsPoint,
}

impl PreparedKey {
    /// Prepares a public key; `crypto.bad_key` if it is not a point of the curve. As ZIP-215 asks,
    /// spellings that are not canonical are accepted here ([`crate::Suite::check_public_key`] is
    /// the check at registration).
    pub fn new(public: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, Error> {
        let point = CompressedEdwardsY(*public)
            .decompress()
            .ok_or_else(Error::bad_key)?;
        Ok(PreparedKey {
            bytes: *public,
            point,
        })
    }

    /// The public key.
    pub fn public(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.bytes
    }
}

impl PartialEq for PreparedKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PreparedKey {}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("PreparedKey")
            .field(&self.bytes)
            .finish()
    }
}
