//! Powers with a modulus.

use num_bigint::Sign;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::arith::to_big;
use super::Vm;
use crate::error::{type_error, value_error, R};
use crate::gas;
use crate::value::Value;

impl Vm<'_, '_> {
    /// `pow(base, exponent, modulus)`.
    pub(crate) fn power_mod(
        &mut self,
        base: &Value,
        exponent: &Value,
        modulus: &Value,
    ) -> R<Value> {
        let (Some(x), Some(y), Some(m)) = (to_big(base), to_big(exponent), to_big(modulus)) else {
            let [base, exponent, modulus] =
                [base, exponent, modulus].map(|value| self.type_name(value));
            return Err(type_error(format!(
                "unsupported operand type(s) for ** or pow(): '{base}', '{exponent}', '{modulus}'"
            )));
        };
        if m.is_zero() {
            return Err(value_error("pow() 3rd argument cannot be 0"));
        }
        let words = m.bits() / 64 + 1;
        self.spend(gas::OBJECT + (y.bits() + 1).saturating_mul(words * words / 2 + 2))?;
        if let (Some(x), Some(y), Some(m)) = (x.to_i64(), y.to_u64(), m.to_i64()) {
            return Ok(Value::Int(small_power_mod(x, y, m)));
        }
        self.spend(gas::MODULUS)?;
        let x = if y.is_negative() {
            self.spend(m.bits() * (gas::INVERSE_STEP + words / 2))?;
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
}

/// `pow(x, y, m)` of numbers whose products fit 128 bits. `m` is not 0.
fn small_power_mod(x: i64, mut y: u64, m: i64) -> i64 {
    let positive = i128::from(m).abs();
    let mut square = i128::from(x).rem_euclid(positive);
    let mut found = 1 % positive;
    while y > 0 {
        if y & 1 == 1 {
            found = found * square % positive;
        }
        square = square * square % positive;
        y >>= 1;
    }
    let signed = if m < 0 && found != 0 {
        found + i128::from(m)
    } else {
        found
    };
    // Smaller than m, which fits.
    signed as i64
}
