//! Statements.

use ruff_python_ast::{self as ast, ExceptHandler, Expr, Stmt};
use ruff_text_size::Ranged;

use super::flow::Checker;
use super::names::Uses;
use super::scope::{Env, Loop};
use super::ty::{Classes, Ty};

/// Walks over a loop's body that look for types that no longer change.
const ROUNDS: usize = 3;

impl<'s> Checker<'s> {
    pub(crate) fn body(&mut self, body: &'s [Stmt]) {
        for stmt in body {
            if self.scope.env.dead {
                return;
            }
            self.budget = self.budget.saturating_sub(1);
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Expr(stmt) => self.expression_statement(&stmt.value),
            Stmt::Assign(assign) => {
                let value = self.expr(&assign.value);
                for target in &assign.targets {
                    self.assign(target, value.clone(), Some(&assign.value));
                }
            }
            Stmt::AnnAssign(assign) => self.annotated(assign),
            Stmt::AugAssign(assign) => self.augmented(assign),
            Stmt::Return(stmt) => self.return_(stmt),
            Stmt::If(stmt) => self.if_(stmt),
            Stmt::While(stmt) => self.while_(stmt),
            Stmt::For(stmt) => self.for_(stmt),
            Stmt::Match(stmt) => self.match_(stmt),
            Stmt::Try(stmt) => self.try_(stmt),
            Stmt::Raise(stmt) => self.raise(stmt),
            Stmt::Assert(stmt) => {
                self.expr(&stmt.test);
                if let Some(message) = &stmt.msg {
                    let before = self.scope.env.clone();
                    self.narrow(&stmt.test, false);
                    self.expr(message);
                    self.scope.env = before;
                }
                self.narrow(&stmt.test, true);
            }
            Stmt::Delete(stmt) => stmt.targets.iter().for_each(|target| self.delete(target)),
            Stmt::Break(_) | Stmt::Continue(_) => self.leave_loop(stmt.is_break_stmt()),
            Stmt::FunctionDef(def) => self.inner_function(def),
            Stmt::With(with) => self.body(&with.body),
            _ => {}
        }
    }

    fn expression_statement(&mut self, value: &'s Expr) {
        self.expr(value);
        let Expr::Call(call) = value else { return };
        if let Expr::Name(name) = &*call.func {
            if self.module.library(&call.func) == Some("require") {
                if let Some(condition) = call.arguments.args.first() {
                    self.narrow(condition, true);
                }
            } else if let Ty::Func(sigs, _) = self.name(name.id.as_str()) {
                self.scope.env.dead |= sigs.iter().all(|sig| sig.never_returns);
            }
        } else if let Expr::Attribute(method) = &*call.func {
            let this = matches!(&*method.value, Expr::Name(name) if self.scope.this.as_deref() == Some(name.id.as_str()));
            if let (true, Some(Ty::Func(sigs, _))) =
                (this, self.module.own.get(method.attr.as_str()))
            {
                self.scope.env.dead |= sigs.iter().all(|sig| sig.never_returns);
            }
        }
    }

    /// Gives a target a value of a type; `value` is the expression, where it is one.
    pub(crate) fn assign(&mut self, target: &'s Expr, ty: Ty, value: Option<&'s Expr>) {
        match target {
            Expr::Name(name) => self.assign_name(name, ty),
            Expr::Tuple(tuple) => self.unpack(target, &tuple.elts, ty, value),
            Expr::List(list) => self.unpack(target, &list.elts, ty, value),
            Expr::Starred(starred) => {
                self.assign(&starred.value, Ty::List(Box::new(Ty::Unknown)), None);
            }
            Expr::Subscript(subscript) => self.store_item(subscript, &ty),
            Expr::Attribute(attribute) => {
                self.expr(&attribute.value);
            }
            _ => {}
        }
    }

    fn assign_name(&mut self, name: &'s ast::ExprName, ty: Ty) {
        let id = name.id.as_str();
        if let Some(declared) = self.scope.declared.get(id).cloned() {
            if !ty.fits(&declared, false, &self.module) {
                let message = format!(
                    "`{id}` is {}, and is given {}",
                    self.shown(&declared),
                    self.shown(&ty)
                );
                self.report(
                    name.range(),
                    "type.mismatch",
                    message,
                    "give a value of the declared type, or another name",
                );
            }
            let narrowed = declared_part(&declared, &ty, &self.module);
            return self.scope.env.set(id, narrowed);
        }
        let mutated = self.scope.uses.mutated.contains(id);
        self.scope.env.set(id, ty.held(mutated));
    }

