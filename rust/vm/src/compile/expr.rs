//! Expressions: what each kind compiles to, literals and displays.

use ruff_python_ast::{self as ast, Expr, Number};
use ruff_text_size::Ranged;

use super::constant::parse_big;
use super::function::Reg;
use super::Compiler;
use crate::program::{Const, Op, SMALL_BIAS};

impl<'s> Compiler<'s> {
    /// Compiles an expression; gives a register that holds its value, which may be a variable's.
    pub(crate) fn expr(&mut self, expr: &'s Expr) -> Reg {
        if let Expr::Name(name) = expr {
            if !self.f().walrus {
                if let Some(var) = self.f().find(name.id.as_str()) {
                    if !var.cell {
                        self.check_bound(var, name);
                        return var.register;
                    }
                }
            }
        }
        let register = self.f().temp();
        self.expr_to(expr, register);
        register
    }

    /// Compiles an expression into a register, which is written by the last instruction only
    /// where [`writes_once`] says so.
    pub(crate) fn expr_to(&mut self, expr: &'s Expr, to: Reg) {
        let mark = self.f().mark();
        let outer_line = self.f().current_line();
        self.at(expr);
        self.expr_inner(expr, to);
        self.f().set_line(outer_line);
        self.f().release(mark);
    }

    fn expr_inner(&mut self, expr: &'s Expr, to: Reg) {
        match expr {
            Expr::Name(name) => self.load_name(name, to),
            Expr::NumberLiteral(number) => self.number(number, to),
            Expr::BooleanLiteral(literal) => self.load_const(Const::Bool(literal.value), to),
            Expr::NoneLiteral(_) => self.load_const(Const::None, to),
            Expr::StringLiteral(literal) => {
                self.load_const(Const::Str(literal.value.to_str().to_string()), to)
            }
            Expr::BytesLiteral(literal) => {
                self.load_const(Const::Bytes(literal.value.bytes().collect()), to)
            }
            Expr::FString(string) => self.fstring(string, to),
            Expr::BinOp(binary) => self.binary(binary, to),
            Expr::UnaryOp(unary) => self.unary(unary, to),
            Expr::BoolOp(boolean) => self.bool_op(boolean, to),
            Expr::Compare(compare) => self.compare(compare, to),
            Expr::If(choice) => self.choice(choice, to),
            Expr::Call(call) => self.call(call, to),
            Expr::Attribute(attribute) => self.attribute(attribute, to),
            Expr::Subscript(subscript) => self.subscript(subscript, to),
            Expr::Slice(slice) => self.slice(slice, to),
            Expr::List(list) => self.display(&list.elts, Op::List, to),
            Expr::Tuple(tuple) => self.display(&tuple.elts, Op::Tuple, to),
            Expr::Set(set) => self.display(&set.elts, Op::Set, to),
            Expr::Dict(dict) => self.dict(dict, to),
            Expr::ListComp(comp) => {
                self.comprehension(&comp.generators, &comp.elt, None, Op::List, to)
            }
            Expr::SetComp(comp) => {
                self.comprehension(&comp.generators, &comp.elt, None, Op::Set, to)
            }
            Expr::DictComp(comp) => self.dict_comprehension(comp, to),
            Expr::Lambda(lambda) => self.lambda(lambda, to),
            Expr::Named(named) => {
                self.expr_to(&named.value, to);
                self.assign_target(&named.target, to);
            }
            Expr::Generator(_)
            | Expr::EllipsisLiteral(_)
            | Expr::Starred(_)
            | Expr::Await(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_)
            | Expr::TString(_)
            | Expr::IpyEscapeCommand(_) => self.refuse_expression(expr),
        }
    }

    pub(crate) fn refuse(
        &mut self,
        node: &impl Ranged,
        code: &'static str,
        message: &str,
        help: &str,
    ) {
        self.error(node.range(), code, message, help);
    }

    /// Reports an expression that the language does not have, or not here.
    fn refuse_expression(&mut self, expr: &'s Expr) {
        let (code, message, help) = match expr {
            Expr::Generator(_) => (
                "language.generator",
                "a generator expression stands here, but it may only be the only argument of a \
                 builtin call",
                "write a list comprehension: [ ... ]",
            ),
            Expr::EllipsisLiteral(_) => (
                "language.ellipsis",
                "`...` has no value in a contract",
                "write pass, or a value",
            ),
            Expr::Starred(_) => (
                "language.star",
                "a starred expression cannot stand here",
                "unpack in a list, tuple, set or call",
            ),
            Expr::Await(_) => (
                "language.async",
                "a contract runs in one piece: there is nothing to await",
                "call the function directly",
            ),
            Expr::Yield(_) | Expr::YieldFrom(_) => (
                "language.yield",
                "generators are not part of the language",
                "build and return a list",
            ),
            Expr::TString(_) => (
                "language.tstring",
                "template strings are not part of the language",
                "write an f-string",
            ),
            _ => ("syntax.invalid", "this is not Python", ""),
        };
        self.refuse(expr, code, message, help);
    }

