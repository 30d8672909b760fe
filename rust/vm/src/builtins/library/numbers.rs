//! `gcd`, `lcm` and `isqrt`: what `math` has for whole numbers, with CPython's errors.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::Signed;

use super::super::Builtin;
use crate::error::{type_error, value_error, R};
use crate::interp::arith::to_big;
use crate::interp::Vm;
use crate::value::Value;

impl Vm<'_, '_> {
    pub(super) fn whole_numbers(
        &mut self,
        builtin: Builtin,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let name = builtin.name();
        if !names.is_empty() {
            return Err(type_error(format!(
                "math.{name}() takes no keyword arguments"
            )));
        }
        let root = builtin == Builtin::Isqrt;
        if root && arguments.len() != 1 {
            let given = arguments.len();
            return Err(type_error(format!(
                "math.{name}() takes exactly one argument ({given} given)"
            )));
        }
        let mut found: Option<BigInt> = None;
        for argument in arguments {
            let Some(number) = to_big(argument) else {
                return Err(type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    self.type_name(argument)
                )));
            };
            // The work is that of a division for each bit, at worst.
            let known = found.as_ref().map_or(0, BigInt::bits);
            let words = (number.bits() + known) / 64 + 1;
            self.spend(4 + 2 * words * words)?;
            found = Some(match (&found, builtin) {
                (None, Builtin::Isqrt) if number.is_negative() => {
                    return Err(value_error("isqrt() argument must be nonnegative"))
                }
                (None, Builtin::Isqrt) => number.sqrt(),
                (None, _) => number.abs(),
                (Some(known), Builtin::Gcd) => known.gcd(&number),
                (Some(known), _) => known.lcm(&number).abs(),
            });
        }
        let empty = u8::from(builtin == Builtin::Lcm);
        self.new_int(found.unwrap_or_else(|| BigInt::from(empty)))
    }
}
