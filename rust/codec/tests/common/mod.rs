//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses a part")]

use codec::cbor::Value;
use codec::key::Part;
use num_bigint::{BigInt, Sign};
use proptest::prelude::*;

/// Bytes of hex digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Integers of all sizes up to 4,096 bits, those around the borders of a width more often.
pub fn integers() -> impl Strategy<Value = BigInt> {
    let long = (any::<bool>(), prop::collection::vec(any::<u8>(), 0..=512));
    let long = long.prop_map(|(negative, bytes)| {
        BigInt::from_bytes_be(if negative { Sign::Minus } else { Sign::Plus }, &bytes)
    });
    let border = (0_u32..=4095, -2_i32..=2, any::<bool>()).prop_map(|(bits, offset, negative)| {
        let border = (BigInt::from(1) << bits) + offset;
        if negative {
            -border
        } else {
            border
        }
    });
    let small = prop_oneof![any::<i64>(), -300_i64..300].prop_map(BigInt::from);
    prop_oneof![small, border, long]
}

/// Strings, with many zero bytes and bytes that mean something to the key encoding.
pub fn byte_strings() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0_u8), Just(1), Just(0xff), Just(0xfe), any::<u8>()];
    prop::collection::vec(byte, 0..12)
}

/// Text of all planes, with many zero characters.
pub fn texts() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        Just('\0'),
        Just('\u{1}'),
        Just('a'),
        Just('\u{10ffff}'),
        any::<char>()
    ];
    prop::collection::vec(char, 0..8).prop_map(String::from_iter)
}

/// Values as decoding gives them, but for the order of map entries.
pub fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers().prop_map(Value::from_bigint),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        texts().prop_map(Value::Text),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..6).prop_map(without_equal_keys),
        ]
    })
}

fn without_equal_keys(entries: Vec<(Value, Value)>) -> Value {
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (key, value) in entries {
        let encoded = codec::cbor::encode(&key).unwrap();
        if kept
            .iter()
            .all(|(other, _)| codec::cbor::encode(other).unwrap() != encoded)
        {
            kept.push((key, value));
        }
    }
    Value::Map(kept)
}

/// Key parts of one type.
pub fn part_of(kind: u8) -> BoxedStrategy<Part> {
    match kind {
        0 => any::<bool>().prop_map(Part::Bool).boxed(),
        1 => integers().prop_map(integer_part).boxed(),
        2 => byte_strings().prop_map(Part::Bytes).boxed(),
        _ => texts().prop_map(Part::Text).boxed(),
    }
}

/// An integer as decoding gives it.
pub fn integer_part(integer: BigInt) -> Part {
    match i64::try_from(&integer) {
        Ok(small) => Part::Int(small),
        Err(_) => Part::BigInt(integer),
    }
}
