//! Arithmetic, with the meaning that Python gives it.

use std::rc::Rc;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::Vm;
use crate::error::{fatal, raise, type_error, value_error, Exc, Stop, Trap, R};
use crate::memory::charge;
use crate::program::Op;
use crate::value::{BigObj, Value, OBJECT_BYTES};
use crate::{gas, limits};

/// A binary operation.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Bin {
    Add,
    Sub,
    Mul,
    FloorDiv,
    Mod,
    Pow,
    Shl,
    Shr,
    And,
    Or,
    Xor,
}

impl Bin {
    fn symbol(self) -> &'static str {
        match self {
            Bin::Add => "+",
            Bin::Sub => "-",
            Bin::Mul => "*",
            Bin::FloorDiv => "//",
            Bin::Mod => "%",
            Bin::Pow => "** or pow()",
            Bin::Shl => "<<",
            Bin::Shr => ">>",
            Bin::And => "&",
            Bin::Or => "|",
            Bin::Xor => "^",
        }
    }
}

/// An unsigned number of the host's as a value.
pub(crate) fn unsigned(number: u64) -> Value {
    match i64::try_from(number) {
        Ok(number) => Value::Int(number),
        Err(_) => Value::Big(Rc::new(BigObj {
            value: BigInt::from(number),
            charge: crate::memory::Charge::none(),
        })),
    }
}

/// An integer value as a big integer.
pub(crate) fn to_big(value: &Value) -> Option<BigInt> {
    match value {
        Value::Int(value) => Some(BigInt::from(*value)),
        Value::Bool(value) => Some(BigInt::from(i64::from(*value))),
        Value::Big(value) => Some(value.value.clone()),
        _ => None,
    }
}

