//! Constants of the module: evaluated when compiling.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Pow, Signed, ToPrimitive, Zero};
use ruff_python_ast::{Expr, Number, Operator, UnaryOp};
use ruff_text_size::Ranged;

use super::{Compiler, Global};
use crate::builtins::Builtin;
use crate::limits;
use crate::program::Const;

const HELP: &str =
    "build it from literals, earlier constants and arithmetic; compute the rest in a function";

impl<'s> Compiler<'s> {
    /// The value of a constant expression; reports what is none.
    pub(crate) fn evaluate(&mut self, expr: &'s Expr) -> Option<Const> {
        let before = self.reporter.count();
        let value = self.fold(expr, 0);
        if value.is_none() && self.reporter.count() == before && !self.names_broken(expr) {
            self.error(
                expr.range(),
                "language.constant",
                "this is no constant expression",
                HELP,
            );
        }
        value
    }

    /// Whether an expression names something that was reported where it is declared.
    fn names_broken(&self, expr: &'s Expr) -> bool {
        let words = self
            .text_of(expr)
            .split(|c: char| !c.is_alphanumeric() && c != '_');
        words
            .into_iter()
            .any(|word| self.globals.get(word) == Some(&Global::Broken))
    }

    /// The value of a constant expression, or nothing, without a report.
    pub(crate) fn evaluate_quietly(&mut self, expr: &'s Expr) -> Option<Const> {
        self.fold(expr, 0)
    }

    fn fold(&mut self, expr: &'s Expr, level: usize) -> Option<Const> {
        if level > limits::CONST_LEVELS / 2 {
            self.error(
                expr.range(),
                "limit.constant",
                "the constant is nested too deep",
                "flatten it",
            );
            return None;
        }
        let level = level + 1;
        match expr {
            Expr::NoneLiteral(_) => Some(Const::None),
            Expr::BooleanLiteral(literal) => Some(Const::Bool(literal.value)),
            Expr::StringLiteral(literal) => Some(Const::Str(literal.value.to_str().to_string())),
            Expr::BytesLiteral(literal) => Some(Const::Bytes(literal.value.bytes().collect())),
            Expr::NumberLiteral(number) => self.fold_number(number),
            Expr::Tuple(tuple) => Some(Const::Tuple(self.fold_all(&tuple.elts, level)?)),
            Expr::List(list) => Some(Const::List(self.fold_all(&list.elts, level)?)),
            Expr::Set(set) => Some(Const::Set(unique(self.fold_all(&set.elts, level)?)?)),
            Expr::Dict(dict) => self.fold_dict(dict, level),
            Expr::Name(name) => self.fold_name(name),
            Expr::Attribute(attribute) => self.fold_member(attribute),
            Expr::UnaryOp(unary) => {
                let operand = self.fold(&unary.operand, level)?;
                match (unary.op, integer(&operand)) {
                    (UnaryOp::USub, Some(int)) => small(-int),
                    (UnaryOp::UAdd, Some(int)) => small(int),
                    (UnaryOp::Invert, Some(int)) => small(-int - 1),
                    (UnaryOp::Not, _) => match operand {
                        Const::Bool(value) => Some(Const::Bool(!value)),
                        _ => None,
                    },
                    _ => None,
                }
            }
            Expr::BinOp(binary) => {
                let (left, right) = (
                    self.fold(&binary.left, level)?,
                    self.fold(&binary.right, level)?,
                );
                fold_binary(binary.op, left, right)
            }
            Expr::Call(call) => match self.fold_decimal(call) {
                Some(found) => Some(found),
                None => self.fold_call(call, level),
            },
            _ => None,
        }
    }

    fn fold_all(&mut self, items: &'s [Expr], level: usize) -> Option<Vec<Const>> {
        items.iter().map(|item| self.fold(item, level)).collect()
    }

