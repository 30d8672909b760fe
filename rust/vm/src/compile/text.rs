//! F-strings.

use ruff_python_ast::{self as ast, ConversionFlag, FStringPart, InterpolatedStringElement};

use super::function::Reg;
use super::Compiler;
use crate::program::{Const, Op};

impl<'s> Compiler<'s> {
    pub(crate) fn fstring(&mut self, string: &'s ast::ExprFString, to: Reg) {
        let mut parts: Vec<Part<'s>> = Vec::new();
        for part in string.value.as_slice() {
            match part {
                FStringPart::Literal(literal) => push_text(&mut parts, literal.as_str()),
                FStringPart::FString(fstring) => collect(&fstring.elements, &mut parts),
            }
        }
        self.join_parts(&parts, to);
    }

    fn join_parts(&mut self, parts: &[Part<'s>], to: Reg) {
        if parts.len() > 150 {
            let source = parts.iter().find_map(|part| match part {
                Part::Value(element) => Some(element.range),
                Part::Text(_) => None,
            });
            return self.error(
                source.unwrap_or_default(),
                "limit.fstring",
                "an f-string has at most 150 parts",
                "join several",
            );
        }
        let base = self.f().temps(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let register = base + index as u16;
            match part {
                Part::Text(text) => self.load_const(Const::Str(text.clone()), register),
                Part::Value(element) => self.interpolation(element, register),
            }
        }
        self.emit(Op::Join, to, base, parts.len() as u16);
    }

    fn interpolation(&mut self, element: &'s ast::InterpolatedElement, to: Reg) {
        self.expr_to(&element.expression, to);
        let spec = element.format_spec.as_deref();
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && spec.is_none() => Some(b'r'),
            ConversionFlag::None => None,
            ConversionFlag::Str => Some(b's'),
            ConversionFlag::Repr => Some(b'r'),
            ConversionFlag::Ascii => Some(b'a'),
        };
        if let Some(conversion) = conversion {
            self.emit(Op::Convert, to, to, u16::from(conversion));
        }
        if let Some(spec) = spec {
            let mark = self.f().mark();
            let mut parts = Vec::new();
            collect(&spec.elements, &mut parts);
            let register = self.f().temp();
            self.join_parts(&parts, register);
            self.emit(Op::Format, to, to, register);
            self.f().release(mark);
        }
    }
}

enum Part<'s> {
    Text(String),
    Value(&'s ast::InterpolatedElement),
}

fn collect<'s>(elements: &'s [InterpolatedStringElement], parts: &mut Vec<Part<'s>>) {
    for element in elements {
        match element {
            InterpolatedStringElement::Literal(literal) => push_text(parts, &literal.value),
            InterpolatedStringElement::Interpolation(value) => {
                if let Some(debug) = &value.debug_text {
                    push_text(parts, debug.as_str());
                }
                parts.push(Part::Value(value));
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part<'_>>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_string())),
    }
}
