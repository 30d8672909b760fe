//! State keys: order, round trips, refusals.

mod common;

use std::cmp::Ordering;

use codec::key::{self, Part};
use common::{byte_strings, integer_part, integers, part_of, texts, unhex};
use num_bigint::BigInt;
use proptest::prelude::*;

/// The order that Python gives two tuples whose parts have the same types.
fn compare(a: &[Part], b: &[Part]) -> Ordering {
    let parts = a
        .iter()
        .zip(b)
        .map(|(a, b)| match (integer(a), integer(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        });
    parts
        .fold(Ordering::Equal, Ordering::then)
        .then(a.len().cmp(&b.len()))
}

fn integer(part: &Part) -> Option<BigInt> {
    match part {
        Part::Int(integer) => Some(BigInt::from(*integer)),
        Part::BigInt(integer) => Some(integer.clone()),
        _ => None,
    }
}

/// Two tuples of the same types; the second shares parts with the first now and then.
fn two_tuples() -> impl Strategy<Value = (Vec<Part>, Vec<Part>)> {
    let kinds = prop::collection::vec(0_u8..4, 0..5);
    kinds.prop_flat_map(|kinds| {
        let tuple = || kinds.iter().map(|&kind| part_of(kind)).collect::<Vec<_>>();
        (tuple(), tuple(), any::<u8>(), 0..=kinds.len()).prop_map(|(a, mut b, shared, length)| {
            for (index, part) in b.iter_mut().enumerate() {
                if shared >> index & 1 == 1 {
                    part.clone_from(&a[index]);
                }
            }
            b.truncate(length);
            (a, b)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn order_is_that_of_the_tuples((a, b) in two_tuples()) {
        prop_assert_eq!(key::encode(&a).cmp(&key::encode(&b)), compare(&a, &b));
    }

    #[test]
    fn integers_keep_their_order(a in integers(), b in integers()) {
        let (left, right) = (integer_part(a.clone()), integer_part(b.clone()));
        prop_assert_eq!(key::encode(&[left]).cmp(&key::encode(&[right])), a.cmp(&b));
    }

    #[test]
    fn tuples_round_trip((a, _) in two_tuples()) {
        prop_assert_eq!(key::decode(&key::encode(&a)).unwrap(), a);
    }

    #[test]
    fn what_decodes_encodes_to_the_same(bytes in prop::collection::vec(
        prop_oneof![Just(0_u8), Just(1), Just(2), Just(0xff), 0x0b_u8..=0x1d, Just(0x26), any::<u8>()], 0..20)) {
        if let Ok(parts) = key::decode(&bytes) {
            prop_assert_eq!(key::encode(&parts), bytes);
        }
    }

    #[test]
    fn a_prefix_ends_where_its_keys_end(prefix in byte_strings(), rest in byte_strings(), other in byte_strings()) {
        let inside = [&prefix[..], &rest[..]].concat();
        match key::prefix_end(&prefix) {
            Some(end) => {
                prop_assert!(inside < end);
                prop_assert_eq!(other.starts_with(&prefix), prefix <= other && other < end);
            }
            None => prop_assert!(prefix.iter().all(|&byte| byte == 0xff)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_changed_byte_is_refused_or_is_its_own_encoding(a in byte_strings(), b in texts(), c in byte_strings()) {
        let parts = [Part::Bytes(a), Part::Text(b), Part::Bytes(c)];
        let mut bytes = key::encode(&parts);
        prop_assert_eq!(&key::decode(&bytes).unwrap()[..], &parts[..]);
        for index in 0..bytes.len() {
            let kept = bytes[index];
            for other in 0..=u8::MAX {
                bytes[index] = other;
                if let Ok(changed) = key::decode(&bytes) {
                    prop_assert_eq!(key::encode(&changed), &bytes[..]);
                    prop_assert_eq!(changed[..] == parts[..], other == kept);
                }
            }
            bytes[index] = kept;
        }
    }
}

#[test]
fn bytes_are_those_of_the_format() {
    let text = |text: &str| Part::Text(text.to_owned());
    let big = |digits: &str| Part::BigInt(digits.parse().unwrap());
    let cases: [(Part, &str); 21] = [
        (Part::Bytes(vec![]), "0100"),
        (Part::Bytes(vec![0, 1, 0xff]), "0100ff01ff00"),
        (text(""), "0200"),
        (text("F\0b"), "024600ff6200"),
        (text("\u{6c34}"), "02e6b0b400"),
        (Part::Int(0), "14"),
        (Part::Int(1), "1501"),
        (Part::Int(255), "15ff"),
        (Part::Int(256), "160100"),
        (Part::Int(-1), "13fe"),
        (Part::Int(-255), "1300"),
        (Part::Int(-256), "12feff"),
        (Part::Int(-5_551_212), "11ab4b93"),
        (Part::Int(i64::MAX), "1c7fffffffffffffff"),
        (Part::Int(i64::MIN), "0c7fffffffffffffff"),
        (big("18446744073709551615"), "1cffffffffffffffff"),
        (big("18446744073709551616"), "1d0009010000000000000000"),
        (big("-18446744073709551615"), "0c0000000000000000"),
        (big("-18446744073709551616"), "0bfff6feffffffffffffffff"),
        (Part::Bool(false), "26"),
        (Part::Bool(true), "27"),
    ];
    for (part, encoded) in cases {
        assert_eq!(
            key::encode(std::slice::from_ref(&part)),
            unhex(encoded),
            "{part:?}"
        );
        assert_eq!(key::decode(&unhex(encoded)), Ok(vec![part]), "{encoded}");
    }
}

#[test]
fn malformed_keys_are_named() {
    let large = |length: &str, bytes: usize| format!("1d{length}{}", "01".repeat(bytes));
    let cases = [
        ("00".to_owned(), "key.malformed", 0),
        ("03".to_owned(), "key.malformed", 0),
        ("0a".to_owned(), "key.malformed", 0),
        ("1e".to_owned(), "key.malformed", 0),
        ("25".to_owned(), "key.malformed", 0),
        ("28".to_owned(), "key.malformed", 0),
        ("ff".to_owned(), "key.malformed", 0),
        ("01".to_owned(), "key.truncated", 1),
        ("0141".to_owned(), "key.truncated", 2),
        ("0100ff".to_owned(), "key.truncated", 3),
        ("028000".to_owned(), "key.malformed", 0),
        ("15".to_owned(), "key.truncated", 1),
        ("1601".to_owned(), "key.truncated", 1),
        ("1500".to_owned(), "key.not_canonical", 0),
        ("160001".to_owned(), "key.not_canonical", 0),
        ("13ff".to_owned(), "key.not_canonical", 0),
        ("12ff00".to_owned(), "key.not_canonical", 0),
        ("1d00".to_owned(), "key.truncated", 1),
        (large("0008", 8), "key.not_canonical", 0),
        (large("0009", 8), "key.truncated", 3),
        (
            "1d0009000102030405060708".to_owned(),
            "key.not_canonical",
            0,
        ),
        (
            "0bfff6ff0102030405060708".to_owned(),
            "key.not_canonical",
            0,
        ),
        (large("0201", 513), "key.too_large", 0),
        ("2627141d0000".to_owned(), "key.not_canonical", 3),
    ];
    for (encoded, code, offset) in cases {
        let error = key::decode(&unhex(&encoded)).unwrap_err();
        assert_eq!((error.code, error.offset), (code, offset), "{encoded}");
    }
}

#[test]
fn flat_keys_split_into_contract_table_and_row() {
    let mut flat = key::prefix("trade\0finance", "items");
    let start = flat.len();
    key::push(&mut flat, &Part::Int(7));
    let row = unhex("1507");
    assert_eq!(
        key::split(&flat),
        Ok(("trade\0finance".to_owned(), "items".to_owned(), &row[..]))
    );
    assert_eq!(key::split(&flat[..start]).unwrap().2, []);
    assert_eq!(key::split(&flat[..3]).unwrap_err().code, "key.truncated");
    assert_eq!(key::split(&row).unwrap_err().code, "key.malformed");
    assert!(key::prefix("a", "b") < key::prefix_end(&key::prefix("a", "b")).unwrap());
    assert!(!key::prefix("a", "bc").starts_with(&key::prefix("a", "b")));
}