    pub(crate) fn load_const(&mut self, value: Const, to: Reg) {
        if let Const::Int(int) = value {
            if let Ok(small) = u16::try_from(int.saturating_add(SMALL_BIAS)) {
                return self.emit(Op::Small, to, small, 0);
            }
        }
        let id = self.constant(value);
        self.emit(Op::Const, to, id, 0);
    }

    fn number(&mut self, number: &'s ast::ExprNumberLiteral, to: Reg) {
        match &number.value {
            Number::Int(int) => match int.as_i64() {
                Some(value) => self.load_const(Const::Int(value), to),
                None => match parse_big(self.text_of(number)) {
                    Some(value) => self.load_const(value, to),
                    None => self.refuse(
                        number,
                        "limit.integer",
                        "the integer is above 4,096 bits",
                        "use a smaller one",
                    ),
                },
            },
            Number::Float(_) => self.refuse(
                number,
                "language.float",
                "floats are not part of the language: they round differently between machines",
                "use int in the smallest unit, for example 1055530 cents",
            ),
            Number::Complex { .. } => self.refuse(
                number,
                "language.float",
                "complex numbers are not part of the language",
                "use int",
            ),
        }
    }

    fn subscript(&mut self, subscript: &'s ast::ExprSubscript, to: Reg) {
        let container = self.expr(&subscript.value);
        let key = self.expr(&subscript.slice);
        self.at(subscript);
        self.emit(Op::GetItem, to, container, key);
    }

    fn slice(&mut self, slice: &'s ast::ExprSlice, to: Reg) {
        let base = self.f().temps(3);
        for (index, part) in [&slice.lower, &slice.upper, &slice.step]
            .into_iter()
            .enumerate()
        {
            match part {
                Some(part) => self.expr_to(part, base + index as u16),
                None => self.load_const(Const::None, base + index as u16),
            }
        }
        self.emit(Op::Slice, to, base, 0);
    }

    /// A list, tuple or set display.
    fn display(&mut self, items: &'s [Expr], op: Op, to: Reg) {
        const CHUNK: usize = 200;
        let starred = items.iter().any(|item| matches!(item, Expr::Starred(_)));
        if !starred && items.len() <= CHUNK {
            let base = self.f().temps(items.len());
            for (index, item) in items.iter().enumerate() {
                self.expr_to(item, base + index as u16);
            }
            return self.emit(op, to, base, items.len() as u16);
        }
        let (make, add, add_all) = match op {
            Op::Set => (Op::Set, Op::AddTo, Op::AddAll),
            _ => (Op::List, Op::Append, Op::Extend),
        };
        let collected = self.f().temp();
        self.emit(make, collected, 0, 0);
        for item in items {
            let mark = self.f().mark();
            match item {
                Expr::Starred(starred) => {
                    let value = self.expr(&starred.value);
                    self.emit(add_all, collected, value, 0);
                }
                _ => {
                    let value = self.expr(item);
                    self.emit(add, collected, value, 0);
                }
            }
            self.f().release(mark);
        }
        let last = if op == Op::Tuple {
            Op::ToTuple
        } else {
            Op::Take
        };
        self.emit(last, to, collected, 0);
    }

    fn dict(&mut self, dict: &'s ast::ExprDict, to: Reg) {
        let made = self.f().temp();
        self.emit(Op::Dict, made, 0, 0);
        for item in &dict.items {
            let mark = self.f().mark();
            match &item.key {
                Some(key) => {
                    let key = self.expr(key);
                    let value = self.expr(&item.value);
                    self.emit(Op::Put, made, key, value);
                }
                None => {
                    let value = self.expr(&item.value);
                    self.emit(Op::Merge, made, value, 0);
                }
            }
            self.f().release(mark);
        }
        self.emit(Op::Take, to, made, 0);
    }

    fn dict_comprehension(&mut self, comp: &'s ast::ExprDictComp, to: Reg) {
        let Some(key) = comp.key.as_deref() else {
            return self.refuse(
                comp,
                "language.unpacking",
                "`**` in a comprehension",
                "write a loop with update()",
            );
        };
        self.comprehension(&comp.generators, key, Some(&comp.value), Op::Dict, to);
    }
}

/// Whether the code of an expression writes its register in its last instruction only, after all
/// reads: then it may be a variable's own register.
pub(crate) fn writes_once(expr: &Expr) -> bool {
    match expr {
        Expr::BoolOp(_) | Expr::If(_) | Expr::Named(_) => false,
        Expr::Compare(compare) => compare.ops.len() == 1,
        _ => true,
    }
}
