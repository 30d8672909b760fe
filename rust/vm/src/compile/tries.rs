//! `try`, `except`, `finally`.

use ruff_python_ast::{self as ast, ExceptHandler, Stmt};

use super::function::{Cleanup, Label, OpenTry, Reg};
use super::Compiler;
use crate::error::Exc;
use crate::program::{Const, Handler, Op, NO_LINE};

impl<'s> Compiler<'s> {
    pub(crate) fn try_stmt(&mut self, attempt: &'s ast::StmtTry) {
        if attempt.is_star {
            return self.refuse(
                attempt,
                "language.except_star",
                "exception groups are not part of the language",
                "write except",
            );
        }
        if attempt.finalbody.is_empty() {
            return self.try_except(attempt);
        }
        let before = self.f().assigned.clone();
        self.open(Cleanup::Finally(&attempt.finalbody));
        if attempt.handlers.is_empty() {
            self.body(&attempt.body);
        } else {
            self.try_except(attempt);
        }
        let after = self.f().assigned.clone();
        let end = self.f().label();
        let exception = self.f().temp();
        self.close(exception, |compiler| {
            // The ordinary way out.
            compiler.body(&attempt.finalbody);
            compiler.f().emit_to(Op::Jump, [0; 3], 0, end);
        });
        let finished = self.f().assigned.clone();
        self.f().assigned = before;
        self.f().assigned.unreachable = false;
        self.f().handling.push(exception);
        self.body(&attempt.finalbody);
        self.f().handling.pop();
        self.f().set_line(NO_LINE);
        self.emit(Op::Reraise, exception, 0, 0);
        self.f().bind(end);
        self.f().assigned = finished;
        self.f().assigned.unreachable |= after.unreachable;
    }

    fn open(&mut self, cleanup: Cleanup<'s>) {
        let start = self.f().here();
        self.f().tries.push(OpenTry {
            cleanup,
            start,
            ranges: Vec::new(),
        });
    }

    /// Ends a block: writes what follows on the ordinary way, then begins the handler.
    fn close(&mut self, exception: Reg, ordinary: impl FnOnce(&mut Self)) {
        let here = self.f().here();
        let Some(mut open) = self.f().tries.pop() else {
            return;
        };
        open.ranges.push((open.start, here));
        ordinary(self);
        let target = self.f().here();
        for (start, end) in open.ranges {
            if start < end {
                let handler = Handler {
                    start: start.min(0xffff) as u16,
                    end: end.min(0xffff) as u16,
                    target: target.min(0xffff) as u16,
                    register: exception,
                };
                self.f().function.handlers.push(handler);
            }
        }
    }

    fn try_except(&mut self, attempt: &'s ast::StmtTry) {
        let end = self.f().label();
        let before = self.f().assigned.clone();
        self.open(Cleanup::Nothing);
        self.body(&attempt.body);
        let exception = self.f().temp();
        let mut after = before.clone();
        self.close(exception, |compiler| {
            compiler.body(&attempt.orelse);
            after = compiler.f().assigned.clone();
            compiler.f().emit_to(Op::Jump, [0; 3], 0, end);
        });
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            self.f().assigned = before.clone();
            let next = self.f().label();
            self.at(handler);
            self.handler_head(handler, exception, next);
            self.handler_body(handler, exception);
            after = after.join(&self.f().assigned.clone());
            self.f().emit_to(Op::Jump, [0; 3], 0, end);
            self.f().bind(next);
        }
        self.f().set_line(NO_LINE);
        self.emit(Op::Reraise, exception, 0, 0);
        self.f().bind(end);
        self.f().assigned = after;
    }

    fn handler_head(
        &mut self,
        handler: &'s ast::ExceptHandlerExceptHandler,
        exception: Reg,
        next: Label,
    ) {
        let Some(class) = &handler.type_ else { return };
        let mark = self.f().mark();
        let class = self.expr(class);
        let matches = self.f().temp();
        self.emit(Op::Matches, matches, exception, class);
        self.f().jump_if(matches, false, next);
        self.f().release(mark);
    }

    fn handler_body(&mut self, handler: &'s ast::ExceptHandlerExceptHandler, exception: Reg) {
        self.f().handling.push(exception);
        let named = handler.name.as_ref().and_then(|name| {
            let var = self.f().find(name.as_str())?;
            Some((var, self.name(name.as_str())))
        });
        match named {
            None => self.body(&handler.body),
            Some((var, name)) => self.named_handler(&handler.body, exception, var, name),
        }
        self.f().handling.pop();
    }

    /// The name of `except ... as name` exists in the block only, however it is left.
    fn named_handler(
        &mut self,
        body: &'s [Stmt],
        exception: Reg,
        var: super::function::Var,
        name: u16,
    ) {
        if var.cell {
            self.f().store_shared(var, exception);
        } else {
            self.emit(Op::Move, var.register, exception, 0);
            self.f().mark_assigned(var.register);
        }
        self.open(Cleanup::Clear(var, name));
        self.body(body);
        let end = self.f().label();
        let second = self.f().temp();
        self.close(second, |compiler| {
            compiler.clear_var(var, name);
            compiler.f().emit_to(Op::Jump, [0; 3], 0, end);
        });
        let after = self.f().assigned.clone();
        self.clear_var(var, name);
        self.emit(Op::Reraise, second, 0, 0);
        self.f().bind(end);
        self.f().assigned = after;
    }

    /// What a generator expression does: a StopIteration that leaves it would be taken for its
    /// end, so that CPython makes it a RuntimeError.
    pub(crate) fn no_stop_leaves(&mut self, work: &mut dyn FnMut(&mut Self)) {
        let end = self.f().label();
        self.open(Cleanup::Nothing);
        work(self);
        let assigned = self.f().assigned.clone();
        let exception = self.f().temp();
        self.close(exception, |compiler| {
            compiler.f().emit_to(Op::Jump, [0; 3], 0, end);
        });
        let next = self.f().label();
        let base = self.f().temps(2);
        self.load_const(Const::ExcClass(Exc::StopIteration), base);
        self.emit(Op::Matches, base, exception, base);
        self.f().jump_if(base, false, next);
        self.load_const(Const::ExcClass(Exc::RuntimeError), base);
        let message = "generator raised StopIteration".to_string();
        self.load_const(Const::Str(message), base + 1);
        self.emit(Op::CallValue, base, 1, 0);
        self.emit(Op::Raise, base, 0, 0);
        self.f().bind(next);
        self.emit(Op::Reraise, exception, 0, 0);
        self.f().bind(end);
        self.f().assigned = assigned;
    }
}
