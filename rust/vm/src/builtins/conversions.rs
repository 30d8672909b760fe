//! Builtins that make one value out of another: numbers, text, bytes and containers.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::named::Takes;
use super::Builtin;
use crate::error::{malformed, raise, refused, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::arith::{to_big, to_i64};
use crate::interp::Vm;
use crate::table::HashTable;
use crate::value::Value;

impl Vm<'_, '_> {
    /// `list(iterable)` and `tuple(iterable)`
    pub(super) fn make_sequence(&mut self, builtin: Builtin, arguments: &[Value]) -> R<Value> {
        let items = match arguments.first() {
            Some(source) => self.collect(source)?,
            None => Vec::new(),
        };
        if builtin == Builtin::List {
            self.new_list(items)
        } else {
            self.new_tuple(items)
        }
    }

    /// `set(iterable)` and `frozenset(iterable)`
    pub(super) fn make_set(&mut self, builtin: Builtin, arguments: &[Value]) -> R<Value> {
        let items = match arguments.first() {
            Some(source) => self.collect_any(source)?,
            None => Vec::new(),
        };
        self.set_of(items, builtin == Builtin::Frozenset)
    }

    pub(super) fn make_dict(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let made = Value::dict(HashTable::default())?;
        let Value::Dict(dict) = &made else {
            return Err(malformed());
        };
        match &arguments[..positional] {
            [] => {}
            [Value::Dict(_)] => self.merge(&made, &arguments[0].clone())?,
            [source] => {
                let pairs = self.collect(source)?;
                for (number, pair) in pairs.iter().enumerate() {
                    let (key, value) = self.update_pair(pair, number)?;
                    let hash = self.hash(&key, 0)?;
                    self.dict_set(dict, hash, key, value)?;
                }
            }
            _ => {
                return Err(type_error(format!(
                    "dict expected at most 1 argument, got {positional}"
                )))
            }
        }
        for (name, value) in names.iter().zip(&arguments[positional..]) {
            let key = self.new_str(self.keyword_name(*name).to_string())?;
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value.clone())?;
        }
        Ok(made)
    }

    pub(super) fn make_int(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("int", &["", "base"]).unnamed(1);
        let [value, base] = self.named(&TAKES, arguments, names)?;
        let (value, base) = match (&value, base) {
            (None, None) => return Ok(Value::Int(0)),
            (Some(value), None) => (value, None),
            (Some(value), Some(base)) => (value, Some(self.base_argument(&base)?)),
            (None, Some(_)) => return Err(type_error("int() missing string argument")),
        };
        match (value, base) {
            (Value::Str(text), base) => {
                let text = text.clone();
                self.parse_int(&text.text, base.unwrap_or(10), value)
            }
            (Value::Bytes(bytes), base) => {
                let text: String = bytes.bytes.iter().map(|byte| char::from(*byte)).collect();
                let ascii = if text.is_ascii() { text.as_str() } else { "?" };
                self.parse_int(ascii, base.unwrap_or(10), value)
            }
            (_, Some(_)) => Err(type_error(
                "int() can't convert non-string with explicit base",
            )),
            (other, None) => match to_big(other) {
                Some(big) => self.new_int(big),
                None => {
                    let kind = self.type_name(other);
                    Err(type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{kind}'")))
                }
            },
        }
    }

    /// A base: one beyond 64 bits is as wrong as any other large one.
    fn base_argument(&mut self, base: &Value) -> R<i64> {
        match base {
            Value::Big(_) => Ok(i64::MAX),
            other => self.int_argument(other),
        }
    }

    fn parse_int(&mut self, text: &str, base: i64, shown: &Value) -> R<Value> {
        if base != 0 && !(2..=36).contains(&base) {
            return Err(value_error("int() base must be >= 2 and <= 36, or 0"));
        }
        let words = text.len() as u64 / 16 + 1;
        self.spend(words * words / 4 + gas::searched(text.len()))?;
        let fail = |vm: &mut Self| -> R<Value> {
            let shown = vm.repr(shown)?;
            Err(value_error(format!(
                "invalid literal for int() with base {base}: {shown}"
            )))
        };
        if text.len() > 5_000 {
            return Err(raise(
                Exc::OverflowError,
                "the text has more digits than an integer may have",
            ));
        }
        // Digits and spaces of any script count.
        let plain: String = text
            .chars()
            .map(|c| match crate::unicode::decimal(c) {
                Some(digit) => char::from_digit(digit, 10).unwrap_or(c),
                None if super::str_methods::is_space(c) => ' ',
                None => c,
            })
            .collect();
        let trimmed = plain.trim_matches(' ');
        let (negative, digits) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let lower = digits.to_ascii_lowercase();
        let (radix, digits) = match (base, lower.get(..2)) {
            (0 | 16, Some("0x")) => (16, &lower[2..]),
            (0 | 8, Some("0o")) => (8, &lower[2..]),
            (0 | 2, Some("0b")) => (2, &lower[2..]),
            (0, _) => {
                let zeros = lower.bytes().all(|byte| byte == b'0' || byte == b'_');
                if lower.starts_with('0') && !zeros {
                    return fail(self);
                }
                (10, lower.as_str())
            }
            _ => (base as u32, lower.as_str()),
        };
        let prefixed = digits.len() != lower.len();
        let body = if prefixed {
            digits.strip_prefix('_').unwrap_or(digits)
        } else {
            digits
        };
        let shape = !body.is_empty()
            && !body.starts_with('_')
            && !body.ends_with('_')
            && !body.contains("__");
        let plain: String = body.chars().filter(|c| *c != '_').collect();
        if !shape || !plain.chars().all(|c| c.is_digit(radix)) {
            return fail(self);
        }
        match BigInt::parse_bytes(plain.as_bytes(), radix) {
            Some(value) => self.new_int(if negative { -value } else { value }),
            None => fail(self),
        }
    }

    pub(super) fn chr(&mut self, value: &Value) -> R<Value> {
        let Some(code) = to_big(value) else {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(value)
            )));
        };
        if code.to_i32().is_none() {
            return Err(raise(
                Exc::OverflowError,
                "Python int too large to convert to C int",
            ));
        }
        let Some(code) = code.to_u32().filter(|code| *code < 0x11_0000) else {
            return Err(value_error("chr() arg not in range(0x110000)"));
        };
        match char::from_u32(code) {
            Some(found) => self.one_char(found),
            None => Err(refused("half of a surrogate pair is no text here")),
        }
    }

    pub(super) fn ord(&mut self, value: &Value) -> R<Value> {
        let (length, code) = match value {
            Value::Str(text) => (text.chars, text.text.chars().next().map(u32::from)),
            Value::Bytes(bytes) => (
                bytes.bytes.len(),
                bytes.bytes.first().map(|byte| u32::from(*byte)),
            ),
            other => {
                return Err(type_error(format!(
                    "ord() expected string of length 1, but {} found",
                    self.type_name(other)
                )))
            }
        };
        match code {
            Some(code) if length == 1 => Ok(Value::Int(i64::from(code))),
            _ => Err(type_error(format!(
                "ord() expected a character, but string of length {length} found"
            ))),
        }
    }

    pub(super) fn radix(&mut self, value: &Value, radix: u32, prefix: &str) -> R<Value> {
        let Some(big) = to_big(value) else {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(value)
            )));
        };
        self.spend(gas::bytes(big.bits() as usize))?;
        let sign = if big.is_negative() { "-" } else { "" };
        self.new_str(format!("{sign}{prefix}{}", big.abs().to_str_radix(radix)))
    }

    pub(crate) fn make_bytes(&mut self, arguments: &[Value]) -> R<Value> {
        let Some(source) = arguments.first() else {
            return self.new_bytes(Vec::new());
        };
        match source {
            Value::Bytes(_) => Ok(source.clone()),
            Value::Str(_) => Err(type_error("string argument without an encoding")),
            Value::Int(_) | Value::Bool(_) => {
                let count = to_i64(source).unwrap_or(0);
                let Ok(count) = usize::try_from(count) else {
                    return Err(value_error("negative count"));
                };
                self.plan_bytes(count)?;
                Value::bytes(vec![0; count])
            }
            Value::Big(_) => Err(raise(
                Exc::OverflowError,
                "cannot fit 'int' into an index-sized integer",
            )),
            Value::List(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Dict(_)
            | Value::Set(_)
            | Value::DictView(_)
            | Value::Iter(_) => {
                let items = self.collect(source)?;
                let mut bytes = Vec::with_capacity(items.len());
                for item in &items {
                    if let Value::Int(number @ 0..=255) = item {
                        bytes.push(*number as u8);
                        continue;
                    }
                    let Some(number) = to_big(item) else {
                        return Err(type_error(format!(
                            "'{}' object cannot be interpreted as an integer",
                            self.type_name(item)
                        )));
                    };
                    bytes.push(
                        number
                            .to_u8()
                            .ok_or_else(|| value_error("bytes must be in range(0, 256)"))?,
                    );
                }
                self.new_bytes(bytes)
            }
            other => Err(type_error(format!(
                "cannot convert '{}' object to bytes",
                self.type_name(other)
            ))),
        }
    }
}
