//! Operators and comparisons.

use ruff_python_ast::{self as ast, CmpOp, Expr, Operator};
use ruff_text_size::{Ranged, TextRange};

use super::declare::integer;
use super::flow::Checker;
use super::ty::{Classes, Ty};

impl<'s> Checker<'s> {
    pub(crate) fn binary(&mut self, binary: &'s ast::ExprBinOp) -> Ty {
        let left = self.expr(&binary.left);
        let right = self.expr(&binary.right);
        if matches!(
            (&*binary.left, binary.op),
            (Expr::StringLiteral(_), Operator::Mod)
        ) {
            self.percent(binary, &right);
            return Ty::Str;
        }
        self.division(binary.op, &binary.right, &left);
        self.operate(binary.range(), binary.op, &left, &right)
    }

    pub(crate) fn in_place(&mut self, assign: &'s ast::StmtAugAssign, left: &Ty, right: &Ty) -> Ty {
        self.division(assign.op, &assign.value, left);
        if matches!(left, Ty::List(_)) && assign.op == Operator::Add {
            // `items += iterable` takes any iterable.
            self.iterate(&assign.value, right, "added to a list");
            return left.clone();
        }
        if matches!(left, Ty::Set(_) | Ty::Dict(..)) {
            return left.clone();
        }
        self.operate(assign.range(), assign.op, left, right)
    }

    fn division(&mut self, op: Operator, right: &'s Expr, left: &Ty) {
        if matches!(op, Operator::FloorDiv | Operator::Mod)
            && integer(right) == Some(0)
            && left.is_number()
        {
            self.report(
                right.range(),
                "number.zero_division",
                "this divides by zero",
                "divide by something else",
            );
        }
    }

    fn operate(&mut self, at: TextRange, op: Operator, left: &Ty, right: &Ty) -> Ty {
        if left.is_open() || right.is_open() {
            return Ty::Unknown;
        }
        let mut found = Vec::new();
        let mut absent = false;
        for a in left.choices() {
            for b in right.choices() {
                match operation(op, a, b) {
                    Some(ty) => found.push(ty),
                    None => absent |= *a == Ty::Absent || *b == Ty::Absent,
                }
            }
        }
        if found.is_empty() {
            let message = format!(
                "`{}` does not take {} and {}",
                op.as_str(),
                self.shown(left),
                self.shown(right)
            );
            self.report(at, "type.operand", message, conversion(left, right));
            return Ty::Unknown;
        }
        if absent {
            self.may_be_none(at, "used");
        }
        Ty::union(found)
    }

    pub(crate) fn compare(&mut self, compare: &'s ast::ExprCompare) -> Ty {
        let mut left = self.expr(&compare.left);
        for (op, expr) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.expr(expr);
            self.comparison(compare.range(), *op, &left, &right, expr);
            left = right;
        }
        Ty::Bool
    }

    fn comparison(&mut self, at: TextRange, op: CmpOp, left: &Ty, right: &Ty, expr: &'s Expr) {
        match op {
            CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => {
                let possible = |a: &Ty, b: &Ty| self.ordered(a, b);
                let (mut any, mut absent) = (false, false);
                for a in left.choices() {
                    for b in right.choices() {
                        if possible(a, b) {
                            any = true;
                        } else {
                            absent |= *a == Ty::Absent || *b == Ty::Absent;
                        }
                    }
                }
                if !any {
                    let message = format!(
                        "{} and {} have no order: `{}` raises",
                        self.shown(left),
                        self.shown(right),
                        op.as_str()
                    );
                    self.report(at, "type.operand", message, conversion(left, right));
                } else if absent {
                    self.may_be_none(at, "compared");
                }
            }
            CmpOp::In | CmpOp::NotIn => self.membership(at, left, right, expr),
            _ => {}
        }
    }

    fn membership(&mut self, at: TextRange, left: &Ty, right: &Ty, expr: &'s Expr) {
        match right {
            Ty::Table(table) => self.table_key(*table, left, at),
            Ty::Str if !left.fits(&Ty::Str, false, &self.module) => {
                let message = format!(
                    "a text holds texts: `in` does not take {}",
                    self.shown(left)
                );
                self.report(at, "type.operand", message, "convert it with str()");
            }
            Ty::Class(_) | Ty::Exc => {}
            _ => {
                self.iterate(expr, right, "searched");
            }
        }
    }

    /// Whether `<` may work.
    fn ordered(&self, a: &Ty, b: &Ty) -> bool {
        match (a, b) {
            (a, b) if a.is_open() || b.is_open() => true,
            (Ty::Int | Ty::Bool, Ty::Int | Ty::Bool) => true,
            (Ty::Str, Ty::Str) | (Ty::Bytes, Ty::Bytes) => true,
            (Ty::Decimal(a), Ty::Decimal(b)) => a == b,
            (Ty::List(_), Ty::List(_)) => true,
            (Ty::Tuple(_) | Ty::TupleOf(_), Ty::Tuple(_) | Ty::TupleOf(_)) => true,
            (
                Ty::Set(_) | Ty::Frozen(_) | Ty::Iter(_),
                Ty::Set(_) | Ty::Frozen(_) | Ty::Iter(_),
            ) => true,
            // Methods of a class are not followed.
            (Ty::Inst(a), _) | (_, Ty::Inst(a)) => !self.module.is_plain(*a),
            _ => false,
        }
    }

    pub(crate) fn addable(&self, a: &Ty, b: &Ty) -> bool {
        a.is_open()
            || b.is_open()
            || a.choices().iter().any(|a| {
                b.choices()
                    .iter()
                    .any(|b| operation(Operator::Add, a, b).is_some())
            })
    }
}

