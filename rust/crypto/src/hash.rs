use std::fmt;
use std::str::FromStr;

use sha2::block_api::compress256;

use crate::Error;

/// A hash of 32 bytes: of a transaction, a header, a state value, a key.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash32(pub [u8; 32]);

impl Hash32 {
    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Hash32 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash32 {
    fn from(bytes: [u8; 32]) -> Self {
        Hash32(bytes)
    }
}

impl TryFrom<&[u8]> for Hash32 {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |_| {
            Error::new(
                "crypto.hash_length",
                format!("a hash has 32 bytes, this has {}", bytes.len()),
            )
        };
        bytes.try_into().map(Hash32).map_err(wrong)
    }
}

impl fmt::Display for Hash32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hash32({self})")
    }
}

impl FromStr for Hash32 {
    type Err = Error;

    /// Reads 64 hex digits, in either case.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new("crypto.hash_text", "a hash is written as 64 hex digits");
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| Some(digit.to_digit(16)? as u8))
            .collect();
        let digits = digits
            .filter(|digits| digits.len() == 64)
            .ok_or_else(wrong)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Hash32(bytes))
    }
}

/// Start of SHA-256 (FIPS 180-4 section 5.3.3).
const SHA256_START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// SHA-256 of a prefix and two hashes, padded by hand into the two blocks that it fills: a tree
/// hashes little else, and the general hasher spends a quarter of the time on its buffer. `None`
/// if the prefix is too long for two blocks.
#[inline]
pub(crate) fn sha256_of_nodes(prefix: &[u8], left: &Hash32, right: &Hash32) -> Option<Hash32> {
    let mut blocks = [[0; 64]; 2];
    let bytes = blocks.as_flattened_mut();
    let length = prefix.len() + 64;
    if length + 9 > bytes.len() {
        return None;
    }
    bytes[..prefix.len()].copy_from_slice(prefix);
    bytes[prefix.len()..prefix.len() + 32].copy_from_slice(&left.0);
    bytes[prefix.len() + 32..length].copy_from_slice(&right.0);
    bytes[length] = 0x80;
    bytes[120..].copy_from_slice(&(length as u64 * 8).to_be_bytes());
    let mut state = SHA256_START;
    compress256(&mut state, &blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    Some(Hash32(hash))
}
