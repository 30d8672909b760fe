//! The pass itself: modules, functions and what they report.

use std::collections::HashMap;

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::declare::{Global, Kind, Module};
use super::names::Uses;
use super::scope::Scope;
use super::ty::{Shown, Ty};
use super::writes;
use crate::diagnostics::{Diagnostic, Reporter};

/// Statements that may be walked before loops are no longer followed to a fixed point.
const BUDGET: usize = 60_000;

pub(crate) struct Checker<'s> {
    pub(crate) module: Module,
    reporter: Reporter<'s>,
    /// Walks that only look for types: nothing is reported.
    pub(crate) silent: usize,
    pub(crate) budget: usize,
    pub(crate) scope: Scope<'s>,
}

impl<'s> Checker<'s> {
    pub(crate) fn new(reporter: Reporter<'s>, body: &'s [Stmt]) -> Self {
        Checker {
            module: Module::of(body),
            reporter,
            silent: 0,
            budget: BUDGET,
            scope: Scope::default(),
        }
    }

    pub(crate) fn into_found(self) -> Vec<Diagnostic> {
        self.reporter.into_found()
    }

    pub(crate) fn report(
        &mut self,
        range: TextRange,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.silent > 0 || self.scope.env.dead || self.is_caught(code) {
            return;
        }
        self.reporter.report(range, code, message, help);
    }

    /// Whether a `try` around this place catches what the finding would raise.
    fn is_caught(&self, code: &str) -> bool {
        let raised: &[&str] = match code {
            "type.mismatch" | "type.return" | "type.no_return" | "type.may_not_return" => {
                return false
            }
            "name.attribute" | "type.none" => &["AttributeError", "TypeError"],
            "number.zero_division" => &["ZeroDivisionError", "ArithmeticError"],
            "type.unpacking" | "type.format" => &[
                "ValueError",
                "TypeError",
                "IndexError",
                "KeyError",
                "LookupError",
            ],
            _ => &["TypeError", "ValueError", "KeyError", "LookupError"],
        };
        self.scope.caught.iter().flatten().any(|name| {
            name == "Exception" || name == "BaseException" || raised.contains(&name.as_str())
        })
    }

    pub(crate) fn shown(&self, ty: &Ty) -> String {
        Shown(ty, &self.module).to_string()
    }

