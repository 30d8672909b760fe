//! Appendix A of RFC 8949, entered from the standard: what is accepted, and what is refused on
//! purpose because no float, undefined, other tag, other simple value or indefinite length exists
//! in the ledger's encoding.

mod common;

use codec::cbor::{check, decode, encode, Value};
use common::unhex;
use num_bigint::BigInt;

fn integer(digits: &str) -> Value {
    Value::from_bigint(digits.parse::<BigInt>().unwrap())
}

fn array(items: &[Value]) -> Value {
    Value::Array(items.to_vec())
}

fn map(entries: &[(Value, Value)]) -> Value {
    Value::Map(entries.to_vec())
}

fn int(integer: i64) -> Value {
    Value::Int(integer)
}

const INTEGERS: &[(&str, &str)] = &[
    ("00", "0"),
    ("01", "1"),
    ("0a", "10"),
    ("17", "23"),
    ("1818", "24"),
    ("1819", "25"),
    ("1864", "100"),
    ("1903e8", "1000"),
    ("1a000f4240", "1000000"),
    ("1b000000e8d4a51000", "1000000000000"),
    ("1bffffffffffffffff", "18446744073709551615"),
    ("c249010000000000000000", "18446744073709551616"),
    ("3bffffffffffffffff", "-18446744073709551616"),
    ("c349010000000000000000", "-18446744073709551617"),
    ("20", "-1"),
    ("29", "-10"),
    ("3863", "-100"),
    ("3903e7", "-1000"),
];

fn others() -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::text(text);
    let one_to_25: Vec<Value> = (1..=25).map(int).collect();
    let letters: Vec<(Value, Value)> = ["a", "b", "c", "d", "e"]
        .map(|letter| (text(letter), text(&letter.to_uppercase())))
        .to_vec();
    vec![
        ("f4", Value::Bool(false)),
        ("f5", Value::Bool(true)),
        ("f6", Value::Null),
        ("40", Value::bytes([])),
        ("4401020304", Value::bytes([1, 2, 3, 4])),
        ("60", text("")),
        ("6161", text("a")),
        ("6449455446", text("IETF")),
        ("62225c", text("\"\\")),
        ("62c3bc", text("\u{fc}")),
        ("63e6b0b4", text("\u{6c34}")),
        ("64f0908591", text("\u{10151}")),
        ("80", array(&[])),
        ("83010203", array(&[int(1), int(2), int(3)])),
        (
            "8301820203820405",
            array(&[int(1), array(&[int(2), int(3)]), array(&[int(4), int(5)])]),
        ),
        (
            "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
            array(&one_to_25),
        ),
        ("a0", map(&[])),
        ("a201020304", map(&[(int(1), int(2)), (int(3), int(4))])),
        (
            "a26161016162820203",
            map(&[(text("a"), int(1)), (text("b"), array(&[int(2), int(3)]))]),
        ),
        (
            "826161a161626163",
            array(&[text("a"), map(&[(text("b"), text("c"))])]),
        ),
        ("a56161614161626142616361436164614461656145", map(&letters)),
    ]
}

