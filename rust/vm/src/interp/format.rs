//! `str` and `repr`.

use super::Vm;
use crate::builtins::Builtin;
use crate::error::{malformed, refused, too_deep, R};
use crate::program::{ClassKind, Const};
use crate::value::{DictObj, RangeObj, RecordObj, SetObj, Value, ViewKind};
use crate::{gas, limits};

/// How the text of a view of a dictionary begins.
fn view_opening(kind: ViewKind) -> &'static str {
    match kind {
        ViewKind::Keys => "dict_keys([",
        ViewKind::Values => "dict_values([",
        ViewKind::Items => "dict_items([",
    }
}

impl Vm<'_, '_> {
    /// The parts of an f-string as one text.
    pub(crate) fn join(&mut self, parts: &[Value]) -> R<Value> {
        let mut text = String::new();
        for part in parts {
            self.write_str(&mut text, part)?;
        }
        self.spend(gas::OBJECT)?;
        Value::str(text)
    }

    /// `str(value)`
    pub(crate) fn show(&mut self, value: &Value) -> R<String> {
        let mut text = String::new();
        self.write_str(&mut text, value)?;
        Ok(text)
    }

    pub(crate) fn repr(&mut self, value: &Value) -> R<String> {
        let mut text = String::new();
        self.write_repr(&mut text, value, 0)?;
        Ok(text)
    }

    fn put(&mut self, text: &mut String, more: &str) -> R<()> {
        let length = text.len() + more.len();
        if length > limits::STRING_BYTES {
            return Err(super::too_long());
        }
        self.spend(gas::bytes(more.len()))?;
        text.push_str(more);
        Ok(())
    }

    pub(crate) fn write_str(&mut self, text: &mut String, value: &Value) -> R<()> {
        match value {
            Value::Str(part) => self.put(text, &part.text),
            Value::Int(number) => {
                use std::fmt::Write;
                let _ = write!(text, "{number}");
                Ok(())
            }
            Value::Decimal(decimal) => {
                let shown = self.decimal_text(decimal)?;
                self.put(text, &shown)
            }
            Value::Enum { class, member } => {
                let shown = self.enum_name(*class, *member)?;
                self.put(text, &shown)
            }
            Value::Exception(exception) => {
                let args = exception.args.clone();
                match (exception.class, args.as_slice()) {
                    (crate::error::Exc::Rejected, [code, message]) => {
                        self.write_str(text, code)?;
                        if self.truth(message)? {
                            self.put(text, ": ")?;
                            self.write_str(text, message)?;
                        }
                        Ok(())
                    }
                    (
                        crate::error::Exc::UnicodeDecodeError
                        | crate::error::Exc::UnicodeEncodeError,
                        [Value::Str(codec), object, Value::Int(start), Value::Int(end), Value::Str(why)],
                    ) => {
                        let shown = codec_error(&codec.text, object, *start, *end, &why.text);
                        self.put(text, &shown)
                    }
                    (_, []) => Ok(()),
                    (crate::error::Exc::KeyError, [key]) => self.write_repr(text, key, 0),
                    (_, [one]) => self.write_str_nested(text, one),
                    (_, many) => self.write_items(text, ("(", ")"), many, 0),
                }
            }
            other => self.write_repr(text, other, 0),
        }
    }

    /// Text of an exception's argument; exceptions inside of exceptions are followed a little.
    fn write_str_nested(&mut self, text: &mut String, value: &Value) -> R<()> {
        match value {
            Value::Exception(_) => self.write_repr(text, value, limits::VALUE_LEVELS - 4),
            other => self.write_str(text, other),
        }
    }

    fn enum_name(&mut self, class: u16, member: u16) -> R<String> {
        let info = self.program.class(class);
        let (name, _) = info
            .members
            .get(usize::from(member))
            .ok_or_else(malformed)?;
        Ok(format!("{}.{}", info.name, self.program.name(*name)))
    }

