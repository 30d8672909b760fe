use std::fmt;

use ed25519_zebra::VerificationKeyBytes;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::limits::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES};

/// A private key of suite 1. Its memory is wiped when it is dropped.
pub struct SigningKey {
    key: ed25519_zebra::SigningKey,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl SigningKey {
    /// The key of a seed (RFC 8032 section 5.1.5), which MUST come from a good random source.
    /// The caller wipes its own copy of the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_zebra::SigningKey::from(*seed);
        let public = VerificationKeyBytes::from(&key).into();
        SigningKey { key, public }
    }

    /// The public key.
    pub fn public(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public
    }

    /// The signature over `message` (RFC 8032 section 5.1.6).
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.key.sign(message).into()
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl ZeroizeOnDrop for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(..)")
    }
}
