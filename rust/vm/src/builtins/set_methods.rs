//! Sets.

use std::rc::Rc;

use super::Method;
use crate::error::{malformed, raise_with, Exc, R};
use crate::gas;
use crate::interp::arith::Bin;
use crate::interp::Vm;
use crate::table::HashTable;
use crate::value::{SetObj, Value, ENTRY_BYTES, OBJECT_BYTES};

impl Vm<'_, '_> {
    pub(crate) fn set_of(&mut self, items: Vec<Value>, frozenset: bool) -> R<Value> {
        let mut table = HashTable::default();
        self.plan_elements(items.len() * 3)?;
        for item in items {
            self.insert(&mut table, item)?;
        }
        Value::set(table, frozenset)
    }

    fn insert(&mut self, table: &mut HashTable, item: Value) -> R<bool> {
        let hash = self.hash(&item, 0)?;
        if self.find_in(table, hash, &item)?.is_some() {
            return Ok(false);
        }
        self.spend(gas::ENTRY)?;
        table.push(hash, item, Value::None);
        Ok(true)
    }

    /// `set.pop()`: of one element only, because which one goes is arbitrary.
    fn set_pop(&mut self, set: &SetObj) -> R<Value> {
        self.may_change(&set.flags)?;
        let mut table = set.table.borrow_mut();
        match (table.len(), table.next_from(0).map(|(next, _)| next - 1)) {
            (0, _) => Err(crate::error::raise(Exc::KeyError, "pop from an empty set")),
            (1, Some(at)) => match table.remove(at) {
                Some((key, _)) => Ok(key),
                None => Err(malformed()),
            },
            _ => Err(crate::error::refused(
                "which element of a set goes is arbitrary: take min(the_set) and remove it",
            )),
        }
    }

