//! What a test tells about types.

use ruff_python_ast::{self as ast, CmpOp, Expr, Pattern, UnaryOp};

use super::declare::Kind;
use super::flow::Checker;
use super::ty::{Classes, Ty};

impl<'s> Checker<'s> {
    /// Takes in that a test came out as `truth`.
    pub(crate) fn narrow(&mut self, test: &'s Expr, truth: bool) {
        match test {
            Expr::BooleanLiteral(literal) => self.scope.env.dead |= literal.value != truth,
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => self.narrow(&unary.operand, !truth),
            Expr::BoolOp(boolean) => self.narrow_bool(boolean, truth),
            Expr::Compare(compare) => self.narrow_compare(compare, truth),
            Expr::Call(call) => self.narrow_call(call, truth),
            Expr::Name(_) | Expr::Attribute(_) => self.narrow_truth(test, truth),
            Expr::Named(named) => self.narrow_truth(&named.target, truth),
            _ => {
                if let Some(number) = super::declare::integer(test) {
                    self.scope.env.dead |= (number != 0) != truth;
                }
            }
        }
    }

    fn narrow_bool(&mut self, boolean: &'s ast::ExprBoolOp, truth: bool) {
        if boolean.op.is_and() == truth {
            boolean
                .values
                .iter()
                .for_each(|value| self.narrow(value, truth));
            return;
        }
        // One of the parts decided: what each would tell is joined.
        let mut decided = super::scope::Env::unreached();
        for value in &boolean.values {
            let before = self.scope.env.clone();
            self.narrow(value, truth);
            decided = decided.join(std::mem::replace(&mut self.scope.env, before));
            self.narrow(value, !truth);
        }
        self.scope.env = decided;
    }

    /// Keeps the alternatives of a name or path that `keep` keeps.
    fn keep(&mut self, expr: &Expr, keep: impl Fn(&Ty) -> bool) {
        let Some(path) = self.path(expr) else { return };
        let Some(known) = self.known(expr, &path) else {
            return;
        };
        let kept = known.filter(keep);
        if kept == Ty::Never && known != Ty::Never {
            self.scope.env.dead = true;
        } else if kept != known {
            self.replace(&path, kept);
        }
    }

    fn replace(&mut self, path: &str, ty: Ty) {
        self.scope.env.vars.insert(path.to_string(), ty);
    }

    fn known(&mut self, expr: &Expr, path: &str) -> Option<Ty> {
        if let Some(ty) = self.scope.env.vars.get(path) {
            return Some(ty.clone());
        }
        match expr {
            Expr::Attribute(attribute) => {
                let inner = self.path(&attribute.value)?;
                let owner = self.known(&attribute.value, &inner)?;
                self.plain_attribute(&owner, attribute.attr.as_str())
            }
            Expr::Name(name) => Some(self.name(name.id.as_str())),
            _ => None,
        }
    }

    fn narrow_truth(&mut self, expr: &'s Expr, truth: bool) {
        if truth {
            self.keep(expr, |ty| !ty.is_none());
        } else {
            self.keep(expr, |ty| {
                !matches!(
                    ty,
                    Ty::Inst(_) | Ty::Func(..) | Ty::Table(_) | Ty::Contract | Ty::Exc
                )
            });
        }
    }

    fn narrow_compare(&mut self, compare: &'s ast::ExprCompare, truth: bool) {
        let ([op], [right]) = (&*compare.ops, &*compare.comparators) else {
            return;
        };
        let left: &'s Expr = &compare.left;
        match op {
            CmpOp::Is | CmpOp::Eq if right.is_none_literal_expr() => {
                self.keep(left, |ty| ty.is_none() == truth);
            }
            CmpOp::IsNot | CmpOp::NotEq if right.is_none_literal_expr() => {
                self.keep(left, |ty| ty.is_none() != truth);
            }
            CmpOp::Eq if truth && is_value(right) => self.keep(left, |ty| !ty.is_none()),
            CmpOp::NotEq if !truth && is_value(right) => self.keep(left, |ty| !ty.is_none()),
            CmpOp::Eq | CmpOp::Is | CmpOp::In | CmpOp::NotEq | CmpOp::IsNot | CmpOp::NotIn => {
                self.forget_type_test(left);
                if matches!(op, CmpOp::Eq | CmpOp::In) && truth {
                    self.forget_none(left);
                    self.forget_none(right);
                }
            }
            _ => {}
        }
    }

    /// `type(x) is T` tells more than is followed here.
    fn forget_type_test(&mut self, left: &'s Expr) {
        let Expr::Call(call) = left else { return };
        if let (Expr::Name(name), Some(value)) = (&*call.func, call.arguments.args.first()) {
            if name.id.as_str() == "type" {
                if let Some(path) = self.path(value) {
                    self.replace(&path, Ty::Unknown);
                }
            }
        }
    }

    /// Equal to something: it may still be None, but not for certain.
    fn forget_none(&mut self, expr: &'s Expr) {
        if let Some(path) = self.path(expr) {
            if let Some(known) = self.known(expr, &path) {
                if known.may_be_absent() {
                    self.replace(&path, known.without_none());
                }
            }
        }
    }

    fn narrow_call(&mut self, call: &'s ast::ExprCall, truth: bool) {
        let Expr::Name(function) = &*call.func else {
            return;
        };
        let Some(value) = call.arguments.args.first() else {
            return;
        };
        match (function.id.as_str(), call.arguments.args.get(1)) {
            ("isinstance", Some(classes)) => self.narrow_instance(value, classes, truth),
            ("callable" | "issubclass", _) => {
                if let Some(path) = self.path(value) {
                    self.replace(&path, Ty::Unknown);
                }
            }
            _ => {}
        }
    }

