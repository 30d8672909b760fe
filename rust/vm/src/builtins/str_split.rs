//! Methods that take a text apart.

use super::named::Takes;
use super::str_methods::is_space;
use super::Method;
use crate::error::{type_error, value_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::{StrObj, Value};

impl Vm<'_, '_> {
    pub(super) fn str_partition(
        &mut self,
        text: &StrObj,
        method: Method,
        separator: &Value,
    ) -> R<Value> {
        let separator_text = self.text_argument(separator, "")?.text.clone();
        if separator_text.is_empty() {
            return Err(value_error("empty separator"));
        }
        let content = text.text.as_str();
        self.spend(gas::searched(content.len()))?;
        let found = if method == Method::Partition {
            content.split_once(separator_text.as_str())
        } else {
            content.rsplit_once(separator_text.as_str())
        };
        let parts = match (found, method) {
            (Some((before, after)), _) => [before, separator_text.as_str(), after],
            (None, Method::Partition) => [content, "", ""],
            (None, _) => ["", "", content],
        };
        let parts = parts
            .into_iter()
            .map(|part| self.new_str(part.to_string()))
            .collect::<R<Vec<_>>>()?;
        self.new_tuple(parts)
    }

    pub(super) fn str_split(
        &mut self,
        text: &StrObj,
        method: Method,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let takes = Takes::any(method.name(), &["sep", "maxsplit"]);
        let [separator, limit] = self.named(&takes, arguments, names)?;
        let separator = separator.unwrap_or(Value::None);
        let limit = match limit {
            Some(value) => self.int_argument(&value)?,
            None => -1,
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX - 1);
        let content = text.text.as_str();
        self.spend(gas::searched(content.len()))?;
        let backwards = method == Method::Rsplit;
        let mut pieces: Vec<&str> = match &separator {
            Value::None => split_space(content, limit, backwards),
            Value::Str(separator) if separator.text.is_empty() => {
                return Err(value_error("empty separator"))
            }
            Value::Str(separator) if backwards => content
                .rsplitn(limit.saturating_add(1), separator.text.as_str())
                .collect(),
            Value::Str(separator) => content
                .splitn(limit.saturating_add(1), separator.text.as_str())
                .collect(),
            other => {
                return Err(type_error(format!(
                    "must be str or None, not {}",
                    self.type_name(other)
                )))
            }
        };
        if backwards {
            pieces.reverse();
        }
        self.plan_elements(pieces.len() * 4)?;
        let made = pieces
            .into_iter()
            .map(|piece| self.new_str(piece.to_string()))
            .collect::<R<Vec<_>>>()?;
        self.new_list(made)
    }

    pub(super) fn str_splitlines(
        &mut self,
        text: &str,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        const TAKES: Takes = Takes::any("splitlines", &["keepends"]);
        let [keep] = self.named(&TAKES, arguments, names)?;
        let keep = match keep {
            Some(value) => self.int_argument(&value)? != 0,
            None => false,
        };
        let mut lines = Vec::new();
        let mut start = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if !matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}') {
                continue;
            }
            let mut end = at + c.len_utf8();
            if c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
                chars.next();
                end += 1;
            }
            lines.push(text.get(start..if keep { end } else { at }).unwrap_or(""));
            start = end;
        }
        if start < text.len() {
            lines.push(text.get(start..).unwrap_or(""));
        }
        self.plan_elements(lines.len() * 4)?;
        let made = lines
            .into_iter()
            .map(|line| self.new_str(line.to_string()))
            .collect::<R<Vec<_>>>()?;
        self.new_list(made)
    }
}

/// Splits at runs of space.
fn split_space(text: &str, limit: usize, backwards: bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = if backwards {
        text.trim_end_matches(is_space)
    } else {
        text.trim_start_matches(is_space)
    };
    while !rest.is_empty() {
        if pieces.len() == limit {
            pieces.push(if backwards {
                rest.trim_end_matches(is_space)
            } else {
                rest
            });
            break;
        }
        let found = if backwards {
            rest.rfind(is_space)
        } else {
            rest.find(is_space)
        };
        let Some(at) = found else {
            pieces.push(rest);
            break;
        };
        let width = rest[at..].chars().next().map_or(1, char::len_utf8);
        if backwards {
            pieces.push(&rest[at + width..]);
            rest = rest[..at].trim_end_matches(is_space);
        } else {
            pieces.push(&rest[..at]);
            rest = rest[at..].trim_start_matches(is_space);
        }
    }
    pieces
}
