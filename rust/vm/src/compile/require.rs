//! Calls of `require`.

use ruff_python_ast::{self as ast, Expr};

use super::function::Reg;
use super::Compiler;
use crate::program::{Const, Op};

const PARAMETERS: [&str; 3] = ["condition", "code", "message"];
const REQUIRE_HELP: &str = "write require(condition, \"code\", \"message\")";

/// The condition, the code and, if there is one, the message.
type RequireArguments<'s> = (&'s Expr, &'s Expr, Option<&'s Expr>);

impl<'s> Compiler<'s> {
    /// `require(condition, code, message)`: code and message are only evaluated on refusal where
    /// that cannot be noticed.
    pub(crate) fn call_require(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let (condition, code, message) = self.require_arguments(call)?;
        self.check_code(code);
        let base = self.f().temps(2);
        let good = self.f().label();
        let lazy = self.is_quiet(code) && message.is_none_or(|message| self.is_quiet(message));
        let before;
        if lazy {
            self.cond(condition, true, good);
            before = self.f().assigned.clone();
            self.reject_parts(code, message, base);
        } else {
            let truth = self.f().temp();
            self.expr_to(condition, truth);
            self.reject_parts(code, message, base);
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

    /// The condition, the code and the message of `require`.
    fn require_arguments(&mut self, call: &'s ast::ExprCall) -> Option<RequireArguments<'s>> {
        let mut given: [Option<&'s Expr>; 3] = [None; 3];
        let mut order = Vec::new();
        for (index, argument) in call.arguments.args.iter().enumerate() {
            if index < PARAMETERS.len() && !matches!(argument, Expr::Starred(_)) {
                given[index] = Some(argument);
                order.push(index);
            }
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
            if let Some(index) = PARAMETERS.iter().position(|known| *known == name) {
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
                REQUIRE_HELP,
            );
            return None;
        };
        if order.len() != count || !order.is_sorted() {
            self.refuse(
                call,
                "call.arguments",
                "require() takes condition, code and message, in this order",
                REQUIRE_HELP,
            );
            return None;
        }
        Some((condition, code, given[2]))
    }

    /// Reports a literal that is no code of a rejection.
    fn check_code(&mut self, code: &'s Expr) {
        let Expr::StringLiteral(literal) = code else {
            return;
        };
        if !crate::interp::is_reject_code(literal.value.to_str()) {
            self.refuse(
                code,
                "call.code",
                "a code is a lower-case word of at most 64 letters, digits and underscores",
                "for example \"not_holder\"",
            );
        }
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
}
