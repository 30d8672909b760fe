//! Calls: which arguments go to which parameters, and whether they fit.

use std::sync::Arc;

use ruff_python_ast::{self as ast, Arguments, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::declare::Kind;
use super::flow::Checker;
use super::stubs::STUBS;
use super::ty::{Sig, Ty};

/// Types as values: what they are called with is in the signatures, their attributes are not.
const TYPES: [&str; 9] = [
    "int",
    "str",
    "bytes",
    "bool",
    "list",
    "dict",
    "tuple",
    "set",
    "frozenset",
];

/// An argument: its place, its type.
struct Given<'s> {
    name: Option<&'s str>,
    ty: Ty,
    at: TextRange,
}

/// Why a call does not fit a signature.
struct Misfit {
    at: TextRange,
    code: &'static str,
    message: String,
    help: String,
    /// How much of the call fitted, for choosing among alternatives.
    good: usize,
}

/// What a builtin name means.
pub(crate) fn builtin(name: &str) -> Ty {
    if TYPES.contains(&name) || name == "range" {
        return Ty::Type;
    }
    if crate::error::Exc::from_name(name).is_some() {
        return Ty::Exc;
    }
    match STUBS.functions.get(name) {
        Some(sigs) => Ty::Func(sigs.clone(), Vec::new()),
        None => Ty::Unknown,
    }
}

impl<'s> Checker<'s> {
    pub(crate) fn call(&mut self, call: &'s ast::ExprCall) -> Ty {
        if let Expr::Attribute(method) = &*call.func {
            if let Some(result) = self.call_host(call, method) {
                return result;
            }
        }
        let callee = self.callee(&call.func);
        if let Expr::Name(name) = &*call.func {
            if let Some(result) = self.call_special(call, name.id.as_str(), &callee) {
                return result;
            }
        }
        if let Expr::Attribute(method) = &*call.func {
            self.text_format(call, method);
        }
        self.call_type(call, &callee)
    }

    fn callee(&mut self, func: &'s Expr) -> Ty {
        let ty = self.expr(func);
        match (func, &ty) {
            // A type or exception by its own name: its constructor.
            (Expr::Name(name), Ty::Type | Ty::Exc) => {
                let own = self.module.library(func).unwrap_or(name.id.as_str());
                match STUBS.functions.get(own) {
                    Some(sigs) => Ty::Func(sigs.clone(), Vec::new()),
                    None => ty,
                }
            }
            _ => ty,
        }
    }

    /// Builtins whose result says more than a signature can.
    fn call_special(&mut self, call: &'s ast::ExprCall, name: &str, callee: &Ty) -> Option<Ty> {
        let known = match builtin(name) {
            Ty::Type => STUBS.functions.get(name).cloned(),
            Ty::Func(sigs, _) => Some(sigs),
            _ => None,
        };
        let is_builtin = matches!((callee, known), (Ty::Func(a, _), Some(b)) if Arc::ptr_eq(a, &b));
        if !is_builtin || has_star(&call.arguments) {
            return None;
        }
        let Ty::Func(sigs, bound) = callee else {
            return None;
        };
        let wanted = matches!(
            name,
            "sum" | "list" | "tuple" | "format" | "isinstance" | "Rejected"
        );
        if !wanted {
            return None;
        }
        let given = self.arguments(&call.arguments);
        let result = self.fit_call(call, sigs, bound, &given);
        let first = given.first().map_or(Ty::Unknown, |given| given.ty.clone());
        match (name, &*call.arguments.args) {
            ("sum", [items, ..]) => {
                let start = given.get(1).map_or(Ty::Int, |given| given.ty.clone());
                let item = first.items(&self.module).unwrap_or(Ty::Unknown);
                if !self.addable(&start, &item) {
                    let message = format!(
                        "sum() adds to {}, the items are {}",
                        self.shown(&start),
                        self.shown(&item)
                    );
                    self.report(
                        items.range(),
                        "type.argument",
                        message,
                        "join texts with \"\".join(texts); give a start for other types",
                    );
                }
                Some(
                    if start == item || (start.is_number() && item.is_number()) {
                        start
                    } else {
                        result
                    },
                )
            }
            ("list" | "tuple", [items]) => {
                if !matches!(items, Expr::Generator(_)) {
                    self.refuse_set_order(items, &first);
                }
                Some(result)
            }
            ("format", [_, Expr::StringLiteral(spec)]) => {
                self.format_spec(spec.range(), &first, spec.value.to_str());
                Some(result)
            }
            ("isinstance", _) => Some(Ty::Bool),
            ("Rejected", _) => Some(Ty::Exc),
            _ => Some(result),
        }
    }

