//! Halves of surrogate pairs in texts: CPython takes them, and no encoding of text does.

use ruff_python_ast::visitor::{walk_f_string, walk_interpolated_string_element, Visitor};
use ruff_python_ast::{FString, InterpolatedStringElement, Stmt, StringLiteral};
use ruff_text_size::{Ranged, TextRange};

/// Places of texts with an escape of such a half, which the parser would replace.
pub(crate) fn halves(source: &str, body: &[Stmt]) -> Vec<TextRange> {
    let mut finder = Finder {
        source,
        found: Vec::new(),
        raw: false,
    };
    // The walk is only worth it where such an escape stands anywhere.
    if has_half(source) {
        finder.visit_body(body);
    }
    finder.found
}

struct Finder<'s> {
    source: &'s str,
    found: Vec<TextRange>,
    /// Inside of a raw f-string.
    raw: bool,
}

impl Finder<'_> {
    fn look(&mut self, range: TextRange) {
        let text = self
            .source
            .get(range.start().to_usize()..range.end().to_usize());
        if text.is_some_and(has_half) {
            self.found.push(range);
        }
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_string_literal(&mut self, text: &'a StringLiteral) {
        if !text.flags.prefix().is_raw() {
            self.look(text.range());
        }
    }

    fn visit_f_string(&mut self, text: &'a FString) {
        let outer = std::mem::replace(&mut self.raw, text.flags.prefix().is_raw());
        walk_f_string(self, text);
        self.raw = outer;
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        match element {
            InterpolatedStringElement::Literal(literal) if !self.raw => self.look(literal.range()),
            _ => walk_interpolated_string_element(self, element),
        }
    }
}

/// Whether an escape of U+D800 to U+DFFF stands in the text of a literal.
fn has_half(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        let digits = match escape.bytes().next() {
            Some(b'u') => escape.get(1..5),
            Some(b'U') => escape.get(1..9),
            _ => None,
        };
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if code.is_some_and(|code| (0xd800..0xe000).contains(&code)) {
            return true;
        }
        let skipped = escape.chars().next().map_or(0, char::len_utf8);
        rest = &escape[skipped..];
    }
    false
}
