//! Each form that is refused, with its code and offset.

mod common;

use codec::cbor::{check, decode, encode, Decoder, Kind, Limits, MapReader, Value};
use codec::Error;
use common::unhex;
use num_bigint::BigInt;

/// Encoding, code, offset.
const REFUSED: &[(&str, &str, usize)] = &[
    // Truncated.
    ("", "cbor.truncated", 0),
    ("18", "cbor.truncated", 1),
    ("1901", "cbor.truncated", 1),
    ("1a010203", "cbor.truncated", 1),
    ("1b01020304050607", "cbor.truncated", 1),
    ("41", "cbor.truncated", 1),
    ("4201", "cbor.truncated", 1),
    ("61", "cbor.truncated", 1),
    ("5bffffffffffffffff00", "cbor.truncated", 9),
    ("7bffffffffffffffff00", "cbor.truncated", 9),
    ("81", "cbor.truncated", 0),
    ("9bffffffffffffffff00", "cbor.truncated", 0),
    ("830102", "cbor.truncated", 0),
    ("a101", "cbor.truncated", 0),
    ("bbffffffffffffffff0000", "cbor.truncated", 0),
    ("bb80000000000000000000", "cbor.truncated", 0),
    ("c2", "cbor.truncated", 1),
    ("8181", "cbor.truncated", 1),
    // Trailing.
    ("0000", "cbor.trailing", 1),
    ("8000", "cbor.trailing", 1),
    ("f6f6", "cbor.trailing", 1),
    // Longer heads than needed, for each major type and width.
    ("1817", "cbor.not_canonical", 0),
    ("190018", "cbor.not_canonical", 0),
    ("1900ff", "cbor.not_canonical", 0),
    ("1a0000ffff", "cbor.not_canonical", 0),
    ("1b00000000ffffffff", "cbor.not_canonical", 0),
    ("3800", "cbor.not_canonical", 0),
    ("390000", "cbor.not_canonical", 0),
    ("580100", "cbor.not_canonical", 0),
    ("780161", "cbor.not_canonical", 0),
    ("980100", "cbor.not_canonical", 0),
    ("b8010000", "cbor.not_canonical", 0),
    ("d80249010000000000000000", "cbor.not_canonical", 0),
    ("8200811800", "cbor.not_canonical", 3),
    // Bignums that are shorter, have leading zeros, or are no byte strings.
    ("c240", "cbor.not_canonical", 0),
    ("c24101", "cbor.not_canonical", 0),
    ("c248ffffffffffffffff", "cbor.not_canonical", 0),
    ("c348ffffffffffffffff", "cbor.not_canonical", 0),
    ("c24a00010000000000000000", "cbor.not_canonical", 0),
    ("c34900ffffffffffffffff", "cbor.not_canonical", 0),
    ("c25f49010000000000000000ff", "cbor.unsupported", 1),
    ("c201", "cbor.type", 1),
    ("c2c249010000000000000000", "cbor.type", 1),
    // Order and repetition of keys.
    ("a202000100", "cbor.not_canonical", 3),
    ("a261620061610000", "cbor.not_canonical", 4),
    ("a26161006100", "cbor.not_canonical", 4),
    ("a2616100612000", "cbor.not_canonical", 4),
    ("a26261610061620000", "cbor.not_canonical", 5),
    ("a220000100", "cbor.not_canonical", 3),
    ("a201000100", "cbor.duplicate_key", 3),
    ("a2616100616101", "cbor.duplicate_key", 4),
    ("a280008000", "cbor.duplicate_key", 3),
    // Not supported.
    ("c000", "cbor.unsupported", 0),
    ("d9d9f700", "cbor.unsupported", 0),
    ("e0", "cbor.unsupported", 0),
    ("f3", "cbor.unsupported", 0),
    ("f7", "cbor.unsupported", 0),
    ("f818", "cbor.unsupported", 0),
    ("f800", "cbor.unsupported", 0),
    ("f9", "cbor.unsupported", 0),
    ("5f", "cbor.unsupported", 0),
    ("bf", "cbor.unsupported", 0),
    // No CBOR at all.
    ("1c", "cbor.malformed", 0),
    ("1f", "cbor.malformed", 0),
    ("3f", "cbor.malformed", 0),
    ("5c", "cbor.malformed", 0),
    ("7d", "cbor.malformed", 0),
    ("9e", "cbor.malformed", 0),
    ("bc", "cbor.malformed", 0),
    ("dc", "cbor.malformed", 0),
    ("df", "cbor.malformed", 0),
    ("fc", "cbor.malformed", 0),
    ("ff", "cbor.malformed", 0),
    ("81ff", "cbor.malformed", 1),
    // Not UTF-8: a lone continuation, an overlong form, a surrogate, beyond the last plane.
    ("6180", "cbor.utf8", 1),
    ("6361c080", "cbor.utf8", 2),
    ("63eda080", "cbor.utf8", 1),
    ("64f4908080", "cbor.utf8", 1),
];

