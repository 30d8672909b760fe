//! Timers: methods that a later block runs, `self.due(...)` and `self.cancel(...)`.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::function::Reg;
use super::{docstring, Compiler, Declared};
use crate::program::{Const, Entry, Op, Shape};
use crate::types::Type;
use crate::{gas, limits};

const DUE_HELP: &str = "write self.due(self.now + 3_600_000, \"expire\", id=id)";
const TIMER_HELP: &str = "write @timer above def expire(self, id: str) -> None:";
/// Names of `due`'s own parameter: a timer's cannot have it.
const GAS: &str = "gas";

impl<'s> Compiler<'s> {
    /// Whether a decorator is `@timer`, as a call or not.
    pub(crate) fn is_timer(&self, decorator: &Expr) -> bool {
        match decorator {
            Expr::Call(call) => self.declares(&call.func, Declared::Timer),
            plain => self.declares(plain, Declared::Timer),
        }
    }

    /// Notes a method with `@timer`.
    pub(crate) fn define_timer(&mut self, name: u16, function: u16, def: &'s ast::StmtFunctionDef) {
        if let Some(call) = def
            .decorator_list
            .iter()
            .find(|decorator| decorator.expression.is_call_expr())
        {
            self.error(
                call.range(),
                "language.timer",
                "a timer takes no policy and no arguments: nobody calls it, a block runs it",
                TIMER_HELP,
            );
        }
        let mut parameters = def.parameters.iter_non_variadic_params();
        if let Some(taken) = parameters.find(|parameter| parameter.name().as_str() == GAS) {
            self.error(
                taken.range(),
                "language.timer",
                "a timer has no parameter `gas`: due() takes it as the gas that the timer may use",
                "choose another name",
            );
        }
        let types = self.entry_types(def);
        let returns = def.returns.as_ref();
        let returns = returns.map_or(Type::Any, |returns| self.annotation(returns));
        let (doc, _) = docstring(&def.body);
        self.parts.timers.push(Entry {
            name,
            function,
            view: false,
            by: String::new(),
            types,
            returns,
            doc,
        });
    }

    /// `self.due(at, "method", gas=..., name=value, ...)`
    pub(crate) fn call_due(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let (at, method) = match &*call.arguments.args {
            [at, Expr::StringLiteral(method)] if !at.is_starred_expr() => (at, method),
            _ => {
                self.error(
                    call.range(),
                    "language.timer",
                    "due() takes the moment (ms) and the timer's name as a plain text; \
                     the timer's arguments are named",
                    DUE_HELP,
                );
                return None;
            }
        };
        let number = self.timer_named(method)?;
        let keywords = &call.arguments.keywords;
        let base = self.f().temps(2 + keywords.len());
        self.expr_to(at, base);
        let standard = i64::try_from(gas::TIMER).unwrap_or(i64::MAX);
        self.load_const(Const::Int(standard), base + 1);
        let mut names = Vec::new();
        for keyword in keywords {
            let Some(name) = keyword.arg.as_ref().map(|name| name.as_str()) else {
                self.error(
                    keyword.range(),
                    "language.star",
                    "due() names each argument: the chain checks them when the timer is made",
                    DUE_HELP,
                );
                return None;
            };
            if name == GAS {
                self.expr_to(&keyword.value, base + 1);
                continue;
            }
            let id = self.name(name);
            let to = base + 2 + names.len() as u16;
            if names.contains(&id) {
                let message = format!("the argument `{name}` is given twice");
                self.error(keyword.range(), "call.arguments", message, "remove one");
                return None;
            }
            names.push(id);
            self.expr_to(&keyword.value, to);
        }
        if !self.timer_arguments(call, number, &names) {
            return None;
        }
        let shape = self.shape(Shape {
            positional: 0,
            names,
        });
        self.at(call);
        self.emit(Op::Due, base, number, shape);
        Some(base)
    }

    /// The timer of this name.
    fn timer_named(&mut self, method: &'s ast::ExprStringLiteral) -> Option<u16> {
        let name = method.value.to_str();
        let known = |entry: &Entry| {
            let found = self.parts.names.get(usize::from(entry.name));
            found.is_some_and(|known| known == name)
        };
        if let Some(number) = self.parts.timers.iter().position(known) {
            return Some(number as u16);
        }
        let shown: String = name.escape_debug().take(limits::NAME_SHOWN).collect();
        let (message, help) = if self.contract.methods.contains_key(name) {
            (
                format!("`{shown}` is no timer: a block runs only what is declared for it"),
                TIMER_HELP,
            )
        } else {
            (format!("the contract has no timer `{shown}`"), TIMER_HELP)
        };
        self.error(method.range(), "name.timer", message, help);
        None
    }

    /// Whether the named arguments are those that a timer takes.
    fn timer_arguments(&mut self, call: &'s ast::ExprCall, number: u16, names: &[u16]) -> bool {
        let entry = &self.parts.timers[usize::from(number)];
        let timer = self.parts.names[usize::from(entry.name)].clone();
        let signature = self.signatures.get(&entry.function).cloned();
        let params = signature.unwrap_or_default().params;
        let params: Vec<_> = params.into_iter().skip(1).collect();
        let given: Vec<String> = names
            .iter()
            .map(|name| self.parts.names[usize::from(*name)].clone())
            .collect();
        let known: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
        let help = match known.is_empty() {
            true => "it takes no arguments".to_owned(),
            false => format!("its parameters are: {}", known.join(", ")),
        };
        let stranger = given.iter().find(|name| !known.contains(&name.as_str()));
        let missing = params
            .iter()
            .find(|(name, default)| default.is_none() && !given.contains(name));
        let message = match (stranger, missing) {
            (Some(name), _) => format!("the timer {timer} has no parameter `{name}`"),
            (None, Some((name, _))) => format!("the timer {timer} needs `{name}`"),
            (None, None) => return true,
        };
        self.error(call.range(), "call.arguments", message, help);
        false
    }

    /// `self.cancel(number)`
    pub(crate) fn call_cancel(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let number = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([number], []) if !number.is_starred_expr() => number,
            _ => {
                self.error(
                    call.range(),
                    "call.arguments",
                    "cancel() takes the number that due() gave",
                    "write self.cancel(number)",
                );
                return None;
            }
        };
        let base = self.f().temp();
        self.expr_to(number, base);
        self.at(call);
        self.emit(Op::Cancel, base, base, 0);
        Some(base)
    }
}
