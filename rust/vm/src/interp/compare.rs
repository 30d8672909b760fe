//! Truth, equality, order, hashing and membership.

use num_traits::ToPrimitive;

use super::arith::{to_big, to_i64};
use super::Vm;
use crate::error::{malformed, refused, too_deep, type_error, Trap, R};
use crate::table::{hash_bytes, mix};
use crate::value::{ListObj, RangeObj, SetObj, Value, ViewKind};
use crate::{gas, limits};

/// A comparison.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Order {
    fn symbol(self) -> &'static str {
        match self {
            Order::Eq => "==",
            Order::Ne => "!=",
            Order::Lt => "<",
            Order::Le => "<=",
            Order::Gt => ">",
            Order::Ge => ">=",
        }
    }

    fn of<T: Ord + ?Sized>(self, x: &T, y: &T) -> bool {
        match self {
            Order::Eq => x == y,
            Order::Ne => x != y,
            Order::Lt => x < y,
            Order::Le => x <= y,
            Order::Gt => x > y,
            Order::Ge => x >= y,
        }
    }
}

impl Vm<'_, '_> {
    pub(crate) fn truth(&mut self, value: &Value) -> R<bool> {
        Ok(match value {
            Value::Unset => return Err(malformed()),
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Str(text) => !text.text.is_empty(),
            Value::Bytes(bytes) => !bytes.bytes.is_empty(),
            Value::Tuple(tuple) => !tuple.items.is_empty(),
            Value::List(list) => !list.items.borrow().is_empty(),
            Value::Dict(dict) => dict.table.borrow().len() > 0,
            Value::Set(set) => set.table.borrow().len() > 0,
            Value::Decimal(decimal) => return self.truth(&decimal.units),
            Value::Range(range) => range.len() > 0,
            Value::DictView(view) => view.dict.table.borrow().len() > 0,
            Value::Table(_) => {
                return Err(refused(
                    "a table has no truth value: ask for a key with `in`, or list with a limit",
                ))
            }
            _ => true,
        })
    }

    pub(crate) fn compare(&mut self, order: Order, left: &Value, right: &Value) -> R<bool> {
        match order {
            Order::Eq => self.equal(left, right, 0),
            Order::Ne => self.equal(left, right, 0).map(|equal| !equal),
            _ => self.ordered(order, left, right, 0),
        }
    }

    /// `==`
    pub(crate) fn equal(&mut self, left: &Value, right: &Value, level: usize) -> R<bool> {
        if let (Some(x), Some(y)) = (to_i64(left), to_i64(right)) {
            return Ok(x == y);
        }
        match (left, right) {
            (Value::Str(x), Value::Str(y)) => {
                if x.text.len() != y.text.len() {
                    return Ok(false);
                }
                self.spend(gas::bytes(x.text.len()))?;
                Ok(x.text == y.text)
            }
            (Value::Bytes(x), Value::Bytes(y)) => {
                self.spend(gas::bytes(x.bytes.len().min(y.bytes.len())))?;
                Ok(x.bytes == y.bytes)
            }
            (Value::Big(x), Value::Big(y)) => Ok(x.value == y.value),
            (Value::None, Value::None) | (Value::Contract, Value::Contract) => Ok(true),
            (
                Value::Enum {
                    class: a,
                    member: x,
                },
                Value::Enum {
                    class: b,
                    member: y,
                },
            ) => Ok(a == b && x == y),
            (Value::Class(x), Value::Class(y))
            | (Value::Function(x), Value::Function(y))
            | (Value::Table(x), Value::Table(y)) => Ok(x == y),
            (Value::Builtin(x), Value::Builtin(y)) => Ok(x == y),
            (Value::ExcClass(x), Value::ExcClass(y)) => Ok(x == y),
            (Value::Decimal(x), Value::Decimal(y)) => {
                Ok(x.scale == y.scale && self.equal(&x.units, &y.units, level + 1)?)
            }
            (Value::DecimalType(x), Value::DecimalType(y)) => Ok(x == y),
            (Value::Exception(x), Value::Exception(y)) => Ok(std::rc::Rc::ptr_eq(x, y)),
            (Value::Closure(x), Value::Closure(y)) => Ok(std::rc::Rc::ptr_eq(x, y)),
            (Value::Iter(x), Value::Iter(y)) => Ok(std::rc::Rc::ptr_eq(x, y)),
            (Value::Unset, _) | (_, Value::Unset) => Err(malformed()),
            _ => self.equal_containers(left, right, level),
        }
    }

