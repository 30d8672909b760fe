//! Calls: bound when compiling wherever the callee is known.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::arguments::{fits, has_star, only_generator};
use super::function::Reg;
use super::resolve::Resolved;
use super::{Compiler, Declared, Global, Signature};
use crate::program::{Const, Op, Shape};

/// Most arguments of one call.
const ARGUMENTS: usize = 200;

impl<'s> Compiler<'s> {
    pub(crate) fn call(&mut self, call: &'s ast::ExprCall, to: Reg) {
        if call.arguments.args.len() + call.arguments.keywords.len() > ARGUMENTS {
            return self.refuse(
                call,
                "limit.arguments",
                "a call has at most 200 arguments",
                "pass a list",
            );
        }
        let base = match &*call.func {
            Expr::Name(name) => self.call_name(call, name),
            Expr::Attribute(attribute) => self.call_attribute(call, attribute),
            _ => self.call_value(call),
        };
        if let Some(base) = base {
            self.emit(Op::Take, to, base, 0);
        }
    }

    fn call_name(&mut self, call: &'s ast::ExprCall, name: &'s ast::ExprName) -> Option<Reg> {
        match self.resolve(name.id.as_str()) {
            Resolved::Global(Global::Function(function)) => {
                self.call_function(call, function, None)
            }
            Resolved::Global(Global::Class(class)) => self.call_class(call, class),
            Resolved::Global(Global::Require) => self.call_require(call),
            Resolved::Global(Global::Library(builtin)) => {
                if crate::builtins::library::is_of_math(builtin) {
                    // These take any number of arguments.
                    return self.call_value(call);
                }
                self.call_library(call, builtin)
            }
            Resolved::Global(Global::Declaration(Declared::Table)) => {
                self.refuse(
                    call,
                    "language.table",
                    "tables are declared in the contract's class",
                    "items = Table(Item, key=\"id\")",
                );
                None
            }
            Resolved::Builtin(builtin) => self.call_builtin(call, builtin),
            _ => self.call_value(call),
        }
    }

    /// A call of a value that is known only when the call runs.
    pub(crate) fn call_value(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let base = self.f().temp();
        self.expr_to(&call.func, base);
        self.generic_call(call, base);
        Some(base)
    }

    /// The callee is in `base`; the registers after it are free.
    pub(crate) fn generic_call(&mut self, call: &'s ast::ExprCall, base: Reg) {
        let arguments = &call.arguments;
        if has_star(arguments) {
            self.star_arguments(arguments);
            self.at(call);
            return self.emit(Op::CallStar, base, 0, 0);
        }
        let shape = self.plain_arguments(arguments);
        self.at(call);
        match shape {
            None => self.emit(Op::CallValue, base, arguments.args.len() as u16, 0),
            Some(shape) => self.emit(Op::CallShape, base, shape, 0),
        }
    }

    /// A known function; `receiver` is the register of `self`, if it is a method.
    fn call_function(
        &mut self,
        call: &'s ast::ExprCall,
        function: u16,
        receiver: Option<Reg>,
    ) -> Option<Reg> {
        let signature = self.signatures.get(&function).cloned().unwrap_or_default();
        if has_star(&call.arguments) || signature.star || signature.star_star {
            return self.call_unbound(call, function, receiver);
        }
        if self.is_script && !fits(&call.arguments, &signature) {
            return self.call_unbound(call, function, receiver);
        }
        let base = self.f().temps(signature.params.len().max(1));
        let taken = usize::from(receiver.is_some());
        if let Some(receiver) = receiver {
            self.emit(Op::Move, base, receiver, 0);
        }
        if !self.bind_arguments(&call.arguments, &signature, taken, base, call.range()) {
            return None;
        }
        self.at(call);
        self.emit(Op::Call, base, function, 0);
        Some(base)
    }

    /// A known function whose arguments find their parameters only when the call runs.
    fn call_unbound(
        &mut self,
        call: &'s ast::ExprCall,
        function: u16,
        receiver: Option<Reg>,
    ) -> Option<Reg> {
        if receiver.is_some() && has_star(&call.arguments) {
            self.refuse(
                call,
                "language.star",
                "a method of the contract is not called with starred arguments",
                "name the arguments",
            );
            return None;
        }
        let base = self.f().temp();
        self.load_const(Const::Function(function), base);
        match receiver {
            Some(receiver) => self.call_with_receiver(call, base, receiver),
            None => self.generic_call(call, base),
        }
        Some(base)
    }

