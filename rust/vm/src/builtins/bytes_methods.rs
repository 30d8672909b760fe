//! Methods of byte strings.

use std::rc::Rc;

use super::Method;
use crate::error::{type_error, value_error, R};
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
        if method == Method::Decode {
            return self.bytes_decode(bytes, arguments, names);
        }
        match method {
            Method::Hex => return self.bytes_hex(&bytes.bytes, arguments, names),
            Method::Splitlines => return self.bytes_splitlines(&bytes.bytes, arguments, names),
            Method::Expandtabs => return self.bytes_expandtabs(&bytes.bytes, arguments, names),
            Method::Translate => return self.bytes_translate(&bytes.bytes, arguments, names),
            _ => {}
        }
        if matches!(
            method,
            Method::Find | Method::Index | Method::Count | Method::Rfind | Method::Rindex
        ) {
            return self.bytes_search(bytes, method, arguments, names);
        }
        let (least, most) = match method {
            Method::Replace => (2, 3),
            Method::Startswith | Method::Endswith => (1, 3),
            _ => (1, 1),
        };
        self.arity(method.name(), arguments, names, least, most)?;
        let content = &bytes.bytes;
        match method {
            Method::Join => return self.bytes_join(content, &arguments[0]),
            Method::Startswith | Method::Endswith => {
                return self.bytes_affix(content, method, arguments)
            }
            Method::Replace => return self.bytes_replace(content, arguments),
            _ => {}
        }
        let part = self.bytes_argument(&arguments[0], false)?;
        self.spend(gas::bytes(content.len()))?;
        let rest = match method {
            Method::Removeprefix => content.strip_prefix(part.as_slice()),
            Method::Removesuffix => content.strip_suffix(part.as_slice()),
            _ => return Err(crate::error::malformed()),
        };
        self.new_bytes(rest.unwrap_or(content).to_vec())
    }

    /// The part that `start` and `end` ask for: arguments 1 and 2.
    fn bytes_part<'b>(
        &self,
        content: &'b [u8],
        arguments: &[Value],
    ) -> R<Option<(usize, &'b [u8])>> {
        let length = content.len() as i64;
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
        let (start, end) = (bound(1, 0)?, bound(2, length)?.min(length).max(0));
        let inside = content.get(start as usize..end as usize);
        Ok(inside.map(|inside| (start as usize, inside)))
    }

    /// `find`, `index` and `count`, between a start and an end where they are given.
    fn bytes_search(
        &mut self,
        bytes: &BytesObj,
        method: Method,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        self.arity(method.name(), arguments, names, 1, 3)?;
        let inside = self.bytes_part(&bytes.bytes, arguments)?;
        let part = self.bytes_argument(&arguments[0], true)?;
        self.spend(gas::bytes(
            bytes.bytes.len().saturating_mul(part.len().max(6)),
        ))?;
        if method == Method::Count {
            let Some((_, mut rest)) = inside else {
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
        let backwards = matches!(method, Method::Rfind | Method::Rindex);
        let place = inside.and_then(|(start, inside)| {
            let at = if backwards {
                super::bytes_more::rfind(inside, &part)
            } else {
                find(inside, &part)
            };
            at.map(|at| start + at)
        });
        match place {
            Some(at) => Ok(Value::Int(at as i64)),
            None if matches!(method, Method::Find | Method::Rfind) => Ok(Value::Int(-1)),
            None => Err(value_error("subsection not found")),
        }
    }

    /// `bytes.replace(old, new, count)`
    fn bytes_replace(&mut self, content: &[u8], arguments: &[Value]) -> R<Value> {
        let old = self.bytes_argument(&arguments[0], false)?;
        let new = self.bytes_argument(&arguments[1], false)?;
        let most = match arguments.get(2) {
            Some(value) => usize::try_from(self.int_argument(value)?).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        self.spend(gas::bytes(content.len().saturating_mul(old.len().max(6))))?;
        let pieces: Vec<&[u8]> = if old.is_empty() {
            // Between all bytes, and at both ends.
            let most = most.min(content.len() + 1);
            crate::memory::check(most.saturating_mul(std::mem::size_of::<&[u8]>()))?;
            let cuts = (0..most).map(|at| &content[at.saturating_sub(1)..at]);
            let rest = std::iter::once(&content[most.saturating_sub(1)..]);
            cuts.chain(rest).collect()
        } else {
            super::bytes_more::split_at_part(content, &old, most, false)?
        };
        self.plan_bytes(content.len() + pieces.len().saturating_mul(new.len()))?;
        Value::bytes(pieces.join(new.as_slice()))
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

    fn bytes_affix(&mut self, content: &[u8], method: Method, arguments: &[Value]) -> R<Value> {
        let inside = self.bytes_part(content, arguments)?;
        let choices = match &arguments[0] {
            Value::Tuple(choices) => choices.items.clone(),
            one => vec![one.clone()],
        };
        for choice in &choices {
            let Value::Bytes(choice) = choice else {
                if matches!(arguments[0], Value::Tuple(_)) {
                    self.bytes_argument(choice, false)?;
                }
                return Err(type_error(format!(
                    "{} first arg must be bytes or a tuple of bytes, not {}",
                    method.name(),
                    self.type_name(choice)
                )));
            };
            self.spend(gas::bytes(choice.bytes.len()))?;
            let matches = inside.is_some_and(|(_, inside)| match method {
                Method::Startswith => inside.starts_with(&choice.bytes),
                _ => inside.ends_with(&choice.bytes),
            });
            if matches {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn bytes_join(&mut self, separator: &[u8], parts: &Value) -> R<Value> {
        let parts = self.joined(parts)?;
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
