//! `str.maketrans` and `str.translate`.

use num_traits::ToPrimitive;

use crate::error::{malformed, raise, refused, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::arith::to_big;
use crate::interp::Vm;
use crate::table::HashTable;
use crate::value::Value;

impl Vm<'_, '_> {
    /// `str.maketrans(from, to, delete)`, or of one dict.
    pub(super) fn str_maketrans(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.arity("maketrans", arguments, names, 1, 3)?;
        let made = Value::dict(HashTable::default())?;
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        match arguments {
            [Value::Dict(dict)] => {
                let table = dict.table.borrow();
                self.spend(gas::ENTRY * table.len() as u64)?;
                for entry in table.iter() {
                    let key = match &entry.key {
                        Value::Str(text) if text.chars == 1 => code_of(&text.text),
                        Value::Str(_) => {
                            return Err(value_error(
                                "string keys in translate table must be of length 1",
                            ))
                        }
                        key @ (Value::Int(_) | Value::Big(_) | Value::Bool(_)) => key.clone(),
                        _ => {
                            return Err(type_error(
                                "keys in translate table must be strings or integers",
                            ))
                        }
                    };
                    pairs.push((key, entry.value.clone()));
                }
            }
            [_] => {
                return Err(type_error(
                    "if you give only one argument to maketrans it must be a dict",
                ))
            }
            [from, to, rest @ ..] => {
                let from = self.maketrans_text(from, "first")?;
                let to = self.maketrans_text(to, "second")?;
                if from.chars().count() != to.chars().count() {
                    return Err(value_error(
                        "the first two maketrans arguments must have equal length",
                    ));
                }
                self.spend(gas::ENTRY * from.len() as u64)?;
                for (a, b) in from.chars().zip(to.chars()) {
                    let number = |c: char| Value::Int(i64::from(u32::from(c)));
                    pairs.push((number(a), number(b)));
                }
                if let Some(gone) = rest.first() {
                    let gone = self.maketrans_text(gone, "third")?;
                    self.spend(gas::ENTRY * gone.len() as u64)?;
                    let none = |c: char| (Value::Int(i64::from(u32::from(c))), Value::None);
                    pairs.extend(gone.chars().map(none));
                }
            }
            [] => return Err(malformed()),
        }
        let Value::Dict(dict) = &made else {
            return Err(malformed());
        };
        for (key, value) in pairs {
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value)?;
        }
        Ok(made)
    }

    fn maketrans_text(&mut self, value: &Value, place: &str) -> R<String> {
        match value {
            Value::Str(text) => Ok(text.text.clone()),
            other if place == "first" => {
                let _ = other;
                Err(type_error(
                    "first maketrans argument must be a string if there is a second argument",
                ))
            }
            other => {
                let place = if place == "second" { 2 } else { 3 };
                Err(type_error(format!(
                    "maketrans() argument {place} must be str, not {}",
                    self.type_name(other)
                )))
            }
        }
    }

    /// `text.translate(table)`
    pub(super) fn str_translate(&mut self, text: &str, table: &Value) -> R<Value> {
        if text.is_empty() {
            return self.new_str(String::new());
        }
        if let Value::Builtin(kind @ (super::Builtin::Str | super::Builtin::Int)) = table {
            return Err(type_error(format!(
                "type '{}' is not subscriptable",
                kind.name()
            )));
        }
        if !matches!(
            table,
            Value::Dict(_) | Value::List(_) | Value::Tuple(_) | Value::Str(_)
        ) {
            return Err(type_error(format!(
                "'{}' object is not subscriptable",
                self.type_name(table)
            )));
        }
        let mut made = String::with_capacity(text.len());
        for c in text.chars() {
            self.spend(2 + gas::PROBE)?;
            let key = Value::Int(i64::from(u32::from(c)));
            let found = match table {
                Value::Dict(dict) => {
                    let hash = self.hash(&key, 0)?;
                    let at = self.find(dict, hash, &key)?;
                    at.and_then(|at| dict.table.borrow().entry(at).map(|e| e.value.clone()))
                }
                _ => self.get_item(table, &key).ok(),
            };
            match found {
                None => made.push(c),
                Some(Value::None) => {}
                Some(Value::Str(more)) => {
                    self.plan_bytes(made.len() + more.text.len())?;
                    made.push_str(&more.text);
                }
                Some(other) => made.push(self.translated_code(&other)?),
            }
        }
        self.new_str(made)
    }

    fn translated_code(&mut self, value: &Value) -> R<char> {
        let Some(code) = to_big(value) else {
            return Err(type_error(
                "character mapping must return integer, None or str",
            ));
        };
        let Some(code) = code.to_u32().filter(|code| *code < 0x11_0000) else {
            return Err(raise(
                Exc::ValueError,
                "character mapping must be in range(0x110000)",
            ));
        };
        char::from_u32(code).ok_or_else(|| refused("half of a surrogate pair is no text here"))
    }
}

fn code_of(text: &str) -> Value {
    let code = text.chars().next().map_or(0, u32::from);
    Value::Int(i64::from(code))
}