/// An integer value that fits 64 bits.
pub(crate) fn to_i64(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

/// An integer value, at the nearest end of 64 bits where it lies beyond.
pub(crate) fn clamped(value: &Value) -> i64 {
    let big = to_big(value).unwrap_or_default();
    let end = if big.is_negative() {
        i64::MIN
    } else {
        i64::MAX
    };
    big.to_i64().unwrap_or(end)
}

fn too_large() -> Trap {
    raise(
        Exc::OverflowError,
        format!("the integer has more than {} bits", limits::INTEGER_BITS),
    )
}

fn bits_of(value: &Value) -> u64 {
    match value {
        Value::Big(value) => value.value.bits(),
        _ => 64,
    }
}

impl Vm<'_, '_> {
    /// A big integer as a value, in its short form where it has one.
    pub(crate) fn new_int(&mut self, value: BigInt) -> R<Value> {
        if let Some(small) = value.to_i64() {
            return Ok(Value::Int(small));
        }
        let bits = value.bits();
        if bits > limits::INTEGER_BITS {
            return Err(too_large());
        }
        let bytes = bits as usize / 8;
        self.spend(gas::OBJECT + gas::bytes(bytes))?;
        let charge = charge(OBJECT_BYTES + bytes)?;
        Ok(Value::Big(Rc::new(BigObj { value, charge })))
    }

    pub(crate) fn binary(&mut self, op: Bin, left: &Value, right: &Value) -> R<Value> {
        if let (Some(x), Some(y)) = (to_i64(left), to_i64(right)) {
            return self.small(op, x, y, left, right);
        }
        match (left, right) {
            (Value::Big(_), Value::Big(_) | Value::Int(_) | Value::Bool(_))
            | (Value::Int(_) | Value::Bool(_), Value::Big(_)) => self.big(op, left, right),
            (Value::Decimal(_), _) | (_, Value::Decimal(_)) => self.decimal_binary(op, left, right),
            _ => self.sequences(op, left, right),
        }
    }

    fn small(&mut self, op: Bin, x: i64, y: i64, left: &Value, right: &Value) -> R<Value> {
        let boolean = matches!((left, right), (Value::Bool(_), Value::Bool(_)));
        let fast = match op {
            Bin::Add => x.checked_add(y),
            Bin::Sub => x.checked_sub(y),
            Bin::Mul => x.checked_mul(y),
            Bin::FloorDiv if y == 0 => {
                return Err(raise(
                    Exc::ZeroDivisionError,
                    "integer division or modulo by zero",
                ))
            }
            Bin::Mod if y == 0 => {
                return Err(raise(Exc::ZeroDivisionError, "integer modulo by zero"))
            }
            Bin::FloorDiv if y != -1 => Some(Integer::div_floor(&x, &y)),
            Bin::FloorDiv => x.checked_neg(),
            Bin::Mod if y == -1 => Some(0),
            Bin::Mod => Some(Integer::mod_floor(&x, &y)),
            Bin::Pow => match u32::try_from(y) {
                Ok(exponent) => x.checked_pow(exponent),
                Err(_) => None,
            },
            Bin::And if boolean => return Ok(Value::Bool(x & y != 0)),
            Bin::Or if boolean => return Ok(Value::Bool(x | y != 0)),
            Bin::Xor if boolean => return Ok(Value::Bool(x ^ y != 0)),
            Bin::And => Some(x & y),
            Bin::Or => Some(x | y),
            Bin::Xor => Some(x ^ y),
            Bin::Shr if y >= 0 => Some(x >> y.min(63)),
            Bin::Shl if x == 0 && y >= 0 => Some(0),
            Bin::Shl | Bin::Shr => None,
        };
        match fast {
            Some(value) => Ok(Value::Int(value)),
            None => self.big(op, left, right),
        }
    }

    fn big(&mut self, op: Bin, left: &Value, right: &Value) -> R<Value> {
        let bits = bits_of(left).max(bits_of(right));
        let words = bits / 64 + 1;
        self.spend(
            gas::OBJECT
                + words
                    * if matches!(op, Bin::Mul | Bin::FloorDiv | Bin::Mod) {
                        words / 2 + 1
                    } else {
                        1
                    },
        )?;
        let (Some(x), Some(y)) = (to_big(left), to_big(right)) else {
            return Err(self.unsupported(op, left, right));
        };
        let value = match op {
            Bin::Add => x + y,
            Bin::Sub => x - y,
            Bin::Mul => {
                if x.bits() + y.bits() > limits::INTEGER_BITS + 1 {
                    return Err(too_large());
                }
                x * y
            }
            Bin::FloorDiv if y.is_zero() => {
                return Err(raise(
                    Exc::ZeroDivisionError,
                    "integer division or modulo by zero",
                ))
            }
            Bin::Mod if y.is_zero() => {
                return Err(raise(Exc::ZeroDivisionError, "integer modulo by zero"))
            }
            Bin::FloorDiv => x.div_floor(&y),
            Bin::Mod => x.mod_floor(&y),
            Bin::Pow => return self.power(x, y),
            Bin::Shl | Bin::Shr if y.is_negative() => {
                return Err(value_error("negative shift count"))
            }
            Bin::Shl => {
                let shift = y.to_u64().filter(|shift| *shift <= limits::INTEGER_BITS);
                match shift {
                    Some(shift) if x.bits() + shift <= limits::INTEGER_BITS => x << shift,
                    _ if x.is_zero() => x,
                    _ => return Err(too_large()),
                }
            }
            Bin::Shr => match y.to_u64().filter(|shift| *shift <= limits::INTEGER_BITS) {
                Some(shift) => x >> shift,
                None if x.is_negative() => BigInt::from(-1),
                None => BigInt::zero(),
            },
            Bin::And => x & y,
            Bin::Or => x | y,
            Bin::Xor => x ^ y,
        };
        self.new_int(value)
    }

    fn power(&mut self, x: BigInt, y: BigInt) -> R<Value> {
        if y.is_negative() {
            return Err(fatal("language.refused", "a negative exponent gives a float, and floats are not part of the language: divide instead"));
        }
        if x.is_zero() || x.is_one() {
            return self.new_int(if y.is_zero() { BigInt::one() } else { x });
        }
        if x == BigInt::from(-1) {
            let even = y.is_even();
            return self.new_int(if even { BigInt::one() } else { x });
        }
        // A base of n bits makes at least (n - 1) * y + 1 bits.
        let least = y.to_u64().and_then(|y| (x.bits() - 1).checked_mul(y));
        match least {
            Some(bits) if bits < limits::INTEGER_BITS => {
                let exponent = y.to_u32().unwrap_or(0);
                let words = bits / 64 + 1;
                self.spend(words * words / 4 + 8)?;
                self.new_int(num_traits::Pow::pow(x, exponent))
            }
            _ => Err(too_large()),
        }
    }

    /// `pow(base, exponent, modulus)`.
    pub(crate) fn power_mod(
        &mut self,
        base: &Value,
        exponent: &Value,
        modulus: &Value,
    ) -> R<Value> {
        let (Some(x), Some(y), Some(m)) = (to_big(base), to_big(exponent), to_big(modulus)) else {
            return Err(type_error(
                "pow() 3rd argument not allowed unless all arguments are integers",
            ));
        };
        if m.is_zero() {
            return Err(value_error("pow() 3rd argument cannot be 0"));
        }
        let words = m.bits() / 64 + 1;
        self.spend(gas::OBJECT + (y.bits() + 1).saturating_mul(words * words / 2 + 2))?;
        let x = if y.is_negative() {
            let found = x.mod_floor(&m.abs()).extended_gcd(&m.abs());
            if !found.gcd.is_one() {
                return Err(value_error("base is not invertible for the given modulus"));
            }
            found.x
        } else {
            x
        };
        let positive = m.abs();
        let found = x.mod_floor(&positive).modpow(&y.abs(), &positive);
        let found = if m.sign() == Sign::Minus && !found.is_zero() {
            found + &m
        } else {
            found
        };
        self.new_int(found)
    }

    /// Operations on strings, byte strings, lists, tuples, sets and dictionaries.
    pub(crate) fn sequences(&mut self, op: Bin, left: &Value, right: &Value) -> R<Value> {
        match (op, left, right) {
            (Bin::Add, Value::Str(x), Value::Str(y)) => {
                self.plan_bytes(x.text.len() + y.text.len())?;
                let mut text = String::with_capacity(x.text.len() + y.text.len());
                text.push_str(&x.text);
                text.push_str(&y.text);
                Value::str(text)
            }
            (Bin::Add, Value::Bytes(x), Value::Bytes(y)) => {
                self.plan_bytes(x.bytes.len() + y.bytes.len())?;
                Value::bytes([x.bytes.as_slice(), y.bytes.as_slice()].concat())
            }
            (Bin::Add, Value::List(x), Value::List(y)) => {
                self.plan_elements(x.items.borrow().len() + y.items.borrow().len())?;
                Value::list(
                    x.items
                        .borrow()
                        .iter()
                        .chain(y.items.borrow().iter())
                        .cloned()
                        .collect(),
                )
            }
            (Bin::Add, Value::Tuple(x), Value::Tuple(y)) => {
                self.plan_elements(x.items.len() + y.items.len())?;
                Value::tuple(x.items.iter().chain(&y.items).cloned().collect())
            }
            (Bin::Mul, _, _) => match (to_big(left), to_big(right)) {
                (None, Some(times)) if is_sequence(left) => self.repeat(left, times, right),
                (Some(times), None) if is_sequence(right) => self.repeat(right, times, left),
                _ => Err(self.unsupported(op, left, right)),
            },
            (Bin::Sub | Bin::And | Bin::Or | Bin::Xor, Value::Set(x), Value::Set(y)) => {
                self.set_operation(op, x, y)
            }
            (Bin::Sub | Bin::And | Bin::Or | Bin::Xor, Value::DictView(view), _)
                if view.kind != crate::value::ViewKind::Values && self.can_iterate(right) =>
            {
                let (left, right) = (self.as_set(left)?, self.as_set(right)?);
                self.sequences(op, &left, &right)
            }
            (Bin::Sub | Bin::And | Bin::Or | Bin::Xor, Value::Set(_), Value::DictView(view))
                if view.kind != crate::value::ViewKind::Values =>
            {
                let (left, right) = (self.set_like(left)?, self.as_set(right)?);
                self.sequences(op, &left, &right)
            }
            (Bin::Or, Value::Dict(x), Value::Dict(_)) => {
                self.plan_elements(x.table.borrow().len() * 3)?;
                let copy = Value::dict(x.table.borrow().clone())?;
                self.merge(&copy, right, false)?;
                Ok(copy)
            }
            (Bin::Mod, Value::Str(text), values) => {
                let text = text.clone();
                self.percent(&text.text, values)
            }
            (Bin::Mod, Value::Bytes(_), _) => Err(fatal(
                "language.refused",
                "% formatting of bytes is not part of the language: format text and encode it",
            )),
            _ => Err(self.unsupported(op, left, right)),
        }
    }

    /// A set that may change, for an operation with a view.
    fn set_like(&mut self, value: &Value) -> R<Value> {
        let items = self.collect_any(value)?;
        self.set_of(items, false)
    }

    fn can_iterate(&self, value: &Value) -> bool {
        matches!(
            value,
            Value::Str(_)
                | Value::Bytes(_)
                | Value::Tuple(_)
                | Value::List(_)
                | Value::Dict(_)
                | Value::Set(_)
                | Value::DictView(_)
                | Value::Range(_)
                | Value::Iter(_)
        )
    }

    fn repeat(&mut self, sequence: &Value, times: BigInt, other: &Value) -> R<Value> {
        if is_sequence(sequence) && times.to_i64().is_none() {
            return Err(raise(
                Exc::OverflowError,
                "cannot fit 'int' into an index-sized integer",
            ));
        }
        let times = if times.is_negative() {
            0
        } else {
            times.to_usize().unwrap_or(usize::MAX)
        };
        let total = |length: usize| {
            if length == 0 {
                Some(0)
            } else {
                length.checked_mul(times)
            }
        };
        let over = || {
            fatal(
                "limit.memory",
                "the repeated sequence is too long: work in smaller parts",
            )
        };
        match sequence {
            Value::Str(text) => {
                let length = total(text.text.len()).ok_or_else(over)?;
                self.plan_bytes(length)?;
                Value::str(text.text.repeat(if length == 0 { 0 } else { times }))
            }
            Value::Bytes(bytes) => {
                let length = total(bytes.bytes.len()).ok_or_else(over)?;
                self.plan_bytes(length)?;
                Value::bytes(bytes.bytes.repeat(if length == 0 { 0 } else { times }))
            }
            Value::List(list) => {
                let length = total(list.items.borrow().len()).ok_or_else(over)?;
                self.plan_elements(length)?;
                Value::list(
                    list.items
                        .borrow()
                        .iter()
                        .cycle()
                        .take(length)
                        .cloned()
                        .collect(),
                )
            }
            Value::Tuple(tuple) => {
                let length = total(tuple.items.len()).ok_or_else(over)?;
                self.plan_elements(length)?;
                Value::tuple(tuple.items.iter().cycle().take(length).cloned().collect())
            }
            _ => Err(self.unsupported(Bin::Mul, sequence, other)),
        }
    }

    /// `left op= right`: what can change, changes. Gives `left` back on failure.
    pub(crate) fn in_place(
        &mut self,
        op: Bin,
        left: Value,
        right: &Value,
    ) -> Result<Value, (Trap, Value)> {
        let result = match (op, &left, right) {
            (Bin::Add, Value::Str(_), Value::Str(more)) => return self.append_text(left, more),
            (Bin::Add, Value::List(_), _) => self.extend(&left, right).map(|()| None),
            (Bin::Mul, Value::List(list), _) => match self.binary(op, &left, right) {
                Ok(Value::List(made)) => {
                    let items = made.items.take();
                    self.replace_items(list, items).map(|()| None)
                }
                Ok(_) => Err(crate::error::malformed()),
                Err(trap) => Err(trap),
            },
            (Bin::Or, Value::Dict(dict), _) => self
                .dict_update(dict, &mut [right.clone()], &[])
                .map(|_| None),
            (Bin::Or | Bin::And | Bin::Sub | Bin::Xor, Value::Set(set), Value::Set(other))
                if !set.frozenset =>
            {
                self.set_update(op, set, other).map(|()| None)
            }
            _ => self.binary(op, &left, right).map(Some),
        };
        match result {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Ok(left),
            Err(trap) => Err((in_place_message(trap, op), left)),
        }
    }

    fn append_text(
        &mut self,
        mut left: Value,
        more: &Rc<crate::value::StrObj>,
    ) -> Result<Value, (Trap, Value)> {
        let alone = match &mut left {
            Value::Str(text) => Rc::get_mut(text),
            _ => None,
        };
        let Some(text) = alone else {
            return self
                .binary(Bin::Add, &left, &Value::Str(more.clone()))
                .map_err(|trap| (trap, left));
        };
        let length = text.text.len() + more.text.len();
        let result = if length > limits::STRING_BYTES {
            Err(super::too_long())
        } else {
            self.spend(gas::OBJECT + gas::bytes(more.text.len()))
                .and_then(|()| text.push(&more.text))
        };
        match result {
            Ok(()) => Ok(left),
            Err(trap) => Err((trap, left)),
        }
    }

    pub(crate) fn unary(&mut self, op: Op, value: &Value) -> R<Value> {
        let sign = match op {
            Op::Neg => "-",
            Op::Pos => "+",
            _ => "~",
        };
        if let (Value::Decimal(decimal), Op::Neg | Op::Pos) = (value, op) {
            let negate = op == Op::Neg;
            return self.decimal_unary(decimal, |units| if negate { -units } else { units });
        }
        let Some(big) = to_big(value) else {
            return Err(type_error(format!(
                "bad operand type for unary {sign}: '{}'",
                self.type_name(value)
            )));
        };
        self.spend(gas::bytes(big.bits() as usize / 8))?;
        self.new_int(match op {
            Op::Neg => -big,
            Op::Pos => big,
            _ => -big - 1,
        })
    }

    #[cold]
    #[inline(never)]
    fn unsupported(&self, op: Bin, left: &Value, right: &Value) -> Trap {
        let name = |value: &Value| self.type_name(value);
        if op == Bin::Add {
            let what = match left {
                Value::Str(_) => Some(("str", "str")),
                Value::List(_) => Some(("list", "list")),
                Value::Tuple(_) => Some(("tuple", "tuple")),
                Value::Bytes(_) => {
                    return type_error(format!("can't concat {} to bytes", name(right)))
                }
                _ => None,
            };
            if let Some((own, kind)) = what {
                return type_error(format!(
                    "can only concatenate {own} (not \"{}\") to {kind}",
                    name(right)
                ));
            }
        }
        let is_type = |value: &Value| match value {
            Value::Builtin(builtin) => super::format::is_type(*builtin),
            Value::None => true,
            other => matches!(
                other,
                Value::Class(_) | Value::DecimalType(_) | Value::ExcClass(_)
            ),
        };
        if op == Bin::Or
            && is_type(left)
            && is_type(right)
            && !matches!((left, right), (Value::None, Value::None))
        {
            return crate::error::refused(
                "`A | B` of types is no value: write it in annotations and isinstance",
            );
        }
        if op == Bin::Mul && (is_sequence(left) || is_sequence(right)) {
            let other = if is_sequence(left) { right } else { left };
            return type_error(format!(
                "can't multiply sequence by non-int of type '{}'",
                name(other)
            ));
        }
        type_error(format!(
            "unsupported operand type(s) for {}: '{}' and '{}'",
            op.symbol(),
            name(left),
            name(right)
        ))
    }
}

fn is_sequence(value: &Value) -> bool {
    matches!(
        value,
        Value::Str(_) | Value::Bytes(_) | Value::List(_) | Value::Tuple(_)
    )
}

/// Says `+=` where the plain operation would say `+`.
#[cold]
#[inline(never)]
pub(super) fn in_place_message(trap: Trap, op: Bin) -> Trap {
    let start = format!("unsupported operand type(s) for {}: ", op.symbol());
    if let Stop::Raise(exception) = &*trap {
        if let [Value::Str(text)] = exception.args.as_slice() {
            if let Some(rest) = text.text.strip_prefix(&start) {
                let symbol = if op == Bin::Pow { "**" } else { op.symbol() };
                return type_error(format!("unsupported operand type(s) for {symbol}=: {rest}"));
            }
        }
    }
    trap
}