#[test]
fn names_what_is_wrong_and_where() {
    for (encoded, code, offset) in REFUSED {
        let bytes = unhex(encoded);
        let expected = Err((*code, *offset));
        assert_eq!(
            decode(&bytes).map(drop).map_err(place),
            expected,
            "{encoded}"
        );
        assert_eq!(check(&bytes).map_err(place), expected, "{encoded}");
    }
}

#[test]
fn every_initial_byte_is_decided() {
    for initial in 0..=u8::MAX {
        let supported = matches!(initial,
            0x00..=0x1b | 0x20..=0x3b | 0x40..=0x5b | 0x60..=0x7b | 0x80..=0x9b | 0xa0..=0xbb
            | 0xc2 | 0xc3 | 0xf4..=0xf6);
        let bytes = [initial];
        let decoder = Decoder::new(&bytes);
        match decode(&bytes).map_err(|error| error.code) {
            // A tag's number may follow in bytes of their own, which are missing here.
            Err("cbor.truncated") if (0xd8..=0xdb).contains(&initial) => {}
            Ok(_) | Err("cbor.truncated") => assert!(supported, "{initial:02x}"),
            Err("cbor.unsupported" | "cbor.malformed") => assert!(!supported, "{initial:02x}"),
            Err(code) => panic!("{initial:02x}: {code}"),
        }
        assert_eq!(decoder.peek().is_ok(), peeks(initial), "{initial:02x}");
    }
}

/// `peek` looks at the type only.
fn peeks(initial: u8) -> bool {
    initial < 0xc0 || matches!(initial, 0xc2 | 0xc3 | 0xf4..=0xf6)
}

#[test]
fn integers_end_at_4096_bits() {
    let largest: BigInt = (BigInt::from(1) << 4096) - 1;
    for integer in [largest.clone(), -largest.clone()] {
        let value = Value::BigInt(integer);
        let bytes = encode(&value).unwrap();
        assert_eq!(decode(&bytes), Ok(value));
        check(&bytes).unwrap();
    }
    let beyond: [BigInt; 3] = [&largest + 1, -&largest - 1, (&largest + 1) << 8];
    for integer in beyond {
        let error = encode(&Value::BigInt(integer.clone())).unwrap_err();
        assert_eq!(place(error), ("cbor.too_large", 0));
        let mut encoder = codec::cbor::Encoder::new();
        let bytes = encoder.bigint(&integer).as_slice();
        assert_eq!(
            decode(bytes).map(drop).map_err(place),
            Err(("cbor.too_large", 0))
        );
        assert_eq!(check(bytes).map_err(place), Err(("cbor.too_large", 0)));
    }
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |levels: usize| {
        (0..levels).fold(Value::Int(0), |inner, level| match level % 2 {
            0 => Value::Array(vec![inner]),
            _ => Value::Map(vec![(Value::Null, inner)]),
        })
    };
    let bytes = encode(&nested(32)).unwrap();
    assert_eq!(decode(&bytes), Ok(nested(32)));
    check(&bytes).unwrap();
    assert_eq!(encode(&nested(33)).unwrap_err().code, "cbor.too_deep");
    for opening in [&[0x81][..], &[0xa1, 0xf6]] {
        let bytes = [opening.repeat(33), vec![0]].concat();
        assert_eq!(
            decode(&bytes).map(drop).map_err(place),
            Err(("cbor.too_deep", 32 * opening.len()))
        );
        assert_eq!(
            check(&bytes).map_err(place),
            Err(("cbor.too_deep", 32 * opening.len()))
        );
    }
    let bomb = vec![0x81; 10_000_000];
    assert_eq!(decode(&bomb).unwrap_err().code, "cbor.too_deep");
    assert_eq!(check(&bomb).unwrap_err().code, "cbor.too_deep");
}

