use codec::cbor::{check, decode, encode, Value};
use codec::key;
#[test]
fn smoke() {
    let v = Value::Map(vec![(Value::text("b"), Value::Int(-1)), (Value::text("a"), Value::Array(vec![Value::Null, Value::Bool(true)]))]);
    let bytes = encode(&v).unwrap();
    check(&bytes).unwrap();
    let back = decode(&bytes).unwrap();
    assert_eq!(encode(&back).unwrap(), bytes);
    let parts = vec![key::Part::Int(-5), key::Part::Text("a\0b".into()), key::Part::Bool(true)];
    assert_eq!(key::decode(&key::encode(&parts)).unwrap(), parts);
}
