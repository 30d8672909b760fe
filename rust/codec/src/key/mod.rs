//! Order-preserving encoding of state keys: byte order of encodings is the order of the tuples.
//!
//! A flat state key is the contract's name, the table's name and the parts of the row's key, each
//! encoded and put one after the other. The type codes are those of FoundationDB's tuple layer:
//!
//! | first byte | part | content |
//! |---|---|---|
//! | `01` | byte string | bytes, `00` written as `00 ff`, ended by `00` |
//! | `02` | text | the same over UTF-8 |
//! | `0b` | integer below -(2^64 - 1) | complement of: length in bytes (2 bytes), magnitude |
//! | `0c`-`13` | negative integer | 8 to 1 bytes, complement of the magnitude |
//! | `14` | zero | none |
//! | `15`-`1c` | positive integer | 1 to 8 bytes, big-endian |
//! | `1d` | integer above 2^64 - 1 | length in bytes (2 bytes), magnitude |
//! | `26`, `27` | false, true | none |
//!
//! Parts of one type compare as Python compares them: integers by value whatever their size, text
//! by code point, bytes by byte, false before true; a shorter tuple sorts before its extensions.
//! Integers MUST be in their shortest form, or decoding refuses them.

mod reader;

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

pub use reader::Reader;

use crate::{limits, Error};

const BYTES: u8 = 0x01;
const TEXT: u8 = 0x02;
const LARGE_NEGATIVE: u8 = 0x0b;
const ZERO: u8 = 0x14;
const SMALLEST: u8 = ZERO - 8;
const LARGEST: u8 = ZERO + 8;
const LARGE_POSITIVE: u8 = 0x1d;
const FALSE: u8 = 0x26;
const TRUE: u8 = 0x27;
const ESCAPE: u8 = 0xff;

/// One part of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// False or true.
    Bool(bool),
    /// An integer from -2^63 to 2^63 - 1.
    Int(i64),
    /// An integer outside of [`Part::Int`], of at most 4,096 bits.
    BigInt(BigInt),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
}

/// Appends a text string.
pub fn push_text(key: &mut Vec<u8>, text: &str) {
    push_string(key, TEXT, text.as_bytes());
}

/// Appends a byte string.
pub fn push_bytes(key: &mut Vec<u8>, bytes: &[u8]) {
    push_string(key, BYTES, bytes);
}

/// Appends an integer.
pub fn push_int(key: &mut Vec<u8>, integer: i64) {
    push_magnitude(key, integer < 0, integer.unsigned_abs());
}

/// Appends an integer of any size.
///
/// # Panics
/// Above [`limits::INTEGER_BITS`] bits, which no integer of contract Python reaches: such a key
/// could not be read back.
pub fn push_bigint(key: &mut Vec<u8>, integer: &BigInt) {
    let negative = integer.sign() == Sign::Minus;
    if let Some(magnitude) = integer.magnitude().to_u64() {
        return push_magnitude(key, negative, magnitude);
    }
    assert!(
        integer.bits() <= limits::INTEGER_BITS,
        "key parts have at most {} bits, this integer has {}",
        limits::INTEGER_BITS,
        integer.bits()
    );
    let magnitude = integer.magnitude().to_bytes_be();
    let length = (magnitude.len() as u16).to_be_bytes();
    key.push(if negative {
        LARGE_NEGATIVE
    } else {
        LARGE_POSITIVE
    });
    let mask = if negative { 0xff } else { 0 };
    key.extend(length.iter().chain(&magnitude).map(|byte| byte ^ mask));
}

/// Appends false or true.
pub fn push_bool(key: &mut Vec<u8>, bool: bool) {
    key.push(if bool { TRUE } else { FALSE });
}

/// Appends a part; panics as [`push_bigint`] does.
pub fn push(key: &mut Vec<u8>, part: &Part) {
    match part {
        Part::Bool(bool) => push_bool(key, *bool),
        Part::Int(integer) => push_int(key, *integer),
        Part::BigInt(integer) => push_bigint(key, integer),
        Part::Bytes(bytes) => push_bytes(key, bytes),
        Part::Text(text) => push_text(key, text),
    }
}

/// Encodes a tuple; panics as [`push_bigint`] does.
pub fn encode(parts: &[Part]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        push(&mut key, part);
    }
    key
}

/// Decodes a tuple; refuses all bytes that [`encode`] does not give for the result.
pub fn decode(key: &[u8]) -> Result<Vec<Part>, Error> {
    let mut reader = Reader::new(key);
    let mut parts = Vec::new();
    while let Some(part) = reader.next_part()? {
        parts.push(part);
    }
    Ok(parts)
}

/// The start of all flat keys of a table: the contract's name and the table's name.
pub fn prefix(contract: &str, table: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(contract.len() + table.len() + 32);
    push_text(&mut key, contract);
    push_text(&mut key, table);
    key
}

/// How all keys of a contract start.
pub fn contract_prefix(contract: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(contract.len() + 2);
    push_text(&mut key, contract);
    key
}

/// The first key after all keys that start with `prefix`; `None` when no key can follow them.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.len()
        - prefix
            .iter()
            .rev()
            .take_while(|&&byte| byte == 0xff)
            .count();
    let mut end = prefix[..kept].to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// Splits a flat key into contract, table and the encoded parts of the row's key.
pub fn split(key: &[u8]) -> Result<(String, String, &[u8]), Error> {
    let mut reader = Reader::new(key);
    let contract = reader.text("the contract's name")?;
    let table = reader.text("the table's name")?;
    Ok((contract, table, reader.rest()))
}

fn push_string(key: &mut Vec<u8>, code: u8, bytes: &[u8]) {
    key.reserve(bytes.len() + 2);
    key.push(code);
    for (index, run) in bytes.split(|&byte| byte == 0).enumerate() {
        if index > 0 {
            key.extend_from_slice(&[0, ESCAPE]);
        }
        key.extend_from_slice(run);
    }
    key.push(0);
}

fn push_magnitude(key: &mut Vec<u8>, negative: bool, magnitude: u64) {
    let skipped = magnitude.leading_zeros() as usize / 8;
    let width = 8 - skipped;
    if negative {
        key.push(ZERO - width as u8);
        key.extend_from_slice(&(!magnitude).to_be_bytes()[skipped..]);
    } else {
        key.push(ZERO + width as u8);
        key.extend_from_slice(&magnitude.to_be_bytes()[skipped..]);
    }
}
