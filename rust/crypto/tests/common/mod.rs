//! What the tests of this crate share: hex, third-party vectors, crafted signatures.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use crypto::{Check, PreparedCheck, PreparedKey, SigningKey, Suite};
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

pub const SUITE: Suite = Suite::One;

/// A signature over a message, good or bad.
#[derive(Clone, Debug)]
pub struct Sample {
    pub key: [u8; 32],
    pub message: Vec<u8>,
    pub signature: [u8; 64],
}

impl Sample {
    pub fn check(&self) -> Check<'_> {
        Check {
            key: &self.key,
            message: &self.message,
            signature: &self.signature,
        }
    }

    /// The verdict of the single check.
    pub fn valid(&self) -> bool {
        SUITE
            .verify(&self.key, &self.message, &self.signature)
            .is_ok()
    }
}

/// The verdicts of both batch interfaces, which agree.
pub fn batch_verdicts(samples: &[Sample]) -> Vec<bool> {
    let checks: Vec<Check<'_>> = samples.iter().map(Sample::check).collect();
    let verdicts = SUITE.verify_many(&checks);
    let keys: Vec<Option<PreparedKey>> = samples
        .iter()
        .map(|sample| PreparedKey::new(&sample.key).ok())
        .collect();
    let known: Vec<usize> = (0..samples.len())
        .filter(|&index| keys[index].is_some())
        .collect();
    let prepare = |&index: &usize| PreparedCheck {
        key: keys[index].as_ref().unwrap(),
        message: &samples[index].message,
        signature: &samples[index].signature,
    };
    let prepared: Vec<PreparedCheck<'_>> = known.iter().map(prepare).collect();
    let mut by_prepared = vec![false; samples.len()];
    for (index, verdict) in known.into_iter().zip(SUITE.verify_many_prepared(&prepared)) {
        by_prepared[index] = verdict;
    }
    assert_eq!(verdicts, by_prepared);
    verdicts
}

/// A good signature by the key of this seed.
pub fn good(seed: u64, message: &[u8]) -> Sample {
    let key = signing_key(seed);
    Sample {
        key: *key.public(),
        message: message.to_vec(),
        signature: key.sign(message),
    }
}

pub fn signing_key(seed: u64) -> SigningKey {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    SigningKey::from_seed(&bytes)
}

/// A signature whose key and R carry torsion components: it satisfies the equation only when that
/// is multiplied by the cofactor.
pub fn with_torsion(seed: u64, message: &[u8], of_key: usize, of_r: usize) -> Sample {
    let scalar = |label: &[u8]| {
        let hash = Sha512::new_with_prefix(seed.to_le_bytes())
            .chain_update(label)
            .finalize();
        Scalar::from_bytes_mod_order_wide(&hash.into())
    };
    let (secret, nonce) = (scalar(b"secret"), scalar(b"nonce"));
    let key = (&secret * ED25519_BASEPOINT_TABLE + EIGHT_TORSION[of_key])
        .compress()
        .to_bytes();
    let r = (&nonce * ED25519_BASEPOINT_TABLE + EIGHT_TORSION[of_r])
        .compress()
        .to_bytes();
    let s = nonce + challenge(&r, &key, message) * secret;
    Sample {
        key,
        message: message.to_vec(),
        signature: joined(&r, s.as_bytes()),
    }
}

pub fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new_with_prefix(r)
        .chain_update(key)
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

pub fn joined(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice(s);
    signature
}

/// The same signature with a multiple of the group order added to s; it no longer counts.
pub fn with_large_s(mut sample: Sample) -> Sample {
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in sample.signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    sample
}

/// A vector file below the folder of third-party data, or `None` with a message where that is
/// not at hand.
pub fn vectors(path: &str) -> Option<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("LIANHENG_DATA")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let file = root.join(data).join("vectors").join(path);
    if !file.exists() {
        eprintln!("skipped: {path} is not under LIANHENG_DATA (default ../shared/data)");
        return None;
    }
    let text = std::fs::read_to_string(&file).expect("the vectors are readable");
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

pub fn field<'a>(vector: &'a serde_json::Value, name: &str) -> &'a str {
    vector[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text in field {name}"))
}

/// Bytes of hex digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub fn unhex_exact<const N: usize>(digits: &str) -> [u8; N] {
    unhex(digits)
        .try_into()
        .unwrap_or_else(|_| panic!("{digits} are not {N} bytes"))
}