    fn annotated(&mut self, assign: &'s ast::StmtAnnAssign) {
        let declared = self.module.annotation(&assign.annotation);
        let given = assign
            .value
            .as_deref()
            .map(|value| (self.expr(value), value));
        let Expr::Name(name) = &*assign.target else {
            return;
        };
        let id = name.id.to_string();
        if !declared.is_open() {
            self.scope.declared.insert(id.clone(), declared.clone());
        }
        let Some((given, value)) = given else { return };
        if !given.fits(&declared, false, &self.module) {
            let message = format!(
                "`{id}` is {}, and is given {}",
                self.shown(&declared),
                self.shown(&given)
            );
            self.report(
                value.range(),
                "type.mismatch",
                message,
                "give a value of the declared type, or change the annotation",
            );
        }
        let ty = declared_part(&declared, &given, &self.module);
        self.scope.env.set(&id, ty);
    }

    fn augmented(&mut self, assign: &'s ast::StmtAugAssign) {
        let before = self.expr(&assign.target);
        let value = self.expr(&assign.value);
        let after = self.in_place(assign, &before, &value);
        self.assign(&assign.target, after, None);
    }

    /// `a, b = value`
    fn unpack(&mut self, target: &'s Expr, targets: &'s [Expr], ty: Ty, value: Option<&'s Expr>) {
        let items = self.iterate(value.unwrap_or(target), &ty, "unpacked");
        let star = targets.iter().position(Expr::is_starred_expr);
        let exact = match &ty {
            Ty::Tuple(items) => Some(items.len()),
            _ => value.and_then(|value| match value {
                Expr::List(list) if !list.elts.iter().any(Expr::is_starred_expr) => {
                    Some(list.elts.len())
                }
                _ => None,
            }),
        };
        let wanted = targets.len() - usize::from(star.is_some());
        if let Some(given) = exact {
            if given < wanted || (star.is_none() && given > wanted) {
                let message = format!("{given} values are unpacked into {wanted} names");
                self.report(
                    target.range(),
                    "type.unpacking",
                    message,
                    "name as many as there are, or star one",
                );
            }
        }
        for (index, target) in targets.iter().enumerate() {
            let item = match (&ty, star) {
                (Ty::Tuple(items), None) => items.get(index).cloned(),
                (Ty::Tuple(items), Some(star)) if index < star => items.get(index).cloned(),
                _ => None,
            };
            self.assign(target, item.unwrap_or_else(|| items.clone()), None);
        }
    }

    fn return_(&mut self, stmt: &'s ast::StmtReturn) {
        let given = match stmt.value.as_deref() {
            Some(value) => self.expr(value),
            None => Ty::None,
        };
        if let Some(wanted) = self.scope.returns.clone() {
            if !given.fits(&wanted, false, &self.module) {
                let at = stmt.value.as_deref().map_or(stmt.range(), Ranged::range);
                let message = format!(
                    "{} is returned, {} is declared",
                    self.shown(&given),
                    self.shown(&wanted)
                );
                self.report(
                    at,
                    "type.return",
                    message,
                    "return the declared type, or declare what is returned",
                );
            } else if given.may_be_absent() && !Ty::Absent.fits(&wanted, false, &self.module) {
                let at = stmt.value.as_deref().map_or(stmt.range(), Ranged::range);
                self.may_be_none(at, "returned");
            }
        }
        self.scope.env.dead = true;
    }

    fn if_(&mut self, stmt: &'s ast::StmtIf) {
        self.expr(&stmt.test);
        let mut otherwise = self.scope.env.clone();
        self.narrow(&stmt.test, true);
        self.body(&stmt.body);
        let mut after = std::mem::take(&mut self.scope.env);
        std::mem::swap(&mut self.scope.env, &mut otherwise);
        self.narrow(&stmt.test, false);
        for clause in &stmt.elif_else_clauses {
            let before = match &clause.test {
                Some(test) => {
                    self.expr(test);
                    let before = self.scope.env.clone();
                    self.narrow(test, true);
                    before
                }
                None => Env::unreached(),
            };
            self.body(&clause.body);
            after = after.join(std::mem::replace(&mut self.scope.env, before));
            if let Some(test) = &clause.test {
                self.narrow(test, false);
            }
        }
        let last = std::mem::take(&mut self.scope.env);
        self.scope.env = after.join(last);
    }

