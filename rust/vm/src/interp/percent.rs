//! `text % values`: the older way to format.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::arith::to_big;
use super::Vm;
use crate::error::{raise, refused, type_error, value_error, Exc, R};
use crate::value::Value;

/// Widths and precisions above this are refused before anything is built.
const WIDTH: usize = 10_000;

/// A conversion: `%[(key)][flags][width][.precision]type`.
#[derive(Default)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// The values that are still to be shown.
struct Values<'a> {
    items: &'a [Value],
    used: usize,
    /// Looked up by `%(key)s`.
    mapping: Option<&'a Value>,
}

impl Values<'_> {
    fn next(&mut self) -> R<Value> {
        let found = self.items.get(self.used).cloned();
        self.used += 1;
        found.ok_or_else(|| type_error("not enough arguments for format string"))
    }
}

impl Vm<'_, '_> {
    pub(super) fn percent(&mut self, text: &str, given: &Value) -> R<Value> {
        let tuple;
        let items: &[Value] = match given {
            Value::Tuple(values) => {
                tuple = values.clone();
                &tuple.items
            }
            one => std::slice::from_ref(one),
        };
        let mapping = matches!(
            given,
            Value::Dict(_) | Value::List(_) | Value::Bytes(_) | Value::Range(_)
        );
        let mut values = Values {
            items,
            used: 0,
            mapping: mapping.then_some(given),
        };
        self.spend(crate::gas::bytes(text.len() * 2))?;
        let chars: Vec<char> = text.chars().collect();
        let mut made = String::new();
        let mut at = 0;
        while let Some(c) = chars.get(at).copied() {
            at += 1;
            if c != '%' {
                made.push(c);
                continue;
            }
            self.spend(2)?;
            let shown = self.conversion(&chars, &mut at, &mut values)?;
            self.plan_bytes(made.len() + shown.len())?;
            made.push_str(&shown);
        }
        if values.used < items.len() && values.mapping.is_none() {
            return Err(type_error(
                "not all arguments converted during string formatting",
            ));
        }
        self.new_str(made)
    }

    fn conversion(&mut self, chars: &[char], at: &mut usize, values: &mut Values<'_>) -> R<String> {
        let incomplete = || value_error("incomplete format");
        let mut keyed = None;
        if chars.get(*at) == Some(&'(') {
            keyed = Some(self.keyed_value(chars, at, values)?);
        }
        let mut spec = Conversion::default();
        while let Some(flag) = chars.get(*at) {
            match flag {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                _ => break,
            }
            *at += 1;
        }
        if let Some(width) = self.measure(chars, at, values, "width")? {
            spec.left |= width < 0;
            spec.width = bounded(width.unsigned_abs())?;
        }
        if chars.get(*at) == Some(&'.') {
            *at += 1;
            let precision = self.measure(chars, at, values, "prec")?.unwrap_or(0);
            spec.precision = Some(bounded(precision.max(0).unsigned_abs())?);
        }
        while matches!(chars.get(*at), Some('h' | 'l' | 'L')) {
            *at += 1;
        }
        let kind = chars.get(*at).copied().ok_or_else(incomplete)?;
        *at += 1;
        if kind == '%' {
            return Ok("%".to_string());
        }
        let value = match keyed {
            Some(value) => value,
            None => values.next()?,
        };
        self.converted(kind, &spec, &value, *at - 1)
    }

    fn keyed_value(&mut self, chars: &[char], at: &mut usize, values: &mut Values<'_>) -> R<Value> {
        let Some(mapping) = values.mapping else {
            return Err(type_error("format requires a mapping"));
        };
        let start = *at + 1;
        let mut open = 0;
        let mut end = *at;
        loop {
            match chars.get(end) {
                Some('(') => open += 1,
                Some(')') => open -= 1,
                Some(_) => {}
                None => return Err(value_error("incomplete format key")),
            }
            if open == 0 {
                break;
            }
            end += 1;
        }
        *at = end + 1;
        let key: String = chars[start..end].iter().collect();
        let key = Value::str(key)?;
        self.get_item(mapping, &key)
    }

