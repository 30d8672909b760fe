//! Text as bytes and bytes as text: UTF-8 and ASCII, with the ways of treating errors that leave
//! nothing of the machinery behind them open: `strict`, `ignore` and `replace`.

use super::named::Takes;
use crate::error::{refused, type_error, Exc, R};
use crate::interp::Vm;
use crate::value::{BytesObj, Value};

const PARAMETERS: &[&str] = &["encoding", "errors"];
const ENCODE: Takes = Takes::any("encode", PARAMETERS);
const DECODE: Takes = Takes::any("decode", PARAMETERS);
const BYTES: Takes = Takes::any("bytes", &["source", "encoding", "errors"]);
const STR: Takes = Takes::any("str", &["object", "encoding", "errors"]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Utf8,
    Ascii,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    Strict,
    Ignore,
    Replace,
    /// Known to CPython only, or to nobody: refused where it would be asked.
    Other,
}

/// How to treat what the codec cannot hold.
struct Way {
    codec: Codec,
    on_error: OnError,
}

impl Vm<'_, '_> {
    fn way(&self, what: &str, encoding: Option<&Value>, errors: Option<&Value>) -> R<Way> {
        let encoding = encoding
            .map(|value| self.named_text(what, "encoding", value))
            .transpose()?;
        let errors = errors
            .map(|value| self.named_text(what, "errors", value))
            .transpose()?;
        let name = encoding.map_or_else(
            || "utf-8".to_string(),
            |name| name.text.to_ascii_lowercase().replace('_', "-"),
        );
        let codec = match name.as_str() {
            "utf-8" | "utf8" => Codec::Utf8,
            "ascii" | "us-ascii" => Codec::Ascii,
            _ => {
                return Err(refused(
                    "of text encodings, only utf-8 and ascii are part of the language",
                ))
            }
        };
        let on_error = match errors.as_ref().map(|errors| errors.text.as_str()) {
            None | Some("strict") => OnError::Strict,
            Some("ignore") => OnError::Ignore,
            Some("replace") => OnError::Replace,
            Some(_) => OnError::Other,
        };
        Ok(Way { codec, on_error })
    }

    /// `text.encode(encoding, errors)`
    pub(super) fn str_encode(
        &mut self,
        text: &str,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [encoding, errors] = self.named(&ENCODE, arguments, names)?;
        let way = self.way("encode", encoding.as_ref(), errors.as_ref())?;
        self.encode_text(text, &way)
    }

    /// `bytes.decode(encoding, errors)`
    pub(super) fn bytes_decode(
        &mut self,
        bytes: &BytesObj,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [encoding, errors] = self.named(&DECODE, arguments, names)?;
        let way = self.way("decode", encoding.as_ref(), errors.as_ref())?;
        self.decode_bytes(bytes, &way)
    }

    /// `bytes(source, encoding, errors)`
    pub(super) fn bytes_of(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        let [source, encoding, errors] = self.named(&BYTES, arguments, names)?;
        match (&source, &encoding, &errors) {
            (Some(Value::Str(text)), Some(_), _) => {
                let way = self.way("bytes", encoding.as_ref(), errors.as_ref())?;
                self.encode_text(&text.text, &way)
            }
            (_, None, None) => self.make_bytes(source.as_slice()),
            _ => {
                for (parameter, value) in [("encoding", &encoding), ("errors", &errors)] {
                    if let Some(value) = value {
                        self.named_text("bytes", parameter, value)?;
                    }
                }
                if encoding.is_some() {
                    return Err(type_error("encoding without a string argument"));
                }
                Err(type_error(match source {
                    Some(Value::Str(_)) => "string argument without an encoding",
                    _ => "errors without a string argument",
                }))
            }
        }
    }

    /// `str(object, encoding, errors)`
    pub(super) fn make_str(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        if let ([value @ Value::Str(_)], []) = (arguments, names) {
            return Ok(value.clone());
        }
        let [object, encoding, errors] = self.named(&STR, arguments, names)?;
        if encoding.is_none() && errors.is_none() {
            let text = match &object {
                Some(object) => self.show(object)?,
                None => String::new(),
            };
            return self.new_str(text);
        }
        for (parameter, value) in [("encoding", &encoding), ("errors", &errors)] {
            if let Some(value) = value {
                self.named_text("str", parameter, value)?;
            }
        }
        match &object {
            None => self.new_str(String::new()),
            Some(Value::Bytes(bytes)) => {
                let way = self.way("str", encoding.as_ref(), errors.as_ref())?;
                self.decode_bytes(bytes, &way)
            }
            Some(Value::Str(_)) => Err(type_error("decoding str is not supported")),
            Some(other) => Err(type_error(format!(
                "decoding to str: need a bytes-like object, {} found",
                self.type_name(other)
            ))),
        }
    }