    fn equal_containers(&mut self, left: &Value, right: &Value, level: usize) -> R<bool> {
        if level > limits::VALUE_LEVELS {
            return Err(too_deep());
        }
        match (left, right) {
            (Value::Tuple(x), Value::Tuple(y)) => self.equal_items(&x.items, &y.items, level),
            (Value::Slice(x), Value::Slice(y)) => self.equal_items(&x.items, &y.items, level),
            (Value::List(x), Value::List(y)) => self.equal_lists(x, y, level),
            (Value::Record(x), Value::Record(y)) => {
                if x.class != y.class {
                    return Ok(false);
                }
                self.equal_items(&x.fields, &y.fields, level)
            }
            (Value::Range(x), Value::Range(y)) => {
                let length = x.len();
                Ok(length == y.len()
                    && (length == 0 || (x.start == y.start && (length == 1 || x.step == y.step))))
            }
            (Value::Set(x), Value::Set(y)) => {
                Ok(x.table.borrow().len() == y.table.borrow().len() && self.is_subset(x, y)?)
            }
            (Value::Dict(x), Value::Dict(y)) => {
                if x.table.borrow().len() != y.table.borrow().len() {
                    return Ok(false);
                }
                let mut position = 0;
                loop {
                    let entry = match x.table.borrow().next_from(position) {
                        Some((next, entry)) => {
                            position = next;
                            entry.clone()
                        }
                        None => return Ok(true),
                    };
                    self.spend(gas::PROBE + 1)?;
                    let found = self.find(y, entry.hash, &entry.key)?;
                    let other = found
                        .and_then(|at| y.table.borrow().entry(at).map(|entry| entry.value.clone()));
                    match other {
                        Some(other) if self.same_or_equal(&entry.value, &other, level + 1)? => {}
                        _ => return Ok(false),
                    }
                }
            }
            (Value::DictView(x), Value::DictView(y))
                if x.kind == y.kind && x.kind == ViewKind::Values =>
            {
                Ok(std::rc::Rc::ptr_eq(x, y))
            }
            (Value::DictView(_), Value::DictView(_) | Value::Set(_))
            | (Value::Set(_), Value::DictView(_)) => {
                let (left, right) = (self.as_set(left)?, self.as_set(right)?);
                self.equal(&left, &right, level + 1)
            }
            (Value::Bound(_), Value::Bound(_)) => Err(refused("methods are not compared")),
            _ => Ok(false),
        }
    }

    /// Elements are equal to themselves, as in Python's containers.
    pub(super) fn same_or_equal(&mut self, left: &Value, right: &Value, level: usize) -> R<bool> {
        match (left, right) {
            (Value::List(x), Value::List(y)) if std::rc::Rc::ptr_eq(x, y) => Ok(true),
            (Value::Dict(x), Value::Dict(y)) if std::rc::Rc::ptr_eq(x, y) => Ok(true),
            (Value::Tuple(x), Value::Tuple(y)) if std::rc::Rc::ptr_eq(x, y) => Ok(true),
            _ => self.equal(left, right, level),
        }
    }

