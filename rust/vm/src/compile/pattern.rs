//! `match`.

use ruff_python_ast::{self as ast, Pattern, Singleton};
use ruff_text_size::Ranged;

use super::function::{Label, Reg};
use super::resolve::Resolved;
use super::{Compiler, Global};
use crate::builtins::Builtin;
use crate::program::{Const, Op};

/// In the count of a sequence pattern: at least this many.
const AT_LEAST: u16 = 0x8000;

impl<'s> Compiler<'s> {
    pub(crate) fn match_stmt(&mut self, matched: &'s ast::StmtMatch) {
        let end = self.f().label();
        let subject = self.f().temp();
        self.expr_to(&matched.subject, subject);
        let before = self.f().assigned.clone();
        let mut after: Option<super::function::Assigned> = None;
        let mut open = true;
        for case in &matched.cases {
            let next = self.f().label();
            self.f().assigned = before.clone();
            self.at(case);
            let mark = self.f().mark();
            self.pattern(&case.pattern, subject, next);
            self.f().release(mark);
            if let Some(guard) = &case.guard {
                self.cond(guard, false, next);
            } else if case.pattern.is_irrefutable() {
                open = false;
            }
            self.body(&case.body);
            let now = self.f().assigned.clone();
            after = Some(after.map_or_else(|| now.clone(), |after| after.join(&now)));
            self.f().emit_to(Op::Jump, [0; 3], 0, end);
            self.f().bind(next);
        }
        self.f().bind(end);
        let after = after.unwrap_or_else(|| before.clone());
        self.f().assigned = if open { after.join(&before) } else { after };
    }

    /// Goes on if the subject matches, with names bound; jumps to `next` if not.
    fn pattern(&mut self, pattern: &'s Pattern, subject: Reg, next: Label) {
        let mark = self.f().mark();
        self.at(pattern);
        match pattern {
            Pattern::MatchValue(value) => {
                let value = self.expr(&value.value);
                self.f().emit_to(Op::UnlessEq, [subject, value, 0], 2, next);
            }
            Pattern::MatchSingleton(singleton) => {
                let value = match singleton.value {
                    Singleton::None => Const::None,
                    Singleton::True => Const::Bool(true),
                    Singleton::False => Const::Bool(false),
                };
                let registers = self.f().temps(2);
                self.load_const(value, registers);
                self.emit(Op::Is, registers + 1, subject, registers);
                self.f().jump_if(registers + 1, false, next);
            }
            Pattern::MatchAs(capture) => {
                if let Some(inner) = &capture.pattern {
                    self.pattern(inner, subject, next);
                }
                self.capture(capture.name.as_ref(), subject);
            }
            Pattern::MatchOr(any) => self.any_pattern(any, subject, next),
            Pattern::MatchSequence(sequence) => self.sequence_pattern(sequence, subject, next),
            Pattern::MatchMapping(mapping) => self.mapping_pattern(mapping, subject, next),
            Pattern::MatchClass(class) => self.class_pattern(class, subject, next),
            Pattern::MatchStar(star) => self.refuse(
                star,
                "syntax.invalid",
                "a starred pattern stands only in a sequence",
                "",
            ),
        }
        self.f().release(mark);
    }

    fn capture(&mut self, name: Option<&'s ast::Identifier>, value: Reg) {
        let Some(name) = name else { return };
        let Some(var) = self.f().find(name.as_str()) else {
            return;
        };
        if var.cell {
            self.f().store_shared(var, value);
        } else {
            self.emit(Op::Move, var.register, value, 0);
            self.f().mark_assigned(var.register);
        }
    }

    fn any_pattern(&mut self, any: &'s ast::PatternMatchOr, subject: Reg, next: Label) {
        let good = self.f().label();
        let before = self.f().assigned.clone();
        let mut after: Option<super::function::Assigned> = None;
        let last = any.patterns.len().saturating_sub(1);
        for (index, choice) in any.patterns.iter().enumerate() {
            let other = if index == last {
                next
            } else {
                self.f().label()
            };
            self.f().assigned = before.clone();
            self.pattern(choice, subject, other);
            let now = self.f().assigned.clone();
            after = Some(after.map_or_else(|| now.clone(), |after| after.join(&now)));
            if index < last {
                self.f().emit_to(Op::Jump, [0; 3], 0, good);
                self.f().bind(other);
            }
        }
        self.f().assigned = after.unwrap_or(before);
        self.f().bind(good);
    }

