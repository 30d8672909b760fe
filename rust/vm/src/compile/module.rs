//! The module: imports, constants, functions and the order in which they are compiled.

use ruff_python_ast::{self as ast, Expr, Parameters, Stmt};
use ruff_text_size::Ranged;

use super::constant::mutable;
use super::function::{FnCtx, Scope, Var};
use super::names::{mentioned, Body, Names};
use super::{docstring, Compiler, Declared, Global, Signature};
use crate::error::Exc;
use crate::program::{Class, ClassKind, Const, Field, Function, Op, Param, CALLER};
use crate::types::Type;

/// The modules that contracts import from.
const MODULE: &str = "lianheng.contract";

impl<'s> Compiler<'s> {
    /// The record class of callers, known to every program.
    pub(crate) fn declare_caller(&mut self) {
        let mut field = |name: &str, ty: Type| Field {
            name: self.name(name),
            ty,
            default: None,
        };
        let fields = vec![
            field("member", Type::Str),
            field("organisation", Type::Str),
            field("roles", Type::TupleOf(Box::new(Type::Str))),
        ];
        debug_assert_eq!(self.parts.classes.len(), usize::from(CALLER));
        self.parts.classes.push(Class {
            name: "Caller".to_string(),
            kind: ClassKind::Record,
            base: None,
            fields,
            methods: Vec::new(),
            members: Vec::new(),
        });
    }

    pub(crate) fn module(&mut self, body: &'s [Stmt]) {
        let (doc, rest) = docstring(body);
        self.parts.doc = doc;
        rest.iter().for_each(|stmt| self.declare(stmt));
        // Fields and constants may name each other's classes and enums, so they come second.
        rest.iter().for_each(|stmt| self.define(stmt));
        rest.iter().for_each(|stmt| self.declare_bodies(stmt));
        rest.iter().for_each(|stmt| self.compile_bodies(stmt));
        if self.parts.contract.is_empty() && self.reporter.is_empty() {
            let at = ruff_text_size::TextRange::default();
            self.error(
                at,
                "contract.missing",
                "the file declares no contract",
                "write class Name(Contract): with at least one @call or @view method",
            );
        }
    }

