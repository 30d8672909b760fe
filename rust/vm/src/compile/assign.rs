//! Assignments and their targets.

use ruff_python_ast::{self as ast, Expr, Operator};
use ruff_text_size::Ranged;

use super::expr::writes_once;
use super::function::Reg;
use super::Compiler;
use crate::program::Op;

impl<'s> Compiler<'s> {
    pub(crate) fn assign(&mut self, assign: &'s ast::StmtAssign) {
        if let [Expr::Name(name)] = assign.targets.as_slice() {
            return self.assign_name(name, &assign.value);
        }
        let value = self.f().temp();
        self.expr_to(&assign.value, value);
        for target in &assign.targets {
            self.at(target);
            self.assign_target(target, value);
        }
    }

    fn assign_name(&mut self, name: &'s ast::ExprName, value: &'s Expr) {
        let Some(var) = self.f().find(name.id.as_str()) else {
            return self.undefined_target(name);
        };
        if !var.cell && writes_once(value) {
            self.expr_to(value, var.register);
            self.f().mark_assigned(var.register);
            return;
        }
        let register = self.f().temp();
        self.expr_to(value, register);
        self.store(var, register, true);
    }

    fn undefined_target(&mut self, name: &'s ast::ExprName) {
        if self.reporter.has_code("name.nonlocal") {
            return;
        }
        let message = format!("`{}` cannot be assigned here", name.id);
        self.error(
            name.range(),
            "language.assign",
            message,
            "assign to a variable of the function",
        );
    }

    fn store(&mut self, var: super::function::Var, value: Reg, give_up: bool) {
        if var.cell {
            self.f().store_shared(var, value);
        } else {
            if var.register != value {
                self.emit(
                    if give_up { Op::Take } else { Op::Move },
                    var.register,
                    value,
                    0,
                );
            }
            self.f().mark_assigned(var.register);
        }
    }

    pub(crate) fn ann_assign(&mut self, assign: &'s ast::StmtAnnAssign) {
        self.check_annotation(&assign.annotation);
        match (&*assign.target, &assign.value) {
            (Expr::Name(name), Some(value)) => self.assign_name(name, value),
            (target, Some(value)) => {
                let register = self.f().temp();
                self.expr_to(value, register);
                self.assign_target(target, register);
            }
            (_, None) => {}
        }
    }

    /// Assigns the value of a register to a target.
    pub(crate) fn assign_target(&mut self, target: &'s Expr, value: Reg) {
        let mark = self.f().mark();
        match target {
            Expr::Name(name) => match self.f().find(name.id.as_str()) {
                Some(var) => self.store(var, value, false),
                None => self.undefined_target(name),
            },
            Expr::Subscript(subscript) => {
                let container = self.expr(&subscript.value);
                let key = self.expr(&subscript.slice);
                self.at(subscript);
                self.emit(Op::SetItem, container, key, value);
            }
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value, target),
            Expr::List(list) => self.unpack(&list.elts, value, target),
            Expr::Attribute(attribute) => self.refuse_attribute(attribute),
            Expr::Starred(_) => self.refuse(
                target,
                "syntax.invalid",
                "a starred target stands only in a list or tuple",
                "",
            ),
            _ => self.refuse(
                target,
                "language.assign",
                "this cannot be assigned to",
                "assign to a variable or to container[key]",
            ),
        }
        self.f().release(mark);
    }

    fn refuse_attribute(&mut self, attribute: &'s ast::ExprAttribute) {
        if self.is_self(&attribute.value) {
            let message = format!(
                "`self.{}` cannot be assigned: a contract keeps nothing but its tables",
                attribute.attr
            );
            return self.error(
                attribute.range(),
                "language.attribute",
                message,
                "write self.TABLE[key] = record",
            );
        }
        let message = format!(
            "attributes cannot be assigned: records are frozen (`{}`)",
            attribute.attr
        );
        let help = format!("make a changed copy: x = x.replace({}=...)", attribute.attr);
        self.error(attribute.range(), "language.attribute", message, help);
    }

    fn unpack(&mut self, targets: &'s [Expr], value: Reg, node: &'s Expr) {
        let stars = targets
            .iter()
            .filter(|target| matches!(target, Expr::Starred(_)))
            .count();
        if stars > 1 || targets.len() > 100 {
            return self.refuse(
                node,
                "syntax.invalid",
                "one starred target, and at most 100 targets, can be unpacked at once",
                "",
            );
        }
        let base = self.f().temps(targets.len());
        self.at(node);
        match targets
            .iter()
            .position(|target| matches!(target, Expr::Starred(_)))
        {
            None => self.emit(Op::Unpack, value, base, targets.len() as u16),
            Some(star) => {
                let after = targets.len() - star - 1;
                self.emit(Op::UnpackStar, value, base, (star | after << 8) as u16);
            }
        }
        for (index, target) in targets.iter().enumerate() {
            let target = match target {
                Expr::Starred(starred) => &starred.value,
                _ => target,
            };
            self.assign_target(target, base + index as u16);
        }
    }

    pub(crate) fn aug_assign(&mut self, assign: &'s ast::StmtAugAssign) {
        let Some(op) = self.in_place(assign.op, assign) else {
            return;
        };
        match &*assign.target {
            Expr::Name(name) => {
                let Some(var) = self.f().find(name.id.as_str()) else {
                    return self.undefined_target(name);
                };
                if var.cell {
                    let current = self.f().temp();
                    self.load_var(var, name.id.as_str(), current);
                    let operand = self.expr(&assign.value);
                    self.at(assign);
                    self.emit(op, current, current, operand);
                    return self.store(var, current, true);
                }
                let current = self.current_value(var, name);
                let operand = self.expr(&assign.value);
                self.at(assign);
                self.emit(op, var.register, current, operand);
                self.f().mark_assigned(var.register);
            }
            Expr::Subscript(subscript) => {
                let container = self.expr(&subscript.value);
                let key = self.expr(&subscript.slice);
                let current = self.f().temp();
                self.at(assign);
                self.emit(Op::GetItem, current, container, key);
                let operand = self.expr(&assign.value);
                self.at(assign);
                self.emit(op, current, current, operand);
                self.emit(Op::SetItem, container, key, current);
            }
            Expr::Attribute(attribute) => self.refuse_attribute(attribute),
            target => self.refuse(
                target,
                "language.assign",
                "this cannot be assigned to",
                "assign to a variable or to container[key]",
            ),
        }
    }

    /// The register of a variable, or of a copy where the operand may change it.
    fn current_value(&mut self, var: super::function::Var, name: &'s ast::ExprName) -> Reg {
        if !self.f().walrus {
            self.load_var(var, name.id.as_str(), var.register);
            return var.register;
        }
        let copy = self.f().temp();
        self.load_var(var, name.id.as_str(), copy);
        copy
    }

    fn in_place(&mut self, op: Operator, node: &impl Ranged) -> Option<Op> {
        Some(match op {
            Operator::Add => Op::AddIn,
            Operator::Sub => Op::SubIn,
            Operator::Mult => Op::MulIn,
            Operator::BitAnd => Op::AndIn,
            Operator::BitOr => Op::OrIn,
            Operator::BitXor => Op::XorIn,
            Operator::FloorDiv => Op::FloorDivIn,
            Operator::Mod => Op::ModIn,
            Operator::Pow => Op::PowIn,
            Operator::LShift => Op::ShlIn,
            Operator::RShift => Op::ShrIn,
            other => return self.operator(other, node),
        })
    }
}
