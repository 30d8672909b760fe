//! Expressions.

use ruff_python_ast::{self as ast, Expr, UnaryOp};
use ruff_text_size::{Ranged, TextRange};

use super::flow::Checker;
use super::scope::Scope;
use super::ty::Ty;

impl<'s> Checker<'s> {
    /// The type of an expression; reports what is wrong in it.
    pub(crate) fn expr(&mut self, expr: &'s Expr) -> Ty {
        match expr {
            Expr::Name(name) => self.name(name.id.as_str()),
            Expr::NumberLiteral(_) => Ty::Int,
            Expr::BooleanLiteral(_) => Ty::Bool,
            Expr::NoneLiteral(_) => Ty::None,
            Expr::StringLiteral(_) => Ty::Str,
            Expr::BytesLiteral(_) => Ty::Bytes,
            Expr::FString(string) => self.fstring(string),
            Expr::BinOp(binary) => self.binary(binary),
            Expr::UnaryOp(unary) => self.unary(unary),
            Expr::BoolOp(boolean) => self.bool_op(boolean),
            Expr::Compare(compare) => self.compare(compare),
            Expr::If(choice) => self.choice(choice),
            Expr::Call(call) => self.call(call),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::List(list) => Ty::List(Box::new(self.display(&list.elts))),
            Expr::Set(set) => {
                set.elts.iter().for_each(|item| self.hashable(item));
                Ty::Set(Box::new(self.display(&set.elts)))
            }
            Expr::Tuple(tuple) => self.tuple(tuple),
            Expr::Dict(dict) => self.dict(dict),
            Expr::ListComp(comp) => self.comprehension(&comp.generators, true, &mut |c| {
                Ty::List(Box::new(c.expr(&comp.elt)))
            }),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, false, &mut |c| {
                Ty::Set(Box::new(c.expr(&comp.elt)))
            }),
            Expr::Generator(comp) => self.comprehension(&comp.generators, false, &mut |c| {
                Ty::Iter(Box::new(c.expr(&comp.elt)))
            }),
            Expr::DictComp(comp) => self.comprehension(&comp.generators, true, &mut |c| {
                let key = comp.key.as_deref().map_or(Ty::Unknown, |key| c.expr(key));
                Ty::Dict(Box::new(key), Box::new(c.expr(&comp.value)))
            }),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Named(named) => {
                let value = self.expr(&named.value);
                self.assign(&named.target, value.clone(), Some(&named.value));
                value
            }
            Expr::Starred(starred) => {
                self.expr(&starred.value);
                Ty::Unknown
            }
            Expr::Slice(slice) => {
                for part in [&slice.lower, &slice.upper, &slice.step]
                    .into_iter()
                    .flatten()
                {
                    let ty = self.expr(part);
                    if !ty.fits(&Ty::union([Ty::Int, Ty::None]), false, &self.module) {
                        let message = format!("a slice is made of int, not {}", self.shown(&ty));
                        self.report(part.range(), "type.subscript", message, "write items[1:3]");
                    }
                }
                Ty::Unknown
            }
            _ => Ty::Unknown,
        }
    }

    fn display(&mut self, items: &'s [Expr]) -> Ty {
        let mut types = Vec::new();
        for item in items {
            types.push(match item {
                Expr::Starred(starred) => {
                    let value = self.expr(&starred.value);
                    self.iterate(&starred.value, &value, "unpacked")
                }
                one => self.expr(one),
            });
        }
        Ty::union(types)
    }

    fn tuple(&mut self, tuple: &'s ast::ExprTuple) -> Ty {
        if tuple.elts.iter().any(Expr::is_starred_expr) {
            return Ty::TupleOf(Box::new(self.display(&tuple.elts)));
        }
        Ty::Tuple(tuple.elts.iter().map(|item| self.expr(item)).collect())
    }

    fn dict(&mut self, dict: &'s ast::ExprDict) -> Ty {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for item in &dict.items {
            let value = self.expr(&item.value);
            match &item.key {
                Some(key) => {
                    keys.push(self.expr(key));
                    self.hashable(key);
                    values.push(value);
                }
                None => match value {
                    Ty::Dict(key, value) => {
                        keys.push(*key);
                        values.push(*value);
                    }
                    _ => {
                        keys.push(Ty::Unknown);
                        values.push(Ty::Unknown);
                    }
                },
            }
        }
        Ty::Dict(Box::new(Ty::union(keys)), Box::new(Ty::union(values)))
    }

    /// Reports a display or comprehension that stands where only what can be hashed may.
    fn hashable(&mut self, key: &'s Expr) {
        let kind = match key {
            Expr::List(_) | Expr::ListComp(_) => "a list",
            Expr::Dict(_) | Expr::DictComp(_) => "a dict",
            Expr::Set(_) | Expr::SetComp(_) => "a set",
            Expr::Tuple(tuple) => return tuple.elts.iter().for_each(|item| self.hashable(item)),
            Expr::Name(name) => match self.name(name.id.as_str()) {
                Ty::List(_) => "a list",
                Ty::Dict(..) => "a dict",
                Ty::Set(_) => return,
                _ => return,
            },
            _ => return,
        };
        let message =
            format!("{kind} can change, so it is no key of a dict and no element of a set");
        self.report(key.range(), "type.unhashable", message, "write a tuple");
    }

    fn unary(&mut self, unary: &'s ast::ExprUnaryOp) -> Ty {
        let operand = self.expr(&unary.operand);
        if unary.op == UnaryOp::Not {
            return Ty::Bool;
        }
        let found = operand.filter(|one| {
            one.is_open()
                || one.is_number()
                || (matches!(one, Ty::Decimal(_)) && unary.op != UnaryOp::Invert)
        });
        if found == Ty::Never && operand != Ty::Never {
            let message = format!(
                "`{}` does not take {}",
                unary.op.as_str(),
                self.shown(&operand)
            );
            self.report(unary.range(), "type.operand", message, "it takes numbers");
            return Ty::Unknown;
        }
        if operand.may_be_absent() {
            self.may_be_none(unary.range(), "used");
        }
        if found.is_number() {
            Ty::Int
        } else {
            found
        }
    }

    fn bool_op(&mut self, boolean: &'s ast::ExprBoolOp) -> Ty {
        let before = self.scope.env.clone();
        let mut types = Vec::new();
        let last = boolean.values.len().saturating_sub(1);
        for (index, value) in boolean.values.iter().enumerate() {
            let ty = self.expr(value);
            types.push(match ty {
                ty if index == last => ty,
                // What is passed on is what decided: something true of `or`.
                ty if boolean.op.is_or() => ty.without_none(),
                ty => ty,
            });
            if index < last {
                self.narrow(value, boolean.op.is_and());
            }
        }
        self.after_condition(before);
        Ty::union(types)
    }

    /// Back to what was known before a part that may not have run; names it assigned are unsure.
    fn after_condition(&mut self, before: super::scope::Env) {
        let after = std::mem::replace(&mut self.scope.env, before);
        for (name, ty) in after.vars {
            if !name.contains('.') && !self.scope.env.vars.contains_key(&name) {
                self.scope.env.vars.insert(name, ty);
            } else if self.scope.uses.walrus.contains(name.as_str()) {
                self.scope.env.set(&name, ty);
            }
        }
    }

    fn choice(&mut self, choice: &'s ast::ExprIf) -> Ty {
        self.expr(&choice.test);
        let before = self.scope.env.clone();
        self.narrow(&choice.test, true);
        let unreached = self.scope.env.dead;
        let first = self.expr(&choice.body);
        self.scope.env = before.clone();
        self.narrow(&choice.test, false);
        let never = self.scope.env.dead;
        let second = self.expr(&choice.orelse);
        self.after_condition(before);
        match (unreached, never) {
            (true, false) => second,
            (false, true) => first,
            _ => Ty::union([first, second]),
        }
    }

    fn comprehension(
        &mut self,
        generators: &'s [ast::Comprehension],
        ordered: bool,
        element: &mut dyn FnMut(&mut Self) -> Ty,
    ) -> Ty {
        let before = self.scope.env.clone();
        for generator in generators {
            let over = self.expr(&generator.iter);
            let items = self.iterate(&generator.iter, &over, "iterated over");
            if ordered {
                self.refuse_set_order(&generator.iter, &over);
            }
            self.assign_in_comprehension(&generator.target, items);
            for condition in &generator.ifs {
                self.expr(condition);
                self.narrow(condition, true);
            }
        }
        let found = element(self);
        self.after_condition(before);
        found
    }

    /// The targets of a comprehension are names of its own: declarations around it do not count.
    fn assign_in_comprehension(&mut self, target: &'s Expr, items: Ty) {
        let declared = std::mem::take(&mut self.scope.declared);
        self.assign(target, items, None);
        self.scope.declared = declared;
    }

    fn lambda(&mut self, lambda: &'s ast::ExprLambda) -> Ty {
        let mut scope = Scope {
            outer: self.captured(),
            ..Scope::default()
        };
        scope.this.clone_from(&self.scope.this);
        scope.view = self.scope.view;
        scope.caught.push(vec!["Exception".to_string()]);
        if let Some(parameters) = &lambda.parameters {
            for parameter in parameters.iter() {
                scope.env.set(parameter.name().as_str(), Ty::Unknown);
            }
        }
        let outer = std::mem::replace(&mut self.scope, scope);
        self.expr(&lambda.body);
        self.scope = outer;
        Ty::Callable
    }

    /// The items of what is iterated over; reports what cannot be.
    pub(crate) fn iterate(&mut self, expr: &'s Expr, ty: &Ty, done: &str) -> Ty {
        if let Some(items) = ty.items(&self.module) {
            if ty.may_be_absent() {
                self.may_be_none(expr.range(), done);
            }
            return items;
        }
        let help = match ty {
            Ty::Table(_) => "write self.items.scan(limit=100)",
            Ty::Int => "write range(n)",
            _ => "iterate over a list, tuple, dict, text or range",
        };
        let message = format!("{} cannot be {done}", self.shown(ty));
        self.report(expr.range(), "type.iteration", message, help);
        Ty::Unknown
    }

    /// Loops that see the order of a set's elements are refused when they run.
    pub(crate) fn refuse_set_order(&mut self, expr: &'s Expr, ty: &Ty) {
        if matches!(ty, Ty::Set(_) | Ty::Frozen(_)) {
            self.report(
                expr.range(),
                "type.set_order",
                "the order of a set is arbitrary, so that no loop runs over one",
                "write sorted(the_set)",
            );
        }
    }

    /// A warning: None is possible here by a declaration, and nothing asked for it.
    pub(crate) fn may_be_none(&mut self, at: TextRange, done: &str) {
        let message = format!("this may be None where it is {done}");
        self.report(
            at,
            "type.none",
            message,
            "ask first: require(x is not None, \"code\", \"message\")",
        );
    }
}
