//! Format specifications: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.

use num_bigint::BigInt;
use num_traits::Signed;

use super::arith::to_big;
use super::Vm;
use crate::error::{malformed, refused, type_error, value_error, R};
use crate::value::Value;

/// A parsed specification.
#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    /// `z`: for floats only.
    no_negative_zero: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Widths and precisions above this are refused before anything is built.
const WIDTH: usize = 10_000;

impl Vm<'_, '_> {
    pub(crate) fn format_value(&mut self, value: &Value, spec: &Value) -> R<Value> {
        let Value::Str(text) = spec else {
            return Err(malformed());
        };
        if text.text.is_empty() {
            let shown = self.show(value)?;
            return self.new_str(shown);
        }
        let takes_one = matches!(
            value,
            Value::Str(_)
                | Value::Int(_)
                | Value::Big(_)
                | Value::Bool(_)
                | Value::Enum { .. }
                | Value::Decimal(_)
        );
        if !takes_one {
            let kind = self.type_name(value);
            return Err(type_error(format!(
                "unsupported format string passed to {kind}.__format__"
            )));
        }
        let spec = match value {
            Value::Decimal(_) => parse(&text.text, "str")?,
            _ => parse(&text.text, &self.type_name(value))?,
        };
        self.plan_bytes(spec.width)?;
        let made = match value {
            Value::Str(text) => format_text(&spec, &text.text)?,
            Value::Int(_) | Value::Big(_) | Value::Bool(_) => {
                let big = to_big(value).unwrap_or_default();
                let words = big.bits() / 64 + 1;
                self.spend(words * words / 2)?;
                format_int(&spec, &big, &self.type_name(value))?
            }
            Value::Enum { .. } | Value::Decimal(_) => {
                let shown = self.show(value)?;
                format_text(&spec, &shown)?
            }
            _ => return Err(malformed()),
        };
        self.new_str(made)
    }
}

fn parse(text: &str, kind: &str) -> R<Spec> {
    let mut spec = Spec::default();
    let chars: Vec<char> = text.chars().collect();
    let is_align = |c: Option<&char>| c.is_some_and(|c| matches!(c, '<' | '>' | '=' | '^'));
    let mut at = 0;
    if is_align(chars.get(1)) {
        spec.fill = chars.first().copied();
        spec.align = chars.get(1).copied();
        at = 2;
    } else if is_align(chars.first()) {
        spec.align = chars.first().copied();
        at = 1;
    }
    if let Some(sign @ ('+' | '-' | ' ')) = chars.get(at) {
        spec.sign = Some(*sign);
        at += 1;
    }
    if chars.get(at) == Some(&'z') {
        spec.no_negative_zero = true;
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        spec.alternate = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        spec.zero = true;
        at += 1;
    }
    spec.width = number(&chars, &mut at)?.unwrap_or(0);
    if let Some(grouping @ (',' | '_')) = chars.get(at) {
        spec.grouping = Some(*grouping);
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        spec.precision = Some(
            number(&chars, &mut at)?
                .ok_or_else(|| value_error("Format specifier missing precision"))?,
        );
    }
    spec.kind = chars.get(at).copied();
    at += usize::from(spec.kind.is_some());
    if at < chars.len() {
        return Err(value_error(format!(
            "Invalid format specifier '{text}' for object of type '{kind}'"
        )));
    }
    Ok(spec)
}

fn number(chars: &[char], at: &mut usize) -> R<Option<usize>> {
    let start = *at;
    let mut value = 0_usize;
    while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        value = value.saturating_mul(10).saturating_add(digit as usize);
        *at += 1;
    }
    if value > WIDTH {
        return Err(refused(format!(
            "a width or precision above {WIDTH} is refused"
        )));
    }
    Ok((*at > start).then_some(value))
}

fn pad(spec: &Spec, text: &str, default: char) -> String {
    let length = text.chars().count();
    let missing = spec.width.saturating_sub(length);
    let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
    let align = spec.align.unwrap_or(default);
    let (before, after) = match align {
        '<' => (0, missing),
        '^' => (missing / 2, missing - missing / 2),
        _ => (missing, 0),
    };
    let mut out = String::new();
    out.extend(std::iter::repeat_n(fill, before));
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, after));
    out
}