    fn leave_loop(&mut self, is_break: bool) {
        let env = std::mem::replace(&mut self.scope.env, Env::unreached());
        if let Some(around) = self.scope.loops.last_mut() {
            let place = if is_break {
                &mut around.breaks
            } else {
                &mut around.continues
            };
            *place = std::mem::replace(place, Env::unreached()).join(env);
        }
    }

    /// Runs a loop's body until types no longer change, then once more to report. Gives what is
    /// known at its `break`s; the environment is that of its head.
    fn rounds(&mut self, body: &'s [Stmt], enter: &mut dyn FnMut(&mut Self)) -> Env {
        let mut head = self.scope.env.clone();
        let mut stable = false;
        if self.silent < 2 && self.budget > 0 {
            self.silent += 1;
            for _ in 0..ROUNDS {
                self.round(body, enter);
                let end = std::mem::take(&mut self.scope.env);
                let next = head.clone().join(end);
                stable = next == head;
                head = next;
                self.scope.env = head.clone();
                if stable {
                    break;
                }
            }
            self.silent -= 1;
        }
        if !stable {
            let changed = Uses::of(body);
            for name in changed.stores.keys() {
                head.set(name, Ty::Unknown);
            }
            for (name, ty) in &mut head.vars {
                if name.contains('.') {
                    *ty = Ty::Unknown;
                }
            }
            self.scope.env = head.clone();
        }
        let breaks = self.round(body, enter);
        let end = std::mem::take(&mut self.scope.env);
        self.scope.env = head.join(end);
        breaks
    }

    /// One walk; the environment becomes that of its end.
    fn round(&mut self, body: &'s [Stmt], enter: &mut dyn FnMut(&mut Self)) -> Env {
        self.scope.loops.push(Loop {
            breaks: Env::unreached(),
            continues: Env::unreached(),
        });
        enter(self);
        self.body(body);
        let Some(done) = self.scope.loops.pop() else {
            return Env::unreached();
        };
        let end = std::mem::take(&mut self.scope.env);
        self.scope.env = end.join(done.continues);
        done.breaks
    }

    fn while_(&mut self, stmt: &'s ast::StmtWhile) {
        let test: &'s Expr = &stmt.test;
        let breaks = self.rounds(&stmt.body, &mut |checker| {
            checker.expr(test);
            checker.narrow(test, true);
        });
        self.narrow(test, false);
        self.body(&stmt.orelse);
        let end = std::mem::take(&mut self.scope.env);
        self.scope.env = end.join(breaks);
    }

    fn for_(&mut self, stmt: &'s ast::StmtFor) {
        let over = self.expr(&stmt.iter);
        let items = self.iterate(&stmt.iter, &over, "iterated over");
        self.refuse_set_order(&stmt.iter, &over);
        let target: &'s Expr = &stmt.target;
        let breaks = self.rounds(&stmt.body, &mut |checker| {
            checker.assign(target, items.clone(), None);
        });
        self.body(&stmt.orelse);
        let end = std::mem::take(&mut self.scope.env);
        self.scope.env = end.join(breaks);
    }

    fn match_(&mut self, stmt: &'s ast::StmtMatch) {
        let subject = self.expr(&stmt.subject);
        let mut rest = subject;
        let mut covered: Vec<String> = Vec::new();
        let path = self.path(&stmt.subject);
        let mut after = Env::unreached();
        for case in &stmt.cases {
            let before = self.scope.env.clone();
            self.pattern(&case.pattern, &rest, path.as_deref());
            if let Some(guard) = &case.guard {
                self.expr(guard);
                self.narrow(guard, true);
            }
            self.body(&case.body);
            let end = std::mem::replace(&mut self.scope.env, before);
            after = after.join(end);
            if case.guard.is_none() {
                rest = self.after_pattern(&case.pattern, rest, &mut covered);
                if rest == Ty::Never {
                    self.scope.env.dead = true;
                } else if let Some(path) = &path {
                    self.scope.env.set(path, rest.clone());
                }
            }
        }
        let last = std::mem::take(&mut self.scope.env);
        self.scope.env = after.join(last);
    }