    fn fold_number(&mut self, number: &'s ruff_python_ast::ExprNumberLiteral) -> Option<Const> {
        match &number.value {
            Number::Int(int) => match int.as_i64() {
                Some(value) => Some(Const::Int(value)),
                None => parse_big(self.text_of(number)),
            },
            _ => {
                self.error(
                    number.range(),
                    "language.float",
                    "floats are not part of the language: they round differently between machines",
                    "use int in the smallest unit, for example cents",
                );
                None
            }
        }
    }

    fn fold_dict(&mut self, dict: &'s ruff_python_ast::ExprDict, level: usize) -> Option<Const> {
        let mut entries: Vec<(Const, Const)> = Vec::new();
        for item in &dict.items {
            let key = self.fold(item.key.as_ref()?, level)?;
            let value = self.fold(&item.value, level)?;
            if !hashable(&key) {
                return None;
            }
            match entries.iter_mut().find(|(known, _)| same(known, &key)) {
                Some(known) => known.1 = value,
                None => entries.push((key, value)),
            }
        }
        Some(Const::Dict(entries))
    }

    fn fold_name(&mut self, name: &'s ruff_python_ast::ExprName) -> Option<Const> {
        match self.globals.get(name.id.as_str()).copied() {
            Some(Global::Const(id)) => self.parts.consts.get(usize::from(id)).cloned(),
            Some(Global::Function(id)) => Some(Const::Function(id)),
            Some(Global::Class(id)) => Some(Const::Class(id)),
            Some(Global::Exception(class)) => Some(Const::ExcClass(class)),
            Some(Global::Library(builtin)) => Some(Const::Builtin(builtin.number())),
            Some(_) => None,
            None => self
                .builtin(name.id.as_str())
                .map(|builtin| Const::Builtin(builtin.number())),
        }
    }

    fn fold_member(&mut self, attribute: &'s ruff_python_ast::ExprAttribute) -> Option<Const> {
        let Expr::Name(name) = &*attribute.value else {
            // Status.OPEN.value
            let Const::Enum(class, member) =
                self.fold(&attribute.value, limits::CONST_LEVELS / 2)?
            else {
                return None;
            };
            let (id, value) = self.parts.classes[usize::from(class)]
                .members
                .get(usize::from(member))?;
            return match attribute.attr.as_str() {
                "value" => Some(value.clone()),
                "name" => Some(Const::Str(self.parts.names[usize::from(*id)].clone())),
                _ => None,
            };
        };
        let Some(Global::Class(class)) = self.globals.get(name.id.as_str()).copied() else {
            return None;
        };
        let id = self.name(attribute.attr.as_str());
        let members = &self.parts.classes[usize::from(class)].members;
        let member = members.iter().position(|(member, _)| *member == id)?;
        Some(Const::Enum(class, member as u16))
    }

    fn fold_call(&mut self, call: &'s ruff_python_ast::ExprCall, level: usize) -> Option<Const> {
        let Expr::Name(name) = &*call.func else {
            return None;
        };
        if !call.arguments.keywords.is_empty() || self.globals.contains_key(name.id.as_str()) {
            return None;
        }
        let mut arguments = self.fold_all(&call.arguments.args, level)?;
        let builtin = Builtin::from_name(name.id.as_str())?;
        if builtin == Builtin::Range {
            let ints: Option<Vec<i64>> = arguments
                .iter()
                .map(|argument| match argument {
                    Const::Int(value) => Some(*value),
                    _ => None,
                })
                .collect();
            return match ints?.as_slice() {
                [stop] => Some(Const::Range(0, *stop, 1)),
                [start, stop] => Some(Const::Range(*start, *stop, 1)),
                [start, stop, step] if *step != 0 => Some(Const::Range(*start, *stop, *step)),
                _ => None,
            };
        }
        let items = match (arguments.pop(), arguments.is_empty()) {
            (None, _) => Vec::new(),
            (Some(Const::Tuple(items) | Const::List(items)), true) => items,
            (Some(Const::Set(items) | Const::Frozenset(items)), true)
                if matches!(builtin, Builtin::Set | Builtin::Frozenset) =>
            {
                items
            }
            _ => return None,
        };
        match builtin {
            Builtin::Frozenset => Some(Const::Frozenset(unique(items)?)),
            Builtin::Set => Some(Const::Set(unique(items)?)),
            Builtin::Tuple => Some(Const::Tuple(items)),
            Builtin::List => Some(Const::List(items)),
            Builtin::Dict if items.is_empty() => Some(Const::Dict(Vec::new())),
            _ => None,
        }
    }
}

