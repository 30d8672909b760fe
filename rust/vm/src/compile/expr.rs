//! Expressions.

use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, Number, Operator, UnaryOp};
use ruff_text_size::Ranged;

use super::constant::parse_big;
use super::function::{Label, Reg, Var};
use super::{Compiler, Declared, Global};
use crate::builtins::Builtin;
use crate::program::{Const, Op, SMALL_BIAS};

/// What a name means where it is read.
pub(crate) enum Resolved {
    Local(Var),
    Global(Global),
    Builtin(Builtin),
    Undefined,
}

impl<'s> Compiler<'s> {
    pub(crate) fn resolve(&mut self, name: &str) -> Resolved {
        if let Some(var) = self.f().find(name) {
            return Resolved::Local(var);
        }
        if let Some(global) = self.globals.get(name) {
            return Resolved::Global(*global);
        }
        match (Builtin::from_name(name), crate::error::Exc::from_name(name)) {
            (Some(builtin), _) => Resolved::Builtin(builtin),
            (None, Some(class)) if class != crate::error::Exc::Rejected => {
                Resolved::Global(Global::Exception(class))
            }
            _ => Resolved::Undefined,
        }
    }

    /// Whether an expression is the contract's `self`.
    pub(crate) fn is_self(&mut self, expr: &Expr) -> bool {
        let Expr::Name(name) = expr else { return false };
        self.f().this.as_deref() == Some(name.id.as_str())
    }

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

    fn check_bound(&mut self, var: Var, name: &'s ast::ExprName) {
        let assigned = &self.f().assigned;
        if !assigned.unreachable && !assigned.registers.contains(&var.register) {
            let id = self.name(name.id.as_str());
            self.at(name);
            self.emit(Op::Bound, var.register, id, 0);
        }
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
            Expr::StringLiteral(literal) => self.load_const(Const::Str(literal.value.to_str().to_string()), to),
            Expr::BytesLiteral(literal) => self.load_const(Const::Bytes(literal.value.bytes().collect()), to),
            Expr::FString(string) => self.fstring(string, to),
            Expr::BinOp(binary) => self.binary(binary, to),
            Expr::UnaryOp(unary) => self.unary(unary, to),
            Expr::BoolOp(boolean) => self.bool_op(boolean, to),
            Expr::Compare(compare) => self.compare(compare, to),
            Expr::If(choice) => self.choice(choice, to),
            Expr::Call(call) => self.call(call, to),
            Expr::Attribute(attribute) => self.attribute(attribute, to),
            Expr::Subscript(subscript) => {
                let container = self.expr(&subscript.value);
                let key = self.expr(&subscript.slice);
                self.at(subscript);
                self.emit(Op::GetItem, to, container, key);
            }
            Expr::Slice(slice) => self.slice(slice, to),
            Expr::List(list) => self.display(&list.elts, Op::List, to),
            Expr::Tuple(tuple) => self.display(&tuple.elts, Op::Tuple, to),
            Expr::Set(set) => self.display(&set.elts, Op::Set, to),
            Expr::Dict(dict) => self.dict(dict, to),
            Expr::ListComp(comp) => self.comprehension(&comp.generators, comp.elt.as_ref(), None, Op::List, to),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, comp.elt.as_ref(), None, Op::Set, to),
            Expr::DictComp(comp) => match comp.key.as_deref() {
                Some(key) => self.comprehension(&comp.generators, key, Some(&comp.value), Op::Dict, to),
                None => self.refuse(comp, "language.unpacking", "`**` in a comprehension", "write a loop with update()"),
            },
            Expr::Lambda(lambda) => self.lambda(lambda, to),
            Expr::Named(named) => {
                self.expr_to(&named.value, to);
                self.assign_target(&named.target, to);
            }
            Expr::Generator(generator) => self.refuse(
                generator,
                "language.generator",
                "a generator expression stands here, but it may only be the only argument of a builtin call",
                "write a list comprehension: [ ... ]",
            ),
            Expr::EllipsisLiteral(node) => self.refuse(node, "language.ellipsis", "`...` has no value in a contract", "write pass, or a value"),
            Expr::Starred(node) => self.refuse(node, "language.star", "a starred expression cannot stand here", "unpack in a list, tuple, set or call"),
            Expr::Await(node) => self.refuse(node, "language.async", "a contract runs in one piece: there is nothing to await", "call the function directly"),
            Expr::Yield(_) | Expr::YieldFrom(_) => self.refuse(expr, "language.yield", "generators are not part of the language", "build and return a list"),
            Expr::TString(node) => self.refuse(node, "language.tstring", "template strings are not part of the language", "write an f-string"),
            Expr::IpyEscapeCommand(node) => self.refuse(node, "syntax.invalid", "this is not Python", ""),
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

