//! Scripts: a file whose statements run from top to bottom, without a contract.
//!
//! Functions, classes and constants that can only be seen after their statement ran are bound
//! when compiling, as in a contract; every other name of the module is a variable.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::constant::mutable;
use super::function::{FnCtx, Var};
use super::names::{mentioned, AllNames, Body, Names};
use super::typing::is_type_name;
use super::{docstring, Compiler, Global};
use crate::builtins::Builtin;
use crate::error::Exc;
use crate::program::Const;

/// Levels of a constant that is looked at before it is evaluated.
const CONSTANT_LEVELS: usize = 6;

/// Which names can be seen when a statement of the module runs.
struct Reach {
    seen: HashSet<String>,
    /// What the functions and classes of a name mention.
    bodies: HashMap<String, HashSet<String>>,
    /// Annotations are evaluated where they stand.
    annotations: bool,
}

impl Reach {
    fn of(body: &[Stmt]) -> Reach {
        let mut reach = Reach {
            seen: HashSet::new(),
            bodies: HashMap::new(),
            annotations: !body.iter().any(is_future),
        };
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(def) => reach.add_body(&def.name, def),
                Stmt::ClassDef(class) => {
                    for inner in &class.body {
                        if let Stmt::FunctionDef(def) = inner {
                            reach.add_body(&class.name, def);
                        }
                    }
                }
                _ => {}
            }
        }
        reach
    }

    fn add_body(&mut self, name: &str, def: &ast::StmtFunctionDef) {
        let inside = mentioned(None, Body::Stmts(&def.body));
        self.bodies
            .entry(name.to_string())
            .or_default()
            .extend(inside);
    }

    /// Notes what a statement can reach when it runs.
    fn pass(&mut self, stmt: &Stmt) {
        let mut names = AllNames::default();
        match stmt {
            Stmt::FunctionDef(def) => self.head(def, &mut names),
            Stmt::ClassDef(class) => {
                class.bases().iter().for_each(|base| names.visit_expr(base));
                for inner in &class.body {
                    match inner {
                        Stmt::FunctionDef(def) => self.head(def, &mut names),
                        Stmt::AnnAssign(assign) if !self.annotations => {
                            if let Some(value) = &assign.value {
                                names.visit_expr(value);
                            }
                        }
                        other => names.visit_stmt(other),
                    }
                }
            }
            other => names.visit_stmt(other),
        }
        let mut open: Vec<String> = names.names.into_iter().collect();
        while let Some(name) = open.pop() {
            if let Some(inside) = self.bodies.get(&name) {
                open.extend(
                    inside
                        .iter()
                        .filter(|inner| !self.seen.contains(*inner) && **inner != name)
                        .cloned(),
                );
            }
            self.seen.insert(name);
        }
    }

    /// What runs when a `def` is reached: decorators, defaults, annotations.
    fn head(&self, def: &ast::StmtFunctionDef, names: &mut AllNames) {
        for decorator in &def.decorator_list {
            names.visit_expr(&decorator.expression);
        }
        for parameter in def.parameters.iter() {
            if let Some(default) = parameter.default() {
                names.visit_expr(default);
            }
            if let Some(annotation) = parameter.annotation().filter(|_| self.annotations) {
                names.visit_expr(annotation);
            }
        }
        if let Some(returns) = def.returns.as_ref().filter(|_| self.annotations) {
            names.visit_expr(returns);
        }
    }
}

/// `from __future__ import annotations`
fn is_future(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::ImportFrom(import)
        if import.module.as_ref().is_some_and(|module| module.as_str() == "__future__"))
}

impl<'s> Compiler<'s> {
    /// Compiles the statements of a script.
    pub(crate) fn script(&mut self, body: &'s [Stmt]) {
        let (doc, rest) = docstring(body);
        self.parts.doc = doc;
        let mut names = Names::of_body(rest);
        names.add_globals(rest);
        let mut reach = Reach::of(rest);
        let mut fixed = HashSet::new();
        for stmt in rest {
            self.declare_fixed(stmt, &names, &reach, &mut fixed);
            reach.pass(stmt);
        }
        self.declare_variables(&names, &fixed);
        for stmt in rest.iter().filter(|stmt| is_fixed(stmt, &fixed)) {
            match stmt {
                Stmt::ClassDef(class) => self.define_class(class),
                Stmt::FunctionDef(def) => {
                    if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied()
                    {
                        self.sign(id, def, None);
                    }
                }
                _ => {}
            }
        }
        for stmt in rest {
            if let Stmt::ClassDef(class) = stmt {
                self.declare_methods(class);
            }
        }
        for stmt in rest.iter().filter(|stmt| is_fixed(stmt, &fixed)) {
            match stmt {
                Stmt::ClassDef(class) => self.compile_methods(class),
                Stmt::FunctionDef(def) => {
                    if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied()
                    {
                        self.function_body(id, def, None);
                    }
                }
                _ => {}
            }
        }
        self.main(rest, names, &fixed);
    }