    fn narrow_instance(&mut self, value: &'s Expr, classes: &'s Expr, truth: bool) {
        let Some(path) = self.path(value) else { return };
        let Some(known) = self.known(value, &path) else {
            return;
        };
        let Some(asked) = self.asked(classes) else {
            return self.replace(&path, Ty::Unknown);
        };
        let module = &self.module;
        if truth {
            let found = if known.is_open() {
                Ty::union(asked)
            } else {
                let kept =
                    known.filter(|one| asked.iter().any(|class| one.fits(class, false, module)));
                // An instance of a class below the declared one.
                let below = asked
                    .iter()
                    .filter(|class| class.fits(&known, false, module));
                Ty::union(std::iter::once(kept).chain(below.cloned()))
            };
            self.scope.env.dead |= found == Ty::Never;
            self.replace(&path, found);
        } else if !known.is_open() {
            let rest =
                known.filter(|one| !asked.iter().any(|class| one.fits(class, false, module)));
            self.scope.env.dead |= rest == Ty::Never;
            self.replace(&path, rest);
        }
    }

    /// The types that `isinstance` asks for; nothing where one is not known.
    fn asked(&self, classes: &Expr) -> Option<Vec<Ty>> {
        match classes {
            Expr::Tuple(tuple) => {
                let each = tuple.elts.iter().map(|class| self.asked(class));
                Some(each.collect::<Option<Vec<_>>>()?.concat())
            }
            Expr::Name(_) | Expr::NoneLiteral(_) | Expr::BinOp(_) => {
                match self.module.annotation(classes) {
                    Ty::Unknown => None,
                    Ty::Union(choices) => Some(choices),
                    one => Some(vec![one]),
                }
            }
            _ => None,
        }
    }

    /// Binds the names of a pattern; gives the alternatives of the subject that it matches.
    pub(crate) fn pattern(&mut self, pattern: &'s Pattern, subject: &Ty, path: Option<&str>) -> Ty {
        let matched = match pattern {
            Pattern::MatchSingleton(single) => match single.value {
                ast::Singleton::None => subject.filter(Ty::is_none),
                _ => Ty::Unknown,
            },
            Pattern::MatchClass(class) => self.class_pattern(class, subject),
            Pattern::MatchValue(value) => {
                self.expr(&value.value);
                subject.without_none()
            }
            Pattern::MatchAs(inner) => {
                let matched = match &inner.pattern {
                    Some(pattern) => self.pattern(pattern, subject, None),
                    None => subject.clone(),
                };
                if let Some(name) = &inner.name {
                    self.scope.env.set(name.as_str(), matched.clone());
                }
                matched
            }
            other => {
                super::classes::captures(other, &mut |name| self.scope.env.set(name, Ty::Unknown));
                Ty::Unknown
            }
        };
        if let (Some(path), true) = (path, matched != Ty::Never) {
            self.scope.env.set(path, matched.clone());
        }
        matched
    }

    fn class_pattern(&mut self, class: &'s ast::PatternMatchClass, subject: &Ty) -> Ty {
        for pattern in &class.arguments.patterns {
            self.pattern(pattern, &Ty::Unknown, None);
        }
        for keyword in &class.arguments.keywords {
            self.pattern(&keyword.pattern, &Ty::Unknown, None);
        }
        match self.asked(&class.cls) {
            Some(asked) if !subject.is_open() => {
                let kept = subject.filter(|one| {
                    asked
                        .iter()
                        .any(|class| one.fits(class, false, &self.module))
                });
                if kept == Ty::Never {
                    Ty::Unknown
                } else {
                    kept
                }
            }
            Some(asked) => Ty::union(asked),
            None => Ty::Unknown,
        }
    }

    /// What the subject may still be after a pattern did not match.
    pub(crate) fn after_pattern(
        &self,
        pattern: &'s Pattern,
        subject: Ty,
        covered: &mut Vec<String>,
    ) -> Ty {
        match pattern {
            Pattern::MatchAs(inner) => match &inner.pattern {
                None => Ty::Never,
                Some(inner) => self.after_pattern(inner, subject, covered),
            },
            Pattern::MatchSingleton(single) if single.value == ast::Singleton::None => {
                subject.without_none()
            }
            Pattern::MatchClass(class)
                if class.arguments.patterns.is_empty() && class.arguments.keywords.is_empty() =>
            {
                match self.asked(&class.cls) {
                    Some(asked) => subject.filter(|one| {
                        !asked
                            .iter()
                            .any(|class| one.fits(class, true, &self.module))
                    }),
                    None => subject,
                }
            }
            Pattern::MatchOr(either) => either.patterns.iter().fold(subject, |rest, pattern| {
                self.after_pattern(pattern, rest, covered)
            }),
            Pattern::MatchValue(value) => {
                if let Expr::Attribute(member) = &*value.value {
                    covered.push(member.attr.to_string());
                }
                match subject {
                    Ty::Inst(class) if self.is_covered(class, covered) => Ty::Never,
                    other => other,
                }
            }
            _ => subject,
        }
    }

    fn is_covered(&self, class: usize, covered: &[String]) -> bool {
        let info = &self.module.classes[class];
        info.kind == Kind::Enum
            && self.module.is_enum(class)
            && info.members.iter().all(|member| covered.contains(member))
    }
}

/// Whether an expression is a value that is not None.
fn is_value(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Dict(_)
            | Expr::FString(_)
    )
}