/// Encoding, the standard's diagnostic notation, and the code of the refusal.
const REFUSED: &[(&str, &str, &str)] = &[
    ("f90000", "0.0", "cbor.unsupported"),
    ("f98000", "-0.0", "cbor.unsupported"),
    ("f93c00", "1.0", "cbor.unsupported"),
    ("fb3ff199999999999a", "1.1", "cbor.unsupported"),
    ("f93e00", "1.5", "cbor.unsupported"),
    ("f97bff", "65504.0", "cbor.unsupported"),
    ("fa47c35000", "100000.0", "cbor.unsupported"),
    ("fa7f7fffff", "3.4028234663852886e+38", "cbor.unsupported"),
    ("fb7e37e43c8800759c", "1.0e+300", "cbor.unsupported"),
    ("f90001", "5.960464477539063e-8", "cbor.unsupported"),
    ("f90400", "0.00006103515625", "cbor.unsupported"),
    ("f9c400", "-4.0", "cbor.unsupported"),
    ("fbc010666666666666", "-4.1", "cbor.unsupported"),
    ("f97c00", "Infinity", "cbor.unsupported"),
    ("f97e00", "NaN", "cbor.unsupported"),
    ("f9fc00", "-Infinity", "cbor.unsupported"),
    ("fa7f800000", "Infinity", "cbor.unsupported"),
    ("fa7fc00000", "NaN", "cbor.unsupported"),
    ("faff800000", "-Infinity", "cbor.unsupported"),
    ("fb7ff0000000000000", "Infinity", "cbor.unsupported"),
    ("fb7ff8000000000000", "NaN", "cbor.unsupported"),
    ("fbfff0000000000000", "-Infinity", "cbor.unsupported"),
    ("f7", "undefined", "cbor.unsupported"),
    ("f0", "simple(16)", "cbor.unsupported"),
    ("f8ff", "simple(255)", "cbor.unsupported"),
    (
        "c074323031332d30332d32315432303a30343a30305a",
        "0(\"2013-03-21T20:04:00Z\")",
        "cbor.unsupported",
    ),
    ("c11a514b67b0", "1(1363896240)", "cbor.unsupported"),
    (
        "c1fb41d452d9ec200000",
        "1(1363896240.5)",
        "cbor.unsupported",
    ),
    ("d74401020304", "23(h'01020304')", "cbor.unsupported"),
    ("d818456449455446", "24(h'6449455446')", "cbor.unsupported"),
    (
        "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
        "32(\"http://www.example.com\")",
        "cbor.unsupported",
    ),
    (
        "5f42010243030405ff",
        "(_ h'0102', h'030405')",
        "cbor.unsupported",
    ),
    (
        "7f657374726561646d696e67ff",
        "(_ \"strea\", \"ming\")",
        "cbor.unsupported",
    ),
    ("9fff", "[_ ]", "cbor.unsupported"),
    (
        "9f018202039f0405ffff",
        "[_ 1, [2, 3], [_ 4, 5]]",
        "cbor.unsupported",
    ),
    (
        "9f01820203820405ff",
        "[_ 1, [2, 3], [4, 5]]",
        "cbor.unsupported",
    ),
    (
        "83018202039f0405ff",
        "[1, [2, 3], [_ 4, 5]]",
        "cbor.unsupported",
    ),
    (
        "83019f0203ff820405",
        "[1, [_ 2, 3], [4, 5]]",
        "cbor.unsupported",
    ),
    (
        "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
        "[_ 1, ... 25]",
        "cbor.unsupported",
    ),
    (
        "bf61610161629f0203ffff",
        "{_ \"a\": 1, \"b\": [_ 2, 3]}",
        "cbor.unsupported",
    ),
    (
        "826161bf61626163ff",
        "[\"a\", {_ \"b\": \"c\"}]",
        "cbor.unsupported",
    ),
    (
        "bf6346756ef563416d7421ff",
        "{_ \"Fun\": true, \"Amt\": -2}",
        "cbor.unsupported",
    ),
];

#[test]
fn accepts_what_the_ledger_uses() {
    let integers = INTEGERS
        .iter()
        .map(|(encoded, digits)| (*encoded, integer(digits)));
    for (encoded, value) in integers.chain(others()) {
        let bytes = unhex(encoded);
        assert_eq!(decode(&bytes).as_ref(), Ok(&value), "{encoded}");
        assert_eq!(encode(&value).as_ref(), Ok(&bytes), "{encoded}");
        assert_eq!(check(&bytes), Ok(()), "{encoded}");
    }
}

#[test]
fn refuses_the_rest_on_purpose() {
    for (encoded, notation, code) in REFUSED {
        let bytes = unhex(encoded);
        assert_eq!(
            decode(&bytes).map_err(|error| error.code),
            Err(*code),
            "{notation}"
        );
        assert_eq!(
            check(&bytes).map_err(|error| error.code),
            Err(*code),
            "{notation}"
        );
    }
}

#[test]
fn holds_the_whole_appendix() {
    assert_eq!(INTEGERS.len() + others().len() + REFUSED.len(), 81);
}
