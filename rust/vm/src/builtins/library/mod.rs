//! The helpers of `lianheng.contract` that need no state: decimals, proportions, dates, hashes,
//! commitments, signatures, check digits.
//!
//! Each has a plain twin in `src/lianheng/contract`, with the same results and the same errors.

mod amounts;
mod check_digits;
mod dates;
mod decimal;
mod hashing;
mod numbers;

pub(crate) use decimal::{is_scale, parse as parse_decimal};

use num_bigint::BigInt;

use super::Builtin;
use crate::error::{malformed, type_error, R};
use crate::interp::arith::to_big;
use crate::interp::Vm;
use crate::value::Value;

/// Characters of a text that an error shows.
const SHOWN_CHARACTERS: usize = 40;

/// A function of the library and the names of its parameters; all are required.
type Entry = (Builtin, &'static [&'static str]);

use Builtin as B;

const TEXT: &[&str] = &["text"];
const DAY: &[&str] = &["day"];
const MS: &[&str] = &["ms"];
const DATA: &[&str] = &["data"];

const LIBRARY: &[Entry] = &[
    (B::Decimal, &["scale"]),
    (B::MulDiv, &["a", "b", "c", "rounding"]),
    (B::Allocate, &["total", "weights"]),
    (B::Date, MS),
    (B::StartOfDay, DAY),
    (B::DateOf, &["year", "month", "day"]),
    (B::DateParts, DAY),
    (
        B::DatetimeOf,
        &[
            "year",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "millisecond",
        ],
    ),
    (B::DatetimeParts, MS),
    (B::DaysBetween, &["first", "last"]),
    (B::AddMonths, &["day", "months"]),
    (B::EndOfMonth, DAY),
    (B::IsoWeekday, DAY),
    (B::Quarter, DAY),
    (B::IsLeapYear, &["year"]),
    (B::FormatDate, DAY),
    (B::ParseDate, TEXT),
    (B::FormatDatetime, MS),
    (B::ParseDatetime, TEXT),
    (B::Sha256, DATA),
    (B::Sm3, DATA),
    (B::Commit, &["value", "salt"]),
    (B::Opens, &["commitment", "value", "salt"]),
    (B::IsSigned, &["message", "signature", "public_key"]),
    (B::SignedBy, &["member", "message", "signature"]),
    (B::IsValidContainer, TEXT),
    (B::IsValidGln, TEXT),
    (B::IsValidGtin, TEXT),
    (B::IsValidIban, TEXT),
    (B::IsValidIsin, TEXT),
    (B::IsValidLei, TEXT),
    (B::IsValidSscc, TEXT),
    (B::IsValidUscc, TEXT),
    (B::Gcd, &[]),
    (B::Isqrt, &[]),
    (B::Lcm, &[]),
];

/// The parameters of a builtin that has to be imported; nothing for the others.
pub(crate) fn parameters(builtin: Builtin) -> Option<&'static [&'static str]> {
    let mut known = LIBRARY.iter();
    known
        .find(|(found, _)| *found == builtin)
        .map(|(_, parameters)| *parameters)
}

/// Whether a helper comes from Python's `math`.
pub(crate) fn is_of_math(builtin: Builtin) -> bool {
    matches!(builtin, B::Gcd | B::Isqrt | B::Lcm)
}

/// What `from lianheng.contract import name` gives, where it is one of these helpers.
pub(crate) fn exported(name: &str) -> Option<Builtin> {
    Builtin::from_name(name)
        .filter(|found| parameters(*found).is_some())
        .filter(|found| !is_of_math(*found))
}