    fn encode_text(&mut self, text: &str, way: &Way) -> R<Value> {
        if way.codec == Codec::Utf8 || text.is_ascii() {
            return self.new_bytes(text.as_bytes().to_vec());
        }
        self.plan_bytes(text.len())?;
        let keep = |c: char| match (c.is_ascii(), way.on_error) {
            (true, _) => Some(c as u8),
            (false, OnError::Replace) => Some(b'?'),
            (false, _) => None,
        };
        match way.on_error {
            OnError::Strict => Err(not_ascii(text)),
            OnError::Other => Err(other_way()),
            _ => self.new_bytes(text.chars().filter_map(keep).collect()),
        }
    }

    fn decode_bytes(&mut self, bytes: &BytesObj, way: &Way) -> R<Value> {
        // A replacement is three bytes long.
        let growth = if way.on_error == OnError::Replace {
            3
        } else {
            1
        };
        self.plan_bytes(bytes.bytes.len().saturating_mul(growth))?;
        let mut text = String::with_capacity(bytes.bytes.len());
        let mut rest = bytes.bytes.as_slice();
        loop {
            let (good, fault) = match way.codec {
                Codec::Utf8 => utf8_part(rest),
                Codec::Ascii => ascii_part(rest),
            };
            text.push_str(good);
            let Some((length, why)) = fault else {
                return self.new_str(text);
            };
            let at = bytes.bytes.len() - rest.len() + good.len();
            match way.on_error {
                OnError::Strict => return self.undecodable(way.codec, bytes, at, length, why),
                OnError::Other => return Err(other_way()),
                OnError::Replace => text.push('\u{fffd}'),
                OnError::Ignore => {}
            }
            rest = rest.get(good.len() + length..).unwrap_or_default();
        }
    }

    fn undecodable(
        &mut self,
        codec: Codec,
        bytes: &BytesObj,
        at: usize,
        length: usize,
        why: &str,
    ) -> R<Value> {
        let args = vec![
            Value::text(match codec {
                Codec::Utf8 => "utf-8",
                Codec::Ascii => "ascii",
            }),
            self.new_bytes(bytes.bytes.clone())?,
            Value::Int(at as i64),
            Value::Int((at + length) as i64),
            Value::text(why),
        ];
        Err(crate::error::raise_with(Exc::UnicodeDecodeError, args))
    }
}

#[cold]
fn other_way() -> crate::error::Trap {
    refused("of the ways to treat errors, only strict, ignore and replace are part of the language")
}

/// The longest good part from the start on, and how many bytes behind it are none, with CPython's
/// words for why.
type Part<'b> = (&'b str, Option<(usize, &'static str)>);

fn utf8_part(bytes: &[u8]) -> Part<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.valid_up_to();
            let good = std::str::from_utf8(&bytes[..at]).unwrap_or("");
            (good, Some(not_utf8(bytes, at, error.error_len())))
        }
    }
}

fn ascii_part(bytes: &[u8]) -> Part<'_> {
    let at = bytes.iter().position(|byte| !byte.is_ascii());
    let good = std::str::from_utf8(&bytes[..at.unwrap_or(bytes.len())]).unwrap_or("");
    (good, at.map(|_| (1, "ordinal not in range(128)")))
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

/// Text that ASCII cannot hold, from the first such character on.
fn not_ascii(text: &str) -> crate::error::Trap {
    let chars: Vec<char> = text.chars().collect();
    let start = chars.iter().position(|c| !c.is_ascii()).unwrap_or(0);
    let run = chars[start..].iter().take_while(|c| !c.is_ascii()).count();
    let args = vec![
        Value::text("ascii"),
        Value::text(text),
        Value::Int(start as i64),
        Value::Int((start + run) as i64),
        Value::text("ordinal not in range(128)"),
    ];
    crate::error::raise_with(Exc::UnicodeEncodeError, args)
}
