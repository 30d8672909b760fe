//! Which names a piece of source assigns, and which containers it changes in place.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{walk_expr, walk_stmt, Visitor};
use ruff_python_ast::{Expr, Stmt};

/// Methods that put items of any type into their receiver.
const MUTATORS: [&str; 9] = [
    "append",
    "extend",
    "insert",
    "add",
    "update",
    "setdefault",
    "symmetric_difference_update",
    "sort",
    "reverse",
];

/// What a body does to names.
#[derive(Default)]
pub(crate) struct Uses<'s> {
    /// How often each name is assigned.
    pub(crate) stores: HashMap<&'s str, usize>,
    /// Names whose value is changed in place.
    pub(crate) mutated: HashSet<&'s str>,
    /// Names that an inner function assigns.
    pub(crate) shared: HashSet<&'s str>,
    /// Names that assignment expressions assign.
    pub(crate) walrus: HashSet<&'s str>,
}

impl<'s> Uses<'s> {
    pub(crate) fn of(body: &'s [Stmt]) -> Self {
        let mut uses = Uses::default();
        body.iter().for_each(|stmt| uses.visit_stmt(stmt));
        uses
    }

    fn store(&mut self, name: &'s str) {
        *self.stores.entry(name).or_default() += 1;
    }

    fn mutate(&mut self, expr: &'s Expr) {
        if let Some(name) = root(expr) {
            self.mutated.insert(name);
        }
    }
}

/// The name at the start of `a.b[c].d`.
fn root(expr: &Expr) -> Option<&str> {
    let mut rest = expr;
    loop {
        match rest {
            Expr::Name(name) => return Some(name.id.as_str()),
            Expr::Attribute(attribute) => rest = &attribute.value,
            Expr::Subscript(subscript) => rest = &subscript.value,
            Expr::Call(call) => rest = &call.func,
            _ => return None,
        }
    }
}

impl<'s> Visitor<'s> for Uses<'s> {
    fn visit_stmt(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.store(def.name.as_str()),
            Stmt::ClassDef(class) => self.store(class.name.as_str()),
            Stmt::AugAssign(assign) => self.mutate(&assign.target),
            Stmt::Nonlocal(names) => self.shared.extend(names.names.iter().map(|n| n.as_str())),
            Stmt::Global(names) => self.shared.extend(names.names.iter().map(|n| n.as_str())),
            Stmt::Import(import) => import
                .names
                .iter()
                .for_each(|alias| self.store(alias.asname.as_ref().unwrap_or(&alias.name))),
            Stmt::ImportFrom(import) => import
                .names
                .iter()
                .for_each(|alias| self.store(alias.asname.as_ref().unwrap_or(&alias.name))),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'s Expr) {
        match expr {
            Expr::Name(name) if !name.ctx.is_load() => self.store(name.id.as_str()),
            Expr::Named(named) => {
                if let Expr::Name(name) = &*named.target {
                    self.walrus.insert(name.id.as_str());
                }
            }
            Expr::Subscript(subscript) if subscript.ctx.is_store() => self.mutate(expr),
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) if MUTATORS.contains(&method.attr.as_str()) => {
                    self.mutate(&method.value);
                }
                _ => {}
            },
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn visit_except_handler(&mut self, handler: &'s ruff_python_ast::ExceptHandler) {
        let ruff_python_ast::ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.store(name.as_str());
        }
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'s ruff_python_ast::Pattern) {
        use ruff_python_ast::Pattern;
        match pattern {
            Pattern::MatchAs(inner) => {
                if let Some(name) = &inner.name {
                    self.store(name.as_str());
                }
            }
            Pattern::MatchStar(inner) => {
                if let Some(name) = &inner.name {
                    self.store(name.as_str());
                }
            }
            Pattern::MatchMapping(inner) => {
                if let Some(name) = &inner.rest {
                    self.store(name.as_str());
                }
            }
            _ => {}
        }
        ruff_python_ast::visitor::walk_pattern(self, pattern);
    }
}
