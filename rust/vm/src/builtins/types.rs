//! Builtins about types and iterators: `type`, `callable`, `issubclass`, `iter`, `next`, `round`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::named::Takes;
use super::Builtin;
use crate::error::{malformed, raise_with, refused, type_error, Exc, R};
use crate::interp::arith::to_big;
use crate::interp::format::is_type;
use crate::interp::helpers::new_slice;
use crate::interp::iterate::IterState;
use crate::interp::Vm;
use crate::value::Value;

impl Vm<'_, '_> {
    /// `type(value)`
    pub(super) fn type_of(&mut self, value: &Value) -> R<Value> {
        Ok(match value {
            Value::Bool(_) => Value::Builtin(Builtin::Bool),
            Value::Int(_) | Value::Big(_) => Value::Builtin(Builtin::Int),
            Value::Str(_) => Value::Builtin(Builtin::Str),
            Value::Bytes(_) => Value::Builtin(Builtin::Bytes),
            Value::Tuple(_) => Value::Builtin(Builtin::Tuple),
            Value::List(_) => Value::Builtin(Builtin::List),
            Value::Dict(_) => Value::Builtin(Builtin::Dict),
            Value::Set(set) if set.frozenset => Value::Builtin(Builtin::Frozenset),
            Value::Set(_) => Value::Builtin(Builtin::Set),
            Value::Range(_) => Value::Builtin(Builtin::Range),
            Value::Record(record) => Value::Class(record.class),
            Value::Enum { class, .. } => Value::Class(*class),
            Value::Decimal(decimal) => Value::DecimalType(decimal.scale),
            Value::Exception(exception) => Value::ExcClass(exception.class),
            Value::None => Value::Builtin(Builtin::NoneType),
            Value::Slice(_) => Value::Builtin(Builtin::Slice),
            Value::ExcClass(_) => Value::Builtin(Builtin::Type),
            Value::Builtin(builtin) if is_type(*builtin) => Value::Builtin(Builtin::Type),
            Value::Iter(iter) if iter.state.borrow().of_builtin().is_some() => {
                let of = iter.state.borrow().of_builtin();
                Value::Builtin(of.ok_or_else(malformed)?)
            }
            other => {
                return Err(refused(format!(
                    "the type of a {} is no value here: ask with isinstance, `is None` or callable",
                    self.type_name(other)
                )))
            }
        })
    }

    pub(super) fn is_callable(&self, value: &Value) -> bool {
        matches!(
            value,
            Value::Function(_)
                | Value::Closure(_)
                | Value::Builtin(_)
                | Value::Bound(_)
                | Value::Class(_)
                | Value::DecimalType(_)
                | Value::ExcClass(_)
        )
    }

    /// `issubclass(class, others)`
    pub(super) fn is_subclass_of(
        &mut self,
        class: &Value,
        others: &Value,
        level: usize,
    ) -> R<bool> {
        if level > crate::limits::VALUE_LEVELS {
            return Err(crate::error::too_deep());
        }
        if let Value::Tuple(all) = others {
            for one in &all.items {
                self.spend(1)?;
                if self.is_subclass_of(class, one, level + 1)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let is_class = |value: &Value| match value {
            Value::Builtin(builtin) => is_type(*builtin),
            other => matches!(other, Value::Class(_) | Value::ExcClass(_)),
        };
        if !is_class(class) {
            return Err(type_error("issubclass() arg 1 must be a class"));
        }
        if !is_class(others) {
            return Err(type_error(
                "issubclass() arg 2 must be a class, a tuple of classes, or a union",
            ));
        }
        Ok(match (class, others) {
            (Value::Class(own), Value::Class(other)) => self.program.is_subclass(*own, *other),
            (Value::ExcClass(own), Value::ExcClass(other)) => own.is(*other),
            (Value::Builtin(Builtin::Bool), Value::Builtin(Builtin::Int)) => true,
            (Value::Builtin(own), Value::Builtin(other)) => own == other,
            _ => false,
        })
    }

    /// `iter(value)`, `iter(function, last)`
    pub(super) fn make_iter(&mut self, value: &Value, last: Option<&Value>) -> R<Value> {
        let Some(last) = last else {
            return self.iterator(value);
        };
        if !self.is_callable(value) {
            return Err(type_error("iter(v, w): v must be callable"));
        }
        self.new_iter(IterState::Until(value.clone(), last.clone()), 1)
    }

    /// `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`
    pub(super) fn make_slice(&mut self, arguments: &[Value]) -> R<Value> {
        let given = |at: usize| arguments.get(at).cloned().unwrap_or(Value::None);
        match arguments.len() {
            1 => new_slice(&[Value::None, given(0), Value::None]),
            _ => new_slice(&[given(0), given(1), given(2)]),
        }
    }

    /// `next(iterator)`, `next(iterator, default)`
    pub(super) fn next_of(&mut self, iterator: &Value, default: Option<&Value>) -> R<Value> {
        let Value::Iter(iter) = iterator else {
            return Err(type_error(format!(
                "'{}' object is not an iterator",
                self.type_name(iterator)
            )));
        };
        let iter = iter.clone();
        match (self.advance(&iter)?, default) {
            (Some(item), _) => Ok(item),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(raise_with(Exc::StopIteration, Vec::new())),
        }
    }

    /// `round(number)`, `round(number, digits)`: of integers, to even at the middle.
    pub(super) fn round(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("round", &["number", "ndigits"]).needs(1);
        let [number, digits] = self.named(&TAKES, arguments, names)?;
        let number = number.ok_or_else(crate::error::malformed)?;
        let Some(big) = to_big(&number) else {
            return Err(type_error(format!(
                "type {} doesn't define __round__ method",
                self.type_name(&number)
            )));
        };
        let digits = match digits {
            None | Some(Value::None) => return self.new_int(big),
            Some(digits) => to_big(&digits).ok_or_else(|| {
                type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    self.type_name(&digits)
                ))
            })?,
        };
        if !digits.is_negative() {
            return self.new_int(big);
        }
        let Some(places) = (-digits).to_u32().filter(|places| *places <= 1_300) else {
            return Ok(Value::Int(0));
        };
        self.spend(u64::from(places) * u64::from(places) / 64 + 4)?;
        let unit = num_traits::Pow::pow(BigInt::from(10), places);
        let (quotient, rest) = big.div_mod_floor(&unit);
        let double: BigInt = &rest * 2;
        let up = double > unit || (double == unit && quotient.is_odd());
        let rounded = (quotient + if up { BigInt::from(1) } else { BigInt::zero() }) * unit;
        self.new_int(rounded)
    }

    /// The name of a class or function: `f.__name__`.
    pub(crate) fn own_name(&self, value: &Value) -> Option<String> {
        let plain = |number: u16| {
            let name = &self.program.parts.functions[usize::from(number)].name;
            name.rsplit('.').next().unwrap_or(name).to_string()
        };
        Some(match value {
            Value::Function(number) => plain(*number),
            Value::Closure(closure) => plain(closure.function),
            Value::Builtin(builtin) => builtin.shown().to_string(),
            Value::ExcClass(class) => class.name().to_string(),
            Value::Class(class) => self.program.class(*class).name.clone(),
            Value::Bound(bound) => self.program.name(bound.name).to_string(),
            _ => return None,
        })
    }

    pub(super) fn type_name_of(&mut self, value: &Value) -> R<Value> {
        if matches!(value, Value::Unset) {
            return Err(malformed());
        }
        let name = self.type_name(value);
        self.new_str(name)
    }
}