    /// A call of a value of a type.
    fn call_type(&mut self, call: &'s ast::ExprCall, callee: &Ty) -> Ty {
        match callee {
            Ty::Func(sigs, bound) => self.call_signatures(call, sigs.clone(), bound.clone()),
            Ty::Class(class) => match self.constructor(*class) {
                Some(sig) => self.call_signatures(call, Arc::new(vec![sig]), Vec::new()),
                None => {
                    self.arguments(&call.arguments);
                    if self.module.classes[*class].kind == Kind::Enum {
                        Ty::Inst(*class)
                    } else {
                        Ty::Unknown
                    }
                }
            },
            Ty::DecimalClass(scale) => {
                let given = self.arguments(&call.arguments);
                if let Some(first) = given.first().filter(|_| !has_star(&call.arguments)) {
                    if !first.ty.fits(&Ty::Str, true, &self.module) {
                        let message = format!(
                            "a decimal is made from text, not from {}",
                            self.shown(&first.ty)
                        );
                        self.report(
                            first.at,
                            "type.argument",
                            message,
                            "write Amount(\"12.34\") or Amount.from_units(1234)",
                        );
                    }
                }
                Ty::Decimal(*scale)
            }
            Ty::Exc => {
                self.arguments(&call.arguments);
                Ty::Exc
            }
            Ty::Unknown | Ty::Never | Ty::Var(_) | Ty::Callable | Ty::Type => {
                self.arguments(&call.arguments);
                Ty::Unknown
            }
            Ty::Union(choices) if choices.iter().any(|one| self.may_call(one)) => {
                self.arguments(&call.arguments);
                if callee.may_be_absent() {
                    self.may_be_none(call.func.range(), "called");
                }
                Ty::Unknown
            }
            other => {
                self.arguments(&call.arguments);
                let message = format!("{} cannot be called", self.shown(other));
                self.report(
                    call.func.range(),
                    "type.call",
                    message,
                    "call a function, a method or a class",
                );
                Ty::Unknown
            }
        }
    }

    fn may_call(&self, ty: &Ty) -> bool {
        ty.is_open() || ty.fits(&Ty::Callable, false, &self.module) || *ty == Ty::Callable
    }