#[test]
fn limits_can_be_lower() {
    let limits = Limits {
        depth_levels: 1,
        string_bytes: 2,
        container_items: 3,
    };
    for (encoded, code) in [
        ("8180", "cbor.too_deep"),
        ("43000000", "cbor.too_large"),
        ("63616161", "cbor.too_large"),
        ("8400000000", "cbor.too_large"),
        ("a40000010002000300", "cbor.too_large"),
    ] {
        let bytes = unhex(encoded);
        assert_eq!(
            Decoder::with_limits(&bytes, limits)
                .value()
                .unwrap_err()
                .code,
            code,
            "{encoded}"
        );
        assert_eq!(
            Decoder::with_limits(&bytes, limits)
                .skip()
                .unwrap_err()
                .code,
            code,
            "{encoded}"
        );
    }
    for encoded in ["83000000", "420000", "a3000001000200"] {
        Decoder::with_limits(&unhex(encoded), limits)
            .value()
            .unwrap();
    }
}

#[test]
fn encoding_refuses_a_key_twice_and_keeps_what_was_written() {
    let twice = Value::Map(vec![
        (Value::Int(1), Value::Null),
        (Value::Int(0), Value::Null),
        (Value::Int(1), Value::Null),
    ]);
    let mut encoder = codec::cbor::Encoder::new();
    encoder.uint(7);
    assert_eq!(
        encoder.value(&twice).unwrap_err().code,
        "cbor.duplicate_key"
    );
    assert_eq!(encoder.as_slice(), [7]);
    // The same integer as Int and as BigInt is the same key.
    let hidden = Value::Map(vec![
        (Value::Int(1), Value::Null),
        (Value::BigInt(1.into()), Value::Null),
    ]);
    assert_eq!(
        encoder.value(&hidden).unwrap_err().code,
        "cbor.duplicate_key"
    );
}

#[test]
fn typed_reads_refuse_other_types() {
    let all = [
        "01",
        "20",
        "4101",
        "6161",
        "8101",
        "a10102",
        "f5",
        "f6",
        "c249010000000000000000",
    ];
    let mine: [(&str, &[&str]); 9] = [
        ("uint", &["01"]),
        ("int", &["01", "20"]),
        ("integer", &["01", "20", "c249010000000000000000"]),
        ("bytes", &["4101"]),
        ("text", &["6161"]),
        ("array", &["8101"]),
        ("map", &["a10102"]),
        ("bool", &["f5"]),
        ("null", &["f6"]),
    ];
    for (name, accepted) in mine {
        for encoded in all {
            let bytes = unhex(encoded);
            let read = typed(name, &mut Decoder::new(&bytes));
            assert_eq!(
                read.is_ok(),
                accepted.contains(&encoded),
                "{name} of {encoded}"
            );
            if let Err(error) = read {
                let range = matches!(
                    (name, encoded),
                    ("uint", "20") | ("uint" | "int", "c249010000000000000000")
                );
                assert_eq!(
                    place(error),
                    (
                        if range {
                            "cbor.out_of_range"
                        } else {
                            "cbor.type"
                        },
                        0
                    )
                );
            }
        }
    }
}