    /// `view.isdisjoint(others)`
    pub(crate) fn view_isdisjoint(
        &mut self,
        view: &Value,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        self.arity("isdisjoint", arguments, names, 1, 1)?;
        for item in self.collect_any(&arguments[0])? {
            if self.contains(view, &item)? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    }

    /// Any iterable as a set.
    pub(crate) fn as_set(&mut self, value: &Value) -> R<Value> {
        match value {
            Value::Set(_) => Ok(value.clone()),
            other => {
                let items = self.collect_any(other)?;
                self.set_of(items, false)
            }
        }
    }

    /// Finds an element; a set is looked for as a frozenset.
    pub(crate) fn find_element(&mut self, set: &SetObj, item: &Value) -> R<Option<usize>> {
        let frozen = match item {
            Value::Set(inner) if !inner.frozenset => {
                self.plan_elements(inner.table.borrow().len() * 3)?;
                Value::set(inner.table.borrow().clone(), true)?
            }
            other => other.clone(),
        };
        let hash = self.hash(&frozen, 0)?;
        self.find_in_set(set, hash, &frozen)
    }

    pub(crate) fn set_add(&mut self, set: &Value, item: Value) -> R<()> {
        let Value::Set(set) = set else {
            return Err(malformed());
        };
        self.may_change(&set.flags)?;
        let hash = self.hash(&item, 0)?;
        if self.find_in_set(set, hash, &item)?.is_none() {
            self.spend(gas::ENTRY)?;
            let count = set.table.borrow().len() + 1;
            set.charge.reach(OBJECT_BYTES + count * ENTRY_BYTES)?;
            set.table.borrow_mut().push(hash, item, Value::None);
        }
        Ok(())
    }

    pub(crate) fn set_add_all(&mut self, set: &Value, more: &Value) -> R<()> {
        for item in self.collect_any(more)? {
            self.set_add(set, item)?;
        }
        Ok(())
    }

    pub(crate) fn is_subset(&mut self, left: &SetObj, right: &SetObj) -> R<bool> {
        let entries: Vec<(u64, Value)> = left
            .table
            .borrow()
            .iter()
            .map(|entry| (entry.hash, entry.key.clone()))
            .collect();
        self.plan_elements(entries.len())?;
        for (hash, item) in entries {
            if self.find_in_set(right, hash, &item)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `|`, `&`, `-`, `^`
    pub(crate) fn set_operation(
        &mut self,
        op: Bin,
        left: &Rc<SetObj>,
        right: &Rc<SetObj>,
    ) -> R<Value> {
        let table = self.combined(op, left, right)?;
        Value::set(table, left.frozenset)
    }

    fn combined(&mut self, op: Bin, left: &SetObj, right: &SetObj) -> R<HashTable> {
        let (own, other) = (left.table.borrow(), right.table.borrow());
        self.plan_elements((own.len() + other.len()) * 3)?;
        let mut made = HashTable::default();
        for entry in own.iter() {
            self.spend(1)?;
            let keep = match op {
                Bin::Or => true,
                Bin::And => self.find_in(&other, entry.hash, &entry.key)?.is_some(),
                _ => self.find_in(&other, entry.hash, &entry.key)?.is_none(),
            };
            if keep {
                made.push(entry.hash, entry.key.clone(), Value::None);
            }
        }
        if matches!(op, Bin::Or | Bin::Xor) {
            for entry in other.iter() {
                self.spend(1)?;
                if self.find_in(&own, entry.hash, &entry.key)?.is_none() {
                    made.push(entry.hash, entry.key.clone(), Value::None);
                }
            }
        }
        Ok(made)
    }

    /// `|=`, `&=`, `-=`, `^=`
    pub(crate) fn set_update(&mut self, op: Bin, set: &Rc<SetObj>, other: &Rc<SetObj>) -> R<()> {
        self.may_change(&set.flags)?;
        let table = self.combined(op, set, other)?;
        set.charge.reach(OBJECT_BYTES + table.len() * ENTRY_BYTES)?;
        let old = set.table.replace(table);
        drop(old);
        Ok(())
    }

    pub(crate) fn set_method(
        &mut self,
        set: &Rc<SetObj>,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let (least, most) = match method {
            Method::Add
            | Method::Discard
            | Method::Remove
            | Method::Isdisjoint
            | Method::Issubset
            | Method::Issuperset
            | Method::SymmetricDifference
            | Method::SymmetricDifferenceUpdate => (1, 1),
            Method::Clear | Method::Copy | Method::Pop => (0, 0),
            _ => (0, 100),
        };
        self.arity(method.name(), arguments, names, least, most)?;
        let this = Value::Set(set.clone());
        match method {
            Method::Pop => self.set_pop(set),
            Method::Add => self
                .set_add(&this, std::mem::take(&mut arguments[0]))
                .map(|()| Value::None),
            Method::Discard | Method::Remove => {
                self.may_change(&set.flags)?;
                let found = self.find_element(set, &arguments[0])?;
                let removed = found.and_then(|at| set.table.borrow_mut().remove(at));
                if removed.is_none() && method == Method::Remove {
                    return Err(raise_with(Exc::KeyError, vec![arguments[0].clone()]));
                }
                Ok(Value::None)
            }
            Method::Clear => {
                self.may_change(&set.flags)?;
                let items = set.table.borrow_mut().clear();
                crate::memory::drop_items(items);
                Ok(Value::None)
            }
            Method::Copy => {
                self.plan_elements(set.table.borrow().len() * 3)?;
                Value::set(set.table.borrow().clone(), set.frozenset)
            }
            Method::Issubset | Method::Issuperset | Method::Isdisjoint => {
                let other = self.as_set(&arguments[0])?;
                let Value::Set(other) = &other else {
                    return Err(malformed());
                };
                let answer = match method {
                    Method::Issubset => self.is_subset(set, other)?,
                    Method::Issuperset => self.is_subset(other, set)?,
                    _ => self.combined(Bin::And, set, other)?.len() == 0,
                };
                Ok(Value::Bool(answer))
            }
            _ => self.set_algebra(set, method, arguments),
        }
    }

    fn set_algebra(&mut self, set: &Rc<SetObj>, method: Method, arguments: &[Value]) -> R<Value> {
        let (op, update) = match method {
            Method::Union => (Bin::Or, false),
            Method::Update => (Bin::Or, true),
            Method::Intersection => (Bin::And, false),
            Method::IntersectionUpdate => (Bin::And, true),
            Method::Difference => (Bin::Sub, false),
            Method::DifferenceUpdate => (Bin::Sub, true),
            Method::SymmetricDifferenceUpdate => (Bin::Xor, true),
            _ => (Bin::Xor, false),
        };
        if update {
            for argument in arguments {
                let other = self.as_set(argument)?;
                let Value::Set(other) = &other else {
                    return Err(malformed());
                };
                self.set_update(op, set, other)?;
            }
            return Ok(Value::None);
        }
        self.plan_elements(set.table.borrow().len() * 3)?;
        let mut result = Value::set(set.table.borrow().clone(), set.frozenset)?;
        for argument in arguments {
            let other = self.as_set(argument)?;
            let (Value::Set(own), Value::Set(other)) = (&result, &other) else {
                return Err(malformed());
            };
            result = self.set_operation(op, own, other)?;
        }
        Ok(result)
    }
}
