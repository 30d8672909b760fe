//! Arguments of calls: into registers, and to the parameters that they are for.

use ruff_python_ast::{self as ast, Arguments, Expr, Keyword};
use ruff_text_size::{Ranged, TextRange};

use super::function::Reg;
use super::{Compiler, Signature};
use crate::program::{Const, Op, Shape};

impl<'s> Compiler<'s> {
    /// Arguments into fresh registers; gives the call shape if there are keywords.
    pub(crate) fn plain_arguments(&mut self, arguments: &'s Arguments) -> Option<u16> {
        let count = arguments.args.len() + arguments.keywords.len();
        let first = self.f().temps(count);
        let as_lists = std::mem::take(&mut self.generators_as_lists);
        for (index, argument) in arguments.args.iter().enumerate() {
            let to = first + index as u16;
            match argument {
                Expr::Generator(inner) if as_lists => {
                    self.f().generator = true;
                    self.comprehension(&inner.generators, &inner.elt, None, Op::List, to);
                }
                _ => self.expr_to(argument, to),
            }
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
    pub(crate) fn star_arguments(&mut self, arguments: &'s Arguments) {
        let base = self.f().temps(2);
        self.emit(Op::List, base, 0, 0);
        self.emit(Op::Dict, base + 1, 0, 0);
        for argument in &arguments.args {
            let mark = self.f().mark();
            let (op, value) = match argument {
                Expr::Starred(starred) => (Op::Extend, self.expr(&starred.value)),
                _ => (Op::Append, self.expr(argument)),
            };
            self.emit(op, base, value, 0);
            self.f().release(mark);
        }
        for keyword in &arguments.keywords {
            let mark = self.f().mark();
            let more = match &keyword.arg {
                Some(name) => {
                    let one = self.f().temps(2);
                    // Builtins know keywords by the numbers of names.
                    self.name(name);
                    self.load_const(Const::Str(name.to_string()), one);
                    self.expr_to(&keyword.value, one + 1);
                    let pair = self.f().temp();
                    self.emit(Op::Dict, pair, one, 2);
                    pair
                }
                None => self.expr(&keyword.value),
            };
            self.emit(Op::MergeNew, base + 1, more, 0);
            self.f().release(mark);
        }
        self.emit(Op::ToTuple, base, base, 0);
    }

    /// Puts arguments into the registers of the parameters, in the order of evaluation.
    pub(crate) fn bind_arguments(
        &mut self,
        arguments: &'s Arguments,
        signature: &Signature,
        taken: usize,
        base: Reg,
        range: TextRange,
    ) -> bool {
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
        let mut filled = vec![false; signature.params.len()];
        filled.iter_mut().take(taken).for_each(|slot| *slot = true);
        for (index, argument) in arguments.args.iter().enumerate() {
            filled[index + taken] = true;
            self.expr_to(argument, base + (index + taken) as u16);
        }
        let mut good = true;
        for keyword in &arguments.keywords {
            good &= self.bind_keyword(keyword, signature, taken, base, &mut filled);
        }
        let complete = self.bind_defaults(signature, base, &filled, range);
        good && complete
    }

    /// Puts a keyword's value into the register of its parameter.
    fn bind_keyword(
        &mut self,
        keyword: &'s Keyword,
        signature: &Signature,
        taken: usize,
        base: Reg,
        filled: &mut [bool],
    ) -> bool {
        let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
        let found = signature.params.iter().position(|(param, _)| param == name);
        let (message, help) = match found.filter(|index| *index >= signature.positional_only) {
            Some(index) if !filled[index] => {
                filled[index] = true;
                self.expr_to(&keyword.value, base + index as u16);
                return true;
            }
            Some(_) => (
                format!("{}() gets `{name}` twice", signature.name),
                "give it once".to_string(),
            ),
            None => {
                let params = signature.params.iter().skip(taken);
                let known: Vec<&str> = params.map(|(name, _)| name.as_str()).collect();
                (
                    format!("{}() has no parameter `{name}`", signature.name),
                    format!("its parameters are: {}", known.join(", ")),
                )
            }
        };
        self.error(keyword.range(), "call.arguments", message, help);
        false
    }

    /// Puts defaults into the registers of the parameters that no argument filled.
    fn bind_defaults(
        &mut self,
        signature: &Signature,
        base: Reg,
        filled: &[bool],
        range: TextRange,
    ) -> bool {
        let mut good = true;
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
}

pub(crate) fn has_star(arguments: &Arguments) -> bool {
    arguments
        .args
        .iter()
        .any(|argument| matches!(argument, Expr::Starred(_)))
        || arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.is_none())
}

pub(crate) fn only_generator(arguments: &Arguments) -> Option<&ast::ExprGenerator> {
    match (&*arguments.args, arguments.keywords.as_slice()) {
        ([Expr::Generator(generator)], []) => Some(generator),
        _ => None,
    }
}

/// Whether plain arguments fit a function's parameters: a script finds out when it runs.
pub(crate) fn fits(arguments: &Arguments, signature: &Signature) -> bool {
    let given = arguments.args.len();
    let mut filled: Vec<bool> = (0..signature.params.len()).map(|at| at < given).collect();
    let named = arguments.keywords.iter().all(|keyword| {
        let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
        let place = signature.params.iter().position(|(param, _)| param == name);
        match place.filter(|place| *place >= signature.positional_only && !filled[*place]) {
            Some(place) => {
                filled[place] = true;
                true
            }
            None => false,
        }
    });
    let complete = signature
        .params
        .iter()
        .zip(&filled)
        .all(|((_, default), filled)| *filled || default.is_some());
    given <= signature.positional && named && complete
}
