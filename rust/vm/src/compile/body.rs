//! The inside of functions, methods, inner functions and lambdas.

use ruff_python_ast::{self as ast, Expr, Parameters};
use ruff_text_size::Ranged;

use super::function::{FnCtx, Scope, Var};
use super::names::{mentioned, Body, Names};
use super::{docstring, Compiler, Global};
use crate::program::{Const, Op, Param};

impl<'s> Compiler<'s> {
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

    pub(crate) fn finish_body(&mut self) {
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
        let bound = parameters.map_or_else(Vec::new, |parameters| {
            self.declare_parameters(parameters, defaults)
        });
        let context = self.f();
        context.this = context
            .this
            .take()
            .filter(|this| !names.locals.contains(this));
        context.inner = names.inner;
        context.nonlocals = names.nonlocals;
        let globals: Vec<String> = names.globals.into_iter().collect();
        context.walrus = names.walrus;
        context.function.frees = frees.len() as u16;
        let mut scope = Scope::default();
        let parameter_registers: Vec<u16> = bound.iter().map(|_| context.temp()).collect();
        for free in frees {
            let register = context.temp();
            let var = Var {
                register,
                cell: true,
                global: false,
            };
            scope.vars.insert(free.clone(), var);
        }
        for (name, register) in bound.into_iter().zip(parameter_registers) {
            let var = context.place(&name, register, &names.volatile);
            context.mark_assigned(register);
            scope.vars.insert(name, var);
        }
        let mut locals = names.locals;
        for name in globals {
            match self.globals.get(&name) {
                _ if scope.vars.contains_key(&name) => {}
                Some(Global::Slot(slot)) => {
                    let var = Var {
                        register: *slot,
                        cell: true,
                        global: true,
                    };
                    scope.vars.insert(name, var);
                }
                // Refused where it stands.
                _ => locals.push(name),
            }
        }
        let context = self.f();
        for name in locals {
            if scope.vars.contains_key(&name) {
                continue;
            }
            let register = context.temp();
            let var = context.place(&name, register, &names.volatile);
            scope.vars.insert(name, var);
        }
        context.scopes = vec![scope];
    }

    /// Notes the parameters in the function; gives their names, in the order of their registers.
    fn declare_parameters(
        &mut self,
        parameters: &'s Parameters,
        defaults: Vec<(Option<u16>, Option<u16>)>,
    ) -> Vec<String> {
        let mut bound = Vec::new();
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
        let stars = [&parameters.vararg, &parameters.kwarg].into_iter();
        bound.extend(stars.flatten().map(|star| star.name.to_string()));
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = bound.iter().find(|name| !seen.insert(name.as_str())) {
            let message = format!("duplicate argument '{twice}' in function definition");
            let help = "give each parameter a name of its own";
            self.error(parameters.range(), "name.twice", message, help);
        }
        let held = params.iter().filter(|param| param.held_default.is_some());
        let function = &mut self.f().function;
        function.held_defaults = held.count() as u16;
        function.params = params;
        function.positional_only = parameters.posonlyargs.len() as u16;
        function.positional = (parameters.posonlyargs.len() + parameters.args.len()) as u16;
        function.star = parameters.vararg.is_some();
        function.star_star = parameters.kwarg.is_some();
        bound
    }

    /// A `def` inside of a function.
    pub(crate) fn inner_def(&mut self, def: &'s ast::StmtFunctionDef) {
        if def.is_async {
            return self.refuse(
                &def.name,
                "language.async",
                "a contract runs in one piece: there is nothing to await",
                "remove async",
            );
        }
        let decorators = self.f().temps(def.decorator_list.len());
        for (index, decorator) in def.decorator_list.iter().enumerate() {
            self.expr_to(&decorator.expression, decorators + index as u16);
        }
        let register = self.f().temp();
        self.f().temp();
        let line = self.line(&def.name);
        self.f().set_line(line);
        self.closure(
            def.name.as_str(),
            Some(&def.parameters),
            Body::Stmts(&def.body),
            def,
            register,
        );
        for (index, decorator) in def.decorator_list.iter().enumerate().rev() {
            self.at(decorator);
            self.emit(Op::Move, register + 1, register, 0);
            self.emit(Op::Move, register, decorators + index as u16, 0);
            self.emit(Op::CallValue, register, 1, 0);
        }
        let Some(var) = self.f().find(def.name.as_str()) else {
            return;
        };
        if var.cell {
            self.f().store_shared(var, register);
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
        let qualified = if self.f().module {
            name.to_string()
        } else {
            format!("{}.<locals>.{name}", self.f().function.name)
        };
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
            .filter(|name| {
                self.f()
                    .find(name)
                    .is_some_and(|var| var.cell && !var.global)
            })
            .collect();
        frees.sort();
        frees
    }
}
