//! Core deterministic CBOR (RFC 8949 section 4.2.1) over the values that the ledger uses.
//!
//! Values: null, booleans, integers of up to 4,096 bits, byte strings, text strings, arrays and
//! maps. Integers beyond the 64-bit major types are tags 2 and 3 (RFC 8949 section 3.4.3).
//! Refused: floats, undefined, other simple values, other tags, indefinite lengths, longer heads
//! than needed, bignums with leading zeros or that fit a major type, maps out of order or with a
//! key twice, text that is not UTF-8, bytes after the item.
//!
//! [`Decoder`] pulls items without allocating; [`decode`] builds a [`Value`]; [`check`] accepts
//! exactly what [`decode`] accepts.

mod decoder;
mod encoder;
mod head;
mod map;
mod refusal;
mod value;
mod walk;

pub use decoder::{Decoder, Kind, Limits};
pub use encoder::Encoder;
pub use map::MapReader;
pub use value::Value;

use crate::Error;

/// Decodes `bytes`, which MUST be exactly one item in deterministic encoding.
pub fn decode(bytes: &[u8]) -> Result<Value, Error> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.value()?;
    decoder.finish()?;
    Ok(value)
}

/// Encodes `value`; see [`Encoder::value`] for what it refuses.
pub fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    let mut encoder = Encoder::new();
    encoder.value(value)?;
    Ok(encoder.into_bytes())
}

/// Checks that `bytes` are exactly one item in deterministic encoding, without building it.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut decoder = Decoder::new(bytes);
    decoder.skip()?;
    decoder.finish()
}
