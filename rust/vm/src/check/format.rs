//! Format specifications, `str.format` and `%`, where the source shows them.

use ruff_python_ast::{self as ast, Expr, InterpolatedStringElement};
use ruff_text_size::{Ranged, TextRange};

use super::calls::has_star;
use super::flow::Checker;
use super::ty::Ty;

impl<'s> Checker<'s> {
    pub(crate) fn fstring(&mut self, string: &'s ast::ExprFString) -> Ty {
        for element in string.value.elements() {
            self.interpolated(element);
        }
        Ty::Str
    }

    fn interpolated(&mut self, element: &'s InterpolatedStringElement) {
        let InterpolatedStringElement::Interpolation(part) = element else {
            return;
        };
        let ty = self.expr(&part.expression);
        let Some(spec) = &part.format_spec else {
            return;
        };
        let mut text = String::new();
        let mut nested = false;
        for element in &spec.elements {
            match element {
                InterpolatedStringElement::Literal(literal) => text.push_str(&literal.value),
                InterpolatedStringElement::Interpolation(_) => nested = true,
            }
            self.interpolated(element);
        }
        if !nested && part.conversion == ast::ConversionFlag::None {
            self.format_spec(part.range(), &ty, &text);
        }
    }

    /// A specification for a value of a type.
    pub(crate) fn format_spec(&mut self, at: TextRange, ty: &Ty, spec: &str) {
        let wrong = match ty {
            Ty::Int => problem(spec, "dbnoxXceEfFgG%", true),
            Ty::Str => problem(spec, "s", false),
            Ty::None
            | Ty::List(_)
            | Ty::Dict(..)
            | Ty::Tuple(_)
            | Ty::TupleOf(_)
            | Ty::Set(_)
            | Ty::Bytes
                if !spec.is_empty() =>
            {
                Some("takes no specification".to_string())
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("the format {spec:?} for {}: {wrong}", self.shown(ty));
            self.report(
                at,
                "type.format",
                message,
                "docs/language.md lists the format codes of each type",
            );
        }
    }

    /// `"{} {}".format(...)`
    pub(crate) fn text_format(&mut self, call: &'s ast::ExprCall, method: &'s ast::ExprAttribute) {
        let Expr::StringLiteral(text) = &*method.value else {
            return;
        };
        if method.attr.as_str() != "format" || has_star(&call.arguments) {
            return;
        }
        let Some(fields) = fields(text.value.to_str()) else {
            return;
        };
        let given = call.arguments.args.len();
        let mut next = 0;
        for field in fields {
            let missing = if let Ok(place) = field.parse::<usize>() {
                (place >= given).then(|| format!("there is no argument {place}"))
            } else if field.is_empty() {
                next += 1;
                (next > given).then(|| format!("{next} arguments are needed, {given} are given"))
            } else {
                let mut keywords = call.arguments.keywords.iter();
                let known = keywords.any(|keyword| {
                    keyword
                        .arg
                        .as_ref()
                        .is_some_and(|arg| arg.as_str() == field)
                });
                (!known).then(|| format!("there is no argument `{field}`"))
            };
            if let Some(message) = missing {
                return self.report(
                    call.range(),
                    "type.format",
                    message,
                    "give one argument for each field",
                );
            }
        }
    }

    /// `"%d" % value`
    pub(crate) fn percent(&mut self, binary: &'s ast::ExprBinOp, right: &Ty) {
        let Expr::StringLiteral(text) = &*binary.left else {
            return;
        };
        let Some(codes) = percent_codes(text.value.to_str()) else {
            return;
        };
        let values: Vec<Ty> = match right {
            Ty::Tuple(items) => items.clone(),
            Ty::Int | Ty::Str | Ty::Bool | Ty::Bytes | Ty::None => vec![right.clone()],
            _ => return,
        };
        if values.len() != codes.len() {
            let message = format!("{} values for {} fields", values.len(), codes.len());
            return self.report(
                binary.range(),
                "type.format",
                message,
                "give one value for each field",
            );
        }
        for (code, value) in codes.iter().zip(&values) {
            let number = matches!(code, 'd' | 'i' | 'u' | 'o' | 'x' | 'X');
            if number
                && matches!(
                    value,
                    Ty::Str | Ty::Bytes | Ty::None | Ty::List(_) | Ty::Dict(..)
                )
            {
                let message = format!("%{code} takes a number, not {}", self.shown(value));
                return self.report(binary.range(), "type.format", message, "write %s");
            }
        }
    }
}

/// What is wrong with a specification of the form `[[fill]align][sign][z][#][0][width][,][.precision][type]`.
fn problem(spec: &str, types: &str, number: bool) -> Option<String> {
    let mut rest: Vec<char> = spec.chars().collect();
    let is_align = |c: &char| "<>=^".contains(*c);
    let mut align = None;
    if rest.get(1).is_some_and(is_align) {
        align = Some(rest[1]);
        rest.drain(..2);
    } else if rest.first().is_some_and(is_align) {
        align = Some(rest[0]);
        rest.drain(..1);
    }
    let mut take = |known: &str| {
        let found = rest.first().copied().filter(|c| known.contains(*c));
        if found.is_some() {
            rest.remove(0);
        }
        found
    };
    let sign = take("+- ");
    take("z");
    let alternate = take("#");
    while take("0123456789").is_some() {}
    let grouping = take(",_");
    let precision = take(".");
    while take("0123456789").is_some() {}
    let code = take("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%");
    if !rest.is_empty() {
        return Some("it is no format specification".to_string());
    }
    if let Some(code) = code.filter(|code| !types.contains(*code)) {
        return Some(format!("it has no code `{code}`"));
    }
    if number {
        let whole = code.is_none_or(|code| "dbnoxXc".contains(code));
        return (precision.is_some() && whole)
            .then(|| "whole numbers have no precision".to_string());
    }
    if align == Some('=') || sign.is_some() || alternate.is_some() || grouping.is_some() {
        return Some("signs, `=`, `#` and grouping are for numbers".to_string());
    }
    None
}

/// The names of the fields of a template; nothing where it is not a simple one.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.peek() == Some(&'{') => {
                chars.next();
            }
            '{' => {
                let mut field = String::new();
                loop {
                    match chars.next()? {
                        '}' => break,
                        '{' => return None,
                        other => field.push(other),
                    }
                }
                let end = field.find(['!', ':', '.', '[']).unwrap_or(field.len());
                found.push(field[..end].to_string());
            }
            _ => {}
        }
    }
    let mixed =
        found.iter().any(String::is_empty) && found.iter().any(|f| f.parse::<usize>().is_ok());
    (!mixed).then_some(found)
}

/// The codes of a `%` template; nothing where it names keys or stars.
fn percent_codes(text: &str) -> Option<Vec<char>> {
    let mut found = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        loop {
            match chars.next()? {
                '(' | '*' => return None,
                '%' => break,
                c if c.is_ascii_alphabetic() => {
                    found.push(c);
                    break;
                }
                _ => {}
            }
        }
    }
    Some(found)
}
