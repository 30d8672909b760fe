use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::{Signature, VerificationKey};
use sha2::{Digest, Sha256};

use crate::limits::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::{batch, hash, Error, Hash32, PreparedKey};

/// A fixed choice of hash and signature, named by number in the genesis.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Suite {
    /// Ed25519 under ZIP-215 and SHA-256.
    One,
}

/// A signature to check.
#[derive(Copy, Clone, Debug)]
pub struct Check<'a> {
    /// The public key that signed.
    pub key: &'a [u8; PUBLIC_KEY_BYTES],
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// A signature to check with a prepared key.
#[derive(Copy, Clone, Debug)]
pub struct PreparedCheck<'a> {
    /// The public key that signed.
    pub key: &'a PreparedKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// Ed25519 as fully specified algorithm (RFC 9864 section 2.2).
const ALGORITHM_ED25519: i64 = -19;

/// `{1: 1 (OKP), -1: 6 (Ed25519), -2: x}` in deterministic encoding, up to the bytes of x.
const COSE_KEY_START: [u8; 8] = [0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20];

impl Suite {
    /// The suite of a number, as the genesis has it.
    pub fn from_number(number: u64) -> Result<Suite, Error> {
        match number {
            1 => Ok(Suite::One),
            _ => {
                let message = format!("suite {number} is not known: this build knows suite 1");
                Err(Error::new("crypto.unknown_suite", message))
            }
        }
    }

    /// The number of the suite.
    pub fn number(&self) -> u64 {
        match self {
            Suite::One => 1,
        }
    }

    /// The hash of `bytes`.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> Hash32 {
        Hash32(Sha256::digest(bytes).into())
    }

    /// The hash of all parts, one after the other.
    #[inline]
    pub fn hash_parts(&self, parts: &[&[u8]]) -> Hash32 {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash32(hasher.finalize().into())
    }

    /// The hash of a prefix and two hashes: an inner node of a Merkle tree. The same as
    /// [`hash_parts`](Suite::hash_parts) of the three, a quarter faster for prefixes to 55 bytes.
    #[inline]
    pub fn hash_nodes(&self, prefix: &[u8], left: &Hash32, right: &Hash32) -> Hash32 {
        hash::sha256_of_nodes(prefix, left, right)
            .unwrap_or_else(|| self.hash_parts(&[prefix, &left.0, &right.0]))
    }

    /// The COSE number of the signature algorithm.
    pub fn algorithm(&self) -> i64 {
        match self {
            Suite::One => ALGORITHM_ED25519,
        }
    }

    /// The public key as COSE_Key with the required fields only (RFC 9053 section 7.2).
    pub fn cose_key(&self, public: &[u8; PUBLIC_KEY_BYTES]) -> Vec<u8> {
        [&COSE_KEY_START[..], public].concat()
    }

    /// The id of a public key: its COSE key thumbprint (RFC 9679).
    pub fn key_id(&self, public: &[u8; PUBLIC_KEY_BYTES]) -> Hash32 {
        self.hash_parts(&[&COSE_KEY_START, public])
    }

    /// Checks a public key before it is registered. A registered key is a point of the curve in
    /// its only spelling, and not of small order, for which anybody could sign.
    pub fn check_public_key(&self, public: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), Error> {
        let compressed = CompressedEdwardsY(*public);
        let point = compressed.decompress().ok_or_else(Error::bad_key)?;
        if point.is_small_order() {
            let message = "anybody can sign for this public key: its order is small";
            return Err(Error::new("crypto.small_order_key", message));
        }
        if point.compress() != compressed {
            let message = "the public key is not in its canonical spelling";
            return Err(Error::new("crypto.key_not_canonical", message));
        }
        Ok(())
    }

    /// Checks one signature: the verdict of the ledger (ZIP-215).
    pub fn verify(
        &self,
        public: &[u8; PUBLIC_KEY_BYTES],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let signature = signature.try_into().map_err(|_| {
            let message = format!(
                "a signature has {SIGNATURE_BYTES} bytes, this has {}",
                signature.len()
            );
            Error::new("crypto.signature_length", message)
        })?;
        let key = VerificationKey::try_from(*public).map_err(|_| Error::bad_key())?;
        let verdict = key.verify(&Signature::from_bytes(signature), message);
        verdict.map_err(|_| Error::new("crypto.bad_signature", "the signature does not verify"))
    }

    /// Checks many signatures, spread over the threads of rayon's current pool: for each, whether
    /// [`verify`](Suite::verify) accepts it.
    pub fn verify_many(&self, checks: &[Check<'_>]) -> Vec<bool> {
        batch::verify_many(*self, checks)
    }

    /// As [`verify_many`](Suite::verify_many), with keys that were prepared before.
    pub fn verify_many_prepared(&self, checks: &[PreparedCheck<'_>]) -> Vec<bool> {
        batch::verify_many_prepared(*self, checks)
    }
}