    pub(crate) fn load_const(&mut self, value: Const, to: Reg) {
        if let Const::Int(int) = value {
            if let Ok(small) = u16::try_from(int.saturating_add(SMALL_BIAS)) {
                return self.emit(Op::Small, to, small, 0);
            }
        }
        let id = self.constant(value);
        self.emit(Op::Const, to, id, 0);
    }

    pub(crate) fn load_var(&mut self, var: Var, name: &str, to: Reg) {
        if var.cell {
            let id = self.name(name);
            self.emit(Op::LoadCell, to, var.register, id);
        } else {
            if !self.f().assigned.unreachable
                && !self.f().assigned.registers.contains(&var.register)
            {
                let id = self.name(name);
                self.emit(Op::Bound, var.register, id, 0);
            }
            if var.register != to {
                self.emit(Op::Move, to, var.register, 0);
            }
        }
    }

    fn load_name(&mut self, name: &'s ast::ExprName, to: Reg) {
        let id = name.id.as_str();
        match self.resolve(id) {
            Resolved::Local(var) => self.load_var(var, id, to),
            Resolved::Global(global) => self.load_global(global, name, to),
            Resolved::Builtin(builtin) => self.load_const(Const::Builtin(builtin.number()), to),
            Resolved::Undefined => self.undefined(name),
        }
    }

    fn load_global(&mut self, global: Global, name: &'s ast::ExprName, to: Reg) {
        match global {
            Global::Const(id) => self.emit(Op::Const, to, id, 0),
            Global::Function(id) => self.load_const(Const::Function(id), to),
            Global::Class(id) => self.load_const(Const::Class(id), to),
            Global::Exception(class) => self.load_const(Const::ExcClass(class), to),
            Global::Broken => {}
            Global::Require => self.refuse(
                name,
                "language.value",
                "`require` can only be called",
                "write require(condition, \"code\", \"message\")",
            ),
            Global::Contract => self.refuse(
                name,
                "language.value",
                "the contract's class is no value",
                "use self",
            ),
            Global::Declaration(declared) => {
                let message = format!("`{}` only declares: it is no value here", name.id);
                let help = match declared {
                    Declared::Table => {
                        "declare tables in the contract's class: items = Table(Item, key=\"id\")"
                    }
                    Declared::Call | Declared::View => "use it as a decorator of a method",
                    _ => "use it as the base of a class",
                };
                self.error(name.range(), "language.value", message, help);
            }
        }
    }

