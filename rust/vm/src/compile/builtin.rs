//! Calls of builtins.

use ruff_python_ast::{self as ast, Expr};

use super::arguments::{has_star, only_generator};
use super::function::Reg;
use super::Compiler;
use crate::builtins::Builtin;
use crate::program::{Const, Op};

impl<'s> Compiler<'s> {
    pub(crate) fn call_builtin(
        &mut self,
        call: &'s ast::ExprCall,
        builtin: Builtin,
    ) -> Option<Reg> {
        let arguments = &call.arguments;
        if has_star(arguments) {
            return self.call_value(call);
        }
        if builtin == Builtin::Isinstance {
            return self.call_isinstance(call);
        }
        if let (Builtin::Type, [_, _, _], []) =
            (builtin, &*arguments.args, arguments.keywords.as_slice())
        {
            self.refuse(
                call,
                "language.class",
                "`type` with three arguments makes a class: classes are declared at the top",
                "write `class Name(Record): ...` at the top of the module",
            );
            return None;
        }
        if let (Builtin::Next, [Expr::Generator(generator), _], []) =
            (builtin, &*arguments.args, arguments.keywords.as_slice())
        {
            return Some(self.next_over(call, generator, arguments.args.get(1)));
        }
        if let Some(generator) = only_generator(arguments) {
            if builtin == Builtin::Next {
                return Some(self.next_over(call, generator, None));
            }
            return Some(self.builtin_over(call, builtin, generator));
        }
        if arguments.args.is_empty() && arguments.keywords.is_empty() {
            let empty = match builtin {
                Builtin::List => Some(Op::List),
                Builtin::Dict => Some(Op::Dict),
                Builtin::Set => Some(Op::Set),
                Builtin::Tuple => Some(Op::Tuple),
                _ => None,
            };
            if let Some(op) = empty {
                let base = self.f().temp();
                self.emit(op, base, 0, 0);
                return Some(base);
            }
        }
        let base = self.f().mark().min(0xffff) as u16;
        let reserve = arguments.args.len() + arguments.keywords.len();
        self.generators_as_lists = true;
        let shape = self.plain_arguments(arguments);
        self.generators_as_lists = false;
        if reserve == 0 {
            self.f().temp();
        }
        self.at(call);
        match shape {
            None => self.emit_builtin(builtin, base, arguments.args.len()),
            Some(shape) => self.emit(Op::CallBuiltinShape, base, builtin.number(), shape),
        }
        Some(base)
    }

    fn call_isinstance(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let ([object, class], []) = (&*call.arguments.args, &*call.arguments.keywords) else {
            self.refuse(
                call,
                "call.arguments",
                "isinstance() takes a value and a class",
                "write isinstance(x, int)",
            );
            return None;
        };
        let base = self.f().temp();
        let object = self.expr(object);
        let (class, or_none) = self.classes(class);
        self.at(call);
        self.emit(Op::IsInstance, base, object, class);
        if or_none {
            let end = self.f().label();
            self.f().jump_if(base, true, end);
            let none = self.f().temp();
            self.load_const(Const::None, none);
            self.emit(Op::Is, base, object, none);
            self.f().bind(end);
        }
        Some(base)
    }

    /// The classes that `isinstance` asks for; `A | B` is a tuple of them. Tells whether None is
    /// one.
    fn classes(&mut self, class: &'s Expr) -> (Reg, bool) {
        let mut choices = Vec::new();
        let mut rest = class;
        while let Expr::BinOp(binary) = rest {
            if binary.op != ast::Operator::BitOr {
                break;
            }
            choices.push(&*binary.right);
            rest = &binary.left;
        }
        if choices.is_empty() {
            return (self.expr(class), false);
        }
        choices.push(rest);
        let all = choices.len();
        choices.retain(|choice| !matches!(choice, Expr::NoneLiteral(_)));
        let or_none = choices.len() < all;
        let base = self.f().temps(choices.len());
        for (at, choice) in choices.iter().rev().enumerate() {
            self.expr_to(choice, base + at as u16);
        }
        self.emit(Op::Tuple, base, base, choices.len() as u16);
        (base, or_none)
    }

    /// `next(... for ...)`: the first item, and no more of them.
    fn next_over(
        &mut self,
        call: &'s ast::ExprCall,
        generator: &'s ast::ExprGenerator,
        default: Option<&'s Expr>,
    ) -> Reg {
        let base = self.f().temp();
        let spare = self.f().temp();
        let end = self.f().label();
        let element: &'s Expr = &generator.elt;
        let mut first = |compiler: &mut Self| {
            if let Some(default) = default {
                compiler.expr_to(default, spare);
            }
        };
        self.f().generator = true;
        self.loops_after(&generator.generators, &mut first, &mut |compiler| {
            compiler.expr_to(element, base);
            compiler.f().emit_to(Op::Jump, [0; 3], 0, end);
        });
        if default.is_some() {
            self.emit(Op::Take, base, spare, 0);
        } else {
            self.at(call);
            self.load_const(Const::ExcClass(crate::error::Exc::StopIteration), base);
            self.emit(Op::Raise, base, 0, 0);
        }
        self.f().bind(end);
        base
    }

    /// A builtin over a generator expression: a loop written in place.
    fn builtin_over(
        &mut self,
        call: &'s ast::ExprCall,
        builtin: Builtin,
        generator: &'s ast::ExprGenerator,
    ) -> Reg {
        let base = self.f().temp();
        let element: &'s Expr = &generator.elt;
        self.f().generator = true;
        match builtin {
            Builtin::Any | Builtin::All => {
                let stop_on = builtin == Builtin::Any;
                let end = self.f().label();
                self.load_const(Const::Bool(stop_on), base);
                self.loops(&generator.generators, &mut |compiler| {
                    compiler.cond(element, stop_on, end)
                });
                self.load_const(Const::Bool(!stop_on), base);
                self.f().bind(end);
            }
            Builtin::Sum => {
                self.load_const(Const::Int(0), base);
                self.loops(&generator.generators, &mut |compiler| {
                    let item = compiler.expr(element);
                    compiler.emit(Op::Add, base, base, item);
                });
            }
            Builtin::List => {
                self.comprehension(&generator.generators, element, None, Op::List, base)
            }
            Builtin::Set => self.comprehension(&generator.generators, element, None, Op::Set, base),
            _ => {
                self.comprehension(&generator.generators, element, None, Op::List, base);
                self.at(call);
                self.emit_builtin(builtin, base, 1);
            }
        }
        base
    }
}