fn typed(name: &str, decoder: &mut Decoder<'_>) -> Result<(), Error> {
    match name {
        "uint" => decoder.uint().map(drop),
        "int" => decoder.int().map(drop),
        "integer" => decoder.integer().map(drop),
        "bytes" => decoder.bytes().map(drop),
        "text" => decoder.text().map(drop),
        "array" => decoder.array().map(drop),
        "map" => decoder.map().map(drop),
        "bool" => decoder.bool().map(drop),
        _ => decoder.null(),
    }
}

#[test]
fn typed_reads_keep_ranges_and_lengths() {
    let code = |error: Error| error.code;
    assert_eq!(
        Decoder::new(&unhex("1bffffffffffffffff")).uint(),
        Ok(u64::MAX)
    );
    assert_eq!(
        Decoder::new(&unhex("1bffffffffffffffff"))
            .int()
            .map_err(code),
        Err("cbor.out_of_range")
    );
    assert_eq!(
        Decoder::new(&unhex("1b7fffffffffffffff")).int(),
        Ok(i64::MAX)
    );
    assert_eq!(
        Decoder::new(&unhex("3b7fffffffffffffff")).int(),
        Ok(i64::MIN)
    );
    assert_eq!(
        Decoder::new(&unhex("3b8000000000000000"))
            .int()
            .map_err(code),
        Err("cbor.out_of_range")
    );
    assert_eq!(
        Decoder::new(&unhex("420102")).bytes_exact::<2>(),
        Ok([1, 2])
    );
    assert_eq!(
        Decoder::new(&unhex("420102"))
            .bytes_exact::<3>()
            .map_err(place),
        Err(("cbor.length", 0))
    );
    assert_eq!(Decoder::new(&unhex("820102")).array_exact(2), Ok(()));
    assert_eq!(
        Decoder::new(&unhex("820102")).array_exact(1).map_err(place),
        Err(("cbor.length", 0))
    );
}

#[test]
fn maps_are_read_key_by_key() {
    let bytes = unhex("a301020304200a");
    let mut decoder = Decoder::new(&bytes);
    let mut map = MapReader::open(&mut decoder).unwrap();
    let mut seen = Vec::new();
    while let Some(key) = map.int_key(&mut decoder).unwrap() {
        seen.push((key, decoder.uint().unwrap(), map.remaining()));
    }
    decoder.finish().unwrap();
    assert_eq!(seen, [(1, 2, 2), (3, 4, 1), (-1, 10, 0)]);
    let cases = [
        ("a203000100", "cbor.not_canonical"),
        ("a201000100", "cbor.duplicate_key"),
        ("a1616100", "cbor.type"),
    ];
    for (encoded, code) in cases {
        let bytes = unhex(encoded);
        let mut decoder = Decoder::new(&bytes);
        let mut map = MapReader::open(&mut decoder).unwrap();
        let error = loop {
            match map.uint_key(&mut decoder) {
                Ok(_) => drop(decoder.uint().unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.code, code, "{encoded}");
    }
}

#[test]
fn peek_names_the_type() {
    let kinds = [
        ("00", Kind::Int),
        ("20", Kind::Int),
        ("c2", Kind::Int),
        ("40", Kind::Bytes),
        ("60", Kind::Text),
        ("80", Kind::Array),
        ("a0", Kind::Map),
        ("f4", Kind::Bool),
        ("f6", Kind::Null),
    ];
    for (encoded, kind) in kinds {
        assert_eq!(Decoder::new(&unhex(encoded)).peek(), Ok(kind));
    }
    assert_eq!(
        Decoder::new(&[]).peek().map_err(place),
        Err(("cbor.truncated", 0))
    );
}

fn place(error: Error) -> (&'static str, usize) {
    (error.code, error.offset)
}
