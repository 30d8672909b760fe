//! Taking sequences apart.

use super::Vm;
use crate::error::{value_error, R};
use crate::value::Value;

impl Vm<'_, '_> {
    /// Exactly `count` items.
    pub(crate) fn unpack(&mut self, value: &Value, count: usize) -> R<Vec<Value>> {
        if let Value::Tuple(tuple) = value {
            if tuple.items.len() == count {
                return Ok(tuple.items.clone());
            }
        }
        let items = self.iterable_to_unpack(value)?;
        if items.len() > count {
            return Err(value_error(format!(
                "too many values to unpack (expected {count})"
            )));
        }
        if items.len() < count {
            return Err(value_error(format!(
                "not enough values to unpack (expected {count}, got {})",
                items.len()
            )));
        }
        Ok(items)
    }

    fn iterable_to_unpack(&mut self, value: &Value) -> R<Vec<Value>> {
        match value {
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Big(_)
            | Value::Record(_)
            | Value::Enum { .. }
            | Value::Function(_) => Err(crate::error::type_error(format!(
                "cannot unpack non-iterable {} object",
                self.type_name(value)
            ))),
            _ => self.collect(value),
        }
    }

    /// Items with one star: the low byte of `counts` stands before it, the high byte after it.
    pub(crate) fn unpack_star(&mut self, value: &Value, counts: u16) -> R<Vec<Value>> {
        let (before, after) = (usize::from(counts & 0xff), usize::from(counts >> 8));
        let mut items = self.iterable_to_unpack(value)?;
        if items.len() < before + after {
            let expected = before + after;
            return Err(value_error(format!(
                "not enough values to unpack (expected at least {expected}, got {})",
                items.len()
            )));
        }
        let last = items.split_off(items.len() - after);
        let middle = items.split_off(before);
        items.push(self.new_list(middle)?);
        items.extend(last);
        Ok(items)
    }
}
