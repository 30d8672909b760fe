//! The fuzz targets of this crate, for about a second each.

use codec::cbor::{encode, Value};
use codec::key::{self, Part};
use num_bigint::BigInt;

#[path = "../../../fuzz/src/cbor_decode.rs"]
mod cbor_decode;
#[path = "../../../fuzz/src/key_decode.rs"]
mod key_decode;
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[test]
fn cbor_decodes() {
    let row = Value::Map(vec![
        (Value::text("amount"), Value::from(1_000_000)),
        (Value::text("big"), Value::BigInt(BigInt::from(-7) << 100)),
        (Value::text("id"), Value::bytes([7; 32])),
        (
            Value::Int(-1),
            Value::Array(vec![Value::Null, Value::from(true), Value::from(u64::MAX)]),
        ),
    ]);
    let nested = (0..31).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let seeds = [row, nested]
        .iter()
        .map(|value| encode(value).expect("the seeds encode"))
        .collect();
    short_run::fuzz(1, seeds, cbor_decode::run);
}

#[test]
fn keys_decode() {
    let parts = [
        Part::Text("row\0".to_owned()),
        Part::Int(-300),
        Part::BigInt(BigInt::from(-7) << 100),
        Part::BigInt(BigInt::from(7) << 100),
        Part::Bytes(vec![0, 1, 0xff]),
        Part::Bool(true),
    ];
    let mut flat = key::prefix("contract", "table");
    parts.iter().for_each(|part| key::push(&mut flat, part));
    short_run::fuzz(2, vec![flat], key_decode::run);
}
