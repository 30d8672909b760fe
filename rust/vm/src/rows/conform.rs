//! Whether values have the types of annotations.

use crate::error::{too_deep, R};
use crate::interp::Vm;
use crate::limits;
use crate::program::Const;
use crate::types::Type;
use crate::value::Value;

impl Vm<'_, '_> {
    /// Whether a value has a declared type; a bool is not an int here.
    pub(crate) fn conforms(&mut self, value: &Value, ty: &Type, level: usize) -> R<bool> {
        Ok(match (ty, value) {
            (Type::Any, _) => true,
            (Type::None, Value::None)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_) | Value::Big(_))
            | (Type::Str, Value::Str(_))
            | (Type::Bytes, Value::Bytes(_)) => true,
            (Type::Decimal(scale), Value::Decimal(decimal)) => decimal.scale == *scale,
            (Type::Class(class, _), Value::Record(record)) => {
                self.program.is_subclass(record.class, *class)
            }
            (Type::Class(class, _), Value::Enum { class: own, .. }) => class == own,
            (Type::Union(choices), _) => {
                for choice in choices {
                    if self.conforms(value, choice, level)? {
                        return Ok(true);
                    }
                }
                false
            }
            (
                Type::List(_) | Type::Set(_) | Type::TupleOf(_) | Type::Tuple(_) | Type::Dict(..),
                _,
            ) => return self.conforms_inside(value, ty, level),
            _ => false,
        })
    }

    fn conforms_inside(&mut self, value: &Value, ty: &Type, level: usize) -> R<bool> {
        if level > limits::TYPE_LEVELS {
            return Err(too_deep());
        }
        match (ty, value) {
            (Type::List(item), Value::List(list)) => {
                let items = list.items.borrow();
                self.all_conform(items.iter(), item, level)
            }
            (Type::TupleOf(item), Value::Tuple(tuple)) => {
                self.all_conform(tuple.items.iter(), item, level)
            }
            (Type::Set(item), Value::Set(set)) => {
                let table = set.table.borrow();
                self.all_conform(table.iter().map(|entry| &entry.key), item, level)
            }
            (Type::Tuple(types), Value::Tuple(tuple)) => {
                if types.len() != tuple.items.len() {
                    return Ok(false);
                }
                for (item, ty) in tuple.items.iter().zip(types) {
                    if !self.conforms(item, ty, level + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Type::Dict(key, inner), Value::Dict(dict)) => {
                let table = dict.table.borrow();
                Ok(
                    self.all_conform(table.iter().map(|entry| &entry.key), key, level)?
                        && self.all_conform(
                            table.iter().map(|entry| &entry.value),
                            inner,
                            level,
                        )?,
                )
            }
            _ => Ok(false),
        }
    }

    fn all_conform<'v>(
        &mut self,
        values: impl Iterator<Item = &'v Value>,
        ty: &Type,
        level: usize,
    ) -> R<bool> {
        for value in values {
            self.spend(1)?;
            if !self.conforms(value, ty, level + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a constant has a type; used for the defaults of fields.
pub(crate) fn const_conforms(value: &Const, ty: &Type) -> bool {
    match (ty, value) {
        (Type::Any, _)
        | (Type::None, Const::None)
        | (Type::Bool, Const::Bool(_))
        | (Type::Int, Const::Int(_) | Const::Big(_))
        | (Type::Str, Const::Str(_))
        | (Type::Bytes, Const::Bytes(_)) => true,
        (Type::Union(choices), _) => choices.iter().any(|choice| const_conforms(value, choice)),
        (Type::TupleOf(item), Const::Tuple(items)) => {
            items.iter().all(|value| const_conforms(value, item))
        }
        (Type::Tuple(types), Const::Tuple(items)) => {
            types.len() == items.len()
                && items
                    .iter()
                    .zip(types)
                    .all(|(value, ty)| const_conforms(value, ty))
        }
        (Type::Set(item), Const::Frozenset(items)) => {
            items.iter().all(|value| const_conforms(value, item))
        }
        (Type::Decimal(scale), Const::Decimal(own, _)) => scale == own,
        (Type::Class(class, _), Const::Enum(own, _) | Const::Record(own, _)) => class == own,
        _ => false,
    }
}
