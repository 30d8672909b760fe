//! Methods of integers.

use num_bigint::{BigInt, Sign};
use num_traits::Signed;

use super::named::Takes;
use super::Method;
use crate::error::{raise, type_error, value_error, Exc, R};
use crate::interp::arith::to_big;
use crate::interp::Vm;
use crate::value::Value;

impl Vm<'_, '_> {
    pub(crate) fn int_method(
        &mut self,
        value: &Value,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let big = to_big(value).unwrap_or_default();
        match method {
            Method::BitLength => {
                self.arity("bit_length", arguments, names, 0, 0)?;
                Ok(Value::Int(big.bits() as i64))
            }
            Method::BitCount => {
                self.arity("bit_count", arguments, names, 0, 0)?;
                let ones: u32 = big.magnitude().iter_u64_digits().map(u64::count_ones).sum();
                Ok(Value::Int(i64::from(ones)))
            }
            Method::AsIntegerRatio | Method::Conjugate => {
                self.arity(method.name(), arguments, names, 0, 0)?;
                let value = self.new_int(big)?;
                match method {
                    Method::Conjugate => Ok(value),
                    _ => self.new_tuple(vec![value, Value::Int(1)]),
                }
            }
            _ => self.int_to_bytes(&big, arguments, names),
        }
    }

    /// Byte order and sign of `to_bytes` and `from_bytes`.
    fn byte_order(
        &mut self,
        what: &str,
        order: Option<&Value>,
        signed: Option<&Value>,
    ) -> R<(bool, bool)> {
        let little = match order {
            None => false,
            Some(Value::Str(text)) if text.text == "big" => false,
            Some(Value::Str(text)) if text.text == "little" => true,
            Some(Value::Str(_)) => {
                return Err(value_error("byteorder must be either 'little' or 'big'"))
            }
            Some(other) => {
                return Err(type_error(format!(
                    "{what}() argument 'byteorder' must be str, not {}",
                    self.type_name(other)
                )))
            }
        };
        let signed = match signed {
            Some(value) => self.truth(value)?,
            None => false,
        };
        Ok((little, signed))
    }

    fn int_to_bytes(&mut self, big: &BigInt, arguments: &[Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("to_bytes", &["length", "byteorder", "signed"]).placed(2);
        let [length, order, signed] = self.named(&TAKES, arguments, names)?;
        let length = match length {
            Some(value) => self.int_argument(&value)?,
            None => 1,
        };
        let Ok(length) = usize::try_from(length) else {
            return Err(value_error("length argument must be non-negative"));
        };
        let (little, signed) = self.byte_order("to_bytes", order.as_ref(), signed.as_ref())?;
        if big.is_negative() && !signed {
            return Err(raise(
                Exc::OverflowError,
                "can't convert negative int to unsigned",
            ));
        }
        self.plan_bytes(length)?;
        let mut bytes = if signed {
            big.to_signed_bytes_be()
        } else {
            big.to_bytes_be().1
        };
        if big.sign() == Sign::NoSign {
            bytes.clear();
        }
        if bytes.len() > length {
            return Err(raise(Exc::OverflowError, "int too big to convert"));
        }
        let fill = if big.is_negative() { 0xff } else { 0 };
        let mut all = vec![fill; length - bytes.len()];
        all.extend(bytes);
        if little {
            all.reverse();
        }
        Value::bytes(all)
    }

    /// `int.from_bytes(bytes, byteorder, signed=)`
    pub(crate) fn int_from_bytes(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("from_bytes", &["bytes", "byteorder", "signed"])
            .placed(2)
            .needs(1);
        let [bytes, order, signed] = self.named(&TAKES, arguments, names)?;
        let (little, signed) = self.byte_order("from_bytes", order.as_ref(), signed.as_ref())?;
        let made;
        let bytes = match &bytes {
            None => return Err(crate::error::malformed()),
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::List(_) | Value::Tuple(_) | Value::Range(_) | Value::Dict(_)) => {
                made = self.make_bytes(bytes.as_slice())?;
                let Value::Bytes(bytes) = &made else {
                    return Err(crate::error::malformed());
                };
                bytes
            }
            Some(Value::Set(_) | Value::Iter(_) | Value::DictView(_)) => {
                return Err(crate::error::refused("from_bytes() takes bytes"))
            }
            Some(other) => {
                return Err(type_error(format!(
                    "cannot convert '{}' object to bytes",
                    self.type_name(other)
                )))
            }
        };
        self.plan_bytes(bytes.bytes.len())?;
        let mut all = bytes.bytes.clone();
        if little {
            all.reverse();
        }
        let significant = all
            .iter()
            .position(|byte| *byte != 0 && *byte != 0xff)
            .map_or(1, |at| all.len() - at);
        if significant > codec::limits::INTEGER_BYTES + 1 {
            return Err(raise(
                Exc::OverflowError,
                format!(
                    "the integer has more than {} bits",
                    crate::limits::INTEGER_BITS
                ),
            ));
        }
        let value = if signed {
            BigInt::from_signed_bytes_be(&all)
        } else {
            BigInt::from_bytes_be(Sign::Plus, &all)
        };
        self.new_int(value)
    }
}
