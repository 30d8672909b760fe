//! More methods of byte strings: case and classes of ASCII, searching from the end, padding.

use super::named::Takes;
use super::str_split::check_pieces;
use super::Method;
use crate::error::{type_error, value_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::Value;

/// Bytes that `strip` and `split` take as space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

pub(super) fn rfind(bytes: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(bytes.len());
    }
    bytes.windows(part.len()).rposition(|window| window == part)
}

fn swap(byte: u8) -> u8 {
    if byte.is_ascii_uppercase() {
        byte.to_ascii_lowercase()
    } else {
        byte.to_ascii_uppercase()
    }
}

fn titled(content: &[u8]) -> Vec<u8> {
    let mut inside = false;
    let each = content.iter().map(|byte| {
        let made = if inside {
            byte.to_ascii_lowercase()
        } else {
            byte.to_ascii_uppercase()
        };
        inside = byte.is_ascii_alphabetic();
        made
    });
    each.collect()
}

fn capitalized(content: &[u8]) -> Vec<u8> {
    let mut made = content.to_ascii_lowercase();
    if let Some(first) = made.first_mut() {
        first.make_ascii_uppercase();
    }
    made
}

/// The answer of a method that asks for a class of bytes.
fn is_kind(content: &[u8], method: Method) -> bool {
    let all = |test: fn(&u8) -> bool| !content.is_empty() && content.iter().all(test);
    let cased = content.iter().any(u8::is_ascii_alphabetic);
    match method {
        Method::Isalnum => all(u8::is_ascii_alphanumeric),
        Method::Isalpha => all(u8::is_ascii_alphabetic),
        Method::Isdigit => all(u8::is_ascii_digit),
        Method::Isspace => all(|byte| is_space(*byte)),
        Method::Isascii => content.is_ascii(),
        Method::Islower => cased && !content.iter().any(u8::is_ascii_uppercase),
        Method::Isupper => cased && !content.iter().any(u8::is_ascii_lowercase),
        _ => cased && titled(content) == content,
    }
}

/// Whether a method of byte strings is handled here.
pub(super) fn is_more(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::Capitalize
            | M::Center
            | M::Isalnum
            | M::Isalpha
            | M::Isascii
            | M::Isdigit
            | M::Islower
            | M::Isspace
            | M::Istitle
            | M::Isupper
            | M::Ljust
            | M::Lower
            | M::Lstrip
            | M::Partition
            | M::Rjust
            | M::Rpartition
            | M::Rstrip
            | M::Strip
            | M::Swapcase
            | M::Title
            | M::Upper
            | M::Zfill
    )
}

impl Vm<'_, '_> {
    pub(super) fn more_bytes(
        &mut self,
        content: &[u8],
        method: Method,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        use Method as M;
        let (least, most) = match method {
            M::Center | M::Ljust | M::Rjust => (1, 2),
            M::Strip | M::Lstrip | M::Rstrip => (0, 1),
            M::Zfill | M::Partition | M::Rpartition => (1, 1),
            _ => (0, 0),
        };
        self.arity(method.name(), arguments, names, least, most)?;
        self.spend(gas::bytes(content.len()))?;
        match method {
            M::Upper => self.new_bytes(content.to_ascii_uppercase()),
            M::Lower => self.new_bytes(content.to_ascii_lowercase()),
            M::Swapcase => self.new_bytes(content.iter().map(|byte| swap(*byte)).collect()),
            M::Title => self.new_bytes(titled(content)),
            M::Capitalize => self.new_bytes(capitalized(content)),
            M::Strip | M::Lstrip | M::Rstrip => self.bytes_strip(content, method, arguments),
            M::Center | M::Ljust | M::Rjust | M::Zfill => {
                self.bytes_pad(content, method, arguments)
            }
            M::Partition | M::Rpartition => self.bytes_partition(content, method, &arguments[0]),
            _ => {
                self.spend(gas::searched(content.len()))?;
                Ok(Value::Bool(is_kind(content, method)))
            }
        }
    }

    fn bytes_strip(&mut self, content: &[u8], method: Method, arguments: &[Value]) -> R<Value> {
        let set = match arguments.first() {
            None | Some(Value::None) => None,
            Some(value) => Some(self.bytes_argument(value, false)?),
        };
        let work = set.as_ref().map_or(1, |set| set.len() / 8 + 1);
        self.spend(gas::bytes(content.len().saturating_mul(work)))?;
        let gone = |byte: &u8| {
            set.as_ref()
                .map_or_else(|| is_space(*byte), |set| set.contains(byte))
        };
        let mut rest = content;
        if method != Method::Rstrip {
            let start = rest.iter().position(|byte| !gone(byte));
            rest = &rest[start.unwrap_or(rest.len())..];
        }
        if method != Method::Lstrip {
            let end = rest.iter().rposition(|byte| !gone(byte));
            rest = &rest[..end.map_or(0, |end| end + 1)];
        }
        self.new_bytes(rest.to_vec())
    }

