//! The methods `format` and `format_map` of text.

use crate::error::{raise, raise_with, refused, value_error, Exc, R};
use crate::interp::Vm;
use crate::value::Value;

/// Where fields take their values from.
struct Source<'a> {
    positional: &'a [Value],
    names: &'a [u16],
    named: &'a [Value],
    mapping: Option<&'a Value>,
}

/// How fields without a name are numbered; CPython does not let a text mix both ways.
#[derive(Default)]
struct Numbering {
    automatic: usize,
    manual: bool,
}

/// One replacement field.
struct Field {
    name: String,
    conversion: Option<char>,
    spec: String,
    nested: bool,
}

impl Vm<'_, '_> {
    /// `"...".format(...)`
    pub(super) fn str_format(
        &mut self,
        text: &str,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let (positional, named) = arguments.split_at(arguments.len() - names.len());
        let source = Source {
            positional,
            names,
            named,
            mapping: None,
        };
        let made = self.format_fields(text, &source, &mut Numbering::default(), 2)?;
        self.new_str(made)
    }

    /// `"...".format_map(mapping)`
    pub(super) fn str_format_map(&mut self, text: &str, mapping: &Value) -> R<Value> {
        let source = Source {
            positional: &[],
            names: &[],
            named: &[],
            mapping: Some(mapping),
        };
        let made = self.format_fields(text, &source, &mut Numbering::default(), 2)?;
        self.new_str(made)
    }

    fn format_fields(
        &mut self,
        text: &str,
        source: &Source<'_>,
        numbering: &mut Numbering,
        levels: usize,
    ) -> R<String> {
        let Some(levels) = levels.checked_sub(1) else {
            return Err(value_error("Max string recursion exceeded"));
        };
        let mut made = String::new();
        let chars: Vec<char> = text.chars().collect();
        self.spend(crate::gas::bytes(text.len() * 2))?;
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            at += 1;
            if c != '{' && c != '}' {
                made.push(c);
                continue;
            }
            if chars.get(at) == Some(&c) {
                made.push(c);
                at += 1;
                continue;
            }
            if c == '}' {
                return Err(value_error("Single '}' encountered in format string"));
            }
            if at >= chars.len() {
                return Err(value_error("Single '{' encountered in format string"));
            }
            self.spend(2)?;
            let field = parse_field(&chars, &mut at)?;
            let mut value = self.field_value(&field.name, source, numbering)?;
            if let Some(conversion) = field.conversion {
                if !matches!(conversion, 's' | 'r' | 'a') {
                    return Err(unknown_conversion(conversion));
                }
                value = self.convert(&value, conversion as u16)?;
            }
            let spec = if field.nested {
                self.format_fields(&field.spec, source, numbering, levels)?
            } else {
                field.spec
            };
            let shown = self.format_value(&value, &Value::str(spec)?)?;
            self.write_str(&mut made, &shown)?;
            if made.len() > crate::limits::STRING_BYTES {
                return Err(crate::interp::too_long());
            }
        }
        Ok(made)
    }

    /// The value that a field names: its first part, then attributes and items of it.
    fn field_value(
        &mut self,
        name: &str,
        source: &Source<'_>,
        numbering: &mut Numbering,
    ) -> R<Value> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let mut value = self.first_value(first, source, numbering)?;
        while !rest.is_empty() {
            self.spend(2)?;
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (attribute, others) = after.split_at(end);
                if attribute.is_empty() {
                    return Err(value_error("Empty attribute in format string"));
                }
                value = self.format_attribute(&value, attribute)?;
                rest = others;
            } else if let Some(after) = rest.strip_prefix('[') {
                let Some(end) = after.find(']') else {
                    return Err(value_error("Missing ']' in format string"));
                };
                let key = &after[..end];
                if key.is_empty() {
                    return Err(value_error("Empty attribute in format string"));
                }
                let key = match key.parse::<i64>() {
                    Ok(number) if key.bytes().all(|byte| byte.is_ascii_digit()) => {
                        Value::Int(number)
                    }
                    _ => Value::str(key.to_string())?,
                };
                value = self.get_item(&value, &key)?;
                rest = &after[end + 1..];
            } else {
                return Err(value_error(
                    "Only '.' or '[' may follow ']' in format field specifier",
                ));
            }
        }
        Ok(value)
    }

    fn first_value(
        &mut self,
        first: &str,
        source: &Source<'_>,
        numbering: &mut Numbering,
    ) -> R<Value> {
        let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        if first.is_empty() || is_number {
            if numbering.manual != is_number && (numbering.manual || numbering.automatic > 0) {
                let (from, to) = ("manual field specification", "automatic field numbering");
                let (from, to) = if is_number { (to, from) } else { (from, to) };
                return Err(value_error(format!("cannot switch from {from} to {to}")));
            }
            numbering.manual |= is_number;
            if source.mapping.is_some() {
                return Err(value_error("Format string contains positional fields"));
            }
            let place = if is_number {
                first
                    .parse::<usize>()
                    .map_err(|_| value_error("Too many decimal digits in format string"))?
            } else {
                numbering.automatic += 1;
                numbering.automatic - 1
            };
            return source.positional.get(place).cloned().ok_or_else(|| {
                raise(
                    Exc::IndexError,
                    format!("Replacement index {place} out of range for positional args tuple"),
                )
            });
        }
        if let Some(mapping) = source.mapping {
            let key = Value::str(first.to_string())?;
            return self.get_item(mapping, &key);
        }
        let found = source
            .names
            .iter()
            .position(|name| self.keyword_name(*name) == first)
            .and_then(|at| source.named.get(at));
        match found {
            Some(value) => Ok(value.clone()),
            None => Err(raise_with(
                Exc::KeyError,
                vec![Value::str(first.to_string())?],
            )),
        }
    }

    fn format_attribute(&mut self, value: &Value, name: &str) -> R<Value> {
        if name.starts_with("__") {
            return Err(refused(
                "names with two leading underscores reach into Python's machinery",
            ));
        }
        let names = &self.program.parts.names;
        match names.iter().position(|known| known == name) {
            Some(id) => {
                self.spend(names.len() as u64 / 8)?;
                self.attribute(value, id as u16)
            }
            None => {
                let kind = self.type_name(value);
                Err(raise(
                    Exc::AttributeError,
                    format!("'{kind}' object has no attribute '{name}'"),
                ))
            }
        }
    }
}

