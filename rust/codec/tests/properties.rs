//! What holds for all values and all bytes.

mod common;

use codec::cbor::{check, decode, encode, Decoder, Encoder, Value};
use common::{integers, values};
use proptest::prelude::*;

/// Bytes that look like CBOR often enough to get past the first item.
fn nearly_cbor() -> impl Strategy<Value = Vec<u8>> {
    let head = prop_oneof![
        Just(0xf6_u8),
        Just(0xf4),
        Just(0x18),
        Just(0x19),
        Just(0x80),
        Just(0x81),
        Just(0xa1),
        Just(0xa2),
        Just(0x41),
        Just(0x61),
        Just(0xc2),
        Just(0x49),
        any::<u8>()
    ];
    prop::collection::vec(head, 0..24)
}

/// The two ways to read bytes agree, and what they accept encodes to the same bytes.
fn agrees(bytes: &[u8]) -> Result<bool, TestCaseError> {
    match (decode(bytes), check(bytes)) {
        (Ok(value), Ok(())) => {
            prop_assert_eq!(&encode(&value).unwrap()[..], bytes);
            Ok(true)
        }
        (Err(decoding), Err(checking)) => {
            prop_assert_eq!(
                (decoding.code, decoding.offset),
                (checking.code, checking.offset)
            );
            Ok(false)
        }
        (decoded, checked) => Err(TestCaseError::fail(format!("{decoded:?} but {checked:?}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn values_round_trip(value in values()) {
        let bytes = encode(&value).unwrap();
        prop_assert!(agrees(&bytes)?);
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!(encode(&decoded).unwrap(), bytes);
        prop_assert_eq!(sorted(decoded), sorted(value));
    }

    #[test]
    fn integers_round_trip(integer in integers()) {
        let mut encoder = Encoder::new();
        let value = Value::from_bigint(integer.clone());
        prop_assert_eq!(encoder.bigint(&integer).as_slice(), &encode(&value).unwrap()[..]);
        prop_assert_eq!(Decoder::new(encoder.as_slice()).integer().unwrap(), value.clone());
        prop_assert_eq!(decode(encoder.as_slice()).unwrap(), value);
        if let Ok(small) = i64::try_from(&integer) {
            prop_assert_eq!(Encoder::new().int(small).as_slice().to_vec(), encoder.as_slice());
            prop_assert_eq!(Decoder::new(encoder.as_slice()).int(), Ok(small));
        }
        if let Ok(small) = u64::try_from(&integer) {
            prop_assert_eq!(Encoder::new().uint(small).as_slice().to_vec(), encoder.as_slice());
            prop_assert_eq!(Decoder::new(encoder.as_slice()).uint(), Ok(small));
        }
    }

    #[test]
    fn entries_are_sorted_when_written(value in values(), seed in any::<prop::sample::Index>()) {
        let bytes = encode(&value).unwrap();
        prop_assert_eq!(encode(&rotated(value, seed.index(7))).unwrap(), bytes);
    }

    #[test]
    fn any_bytes_are_decided_alike(bytes in nearly_cbor()) {
        agrees(&bytes)?;
    }

    #[test]
    fn skip_gives_the_bytes_of_the_item(first in values(), second in values()) {
        let (first, second) = (encode(&first).unwrap(), encode(&second).unwrap());
        let both = [&first[..], &second[..]].concat();
        let mut decoder = Decoder::new(&both);
        prop_assert_eq!(decoder.skip().unwrap(), &first[..]);
        prop_assert_eq!(decoder.remaining(), second.len());
        prop_assert_eq!(decoder.skip().unwrap(), &second[..]);
        decoder.finish().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_changed_byte_is_refused_or_is_its_own_encoding(value in values()) {
        let mut bytes = encode(&value).unwrap();
        for index in 0..bytes.len().min(160) {
            let kept = bytes[index];
            for other in 0..=u8::MAX {
                bytes[index] = other;
                if agrees(&bytes)? && other != kept {
                    prop_assert_ne!(decode(&bytes).unwrap(), value.clone());
                }
            }
            bytes[index] = kept;
        }
    }

    #[test]
    fn every_cut_and_every_added_byte_is_refused(value in values(), extra in any::<u8>()) {
        let bytes = encode(&value).unwrap();
        for length in 0..bytes.len() {
            prop_assert_eq!(check(&bytes[..length]).unwrap_err().code, "cbor.truncated");
            prop_assert!(!agrees(&bytes[..length])?);
        }
        let longer = [&bytes[..], &[extra]].concat();
        prop_assert_eq!(decode(&longer).unwrap_err().code, "cbor.trailing");
        prop_assert_eq!(decode(&longer).unwrap_err().offset, bytes.len());
    }
}

/// The value with the entries of all maps in another order.
fn rotated(value: Value, by: usize) -> Value {
    match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| rotated(item, by)).collect())
        }
        Value::Map(mut entries) => {
            let length = entries.len().max(1);
            entries.rotate_left(by % length);
            Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (rotated(key, by), rotated(value, by)))
                    .collect(),
            )
        }
        other => other,
    }
}

/// The value with the entries of all maps in the order of their encoded keys.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| (sorted(key), sorted(value)))
                .collect();
            entries.sort_by_key(|(key, _)| encode(key).unwrap());
            Value::Map(entries)
        }
        other => other,
    }
}