    fn declare(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::ImportFrom(import) => self.import(import),
            Stmt::Import(node) => self.refuse(
                node,
                "language.import",
                "only names of lianheng.contract can be imported",
                "write from lianheng.contract import ...",
            ),
            Stmt::FunctionDef(def) => {
                let id = self.reserve_function();
                self.declare_global(def.name.as_str(), Global::Function(id), &def.name);
            }
            Stmt::ClassDef(class) => self.declare_class(class),
            _ => {}
        }
    }

    pub(crate) fn declare_global(&mut self, name: &str, global: Global, at: &impl Ranged) {
        if let Some(Global::Declaration(_) | Global::Require) = self.globals.get(name) {
            return self.error(
                at.range(),
                "name.twice",
                format!("`{name}` is imported already"),
                "choose another name",
            );
        }
        if self.globals.insert(name.to_string(), global).is_some() {
            self.error(
                at.range(),
                "name.twice",
                format!("`{name}` is declared twice"),
                "choose another name",
            );
        }
    }

    pub(crate) fn reserve_function(&mut self) -> u16 {
        self.parts.functions.push(Function::default());
        (self.parts.functions.len() - 1) as u16
    }

    fn import(&mut self, import: &'s ast::StmtImportFrom) {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        if module == "__future__"
            && import
                .names
                .iter()
                .all(|name| name.name.as_str() == "annotations")
        {
            return;
        }
        if module != MODULE || import.level != 0 {
            let message = format!("`{module}` cannot be imported: a contract sees only {MODULE}");
            return self.error(
                import.range(),
                "language.import",
                message,
                "write from lianheng.contract import ..., and the rest in the contract itself",
            );
        }
        for alias in &import.names {
            let global = match alias.name.as_str() {
                "Contract" => Global::Declaration(Declared::Contract),
                "Record" => Global::Declaration(Declared::Record),
                "Event" => Global::Declaration(Declared::Event),
                "Enum" => Global::Declaration(Declared::Enum),
                "Table" => Global::Declaration(Declared::Table),
                "call" => Global::Declaration(Declared::Call),
                "view" => Global::Declaration(Declared::View),
                "require" => Global::Require,
                "Rejected" => Global::Exception(Exc::Rejected),
                "Caller" => Global::Class(CALLER),
                "*" => {
                    self.refuse(
                        alias,
                        "language.import",
                        "a star import hides where names come from",
                        "name what you import",
                    );
                    continue;
                }
                other => {
                    let message = format!("{MODULE} has no `{other}`");
                    self.error(alias.range(), "name.import", message, "it has Contract, Record, Event, Enum, Table, call, view, require, Rejected, Caller");
                    continue;
                }
            };
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.globals.insert(name.to_string(), global);
        }
    }

    /// Constants, and the fields of records, events and enums.
    fn define(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(name)] => self.define_constant(name, &assign.value),
                _ => self.refuse(assign, "language.constant", "a module constant is assigned to one name", "write one assignment each"),
            },
            Stmt::AnnAssign(assign) => match (&*assign.target, &assign.value) {
                (Expr::Name(name), Some(value)) => {
                    self.check_annotation(&assign.annotation);
                    self.define_constant(name, value);
                }
                _ => self.refuse(assign, "language.constant", "a module constant needs a value", "write NAME = value"),
            },
            Stmt::ClassDef(class) => self.define_class(class),
            Stmt::FunctionDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) => {}
            _ => self.refuse(stmt, "language.top_level", "statements do not stand at the top of a contract: nothing runs when it is deployed", "move it into a method"),
        }
    }

    fn define_constant(&mut self, name: &'s ast::ExprName, value: &'s Expr) {
        let before = self.reporter.is_empty();
        let found = self.evaluate(value);
        if found.is_none() && !before {
            self.error(
                value.range(),
                "language.constant",
                "this is no constant expression",
                "build it from literals, earlier constants and arithmetic",
            );
        }
        let global = match found {
            Some(value) => Global::Const(self.constant(value)),
            None => Global::Broken,
        };
        self.declare_global(name.id.as_str(), global, name);
    }

    fn declare_bodies(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied() {
                    self.sign(id, def, None);
                }
            }
            Stmt::ClassDef(class) => self.declare_methods(class),
            _ => {}
        }
    }

    /// Notes a function's parameters, for calls that are compiled before it.
    pub(crate) fn sign(&mut self, id: u16, def: &'s ast::StmtFunctionDef, class: Option<&str>) {
        let parameters = &def.parameters;
        let mut params = Vec::new();
        for parameter in parameters.iter_non_variadic_params() {
            let default = parameter
                .default()
                .map(|default| self.default_constant(default));
            params.push((parameter.name().to_string(), default));
            if let Some(annotation) = parameter.annotation() {
                self.check_annotation(annotation);
            }
        }
        if let Some(returns) = &def.returns {
            self.check_annotation(returns);
        }
        let signature = Signature {
            name: def.name.to_string(),
            qualified: class.map_or_else(
                || def.name.to_string(),
                |class| format!("{class}.{}", def.name),
            ),
            params,
            positional: parameters.posonlyargs.len() + parameters.args.len(),
            positional_only: parameters.posonlyargs.len(),
            star: parameters.vararg.is_some(),
            star_star: parameters.kwarg.is_some(),
        };
        self.signatures.insert(id, signature);
    }

    pub(crate) fn default_constant(&mut self, default: &'s Expr) -> u16 {
        match self.evaluate(default) {
            Some(value) if mutable(&value) => {
                self.error(
                    default.range(),
                    "language.mutable_default",
                    "a default that can change would be shared between calls",
                    "use None, and make the value inside",
                );
                0
            }
            Some(value) => self.constant(value),
            None => {
                self.error(
                    default.range(),
                    "language.default",
                    "a default must be a constant here",
                    "use None, and compute the value inside",
                );
                0
            }
        }
    }

    fn compile_bodies(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                if !def.decorator_list.is_empty() {
                    self.refuse(
                        &def.decorator_list[0],
                        "language.decorator",
                        "functions of the module take no decorators",
                        "call the function where it is needed",
                    );
                }
                if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied() {
                    self.function_body(id, def, None);
                }
            }
            Stmt::ClassDef(class) => self.compile_methods(class),
            _ => {}
        }
    }

    /// Compiles a function of the module or of a class.
    pub(crate) fn function_body(
        &mut self,
        id: u16,
        def: &'s ast::StmtFunctionDef,
        this: Option<String>,
    ) {
        if def.is_async {
            self.refuse(
                &def.name,
                "language.async",
                "a contract runs in one piece: there is nothing to await",
                "remove async",
            );
        }
        let signature = self.signatures.get(&id).cloned().unwrap_or_default();
        let names = Names::of_body(&def.body);
        let line = self.line(&def.name);
        let mut context = FnCtx::new(&signature.qualified, line);
        context.this = this;
        self.functions.push(context);
        let defaults = signature
            .params
            .iter()
            .map(|(_, default)| (*default, None))
            .collect();
        self.begin(Some(&def.parameters), names, defaults, &[]);
        let (_, body) = docstring(&def.body);
        self.body(body);
        self.finish_body();
        let function = self.end_function(def.range());
        self.parts.functions[usize::from(id)] = function;
    }

    fn finish_body(&mut self) {
        if !self.f().assigned.unreachable {
            let register = self.f().temp();
            self.load_const(Const::None, register);
            self.emit(Op::Return, register, 0, 0);
        }
        // Jumps may lead past the last instruction: something must stand there.
        let end = self.f().temp();
        self.load_const(Const::None, end);
        self.emit(Op::Return, end, 0, 0);
    }

    /// Lays out parameters, free variables and locals.
    fn begin(
        &mut self,
        parameters: Option<&'s Parameters>,
        names: Names,
        defaults: Vec<(Option<u16>, Option<u16>)>,
        frees: &[String],
    ) {
        let mut bound = Vec::new();
        if let Some(parameters) = parameters {
            let mut params = Vec::new();
            for (parameter, (default, held_default)) in
                parameters.iter_non_variadic_params().zip(defaults)
            {
                let name = self.name(parameter.name().as_str());
                params.push(Param {
                    name,
                    default,
                    held_default,
                });
                bound.push(parameter.name().to_string());
            }
            let stars = [&parameters.vararg, &parameters.kwarg];
            bound.extend(
                stars
                    .into_iter()
                    .flatten()
                    .map(|star| star.name.to_string()),
            );
            let function = &mut self.f().function;
            function.held_defaults = params
                .iter()
                .filter(|param| param.held_default.is_some())
                .count() as u16;
            function.params = params;
            function.positional_only = parameters.posonlyargs.len() as u16;
            function.positional = (parameters.posonlyargs.len() + parameters.args.len()) as u16;
            function.star = parameters.vararg.is_some();
            function.star_star = parameters.kwarg.is_some();
        }
        let context = self.f();
        context.this = context
            .this
            .take()
            .filter(|this| !names.locals.contains(this));
        context.inner = names.inner;
        context.nonlocals = names.nonlocals;
        context.walrus = names.walrus;
        context.function.frees = frees.len() as u16;
        let mut scope = Scope::default();
        let parameter_registers: Vec<u16> = bound.iter().map(|_| context.temp()).collect();
        for free in frees {
            let register = context.temp();
            scope.vars.insert(
                free.clone(),
                Var {
                    register,
                    cell: true,
                },
            );
        }
        for (name, register) in bound.iter().zip(parameter_registers) {
            let cell = context.inner.contains(name);
            if cell {
                context.emit(Op::MakeCell, register, 0, 0);
            }
            if names.volatile.contains(name) {
                context.volatile.insert(register);
            }
            context.mark_assigned(register);
            scope.vars.insert(name.clone(), Var { register, cell });
        }
        for name in &names.locals {
            if scope.vars.contains_key(name) {
                continue;
            }
            let register = context.temp();
            let cell = context.inner.contains(name);
            if cell {
                context.emit(Op::MakeCell, register, 0, 0);
            }
            if names.volatile.contains(name) {
                context.volatile.insert(register);
            }
            scope.vars.insert(name.clone(), Var { register, cell });
        }
        context.scopes = vec![scope];
    }

    /// A `def` inside of a function.
    pub(crate) fn inner_def(&mut self, def: &'s ast::StmtFunctionDef) {
        if !def.decorator_list.is_empty() || def.is_async {
            return self.refuse(
                &def.name,
                "language.decorator",
                "a function inside takes no decorators and no async",
                "call the function where it is needed",
            );
        }
        let register = self.f().temp();
        self.closure(
            def.name.as_str(),
            Some(&def.parameters),
            Body::Stmts(&def.body),
            def,
            register,
        );
        let Some(var) = self.f().find(def.name.as_str()) else {
            return;
        };
        if var.cell {
            self.emit(Op::StoreCell, var.register, register, 0);
        } else {
            self.emit(Op::Take, var.register, register, 0);
            self.f().mark_assigned(var.register);
        }
    }

    pub(crate) fn lambda(&mut self, lambda: &'s ast::ExprLambda, to: u16) {
        self.closure(
            "<lambda>",
            lambda.parameters.as_deref(),
            Body::Expr(&lambda.body),
            lambda,
            to,
        );
    }

    fn closure(
        &mut self,
        name: &str,
        parameters: Option<&'s Parameters>,
        body: Body<'s>,
        node: &impl Ranged,
        to: u16,
    ) {
        if self.functions.len() > 8 {
            return self.refuse(
                node,
                "limit.functions",
                "functions are inside of each other more than 8 deep",
                "move them out",
            );
        }
        let names = match body {
            Body::Stmts(stmts) => Names::of_body(stmts),
            Body::Expr(expr) => Names::of_expr(expr),
        };
        let frees = self.free_names(parameters, body, &names);
        let mut defaults = Vec::new();
        let mut held: Vec<&'s Expr> = Vec::new();
        if let Some(parameters) = parameters {
            for parameter in parameters.iter_non_variadic_params() {
                if let Some(annotation) = parameter.annotation() {
                    self.check_annotation(annotation);
                }
                defaults.push((None, parameter.default().map(|_| held.len() as u16)));
                held.extend(parameter.default());
            }
        }
        let base = self.f().temps(frees.len() + held.len());
        for (index, free) in frees.iter().enumerate() {
            if let Some(var) = self.f().find(free) {
                self.emit(Op::Move, base + index as u16, var.register, 0);
            }
        }
        for (index, default) in held.iter().enumerate() {
            self.check_default(default);
            self.expr_to(default, base + (frees.len() + index) as u16);
        }
        let id = self.reserve_function();
        self.inner_body(id, name, parameters, body, node, names, defaults, &frees);
        self.emit(Op::Closure, to, id, base);
    }

    fn check_default(&mut self, default: &'s Expr) {
        if matches!(
            default,
            Expr::List(_)
                | Expr::Dict(_)
                | Expr::Set(_)
                | Expr::ListComp(_)
                | Expr::DictComp(_)
                | Expr::SetComp(_)
        ) {
            self.error(
                default.range(),
                "language.mutable_default",
                "a default that can change would be shared between calls",
                "use None, and make the value inside",
            );
        }
    }

    #[allow(clippy::too_many_arguments)] // one step of closure(), split for length
    fn inner_body(
        &mut self,
        id: u16,
        name: &str,
        parameters: Option<&'s Parameters>,
        body: Body<'s>,
        node: &impl Ranged,
        names: Names,
        defaults: Vec<(Option<u16>, Option<u16>)>,
        frees: &[String],
    ) {
        let line = self.line(node);
        let this = self.f().this.clone();
        let shadowed = this.filter(|this| frees.contains(this));
        let qualified = format!("{}.<locals>.{name}", self.f().function.name);
        let mut context = FnCtx::new(&qualified, line);
        context.this = shadowed;
        self.functions.push(context);
        self.begin(parameters, names, defaults, frees);
        match body {
            Body::Stmts(stmts) => {
                let (_, stmts) = docstring(stmts);
                self.body(stmts);
            }
            Body::Expr(expr) => {
                self.at(expr);
                let register = self.expr(expr);
                self.emit(Op::Return, register, 0, 0);
            }
        }
        self.finish_body();
        let function = self.end_function(node.range());
        self.parts.functions[usize::from(id)] = function;
    }

    /// Variables of the functions around that an inner function uses.
    fn free_names(
        &mut self,
        parameters: Option<&'s Parameters>,
        body: Body<'s>,
        names: &Names,
    ) -> Vec<String> {
        let mut own: Vec<&str> = names.locals.iter().map(String::as_str).collect();
        if let Some(parameters) = parameters {
            own.extend(parameters.iter().map(|parameter| parameter.name().as_str()));
        }
        let mut frees: Vec<String> = mentioned(None, body)
            .into_iter()
            .filter(|name| !own.contains(&name.as_str()))
            .filter(|name| self.f().find(name).is_some_and(|var| var.cell))
            .collect();
        frees.sort();
        frees
    }
}
