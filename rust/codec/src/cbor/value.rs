use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// A decoded item.
///
/// Values are equal exactly when their encodings are, provided that integers within 64 bits are
/// [`Value::Int`] (see [`Value::from_bigint`]) and maps are sorted: decoding gives such values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Null, `None` in Python.
    Null,
    /// False or true.
    Bool(bool),
    /// An integer from -2^63 to 2^63 - 1.
    Int(i64),
    /// An integer outside of [`Value::Int`], of at most 4,096 bits.
    BigInt(BigInt),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map, sorted by encoded key, no key twice.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The integer as [`Value::Int`] where it fits, else as [`Value::BigInt`].
    pub fn from_bigint(integer: BigInt) -> Value {
        match integer.to_i64() {
            Some(small) => Value::Int(small),
            None => Value::BigInt(integer),
        }
    }

    /// Shorthand for a text value.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// Shorthand for a byte string value.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Value {
        Value::Bytes(bytes.into())
    }

    /// The value of a map's text key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .find(|(name, _)| matches!(name, Value::Text(text) if text == key));
        found.map(|(_, value)| value)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Value {
        Value::Int(integer)
    }
}

impl From<u64> for Value {
    fn from(integer: u64) -> Value {
        match i64::try_from(integer) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::BigInt(BigInt::from(integer)),
        }
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Value {
        Value::Bool(bool)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Value {
        Value::Int(integer.into())
    }
}