    /// A width or precision: digits, or `*` for the next value.
    fn measure(
        &mut self,
        chars: &[char],
        at: &mut usize,
        values: &mut Values<'_>,
        what: &str,
    ) -> R<Option<i64>> {
        if chars.get(*at) == Some(&'*') {
            *at += 1;
            let value = values.next()?;
            let Some(number) = to_big(&value) else {
                return Err(type_error("* wants int"));
            };
            let _ = what;
            return match number.to_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(raise(
                    Exc::OverflowError,
                    "Python int too large to convert to C ssize_t",
                )),
            };
        }
        let mut number: Option<i64> = None;
        while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
            let next = number.unwrap_or(0).saturating_mul(10);
            number = Some(next.saturating_add(i64::from(digit)));
            *at += 1;
        }
        Ok(number)
    }

    fn converted(
        &mut self,
        kind: char,
        spec: &Conversion,
        value: &Value,
        place: usize,
    ) -> R<String> {
        match kind {
            's' | 'r' | 'a' => {
                let shown = self.convert(value, kind as u16)?;
                let Value::Str(text) = &shown else {
                    return Err(crate::error::malformed());
                };
                let cut: String = match spec.precision {
                    Some(most) => text.text.chars().take(most).collect(),
                    None => text.text.clone(),
                };
                Ok(padded(spec, "", &cut, false))
            }
            'c' => self.converted_char(spec, value),
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let Some(number) = to_big(value) else {
                    let type_name = self.type_name(value);
                    let wants = if matches!(kind, 'd' | 'i' | 'u') {
                        "a real number is required"
                    } else {
                        "an integer is required"
                    };
                    return Err(type_error(format!(
                        "%{kind} format: {wants}, not {type_name}"
                    )));
                };
                let words = number.bits() / 64 + 1;
                self.spend(words * words / 2)?;
                Ok(converted_int(kind, spec, &number))
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => Err(refused(
                "this format shows a float, and floats are not part of the language: divide with // \
                 and % and show the parts",
            )),
            other => Err(value_error(format!(
                "unsupported format character '{}' ({:#x}) at index {place}",
                if (' '..='~').contains(&other) { other } else { '?' },
                u32::from(other)
            ))),
        }
    }

    fn converted_char(&mut self, spec: &Conversion, value: &Value) -> R<String> {
        let found = match value {
            Value::Str(text) if text.chars == 1 => text.text.clone(),
            Value::Str(_) => return Err(type_error("%c requires int or char")),
            other => {
                let Some(code) = to_big(other) else {
                    return Err(type_error("%c requires int or char"));
                };
                let code = code.to_u32().filter(|code| *code < 0x11_0000);
                let Some(code) = code else {
                    return Err(raise(Exc::OverflowError, "%c arg not in range(0x110000)"));
                };
                char::from_u32(code)
                    .ok_or_else(|| refused("half of a surrogate pair is no text here"))?
                    .to_string()
            }
        };
        Ok(padded(spec, "", &found, false))
    }
}

fn bounded(number: u64) -> R<usize> {
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= WIDTH)
        .ok_or_else(|| refused(format!("a width or precision above {WIDTH} is refused")))
}

fn converted_int(kind: char, spec: &Conversion, number: &BigInt) -> String {
    let magnitude = number.abs();
    let (mut digits, prefix) = match kind {
        'x' => (magnitude.to_str_radix(16), "0x"),
        'X' => (magnitude.to_str_radix(16).to_uppercase(), "0X"),
        'o' => (magnitude.to_str_radix(8), "0o"),
        _ => (magnitude.to_string(), ""),
    };
    if let Some(least) = spec.precision {
        let missing = least.saturating_sub(digits.len());
        digits = "0".repeat(missing) + &digits;
    }
    let sign = if number.is_negative() {
        "-"
    } else if spec.plus {
        "+"
    } else if spec.space {
        " "
    } else {
        ""
    };
    let head = format!("{sign}{}", if spec.alternate { prefix } else { "" });
    padded(spec, &head, &digits, true)
}

/// Spaces before or after, or zeros between the sign and the digits of a number.
fn padded(spec: &Conversion, head: &str, body: &str, number: bool) -> String {
    let length = head.chars().count() + body.chars().count();
    let missing = spec.width.saturating_sub(length);
    if spec.left {
        return format!("{head}{body}{}", " ".repeat(missing));
    }
    if number && spec.zero {
        return format!("{head}{}{body}", "0".repeat(missing));
    }
    format!("{}{head}{body}", " ".repeat(missing))
}
