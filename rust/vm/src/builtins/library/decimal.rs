//! Exact decimals: an integer of units and a scale.

use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::Pow;

use crate::error::{malformed, raise, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::arith::{to_big, Bin};
use crate::interp::Vm;
use crate::limits;
use crate::memory::charge;
use crate::program::Entry;
use crate::types::Type;
use crate::value::{DecimalObj, Value, OBJECT_BYTES};

/// Whether a number is the scale of a decimal type.
pub(crate) fn is_scale(scale: i64) -> bool {
    (0..=limits::DECIMAL_SCALE).contains(&scale)
}

/// The units that a text means: a sign, digits, and at most `scale` decimals.
pub(crate) fn parse(text: &str, scale: u8) -> Option<BigInt> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let missing = usize::from(scale).checked_sub(decimals.len())?;
    if whole.is_empty() || !plain(whole) || !plain(decimals) {
        return None;
    }
    let all = format!("{whole}{decimals}{}", "0".repeat(missing));
    let units = BigInt::parse_bytes(all.as_bytes(), 10)?;
    Some(if text.starts_with('-') { -units } else { units })
}

/// Whether a type that is read back by its annotation has decimals outside of records.
fn has_decimal(ty: &Type) -> bool {
    match ty {
        Type::Decimal(_) => true,
        Type::List(item) | Type::Set(item) | Type::TupleOf(item) => has_decimal(item),
        Type::Tuple(types) | Type::Union(types) => types.iter().any(has_decimal),
        Type::Dict(key, value) => has_decimal(key) || has_decimal(value),
        _ => false,
    }
}

/// The text of units under a scale.
fn text_of(units: &BigInt, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", units.magnitude(), width = scale + 1);
    let sign = if units.sign() == num_bigint::Sign::Minus {
        "-"
    } else {
        ""
    };
    match digits.split_at(digits.len() - scale) {
        (whole, "") => format!("{sign}{whole}"),
        (whole, decimals) => format!("{sign}{whole}.{decimals}"),
    }
}

impl Vm<'_, '_> {
    /// Fails where a result would be read with another scale than it has: only its units leave.
    pub(crate) fn check_returned(&mut self, entry: &Entry, value: &Value) -> R<()> {
        if !has_decimal(&entry.returns) || self.conforms(value, &entry.returns, 0)? {
            return Ok(());
        }
        Err(type_error(format!(
            "{}() gives {}, declared {}",
            self.program.name(entry.name),
            self.type_name(value),
            entry.returns
        )))
    }

    /// A decimal of so many units.
    pub(crate) fn new_decimal(&mut self, scale: u8, units: Value) -> R<Value> {
        self.spend(gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES)?;
        Ok(Value::Decimal(Rc::new(DecimalObj {
            units,
            scale,
            charge,
        })))
    }

    /// The scale that an argument means.
    pub(super) fn decimal_type(&mut self, scale: &Value, function: &str) -> R<u8> {
        match (function, scale) {
            (_, Value::Int(scale)) if is_scale(*scale) => Ok(*scale as u8),
            (_, Value::Int(_) | Value::Big(_)) => {
                let given = self.show(scale)?;
                Err(value_error(format!(
                    "Decimal() argument 'scale' is {given}, outside of 0 to {}",
                    limits::DECIMAL_SCALE
                )))
            }
            (function, other) => Err(self.wrong_type(function, "scale", "int", other)),
        }
    }

    /// `Amount("12.34")`
    pub(crate) fn call_decimal_type(
        &mut self,
        scale: u8,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        self.spend(gas::BUILTIN)?;
        let given = self.bind_library("Decimal.__init__", 1, &["text"], arguments, names)?;
        let Value::Str(text) = &given[0] else {
            return Err(type_error(format!(
                "Decimal({scale}) is made from str, not {}: use from_units() for an int of units",
                self.type_name(&given[0])
            )));
        };
        if text.chars > limits::DECIMAL_CHARACTERS {
            return Err(value_error(format!(
                "a decimal has at most {} characters, this has {}",
                limits::DECIMAL_CHARACTERS,
                text.chars
            )));
        }
        let words = text.text.len() as u64 / 16 + 1;
        self.spend(words * words / 2 + 10)?;
        let Some(units) = parse(&text.text, scale) else {
            let given = self.quoted(&text.text)?;
            return Err(value_error(format!(
                "{given} is no Decimal({scale}): write digits with a point and at most {scale} \
                 decimals"
            )));
        };
        let units = self.new_int(units)?;
        self.new_decimal(scale, units)
    }

