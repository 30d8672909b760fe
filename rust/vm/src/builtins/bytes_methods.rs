//! Methods of byte strings.

use std::rc::Rc;

use super::Method;
use crate::error::{refused, type_error, value_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::{BytesObj, Value};

/// The first place of a part.
fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    bytes.windows(part.len()).position(|window| window == part)
}

impl Vm<'_, '_> {
    #[allow(clippy::too_many_lines, reason = "one arm for each method")]
    pub(crate) fn bytes_method(
        &mut self,
        bytes: &Rc<BytesObj>,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        if super::bytes_more::is_more(method) {
            return self.more_bytes(&bytes.bytes, method, arguments, names);
        }
        if matches!(method, Method::Split | Method::Rsplit) {
            return self.bytes_split(&bytes.bytes, method, arguments, names);
        }
        if matches!(method, Method::Find | Method::Index | Method::Count) && arguments.len() > 1 {
            return self.bytes_search(bytes, method, arguments, names);
        }
        let (least, most) = match method {
            Method::Decode => (0, 2),
            Method::Hex => (0, 2),
            Method::Replace => (2, 3),
            Method::Startswith
            | Method::Endswith
            | Method::Find
            | Method::Index
            | Method::Count => (1, 3),
            _ => (1, 1),
        };
        self.arity(method.name(), arguments, names, least, most)?;
        if method == Method::Decode {
            self.only_strict(arguments.get(1))?;
            return self.decode_bytes(bytes, &arguments[..arguments.len().min(1)]);
        }
        let content = &bytes.bytes;
        if method == Method::Hex && !arguments.is_empty() {
            return Err(refused(
                "bytes.hex() with a separator is not part of the language",
            ));
        }
        if method == Method::Hex {
            self.plan_bytes(content.len() * 2)?;
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let mut text = String::with_capacity(content.len() * 2);
            for byte in content {
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
            return self.new_str(text);
        }
        if method == Method::Replace && arguments.len() > 2 {
            return Err(refused(
                "bytes.replace() with a count is not part of the language",
            ));
        }
        if matches!(method, Method::Startswith | Method::Endswith) && arguments.len() > 1 {
            return Err(refused(
                "startswith() of bytes with a start is not part of the language: slice the bytes",
            ));
        }
        if method == Method::Join {
            return self.bytes_join(content, &arguments[0]);
        }
        if matches!(method, Method::Startswith | Method::Endswith) {
            return self.bytes_affix(content, method, &arguments[0]);
        }
        let byte_too = matches!(method, Method::Find | Method::Index | Method::Count);
        let part = self.bytes_argument(&arguments[0], byte_too)?;
        // A naive search looks at every byte for every byte of the part in the worst case.
        self.spend(gas::bytes(content.len().saturating_mul(part.len().max(6))))?;
        match method {
            Method::Find => Ok(Value::Int(find(content, &part).map_or(-1, |at| at as i64))),
            Method::Index => match find(content, &part) {
                Some(at) => Ok(Value::Int(at as i64)),
                None => Err(value_error("subsection not found")),
            },
            Method::Removeprefix => self.new_bytes(
                content
                    .strip_prefix(part.as_slice())
                    .unwrap_or(content)
                    .to_vec(),
            ),
            Method::Removesuffix => self.new_bytes(
                content
                    .strip_suffix(part.as_slice())
                    .unwrap_or(content)
                    .to_vec(),
            ),
            _ => self.bytes_parts(content, &part, method, arguments),
        }
    }

    /// `find`, `index` and `count` between a start and an end.
    fn bytes_search(
        &mut self,
        bytes: &BytesObj,
        method: Method,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        self.arity(method.name(), arguments, names, 1, 3)?;
        let length = bytes.bytes.len() as i64;
        let bound = |at: usize, missing: i64| -> R<i64> {
            match arguments.get(at) {
                None | Some(Value::None) => Ok(missing),
                Some(value) if crate::interp::arith::to_big(value).is_none() => Err(type_error(
                    "slice indices must be integers or None or have an __index__ method",
                )),
                Some(value) => {
                    let number = crate::interp::arith::clamped(value);
                    Ok(if number < 0 {
                        number.saturating_add(length).max(0)
                    } else {
                        number
                    })
                }
            }
        };
        let (start, end) = (bound(1, 0)?, bound(2, length)?.min(length));
        let part = self.bytes_argument(&arguments[0], true)?;
        self.spend(gas::bytes(
            bytes.bytes.len().saturating_mul(part.len().max(6)),
        ))?;
        let inside = bytes.bytes.get(start as usize..end.max(0) as usize);
        if method == Method::Count {
            let Some(mut rest) = inside else {
                return Ok(Value::Int(0));
            };
            if part.is_empty() {
                return Ok(Value::Int(rest.len() as i64 + 1));
            }
            let mut count = 0;
            while let Some(at) = find(rest, &part) {
                count += 1;
                rest = &rest[at + part.len()..];
            }
            return Ok(Value::Int(count));
        }
        match inside.and_then(|inside| find(inside, &part)) {
            Some(at) => Ok(Value::Int(at as i64 + start)),
            None if method == Method::Find => Ok(Value::Int(-1)),
            None => Err(value_error("subsection not found")),
        }
    }

    fn bytes_parts(
        &mut self,
        content: &[u8],
        part: &[u8],
        method: Method,
        arguments: &[Value],
    ) -> R<Value> {
        if part.is_empty() {
            return match method {
                Method::Count => Ok(Value::Int(content.len() as i64 + 1)),
                Method::Split => Err(value_error("empty separator")),
                _ => Err(refused("replacing empty bytes is not part of the language")),
            };
        }
        let mut pieces = Vec::new();
        let mut rest = content;
        while let Some(at) = find(rest, part) {
            pieces.push(&rest[..at]);
            rest = &rest[at + part.len()..];
        }
        pieces.push(rest);
        match method {
            Method::Count => Ok(Value::Int(pieces.len() as i64 - 1)),
            Method::Split => {
                let made = pieces
                    .into_iter()
                    .map(|piece| self.new_bytes(piece.to_vec()))
                    .collect::<R<Vec<_>>>()?;
                self.new_list(made)
            }
            _ => {
                let with = self.bytes_argument(&arguments[1], false)?;
                self.plan_bytes(content.len() + pieces.len().saturating_mul(with.len()))?;
                Value::bytes(pieces.join(with.as_slice()))
            }
        }
    }

    /// Bytes, or one byte as a number where that is allowed.
    pub(super) fn bytes_argument(&mut self, value: &Value, byte_too: bool) -> R<Vec<u8>> {
        match value {
            Value::Bytes(bytes) => {
                self.plan_bytes(bytes.bytes.len())?;
                Ok(bytes.bytes.clone())
            }
            Value::Int(byte @ 0..=255) if byte_too => Ok(vec![*byte as u8]),
            Value::Bool(byte) if byte_too => Ok(vec![u8::from(*byte)]),
            Value::Int(_) | Value::Big(_) if byte_too => {
                Err(value_error("byte must be in range(0, 256)"))
            }
            other if byte_too => Err(type_error(format!(
                "argument should be integer or bytes-like object, not '{}'",
                self.type_name(other)
            ))),
            other => Err(type_error(format!(
                "a bytes-like object is required, not '{}'",
                self.type_name(other)
            ))),
        }
    }

    fn bytes_affix(&mut self, content: &[u8], method: Method, affix: &Value) -> R<Value> {
        let choices = match affix {
            Value::Tuple(choices) => choices.items.clone(),
            one => vec![one.clone()],
        };
        for choice in &choices {
            let Value::Bytes(choice) = choice else {
                return Err(type_error(format!(
                    "{} first arg must be bytes or a tuple of bytes, not {}",
                    method.name(),
                    self.type_name(choice)
                )));
            };
            self.spend(gas::bytes(choice.bytes.len()))?;
            let matches = if method == Method::Startswith {
                content.starts_with(&choice.bytes)
            } else {
                content.ends_with(&choice.bytes)
            };
            if matches {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn bytes_join(&mut self, separator: &[u8], parts: &Value) -> R<Value> {
        let parts = self.collect(parts)?;
        let mut pieces = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            match part {
                Value::Bytes(bytes) => pieces.push(bytes.bytes.as_slice()),
                other => {
                    return Err(type_error(format!(
                        "sequence item {at}: expected a bytes-like object, {} found",
                        self.type_name(other)
                    )))
                }
            }
        }
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>()
            + separator.len().saturating_mul(pieces.len());
        self.plan_bytes(length)?;
        Value::bytes(pieces.join(separator))
    }

    /// `bytes.decode(encoding)`
    pub(crate) fn decode_bytes(&mut self, bytes: &BytesObj, arguments: &[Value]) -> R<Value> {
        let encoding = match arguments.first() {
            None => "utf-8".to_string(),
            Some(value) => self
                .text_argument(value, "encoding")?
                .text
                .to_ascii_lowercase()
                .replace('_', "-"),
        };
        self.plan_bytes(bytes.bytes.len())?;
        match encoding.as_str() {
            "utf-8" | "utf8" => match std::str::from_utf8(&bytes.bytes) {
                Ok(text) => self.new_str(text.to_string()),
                Err(error) => {
                    let at = error.valid_up_to();
                    let (length, why) = not_utf8(&bytes.bytes, at, error.error_len());
                    self.undecodable("utf-8", bytes, at, length, why)
                }
            },
            "ascii" => match bytes.bytes.iter().position(|byte| !byte.is_ascii()) {
                None => self.new_str(bytes.bytes.iter().map(|byte| char::from(*byte)).collect()),
                Some(at) => self.undecodable("ascii", bytes, at, 1, "ordinal not in range(128)"),
            },
            _ => Err(refused("only utf-8 and ascii are decoded")),
        }
    }

    fn undecodable(
        &mut self,
        codec: &str,
        bytes: &BytesObj,
        at: usize,
        length: usize,
        why: &str,
    ) -> R<Value> {
        let args = vec![
            Value::text(codec),
            self.new_bytes(bytes.bytes.clone())?,
            Value::Int(at as i64),
            Value::Int((at + length) as i64),
            Value::text(why),
        ];
        Err(crate::error::raise_with(
            crate::error::Exc::UnicodeDecodeError,
            args,
        ))
    }

    /// `bytes.fromhex(text)`
    pub(crate) fn bytes_fromhex(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.arity("fromhex", arguments, names, 1, 1)?;
        let [text] = arguments else {
            return Err(type_error("fromhex() takes exactly one argument"));
        };
        let text = self.text_argument(text, "fromhex() argument")?;
        let content = text.text.clone();
        self.plan_bytes(content.len())?;
        self.spend(gas::searched(content.len()))?;
        let mut bytes = Vec::with_capacity(content.len() / 2);
        let mut half: Option<u32> = None;
        for (at, c) in content.chars().enumerate() {
            match (c.to_digit(16), half) {
                (Some(digit), None) => half = Some(digit),
                (Some(digit), Some(high)) => {
                    bytes.push((high << 4 | digit) as u8);
                    half = None;
                }
                (None, None) if c.is_ascii_whitespace() || c == '\x0b' => {}
                (None, _) => {
                    return Err(value_error(format!(
                        "non-hexadecimal number found in fromhex() arg at position {at}"
                    )))
                }
            }
        }
        if half.is_some() {
            let at = content.chars().count();
            return Err(value_error(format!(
                "non-hexadecimal number found in fromhex() arg at position {at}"
            )));
        }
        self.new_bytes(bytes)
    }
}

/// How many bytes from a place on are no UTF-8, and CPython's words for why.
fn not_utf8(bytes: &[u8], at: usize, length: Option<usize>) -> (usize, &'static str) {
    let first = bytes.get(at).copied().unwrap_or(0);
    match length {
        None => (bytes.len() - at, "unexpected end of data"),
        Some(1) if !(0xc2..=0xf4).contains(&first) => (1, "invalid start byte"),
        Some(length) => (length, "invalid continuation byte"),
    }
}
