//! Which names a function binds, and which its inner functions mention.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Identifier, Parameters, Pattern, Stmt};

/// Names of one function.
#[derive(Default, Debug)]
pub(crate) struct Names {
    /// Names bound in the function, parameters excluded, in order of appearance.
    pub(crate) locals: Vec<String>,
    pub(crate) nonlocals: HashSet<String>,
    /// Names that a function of a script takes from the module, to assign them.
    pub(crate) globals: HashSet<String>,
    /// Names that functions inside mention: their variables live in cells.
    pub(crate) inner: HashSet<String>,
    /// Names that `del` or the end of an `except` block can take away.
    pub(crate) volatile: HashSet<String>,
    /// The function has an assignment expression: operands must be copied.
    pub(crate) walrus: bool,
    /// How often each name is bound or deleted.
    pub(crate) counts: HashMap<String, usize>,
}

impl Names {
    pub(crate) fn of_body(body: &[Stmt]) -> Names {
        let mut collector = Collector::default();
        collector.visit_body(body);
        collector.finish()
    }

    /// Adds the names that functions inside declare as the module's own variables.
    pub(crate) fn add_globals(&mut self, body: &[Stmt]) {
        let mut found = Globals::default();
        found.visit_body(body);
        for name in found.names {
            if !self.locals.contains(&name) {
                self.locals.push(name.clone());
            }
            self.inner.insert(name.clone());
            self.volatile.insert(name.clone());
            // Bound in more than one place: never a constant.
            *self.counts.entry(name).or_default() += 2;
        }
    }

    pub(crate) fn of_expr(expr: &Expr) -> Names {
        let mut collector = Collector::default();
        collector.visit_expr(expr);
        collector.finish()
    }
}

/// Every name that occurs in a function with these parameters and body.
pub(crate) fn mentioned(parameters: Option<&Parameters>, body: Body<'_>) -> HashSet<String> {
    let mut all = AllNames::default();
    if let Some(parameters) = parameters {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                all.visit_expr(default);
            }
        }
    }
    match body {
        Body::Stmts(body) => all.visit_body(body),
        Body::Expr(expr) => all.visit_expr(expr),
    }
    all.names
}

/// The inside of a `def` or of a `lambda`.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    Stmts(&'a [Stmt]),
    Expr(&'a Expr),
}

#[derive(Default)]
struct Collector {
    names: Names,
    seen: HashSet<String>,
    comprehensions: usize,
}

impl Collector {
    fn bind(&mut self, name: &str) {
        *self.names.counts.entry(name.to_string()).or_default() += 1;
        if self.seen.insert(name.to_string()) {
            self.names.locals.push(name.to_string());
        }
    }

    fn bind_identifier(&mut self, name: Option<&Identifier>) {
        if let Some(name) = name {
            self.bind(name.as_str());
        }
    }

    fn finish(mut self) -> Names {
        let (nonlocals, globals) = (&self.names.nonlocals, &self.names.globals);
        let is_other = |name: &String| nonlocals.contains(name) || globals.contains(name);
        self.names.locals.retain(|name| !is_other(name));
        self.names
    }
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.bind(def.name.as_str());
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                for parameter in def.parameters.iter_non_variadic_params() {
                    if let Some(default) = parameter.default() {
                        self.visit_expr(default);
                    }
                }
                self.names
                    .inner
                    .extend(mentioned(Some(&def.parameters), Body::Stmts(&def.body)));
            }
            Stmt::ClassDef(class) => {
                self.bind(class.name.as_str());
                for inner in &class.body {
                    if let Stmt::FunctionDef(def) = inner {
                        let inside = mentioned(Some(&def.parameters), Body::Stmts(&def.body));
                        self.names.inner.extend(inside);
                    }
                }
            }
            Stmt::Nonlocal(nonlocal) => {
                self.names
                    .nonlocals
                    .extend(nonlocal.names.iter().map(|name| name.to_string()));
            }
            Stmt::Global(global) => {
                let names = global.names.iter().map(|name| name.to_string());
                self.names.globals.extend(names);
            }
            // Annotations are not evaluated.
            Stmt::AnnAssign(assign) => {
                self.visit_expr(&assign.target);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                }
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if matches!(name.ctx, ExprContext::Store | ExprContext::Del) => {
                if self.comprehensions == 0 {
                    self.bind(name.id.as_str());
                }
                if matches!(name.ctx, ExprContext::Del) {
                    self.names.volatile.insert(name.id.as_str().to_string());
                }
            }
            Expr::Named(named) => {
                self.names.walrus = true;
                if let Expr::Name(name) = &*named.target {
                    self.bind(name.id.as_str());
                }
                self.visit_expr(&named.value);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    for parameter in parameters.iter_non_variadic_params() {
                        if let Some(default) = parameter.default() {
                            self.visit_expr(default);
                        }
                    }
                }
                let inside = mentioned(lambda.parameters.as_deref(), Body::Expr(&lambda.body));
                self.names.inner.extend(inside);
            }
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehensions += 1;
                visitor::walk_expr(self, expr);
                self.comprehensions -= 1;
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        self.bind_identifier(inner.name.as_ref());
        self.names
            .volatile
            .extend(inner.name.as_ref().map(|name| name.to_string()));
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::MatchAs(pattern) => self.bind_identifier(pattern.name.as_ref()),
            Pattern::MatchStar(pattern) => self.bind_identifier(pattern.name.as_ref()),
            Pattern::MatchMapping(pattern) => self.bind_identifier(pattern.rest.as_ref()),
            _ => {}
        }
        visitor::walk_pattern(self, pattern);
    }
}

/// Names of `global` statements, in the order of the text.
#[derive(Default)]
struct Globals {
    names: Vec<String>,
}

impl<'a> Visitor<'a> for Globals {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::Global(global) = stmt {
            let names = global.names.iter().map(|name| name.to_string());
            self.names.extend(names);
        }
        visitor::walk_stmt(self, stmt);
    }
}

#[derive(Default)]
pub(crate) struct AllNames {
    pub(crate) names: HashSet<String>,
}

impl<'a> Visitor<'a> for AllNames {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Nonlocal(nonlocal) => {
                self.names
                    .extend(nonlocal.names.iter().map(|name| name.to_string()));
            }
            Stmt::FunctionDef(def) => {
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.names
                    .extend(mentioned(Some(&def.parameters), Body::Stmts(&def.body)));
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                self.names.insert(name.id.as_str().to_string());
            }
            Expr::Lambda(lambda) => {
                self.names.extend(mentioned(
                    lambda.parameters.as_deref(),
                    Body::Expr(&lambda.body),
                ));
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}