    fn undefined(&mut self, name: &'s ast::ExprName) {
        let id = name.id.as_str();
        let (code, message, help) = match id {
            "float" | "complex" => (
                "language.float",
                "floats are not part of the language: they round differently between machines",
                "use int in the smallest unit, for example cents",
            ),
            "print" | "input" | "open" => (
                "language.io",
                "a contract has no input or output",
                "emit an event, or return a value",
            ),
            "eval" | "exec" | "compile" | "globals" | "locals" | "vars" | "getattr" | "setattr"
            | "delattr" | "hasattr" | "dir" | "__import__" | "super" | "object" => (
                "language.reflection",
                "code that looks at or makes code is not part of the language",
                "name the attribute or function directly",
            ),
            "hash" | "id" | "memoryview" | "bytearray" => (
                "language.builtin",
                "this builtin depends on the machine or changes bytes in place",
                "use the value itself as the key, or bytes",
            ),
            "iter" | "next" => (
                "language.builtin",
                "iterators are not values here",
                "use a for loop or index the list",
            ),
            _ => ("name.undefined", "", ""),
        };
        if message.is_empty() {
            let near = self.nearest(id);
            let help = near.map_or_else(
                || "define it, or import it from lianheng.contract".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            return self.error(name.range(), code, format!("`{id}` is not defined"), help);
        }
        self.error(name.range(), code, format!("`{id}`: {message}"), help);
    }

    /// A known name that looks like this one.
    fn nearest(&mut self, name: &str) -> Option<String> {
        let mut known: Vec<String> = self.globals.keys().cloned().collect();
        known.extend(
            self.f()
                .scopes
                .iter()
                .flat_map(|scope| scope.vars.keys().cloned()),
        );
        known.extend(Builtin::names().map(str::to_string));
        known.sort();
        known.into_iter().find(|other| distance_is_one(name, other))
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

    fn binary(&mut self, binary: &'s ast::ExprBinOp, to: Reg) {
        let left = self.expr(&binary.left);
        if let Some(small) = small_operand(binary) {
            self.at(binary);
            return self.emit(Op::AddSmall, to, left, small);
        }
        let right = self.expr(&binary.right);
        self.at(binary);
        if let Some(op) = self.operator(binary.op, binary) {
            self.emit(op, to, left, right);
        }
    }

    pub(crate) fn operator(&mut self, op: Operator, node: &impl Ranged) -> Option<Op> {
        Some(match op {
            Operator::Add => Op::Add,
            Operator::Sub => Op::Sub,
            Operator::Mult => Op::Mul,
            Operator::FloorDiv => Op::FloorDiv,
            Operator::Mod => Op::Mod,
            Operator::Pow => Op::Pow,
            Operator::LShift => Op::Shl,
            Operator::RShift => Op::Shr,
            Operator::BitAnd => Op::BitAnd,
            Operator::BitOr => Op::BitOr,
            Operator::BitXor => Op::BitXor,
            Operator::Div => {
                self.refuse(
                    node,
                    "language.division",
                    "`/` gives a float, and floats are not part of the language",
                    "use // (rounds down), and say where the rest goes",
                );
                return None;
            }
            Operator::MatMult => {
                self.refuse(
                    node,
                    "language.operator",
                    "`@` is not part of the language",
                    "write the loop",
                );
                return None;
            }
        })
    }

    fn unary(&mut self, unary: &'s ast::ExprUnaryOp, to: Reg) {
        if let (UnaryOp::USub, Expr::NumberLiteral(number)) = (unary.op, &*unary.operand) {
            if let Number::Int(int) = &number.value {
                if let Some(value) = int.as_i64() {
                    return self.load_const(Const::Int(-value), to);
                }
            }
        }
        let operand = self.expr(&unary.operand);
        self.at(unary);
        let op = match unary.op {
            UnaryOp::Not => Op::Not,
            UnaryOp::USub => Op::Neg,
            UnaryOp::UAdd => Op::Pos,
            UnaryOp::Invert => Op::Invert,
        };
        self.emit(op, to, operand, 0);
    }

    fn bool_op(&mut self, boolean: &'s ast::ExprBoolOp, to: Reg) {
        let end = self.f().label();
        let last = boolean.values.len().saturating_sub(1);
        let mut after_first = None;
        for (index, value) in boolean.values.iter().enumerate() {
            self.expr_to(value, to);
            if index == 0 {
                after_first = Some(self.f().assigned.clone());
            }
            if index < last {
                self.f().jump_if(to, boolean.op == BoolOp::Or, end);
            }
        }
        if let Some(assigned) = after_first {
            self.f().assigned = assigned;
        }
        self.f().bind(end);
    }

    fn compare(&mut self, compare: &'s ast::ExprCompare, to: Reg) {
        let mut left = self.expr(&compare.left);
        let count = compare.ops.len();
        if count == 1 {
            let right = self.expr(&compare.comparators[0]);
            self.at(compare);
            return self.emit(comparison(compare.ops[0]), to, left, right);
        }
        let end = self.f().label();
        for (index, (op, right)) in compare.ops.iter().zip(&compare.comparators).enumerate() {
            let right = self.expr(right);
            self.emit(comparison(*op), to, left, right);
            if index + 1 < count {
                self.f().jump_if(to, false, end);
            }
            left = right;
        }
        self.f().bind(end);
    }

    fn choice(&mut self, choice: &'s ast::ExprIf, to: Reg) {
        let (otherwise, end) = (self.f().label(), self.f().label());
        self.cond(&choice.test, false, otherwise);
        let before = self.f().assigned.clone();
        self.expr_to(&choice.body, to);
        self.f().emit_to(Op::Jump, [0; 3], 0, end);
        self.f().bind(otherwise);
        self.f().assigned = before.clone();
        self.expr_to(&choice.orelse, to);
        self.f().assigned = before;
        self.f().bind(end);
    }

    /// Jumps to `label` if the truth of the expression is `when`.
    pub(crate) fn cond(&mut self, expr: &'s Expr, when: bool, label: Label) {
        let mark = self.f().mark();
        match expr {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.cond(&unary.operand, !when, label)
            }
            Expr::BoolOp(boolean) => self.cond_bool(boolean, when, label),
            Expr::Compare(compare) if compare.ops.len() == 1 => {
                self.cond_compare(expr, compare, when, label)
            }
            Expr::BooleanLiteral(literal) => {
                if literal.value == when {
                    self.f().emit_to(Op::Jump, [0; 3], 0, label);
                }
            }
            _ => {
                let register = self.expr(expr);
                self.at(expr);
                self.f().jump_if(register, when, label);
            }
        }
        self.f().release(mark);
    }

    fn cond_bool(&mut self, boolean: &'s ast::ExprBoolOp, when: bool, label: Label) {
        // `a and b` jumps on false at the first false value, and on true only after the last one.
        let early = (boolean.op == BoolOp::Or) == when;
        let skip = self.f().label();
        let last = boolean.values.len().saturating_sub(1);
        let mut after_first = None;
        for (index, value) in boolean.values.iter().enumerate() {
            if early || index == last {
                self.cond(value, when, label);
            } else {
                self.cond(value, !when, skip);
            }
            if index == 0 {
                after_first = Some(self.f().assigned.clone());
            }
        }
        if let Some(assigned) = after_first {
            self.f().assigned = assigned;
        }
        self.f().bind(skip);
    }

    fn cond_compare(
        &mut self,
        expr: &'s Expr,
        compare: &'s ast::ExprCompare,
        when: bool,
        label: Label,
    ) {
        let right = &compare.comparators[0];
        if let (CmpOp::Is | CmpOp::IsNot, Expr::NoneLiteral(_)) = (compare.ops[0], right) {
            let register = self.expr(&compare.left);
            let none = (compare.ops[0] == CmpOp::Is) == when;
            let op = if none { Op::IfNone } else { Op::UnlessNone };
            return self.f().emit_to(op, [register, 0, 0], 1, label);
        }
        let op = match (compare.ops[0], when) {
            (CmpOp::Eq, true) => Op::IfEq,
            (CmpOp::NotEq, true) => Op::IfNe,
            (CmpOp::Lt, true) => Op::IfLt,
            (CmpOp::LtE, true) => Op::IfLe,
            (CmpOp::Gt, true) => Op::IfGt,
            (CmpOp::GtE, true) => Op::IfGe,
            (CmpOp::Eq, false) => Op::UnlessEq,
            (CmpOp::NotEq, false) => Op::UnlessNe,
            (CmpOp::Lt, false) => Op::UnlessLt,
            (CmpOp::LtE, false) => Op::UnlessLe,
            (CmpOp::Gt, false) => Op::UnlessGt,
            (CmpOp::GtE, false) => Op::UnlessGe,
            _ => {
                let register = self.expr(expr);
                return self.f().jump_if(register, when, label);
            }
        };
        let left = self.expr(&compare.left);
        let right = self.expr(right);
        self.at(compare);
        self.f().emit_to(op, [left, right, 0], 2, label);
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

    fn attribute(&mut self, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        if name.starts_with("__") {
            return self.refuse(
                &attribute.attr,
                "language.dunder",
                "names with two leading underscores reach into Python's machinery",
                "use operators and builtins, or name the attribute otherwise",
            );
        }
        if self.is_self(&attribute.value) {
            return self.self_attribute(attribute, to);
        }
        if let Expr::Name(class) = &*attribute.value {
            match self.resolve(class.id.as_str()) {
                Resolved::Global(Global::Class(class)) => {
                    return self.class_attribute(class, attribute, to)
                }
                Resolved::Global(Global::Contract) => {
                    if let Some(id) = self.contract.constants.get(name) {
                        let id = *id;
                        return self.emit(Op::Const, to, id, 0);
                    }
                }
                _ => {}
            }
        }
        let object = self.expr(&attribute.value);
        let id = self.name(name);
        self.at(&attribute.attr);
        self.emit(Op::GetAttr, to, object, id);
    }

    fn self_attribute(&mut self, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        if let Some(part) = crate::interp::context_part(name) {
            return self.emit(Op::Context, to, part, 0);
        }
        if let Some(table) = self.contract.tables.get(name).copied() {
            return self.emit(Op::Table, to, table, 0);
        }
        if let Some(id) = self.contract.constants.get(name).copied() {
            return self.emit(Op::Const, to, id, 0);
        }
        if self.contract.methods.contains_key(name) || name == "emit" {
            let message = format!("`self.{name}` is a method: it can only be called here");
            return self.error(
                attribute.range(),
                "language.method_value",
                message,
                "call it, or wrap it: lambda x: self.method(x)",
            );
        }
        let message = format!("the contract has no `{name}`");
        let help = "declare a table (name = Table(...)), a constant or a method; the state lives in tables only";
        self.error(attribute.attr.range(), "name.attribute", message, help);
    }

    fn class_attribute(&mut self, class: u16, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        let id = self.name(name);
        let info = &self.parts.classes[usize::from(class)];
        if let Some(member) = info.members.iter().position(|(member, _)| *member == id) {
            return self.load_const(Const::Enum(class, member as u16), to);
        }
        let message = format!("`{}` has no `{name}`", info.name);
        self.error(
            attribute.attr.range(),
            "name.attribute",
            message,
            "use a member of the enum, or an attribute of an instance",
        );
    }
}

/// `x + 3`, `x - 3` with a small literal: the operand.
fn small_operand(binary: &ast::ExprBinOp) -> Option<u16> {
    let Expr::NumberLiteral(number) = &*binary.right else {
        return None;
    };
    let Number::Int(int) = &number.value else {
        return None;
    };
    let value = int.as_i64()?;
    let signed = match binary.op {
        Operator::Add => value,
        Operator::Sub => value.checked_neg()?,
        _ => return None,
    };
    u16::try_from(signed.checked_add(SMALL_BIAS)?).ok()
}

fn comparison(op: CmpOp) -> Op {
    match op {
        CmpOp::Eq => Op::Eq,
        CmpOp::NotEq => Op::Ne,
        CmpOp::Lt => Op::Lt,
        CmpOp::LtE => Op::Le,
        CmpOp::Gt => Op::Gt,
        CmpOp::GtE => Op::Ge,
        CmpOp::Is => Op::Is,
        CmpOp::IsNot => Op::IsNot,
        CmpOp::In => Op::In,
        CmpOp::NotIn => Op::NotIn,
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

/// Whether two names differ by one edit.
fn distance_is_one(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let prefix = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let suffix = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    match a.len().abs_diff(b.len()) {
        0 => prefix + suffix + 1 >= a.len() && a != b && a.len() > 2,
        1 => prefix + suffix >= a.len().min(b.len()) && a.len() > 2,
        _ => false,
    }
}