    fn sequence_pattern(
        &mut self,
        sequence: &'s ast::PatternMatchSequence,
        subject: Reg,
        next: Label,
    ) {
        let patterns = &sequence.patterns;
        if patterns.len() > 100 {
            return self.refuse(
                sequence,
                "limit.pattern",
                "a pattern has at most 100 parts",
                "split it",
            );
        }
        let star = patterns
            .iter()
            .position(|part| matches!(part, Pattern::MatchStar(_)));
        let test = self.f().temp();
        let count = match star {
            Some(_) => AT_LEAST | (patterns.len() - 1) as u16,
            None => patterns.len() as u16,
        };
        self.emit(Op::IsSequence, test, subject, count);
        self.f().jump_if(test, false, next);
        let base = self.f().temps(patterns.len());
        match star {
            None => self.emit(Op::Unpack, subject, base, patterns.len() as u16),
            Some(star) => {
                let after = patterns.len() - star - 1;
                self.emit(Op::UnpackStar, subject, base, (star | after << 8) as u16);
            }
        }
        for (index, part) in patterns.iter().enumerate() {
            match part {
                Pattern::MatchStar(star) => self.capture(star.name.as_ref(), base + index as u16),
                _ => self.pattern(part, base + index as u16, next),
            }
        }
    }

    fn mapping_pattern(
        &mut self,
        mapping: &'s ast::PatternMatchMapping,
        subject: Reg,
        next: Label,
    ) {
        let test = self.f().temp();
        self.emit(Op::IsMapping, test, subject, 0);
        self.f().jump_if(test, false, next);
        let keys = self.f().temps(mapping.keys.len());
        let values = self.f().temps(mapping.keys.len());
        for (index, key) in mapping.keys.iter().enumerate() {
            let index = index as u16;
            self.expr_to(key, keys + index);
            self.emit(Op::Lookup, values + index, subject, keys + index);
            self.f()
                .emit_to(Op::IfUnset, [values + index, 0, 0], 1, next);
        }
        for (index, part) in mapping.patterns.iter().enumerate() {
            self.pattern(part, values + index as u16, next);
        }
        if mapping.rest.is_some() {
            let tuple = self.f().temp();
            self.emit(Op::Tuple, tuple, keys, mapping.keys.len() as u16);
            self.emit(Op::Rest, tuple, subject, tuple);
            self.capture(mapping.rest.as_ref(), tuple);
        }
    }

    fn class_pattern(&mut self, pattern: &'s ast::PatternMatchClass, subject: Reg, next: Label) {
        let class = self.expr(&pattern.cls);
        let test = self.f().temp();
        self.at(pattern);
        self.emit(Op::IsInstance, test, subject, class);
        self.f().jump_if(test, false, next);
        let fields = self.positional_fields(pattern);
        for (index, part) in pattern.arguments.patterns.iter().enumerate() {
            match fields.as_ref().map(|fields| fields.get(index).cloned()) {
                // int(x), str(x), ...: the subject itself.
                None if index == 0 => self.pattern(part, subject, next),
                Some(Some(field)) => self.field_pattern(&field, part, subject, next),
                _ => {
                    let message = "the class has fewer fields than the pattern has parts";
                    self.error(
                        part.range(),
                        "call.arguments",
                        message,
                        "name the fields: Tool(holder=\"north\")",
                    );
                }
            }
        }
        for keyword in &pattern.arguments.keywords {
            self.field_pattern(keyword.attr.as_str(), &keyword.pattern, subject, next);
        }
    }

    fn field_pattern(&mut self, field: &str, part: &'s Pattern, subject: Reg, next: Label) {
        let id = self.name(field);
        let value = self.f().temp();
        self.emit(Op::GetAttr, value, subject, id);
        self.pattern(part, value, next);
    }

    /// The fields of a record class; `None` for the built-in types.
    fn positional_fields(&mut self, pattern: &'s ast::PatternMatchClass) -> Option<Vec<String>> {
        let ast::Expr::Name(name) = &*pattern.cls else {
            return Some(Vec::new());
        };
        match self.resolve(name.id.as_str()) {
            Resolved::Global(Global::Class(class)) => {
                let fields = &self.parts.classes[usize::from(class)].fields;
                Some(
                    fields
                        .iter()
                        .map(|field| self.parts.names[usize::from(field.name)].clone())
                        .collect(),
                )
            }
            Resolved::Builtin(builtin) if is_itself(builtin) => None,
            _ => Some(Vec::new()),
        }
    }
}

/// Types whose pattern takes one part, which is the subject itself.
fn is_itself(builtin: Builtin) -> bool {
    matches!(
        builtin,
        Builtin::Bool
            | Builtin::Bytes
            | Builtin::Dict
            | Builtin::Frozenset
            | Builtin::Int
            | Builtin::List
            | Builtin::Set
            | Builtin::Str
            | Builtin::Tuple
    )
}