    /// Binds what a statement declares, where nothing can see the name before.
    fn declare_fixed(
        &mut self,
        stmt: &'s Stmt,
        names: &Names,
        reach: &Reach,
        fixed: &mut HashSet<String>,
    ) {
        let once = |name: &str| {
            names.counts.get(name) == Some(&1) && !reach.seen.contains(name) && name != "__name__"
        };
        match stmt {
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.declare(stmt),
            Stmt::ClassDef(class) => {
                if !once(class.name.as_str()) {
                    let message = format!("`{}` is used before this, or bound twice", class.name);
                    self.error(
                        class.name.range(),
                        "language.class",
                        message,
                        "declare each class once, above what uses it",
                    );
                }
                self.declare_class(class);
                fixed.insert(class.name.to_string());
            }
            Stmt::FunctionDef(def) if once(def.name.as_str()) && self.is_plain(def) => {
                let id = self.reserve_function();
                self.declare_global(def.name.as_str(), Global::Function(id), &def.name);
                fixed.insert(def.name.to_string());
            }
            Stmt::Assign(assign) => {
                if let [Expr::Name(name)] = assign.targets.as_slice() {
                    if !once(name.id.as_str()) {
                        return;
                    }
                    // Types keep their names only where no variable takes them.
                    let plain = !names.locals.iter().any(|name| is_type_name(name));
                    if plain && self.name_type(name, &assign.value) {
                        fixed.insert(name.id.to_string());
                    } else {
                        self.fix_constant(name, &assign.value, fixed);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether all that a `def` evaluates is constant.
    fn is_plain(&mut self, def: &'s ast::StmtFunctionDef) -> bool {
        def.decorator_list.is_empty()
            && def.parameters.iter_non_variadic_params().all(|parameter| {
                parameter
                    .default()
                    .is_none_or(|default| self.quiet_constant(default).is_some())
            })
    }

    fn fix_constant(
        &mut self,
        name: &'s ast::ExprName,
        value: &'s Expr,
        fixed: &mut HashSet<String>,
    ) {
        if let Some(value) = self.quiet_constant(value) {
            let id = self.constant(value);
            self.globals.insert(name.id.to_string(), Global::Const(id));
            fixed.insert(name.id.to_string());
        }
    }

    /// The value of an expression that is constant beyond doubt; nothing is reported.
    fn quiet_constant(&mut self, expr: &'s Expr) -> Option<Const> {
        if !self.looks_constant(expr, CONSTANT_LEVELS) {
            return None;
        }
        self.evaluate_quietly(expr).filter(|value| !mutable(value))
    }

    fn looks_constant(&self, expr: &Expr, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else {
            return false;
        };
        match expr {
            Expr::NoneLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_) => true,
            Expr::NumberLiteral(number) => matches!(number.value, ast::Number::Int(_)),
            Expr::Tuple(tuple) => {
                let mut items = tuple.elts.iter();
                items.all(|item| self.looks_constant(item, levels))
            }
            Expr::UnaryOp(unary) => self.looks_constant(&unary.operand, levels),
            Expr::BinOp(binary) => {
                self.looks_constant(&binary.left, levels)
                    && self.looks_constant(&binary.right, levels)
            }
            Expr::Attribute(attribute) => {
                matches!(&*attribute.value, Expr::Name(name)
                    if matches!(self.globals.get(name.id.as_str()), Some(Global::Class(_))))
            }
            Expr::Name(name) => matches!(
                self.globals.get(name.id.as_str()),
                Some(Global::Const(_) | Global::Class(_) | Global::Exception(_))
            ),
            _ => false,
        }
    }

    /// Slots for the variables that functions see.
    fn declare_variables(&mut self, names: &Names, fixed: &HashSet<String>) {
        for name in &names.locals {
            if fixed.contains(name) || !shared(name, names) {
                continue;
            }
            let id = self.name(name);
            let slot = self.parts.globals.len() as u16;
            self.parts.globals.push(id);
            self.globals.insert(name.clone(), Global::Slot(slot));
        }
    }

    /// The function of the module's statements.
    fn main(&mut self, body: &'s [Stmt], names: Names, fixed: &HashSet<String>) {
        let id = self.reserve_function();
        let mut context = FnCtx::new("<module>", 1);
        context.module = true;
        context.walrus = names.walrus;
        for name in &names.locals {
            if fixed.contains(name) {
                continue;
            }
            let var = match self.globals.get(name.as_str()) {
                Some(Global::Slot(slot)) if shared(name, &names) => Var {
                    register: *slot,
                    cell: true,
                    global: true,
                },
                _ => {
                    let register = context.temp();
                    if names.volatile.contains(name) {
                        context.volatile.insert(register);
                    }
                    Var {
                        register,
                        cell: false,
                        global: false,
                    }
                }
            };
            if let Some(scope) = context.scopes.first_mut() {
                scope.vars.insert(name.clone(), var);
            }
        }
        context.inner = names.inner;
        self.functions.push(context);
        for stmt in body {
            if !is_fixed(stmt, fixed) {
                self.stmt(stmt);
            }
        }
        self.finish_body();
        let function = self.end_function(TextRange::default());
        self.parts.functions[usize::from(id)] = function;
        self.parts.main = Some(id);
    }
}

/// Whether a statement was bound when compiling: nothing runs for it.
fn is_fixed(stmt: &Stmt, fixed: &HashSet<String>) -> bool {
    match stmt {
        Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::ClassDef(_) => true,
        Stmt::FunctionDef(def) => fixed.contains(def.name.as_str()),
        Stmt::Assign(assign) => matches!(assign.targets.as_slice(), [Expr::Name(name)]
            if fixed.contains(name.id.as_str())),
        _ => false,
    }
}

/// Whether a variable of the module is read by functions, or stands before a builtin's name.
fn shared(name: &str, names: &Names) -> bool {
    names.inner.contains(name)
        || Builtin::from_name(name).is_some()
        || Exc::from_name(name).is_some()
}