fn format_text(spec: &Spec, text: &str) -> R<String> {
    match spec.kind {
        None | Some('s') => {}
        Some(kind) => {
            return Err(value_error(format!(
                "Unknown format code '{kind}' for object of type 'str'"
            )))
        }
    }
    if let Some(grouping) = spec.grouping {
        return Err(value_error(format!(
            "Cannot specify '{grouping}' with 's'."
        )));
    }
    if let Some(sign) = spec.sign {
        let what = if sign == ' ' { "Space" } else { "Sign" };
        return Err(value_error(format!(
            "{what} not allowed in string format specifier"
        )));
    }
    if spec.no_negative_zero {
        return Err(value_error(
            "Negative zero coercion (z) not allowed in string format specifier",
        ));
    }
    if spec.alternate {
        return Err(value_error(
            "Alternate form (#) not allowed in string format specifier",
        ));
    }
    if spec.align == Some('=') {
        return Err(value_error(
            "'=' alignment not allowed in string format specifier",
        ));
    }
    let shown: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_string(),
    };
    Ok(pad(spec, &shown, '<'))
}

fn format_int(spec: &Spec, value: &BigInt, shown_type: &str) -> R<String> {
    if spec.precision.is_some()
        && !matches!(spec.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))
    {
        return Err(value_error(
            "Precision not allowed in integer format specifier",
        ));
    }
    if spec.no_negative_zero && !matches!(spec.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))
    {
        return Err(value_error(
            "Negative zero coercion (z) not allowed in integer format specifier",
        ));
    }
    let magnitude = value.abs();
    let (digits, prefix, group) = match spec.kind {
        None | Some('d' | 'n') => (magnitude.to_string(), "", 3),
        Some('x') => (magnitude.to_str_radix(16), "0x", 4),
        Some('X') => (magnitude.to_str_radix(16).to_uppercase(), "0X", 4),
        Some('o') => (magnitude.to_str_radix(8), "0o", 4),
        Some('b') => (magnitude.to_str_radix(2), "0b", 4),
        Some('c') => return format_char(spec, value),
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
            return Err(refused("this format shows a float, and floats are not part of the language: divide with // and % and show the parts"));
        }
        Some(kind) => {
            return Err(value_error(format!(
                "Unknown format code '{kind}' for object of type '{shown_type}'"
            )))
        }
    };
    if spec.grouping == Some(',') && group == 4 {
        let kind = spec.kind.unwrap_or('x');
        return Err(value_error(format!("Cannot specify ',' with '{kind}'.")));
    }
    if spec.kind == Some('n') && spec.grouping.is_some() {
        return Err(value_error(format!(
            "Cannot specify '{}' with 'n'.",
            spec.grouping.unwrap_or(',')
        )));
    }
    let sign = match (value.is_negative(), spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let prefix = if spec.alternate { prefix } else { "" };
    let head = sign.len() + prefix.len();
    let inner = spec.align == Some('=') || (spec.zero && spec.align.is_none());
    let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
    let mut body = group_digits(&digits, spec.grouping, group);
    if inner {
        let wanted = spec.width.saturating_sub(head);
        if fill == '0' && spec.grouping.is_some() && spec.zero && spec.fill.is_none() {
            // Zeros are grouped like digits.
            let mut digits = digits;
            while body.chars().count() < wanted {
                digits.insert(0, '0');
                body = group_digits(&digits, spec.grouping, group);
            }
        } else {
            let missing = wanted.saturating_sub(body.chars().count());
            body = std::iter::repeat_n(fill, missing).collect::<String>() + &body;
        }
        return Ok(format!("{sign}{prefix}{body}"));
    }
    Ok(pad(spec, &format!("{sign}{prefix}{body}"), '>'))
}

fn format_char(spec: &Spec, value: &BigInt) -> R<String> {
    if spec.sign.is_some() {
        return Err(value_error(
            "Sign not allowed with integer format specifier 'c'",
        ));
    }
    let code = u32::try_from(value).ok().and_then(char::from_u32);
    match code {
        Some(found) => Ok(pad(spec, &found.to_string(), '<')),
        None => Err(crate::error::raise(
            crate::error::Exc::OverflowError,
            "%c arg not in range(0x110000)",
        )),
    }
}

fn group_digits(digits: &str, separator: Option<char>, group: usize) -> String {
    let Some(separator) = separator else {
        return digits.to_string();
    };
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(group) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}
