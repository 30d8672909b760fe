//! Proportions that are rounded once and by name, and shares that sum to the whole.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use crate::error::{raise, value_error, Exc, R};
use crate::gas;
use crate::interp::Vm;
use crate::limits;
use crate::value::Value;

/// How a quotient becomes an integer.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Rounding {
    Down,
    Up,
    HalfUp,
    HalfEven,
    Floor,
    Ceiling,
}

const ROUNDINGS: [(&str, Rounding); 6] = [
    ("down", Rounding::Down),
    ("up", Rounding::Up),
    ("half_up", Rounding::HalfUp),
    ("half_even", Rounding::HalfEven),
    ("floor", Rounding::Floor),
    ("ceiling", Rounding::Ceiling),
];

fn words(value: &BigInt) -> u64 {
    value.bits() / 64 + 1
}

/// The quotient, rounded; the divisor is not zero.
fn divided(dividend: &BigInt, divisor: &BigInt, rounding: Rounding) -> BigInt {
    let negative = dividend.is_negative() != divisor.is_negative();
    let (mut quotient, rest) = dividend.abs().div_rem(&divisor.abs());
    if !rest.is_zero() {
        let middle = (rest * 2u8).cmp(&divisor.abs());
        let more = match rounding {
            Rounding::Down => false,
            Rounding::Up => true,
            Rounding::HalfUp => middle.is_ge(),
            Rounding::HalfEven => middle.is_gt() || (middle.is_eq() && quotient.is_odd()),
            Rounding::Floor => negative,
            Rounding::Ceiling => !negative,
        };
        quotient += u8::from(more);
    }
    if negative {
        -quotient
    } else {
        quotient
    }
}

impl Vm<'_, '_> {
    /// The quotient with a rounding by name; pays for it.
    pub(super) fn divide(
        &mut self,
        dividend: &BigInt,
        divisor: &BigInt,
        rounding: &str,
    ) -> R<BigInt> {
        let found = ROUNDINGS.iter().find(|(name, _)| *name == rounding);
        let Some((_, rounding)) = found else {
            let names: Vec<&str> = ROUNDINGS.iter().map(|(name, _)| *name).collect();
            let (given, names) = (self.quoted(rounding)?, names.join(", "));
            return Err(value_error(format!(
                "{given} is no rounding: use one of {names}"
            )));
        };
        self.spend(gas::PROPORTION + words(dividend) * words(divisor) / 2)?;
        Ok(divided(dividend, divisor, *rounding))
    }

    /// The units of an int or a decimal.
    fn units_of(&self, function: &str, name: &str, value: &Value) -> R<BigInt> {
        match value {
            Value::Decimal(decimal) => self.library_int(function, name, &decimal.units),
            Value::Int(_) | Value::Big(_) => self.library_int(function, name, value),
            other => Err(self.wrong_type(function, name, "int or Decimal", other)),
        }
    }

    /// Units as a value of the kind that `model` is.
    fn like(&mut self, model: &Value, units: BigInt) -> R<Value> {
        let units = self.new_int(units)?;
        match model {
            Value::Decimal(decimal) => self.new_decimal(decimal.scale, units),
            _ => Ok(units),
        }
    }

    /// `mul_div(a, b, c, rounding)`
    pub(super) fn mul_div(&mut self, given: &[Value]) -> R<Value> {
        let a = self.units_of("mul_div", "a", &given[0])?;
        let b = self.library_int("mul_div", "b", &given[1])?;
        let c = self.library_int("mul_div", "c", &given[2])?;
        let rounding = self.library_str("mul_div", "rounding", &given[3])?;
        if c.is_zero() {
            return Err(raise(Exc::ZeroDivisionError, "mul_div() by zero"));
        }
        self.spend(words(&a) * words(&b) / 2)?;
        let quotient = self.divide(&(a * b), &c, rounding)?;
        self.like(&given[0], quotient)
    }

    /// `allocate(total, weights)`
    pub(super) fn allocate(&mut self, given: &[Value]) -> R<Value> {
        let total = self.units_of("allocate", "total", &given[0])?;
        let weights = self.weights(&given[1])?;
        let mut whole = BigInt::zero();
        let mut shares = Vec::with_capacity(weights.len());
        for weight in &weights {
            let weight = self.library_int("allocate", "weights", weight)?;
            self.spend(1 + words(&weight) / 4)?;
            if weight.is_negative() {
                let shown = self.shown_int(&weight)?;
                return Err(value_error(format!(
                    "allocate() has a negative weight: {shown}"
                )));
            }
            whole += &weight;
            shares.push(weight);
        }
        let _ = self.new_int(whole.clone())?;
        if whole.is_zero() {
            return Err(value_error("allocate() needs a weight above zero"));
        }
        let parts = self.shares(&total, &whole, shares)?;
        let mut made = Vec::with_capacity(parts.len());
        for part in parts {
            made.push(self.like(&given[0], part)?);
        }
        self.new_list(made)
    }

    fn weights(&mut self, given: &Value) -> R<Vec<Value>> {
        let count = match given {
            Value::List(list) => list.items.borrow().len(),
            Value::Tuple(tuple) => tuple.items.len(),
            other => return Err(self.wrong_type("allocate", "weights", "list", other)),
        };
        if count > limits::WEIGHTS {
            return Err(value_error(format!(
                "allocate() takes at most {} weights, given {count}",
                limits::WEIGHTS
            )));
        }
        self.plan_elements(count)?;
        Ok(match given {
            Value::List(list) => list.items.borrow().clone(),
            Value::Tuple(tuple) => tuple.items.clone(),
            _ => Vec::new(),
        })
    }

    /// The part of each weight: to zero first, then one unit each to the largest remainders.
    fn shares(&mut self, total: &BigInt, whole: &BigInt, weights: Vec<BigInt>) -> R<Vec<BigInt>> {
        let count = weights.len() as u64;
        let magnitude = total.abs();
        let mut left = magnitude.clone();
        let mut parts = Vec::with_capacity(weights.len());
        let mut rests = Vec::with_capacity(weights.len());
        for (at, weight) in weights.iter().enumerate() {
            let product = words(&magnitude) * words(weight);
            let divided = (words(&magnitude) + words(weight)) * words(whole);
            self.spend(gas::PROPORTION + (product + divided) / 2)?;
            let (part, rest) = (&magnitude * weight).div_rem(whole);
            left -= &part;
            parts.push(part);
            rests.push((rest, at));
        }
        let depth = u64::from(64 - count.leading_zeros());
        self.spend(gas::SORT_STEP * count * depth * (1 + words(whole) / 4))?;
        rests.sort_by(|(x, a), (y, b)| y.cmp(x).then(a.cmp(b)));
        let first = usize::try_from(left).unwrap_or(0);
        for (_, at) in rests.into_iter().take(first) {
            parts[at] += 1;
        }
        if total.is_negative() {
            parts.iter_mut().for_each(|part| *part = -&*part);
        }
        Ok(parts)
    }

    /// The digits of an integer, for an error; pays for them.
    pub(super) fn shown_int(&mut self, value: &BigInt) -> R<String> {
        self.spend(words(value) * words(value) / 2)?;
        Ok(value.to_string())
    }
}