    /// The items between two brackets.
    fn write_items(
        &mut self,
        text: &mut String,
        (open, close): (&str, &str),
        items: &[Value],
        level: usize,
    ) -> R<()> {
        self.put(text, open)?;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(text, ", ")?;
            }
            self.write_repr(text, item, level + 1)?;
        }
        self.put(text, close)
    }

    pub(crate) fn write_repr(&mut self, text: &mut String, value: &Value, level: usize) -> R<()> {
        if level > limits::VALUE_LEVELS {
            return Err(too_deep());
        }
        self.spend(1)?;
        match value {
            Value::Unset | Value::Cell(_) => Err(malformed()),
            Value::None => self.put(text, "None"),
            Value::Bool(true) => self.put(text, "True"),
            Value::Bool(false) => self.put(text, "False"),
            Value::Int(number) => self.put(text, &number.to_string()),
            Value::Big(big) => {
                // Digits take time that grows with the square of the length.
                let words = big.value.bits() / 64 + 1;
                self.spend(words * words / 2)?;
                self.put(text, &big.value.to_string())
            }
            Value::Str(part) => {
                self.spend(gas::searched(part.text.len() * 2))?;
                let quoted = quote(&part.text);
                self.put(text, &quoted)
            }
            Value::Bytes(bytes) => {
                self.spend(gas::searched(bytes.bytes.len() * 2))?;
                let quoted = quote_bytes(&bytes.bytes);
                self.put(text, &quoted)
            }
            Value::Tuple(tuple) => {
                let close = if tuple.items.len() == 1 { ",)" } else { ")" };
                self.write_items(text, ("(", close), &tuple.items, level)
            }
            Value::List(list) => self.write_items(text, ("[", "]"), &list.items.borrow(), level),
            Value::Dict(dict) => self.write_dict(text, dict, level),
            Value::Set(set) => self.write_set(text, set, level),
            Value::Record(record) => self.write_record(text, record, level),
            Value::Enum { class, member } => self.write_enum(text, *class, *member),
            Value::Decimal(decimal) => {
                let shown = self.decimal_text(decimal)?;
                self.put(text, &format!("Decimal({})('{shown}')", decimal.scale))
            }
            Value::DecimalType(_) => Err(refused(
                "the text of a decimal type is not part of the language",
            )),
            Value::Range(range) => self.write_range(text, range),
            Value::Slice(parts) => self.write_items(text, ("slice(", ")"), &parts.items, level),
            Value::DictView(view) => {
                let items = self.collect(value)?;
                self.write_items(text, (view_opening(view.kind), "])"), &items, level)
            }
            Value::Exception(exception) => {
                self.put(text, exception.class.name())?;
                self.write_items(text, ("(", ")"), &exception.args, level)
            }
            Value::Builtin(builtin) => self.write_builtin(text, *builtin),
            Value::ExcClass(class) => self.put(text, &format!("<class '{}'>", class.name())),
            Value::Class(class) => self.write_class(text, *class),
            _ => Err(refused(format!(
                "a {} has no text but its address: show what is in it",
                self.type_name(value)
            ))),
        }
    }

    fn write_dict(&mut self, text: &mut String, dict: &DictObj, level: usize) -> R<()> {
        let table = dict.table.borrow();
        self.put(text, "{")?;
        for (index, entry) in table.iter().enumerate() {
            if index > 0 {
                self.put(text, ", ")?;
            }
            self.write_repr(text, &entry.key, level + 1)?;
            self.put(text, ": ")?;
            self.write_repr(text, &entry.value, level + 1)?;
        }
        self.put(text, "}")
    }

    fn write_set(&mut self, text: &mut String, set: &SetObj, level: usize) -> R<()> {
        let table = set.table.borrow();
        let first = table.iter().next().map(|entry| entry.key.clone());
        match (table.len(), first) {
            (0, _) => self.put(
                text,
                if set.frozenset {
                    "frozenset()"
                } else {
                    "set()"
                },
            ),
            (1, Some(item)) => {
                self.put(text, if set.frozenset { "frozenset({" } else { "{" })?;
                self.write_repr(text, &item, level + 1)?;
                self.put(text, if set.frozenset { "})" } else { "}" })
            }
            _ => Err(refused(
                "the order of a set is arbitrary: show sorted(the_set)",
            )),
        }
    }

    fn write_record(&mut self, text: &mut String, record: &RecordObj, level: usize) -> R<()> {
        let class = self.program.class(record.class);
        self.put(text, &class.name)?;
        self.put(text, "(")?;
        for (index, (field, value)) in class.fields.iter().zip(&record.fields).enumerate() {
            if index > 0 {
                self.put(text, ", ")?;
            }
            let name = self.program.name(field.name);
            self.put(text, name)?;
            self.put(text, "=")?;
            self.write_repr(text, value, level + 1)?;
        }
        self.put(text, ")")
    }

    fn write_enum(&mut self, text: &mut String, class: u16, member: u16) -> R<()> {
        let shown = self.enum_name(class, member)?;
        let value = self
            .program
            .class(class)
            .members
            .get(usize::from(member))
            .map(|(_, value)| value);
        let value = match value {
            Some(Const::Int(number)) => number.to_string(),
            Some(Const::Str(value)) => quote(value),
            _ => return Err(malformed()),
        };
        self.put(text, &format!("<{shown}: {value}>"))
    }

    fn write_range(&mut self, text: &mut String, range: &RangeObj) -> R<()> {
        let step = if range.step == 1 {
            String::new()
        } else {
            format!(", {}", range.step)
        };
        self.put(
            text,
            &format!("range({}, {}{step})", range.start, range.stop),
        )
    }

    fn write_builtin(&mut self, text: &mut String, builtin: Builtin) -> R<()> {
        let name = builtin.shown();
        let shown = if is_type(builtin) {
            format!("<class '{name}'>")
        } else {
            format!("<built-in function {name}>")
        };
        self.put(text, &shown)
    }

    fn write_class(&mut self, text: &mut String, class: u16) -> R<()> {
        let info = self.program.class(class);
        if info.kind == ClassKind::Enum {
            return self.put(text, &format!("<enum '{}'>", info.name));
        }
        Err(refused(
            "the text of a class names its module: write its name",
        ))
    }

    /// `!s`, `!r`, `!a`
    pub(crate) fn convert(&mut self, value: &Value, conversion: u16) -> R<Value> {
        let text = match u8::try_from(conversion) {
            Ok(b's') => self.show(value)?,
            Ok(b'r') => self.repr(value)?,
            Ok(b'a') => {
                let shown = self.repr(value)?;
                self.spend(gas::bytes(shown.len() * 4))?;
                escape_non_ascii(&shown)
            }
            _ => return Err(malformed()),
        };
        self.new_str(text)
    }
}