    /// Walks the arguments; gives their types.
    fn arguments(&mut self, arguments: &'s Arguments) -> Vec<Given<'s>> {
        let mut given = Vec::new();
        for argument in &arguments.args {
            let ty = self.expr(argument);
            given.push(Given {
                name: None,
                ty,
                at: argument.range(),
            });
        }
        for keyword in &arguments.keywords {
            let ty = self.expr(&keyword.value);
            let name = keyword.arg.as_ref().map(|name| name.as_str());
            given.push(Given {
                name,
                ty,
                at: keyword.range(),
            });
        }
        given
    }

    fn call_signatures(
        &mut self,
        call: &'s ast::ExprCall,
        sigs: Arc<Vec<Sig>>,
        bound: Vec<(char, Ty)>,
    ) -> Ty {
        let given = self.arguments(&call.arguments);
        self.fit_call(call, &sigs, &bound, &given)
    }

    /// The result of a call whose arguments are known; reports those that fit no alternative.
    fn fit_call(
        &mut self,
        call: &'s ast::ExprCall,
        sigs: &[Sig],
        bound: &[(char, Ty)],
        given: &[Given<'s>],
    ) -> Ty {
        if has_star(&call.arguments) {
            let results = sigs.iter().map(|sig| {
                sig.returns
                    .as_ref()
                    .map_or(Ty::Unknown, |ty| ty.with(bound))
            });
            return Ty::union(results.collect::<Vec<_>>());
        }
        let mut worst: Option<Misfit> = None;
        for sig in sigs.iter() {
            let mut bound = bound.to_vec();
            match self.fit(call, sig, given, &mut bound) {
                Ok(absent) => {
                    if let Some(at) = absent {
                        self.may_be_none(at, "given");
                    }
                    return sig
                        .returns
                        .as_ref()
                        .map_or(Ty::Unknown, |ty| ty.with(&bound));
                }
                Err(why) => {
                    if worst.as_ref().is_none_or(|known| known.good < why.good) {
                        worst = Some(why);
                    }
                }
            }
        }
        if let Some(why) = worst {
            self.report(why.at, why.code, why.message, why.help);
        }
        sigs.first()
            .and_then(|sig| sig.returns.as_ref())
            .map_or(Ty::Unknown, |ty| ty.with(bound))
    }

    /// Whether arguments fit a signature; gives the place of one that may be None and should not.
    fn fit(
        &self,
        call: &'s ast::ExprCall,
        sig: &Sig,
        given: &[Given<'s>],
        bound: &mut Vec<(char, Ty)>,
    ) -> Result<Option<TextRange>, Misfit> {
        let mut filled = vec![false; sig.params.len()];
        let mut absent = None;
        for (index, argument) in given.iter().enumerate() {
            let wrong = |code, message, help| misfit(argument, index, code, message, help);
            let place = place_of(call, sig, argument, index)?;
            let Some(place) = place else { continue };
            if std::mem::replace(&mut filled[place], true) {
                let message = format!("{}() gets `{}` twice", sig.name, sig.params[place].name);
                return Err(wrong("call.arguments", message, "give it once".to_string()));
            }
            let param = &sig.params[place];
            let wanted = if matches!(param.ty, Ty::Var('D')) {
                Ty::Unknown
            } else {
                param.ty.with(bound)
            };
            if !argument.ty.fits(&wanted, sig.strict, &self.module) {
                let message = format!(
                    "`{}` of {}() is {}, not {}",
                    param.name,
                    sig.name,
                    self.shown(&wanted),
                    self.shown(&argument.ty)
                );
                return Err(wrong(
                    "type.argument",
                    message,
                    "give a value of that type".to_string(),
                ));
            }
            if argument.ty.may_be_absent() && !Ty::Absent.fits(&wanted, false, &self.module) {
                absent = absent.or(Some(argument.at));
            }
            param.ty.bind(&argument.ty, bound, &self.module);
        }
        let missing = sig
            .params
            .iter()
            .zip(&filled)
            .find(|(param, filled)| !**filled && !param.optional);
        if let Some((param, _)) = missing {
            return Err(Misfit {
                at: call.range(),
                code: "call.arguments",
                message: format!("{}() needs `{}`", sig.name, param.name),
                help: parameters(sig),
                good: given.len(),
            });
        }
        Ok(absent)
    }
}

fn misfit(
    argument: &Given<'_>,
    index: usize,
    code: &'static str,
    message: String,
    help: String,
) -> Misfit {
    Misfit {
        at: argument.at,
        code,
        message,
        help,
        good: index + usize::from(code == "type.argument"),
    }
}

/// The parameter that an argument is for; nothing where a starred one takes it.
fn place_of(
    call: &ast::ExprCall,
    sig: &Sig,
    argument: &Given<'_>,
    index: usize,
) -> Result<Option<usize>, Misfit> {
    let wrong = |message, help| misfit(argument, index, "call.arguments", message, help);
    match argument.name {
        None if index < sig.positional => Ok(Some(index)),
        None if sig.star.is_some() => Ok(None),
        None => {
            let message = format!(
                "{}() takes {} positional arguments",
                sig.name, sig.positional
            );
            Err(Misfit {
                at: call.range(),
                ..wrong(message, "compare with its parameters".to_string())
            })
        }
        Some(name) => match sig.params.iter().position(|param| param.name == name) {
            Some(place) if place >= sig.positional_only => Ok(Some(place)),
            _ if sig.star_star => Ok(None),
            _ => {
                let message = format!("{}() has no parameter `{name}`", sig.name);
                Err(wrong(message, parameters(sig)))
            }
        },
    }
}

fn parameters(sig: &Sig) -> String {
    let names: Vec<&str> = sig.params.iter().map(|param| param.name.as_str()).collect();
    if names.is_empty() {
        return "it takes none".to_string();
    }
    format!("its parameters are: {}", names.join(", "))
}

pub(crate) fn has_star(arguments: &Arguments) -> bool {
    arguments.args.iter().any(Expr::is_starred_expr)
        || arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.is_none())
}