fn unique(items: Vec<Const>) -> Option<Vec<Const>> {
    let mut found: Vec<Const> = Vec::new();
    for item in items {
        if !hashable(&item) {
            return None;
        }
        if !found.iter().any(|known| same(known, &item)) {
            found.push(item);
        }
    }
    Some(found)
}

/// Equality as Python has it: `True == 1`.
fn same(a: &Const, b: &Const) -> bool {
    match (a, b) {
        (Const::Bool(x), Const::Int(y)) | (Const::Int(y), Const::Bool(x)) => i64::from(*x) == *y,
        (Const::Tuple(x), Const::Tuple(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

pub(crate) fn hashable(value: &Const) -> bool {
    match value {
        Const::List(_) | Const::Dict(_) | Const::Set(_) => false,
        Const::Tuple(items) => items.iter().all(hashable),
        Const::Record(_, fields) => fields.iter().all(hashable),
        _ => true,
    }
}

/// Whether a value can change: such a default would be shared between calls.
pub(crate) fn mutable(value: &Const) -> bool {
    match value {
        Const::List(_) | Const::Dict(_) | Const::Set(_) => true,
        Const::Tuple(items) | Const::Record(_, items) => items.iter().any(mutable),
        _ => false,
    }
}

fn integer(value: &Const) -> Option<BigInt> {
    match value {
        Const::Bool(value) => Some(BigInt::from(i64::from(*value))),
        Const::Int(value) => Some(BigInt::from(*value)),
        Const::Big(value) => Some(value.clone()),
        _ => None,
    }
}

fn small(value: BigInt) -> Option<Const> {
    if value.bits() > limits::INTEGER_BITS {
        return None;
    }
    Some(value.to_i64().map_or(Const::Big(value), Const::Int))
}

fn fold_binary(op: Operator, left: Const, right: Const) -> Option<Const> {
    match (op, &left, &right) {
        (Operator::Add, Const::Str(a), Const::Str(b)) => {
            return Some(Const::Str(format!("{a}{b}")))
        }
        (Operator::Add, Const::Tuple(a), Const::Tuple(b)) => {
            return Some(Const::Tuple(a.iter().chain(b).cloned().collect()));
        }
        (Operator::Add, Const::List(a), Const::List(b)) => {
            return Some(Const::List(a.iter().chain(b).cloned().collect()));
        }
        _ => {}
    }
    let (a, b) = (integer(&left)?, integer(&right)?);
    match op {
        Operator::Add => small(a + b),
        Operator::Sub => small(a - b),
        Operator::Mult => small(a * b),
        Operator::FloorDiv if !b.is_zero() => small(a.div_floor(&b)),
        Operator::Mod if !b.is_zero() => small(a.mod_floor(&b)),
        Operator::Pow if !b.is_negative() => {
            let exponent = b
                .to_u32()
                .filter(|exponent| u64::from(*exponent) <= limits::INTEGER_BITS)?;
            if a.bits().saturating_mul(u64::from(exponent)) > limits::INTEGER_BITS * 2 {
                return None;
            }
            small(a.pow(exponent))
        }
        Operator::LShift => {
            let shift = b.to_u64().filter(|shift| *shift <= limits::INTEGER_BITS)?;
            small(a << shift)
        }
        Operator::BitOr => small(a | b),
        Operator::BitAnd => small(a & b),
        _ => None,
    }
}

/// An integer literal beyond 64 bits.
pub(crate) fn parse_big(text: &str) -> Option<Const> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ => (10, lower.as_str()),
    };
    if digits.len() > limits::INTEGER_BITS as usize {
        return None;
    }
    small(BigInt::parse_bytes(digits.as_bytes(), radix)?)
}