fn unknown_conversion(conversion: char) -> crate::error::Trap {
    if (' '..'\x7f').contains(&conversion) {
        return value_error(format!("Unknown conversion specifier {conversion}"));
    }
    value_error(format!(
        "Unknown conversion specifier \\x{:x}",
        u32::from(conversion)
    ))
}

/// Reads a field behind its opening brace, as CPython's scanner does.
fn parse_field(chars: &[char], at: &mut usize) -> R<Field> {
    let start = *at;
    let mut in_brackets = false;
    let mut ended = None;
    while let Some(c) = chars.get(*at).copied() {
        *at += 1;
        match c {
            '{' => return Err(value_error("unexpected '{' in field name")),
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '}' | ':' | '!' if !in_brackets => {
                ended = Some(c);
                break;
            }
            _ => {}
        }
    }
    let Some(ended) = ended else {
        return Err(value_error("expected '}' before end of string"));
    };
    let mut field = Field {
        name: chars[start..*at - 1].iter().collect(),
        conversion: None,
        spec: String::new(),
        nested: false,
    };
    if ended == '}' {
        return Ok(field);
    }
    if ended == '!' {
        let Some(conversion) = chars.get(*at).copied() else {
            return Err(value_error(
                "end of string while looking for conversion specifier",
            ));
        };
        field.conversion = Some(conversion);
        *at += 1;
        match chars.get(*at) {
            Some('}') => {
                *at += 1;
                return Ok(field);
            }
            Some(':') => *at += 1,
            Some(_) => return Err(value_error("expected ':' after conversion specifier")),
            None => return Err(value_error("unmatched '{' in format spec")),
        }
    }
    let start = *at;
    let mut open = 1;
    while let Some(c) = chars.get(*at).copied() {
        *at += 1;
        match c {
            '{' => {
                field.nested = true;
                open += 1;
            }
            '}' => {
                open -= 1;
                if open == 0 {
                    field.spec = chars[start..*at - 1].iter().collect();
                    return Ok(field);
                }
            }
            _ => {}
        }
    }
    Err(value_error("unmatched '{' in format spec"))
}