pub(crate) fn is_type(builtin: crate::builtins::Builtin) -> bool {
    use crate::builtins::Builtin as B;
    matches!(
        builtin,
        B::Bool
            | B::Bytes
            | B::Dict
            | B::Enumerate
            | B::Filter
            | B::Frozenset
            | B::Int
            | B::List
            | B::Map
            | B::NoneType
            | B::Range
            | B::Reversed
            | B::Set
            | B::Slice
            | B::Str
            | B::Tuple
            | B::Type
            | B::Zip
    )
}

fn push_escaped(out: &mut String, c: char) {
    use std::fmt::Write;
    let code = u32::from(c);
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// A text as `repr` shows it.
pub(crate) fn quote(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if crate::unicode::printable(c) => out.push(c),
            c => push_escaped(&mut out, c),
        }
    }
    out.push(quote);
    out
}

fn quote_bytes(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(*byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

pub(crate) fn escape_non_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    out
}

/// CPython's words for what a codec cannot take.
fn codec_error(codec: &str, object: &Value, start: i64, end: i64, why: &str) -> String {
    let at = usize::try_from(start).unwrap_or(0);
    let last = end - 1;
    match object {
        Value::Bytes(bytes) if end - start == 1 => {
            let byte = bytes.bytes.get(at).copied().unwrap_or(0);
            format!("'{codec}' codec can't decode byte 0x{byte:02x} in position {start}: {why}")
        }
        Value::Bytes(_) => {
            format!("'{codec}' codec can't decode bytes in position {start}-{last}: {why}")
        }
        Value::Str(text) if end - start == 1 => {
            let mut shown = String::new();
            if let Some(c) = text.text.chars().nth(at) {
                push_escaped(&mut shown, c);
            }
            format!("'{codec}' codec can't encode character '{shown}' in position {start}: {why}")
        }
        _ => format!("'{codec}' codec can't encode characters in position {start}-{last}: {why}"),
    }
}