    fn bytes_pad(&mut self, content: &[u8], method: Method, arguments: &[Value]) -> R<Value> {
        let width = usize::try_from(self.int_argument(&arguments[0])?.max(0)).unwrap_or(usize::MAX);
        let fill = match arguments.get(1) {
            None => b' ',
            Some(Value::Bytes(fill)) if fill.bytes.len() == 1 => fill.bytes[0],
            Some(other) => {
                return Err(type_error(format!(
                    "{}() argument 2 must be a byte string of length 1, not {}",
                    method.name(),
                    self.type_name(other)
                )))
            }
        };
        let missing = width.saturating_sub(content.len());
        self.plan_bytes(content.len().saturating_add(missing))?;
        let (before, after) = match method {
            Method::Ljust => (0, missing),
            Method::Center => {
                let left = missing / 2 + (missing & width & 1);
                (left, missing - left)
            }
            _ => (missing, 0),
        };
        if method == Method::Zfill {
            let signed = usize::from(matches!(content.first(), Some(b'+' | b'-')));
            let (sign, rest) = content.split_at(signed);
            return Value::bytes([sign, &vec![b'0'; missing], rest].concat());
        }
        Value::bytes([&vec![fill; before], content, &vec![fill; after]].concat())
    }

    fn bytes_partition(&mut self, content: &[u8], method: Method, part: &Value) -> R<Value> {
        let part = self.bytes_argument(part, false)?;
        if part.is_empty() {
            return Err(value_error("empty separator"));
        }
        self.spend(gas::bytes(content.len().saturating_mul(part.len().max(6))))?;
        let found = if method == Method::Partition {
            content
                .windows(part.len())
                .position(|window| window == part)
        } else {
            rfind(content, &part)
        };
        let pieces: [&[u8]; 3] = match found {
            Some(at) => [&content[..at], &part, &content[at + part.len()..]],
            None if method == Method::Partition => [content, b"", b""],
            None => [b"", b"", content],
        };
        let pieces = pieces
            .into_iter()
            .map(|piece| self.new_bytes(piece.to_vec()))
            .collect::<R<Vec<_>>>()?;
        self.new_tuple(pieces)
    }

    /// `bytes.split(sep, maxsplit)` and `rsplit`
    pub(super) fn bytes_split(
        &mut self,
        content: &[u8],
        method: Method,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let takes = Takes::any(method.name(), &["sep", "maxsplit"]);
        let [part, most] = self.named(&takes, arguments, names)?;
        let most = match most {
            Some(value) => usize::try_from(self.int_argument(&value)?).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let part = match part {
            None | Some(Value::None) => None,
            Some(value) => Some(self.bytes_argument(&value, false)?),
        };
        if part.as_ref().is_some_and(Vec::is_empty) {
            return Err(value_error("empty separator"));
        }
        let work = part.as_ref().map_or(6, |part| part.len().max(6));
        self.spend(gas::bytes(content.len().saturating_mul(work)))?;
        let backwards = method == Method::Rsplit;
        let pieces = match &part {
            Some(part) => split_at_part(content, part, most, backwards)?,
            None => split_at_space(content, most, backwards)?,
        };
        let made = pieces
            .into_iter()
            .map(|piece| self.new_bytes(piece.to_vec()))
            .collect::<R<Vec<_>>>()?;
        self.new_list(made)
    }
}

pub(super) fn split_at_part<'b>(
    content: &'b [u8],
    part: &[u8],
    most: usize,
    backwards: bool,
) -> R<Vec<&'b [u8]>> {
    let mut pieces = Vec::new();
    let mut rest = content;
    while pieces.len() < most {
        check_pieces(pieces.len())?;
        let found = if backwards {
            rfind(rest, part)
        } else {
            rest.windows(part.len()).position(|window| window == part)
        };
        let Some(at) = found else { break };
        if backwards {
            pieces.push(&rest[at + part.len()..]);
            rest = &rest[..at];
        } else {
            pieces.push(&rest[..at]);
            rest = &rest[at + part.len()..];
        }
    }
    pieces.push(rest);
    if backwards {
        pieces.reverse();
    }
    Ok(pieces)
}

fn split_at_space(content: &[u8], most: usize, backwards: bool) -> R<Vec<&[u8]>> {
    let mut pieces = Vec::new();
    let mut rest = content;
    loop {
        check_pieces(pieces.len())?;
        if backwards {
            let end = rest.iter().rposition(|byte| !is_space(*byte));
            let Some(end) = end else { break };
            rest = &rest[..=end];
            let start = rest.iter().rposition(|byte| is_space(*byte));
            if pieces.len() >= most {
                pieces.push(rest);
                break;
            }
            let start = start.map_or(0, |start| start + 1);
            pieces.push(&rest[start..]);
            rest = &rest[..start];
        } else {
            let start = rest.iter().position(|byte| !is_space(*byte));
            let Some(start) = start else { break };
            rest = &rest[start..];
            if pieces.len() >= most {
                pieces.push(rest);
                break;
            }
            let end = rest.iter().position(|byte| is_space(*byte));
            let end = end.unwrap_or(rest.len());
            pieces.push(&rest[..end]);
            rest = &rest[end..];
        }
    }
    if backwards {
        pieces.reverse();
    }
    Ok(pieces)
}
