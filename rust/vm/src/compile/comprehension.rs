//! Comprehensions: loops inside of an expression, with variables of their own.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Comprehension, Expr, ExprContext};

use super::function::{Label, Reg, Scope, Var};
use super::Compiler;
use crate::program::Op;

impl<'s> Compiler<'s> {
    /// A list, set or dict comprehension.
    pub(crate) fn comprehension(
        &mut self,
        generators: &'s [Comprehension],
        element: &'s Expr,
        value: Option<&'s Expr>,
        kind: Op,
        to: Reg,
    ) {
        let made = self.f().temp();
        self.emit(kind, made, 0, 0);
        self.loops(generators, &mut |compiler| {
            let item = compiler.expr(element);
            match (kind, value) {
                (Op::Dict, Some(value)) => {
                    let value = compiler.expr(value);
                    compiler.emit(Op::Put, made, item, value);
                }
                (Op::Set, _) => compiler.emit(Op::AddTo, made, item, 0),
                _ => compiler.emit(Op::Append, made, item, 0),
            }
        });
        self.emit(Op::Take, to, made, 0);
    }

    /// Writes the loops of a comprehension around `inside`.
    pub(crate) fn loops(
        &mut self,
        generators: &'s [Comprehension],
        inside: &mut dyn FnMut(&mut Self),
    ) {
        self.loops_after(generators, &mut |_| {}, inside);
    }

    /// The same, with `before` between the first iterable and the first round.
    pub(crate) fn loops_after(
        &mut self,
        generators: &'s [Comprehension],
        before: &mut dyn FnMut(&mut Self),
        inside: &mut dyn FnMut(&mut Self),
    ) {
        let Some(first) = generators.first() else {
            return;
        };
        for generator in generators {
            let mut named = Assignments::default();
            named.visit_expr(&generator.iter);
            if named.found {
                self.refuse(
                    &generator.iter,
                    "syntax.invalid",
                    "an assignment expression cannot stand in the iterable of a comprehension",
                    "assign before the comprehension",
                );
            }
        }
        let is_generator = std::mem::take(&mut self.f().generator);
        let assigned = self.f().assigned.clone();
        // The first iterable is evaluated outside of the comprehension's scope.
        let base = self.f().temps(2);
        self.iterate(&first.iter, base);
        before(self);
        self.enter_scope(generators);
        if is_generator {
            self.no_stop_leaves(&mut |compiler| compiler.one_loop(generators, base, inside));
        } else {
            self.one_loop(generators, base, inside);
        }
        self.f().scopes.pop();
        self.f().assigned = assigned;
    }

    fn enter_scope(&mut self, generators: &'s [Comprehension]) {
        let mut targets = Targets::default();
        for generator in generators {
            targets.visit_expr(&generator.target);
        }
        let mut scope = Scope::default();
        for name in targets.names {
            let register = self.f().temp();
            let cell = self.f().inner.contains(&name);
            // Registers are used again: what an earlier use left must not be seen.
            self.emit(Op::Unset, register, 0, 0);
            self.f().assigned.registers.remove(&register);
            if cell {
                self.emit(Op::MakeCell, register, 0, 0);
            }
            let var = Var {
                register,
                cell,
                global: false,
            };
            scope.vars.insert(name, var);
        }
        self.f().scopes.push(scope);
    }

    fn one_loop(
        &mut self,
        generators: &'s [Comprehension],
        base: Reg,
        inside: &mut dyn FnMut(&mut Self),
    ) {
        let Some((generator, rest)) = generators.split_first() else {
            return;
        };
        if generator.is_async {
            return self.refuse(
                generator,
                "language.async",
                "a contract runs in one piece: there is nothing to await",
                "remove async",
            );
        }
        let (next, done): (Label, Label) = (self.f().label(), self.f().label());
        self.f().bind(next);
        let mark = self.f().mark();
        self.next_into(&generator.target, base, done);
        self.f().release(mark);
        for test in &generator.ifs {
            self.cond(test, false, next);
        }
        let mark = self.f().mark();
        match rest.first() {
            Some(inner) => {
                let inner_base = self.f().temps(2);
                self.iterate(&inner.iter, inner_base);
                self.one_loop(rest, inner_base, inside);
            }
            None => inside(self),
        }
        self.f().release(mark);
        self.f().emit_to(Op::Jump, [0; 3], 0, next);
        self.f().bind(done);
    }
}

/// Whether an expression assigns.
#[derive(Default)]
struct Assignments {
    found: bool,
}

impl<'a> Visitor<'a> for Assignments {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.found |= matches!(expr, Expr::Named(_));
        visitor::walk_expr(self, expr);
    }
}

/// Names that a target binds.
#[derive(Default)]
struct Targets {
    names: Vec<String>,
}

impl<'a> Visitor<'a> for Targets {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            let id = name.id.as_str().to_string();
            if matches!(name.ctx, ExprContext::Store) && !self.names.contains(&id) {
                self.names.push(id);
            }
        }
        visitor::walk_expr(self, expr);
    }
}