    fn equal_items(&mut self, left: &[Value], right: &[Value], level: usize) -> R<bool> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (x, y) in left.iter().zip(right) {
            self.spend(1)?;
            if !self.same_or_equal(x, y, level + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_lists(&mut self, left: &ListObj, right: &ListObj, level: usize) -> R<bool> {
        // Nothing that is called from here changes a list.
        let (left, right) = (left.items.borrow(), right.items.borrow());
        self.equal_items(&left, &right, level)
    }

    fn ordered(&mut self, order: Order, left: &Value, right: &Value, level: usize) -> R<bool> {
        if level > limits::VALUE_LEVELS {
            return Err(too_deep());
        }
        if let (Some(x), Some(y)) = (to_i64(left), to_i64(right)) {
            return Ok(order.of(&x, &y));
        }
        match (left, right) {
            (Value::Str(x), Value::Str(y)) => {
                self.spend(gas::bytes(x.text.len().min(y.text.len())))?;
                Ok(order.of(x.text.as_str(), y.text.as_str()))
            }
            (Value::Bytes(x), Value::Bytes(y)) => {
                self.spend(gas::bytes(x.bytes.len().min(y.bytes.len())))?;
                Ok(order.of(x.bytes.as_slice(), y.bytes.as_slice()))
            }
            (Value::Tuple(x), Value::Tuple(y)) | (Value::Slice(x), Value::Slice(y)) => {
                self.ordered_items(order, &x.items, &y.items, level)
            }
            (Value::List(x), Value::List(y)) => {
                let (x, y) = (x.items.borrow(), y.items.borrow());
                self.ordered_items(order, &x, &y, level)
            }
            (Value::Decimal(x), Value::Decimal(y)) if x.scale == y.scale => {
                self.ordered(order, &x.units, &y.units, level + 1)
            }
            (Value::Set(x), Value::Set(y)) => self.ordered_sets(order, x, y),
            (Value::DictView(_), Value::DictView(_) | Value::Set(_))
            | (Value::Set(_), Value::DictView(_))
                if !is_values(left) && !is_values(right) =>
            {
                let (x, y) = (self.as_set(left)?, self.as_set(right)?);
                self.ordered(order, &x, &y, level + 1)
            }
            (Value::Big(x), Value::Big(y)) => {
                self.spend(gas::bytes(x.value.bits() as usize / 8))?;
                Ok(order.of(&x.value, &y.value))
            }
            _ => match (to_big(left), to_big(right)) {
                (Some(x), Some(y)) => {
                    self.spend(gas::OBJECT)?;
                    Ok(order.of(&x, &y))
                }
                _ => Err(self.not_ordered(order, left, right)),
            },
        }
    }

    #[cold]
    #[inline(never)]
    fn not_ordered(&mut self, order: Order, left: &Value, right: &Value) -> Trap {
        let (left, right) = (self.type_name(left), self.type_name(right));
        type_error(format!(
            "'{}' not supported between instances of '{left}' and '{right}'",
            order.symbol()
        ))
    }

    fn ordered_items(
        &mut self,
        order: Order,
        left: &[Value],
        right: &[Value],
        level: usize,
    ) -> R<bool> {
        for (x, y) in left.iter().zip(right) {
            self.spend(1)?;
            if !self.same_or_equal(x, y, level + 1)? {
                return self.ordered(order, x, y, level + 1);
            }
        }
        Ok(order.of(&left.len(), &right.len()))
    }

    fn ordered_sets(&mut self, order: Order, left: &SetObj, right: &SetObj) -> R<bool> {
        let (x, y) = (left.table.borrow().len(), right.table.borrow().len());
        match order {
            Order::Lt => Ok(x < y && self.is_subset(left, right)?),
            Order::Le => Ok(x <= y && self.is_subset(left, right)?),
            Order::Gt => Ok(x > y && self.is_subset(right, left)?),
            _ => Ok(x >= y && self.is_subset(right, left)?),
        }
    }

    /// `is`: refused where identity depends on how values are stored.
    pub(crate) fn is_same(&mut self, left: &Value, right: &Value) -> R<bool> {
        Ok(match (left, right) {
            (Value::None, Value::None) => true,
            (Value::Bool(x), Value::Bool(y)) => x == y,
            (Value::Enum { .. }, Value::Enum { .. })
            | (Value::Class(_), Value::Class(_))
            | (Value::Builtin(_), Value::Builtin(_))
            | (Value::ExcClass(_), Value::ExcClass(_)) => self.equal(left, right, 0)?,
            (Value::List(x), Value::List(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Dict(x), Value::Dict(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Set(x), Value::Set(y)) if !x.frozenset && !y.frozenset => {
                std::rc::Rc::ptr_eq(x, y)
            }
            (Value::Record(x), Value::Record(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Closure(x), Value::Closure(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Function(x), Value::Function(y)) => x == y,
            (Value::Iter(x), Value::Iter(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::DictView(x), Value::DictView(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Bound(x), Value::Bound(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Range(x), Value::Range(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Set(x), Value::Set(y)) if x.frozenset && y.frozenset => {
                return Err(refused(
                    "`is` on frozensets depends on the interpreter: write ==",
                ));
            }
            (Value::Table(x), Value::Table(y)) => x == y,
            (Value::Contract, Value::Contract) => true,
            (Value::Exception(x), Value::Exception(y)) => std::rc::Rc::ptr_eq(x, y),
            (Value::Int(_) | Value::Big(_), Value::Int(_) | Value::Big(_))
            | (Value::Str(_), Value::Str(_))
            | (Value::Bytes(_), Value::Bytes(_))
            | (Value::Tuple(_), Value::Tuple(_)) => {
                return Err(refused(
                    "`is` on numbers, texts and tuples depends on the interpreter: write ==",
                ));
            }
            (Value::Unset, _) | (_, Value::Unset) => return Err(malformed()),
            _ => false,
        })
    }

    /// The hash of a key; unhashable values are a `TypeError`.
    pub(crate) fn hash(&mut self, value: &Value, level: usize) -> R<u64> {
        if level > limits::VALUE_LEVELS {
            return Err(too_deep());
        }
        Ok(match value {
            Value::None => 0x1234,
            Value::Bool(value) => mix(1, u64::from(*value)),
            Value::Int(value) => mix(1, *value as u64),
            Value::Big(big) => {
                self.spend(gas::bytes(big.value.bits() as usize / 8))?;
                mix(2, hash_bytes(&big.value.to_signed_bytes_le()))
            }
            Value::Str(text) => {
                self.spend(gas::bytes(text.text.len()))?;
                text.hash()
            }
            Value::Bytes(bytes) => {
                self.spend(gas::bytes(bytes.bytes.len()))?;
                mix(3, hash_bytes(&bytes.bytes))
            }
            Value::Tuple(tuple) => self.hash_items(4, &tuple.items, level)?,
            Value::Record(record) => {
                let seed = u64::from(record.class) + 100;
                self.hash_items(seed, &record.fields, level)?
            }
            Value::Enum { class, member } => mix(mix(5, u64::from(*class)), u64::from(*member)),
            Value::Range(range) => {
                let length = range.len();
                let start = if length == 0 { 0 } else { range.start };
                let step = if length <= 1 { 0 } else { range.step };
                mix(mix(mix(6, length as u64), start as u64), step as u64)
            }
            Value::Decimal(decimal) => mix(
                mix(12, u64::from(decimal.scale)),
                self.hash(&decimal.units, level + 1)?,
            ),
            Value::DecimalType(scale) => mix(13, u64::from(*scale)),
            Value::Class(class) => mix(7, u64::from(*class)),
            Value::Builtin(builtin) => mix(8, u64::from(builtin.number())),
            Value::ExcClass(class) => mix(9, *class as u64),
            Value::Function(function) => mix(10, u64::from(*function)),
            Value::Set(set) if set.frozenset => {
                let table = set.table.borrow();
                self.spend(table.len() as u64)?;
                table.iter().fold(11 ^ table.len() as u64, |sum, entry| {
                    sum.wrapping_add(mix(11, entry.hash))
                })
            }
            Value::List(_) | Value::Dict(_) | Value::Set(_) | Value::Slice(_) => {
                return Err(type_error(format!(
                    "unhashable type: '{}'",
                    self.type_name(value)
                )));
            }
            Value::DictView(view) if view.kind != ViewKind::Values => {
                return Err(type_error(format!(
                    "unhashable type: '{}'",
                    self.type_name(value)
                )))
            }
            Value::Unset | Value::Cell(_) => return Err(malformed()),
            _ => {
                return Err(refused(format!(
                    "a {} cannot be a key: its hash would depend on its address",
                    self.type_name(value)
                )))
            }
        })
    }

    fn hash_items(&mut self, seed: u64, items: &[Value], level: usize) -> R<u64> {
        self.spend(items.len() as u64)?;
        let mut state = mix(seed, items.len() as u64);
        for item in items {
            state = mix(state, self.hash(item, level + 1)?);
        }
        Ok(state)
    }

    /// `needle in haystack`
    pub(crate) fn contains(&mut self, haystack: &Value, needle: &Value) -> R<bool> {
        match haystack {
            Value::Tuple(tuple) => self.contains_item(&tuple.items, needle),
            Value::List(list) => self.contains_item(&list.items.borrow(), needle),
            Value::Dict(dict) => {
                let hash = self.hash(needle, 0)?;
                Ok(self.find(dict, hash, needle)?.is_some())
            }
            Value::Set(set) => Ok(self.find_element(set, needle)?.is_some()),
            Value::Str(text) => self.contains_text(&text.text, needle),
            Value::Bytes(bytes) => self.contains_bytes(&bytes.bytes, needle),
            Value::Range(range) => Ok(to_i64(needle).is_some_and(|value| in_range(range, value))),
            Value::DictView(view) => match view.kind {
                ViewKind::Keys => {
                    let dict = Value::Dict(view.dict.clone());
                    self.contains(&dict, needle)
                }
                _ => {
                    let items = self.collect(haystack)?;
                    self.contains_item(&items, needle)
                }
            },
            Value::Iter(iter) => {
                let iter = iter.clone();
                while let Some(item) = self.advance(&iter)? {
                    if self.same_or_equal(&item, needle, 0)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Table(table) => self.table_contains(*table, needle),
            Value::Class(class) => match needle {
                Value::Enum { class: other, .. } => Ok(class == other),
                _ if self.program.class(*class).kind != crate::program::ClassKind::Enum => {
                    Err(type_error("argument of type 'type' is not iterable"))
                }
                _ => Err(refused(
                    "only members are asked for in an enum: write Status(value) to look a value up",
                )),
            },
            _ => Err(type_error(format!(
                "argument of type '{}' is not iterable",
                self.type_name(haystack)
            ))),
        }
    }

    fn contains_item(&mut self, items: &[Value], needle: &Value) -> R<bool> {
        for item in items {
            self.spend(1)?;
            if self.same_or_equal(item, needle, 0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn contains_text(&mut self, text: &str, needle: &Value) -> R<bool> {
        let Value::Str(part) = needle else {
            return Err(type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                self.type_name(needle)
            )));
        };
        self.spend(gas::searched(text.len() + part.text.len()))?;
        Ok(text.contains(&part.text))
    }

    /// Bytes in a row, or one byte as a number.
    fn contains_bytes(&mut self, bytes: &[u8], needle: &Value) -> R<bool> {
        if let Value::Bytes(part) = needle {
            let part = &part.bytes;
            self.spend(gas::bytes(bytes.len().saturating_mul(part.len().max(6))))?;
            return Ok(part.is_empty() || bytes.windows(part.len()).any(|window| window == part));
        }
        match to_big(needle).map(|needle| needle.to_u8()) {
            Some(Some(byte)) => {
                self.spend(gas::bytes(bytes.len()))?;
                Ok(bytes.contains(&byte))
            }
            Some(None) => Err(crate::error::value_error("byte must be in range(0, 256)")),
            None => Err(type_error(format!(
                "a bytes-like object is required, not '{}'",
                self.type_name(needle)
            ))),
        }
    }
}

fn is_values(value: &Value) -> bool {
    matches!(value, Value::DictView(view) if view.kind == ViewKind::Values)
}

fn in_range(range: &RangeObj, value: i64) -> bool {
    let (start, step) = (i128::from(range.start), i128::from(range.step));
    let offset = i128::from(value) - start;
    let inside = step != 0 && offset % step == 0 && offset / step >= 0;
    inside && offset / step < i128::from(range.len())
}
