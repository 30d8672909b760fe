//! Methods of text.

use std::rc::Rc;

use super::Method;
use crate::error::{refused, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::Vm;
use crate::unicode::{self, Kind};
use crate::value::{StrObj, Value};

/// Characters that `strip` and `split` take as space.
pub(super) fn is_space(c: char) -> bool {
    unicode::is(Kind::Space, c)
}

/// The least and the most arguments of a method that takes none by name.
fn positional_arity(method: Method) -> (usize, usize) {
    use Method as M;
    match method {
        M::Capitalize
        | M::Casefold
        | M::Isprintable
        | M::Isalnum
        | M::Isalpha
        | M::Isascii
        | M::Isdecimal
        | M::Isdigit
        | M::Isidentifier
        | M::Islower
        | M::Isnumeric
        | M::Isspace
        | M::Istitle
        | M::Isupper
        | M::Lower
        | M::Swapcase
        | M::Title
        | M::Upper => (0, 0),
        M::Lstrip | M::Rstrip | M::Strip | M::Expandtabs => (0, 1),
        M::Center | M::Ljust | M::Rjust => (1, 2),
        M::Replace => (2, 3),
        M::Count | M::Find | M::Index | M::Rfind | M::Rindex | M::Startswith | M::Endswith => {
            (1, 3)
        }
        _ => (1, 1),
    }
}

impl Vm<'_, '_> {
    pub(crate) fn str_method(
        &mut self,
        text: &Rc<StrObj>,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        use Method as M;
        self.spend(gas::bytes(text.text.len()))?;
        match method {
            M::Format => return self.str_format(&text.text, arguments, names),
            M::FormatMap => {
                self.arity("format_map", arguments, names, 1, 1)?;
                return self.str_format_map(&text.text, &arguments[0]);
            }
            M::Translate => {
                self.arity("translate", arguments, names, 1, 1)?;
                return self.str_translate(&text.text, &arguments[0]);
            }
            M::Split | M::Rsplit => return self.str_split(text, method, arguments, names),
            M::Splitlines => return self.str_splitlines(&text.text, arguments, names),
            M::Encode => return self.str_encode(&text.text, arguments, names),
            _ => {}
        }
        let (least, most) = positional_arity(method);
        self.arity(method.name(), arguments, names, least, most)?;
        match method {
            M::Isascii => Ok(Value::Bool(text.is_ascii())),
            M::Upper | M::Lower | M::Casefold | M::Capitalize | M::Swapcase | M::Title => {
                self.str_case(text, method)
            }
            M::Isalnum
            | M::Isalpha
            | M::Isdecimal
            | M::Isdigit
            | M::Isidentifier
            | M::Islower
            | M::Isnumeric
            | M::Isprintable
            | M::Isspace
            | M::Istitle
            | M::Isupper => self.str_kind(text, method),
            M::Strip | M::Lstrip | M::Rstrip => self.str_strip(text, method, arguments),
            M::Join => self.str_join(&text.text, &arguments[0]),
            M::Replace => self.str_replace(&text.text, arguments),
            M::Startswith | M::Endswith => self.str_affix(text, method, arguments),
            M::Find | M::Index | M::Rfind | M::Rindex | M::Count => {
                self.str_search(text, method, arguments)
            }
            M::Removeprefix | M::Removesuffix => {
                let part = self.text_argument(&arguments[0], "argument")?;
                let stripped = if method == M::Removeprefix {
                    text.text.strip_prefix(&*part.text)
                } else {
                    text.text.strip_suffix(&*part.text)
                };
                let stripped = stripped.unwrap_or(&text.text).to_string();
                self.new_str(stripped)
            }
            M::Partition | M::Rpartition => self.str_partition(text, method, &arguments[0]),
            M::Center | M::Ljust | M::Rjust | M::Zfill => self.str_pad(text, method, arguments),
            _ => self.str_expandtabs(&text.text, arguments),
        }
    }

    fn str_case(&mut self, text: &StrObj, method: Method) -> R<Value> {
        let content = text.text.as_str();
        // A character grows to at most three times its bytes; looking one up takes some steps.
        self.spend(if text.is_ascii() {
            0
        } else {
            gas::searched(content.len() * 4)
        })?;
        crate::memory::check(content.len() * 3)?;
        let made = match method {
            Method::Upper if text.is_ascii() => content.to_ascii_uppercase(),
            Method::Lower | Method::Casefold if text.is_ascii() => content.to_ascii_lowercase(),
            Method::Upper => unicode::upper(content),
            Method::Lower => unicode::lower(content),
            Method::Casefold => unicode::folded(content),
            Method::Capitalize => unicode::capitalized(content),
            Method::Swapcase => unicode::swapped(content),
            _ => unicode::titled(content),
        };
        self.new_str(made)
    }

    fn str_kind(&mut self, text: &StrObj, method: Method) -> R<Value> {
        let content = text.text.as_str();
        self.spend(gas::searched(content.len() * 2))?;
        let all = |kind: Kind| !content.is_empty() && content.chars().all(|c| unicode::is(kind, c));
        let answer = match method {
            Method::Isalnum => {
                let one = |c: char| {
                    let kinds = [Kind::Alpha, Kind::Decimal, Kind::Digit, Kind::Numeric];
                    kinds.into_iter().any(|kind| unicode::is(kind, c))
                };
                !content.is_empty() && content.chars().all(one)
            }
            Method::Isalpha => all(Kind::Alpha),
            Method::Isdecimal => all(Kind::Decimal),
            Method::Isdigit => all(Kind::Digit),
            Method::Isnumeric => all(Kind::Numeric),
            Method::Isspace => all(Kind::Space),
            Method::Isprintable => content.chars().all(unicode::printable),
            Method::Isidentifier => {
                let mut chars = content.chars();
                let first = chars.next();
                first.is_some_and(|c| unicode::is(Kind::Start, c))
                    && chars.all(|c| unicode::is(Kind::Continue, c))
            }
            Method::Islower => unicode::is_all(Kind::Lower, Kind::Upper, content),
            Method::Isupper => unicode::is_all(Kind::Upper, Kind::Lower, content),
            _ => unicode::is_titled(content),
        };
        Ok(Value::Bool(answer))
    }

    fn str_strip(&mut self, text: &StrObj, method: Method, arguments: &[Value]) -> R<Value> {
        let set: Option<Vec<char>> = match arguments.first() {
            None | Some(Value::None) => None,
            Some(value) => {
                if !matches!(value, Value::Str(_)) {
                    let message = format!("{} arg must be None or str", method.name());
                    return Err(type_error(message));
                }
                let chars: Vec<char> = self
                    .text_argument(value, "strip arg")?
                    .text
                    .chars()
                    .collect();
                self.spend((chars.len() as u64 / 8 + 1) * gas::bytes(text.text.len()).max(1))?;
                Some(chars)
            }
        };
        let matches = |c: char| {
            set.as_ref()
                .map_or_else(|| is_space(c), |set| set.contains(&c))
        };
        let content = text.text.as_str();
        let stripped = match method {
            Method::Lstrip => content.trim_start_matches(matches),
            Method::Rstrip => content.trim_end_matches(matches),
            _ => content.trim_matches(matches),
        };
        self.new_str(stripped.to_string())
    }

    fn str_join(&mut self, separator: &str, parts: &Value) -> R<Value> {
        let parts = self.collect(parts)?;
        let mut length = separator.len().saturating_mul(parts.len());
        for (at, part) in parts.iter().enumerate() {
            match part {
                Value::Str(text) => length = length.saturating_add(text.text.len()),
                other => {
                    return Err(type_error(format!(
                        "sequence item {at}: expected str instance, {} found",
                        self.type_name(other)
                    )))
                }
            }
        }
        self.plan_bytes(length)?;
        let mut made = String::with_capacity(length);
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                made.push_str(separator);
            }
            if let Value::Str(text) = part {
                made.push_str(&text.text);
            }
        }
        self.new_str(made)
    }

    fn str_replace(&mut self, text: &str, arguments: &[Value]) -> R<Value> {
        let old = self
            .text_argument(&arguments[0], "replace() argument 1")?
            .text
            .clone();
        let new = self
            .text_argument(&arguments[1], "replace() argument 2")?
            .text
            .clone();
        let limit = match arguments.get(2) {
            Some(value) => self.int_argument(value)?,
            None => -1,
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.spend(gas::searched(text.len() + old.len()))?;
        let found = text.matches(old.as_str()).count().min(limit);
        self.plan_bytes(text.len().saturating_add(found.saturating_mul(new.len())))?;
        let made = text.replacen(old.as_str(), &new, limit);
        self.new_str(made)
    }

    /// Byte positions of the part that `start` and `end` ask for.
    fn part_of(&mut self, text: &StrObj, arguments: &[Value]) -> R<Option<(usize, usize)>> {
        let length = text.chars as i64;
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
        if start > end {
            return Ok(None);
        }
        let place = |at: i64| {
            if text.is_ascii() {
                at as usize
            } else {
                text.text
                    .char_indices()
                    .nth(at as usize)
                    .map_or(text.text.len(), |(byte, _)| byte)
            }
        };
        Ok(Some((place(start), place(end))))
    }

    fn str_affix(&mut self, text: &StrObj, method: Method, arguments: &[Value]) -> R<Value> {
        let choices = match &arguments[0] {
            Value::Tuple(choices) => choices.items.clone(),
            one => vec![one.clone()],
        };
        let part = self.part_of(text, arguments)?;
        for choice in &choices {
            let Value::Str(choice) = choice else {
                return Err(type_error(format!(
                    "{} first arg must be str or a tuple of str, not {}",
                    method.name(),
                    self.type_name(choice)
                )));
            };
            self.spend(gas::bytes(choice.text.len()) + 1)?;
            let content = part.and_then(|(start, end)| text.text.get(start..end));
            let matches = content.is_some_and(|content| {
                if method == Method::Startswith {
                    content.starts_with(&choice.text)
                } else {
                    content.ends_with(&choice.text)
                }
            });
            if matches {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn plain_text(&self, value: &Value) -> R<String> {
        match value {
            Value::Str(text) => Ok(text.text.clone()),
            other => Err(type_error(format!(
                "must be str, not {}",
                self.type_name(other)
            ))),
        }
    }

    fn str_search(&mut self, text: &StrObj, method: Method, arguments: &[Value]) -> R<Value> {
        let part = self.part_of(text, arguments)?;
        let wanted = self.plain_text(&arguments[0])?;
        let content =
            part.and_then(|(start, end)| text.text.get(start..end).map(|content| (start, content)));
        let Some((start, content)) = content else {
            return match method {
                Method::Count => Ok(Value::Int(0)),
                Method::Find | Method::Rfind => Ok(Value::Int(-1)),
                _ => Err(value_error("substring not found")),
            };
        };
        if method == Method::Count {
            self.spend(gas::searched(content.len() + wanted.len()))?;
            let count = if wanted.is_empty() {
                content.chars().count() + 1
            } else {
                content.matches(wanted.as_str()).count()
            };
            return Ok(Value::Int(count as i64));
        }
        self.spend(gas::searched(content.len() + wanted.len()))?;
        let backwards = matches!(method, Method::Rfind | Method::Rindex);
        let found = if backwards {
            content.rfind(wanted.as_str())
        } else {
            content.find(wanted.as_str())
        };
        match found {
            Some(at) => {
                let byte = start + at;
                let at = if text.is_ascii() {
                    byte
                } else {
                    text.text
                        .get(..byte)
                        .map_or(0, |before| before.chars().count())
                };
                Ok(Value::Int(at as i64))
            }
            None if matches!(method, Method::Find | Method::Rfind) => Ok(Value::Int(-1)),
            None => Err(value_error("substring not found")),
        }
    }

    fn str_pad(&mut self, text: &StrObj, method: Method, arguments: &[Value]) -> R<Value> {
        let width = usize::try_from(self.int_argument(&arguments[0])?.max(0)).unwrap_or(usize::MAX);
        let fill = match arguments.get(1) {
            None => ' ',
            Some(value) => {
                let fill = self.text_argument(value, "The fill character")?;
                match (fill.chars, fill.text.chars().next()) {
                    (1, Some(fill)) => fill,
                    _ => {
                        return Err(type_error(
                            "The fill character must be exactly one character long",
                        ))
                    }
                }
            }
        };
        let missing = width.saturating_sub(text.chars);
        self.plan_bytes(
            text.text
                .len()
                .saturating_add(missing.saturating_mul(fill.len_utf8())),
        )?;
        let run = |count: usize, c: char| std::iter::repeat_n(c, count).collect::<String>();
        let content = text.text.as_str();
        let made = match method {
            Method::Ljust => format!("{content}{}", run(missing, fill)),
            Method::Rjust => format!("{}{content}", run(missing, fill)),
            Method::Center => {
                // As CPython: the odd one goes left if the width is odd as well.
                let left = missing / 2 + (missing & width & 1);
                format!("{}{content}{}", run(left, fill), run(missing - left, fill))
            }
            _ => {
                let (sign, rest) = match content.as_bytes().first() {
                    Some(b'+' | b'-') => content.split_at(1),
                    _ => ("", content),
                };
                format!("{sign}{}{rest}", run(missing, '0'))
            }
        };
        self.new_str(made)
    }

    fn str_expandtabs(&mut self, text: &str, arguments: &[Value]) -> R<Value> {
        let size = match arguments.first() {
            Some(value) => usize::try_from(self.int_argument(value)?.max(0)).unwrap_or(usize::MAX),
            None => 8,
        };
        let tabs = text.matches('\t').count();
        self.plan_bytes(text.len().saturating_add(tabs.saturating_mul(size)))?;
        let mut made = String::new();
        let mut column = 0;
        for c in text.chars() {
            match c {
                '\t' if size > 0 => {
                    let step = size - column % size;
                    made.extend(std::iter::repeat_n(' ', step));
                    column += step;
                }
                '\t' => {}
                '\n' | '\r' => {
                    made.push(c);
                    column = 0;
                }
                _ => {
                    made.push(c);
                    column += 1;
                }
            }
        }
        self.new_str(made)
    }

    fn str_encode(&mut self, text: &str, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.only_keywords("encode", names, &["encoding"])?;
        self.only_strict(arguments.get(1))?;
        self.encode_text(text, arguments.first())
    }

    /// The only way to treat errors is to raise them.
    pub(super) fn only_strict(&mut self, errors: Option<&Value>) -> R<()> {
        match errors {
            None => Ok(()),
            Some(errors) if &*self.text_argument(errors, "errors")?.text == "strict" => Ok(()),
            Some(_) => Err(refused(
                "another way to treat errors of text than 'strict' is not part of the language",
            )),
        }
    }

    /// A text as bytes of an encoding.
    pub(super) fn encode_text(&mut self, text: &str, encoding: Option<&Value>) -> R<Value> {
        let encoding = match encoding {
            None => "utf-8".to_string(),
            Some(value) => self
                .text_argument(value, "encoding")?
                .text
                .to_ascii_lowercase()
                .replace('_', "-"),
        };
        match encoding.as_str() {
            "utf-8" | "utf8" => self.new_bytes(text.as_bytes().to_vec()),
            "ascii" if text.is_ascii() => self.new_bytes(text.as_bytes().to_vec()),
            "ascii" => Err(not_ascii(text)),
            _ => Err(refused("only utf-8 and ascii are encoded")),
        }
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
