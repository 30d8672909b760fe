//! Operators on numbers and other values.

use ruff_python_ast::{self as ast, Expr, Number, Operator, UnaryOp};
use ruff_text_size::Ranged;

use super::function::Reg;
use super::Compiler;
use crate::program::{Const, Op, SMALL_BIAS};

impl<'s> Compiler<'s> {
    pub(crate) fn binary(&mut self, binary: &'s ast::ExprBinOp, to: Reg) {
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

    pub(crate) fn unary(&mut self, unary: &'s ast::ExprUnaryOp, to: Reg) {
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
        Operator::Sub if value > 0 => value.checked_neg()?,
        _ => return None,
    };
    u16::try_from(signed.checked_add(SMALL_BIAS)?).ok()
}