impl super::declare::Module {
    /// Whether all is known of a class, so that it has no operators.
    pub(crate) fn is_plain(&self, class: usize) -> bool {
        self.classes[class].kind != super::declare::Kind::Other
            && !self.class_name(class).is_empty()
    }
}

fn conversion(left: &Ty, right: &Ty) -> &'static str {
    let is = |wanted: &Ty| left == wanted || right == wanted;
    if left.is_none() || right.is_none() {
        "test for None first"
    } else if is(&Ty::Str) && (is(&Ty::Int) || is(&Ty::Bool)) {
        "convert one of them: str(n), int(text), or write an f-string"
    } else if matches!((left, right), (Ty::Decimal(_), _) | (_, Ty::Decimal(_))) {
        "decimals take decimals of the same scale, and `*` an int"
    } else {
        "bring both to one type"
    }
}

/// The result of an operator on two types; nothing where it raises.
fn operation(op: Operator, a: &Ty, b: &Ty) -> Option<Ty> {
    if a.is_open() || b.is_open() {
        return Some(Ty::Unknown);
    }
    if a.is_number() && b.is_number() {
        let logic = matches!(op, Operator::BitAnd | Operator::BitOr | Operator::BitXor);
        let both = *a == Ty::Bool && *b == Ty::Bool;
        return Some(if logic && both { Ty::Bool } else { Ty::Int });
    }
    match op {
        Operator::Add => added(a, b),
        Operator::Mult => match (a, b) {
            (Ty::Decimal(scale), Ty::Int | Ty::Bool) | (Ty::Int | Ty::Bool, Ty::Decimal(scale)) => {
                Some(Ty::Decimal(*scale))
            }
            (sequence, Ty::Int | Ty::Bool) | (Ty::Int | Ty::Bool, sequence) => repeated(sequence),
            _ => None,
        },
        Operator::Sub => match (a, b) {
            (Ty::Decimal(a), Ty::Decimal(b)) if a == b => Some(Ty::Decimal(*a)),
            _ => sets(a, b),
        },
        Operator::BitAnd | Operator::BitXor => sets(a, b),
        Operator::BitOr => match (a, b) {
            (Ty::Dict(a, b), Ty::Dict(c, d)) => Some(Ty::Dict(
                Box::new(Ty::union([(**a).clone(), (**c).clone()])),
                Box::new(Ty::union([(**b).clone(), (**d).clone()])),
            )),
            (Ty::Class(_) | Ty::Type | Ty::Func(..) | Ty::None, _)
            | (_, Ty::Class(_) | Ty::Type | Ty::Func(..)) => Some(Ty::Unknown),
            _ => sets(a, b),
        },
        Operator::Mod if matches!(a, Ty::Str) => Some(Ty::Str),
        Operator::Mod if matches!(a, Ty::Bytes) => Some(Ty::Bytes),
        // Not part of the language; the compiler tells.
        Operator::Div | Operator::MatMult => Some(Ty::Unknown),
        _ => None,
    }
}

fn added(a: &Ty, b: &Ty) -> Option<Ty> {
    match (a, b) {
        (Ty::Str, Ty::Str) => Some(Ty::Str),
        (Ty::Bytes, Ty::Bytes) => Some(Ty::Bytes),
        (Ty::List(a), Ty::List(b)) => Some(Ty::List(Box::new(Ty::union([
            (**a).clone(),
            (**b).clone(),
        ])))),
        (Ty::Tuple(a), Ty::Tuple(b)) => Some(Ty::Tuple(a.iter().chain(b).cloned().collect())),
        (Ty::Tuple(_) | Ty::TupleOf(_), Ty::Tuple(_) | Ty::TupleOf(_)) => {
            Some(Ty::TupleOf(Box::new(Ty::Unknown)))
        }
        (Ty::Decimal(a), Ty::Decimal(b)) if a == b => Some(Ty::Decimal(*a)),
        _ => None,
    }
}

fn repeated(sequence: &Ty) -> Option<Ty> {
    match sequence {
        Ty::Str | Ty::Bytes | Ty::List(_) | Ty::TupleOf(_) => Some(sequence.clone()),
        Ty::Tuple(items) => Some(Ty::TupleOf(Box::new(Ty::union(items.iter().cloned())))),
        _ => None,
    }
}

fn sets(a: &Ty, b: &Ty) -> Option<Ty> {
    match (a, b) {
        // Views of dicts are sets, too.
        (Ty::Iter(_), Ty::Set(_) | Ty::Frozen(_) | Ty::Iter(_)) | (_, Ty::Iter(_)) => {
            Some(Ty::Unknown)
        }
        (Ty::Set(a), Ty::Set(b) | Ty::Frozen(b)) => {
            Some(Ty::Set(Box::new(Ty::union([(**a).clone(), (**b).clone()]))))
        }
        (Ty::Frozen(a), Ty::Set(b) | Ty::Frozen(b)) => Some(Ty::Frozen(Box::new(Ty::union([
            (**a).clone(),
            (**b).clone(),
        ])))),
        (Ty::Iter(_), _) => Some(Ty::Unknown),
        _ => None,
    }
}