    /// A method of a decimal, or of its type.
    pub(crate) fn decimal_method(
        &mut self,
        receiver: &Value,
        name: u16,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        match (self.program.name(name), receiver) {
            ("from_units", Value::DecimalType(scale)) => self.of_units(*scale, arguments, names),
            ("from_units", Value::Decimal(decimal)) => {
                self.of_units(decimal.scale, arguments, names)
            }
            ("rescale", Value::Decimal(decimal)) => {
                let decimal = decimal.clone();
                self.rescale(&decimal, arguments, names)
            }
            ("units" | "scale", Value::Decimal(_)) => {
                Err(type_error("'int' object is not callable"))
            }
            ("scale", Value::DecimalType(_)) => Err(type_error("'int' object is not callable")),
            _ => Err(self.no_decimal_attribute(receiver, name)),
        }
    }

    fn of_units(&mut self, scale: u8, arguments: &[Value], names: &[u16]) -> R<Value> {
        let given = self.bind_library("Decimal.from_units", 1, &["units"], arguments, names)?;
        match &given[0] {
            Value::Int(_) | Value::Big(_) => self.new_decimal(scale, given[0].clone()),
            other => Err(self.wrong_type("from_units", "units", "int", other)),
        }
    }

    /// `amount.rescale(scale, rounding)`
    fn rescale(&mut self, decimal: &DecimalObj, arguments: &[Value], names: &[u16]) -> R<Value> {
        let parameters = &["scale", "rounding"];
        let given = self.bind_library("Decimal.rescale", 1, parameters, arguments, names)?;
        self.library_int("rescale", "scale", &given[0])?;
        let rounding = self.library_str("rescale", "rounding", &given[1])?;
        let scale = self.decimal_type(&given[0], "rescale")?;
        let units = to_big(&decimal.units).ok_or_else(malformed)?;
        let factor = BigInt::from(10).pow(u32::from(scale.abs_diff(decimal.scale)));
        let units = if scale >= decimal.scale {
            self.divide(&BigInt::from(0), &factor, rounding)?;
            units * factor
        } else {
            self.divide(&units, &factor, rounding)?
        };
        let units = self.new_int(units)?;
        self.new_decimal(scale, units)
    }

    /// `units` and `scale` of a decimal, `scale` of its type.
    pub(crate) fn decimal_attribute(&mut self, value: &Value, name: u16) -> R<Value> {
        match (self.program.name(name), value) {
            ("units", Value::Decimal(decimal)) => Ok(decimal.units.clone()),
            ("scale", Value::Decimal(decimal)) => Ok(Value::Int(i64::from(decimal.scale))),
            ("scale", Value::DecimalType(scale)) => Ok(Value::Int(i64::from(*scale))),
            ("from_units" | "rescale", _) => self.bound(value, name),
            _ => Err(self.no_decimal_attribute(value, name)),
        }
    }

    #[cold]
    fn no_decimal_attribute(&self, value: &Value, name: u16) -> crate::error::Trap {
        let name = self.program.name(name);
        if name.starts_with("__")
            || matches!((name, value), ("rescale" | "units", Value::DecimalType(_)))
        {
            return crate::error::refused(format!(
                "`{name}` of a {} is not part of the language",
                self.type_name(value)
            ));
        }
        raise(
            Exc::AttributeError,
            match value {
                Value::DecimalType(scale) => {
                    format!("type object 'Decimal({scale})' has no attribute '{name}'")
                }
                other => format!(
                    "'{}' object has no attribute '{name}'",
                    self.type_name(other)
                ),
            },
        )
    }

    /// `+` and `-` of equal scales, `*` with an int; anything else is an error.
    pub(crate) fn decimal_binary(&mut self, op: Bin, left: &Value, right: &Value) -> R<Value> {
        let whole = |value: &Value| matches!(value, Value::Int(_) | Value::Big(_) | Value::Bool(_));
        let (scale, x, y) = match (op, left, right) {
            (Bin::Add | Bin::Sub, Value::Decimal(x), Value::Decimal(y)) if x.scale == y.scale => {
                (x.scale, &x.units, &y.units)
            }
            (Bin::Mul, Value::Decimal(x), y) if whole(y) => (x.scale, &x.units, y),
            (Bin::Mul, x, Value::Decimal(y)) if whole(x) => (y.scale, &y.units, x),
            _ => return self.sequences(op, left, right),
        };
        let units = self.binary(op, x, y)?;
        self.new_decimal(scale, units)
    }

    /// `-amount` (or `+amount`), and `abs(amount)` where `negate` is not given.
    pub(crate) fn decimal_unary(
        &mut self,
        decimal: &DecimalObj,
        change: impl FnOnce(BigInt) -> BigInt,
    ) -> R<Value> {
        let units = to_big(&decimal.units).ok_or_else(malformed)?;
        self.spend(gas::bytes(units.bits() as usize / 8))?;
        let units = self.new_int(change(units))?;
        self.new_decimal(decimal.scale, units)
    }

    /// `str(amount)`
    pub(crate) fn decimal_text(&mut self, decimal: &DecimalObj) -> R<String> {
        let units = to_big(&decimal.units).ok_or_else(malformed)?;
        let words = units.bits() / 64 + 1;
        self.spend(words * words / 2 + 10)?;
        Ok(text_of(&units, decimal.scale))
    }
}