    /// Walks a module: its statements first, then the bodies of its functions.
    pub(crate) fn module(&mut self, body: &'s [Stmt]) {
        self.scope = Scope {
            uses: Uses::of(body),
            is_module: true,
            ..Scope::default()
        };
        self.body(body);
        let scope = std::mem::take(&mut self.scope);
        for (name, ty) in &scope.env.vars {
            let once = scope.uses.stores.get(name.as_str()) == Some(&1)
                && !scope.uses.shared.contains(name.as_str());
            let fixed = matches!(
                ty,
                Ty::Int | Ty::Str | Ty::Bytes | Ty::Bool | Ty::Tuple(_) | Ty::Range
            );
            if !self.module.globals.contains_key(name) {
                let known = if once && fixed {
                    ty.clone()
                } else {
                    Ty::Unknown
                };
                self.module
                    .globals
                    .insert(name.clone(), Global::Value(known));
            }
        }
        for (name, count) in &scope.uses.stores {
            let known = self.module.globals.get(*name);
            if *count > 1 && !matches!(known, Some(Global::Class(_) | Global::Library(_)))
                || known.is_none()
            {
                self.module
                    .globals
                    .insert((*name).to_string(), Global::Value(Ty::Unknown));
            }
        }
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(def) => self.function(def, None, false),
                Stmt::ClassDef(class) => self.methods(class),
                _ => {}
            }
        }
    }

    fn methods(&mut self, class: &'s ast::StmtClassDef) {
        let receiver = match self.module.globals.get(class.name.as_str()) {
            Some(Global::Contract) => Ty::Contract,
            Some(Global::Class(id)) if self.module.classes[*id].kind != Kind::Other => {
                Ty::Inst(*id)
            }
            _ => Ty::Unknown,
        };
        for def in class.body.iter().filter_map(Stmt::as_function_def_stmt) {
            let is_view = def
                .decorator_list
                .iter()
                .any(|decorator| self.module.library(&decorator.expression) == Some("view"));
            let plain = receiver == Ty::Contract || def.decorator_list.is_empty();
            let this = if plain { receiver.clone() } else { Ty::Unknown };
            self.function(def, Some(this), is_view);
        }
    }

    /// Walks the body of a function; `this` is the type of a method's first parameter.
    pub(crate) fn function(&mut self, def: &'s ast::StmtFunctionDef, this: Option<Ty>, view: bool) {
        let mut scope = Scope {
            uses: Uses::of(&def.body),
            returns: def.returns.as_deref().map(|ty| self.module.annotation(ty)),
            view,
            outer: self.captured(),
            ..Scope::default()
        };
        let sig = self.module.signature(def, 0);
        for (index, param) in sig.params.into_iter().enumerate() {
            let mut ty = param.ty;
            if let (0, Some(this)) = (index, &this) {
                ty = this.clone();
                if *this == Ty::Contract {
                    scope.this = Some(param.name.clone());
                }
            } else if !ty.is_open() {
                scope.declared.insert(param.name.clone(), ty.clone());
            }
            scope.env.set(&param.name, ty);
        }
        for star in [&def.parameters.vararg, &def.parameters.kwarg]
            .into_iter()
            .flatten()
        {
            scope.env.set(star.name.as_str(), Ty::Unknown);
        }
        let outer = std::mem::replace(&mut self.scope, scope);
        self.body(&def.body);
        self.check_end(def);
        self.scope = outer;
    }

    /// A function whose result has a type returns on every way.
    fn check_end(&mut self, def: &'s ast::StmtFunctionDef) {
        let Some(returns) = self.scope.returns.clone() else {
            return;
        };
        let may_be_none = returns.is_open() || returns.choices().iter().any(Ty::is_none);
        let is_stub = matches!(def.body.as_slice(), [Stmt::Expr(only)] if only.value.is_ellipsis_literal_expr());
        if self.scope.env.dead || may_be_none || is_stub {
            return;
        }
        let shown = self.shown(&returns);
        if writes::has_return(&def.body) {
            self.report(
                def.name.range(),
                "type.may_not_return",
                format!(
                    "a way through `{}` ends without a return: it gives None, not {shown}",
                    def.name
                ),
                "return a value, or raise, at the end",
            );
        } else {
            self.report(
                def.name.range(),
                "type.no_return",
                format!("`{}` returns nothing, but declares {shown}", def.name),
                "return a value of this type, or write -> None",
            );
        }
    }

    /// What an inner function knows of the names around it: only those that never change.
    pub(crate) fn captured(&self) -> HashMap<String, Ty> {
        if self.scope.is_module {
            return HashMap::new();
        }
        let mut known = self.scope.outer.clone();
        for (name, ty) in &self.scope.env.vars {
            let stores = self
                .scope
                .uses
                .stores
                .get(name.as_str())
                .copied()
                .unwrap_or(0);
            let parameter = self.scope.declared.contains_key(name) || stores == 0;
            let fixed = stores == 0 && parameter && !self.scope.uses.shared.contains(name.as_str());
            let ty = if fixed { ty.clone() } else { Ty::Unknown };
            known.insert(name.clone(), ty);
        }
        for name in self.scope.uses.stores.keys() {
            known.entry((*name).to_string()).or_insert(Ty::Unknown);
        }
        known
    }

    /// What a name means where it is read.
    pub(crate) fn name(&self, name: &str) -> Ty {
        if self.scope.uses.shared.contains(name) {
            return Ty::Unknown;
        }
        if let Some(ty) = self.scope.env.vars.get(name) {
            return ty.clone();
        }
        if self.scope.uses.stores.contains_key(name) && !self.scope.is_module {
            return Ty::Unknown;
        }
        if let Some(ty) = self.scope.outer.get(name) {
            return ty.clone();
        }
        match self.module.globals.get(name) {
            Some(Global::Class(class)) if self.module.classes[*class].kind == Kind::Other => {
                Ty::Unknown
            }
            Some(Global::Class(class)) => Ty::Class(*class),
            Some(Global::Decimal(scale)) => Ty::DecimalClass(*scale),
            Some(Global::Function(sigs)) => Ty::Func(sigs.clone(), Vec::new()),
            Some(Global::Value(ty)) => ty.clone(),
            Some(Global::Contract) => Ty::Unknown,
            Some(Global::Library(own)) => super::calls::builtin(own),
            None if self.scope.uses.stores.contains_key(name) => Ty::Unknown,
            None => super::calls::builtin(name),
        }
    }

    /// The name or path, such as `row.holder`, whose type may be narrowed.
    pub(crate) fn path(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => Some(name.id.to_string()),
            Expr::Attribute(attribute) => {
                let inner = self.path(&attribute.value)?;
                Some(format!("{inner}.{}", attribute.attr))
            }
            Expr::Named(named) => self.path(&named.target),
            _ => None,
        }
    }
}
