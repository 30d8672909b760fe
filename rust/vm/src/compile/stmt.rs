//! Statements.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::function::{Cleanup, Label, Loop};
use super::Compiler;
use crate::builtins::Builtin;
use crate::program::{Const, Op, NO_LINE};

impl<'s> Compiler<'s> {
    pub(crate) fn body(&mut self, body: &'s [Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    pub(crate) fn stmt(&mut self, stmt: &'s Stmt) {
        let mark = self.f().mark();
        self.at(stmt);
        self.stmt_inner(stmt);
        if matches!(
            stmt,
            Stmt::If(_) | Stmt::While(_) | Stmt::For(_) | Stmt::Try(_) | Stmt::Match(_)
        ) {
            // What ties blocks together belongs to no line: its last one may not have run.
            self.f().set_line(NO_LINE);
        }
        self.f().release(mark);
    }

    fn stmt_inner(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Expr(expr) => self.expr_stmt(&expr.value),
            Stmt::Assign(assign) => self.assign(assign),
            Stmt::AugAssign(assign) => self.aug_assign(assign),
            Stmt::AnnAssign(assign) => self.ann_assign(assign),
            Stmt::Return(ret) => self.return_stmt(ret),
            Stmt::If(choice) => self.if_stmt(choice),
            Stmt::While(repeat) => self.while_stmt(repeat),
            Stmt::For(repeat) => self.for_stmt(repeat),
            Stmt::Pass(_) => {}
            Stmt::Break(node) => self.leave_loop(node, true),
            Stmt::Continue(node) => self.leave_loop(node, false),
            Stmt::Assert(assert) => self.assert_stmt(assert),
            Stmt::Raise(raise) => self.raise_stmt(raise),
            Stmt::Try(attempt) => self.try_stmt(attempt),
            Stmt::Match(matched) => self.match_stmt(matched),
            Stmt::Delete(delete) => self.delete(delete),
            Stmt::FunctionDef(def) => self.inner_def(def),
            Stmt::Nonlocal(nonlocal) => self.nonlocal(nonlocal),
            Stmt::Global(node) => self.global(node),
            Stmt::With(node) => self.refuse(
                node,
                "language.with",
                "`with` is not part of the language: nothing has to be closed",
                "write the block directly, or try/finally",
            ),
            Stmt::ClassDef(class) => self.refuse(
                &class.name,
                "language.class",
                "classes are declared at the top of the module",
                "move it out of the function",
            ),
            Stmt::Import(ast::StmtImport { names, .. })
            | Stmt::ImportFrom(ast::StmtImportFrom { names, .. }) => {
                self.told_imports(names);
                self.refuse(
                    stmt,
                    "language.import",
                    "imports stand at the top of the module",
                    "move it up",
                );
            }
            Stmt::TypeAlias(node) => self.refuse(
                node,
                "language.type_alias",
                "type aliases are not part of the language",
                "write the type out",
            ),
            Stmt::IpyEscapeCommand(node) => {
                self.refuse(node, "syntax.invalid", "this is not Python", "")
            }
        }
    }

    fn expr_stmt(&mut self, expr: &'s Expr) {
        if let Expr::StringLiteral(_) | Expr::EllipsisLiteral(_) = expr {
            return;
        }
        let register = self.f().temp();
        self.expr_to(expr, register);
    }

    fn return_stmt(&mut self, ret: &'s ast::StmtReturn) {
        if self.f().module {
            return self.refuse(ret, "syntax.invalid", "`return` outside of a function", "");
        }
        let register = match &ret.value {
            Some(value) if self.f().tries.is_empty() => self.expr(value),
            Some(value) => {
                let register = self.f().temp();
                self.expr_to(value, register);
                register
            }
            None => {
                let register = self.f().temp();
                self.load_const(Const::None, register);
                register
            }
        };
        self.leave(0, |compiler| {
            compiler.emit(Op::Return, register, 0, 0);
        });
        self.f().assigned.unreachable = true;
    }

    fn if_stmt(&mut self, choice: &'s ast::StmtIf) {
        let end = self.f().label();
        let mut next = self.f().label();
        self.cond(&choice.test, false, next);
        let mut before = self.f().assigned.clone();
        self.body(&choice.body);
        let mut after = self.f().assigned.clone();
        let mut open = true;
        for clause in &choice.elif_else_clauses {
            if !self.f().assigned.unreachable {
                self.f().jump(end);
            }
            self.f().bind(next);
            self.f().assigned = before.clone();
            next = self.f().label();
            match &clause.test {
                Some(test) => {
                    self.at(clause);
                    self.cond(test, false, next);
                    before = self.f().assigned.clone();
                }
                None => open = false,
            }
            self.body(&clause.body);
            after = after.join(&self.f().assigned.clone());
        }
        if open {
            after = after.join(&before);
        }
        self.f().bind(next);
        self.f().bind(end);
        self.f().assigned = after;
    }

    fn while_stmt(&mut self, repeat: &'s ast::StmtWhile) {
        let (test, inside, broken, done) = (
            self.f().label(),
            self.f().label(),
            self.f().label(),
            self.f().label(),
        );
        let forever = matches!(&*repeat.test, Expr::BooleanLiteral(literal) if literal.value);
        let mut exits = self.f().assigned.clone();
        self.f().bind(test);
        self.cond(&repeat.test, false, done);
        if !forever {
            exits = self.f().assigned.clone();
        }
        self.f().bind(inside);
        self.enter_loop(test, broken);
        self.body(&repeat.body);
        self.f().loops.pop();
        // The test is written again at the end: one jump less a round.
        self.at(repeat);
        if forever {
            self.f().emit_to(Op::Jump, [0; 3], 0, inside);
        } else if cheap_test(&repeat.test) {
            self.cond(&repeat.test, true, inside);
        } else {
            self.f().emit_to(Op::Jump, [0; 3], 0, test);
        }
        self.f().bind(done);
        self.f().assigned = exits.clone();
        self.body(&repeat.orelse);
        self.f().bind(broken);
        let unreachable = forever && !has_break(&repeat.body);
        exits.unreachable = unreachable;
        self.f().assigned = exits;
    }

    fn enter_loop(&mut self, continue_to: Label, break_to: Label) {
        let tries = self.f().tries.len();
        self.f().loops.push(Loop {
            continue_to,
            break_to,
            tries,
        });
    }

    fn for_stmt(&mut self, repeat: &'s ast::StmtFor) {
        if repeat.is_async {
            return self.refuse(
                repeat,
                "language.async",
                "a contract runs in one piece: there is nothing to await",
                "remove async",
            );
        }
        let (next, broken, done) = (self.f().label(), self.f().label(), self.f().label());
        let base = self.f().temps(2);
        self.iterate(&repeat.iter, base);
        let exits = self.f().assigned.clone();
        self.f().bind(next);
        self.next_into(&repeat.target, base, done);
        self.enter_loop(next, broken);
        self.body(&repeat.body);
        self.f().loops.pop();
        self.at(&*repeat.target);
        self.f().emit_to(Op::Jump, [0; 3], 0, next);
        self.f().bind(done);
        self.f().assigned = exits.clone();
        // The iteration is over, on the line of the loop: what it held must not live on.
        self.at(&*repeat.target);
        self.emit(Op::Unset, base, 0, 0);
        self.body(&repeat.orelse);
        self.f().bind(broken);
        self.f().assigned = exits;
    }

    /// Starts an iteration in the two registers from `base`.
    pub(crate) fn iterate(&mut self, iter: &'s Expr, base: u16) {
        let source = self.expr(iter);
        self.at(iter);
        self.emit(Op::Iter, base, source, 0);
    }

    /// Takes the next item into a target, or jumps to `done`.
    pub(crate) fn next_into(&mut self, target: &'s Expr, base: u16, done: Label) {
        self.at(target);
        if let Expr::Name(name) = target {
            if let Some(var) = self.f().find(name.id.as_str()).filter(|var| !var.cell) {
                self.f().emit_to(Op::Next, [base, var.register, 0], 2, done);
                self.f().mark_assigned(var.register);
                return;
            }
        }
        if let Expr::Tuple(pair) = target {
            if pair.elts.len() == 2
                && !pair
                    .elts
                    .iter()
                    .any(|item| matches!(item, Expr::Starred(_)))
            {
                let items = self.f().temps(2);
                self.f().emit_to(Op::NextPair, [base, items, 0], 2, done);
                self.assign_target(&pair.elts[0], items);
                return self.assign_target(&pair.elts[1], items + 1);
            }
        }
        let item = self.f().temp();
        self.f().emit_to(Op::Next, [base, item, 0], 2, done);
        self.assign_target(target, item);
    }

    fn leave_loop(&mut self, node: &impl Ranged, is_break: bool) {
        let Some(found) = self.f().loops.last() else {
            return self.refuse(
                node,
                "syntax.invalid",
                "there is no loop here to leave or continue",
                "",
            );
        };
        let (label, tries) = (
            if is_break {
                found.break_to
            } else {
                found.continue_to
            },
            found.tries,
        );
        self.leave(tries, |compiler| compiler.f().jump(label));
        self.f().assigned.unreachable = true;
    }

    fn assert_stmt(&mut self, assert: &'s ast::StmtAssert) {
        let good = self.f().label();
        self.cond(&assert.test, true, good);
        let before = self.f().assigned.clone();
        let register = self.f().temp();
        match &assert.msg {
            Some(message) => {
                self.expr_to(message, register);
                self.at(assert);
                self.emit(Op::Assert, register, 1, 0);
            }
            None => {
                self.load_const(Const::None, register);
                self.emit(Op::Assert, register, 0, 0);
            }
        }
        self.f().assigned = before;
        self.f().bind(good);
    }

    fn raise_stmt(&mut self, raise: &'s ast::StmtRaise) {
        if let Some(cause) = &raise.cause {
            if !matches!(&**cause, Expr::NoneLiteral(_)) {
                let register = self.f().temp();
                self.expr_to(cause, register);
            }
        }
        match &raise.exc {
            Some(exc) => {
                let register = self.expr(exc);
                self.at(raise);
                self.emit(Op::Raise, register, 0, 0);
            }
            None => match self.f().handling.last().copied() {
                Some(register) => self.emit(Op::Reraise, register, 0, 0),
                None => self.refuse(
                    raise,
                    "language.raise",
                    "`raise` alone stands only inside of an except block",
                    "raise an exception: raise Rejected(\"code\", \"message\")",
                ),
            },
        }
        self.f().assigned.unreachable = true;
    }

    fn delete(&mut self, delete: &'s ast::StmtDelete) {
        for target in &delete.targets {
            self.delete_target(target);
        }
    }

    fn delete_target(&mut self, target: &'s Expr) {
        match target {
            Expr::Subscript(subscript) => {
                let container = self.expr(&subscript.value);
                let key = self.expr(&subscript.slice);
                self.at(subscript);
                self.emit(Op::DelItem, container, key, 0);
            }
            Expr::Name(name) => {
                let Some(var) = self.f().find(name.id.as_str()) else {
                    return self.refuse(
                        name,
                        "language.delete",
                        "only a variable of this function can be deleted",
                        "remove the statement",
                    );
                };
                let id = self.name(name.id.as_str());
                if var.global {
                    self.emit(Op::ClearGlobal, var.register, 0, 0);
                } else if var.cell {
                    self.emit(Op::ClearCell, var.register, 0, id);
                } else {
                    let known = self.f().assigned.registers.contains(&var.register);
                    if !known {
                        self.check_register(var.register, id);
                    }
                    self.emit(Op::Unset, var.register, 0, 0);
                    self.f().assigned.registers.remove(&var.register);
                }
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.delete_target(item)),
            Expr::List(list) => list.elts.iter().for_each(|item| self.delete_target(item)),
            _ => self.refuse(
                target,
                "language.delete",
                "only items and variables can be deleted",
                "write del container[key]",
            ),
        }
    }

    /// `global`: the variables of the function's scope are the module's already.
    fn global(&mut self, node: &'s ast::StmtGlobal) {
        if !self.is_script {
            return self.refuse(
                node,
                "language.global",
                "module variables cannot be changed by a call: the state lives in tables",
                "return the value, or write it to a table",
            );
        }
        if self.f().module {
            return;
        }
        let begins = self
            .f()
            .function
            .code
            .iter()
            .all(|instr| instr.op == Op::MakeCell);
        let known = |name: &ast::Identifier| {
            let var = self
                .functions
                .last()
                .and_then(|own| own.find(name.as_str()));
            var.is_some_and(|var| var.global)
        };
        if !begins || !node.names.iter().all(known) {
            self.refuse(
                node,
                "language.global",
                "`global` names variables of the module that are no parameters, at the start of a function",
                "write it first, and bind the variable in the module: no class, import or `for` inside of a comprehension",
            );
        }
    }

    fn nonlocal(&mut self, nonlocal: &'s ast::StmtNonlocal) {
        for name in &nonlocal.names {
            let var = self.f().find(name.as_str());
            let found = var.is_some_and(|var| var.cell && !var.global);
            if self.f().this.as_deref() == Some(name.as_str()) {
                self.error(
                    name.range(),
                    "language.self",
                    "`self` is not assigned",
                    "choose another name",
                );
            }
            if !found {
                let message = format!("no function around this one has a variable `{name}`");
                self.error(
                    name.range(),
                    "name.nonlocal",
                    message,
                    "bind it in the function outside first",
                );
            }
        }
    }

    /// Runs what must run when blocks opened after the first `keep` are left, then `exit`.
    pub(crate) fn leave(&mut self, keep: usize, exit: impl FnOnce(&mut Self)) {
        let mut closed = Vec::new();
        let assigned = self.f().assigned.clone();
        while self.f().tries.len() > keep {
            let here = self.f().here();
            let Some(mut open) = self.f().tries.pop() else {
                break;
            };
            open.ranges.push((open.start, here));
            let cleanup = open.cleanup;
            closed.push(open);
            self.clean(cleanup);
        }
        exit(self);
        let here = self.f().here();
        while let Some(mut open) = closed.pop() {
            open.start = here;
            self.f().tries.push(open);
        }
        self.f().assigned = assigned;
    }

    fn clean(&mut self, cleanup: Cleanup<'s>) {
        match cleanup {
            Cleanup::Nothing => {}
            Cleanup::Finally(body) => {
                // Too much code already: the limit is reported at the end of the function.
                if self.f().here() <= crate::limits::INSTRUCTIONS {
                    self.body(body);
                }
            }
            Cleanup::Clear(var, name) => self.clear_var(var, name),
        }
    }

    pub(crate) fn clear_var(&mut self, var: super::function::Var, name: u16) {
        if var.cell {
            let none = self.f().temp();
            self.load_const(Const::None, none);
            self.f().store_shared(var, none);
            if var.global {
                self.emit(Op::ClearGlobal, var.register, 0, 0);
            } else {
                self.emit(Op::ClearCell, var.register, 0, name);
            }
        } else {
            self.emit(Op::Unset, var.register, 0, 0);
            self.f().assigned.registers.remove(&var.register);
        }
    }

    /// A call of a builtin with registers already filled.
    pub(crate) fn emit_builtin(&mut self, builtin: Builtin, base: u16, count: usize) {
        self.emit(Op::CallBuiltin, base, builtin.number(), count as u16);
    }
}

