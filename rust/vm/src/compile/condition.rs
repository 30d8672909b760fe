//! Truth: `and`, `or`, comparisons, conditional expressions and the jumps that conditions make.

use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, UnaryOp};

use super::function::{Label, Reg};
use super::Compiler;
use crate::program::Op;

impl<'s> Compiler<'s> {
    pub(crate) fn bool_op(&mut self, boolean: &'s ast::ExprBoolOp, to: Reg) {
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

    pub(crate) fn compare(&mut self, compare: &'s ast::ExprCompare, to: Reg) {
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

    pub(crate) fn choice(&mut self, choice: &'s ast::ExprIf, to: Reg) {
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