    /// The method is in `base`; `self` goes in front of the arguments.
    fn call_with_receiver(&mut self, call: &'s ast::ExprCall, base: Reg, receiver: Reg) {
        let first = self.f().temp();
        self.emit(Op::Move, first, receiver, 0);
        let shape = self.plain_arguments(&call.arguments);
        let shape = shape.and_then(|shape| self.parts.shapes.get(usize::from(shape)).cloned());
        let (positional, names) = match shape {
            Some(shape) => (shape.positional, shape.names),
            None => (call.arguments.args.len() as u16, Vec::new()),
        };
        let shape = self.shape(Shape {
            positional: positional + 1,
            names,
        });
        self.at(call);
        self.emit(Op::CallShape, base, shape, 0);
    }

    fn call_class(&mut self, call: &'s ast::ExprCall, class: u16) -> Option<Reg> {
        let info = &self.parts.classes[usize::from(class)];
        if info.kind == crate::program::ClassKind::Enum || has_star(&call.arguments) {
            return self.call_value(call);
        }
        let params: Vec<(String, Option<u16>)> = info
            .fields
            .iter()
            .map(|field| {
                (
                    self.parts.names[usize::from(field.name)].clone(),
                    field.default,
                )
            })
            .collect();
        let signature = Signature {
            name: info.name.clone(),
            positional: params.len(),
            params,
            ..Signature::default()
        };
        if self.is_script && !fits(&call.arguments, &signature) {
            return self.call_value(call);
        }
        let base = self.f().temps(signature.params.len().max(1));
        if !self.bind_arguments(&call.arguments, &signature, 0, base, call.range()) {
            return None;
        }
        self.at(call);
        self.emit(Op::Build, base, class, 0);
        Some(base)
    }

    fn call_attribute(
        &mut self,
        call: &'s ast::ExprCall,
        attribute: &'s ast::ExprAttribute,
    ) -> Option<Reg> {
        let name = attribute.attr.as_str();
        if name.starts_with("__") {
            let to = self.f().temp();
            self.expr_to(&call.func, to);
            return None;
        }
        if let Some(done) = self.call_cell(call, attribute) {
            return done;
        }
        if let Some(done) = self.call_used(call, attribute) {
            return done;
        }
        if self.is_self(&attribute.value) {
            match name {
                "drain" => return self.call_drain(call),
                "due" => return self.call_due(call),
                "cancel" => return self.call_cancel(call),
                _ => {}
            }
            if let Some(function) = self.contract.methods.get(name).copied() {
                let receiver = self.expr(&attribute.value);
                return self.call_function(call, function, Some(receiver));
            }
            if name == "emit" {
                return self.call_emit(call);
            }
            return self.call_value(call);
        }
        let base = self.f().temp();
        self.expr_to(&attribute.value, base);
        let id = self.name(name);
        if has_star(&call.arguments) {
            self.emit(Op::GetAttr, base, base, id);
            self.generic_call(call, base);
            return Some(base);
        }
        if let Some(generator) = only_generator(&call.arguments) {
            let list = self.f().temp();
            self.f().generator = true;
            self.comprehension(&generator.generators, &generator.elt, None, Op::List, list);
            self.at(call);
            self.emit(Op::CallMethod, base, id, 1);
            return Some(base);
        }
        if !call.arguments.args.iter().all(quiet_argument)
            || !call
                .arguments
                .keywords
                .iter()
                .all(|keyword| quiet_argument(&keyword.value))
        {
            self.at(&attribute.attr);
            self.emit(Op::HasAttr, base, id, 0);
        }
        let shape = self.plain_arguments(&call.arguments);
        self.at(&attribute.attr);
        match shape {
            None => self.emit(Op::CallMethod, base, id, call.arguments.args.len() as u16),
            Some(shape) => self.emit(Op::CallMethodShape, base, id, shape),
        }
        Some(base)
    }

    fn call_emit(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let event = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([event], []) if !matches!(event, Expr::Starred(_)) => event,
            _ => {
                self.refuse(
                    call,
                    "call.arguments",
                    "emit() takes one event",
                    "write self.emit(Financed(...))",
                );
                return None;
            }
        };
        let base = self.f().temp();
        self.expr_to(event, base);
        self.at(call);
        self.emit(Op::Emit, base, 0, 0);
        self.load_const(Const::None, base);
        Some(base)
    }
}

/// Whether evaluating an argument can neither fail nor do anything (a variable without a value
/// aside).
fn quiet_argument(argument: &Expr) -> bool {
    match argument {
        Expr::Name(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::Lambda(_) => true,
        Expr::Tuple(tuple) => tuple.elts.iter().all(quiet_argument),
        Expr::List(list) => list.elts.iter().all(quiet_argument),
        Expr::UnaryOp(unary) => matches!(*unary.operand, Expr::NumberLiteral(_)),
        Expr::Attribute(attribute) => matches!(*attribute.value, Expr::Name(_)),
        _ => false,
    }
}