    fn try_(&mut self, stmt: &'s ast::StmtTry) {
        let before = self.scope.env.clone();
        let names = stmt.handlers.iter().flat_map(|handler| {
            let ExceptHandler::ExceptHandler(handler) = handler;
            caught(handler.type_.as_deref())
        });
        self.scope.caught.push(names.collect());
        self.body(&stmt.body);
        self.scope.caught.pop();
        // A handler starts anywhere in the body: what the body assigns is not known there.
        let mut unsure = before;
        for name in Uses::of(&stmt.body).stores.keys() {
            unsure.set(name, Ty::Unknown);
        }
        self.body(&stmt.orelse);
        let mut after = std::mem::replace(&mut self.scope.env, unsure.clone());
        for handler in &stmt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            self.scope.env = unsure.clone();
            if let Some(name) = &handler.name {
                self.scope.env.set(name.as_str(), Ty::Unknown);
            }
            self.body(&handler.body);
            after = after.join(std::mem::take(&mut self.scope.env));
        }
        self.scope.env = after;
        if !stmt.finalbody.is_empty() {
            self.finally(stmt, unsure);
        }
    }

    /// `finally` runs however the rest ends.
    fn finally(&mut self, stmt: &'s ast::StmtTry, unsure: Env) {
        let after = std::mem::replace(&mut self.scope.env, unsure);
        for part in [&stmt.orelse, &stmt.body] {
            for name in Uses::of(part).stores.keys() {
                self.scope.env.set(name, Ty::Unknown);
            }
        }
        for handler in &stmt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            for name in Uses::of(&handler.body).stores.keys() {
                self.scope.env.set(name, Ty::Unknown);
            }
        }
        self.body(&stmt.finalbody);
        let ends_here = self.scope.env.dead;
        self.scope.env = after;
        for name in Uses::of(&stmt.finalbody).stores.keys() {
            self.scope.env.set(name, Ty::Unknown);
        }
        self.scope.env.dead |= ends_here;
    }

    fn raise(&mut self, stmt: &'s ast::StmtRaise) {
        if let Some(raised) = &stmt.exc {
            let ty = self.expr(raised);
            let wrong = !ty.is_open()
                && ty
                    .choices()
                    .iter()
                    .all(|one| !matches!(one, Ty::Exc | Ty::Callable));
            if wrong {
                let message = format!("{} is raised: only exceptions are", self.shown(&ty));
                self.report(
                    raised.range(),
                    "type.raise",
                    message,
                    "write raise Rejected(\"code\", \"message\") or raise ValueError(...)",
                );
            }
        }
        self.scope.env.dead = true;
    }

    fn delete(&mut self, target: &'s Expr) {
        match target {
            Expr::Name(name) => self.scope.env.set(name.id.as_str(), Ty::Unknown),
            Expr::Subscript(subscript) => self.delete_item(subscript),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|target| self.delete(target)),
            _ => {}
        }
    }

    fn inner_function(&mut self, def: &'s ast::StmtFunctionDef) {
        if self.scope.is_module {
            return;
        }
        let sig = self.module.signature(def, 0);
        let plain = def.decorator_list.is_empty()
            && self.scope.uses.stores.get(def.name.as_str()) == Some(&1);
        let ty = if plain {
            Ty::Func(std::sync::Arc::new(vec![sig]), Vec::new())
        } else {
            Ty::Unknown
        };
        for parameter in def.parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.expr(default);
            }
        }
        self.scope.env.set(def.name.as_str(), ty);
        self.function(def, None, false);
    }
}

/// The names of the exceptions that a handler catches; a bare one catches all.
fn caught(classes: Option<&Expr>) -> Vec<String> {
    let Some(classes) = classes else {
        return vec!["Exception".to_string()];
    };
    let each = super::declare::elements(classes)
        .iter()
        .map(|class| match class {
            Expr::Name(name) => name.id.to_string(),
            _ => "Exception".to_string(),
        });
    each.collect()
}

/// What a declared name is after an assignment: the alternatives that the value may be.
fn declared_part(declared: &Ty, given: &Ty, classes: &impl Classes) -> Ty {
    match declared {
        Ty::Union(_) if !given.is_open() => {
            let part = declared.filter(|one| given.fits(one, false, classes));
            if part == Ty::Never {
                return declared.clone();
            }
            // None that was just assigned is what it is until the next assignment.
            if part == Ty::Absent {
                Ty::None
            } else {
                part
            }
        }
        Ty::Unknown => given.clone(),
        other => other.clone(),
    }
}
