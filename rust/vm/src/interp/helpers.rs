//! Small steps of the instruction loop that need no registers.

use std::rc::Rc;

use super::arith::{in_place_message, Bin};
use super::Vm;
use crate::error::R;
use crate::memory::charge;
use crate::program::Op;
use crate::value::{TupleObj, Value, OBJECT_BYTES};

/// The values of registers that are given up.
#[inline]
pub(super) fn take_all(registers: &mut [Value]) -> Vec<Value> {
    registers.iter_mut().map(std::mem::take).collect()
}

/// A slice of its start, its stop and its step.
pub(crate) fn new_slice(parts: &[Value]) -> R<Value> {
    let charge = charge(OBJECT_BYTES)?;
    let items = parts.to_vec();
    Ok(Value::Slice(Rc::new(TupleObj { items, charge })))
}

/// Whether a pattern of `[...]` fits in length: the lower bits count its elements, the highest one
/// says that there may be more.
pub(super) fn is_sequence_of(value: &Value, shape: u16) -> bool {
    let length = match value {
        Value::List(list) => list.items.borrow().len(),
        Value::Tuple(tuple) => tuple.items.len(),
        Value::Range(range) => match usize::try_from(range.len()) {
            Ok(length) => length,
            Err(_) => return false,
        },
        _ => return false,
    };
    let count = usize::from(shape & 0x7fff);
    if shape & 0x8000 != 0 {
        length >= count
    } else {
        length == count
    }
}

impl Vm<'_, '_> {
    /// `//=`, `%=`, `**=`, `<<=`, `>>=`
    pub(super) fn in_place_number(&mut self, op: Op, left: &Value, right: &Value) -> R<Value> {
        let op = match op {
            Op::FloorDivIn => Bin::FloorDiv,
            Op::ModIn => Bin::Mod,
            Op::PowIn => Bin::Pow,
            Op::ShlIn => Bin::Shl,
            _ => Bin::Shr,
        };
        match (op, left, right) {
            (Bin::FloorDiv, Value::Int(x), Value::Int(y)) if *y > 0 => {
                Ok(Value::Int(x.div_euclid(*y)))
            }
            (Bin::Mod, Value::Int(x), Value::Int(y)) if *y > 0 => Ok(Value::Int(x.rem_euclid(*y))),
            (_, left, right) => self
                .binary(op, left, right)
                .map_err(|trap| in_place_message(trap, op)),
        }
    }
}