/// Tests small enough to be written twice; no names may be bound by them.
fn cheap_test(test: &Expr) -> bool {
    let simple = |expr: &Expr| match expr {
        Expr::Name(_) | Expr::NumberLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::Attribute(attribute) => matches!(&*attribute.value, Expr::Name(_)),
        Expr::Call(call) => {
            call.arguments.keywords.is_empty()
                && call.arguments.args.len() == 1
                && matches!(&*call.func, Expr::Name(_))
                && matches!(call.arguments.args[0], Expr::Name(_))
        }
        _ => false,
    };
    match test {
        Expr::Compare(compare) => {
            compare.ops.len() == 1 && simple(&compare.left) && simple(&compare.comparators[0])
        }
        _ => simple(test),
    }
}

/// Whether a loop's body leaves it by `break`.
fn has_break(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Break(_) => true,
        Stmt::If(choice) => {
            has_break(&choice.body)
                || choice
                    .elif_else_clauses
                    .iter()
                    .any(|clause| has_break(&clause.body))
        }
        Stmt::Try(attempt) => {
            let handled = attempt.handlers.iter().any(|handler| {
                let ast::ExceptHandler::ExceptHandler(handler) = handler;
                has_break(&handler.body)
            });
            handled
                || has_break(&attempt.body)
                || has_break(&attempt.orelse)
                || has_break(&attempt.finalbody)
        }
        Stmt::Match(matched) => matched.cases.iter().any(|case| has_break(&case.body)),
        Stmt::For(repeat) => has_break(&repeat.orelse),
        Stmt::While(repeat) => has_break(&repeat.orelse),
        _ => false,
    })
}
