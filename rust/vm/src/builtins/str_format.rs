//! The `format` method of text.

use crate::error::{raise, raise_with, refused, value_error, Exc, R};
use crate::interp::Vm;
use crate::value::Value;

impl Vm<'_, '_> {
    /// `"...".format(...)` with positions and names, without attributes and items.
    pub(super) fn str_format(
        &mut self,
        text: &str,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let mut made = String::new();
        let mut automatic = 0_usize;
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            self.spend(2)?;
            made.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if rest.starts_with(brace) {
                made.push_str(brace);
                rest = &rest[1..];
                continue;
            }
            if brace == "}" {
                return Err(value_error("Single '}' encountered in format string"));
            }
            let Some(end) = rest.find('}') else {
                return Err(value_error("expected '}' before end of string"));
            };
            let field = &rest[..end];
            rest = &rest[end + 1..];
            if field.contains('{') {
                return Err(refused(
                    "nested fields in str.format are not part of the language: write an f-string",
                ));
            }
            let (head, spec) = field.split_once(':').unwrap_or((field, ""));
            let (name, conversion) = head
                .split_once('!')
                .map_or((head, None), |(name, conversion)| {
                    (name, conversion.bytes().next())
                });
            let value = if name.is_empty() {
                automatic += 1;
                arguments[..positional].get(automatic - 1).cloned()
            } else if let Ok(number) = name.parse::<usize>() {
                arguments[..positional].get(number).cloned()
            } else if name.contains(['.', '[']) {
                return Err(refused("attributes and items in str.format are not part of the language: write an f-string"));
            } else {
                match self.keyword(arguments, names, name) {
                    Some(value) => Some(value.clone()),
                    None => {
                        return Err(raise_with(
                            Exc::KeyError,
                            vec![Value::str(name.to_string())?],
                        ))
                    }
                }
            };
            let Some(mut value) = value else {
                return Err(raise(
                    Exc::IndexError,
                    format!(
                        "Replacement index {} out of range for positional args tuple",
                        name.parse().unwrap_or(automatic.saturating_sub(1))
                    ),
                ));
            };
            if let Some(conversion) = conversion {
                value = self.convert(&value, u16::from(conversion))?;
            }
            let shown = self.format_value(&value, &Value::str(spec.to_string())?)?;
            self.write_str(&mut made, &shown)?;
        }
        made.push_str(rest);
        self.new_str(made)
    }
}
