//! Calls: bound when compiling wherever the callee is known.

use ruff_python_ast::{self as ast, Arguments, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::expr::Resolved;
use super::function::Reg;
use super::{Compiler, Declared, Global, Signature};
use crate::builtins::Builtin;
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
    fn call_value(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let base = self.f().temp();
        self.expr_to(&call.func, base);
        self.generic_call(call, base);
        Some(base)
    }

    /// The callee is in `base`; the registers after it are free.
    fn generic_call(&mut self, call: &'s ast::ExprCall, base: Reg) {
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

    /// Arguments into fresh registers; gives the call shape if there are keywords.
    fn plain_arguments(&mut self, arguments: &'s Arguments) -> Option<u16> {
        let count = arguments.args.len() + arguments.keywords.len();
        let first = self.f().temps(count);
        for (index, argument) in arguments.args.iter().enumerate() {
            self.expr_to(argument, first + index as u16);
        }
        let mut names = Vec::new();
        for (index, keyword) in arguments.keywords.iter().enumerate() {
            self.expr_to(
                &keyword.value,
                first + (arguments.args.len() + index) as u16,
            );
            let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
            let id = self.name(name);
            if names.contains(&id) {
                let message = format!("the keyword `{name}` is given twice");
                self.error(keyword.range(), "call.arguments", message, "remove one");
            }
            names.push(id);
        }
        if names.is_empty() {
            return None;
        }
        Some(self.shape(Shape {
            positional: arguments.args.len() as u16,
            names,
        }))
    }

    /// Arguments with stars into a tuple and a dict, in two fresh registers.
    fn star_arguments(&mut self, arguments: &'s Arguments) {
        let base = self.f().temps(2);
        self.emit(Op::List, base, 0, 0);
        self.emit(Op::Dict, base + 1, 0, 0);
        for argument in &arguments.args {
            let mark = self.f().mark();
            match argument {
                Expr::Starred(starred) => {
                    let value = self.expr(&starred.value);
                    self.emit(Op::Extend, base, value, 0);
                }
                _ => {
                    let value = self.expr(argument);
                    self.emit(Op::Append, base, value, 0);
                }
            }
            self.f().release(mark);
        }
        for keyword in &arguments.keywords {
            let mark = self.f().mark();
            match &keyword.arg {
                Some(name) => {
                    let one = self.f().temps(2);
                    self.load_const(Const::Str(name.to_string()), one);
                    self.expr_to(&keyword.value, one + 1);
                    let pair = self.f().temp();
                    self.emit(Op::Dict, pair, one, 2);
                    self.emit(Op::MergeNew, base + 1, pair, 0);
                }
                None => {
                    let value = self.expr(&keyword.value);
                    self.emit(Op::MergeNew, base + 1, value, 0);
                }
            }
            self.f().release(mark);
        }
        self.emit(Op::ToTuple, base, base, 0);
    }

    /// A known function; `receiver` is the register of `self`, if it is a method.
    fn call_function(
        &mut self,
        call: &'s ast::ExprCall,
        function: u16,
        receiver: Option<Reg>,
    ) -> Option<Reg> {
        let arguments = &call.arguments;
        let signature = self.signatures.get(&function).cloned().unwrap_or_default();
        if has_star(arguments) || signature.star || signature.star_star {
            if receiver.is_some() && has_star(arguments) {
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
            if let Some(receiver) = receiver {
                let first = self.f().temp();
                self.emit(Op::Move, first, receiver, 0);
                let shape = self.plain_arguments(arguments);
                let (positional, names) = match shape
                    .and_then(|shape| self.parts.shapes.get(usize::from(shape)).cloned())
                {
                    Some(shape) => (shape.positional, shape.names),
                    None => (arguments.args.len() as u16, Vec::new()),
                };
                let shape = self.shape(Shape {
                    positional: positional + 1,
                    names,
                });
                self.at(call);
                self.emit(Op::CallShape, base, shape, 0);
            } else {
                self.generic_call(call, base);
            }
            return Some(base);
        }
        let base = self.f().temps(signature.params.len().max(1));
        let taken = usize::from(receiver.is_some());
        if let Some(receiver) = receiver {
            self.emit(Op::Move, base, receiver, 0);
        }
        if !self.bind_arguments(arguments, &signature, taken, base, call.range()) {
            return None;
        }
        self.at(call);
        self.emit(Op::Call, base, function, 0);
        Some(base)
    }

    /// Puts arguments into the registers of the parameters, in the order of evaluation.
    fn bind_arguments(
        &mut self,
        arguments: &'s Arguments,
        signature: &Signature,
        taken: usize,
        base: Reg,
        range: TextRange,
    ) -> bool {
        let mut filled = vec![false; signature.params.len()];
        filled.iter_mut().take(taken).for_each(|slot| *slot = true);
        if arguments.args.len() + taken > signature.positional {
            let message = format!(
                "{}() takes {} positional arguments, {} are given",
                signature.name,
                signature.positional.saturating_sub(taken),
                arguments.args.len()
            );
            self.error(
                range,
                "call.arguments",
                message,
                "compare with the function's parameters",
            );
            return false;
        }
        for (index, argument) in arguments.args.iter().enumerate() {
            filled[index + taken] = true;
            self.expr_to(argument, base + (index + taken) as u16);
        }
        let mut good = true;
        for keyword in &arguments.keywords {
            let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
            let found = signature.params.iter().position(|(param, _)| param == name);
            match found.filter(|index| *index >= signature.positional_only) {
                Some(index) if !filled[index] => {
                    filled[index] = true;
                    self.expr_to(&keyword.value, base + index as u16);
                }
                Some(_) => {
                    good = false;
                    let message = format!("{}() gets `{name}` twice", signature.name);
                    self.error(keyword.range(), "call.arguments", message, "give it once");
                }
                None => {
                    good = false;
                    let message = format!("{}() has no parameter `{name}`", signature.name);
                    let known: Vec<&str> = signature
                        .params
                        .iter()
                        .skip(taken)
                        .map(|(name, _)| name.as_str())
                        .collect();
                    self.error(
                        keyword.range(),
                        "call.arguments",
                        message,
                        format!("its parameters are: {}", known.join(", ")),
                    );
                }
            }
        }
        for (index, (name, default)) in signature.params.iter().enumerate() {
            if filled[index] {
                continue;
            }
            match default {
                Some(default) => self.emit(Op::Const, base + index as u16, *default, 0),
                None => {
                    good = false;
                    let message = format!("{}() needs `{name}`", signature.name);
                    self.error(
                        range,
                        "call.arguments",
                        message,
                        "give the argument, or give the parameter a default",
                    );
                }
            }
        }
        good
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
        let base = self.f().temps(signature.params.len().max(1));
        if !self.bind_arguments(&call.arguments, &signature, 0, base, call.range()) {
            return None;
        }
        self.at(call);
        self.emit(Op::Build, base, class, 0);
        Some(base)
    }

    /// `require(condition, code, message)`: code and message are only evaluated on refusal where
    /// that cannot be noticed.
    fn call_require(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let names = ["condition", "code", "message"];
        let mut given: [Option<&'s Expr>; 3] = [None; 3];
        let mut order = Vec::new();
        for (index, argument) in call.arguments.args.iter().enumerate() {
            if index < 3 && !matches!(argument, Expr::Starred(_)) {
                given[index] = Some(argument);
                order.push(index);
            }
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
            if let Some(index) = names.iter().position(|known| *known == name) {
                given[index] = Some(&keyword.value);
                order.push(index);
            }
        }
        let count = call.arguments.args.len() + call.arguments.keywords.len();
        let (Some(condition), Some(code)) = (given[0], given[1]) else {
            self.refuse(
                call,
                "call.arguments",
                "require() needs a condition and a code",
                "write require(condition, \"code\", \"message\")",
            );
            return None;
        };
        if order.len() != count || !order.is_sorted() {
            self.refuse(
                call,
                "call.arguments",
                "require() takes condition, code and message, in this order",
                "write require(condition, \"code\", \"message\")",
            );
            return None;
        }
        if let Expr::StringLiteral(literal) = code {
            if !crate::interp::is_reject_code(literal.value.to_str()) {
                self.refuse(
                    code,
                    "call.code",
                    "a code is a lower-case word of at most 64 letters, digits and underscores",
                    "for example \"not_holder\"",
                );
            }
        }
        let base = self.f().temps(2);
        let good = self.f().label();
        let lazy = self.is_quiet(code) && given[2].is_none_or(|message| self.is_quiet(message));
        let before;
        if lazy {
            self.cond(condition, true, good);
            before = self.f().assigned.clone();
            self.reject_parts(code, given[2], base);
        } else {
            let truth = self.f().temp();
            self.expr_to(condition, truth);
            self.reject_parts(code, given[2], base);
            before = self.f().assigned.clone();
            self.f().jump_if(truth, true, good);
        }
        self.at(call);
        self.emit(Op::Reject, base, base + 1, 0);
        self.f().assigned = before;
        self.f().bind(good);
        self.load_const(Const::None, base);
        Some(base)
    }

    fn reject_parts(&mut self, code: &'s Expr, message: Option<&'s Expr>, base: Reg) {
        self.expr_to(code, base);
        match message {
            Some(message) => self.expr_to(message, base + 1),
            None => self.load_const(Const::Str(String::new()), base + 1),
        }
    }

    /// Whether evaluating an expression can neither fail nor change anything.
    fn is_quiet(&mut self, expr: &'s Expr) -> bool {
        match expr {
            Expr::StringLiteral(_) | Expr::NumberLiteral(_) => true,
            Expr::Name(name) => {
                let Some(var) = self.f().find(name.id.as_str()) else {
                    return true;
                };
                !var.cell && self.f().assigned.registers.contains(&var.register)
            }
            Expr::FString(string) => string.value.elements().all(|element| match element {
                ast::InterpolatedStringElement::Literal(_) => true,
                ast::InterpolatedStringElement::Interpolation(value) => {
                    value.format_spec.is_none() && self.is_quiet(&value.expression)
                }
            }),
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Attribute(inner) => {
                    inner.attr.as_str() == "caller"
                        && self.is_self(&inner.value)
                        && matches!(attribute.attr.as_str(), "member" | "organisation" | "roles")
                }
                value => {
                    self.is_self(value)
                        && crate::interp::context_part(attribute.attr.as_str()).is_some()
                }
            },
            _ => false,
        }
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
        if self.is_self(&attribute.value) {
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
            self.comprehension(&generator.generators, &generator.elt, None, Op::List, list);
            self.at(call);
            self.emit(Op::CallMethod, base, id, 1);
            return Some(base);
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
        let [event] = &*call.arguments.args else {
            self.refuse(
                call,
                "call.arguments",
                "emit() takes one event",
                "write self.emit(Financed(...))",
            );
            return None;
        };
        if !call.arguments.keywords.is_empty() || matches!(event, Expr::Starred(_)) {
            self.refuse(
                call,
                "call.arguments",
                "emit() takes one event",
                "write self.emit(Financed(...))",
            );
            return None;
        }
        let base = self.f().temp();
        self.expr_to(event, base);
        self.at(call);
        self.emit(Op::Emit, base, 0, 0);
        self.load_const(Const::None, base);
        Some(base)
    }

    fn call_builtin(&mut self, call: &'s ast::ExprCall, builtin: Builtin) -> Option<Reg> {
        let arguments = &call.arguments;
        if has_star(arguments) {
            return self.call_value(call);
        }
        if builtin == Builtin::Isinstance {
            return self.call_isinstance(call);
        }
        if let Some(generator) = only_generator(arguments) {
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
        let shape = self.plain_arguments(arguments);
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
        let [object, class] = &*call.arguments.args else {
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

    /// The classes that `isinstance` asks for; `A | B` is a tuple of them. Tells whether None is one.
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

    /// A builtin over a generator expression: a loop written in place.
    fn builtin_over(
        &mut self,
        call: &'s ast::ExprCall,
        builtin: Builtin,
        generator: &'s ast::ExprGenerator,
    ) -> Reg {
        let base = self.f().temp();
        let element: &'s Expr = &generator.elt;
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

fn has_star(arguments: &Arguments) -> bool {
    arguments
        .args
        .iter()
        .any(|argument| matches!(argument, Expr::Starred(_)))
        || arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.is_none())
}

fn only_generator(arguments: &Arguments) -> Option<&ast::ExprGenerator> {
    match (&*arguments.args, arguments.keywords.as_slice()) {
        ([Expr::Generator(generator)], []) => Some(generator),
        _ => None,
    }
}