impl Vm<'_, '_> {
    /// Calls a helper; arguments by name come last.
    pub(super) fn call_library(
        &mut self,
        builtin: Builtin,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        if is_of_math(builtin) {
            return self.whole_numbers(builtin, arguments, names);
        }
        let parameters = parameters(builtin).ok_or_else(malformed)?;
        let given = self.bind_library(builtin.name(), 0, parameters, arguments, names)?;
        let given = given.as_slice();
        match builtin {
            B::Decimal => self
                .decimal_type(&given[0], "Decimal")
                .map(Value::DecimalType),
            B::MulDiv => self.mul_div(given),
            B::Allocate => self.allocate(given),
            B::Sha256 | B::Sm3 | B::Commit | B::Opens | B::IsSigned => self.hashing(builtin, given),
            B::SignedBy => self.signed_by(given),
            B::IsValidContainer
            | B::IsValidGln
            | B::IsValidGtin
            | B::IsValidIban
            | B::IsValidIsin
            | B::IsValidLei
            | B::IsValidSscc
            | B::IsValidUscc => self.check_digits(builtin, given),
            _ => self.dates(builtin, given),
        }
    }

    /// Arguments in the order of the parameters. `taken` parameters before them are implied, as
    /// `self` is.
    fn bind_library(
        &self,
        function: &str,
        taken: usize,
        parameters: &[&str],
        arguments: &[Value],
        names: &[u16],
    ) -> R<Vec<Value>> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let mut bound: Vec<Value> = arguments[..positional].to_vec();
        bound.resize(positional.max(parameters.len()), Value::Unset);
        for (name, value) in names.iter().zip(&arguments[positional..]) {
            let name = self.keyword_name(*name);
            let place = parameters.iter().position(|parameter| *parameter == name);
            match place.and_then(|place| bound.get_mut(place)) {
                Some(slot @ Value::Unset) => *slot = value.clone(),
                Some(_) => {
                    return Err(type_error(format!(
                        "{function}() got multiple values for argument '{name}'"
                    )))
                }
                None => {
                    return Err(type_error(format!(
                        "{function}() got an unexpected keyword argument '{name}'"
                    )))
                }
            }
        }
        if positional > parameters.len() {
            let (most, given) = (parameters.len() + taken, positional + taken);
            let plural = if most == 1 { "" } else { "s" };
            let were = if given == 1 { "was" } else { "were" };
            return Err(type_error(format!(
                "{function}() takes {most} positional argument{plural} but {given} {were} given"
            )));
        }
        let missing: Vec<String> = parameters
            .iter()
            .zip(&bound)
            .filter(|(_, value)| matches!(value, Value::Unset))
            .map(|(name, _)| format!("'{name}'"))
            .collect();
        if missing.is_empty() {
            return Ok(bound);
        }
        Err(crate::interp::calls::missing_arguments(
            function,
            "positional",
            &missing,
        ))
    }

    /// The error of an argument that has another type.
    #[cold]
    fn wrong_type(
        &self,
        function: &str,
        name: &str,
        expected: &str,
        value: &Value,
    ) -> crate::error::Trap {
        let given = self.type_name(value);
        type_error(format!(
            "{function}() argument '{name}' must be {expected}, not {given}"
        ))
    }

    /// An int argument; a bool is none here.
    fn library_int(&self, function: &str, name: &str, value: &Value) -> R<BigInt> {
        match value {
            Value::Int(value) => Ok(BigInt::from(*value)),
            Value::Big(_) => to_big(value).ok_or_else(malformed),
            other => Err(self.wrong_type(function, name, "int", other)),
        }
    }

    fn library_str<'v>(&self, function: &str, name: &str, value: &'v Value) -> R<&'v str> {
        match value {
            Value::Str(text) => Ok(&text.text),
            other => Err(self.wrong_type(function, name, "str", other)),
        }
    }

    fn library_bytes<'v>(&self, function: &str, name: &str, value: &'v Value) -> R<&'v [u8]> {
        match value {
            Value::Bytes(bytes) => Ok(&bytes.bytes),
            other => Err(self.wrong_type(function, name, "bytes", other)),
        }
    }

    /// The start of a text, quoted, for an error.
    fn quoted(&mut self, text: &str) -> R<String> {
        let start: String = text.chars().take(SHOWN_CHARACTERS).collect();
        self.repr(&Value::text(&start))
    }
}
